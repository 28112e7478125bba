//! Learning rates too low, about right, too high.

use anyhow::Result;

use crate::chapter3::Figure;
use crate::chapter3::check::{Check, PLAIN, Unit};
use crate::chapter3::draw::{COST_TRAINING, EPOCH, Picture, VALIDATION_ACCURACY, over};
use crate::chapter3::results::{Results, Scale, TRAIN_COST};
use crate::chapter3::training::{Course, Training};

pub(super) static FIGURE: Figure = Figure {
    name: "learning-rate",
    title: "Learning rates",
    claim: "The cost falls slowly at rate 0.025, better at 0.25, and swings from the start at 2.5.",
    about: "Nielsen, \"How to choose a neural network's hyper-parameters?\". 30 hidden units, \
            cross-entropy, mini-batches of 10, lambda 5. A cost swings where an epoch raises it.",
    quick: true,
    trainings,
    checks: |results| Ok(checks(results)),
    draw,
    otherwise: Some(
        "Rate 2.5 ends at the highest cost of the three with every seed, and the cost swings with \
         every seed: in 43 % of the epochs on average. But the limit is for every seed, and with \
         one of five only 3 of 14 epochs raise the cost, one of them from 0.41 to 0.63: a few large \
         swings, where the check counts how many there are.",
    ),
};

const NAMES: [&str; 3] = ["0.025", "0.25", "2.5"];

fn trainings(scale: Scale) -> Vec<(String, Training)> {
    let book = Training::book(scale, scale.images(50_000), scale.either(15, 10));
    let lambda = 5.0 * book.images as f64 / 50_000.0;
    let with = |learning_rate| Training {
        learning_rate,
        ..book.clone().l2(lambda)
    };
    let rates = [0.025, 0.25, 2.5].map(with);
    NAMES.map(str::to_owned).into_iter().zip(rates).collect()
}

/// In how many of 100 epochs the cost rises.
fn swings(course: &Course) -> f64 {
    let pairs = course.points.windows(2);
    let rises = pairs
        .clone()
        .filter(|pair| pair[1].train_cost > pair[0].train_cost);
    100.0 * rises.count() as f64 / pairs.len() as f64
}

fn checks(results: &Results) -> Vec<Check> {
    let [low, middle, high] = NAMES.map(|name| results.run(name));
    let percent = Unit(" %", 0);
    vec![
        Check::at_most(
            "Epochs that raise the cost, rate 0.025",
            &low.each(swings),
            10.0,
            percent,
        ),
        Check::at_least(
            "Epochs that raise the cost, rate 2.5",
            &high.each(swings),
            30.0,
            percent,
        ),
        Check::above(
            "Cost after the last epoch: higher at 0.025 than at 0.25",
            &low.last(TRAIN_COST),
            &middle.last(TRAIN_COST),
            PLAIN,
        ),
        Check::above(
            "Cost after the last epoch: higher at 2.5 than at 0.25",
            &high.last(TRAIN_COST),
            &middle.last(TRAIN_COST),
            PLAIN,
        ),
    ]
}

fn draw(results: &Results) -> Result<Vec<Picture>> {
    Ok(vec![
        over(results, &NAMES, EPOCH, COST_TRAINING)?,
        over(results, &NAMES, EPOCH, VALIDATION_ACCURACY)?,
    ])
}
