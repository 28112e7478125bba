//! Listing: which inputs are not zero.
//!
//! The compiler keeps less in registers, and converts a pointer to an index and back.

use core::arch::asm;
use core::mem::MaybeUninit;

use crate::input::PIXELS;
use crate::kernel::portable;
use crate::kernel::terms::{List, PORTION, Term};

/// [`portable::list_quads`], to the bit.
pub(in crate::kernel) fn list_quads(
    list: &mut List,
    first: usize,
    quads: &[[u8; 4]],
) -> (usize, usize) {
    let start = list.as_mut_ptr();
    let ends = quads.as_ptr_range();
    let (mut free, mut quad) = (start, ends.start);
    // SAFETY: `quad` goes from the first to the last, and `ldr` may load from any address; terms are
    // written only if there are four places or more when their quadruple's turn comes.
    unsafe {
        asm!(
            "b 6f",
            "2:",
            "ldr {pixels}, [{quad}], #4",
            "cmp {pixels}, #0",
            "beq 6f",
            "cmp {free}, {last}",
            "bhi 7f",
            "sub r2, {quad}, {origin}",
            "ands r4, {pixels}, #0xff",
            "beq 3f",
            "ldr r4, [{table}, r4, lsl #2]",
            "stmia {free}!, {{r2, r4}}",
            "3:",
            "tst {pixels}, #0xff00",
            "beq 4f",
            "add r3, r2, #1",
            "ubfx r4, {pixels}, #8, #8",
            "ldr r4, [{table}, r4, lsl #2]",
            "stmia {free}!, {{r3, r4}}",
            "4:",
            "tst {pixels}, #0xff0000",
            "beq 5f",
            "add r3, r2, #2",
            "ubfx r4, {pixels}, #16, #8",
            "ldr r4, [{table}, r4, lsl #2]",
            "stmia {free}!, {{r3, r4}}",
            "5:",
            "lsrs r4, {pixels}, #24",
            "beq 6f",
            "add r3, r2, #3",
            "ldr r4, [{table}, r4, lsl #2]",
            "stmia {free}!, {{r3, r4}}",
            "6:",
            "cmp {quad}, {end}",
            "bne 2b",
            "b 8f",
            // No room: this quadruple's turn comes again.
            "7:",
            "sub {quad}, {quad}, #4",
            "8:",
            quad = inout(reg) quad,
            end = in(reg) ends.end,
            free = inout(reg) free,
            last = in(reg) start.add(PORTION - 4),
            // Where row 0's pixel would be, and 4 because `quad` has gone on.
            origin = in(reg) ends.start.addr().wrapping_sub(first).wrapping_add(4),
            table = in(reg) PIXELS.as_ptr(),
            pixels = out(reg) _,
            out("r2") _, out("r3") _, out("r4") _,
            options(nostack),
        );
        (
            free.offset_from_unsigned(start),
            quad.offset_from_unsigned(ends.start),
        )
    }
}

/// [`portable::list_numbers`], to the bit.
pub(in crate::kernel) fn list_numbers(
    list: &mut [MaybeUninit<Term>],
    first: usize,
    numbers: &[f32],
) -> usize {
    let numbers = numbers.get(..list.len()).unwrap_or(numbers);
    let (fours, rest) = numbers.as_chunks::<4>();
    let start = list.as_mut_ptr();
    let ends = fours.as_ptr_range();
    let mut free = start;
    // SAFETY: the numbers are read from the first four to the last; the list has a place for each.
    let listed = unsafe {
        asm!(
            "b 6f",
            "2:",
            "ldmia {four}!, {{r3, r4, r5, r8}}",
            // Shifted left, 0.0 and -0.0 lose their sign.
            "lsls {shifted}, r3, #1",
            "it ne",
            "stmiane {free}!, {{r2, r3}}",
            "add r2, r2, #1",
            "lsls {shifted}, r4, #1",
            "it ne",
            "stmiane {free}!, {{r2, r4}}",
            "add r2, r2, #1",
            "lsls {shifted}, r5, #1",
            "it ne",
            "stmiane {free}!, {{r2, r5}}",
            "add r2, r2, #1",
            "lsls {shifted}, r8, #1",
            "it ne",
            "stmiane {free}!, {{r2, r8}}",
            "add r2, r2, #1",
            "6:",
            "cmp {four}, {end}",
            "bne 2b",
            four = inout(reg) ends.start => _,
            end = in(reg) ends.end,
            free = inout(reg) free,
            shifted = out(reg) _,
            inout("r2") first => _,
            out("r3") _, out("r4") _, out("r5") _, out("r8") _,
            options(nostack),
        );
        free.offset_from_unsigned(start)
    };
    let list = list.get_mut(listed..).unwrap_or_default();
    listed + portable::list_numbers(list, first + 4 * fours.len(), rest)
}
