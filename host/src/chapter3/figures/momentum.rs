//! Momentum from 0 to 0.99, and Nesterov's.

use anyhow::Result;

use crate::chapter3::Figure;
use crate::chapter3::check::{Check, PLAIN};
use crate::chapter3::draw::{COST_TRAINING, EPOCH, Picture, VALIDATION_ACCURACY, over};
use crate::chapter3::results::{Results, Scale, TRAIN_COST};
use crate::chapter3::training::Training;
use crate::training::OptimizerChoice;

pub(super) static FIGURE: Figure = Figure {
    name: "momentum",
    title: "Momentum and Nesterov",
    claim: "Momentum learns faster at the same rate, too much of it overshoots, Nesterov less so.",
    about: "Nielsen, \"Variations on stochastic gradient descent\", and the notes. 30 hidden \
            units, cross-entropy, learning rate 0.05, mini-batches of 10; the cost of the images \
            learned from shows the speed.",
    quick: true,
    trainings,
    checks: |results| Ok(checks(results)),
    draw,
    otherwise: None,
};

const MOMENTA: [f32; 4] = [0.0, 0.5, 0.9, 0.99];
const NESTEROV: [f32; 2] = [0.9, 0.99];

fn trainings(scale: Scale) -> Vec<(String, Training)> {
    let with = |optimizer| Training {
        optimizer,
        learning_rate: 0.05,
        ..Training::book(scale, scale.images(50_000), 5)
    };
    let classic = MOMENTA.map(|mu| {
        (
            format!("momentum {mu}"),
            with(OptimizerChoice::Momentum(mu)),
        )
    });
    let ahead = NESTEROV.map(|mu| {
        (
            format!("Nesterov {mu}"),
            with(OptimizerChoice::Nesterov(mu)),
        )
    });
    classic.into_iter().chain(ahead).collect()
}

fn checks(results: &Results) -> Vec<Check> {
    let first = |name| results.run(name).first(TRAIN_COST);
    let last = |name| results.run(name).last(TRAIN_COST);
    vec![
        Check::above(
            "Cost after the first epoch: higher with momentum 0 than with 0.5",
            &first("momentum 0"),
            &first("momentum 0.5"),
            PLAIN,
        ),
        Check::above(
            "Cost after the first epoch: higher with momentum 0.5 than with 0.9",
            &first("momentum 0.5"),
            &first("momentum 0.9"),
            PLAIN,
        ),
        Check::above(
            "Cost after the last epoch: higher with momentum 0.99 than with 0.9",
            &last("momentum 0.99"),
            &last("momentum 0.9"),
            PLAIN,
        ),
        Check::above(
            "Cost after the last epoch: higher with momentum 0.99 than with Nesterov 0.99",
            &last("momentum 0.99"),
            &last("Nesterov 0.99"),
            PLAIN,
        ),
    ]
}

fn draw(results: &Results) -> Result<Vec<Picture>> {
    let names: Vec<&str> = results.runs.iter().map(|run| run.name.as_str()).collect();
    Ok(vec![
        over(results, &names, EPOCH, COST_TRAINING)?,
        over(results, &names, EPOCH, VALIDATION_ACCURACY)?,
    ])
}
