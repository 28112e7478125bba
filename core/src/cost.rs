//! Costs: cross-entropy per sigmoid output, quadratic, and softmax cross-entropy.

use crate::activation::{
    Activation, ActivationFunction, Identity, Relu, Sigmoid, Softmax, Tanh, abs, sigmoid_from,
    softmax,
};
use crate::kernel;

/// What training makes small, for one sample with target `y` (1 for the label's output, 0 for
/// every other). A mini-batch's cost is the mean over its samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Cost {
    /// `C = -sum of (y ln a + (1 - y) ln(1 - a))` over sigmoid outputs; its delta is `a - y`, so a
    /// saturated output that is wrong learns fast (Nielsen, chapter 3, equation 63).
    CrossEntropy,
    /// `C = 1/2 sum of (a - y)^2`; its delta is `(a - y) a'`.
    Quadratic,
    /// `C = -ln a_label` over softmax outputs; its delta is `a - y`.
    SoftmaxCrossEntropy,
}

impl Cost {
    /// Turns the last layer's weighted inputs into its deltas `dC/dz` and returns the sample's
    /// cost. Works on `z`, not on `a`: a saturated output, whose `a` is 0 or 1, has a cost of about
    /// `|z|` and not an infinite one. Deltas are finite for any finite `z`. A cost is finite while
    /// the sum of all `|z|` is below 3e38 (that of `z^2` for [`Quadratic`](Self::Quadratic) costs of
    /// `ReLU` and identity outputs), infinite beyond, and never NaN.
    ///
    /// # Shapes
    /// `values`: `[classes]`, `z` on entry, `dC/dz` on return. `label`: below `classes`.
    /// `activation`: the last layer's; the costs with a logarithm have their own ([`Cost::fits`]).
    #[inline(always)]
    pub fn deltas(self, activation: Activation, values: &mut [f32], label: u8) -> f32 {
        let label = usize::from(label);
        match self {
            Self::CrossEntropy => {
                // -(y ln a + (1 - y) ln(1 - a)) = max(z, 0) - y z + ln(1 + e^-|z|). The logarithms
                // of up to 64 outputs are one logarithm of a product, each factor in 1 ..= 2.
                let mut cost = 0.0;
                for (number, block) in values.chunks_mut(64).enumerate() {
                    let mut product = 1.0;
                    for (index, value) in block.iter_mut().enumerate() {
                        let y = if number * 64 + index == label {
                            1.0
                        } else {
                            0.0
                        };
                        let z = *value;
                        let e = kernel::exp_up_to_largest(-abs(z));
                        product *= 1.0 + e;
                        cost += (if z <= 0.0 { 0.0 } else { z }) - y * z;
                        *value = sigmoid_from(z, e) - y;
                    }
                    cost += libm::logf(product);
                }
                cost
            }
            Self::Quadratic => {
                activation.apply(values);
                let mut sum = 0.0;
                for (index, value) in values.iter_mut().enumerate() {
                    let a = *value;
                    let error = if index == label { a - 1.0 } else { a };
                    sum += error * error;
                    *value = error * activation.derivative(a);
                }
                0.5 * sum
            }
            Self::SoftmaxCrossEntropy => {
                let z = values.get(label).copied().unwrap_or(0.0);
                let (largest, sum) = softmax(values);
                if let Some(value) = values.get_mut(label) {
                    *value -= 1.0;
                }
                libm::logf(sum) + (largest - z)
            }
        }
    }

    /// Whether this cost can follow an output layer with `activation`.
    pub const fn fits(self, activation: Activation) -> bool {
        match self {
            Self::CrossEntropy => matches!(activation, Activation::Sigmoid),
            Self::Quadratic => !matches!(activation, Activation::Softmax),
            Self::SoftmaxCrossEntropy => matches!(activation, Activation::Softmax),
        }
    }

    /// The name that users type and read: `cross-entropy`, `quadratic`, `softmax-cross-entropy`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CrossEntropy => "cross-entropy",
            Self::Quadratic => "quadratic",
            Self::SoftmaxCrossEntropy => "softmax-cross-entropy",
        }
    }
}

impl core::fmt::Display for Cost {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.pad(self.name())
    }
}

/// A cost as a type: the `C` of [`TrainConfig`](crate::TrainConfig).
pub trait CostFunction: Copy {
    /// The same as a value.
    const COST: Cost;
}

/// An activation of the last layer that cost `C` can follow. Any other pair does not compile:
///
/// ```compile_fail,E0277
/// use thumbnet::prelude::*;
/// let mut network = <mlp![2 => 3 Sigmoid => 2 Softmax]>::ZEROED;
/// let mut state = TrainState::ZEROED;
/// // Cross-entropy per output after softmax: softmax outputs need `SoftmaxCrossEntropy`.
/// Trainer::<_, _, _, 1>::new(TrainConfig::new(0.1), &mut network, &mut state).unwrap();
/// ```
#[diagnostic::on_unimplemented(
    message = "outputs with activation `{Self}` cannot be trained with the cost `{C}`",
    note = "`Sigmoid` outputs take `CrossEntropy` or `Quadratic`, `Softmax` takes \
            `SoftmaxCrossEntropy`, `Tanh`, `Relu` and `Identity` take `Quadratic`: say which with \
            `TrainConfig::new(..).with_cost(..)`"
)]
pub trait TrainsWith<C: CostFunction>: ActivationFunction {}

macro_rules! cost_type {
    ($(#[$doc:meta])* $name:ident: $($activation:ident),*) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default)]
        pub struct $name;

        impl CostFunction for $name {
            const COST: Cost = Cost::$name;
        }
        $(impl TrainsWith<$name> for $activation {})*
    };
}
cost_type!(
    /// [`Cost::CrossEntropy`] as a type.
    CrossEntropy: Sigmoid
);
cost_type!(
    /// [`Cost::Quadratic`] as a type.
    Quadratic: Sigmoid, Tanh, Relu, Identity
);
cost_type!(
    /// [`Cost::SoftmaxCrossEntropy`] as a type.
    SoftmaxCrossEntropy: Softmax
);
