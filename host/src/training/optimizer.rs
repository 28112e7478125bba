//! Which optimiser trains, as a value; and core's types for it.

use thumbnet::optimizer::Optimizer;
use thumbnet::{Adam, Nesterov, RmsProp};

use super::muon::Muon;

/// An optimiser with its numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum OptimizerChoice {
    /// Plain gradient descent.
    Sgd,
    /// Momentum `mu`.
    Momentum(f32),
    /// Nesterov's accelerated gradient, `mu`.
    Nesterov(f32),
    /// `RMSprop`.
    RmsProp(RmsProp),
    /// Adam.
    Adam(Adam),
    /// Muon for the weights of hidden layers, Nesterov's momentum for everything else.
    Muon(Muon),
}

impl OptimizerChoice {
    /// Whether it has a velocity, and whether it has mean squares.
    pub(super) const fn keeps(self) -> (bool, bool) {
        match self {
            Self::Sgd => (false, false),
            Self::Momentum(_) | Self::Nesterov(_) | Self::Muon(_) => (true, false),
            Self::RmsProp(_) => (false, true),
            Self::Adam(_) => (true, true),
        }
    }

    /// Whether it needs the whole gradient before it moves anything, without any clipping.
    pub(super) const fn keeps_gradient(self) -> bool {
        match self {
            Self::Sgd | Self::Momentum(_) | Self::Nesterov(_) => false,
            Self::RmsProp(_) => RmsProp::KEEPS_GRADIENT,
            Self::Adam(_) => Adam::KEEPS_GRADIENT,
            Self::Muon(_) => true,
        }
    }

    /// The momentum with which it looks ahead of the weights, if it does.
    pub(super) const fn looks_ahead(self) -> Option<Nesterov> {
        match self {
            Self::Nesterov(momentum) => Some(Nesterov(momentum)),
            _ => None,
        }
    }
}

/// Calls a generic function with the optimiser as core's type, or another one with Muon.
macro_rules! with_optimizer {
    ($choice:expr, $optimizer:ident => $call:expr, $muon:ident => $with_muon:expr) => {
        match $choice {
            OptimizerChoice::Sgd => {
                let $optimizer = thumbnet::Sgd;
                $call
            }
            OptimizerChoice::Momentum(momentum) => {
                let $optimizer = thumbnet::Momentum(momentum);
                $call
            }
            OptimizerChoice::Nesterov(momentum) => {
                let $optimizer = thumbnet::Nesterov(momentum);
                $call
            }
            OptimizerChoice::RmsProp($optimizer) => $call,
            OptimizerChoice::Adam($optimizer) => $call,
            OptimizerChoice::Muon($muon) => $with_muon,
        }
    };
}
pub(super) use with_optimizer;
