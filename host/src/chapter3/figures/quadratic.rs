//! The quadratic cost against cross-entropy on MNIST.

use thumbnet::{BiasInit, Cost, Initialization, WeightInit};

use crate::chapter3::check::{Check, PERCENT};
use crate::chapter3::draw::{COST_TRAINING, EPOCH, VALIDATION_ACCURACY, over};
use crate::chapter3::results::{ACCURACY, Results, Scale};
use crate::chapter3::training::Training;
use crate::chapter3::{Figure, draw::Picture};

pub(super) static FIGURE: Figure = Figure {
    name: "quadratic",
    title: "Learning slowdown: handwritten digits",
    claim: "Sigmoid outputs learn digits faster with cross-entropy, and read more of them right.",
    about: "Nielsen, \"Using the cross-entropy to classify MNIST digits\". 30 hidden units and \
            large initial weights as in the book, mini-batches of 10; learning rate 3 with the \
            quadratic cost (the book's of chapter 1) and 0.5 with cross-entropy.",
    quick: false,
    trainings,
    checks: |results| Ok(checks(results)),
    draw,
    otherwise: Some(
        "Cross-entropy is far ahead after the first epoch with every seed: that part of the claim \
         holds. At the end the two costs are level but for one seed of five, with which the \
         quadratic cost never gets one of the digits: an output that begins badly saturated stays \
         there, which is the slowdown itself. That single seed makes the mean difference large, \
         and too uncertain to be called clear; the book's own difference, 95.42 % against 95.49 %, \
         is as small as that of the other seeds.",
    ),
};

const QUADRATIC: &str = "quadratic cost";
const CROSS_ENTROPY: &str = "cross-entropy";

/// The book's old way: standard deviation 1 for weights and biases.
pub(super) const LARGE: Initialization = Initialization {
    weights: WeightInit::Unit,
    biases: BiasInit::Normal,
};

fn trainings(scale: Scale) -> Vec<(String, Training)> {
    let book = Training {
        initialization: LARGE,
        ..Training::book(scale, scale.images(50_000), 10)
    };
    let quadratic = Training {
        cost: Cost::Quadratic,
        learning_rate: 3.0,
        ..book.clone()
    };
    vec![
        (QUADRATIC.to_owned(), quadratic),
        (CROSS_ENTROPY.to_owned(), book),
    ]
}

fn checks(results: &Results) -> Vec<Check> {
    let (quadratic, cross_entropy) = (results.run(QUADRATIC), results.run(CROSS_ENTROPY));
    vec![
        Check::above(
            "Accuracy after the first epoch: higher with cross-entropy",
            &cross_entropy.first(ACCURACY),
            &quadratic.first(ACCURACY),
            PERCENT,
        ),
        Check::above(
            "Accuracy after the last epoch: higher with cross-entropy",
            &cross_entropy.last(ACCURACY),
            &quadratic.last(ACCURACY),
            PERCENT,
        ),
    ]
}

fn draw(results: &Results) -> anyhow::Result<Vec<Picture>> {
    let names = [QUADRATIC, CROSS_ENTROPY];
    Ok(vec![
        over(results, &names, EPOCH, VALIDATION_ACCURACY)?,
        over(results, &names, EPOCH, COST_TRAINING)?,
    ])
}
