//! Where 20 steps of training end in `PyTorch`, in f64, for every combination of hidden activation,
//! outputs with their cost, optimiser, weight decay, dropout with given masks, and clipping: the
//! file is `data/pytorch_combinations.txt`, written by `tests/pytorch_combinations.py` of this
//! repository, which says what each of its words means and which versions made it.
//!
//! # Tolerance
//!
//! Parameters agree to 1e-5 of their size, or of 1/16 if they are smaller: one that comes near zero
//! keeps the rounding errors of the time when it was larger. Numbers in the file have 8 digits,
//! which is 5e-8, and are exact in f32 where training starts; the rest is our own rounding, 2^-24 =
//! 6e-8 at a time, in 20 steps of about 10 roundings for each parameter.
//!
//! | optimiser | largest error seen |
//! |---|---|
//! | sgd | 4.9e-6 |
//! | momentum | 6.2e-6 |
//! | nesterov | 4.4e-6 |
//! | rmsprop | 4.3e-6 |
//! | adam | 8.0e-6 |
//!
//! A formula that is not quite right ends far from there. With `sgn(0) = 1`, decay before clipping,
//! truncation before the step, decay at `w` where Nesterov's gradient is at `w + mu v`, epsilon
//! inside the root, or step numbers that start at 2, no case that is affected is off by less than
//! 4e-3.

mod support;

use std::collections::BTreeSet;

use support::{Given, parameters, set_parameters};
use thumbnet::Activation;
use thumbnet::cost::{Cost, CostFunction, TrainsWith};
use thumbnet::input::Width;
use thumbnet::optimizer::Optimizer;
use thumbnet::prelude::*;

const TOLERANCE: f64 = 1.0e-5;
const SMALL: f64 = 1.0 / 16.0;

const FILE: &str = include_str!("data/pytorch_combinations.txt");
const INPUTS: usize = 4;
const CLASSES: u64 = 3;
const BATCH: usize = 4;
const STEPS: usize = 20;
const MU: f32 = 0.875;
const EPSILON: f32 = 1.0 / 1024.0;
const RMSPROP: RmsProp = RmsProp {
    decay: 0.9375,
    epsilon: EPSILON,
};
const ADAM: Adam = Adam::new(0.875, 0.984_375, EPSILON);
const OPTIMIZERS: [&str; 5] = ["sgd", "momentum", "nesterov", "rmsprop", "adam"];
/// Of a hidden activation and outputs: 5 optimisers, 4 kinds of decay, 3 of dropout, clipping or
/// none.
const COMBINATIONS: usize = 5 * 4 * 3 * 2;

/// The kinds of numbers that follow from a seed.
#[derive(Clone, Copy)]
enum Kind {
    Parameter,
    Input,
    Label,
    Mask,
}

/// The output of `SplitMix64` for one number of a kind.
fn word(seed: u64, kind: Kind, index: usize) -> u64 {
    let place = seed << 32 | (kind as u64) << 24 | index as u64;
    let z = place.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ z >> 31
}

/// In `0 <= u < 1`.
fn uniform(seed: u64, kind: Kind, index: usize) -> f32 {
    (word(seed, kind, index) >> 40) as f32 / 16_777_216.0
}

/// In `-1 <= u < 1`, and exactly 0 one time in 8.
fn signed(seed: u64, kind: Kind, index: usize) -> f32 {
    if word(seed, kind, index).is_multiple_of(8) {
        0.0
    } else {
        2.0 * uniform(seed, kind, index) - 1.0
    }
}

/// A line of the file.
struct Case {
    optimizer: &'static str,
    decay: &'static str,
    dropout: &'static str,
    clipping: Option<f32>,
    seed: u64,
    /// After all steps.
    parameters: Vec<f64>,
}

impl Case {
    /// What follows the first three words of a line.
    fn new(line: &'static str) -> Self {
        let mut words = line.split(' ');
        let mut next = || words.next().expect("five words and numbers");
        Self {
            optimizer: next(),
            decay: next(),
            dropout: next(),
            clipping: match next() {
                "none" => None,
                norm => Some(norm.parse().expect("a norm")),
            },
            seed: next().parse().expect("a seed"),
            parameters: words.map(|word| word.parse().expect("a number")).collect(),
        }
    }

