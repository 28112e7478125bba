//! Regularisation: weight decay and dropout.

use rand_core::Rng;

use crate::architecture::MAX_LAYERS;

/// A term added to the cost that keeps weights small. Biases never decay.
///
/// Its number is `lambda / n`, `n` being the number of training samples: the book's lambda 5 with
/// 50,000 samples is `L2(1.0e-4)`. Decay is part of the cost, so its gradient goes through
/// momentum, or through [`Adam`](crate::Adam)'s means, as the gradient of the samples does
/// (coupled); [`TruncatedL1`](Self::TruncatedL1) alone does not.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum WeightDecay {
    /// No such term.
    #[default]
    None,
    /// `C + (lambda / 2n) sum of w^2`: `w <- (1 - eta lambda / n) w - ..` (Nielsen, chapter 3,
    /// equation 93).
    L2(f32),
    /// `C + (lambda / n) sum of |w|`: `w <- w - (eta lambda / n) sgn(w) - ..`, `sgn(0) = 0`
    /// (Nielsen, chapter 3, equation 97). Weights come close to zero, and swing around it.
    L1(f32),
    /// The same term, but after the step on the samples every weight goes
    /// `eta lambda / n` towards zero and stops there: `w <- sgn(w) max(0, |w| - eta lambda / n)`,
    /// so that weights become exactly zero (Langford, Li and Zhang, Sparse online learning via
    /// truncated gradient, 2009; Duchi and Singer, 2009). Apart from momentum (decoupled).
    TruncatedL1(f32),
}

impl WeightDecay {
    /// `lambda / n`, 0 without decay.
    pub const fn rate(self) -> f32 {
        match self {
            Self::None => 0.0,
            Self::L2(rate) | Self::L1(rate) | Self::TruncatedL1(rate) => rate,
        }
    }

    /// What it adds to the cost: `(rate / 2) sum of w^2`, or `rate x sum of |w|`, summed in f64 in
    /// the order of `weights`.
    pub fn term(self, weights: &[f32]) -> f64 {
        let sum = |of: fn(f64) -> f64| weights.iter().map(|&w| of(f64::from(w))).sum::<f64>();
        match self {
            Self::None => 0.0,
            Self::L2(rate) => f64::from(rate) / 2.0 * sum(|w| w * w),
            Self::L1(rate) | Self::TruncatedL1(rate) => f64::from(rate) * sum(f64::abs),
        }
    }

    /// The same kind of decay at `factor` times the rate; none if that is no decay at all.
    #[inline(always)]
    pub fn scaled(self, factor: f32) -> Self {
        let rate = self.rate() * factor;
        match self {
            _ if rate == 0.0 => Self::None,
            Self::None => Self::None,
            Self::L2(_) => Self::L2(rate),
            Self::L1(_) => Self::L1(rate),
            Self::TruncatedL1(_) => Self::TruncatedL1(rate),
        }
    }
}

/// How often units are dropped while training, and how that is made up for.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct DropoutRates {
    /// The probability of dropping: of an input first, then of a unit of each hidden layer in
    /// order, each `0 <= rate < 1`.
    pub layers: [f32; MAX_LAYERS],
    /// Whether every sample of a mini-batch has a mask of its own, instead of one for all.
    pub per_sample: bool,
    /// Whether kept activations are multiplied by `1 / (1 - rate)` while training (inverted
    /// dropout), so that prediction needs no correction. If not, as in the book, the weights that
    /// lead out of each layer have to be multiplied by `1 - rate` before they predict:
    /// [`Network::scale_for_prediction`](crate::Network::scale_for_prediction).
    pub inverted: bool,
}

impl DropoutRates {
    /// No unit is dropped.
    pub const NONE: Self = Self::hidden(0.0);

    /// The same rate for every hidden layer, none for inputs; one mask a mini-batch, as in the
    /// notes; inverted.
    pub const fn hidden(rate: f32) -> Self {
        let mut layers = [rate; MAX_LAYERS];
        layers[0] = 0.0;
        Self {
            layers,
            per_sample: false,
            inverted: true,
        }
    }

    /// The first rate that is not in `0 <= rate < 1`.
    pub fn problem(&self) -> Option<f32> {
        let wrong = |rate: &&f32| !(0.0..1.0).contains(*rate);
        self.layers.iter().find(wrong).copied()
    }

    /// The rate of layer `layer`, 0 being the inputs.
    #[inline(always)]
    pub fn rate(&self, layer: usize) -> f32 {
        self.layers.get(layer).copied().unwrap_or(0.0)
    }

    /// What the kept activations of a layer are multiplied by while training.
    #[inline(always)]
    pub fn scale(&self, layer: usize) -> f32 {
        if self.inverted {
            1.0 / (1.0 - self.rate(layer))
        } else {
            1.0
        }
    }

    /// What the weights that lead out of a layer are multiplied by when training has ended.
    #[inline(always)]
    pub fn prediction_scale(&self, layer: usize) -> f32 {
        if self.inverted {
            1.0
        } else {
            1.0 - self.rate(layer)
        }
    }
}

