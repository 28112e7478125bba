//! Sizes of mini-batches, over samples and over time.

use anyhow::Result;

use crate::chapter3::Figure;
use crate::chapter3::check::{Check, PERCENT, TIMES};
use crate::chapter3::draw::{EPOCH, Picture, Quantity, VALIDATION_ACCURACY, over};
use crate::chapter3::results::{ACCURACY, Results, Run, Scale};
use crate::chapter3::training::Training;
use crate::pictures::Axis;

pub(super) static FIGURE: Figure = Figure {
    name: "batch-size",
    title: "Mini-batch sizes",
    claim: "Mini-batches that are too small waste time, those that are too large learn too rarely.",
    about: "Nielsen, \"How to choose a neural network's hyper-parameters?\", and the notes. 30 \
            hidden units, cross-entropy; learning rates in proportion to the square root of the \
            size, 0.5 for mini-batches of 10. Of times only ratios within this run are judged.",
    quick: true,
    trainings,
    checks: |results| Ok(checks(results)),
    draw,
    otherwise: None,
};

const SIZES: [usize; 4] = [1, 10, 100, 1_000];

const SECONDS: Quantity = Quantity {
    axis: Axis::Plain,
    name: "seconds of training",
    of: |point| point.seconds,
};

fn name(size: usize) -> String {
    format!("mini-batches of {size}")
}

fn trainings(scale: Scale) -> Vec<(String, Training)> {
    let of = |size: usize| Training {
        batch_size: size.min(scale.available),
        learning_rate: (0.5 * (size as f64 / 10.0).sqrt()) as f32,
        ..Training::book(scale, scale.images(50_000), 5)
    };
    SIZES.map(|size| (name(size), of(size))).into()
}

fn seconds(run: &Run) -> Vec<f64> {
    run.last(|point| point.seconds)
}

/// The longest time of one by the shortest of the other: whatever else the machine was doing.
fn slower(slow: &Run, fast: &Run) -> f64 {
    let fastest = |run| seconds(run).into_iter().fold(f64::NAN, f64::min);
    fastest(slow) / fastest(fast)
}

fn checks(results: &Results) -> Vec<Check> {
    let run = |size| results.run(&name(size));
    vec![
        Check::at_least(
            "Time for the same samples, mini-batches of 1 by those of 10, the fastest of each",
            &[slower(run(1), run(10))],
            1.2,
            TIMES,
        ),
        Check::above(
            "Accuracy after the last epoch: higher with mini-batches of 10 than of 1,000",
            &run(10).last(ACCURACY),
            &run(1_000).last(ACCURACY),
            PERCENT,
        ),
        Check::above(
            "Accuracy after the last epoch: higher with mini-batches of 10 than of 100",
            &run(10).last(ACCURACY),
            &run(100).last(ACCURACY),
            PERCENT,
        ),
    ]
}

fn draw(results: &Results) -> Result<Vec<Picture>> {
    let names = SIZES.map(name);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    Ok(vec![
        over(results, &names, EPOCH, VALIDATION_ACCURACY)?,
        over(results, &names, SECONDS, VALIDATION_ACCURACY)?,
    ])
}
