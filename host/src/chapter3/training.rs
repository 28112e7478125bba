//! One training of a figure: what is trained, and what is measured on the way.

use std::sync::atomic::Ordering;
use std::time::Instant;

use anyhow::Result;
use thumbnet::augment::Augment;
use thumbnet::preparation::Preparation;
use thumbnet::{Activation, Cost, DropoutRates, Initialization, WeightDecay};

use super::results::Scale;
use crate::data::{Dataset, Samples};
use crate::model::{Model, parse_architecture};
use crate::training::{
    Engine, EngineState, Hyperparameters, ImageSource, Instructions, OptimizerChoice, Progress,
    evaluate, layer_gradient_norms,
};

/// So many training images show the gradient before training.
const SHOWING_GRADIENT: usize = 1_000;

/// A training, the same with every seed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Training {
    /// How many of the training images are learned from, the first.
    pub(super) images: usize,
    /// Units of each hidden layer.
    pub(super) hidden: Vec<usize>,
    pub(super) activation: Activation,
    /// Outputs are sigmoid units, with either cost.
    pub(super) cost: Cost,
    pub(super) initialization: Initialization,
    pub(super) optimizer: OptimizerChoice,
    /// `eta`.
    pub(super) learning_rate: f32,
    pub(super) batch_size: usize,
    /// Its rate is `lambda / images`.
    pub(super) weight_decay: WeightDecay,
    /// How often hidden units are dropped.
    pub(super) dropout: f32,
    pub(super) augment: Augment,
    pub(super) epochs: usize,
    /// Epochs from one measurement to the next; the first and the last are always measured.
    pub(super) every: usize,
    /// How many of the images learned from, and how many validation images, are read for each
    /// measurement, at most.
    pub(super) evaluated: usize,
    /// Whether gradients before training and weights after it are kept.
    pub(super) closely: bool,
}

/// Where a training stands after an epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Point {
    pub(super) epoch: usize,
    /// Mean cost and share of right answers on the first of the images that are learned from, without the weight decay term.
    pub(super) train_cost: f64,
    pub(super) train_accuracy: f64,
    /// The same on the first validation images.
    pub(super) validation_cost: f64,
    pub(super) validation_accuracy: f64,
    /// Spent on training so far.
    pub(super) seconds: f64,
}

/// What came of a training with one seed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Course {
    pub(super) points: Vec<Point>,
    /// Length of the cost's gradient in each layer before training; empty unless looked at closely.
    pub(super) gradient_norms: Vec<f64>,
    /// All weights, no biases, after training; empty unless looked at closely.
    pub(super) weights: Vec<f32>,
}

impl Training {
    /// The book's usual network and hyper-parameters on the first `images`: 30 sigmoid units,
    /// cross-entropy, rate 0.5, mini-batches of 10, no regularisation, `1 / sqrt(fan_in)`.
    pub(super) fn book(scale: Scale, images: usize, epochs: usize) -> Self {
        Self {
            images,
            hidden: vec![30],
            activation: Activation::Sigmoid,
            cost: Cost::CrossEntropy,
            initialization: Initialization::default(),
            optimizer: OptimizerChoice::Sgd,
            learning_rate: 0.5,
            batch_size: 10,
            weight_decay: WeightDecay::None,
            dropout: 0.0,
            augment: Augment::NONE,
            epochs,
            every: 1,
            evaluated: scale.either(5_000, 2_000),
            closely: false,
        }
    }

    /// With L2 decay of this `lambda`.
    pub(super) fn l2(self, lambda: f64) -> Self {
        let weight_decay = WeightDecay::L2(self.rate(lambda));
        Self {
            weight_decay,
            ..self
        }
    }

    /// `lambda / n`, rounded once.
    pub(super) fn rate(&self, lambda: f64) -> f32 {
        (lambda / self.images as f64) as f32
    }

    /// Images times parameters, roughly in proportion to the time that an epoch takes.
    pub(super) fn work_of_epoch(&self) -> u64 {
        let widths = self.hidden.iter().sum::<usize>().max(1);
        (self.images * widths) as u64
    }

    fn hyperparameters(&self) -> Hyperparameters {
        Hyperparameters {
            cost: self.cost,
            batch_size: self.batch_size,
            drop_last: false,
            optimizer: self.optimizer,
            weight_decay: self.weight_decay,
            clip_norm: None,
            dropout: DropoutRates::hidden(self.dropout),
            input_scale: 1.0,
        }
    }

    fn model(&self, data: &Dataset, seed: u64) -> Result<Model> {
        let widths = std::iter::once(data.train.pixels())
            .chain(self.hidden.iter().copied())
            .chain([data.classes])
            .map(|width| width.to_string())
            .collect::<Vec<_>>();
        let shape = parse_architecture(&widths.join("-"), self.activation, Activation::Sigmoid)?;
        Ok(Model::fresh(shape, self.cost, self.initialization, seed))
    }

    /// Trains on one thread; `None` if it was asked to stop. `epoch_done` is told of each epoch.
    ///
    /// # Errors
    /// Images that are too large.
    pub(super) fn run(
        &self,
        data: &Dataset,
        seed: u64,
        progress: &Progress,
        epoch_done: impl Fn(),
    ) -> Result<Option<Course>> {
        let instructions = Instructions::detect();
        let mut model = self.model(data, seed)?;
        let mut course = Course::default();
        if self.closely {
            let shown = first(&data.train, self.images.min(SHOWING_GRADIENT));
            course.gradient_norms = layer_gradient_norms(&model, &shown, 1, instructions);
        }
        let source = ImageSource {
            samples: &data.train,
            count: self.images,
            augment: self.augment,
            preparation: Preparation::None,
            seed,
        };
        let learned = first(&data.train, self.images.min(self.evaluated));
        let others = first(&data.validation, data.validation.len().min(self.evaluated));
        let hyperparameters = self.hyperparameters();
        let state = EngineState::new(&model, &hyperparameters, seed, true);
        let architecture = model.architecture;
        let mut engine = Engine::new(architecture, hyperparameters, state, 1, instructions);
        let mut images = source.epoch(1, 1)?;
        let mut seconds = 0.0;
        for epoch in 1..=self.epochs {
            if epoch > 1 && !self.augment.is_none() {
                images = source.epoch(epoch, 1)?;
            }
            let start = Instant::now();
            engine.epoch(&images, &|_| self.learning_rate, progress);
            seconds += start.elapsed().as_secs_f64();
            if progress.stop.load(Ordering::Relaxed) {
                return Ok(None);
            }
            if epoch == 1 || epoch == self.epochs || epoch.is_multiple_of(self.every) {
                engine.store(&mut model);
                let trained = evaluate(&model, &learned, 1, instructions);
                let validated = evaluate(&model, &others, 1, instructions);
                course.points.push(Point {
                    epoch,
                    train_cost: trained.cost,
                    train_accuracy: trained.accuracy,
                    validation_cost: validated.cost,
                    validation_accuracy: validated.accuracy,
                    seconds,
                });
            }
            epoch_done();
        }
        if self.closely {
            let weights = model.layers().flat_map(|(_, weights, _)| weights);
            course.weights = weights.copied().collect();
        }
        Ok(Some(course))
    }
}

/// The first `count` samples.
fn first(samples: &Samples, count: usize) -> Samples {
    Samples {
        images: samples.images[..count * samples.pixels()].to_vec(),
        labels: samples.labels[..count].to_vec(),
        ..*samples
    }
}
