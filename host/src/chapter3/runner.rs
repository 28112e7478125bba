//! Trainings in parallel: each on one thread, so that its bits do not depend on how many there are.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;

use anyhow::Result;

use super::bar::Bar;
use super::training::{Course, Training};
use crate::data::Dataset;
use crate::training::Progress;

/// A training with a seed.
pub(super) type Job = (Training, u64);

/// Runs `jobs` on so many threads, started in order, and hands over what came of each as it ends, in
/// any order. Stops early if `progress.stop` is set, and when `ended` fails.
///
/// # Errors
///
/// The first of any job, or of `ended`.
pub(super) fn run(
    jobs: &[Job],
    data: &Dataset,
    threads: usize,
    progress: &Progress,
    bar: &Bar,
    mut ended: impl FnMut(usize, Course) -> Result<()>,
) -> Result<()> {
    let next = AtomicUsize::new(0);
    let failure = Mutex::new(None);
    let fail = |error| {
        progress.stop.store(true, Ordering::Relaxed);
        let mut failure = failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.get_or_insert(error);
    };
    std::thread::scope(|scope| {
        let (sender, courses) = channel();
        for _ in 0..threads.min(jobs.len()) {
            let (sender, next, fail) = (sender.clone(), &next, &fail);
            scope.spawn(move || {
                while !progress.stop.load(Ordering::Relaxed) {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some((training, seed)) = jobs.get(index) else {
                        return;
                    };
                    bar.begun(index);
                    let epoch_ended = || bar.epoch_ended(index);
                    match training.run(data, *seed, progress, epoch_ended) {
                        Ok(Some(course)) => {
                            // Nobody listens any more only when something else has failed.
                            let _ = sender.send((index, course));
                        }
                        Ok(None) => return,
                        Err(error) => return fail(error),
                    }
                }
            });
        }
        drop(sender);
        for (index, course) in courses {
            if let Err(error) = ended(index, course) {
                fail(error);
                return;
            }
        }
    });
    let failure = failure.into_inner().unwrap_or_else(PoisonError::into_inner);
    failure.map_or(Ok(()), Err)
}
