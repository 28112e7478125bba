//! Optimisers: stochastic gradient descent, with and without momentum.
//!
//! A step over a mini-batch touches each parameter in three moves, always in this order:
//! [`begin`](Optimizer::begin) once, [`accumulate`](Optimizer::accumulate) for each sample in
//! order, [`end`](Optimizer::end) once. That order *is* the order of rounding.

use crate::kernel;
use crate::network::Network;

/// Part of a layer's parameters with its velocity.
#[derive(Debug, Default)]
pub struct Slot<'a> {
    /// Weights or biases.
    pub values: &'a mut [f32],
    /// As long as `values`, or empty where the optimiser keeps none.
    pub velocity: &'a mut [f32],
}

impl Slot<'_> {
    /// The same numbers, borrowed for less long.
    pub fn reborrow(&mut self) -> Slot<'_> {
        Slot {
            values: self.values,
            velocity: self.velocity,
        }
    }
}

/// A rule that moves parameters against the gradient.
pub trait Optimizer: Copy {
    /// What is kept for each parameter of network `N` beside the parameter itself.
    type Velocity<N: Network>: Zeroed;
    /// Whether the samples of one mini-batch may come in several portions, because parameters
    /// move only after the last of them.
    const STREAMS: bool;

    /// The kept part, if there is one.
    fn velocity<N: Network>(kept: &mut Self::Velocity<N>) -> Option<&mut N>;

    /// `slot` cut into rows of `fan_out`.
    fn rows(slot: Slot<'_>, fan_out: usize) -> impl Iterator<Item = Slot<'_>>;

    /// Before the first sample. `decay` is learning rate x weight decay, 0 for biases.
    fn begin(self, slot: Slot<'_>, decay: f32);

    /// If [`begin`](Self::begin) does no more than multiply what samples move by a number: that
    /// number. Multiplying as part of another pass is then the same.
    fn begin_factor(self, decay: f32) -> Option<f32>;

    /// What samples move between [`begin`](Self::begin) and [`end`](Self::end).
    fn moved(slot: Slot<'_>) -> &mut [f32];

    /// One sample: moves by `-coefficient * delta`.
    #[inline(always)]
    fn accumulate(slot: Slot<'_>, coefficient: f32, delta: &[f32]) {
        kernel::subtract_scaled(Self::moved(slot), coefficient, delta);
    }

    /// After the last sample.
    fn end(slot: Slot<'_>);

    /// Why the optimiser's own numbers are wrong, if they are.
    fn problem(self) -> Option<&'static str>;
}

/// Gradient descent: `w <- (1 - eta lambda / n) w - (eta / m) sum of dC/dw`, updated in place
/// with no gradient kept.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Sgd;

impl Optimizer for Sgd {
    type Velocity<N: Network> = ();
    const STREAMS: bool = false;

    fn velocity<N: Network>((): &mut ()) -> Option<&mut N> {
        None
    }

    #[inline(always)]
    fn rows(slot: Slot<'_>, fan_out: usize) -> impl Iterator<Item = Slot<'_>> {
        slot.values
            .chunks_exact_mut(fan_out.max(1))
            .map(|values| Slot {
                values,
                velocity: &mut [],
            })
    }

    #[inline(always)]
    fn begin(self, slot: Slot<'_>, decay: f32) {
        if decay != 0.0 {
            let keep = 1.0 - decay;
            for value in slot.values {
                *value *= keep;
            }
        }
    }

    #[inline(always)]
    fn begin_factor(self, decay: f32) -> Option<f32> {
        Some(1.0 - decay)
    }

    #[inline(always)]
    fn moved(slot: Slot<'_>) -> &mut [f32] {
        slot.values
    }

    #[inline(always)]
    fn end(_: Slot<'_>) {}

    fn problem(self) -> Option<&'static str> {
        None
    }
}

/// Momentum as in the notes: `v <- mu v - eta dC/dw`, then `w <- w + v`. Weight decay is part of
/// the cost, so its gradient `lambda / n w` goes through the velocity too (coupled).
///
/// Gradients are added straight into the velocity, so a mini-batch of any size needs two floats a
/// weight.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Momentum(
    /// `mu`, 0 <= mu < 1: how much of the old velocity is kept each step.
    pub f32,
);

impl Optimizer for Momentum {
    type Velocity<N: Network> = N;
    const STREAMS: bool = true;

    fn velocity<N: Network>(kept: &mut N) -> Option<&mut N> {
        Some(kept)
    }

    #[inline(always)]
    fn rows(slot: Slot<'_>, fan_out: usize) -> impl Iterator<Item = Slot<'_>> {
        let fan_out = fan_out.max(1);
        slot.values
            .chunks_exact_mut(fan_out)
            .zip(slot.velocity.chunks_exact_mut(fan_out))
            .map(|(values, velocity)| Slot { values, velocity })
    }

    #[inline(always)]
    fn begin(self, slot: Slot<'_>, decay: f32) {
        let Self(momentum) = self;
        if decay != 0.0 {
            for (velocity, value) in slot.velocity.iter_mut().zip(slot.values.iter()) {
                *velocity = momentum * *velocity - decay * value;
            }
        } else {
            for velocity in slot.velocity {
                *velocity *= momentum;
            }
        }
    }

    #[inline(always)]
    fn begin_factor(self, decay: f32) -> Option<f32> {
        (decay == 0.0).then_some(self.0)
    }

    #[inline(always)]
    fn moved(slot: Slot<'_>) -> &mut [f32] {
        slot.velocity
    }

    #[inline(always)]
    fn end(slot: Slot<'_>) {
        for (value, velocity) in slot.values.iter_mut().zip(slot.velocity.iter()) {
            *value += velocity;
        }
    }

    fn problem(self) -> Option<&'static str> {
        let Self(momentum) = self;
        (!(0.0..1.0).contains(&momentum)).then_some("momentum must be at least 0 and below 1")
    }
}

/// Types whose all-zero value is a constant, so that a `static` of them needs no flash.
pub trait Zeroed {
    /// Every number zero.
    const ZEROED: Self;
}

impl Zeroed for () {
    const ZEROED: Self = ();
}

impl Zeroed for f32 {
    const ZEROED: Self = 0.0;
}

impl Zeroed for bool {
    const ZEROED: Self = false;
}

impl<T: Zeroed, const N: usize> Zeroed for [T; N] {
    const ZEROED: Self = [T::ZEROED; N];
}
