//! The row loop in assembly, for Armv7-M and, without long products or conditional instructions,
//! Armv6-M: compiled from Rust it takes twice as many instructions.
//!
//! Both do the same with each sum `s` and value `w` of the row. A few names: `exponent` is the
//! field of 8 bits, `significand` the fraction with its leading 1, 24 bits.
//!
//! 1. The product of the significands has 47 or 48 bits; the upper 24 of them, rounded, are `p`.
//! 2. `distance`, by which the exponent of `s` is above that of the product, modulo 256.
//! 3. `p` is negated if product and sum have different signs, and shifted to the right by
//!    `distance`: now one unit of it is one unit in the last place of `s`.
//! 4. It is added to the bits of `s`, sign, exponent and fraction, as they stand; the last bit that
//!    was shifted out is added, too, which rounds to nearest, and if all bits before that one were
//!    0, a tie is made even.
//!
//! That is right as long as the sum stays between the same two powers of two. If not, or if the
//! exponents are not what [`takes`] wants them to be, [`multiply_add`](super::multiply_add) does it.

use core::arch::naked_asm;

use super::{exponent, multiply_add};

/// Whether [`add_scaled`] takes this factor: 2^-63 <= |factor| < 4.
///
/// Exponents are compared modulo 256. With `s`, `w` and `f` those of sum, value and factor, the loop
/// computes `distance = s - (w + f - 126)`, or 1 more where the product of the significands is
/// below 2, and goes on if `s` is 64 ..= 191 and `distance` is 0 ..= 62 modulo 256. With `f` in
/// 64 ..= 128 that is never so for `w = 255`, an infinity or NaN. For `w = 0`, a zero or a number
/// as good as zero, it is from 33 on, where nothing is left to add, whatever `p` is. For all others
/// it is so without the modulus, and the product is a normal number.
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
        // SAFETY: both slices have `count` numbers, which is not 0.
        unsafe { add_scaled_row(sums.as_mut_ptr(), row.as_ptr(), end, factor) }
    }
}

/// 32.5 instructions a multiply-add.
///
/// # Safety
/// `row` and `sums` point to as many numbers as there are from `row` to `end`, at least one.
#[cfg(software_floats = "armv7m")]
#[unsafe(naked)]
unsafe extern "C" fn add_scaled_row(sums: *mut f32, row: *const f32, end: *const f32, factor: f32) {
    naked_asm!(
        "push {{r3-r11, lr}}", // [sp]: factor
        "mov r5, r0",          // sums
        "mov r4, r1",          // row
        "mov r6, r2",          // end
        "ubfx r7, r3, #0, #23",
        "orr r7, r7, #0x00800000", // significand of factor
        "sub r8, r3, #0x3f000000",
        "bfc r8, #0, #23",     // sign and exponent of factor, less 126
        "mov r9, #0x80000000", // significand of w << 8
        "2:",
        "ldr r12, [r4], #4", // w
        "ldr r0, [r5]",      // s
        "bfi r9, r12, #8, #23",
        "add r12, r12, r8",
        "umull r1, r2, r9, r7", // product of significands, 2^54 .. 2^56
        "bfc r12, #0, #23",     // sign and exponent of the product
        "sub r12, r0, r12",     // bit 31: other sign than s; bits 23 ..= 30: distance
        "cmp r2, #0x00800000",
        "bhs 3f",
        "adds r1, r1, r1", // below 2^55: double it
        "adcs r2, r2, r2",
        "add r12, r12, #0x00800000",
        "3:",
        "lsls r3, r0, #1", // exponent of s: its upper two bits differ
        "adds r3, r3, r3",
        "bvc 7f",
        "ubfx r3, r12, #23, #8", // distance
        "cmp r3, #62",
        "bhi 7f",
        "lsrs r11, r2, #1", // round up if r1 > 2^31, or if r1 == 2^31 and r2 is odd
        "sbcs r1, r1, #0x80000000",
        "adc r2, r2, r12, asr #31", // (p - 1) ^ -1 == -p
        "eor r2, r2, r12, asr #31", // p, signed
        "asrs r1, r2, r3",          // carry: the last bit shifted out
        "adcs r1, r1, r0",          // the new sum
        "rsb r3, r3, #33",
        "lsls r3, r2, r3", // the bits before the last
        "beq 5f",
        "4:",
        "sub r3, r1, #1", // less 1: rounded up to a power of two, it was below it
        "eor r3, r3, r0",
        "cmp r3, #0x00800000",
        "bhs 7f",
        "str r1, [r5], #4",
        "cmp r4, r6",
        "bne 2b",
        "pop {{r3-r11, pc}}",
        // A tie, or nothing lost, or distance 0, or one above 32.
        "5:",
        "ubfx r3, r12, #23, #8",
        "cmp r3, #32",
        "bhi 4b",
        "cbz r3, 7f",
        "asrs r3, r2, r3",
        "it cs",
        "biccs r1, r1, #1",
        "b 4b",
        // A sum and zero is the sum, unless both are zero.
        "7:",
        "ldr r2, [r4, #-4]",
        "lsls r3, r2, #1",
        "bne 8f",
        "lsls r3, r0, #1",
        "bne 9f",
        "8:",
        "ldr r1, [sp]",
        "bl {multiply_add}",
        "9:",
        "str r0, [r5], #4",
        "cmp r4, r6",
        "bne 2b",
        "pop {{r3-r11, pc}}",
        multiply_add = sym multiply_add,
    )
}