    fn weight_decay(&self) -> WeightDecay {
        match self.decay {
            "none" => WeightDecay::None,
            "l2" => WeightDecay::L2(0.0625),
            "l1" => WeightDecay::L1(0.03125),
            "truncated" => WeightDecay::TruncatedL1(0.03125),
            other => panic!("no decay is called {other}"),
        }
    }

    /// The masks of a step.
    fn dropout(&self, step: usize) -> Given<impl Fn(usize, usize, usize) -> bool + Copy> {
        let (rates, samples) = match self.dropout {
            "none" => ([0.0; 3], 0),
            "batch" => ([0.0, 0.5, 0.25], 0),
            "sample" => ([0.25, 0.25, 0.5], 1),
            other => panic!("no dropout is called {other}"),
        };
        let seed = self.seed;
        let drops = move |layer: usize, sample: usize, unit: usize| {
            let row = step * BATCH + sample * samples;
            uniform(seed, Kind::Mask, (row * 3 + layer) * 4 + unit) < rates[layer]
        };
        Given { rates, drops }
    }

    /// The mini-batch of a step.
    fn samples(&self, step: usize) -> ([[f32; INPUTS]; BATCH], [u8; BATCH]) {
        let row = |sample| step * BATCH + sample;
        let input = |sample, input| signed(self.seed, Kind::Input, row(sample) * INPUTS + input);
        let label = |sample| (word(self.seed, Kind::Label, row(sample)) % CLASSES) as u8;
        (
            std::array::from_fn(|sample| std::array::from_fn(|place| input(sample, place))),
            std::array::from_fn(label),
        )
    }

    /// The largest error of `found`.
    fn error(&self, found: &[f32]) -> f64 {
        assert_eq!(found.len(), self.parameters.len());
        let pairs = found.iter().zip(&self.parameters);
        let errors = pairs.map(|(&found, expected)| {
            (f64::from(found) - expected).abs() / expected.abs().max(SMALL)
        });
        errors.fold(0.0, f64::max)
    }
}

/// The largest error of the parameters after all steps.
fn train<N, O, C>(config: TrainConfig<O, C>, case: &Case) -> f64
where
    N: Network<Inputs = Width<INPUTS>>,
    O: Optimizer,
    C: CostFunction,
    N::Output: TrainsWith<C>,
{
    let mut network = N::ZEROED;
    let initial: Vec<f32> = (0..N::ARCHITECTURE.parameters())
        .map(|index| signed(case.seed, Kind::Parameter, index))
        .collect();
    set_parameters(&mut network, &initial);
    let mut state = TrainState::<N, O, BATCH>::ZEROED;
    for step in 0..STEPS {
        let (inputs, labels) = case.samples(step);
        Trainer::new(config, &mut network, &mut state)
            .expect("a valid configuration")
            .with_masks(case.dropout(step))
            .batch(&inputs, &labels)
            .expect("a valid batch");
    }
    case.error(&parameters(&network))
}

fn clipped_or_not<N, O, C>(config: TrainConfig<O, C>, case: &Case) -> f64
where
    N: Network<Inputs = Width<INPUTS>>,
    O: Optimizer,
    C: CostFunction,
    N::Output: TrainsWith<C>,
{
    match case.clipping {
        None => train::<N, _, _>(config, case),
        Some(norm) => train::<N, _, _>(config.with_clipping(norm), case),
    }
}

/// Every combination of techniques for one network and cost.
fn check<N, C>(hidden: Activation, output: Activation, cost: C)
where
    N: Network<Inputs = Width<INPUTS>>,
    C: CostFunction,
    N::Output: TrainsWith<C>,
{
    let start = format!("{hidden} {output} {} ", C::COST);
    let lines = FILE.lines().filter_map(|line| line.strip_prefix(&start));
    let mut largest = [0.0_f64; OPTIMIZERS.len()];
    let mut seen = BTreeSet::new();
    for case in lines.map(Case::new) {
        let config = |learning_rate| {
            TrainConfig::new(learning_rate)
                .with_cost(cost)
                .with_weight_decay(case.weight_decay())
        };
        let (sgd, with_velocity, scaled) = (config(0.125), config(0.03125), config(0.015_625));
        let error = match case.optimizer {
            "sgd" => clipped_or_not::<N, _, _>(sgd, &case),
            "momentum" => clipped_or_not::<N, _, _>(with_velocity.with_momentum(MU), &case),
            "nesterov" => clipped_or_not::<N, _, _>(with_velocity.with_nesterov(MU), &case),
            "rmsprop" => clipped_or_not::<N, _, _>(scaled.with_optimizer(RMSPROP), &case),
            "adam" => clipped_or_not::<N, _, _>(scaled.with_optimizer(ADAM), &case),
            other => panic!("no optimiser is called {other}"),
        };
        let techniques = (
            case.optimizer,
            case.decay,
            case.dropout,
            case.clipping.is_some(),
        );
        assert!(error <= TOLERANCE, "{start}{techniques:?}: {error:.1e}");
        let place = OPTIMIZERS.iter().position(|&name| name == case.optimizer);
        let largest = &mut largest[place.expect("one of the five")];
        *largest = largest.max(error);
        seen.insert(techniques);
    }
    assert_eq!(seen.len(), COMBINATIONS);
    println!("{OPTIMIZERS:?}: {largest:?}");
}

