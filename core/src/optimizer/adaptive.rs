//! `RMSprop` and Adam: each parameter has a step size of its own.

use super::decay::{add_decay, truncate};
use super::whole::accumulates_gradient;
use super::{Kept, Optimizer, Slot};
use crate::kernel;
use crate::network::Network;
use crate::regularization::WeightDecay;

/// `RMSprop`: `s <- rho s + (1 - rho) g^2`, then `w <- w - eta g / (sqrt(s) + epsilon)` (Hinton,
/// Neural networks for machine learning, lecture 6e, 2012).
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct RmsProp {
    /// `rho`, 0 <= rho < 1: how much of the old mean square is kept each step.
    pub decay: f32,
    /// Above 0; keeps the quotient finite.
    pub epsilon: f32,
}

impl RmsProp {
    /// 0.99 and 1e-8, as in `PyTorch`.
    pub const DEFAULT: Self = Self {
        decay: 0.99,
        epsilon: 1.0e-8,
    };
}

impl Optimizer for RmsProp {
    type Kept<N: Network> = [N; 2];
    type KeptWithGradient<N: Network> = [N; 2];
    accumulates_gradient!();

    fn kept<N: Network>([squares, gradient]: &mut [N; 2]) -> Kept<'_, N> {
        Kept {
            velocity: None,
            squares: Some(squares),
            gradient: Some(gradient),
        }
    }

    fn kept_with_gradient<N: Network>(kept: &mut [N; 2]) -> Kept<'_, N> {
        Self::kept(kept)
    }

    #[inline(always)]
    fn apply(self, slot: Slot<'_>, learning_rate: f32, weight_decay: WeightDecay, factor: f32) {
        add_decay(slot.gradient, factor, slot.values, weight_decay);
        let parts = slot.values.iter_mut().zip(slot.squares);
        for ((value, square), gradient) in parts.zip(slot.gradient.iter()) {
            *square = self.decay * *square + (1.0 - self.decay) * gradient * gradient;
            *value -= learning_rate * gradient / (kernel::sqrt(*square) + self.epsilon);
        }
        truncate(slot.values, weight_decay.scaled(learning_rate));
    }

    fn problem(self) -> Option<&'static str> {
        if !(0.0..1.0).contains(&self.decay) {
            Some("RMSprop's decay must be at least 0 and below 1")
        } else if !(self.epsilon > 0.0 && self.epsilon.is_finite()) {
            Some("RMSprop's epsilon must be finite and above 0")
        } else {
            None
        }
    }
}

/// Adam: `m <- beta1 m + (1 - beta1) g`, `s <- beta2 s + (1 - beta2) g^2`, then
/// `w <- w - eta m' / (sqrt(s') + epsilon)` with `m' = m / (1 - beta1^t)` and
/// `s' = s / (1 - beta2^t)` in step `t` (Kingma and Ba, Adam, 2015).
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Adam {
    /// How much of the old mean is kept each step, 0 <= beta1 < 1.
    pub beta1: f32,
    /// How much of the old mean square is kept each step, 0 <= beta2 < 1.
    pub beta2: f32,
    /// Above 0; keeps the quotient finite.
    pub epsilon: f32,
    /// `1 - beta1^t` and `sqrt(1 - beta2^t)`.
    corrections: (f32, f32),
}

impl Adam {
    /// 0.9, 0.999 and 1e-8, as in the paper.
    pub const DEFAULT: Self = Self::new(0.9, 0.999, 1.0e-8);

    /// Adam with these numbers.
    pub const fn new(beta1: f32, beta2: f32, epsilon: f32) -> Self {
        Self {
            beta1,
            beta2,
            epsilon,
            corrections: (1.0, 1.0),
        }
    }
}

impl Optimizer for Adam {
    type Kept<N: Network> = [N; 3];
    type KeptWithGradient<N: Network> = [N; 3];
    accumulates_gradient!();

    fn kept<N: Network>([velocity, squares, gradient]: &mut [N; 3]) -> Kept<'_, N> {
        Kept {
            velocity: Some(velocity),
            squares: Some(squares),
            gradient: Some(gradient),
        }
    }

    fn kept_with_gradient<N: Network>(kept: &mut [N; 3]) -> Kept<'_, N> {
        Self::kept(kept)
    }

    /// Powers in f64: `1 - 0.999^t` would lose half of its digits in f32.
    #[inline]
    fn at_step(self, number: u32) -> Self {
        let rest = |beta: f32| 1.0 - libm::pow(f64::from(beta), f64::from(number));
        let corrections = (rest(self.beta1) as f32, libm::sqrt(rest(self.beta2)) as f32);
        Self {
            corrections,
            ..self
        }
    }

    #[inline(always)]
    fn apply(self, slot: Slot<'_>, learning_rate: f32, weight_decay: WeightDecay, factor: f32) {
        let (first, second) = self.corrections;
        let rate = learning_rate / first;
        add_decay(slot.gradient, factor, slot.values, weight_decay);
        let parts = slot.values.iter_mut().zip(slot.velocity).zip(slot.squares);
        for (((value, mean), square), gradient) in parts.zip(slot.gradient.iter()) {
            *mean = self.beta1 * *mean + (1.0 - self.beta1) * gradient;
            *square = self.beta2 * *square + (1.0 - self.beta2) * gradient * gradient;
            *value -= rate * *mean / (kernel::sqrt(*square) / second + self.epsilon);
        }
        truncate(slot.values, weight_decay.scaled(learning_rate));
    }

    fn problem(self) -> Option<&'static str> {
        if !((0.0..1.0).contains(&self.beta1) && (0.0..1.0).contains(&self.beta2)) {
            Some("Adam's beta1 and beta2 must be at least 0 and below 1")
        } else if !(self.epsilon > 0.0 && self.epsilon.is_finite()) {
            Some("Adam's epsilon must be finite and above 0")
        } else {
            None
        }
    }
}
