//! An instruction counter, made of the processor's `SysTick` timer.
//!
//! With `-icount shift=0` QEMU lets one instruction take exactly one nanosecond of virtual time.
//! `SysTick` counts the board's clock: at 25 MHz one count is 40 instructions, always and repeatably.

use core::sync::atomic::{AtomicU32, Ordering};
use cortex_m::peripheral::{SYST, syst::SystClkSource};
use cortex_m_rt::exception;
use thumbnet_firmware::Meter;

use crate::board::CLOCK_MHZ;

/// 1 GHz of instructions over the clock of the counts.
const INSTRUCTIONS_PER_COUNT: u64 = 1_000 / CLOCK_MHZ;

/// `SysTick` counts down through 24 bits.
const COUNT_BITS: u32 = 24;
const RELOAD: u32 = (1 << COUNT_BITS) - 1;

/// How often `SysTick` has reached zero. Only its exception writes here.
static WRAPS: AtomicU32 = AtomicU32::new(0);

#[exception]
fn SysTick() {
    // A load and a store, because a Cortex-M0 has no atomic addition; nothing else writes.
    WRAPS.store(
        WRAPS.load(Ordering::Relaxed).wrapping_add(1),
        Ordering::Relaxed,
    );
}

/// Counts instructions, 40 or 50 at a time. Its readings are 64 bits wide: they outlast any run.
#[derive(Debug)]
pub struct InstructionMeter(());

impl InstructionMeter {
    /// Starts `SysTick`, which is this counter's from now on.
    pub fn new(mut timer: SYST) -> Self {
        timer.set_clock_source(SystClkSource::Core);
        timer.set_reload(RELOAD);
        timer.clear_current();
        timer.enable_interrupt();
        timer.enable_counter();
        // The timer loads its start value with its first count; until then it reads zero.
        while SYST::get_current() == 0 {}
        Self(())
    }
}

impl Meter for InstructionMeter {
    const UNIT: &'static str = "instructions";

    fn now(&mut self) -> u64 {
        let (wraps, current) = loop {
            let wraps = WRAPS.load(Ordering::Relaxed);
            let current = SYST::get_current();
            // If the timer reached zero in between, the two do not belong together.
            if WRAPS.load(Ordering::Relaxed) == wraps {
                break (wraps, current);
            }
        };
        // The exception comes as zero is reached, before the reload: zero is a period's first count.
        let counts = current.wrapping_neg() & RELOAD;
        ((u64::from(wraps) << COUNT_BITS) + u64::from(counts)) * INSTRUCTIONS_PER_COUNT
    }
}
