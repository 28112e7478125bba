//! The gradient that a step applies, against central differences of costs written straight from
//! their definitions, in f64: every parameter, for every hidden activation, output activation and
//! cost, depth, weight decay, dropout and mini-batch size.
//!
//! # The error bound
//!
//! With learning rate 1 the applied gradient is `before - after`. What separates it from the
//! difference quotient:
//!
//! - f32 rounding, u = 2^-24 relative. Every sum in these networks has at most 7 terms, a gradient
//!   is a chain of at most 3 sums forward, 3 activations (`exp` and `tanh` are good to 3u, a sigmoid to 5u) and
//!   2 sums back, then a mean over 4 samples and a subtraction from the weight: fewer than 60
//!   roundings. `Reference` keeps the largest sum of magnitudes, `largest`, that any of the sums
//!   runs over, and every case asserts that it is below 4. A rounding error in one layer reaches
//!   the next ones multiplied by at most a sum of magnitudes of weights, which is part of the same
//!   figure. Errors of both signs do not all add up, and no rounding is near its worst case in
//!   every step, so 60 x 4 x u = 1.5e-5 is far more than what is ever seen: 3e-7.
//! - the difference quotient's own: truncation `h^2 / 6 C'''` and rounding `C 2^-53 / h`; with
//!   h = 1e-5, C < 10 and C''' < 100 both are below 2e-9.
//! - `ReLU`'s kink: every case keeps each weighted input of a `ReLU` at least 1e-3 from zero, which
//!   neither h nor rounding can cross.
//!
//! A wrong factor anywhere shows as an error of the size of the gradients: every case asserts that
//! each layer's weights and biases have one above 2e-3, a hundred times the tolerance.

mod support;

use support::{Given, hidden_units, number_or_zero, parameters, random_network};
use thumbnet::cost::{Cost, CostFunction, TrainsWith};
use thumbnet::input::Width;
use thumbnet::optimizer::Optimizer;
use thumbnet::prelude::*;
use thumbnet::{Activation, Architecture};

const TOLERANCE: f64 = 1.5e-5;
const INPUTS: usize = 6;
const CLASSES: usize = 3;
const H: f64 = 1.0e-5;
const DECAY: f32 = 0.125;
const DROPOUT_RATE: f32 = 0.25;

/// A mini-batch and everything else that the cost of some parameters depends on.
struct Reference {
    architecture: Architecture,
    cost: Cost,
    samples: Vec<([f32; INPUTS], u8)>,
    /// `lambda / n`.
    decay: f64,
    /// One for each hidden unit.
    dropped: Vec<bool>,
    /// What kept hidden units are multiplied by.
    scale: f64,
}

/// What [`Reference::cost`] saw on its way.
#[derive(Debug)]
struct Seen {
    cost: f64,
    /// The largest sum of magnitudes behind any weighted input.
    largest: f64,
    /// The weighted input of a `ReLU` that is nearest to zero.
    nearest_kink: f64,
}

