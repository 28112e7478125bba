//! Which vector instructions the processor has; every choice gives the same bits.

/// A set of instructions that the training loops are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instructions {
    /// What every processor of this kind has: SSE2 on x86-64, NEON on `AArch64`.
    Baseline,
    /// AVX2: vectors of eight.
    Avx2,
    /// AVX-512: vectors of sixteen, and twice as many registers.
    Avx512,
}

impl Instructions {
    /// All of them, narrowest first.
    pub const ALL: [Self; 3] = [Self::Baseline, Self::Avx2, Self::Avx512];

    /// The widest that this processor has.
    pub fn detect() -> Self {
        let available = |choice: &&Self| choice.is_available();
        *Self::ALL
            .iter()
            .rev()
            .find(available)
            .unwrap_or(&Self::Baseline)
    }

    /// Whether this processor has them.
    #[inline]
    pub fn is_available(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        return match self {
            Self::Baseline => true,
            Self::Avx2 => std::arch::is_x86_feature_detected!("avx2"),
            Self::Avx512 => {
                std::arch::is_x86_feature_detected!("avx512f")
                    && std::arch::is_x86_feature_detected!("avx512vl")
                    && std::arch::is_x86_feature_detected!("avx512bw")
                    && std::arch::is_x86_feature_detected!("avx512dq")
            }
        };
        #[cfg(not(target_arch = "x86_64"))]
        return self == Self::Baseline;
    }

    /// Floats of the vectors in which rows of weights are cut up.
    pub(super) const fn lanes(self) -> usize {
        match self {
            Self::Baseline | Self::Avx2 => 8,
            Self::Avx512 => 16,
        }
    }

    /// Most such vectors of sums that stay in registers.
    pub(super) const fn most_vectors(self) -> usize {
        match self {
            // Sixteen registers of four, three of them to work with.
            Self::Baseline if cfg!(target_arch = "x86_64") => 6,
            // Thirty-two of four on AArch64, sixteen of eight.
            Self::Baseline | Self::Avx2 => 13,
            // The deltas of a portion of samples stay in the nearest cache.
            Self::Avx512 => 8,
        }
    }

    /// Runs `work`, compiled for these instructions where the processor has them.
    #[inline]
    pub(crate) fn run<R>(self, work: impl FnOnce() -> R) -> R {
        #[cfg(target_arch = "x86_64")]
        if self.is_available() {
            match self {
                Self::Baseline => {}
                // SAFETY: the processor has AVX2, which is all that the function asks for.
                Self::Avx2 => return unsafe { with_avx2(work) },
                // SAFETY: the processor has the four parts that the function asks for.
                Self::Avx512 => return unsafe { with_avx512(work) },
            }
        }
        work()
    }

    /// The same for work on vectors of [`lanes`](Self::lanes) floats, which is compiled for nothing
    /// else.
    #[inline]
    pub(super) fn run_lanes<const LANES: usize, R>(self, work: impl FnOnce() -> R) -> R {
        if LANES == Self::Avx512.lanes() {
            return Self::Avx512.run(work);
        }
        self.run(work)
    }
}

/// Whatever is inlined into this is compiled with AVX2. AVX2 does not bring fused
/// multiply-adds, and the compiler never fuses on its own.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn with_avx2<R>(work: impl FnOnce() -> R) -> R {
    work()
}

/// Whatever is inlined into this is compiled with AVX-512. It brings fused multiply-adds, but the
/// compiler never fuses on its own.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq")]
fn with_avx512<R>(work: impl FnOnce() -> R) -> R {
    work()
}
