//! The inner loops: everything whose speed matters, each with one fixed order of rounding.
//!
//! [`portable`] has the loops over a layer in plain Rust. Where a processor gains by it there is
//! another form: `arm` for Cortex-M with a floating-point unit, `soft` for those without; [`trial`]
//! and [`layer_trial`] hold them to the same bits. Blocks of outputs are only a way to keep sums in
//! registers: they never change the order in which one sum is made, so any block size and any
//! vector width give the same bits.

#[cfg(float_unit)]
mod arm;
mod exp;
pub mod layer_trial;
pub mod portable;
mod soft;
#[allow(unsafe_code)]
mod sqrt;
mod tanh;
// Only where there is a floating-point unit does it pay to list terms.
#[cfg_attr(not(float_unit), allow(dead_code))]
mod terms;
pub mod trial;

#[cfg(float_unit)]
use arm as target;
#[cfg(not(float_unit))]
use portable as target;

pub use exp::exp;
pub(crate) use exp::exp_up_to_largest;
pub use sqrt::sqrt;
pub use tanh::tanh;
pub use target::{add, copy, forward, scale, subtract_products};
pub use terms::Terms;

/// Sums that are held in registers together: a Cortex-M4F has 32 float registers, of which 16 may
/// hold sums; vector units hold several sums in each.
const BLOCK: usize = if cfg!(target_arch = "arm") { 16 } else { 32 };

/// `values[j] -= coefficient * delta[j]`: what one sample adds to a row of weights.
///
/// # Shapes
/// `values`, `delta`: `[fan_out]`.
#[inline(always)]
pub fn subtract_scaled(values: &mut [f32], coefficient: f32, delta: &[f32]) {
    if soft::NEEDED {
        return soft::add_scaled(values, -coefficient, delta);
    }
    for (value, delta) in values.iter_mut().zip(delta) {
        *value -= coefficient * delta;
    }
}

/// Adds the squares of a matrix to `total`: column `j` is summed from its first row to its last,
/// starting from `0.0`, and the sums are added to `total`, `j` ascending. Columns can thus be
/// summed apart from one another.
///
/// # Shapes
/// `matrix`: `[rows][columns]`, row-major.
pub fn add_squares(total: &mut f32, matrix: &[f32], columns: usize) {
    for start in (0..columns).step_by(BLOCK) {
        let mut sums = [0.0_f32; BLOCK];
        let width = BLOCK.min(columns - start);
        let sums = sums.get_mut(..width).unwrap_or_default();
        add_squares_by_column(sums, matrix, columns, start);
        for sum in sums {
            *total += *sum;
        }
    }
}

/// `sums[j] += ` the squares of column `start + j`, from the first row to the last.
///
/// # Shapes
/// `matrix`: `[rows][columns]`, row-major; `sums`: at most `[columns - start]`.
#[inline]
pub fn add_squares_by_column(sums: &mut [f32], matrix: &[f32], columns: usize, start: usize) {
    for row in matrix.chunks_exact(columns.max(1)) {
        for (sum, value) in sums.iter_mut().zip(row.get(start..).unwrap_or_default()) {
            *sum += value * value;
        }
    }
}

/// The sum of `left[j] * right[j]` in eight lanes: lane `k` adds `j = k, k + 8, k + 16, ..` in
/// this order, starting from `0.0`; lanes are then added as `((0+4)+(2+6)) + ((1+5)+(3+7))`, which
/// is what halving a vector of eight three times does.
///
/// A lane's `0.0` makes a difference only where a sum is `-0.0`, that is, where all of its terms
/// are: it can as well be added once, at the end.
///
/// # Shapes
/// `left`, `right`: `[fan_out]`.
#[inline(always)]
pub fn dot(left: &[f32], right: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; 8];
    let (left_blocks, left_rest) = left.as_chunks::<8>();
    let (right_blocks, right_rest) = right.as_chunks::<8>();
    let mut blocks = left_blocks.iter().zip(right_blocks);
    if let Some((left, right)) = blocks.next() {
        for ((lane, left), right) in lanes.iter_mut().zip(left).zip(right) {
            *lane = left * right;
        }
    }
    for (left, right) in blocks {
        for ((lane, left), right) in lanes.iter_mut().zip(left).zip(right) {
            *lane += left * right;
        }
    }
    for ((lane, left), right) in lanes.iter_mut().zip(left_rest).zip(right_rest) {
        *lane += left * right;
    }
    let [l0, l1, l2, l3, l4, l5, l6, l7] = lanes;
    0.0 + (((l0 + l4) + (l2 + l6)) + ((l1 + l5) + (l3 + l7)))
}
