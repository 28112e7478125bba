//! The row loop for Armv6-M: Cortex-M0, M0+ and M1, and M23.

use core::arch::naked_asm;

use super::multiply_add;

/// 47 instructions a multiply-add.
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
        "bhi 23f",
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
        "20:",
        "subs r1, r0, #1", // less 1: rounded up to a power of two, it was below it
        "eors r1, r2",
        "lsrs r1, r1, #23",
        "bne 8f",
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
        "bmi 20b",
        "mov r1, r12",
        "lsls r1, r3",
        "adds r3, #1",
        "cmp r3, #33",
        "beq 8f",
        "cmp r1, #0",
        "bpl 20b",
        "lsrs r0, r0, #1",
        "lsls r0, r0, #1",
        "b 20b",
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
        "bne 27f",
        "lsls r3, r0, #1",
        "bne 9b",
        "27:",
        "mov r1, r11",
        "bl {multiply_add}",
        "b 9b",
        // Another power of two: r1 becomes the significand of s, r2 is p, r0 the exponent.
        "8:",
        "cmp r3, #0", // 33 - distance
        "ble 9b",     // too small to matter
        "mov lr, r12",
        "movs r0, #33",
        "subs r0, r0, r3",
        "mov r12, r0",
        "lsrs r0, r2, #23",
        "lsls r1, r2, #9",
        "lsrs r1, r1, #9",
        "add r1, r9",
        "mov r2, lr",
        // r1 + r2 / 2^r12, with six more bits, of which the last says whether there are more.
        "21:",
        "lsls r2, r2, #6",
        "mov lr, r0",
        "mov r0, r2",
        "subs r3, #1",
        "lsls r0, r3",
        "subs r3, r0, #1",
        "sbcs r0, r3", // 1 unless 0
        "mov r3, r12",
        "asrs r2, r3",
        "orrs r2, r0",
        "mov r0, lr",
        "lsls r1, r1, #6",
        "adds r1, r1, r2",
        "ble 24f",
        "22:",
        "adds r1, r1, r1",
        "bmi 26f",
        "25:",
        "subs r0, #1",
        "adds r1, r1, r1",
        "bpl 25b",
        "26:", // 2^31 .. 2^32
        "lsrs r1, r1, #1",
        "lsrs r2, r1, #8",
        "movs r2, #63",
        "adcs r1, r2",
        "lsrs r1, r1, #7",
        "lsls r0, r0, #23",
        "adds r0, r0, r1", // the significand's highest bit makes up for the exponent
        "b 9b",
        // The product is larger than s: r1 becomes p, r2 the significand of s.
        "23:",
        "rsbs r3, r3, #0",
        "uxtb r3, r3",
        "cmp r3, #32",
        "bhi 7b",
        "mov r12, r3",
        "subs r4, #4",
        "ldmia r4!, {{r3}}",
        "lsls r3, r3, #1",
        "lsrs r3, r3, #24",
        "subs r3, #31", // of the others, some look large modulo 256
        "cmp r3, #223",
        "bhi 7b",
        "lsrs r3, r2, #23",
        "subs r0, r3, r0", // sign and exponent of the product
        "eors r3, r0",
        "lsls r3, r3, #23",
        "asrs r3, r3, #31",
        "lsls r2, r2, #9",
        "lsrs r2, r2, #9",
        "add r2, r9",
        "eors r2, r3",
        "subs r2, r2, r3",
        "movs r3, #33",
        "lsrs r1, r1, #8",
        "bcc 28f",
        "adds r1, #1",
        "28:",
        "mov lr, r1",
        "mov r1, r12",
        "subs r3, r3, r1",
        "mov r1, lr",
        "b 21b",
        // Zero, or the other sign.
        "24:",
        "beq 29f",
        "rsbs r1, r1, #0",
        "adds r0, #255",
        "adds r0, #1",
        "b 22b",
        "29:",
        "movs r0, #0",
        "b 9b",
        multiply_add = sym multiply_add,
    )
}