/// Which inputs and hidden units take part in training on a sample.
pub trait Dropout {
    /// Whether any unit is ever dropped.
    const ACTIVE: bool;
    /// The units that one sample loses in one layer.
    type Mask: Mask;

    /// Draws for the next mini-batch.
    fn begin(&mut self);

    /// The mask of a layer, 0 being the inputs and 1 the first hidden layer, for a sample, counted
    /// from 0 in its mini-batch. The same for as long as the mini-batch lasts.
    fn mask(&self, layer: usize, sample: usize) -> Self::Mask;

    /// What the kept activations of a layer are multiplied by.
    fn scale(&self, layer: usize) -> f32;
}

/// Which units of a layer are dropped.
pub trait Mask {
    /// Whether any unit may be dropped.
    fn is_active(&self) -> bool;

    /// Whether this one is.
    fn drops(&self, unit: usize) -> bool;
}

/// No unit is dropped.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoDropout;

impl Dropout for NoDropout {
    const ACTIVE: bool = false;
    type Mask = Self;

    fn begin(&mut self) {}

    #[inline(always)]
    fn mask(&self, _: usize, _: usize) -> Self {
        Self
    }

    #[inline(always)]
    fn scale(&self, _: usize) -> f32 {
        1.0
    }
}

impl Mask for NoDropout {
    #[inline(always)]
    fn is_active(&self) -> bool {
        false
    }

    #[inline(always)]
    fn drops(&self, _: usize) -> bool {
        false
    }
}

/// Drops units at [`DropoutRates`] (Srivastava et al., Dropout, 2014). Each mini-batch draws one
/// number from the generator, the key of its [`HashedMasks`].
#[derive(Debug)]
pub struct DropUnits<'r, R> {
    masks: HashedMasks,
    rng: &'r mut R,
}

impl<'r, R: Rng> DropUnits<'r, R> {
    /// Units dropped at `rates`, keys drawn from `rng`.
    ///
    /// # Errors
    /// The first rate that is not in `0 <= rate < 1`.
    pub fn new(rates: DropoutRates, rng: &'r mut R) -> Result<Self, f32> {
        match rates.problem() {
            Some(rate) => Err(rate),
            None => Ok(Self {
                masks: HashedMasks { rates, key: 0 },
                rng,
            }),
        }
    }
}

impl<R: Rng> Dropout for DropUnits<'_, R> {
    const ACTIVE: bool = true;
    type Mask = HashedMask;

    fn begin(&mut self) {
        self.masks.key = self.rng.next_u32();
    }

    #[inline(always)]
    fn mask(&self, layer: usize, sample: usize) -> HashedMask {
        self.masks.mask(layer, sample)
    }

    #[inline(always)]
    fn scale(&self, layer: usize) -> f32 {
        self.masks.rates.scale(layer)
    }
}

/// The masks of one mini-batch. Whether a unit is dropped is a hash of key, layer, sample and unit:
/// masks take no memory, and can be asked for again in the backward pass, in any order and on any
/// thread.
#[derive(Clone, Copy, Debug)]
pub struct HashedMasks {
    /// How often units are dropped; each rate in `0 <= rate < 1`.
    pub rates: DropoutRates,
    /// What all masks of the mini-batch follow from.
    pub key: u32,
}

impl HashedMasks {
    /// As [`Dropout::mask`].
    #[inline(always)]
    pub fn mask(&self, layer: usize, sample: usize) -> HashedMask {
        let sample = if self.rates.per_sample { sample } else { 0 };
        let place = (sample as u32).wrapping_mul(MAX_LAYERS as u32);
        HashedMask {
            key: mix(self.key ^ mix(place.wrapping_add(layer as u32))),
            // Exactly 0 for a rate of 0; as f32 has 24 bits, never rounded up to 2^32.
            threshold: (self.rates.rate(layer) * 4_294_967_296.0) as u32,
            first: 0,
        }
    }
}

/// One of [`HashedMasks`].
#[derive(Clone, Copy, Debug)]
pub struct HashedMask {
    key: u32,
    threshold: u32,
    first: u32,
}

impl HashedMask {
    /// Drops nothing.
    pub const NONE: Self = Self {
        key: 0,
        threshold: 0,
        first: 0,
    };

    /// The mask of the units from `first` on.
    #[must_use]
    pub fn from(self, first: usize) -> Self {
        let first = self.first.wrapping_add(first as u32);
        Self { first, ..self }
    }
}

impl Mask for HashedMask {
    #[inline(always)]
    fn is_active(&self) -> bool {
        self.threshold != 0
    }

    #[inline(always)]
    fn drops(&self, unit: usize) -> bool {
        // Steps of 2^32 / golden ratio keep neighbouring units far apart before they are mixed.
        let place = (unit as u32)
            .wrapping_add(self.first)
            .wrapping_mul(0x9E37_79B9);
        mix(self.key.wrapping_add(place)) < self.threshold
    }
}

