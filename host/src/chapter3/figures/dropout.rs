//! Dropout on few images, in networks of few and of many units.

use anyhow::Result;

use crate::chapter3::Figure;
use crate::chapter3::check::{Check, PERCENT, POINTS};
use crate::chapter3::draw::{EPOCH, Picture, VALIDATION_ACCURACY, over};
use crate::chapter3::results::{ACCURACY, Results, Scale};
use crate::chapter3::training::Training;

pub(super) static FIGURE: Figure = Figure {
    name: "dropout",
    title: "Dropout",
    claim: "Dropout helps against overfitting, above all in networks of many units.",
    about: "Nielsen, \"Other techniques for regularization\", and the notes' takeaway. 1,000 \
            images, cross-entropy, learning rate 0.5, mini-batches of 10; 30 or 400 hidden units, \
            half of which are dropped in every mini-batch, or none.",
    quick: false,
    trainings,
    checks: |results| Ok(checks(results)),
    draw,
    otherwise: None,
};

const FEW: [&str; 2] = ["30 units", "30 units, dropout"];
const MANY: [&str; 2] = ["400 units", "400 units, dropout"];

fn trainings(scale: Scale) -> Vec<(String, Training)> {
    let book = Training {
        every: 5,
        ..Training::book(scale, scale.few(1_000), scale.either(100, 25))
    };
    let of = |units: usize, dropout: f32| Training {
        hidden: vec![units],
        dropout,
        ..book.clone()
    };
    let names = FEW.into_iter().chain(MANY).map(str::to_owned);
    names
        .zip([of(30, 0.0), of(30, 0.5), of(400, 0.0), of(400, 0.5)])
        .collect()
}

fn gains(results: &Results, [without, with]: [&str; 2]) -> Vec<f64> {
    let (without, with) = (results.run(without), results.run(with));
    let pairs = with.last(ACCURACY).into_iter().zip(without.last(ACCURACY));
    pairs.map(|(with, without)| with - without).collect()
}

fn checks(results: &Results) -> Vec<Check> {
    vec![
        Check::above(
            "400 units: accuracy at the end higher with dropout",
            &results.run(MANY[1]).last(ACCURACY),
            &results.run(MANY[0]).last(ACCURACY),
            PERCENT,
        ),
        Check::above(
            "What dropout gains: higher with 400 units than with 30",
            &gains(results, MANY),
            &gains(results, FEW),
            POINTS,
        ),
    ]
}

fn draw(results: &Results) -> Result<Vec<Picture>> {
    Ok(vec![
        over(results, &FEW, EPOCH, VALIDATION_ACCURACY)?,
        over(results, &MANY, EPOCH, VALIDATION_ACCURACY)?,
    ])
}
