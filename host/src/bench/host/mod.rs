//! `thumbnet bench host`: samples trained and predicted per second on this machine, and which
//! fraction of its peak that is.
//!
//! All rows have MNIST's training images in memory, sigmoid units, cross-entropy and L2 decay, as the
//! recipe `book-100` has. A row is trained for one epoch to warm up and then for [`REPETITIONS`];
//! the median counts. `momentum` is 0.9, `adam` has its usual numbers, `dropout` drops half of the
//! hidden units, and `augmentation` distorts images in every way (shift, rotation, scale, shear,
//! elastic) while the epoch before trains, on threads of its own.
//!
//! `flops_per_sample` are the multiplications and additions that a sample needs (`operations.rs`), and
//! `bytes_per_sample` what has to be moved for them (`bytes.rs`). `peak_fraction` is these operations
//! times samples per second, over the peak of as many threads (`peak.rs`).

mod bytes;
mod operations;
mod peak;
mod work;

use anyhow::{Context, Result, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use serde::{Deserialize, Serialize};

use super::against::Row;
use crate::data::{self, DataChoice};
use crate::training::Instructions;
pub(super) use work::Extra;
use work::{Bench, Kind, Work};

/// How often a row is measured.
pub const REPETITIONS: usize = 5;

/// How many threads are tried.
const THREADS: [usize; 2] = [1, 2];

/// The speed of one kind of work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostRow {
    /// The work and the network's shape.
    pub name: String,
    /// Samples of a mini-batch.
    pub batch: usize,
    /// Threads that train or predict.
    pub threads: usize,
    /// To the nearest whole one.
    pub samples_per_second: u64,
    /// Multiplications and additions that a sample needs.
    pub flops_per_sample: u64,
    /// Bytes that have to be moved for a sample.
    pub bytes_per_sample: u64,
    /// Of the machine's peak, 0 to 1, to three digits.
    pub peak_fraction: f64,
}

impl Row for HostRow {
    const COMMAND: &'static str = "bench host";

    fn title(&self) -> String {
        let Self {
            name,
            batch,
            threads,
            ..
        } = self;
        format!("{name}, batch {batch}, threads {threads}")
    }

    fn figure(&self) -> f64 {
        self.samples_per_second as f64
    }
}

/// What is measured, on one thread and on two.
fn works() -> Vec<Work> {
    let train = |hidden, batch, extra| Work {
        kind: Kind::Train(extra),
        hidden,
        batch,
    };
    let mut works = [1, 10, 100, 500]
        .map(|batch| train(100, batch, Extra::None))
        .to_vec();
    works.extend(Extra::REAL.map(|extra| train(100, 100, extra)));
    works.push(train(800, 32, Extra::None));
    works.extend(Extra::REAL.map(|extra| train(800, 32, extra)));
    works.extend([1, 1_000].map(|batch| Work {
        kind: Kind::Infer,
        hidden: 100,
        batch,
    }));
    works
}

/// Measures every row, and hands each to `report` as it comes.
///
/// # Errors
///
/// MNIST cannot be had, or `report` fails.
pub fn measure(mut report: impl FnMut(&ProgressBar, HostRow) -> Result<()>) -> Result<()> {
    let dataset = data::load(&DataChoice::Mnist).context("the samples to measure with")?;
    let samples = &dataset.train;
    ensure!(samples.pixels() == 784, "MNIST has images of 784 pixels");
    let instructions = Instructions::detect();
    let works = works();
    let bar = ProgressBar::new((works.len() * THREADS.len()) as u64);
    // The template is fixed and valid; the default style would do if it were not.
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} {msg}") {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_message("this machine's peak");
    bar.tick();
    let peaks = THREADS.map(|threads| peak::peak(threads, instructions));
    let bench = Bench::new(samples, instructions);
    for work in works {
        for (threads, peak) in THREADS.into_iter().zip(peaks) {
            // One sample at a time leaves nothing for a second thread.
            if matches!(work.kind, Kind::Infer) && work.batch < threads {
                bar.inc(1);
                continue;
            }
            bar.set_message(format!(
                "{}, batch {}, {threads} threads",
                work.name(),
                work.batch
            ));
            let speed = bench.samples_per_second(&work, threads)?;
            let (operations, bytes) = bench.needs(&work);
            bar.inc(1);
            let row = HostRow {
                name: work.name(),
                batch: work.batch,
                threads,
                samples_per_second: speed.round() as u64,
                flops_per_sample: operations.round() as u64,
                bytes_per_sample: bytes.round() as u64,
                peak_fraction: (operations * speed / peak * 1e3).round() / 1e3,
            };
            report(&bar, row)?;
        }
    }
    bar.finish_and_clear();
    Ok(())
}
