//! The loops of [`portable`] for processors with a single-precision floating-point unit, in
//! assembly: Cortex-M4F, M7 and M33.
//!
//! Compiled from Rust, numbers are loaded one by one, and multiplied and added by `vmla`, which is
//! one instruction of three cycles. Here sixteen sums, or deltas, stay in half of the 32 registers
//! for as long as rows come and go; eight weights are loaded by one `vldm`; and several `vmul` come
//! before as many `vadd`, a cycle each, so that no result is waited for. Products and sums are
//! rounded apart from each other, as the contract has it (`vmla` would do that, too; `vfma` not).
//!
//! Inputs are looked at once: [`Terms`] lists those that are not zero, and each block of columns
//! runs through the list.
//!
//! `kernel::layer_trial` holds all of this to the portable loops' bits, on boards.
#![allow(unsafe_code)]

mod list;
mod pass;

pub(super) use list::{list_numbers, list_quads};
pub use pass::{add, copy, scale};

use core::arch::asm;

use super::portable;
use super::terms::{Term, Terms};
use crate::input::Input;

/// Columns whose sums or deltas are in registers together.
const BLOCK: usize = 16;
/// Columns of a smaller block, for what is left of a row.
const SMALL: usize = 4;

/// [`portable::forward`], to the bit.
#[inline(always)]
pub fn forward<I: Input + ?Sized>(input: &I, weights: &[f32], outputs: &mut [f32]) {
    // A list does not pay for one narrow block.
    if outputs.len() < BLOCK {
        return forward_narrow(input, weights, outputs);
    }
    let mut terms = Terms::new(weights.len() / outputs.len());
    while let Some(terms) = terms.next(input) {
        // SAFETY: so many rows lie within the weights.
        unsafe { add_rows(terms, weights, outputs) };
    }
}

/// [`portable::forward`] with less than a block of columns.
#[inline(always)]
fn forward_narrow<I: Input + ?Sized>(input: &I, weights: &[f32], outputs: &mut [f32]) {
    /// Apart from what else is in registers around it.
    #[inline(never)]
    fn apart<const WIDTH: usize, I: Input + ?Sized>(
        input: &I,
        weights: &[f32],
        outputs: &mut [f32],
    ) {
        portable::forward_block::<WIDTH, I>(input, weights, WIDTH, 0, outputs);
    }
    macro_rules! widths {
        ($($width:literal)*) => {
            match outputs.len() {
                $($width => apart::<$width, I>(input, weights, outputs),)*
                _ => {}
            }
        };
    }
    widths!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
}

/// [`portable::subtract_products`], to the bit.
#[inline(always)]
pub fn subtract_products<I: Input + ?Sized>(
    matrix: &mut [f32],
    rate: f32,
    input: &I,
    delta: &[f32],
) {
    let mut terms = Terms::new(matrix.len().checked_div(delta.len()).unwrap_or(0));
    while let Some(terms) = terms.next(input) {
        // SAFETY: so many rows lie within the matrix.
        unsafe { subtract_from_rows(terms, matrix, rate, delta) };
    }
}

