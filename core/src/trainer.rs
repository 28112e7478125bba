//! Training: one sample, one mini-batch, at the pace that a [`TrainConfig`] sets.

use rand_core::Rng;

use crate::cost::{CostFunction, CrossEntropy, TrainsWith};
use crate::dense::{Samples, Step};
use crate::input::FixedInput;
use crate::network::{Network, Pass};
use crate::optimizer::{Momentum, Optimizer, Sgd, Zeroed};
use crate::regularization::{DropUnits, Dropout, NoDropout, WeightDecay};

/// The hyper-parameters of a training run: plain data that may be a `const`.
///
/// ```
/// use thumbnet::prelude::*;
/// const CONFIG: TrainConfig<Momentum, SoftmaxCrossEntropy> = TrainConfig::new(0.1)
///     .with_momentum(0.9)
///     .with_cost(SoftmaxCrossEntropy)
///     .with_weight_decay(WeightDecay::L2(5.0e-5));
/// const _: () = assert!(CONFIG.learning_rate > 0.0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct TrainConfig<O = Sgd, C = CrossEntropy> {
    /// `eta`: finite, above 0.
    pub learning_rate: f32,
    /// The term that keeps weights small.
    pub weight_decay: WeightDecay,
    /// The rule of the update.
    pub optimizer: O,
    /// What is made small.
    pub cost: C,
}

impl TrainConfig {
    /// Plain gradient descent on cross-entropy.
    pub const fn new(learning_rate: f32) -> Self {
        Self {
            learning_rate,
            weight_decay: WeightDecay::None,
            optimizer: Sgd,
            cost: CrossEntropy,
        }
    }
}

impl<O: Copy, C: Copy> TrainConfig<O, C> {
    /// The same with momentum `mu`, 0 <= mu < 1.
    pub const fn with_momentum(self, momentum: f32) -> TrainConfig<Momentum, C> {
        let Self {
            learning_rate,
            weight_decay,
            cost,
            ..
        } = self;
        TrainConfig {
            learning_rate,
            weight_decay,
            optimizer: Momentum(momentum),
            cost,
        }
    }

    /// The same with weight decay.
    pub const fn with_weight_decay(self, weight_decay: WeightDecay) -> Self {
        Self {
            weight_decay,
            ..self
        }
    }

    /// The same with another cost.
    pub const fn with_cost<D: CostFunction>(self, cost: D) -> TrainConfig<O, D> {
        let Self {
            learning_rate,
            weight_decay,
            optimizer,
            ..
        } = self;
        TrainConfig {
            learning_rate,
            weight_decay,
            optimizer,
            cost,
        }
    }
}

impl<O: Optimizer, C> TrainConfig<O, C> {
    fn check(&self) -> Result<(), ConfigError> {
        let decay = self.learning_rate * self.weight_decay.rate();
        if !(self.learning_rate.is_finite() && self.learning_rate > 0.0) {
            Err(ConfigError::LearningRate(self.learning_rate))
        } else if !(0.0..1.0).contains(&decay) {
            Err(ConfigError::WeightDecay(self.weight_decay.rate()))
        } else if let Some(problem) = self.optimizer.problem() {
            Err(ConfigError::Optimizer(problem))
        } else {
            Ok(())
        }
    }
}

/// Which hyper-parameter cannot be trained with.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ConfigError {
    /// Not finite, or not above 0.
    LearningRate(f32),
    /// Below 0, or learning rate x weight decay is 1 or more: weights would change sign.
    WeightDecay(f32),
    /// Not in 0 <= rate < 1.
    Dropout(f32),
    /// The optimiser's own numbers, in its words.
    Optimizer(&'static str),
}

impl core::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::LearningRate(rate) => {
                write!(
                    f,
                    "the learning rate is {rate}: it must be finite and above 0"
                )
            }
            Self::WeightDecay(rate) => write!(
                f,
                "the weight decay is {rate}: it must be at least 0, and below 1 / learning rate"
            ),
            Self::Dropout(rate) => {
                write!(
                    f,
                    "the dropout rate is {rate}: it must be at least 0 and below 1"
                )
            }
            Self::Optimizer(problem) => f.write_str(problem),
        }
    }
}

impl core::error::Error for ConfigError {}

/// Why samples cannot be trained on; nothing has changed when it is returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum BatchError {
    /// A mini-batch of no samples.
    Empty,
    /// Not as many labels as inputs.
    Lengths {
        /// Inputs given.
        inputs: usize,
        /// Labels given.
        labels: usize,
    },
    /// More samples than the state has room for, and the optimiser needs them all at once.
    TooLarge {
        /// Samples given.
        samples: usize,
        /// `BATCH` of the [`TrainState`].
        capacity: usize,
    },
    /// A label that is not below the number of classes.
    Label {
        /// The first such label.
        label: u8,
        /// Outputs of the network.
        classes: usize,
    },
}

impl core::fmt::Display for BatchError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Empty => f.write_str("a mini-batch needs at least one sample"),
            Self::Lengths { inputs, labels } => {
                write!(
                    f,
                    "each input needs one label: found {inputs} inputs and {labels} labels"
                )
            }
            Self::TooLarge { samples, capacity } => write!(
                f,
                "the training state has room for mini-batches of {capacity} samples, found {samples}"
            ),
            Self::Label { label, classes } => {
                write!(
                    f,
                    "labels must be below {classes}, the number of classes; found {label}"
                )
            }
        }
    }
}

impl core::error::Error for BatchError {}

/// The memory that training needs beside the network: velocities if the optimiser keeps any, and
/// one float for each unit and sample of a mini-batch.
///
/// All zero when new, so a `static` of it takes no flash. Mini-batches may be smaller than
/// `BATCH`; with [`Momentum`] they may also be larger, at the same bits.
pub struct TrainState<N: Network, O: Optimizer = Sgd, const BATCH: usize = 1> {
    velocity: O::Velocity<N>,
    units: N::Units<BATCH>,
    dropped: N::Dropped,
    scratch: [f32; BATCH],
}

