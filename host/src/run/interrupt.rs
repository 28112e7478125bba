//! Ctrl-C: once to end the run well, twice to end it at once.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};

use crate::training::Progress;

/// The exit code after the second Ctrl-C, as shells have it: 128 and the number of the signal.
const INTERRUPTED: i32 = 130;

/// The run that Ctrl-C ends.
static RUN: Mutex<Option<Arc<Progress>>> = Mutex::new(None);

/// Held while files are written: not even the second Ctrl-C leaves a temporary file behind.
static WRITING: Mutex<()> = Mutex::new(());

/// From now on the first Ctrl-C sets `progress.stop`, and the second ends the program with exit
/// code 130. A request to terminate counts as Ctrl-C.
///
/// # Errors
///
/// The system does not take a handler for signals.
pub fn ends(progress: &Arc<Progress>) -> Result<()> {
    let first = lock(&RUN).replace(Arc::clone(progress)).is_none();
    if !first {
        // A later run in the same process: the handler is in place.
        return Ok(());
    }
    ctrlc::set_handler(|| {
        let stopping = lock(&RUN)
            .as_ref()
            .is_some_and(|run| run.stop.swap(true, Ordering::Relaxed));
        if stopping {
            let _whole = lock(&WRITING);
            std::process::exit(INTERRUPTED);
        }
    })
    .context("cannot listen for Ctrl-C")
}

/// Runs `write`, and lets nothing end the program in the middle of it.
pub(crate) fn uninterrupted<R>(write: impl FnOnce() -> R) -> R {
    let _whole = lock(&WRITING);
    write()
}

/// A thread that panicked with the lock has left nothing in a state that matters here.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
