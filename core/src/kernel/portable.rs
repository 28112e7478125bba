//! The loops over rows of weights in plain Rust: what every target's own must equal to the bit.

use core::mem::MaybeUninit;

use super::terms::{List, Term};
use super::{BLOCK, soft, subtract_scaled};
use crate::input::{Input, pixel};

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

/// [`forward`] for the outputs `start..start + WIDTH`.
#[inline(always)]
pub(super) fn forward_block<const WIDTH: usize, I: Input + ?Sized>(
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

/// `matrix[i][j] -= (rate * input[i]) * delta[j]`, inputs that are zero skipped: what one sample
/// adds to a layer's weights.
///
/// # Shapes
/// `matrix`: `[fan_in][fan_out]`, row-major; `delta`: `[fan_out]`.
#[inline(always)]
pub fn subtract_products<I: Input + ?Sized>(
    matrix: &mut [f32],
    rate: f32,
    input: &I,
    delta: &[f32],
) {
    input.for_each_nonzero(
        matrix.chunks_exact_mut(delta.len().max(1)),
        #[inline(always)]
        |row, value| subtract_scaled(row, rate * value, delta),
    );
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

/// Lists the pixels that are not zero, the first of them in row `first`, until there is no room for
/// four more. Returns how many were listed, and how many quadruples were looked at.
#[cfg_attr(float_unit, allow(dead_code))]
pub(super) fn list_quads(list: &mut List, first: usize, quads: &[[u8; 4]]) -> (usize, usize) {
    let mut count = 0;
    for (index, quad) in quads.iter().enumerate() {
        if u32::from_le_bytes(*quad) == 0 {
            continue;
        }
        if count > list.len() - 4 {
            return (count, index);
        }
        for (place, &value) in quad.iter().enumerate() {
            if value != 0
                && let Some(free) = list.get_mut(count)
            {
                let row = first + 4 * index + place;
                let factor = pixel(value);
                free.write(Term { row, factor });
                count += 1;
            }
        }
    }
    (count, quads.len())
}

/// Lists the numbers that are not zero, the first of them in row `first`, as far as there is room.
/// Returns how many were listed.
pub(super) fn list_numbers(list: &mut [MaybeUninit<Term>], first: usize, numbers: &[f32]) -> usize {
    let room = list.len();
    let mut free = list.iter_mut();
    for (place, &factor) in numbers.iter().enumerate() {
        if factor != 0.0
            && let Some(free) = free.next()
        {
            let row = first + place;
            free.write(Term { row, factor });
        }
    }
    room - free.len()
}

/// `outputs[j] = values[j]`.
#[inline(always)]
pub fn copy(outputs: &mut [f32], values: &[f32]) {
    for (output, value) in outputs.iter_mut().zip(values) {
        *output = *value;
    }
}
