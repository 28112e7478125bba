//! How parameters start: the spread of weights, and biases that are zero or normal.

use rand_core::Rng;

use crate::architecture::LayerShape;
use crate::random::fill_normal;

/// Weights are normal deviates of mean 0; this is their standard deviation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum WeightInit {
    /// `1 / sqrt(fan_in)`: a unit's weighted input starts with a spread near that of its inputs,
    /// so that no unit starts saturated (`LeCun`, Bottou, Orr and Müller, "Efficient `BackProp`",
    /// 1998; Nielsen, chapter 3, "Weight initialization").
    #[default]
    FanIn,
    /// 1: the book's old way, kept to be compared with (`large_weight_initializer`).
    Unit,
    /// `sqrt(2 / fan_in)`: makes up for `ReLU`, which silences half of the units (He, Zhang, Ren
    /// and Sun, "Delving deep into rectifiers", 2015).
    He,
    /// `sqrt(2 / (fan_in + fan_out))`: between what keeps the spread of activations and what keeps
    /// that of gradients, for tanh and sigmoid (Glorot and Bengio, "Understanding the difficulty
    /// of training deep feedforward neural networks", 2010).
    Glorot,
}

impl WeightInit {
    /// The standard deviation of one layer's weights.
    pub fn standard_deviation(self, fan_in: usize, fan_out: usize) -> f32 {
        match self {
            Self::FanIn => 1.0 / libm::sqrtf(fan_in as f32),
            Self::Unit => 1.0,
            Self::He => libm::sqrtf(2.0 / fan_in as f32),
            Self::Glorot => libm::sqrtf(2.0 / (fan_in + fan_out) as f32),
        }
    }

    /// The name that users type and read: `fan-in`, `unit`, `he`, `glorot`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FanIn => "fan-in",
            Self::Unit => "unit",
            Self::He => "he",
            Self::Glorot => "glorot",
        }
    }
}

impl core::fmt::Display for WeightInit {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.pad(self.name())
    }
}

/// How biases start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum BiasInit {
    /// 0, as in the notes' worked example.
    #[default]
    Zero,
    /// Normal, of mean 0 and standard deviation 1, as in the book, old way and new.
    Normal,
}

impl BiasInit {
    /// The name that users type and read: `zero`, `normal`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Zero => "zero",
            Self::Normal => "normal",
        }
    }
}

impl core::fmt::Display for BiasInit {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.pad(self.name())
    }
}

/// How a network's parameters start.
///
/// ```
/// use thumbnet::prelude::*;
/// // The book's old way, which starts with saturated units.
/// const LARGE: Initialization = Initialization {
///     weights: WeightInit::Unit,
///     biases: BiasInit::Normal,
/// };
/// let mut network = Mlp::<64, 16, 10>::ZEROED;
/// network.init_weights_with(LARGE, &mut XorShiftRng::seed_from_u64(7));
/// assert_ne!(network.first.biases, [0.0; 16]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Initialization {
    /// The spread of weights.
    pub weights: WeightInit,
    /// How biases start.
    pub biases: BiasInit,
}

impl Initialization {
    /// Draws one layer's parameters: weights row by row, then biases. Biases that start at zero
    /// take nothing from the generator.
    ///
    /// # Shapes
    /// `weights`: `[fan_in][fan_out]`; `biases`: `[fan_out]`.
    pub fn draw<R: Rng + ?Sized>(
        self,
        rng: &mut R,
        layer: LayerShape,
        weights: &mut [f32],
        biases: &mut [f32],
    ) {
        let spread = self.weights.standard_deviation(layer.fan_in, layer.fan_out);
        fill_normal(rng, spread, weights);
        match self.biases {
            BiasInit::Zero => biases.fill(0.0),
            BiasInit::Normal => fill_normal(rng, 1.0, biases),
        }
    }
}

#[cfg(test)]
mod tests {
    use rand_core::SeedableRng;
    use rand_xorshift::XorShiftRng;

    use super::*;
    use crate::activation::Activation;

    const WIDE: LayerShape = LayerShape {
        fan_in: 200,
        fan_out: 50,
        activation: Activation::Tanh,
    };

    fn variance(values: &[f32]) -> f64 {
        values
            .iter()
            .map(|&w| f64::from(w) * f64::from(w))
            .sum::<f64>()
            / values.len() as f64
    }

    #[test]
    fn weights_have_the_variance_that_the_papers_say() {
        for (weights, expected) in [
            (WeightInit::FanIn, 1.0 / 200.0),
            (WeightInit::Unit, 1.0),
            (WeightInit::He, 2.0 / 200.0),
            (WeightInit::Glorot, 2.0 / 250.0),
        ] {
            let mut drawn = [0.0; 200 * 50];
            let initialization = Initialization {
                weights,
                ..Initialization::default()
            };
            let mut rng = XorShiftRng::seed_from_u64(5);
            initialization.draw(&mut rng, WIDE, &mut drawn, &mut [0.0; 50]);
            // Five standard errors: sqrt(2 / 10,000) each.
            let ratio = variance(&drawn) / expected;
            assert!((ratio - 1.0).abs() < 0.071, "{weights}: {ratio}");
        }
    }

    #[test]
    fn biases_come_after_the_weights() {
        let draw = |biases| {
            let initialization = Initialization {
                biases,
                ..Initialization::default()
            };
            let mut drawn = ([0.0; 200 * 50], [9.0; 50]);
            let mut rng = XorShiftRng::seed_from_u64(5);
            initialization.draw(&mut rng, WIDE, &mut drawn.0, &mut drawn.1);
            (drawn, rng)
        };
        let ((weights, zero), mut behind) = draw(BiasInit::Zero);
        let ((same, normal), _) = draw(BiasInit::Normal);
        assert_eq!(weights, same);
        assert_eq!(zero, [0.0; 50]);
        let mut expected = [0.0; 50];
        fill_normal(&mut behind, 1.0, &mut expected);
        assert_eq!(normal, expected);
        // Five standard errors: sqrt(2 / 50).
        assert!((variance(&normal) - 1.0).abs() < 1.0);
    }
}
