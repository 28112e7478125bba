//! `state.bin`: what it takes to go on with a run, to the last bit.
//!
//! The file is 16 bytes that name it and its version, the CRC-32 of the rest in four bytes,
//! little-endian, and then [`Saved`] as [postcard](https://postcard.jamesmunns.com) writes it:
//! floating-point numbers by their bits.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use super::fit::Fit;
use super::plan::Plan;
use crate::data::Dataset;
use crate::files::write_atomically;
use crate::history::EpochRecord;
use crate::training::EngineState;

const MAGIC: &[u8; 16] = b"thumbnet state 1";

/// A run at the end of an epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct Saved {
    /// CRC-32 of the training images and labels.
    pub data_crc32: u32,
    /// All epochs so far.
    pub history: Vec<EpochRecord>,
    /// The parameters of the best epoch.
    pub best: Vec<f32>,
    /// Which epoch that is; 0 for the weights it all began with.
    pub best_epoch: usize,
    /// Samples trained in all epochs.
    pub samples: usize,
    /// Time spent training.
    pub seconds: f64,
    /// Parameters, what the optimiser keeps, generators, the order of the samples.
    pub engine: EngineState,
}

/// The same for the file. History is written as numbers alone: in JSON, for which it has its form,
/// what is not finite is null.
#[derive(Serialize, Deserialize)]
struct Body<B, E> {
    data_crc32: u32,
    history: Vec<[f64; 5]>,
    best: B,
    best_epoch: usize,
    samples: usize,
    seconds: f64,
    engine: E,
}

impl Saved {
    /// Reads a state.
    ///
    /// # Errors
    ///
    /// The file cannot be read, is damaged, or is of another version.
    pub fn load(path: &Path) -> Result<Self> {
        let file = std::fs::read(path)
            .with_context(|| format!("cannot read the state {}", path.display()))?;
        Self::parse(&file).with_context(|| format!("cannot go on from {}", path.display()))
    }

    /// Whether the run of `plan` can go on from here.
    ///
    /// # Errors
    ///
    /// This is the state of another run.
    pub fn check(&self, plan: &Plan) -> Result<()> {
        let architecture = plan.initial.architecture;
        let fits = self.best.len() == architecture.parameters()
            && self.best_epoch <= self.history.len()
            && self
                .engine
                .fits(&architecture, &plan.hyperparameters(), plan.train_samples);
        ensure!(
            fits,
            "the state is not that of a run of {architecture} on {} samples",
            plan.train_samples
        );
        Ok(())
    }

    fn parse(file: &[u8]) -> Result<Self> {
        let (head, rest) = file
            .split_at_checked(MAGIC.len())
            .context("it is too short")?;
        ensure!(
            head == MAGIC,
            "expected the state of a run of this version of thumbnet, found another file"
        );
        let (crc, body) = rest.split_first_chunk().context("it is too short")?;
        let (expected, found) = (u32::from_le_bytes(*crc), crc32fast::hash(body));
        ensure!(
            expected == found,
            "it is damaged: expected the CRC-32 {expected:08x}, found {found:08x}"
        );
        let body: Body<Vec<f32>, EngineState> = postcard::from_bytes(body)?;
        let history = body.history.into_iter().enumerate();
        Ok(Self {
            data_crc32: body.data_crc32,
            history: history
                .map(|(index, numbers)| {
                    let [
                        train_cost,
                        validation_cost,
                        validation_accuracy,
                        learning_rate,
                        seconds,
                    ] = numbers;
                    EpochRecord {
                        epoch: index + 1,
                        train_cost,
                        validation_cost,
                        validation_accuracy,
                        learning_rate,
                        seconds,
                    }
                })
                .collect(),
            best: body.best,
            best_epoch: body.best_epoch,
            samples: body.samples,
            seconds: body.seconds,
            engine: body.engine,
        })
    }
}

/// Writes the state of `fit`, whole or not at all; nothing where it cannot go on from there.
///
/// # Errors
///
/// When the file cannot be written.
pub fn save(fit: &Fit, data_crc32: u32, path: &Path) -> Result<()> {
    let Some(engine) = &fit.state else {
        return Ok(());
    };
    let history = fit.history.iter().map(|record| {
        [
            record.train_cost,
            record.validation_cost,
            record.validation_accuracy,
            record.learning_rate,
            record.seconds,
        ]
    });
    let body = postcard::to_stdvec(&Body {
        data_crc32,
        history: history.collect(),
        best: &fit.best.parameters,
        best_epoch: fit.best_epoch,
        samples: fit.samples,
        seconds: fit.seconds,
        engine,
    })?;
    let crc = crc32fast::hash(&body).to_le_bytes();
    write_atomically(path, &[MAGIC.as_slice(), &crc, &body].concat())
}

/// CRC-32 of everything that may be trained on.
pub fn data_crc32(data: &Dataset) -> u32 {
    let mut digest = crc32fast::Hasher::new();
    for part in [&data.train, &data.validation] {
        digest.update(&part.images);
        digest.update(&part.labels);
    }
    digest.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{DataChoice, load};

    #[test]
    fn the_data_have_the_crc_32_that_weights_files_have() {
        let data = load(&DataChoice::Xor).unwrap();
        let [train, validation] = [&data.train, &data.validation];
        let parts = [
            &train.images,
            &train.labels,
            &validation.images,
            &validation.labels,
        ];
        let all = parts.map(Vec::as_slice).concat();
        assert_eq!(data_crc32(&data), thumbnet::format::CRC_32.checksum(&all));
    }
}
