//! Optimisers: gradient descent, momentum, Nesterov, `RMSprop`, Adam, and gradient clipping.
//!
//! Two kinds. [`Sgd`], [`Momentum`] and [`Nesterov`] move parameters in place: a step touches each
//! of them in three moves, always in this order, [`begin`](Optimizer::begin) once,
//! [`accumulate`](Optimizer::accumulate) for each sample in order, [`end`](Optimizer::end) once.
//! That order *is* the order of rounding. [`RmsProp`], [`Adam`] and [`Clipped`] need the whole
//! gradient of a mini-batch first: it is accumulated apart, a float a parameter more, and
//! [`apply`](Optimizer::apply) moves the parameters when it is complete.

use crate::activation::abs;
use crate::kernel;
use crate::network::Network;
use crate::regularization::WeightDecay;

/// Part of a layer's parameters, with what the optimiser keeps for each of them.
#[derive(Debug, Default)]
pub struct Slot<'a> {
    /// Weights or biases.
    pub values: &'a mut [f32],
    /// The velocity of momentum, or Adam's mean gradient; empty where the optimiser keeps none.
    pub velocity: &'a mut [f32],
    /// The mean square of the gradient, or empty.
    pub squares: &'a mut [f32],
    /// The gradient of this mini-batch, or empty.
    pub gradient: &'a mut [f32],
}

impl Slot<'_> {
    /// The same numbers, borrowed for less long.
    #[inline(always)]
    pub fn reborrow(&mut self) -> Slot<'_> {
        Slot {
            values: self.values,
            velocity: self.velocity,
            squares: self.squares,
            gradient: self.gradient,
        }
    }
}

/// What an optimiser keeps for a network: each has the network's own shape.
#[derive(Debug)]
pub struct Kept<'a, N: ?Sized> {
    /// For [`Slot::velocity`].
    pub velocity: Option<&'a mut N>,
    /// For [`Slot::squares`].
    pub squares: Option<&'a mut N>,
    /// For [`Slot::gradient`].
    pub gradient: Option<&'a mut N>,
}

impl<N: ?Sized> Kept<'_, N> {
    /// The same, borrowed for less long.
    #[inline(always)]
    pub fn reborrow(&mut self) -> Kept<'_, N> {
        Kept {
            velocity: self.velocity.as_deref_mut(),
            squares: self.squares.as_deref_mut(),
            gradient: self.gradient.as_deref_mut(),
        }
    }
}

/// One step over a mini-batch, or over a portion of one.
#[derive(Clone, Copy, Debug)]
pub struct Step<O> {
    /// The rule of the update.
    pub optimizer: O,
    /// What a sample's gradient is subtracted with: learning rate / samples of the mini-batch, or
    /// -1 / samples where it is the gradient that is accumulated.
    pub rate: f32,
    /// Weight decay x learning rate.
    pub decay: WeightDecay,
    /// Whether this portion is the mini-batch's first.
    pub first: bool,
    /// Whether this portion is the mini-batch's last.
    pub last: bool,
}

impl<O: Optimizer> Step<O> {
    /// Step number `number`, counted from 1, on a mini-batch of so many `samples`, in one portion.
    #[inline]
    pub fn new(
        optimizer: O,
        learning_rate: f32,
        weight_decay: WeightDecay,
        samples: usize,
        number: u32,
    ) -> Self {
        let rate = if O::KEEPS_GRADIENT {
            -1.0
        } else {
            learning_rate
        };
        Self {
            optimizer: optimizer.at_step(number),
            rate: rate / samples as f32,
            decay: weight_decay.scaled(learning_rate),
            first: true,
            last: true,
        }
    }

    /// The same step for biases, which do not decay.
    #[inline(always)]
    #[must_use]
    pub fn without_decay(self) -> Self {
        Self {
            decay: WeightDecay::None,
            ..self
        }
    }
}

/// A rule that moves parameters against the gradient.
pub trait Optimizer: Copy {
    /// What is kept for each parameter of network `N` beside the parameter itself.
    type Kept<N: Network>: Zeroed;
    /// The same with room for the gradient.
    type KeptWithGradient<N: Network>: Zeroed;
    /// Whether the samples of one mini-batch may come in several portions, because parameters
    /// move only after the last of them.
    const STREAMS: bool;
    /// Whether the gradient is taken at another place than where the parameters are.
    const LOOKS_AHEAD: bool = false;
    /// Whether the gradient is accumulated apart from the parameters, for
    /// [`apply`](Self::apply).
    const KEEPS_GRADIENT: bool = false;

    /// The kept parts.
    fn kept<N: Network>(kept: &mut Self::Kept<N>) -> Kept<'_, N>;

    /// The kept parts and the gradient.
    fn kept_with_gradient<N: Network>(kept: &mut Self::KeptWithGradient<N>) -> Kept<'_, N>;

    /// The rule for step number `number`, counted from 1.
    #[inline(always)]
    #[must_use]
    fn at_step(self, number: u32) -> Self {
        let _ = number;
        self
    }

