//! Training from a stream of samples, mini-batch by mini-batch.

use embedded_hal::digital::OutputPin;
use embedded_io::Read;
use thumbnet::cost::{CostFunction, TrainsWith};
use thumbnet::input::Width;
use thumbnet::optimizer::Optimizer;
use thumbnet::trainer::BatchError;
use thumbnet::{Network, Trainer};

use crate::board::{Board, per_sample};
use crate::idx::{Batch, IdxError, Samples};
use crate::meter::Meter;

/// How many samples lie between two [`Progress`] reports, if mini-batches allow it.
pub const REPORT_EVERY: u32 = 100;

/// How training goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Samples trained on so far.
    pub samples: u32,
    /// The mean cost of those since the last report, each before its own step.
    pub mean_cost: f32,
}

sentences!(Progress {
    progress => "{} samples, mean cost {} since the last report", progress.samples, progress.mean_cost;
});

/// What training took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Training {
    /// Samples trained on.
    pub samples: u32,
    /// What a sample's share of a step cost on average, in the [`Meter`]'s unit.
    pub cost_per_sample: u64,
    /// That unit.
    pub unit: &'static str,
    /// CRC-32 of all weights and biases: equal bits, equal number.
    pub weights_crc32: u32,
}

sentences!(Training {
    training => "trained on {} samples, {} {} per sample, CRC-32 of weights {:08x}",
        training.samples, training.cost_per_sample, training.unit, training.weights_crc32;
});

/// Why training stopped before its samples ended.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum TrainError {
    /// The samples cannot be read.
    Samples(IdxError),
    /// The trainer does not take them.
    Batch(BatchError),
    /// The cost is no longer a number.
    Diverged {
        /// Samples trained on by then.
        samples: u32,
    },
}

sentences!(TrainError {
    Self::Samples(error) => "{}", error;
    Self::Batch(error) => "{}", error;
    Self::Diverged { samples } =>
        "the cost is not a finite number after {} samples: train with a lower learning rate", samples;
});

impl core::error::Error for TrainError {}

impl From<IdxError> for TrainError {
    fn from(error: IdxError) -> Self {
        Self::Samples(error)
    }
}

impl From<BatchError> for TrainError {
    fn from(error: BatchError) -> Self {
        Self::Batch(error)
    }
}

/// Trains once on every sample that is left, in order, in mini-batches as large as `batch`; the last
/// one may be smaller.
///
/// `report` is called about every [`REPORT_EVERY`] samples.
///
/// # Errors
///
/// If the samples cannot be read, or the cost stops being a finite number.
// Not inlined, as `evaluate` is not.
#[inline(never)]
pub fn train<N, O, C, I, L, M, P, const BATCH: usize, const PIXELS: usize, const CLASSES: usize>(
    trainer: &mut Trainer<'_, N, O, C, BATCH>,
    samples: &mut Samples<I, L, PIXELS, CLASSES>,
    batch: &mut Batch<PIXELS, BATCH>,
    board: &mut Board<M, P>,
    mut report: impl FnMut(Progress),
) -> Result<Training, TrainError>
where
    N: Network<Inputs = Width<PIXELS>, Scores = [f32; CLASSES]>,
    O: Optimizer,
    C: CostFunction,
    N::Output: TrainsWith<C>,
    I: Read,
    L: Read,
    M: Meter,
    P: OutputPin,
{
    let mut trained = 0;
    let mut cost = 0;
    let mut unreported = (0, 0.0);

    loop {
        let (pixels, labels) = samples.fill(batch)?;
        if labels.is_empty() {
            break;
        }
        let (mean_cost, step_cost) = board.work(|| trainer.batch(pixels, labels));
        let mean_cost = mean_cost?;
        let count = labels.len() as u32;
        trained += count;
        cost += step_cost;
        if !mean_cost.is_finite() {
            return Err(TrainError::Diverged { samples: trained });
        }

        let (samples, cost_sum) = &mut unreported;
        *samples += count;
        *cost_sum += mean_cost * count as f32;
        if *samples >= REPORT_EVERY {
            report(Progress {
                samples: trained,
                mean_cost: *cost_sum / *samples as f32,
            });
            unreported = (0, 0.0);
        }
    }

    Ok(Training {
        samples: trained,
        cost_per_sample: per_sample(cost, trained),
        unit: M::UNIT,
        weights_crc32: trainer.network().weights_crc32(),
    })
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::testing::{bench, images, labels};
    use std::vec::Vec;
    use thumbnet::optimizer::Zeroed;
    use thumbnet::prelude::*;

    type Tiny = Mlp<2, 3, 2>;

    /// 250 samples of two kinds that a network can tell apart.
    fn two_kinds() -> (Vec<u8>, Vec<u8>) {
        let kinds = |sample: usize| {
            if sample.is_multiple_of(2) {
                [255, 0]
            } else {
                [0, 255]
            }
        };
        let pixels: Vec<u8> = (0..250).flat_map(kinds).collect();
        let classes: Vec<u8> = (0..250).map(|sample| (sample % 2) as u8).collect();
        (images([250, 1, 2], &pixels), labels(250, &classes))
    }

    fn run<const BATCH: usize>(
        learning_rate: f32,
    ) -> (Result<Training, TrainError>, Vec<Progress>) {
        let (images, labels) = two_kinds();
        let mut samples = Samples::<_, _, 2, 2>::new(&images[..], &labels[..]).unwrap();
        let mut network = Tiny::ZEROED;
        network.init_weights(&mut XorShiftRng::seed_from_u64(7));
        let mut state = TrainState::ZEROED;
        let config = TrainConfig::new(learning_rate);
        let mut trainer = Trainer::<_, _, _, BATCH>::new(config, &mut network, &mut state).unwrap();

        let mut batch = Batch::<2, BATCH>::ZEROED;
        let mut reports = Vec::new();
        let result = train(
            &mut trainer,
            &mut samples,
            &mut batch,
            &mut bench(),
            |progress| {
                reports.push(progress);
            },
        );
        (result, reports)
    }

    #[test]
    fn learns_and_reports() {
        let (training, reports) = run::<1>(2.0);
        let training = training.unwrap();

        assert_eq!(training.samples, 250);
        assert_eq!(training.cost_per_sample, 1);
        let [first, second] = reports[..] else {
            panic!("two reports expected: {reports:?}")
        };
        assert_eq!((first.samples, second.samples), (100, 200));
        assert!(second.mean_cost < first.mean_cost, "{reports:?}");
    }

    #[test]
    fn the_last_mini_batch_may_be_smaller() {
        let (training, reports) = run::<40>(2.0);

        assert_eq!(training.unwrap().samples, 250);
        let samples: Vec<u32> = reports.iter().map(|report| report.samples).collect();
        assert_eq!(samples, [120, 240]);
    }

    #[test]
    fn divergence_is_an_error() {
        let (training, _) = run::<1>(f32::MAX);

        assert!(
            matches!(training, Err(TrainError::Diverged { .. })),
            "{training:?}"
        );
    }
}
