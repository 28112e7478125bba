//! What is measured, and how it is timed.

use std::hint::black_box;
use std::time::Instant;

use anyhow::{Context, Result};
use thumbnet::augment::Augment;
use thumbnet::prelude::*;
use thumbnet::{Activation, Cost, Initialization};

use super::REPETITIONS;
use super::operations::Used;
use crate::data::Samples;
use crate::model::{Model, parse_architecture};
use crate::training::{
    Engine, EngineState, Hyperparameters, ImageSource, Instructions, OptimizerChoice, Predictor,
    Progress, SparseImages, TrainingImages,
};

/// Where weights, shuffles, masks and distortions come from.
const SEED: u64 = 7;

/// Lambda over the number of samples, as `book-100` has it.
const L2: f32 = 5.0 / 50_000.0;

/// Training with this network is measured on fewer images, which takes long enough.
const WIDE: usize = 800;
const IMAGES_FOR_WIDE: usize = 10_000;

/// How images are distorted.
const AUGMENT: Augment = Augment {
    shift: 1.0,
    rotation: 0.15,
    scale: 0.1,
    shear: 0.1,
    elastic: 0.7,
};

/// One kind of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Work {
    pub(super) kind: Kind,
    /// Hidden units of 784-hidden-10.
    pub(super) hidden: usize,
    /// Samples of a mini-batch, or of a call.
    pub(super) batch: usize,
}

/// What is done with samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Train(Extra),
    Infer,
}

/// What training has beside plain gradient descent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::bench) enum Extra {
    None,
    Momentum,
    Adam,
    Dropout,
    Augmentation,
}

impl Extra {
    /// All but none.
    pub(super) const REAL: [Self; 4] = [
        Self::Momentum,
        Self::Adam,
        Self::Dropout,
        Self::Augmentation,
    ];

    /// The share of hidden units that a sample keeps.
    pub(super) const fn kept(self) -> f64 {
        match self {
            Self::Dropout => 0.5,
            _ => 1.0,
        }
    }
}

impl Work {
    /// In a row: what, the shape, and the extra.
    pub(super) fn name(&self) -> String {
        let hidden = self.hidden;
        match self.kind {
            Kind::Infer => format!("infer_784_{hidden}_10"),
            Kind::Train(extra) => {
                let extra = match extra {
                    Extra::None => "",
                    Extra::Momentum => "_momentum",
                    Extra::Adam => "_adam",
                    Extra::Dropout => "_dropout",
                    Extra::Augmentation => "_augmentation",
                };
                format!("train_784_{hidden}_10{extra}")
            }
        }
    }

    /// The network, with fresh weights.
    fn model(&self) -> Result<Model> {
        let shape = format!("784-{}-10", self.hidden);
        let architecture = parse_architecture(&shape, Activation::Sigmoid, Activation::Sigmoid)?;
        let initialization = Initialization::default();
        Ok(Model::fresh(
            architecture,
            Cost::CrossEntropy,
            initialization,
            SEED,
        ))
    }
}

impl Extra {
    pub(in crate::bench) const fn hyperparameters(self, batch_size: usize) -> Hyperparameters {
        Hyperparameters {
            cost: Cost::CrossEntropy,
            batch_size,
            drop_last: false,
            optimizer: match self {
                Self::Momentum => OptimizerChoice::Momentum(0.9),
                Self::Adam => OptimizerChoice::Adam(Adam::DEFAULT),
                _ => OptimizerChoice::Sgd,
            },
            weight_decay: WeightDecay::L2(L2),
            clip_norm: None,
            dropout: match self {
                Self::Dropout => DropoutRates::hidden(0.5),
                _ => DropoutRates::NONE,
            },
            input_scale: 1.0,
        }
    }

    /// Low enough for all of them to learn.
    const fn learning_rate(self) -> f32 {
        match self {
            Self::Momentum => 0.01,
            Self::Adam => 0.001,
            _ => 0.1,
        }
    }
}

/// What all rows share.
pub(super) struct Bench<'a> {
    samples: &'a Samples,
    /// For each pixel, the share of samples in which it is not zero.
    presence: Vec<f64>,
    instructions: Instructions,
}

