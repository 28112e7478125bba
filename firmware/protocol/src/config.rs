//! How a board is to train: everything but the learning rate, which every step brings along.

use serde::{Deserialize, Serialize};

/// Layers that [`Dropout`] has a rate for: the inputs and 15 hidden ones.
pub const LAYERS: usize = 16;

/// What [`Command::Configure`](crate::Command::Configure) sets.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// What is made small.
    pub cost: Cost,
    /// The rule of the update.
    pub optimizer: Optimizer,
    /// The longest gradient, above 0, if gradients are clipped.
    pub clip_norm: Option<f32>,
    /// The term that keeps weights small.
    pub weight_decay: WeightDecay,
    /// Which units are left out, if any. The key of the masks then comes with every step.
    pub dropout: Option<Dropout>,
}

/// A cost; the outputs' activation says which of them a network can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cost {
    /// For sigmoid outputs.
    CrossEntropy,
    /// For any but softmax outputs.
    Quadratic,
    /// For softmax outputs.
    SoftmaxCrossEntropy,
}

/// A rule that moves parameters against the gradient.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Optimizer {
    /// Gradient descent.
    Sgd,
    /// Momentum `mu`, 0 <= mu < 1.
    Momentum(f32),
    /// Nesterov's accelerated gradient, 0 <= mu < 1.
    Nesterov(f32),
    /// `RMSprop`.
    RmsProp {
        /// `rho`, 0 <= rho < 1.
        decay: f32,
        /// Above 0.
        epsilon: f32,
    },
    /// Adam.
    Adam {
        /// 0 <= beta1 < 1.
        beta1: f32,
        /// 0 <= beta2 < 1.
        beta2: f32,
        /// Above 0.
        epsilon: f32,
    },
}

/// Which optimisers a board has, and whether it can clip: what it has no code or no memory for, it
/// refuses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Optimizers(
    /// One bit each.
    pub u8,
);

impl Optimizers {
    /// Gradient descent.
    pub const SGD: Self = Self(1);
    /// Momentum.
    pub const MOMENTUM: Self = Self(2);
    /// Nesterov's accelerated gradient.
    pub const NESTEROV: Self = Self(4);
    /// `RMSprop`.
    pub const RMS_PROP: Self = Self(8);
    /// Adam.
    pub const ADAM: Self = Self(16);
    /// Clipped gradients, with any of the others.
    pub const CLIPPING: Self = Self(32);

    /// These and those.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` are among these.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl Optimizer {
    /// This one among all.
    pub const fn kind(&self) -> Optimizers {
        match self {
            Self::Sgd => Optimizers::SGD,
            Self::Momentum(_) => Optimizers::MOMENTUM,
            Self::Nesterov(_) => Optimizers::NESTEROV,
            Self::RmsProp { .. } => Optimizers::RMS_PROP,
            Self::Adam { .. } => Optimizers::ADAM,
        }
    }
}

/// `lambda / n`, and which kind.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum WeightDecay {
    /// No such term.
    None,
    /// `(lambda / 2n) sum of w^2`.
    L2(f32),
    /// `(lambda / n) sum of |w|`.
    L1(f32),
    /// The same, stopping at zero.
    TruncatedL1(f32),
}

/// Which units are left out, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dropout {
    /// The probability that a unit is dropped, 0 <= rate < 1: of the inputs, of the first hidden
    /// layer, and so on; 0 where there is no such layer.
    pub rates: [f32; LAYERS],
    /// Whether every sample of a mini-batch has masks of its own.
    pub per_sample: bool,
    /// Whether what is kept is multiplied by `1 / (1 - rate)`.
    pub inverted: bool,
}
