//! Activations: sigmoid, tanh, `ReLU`, identity, and softmax for outputs.

use crate::kernel;

/// What a layer does to its weighted input `z = x W + b` to give its activation `a`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Activation {
    /// `a = 1 / (1 + e^-z)`, in 0 ..= 1.
    Sigmoid,
    /// `a = tanh z = (e^z - e^-z) / (e^z + e^-z)`, in -1 ..= 1.
    Tanh,
    /// `a = max(0, z)`.
    Relu,
    /// `a = z`.
    Identity,
    /// `a_j = e^z_j / sum of e^z_k`: probabilities that sum to 1. For the last layer only.
    Softmax,
}

impl Activation {
    /// Replaces the weighted inputs of one sample by the layer's activations. Finite for any
    /// finite `z`.
    ///
    /// # Shapes
    /// `values`: `[fan_out]`, `z` on entry, `a` on return.
    #[inline(always)]
    pub fn apply(self, values: &mut [f32]) {
        match self {
            Self::Sigmoid => for_each(values, sigmoid),
            Self::Tanh => for_each(values, kernel::tanh),
            Self::Relu => for_each(values, relu),
            Self::Identity => {}
            Self::Softmax => {
                softmax(values);
            }
        }
    }

    /// `da/dz`, computed from `a` itself. For softmax, whose outputs depend on every `z`, this is
    /// the diagonal `da_j/dz_j` alone; its cost never asks for it.
    #[inline(always)]
    pub fn derivative(self, a: f32) -> f32 {
        match self {
            Self::Sigmoid | Self::Softmax => a * (1.0 - a),
            Self::Tanh => 1.0 - a * a,
            Self::Relu => {
                if a > 0.0 {
                    1.0
                } else {
                    0.0
                }
            }
            Self::Identity => 1.0,
        }
    }

    /// The name that users type and read: `sigmoid`, `tanh`, `relu`,
    /// `identity`, `softmax`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sigmoid => "sigmoid",
            Self::Tanh => "tanh",
            Self::Relu => "relu",
            Self::Identity => "identity",
            Self::Softmax => "softmax",
        }
    }
}

impl core::fmt::Display for Activation {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.pad(self.name())
    }
}

/// Replaces each value. On a board all layers share one loop: code is scarcer than calls.
#[cfg_attr(target_os = "none", inline(never))]
#[cfg_attr(not(target_os = "none"), inline(always))]
fn for_each(values: &mut [f32], function: impl Fn(f32) -> f32) {
    for value in values {
        *value = function(*value);
    }
}

/// `1 / (1 + e^-z)`, by whichever of `1 / (1 + e^-z)` and `e^z / (1 + e^z)` has an exponent that
/// is not positive, so that nothing overflows.
#[inline(always)]
pub fn sigmoid(z: f32) -> f32 {
    sigmoid_from(z, kernel::exp_up_to_largest(-abs(z)))
}

/// [`sigmoid`], where `e = exp(-|z|)` is already known.
#[inline(always)]
pub(crate) fn sigmoid_from(z: f32, e: f32) -> f32 {
    let numerator = if z >= 0.0 { 1.0 } else { e };
    numerator / (1.0 + e)
}

/// `max(0, z)`; a NaN stays, so that a diverged network does not look like a dead one.
#[inline(always)]
fn relu(z: f32) -> f32 {
    if z <= 0.0 { 0.0 } else { z }
}

/// `|z|`.
#[inline(always)]
pub(crate) fn abs(z: f32) -> f32 {
    f32::from_bits(z.to_bits() & 0x7FFF_FFFF)
}

/// Softmax in place; returns `(largest z, sum of e^(z - largest))`.
#[inline(always)]
pub(crate) fn softmax(values: &mut [f32]) -> (f32, f32) {
    let mut largest = f32::NEG_INFINITY;
    for &value in values.iter() {
        if value > largest {
            largest = value;
        }
    }
    let mut sum = 0.0;
    for value in values.iter_mut() {
        *value = kernel::exp_up_to_largest(*value - largest);
        sum += *value;
    }
    for value in values.iter_mut() {
        *value /= sum;
    }
    (largest, sum)
}

/// An activation as a type: the `A` of [`Dense`](crate::Dense).
pub trait ActivationFunction: Copy + 'static {
    /// The same as a value.
    const ACTIVATION: Activation;
}

/// An activation that hidden layers may have: one that works on each unit by itself.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the activation of a hidden layer",
    note = "use `Sigmoid`, `Tanh`, `Relu` or `Identity`; `Softmax` is for the last layer"
)]
pub trait HiddenActivation: ActivationFunction {}

macro_rules! activation_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default)]
        pub struct $name;

        impl ActivationFunction for $name {
            const ACTIVATION: Activation = Activation::$name;
        }
    };
}
activation_type!(
    /// [`Activation::Sigmoid`] as a type.
    Sigmoid
);
activation_type!(
    /// [`Activation::Tanh`] as a type.
    Tanh
);
activation_type!(
    /// [`Activation::Relu`] as a type.
    Relu
);
activation_type!(
    /// [`Activation::Identity`] as a type.
    Identity
);
activation_type!(
    /// [`Activation::Softmax`] as a type.
    Softmax
);
impl HiddenActivation for Sigmoid {}
impl HiddenActivation for Tanh {}
impl HiddenActivation for Relu {}
impl HiddenActivation for Identity {}
