//! Gradient descent, momentum and Nesterov's accelerated gradient: they move parameters in place.

use super::decay::{decay_in_place, sign, truncate};
use super::{Kept, Optimizer, Slot};
use crate::kernel;
use crate::network::Network;
use crate::regularization::WeightDecay;

/// Gradient descent: `w <- (1 - eta lambda / n) w - (eta / m) sum of dC/dw`, updated in place
/// with no gradient kept.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Sgd;

impl Optimizer for Sgd {
    type Kept<N: Network> = ();
    type KeptWithGradient<N: Network> = N;
    const STREAMS: bool = false;

    fn kept<N: Network>((): &mut ()) -> Kept<'_, N> {
        Kept {
            velocity: None,
            squares: None,
            gradient: None,
        }
    }

    fn kept_with_gradient<N: Network>(gradient: &mut N) -> Kept<'_, N> {
        Kept {
            velocity: None,
            squares: None,
            gradient: Some(gradient),
        }
    }

    #[inline(always)]
    fn rows(slot: Slot<'_>, fan_out: usize) -> impl Iterator<Item = Slot<'_>> {
        slot.values
            .chunks_exact_mut(fan_out.max(1))
            .map(|values| Slot {
                values,
                ..Slot::default()
            })
    }

    #[inline(always)]
    fn begin(self, slot: Slot<'_>, decay: WeightDecay) {
        decay_in_place(slot.values, decay);
    }

    #[inline(always)]
    fn begin_factor(self, decay: WeightDecay) -> Option<f32> {
        match decay {
            WeightDecay::None | WeightDecay::TruncatedL1(_) => Some(1.0),
            WeightDecay::L2(decay) => Some(1.0 - decay),
            WeightDecay::L1(_) => None,
        }
    }

    #[inline(always)]
    fn moved(slot: Slot<'_>) -> &mut [f32] {
        slot.values
    }

    #[inline(always)]
    fn end(self, slot: Slot<'_>, decay: WeightDecay) {
        truncate(slot.values, decay);
    }

    fn problem(self) -> Option<&'static str> {
        None
    }
}

/// Rows of values with their velocity.
#[inline(always)]
fn rows_with_velocity(slot: Slot<'_>, fan_out: usize) -> impl Iterator<Item = Slot<'_>> {
    let fan_out = fan_out.max(1);
    slot.values
        .chunks_exact_mut(fan_out)
        .zip(slot.velocity.chunks_exact_mut(fan_out))
        .map(|(values, velocity)| Slot {
            values,
            velocity,
            ..Slot::default()
        })
}

/// What [`Momentum`] and [`Nesterov`] keep.
macro_rules! keeps_velocity {
    () => {
        type Kept<N: Network> = N;
        type KeptWithGradient<N: Network> = [N; 2];

        fn kept<N: Network>(velocity: &mut N) -> Kept<'_, N> {
            Kept {
                velocity: Some(velocity),
                squares: None,
                gradient: None,
            }
        }

        fn kept_with_gradient<N: Network>([velocity, gradient]: &mut [N; 2]) -> Kept<'_, N> {
            Kept {
                velocity: Some(velocity),
                squares: None,
                gradient: Some(gradient),
            }
        }

        #[inline(always)]
        fn rows(slot: Slot<'_>, fan_out: usize) -> impl Iterator<Item = Slot<'_>> {
            rows_with_velocity(slot, fan_out)
        }

        fn problem(self) -> Option<&'static str> {
            let Self(momentum) = self;
            (!(0.0..1.0).contains(&momentum)).then_some("momentum must be at least 0 and below 1")
        }
    };
}

/// Momentum as in the notes: `v <- mu v - eta dC/dw`, then `w <- w + v`.
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
    keeps_velocity!();
    const STREAMS: bool = true;

    #[inline(always)]
    fn begin(self, slot: Slot<'_>, decay: WeightDecay) {
        let Self(momentum) = self;
        let both = slot.velocity.iter_mut().zip(slot.values.iter());
        match decay {
            WeightDecay::L2(decay) => {
                for (velocity, value) in both {
                    *velocity = momentum * *velocity - decay * value;
                }
            }
            WeightDecay::L1(decay) => {
                for (velocity, value) in both {
                    *velocity = momentum * *velocity - decay * sign(*value);
                }
            }
            WeightDecay::None | WeightDecay::TruncatedL1(_) => {
                kernel::scale(slot.velocity, momentum);
            }
        }
    }

    #[inline(always)]
    fn begin_factor(self, decay: WeightDecay) -> Option<f32> {
        match decay {
            WeightDecay::None | WeightDecay::TruncatedL1(_) => Some(self.0),
            WeightDecay::L2(_) | WeightDecay::L1(_) => None,
        }
    }

    #[inline(always)]
    fn moved(slot: Slot<'_>) -> &mut [f32] {
        slot.velocity
    }

    #[inline(always)]
    fn end(self, slot: Slot<'_>, decay: WeightDecay) {
        kernel::add(slot.values, slot.velocity);
        truncate(slot.values, decay);
    }
}

/// Nesterov's accelerated gradient exactly as in the notes:
/// `v <- mu v - eta grad C(w + mu v)`, then `w <- w + v` (Nesterov, 1983; Sutskever, Martens, Dahl
/// and Hinton, On the importance of initialization and momentum, 2013). Decay's gradient, too, is
/// that of `w + mu v`.
///
/// Two floats a weight are enough for it: the forward pass runs on `w + mu v`, and once a weight's
/// part in it is over, the weight goes back to `w` and its gradient goes into the velocity. For that
/// reason the samples of a mini-batch cannot come in portions. (To keep `w` in the velocity's place
/// instead, and take for the new velocity what the weight has moved, would save the way back, but
/// leave the velocity with the rounding errors of the weight, and nothing of a gradient below them.)
/// The cost that a trainer returns is that of `w + mu v`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Nesterov(
    /// `mu`, 0 <= mu < 1.
    pub f32,
);

impl Optimizer for Nesterov {
    keeps_velocity!();
    const STREAMS: bool = false;
    const LOOKS_AHEAD: bool = true;

    #[inline(always)]
    fn look_ahead(self, slot: Slot<'_>) {
        let Self(momentum) = self;
        for (value, velocity) in slot.values.iter_mut().zip(slot.velocity) {
            *velocity *= momentum;
            *value += *velocity;
        }
    }

    /// Goes back to `w`, with the decay's gradient at `w + mu v`.
    #[inline(always)]
    fn begin(self, slot: Slot<'_>, decay: WeightDecay) {
        let both = slot.values.iter_mut().zip(slot.velocity);
        match decay {
            WeightDecay::L2(decay) => {
                for (value, velocity) in both {
                    let ahead = *value;
                    *value -= *velocity;
                    *velocity -= decay * ahead;
                }
            }
            WeightDecay::L1(decay) => {
                for (value, velocity) in both {
                    let ahead = *value;
                    *value -= *velocity;
                    *velocity -= decay * sign(ahead);
                }
            }
            WeightDecay::None | WeightDecay::TruncatedL1(_) => {
                for (value, velocity) in both {
                    *value -= *velocity;
                }
            }
        }
    }

    #[inline(always)]
    fn moved(slot: Slot<'_>) -> &mut [f32] {
        slot.velocity
    }

    #[inline(always)]
    fn end(self, slot: Slot<'_>, decay: WeightDecay) {
        Momentum::end(Momentum(self.0), slot, decay);
    }
}
