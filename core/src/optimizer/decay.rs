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

/// The gradient of the cost with its decay term: what [`RmsProp`] and [`Adam`] divide.
#[inline(always)]
pub(super) fn with_decay(gradient: f32, value: f32, weight_decay: WeightDecay) -> f32 {
    match weight_decay {
        WeightDecay::L2(rate) => gradient + rate * value,
        WeightDecay::L1(rate) => gradient + rate * sign(value),
        WeightDecay::None | WeightDecay::TruncatedL1(_) => gradient,
    }
}