/// Runs through the terms: `$before`, then for each of them `$row` with a pointer to its part of
/// the row and the register of its factor, then `$after`. `s22` is `$rate`. Four terms a round, two
/// at a time: their factors need one move.
macro_rules! for_each_term {
    (
        $terms:ident, $base:expr, $columns:ident, $block:expr, $rate:expr,
        $before:literal, $row:ident, $after:literal
    ) => {
        let ends = $terms.as_ptr_range();
        asm!(
            "vmov s22, {rate}",
            $before,
            // As many terms as do not make four go first.
            "tst {count}, #1",
            "beq 4f",
            "ldmia {term}!, {{r4, r5}}",
            "mla r4, r4, {stride}, {base}",
            "vmov s17, r5",
            "tst {count}, #2",
            "beq 7f",
            "b 5f",
            "4:",
            "tst {count}, #2",
            "bne 6f",
            "b 3f",
            "2:",
            "ldmia {term}!, {{r2, r3, r4, r5}}",
            "mla r2, r2, {stride}, {base}",
            "mla r4, r4, {stride}, {base}",
            "vmov s16, s17, r3, r5",
            $row!("r2", "s16"),
            "5:",
            $row!("r4", "s17"),
            "6:",
            "ldmia {term}!, {{r2, r3, r4, r5}}",
            "mla r2, r2, {stride}, {base}",
            "mla r4, r4, {stride}, {base}",
            "vmov s16, s17, r3, r5",
            $row!("r2", "s16"),
            "7:",
            $row!("r4", "s17"),
            "3:",
            "cmp {term}, {end}",
            "bne 2b",
            $after,
            term = inout(reg) ends.start => _,
            end = in(reg) ends.end,
            count = in(reg) $terms.len(),
            base = in(reg) $base,
            stride = in(reg) $columns * size_of::<f32>(),
            block = in(reg) $block,
            rate = in(reg) $rate.to_bits(),
            out("r2") _, out("r3") _, out("r4") _, out("r5") _,
            out("d0") _, out("d1") _, out("d2") _, out("d3") _,
            out("d4") _, out("d5") _, out("d6") _, out("d7") _,
            out("d8") _, out("d9") _, out("d10") _, out("d11") _,
            out("d12") _, out("d13") _, out("d14") _, out("d15") _,
            options(nostack),
        )
    };
}

/// The same, one term at a time: less code for a block that is the exception.
macro_rules! for_each_term_alone {
    (
        $terms:ident, $base:expr, $columns:ident, $block:expr, $rate:expr,
        $before:literal, $row:ident, $after:literal
    ) => {
        let ends = $terms.as_ptr_range();
        asm!(
            "vmov s22, {rate}",
            $before,
            "b 3f",
            "2:",
            "ldmia {term}!, {{r2, r3}}",
            "mla r2, r2, {stride}, {base}",
            "vmov s16, r3",
            $row!("r2", "s16"),
            "3:",
            "cmp {term}, {end}",
            "bne 2b",
            $after,
            term = inout(reg) ends.start => _,
            end = in(reg) ends.end,
            base = in(reg) $base,
            stride = in(reg) $columns * size_of::<f32>(),
            block = in(reg) $block,
            rate = in(reg) $rate.to_bits(),
            out("r2") _, out("r3") _,
            out("d0") _, out("d1") _, out("d8") _, out("d9") _, out("d10") _,
            out("d11") _, out("d12") _, out("d13") _,
            options(nostack),
        )
    };
}

/// `s$sum += factor s$weight` for each pair, products first, so that none is waited for.
macro_rules! multiply_add {
    ($factor:literal: $($sum:literal $weight:literal),*) => {
        concat!(
            $("vmul.f32 s", $weight, ", s", $weight, ", ", $factor, "\n",)*
            $("vadd.f32 s", $sum, ", s", $sum, ", s", $weight, "\n",)*
        )
    };
}

macro_rules! add_sixteen {
    ($row:literal, $factor:literal) => {
        concat!(
            "vldmia ", $row, "!, {{s24-s31}}\n",
            multiply_add!($factor: 0 24, 1 25, 2 26, 3 27, 4 28, 5 29, 6 30, 7 31),
            "vldmia ", $row, ", {{s24-s31}}\n",
            multiply_add!($factor: 8 24, 9 25, 10 26, 11 27, 12 28, 13 29, 14 30, 15 31),
        )
    };
}

macro_rules! add_four {
    ($row:literal, $factor:literal) => {
        concat!(
            "vldmia ", $row, ", {{s24-s27}}\n",
            multiply_add!($factor: 0 24, 1 25, 2 26, 3 27),
        )
    };
}

