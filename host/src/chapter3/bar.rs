//! How far all trainings are, on stderr where that is a terminal.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::runner::Job;

/// A bar that knows how much there is to do.
pub struct Bar {
    bar: ProgressBar,
    /// Of each job: what it is called, and how much an epoch counts.
    jobs: Vec<(String, u64)>,
}

impl Bar {
    /// For these jobs and what they are called.
    pub(super) fn new(jobs: &[Job], names: Vec<String>) -> Self {
        let work = |(training, _): &Job| training.work_of_epoch() * training.epochs as u64;
        let target = match std::io::stderr().is_terminal() {
            true => ProgressDrawTarget::stderr(),
            false => ProgressDrawTarget::hidden(),
        };
        let bar = ProgressBar::with_draw_target(Some(jobs.iter().map(work).sum()), target);
        // The template is fixed and valid; the default style would do if it were not.
        let template = "{bar:30} {percent:>3} %, {eta} left: {wide_msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        let works = jobs.iter().map(|(training, _)| training.work_of_epoch());
        Self {
            bar,
            jobs: names.into_iter().zip(works).collect(),
        }
    }

    pub(super) fn begun(&self, index: usize) {
        self.bar.set_message(self.jobs[index].0.clone());
    }

    pub(super) fn epoch_ended(&self, index: usize) {
        self.bar.inc(self.jobs[index].1);
    }

    /// Does something that prints while the bar is out of the way.
    pub fn aside<R>(&self, print: impl FnOnce() -> R) -> R {
        self.bar.suspend(print)
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
