//! Optimisers that need the whole gradient of a mini-batch first, and one that clips it.

use super::{Kept, Optimizer, Slot};
use crate::network::Network;
use crate::regularization::WeightDecay;

/// How optimisers accumulate a gradient that [`apply`](Optimizer::apply) then uses.
macro_rules! accumulates_gradient {
    () => {
        const STREAMS: bool = true;
        const KEEPS_GRADIENT: bool = true;

        #[inline(always)]
        fn rows(slot: Slot<'_>, fan_out: usize) -> impl Iterator<Item = Slot<'_>> {
            let fan_out = fan_out.max(1);
            slot.values
                .chunks_exact_mut(fan_out)
                .zip(slot.gradient.chunks_exact_mut(fan_out))
                .map(|(values, gradient)| Slot {
                    values,
                    gradient,
                    ..Slot::default()
                })
        }

        #[inline(always)]
        fn begin(self, slot: Slot<'_>, _: WeightDecay) {
            slot.gradient.fill(0.0);
        }

        #[inline(always)]
        fn moved(slot: Slot<'_>) -> &mut [f32] {
            slot.gradient
        }

        #[inline(always)]
        fn end(self, _: Slot<'_>, _: WeightDecay) {}
    };
}

pub(super) use accumulates_gradient;

/// An optimiser whose gradients are clipped by their norm: a gradient `g` over all parameters that
/// is longer than `norm` is replaced by `norm g / |g|` (Pascanu, Mikolov and Bengio, On the
/// difficulty of training recurrent neural networks, 2013). The gradient is that of the samples'
/// mean cost; decay comes after.
///
/// Its length must be known before anything moves, so the gradient takes a float a parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Clipped<O> {
    /// What moves the parameters.
    pub optimizer: O,
    /// The longest gradient; above 0.
    pub norm: f32,
}

impl<O: Optimizer> Optimizer for Clipped<O> {
    type Kept<N: Network> = O::KeptWithGradient<N>;
    type KeptWithGradient<N: Network> = O::KeptWithGradient<N>;
    const LOOKS_AHEAD: bool = O::LOOKS_AHEAD;
    accumulates_gradient!();

    fn kept<N: Network>(kept: &mut Self::Kept<N>) -> Kept<'_, N> {
        O::kept_with_gradient(kept)
    }

    fn kept_with_gradient<N: Network>(kept: &mut Self::Kept<N>) -> Kept<'_, N> {
        O::kept_with_gradient(kept)
    }

    #[inline]
    fn at_step(self, number: u32) -> Self {
        Self {
            optimizer: self.optimizer.at_step(number),
            ..self
        }
    }

    #[inline(always)]
    fn look_ahead(self, slot: Slot<'_>) {
        self.optimizer.look_ahead(slot);
    }

    #[inline(always)]
    fn clip_norm(self) -> Option<f32> {
        let inner = self.optimizer.clip_norm();
        Some(inner.map_or(self.norm, |inner| inner.min(self.norm)))
    }

    #[inline(always)]
    fn apply(self, slot: Slot<'_>, learning_rate: f32, weight_decay: WeightDecay, factor: f32) {
        self.optimizer
            .apply(slot, learning_rate, weight_decay, factor);
    }

    fn problem(self) -> Option<&'static str> {
        if !(self.norm > 0.0 && self.norm.is_finite()) {
            Some("the norm that gradients are clipped to must be finite and above 0")
        } else {
            self.optimizer.problem()
        }
    }
}

/// What a gradient whose squares sum to `squares` is multiplied by, so that it is no longer than
/// `norm`. A gradient whose squares are too large for a float, or NaN, stays as it is: the next
/// cost tells that the run has diverged, where a factor of 0 would let it stand still.
///
/// ```
/// use thumbnet::optimizer::clip_factor;
/// assert_eq!(clip_factor(2.0, 16.0), 0.5);
/// assert_eq!(clip_factor(2.0, 1.0), 1.0);
/// assert_eq!(clip_factor(2.0, f32::INFINITY), 1.0);
/// ```
#[inline]
pub fn clip_factor(norm: f32, squares: f32) -> f32 {
    let length = libm::sqrtf(squares);
    if length > norm && length.is_finite() {
        norm / length
    } else {
        1.0
    }
}
