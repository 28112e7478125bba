//! What `PyTorch` computes, in f64, for small networks with the same parameters and samples: the file
//! is `data/pytorch.json`, written by `tests/pytorch_vectors.py` of this repository, which also says
//! what its fields mean and which versions made it.
//!
//! # Tolerances
//!
//! The file's inputs, parameters and hyper-parameters are exact in f32, so all that separates the
//! two is our own rounding, u = 2^-24 = 6.0e-8 relative at a time. Errors are relative to the
//! largest magnitude of the list that a number is in, because a sum that nearly cancels keeps the
//! absolute error of its terms.
//!
//! | quantity | tolerance | why | largest seen |
//! |---|---|---|---|
//! | `exp` | 1.3e-7 | 1.05 units in the last place, each at most 2u | 6.8e-8 |
//! | sigmoid | 3.6e-7 | 6u: `exp` 2u, `1 + e`, the quotient, each twice at most | 8.6e-8 |
//! | tanh | 1.6e-7 | 1.34 units in the last place, each at most 2u | 4.9e-8 |
//! | schedules | 4.0e-7 | a cosine of an angle below 4 that is rounded twice, and 3 roundings more | 9.5e-8 |
//! | scores | 2e-6 | up to 3 sums of at most 7 terms and 3 activations: 30u | 1.7e-7 |
//! | costs | 2e-6 | the same, and a sum over samples | 1.5e-7 |
//! | first gradient | 4e-6 | the same, and 2 sums back: 60u | 1.6e-6 |
//! | parameters | 5e-7 a step | a gradient's error times a learning rate of 1/4, and 5 roundings of the parameter itself a step: 8u; steps add up | 1.2e-7 a step |

mod support;

use serde_json::Value;
use support::{Given, hidden_units, parameters, set_parameters};
use thumbnet::activation::sigmoid;
use thumbnet::cost::{CostFunction, TrainsWith};
use thumbnet::input::Width;
use thumbnet::kernel;
use thumbnet::optimizer::Optimizer;
use thumbnet::prelude::*;
use thumbnet::{LayerShape, Patience, Plateau, Rule, Schedule};

const EXP: f64 = 1.3e-7;
const SIGMOID: f64 = 3.6e-7;
const TANH: f64 = 1.6e-7;
const SCHEDULES: f64 = 4.0e-7;
const SCORES: f64 = 2.0e-6;
const COSTS: f64 = 2.0e-6;
const GRADIENT: f64 = 4.0e-6;
const PARAMETERS_PER_STEP: f64 = 5.0e-7;

/// Samples in the file's largest mini-batch.
const BATCH: usize = 4;

fn file() -> Value {
    serde_json::from_str(include_str!("data/pytorch.json")).expect("the file is JSON")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

/// All numbers of a list, or of a list of lists.
fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        _ => vec![number(value)],
    }
}

/// The largest error of a list, relative to its largest magnitude, against its tolerance.
fn compare(what: &str, found: &[f64], expected: &[f64], tolerance: f64) -> f64 {
    assert_eq!(found.len(), expected.len(), "{what}");
    let magnitude = expected.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
    assert!(magnitude > 0.0, "{what} is all zero");
    let mut largest: f64 = 0.0;
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        let error = (found - expected).abs() / magnitude;
        assert!(
            error <= tolerance,
            "{what}, {index}: {found}, PyTorch has {expected}: {error:.1e}"
        );
        largest = largest.max(error);
    }
    largest
}

/// The largest error of each quantity, to fill the table from.
#[derive(Debug, Default)]
struct Largest {
    scores: f64,
    costs: f64,
    gradient: f64,
    parameters_per_step: f64,
}