/// `outputs[j] += factor weights[row][j]` for each term, in their order.
///
/// # Safety
/// Every row must lie within the weights.
#[inline(never)]
unsafe fn add_rows(terms: &[Term], weights: &[f32], outputs: &mut [f32]) {
    let columns = outputs.len();
    let (blocks, rest) = outputs.as_chunks_mut::<BLOCK>();
    let (smalls, rest) = rest.as_chunks_mut::<SMALL>();
    let mut weights = weights.as_ptr();
    for sums in blocks {
        // SAFETY: every row lies within the weights, the block within every row.
        unsafe {
            for_each_term!(
                terms,
                weights,
                columns,
                sums.as_mut_ptr(),
                1.0_f32,
                "vldmia {block}, {{s0-s15}}",
                add_sixteen,
                "vstmia {block}, {{s0-s15}}"
            );
            weights = weights.add(BLOCK);
        }
    }
    for sums in smalls {
        // SAFETY: the same.
        unsafe {
            for_each_term_alone!(
                terms,
                weights,
                columns,
                sums.as_mut_ptr(),
                1.0_f32,
                "vldmia {block}, {{s0-s3}}",
                add_four,
                "vstmia {block}, {{s0-s3}}"
            );
            weights = weights.add(SMALL);
        }
    }
    for term in terms {
        for (column, sum) in rest.iter_mut().enumerate() {
            // SAFETY: the same; what is left of the columns begins at `weights`.
            *sum += term.factor * unsafe { *weights.add(term.row * columns + column) };
        }
    }
}

/// `s$number -= factor s$delta` for each triple, whose last is where the product goes.
macro_rules! multiply_subtract {
    ($factor:literal: $($number:literal $delta:literal $product:literal),*) => {
        concat!(
            $("vmul.f32 s", $product, ", s", $delta, ", ", $factor, "\n",)*
            $("vsub.f32 s", $number, ", s", $number, ", s", $product, "\n",)*
        )
    };
}

macro_rules! subtract_sixteen {
    ($row:literal, $factor:literal) => {
        concat!(
            "vmul.f32 ", $factor, ", ", $factor, ", s22\n",
            "vldmia ", $row, ", {{s24-s31}}\n",
            multiply_subtract!($factor: 24 0 18, 25 1 19, 26 2 20, 27 3 21),
            multiply_subtract!($factor: 28 4 18, 29 5 19, 30 6 20, 31 7 21),
            "vstmia ", $row, "!, {{s24-s31}}\n",
            "vldmia ", $row, ", {{s24-s31}}\n",
            multiply_subtract!($factor: 24 8 18, 25 9 19, 26 10 20, 27 11 21),
            multiply_subtract!($factor: 28 12 18, 29 13 19, 30 14 20, 31 15 21),
            "vstmia ", $row, ", {{s24-s31}}\n",
        )
    };
}

macro_rules! subtract_four {
    ($row:literal, $factor:literal) => {
        concat!(
            "vmul.f32 ", $factor, ", ", $factor, ", s22\n",
            "vldmia ", $row, ", {{s24-s27}}\n",
            multiply_subtract!($factor: 24 0 18, 25 1 19, 26 2 20, 27 3 21),
            "vstmia ", $row, ", {{s24-s27}}\n",
        )
    };
}

/// `matrix[row][j] -= factor delta[j]` for each term.
///
/// # Safety
/// Every row must lie within the matrix.
#[inline(never)]
unsafe fn subtract_from_rows(terms: &[Term], matrix: &mut [f32], rate: f32, delta: &[f32]) {
    let columns = delta.len();
    let (blocks, rest) = delta.as_chunks::<BLOCK>();
    let (smalls, rest) = rest.as_chunks::<SMALL>();
    let mut matrix = matrix.as_mut_ptr();
    for delta in blocks {
        // SAFETY: every row lies within the matrix, the block within every row.
        unsafe {
            for_each_term!(
                terms,
                matrix,
                columns,
                delta.as_ptr(),
                rate,
                "vldmia {block}, {{s0-s15}}",
                subtract_sixteen,
                ""
            );
            matrix = matrix.add(BLOCK);
        }
    }
    for delta in smalls {
        // SAFETY: the same.
        unsafe {
            for_each_term_alone!(
                terms,
                matrix,
                columns,
                delta.as_ptr(),
                rate,
                "vldmia {block}, {{s0-s3}}",
                subtract_four,
                ""
            );
            matrix = matrix.add(SMALL);
        }
    }
    for term in terms {
        for (column, delta) in rest.iter().enumerate() {
            // SAFETY: the same; what is left of the columns begins at `matrix`.
            unsafe { *matrix.add(term.row * columns + column) -= rate * term.factor * delta };
        }
    }
}
