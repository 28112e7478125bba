//! The row loop for Armv7-M: Cortex-M3, and M4, M7 and M33 without their floating-point unit.

use core::arch::naked_asm;

use super::multiply_add;

/// 32.5 instructions a multiply-add.
///
/// # Safety
/// `row` and `sums` point to as many numbers as there are from `row` to `end`, at least one.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn add_scaled_row(
    sums: *mut f32,
    row: *const f32,
    end: *const f32,
    factor: f32,
) {
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
        "bhi 23f",
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
        "bhs 6f",
        "20:",
        "str r1, [r5], #4",
        "cmp r4, r6",
        "bne 2b",
        "pop {{r3-r11, pc}}",
        // A tie, or nothing lost, or distance 0, or one above 32.
        "5:",
        "ubfx r3, r12, #23, #8",
        "cmp r3, #32",
        "bhi 4b",
        "cbz r3, 6f",
        "asrs r3, r2, r3",
        "it cs",
        "biccs r1, r1, #1",
        "b 4b",
        // Another power of two: r1 becomes the significand of s, r2 is p, r12 the exponent.
        "6:",
        "ubfx r3, r12, #23, #8",
        "cmp r3, #32",
        "bhi 20b", // too small to matter
        "ubfx r1, r0, #0, #23",
        "orr r1, r1, #0x00800000",
        "lsr r12, r0, #23",
        "21:", // r1 + r2 / 2^r3, with six more bits, of which the last says whether there are more
        "lsls r2, r2, #6",
        "asr lr, r2, r3",
        "rsb r3, r3, #32",
        "lsls r2, r2, r3",
        "it ne",
        "orrne lr, lr, #1",
        "adds r1, lr, r1, lsl #6",
        "ble 24f",
        "22:",
        "clz r2, r1",
        "subs r2, r2, #1",
        "lsl r1, r1, r2", // 2^30 .. 2^31
        "sub r12, r12, r2",
        "ubfx r3, r1, #7, #1",
        "adds r1, r1, #63",
        "add r1, r1, r3",
        "lsrs r1, r1, #7",
        "add r1, r1, r12, lsl #23", // the significand's highest bit makes up for the exponent
        "b 20b",
        // The product is larger than s: r1 becomes p, r2 the significand of s.
        "23:",
        "ldr lr, [r4, #-4]",
        "ubfx lr, lr, #23, #8",
        "sub lr, lr, #31", // of the others, some look large modulo 256
        "cmp lr, #223",
        "bhi 7f",
        "rsb r3, r3, #256",
        "cmp r3, #32",
        "bhi 7f",
        "sub r12, r0, r12", // sign and exponent of the product
        "lsrs lr, r2, #1",
        "sbcs r1, r1, #0x80000000",
        "adc r1, r2, #0",
        "ubfx r2, r0, #0, #23",
        "orr r2, r2, #0x00800000",
        "eor lr, r0, r12",
        "eor r2, r2, lr, asr #31",
        "add r2, r2, lr, lsr #31",
        "lsr r12, r12, #23",
        "b 21b",
        // Zero, or the other sign.
        "24:",
        "beq 20b",
        "rsbs r1, r1, #0",
        "add r12, r12, #256",
        "b 22b",
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