/// A bijection of 32 bits in which every bit of the result depends on every bit of `x` about
/// equally: xor-shifts and multiplications with Wellons' constants ("Prospecting for hash
/// functions", 2018).
#[inline(always)]
fn mix(mut x: u32) -> u32 {
    x ^= x >> 16;
    x = x.wrapping_mul(0x7FEB_352D);
    x ^= x >> 15;
    x = x.wrapping_mul(0x846C_A68B);
    x ^ (x >> 16)
}

/// What a dropped unit's activation is replaced by: a zero that no kept unit has, because
/// [`drop_units`] adds zero to those, which turns -0 into +0. The activations themselves thus say
/// which units the backward pass has to leave out.
const DROPPED: f32 = -0.0;

/// Silences the dropped units of one sample.
///
/// # Shapes
/// `activations`: `[units]`.
#[inline(always)]
pub fn drop_units<M: Mask>(activations: &mut [f32], mask: &M) {
    for (unit, activation) in activations.iter_mut().enumerate() {
        *activation = if mask.drops(unit) {
            DROPPED
        } else {
            *activation + 0.0
        };
    }
}

/// Whether [`drop_units`] has silenced the unit with this activation.
#[inline(always)]
pub fn is_dropped(activation: f32) -> bool {
    activation.to_bits() == DROPPED.to_bits()
}

#[cfg(test)]
mod tests {
    use rand_core::SeedableRng;
    use rand_xorshift::XorShiftRng;

    use super::*;

    const RATES: DropoutRates = DropoutRates {
        per_sample: true,
        ..DropoutRates::hidden(0.25)
    };

    /// The masks that every pinned training run with dropout starts from.
    #[test]
    fn masks_are_stable() {
        let mut rng = XorShiftRng::seed_from_u64(7);
        let mut dropout = DropUnits::new(RATES, &mut rng).unwrap();
        dropout.begin();
        let word = |layer, sample| {
            let mask = dropout.mask(layer, sample);
            (0..32).fold(0_u32, |word, unit| word << 1 | u32::from(mask.drops(unit)))
        };
        let pinned = [43_004_096, 69_005_612, 1_942_241_284];
        assert_eq!([word(1, 0), word(1, 1), word(2, 0)], pinned);
        assert_eq!(word(0, 3), 0, "inputs are not dropped");
    }

    /// Over many keys: each unit is dropped as often as it should be, and no two of layer, sample
    /// and unit have anything to do with one another.
    #[test]
    fn units_are_dropped_at_their_rate_and_independently() {
        const TRIALS: usize = 20_000;
        let mut rng = XorShiftRng::seed_from_u64(1);
        let mut dropout = DropUnits::new(RATES, &mut rng).unwrap();
        // (layer, sample, unit)
        let places = [
            (1, 0, 0),
            (1, 0, 1),
            (1, 1, 0),
            (2, 0, 0),
            (2, 1, 31),
            (1, 15, 9),
        ];
        let mut alone = [0_usize; 6];
        let mut together = [[0_usize; 6]; 6];
        for _ in 0..TRIALS {
            dropout.begin();
            let drops = places.map(|(layer, sample, unit)| dropout.mask(layer, sample).drops(unit));
            for (i, &first) in drops.iter().enumerate() {
                alone[i] += usize::from(first);
                for (j, &second) in drops.iter().enumerate() {
                    together[i][j] += usize::from(first && second);
                }
            }
        }
        // Five standard deviations of a count with probability p.
        let near = |count: usize, p: f64| {
            let n = TRIALS as f64;
            (count as f64 - n * p).abs() < 5.0 * libm::sqrt(n * p * (1.0 - p))
        };
        for (i, (&alone, together)) in alone.iter().zip(&together).enumerate() {
            assert!(near(alone, 0.25), "{i}: {alone}");
            for (j, &together) in together.iter().take(i).enumerate() {
                assert!(near(together, 0.0625), "{i} {j}: {together}");
            }
        }
    }

    #[test]
    fn a_mask_per_mini_batch_is_the_same_for_all_samples() {
        let rates = DropoutRates::hidden(0.5);
        let mut rng = XorShiftRng::seed_from_u64(3);
        let mut dropout = DropUnits::new(rates, &mut rng).unwrap();
        dropout.begin();
        let mask = |sample| {
            let mask = dropout.mask(1, sample);
            core::array::from_fn::<bool, 64, _>(|unit| mask.drops(unit))
        };
        assert_eq!(mask(0), mask(77));
        assert!(mask(0).contains(&true) && mask(0).contains(&false));
    }

    #[test]
    fn dropped_units_can_be_told_from_silent_ones() {
        let mut rng = XorShiftRng::seed_from_u64(3);
        let mut dropout = DropUnits::new(DropoutRates::hidden(0.5), &mut rng).unwrap();
        dropout.begin();
        let mask = dropout.mask(1, 0);
        for silent in [0.0, -0.0] {
            let mut activations = [silent; 64];
            drop_units(&mut activations, &mask);
            for (unit, &activation) in activations.iter().enumerate() {
                assert_eq!(is_dropped(activation), mask.drops(unit));
            }
        }
    }
}
