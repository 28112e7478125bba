//! What optimisers, clipping and truncation make of gradients, against their formulas in f64 with
//! gradients by central differences: three steps of each.
//!
//! A gradient is off by less than 1.5e-5, as `gradients.rs` derives. In three steps the errors of
//! three gradients add up, with momentum the first of them with the weight `1 + mu + mu^2` < 3: the
//! bound is 6 times the error, times the most that a step multiplies it by, which is `eta`, or
//! `eta / epsilon` where the step is divided by `sqrt(s) + epsilon`.

mod support;

use support::parameters;
use support::reference::{Dropped, INPUTS, case};
use thumbnet::cost::{CostFunction, TrainsWith};
use thumbnet::input::Width;
use thumbnet::optimizer::Optimizer;
use thumbnet::prelude::*;

const TOLERANCE: f64 = 6.0 * 1.5e-5;
const ETA: f32 = 0.25;
const MU: f32 = 0.75;
const EPSILON: f32 = 0.25;
const RMSPROP: RmsProp = RmsProp {
    decay: 0.5,
    epsilon: EPSILON,
};
const ADAM: Adam = Adam::new(0.75, 0.5, EPSILON);

type Shallow = mlp![6 => 4 Sigmoid => 3 Sigmoid];
type Deep = mlp![6 => 5 Tanh => 4 Sigmoid => 3 Softmax];

/// The parameters and what an optimiser keeps for them.
struct Formula {
    /// Steps so far.
    number: i32,
    w: Vec<f64>,
    v: Vec<f64>,
    s: Vec<f64>,
}

/// One step: the parameters from their gradient at any place.
type Rule = fn(&mut Formula, &dyn Fn(&[f64]) -> Vec<f64>);

fn momentum(formula: &mut Formula, gradient: &dyn Fn(&[f64]) -> Vec<f64>) {
    let gradient = gradient(&formula.w);
    for ((w, v), g) in formula.w.iter_mut().zip(&mut formula.v).zip(gradient) {
        *v = f64::from(MU) * *v - f64::from(ETA) * g;
        *w += *v;
    }
}

fn nesterov(formula: &mut Formula, gradient: &dyn Fn(&[f64]) -> Vec<f64>) {
    let ahead = formula.w.iter().zip(&formula.v);
    let ahead: Vec<f64> = ahead.map(|(w, v)| w + f64::from(MU) * v).collect();
    let gradient = gradient(&ahead);
    for ((w, v), g) in formula.w.iter_mut().zip(&mut formula.v).zip(gradient) {
        *v = f64::from(MU) * *v - f64::from(ETA) * g;
        *w += *v;
    }
}

fn rmsprop(formula: &mut Formula, gradient: &dyn Fn(&[f64]) -> Vec<f64>) {
    let rho = f64::from(RMSPROP.decay);
    let gradient = gradient(&formula.w);
    for ((w, s), g) in formula.w.iter_mut().zip(&mut formula.s).zip(gradient) {
        *s = rho * *s + (1.0 - rho) * g * g;
        *w -= f64::from(ETA) * g / (s.sqrt() + f64::from(EPSILON));
    }
}

fn adam(formula: &mut Formula, gradient: &dyn Fn(&[f64]) -> Vec<f64>) {
    let (beta1, beta2) = (f64::from(ADAM.beta1), f64::from(ADAM.beta2));
    let gradient = gradient(&formula.w);
    let kept = formula.v.iter_mut().zip(&mut formula.s);
    for ((w, (m, s)), g) in formula.w.iter_mut().zip(kept).zip(gradient) {
        *m = beta1 * *m + (1.0 - beta1) * g;
        *s = beta2 * *s + (1.0 - beta2) * g * g;
        let m = *m / (1.0 - beta1.powi(formula.number));
        let s = *s / (1.0 - beta2.powi(formula.number));
        *w -= f64::from(ETA) * m / (s.sqrt() + f64::from(EPSILON));
    }
}

/// Three steps on the same mini-batch.
fn check<N, O, C, const BATCH: usize>(
    config: TrainConfig<O, C>,
    samples: usize,
    rule: Rule,
    tolerance: f64,
) where
    N: Network<Inputs = Width<INPUTS>>,
    O: Optimizer,
    C: CostFunction,
    N::Output: TrainsWith<C>,
{
    for decay in [WeightDecay::None, WeightDecay::L2(0.125)] {
        for dropped in [Dropped::None, Dropped::OfMiniBatch, Dropped::OfSample] {
            let (mut network, reference, w) = case::<N>(C::COST, samples, decay, dropped);
            let mut state = TrainState::<N, O, BATCH>::ZEROED;
            let mut formula = Formula {
                number: 0,
                v: vec![0.0; w.len()],
                s: vec![0.0; w.len()],
                w,
            };
            for step in 1..=3 {
                reference.train(config, &mut network, &mut state);
                formula.number = step;
                rule(&mut formula, &|w| reference.gradient(w));
                let found = parameters(&network).into_iter();
                for (index, (found, expected)) in found.zip(&formula.w).enumerate() {
                    assert!(
                        (f64::from(found) - expected).abs() < tolerance,
                        "{:?}, {decay:?}, {dropped:?}, step {step}: parameter {index} is {found}, \
                         should be {expected}",
                        N::ARCHITECTURE
                    );
                }
            }
        }
    }
}

