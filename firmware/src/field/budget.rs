//! How long a learner may work before others have the processor again.

use crate::meter::Meter;

/// Says, before each stretch of work, whether there is time for it. Within a stretch nothing but an
/// interrupt stops a learner.
pub trait Budget {
    /// Whether another stretch may begin.
    fn begin(&mut self) -> bool;
}

/// So many stretches: steps on one sample, validations on one sample, decisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretches(
    /// How many are left.
    pub u32,
);

impl Budget for Stretches {
    fn begin(&mut self) -> bool {
        let left = self.0.checked_sub(1);
        self.0 = left.unwrap_or(0);
        left.is_some()
    }
}

/// So many ticks of a clock. A stretch begins if the longest one so far would end in time.
#[derive(Debug)]
pub struct Deadline<M> {
    clock: M,
    end: u64,
    /// When the stretch that is going on began.
    began: Option<u64>,
    longest: u64,
}

impl<M: Meter> Deadline<M> {
    /// Measures with this clock; no time is left before [`allow`](Self::allow).
    pub const fn new(clock: M) -> Self {
        Self {
            clock,
            end: 0,
            began: None,
            longest: 0,
        }
    }

    /// Allows so many ticks from now on.
    pub fn allow(&mut self, ticks: u64) -> &mut Self {
        self.end = self.clock.now().saturating_add(ticks);
        self.began = None;
        self
    }

    /// The longest stretch so far, in ticks, of those that another one or the end came after.
    pub const fn longest(&self) -> u64 {
        self.longest
    }
}

impl<M: Meter> Budget for Deadline<M> {
    fn begin(&mut self) -> bool {
        let now = self.clock.now();
        if let Some(began) = self.began {
            self.longest = self.longest.max(now - began);
        }
        self.began = Some(now);
        now.saturating_add(self.longest) <= self.end && now < self.end
    }
}
