//! What a program uses of a board while it works.

use embedded_hal::digital::OutputPin;

use crate::meter::Meter;

/// A counter and a light. Which ones is the board's affair.
#[derive(Debug)]
pub struct Board<M, L> {
    /// Counts what work costs.
    pub meter: M,
    /// Is lit while work is done and dark while samples are read.
    pub led: L,
}

impl<M: Meter, L: OutputPin> Board<M, L> {
    /// Does `work` with the light on, and returns its result with what it cost.
    pub fn work<T>(&mut self, work: impl FnOnce() -> T) -> (T, u64) {
        // A light that fails is no reason to stop.
        let _ = self.led.set_high();
        let measured = self.meter.measure(work);
        let _ = self.led.set_low();
        measured
    }
}

/// `total` for each of `samples`, rounded to the nearest; 0 for none.
pub(crate) fn per_sample(total: u64, samples: u32) -> u64 {
    let samples = u64::from(samples);
    (total + samples / 2).checked_div(samples).unwrap_or(0)
}
