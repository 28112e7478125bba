//! A network whose shape is known only at run time: its parameters, its file, its predictions.

use std::path::Path;

use anyhow::{Context, Result, bail};
use rand_core::SeedableRng;
use rand_xorshift::XorShiftRng;
use thumbnet::format::{self, Header};
use thumbnet::{Activation, Architecture, Cost, Initialization, LayerShape, Preparation};

use crate::files::write_atomically;

/// A network with any layers.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Its layers.
    pub architecture: Architecture,
    /// What it is trained with.
    pub cost: Cost,
    /// What is done to images before it sees them, in training as in use.
    pub preparation: Preparation,
    /// Layer by layer, weights `[fan_in][fan_out]` and then biases `[fan_out]`: the order of the
    /// weights file.
    pub parameters: Vec<f32>,
}

impl Model {
    /// A network with fresh weights for inputs as they are, the very ones that `init_weights_with` gives a board which
    /// seeds its generator with `seed`.
    pub fn fresh(
        architecture: Architecture,
        cost: Cost,
        initialization: Initialization,
        seed: u64,
    ) -> Self {
        let mut rng = XorShiftRng::seed_from_u64(seed);
        let mut parameters = vec![0.0; architecture.parameters()];
        let mut rest = parameters.as_mut_slice();
        for layer in architecture.layers() {
            let (own, behind) = rest.split_at_mut(layer.parameters());
            let (weights, biases) = own.split_at_mut(layer.fan_in * layer.fan_out);
            initialization.draw(&mut rng, *layer, weights, biases);
            rest = behind;
        }
        Self {
            architecture,
            cost,
            preparation: Preparation::None,
            parameters,
        }
    }

    /// Reads a weights file.
    ///
    /// # Errors
    /// When the file cannot be read or is not a whole weights file.
    pub fn load(path: &Path) -> Result<Self> {
        let file = std::fs::read(path)
            .with_context(|| format!("cannot read the model {}", path.display()))?;
        Self::parse(&file).with_context(|| format!("cannot use {} as a model", path.display()))
    }

    /// The network of a weights file.
    ///
    /// # Errors
    /// When the bytes are not a whole weights file.
    pub fn parse(file: &[u8]) -> Result<Self> {
        let (header, bytes) = format::read(file)?;
        let parameters = bytes
            .as_chunks()
            .0
            .iter()
            .map(|&b| f32::from_le_bytes(b))
            .collect();
        Ok(Self {
            architecture: header.architecture,
            cost: header.cost,
            preparation: header.preparation,
            parameters,
        })
    }

    /// The weights file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let parameters: Vec<u8> = self
            .parameters
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        let header = Header {
            architecture: self.architecture,
            cost: self.cost,
            preparation: self.preparation,
            weights_crc32: format::CRC_32.checksum(&parameters),
        };
        [&header.to_bytes(), parameters.as_slice()].concat()
    }

    /// Writes a weights file, whole or not at all.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        write_atomically(path, &self.to_bytes())
    }

    /// CRC-32 of all parameters, the number that boards print.
    pub fn weights_crc32(&self) -> u32 {
        let mut digest = format::CRC_32.digest();
        for value in &self.parameters {
            digest.update(&value.to_le_bytes());
        }
        digest.finalize()
    }

    /// Shape, weights and biases of each layer, first to last.
    pub fn layers(&self) -> impl Iterator<Item = (LayerShape, &[f32], &[f32])> {
        let mut rest = self.parameters.as_slice();
        self.architecture.layers().iter().map(move |&shape| {
            let (own, behind) = rest.split_at(shape.parameters());
            rest = behind;
            let (weights, biases) = own.split_at(shape.fan_in * shape.fan_out);
            (shape, weights, biases)
        })
    }
}

/// Reads a shape such as `784-100-10`: inputs, hidden units.., classes, separated by `-`.
///
/// # Errors
/// Says which part is not a positive number, or why the layers do not make a network.
pub fn parse_architecture(
    text: &str,
    hidden: Activation,
    output: Activation,
) -> Result<Architecture> {
    let mut widths = Vec::new();
    for part in text.split('-') {
        match part.parse::<usize>() {
            Ok(width) if width > 0 => widths.push(width),
            _ => bail!(
                "the shape {text:?} has {part:?} where a number of units from 1 was expected; \
                 write for example 784-100-10"
            ),
        }
    }
    if widths.len() < 2 {
        bail!("the shape {text:?} has no layer: write inputs and classes, for example 784-100-10");
    }
    let last = widths.len() - 2;
    let layers: Vec<LayerShape> = widths
        .windows(2)
        .enumerate()
        .map(|(index, pair)| LayerShape {
            fan_in: pair[0],
            fan_out: pair[1],
            activation: if index == last { output } else { hidden },
        })
        .collect();
    Architecture::new(&layers).with_context(|| format!("the shape {text:?} makes no network"))
}

#[cfg(test)]
mod tests {
    use thumbnet::architecture::ArchitectureError;
    use thumbnet::preparation::Size;

    use super::*;

    fn shape(text: &str) -> Result<Architecture> {
        parse_architecture(text, Activation::Relu, Activation::Softmax)
    }

    #[test]
    fn shapes_are_read_and_refused() {
        assert_eq!(shape("784-100-10").unwrap().to_string(), "784-100-10");
        for bad in [
            "", "784", "784-0-10", "784--10", "784-x-10", "-3-2", "784-10-", "1e3-2",
        ] {
            assert!(shape(bad).is_err(), "{bad:?}");
        }
        let error = shape("99999999-99999999").unwrap_err();
        assert_eq!(
            error.downcast_ref(),
            Some(&ArchitectureError::TooLarge { layer: 0 }),
            "{error:#}"
        );
    }

    #[test]
    fn files_round_trip() {
        let (cost, initialization) = (Cost::SoftmaxCrossEntropy, Initialization::default());
        let preparation = Preparation::Deskew(Size::of::<3, 2>());
        let model = Model {
            preparation,
            ..Model::fresh(shape("6-5-3").unwrap(), cost, initialization, 1)
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.thumbnet");
        model.save(&path).unwrap();
        assert_eq!(Model::load(&path).unwrap(), model);
        assert_eq!(
            std::fs::read_dir(&folder).unwrap().count(),
            1,
            "no temporary file is left"
        );
    }
}
