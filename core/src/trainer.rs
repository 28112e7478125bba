//! Training: one sample, one mini-batch, at the pace that a [`TrainConfig`] sets.

use rand_core::Rng;

use crate::cost::{CostFunction, CrossEntropy, TrainsWith};
use crate::dense::Samples;
use crate::input::FixedInput;
use crate::kernel;
use crate::network::{Network, Parameters, Pass};
use crate::optimizer::{Clipped, Momentum, Nesterov, Optimizer, Sgd, Step, clip_factor};
use crate::regularization::{DropUnits, Dropout, DropoutRates, NoDropout, WeightDecay};
use crate::state::TrainState;

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
        self.with_optimizer(Momentum(momentum))
    }

    /// The same with Nesterov's accelerated gradient, 0 <= mu < 1.
    pub const fn with_nesterov(self, momentum: f32) -> TrainConfig<Nesterov, C> {
        self.with_optimizer(Nesterov(momentum))
    }

    /// The same with gradients clipped to a length of `norm`, above 0.
    pub const fn with_clipping(self, norm: f32) -> TrainConfig<Clipped<O>, C> {
        let optimizer = self.optimizer;
        self.with_optimizer(Clipped { optimizer, norm })
    }

    /// The same with another optimiser.
    pub const fn with_optimizer<P>(self, optimizer: P) -> TrainConfig<P, C> {
        let Self {
            learning_rate,
            weight_decay,
            cost,
            ..
        } = self;
        TrainConfig {
            learning_rate,
            weight_decay,
            optimizer,
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
        let rate = self.weight_decay.rate();
        // L1 takes off the same from every weight, however much that is.
        let most = match self.weight_decay {
            WeightDecay::L2(_) => 1.0,
            _ => f32::INFINITY,
        };
        if !(self.learning_rate.is_finite() && self.learning_rate > 0.0) {
            Err(ConfigError::LearningRate(self.learning_rate))
        } else if !(0.0..most).contains(&(self.learning_rate * rate)) {
            Err(ConfigError::WeightDecay(rate))
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
    /// Below 0 or not finite, or L2 and learning rate x weight decay is 1 or more: weights would
    /// change sign.
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
                "the weight decay is {rate}: it must be finite, at least 0, and if it is L2 below \
                 1 / learning rate"
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

    /// The same, dropping units at `rates`, drawn from `rng` for each mini-batch;
    /// [`DropoutRates::hidden`] is the usual kind.
    ///
    /// # Errors
    /// When a rate is not in `0 <= rate < 1`.
    pub fn with_dropout<R: Rng>(
        self,
        rates: DropoutRates,
        rng: &'a mut R,
    ) -> Result<Trainer<'a, N, O, C, BATCH, DropUnits<'a, R>>, ConfigError> {
        DropUnits::new(rates, rng)
            .map(|dropout| self.with_masks(dropout))
            .map_err(ConfigError::Dropout)
    }

    /// The same, dropping units in another way.
    pub fn with_masks<D: Dropout>(self, dropout: D) -> Trainer<'a, N, O, C, BATCH, D> {
        let Self {
            config,
            network,
            state,
            ..
        } = self;
        Trainer {
            config,
            network,
            state,
            dropout,
        }
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

    /// Goes on with another learning rate, which may be 0, where a [`Schedule`](crate::Schedule)
    /// may end.
    ///
    /// # Errors
    /// When it is not finite, below 0, or too large for the weight decay.
    pub fn set_learning_rate(&mut self, learning_rate: f32) -> Result<(), ConfigError> {
        let config = TrainConfig {
            learning_rate,
            ..self.config
        };
        if learning_rate != 0.0 {
            config.check()?;
        }
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

        let Self {
            config,
            network,
            state,
            dropout,
        } = self;
        dropout.begin();
        state.steps = state.steps.saturating_add(1);
        let mut pass = Pass {
            step: Step::new(
                config.optimizer,
                config.learning_rate,
                config.weight_decay,
                samples,
                state.steps,
            ),
            cost: C::COST,
            labels: &[],
            dropout: &*dropout,
            first: 0,
            layer: 1,
            scratch: &mut state.scratch,
            cost_sum: 0.0,
        };
        let optimizer = pass.step.optimizer;
        let mut kept = O::kept(&mut state.kept);
        if O::LOOKS_AHEAD {
            network.for_each_slot(kept.reborrow(), &mut |_, _, slot| {
                optimizer.look_ahead(slot);
            });
        }
        for (inputs, labels) in inputs.chunks(BATCH).zip(labels.chunks(BATCH)) {
            pass.labels = labels;
            pass.layer = 1;
            pass.step.first = pass.first == 0;
            pass.step.last = pass.first + labels.len() == samples;
            let feed = Samples {
                inputs,
                dropout: pass.dropout,
                first: pass.first,
            };
            network.train(kept.reborrow(), &mut state.units, feed, &mut pass);
            pass.first += labels.len();
        }
        if O::KEEPS_GRADIENT {
            let factor = optimizer.clip_norm().map_or(1.0, |norm| {
                let mut squares = 0.0;
                network.for_each_slot(kept.reborrow(), &mut |_, shape, slot| {
                    kernel::add_squares(&mut squares, slot.gradient, shape.fan_out);
                });
                clip_factor(norm, squares)
            });
            network.for_each_slot(kept, &mut |parameters, _, slot| {
                let weight_decay = match parameters {
                    Parameters::Weights => config.weight_decay,
                    Parameters::Biases => WeightDecay::None,
                };
                optimizer.apply(slot, config.learning_rate, weight_decay, factor);
            });
        }
        Ok(pass.cost_sum / samples as f32)
    }
}
