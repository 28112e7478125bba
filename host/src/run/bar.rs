//! The progress bar of a run, on stderr.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::plan::Plan;
use crate::training::Progress;

/// How often the progress bar moves.
const TICK: Duration = Duration::from_millis(100);

/// The progress bar, moved by a thread of its own.
pub(super) struct Bar {
    bar: ProgressBar,
    /// Samples of the epochs that have ended.
    ended: Arc<AtomicUsize>,
    /// Dropped to end the thread.
    going: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Bar {
    /// A bar for all epochs of `plan`, moved by `progress`.
    pub(super) fn new(plan: &Plan, progress: &Arc<Progress>) -> Self {
        let (samples, epochs) = (plan.samples_of_epoch(), plan.recipe.epochs);
        let bar = ProgressBar::with_draw_target(
            Some(samples as u64 * epochs as u64),
            ProgressDrawTarget::stderr(),
        );
        // The template is fixed and valid; the default style would do if it were not.
        if let Ok(style) = ProgressStyle::with_template("{msg} {bar:40} {percent:>3} %, {eta} left")
        {
            bar.set_style(style.progress_chars("=> "));
        }
        let ended = Arc::new(AtomicUsize::new(0));
        let (going, gone) = channel();
        let thread = std::thread::spawn({
            let (bar, ended, progress) = (bar.clone(), Arc::clone(&ended), Arc::clone(progress));
            move || {
                while gone.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                    let ended = ended.load(Ordering::Relaxed);
                    let epoch = (ended / samples + 1).min(epochs);
                    bar.set_message(format!("epoch {epoch}/{epochs}"));
                    let now = ended + progress.samples.load(Ordering::Relaxed);
                    bar.set_position(now as u64);
                }
            }
        });
        Self {
            bar,
            ended,
            going: Some(going),
            thread: Some(thread),
        }
    }

    /// Does something that prints while the bar is out of the way.
    pub(super) fn suspend<R>(&self, print: impl FnOnce() -> R) -> R {
        self.bar.suspend(print)
    }

    /// From now on so many samples are behind it, those of the epoch at hand apart.
    pub(super) fn epoch_ended(&self, samples: usize) {
        self.ended.store(samples, Ordering::Relaxed);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.going = None;
        if let Some(thread) = self.thread.take() {
            // It has nothing to say; if it panicked, the bar stood still and that was all.
            let _ = thread.join();
        }
        self.bar.finish_and_clear();
    }
}
