//! Sigmoid and `ReLU` units, one to five layers of them.

use anyhow::Result;
use thumbnet::{Activation, BiasInit, Initialization, WeightInit};

use crate::chapter3::Figure;
use crate::chapter3::check::{Check, PERCENT, Unit};
use crate::chapter3::draw::{Picture, across, picture, through};
use crate::chapter3::results::{ACCURACY, Results, Run, Scale};
use crate::chapter3::training::{Course, Training};
use crate::pictures::Axis;

pub(super) static FIGURE: Figure = Figure {
    name: "depth",
    title: "Depth: sigmoid and ReLU",
    claim: "In deep sigmoid networks the first layers hardly learn; ReLU networks have no such \
            trouble.",
    about: "Nielsen, \"Other models of artificial neuron\", and chapter 5 for vanishing gradients. \
            One to five hidden layers of 30 units, cross-entropy, mini-batches of 10; sigmoid \
            units at learning rate 0.5 from weights of 1 / sqrt(fan_in), ReLU units at 0.05 from \
            weights of sqrt(2 / fan_in). On the left, the length of the cost's gradient in each \
            hidden layer of five, before training, on 1,000 images.",
    quick: true,
    trainings,
    checks: |results| Ok(checks(results)),
    draw,
    otherwise: Some(
        "The gradients vanish as claimed, and ReLU units are ahead with every seed, by 4 points at \
         least. But of five sigmoid networks one has not begun to learn after four epochs (9.7 %), one is \
         half way (65 %) and three are near 90 %: differences so unequal have a standard error too \
         large for the mean to be called clear, whatever their sign.",
    ),
};

const DEEPEST: usize = 5;
const KINDS: [Activation; 2] = [Activation::Sigmoid, Activation::Relu];

fn name(kind: Activation, depth: usize) -> String {
    format!("{kind}, {depth} hidden")
}

fn trainings(scale: Scale) -> Vec<(String, Training)> {
    let of = |kind, depth| {
        let (weights, learning_rate) = match kind {
            Activation::Relu => (WeightInit::He, 0.05),
            _ => (WeightInit::FanIn, 0.5),
        };
        let training = Training {
            hidden: vec![30; depth],
            activation: kind,
            initialization: Initialization {
                weights,
                biases: BiasInit::Zero,
            },
            learning_rate,
            closely: true,
            ..Training::book(scale, scale.images(50_000), scale.either(4, 6))
        };
        (name(kind, depth), training)
    };
    let every = KINDS.map(|kind| (1..=DEEPEST).map(move |depth| of(kind, depth)));
    every.into_iter().flatten().collect()
}

/// The first hidden layer's gradient by the last hidden layer's.
fn reaching(course: &Course) -> f64 {
    let norms = &course.gradient_norms;
    norms[0] / norms[norms.len() - 2]
}

/// What depth costs: accuracy of one hidden layer less that of five, in points.
fn loss(shallow: &Run, deep: &Run) -> Vec<f64> {
    let pairs = shallow.last(ACCURACY).into_iter().zip(deep.last(ACCURACY));
    pairs.map(|(shallow, deep)| shallow - deep).collect()
}

fn checks(results: &Results) -> Vec<Check> {
    let run = |kind, depth| results.run(&name(kind, depth));
    let [sigmoid, relu] = KINDS.map(|kind| run(kind, DEEPEST));
    vec![
        Check::at_most(
            "Five sigmoid layers: gradient of the first by that of the last",
            &sigmoid.each(reaching),
            0.1,
            Unit("", 3),
        ),
        Check::at_least(
            "Five ReLU layers: gradient of the first by that of the last",
            &relu.each(reaching),
            0.5,
            Unit("", 3),
        ),
        Check::above(
            "Accuracy of five layers: higher with ReLU",
            &relu.last(ACCURACY),
            &sigmoid.last(ACCURACY),
            PERCENT,
        ),
        Check::above(
            "What five layers lose against one, in points: higher with sigmoid units",
            &loss(run(Activation::Sigmoid, 1), sigmoid),
            &loss(run(Activation::Relu, 1), relu),
            Unit("", 2),
        ),
    ]
}

fn draw(results: &Results) -> Result<Vec<Picture>> {
    let label = ["sigmoid", "ReLU"];
    let norms = KINDS.iter().enumerate().map(|(look, kind)| {
        let run = results.run(&name(*kind, DEEPEST));
        let layer = |layer: usize| run.each(|course| course.gradient_norms[layer]);
        through(
            label[look],
            look,
            (0..DEEPEST).map(|at| ((at + 1) as f64, layer(at))),
        )
    });
    let accuracies = KINDS.iter().enumerate().map(|(look, kind)| {
        let runs: Vec<_> = (1..=DEEPEST)
            .map(|depth| (depth as f64, name(*kind, depth)))
            .collect();
        let runs = runs.iter().map(|(depth, name)| (*depth, results.run(name)));
        across(label[look], look, runs, ACCURACY)
    });
    Ok(vec![
        picture(
            (Axis::Counts, "hidden layer"),
            (Axis::Magnitudes, "Gradient"),
            norms.collect(),
        )?,
        picture(
            (Axis::Counts, "hidden layers"),
            (Axis::Percent, "Accuracy, validation"),
            accuracies.collect(),
        )?,
    ])
}
