//! The square root, in a form of which a loop becomes vectors.
//!
//! `libm`'s is the processor's instruction too, but in assembly, which keeps a loop scalar. The
//! compiler knows what these intrinsics do, and makes a loop of them as wide as its other
//! operations.

/// The square root of `x`, rounded correctly, as IEEE 754 asks: the same bits on every target.
#[inline(always)]
pub fn sqrt(x: f32) -> f32 {
    #[cfg(all(target_arch = "x86_64", target_feature = "sse"))]
    {
        use core::arch::x86_64::{_mm_cvtss_f32, _mm_set_ss, _mm_sqrt_ss};
        // SAFETY: this is compiled only where every processor has SSE.
        unsafe { _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(x))) }
    }
    #[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
    {
        use core::arch::aarch64::{vdup_n_f32, vget_lane_f32, vsqrt_f32};
        // SAFETY: this is compiled only where every processor has NEON.
        unsafe { vget_lane_f32::<0>(vsqrt_f32(vdup_n_f32(x))) }
    }
    #[cfg(not(any(
        all(target_arch = "x86_64", target_feature = "sse"),
        all(target_arch = "aarch64", target_feature = "neon")
    )))]
    {
        libm::sqrtf(x)
    }
}
