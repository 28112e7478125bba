//! What the tests of several modules share.

extern crate std;

use core::convert::Infallible;
use embedded_hal::digital::{ErrorType, OutputPin};
use std::vec::Vec;

use crate::board::Board;
use crate::meter::Meter;

/// An IDX images file: count, rows and columns, and the pixels, which need not agree.
pub(crate) fn images(words: [u32; 3], pixels: &[u8]) -> Vec<u8> {
    let mut file = std::vec![0, 0, 8, 3];
    words
        .iter()
        .for_each(|word| file.extend(word.to_be_bytes()));
    file.extend(pixels);
    file
}

/// An IDX labels file that says it holds `count` labels, and holds these.
pub(crate) fn labels(count: u32, labels: &[u8]) -> Vec<u8> {
    let mut file = std::vec![0, 0, 8, 1];
    file.extend(count.to_be_bytes());
    file.extend(labels);
    file
}

/// A board without hardware.
pub(crate) fn bench() -> Board<Looks, NoLed> {
    Board {
        meter: Looks(0),
        led: NoLed,
    }
}

/// Counts one unit for every look at it.
pub(crate) struct Looks(pub(crate) u64);

impl Meter for Looks {
    const UNIT: &'static str = "looks";

    fn now(&mut self) -> u64 {
        self.0 += 1;
        self.0
    }
}

/// A light that is not there.
pub(crate) struct NoLed;

impl ErrorType for NoLed {
    type Error = Infallible;
}

impl OutputPin for NoLed {
    fn set_low(&mut self) -> Result<(), Infallible> {
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}
