//! Every technique of training, one after another on the same few digits: shows that a board trains
//! with the desktop's bits, whatever it trains with.
//!
//! [`for_each`] is the list. [`Train`] goes through it with core alone, on a board or on a desktop;
//! `tests/techniques.rs` compares the two, and both with the desktop's engine.

mod list;
mod train;

pub use list::for_each;
pub use train::{Train, Trained};

use thumbnet::augment::Augment;
use thumbnet::cost::{CostFunction, TrainsWith};
use thumbnet::input::Width;
use thumbnet::optimizer::Optimizer;
use thumbnet::prelude::*;
use thumbnet::preparation::Size;

/// Samples that are trained on: nineteen mini-batches, and half of one.
pub const TRAIN: usize = 195;

/// The samples behind them, which say how good a network is.
pub const VALIDATION: usize = 100;

/// Samples of a mini-batch.
pub const BATCH: usize = 10;

/// What weights, masks and distortions are drawn from, each by a generator of its own.
pub const SEED: u64 = 7;

/// Passes over the samples, if nobody says otherwise.
pub const EPOCHS: u32 = 10;

/// Steps of an epoch.
pub const STEPS: u32 = TRAIN.div_ceil(BATCH) as u32;

/// The size of the images in the list's data.
const SIZE: Size = Size::of::<8, 8>();

/// The first images of 8 x 8 pixels in `host/data`.
static IMAGES: [u8; SIZE.pixels() * (TRAIN + VALIDATION)] = behind::<16, _>(include_bytes!(
    "../../../host/data/digits-images-idx3-ubyte"
));

/// Their labels.
static LABELS: [u8; TRAIN + VALIDATION] = behind::<8, _>(include_bytes!(
    "../../../host/data/digits-labels-idx1-ubyte"
));

/// What comes behind a file's head, copied while compiling: the rest takes no flash.
const fn behind<const HEAD: usize, const LENGTH: usize>(file: &[u8]) -> [u8; LENGTH] {
    match file.split_at(HEAD).1.first_chunk() {
        Some(bytes) => *bytes,
        None => panic!("there are 1,797 samples"),
    }
}

/// All images with their labels: first those that are trained on, then the others.
pub(crate) fn samples() -> (&'static [[u8; SIZE.pixels()]], &'static [u8]) {
    (IMAGES.as_chunks().0, &LABELS)
}

/// When a run ends.
#[derive(Clone, Copy, Debug)]
pub enum Stop {
    /// After its epochs.
    AtTheEnd,
    /// When patience has run out, or after five times its epochs; what counts is the best network.
    Patience(Patience),
    /// When the learning rate, which falls on plateaus, has become too low, or after five times its
    /// epochs.
    Plateau(Plateau),
}

impl Stop {
    /// The most epochs that a run of `epochs` may take.
    pub const fn most(&self, epochs: u32) -> u32 {
        match self {
            Self::AtTheEnd => epochs,
            Self::Patience(_) | Self::Plateau(_) => 5 * epochs,
        }
    }

    /// What the learning rate is multiplied by in the next epoch.
    pub const fn scale(&self) -> f32 {
        match self {
            Self::Plateau(plateau) => plateau.scale,
            Self::AtTheEnd | Self::Patience(_) => 1.0,
        }
    }

    /// Takes what an epoch has led to.
    pub fn record(&mut self, validation: Validation) -> Outcome {
        match self {
            Self::AtTheEnd => Outcome::Continue,
            Self::Patience(patience) => patience.record(validation.watched(patience.rule)),
            Self::Plateau(plateau) => plateau.record(validation.watched(plateau.patience.rule)),
        }
    }
}

/// How good a network is on the validation samples.
#[derive(Clone, Copy, Debug)]
pub struct Validation {
    /// Share of samples that it is right about.
    pub accuracy: f64,
    /// Mean cost of the samples and the term of weight decay.
    pub cost: f64,
}

impl Validation {
    fn watched(self, rule: Rule) -> f64 {
        match rule {
            Rule::CostAbove | Rule::CostNotBelow => self.cost,
            Rule::AccuracyNotAbove => self.accuracy,
        }
    }
}

/// A way to train, apart from the network's type and what is in its [`TrainConfig`].
#[derive(Clone, Copy, Debug)]
pub struct Technique {
    /// What it is called.
    pub name: &'static str,
    /// How parameters start.
    pub initialization: Initialization,
    /// Which units are dropped.
    pub dropout: DropoutRates,
    /// The schedule of a run of so many steps.
    pub schedule: fn(u32) -> Schedule,
    /// When the run ends.
    pub stop: Stop,
    /// How training images are distorted, anew in every epoch.
    pub augment: Augment,
    /// What is then done to them, and to those of the validation set.
    pub preparation: Preparation,
}

impl Technique {
    /// Nothing special.
    const PLAIN: Self = Self {
        name: "",
        initialization: Initialization {
            weights: WeightInit::FanIn,
            biases: BiasInit::Zero,
        },
        dropout: DropoutRates::NONE,
        schedule: |_| Schedule::CONSTANT,
        stop: Stop::AtTheEnd,
        augment: Augment::NONE,
        preparation: Preparation::None,
    };

    /// Writes the training images of an epoch, and returns their labels.
    pub fn train_samples<const PIXELS: usize>(
        &self,
        distortions: &mut XorShiftRng,
        output: &mut [[u8; PIXELS]; TRAIN],
    ) -> &'static [u8] {
        let (images, labels) = samples();
        for (image, output) in images.iter().zip(output) {
            let mut distorted = [0; SIZE.pixels()];
            self.augment
                .apply(
                    distortions,
                    SIZE.width(),
                    SIZE.height(),
                    image,
                    &mut distorted,
                )
                .expect("the list's strengths are in their ranges");
            self.prepare(&distorted, output);
        }
        &labels[..TRAIN]
    }

    /// Writes the validation images, and returns their labels.
    pub fn validation_samples<const PIXELS: usize>(
        &self,
        output: &mut [[u8; PIXELS]; VALIDATION],
    ) -> &'static [u8] {
        let (images, labels) = samples();
        for (image, output) in images.iter().skip(TRAIN).zip(output) {
            self.prepare(image, output);
        }
        &labels[TRAIN..]
    }

    fn prepare<const PIXELS: usize>(&self, image: &[u8; SIZE.pixels()], output: &mut [u8; PIXELS]) {
        self.preparation
            .apply(image, output, &mut [0; SIZE.pixels()])
            .expect("the list's networks have as many inputs as there are pixels");
    }
}

/// What is done with each technique of the list.
pub trait Visitor {
    /// A technique, the network `N` that it trains, and the rest of how it does.
    fn visit<N, O, C, const PIXELS: usize>(
        &mut self,
        technique: &Technique,
        config: TrainConfig<O, C>,
    ) where
        N: Network<Inputs = Width<PIXELS>>,
        O: Optimizer + 'static,
        C: CostFunction,
        N::Output: TrainsWith<C>;
}
