//! The row loop in assembly, for Armv7-M and, without long products, bit fields or conditional
//! instructions, Armv6-M: compiled from Rust it takes twice as many instructions.
//!
//! Both do the same with each sum `s` and value `w` of the row:
//!
//! 1. The product of the significands has 47 or 48 bits; the upper 24 of them, rounded, are `p`.
//! 2. `distance` is how far the exponent of `s` is above that of the product, modulo 256.
//! 3. `p` is negated if product and sum have different signs, and shifted to the right by
//!    `distance`: now one unit of it is one unit in the last place of `s`.
//! 4. It is added to the bits of `s`, sign, exponent and fraction, as they stand; the last bit that
//!    was shifted out is added, too, which rounds to nearest, and if all bits below that one were
//!    0, a tie is made even.
//!
//! That is right as long as the sum stays between the same two powers of two, which on MNIST it does
//! for 7 to 8 of 10. If not, or if the product is the larger one, the smaller of the two is added to
//! the larger, with six bits more, and the sum is shifted to where it belongs. If the exponents are
//! not what [`takes`] wants them to be, [`multiply_add`](super::multiply_add) does it.

#[cfg(software_floats = "armv6m")]
use super::armv6m::add_scaled_row;
#[cfg(software_floats = "armv7m")]
use super::armv7m::add_scaled_row;
use super::exponent;

/// Whether [`add_scaled`] takes this factor: 2^-63 <= |factor| < 4.
///
/// Exponents are compared modulo 256. With `s`, `w` and `f` those of sum, value and factor, the loop
/// computes `distance = s - (w + f - 126)`, or 1 more where the product of the significands is
/// below 2, and goes on if `s` is 64 ..= 191 and `distance` is 0 ..= 62 modulo 256. With `f` in
/// 64 ..= 128 that is never so for `w = 255`, an infinity or NaN. For `w = 0`, a zero or a number
/// as good as zero, `distance` is 62 then, and nothing of any `p` is left to add. For all others it
/// is the same without the modulus, and the product is a normal number.
#[inline]
pub(super) fn takes(factor: f32) -> bool {
    matches!(exponent(factor.to_bits()), 64..=128)
}

/// [`super::add_scaled`] for a factor that is taken.
#[inline]
pub(super) fn add_scaled(sums: &mut [f32], factor: f32, row: &[f32]) {
    let count = sums.len().min(row.len());
    if count > 0 {
        let end = row.as_ptr_range().start.wrapping_add(count);
        // SAFETY: `count` is not 0, and both slices have as many numbers.
        unsafe { add_scaled_row(sums.as_mut_ptr(), row.as_ptr(), end, factor) }
    }
}
