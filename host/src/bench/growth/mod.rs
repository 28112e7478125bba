//! `thumbnet bench growth`: how the time that a sample's training takes grows with the network, the
//! mini-batch and the input.
//!
//! One thing varies at a time, on one thread and on two; all else is 784-100-10 with sigmoid units,
//! cross-entropy and L2 decay, in mini-batches of 100. Networks train on 2,000 of MNIST's images,
//! or, where the share of zeros varies, on as many images of noise. After an epoch that warms up come
//! short epochs for half a second, of which the fastest counts: whatever else the machine does only makes
//! them slower, and what is sought are steps of a tenth.

mod picture;
mod points;

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use serde::{Deserialize, Serialize};
use thumbnet::{Activation, Cost, Initialization};

use super::against::Row;
use super::host::Extra;
use crate::data::{self, DataChoice, Samples};
use crate::model::{Model, parse_architecture};
use crate::training::{Engine, EngineState, Instructions, Progress, SparseImages};
pub use picture::Picture;
use points::Point;
pub use points::Varied;

/// Images of an epoch: a few milliseconds, which other programs often leave alone.
const IMAGES: usize = 2_000;

/// How long epochs take together, at least.
const LEAST: Duration = Duration::from_millis(500);

/// How many threads are tried.
const THREADS: [usize; 2] = [1, 2];

/// Where weights, shuffles and noise come from.
const SEED: u64 = 7;

/// Low enough for no unit to saturate, whatever the input.
const LEARNING_RATE: f32 = 0.01;

/// The time of one network in one kind of training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrowthRow {
    /// What differs between this row and its neighbours.
    pub varied: Varied,
    /// Units of each hidden layer.
    pub hidden: usize,
    /// Hidden layers.
    pub depth: usize,
    /// Samples of a mini-batch.
    pub batch: usize,
    /// The share of inputs that are 0, to three digits.
    pub zeros: f64,
    /// Threads that train.
    pub threads: usize,
    /// Of training, to three digits.
    pub microseconds_per_sample: f64,
}

impl GrowthRow {
    /// What differs, as a number: units, layers, samples, or the percentage of zeros.
    pub fn place(&self) -> f64 {
        match self.varied {
            Varied::Hidden => self.hidden as f64,
            Varied::Depth => self.depth as f64,
            Varied::Batch => self.batch as f64,
            Varied::Zeros => 100.0 * self.zeros,
        }
    }

    /// The shape of the network.
    pub fn network(&self) -> String {
        shape(self.hidden, self.depth)
    }
}

impl Row for GrowthRow {
    const COMMAND: &'static str = "bench growth";

    fn title(&self) -> String {
        format!(
            "{:?} varied, {}, batch {}, zeros {}, threads {}",
            self.varied,
            self.network(),
            self.batch,
            self.zeros,
            self.threads
        )
    }

    fn figure(&self) -> f64 {
        self.microseconds_per_sample
    }
}

/// Measures all points, and hands each row to `report` as it comes.
///
/// # Errors
///
/// MNIST cannot be had, or `report` fails.
pub fn measure(mut report: impl FnMut(&ProgressBar, GrowthRow) -> Result<()>) -> Result<()> {
    let dataset = data::load(&DataChoice::Mnist).context("the samples to measure with")?;
    let digits = first(&dataset.train, IMAGES);
    let points = points::all();
    let bar = ProgressBar::new((points.len() * THREADS.len()) as u64);
    // The template is fixed and valid; the default style would do if it were not.
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} {msg}") {
        bar.set_style(style.progress_chars("=> "));
    }
    for point in points {
        let noise = point.zeros.map(|share| points::noise(share, &digits, SEED));
        let samples = noise.as_ref().unwrap_or(&digits);
        for threads in THREADS {
            let shape = shape(point.hidden, point.depth);
            bar.set_message(format!("{shape}, batch {}, threads {threads}", point.batch));
            bar.tick();
            let microseconds = microseconds(&point, samples, threads)?;
            bar.inc(1);
            let row = GrowthRow {
                varied: point.varied,
                hidden: point.hidden,
                depth: point.depth,
                batch: point.batch,
                zeros: (zeros(samples) * 1e3).round() / 1e3,
                threads,
                microseconds_per_sample: (microseconds * 1e3).round() / 1e3,
            };
            report(&bar, row)?;
        }
    }
    bar.finish_and_clear();
    Ok(())
}

/// The time of a sample in the fastest of several epochs.
fn microseconds(point: &Point, samples: &Samples, threads: usize) -> Result<f64> {
    let (hidden, outputs) = (Activation::Sigmoid, Activation::Sigmoid);
    let architecture = parse_architecture(&shape(point.hidden, point.depth), hidden, outputs)?;
    let initialization = Initialization::default();
    let model = Model::fresh(architecture, Cost::CrossEntropy, initialization, SEED);
    let hyperparameters = Extra::None.hyperparameters(point.batch);
    let state = EngineState::new(&model, &hyperparameters, SEED, true);
    let instructions = Instructions::detect();
    let mut engine = Engine::new(architecture, hyperparameters, state, threads, instructions);
    let images = SparseImages::new(samples, samples.len())?;
    let mut epoch = || {
        let start = Instant::now();
        engine.epoch(&images, &|_| LEARNING_RATE, &Progress::default());
        start.elapsed()
    };
    epoch();
    let (mut total, mut fastest) = (Duration::ZERO, Duration::MAX);
    while total < LEAST {
        let time = epoch();
        total += time;
        fastest = fastest.min(time);
    }
    Ok(fastest.as_secs_f64() * 1e6 / samples.len() as f64)
}

fn shape(hidden: usize, depth: usize) -> String {
    format!("784{}-10", format!("-{hidden}").repeat(depth))
}

/// The first so many samples, or all.
fn first(samples: &Samples, count: usize) -> Samples {
    let count = count.min(samples.len());
    Samples {
        images: samples.images[..count * samples.pixels()].to_vec(),
        labels: samples.labels[..count].to_vec(),
        ..*samples
    }
}

/// The share of pixels that are 0.
fn zeros(samples: &Samples) -> f64 {
    let zeros = samples.images.iter().filter(|&&pixel| pixel == 0);
    zeros.count() as f64 / samples.images.len() as f64
}
