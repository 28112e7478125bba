//! The inner loops: everything whose speed matters, each with one fixed order of rounding.
//!
//! The source is the portable form of each loop. Blocks of outputs are only a way to keep sums
//! in registers: they never change the order in which one sum is made, so any block size and any
//! vector width give the same bits.

mod exp;

pub use exp::exp;

use crate::input::Input;

/// Outputs whose sums are held in registers together: a Cortex-M4F has 32 float registers, of
/// which 16 may hold sums; vector units hold several in each.
const BLOCK: usize = if cfg!(target_arch = "arm") { 16 } else { 64 };

/// Adds `input x weights` to `outputs`: `outputs[j] += sum over i of input[i] * weights[i][j]`,
/// `i` ascending, inputs that are zero skipped.
///
/// # Shapes
/// `outputs`: `[fan_out]`, holding the biases on entry. `weights`: `[fan_in][fan_out]`, row-major.
/// # Cost
/// One multiplication and one addition per weight whose input is not zero.
#[inline(always)]
pub fn forward<I: Input + ?Sized>(input: &I, weights: &[f32], outputs: &mut [f32]) {
    // Never zero; said here so that the compiler need not provide for it.
    let fan_out = outputs.len().max(1);
    let mut start = 0;
    while start < fan_out {
        let left = fan_out - start;
        if left >= BLOCK {
            start += forward_block::<BLOCK, I>(input, weights, fan_out, start, outputs);
        } else if left >= 32 {
            start += forward_block::<32, I>(input, weights, fan_out, start, outputs);
        } else if left >= 16 {
            start += forward_block::<16, I>(input, weights, fan_out, start, outputs);
        } else if left >= 8 {
            start += forward_block::<8, I>(input, weights, fan_out, start, outputs);
        } else if left >= 4 {
            start += forward_block::<4, I>(input, weights, fan_out, start, outputs);
        } else if left >= 2 {
            start += forward_block::<2, I>(input, weights, fan_out, start, outputs);
        } else {
            start += forward_block::<1, I>(input, weights, fan_out, start, outputs);
        }
    }
}

/// [`forward`] for the outputs `start..start + WIDTH`; returns `WIDTH`.
#[inline(always)]
fn forward_block<const WIDTH: usize, I: Input + ?Sized>(
    input: &I,
    weights: &[f32],
    fan_out: usize,
    start: usize,
    outputs: &mut [f32],
) -> usize {
    let block = outputs
        .get_mut(start..)
        .and_then(|rest| rest.first_chunk_mut::<WIDTH>());
    if let Some(outputs) = block {
        let mut sums = *outputs;
        input.for_each_nonzero(weights.chunks_exact(fan_out), |row, value| {
            let block = row
                .get(start..)
                .and_then(|rest| rest.first_chunk::<WIDTH>());
            if let Some(row) = block {
                for (sum, weight) in sums.iter_mut().zip(row) {
                    *sum += value * weight;
                }
            }
        });
        *outputs = sums;
    }
    WIDTH
}

/// `values[j] -= coefficient * delta[j]`: what one sample adds to a row of weights.
///
/// # Shapes
/// `values`, `delta`: `[fan_out]`.
#[inline(always)]
pub fn subtract_scaled(values: &mut [f32], coefficient: f32, delta: &[f32]) {
    for (value, delta) in values.iter_mut().zip(delta) {
        *value -= coefficient * delta;
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
