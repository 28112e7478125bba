//! Where threads wait for one another, a few times a mini-batch.
//!
//! A mini-batch takes some ten microseconds, less than it takes to wake a sleeping thread, so
//! threads wait by spinning, and give way now and then in case there are fewer cores than threads.

use std::sync::atomic::{AtomicUsize, Ordering};

/// How often each thread has come.
#[derive(Debug)]
pub(super) struct Meeting {
    threads: Vec<Visits>,
    /// Mini-batches from this one on do not take place.
    end: AtomicUsize,
}

/// A cache line of its own: the others look at it while its thread works.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Visits(AtomicUsize);

impl Meeting {
    pub(super) fn new(threads: usize) -> Self {
        Self {
            threads: (0..threads).map(|_| Visits::default()).collect(),
            end: AtomicUsize::new(usize::MAX),
        }
    }

    /// Comes, and waits until all others have come as often: what they did before is done.
    pub(super) fn wait(&self, thread: usize) {
        if self.threads.len() == 1 {
            return;
        }
        let own = &self.threads[thread].0;
        let visits = own.load(Ordering::Relaxed) + 1;
        own.store(visits, Ordering::Release);
        for Visits(other) in &self.threads {
            let mut spins = 0_u32;
            while other.load(Ordering::Acquire) < visits {
                spins += 1;
                if spins.is_multiple_of(1 << 12) {
                    std::thread::yield_now();
                } else {
                    std::hint::spin_loop();
                }
            }
        }
    }

    /// Said by thread 0 before it waits for the first time in mini-batch `round`: no later one takes
    /// place.
    pub(super) fn end_after(&self, round: usize) {
        self.end.store(round + 1, Ordering::Relaxed);
    }

    /// Whether mini-batch `round` takes place.
    pub(super) fn takes_place(&self, round: usize) -> bool {
        round < self.end.load(Ordering::Relaxed)
    }
}

/// Lets the others go on, to the end of the epoch and the report of the panic, when a thread
/// panics: without it they would wait for ever.
pub(super) struct Leave<'a>(pub(super) &'a Meeting, pub(super) usize);

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Visits(own) = &self.0.threads[self.1];
            own.store(usize::MAX, Ordering::Release);
        }
    }
}
