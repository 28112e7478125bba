//! Regularisation: L2 weight decay and dropout.

use rand_core::Rng;

use crate::random::uniform;

/// A term added to the cost that keeps weights small. Biases never decay.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum WeightDecay {
    /// No such term.
    #[default]
    None,
    /// `C + (lambda / 2n) sum of w^2`. The number is `lambda / n`, `n` being the number of
    /// training samples: the book's lambda 5 with 50,000 samples is `L2(1.0e-4)`.
    L2(f32),
}

impl WeightDecay {
    /// `lambda / n`, 0 without decay.
    pub const fn rate(self) -> f32 {
        match self {
            Self::None => 0.0,
            Self::L2(rate) => rate,
        }
    }
}

/// Whether hidden units are dropped while training.
pub trait Dropout {
    /// Whether any unit is ever dropped.
    const ACTIVE: bool;

    /// Draws which of a layer's units are dropped for the next mini-batch.
    fn draw(&mut self, dropped: &mut [bool]);

    /// What the activations of kept units are multiplied by.
    fn scale(&self) -> f32;
}

/// No unit is dropped.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoDropout;

impl Dropout for NoDropout {
    const ACTIVE: bool = false;

    /// Forgets what a trainer with dropout may have left in the same state.
    fn draw(&mut self, dropped: &mut [bool]) {
        dropped.fill(false);
    }

    fn scale(&self) -> f32 {
        1.0
    }
}

/// Drops each hidden unit with probability `rate` for the length of a mini-batch, the same units
/// for all of its samples, as in the notes; kept activations are multiplied by `1 / (1 - rate)`
/// (inverted dropout), so that prediction needs no correction.
#[derive(Debug)]
pub struct DropUnits<'r, R> {
    rate: f32,
    rng: &'r mut R,
}

impl<'r, R: Rng> DropUnits<'r, R> {
    /// `rate`: the probability of dropping a unit, `0 <= rate < 1`; `None` when it is not.
    pub fn new(rate: f32, rng: &'r mut R) -> Option<Self> {
        (0.0..1.0).contains(&rate).then_some(Self { rate, rng })
    }
}

impl<R: Rng> Dropout for DropUnits<'_, R> {
    const ACTIVE: bool = true;

    fn draw(&mut self, dropped: &mut [bool]) {
        for dropped in dropped {
            *dropped = uniform(self.rng) < self.rate;
        }
    }

    fn scale(&self) -> f32 {
        1.0 / (1.0 - self.rate)
    }
}
