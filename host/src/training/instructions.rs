//! Which vector instructions the processor has; every choice gives the same bits.

/// A set of instructions that the training loops are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instructions {
    /// What every processor of this kind has: SSE2 on x86-64, NEON on `AArch64`.
    Baseline,
    /// AVX2: vectors of eight.
    Avx2,
}

impl Instructions {
    /// The widest that this processor has.
    pub fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            return Self::Avx2;
        }
        Self::Baseline
    }

    /// Runs `work`, compiled for these instructions where the processor has them.
    #[inline]
    pub(crate) fn run<R>(self, work: impl FnOnce() -> R) -> R {
        #[cfg(target_arch = "x86_64")]
        if self == Self::Avx2 && std::arch::is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2, which is all that the function asks for.
            return unsafe { with_avx2(work) };
        }
        work()
    }
}

/// Whatever is inlined into this is compiled with AVX2. AVX2 does not bring fused
/// multiply-adds, and the compiler never fuses on its own.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn with_avx2<R>(work: impl FnOnce() -> R) -> R {
    work()
}
