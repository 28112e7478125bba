//! `exp` for f32, the same bits on every target: no platform function, no branch, no table.

/// Below this the result stays [`exp`]`(SMALLEST)`, about 1.6e-38: still a normal number.
const SMALLEST: f32 = -87.0;
/// Above this the result stays [`exp`]`(LARGEST)`, about 1.7e38: never infinite.
const LARGEST: f32 = 88.0;
/// 1.5 x 2^23: adding it to a small number rounds that number to an integer, to nearest even.
const ROUND: f32 = 12_582_912.0;
/// ln 2 in two parts; the first has so few bits that a product with an integer below 2^8 is exact.
const LN_2_HIGH: f32 = 0.693_145_75;
const LN_2_LOW: f32 = 1.428_606_8e-6;

/// `e` to the power `x`, for `x` in -87 ..= 88; outside this range the result of the nearer end.
/// The error is below 1.05 units in the last place, and a larger `x` never gives a smaller result;
/// `tests/functions.rs` measures both. NaN stays NaN.
///
/// With `n = round(x / ln 2)` and `r = x - n ln 2`, `|r| <= 0.347`:
/// `exp(x) = 2^n (1 + r + r^2 q(r))`, where `q` interpolates `(e^r - 1 - r) / r^2` at the five
/// Chebyshev points, in f64, and is then rounded to f32.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    // Comparisons, not `clamp`: a NaN passes both.
    exp_up_to_largest(if x > LARGEST { LARGEST } else { x })
}

/// [`exp`] of an `x` that is at most [`LARGEST`], as one that is not positive is.
#[inline(always)]
pub(crate) fn exp_up_to_largest(x: f32) -> f32 {
    let x = if x < SMALLEST { SMALLEST } else { x };
    let shifted = x * core::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = x - n * LN_2_HIGH - n * LN_2_LOW;
    let mut q = 0.001_392_621_3_f32;
    q = q * r + 0.008_363_203;
    q = q * r + 0.041_666_556;
    q = q * r + 0.166_665_76;
    q = q * r + 0.5;
    let mantissa = 1.0 + (r + r * r * q);
    // The low bits of `shifted` are n; moved into the exponent's place they make 2^n.
    let power = f32::from_bits(shifted.to_bits().wrapping_add(127) << 23);
    mantissa * power
}
