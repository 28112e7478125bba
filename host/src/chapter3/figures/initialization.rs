//! Large initial weights against small ones.

use anyhow::Result;

use super::quadratic::LARGE;
use crate::chapter3::Figure;
use crate::chapter3::check::{Check, PERCENT};
use crate::chapter3::draw::{EPOCH, Picture, VALIDATION_ACCURACY, over};
use crate::chapter3::results::{ACCURACY, Results, Scale};
use crate::chapter3::training::Training;

pub(super) static FIGURE: Figure = Figure {
    name: "initialization",
    title: "Initial weights",
    claim: "Initial weights of standard deviation 1 / sqrt(fan_in) learn faster than those of 1.",
    about: "Nielsen, \"Weight initialization\". 30 and 100 hidden units, cross-entropy, learning \
            rate 0.1, mini-batches of 10, lambda 5. The new way has biases of 0, the old one \
            biases of standard deviation 1.",
    quick: true,
    trainings,
    checks: |results| Ok(checks(results)),
    draw,
    otherwise: None,
};

const FEW: [&str; 2] = ["30 units, 1", "30 units, 1 / sqrt(fan_in)"];
const MANY: [&str; 2] = ["100 units, 1", "100 units, 1 / sqrt(fan_in)"];

fn trainings(scale: Scale) -> Vec<(String, Training)> {
    let book = Training::book(scale, scale.images(50_000), 6);
    let lambda = 5.0 * book.images as f64 / 50_000.0;
    let new = |units: usize| Training {
        hidden: vec![units],
        learning_rate: 0.1,
        ..book.clone().l2(lambda)
    };
    let old = |units| Training {
        initialization: LARGE,
        ..new(units)
    };
    let names = FEW.into_iter().chain(MANY).map(str::to_owned);
    names.zip([old(30), new(30), old(100), new(100)]).collect()
}

fn checks(results: &Results) -> Vec<Check> {
    let of = |([old, new], units): ([&str; 2], &str)| {
        Check::above(
            &format!("Accuracy after the first epoch, {units}: higher with small weights"),
            &results.run(new).first(ACCURACY),
            &results.run(old).first(ACCURACY),
            PERCENT,
        )
    };
    [(FEW, "30 units"), (MANY, "100 units")].map(of).into()
}

fn draw(results: &Results) -> Result<Vec<Picture>> {
    Ok(vec![
        over(results, &FEW, EPOCH, VALIDATION_ACCURACY)?,
        over(results, &MANY, EPOCH, VALIDATION_ACCURACY)?,
    ])
}
