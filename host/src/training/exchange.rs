//! How threads tell one another the activations of their units, once a mini-batch.
//!
//! A mini-batch takes some twenty microseconds, less than it takes to wake a sleeping thread, so
//! threads wait by spinning, and give way now and then in case there are fewer cores than threads.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A board on which each thread posts one message a round, and reads all others.
#[derive(Debug)]
pub(super) struct Exchange {
    threads: Vec<Board>,
    /// Rounds from this one on do not take place.
    end: AtomicUsize,
}

#[derive(Debug, Default)]
struct Board {
    /// Rounds posted so far.
    posted: AtomicUsize,
    /// The messages of the last two rounds: a thread may be one round ahead of a reader.
    messages: [Mutex<Vec<f32>>; 2],
}

impl Exchange {
    pub(super) fn new(threads: usize) -> Self {
        Self {
            threads: (0..threads).map(|_| Board::default()).collect(),
            end: AtomicUsize::new(usize::MAX),
        }
    }

    /// Posts `thread`'s message of `round`.
    pub(super) fn post(&self, thread: usize, round: usize, message: &[f32]) {
        let board = &self.threads[thread];
        {
            let mut place = lock(&board.messages[round % 2]);
            place.clear();
            place.extend_from_slice(message);
        }
        board.posted.store(round + 1, Ordering::Release);
    }

    /// Waits for the message of `round` from `thread`, and reads it.
    pub(super) fn read(&self, thread: usize, round: usize, mut read: impl FnMut(&[f32])) {
        let board = &self.threads[thread];
        let mut spins = 0_u32;
        while board.posted.load(Ordering::Acquire) <= round {
            spins += 1;
            if spins.is_multiple_of(1 << 12) {
                std::thread::yield_now();
            } else {
                std::hint::spin_loop();
            }
        }
        read(&lock(&board.messages[round % 2]));
    }

    /// Said by thread 0 before it posts `round`: no thread may begin a round after the next one.
    /// Every thread has read this round's message before it asks about the next but one.
    pub(super) fn end_after(&self, round: usize) {
        self.end.store(round + 1, Ordering::Relaxed);
    }

    /// Whether `round` takes place.
    pub(super) fn takes_place(&self, round: usize) -> bool {
        round < self.end.load(Ordering::Relaxed)
    }
}

/// Lets the others go on, to the end of the epoch and the report of the panic, when a thread
/// panics: without it they would wait for ever.
pub(super) struct Leave<'a>(pub(super) &'a Exchange, pub(super) usize);

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.threads[self.1]
                .posted
                .store(usize::MAX, Ordering::Release);
        }
    }
}

/// A thread that panicked while it held the lock has left a message that nobody will use.
fn lock(mutex: &Mutex<Vec<f32>>) -> std::sync::MutexGuard<'_, Vec<f32>> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
