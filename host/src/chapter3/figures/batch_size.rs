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
            hidden units, cross-entropy; learning rates 0.1, 0.5, 1 and 2, higher for larger \
            mini-batches, whose gradients are surer. Of times only ratios within this run are judged.",
    quick: true,
    trainings,
    checks: |results| Ok(checks(results)),
    draw,
    otherwise: None,
};

/// Samples of a mini-batch, and the learning rate.
const SIZES: [(usize, f32); 4] = [(1, 0.1), (10, 0.5), (100, 1.0), (1_000, 2.0)];

const SECONDS: Quantity = Quantity {
    axis: Axis::Plain,
    name: "seconds of training",
    of: |point| point.seconds,
};

fn name(size: usize) -> String {
    format!("mini-batches of {size}")
}

fn trainings(scale: Scale) -> Vec<(String, Training)> {
    let of = |size: usize, learning_rate| Training {
        batch_size: size.min(scale.available),
        learning_rate,
        ..Training::book(scale, scale.images(50_000), 5)
    };
    SIZES
        .map(|(size, learning_rate)| (name(size), of(size, learning_rate)))
        .into()
}

fn seconds(run: &Run) -> Vec<f64> {
    run.last(|point| point.seconds)
}

/// The shortest time of one by the shortest of the other: what else the machine was doing has lengthened
/// the others.
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
    let names = SIZES.map(|(size, _)| name(size));
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    Ok(vec![
        over(results, &names, EPOCH, VALIDATION_ACCURACY)?,
        over(results, &names, SECONDS, VALIDATION_ACCURACY)?,
    ])
}