impl Reference {
    /// `C = 1/m sum over samples of C_x + lambda / 2n sum of w^2`, from the definitions.
    fn cost(&self, parameters: &[f64]) -> Seen {
        let mut seen = Seen {
            cost: 0.0,
            largest: 0.0,
            nearest_kink: f64::INFINITY,
        };
        for (input, label) in &self.samples {
            let mut values: Vec<f64> = input.iter().map(|&x| f64::from(x)).collect();
            let mut rest = parameters;
            let mut dropped = self.dropped.iter();
            for (index, layer) in self.architecture.layers().iter().enumerate() {
                let (weights, after) = rest.split_at(layer.fan_in * layer.fan_out);
                let (biases, after) = after.split_at(layer.fan_out);
                rest = after;
                let mut z = biases.to_vec();
                for (j, z) in z.iter_mut().enumerate() {
                    let mut magnitudes = z.abs();
                    for (i, x) in values.iter().enumerate() {
                        *z += x * weights[i * layer.fan_out + j];
                        magnitudes += (x * weights[i * layer.fan_out + j]).abs();
                    }
                    seen.largest = seen.largest.max(magnitudes);
                    if layer.activation == Activation::Relu {
                        seen.nearest_kink = seen.nearest_kink.min(z.abs());
                    }
                }
                values = activate(layer.activation, &z);
                if index + 1 < self.architecture.layers().len() {
                    for value in &mut values {
                        let dropped = *dropped.next().expect("one mark a hidden unit");
                        *value *= if dropped { 0.0 } else { self.scale };
                    }
                }
            }
            seen.cost +=
                cost_of(self.cost, &values, usize::from(*label)) / self.samples.len() as f64;
        }
        let mut rest = parameters;
        for layer in self.architecture.layers() {
            let (weights, after) = rest.split_at(layer.fan_in * layer.fan_out);
            rest = &after[layer.fan_out..];
            seen.cost += self.decay / 2.0 * weights.iter().map(|w| w * w).sum::<f64>();
        }
        seen
    }

    /// Central differences, one parameter at a time.
    fn gradient(&self, parameters: &[f64]) -> Vec<f64> {
        let mut moved = parameters.to_vec();
        let mut gradient = Vec::new();
        for (index, &value) in parameters.iter().enumerate() {
            moved[index] = value + H;
            let above = self.cost(&moved).cost;
            moved[index] = value - H;
            let below = self.cost(&moved).cost;
            moved[index] = value;
            gradient.push((above - below) / (2.0 * H));
        }
        gradient
    }

    /// Whether every layer's weights and biases have a gradient that is worth comparing.
    fn is_telling(&self, gradient: &[f64]) -> bool {
        let mut rest = gradient;
        self.architecture.layers().iter().all(|layer| {
            let (weights, after) = rest.split_at(layer.fan_in * layer.fan_out);
            let (biases, after) = after.split_at(layer.fan_out);
            rest = after;
            let telling = |part: &[f64]| part.iter().any(|g| g.abs() > 2.0e-3);
            telling(weights) && telling(biases)
        })
    }
}

fn activate(activation: Activation, z: &[f64]) -> Vec<f64> {
    let exponentials: f64 = z.iter().map(|z| z.exp()).sum();
    z.iter()
        .map(|&z| match activation {
            Activation::Sigmoid => 1.0 / (1.0 + (-z).exp()),
            Activation::Tanh => z.tanh(),
            Activation::Relu => z.max(0.0),
            Activation::Identity => z,
            Activation::Softmax => z.exp() / exponentials,
        })
        .collect()
}

fn cost_of(cost: Cost, a: &[f64], label: usize) -> f64 {
    let target = |j| if j == label { 1.0 } else { 0.0 };
    let outputs = a.iter().enumerate();
    match cost {
        Cost::CrossEntropy => outputs
            .map(|(j, a)| -(target(j) * a.ln() + (1.0 - target(j)) * (1.0 - a).ln()))
            .sum(),
        Cost::Quadratic => outputs.map(|(j, a)| (a - target(j)).powi(2) / 2.0).sum(),
        Cost::SoftmaxCrossEntropy => -a[label].ln(),
    }
}

fn samples(seed: u64, count: usize) -> Vec<([f32; INPUTS], u8)> {
    let mut rng = XorShiftRng::seed_from_u64(seed);
    (0..count)
        .map(|sample| {
            // Every third input is exactly zero, in other places for each sample.
            let mut input = [0.0; INPUTS];
            for (index, value) in input.iter_mut().enumerate() {
                if (index + sample) % 3 != 0 {
                    *value = number_or_zero(&mut rng, 10);
                }
            }
            (input, ((seed as usize + sample) % CLASSES) as u8)
        })
        .collect()
}