macro_rules! check_all {
    ($($name:ident: $hidden:ident, $output:ident, $cost:ident;)+) => {
        $(
            #[test]
            fn $name() {
                type N = mlp![4 => 4 $hidden => 3 $hidden => 3 $output];
                check::<N, _>(Activation::$hidden, Activation::$output, $cost);
            }
        )+

        #[test]
        fn every_pair_that_compiles_is_here() {
            let here = [$((Activation::$hidden, Activation::$output, $cost::COST)),+];
            for hidden in HIDDEN {
                for output in OUTPUTS {
                    for cost in COSTS {
                        let pair = (hidden, output, cost);
                        assert_eq!(here.contains(&pair), cost.fits(output), "{pair:?}");
                    }
                }
            }
            assert_eq!(FILE.lines().filter(|line| !line.starts_with('#')).count(), here.len() * COMBINATIONS);
        }
    };
}

const HIDDEN: [Activation; 4] = [
    Activation::Sigmoid,
    Activation::Tanh,
    Activation::Relu,
    Activation::Identity,
];
const OUTPUTS: [Activation; 5] = [
    Activation::Sigmoid,
    Activation::Tanh,
    Activation::Relu,
    Activation::Identity,
    Activation::Softmax,
];
const COSTS: [Cost; 3] = [
    Cost::CrossEntropy,
    Cost::Quadratic,
    Cost::SoftmaxCrossEntropy,
];

check_all! {
    sigmoid_sigmoid_cross_entropy: Sigmoid, Sigmoid, CrossEntropy;
    sigmoid_sigmoid_quadratic: Sigmoid, Sigmoid, Quadratic;
    sigmoid_tanh_quadratic: Sigmoid, Tanh, Quadratic;
    sigmoid_relu_quadratic: Sigmoid, Relu, Quadratic;
    sigmoid_identity_quadratic: Sigmoid, Identity, Quadratic;
    sigmoid_softmax: Sigmoid, Softmax, SoftmaxCrossEntropy;
    tanh_sigmoid_cross_entropy: Tanh, Sigmoid, CrossEntropy;
    tanh_sigmoid_quadratic: Tanh, Sigmoid, Quadratic;
    tanh_tanh_quadratic: Tanh, Tanh, Quadratic;
    tanh_relu_quadratic: Tanh, Relu, Quadratic;
    tanh_identity_quadratic: Tanh, Identity, Quadratic;
    tanh_softmax: Tanh, Softmax, SoftmaxCrossEntropy;
    relu_sigmoid_cross_entropy: Relu, Sigmoid, CrossEntropy;
    relu_sigmoid_quadratic: Relu, Sigmoid, Quadratic;
    relu_tanh_quadratic: Relu, Tanh, Quadratic;
    relu_relu_quadratic: Relu, Relu, Quadratic;
    relu_identity_quadratic: Relu, Identity, Quadratic;
    relu_softmax: Relu, Softmax, SoftmaxCrossEntropy;
    identity_sigmoid_cross_entropy: Identity, Sigmoid, CrossEntropy;
    identity_sigmoid_quadratic: Identity, Sigmoid, Quadratic;
    identity_tanh_quadratic: Identity, Tanh, Quadratic;
    identity_relu_quadratic: Identity, Relu, Quadratic;
    identity_identity_quadratic: Identity, Identity, Quadratic;
    identity_softmax: Identity, Softmax, SoftmaxCrossEntropy;
}