/// 47 instructions a multiply-add.
///
/// # Safety
/// `row` and `sums` point to as many numbers as there are from `row` to `end`, at least one.
#[cfg(software_floats = "armv6m")]
#[unsafe(naked)]
unsafe extern "C" fn add_scaled_row(sums: *mut f32, row: *const f32, end: *const f32, factor: f32) {
    naked_asm!(
        "push {{r3-r7, lr}}",
        "mov r4, r8",
        "mov r5, r9",
        "mov r6, r10",
        "mov r7, r11",
        "push {{r4-r7}}",
        "mov r5, r0",  // sums
        "mov r4, r1",  // row
        "mov r10, r2", // end
        "mov r11, r3", // factor
        "movs r0, #1",
        "lsls r0, r0, #23",
        "mov r9, r0", // 2^23
        "lsls r1, r3, #9",
        "lsrs r1, r1, #9",
        "adds r1, r1, r0",  // significand of factor:
        "lsrs r6, r1, #16", // its upper 8 bits
        "uxth r7, r1",      // its lower 16
        "lsrs r3, r3, #23",
        "subs r3, #126",
        "mov r8, r3", // sign and exponent of factor, less 126
        "2:",
        "ldmia r4!, {{r0}}", // w
        "lsls r1, r0, #9",
        "lsrs r1, r1, #9",
        "add r1, r9", // its significand, 2^16 a + b; that of factor is 2^16 c + d
        "lsrs r2, r1, #16",
        "uxth r3, r1",
        "muls r1, r6, r1", // 2^16 a c + b c
        "muls r2, r7, r2", // a d
        "muls r3, r7, r3", // b d
        "adds r1, r1, r2",
        "lsrs r3, r3, #16",
        "lsrs r0, r0, #23",
        "add r0, r8",      // sign and exponent of the product
        "adds r1, r1, r3", // product of significands / 2^16, 2^30 .. 2^32
        "bmi 3f",
        "adds r1, r1, r1", // below 2^31: double it
        "subs r0, #1",
        "3:",
        "lsls r3, r1, #25",
        "beq 6f",
        "4:",
        "ldr r2, [r5]",    // s
        "lsls r3, r2, #1", // its exponent: the upper two bits differ
        "adds r3, r3, r3",
        "bvc 7f",
        "lsrs r3, r2, #23",
        "subs r0, r3, r0", // bit 8: other sign than s; bits 0 ..= 7: distance
        "uxtb r3, r0",
        "cmp r3, #62",
        "bhi 7f",
        "lsls r0, r0, #23",
        "asrs r0, r0, #31", // -1 for the other sign
        "lsrs r1, r1, #8",  // carry: the last bit shifted out
        "adcs r1, r0",      // (p - 1) ^ -1 == -p
        "eors r1, r0",      // p, signed
        "mov r0, r1",
        "mov r12, r1",
        "asrs r0, r3", // carry: the last bit shifted out
        "adcs r0, r2", // the new sum
        "rsbs r3, r3, #0",
        "adds r3, #33",
        "lsls r1, r3", // the bits before the last
        "beq 5f",
        "10:",
        "subs r3, r0, #1", // less 1: rounded up to a power of two, it was below it
        "eors r2, r3",
        "lsrs r2, r2, #23",
        "bne 7f",
        "9:",
        "stmia r5!, {{r0}}",
        "cmp r4, r10",
        "bne 2b",
        "pop {{r4-r7}}",
        "mov r8, r4",
        "mov r9, r5",
        "mov r10, r6",
        "mov r11, r7",
        "pop {{r3-r7, pc}}",
        // A tie of the sum, or nothing lost, or distance 0, or one above 32.
        "5:",
        "subs r3, #1", // 32 - distance
        "bmi 10b",
        "cmp r3, #32",
        "beq 7f",
        "mov r1, r12",
        "lsls r1, r3",
        "bpl 10b",
        "lsrs r0, r0, #1",
        "lsls r0, r0, #1",
        "b 10b",
        // A tie of the product? Not if it has lower bits.
        "6:",
        "lsrs r3, r1, #8",
        "bcc 4b",
        "subs r4, #4",
        "ldmia r4!, {{r2}}",
        "muls r2, r7, r2",
        "lsls r2, r2, #16",
        "bne 4b",
        "lsrs r3, r3, #1",
        "bcs 4b",
        "subs r1, #128",
        "b 4b",
        // A sum and zero is the sum, unless both are zero.
        "7:",
        "ldr r0, [r5]",
        "subs r4, #4",
        "ldmia r4!, {{r2}}",
        "lsls r3, r2, #1",
        "bne 8f",
        "lsls r3, r0, #1",
        "bne 9b",
        "8:",
        "mov r1, r11",
        "bl {multiply_add}",
        "b 9b",
        multiply_add = sym multiply_add,
    )
}
