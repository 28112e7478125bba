//! What a board's light says: one pattern for each state that it can be in.

use embedded_hal::digital::OutputPin;

use crate::clock::Clock;

/// How long a light stays as it is, in milliseconds.
const SLOT: u64 = 125;

/// What a board is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Waiting for something to do: a short flash every two seconds.
    Waiting,
    /// Training: four flashes a second.
    Training,
    /// Done, and all went well: lit, with a short gap every two seconds.
    Done,
    /// Something went wrong: three flashes and a pause.
    Failed,
}

impl Signal {
    /// Sixteen slots, of which the first is the lowest bit.
    const fn pattern(self) -> u16 {
        match self {
            Self::Waiting => 0b0000_0000_0000_0001,
            Self::Training => 0b0101_0101_0101_0101,
            Self::Done => 0b0111_1111_1111_1111,
            Self::Failed => 0b0000_0000_0001_0101,
        }
    }

    /// Whether the light is lit at a time.
    pub const fn is_lit(self, milliseconds: u64) -> bool {
        self.pattern() >> (milliseconds / SLOT % 16) & 1 == 1
    }

    /// Switches a light to what it shows now; to be called again before 125 ms are over.
    pub fn show(self, clock: &mut impl Clock, light: &mut impl OutputPin) {
        let state = self.is_lit(clock.milliseconds()).into();
        // A light that fails is no reason to stop.
        let _ = light.set_state(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Flashes of a cycle, and how many of its slots are lit.
    fn seen(signal: Signal) -> (usize, usize) {
        let lit = |slot: u64| signal.is_lit(slot * SLOT);
        let starts = (0..16).filter(|&slot| lit(slot) && !lit(slot + 15));
        (starts.count(), (0..16).filter(|&slot| lit(slot)).count())
    }

    #[test]
    fn patterns_are_what_their_names_say() {
        assert_eq!(seen(Signal::Waiting), (1, 1));
        assert_eq!(seen(Signal::Training), (8, 8));
        assert_eq!(seen(Signal::Done), (1, 15));
        assert_eq!(seen(Signal::Failed), (3, 3));
    }

    #[test]
    fn a_pattern_goes_on_for_ever() {
        let years = 2_000 * 1_000_000_000;
        for milliseconds in [0, 124, 125, 1_999] {
            for signal in [Signal::Waiting, Signal::Training, Signal::Failed] {
                let late = signal.is_lit(years + milliseconds);
                assert_eq!(signal.is_lit(milliseconds), late, "{signal:?}");
            }
        }
    }
}
