//! How weights start: normal with standard deviation `1 / sqrt(fan_in)`.

use rand_core::Rng;

use crate::random::fill_normal;

/// Fills one layer's weights with normal deviates of variance `1 / fan_in`, so that the weighted
/// input of a unit starts with a spread near 1 and no unit starts saturated (Nielsen, chapter 3,
/// "Weight initialization"). Biases start at zero, as in the notes' worked example.
///
/// # Shapes
/// `weights`: `[fan_in][fan_out]`, filled row by row.
pub fn fan_in<R: Rng + ?Sized>(rng: &mut R, fan_in: usize, weights: &mut [f32]) {
    fill_normal(rng, 1.0 / libm::sqrtf(fan_in as f32), weights);
}