/// Every second hidden unit is dropped, from the second one on.
fn masks(architecture: &Architecture, dropout: bool) -> Vec<bool> {
    let layers = architecture.layers();
    let hidden = layers[..layers.len() - 1].iter();
    hidden
        .flat_map(|layer| (0..layer.fan_out).map(|unit| dropout && unit % 2 == 1))
        .collect()
}

/// One mini-batch through a trainer, with the masks that the reference has.
fn train<N, O, C, const BATCH: usize>(
    config: TrainConfig<O, C>,
    network: &mut N,
    state: &mut TrainState<N, O, BATCH>,
    reference: &Reference,
) -> f32
where
    N: Network<Inputs = Width<INPUTS>>,
    O: Optimizer,
    C: CostFunction,
    N::Output: TrainsWith<C>,
{
    let (inputs, labels): (Vec<_>, Vec<_>) = reference.samples.iter().copied().unzip();
    // Masks that drop nothing are no dropout to the bit: `equivalences.rs` compares the two.
    let dropout = reference.dropped.contains(&true);
    let rate = if dropout { DROPOUT_RATE } else { 0.0 };
    let given = Given {
        rates: [0.0, rate, rate],
        drops: hidden_units::<N>(&reference.dropped),
    };
    Trainer::new(config, network, state)
        .expect("a valid configuration")
        .with_masks(given)
        .batch(&inputs, &labels)
        .expect("a valid batch")
}

/// A network and a mini-batch that keep the header's promises, the first of a fixed row of seeds.
fn case<N: Network>(
    cost: Cost,
    count: usize,
    decay: f32,
    dropout: bool,
) -> (N, Reference, Vec<f64>) {
    for seed in 1..200 {
        let network = random_network::<N>(seed);
        let reference = Reference {
            architecture: N::ARCHITECTURE,
            cost,
            samples: samples(seed, count),
            decay: f64::from(decay),
            dropped: masks(&N::ARCHITECTURE, dropout),
            scale: if dropout {
                1.0 / (1.0 - f64::from(DROPOUT_RATE))
            } else {
                1.0
            },
        };
        let start: Vec<f64> = parameters(&network).into_iter().map(f64::from).collect();
        let seen = reference.cost(&start);
        if seen.nearest_kink > 1.0e-3
            && seen.largest < 4.0
            && reference.is_telling(&reference.gradient(&start))
        {
            return (network, reference, start);
        }
    }
    panic!("no telling case for {}", N::ARCHITECTURE);
}

/// Returns the largest error of one step's gradient.
fn check_step<N, C>(cost: C, batch: usize, decay: f32, dropout: bool) -> f64
where
    N: Network<Inputs = Width<INPUTS>>,
    C: CostFunction,
    N::Output: TrainsWith<C>,
{
    let (mut network, mut reference, start) = case::<N>(C::COST, batch, decay, dropout);
    let config = TrainConfig::new(1.0)
        .with_cost(cost)
        .with_weight_decay(if decay == 0.0 {
            WeightDecay::None
        } else {
            WeightDecay::L2(decay)
        });
    let mut state = TrainState::<N, Sgd, 4>::ZEROED;
    let cost = train(config, &mut network, &mut state, &reference);

    let what = format!(
        "{:?}, {}, batch of {batch}, decay {decay}, dropout {dropout}",
        N::ARCHITECTURE,
        C::COST
    );
    // The cost that a step returns is without the decay term.
    reference.decay = 0.0;
    let expected = reference.cost(&start).cost;
    assert!(
        (f64::from(cost) - expected).abs() < TOLERANCE,
        "{what}: the cost is {expected}, the step returned {cost}"
    );
    reference.decay = f64::from(decay);
    let mut largest: f64 = 0.0;
    let expected = reference.gradient(&start);
    let after = parameters(&network);
    for (index, ((before, after), expected)) in start.iter().zip(after).zip(expected).enumerate() {
        let found = before - f64::from(after);
        let error = (found - expected).abs();
        assert!(
            error < TOLERANCE,
            "{what}: parameter {index} has gradient {expected}, the step applied {found}"
        );
        largest = largest.max(error);
    }
    largest
}

