//! Tries the loops over a layer's weights, and compares them with their portable forms.
//!
//! As in [`trial`](super::trial), tests run it on a desktop, and boards' programs on boards.

use rand_core::Rng;

use super::trial::number_near;
use super::{add, copy, forward, portable, scale, subtract_products};
use crate::input::Input;

/// More units than two blocks, and more inputs than a list of terms has room for.
const UNITS: usize = 40;
const INPUTS: usize = 200;
const WEIGHTS: usize = 1_024;

/// Which of a layer's numbers are in use is a matter of its shape.
struct Layer {
    pixels: [u8; INPUTS],
    numbers: [f32; INPUTS],
    weights: [f32; WEIGHTS],
    units: [f32; UNITS],
    rate: f32,
}

impl Layer {
    /// Numbers in which mistakes hide. From none of the inputs to all of them are zero.
    fn draw(&mut self, rng: &mut impl Rng) {
        let share = rng.next_u32() % 5;
        for (pixel, number) in self.pixels.iter_mut().zip(&mut self.numbers) {
            let lit = rng.next_u32() % 4 < share;
            *pixel = if lit { rng.next_u32() as u8 } else { 0 };
            *number = if lit { number_near(rng, 1.0) } else { 0.0 };
        }
        for number in self.weights.iter_mut().chain(&mut self.units) {
            *number = number_near(rng, 1.0);
        }
        self.rate = number_near(rng, 1.0);
    }
}

/// Runs each loop on so many layers of up to 40 units. This takes 15 KB of stack.
///
/// # Errors
/// The name of the first loop that came to other bits than its portable form. One NaN is as good as
/// another.
pub fn compare_with_portable(rng: &mut impl Rng, layers: u32) -> Result<(), &'static str> {
    let mut layer = Layer {
        pixels: [0; INPUTS],
        numbers: [0.0; INPUTS],
        weights: [0.0; WEIGHTS],
        units: [0.0; UNITS],
        rate: 0.0,
    };
    for _ in 0..layers {
        layer.draw(rng);
        let units = 1 + rng.next_u32() as usize % UNITS;
        let inputs = rng.next_u32() as usize % INPUTS.min(WEIGHTS / units);
        // From any address on.
        let first = rng.next_u32() as usize % 4;
        let pixels = layer.pixels.get(first..).unwrap_or_default();
        compare(&layer, units, inputs, pixels)?;
        compare(&layer, units, inputs, layer.numbers.as_slice())?;
    }
    Ok(())
}

/// Compares all loops on one layer: a matrix of so many `inputs` and `units`.
fn compare<I: Input + ?Sized>(
    layer: &Layer,
    units: usize,
    inputs: usize,
    input: &I,
) -> Result<(), &'static str> {
    let mut weights = [layer.weights; 2];
    let mut outputs = [layer.units; 2];
    let [found, expected] = &mut weights;
    let found = found.get_mut(..inputs * units).unwrap_or_default();
    let expected = expected.get_mut(..inputs * units).unwrap_or_default();
    let [sums, expected_sums] = &mut outputs;
    let sums = sums.get_mut(..units).unwrap_or_default();
    let expected_sums = expected_sums.get_mut(..units).unwrap_or_default();
    let delta = layer.units.get(..units).unwrap_or_default();

    forward(input, found, sums);
    portable::forward(input, expected, expected_sums);
    same("forward", sums, expected_sums)?;

    subtract_products(found, layer.rate, input, delta);
    portable::subtract_products(expected, layer.rate, input, delta);
    same("subtract_products", found, expected)?;

    scale(found, layer.rate);
    portable::scale(expected, layer.rate);
    same("scale", found, expected)?;

    add(found, &layer.weights);
    portable::add(expected, &layer.weights);
    same("add", found, expected)?;

    copy(sums, found);
    portable::copy(expected_sums, expected);
    same("copy", sums, expected_sums)
}

fn same(kernel: &'static str, found: &[f32], expected: &[f32]) -> Result<(), &'static str> {
    let equal = |(found, expected): (&f32, &f32)| {
        found.to_bits() == expected.to_bits() || (found.is_nan() && expected.is_nan())
    };
    let all = found.iter().zip(expected).all(equal);
    if all { Ok(()) } else { Err(kernel) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::XorShiftRng;
    use rand_core::SeedableRng;

    #[test]
    fn loops_have_the_bits_of_their_portable_forms() {
        let layers = if cfg!(miri) { 10 } else { 1_000 };
        let compared = compare_with_portable(&mut XorShiftRng::seed_from_u64(7), layers);
        assert_eq!(compared, Ok(()));
    }
}
