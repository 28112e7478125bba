//! Passes over all parameters, sixteen at a time.

use core::arch::asm;

use super::BLOCK;
use crate::kernel::portable;

/// [`portable::scale`], to the bit.
#[inline(always)]
pub fn scale(values: &mut [f32], factor: f32) {
    let (blocks, rest) = values.as_chunks_mut::<BLOCK>();
    if !blocks.is_empty() {
        scale_blocks(blocks, factor);
    }
    portable::scale(rest, factor);
}

#[inline(never)]
fn scale_blocks(blocks: &mut [[f32; BLOCK]], factor: f32) {
    let ends = blocks.as_mut_ptr_range();
    // SAFETY: from the first block to the last, sixteen numbers are read, and written back.
    unsafe {
        asm!(
            "vmov s16, {factor}",
            "b 3f",
            "2:",
            "vldmia {block}, {{s0-s15}}",
            "vmul.f32 s0, s0, s16", "vmul.f32 s1, s1, s16",
            "vmul.f32 s2, s2, s16", "vmul.f32 s3, s3, s16",
            "vmul.f32 s4, s4, s16", "vmul.f32 s5, s5, s16",
            "vmul.f32 s6, s6, s16", "vmul.f32 s7, s7, s16",
            "vmul.f32 s8, s8, s16", "vmul.f32 s9, s9, s16",
            "vmul.f32 s10, s10, s16", "vmul.f32 s11, s11, s16",
            "vmul.f32 s12, s12, s16", "vmul.f32 s13, s13, s16",
            "vmul.f32 s14, s14, s16", "vmul.f32 s15, s15, s16",
            "vstmia {block}!, {{s0-s15}}",
            "3:",
            "cmp {block}, {end}",
            "bne 2b",
            block = inout(reg) ends.start => _,
            end = in(reg) ends.end,
            factor = in(reg) factor.to_bits(),
            out("d0") _, out("d1") _, out("d2") _, out("d3") _,
            out("d4") _, out("d5") _, out("d6") _, out("d7") _,
            out("d8") _,
            options(nostack),
        );
    }
}

/// [`portable::add`], to the bit.
#[inline(always)]
pub fn add(values: &mut [f32], others: &[f32]) {
    let (values, others) = as_long_as_the_shorter(values, others);
    let (blocks, rest) = values.as_chunks_mut::<BLOCK>();
    let (other_blocks, other_rest) = others.as_chunks::<BLOCK>();
    if !blocks.is_empty() {
        add_blocks(blocks, other_blocks);
    }
    portable::add(rest, other_rest);
}

#[inline(never)]
fn add_blocks(blocks: &mut [[f32; BLOCK]], others: &[[f32; BLOCK]]) {
    let (blocks, others) = as_long_as_the_shorter(blocks, others);
    let ends = blocks.as_mut_ptr_range();
    // SAFETY: as in `scale_blocks`; there are as many blocks of the others.
    unsafe {
        asm!(
            "b 3f",
            "2:",
            "vldmia {others}!, {{s16-s31}}",
            "vldmia {block}, {{s0-s15}}",
            "vadd.f32 s0, s0, s16", "vadd.f32 s1, s1, s17",
            "vadd.f32 s2, s2, s18", "vadd.f32 s3, s3, s19",
            "vadd.f32 s4, s4, s20", "vadd.f32 s5, s5, s21",
            "vadd.f32 s6, s6, s22", "vadd.f32 s7, s7, s23",
            "vadd.f32 s8, s8, s24", "vadd.f32 s9, s9, s25",
            "vadd.f32 s10, s10, s26", "vadd.f32 s11, s11, s27",
            "vadd.f32 s12, s12, s28", "vadd.f32 s13, s13, s29",
            "vadd.f32 s14, s14, s30", "vadd.f32 s15, s15, s31",
            "vstmia {block}!, {{s0-s15}}",
            "3:",
            "cmp {block}, {end}",
            "bne 2b",
            block = inout(reg) ends.start => _,
            end = in(reg) ends.end,
            others = inout(reg) others.as_ptr() => _,
            out("d0") _, out("d1") _, out("d2") _, out("d3") _,
            out("d4") _, out("d5") _, out("d6") _, out("d7") _,
            out("d8") _, out("d9") _, out("d10") _, out("d11") _,
            out("d12") _, out("d13") _, out("d14") _, out("d15") _,
            options(nostack),
        );
    }
}

/// [`portable::copy`], without the kilobyte of code that copies any bytes anywhere.
#[inline(always)]
pub fn copy(outputs: &mut [f32], values: &[f32]) {
    let (outputs, values) = as_long_as_the_shorter(outputs, values);
    let (blocks, rest) = outputs.as_chunks_mut::<BLOCK>();
    let (value_blocks, value_rest) = values.as_chunks::<BLOCK>();
    for (block, values) in blocks.iter_mut().zip(value_blocks) {
        // SAFETY: sixteen numbers are read and written where sixteen are.
        unsafe {
            asm!(
                "vldmia {values}, {{s0-s15}}",
                "vstmia {block}, {{s0-s15}}",
                values = in(reg) values.as_ptr(),
                block = in(reg) block.as_mut_ptr(),
                out("d0") _, out("d1") _, out("d2") _, out("d3") _,
                out("d4") _, out("d5") _, out("d6") _, out("d7") _,
                options(nostack),
            );
        }
    }
    portable::copy(rest, value_rest);
}

/// Both, in step.
#[inline(always)]
fn as_long_as_the_shorter<'a, T>(left: &'a mut [T], right: &'a [T]) -> (&'a mut [T], &'a [T]) {
    let length = left.len().min(right.len());
    (&mut left[..length], &right[..length])
}