/// One mini-batch of a case, with the units of that step dropped.
fn train<N, O, C, const INPUTS: usize>(
    config: TrainConfig<O, C>,
    network: &mut N,
    state: &mut TrainState<N, O, BATCH>,
    case: &Value,
    step: usize,
) -> f64
where
    N: Network<Inputs = Width<INPUTS>>,
    O: Optimizer,
    C: CostFunction,
    N::Output: TrainsWith<C>,
{
    let samples = &case["steps"][step];
    let inputs: Vec<[f32; INPUTS]> = list(&samples["inputs"])
        .iter()
        .map(|input| {
            let input: Vec<f32> = numbers(input).into_iter().map(|x| x as f32).collect();
            input.try_into().expect("as many inputs as the first layer")
        })
        .collect();
    let labels: Vec<u8> = numbers(&samples["labels"])
        .into_iter()
        .map(|l| l as u8)
        .collect();
    // Masks that drop nothing are no dropout to the bit: `equivalences.rs` compares the two.
    let hidden: usize = N::ARCHITECTURE.layers().iter().map(|l| l.fan_out).sum();
    let hidden = hidden - N::ARCHITECTURE.classes();
    let (rate, dropped) = match &case["dropout"] {
        Value::Null => (0.0, vec![false; hidden]),
        dropout => {
            let keep = list(&dropout["keep"][step]).iter().flat_map(list);
            let dropped = keep.map(|keep| !keep.as_bool().expect("a bool")).collect();
            (number(&dropout["rate"]) as f32, dropped)
        }
    };
    let given = Given {
        rates: [0.0, rate, rate],
        drops: hidden_units::<N>(&dropped),
    };
    let cost = Trainer::new(config, network, state)
        .expect("valid")
        .with_masks(given)
        .batch(&inputs, &labels);
    f64::from(cost.expect("a valid batch"))
}

fn check<N, O, C, const INPUTS: usize>(
    config: impl Fn(f32) -> TrainConfig<O, C>,
    case: &Value,
    largest: &mut Largest,
) where
    N: Network<Inputs = Width<INPUTS>> + Clone,
    O: Optimizer,
    C: CostFunction,
    N::Output: TrainsWith<C>,
{
    let name = case["name"].as_str().expect("a name");
    let mut start = N::ZEROED;
    let initial: Vec<f32> = numbers(&case["initial"])
        .into_iter()
        .map(|p| p as f32)
        .collect();
    set_parameters(&mut start, &initial);
    let f64_parameters =
        |network: &N| -> Vec<f64> { parameters(network).into_iter().map(f64::from).collect() };
    let as_read: Vec<f64> = initial.iter().map(|&p| f64::from(p)).collect();
    compare(name, &as_read, &numbers(&case["initial"]), 1.0e-8);

    let mut scores = Vec::new();
    for input in list(&case["steps"][0]["inputs"]) {
        let input: Vec<f32> = numbers(input).into_iter().map(|x| x as f32).collect();
        let input: [f32; INPUTS] = input.try_into().expect("as many inputs");
        let found = start.predict(&input).scores;
        scores.extend(found.as_ref().iter().map(|&a| f64::from(a)));
    }
    let what = format!("{name}: scores");
    let error = compare(&what, &scores, &numbers(&case["scores"]), SCORES);
    largest.scores = largest.scores.max(error);

    // With a learning rate of 2^20 the step is all gradient: a weight near 1 is lost in its
    // rounding, and 2^20 itself rounds nothing.
    const LARGE: f32 = 1_048_576.0;
    let mut network = start.clone();
    let mut state = TrainState::ZEROED;
    train(config(LARGE), &mut network, &mut state, case, 0);
    let moved = f64_parameters(&start)
        .into_iter()
        .zip(f64_parameters(&network));
    let gradient: Vec<f64> = moved
        .map(|(w, after)| (w - after) / f64::from(LARGE))
        .collect();
    let what = format!("{name}: gradient");
    let error = compare(&what, &gradient, &numbers(&case["gradient"]), GRADIENT);
    largest.gradient = largest.gradient.max(error);

    let config = config(number(&case["learning_rate"]) as f32)
        .with_weight_decay(WeightDecay::L2(number(&case["l2"]) as f32));
    let mut network = start;
    let mut state = TrainState::ZEROED;
    let mut costs = Vec::new();
    for (step, expected) in list(&case["after"]).iter().enumerate() {
        costs.push(train(config, &mut network, &mut state, case, step));
        let found: Vec<f64> = parameters(&network).into_iter().map(f64::from).collect();
        let what = format!("{name}: parameters after step {}", step + 1);
        let steps = (step + 1) as f64;
        let tolerance = PARAMETERS_PER_STEP * steps;
        let error = compare(&what, &found, &numbers(expected), tolerance);
        largest.parameters_per_step = largest.parameters_per_step.max(error / steps);
    }
    let what = format!("{name}: costs");
    let error = compare(&what, &costs, &numbers(&case["costs"]), COSTS);
    largest.costs = largest.costs.max(error);
}

