//! What L2 decay does, on few images and on all.

use anyhow::Result;

use super::overfitting::overfitted;
use super::quadratic::LARGE;
use crate::chapter3::Figure;
use crate::chapter3::check::{Check, PERCENT, POINTS};
use crate::chapter3::draw::{EPOCH, Picture, Quantity, VALIDATION_ACCURACY, over};
use crate::chapter3::results::{ACCURACY, GAP, Results, Scale};
use crate::chapter3::training::Training;
use crate::pictures::Axis;

pub(super) static FIGURE: Figure = Figure {
    name: "l2",
    title: "L2 weight decay",
    claim: "Weight decay brings what a network reads of other images closer to what it learned.",
    about: "Nielsen, \"Regularization\". The network of the figure before on 1,000 images with \
            lambda 0.1, and on all images with lambda 5 (20 epochs), each beside the same training \
            without decay. The gap is the accuracy on images learned from less that on validation \
            images, in points.",
    quick: false,
    trainings,
    checks: |results| Ok(checks(results)),
    draw,
    otherwise: None,
};

const FEW: [&str; 2] = ["1,000 images, no decay", "1,000 images, lambda 0.1"];
const ALL: [&str; 2] = ["all images, no decay", "all images, lambda 5"];

const ACCURACY_GAP: Quantity = Quantity {
    axis: Axis::Plain,
    name: "Gap, points",
    of: GAP,
};

fn trainings(scale: Scale) -> Vec<(String, Training)> {
    let few = overfitted(scale);
    let all = Training {
        initialization: LARGE,
        ..Training::book(scale, scale.images(50_000), scale.either(20, 10))
    };
    let names = FEW.into_iter().chain(ALL).map(str::to_owned);
    // A fifth of the images with a fifth of lambda has the same decay.
    let lambda = 5.0 * all.images as f64 / 50_000.0;
    names
        .zip([few.clone(), few.l2(0.1), all.clone(), all.l2(lambda)])
        .collect()
}

fn checks(results: &Results) -> Vec<Check> {
    let mut checks = Vec::new();
    for ([without, with], what) in [(FEW, "1,000 images"), (ALL, "All images")] {
        let (without, with) = (results.run(without), results.run(with));
        checks.push(Check::above(
            &format!("{what}: accuracy at the end: higher with decay"),
            &with.last(ACCURACY),
            &without.last(ACCURACY),
            PERCENT,
        ));
        checks.push(Check::above(
            &format!("{what}: gap at the end: higher without decay"),
            &without.last(GAP),
            &with.last(GAP),
            POINTS,
        ));
    }
    checks
}

fn draw(results: &Results) -> Result<Vec<Picture>> {
    Ok(vec![
        over(results, &FEW, EPOCH, VALIDATION_ACCURACY)?,
        over(results, &FEW, EPOCH, ACCURACY_GAP)?,
        over(results, &ALL, EPOCH, VALIDATION_ACCURACY)?,
        over(results, &ALL, EPOCH, ACCURACY_GAP)?,
    ])
}