    /// `slot` cut into rows of `fan_out`, with those of its parts that samples need.
    fn rows(slot: Slot<'_>, fan_out: usize) -> impl Iterator<Item = Slot<'_>>;

    /// Before the forward pass, if [`LOOKS_AHEAD`](Self::LOOKS_AHEAD): goes to where the gradient
    /// is taken.
    #[inline(always)]
    fn look_ahead(self, slot: Slot<'_>) {
        let _ = slot;
    }

    /// Before the first sample. `decay` is weight decay x learning rate, none for biases.
    fn begin(self, slot: Slot<'_>, decay: WeightDecay);

    /// If [`begin`](Self::begin) does no more than multiply what samples move by a number: that
    /// number. Multiplying as part of another pass is then the same.
    fn begin_factor(self, decay: WeightDecay) -> Option<f32>;

    /// What samples move between [`begin`](Self::begin) and [`end`](Self::end).
    fn moved(slot: Slot<'_>) -> &mut [f32];

    /// One sample: moves by `-coefficient * delta`.
    #[inline(always)]
    fn accumulate(slot: Slot<'_>, coefficient: f32, delta: &[f32]) {
        kernel::subtract_scaled(Self::moved(slot), coefficient, delta);
    }

    /// After the last sample.
    fn end(self, slot: Slot<'_>, decay: WeightDecay);

    /// The norm to which gradients are clipped, if they are.
    #[inline(always)]
    fn clip_norm(self) -> Option<f32> {
        None
    }

    /// Moves the parameters by a whole gradient, multiplied by `factor`: to the bit what one
    /// sample with that gradient does, unless the optimiser has another rule. `weight_decay` is
    /// none for biases.
    #[inline(always)]
    fn apply(self, mut slot: Slot<'_>, learning_rate: f32, weight_decay: WeightDecay, factor: f32) {
        let gradient = core::mem::take(&mut slot.gradient);
        let decay = weight_decay.scaled(learning_rate);
        self.begin(slot.reborrow(), decay);
        Self::accumulate(slot.reborrow(), learning_rate * factor, gradient);
        self.end(slot, decay);
    }

    /// Why the optimiser's own numbers are wrong, if they are.
    fn problem(self) -> Option<&'static str>;
}

/// What `begin` does to values that samples then move in place.
#[inline(always)]
fn decay_in_place(values: &mut [f32], decay: WeightDecay) {
    match decay {
        WeightDecay::L2(decay) => {
            let keep = 1.0 - decay;
            for value in values {
                *value *= keep;
            }
        }
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
fn truncate(values: &mut [f32], decay: WeightDecay) {
    if let WeightDecay::TruncatedL1(decay) = decay {
        for value in values {
            let size = abs(*value) - decay;
            *value = if size > 0.0 { size * sign(*value) } else { 0.0 };
        }
    }
}

/// `sgn(x)`: 1, -1, or 0 for 0.
#[inline(always)]
fn sign(x: f32) -> f32 {
    let positive = if x > 0.0 { 1.0 } else { 0.0 };
    let negative = if x < 0.0 { 1.0 } else { 0.0 };
    positive - negative
}

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
                for velocity in slot.velocity {
                    *velocity *= momentum;
                }
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
        for (value, velocity) in slot.values.iter_mut().zip(slot.velocity.iter()) {
            *value += velocity;
        }
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
    fn begin_factor(self, _: WeightDecay) -> Option<f32> {
        None
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
        fn begin_factor(self, _: WeightDecay) -> Option<f32> {
            None
        }

        #[inline(always)]
        fn moved(slot: Slot<'_>) -> &mut [f32] {
            slot.gradient
        }

        #[inline(always)]
        fn end(self, _: Slot<'_>, _: WeightDecay) {}
    };
}

/// The gradient of the cost with its decay term: what [`RmsProp`] and [`Adam`] divide.
#[inline(always)]
fn with_decay(gradient: f32, value: f32, weight_decay: WeightDecay) -> f32 {
    match weight_decay {
        WeightDecay::L2(rate) => gradient + rate * value,
        WeightDecay::L1(rate) => gradient + rate * sign(value),
        WeightDecay::None | WeightDecay::TruncatedL1(_) => gradient,
    }
}

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
        let parts = slot.values.iter_mut().zip(slot.squares);
        for ((value, square), gradient) in parts.zip(slot.gradient.iter()) {
            let gradient = with_decay(factor * gradient, *value, weight_decay);
            *square = self.decay * *square + (1.0 - self.decay) * gradient * gradient;
            *value -= learning_rate * gradient / (libm::sqrtf(*square) + self.epsilon);
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
        let parts = slot.values.iter_mut().zip(slot.velocity).zip(slot.squares);
        for (((value, mean), square), gradient) in parts.zip(slot.gradient.iter()) {
            let gradient = with_decay(factor * gradient, *value, weight_decay);
            *mean = self.beta1 * *mean + (1.0 - self.beta1) * gradient;
            *square = self.beta2 * *square + (1.0 - self.beta2) * gradient * gradient;
            *value -= rate * *mean / (libm::sqrtf(*square) / second + self.epsilon);
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
        Some(self.norm)
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
/// `norm`. A gradient that is not finite stays as it is, for the cost to tell.
#[inline]
pub fn clip_factor(norm: f32, squares: f32) -> f32 {
    let length = libm::sqrtf(squares);
    if length > norm { norm / length } else { 1.0 }
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

impl<T: Zeroed, const N: usize> Zeroed for [T; N] {
    const ZEROED: Self = [T::ZEROED; N];
}