impl<N: Network, O: Optimizer, const BATCH: usize> TrainState<N, O, BATCH> {
    /// A state before the first step.
    pub const ZEROED: Self = Self {
        velocity: Zeroed::ZEROED,
        units: Zeroed::ZEROED,
        dropped: Zeroed::ZEROED,
        scratch: [0.0; BATCH],
    };
}

impl<N: Network, O: Optimizer, const BATCH: usize> Zeroed for TrainState<N, O, BATCH> {
    const ZEROED: Self = Self::ZEROED;
}

/// Trains a network in place.
pub struct Trainer<'a, N, O, C, const BATCH: usize, D = NoDropout>
where
    N: Network,
    O: Optimizer,
{
    config: TrainConfig<O, C>,
    network: &'a mut N,
    state: &'a mut TrainState<N, O, BATCH>,
    dropout: D,
}

impl<'a, N, O, C, const BATCH: usize> Trainer<'a, N, O, C, BATCH>
where
    N: Network,
    O: Optimizer,
    C: CostFunction,
    N::Output: TrainsWith<C>,
{
    /// A trainer of `network`, working in `state`.
    ///
    /// # Errors
    /// When a hyper-parameter cannot be trained with.
    pub fn new(
        config: TrainConfig<O, C>,
        network: &'a mut N,
        state: &'a mut TrainState<N, O, BATCH>,
    ) -> Result<Self, ConfigError> {
        config.check()?;
        Ok(Self {
            config,
            network,
            state,
            dropout: NoDropout,
        })
    }

    /// The same, dropping each hidden unit with probability `rate`, 0 <= rate < 1, drawn from
    /// `rng` for each mini-batch.
    ///
    /// # Errors
    /// When `rate` is not in that range.
    pub fn with_dropout<R: Rng>(
        self,
        rate: f32,
        rng: &'a mut R,
    ) -> Result<Trainer<'a, N, O, C, BATCH, DropUnits<'a, R>>, ConfigError> {
        let Self {
            config,
            network,
            state,
            ..
        } = self;
        let dropout = DropUnits::new(rate, rng).ok_or(ConfigError::Dropout(rate))?;
        Ok(Trainer {
            config,
            network,
            state,
            dropout,
        })
    }
}

impl<N, O, C, const BATCH: usize, D> Trainer<'_, N, O, C, BATCH, D>
where
    N: Network,
    O: Optimizer,
    C: CostFunction,
    N::Output: TrainsWith<C>,
    D: Dropout,
{
    /// The network as trained so far.
    pub fn network(&self) -> &N {
        self.network
    }

    /// Goes on with another learning rate.
    ///
    /// # Errors
    /// When it is not finite, not above 0, or too large for the weight decay.
    pub fn set_learning_rate(&mut self, learning_rate: f32) -> Result<(), ConfigError> {
        let config = TrainConfig {
            learning_rate,
            ..self.config
        };
        config.check()?;
        self.config = config;
        Ok(())
    }

    /// One step on one sample. Returns the sample's cost before the step, without the weight
    /// decay term; a cost that is not finite says that training has diverged.
    ///
    /// # Errors
    /// When the label is not a class.
    pub fn step<X>(&mut self, input: &X, label: u8) -> Result<f32, BatchError>
    where
        X: FixedInput<Width = N::Inputs>,
    {
        self.batch(core::slice::from_ref(input), &[label])
    }

    /// One step on a mini-batch. Returns the mean cost of its samples before the step, without
    /// the weight decay term.
    ///
    /// # Errors
    /// When the samples do not make a mini-batch; see [`BatchError`].
    pub fn batch<X>(&mut self, inputs: &[X], labels: &[u8]) -> Result<f32, BatchError>
    where
        X: FixedInput<Width = N::Inputs>,
    {
        const {
            assert!(
                BATCH > 0,
                "thumbnet: a TrainState needs room for at least one sample"
            );
        };
        let samples = labels.len();
        let classes = N::ARCHITECTURE.classes();
        if samples == 0 {
            return Err(BatchError::Empty);
        }
        if inputs.len() != samples {
            return Err(BatchError::Lengths {
                inputs: inputs.len(),
                labels: samples,
            });
        }
        if !O::STREAMS && samples > BATCH {
            return Err(BatchError::TooLarge {
                samples,
                capacity: BATCH,
            });
        }
        if let Some(&label) = labels.iter().find(|&&label| usize::from(label) >= classes) {
            return Err(BatchError::Label { label, classes });
        }

        N::draw_dropped(&mut self.state.dropped, &mut self.dropout);
        let learning_rate = self.config.learning_rate;
        let mut pass = Pass {
            step: Step {
                optimizer: self.config.optimizer,
                rate: learning_rate / samples as f32,
                decay: learning_rate * self.config.weight_decay.rate(),
                first: true,
                last: false,
            },
            cost: C::COST,
            labels: &[],
            scale: self.dropout.scale(),
            scratch: &mut self.state.scratch,
            cost_sum: 0.0,
        };
        let mut left = samples;
        for (inputs, labels) in inputs.chunks(BATCH).zip(labels.chunks(BATCH)) {
            left -= labels.len();
            pass.labels = labels;
            pass.step.last = left == 0;
            self.network.train(
                O::velocity::<N>(&mut self.state.velocity),
                &mut self.state.units,
                &self.state.dropped,
                Samples(inputs),
                &mut pass,
            );
            pass.step.first = false;
        }
        Ok(pass.cost_sum / samples as f32)
    }
}