impl<'a> Bench<'a> {
    pub(super) fn new(samples: &'a Samples, instructions: Instructions) -> Self {
        let mut counts = vec![0_u32; samples.pixels()];
        for image in samples.images.chunks_exact(samples.pixels()) {
            for (count, &pixel) in counts.iter_mut().zip(image) {
                *count += u32::from(pixel != 0);
            }
        }
        let share = |count: &u32| f64::from(*count) / samples.len() as f64;
        Self {
            samples,
            presence: counts.iter().map(share).collect(),
            instructions,
        }
    }

    /// The median speed.
    ///
    /// # Errors
    ///
    /// None for the samples of MNIST.
    pub(super) fn samples_per_second(&self, work: &Work, threads: usize) -> Result<f64> {
        let mut speeds = match work.kind {
            Kind::Train(extra) => self.training(work, extra, threads)?,
            Kind::Infer if work.batch == 1 => self.single_predictions(work)?,
            Kind::Infer => self.predictions(work, threads)?,
        };
        speeds.sort_by(f64::total_cmp);
        speeds
            .get(speeds.len() / 2)
            .copied()
            .context("nothing was measured")
    }

    /// Operations that a sample needs, and bytes.
    pub(super) fn needs(&self, work: &Work) -> (f64, f64) {
        let used = Used {
            presence: &self.presence,
            hidden: work.hidden as f64,
            classes: 10.0,
        };
        let batch = work.batch;
        match work.kind {
            Kind::Train(extra) => (
                used.operations_of_training(batch, extra),
                used.bytes_of_training(batch, extra),
            ),
            Kind::Infer => (
                used.operations_of_prediction(),
                used.bytes_of_prediction(batch),
            ),
        }
    }

    fn training(&self, work: &Work, extra: Extra, threads: usize) -> Result<Vec<f64>> {
        let (model, hyperparameters) = (work.model()?, extra.hyperparameters(work.batch));
        let state = EngineState::new(&model, &hyperparameters, SEED, true);
        let architecture = model.architecture;
        let mut engine = Engine::new(
            architecture,
            hyperparameters,
            state,
            threads,
            self.instructions,
        );
        let count = match work.hidden {
            WIDE => IMAGES_FOR_WIDE,
            _ => self.samples.len(),
        };
        let source = ImageSource {
            augment: match extra {
                Extra::Augmentation => AUGMENT,
                _ => Augment::NONE,
            },
            seed: SEED,
            ..ImageSource::plain(self.samples, count)
        };
        std::thread::scope(|scope| {
            let mut images = TrainingImages::start(scope, source, 1, threads)?;
            timed(|| {
                let images: &SparseImages<'_> = images.next_epoch()?;
                let rate = extra.learning_rate();
                let trained = engine.epoch(images, &|_| rate, &Progress::default());
                Ok(trained.samples)
            })
        })
    }

    /// Mini-batches, by the engine.
    fn predictions(&self, work: &Work, threads: usize) -> Result<Vec<f64>> {
        let mut predictor = Predictor::new(&work.model()?, threads, self.instructions);
        let portions: Vec<Samples> = self
            .samples
            .images
            .chunks(work.batch * self.samples.pixels())
            .zip(self.samples.labels.chunks(work.batch))
            .take(20)
            .map(|(images, labels)| Samples {
                images: images.to_vec(),
                labels: labels.to_vec(),
                ..*self.samples
            })
            .collect();
        timed(|| {
            let mut count = 0;
            for portion in &portions {
                count += black_box(predictor.evaluate(portion)).predictions.len();
            }
            Ok(count)
        })
    }

    /// One image after the other.
    fn single_predictions(&self, work: &Work) -> Result<Vec<f64>> {
        let mut predictor = Predictor::new(&work.model()?, 1, self.instructions);
        timed(|| {
            for index in 0..self.samples.len() {
                black_box(predictor.predict(self.samples.image(index)));
            }
            Ok(self.samples.len())
        })
    }
}

/// Samples per second of each repetition but the first, which warms up.
fn timed(mut work: impl FnMut() -> Result<usize>) -> Result<Vec<f64>> {
    let mut speeds = Vec::new();
    for repetition in 0..=REPETITIONS {
        let start = Instant::now();
        let samples = work()?;
        if repetition > 0 {
            speeds.push(samples as f64 / start.elapsed().as_secs_f64());
        }
    }
    Ok(speeds)
}
