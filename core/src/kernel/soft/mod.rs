//! Multiply-adds where floats are software: the operators' bits, in a fraction of their
//! instructions.
//!
//! Most of what the operators cost on a processor without a floating-point unit is spent on taking
//! numbers apart, putting them together again, and asking for special cases, twice for each
//! multiply-add. Here a product goes into its sum as an integer, and over a row, [`add_scaled`],
//! the factor is taken apart once.

#[cfg(software_floats = "armv6m")]
#[allow(unsafe_code)]
mod armv6m;
#[cfg(software_floats = "armv7m")]
#[allow(unsafe_code)]
mod armv7m;
#[cfg(software_floats)]
#[allow(unsafe_code)]
mod row;

/// Whether this is for the processor at hand.
pub(super) const NEEDED: bool = cfg!(software_floats);

const SIGN: u32 = 1 << 31;
/// The bit above the fraction: 1.0 of the significand, which numbers do not hold.
const ONE: u32 = 1 << 23;

/// `sums[j] += factor * row[j]`, multiplication and addition rounded one after the other.
///
/// # Shapes
/// `sums`, `row`: `[fan_out]`.
#[inline]
pub(super) fn add_scaled(sums: &mut [f32], factor: f32, row: &[f32]) {
    #[cfg(software_floats)]
    if row::takes(factor) {
        return row::add_scaled(sums, factor, row);
    }
    for (sum, value) in sums.iter_mut().zip(row) {
        *sum = multiply_add(*sum, factor, *value);
    }
}

/// `values[j] *= factor`. Zeros stay what they are, unless the factor turns their signs or makes NaN
/// of them.
#[inline(never)]
pub(super) fn scale(values: &mut [f32], factor: f32) {
    let keeps_zeros = (0.0..=f32::MAX).contains(&factor) && factor.is_sign_positive();
    for value in values {
        if !(keeps_zeros && value.to_bits() << 1 == 0) {
            *value *= factor;
        }
    }
}

/// `values[j] += others[j]`. Blocks of zeros are passed over.
///
/// # Shapes
/// `values`, `others`: `[fan_out]`.
#[inline(never)]
pub(super) fn add(values: &mut [f32], others: &[f32]) {
    const BLOCK: usize = 16;
    for (values, others) in values.chunks_mut(BLOCK).zip(others.chunks(BLOCK)) {
        // Only of `-0.0 + 0.0` a zero makes another number.
        let changes = others.iter().any(|other| other.to_bits() << 1 != 0)
            || values.iter().any(|value| value.to_bits() == SIGN);
        if changes {
            add_scaled(values, 1.0, others);
        }
    }
}

/// `sum + a * b`, both rounded as the operators do: to nearest, ties to even.
///
/// All that is not in the range of normal numbers is left to the operators. A product of two
/// significands of 24 bits has 47 or 48, of which 24 remain. To add, both numbers become integers
/// with six bits more, and the smaller one is shifted to the right; of what it loses, the lowest
/// bit remembers whether it was anything.
#[inline(never)]
pub(super) extern "C" fn multiply_add(sum: f32, a: f32, b: f32) -> f32 {
    let [s, x, y] = [sum.to_bits(), a.to_bits(), b.to_bits()];
    if !(is_normal(s) && is_normal(x) && is_normal(y)) {
        return sum + a * b;
    }
    let (product, doubled) = product_of_significands(x, y);
    let mut exponent = exponent(x) + exponent(y) - 127 + doubled;
    if !(1..=253).contains(&exponent) {
        return sum + a * b;
    }

    let mut sign = s & SIGN;
    let mut larger = significand(s) << 6;
    let mut smaller = product << 6;
    let distance = self::exponent(s) - exponent;
    if distance >= 0 {
        exponent = self::exponent(s);
    } else {
        (larger, smaller) = (smaller, larger);
        sign = (x ^ y) & SIGN;
    }
    smaller = shift_right(smaller, distance.unsigned_abs());
    let mut total = if (s ^ x ^ y) & SIGN == 0 {
        larger + smaller
    } else if larger >= smaller {
        larger - smaller
    } else {
        sign ^= SIGN;
        smaller - larger
    };
    if total == 0 {
        return 0.0;
    }
    let zeros = total.leading_zeros();
    total <<= zeros;
    exponent += 2 - zeros as i32;
    if !(1..=254).contains(&exponent) {
        return sum + a * b;
    }
    // The significand's highest bit adds the 1 that is missing from the exponent.
    let rounded = round(total >> 8, total << 24);
    f32::from_bits((sign | ((exponent - 1) as u32) << 23).wrapping_add(rounded))
}

/// The product of two significands, rounded to 24 bits (2^24 at most), and how often it was halved
/// for that: it is 1 if the product is 2 or more.
#[inline(always)]
fn product_of_significands(x: u32, y: u32) -> (u32, i32) {
    let mut product = u64::from(significand(x) << 8) * u64::from(significand(y));
    let doubled = i32::from(product >= 1 << 55);
    if doubled == 0 {
        product <<= 1;
    }
    (round((product >> 32) as u32, product as u32), doubled)
}

/// Rounds an integer with a fraction of 32 bits, the lowest of which is 0.
#[inline(always)]
fn round(integer: u32, fraction: u32) -> u32 {
    integer + u32::from(fraction + (integer & 1) > 1 << 31)
}

/// Shifts to the right; what is lost makes the lowest bit 1 unless all of it is 0.
#[inline(always)]
fn shift_right(value: u32, distance: u32) -> u32 {
    if distance > 31 {
        return 1;
    }
    let shifted = value >> distance;
    shifted | u32::from(shifted << distance != value)
}

#[inline(always)]
fn exponent(bits: u32) -> i32 {
    (bits >> 23 & 0xff) as i32
}

#[inline(always)]
fn significand(bits: u32) -> u32 {
    bits & (ONE - 1) | ONE
}

#[inline(always)]
fn is_normal(bits: u32) -> bool {
    (1..=254).contains(&exponent(bits))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::trial::number_near;
    use crate::random::XorShiftRng;
    use rand_core::SeedableRng;

    #[test]
    fn multiply_add_has_the_bits_of_the_operators() {
        let mut rng = XorShiftRng::seed_from_u64(7);
        let mut sum = 1.0;
        for _ in 0..if cfg!(miri) { 2_000 } else { 10_000_000 } {
            let a = number_near(&mut rng, sum);
            let b = number_near(&mut rng, a);
            // Near to the product, most sums round or cancel.
            sum = number_near(&mut rng, a * b);
            let [found, expected] = [multiply_add(sum, a, b), sum + a * b];
            assert!(
                found.to_bits() == expected.to_bits() || (found.is_nan() && expected.is_nan()),
                "{sum:e} + {a:e} * {b:e} is {found:e}, not {expected:e}"
            );
        }
    }
}
