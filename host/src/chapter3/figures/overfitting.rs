//! What too few images do.

use anyhow::Result;

use super::quadratic::LARGE;
use crate::chapter3::Figure;
use crate::chapter3::check::{Check, PERCENT, TIMES, Unit};
use crate::chapter3::draw::{EPOCH, Picture, Quantity, curve, picture};
use crate::chapter3::results::{
    ACCURACY, Measure, Results, Scale, TRAIN_ACCURACY, TRAIN_COST, VALIDATION_COST,
};
use crate::chapter3::training::{Course, Training};
use crate::pictures::{Axis, Curve};

pub(super) static FIGURE: Figure = Figure {
    name: "overfitting",
    title: "Overfitting on 1,000 images",
    claim: "Trained on few images for long, a network learns them by heart and others no better.",
    about: "Nielsen, \"Overfitting and regularization\". 30 hidden units, large initial weights, \
            cross-entropy, learning rate 0.5, mini-batches of 10; only the first 1,000 training \
            images, 400 epochs (200 in a quick run). The book sees the cost of other images rise \
            from epoch 15 on, and their accuracy stand still from epoch 280 on.",
    quick: true,
    trainings,
    checks: |results| Ok(checks(results)),
    draw,
    otherwise: None,
};

const PLAIN_TRAINING: &str = "1,000 images";

/// The training that this chapter's regularisation is tried on, too.
pub(super) fn overfitted(scale: Scale) -> Training {
    Training {
        initialization: LARGE,
        every: scale.either(4, 5),
        ..Training::book(scale, scale.few(1_000), scale.either(400, 200))
    }
}

fn trainings(scale: Scale) -> Vec<(String, Training)> {
    vec![(PLAIN_TRAINING.to_owned(), overfitted(scale))]
}

/// By what factor the cost of validation images ends above its lowest.
fn rise(course: &Course) -> f64 {
    let mut costs = course.points.iter().map(VALIDATION_COST);
    let lowest = costs.clone().fold(f64::NAN, f64::min);
    costs.next_back().unwrap_or(f64::NAN) / lowest
}

/// How far the training was, in percent, when that cost was lowest.
fn turn(course: &Course) -> f64 {
    let cost = |point: &&_| VALIDATION_COST(point);
    let lowest = course
        .points
        .iter()
        .min_by(|a, b| cost(a).total_cmp(&cost(b)));
    let epoch = |point: Option<&crate::chapter3::training::Point>| {
        point.map_or(f64::NAN, |point| point.epoch as f64)
    };
    100.0 * epoch(lowest) / epoch(course.points.last())
}

fn checks(results: &Results) -> Vec<Check> {
    let run = results.run(PLAIN_TRAINING);
    vec![
        Check::at_least(
            "Accuracy on the images learned from, at the end",
            &run.last(TRAIN_ACCURACY),
            99.9,
            PERCENT,
        ),
        Check::at_most(
            "Accuracy on validation images, at the end",
            &run.last(ACCURACY),
            92.0,
            PERCENT,
        ),
        Check::at_most(
            "Their cost is lowest after this part of all epochs",
            &run.each(turn),
            25.0,
            Unit(" %", 0),
        ),
        Check::at_least(
            "Their cost at the end, by its lowest",
            &run.each(rise),
            1.2,
            TIMES,
        ),
    ]
}

fn draw(results: &Results) -> Result<Vec<Picture>> {
    let both = |learned: Measure, validated: Measure| {
        let of = |name: &str, look, measure| Curve {
            name: name.to_owned(),
            look,
            ..curve(results, PLAIN_TRAINING, EPOCH.of, measure)
        };
        vec![
            of("images learned from", 0, learned),
            of("validation images", 1, validated),
        ]
    };
    let Quantity { axis, name, .. } = EPOCH;
    Ok(vec![
        picture(
            (axis, name),
            (Axis::Magnitudes, "Cost"),
            both(TRAIN_COST, VALIDATION_COST),
        )?,
        picture(
            (axis, name),
            (Axis::Percent, "Accuracy"),
            both(TRAIN_ACCURACY, ACCURACY),
        )?,
    ])
}
