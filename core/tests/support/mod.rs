//! What several test files need: a network's parameters as one list, and dropout whose masks the
//! test chooses.

#![allow(dead_code, reason = "each test file uses its part")]

pub(crate) mod file;
pub(crate) mod reference;

use thumbnet::prelude::*;
use thumbnet::random::uniform;
use thumbnet::regularization::{Dropout, Mask};

/// All parameters in the order of the weights file.
pub(crate) fn parameters<N: Network>(network: &N) -> Vec<f32> {
    let mut all = Vec::new();
    network.for_each_layer(&mut |_, weights, biases| {
        all.extend_from_slice(weights);
        all.extend_from_slice(biases);
    });
    all
}

/// The parameters' bits: `assert_eq` of these is bit-equality, of zeros and NaNs too.
pub(crate) fn bits<N: Network>(network: &N) -> Vec<u32> {
    parameters(network).into_iter().map(f32::to_bits).collect()
}

/// The opposite of [`parameters`].
pub(crate) fn set_parameters<N: Network>(network: &mut N, all: &[f32]) {
    let mut all = all.iter();
    network.for_each_layer_mut(&mut |_, weights, biases| {
        for value in weights.iter_mut().chain(biases) {
            *value = *all.next().expect("as many numbers as parameters");
        }
    });
    assert_eq!(all.next(), None, "no more numbers than parameters");
}

/// A network with fan-in scaled weights and biases that are not zero.
pub(crate) fn random_network<N: Network>(seed: u64) -> N {
    let mut rng = XorShiftRng::seed_from_u64(seed);
    let mut network = N::ZEROED;
    network.init_weights(&mut rng);
    network.for_each_layer_mut(&mut |_, _, biases| {
        for bias in biases {
            *bias = 0.5 * uniform(&mut rng) - 0.25;
        }
    });
    network
}

/// Uniform in -1 .. 1, and exactly zero one time in `one_in`.
pub(crate) fn number_or_zero(rng: &mut XorShiftRng, one_in: u32) -> f32 {
    let zero = thumbnet::random::below(rng, one_in) == 0;
    let value = 2.0 * uniform(rng) - 1.0;
    if zero { 0.0 } else { value }
}

/// Dropout whose masks the test chooses.
pub(crate) struct Given<F> {
    /// Of inputs and of up to two hidden layers: what is kept is multiplied by `1 / (1 - rate)`.
    pub(crate) rates: [f32; 3],
    /// Of layer, sample and unit; layer 0 are the inputs.
    pub(crate) drops: F,
}

/// A mask of [`Given`].
pub(crate) struct GivenMask<F> {
    drops: F,
    layer: usize,
    sample: usize,
}

/// Drops the hidden units marked in `marks`, layer by layer, the same for all samples.
pub(crate) fn hidden_units<N: Network>(
    marks: &[bool],
) -> impl Fn(usize, usize, usize) -> bool + Copy + use<'_, N> {
    move |layer, _, unit| {
        let below = N::ARCHITECTURE
            .layers()
            .iter()
            .take(layer.saturating_sub(1));
        let first: usize = below.map(|layer| layer.fan_out).sum();
        layer > 0 && marks[first + unit]
    }
}

impl<F: Fn(usize, usize, usize) -> bool + Copy> Dropout for Given<F> {
    const ACTIVE: bool = true;
    type Mask = GivenMask<F>;

    fn begin(&mut self) {}

    fn mask(&self, layer: usize, sample: usize) -> GivenMask<F> {
        GivenMask {
            drops: self.drops,
            layer,
            sample,
        }
    }

    fn scale(&self, layer: usize) -> f32 {
        1.0 / (1.0 - self.rates[layer])
    }
}

impl<F: Fn(usize, usize, usize) -> bool> Mask for GivenMask<F> {
    fn is_active(&self) -> bool {
        true
    }

    fn drops(&self, unit: usize) -> bool {
        (self.drops)(self.layer, self.sample, unit)
    }
}
