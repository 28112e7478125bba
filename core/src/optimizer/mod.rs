//! Optimisers: gradient descent, momentum, Nesterov, `RMSprop`, Adam, and gradient clipping.
//!
//! Two kinds. [`Sgd`], [`Momentum`] and [`Nesterov`] move parameters in place: a step touches each
//! of them in three moves, always in this order, [`begin`](Optimizer::begin) once,
//! [`accumulate`](Optimizer::accumulate) for each sample in order, [`end`](Optimizer::end) once.
//! That order *is* the order of rounding. [`RmsProp`], [`Adam`] and [`Clipped`] need the whole
//! gradient of a mini-batch first: it is accumulated apart, a float a parameter more, and
//! [`apply`](Optimizer::apply) moves the parameters when it is complete.

mod adaptive;
mod decay;
mod in_place;
mod whole;

pub use adaptive::{Adam, RmsProp};
pub use in_place::{Momentum, Nesterov, Sgd};
pub use whole::{Clipped, clip_factor};

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
    #[inline(always)]
    fn begin_factor(self, decay: WeightDecay) -> Option<f32> {
        let _ = decay;
        None
    }

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

impl Zeroed for u8 {
    const ZEROED: Self = 0;
}

impl<T: Zeroed, const N: usize> Zeroed for [T; N] {
    const ZEROED: Self = [T::ZEROED; N];
}
