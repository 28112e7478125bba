//! How optimisers make weights decay.

use crate::activation::abs;
use crate::kernel;
use crate::regularization::WeightDecay;

/// What `begin` does to values that samples then move in place.
#[inline(always)]
pub(super) fn decay_in_place(values: &mut [f32], decay: WeightDecay) {
    match decay {
        WeightDecay::L2(decay) => kernel::scale(values, 1.0 - decay),
        WeightDecay::L1(decay) => {
            for value in values {
                *value -= decay * sign(*value);
            }
        }
        WeightDecay::None | WeightDecay::TruncatedL1(_) => {}
    }
}

/// What `end` does to values, whoever moved them.
#[inline(always)]
pub(super) fn truncate(values: &mut [f32], decay: WeightDecay) {
    if let WeightDecay::TruncatedL1(decay) = decay {
        for value in values {
            let size = abs(*value) - decay;
            *value = if size > 0.0 { size * sign(*value) } else { 0.0 };
        }
    }
}

/// `sgn(x)`: 1, -1, or 0 for 0.
#[inline(always)]
pub(super) fn sign(x: f32) -> f32 {
    let positive = if x > 0.0 { 1.0 } else { 0.0 };
    let negative = if x < 0.0 { 1.0 } else { 0.0 };
    positive - negative
}

/// Makes of the gradient of the samples' cost, times `factor`, that of the cost with its decay term:
/// what [`RmsProp`](super::RmsProp) and [`Adam`](super::Adam) divide. A loop for each kind of decay:
/// one that asked at every weight would not become vectors.
#[inline(always)]
pub(super) fn add_decay(
    gradient: &mut [f32],
    factor: f32,
    values: &[f32],
    weight_decay: WeightDecay,
) {
    let both = gradient.iter_mut().zip(values);
    match weight_decay {
        WeightDecay::L2(rate) => {
            for (gradient, value) in both {
                *gradient = factor * *gradient + rate * value;
            }
        }
        WeightDecay::L1(rate) => {
            for (gradient, value) in both {
                *gradient = factor * *gradient + rate * sign(*value);
            }
        }
        WeightDecay::None | WeightDecay::TruncatedL1(_) => {
            for (gradient, _) in both {
                *gradient *= factor;
            }
        }
    }
}