/// Whether a case of the file is of this network, with this cost, with or without momentum.
fn is<N: Network>(cost: &str, momentum: bool, case: &Value) -> bool {
    let layers = list(&case["layers"]);
    let same = |layer: &Value, shape: &LayerShape| {
        layer["fan_in"] == shape.fan_in
            && layer["fan_out"] == shape.fan_out
            && layer["activation"] == shape.activation.name()
    };
    let shapes = N::ARCHITECTURE;
    case["cost"] == cost
        && (number(&case["momentum"]) != 0.0) == momentum
        && layers.len() == shapes.layers().len()
        && layers.iter().zip(shapes.layers()).all(|(l, s)| same(l, s))
}

/// A network, a cost, an optimiser: `check_arm` if the case is of these.
macro_rules! arm {
    (($inputs:literal => $($rest:tt)+), $cost:ident, $optimizer:ident, $case:ident, $largest:ident) => {{
        type N = mlp![$inputs => $($rest)+];
        let momentum = stringify!($optimizer) == "Momentum";
        let is_of_this_arm = is::<N>(<$cost as CostFunction>::COST.name(), momentum, $case);
        if is_of_this_arm {
            let new = |learning_rate| TrainConfig::new(learning_rate).with_cost($cost);
            let config = config!($optimizer, new, number(&$case["momentum"]) as f32);
            check::<N, _, _, $inputs>(config, $case, &mut $largest);
        }
        is_of_this_arm
    }};
}

macro_rules! config {
    (Sgd, $new:ident, $momentum:expr) => {
        $new
    };
    (Momentum, $new:ident, $momentum:expr) => {
        |learning_rate| $new(learning_rate).with_momentum($momentum)
    };
}

/// Checks each case of the file by the one arm that it is of, and asserts that each arm had a case.
macro_rules! check_cases {
    ($($network:tt $cost:ident $optimizer:ident;)+) => {{
        let file = file();
        let mut largest = Largest::default();
        let arms = [$(stringify!($network $cost $optimizer)),+];
        let mut cases_of_arm = [0; 0 $(+ { stringify!($network); 1 })+];
        for case in list(&file["cases"]) {
            let fits = [$(arm!($network, $cost, $optimizer, case, largest)),+];
            let fitting = fits.iter().filter(|&&fits| fits).count();
            assert_eq!(fitting, 1, "arms for {}", case["name"]);
            for (cases, fits) in cases_of_arm.iter_mut().zip(fits) {
                *cases += usize::from(fits);
            }
        }
        for (arm, cases) in arms.iter().zip(cases_of_arm) {
            assert!(cases > 0, "no case for {arm}");
        }
        println!("{} cases, {largest:?}", list(&file["cases"]).len());
    }};
}

