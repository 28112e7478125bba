//! A clock that counts the processor's cycles, made of its `SysTick` timer, which all of them have.

use core::sync::atomic::{AtomicU32, Ordering};

use cortex_m::peripheral::{SYST, syst::SystClkSource};
use cortex_m_rt::exception;
use embedded_hal::delay::DelayNs;
use thumbnet_firmware::{Clock, Meter};

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

/// Counts cycles. Its readings are 56 bits wide: they outlast any run.
#[derive(Debug)]
pub struct CycleClock {
    hertz: u32,
}

impl CycleClock {
    /// Starts `SysTick`, which is this clock's from now on; the processor runs at `hertz`.
    pub fn new(mut timer: SYST, hertz: u32) -> Self {
        timer.set_clock_source(SystClkSource::Core);
        timer.set_reload(RELOAD);
        timer.clear_current();
        timer.enable_interrupt();
        timer.enable_counter();
        // The timer loads its start value with its first count; until then it reads zero.
        while SYST::get_current() == 0 {}
        Self { hertz }
    }
}

impl Meter for CycleClock {
    const UNIT: &'static str = "cycles";

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
        (u64::from(wraps) << COUNT_BITS) + u64::from(current.wrapping_neg() & RELOAD)
    }
}

impl Clock for CycleClock {
    fn per_second(&self) -> u32 {
        self.hertz
    }
}

impl DelayNs for CycleClock {
    fn delay_ns(&mut self, ns: u32) {
        let cycles = (u64::from(ns) * u64::from(self.hertz)).div_ceil(1_000_000_000);
        let start = self.now();
        while self.now() - start < cycles {}
    }
}
