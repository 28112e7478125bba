//! A board that predicts: many samples to be counted, or one to be looked at.

use anyhow::{Result, ensure};
use thumbnet_protocol::{Status, Stream, Taken, runs};

use super::client::Client;
use super::flow::{Source, Traffic, Whole};
use crate::data::Samples;

/// What came of an evaluation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evaluated {
    /// Accuracy, cost and checksums.
    pub status: Status,
    /// What went over the line.
    pub traffic: Traffic,
}

/// Shows the board samples as its network sees them.
///
/// # Errors
///
/// The board has no weights, or does not answer.
pub fn evaluate(client: &mut Client, samples: &Samples) -> Result<Evaluated> {
    let mut source = Labelled { samples, next: 0 };
    let traffic = client.stream(Stream::Evaluate, &mut source)?;
    let status = client.status()?;
    ensure!(
        status.samples as usize == samples.len(),
        "the board has seen {} samples, expected {}",
        status.samples,
        samples.len()
    );
    Ok(Evaluated { status, traffic })
}

/// The class and the scores of one sample, as the board's network sees it.
///
/// # Errors
///
/// The board has no weights, or does not answer.
pub fn predict(client: &mut Client, inputs: &[u8], classes: usize) -> Result<(usize, Vec<f32>)> {
    let mut bytes = Vec::new();
    runs::code(inputs, |piece| bytes.extend_from_slice(piece));
    client.stream(Stream::Predict, &mut Whole::new(&bytes, |_| ()))?;
    let class = client.status()?.class;
    Ok((class.into(), client.scores(classes)?))
}

/// Samples, each with its label.
struct Labelled<'a> {
    samples: &'a Samples,
    next: usize,
}

impl Source for Labelled<'_> {
    fn next(&mut self, bytes: &mut Vec<u8>) -> Result<bool> {
        if self.next == self.samples.len() {
            return Ok(false);
        }
        bytes.push(self.samples.labels[self.next]);
        let image = self.samples.image(self.next);
        runs::code(image, |piece| bytes.extend_from_slice(piece));
        self.next += 1;
        Ok(true)
    }

    fn taken(&mut self, _: &Taken) -> Result<()> {
        Ok(())
    }
}
