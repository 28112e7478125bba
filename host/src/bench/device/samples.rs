//! The samples that boards are measured with, as bytes that are put into a board's memory.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::data::{self, DataChoice};
use crate::files::write_atomically;

/// How many there are, as in `firmware/mps2/src/bench.rs`.
pub(super) const SAMPLES: u64 = 16;

/// The shape of a network, which goes with a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Shape {
    /// MNIST's 28 x 28 pixels.
    Mnist,
    /// The 8 x 8 pixels of the digits in this program.
    Digits,
}

impl Shape {
    pub(super) const ALL: [Self; 2] = [Self::Mnist, Self::Digits];

    /// In the name of a row.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Mnist => "784_32_10",
            Self::Digits => "64_32_10",
        }
    }

    /// The weights file, from the root of the repository.
    pub(super) const fn model(self) -> &'static str {
        match self {
            Self::Mnist => "firmware/models/784-32-10.thumbnet",
            Self::Digits => "firmware/models/64-32-10.thumbnet",
        }
    }

    const fn inputs(self) -> u32 {
        match self {
            Self::Mnist => 784,
            Self::Digits => 64,
        }
    }

    /// Bytes of the weights and biases in flash.
    pub(super) const fn model_bytes(self) -> u32 {
        4 * ((self.inputs() + 1) * 32 + 33 * 10)
    }

    const fn data(self) -> DataChoice {
        match self {
            Self::Mnist => DataChoice::Mnist,
            Self::Digits => DataChoice::Digits,
        }
    }
}

/// Files with the samples of each shape.
pub(super) struct SampleFiles {
    mnist: PathBuf,
    dense: PathBuf,
    digits: PathBuf,
}

impl SampleFiles {
    /// The file for a shape, of images without any pixel that is 0 if `dense`.
    pub(super) fn file(&self, shape: Shape, dense: bool) -> &Path {
        match (shape, dense) {
            (Shape::Mnist, false) => &self.mnist,
            (Shape::Mnist, true) => &self.dense,
            (Shape::Digits, _) => &self.digits,
        }
    }
}

/// Writes the samples into a folder.
///
/// # Errors
///
/// MNIST cannot be had, or the folder cannot be written.
pub(super) fn write(folder: &Path) -> Result<SampleFiles> {
    let save = |name: &str, bytes: &[u8]| -> Result<PathBuf> {
        let path = folder.join(name);
        write_atomically(&path, bytes)?;
        Ok(path)
    };
    let mnist = first(Shape::Mnist)?;
    // Labels may be 0, and stay it.
    let pixels = mnist.len() - SAMPLES as usize;
    let mut dense = mnist.clone();
    for pixel in &mut dense[..pixels] {
        *pixel = (*pixel).max(1);
    }
    Ok(SampleFiles {
        mnist: save("mnist", &mnist)?,
        dense: save("dense", &dense)?,
        digits: save("digits", &first(Shape::Digits)?)?,
    })
}

/// The first training images of a shape's data set, and then their labels.
fn first(shape: Shape) -> Result<Vec<u8>> {
    let dataset = data::load(&shape.data()).context("the samples to measure with")?;
    let (count, pixels) = (SAMPLES as usize, shape.inputs() as usize);
    let train = &dataset.train;
    ensure!(
        train.len() >= count && train.pixels() == pixels,
        "expected at least {count} images of {pixels} pixels in {}",
        dataset.source
    );
    Ok([&train.images[..count * pixels], &train.labels[..count]].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_as_long_as_their_files() {
        for shape in Shape::ALL {
            let path = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("..")
                .join(shape.model());
            let header = thumbnet::format::HEADER_BYTES as u64;
            let length = std::fs::metadata(path).unwrap().len();
            assert_eq!(length, header + u64::from(shape.model_bytes()), "{shape:?}");
        }
    }

    #[test]
    fn images_are_followed_by_their_labels() {
        let digits = first(Shape::Digits).unwrap();
        assert_eq!(digits.len(), 16 * 64 + 16);
        assert_eq!(
            digits[16 * 64..],
            [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3, 4, 5]
        );
    }
}
