//! Which optimisers a board has. Each needs memory of its own kind, but only one trains at a time:
//! a set of methods takes the memory of its largest.

use thumbnet::input::Width;
use thumbnet::optimizer::{Optimizer, Zeroed};
use thumbnet::{Adam, Clipped, Momentum, Nesterov, Network, RmsProp, Sgd, TrainState};
use thumbnet_protocol::config::{self, Optimizers};
use thumbnet_protocol::steps::StepHead;
use thumbnet_protocol::{Config, Refusal};

use super::in_flash::Saved;
use super::step::{Outputs, step};
use crate::checkpoint::pieces_of_state;

/// Some optimisers, of which a desktop chooses one.
pub trait Methods<N, const INPUTS: usize>: Zeroed {
    /// Which they are.
    const OPTIMIZERS: Optimizers;

    /// Begins anew, with the optimiser of `config`.
    ///
    /// # Errors
    ///
    /// It is not among these, or its numbers are out of their ranges; nothing has changed.
    fn begin(&mut self, config: &Config) -> Result<(), Refusal>;

    /// Trains one step, and returns the samples' mean cost before it.
    ///
    /// # Errors
    ///
    /// The samples make no mini-batch, or the learning rate is out of its range; nothing has
    /// changed.
    fn step(
        &mut self,
        network: &mut N,
        config: &Config,
        head: &StepHead,
        inputs: &[[u8; INPUTS]],
        labels: &[u8],
    ) -> Result<f32, Refusal>;
}

/// An optimiser that a desktop can choose.
pub trait Choice: Optimizer {
    /// What it is called, with what it does to gradients.
    const KIND: Optimizers;

    /// This optimiser as configured, if it is the one that is asked for.
    fn chosen(config: &Config) -> Option<Self>;
}

macro_rules! choice {
    ($($optimizer:ident, $kind:ident, $pattern:pat => $value:expr;)+) => {
        $(
            impl Choice for $optimizer {
                const KIND: Optimizers = Optimizers::$kind;

                fn chosen(config: &Config) -> Option<Self> {
                    match (config.optimizer, config.clip_norm) {
                        ($pattern, None) => Some($value),
                        _ => None,
                    }
                }
            }
        )+
    };
}
choice!(
    Sgd, SGD, config::Optimizer::Sgd => Self;
    Momentum, MOMENTUM, config::Optimizer::Momentum(momentum) => Self(momentum);
    Nesterov, NESTEROV, config::Optimizer::Nesterov(momentum) => Self(momentum);
    RmsProp, RMS_PROP, config::Optimizer::RmsProp { decay, epsilon } => Self { decay, epsilon };
    Adam, ADAM, config::Optimizer::Adam { beta1, beta2, epsilon } => {
        let mut adam = Self::DEFAULT;
        (adam.beta1, adam.beta2, adam.epsilon) = (beta1, beta2, epsilon);
        adam
    };
);

impl<O: Choice> Choice for Clipped<O> {
    const KIND: Optimizers = O::KIND.and(Optimizers::CLIPPING);

    fn chosen(config: &Config) -> Option<Self> {
        let norm = config.clip_norm?;
        let unclipped = Config {
            clip_norm: None,
            ..*config
        };
        let optimizer = O::chosen(&unclipped)?;
        Some(Self { optimizer, norm })
    }
}

macro_rules! methods {
    ($(#[$doc:meta])* $name:ident: $first:ident $(, $variant:ident($optimizer:ty))*) => {
        $(#[$doc])*
        pub enum $name<N: Network, const BATCH: usize> {
            /// Gradient descent, which a board begins with.
            $first(TrainState<N, $first, BATCH>),
            $(
                #[doc = concat!("[`", stringify!($optimizer), "`].")]
                $variant(TrainState<N, $optimizer, BATCH>),
            )*
        }

        impl<N: Network, const BATCH: usize> Zeroed for $name<N, BATCH> {
            const ZEROED: Self = Self::$first(TrainState::ZEROED);
        }

        impl<N, const INPUTS: usize, const BATCH: usize> Methods<N, INPUTS> for $name<N, BATCH>
        where
            N: Network<Inputs = Width<INPUTS>>,
            N::Output: Outputs,
        {
            const OPTIMIZERS: Optimizers = $first::KIND$(.and(<$optimizer>::KIND))*;

            fn begin(&mut self, config: &Config) -> Result<(), Refusal> {
                if let Some(optimizer) = $first::chosen(config) {
                    check(optimizer)?;
                    *self = Self::$first(TrainState::ZEROED);
                    return Ok(());
                }
                $(
                    if let Some(optimizer) = <$optimizer>::chosen(config) {
                        check(optimizer)?;
                        *self = Self::$variant(TrainState::ZEROED);
                        return Ok(());
                    }
                )*
                Err(Refusal::Optimizer)
            }

            fn step(
                &mut self,
                network: &mut N,
                config: &Config,
                head: &StepHead,
                inputs: &[[u8; INPUTS]],
                labels: &[u8],
            ) -> Result<f32, Refusal> {
                match self {
                    Self::$first(state) => {
                        let optimizer = $first::chosen(config).ok_or(Refusal::NotConfigured)?;
                        step(network, state, optimizer, config, head, inputs, labels)
                    }
                    $(
                        Self::$variant(state) => {
                            let optimizer =
                                <$optimizer>::chosen(config).ok_or(Refusal::NotConfigured)?;
                            step(network, state, optimizer, config, head, inputs, labels)
                        }
                    )*
                }
            }
        }

        impl<N: Network, const BATCH: usize> Saved for $name<N, BATCH> {
            fn kind(&self) -> Optimizers {
                match self {
                    Self::$first(_) => $first::KIND,
                    $(Self::$variant(_) => <$optimizer>::KIND,)*
                }
            }

            fn select(&mut self, is: impl Fn(Optimizers) -> bool) -> bool {
                if is($first::KIND) {
                    *self = Self::$first(TrainState::ZEROED);
                    return true;
                }
                $(
                    if is(<$optimizer>::KIND) {
                        *self = Self::$variant(TrainState::ZEROED);
                        return true;
                    }
                )*
                false
            }

            fn for_each_piece(&mut self, visit: &mut dyn FnMut(&mut [u8])) {
                match self {
                    Self::$first(state) => pieces_of_state(state, visit),
                    $(Self::$variant(state) => pieces_of_state(state, visit),)*
                }
            }
        }
    };
}

methods!(
    /// Gradient descent alone: no float beside each weight.
    GradientDescent: Sgd
);
methods!(
    /// Those that take at most one float beside each weight.
    WithVelocity: Sgd, Momentum(Momentum), Nesterov(Nesterov)
);
methods!(
    /// All that core has: up to three floats beside each weight.
    Every: Sgd,
    Momentum(Momentum),
    Nesterov(Nesterov),
    RmsProp(RmsProp),
    Adam(Adam),
    ClippedSgd(Clipped<Sgd>),
    ClippedMomentum(Clipped<Momentum>),
    ClippedNesterov(Clipped<Nesterov>),
    ClippedRmsProp(Clipped<RmsProp>),
    ClippedAdam(Clipped<Adam>)
);

fn check(optimizer: impl Optimizer) -> Result<(), Refusal> {
    optimizer.problem().map_or(Ok(()), |_| Err(Refusal::Config))
}