#[test]
fn training_agrees_with_pytorch() {
    check_cases! {
        (6 => 5 Sigmoid => 3 Sigmoid) CrossEntropy Sgd;
        (5 => 4 Sigmoid => 4 Sigmoid => 3 Sigmoid) CrossEntropy Sgd;
        (6 => 5 Sigmoid => 3 Sigmoid) Quadratic Sgd;
        (5 => 4 Sigmoid => 4 Sigmoid => 3 Sigmoid) Quadratic Momentum;
        (6 => 5 Sigmoid => 3 Tanh) Quadratic Sgd;
        (5 => 4 Sigmoid => 4 Sigmoid => 3 Tanh) Quadratic Momentum;
        (6 => 5 Sigmoid => 3 Relu) Quadratic Sgd;
        (5 => 4 Sigmoid => 4 Sigmoid => 3 Relu) Quadratic Sgd;
        (6 => 5 Sigmoid => 3 Identity) Quadratic Sgd;
        (5 => 4 Sigmoid => 4 Sigmoid => 3 Identity) Quadratic Sgd;
        (6 => 5 Sigmoid => 3 Softmax) SoftmaxCrossEntropy Sgd;
        (5 => 4 Sigmoid => 4 Sigmoid => 3 Softmax) SoftmaxCrossEntropy Momentum;
        (6 => 5 Tanh => 3 Sigmoid) CrossEntropy Sgd;
        (5 => 4 Tanh => 4 Tanh => 3 Sigmoid) CrossEntropy Momentum;
        (6 => 5 Tanh => 3 Sigmoid) Quadratic Sgd;
        (5 => 4 Tanh => 4 Tanh => 3 Sigmoid) Quadratic Sgd;
        (6 => 5 Tanh => 3 Tanh) Quadratic Sgd;
        (5 => 4 Tanh => 4 Tanh => 3 Tanh) Quadratic Sgd;
        (6 => 5 Tanh => 3 Relu) Quadratic Sgd;
        (5 => 4 Tanh => 4 Tanh => 3 Relu) Quadratic Momentum;
        (6 => 5 Tanh => 3 Identity) Quadratic Sgd;
        (5 => 4 Tanh => 4 Tanh => 3 Identity) Quadratic Momentum;
        (6 => 5 Tanh => 3 Softmax) SoftmaxCrossEntropy Sgd;
        (5 => 4 Tanh => 4 Tanh => 3 Softmax) SoftmaxCrossEntropy Sgd;
        (6 => 5 Relu => 3 Sigmoid) CrossEntropy Sgd;
        (5 => 4 Relu => 4 Relu => 3 Sigmoid) CrossEntropy Sgd;
        (6 => 5 Relu => 3 Sigmoid) Quadratic Sgd;
        (5 => 4 Relu => 4 Relu => 3 Sigmoid) Quadratic Momentum;
        (6 => 5 Relu => 3 Tanh) Quadratic Sgd;
        (5 => 4 Relu => 4 Relu => 3 Tanh) Quadratic Momentum;
        (6 => 5 Relu => 3 Relu) Quadratic Sgd;
        (5 => 4 Relu => 4 Relu => 3 Relu) Quadratic Sgd;
        (6 => 5 Relu => 3 Identity) Quadratic Sgd;
        (5 => 4 Relu => 4 Relu => 3 Identity) Quadratic Sgd;
        (6 => 5 Relu => 3 Softmax) SoftmaxCrossEntropy Sgd;
        (5 => 4 Relu => 4 Relu => 3 Softmax) SoftmaxCrossEntropy Momentum;
        (6 => 5 Identity => 3 Sigmoid) CrossEntropy Sgd;
        (5 => 4 Identity => 4 Identity => 3 Sigmoid) CrossEntropy Momentum;
        (6 => 5 Identity => 3 Sigmoid) Quadratic Sgd;
        (5 => 4 Identity => 4 Identity => 3 Sigmoid) Quadratic Sgd;
        (6 => 5 Identity => 3 Tanh) Quadratic Sgd;
        (5 => 4 Identity => 4 Identity => 3 Tanh) Quadratic Sgd;
        (6 => 5 Identity => 3 Relu) Quadratic Sgd;
        (5 => 4 Identity => 4 Identity => 3 Relu) Quadratic Momentum;
        (6 => 5 Identity => 3 Identity) Quadratic Sgd;
        (5 => 4 Identity => 4 Identity => 3 Identity) Quadratic Momentum;
        (6 => 5 Identity => 3 Softmax) SoftmaxCrossEntropy Sgd;
        (5 => 4 Identity => 4 Identity => 3 Softmax) SoftmaxCrossEntropy Sgd;
        (6 => 5 Relu => 3 Softmax) SoftmaxCrossEntropy Momentum;
        (6 => 5 Sigmoid => 3 Sigmoid) CrossEntropy Momentum;
        (5 => 4 Relu => 4 Relu => 3 Softmax) SoftmaxCrossEntropy Sgd;
        (5 => 4 Relu => 4 Sigmoid => 3 Softmax) SoftmaxCrossEntropy Sgd;
        (6 => 3 Softmax) SoftmaxCrossEntropy Momentum;
        (6 => 3 Sigmoid) CrossEntropy Sgd;
    }
}

