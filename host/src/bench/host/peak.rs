//! The peak of this machine: multiplications and additions of f32 a second, each rounded by itself.
//!
//! Training never fuses them (the numerical contract), so the peak to compare with is that of a
//! multiplication and an addition as two instructions, at the width of vectors in use, all operands
//! in registers.

use std::hint::black_box;
use std::sync::Barrier;
use std::time::Instant;

use crate::training::Instructions;

/// Rounds of a measurement: some milliseconds.
const ROUNDS: u32 = 400_000;

/// How often each way is measured; the best counts.
const REPETITIONS: usize = 8;

/// Operations a second of so many threads at once.
pub(super) fn peak(threads: usize, instructions: Instructions) -> f64 {
    // How many sums it takes to keep all units busy, and how many fit into registers, differs
    // between processors: one of these is right.
    let ways = [
        many::<32>,
        many::<48>,
        many::<64>,
        many::<80>,
        many::<96>,
        many::<112>,
        many::<160>,
        many::<192>,
        many::<224>,
        many::<256>,
    ];
    let mut best = 0.0_f64;
    for way in ways {
        for _ in 0..REPETITIONS {
            best = best.max(at_once(threads, || way(instructions)));
        }
    }
    best
}

/// The sum of what `measure` finds on threads that start together.
fn at_once(threads: usize, measure: impl Fn() -> f64 + Sync) -> f64 {
    let barrier = Barrier::new(threads);
    std::thread::scope(|scope| {
        let found: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    barrier.wait();
                    measure()
                })
            })
            .collect();
        let found = found
            .into_iter()
            .map(|thread| thread.join().unwrap_or_default());
        found.sum()
    })
}

/// Operations a second with `N` sums at a time.
fn many<const N: usize>(instructions: Instructions) -> f64 {
    let start = Instant::now();
    let sum = instructions.run(
        #[inline(always)]
        || multiply_and_add::<N>(black_box(0.999), black_box(0.001)),
    );
    let seconds = start.elapsed().as_secs_f64();
    black_box(sum);
    2.0 * N as f64 * f64::from(ROUNDS) / seconds
}

#[inline(always)]
fn multiply_and_add<const N: usize>(factor: f32, term: f32) -> f32 {
    let mut sums = [1.0_f32; N];
    for _ in 0..ROUNDS {
        for sum in &mut sums {
            *sum = *sum * factor + term;
        }
    }
    sums.iter().sum()
}
