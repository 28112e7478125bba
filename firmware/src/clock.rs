//! Time: a counter that knows how fast it counts.

use crate::meter::Meter;

/// A [`Meter`] that counts evenly, and so tells the time.
pub trait Clock: Meter {
    /// How often it counts in a second.
    fn per_second(&self) -> u32;

    /// Milliseconds since start-up.
    fn milliseconds(&mut self) -> u64 {
        self.now() * 1_000 / u64::from(self.per_second())
    }
}
