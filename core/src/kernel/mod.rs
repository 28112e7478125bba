//! The inner loops: everything whose speed matters, each with one fixed order of rounding.
//!
//! The source is the portable form of each loop. Blocks of outputs are only a way to keep sums
//! in registers: they never change the order in which one sum is made, so any block size and any
//! vector width give the same bits.

mod exp;
mod soft;
mod tanh;
pub mod trial;

pub use exp::exp;
pub use tanh::tanh;

use crate::input::Input;

/// Sums that are held in registers together: a Cortex-M4F has 32 float registers, of which 16 may
/// hold sums; vector units hold several sums in each.
const BLOCK: usize = if cfg!(target_arch = "arm") { 16 } else { 32 };

/// Adds `input x weights` to `outputs`: `outputs[j] += sum over i of input[i] * weights[i][j]`,
/// `i` ascending, inputs that are zero skipped.
///
/// # Shapes
/// `outputs`: `[fan_out]`, holding the biases on entry. `weights`: `[fan_in][fan_out]`, row-major.
/// # Cost
/// One multiplication and one addition per weight whose input is not zero.
#[inline(always)]
pub fn forward<I: Input + ?Sized>(input: &I, weights: &[f32], outputs: &mut [f32]) {
    let fan_out = outputs.len();
    if soft::NEEDED {
        return input.for_each_nonzero(
            weights.chunks_exact(fan_out.max(1)),
            #[inline(always)]
            |row, value| soft::add_scaled(outputs, value, row),
        );
    }
    let mut start = 0;
    while fan_out - start >= BLOCK {
        forward_block::<BLOCK, I>(input, weights, fan_out, start, outputs);
        start += BLOCK;
    }
    if BLOCK > 16 && fan_out - start >= 16 {
        forward_block::<16, I>(input, weights, fan_out, start, outputs);
        start += 16;
    }
    // All of the rest at once: sums that wait for one another are best made side by side.
    macro_rules! rest_of {
        ($($width:literal)*) => {
            match fan_out - start {
                $($width => forward_block::<$width, I>(input, weights, fan_out, start, outputs),)*
                _ => {}
            }
        };
    }
    rest_of!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
}

/// Most vectors of eight sums that AVX2's sixteen registers hold, with three left to work with.
pub const MOST_VECTORS: usize = 13;

/// [`forward`] for a layer of exactly `8 VECTORS` units, all of whose sums stay in registers; what
/// `outputs` holds on entry is first multiplied by `keep`.
///
/// # Shapes
/// `outputs`: `[8 VECTORS]`, holding the biases on entry; `VECTORS` is at most [`MOST_VECTORS`].
/// `weights`: `[fan_in][8 VECTORS]`, row-major.
#[inline(always)]
pub fn forward_wide<const VECTORS: usize, I: Input + ?Sized>(
    input: &I,
    weights: &[f32],
    keep: f32,
    outputs: &mut [f32],
) {
    const { assert!(VECTORS <= MOST_VECTORS) };
    // Written out vector by vector: left to itself, the compiler keeps so many sums in memory.
    macro_rules! for_each_vector {
        ($vector:ident => $work:expr) => {
            for_each_vector!($vector => $work; 0 1 2 3 4 5 6 7 8 9 10 11 12)
        };
        ($vector:ident => $work:expr; $($index:literal)*) => {
            $(if VECTORS > $index {
                #[allow(non_upper_case_globals)]
                const $vector: usize = $index;
                $work;
            })*
        };
    }
    let Some(outputs) = outputs.as_chunks_mut::<8>().0.first_chunk_mut::<VECTORS>() else {
        return;
    };
    let mut sums = [[0.0_f32; 8]; VECTORS];
    for_each_vector!(k => sums[k] = outputs[k].map(|output| output * keep));
    input.for_each_nonzero(
        weights.as_chunks::<8>().0.as_chunks::<VECTORS>().0.iter(),
        #[inline(always)]
        |row, value| {
            for_each_vector!(k => for (sum, weight) in sums[k].iter_mut().zip(&row[k]) {
                *sum += value * weight;
            });
        },
    );
    for_each_vector!(k => outputs[k] = sums[k]);
}

/// [`forward`] for the outputs `start..start + WIDTH`.
#[inline(always)]
fn forward_block<const WIDTH: usize, I: Input + ?Sized>(
    input: &I,
    weights: &[f32],
    fan_out: usize,
    start: usize,
    outputs: &mut [f32],
) {
    let block = outputs
        .get_mut(start..)
        .and_then(|rest| rest.first_chunk_mut::<WIDTH>());
    let Some(outputs) = block else { return };
    let mut sums = *outputs;
    input.for_each_nonzero(
        // Never zero; said here so that the compiler need not provide for it.
        weights.chunks_exact(fan_out.max(1)),
        #[inline(always)]
        |row, value| {
            let block = row
                .get(start..)
                .and_then(|rest| rest.first_chunk::<WIDTH>());
            if let Some(row) = block {
                for (sum, weight) in sums.iter_mut().zip(row) {
                    *sum += value * weight;
                }
            }
        },
    );
    *outputs = sums;
}

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

/// `values[j] *= factor`.
#[inline(always)]
pub fn scale(values: &mut [f32], factor: f32) {
    if soft::NEEDED {
        return soft::scale(values, factor);
    }
    for value in values {
        *value *= factor;
    }
}

/// `values[j] += others[j]`.
///
/// # Shapes
/// `values`, `others`: `[fan_out]`, or all of a layer's.
#[inline(always)]
pub fn add(values: &mut [f32], others: &[f32]) {
    if soft::NEEDED {
        return soft::add(values, others);
    }
    for (value, other) in values.iter_mut().zip(others) {
        *value += other;
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
/// # Shapes
/// `left`, `right`: `[fan_out]`.
#[inline(always)]
pub fn dot(left: &[f32], right: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; 8];
    let (left_blocks, left_rest) = left.as_chunks::<8>();
    let (right_blocks, right_rest) = right.as_chunks::<8>();
    for (left, right) in left_blocks.iter().zip(right_blocks) {
        for ((lane, left), right) in lanes.iter_mut().zip(left).zip(right) {
            *lane += left * right;
        }
    }
    for ((lane, left), right) in lanes.iter_mut().zip(left_rest).zip(right_rest) {
        *lane += left * right;
    }
    let [l0, l1, l2, l3, l4, l5, l6, l7] = lanes;
    ((l0 + l4) + (l2 + l6)) + ((l1 + l5) + (l3 + l7))
}
