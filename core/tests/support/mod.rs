//! What several test files need: a network's parameters as one list, and a generator whose draws
//! the test chooses.

#![allow(dead_code, reason = "each test file uses its part")]

pub(crate) mod file;

use core::convert::Infallible;

use thumbnet::prelude::*;
use thumbnet::random::uniform;

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

/// A generator whose 32-bit words are given one by one, and no more of them.
pub(crate) struct Script(pub(crate) std::vec::IntoIter<u32>);

impl Script {
    /// Makes dropout of any rate drop exactly the units marked `true`: one word decides on a unit.
    pub(crate) fn of_masks(masks: &[bool]) -> Self {
        let words: Vec<u32> = masks
            .iter()
            .map(|&dropped| if dropped { 0 } else { u32::MAX })
            .collect();
        Self(words.into_iter())
    }

    /// Fails when a word was not asked for.
    pub(crate) fn finish(mut self) {
        assert_eq!(self.0.next(), None, "every word of the script is used");
    }
}

impl rand_core::TryRng for Script {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.0.next().expect("no word beyond the script"))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        unreachable!("one 32-bit word decides on a unit")
    }

    fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), Infallible> {
        unreachable!("one 32-bit word decides on a unit")
    }
}
