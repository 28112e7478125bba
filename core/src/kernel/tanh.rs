//! `tanh` for f32, the same bits on every target: no platform function, no branch, no table.

use super::exp;

/// Where the polynomial hands over to the exponential, which would lose digits nearer to 0.
const HANDOVER: f32 = 0.625;
const SIGN: u32 = 1 << 31;

/// The hyperbolic tangent of `z`, in -1 ..= 1. The error is below 1.34 units in the last place, and
/// a larger `z` never gives a smaller result; `tests/functions.rs` measures both. Odd to the bit,
/// -0.0 included. NaN stays NaN.
///
/// With `x = |z|` and `s = x^2`: below 5/8, `x + x s p(s)`, where `p` interpolates
/// `(tanh(x) / x - 1) / s` at the five Chebyshev points, in more than f64, and is then rounded to
/// f32; from there on, `1 - 2 / (1 + e^2x)`. Each operation of the latter is monotone, which
/// `(1 - e) / (1 + e)` with `e = e^-2x` is not once rounded; nothing overflows, as
/// [`exp`] ends at 1.7e38.
#[inline(always)]
pub fn tanh(z: f32) -> f32 {
    let x = f32::from_bits(z.to_bits() & !SIGN);
    let s = x * x;
    let mut p = -0.006_096_714_f32;
    p = p * s + 0.020_997_18;
    p = p * s - 0.053_850_908;
    p = p * s + 0.133_327_7;
    p = p * s - 0.333_333_28;
    let near = x + x * (s * p);
    let far = 1.0 - 2.0 / (1.0 + exp(x + x));
    // A NaN is not below anything and comes out of `far`.
    let a = if x < HANDOVER { near } else { far };
    f32::from_bits(a.to_bits() | (z.to_bits() & SIGN))
}