#[test]
fn functions_agree_with_pytorch() {
    let file = file();
    let functions = &file["functions"];
    let points = numbers(&functions["x"]);
    // Beyond these ends `exp` and sigmoid saturate; `functions.rs` checks how.
    let all = -100.0..=100.0;
    let normal = -87.0..=88.0;
    for (name, function, range, tolerance) in [
        ("exp", kernel::exp as fn(f32) -> f32, &normal, EXP),
        ("sigmoid", sigmoid, &normal, SIGMOID),
        ("tanh", kernel::tanh, &all, TANH),
    ] {
        let (mut largest, mut compared) = (0.0_f64, 0);
        for (&x, expected) in points.iter().zip(numbers(&functions[name])) {
            if range.contains(&x) && expected != 0.0 {
                let found = f64::from(function(x as f32));
                let error = (found - expected).abs() / expected.abs();
                assert!(error < tolerance, "{name}({x}): {error:.1e}");
                largest = largest.max(error);
                compared += 1;
            }
        }
        assert!(compared > 100);
        println!("{compared} points, {name} {largest:.1e}");
    }
}

#[test]
fn schedules_agree_with_pytorch() {
    let file = file();
    let mut largest: f64 = 0.0;
    for case in list(&file["schedules"]) {
        let factors = numbers(&case["factors"]);
        let steps = factors.len() as u32;
        let warm_up = number(&case["warm_up"]) as u32;
        let schedule = match case["name"].as_str() {
            Some("cosine") if warm_up == 0 => Schedule::cosine(number(&case["last"]) as f32),
            Some("cosine") => Schedule::cosine(number(&case["last"]) as f32).with_warm_up(warm_up),
            Some("one-cycle") => Schedule::one_cycle(steps),
            other => panic!("no schedule is called {other:?}"),
        };
        assert_eq!(schedule.warm_up, warm_up);
        for (step, expected) in factors.into_iter().enumerate() {
            let found = f64::from(schedule.factor(step as u32, steps));
            let error = (found - expected).abs();
            assert!(error < SCHEDULES, "{schedule:?}, step {step}: {error:.1e}");
            largest = largest.max(error);
        }
    }
    println!("schedules {largest:.1e}");
}

#[test]
fn a_plateau_agrees_with_pytorch() {
    let file = file();
    let case = &file["plateau"];
    let patience = Patience::new(Rule::CostNotBelow, number(&case["patience"]) as u32);
    let mut plateau = Plateau::new(patience, number(&case["factor"]) as f32, 0.0);
    let epochs = numbers(&case["costs"])
        .into_iter()
        .zip(numbers(&case["scales"]));
    for (epoch, (cost, scale)) in epochs.enumerate() {
        plateau.record(cost);
        // Powers of 1/2: the same to the bit.
        assert_eq!(f64::from(plateau.scale), scale, "epoch {epoch}");
    }
}
