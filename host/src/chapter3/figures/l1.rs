//! L1 decay against L2: where the weights end up.

use anyhow::Result;
use thumbnet::WeightDecay;

use crate::chapter3::Figure;
use crate::chapter3::check::{Check, PERCENT, POINTS};
use crate::chapter3::draw::{EPOCH, Picture, VALIDATION_ACCURACY, over, picture, spread};
use crate::chapter3::results::{ACCURACY, Results, Run, Scale};
use crate::chapter3::training::{Course, Training};
use crate::pictures::Axis;

pub(super) static FIGURE: Figure = Figure {
    name: "l1",
    title: "L1 against L2: sparse weights",
    claim: "L1 decay keeps the weight in few connections and takes the others to zero; L2 does not.",
    about: "Nielsen, \"Other techniques for regularization\". 30 hidden units, learning rate 0.5, \
            mini-batches of 10, lambda 5 with either decay. L1 comes in two forms: plain, whose \
            weights step back and forth across zero, and truncated, whose weights stop there. \
            How many weights end \
            at zero depends on lambda and on the epochs. The histograms have all weights between \
            -0.51 and 0.51.",
    quick: true,
    trainings,
    checks: |results| Ok(checks(results)),
    draw,
    otherwise: None,
};

const NONE: &str = "no decay";
const L2: &str = "L2";
const L1: &str = "L1";
const TRUNCATED: &str = "L1, truncated";

fn trainings(scale: Scale) -> Vec<(String, Training)> {
    let book = Training {
        closely: true,
        ..Training::book(scale, scale.images(50_000), 8)
    };
    let rate = book.rate(5.0 * book.images as f64 / 50_000.0);
    let with = |weight_decay| Training {
        weight_decay,
        ..book.clone()
    };
    vec![
        (NONE.to_owned(), book.clone()),
        (L2.to_owned(), with(WeightDecay::L2(rate))),
        (L1.to_owned(), with(WeightDecay::L1(rate))),
        (TRUNCATED.to_owned(), with(WeightDecay::TruncatedL1(rate))),
    ]
}

/// The share of weights, in percent, that are exactly zero.
fn zeros(course: &Course) -> f64 {
    share(course, |weight| weight == 0.0)
}

/// The share that are small beside those of a fresh network (0.036 in the first layer).
fn small(course: &Course) -> f64 {
    share(course, |weight| weight.abs() < 0.001)
}

fn share(course: &Course, counts: impl Fn(f32) -> bool) -> f64 {
    let count = course
        .weights
        .iter()
        .filter(|weight| counts(**weight))
        .count();
    100.0 * count as f64 / course.weights.len() as f64
}

/// How much of `sum |w|` the largest tenth of the weights have, in percent.
fn concentration(course: &Course) -> f64 {
    let mut sizes: Vec<f64> = course
        .weights
        .iter()
        .map(|weight| f64::from(weight.abs()))
        .collect();
    sizes.sort_by(|a, b| b.total_cmp(a));
    let largest: f64 = sizes[..sizes.len() / 10].iter().sum();
    100.0 * largest / sizes.iter().sum::<f64>()
}

fn checks(results: &Results) -> Vec<Check> {
    let [l2, l1, truncated] = [L2, L1, TRUNCATED].map(|name| results.run(name));
    vec![
        Check::above(
            "Weights that are exactly zero: higher with truncated L1 than with L2",
            &truncated.each(zeros),
            &l2.each(zeros),
            PERCENT,
        ),
        Check::above(
            "Weights below 0.001: higher with plain L1 than with L2",
            &l1.each(small),
            &l2.each(small),
            PERCENT,
        ),
        Check::above(
            "Part of sum |w| in the largest tenth of weights: higher with L1 than with L2",
            &l1.each(concentration),
            &l2.each(concentration),
            PERCENT,
        ),
        Check::at_least(
            "Accuracy with truncated L1, beside L2's",
            &difference(truncated, l2),
            -1.0,
            POINTS,
        ),
    ]
}

fn difference(a: &Run, b: &Run) -> Vec<f64> {
    let pairs = a.last(ACCURACY).into_iter().zip(b.last(ACCURACY));
    pairs.map(|(a, b)| a - b).collect()
}

fn draw(results: &Results) -> Result<Vec<Picture>> {
    let histogram = |names: [&str; 2]| {
        let curves = names.map(|name| {
            let run = results.run(name);
            let look = results
                .runs
                .iter()
                .position(|other| other == run)
                .unwrap_or(0);
            let weights = |course: &Course| course.weights.iter().map(|w| f64::from(*w)).collect();
            let seeds: Vec<Vec<f64>> = run.courses.iter().map(weights).collect();
            spread(name, look, &seeds, (-0.51, 0.51), 51)
        });
        picture(
            (Axis::Plain, "weight"),
            (Axis::Magnitudes, "Weights, %"),
            curves.into(),
        )
    };
    Ok(vec![
        histogram([L2, L1])?,
        histogram([NONE, TRUNCATED])?,
        over(
            results,
            &[NONE, L2, L1, TRUNCATED],
            EPOCH,
            VALIDATION_ACCURACY,
        )?,
    ])
}