/// Three steps of momentum against `v <- mu v - eta grad C`, `w <- w + v` in f64. The errors of
/// three gradients add up, the first with weight `1 + mu + mu^2`: the bound is 6 x `TOLERANCE`,
/// times eta.
fn check_momentum<N, C, const BATCH: usize>(cost: C, samples: usize, decay: f32, dropout: bool)
where
    N: Network<Inputs = Width<INPUTS>>,
    C: CostFunction,
    N::Output: TrainsWith<C>,
{
    const ETA: f32 = 0.25;
    const MU: f32 = 0.75;
    let (mut network, reference, start) = case::<N>(C::COST, samples, decay, dropout);
    let config = TrainConfig::new(ETA)
        .with_cost(cost)
        .with_momentum(MU)
        .with_weight_decay(WeightDecay::L2(decay));
    let mut state = TrainState::<N, Momentum, BATCH>::ZEROED;
    let mut w = start;
    let mut v = vec![0.0; w.len()];
    for step in 1..=3 {
        train(config, &mut network, &mut state, &reference);
        let gradient = reference.gradient(&w);
        for ((w, v), gradient) in w.iter_mut().zip(&mut v).zip(gradient) {
            *v = f64::from(MU) * *v - f64::from(ETA) * gradient;
            *w += *v;
        }
        for (index, (found, expected)) in parameters(&network).into_iter().zip(&w).enumerate() {
            assert!(
                (f64::from(found) - expected).abs() < 6.0 * TOLERANCE * f64::from(ETA),
                "{:?}, step {step}: parameter {index} is {found}, should be {expected}",
                N::ARCHITECTURE
            );
        }
    }
}

/// Decay, dropout and mini-batch size for one network and cost.
macro_rules! check_all {
    ($($name:ident: $hidden:ident, $output:ident, $cost:ident;)+) => { $(
        #[test]
        fn $name() {
            type OneHidden = mlp![6 => 4 $hidden => 3 $output];
            type TwoHidden = mlp![6 => 5 $hidden => 4 $hidden => 3 $output];
            let mut largest: f64 = 0.0;
            for decay in [0.0, DECAY] {
                for dropout in [false, true] {
                    let errors = [
                        check_step::<OneHidden, _>($cost, 1, decay, dropout),
                        check_step::<OneHidden, _>($cost, 4, decay, dropout),
                        check_step::<TwoHidden, _>($cost, 1, decay, dropout),
                        check_step::<TwoHidden, _>($cost, 4, decay, dropout),
                    ];
                    largest = errors.into_iter().fold(largest, f64::max);
                }
            }
            println!("largest error of a gradient: {largest:.1e}");
        }
    )+ };
}

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

#[test]
fn momentum_is_the_recurrence_of_the_notes() {
    type Shallow = mlp![6 => 4 Sigmoid => 3 Sigmoid];
    type Deep = mlp![6 => 5 Sigmoid => 4 Sigmoid => 3 Softmax];
    for (decay, dropout) in [(0.0, false), (DECAY, false), (0.0, true), (DECAY, true)] {
        check_momentum::<Shallow, _, 1>(CrossEntropy, 1, decay, dropout);
        check_momentum::<Shallow, _, 4>(CrossEntropy, 4, decay, dropout);
        check_momentum::<Deep, _, 4>(SoftmaxCrossEntropy, 4, decay, dropout);
        // In portions: 2 + 2, 3 + 1 and 1 + 1 + 1 + 1 samples.
        check_momentum::<Deep, _, 2>(SoftmaxCrossEntropy, 4, decay, dropout);
        check_momentum::<Deep, _, 3>(SoftmaxCrossEntropy, 4, decay, dropout);
        check_momentum::<Deep, _, 1>(SoftmaxCrossEntropy, 4, decay, dropout);
    }
}
