//! The inner loops: everything whose speed matters, each with one fixed order of rounding.
//!
//! The source is the portable form of each loop. Blocks of outputs are only a way to keep sums
//! in registers: they never change the order in which one sum is made, so any block size and any
//! vector width give the same bits.

mod exp;

pub use exp::exp;

use crate::input::Input;

/// Most sums that are held in registers together: a Cortex-M4F has 32 float registers, of which 16
/// may hold sums; 13 vectors of eight leave three of AVX2's sixteen registers to work with.
const BLOCK: usize = if cfg!(target_arch = "arm") { 16 } else { 104 };

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
        start += forward_block_of(fan_out - start, input, weights, fan_out, start, outputs);
    }
}

/// [`forward`] for the next block when `left` outputs are left; returns the block's width.
///
/// Sums of one block wait for one another, so a few wide blocks are better than many narrow ones.
#[inline(always)]
fn forward_block_of<I: Input + ?Sized>(
    left: usize,
    input: &I,
    weights: &[f32],
    fan_out: usize,
    start: usize,
    outputs: &mut [f32],
) -> usize {
    macro_rules! widest {
        ($($pattern:pat => $width:literal),*) => {
            match left {
                BLOCK.. => forward_block::<BLOCK, I>(input, weights, fan_out, start, outputs),
                $($pattern => forward_block::<$width, I>(input, weights, fan_out, start, outputs),)*
                _ => forward_block::<1, I>(input, weights, fan_out, start, outputs),
            }
        };
    }
    widest! {
        96.. => 96, 88.. => 88, 80.. => 80, 72.. => 72, 64.. => 64, 56.. => 56, 48.. => 48,
        40.. => 40, 32.. => 32, 24.. => 24, 16.. => 16, 15 => 15, 14 => 14, 13 => 13, 12 => 12,
        11 => 11, 10 => 10, 9 => 9, 8 => 8, 7 => 7, 6 => 6, 5 => 5, 4 => 4, 3 => 3, 2 => 2
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
        input.for_each_nonzero(
            weights.chunks_exact(fan_out),
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
