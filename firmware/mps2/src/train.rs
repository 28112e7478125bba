//! The programs that train a network on MNIST from fresh weights, and then evaluate it.

use thumbnet::cost::CrossEntropy;
use thumbnet::optimizer::{Optimizer, Zeroed};
use thumbnet::prelude::*;
use thumbnet::trainer::{BatchError, ConfigError};
use thumbnet_firmware::{Batch, IdxError, StoreError, TrainError};

use crate::arguments::{self, ArgumentError, Set};
use crate::memory::memory;
use crate::{finish, take};

/// Digits in 28 x 28 pixels, 32 hidden units.
pub type Digits = Mlp<784, 32, 10>;

/// Plain gradient descent.
pub const SGD: TrainConfig = TrainConfig::new(0.1);

/// Gradient descent with momentum, which makes steps ten times as long in the end.
pub const MOMENTUM: TrainConfig<Momentum> = TrainConfig::new(0.01).with_momentum(0.9);

/// The same with weight decay, for steps on the mean of several images.
pub const MINI_BATCHES: TrainConfig<Momentum> = TrainConfig::new(0.05)
    .with_momentum(0.9)
    .with_weight_decay(WeightDecay::L2(5.0e-4));

/// Where the fresh weights come from; a desktop starts from the same with the same seed.
pub(crate) const SEED: u64 = 7;

/// How many images are trained on and tested with, if the arguments say nothing else.
const SAMPLES: u32 = 1_000;

/// All that training needs to keep: the network, its training state, and a mini-batch. It belongs in
/// a `static`, which takes no flash because it is all zero.
pub struct TrainMemory<O: Optimizer, const BATCH: usize> {
    network: Digits,
    state: TrainState<Digits, O, BATCH>,
    batch: Batch<784, BATCH>,
}

impl<O: Optimizer, const BATCH: usize> TrainMemory<O, BATCH> {
    /// Before the first step.
    pub const ZEROED: Self = Self {
        network: Zeroed::ZEROED,
        state: TrainState::ZEROED,
        batch: Batch::ZEROED,
    };
}

/// Why the program did not get to its end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Failure {
    Argument(ArgumentError),
    Config(ConfigError),
    Store(StoreError),
    Training(TrainError),
}

impl defmt::Format for Failure {
    fn format(&self, formatter: defmt::Formatter<'_>) {
        match self {
            Self::Argument(error) => error.format(formatter),
            Self::Config(error) => error.format(formatter),
            Self::Store(error) => error.format(formatter),
            Self::Training(error) => error.format(formatter),
        }
    }
}

impl From<ArgumentError> for Failure {
    fn from(error: ArgumentError) -> Self {
        Self::Argument(error)
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<BatchError> for Failure {
    fn from(error: BatchError) -> Self {
        Self::Training(error.into())
    }
}

impl From<IdxError> for Failure {
    fn from(error: IdxError) -> Self {
        Self::Training(error.into())
    }
}

impl From<TrainError> for Failure {
    fn from(error: TrainError) -> Self {
        Self::Training(error)
    }
}

/// Trains on as many images as the first argument says, tests with as many as the second says, and
/// logs how it goes, instructions, memory, and checksums of the weights and of what they predict.
pub fn train<O: Optimizer, const BATCH: usize>(
    config: TrainConfig<O>,
    memory: &'static mut TrainMemory<O, BATCH>,
) -> ! {
    finish(run(config, memory))
}

fn run<O: Optimizer, const BATCH: usize>(
    config: TrainConfig<O, CrossEntropy>,
    TrainMemory {
        network,
        state,
        batch,
    }: &mut TrainMemory<O, BATCH>,
) -> Result<(), Failure> {
    let mut board = take();
    let mut train_samples = arguments::samples(Set::Train, arguments::number(1, SAMPLES)?)?;
    let mut test_samples = arguments::samples(Set::Test, arguments::number(2, SAMPLES)?)?;

    network.init_weights(&mut XorShiftRng::seed_from_u64(SEED));
    let mut trainer = Trainer::new(config, network, state)?;
    let training = thumbnet_firmware::train(
        &mut trainer,
        &mut train_samples,
        batch,
        &mut board,
        |progress| defmt::info!("{}", progress),
    )?;
    defmt::info!("{}", training);

    let found = thumbnet_firmware::evaluate(
        trainer.network(),
        &mut test_samples,
        batch.first_pixels(),
        &mut board,
    )?;
    defmt::info!("{}", found);
    defmt::info!("{}", found.bits);
    defmt::info!("{}", memory());
    Ok(())
}
