//! Tries kernels on numbers in which mistakes hide, and compares them with the operators.
//!
//! Kernels differ between processors, so this is no test of its own: tests run it on a desktop, and
//! boards' programs on boards.

use core::hint::black_box;

use rand_core::Rng;

use super::{add, forward, scale, subtract_scaled};

/// Longest row that is tried.
const LONGEST: usize = 40;

/// A kernel whose result has other bits than that of the operators.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Difference {
    /// Its name.
    pub kernel: &'static str,
    /// The bits of the sum on entry.
    pub sum: u32,
    /// The bits of the number that is the same for a whole row.
    pub factor: u32,
    /// The bits of what is multiplied by it.
    pub value: u32,
    /// The bits of the kernel's result.
    pub found: u32,
    /// The bits of the operators' result.
    pub expected: u32,
}

/// Runs [`forward`], [`subtract_scaled`], [`scale`] and [`add`] on so many rows of up to 40 numbers
/// each.
///
/// # Errors
/// At the first result with other bits than the operators'. One NaN is as good as another.
pub fn compare_with_operators(rng: &mut impl Rng, rows: u32) -> Result<(), Difference> {
    let mut factor = 1.0;
    for _ in 0..rows {
        factor = number_near(rng, factor);
        let mut row = [0.0; LONGEST];
        let mut sums = [0.0; LONGEST];
        let length = rng.next_u32() as usize % (LONGEST + 1);
        for (value, sum) in row.iter_mut().zip(&mut sums).take(length) {
            *value = number_near(rng, factor);
            // Near to the product, most sums round or cancel.
            *sum = number_near(rng, factor * *value);
        }
        let row = row.get(..length).unwrap_or_default();

        let mut found = sums;
        let outputs = found.get_mut(..length).unwrap_or_default();
        if factor != 0.0 {
            forward(&[factor], row, outputs);
        }
        compare("forward", &sums, factor, row, &found)?;

        let mut found = sums;
        let values = found.get_mut(..length).unwrap_or_default();
        subtract_scaled(values, -factor, row);
        compare("subtract_scaled", &sums, factor, row, &found)?;

        // `-0.0 + x` is `x`, and `x * 1.0` is, too.
        let mut found = row_of_zeros_or(rng, row);
        let others = found;
        let products = found.get_mut(..length).unwrap_or_default();
        scale(products, factor);
        let others = others.get(..length).unwrap_or_default();
        compare("scale", &[-0.0; LONGEST], factor, others, &found)?;

        let mut found = sums;
        let values = found.get_mut(..length).unwrap_or_default();
        add(values, others);
        compare("add", &sums, 1.0, others, &found)?;
    }
    Ok(())
}

/// A copy of `row`, or, every fourth time, as many zeros: kernels pass over those.
fn row_of_zeros_or(rng: &mut impl Rng, row: &[f32]) -> [f32; LONGEST] {
    let mut copy = [0.0; LONGEST];
    if rng.next_u32().is_multiple_of(4) {
        let sign = if rng.next_u32().is_multiple_of(2) {
            -1.0
        } else {
            1.0
        };
        return copy.map(|zero: f32| zero * sign);
    }
    for (copy, value) in copy.iter_mut().zip(row) {
        *copy = *value;
    }
    copy
}

fn compare(
    kernel: &'static str,
    sums: &[f32],
    factor: f32,
    row: &[f32],
    found: &[f32],
) -> Result<(), Difference> {
    for ((&sum, &value), &found) in sums.iter().zip(row).zip(found) {
        let expected = if kernel == "forward" && factor == 0.0 {
            sum
        } else {
            black_box(sum) + black_box(factor) * black_box(value)
        };
        if found.to_bits() != expected.to_bits() && !(found.is_nan() && expected.is_nan()) {
            return Err(Difference {
                kernel,
                sum: sum.to_bits(),
                factor: factor.to_bits(),
                value: value.to_bits(),
                found: found.to_bits(),
                expected: expected.to_bits(),
            });
        }
    }
    Ok(())
}

/// Any number, or one of a kind in which mistakes hide: zeros, infinities, NaN, the smallest, the
/// largest, those next to `other` and with exponents around its own, and such with few bits, which
/// make ties.
pub fn number_near<R: Rng + ?Sized>(rng: &mut R, other: f32) -> f32 {
    const SIGN: u32 = 1 << 31;
    const FRACTION: u32 = (1 << 23) - 1;
    let random = rng.next_u32();
    let choice = rng.next_u32();
    let sign = choice & SIGN;
    let fraction = random & FRACTION;
    let few_bits = fraction & FRACTION << (random >> 23 & 31).min(23);
    let near = other.to_bits() >> 23 & 0xff;
    let near = (near + (choice >> 8) % 64).saturating_sub(32).min(255) << 23;
    f32::from_bits(match choice % 16 {
        0..3 => random,
        3 => sign,
        4 => sign | 255 << 23 | few_bits,
        5 => sign | fraction,
        6 => sign | few_bits >> 8,
        7 => sign | 254 << 23 | fraction,
        8 => (other.to_bits() ^ sign)
            .wrapping_add(random % 8)
            .wrapping_sub(4),
        9 => sign | 127 << 23 | few_bits,
        10 => sign | 126 << 23 | FRACTION ^ few_bits,
        11..14 => sign | near | fraction,
        _ => sign | near | few_bits,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::XorShiftRng;
    use rand_core::SeedableRng;

    #[test]
    fn kernels_have_the_bits_of_the_operators() {
        let rows = if cfg!(miri) { 100 } else { 100_000 };
        let compared = compare_with_operators(&mut XorShiftRng::seed_from_u64(7), rows);
        assert_eq!(compared, Ok(()));
    }
}