/// Mini-batches of one and of four samples, and if they may come in portions 2 + 2, 3 + 1 and
/// 1 + 1 + 1 + 1 of them.
fn check_sizes<O: Optimizer>(config: TrainConfig<O>, rule: Rule, tolerance: f64) {
    let deep = config.with_cost(SoftmaxCrossEntropy);
    check::<Shallow, _, _, 1>(config, 1, rule, tolerance);
    check::<Shallow, _, _, 4>(config, 4, rule, tolerance);
    check::<Deep, _, _, 4>(deep, 4, rule, tolerance);
    if O::STREAMS {
        check::<Deep, _, _, 2>(deep, 4, rule, tolerance);
        check::<Deep, _, _, 3>(deep, 4, rule, tolerance);
        check::<Deep, _, _, 1>(deep, 4, rule, tolerance);
    }
}

const CONFIG: TrainConfig = TrainConfig::new(ETA);
const BY_ETA: f64 = TOLERANCE * ETA as f64;
const BY_ETA_OVER_EPSILON: f64 = TOLERANCE * (ETA / EPSILON) as f64;

#[test]
fn momentum_is_the_recurrence_of_the_notes() {
    check_sizes(CONFIG.with_momentum(MU), momentum, BY_ETA);
}

#[test]
fn nesterov_is_the_recurrence_of_the_notes() {
    check_sizes(CONFIG.with_nesterov(MU), nesterov, BY_ETA);
}

#[test]
fn rmsprop_is_its_recurrence() {
    check_sizes(CONFIG.with_optimizer(RMSPROP), rmsprop, BY_ETA_OVER_EPSILON);
}

#[test]
fn adam_is_its_recurrence() {
    check_sizes(CONFIG.with_optimizer(ADAM), adam, BY_ETA_OVER_EPSILON);
}

/// With a norm below the gradient's and with one above: `w - eta (g min(1, c / |g|) + r w)`, `g`
/// being the gradient without decay.
#[test]
fn clipping_shortens_the_gradient_before_decay() {
    const RATE: f32 = 0.125;
    let decay = WeightDecay::L2(RATE);
    let cost = SoftmaxCrossEntropy::COST;
    for clips in [true, false] {
        let (mut network, reference, start) = case::<Deep>(cost, 4, decay, Dropped::OfSample);
        let mut without_decay = reference.clone();
        without_decay.decay = WeightDecay::None;
        let gradient = without_decay.gradient(&start);
        let length = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
        let norm = (if clips { 0.5 } else { 1.5 } * length) as f32;
        let config = CONFIG.with_cost(SoftmaxCrossEntropy).with_clipping(norm);
        let mut state = TrainState::<Deep, _, 4>::ZEROED;
        reference.train(config, &mut network, &mut state);
        let factor = if clips { f64::from(norm) / length } else { 1.0 };
        let is_weight = reference.is_weight();
        let found = parameters(&network).into_iter();
        for (index, ((found, w), g)) in found.zip(&start).zip(gradient).enumerate() {
            let decay = if is_weight[index] {
                f64::from(RATE) * w
            } else {
                0.0
            };
            let expected = w - f64::from(ETA) * (factor * g + decay);
            assert!(
                (f64::from(found) - expected).abs() < BY_ETA,
                "{clips}, {index}"
            );
        }
    }
}

/// `w <- sgn(w) max(0, |w| - eta r)` of weights after the step, exactly zero where they are below.
#[test]
fn truncated_l1_is_a_step_and_then_a_shrinkage() {
    const RATE: f32 = 0.5;
    let decay = WeightDecay::TruncatedL1(RATE);
    let (mut network, reference, start) =
        case::<Shallow>(CrossEntropy::COST, 4, decay, Dropped::None);
    let mut state = TrainState::<Shallow, Sgd, 4>::ZEROED;
    reference.train(CONFIG, &mut network, &mut state);
    let gradient = reference.gradient(&start);
    let mut zeros = 0;
    let found = parameters(&network).into_iter();
    for (index, ((found, w), g)) in found.zip(&start).zip(gradient).enumerate() {
        let moved = w - f64::from(ETA) * g;
        let expected = if reference.is_weight()[index] {
            moved.signum() * (moved.abs() - f64::from(ETA * RATE)).max(0.0)
        } else {
            moved
        };
        if expected == 0.0 {
            assert_eq!(found, 0.0, "weight {index}");
            zeros += 1;
        }
        assert!((f64::from(found) - expected).abs() < BY_ETA, "{index}");
    }
    assert!(zeros > 3, "{zeros} weights are zero");
}
