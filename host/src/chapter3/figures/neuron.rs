//! One neuron that is to answer 0 to 1: how long a bad beginning lasts with either cost.

use anyhow::Result;
use thumbnet::{Activation, Cost, DropoutRates, Initialization, WeightDecay};

use crate::chapter3::check::{Check, TIMES};
use crate::chapter3::draw::{Picture, picture};
use crate::chapter3::{Figure, results::Results};
use crate::data::Samples;
use crate::model::{Model, parse_architecture};
use crate::pictures::{Axis, Curve};
use crate::training::{
    Engine, EngineState, Hyperparameters, Instructions, OptimizerChoice, Progress, SparseImages,
};

pub(super) static FIGURE: Figure = Figure {
    name: "neuron",
    title: "Learning slowdown: one neuron",
    claim: "A neuron that is badly wrong learns slowly with the quadratic cost, at once with \
            cross-entropy.",
    about: "Nielsen, \"The cross-entropy cost function\". One sigmoid neuron is to answer 0 to the \
            input 1. It begins at weight 0.6 and bias 0.9 (output 0.82), or at 2 and 2 (output \
            0.98); 300 steps, learning rate 0.15 with the quadratic cost and 0.005 with \
            cross-entropy. Learning slowly at first shows as a first step that lowers the cost far \
            less than a later one. Nothing here is random, so there are no bands.",
    quick: true,
    trainings: |_| Vec::new(),
    checks: |_: &Results| Ok(checks(&curves()?)),
    draw: |_: &Results| draw(&curves()?),
    otherwise: None,
};

const STEPS: usize = 300;
/// Weight and bias, and what to call them.
const STARTS: [([f32; 2], &str); 2] = [
    ([0.6, 0.9], "w = 0.6, b = 0.9"),
    ([2.0, 2.0], "w = 2, b = 2"),
];
const COSTS: [(Cost, f32); 2] = [(Cost::Quadratic, 0.15), (Cost::CrossEntropy, 0.005)];

/// `[cost][start]`: the cost before each step.
type Costs = [[Vec<f64>; 2]; 2];

fn curves() -> Result<Costs> {
    let of = |(cost, rate), (start, _)| train(cost, rate, start);
    let [quadratic, cross_entropy] = COSTS;
    let [near, far] = STARTS;
    Ok([
        [of(quadratic, near)?, of(quadratic, far)?],
        [of(cross_entropy, near)?, of(cross_entropy, far)?],
    ])
}

/// The first of two outputs, of a sample that belongs to the second, is to be 0. The second begins
/// where it is to be: at a weighted input of 100 it answers 1 and costs nothing.
fn train(cost: Cost, learning_rate: f32, [weight, bias]: [f32; 2]) -> Result<Vec<f64>> {
    let shape = parse_architecture("1-2", Activation::Sigmoid, Activation::Sigmoid)?;
    let mut model = Model::fresh(shape, cost, Initialization::default(), 1);
    model.parameters = vec![weight, 100.0, bias, 0.0];
    let sample = Samples {
        width: 1,
        height: 1,
        images: vec![255],
        labels: vec![1],
    };
    let images = SparseImages::new(&sample, 1)?;
    let hyperparameters = Hyperparameters {
        cost,
        batch_size: 1,
        drop_last: false,
        optimizer: OptimizerChoice::Sgd,
        weight_decay: WeightDecay::None,
        clip_norm: None,
        dropout: DropoutRates::NONE,
        input_scale: 1.0,
    };
    let state = EngineState::new(&model, &hyperparameters, 1, false);
    let mut engine = Engine::new(shape, hyperparameters, state, 1, Instructions::detect());
    let mut step = || engine.epoch(&images, &|_| learning_rate, &Progress::default());
    Ok((0..STEPS).map(|_| step().cost).collect())
}

/// The largest fall of the cost in a step, in terms of the first step's.
fn slowdown(costs: &[f64]) -> f64 {
    let falls: Vec<f64> = costs.windows(2).map(|pair| pair[0] - pair[1]).collect();
    let largest = falls.iter().copied().fold(f64::NAN, f64::max);
    largest / falls.first().copied().unwrap_or(f64::NAN)
}

fn checks(costs: &Costs) -> Vec<Check> {
    let [quadratic, cross_entropy] = costs;
    let largest = cross_entropy
        .iter()
        .map(|costs| slowdown(costs))
        .collect::<Vec<_>>();
    vec![
        Check::at_least(
            "Quadratic cost from w = 2, b = 2: its steepest step, by its first",
            &[slowdown(&quadratic[1])],
            5.0,
            TIMES,
        ),
        Check::at_most(
            "Cross-entropy from either start: its steepest step, by its first",
            &largest,
            1.5,
            TIMES,
        ),
    ]
}

fn draw(costs: &Costs) -> Result<Vec<Picture>> {
    let names = ["Quadratic cost", "Cross-entropy"];
    let of = |(name, costs): (&'static str, &[Vec<f64>; 2])| {
        let curves = costs.iter().zip(STARTS).enumerate();
        let curves = curves.map(|(look, (costs, (_, start)))| Curve {
            name: start.to_owned(),
            points: (0..).map(f64::from).zip(costs.iter().copied()).collect(),
            look,
            ..Curve::default()
        });
        picture(
            (Axis::Counts, "step"),
            (Axis::Plain, name),
            curves.collect(),
        )
    };
    names.into_iter().zip(costs).map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chapter3::check::Verdict;

    #[test]
    fn a_flat_beginning_is_a_slowdown() {
        let steady: Vec<f64> = (0..300)
            .map(|step| (-0.02 * f64::from(step)).exp())
            .collect();
        let late: Vec<f64> = (0..300)
            .map(|step| 1.0 / (1.0 + (0.1 * f64::from(step) - 10.0).exp()))
            .collect();
        assert!((slowdown(&steady) - 1.0).abs() < 1e-9);
        assert!(slowdown(&late) > 100.0);
        let judged = |quadratic: &Vec<f64>, cross_entropy: &Vec<f64>| {
            let pair = |costs: &Vec<f64>| [steady.clone(), costs.clone()];
            Verdict::of(&checks(&[pair(quadratic), pair(cross_entropy)]), true)
        };
        assert_eq!(judged(&late, &steady), Verdict::Holds);
        assert_eq!(judged(&steady, &steady), Verdict::DoesNotHold);
        assert_eq!(judged(&late, &late), Verdict::DoesNotHold);
    }

    /// The formulas of the chapter, step by step in f64: `w` and `b` fall by
    /// `eta a^2 (1 - a)` with the quadratic cost and by `eta a` with cross-entropy.
    #[test]
    fn the_neuron_is_the_books() {
        for (costs, (cost, rate)) in curves().unwrap().iter().zip(COSTS) {
            for (costs, ([weight, bias], _)) in costs.iter().zip(STARTS) {
                let mut z = f64::from(weight) + f64::from(bias);
                for (step, found) in costs.iter().enumerate() {
                    let a = 1.0 / (1.0 + (-z).exp());
                    let (expected, slope) = match cost {
                        Cost::Quadratic => (a * a / 2.0, a * a * (1.0 - a)),
                        _ => (-(1.0 - a).ln(), a),
                    };
                    let off = (found - expected).abs();
                    assert!(
                        off < 1e-4 * expected,
                        "{cost}, step {step}: {found}, {expected}"
                    );
                    z -= 2.0 * f64::from(rate) * slope;
                }
            }
        }
    }
}
