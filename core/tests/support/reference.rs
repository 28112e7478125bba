//! The cost of a mini-batch written straight from its definition, in f64, and its gradient by
//! central differences.

use super::{Given, number_or_zero, parameters, random_network};
use thumbnet::cost::{Cost, CostFunction, TrainsWith};
use thumbnet::input::Width;
use thumbnet::optimizer::Optimizer;
use thumbnet::prelude::*;
use thumbnet::{Activation, Architecture};

pub(crate) const INPUTS: usize = 6;
const CLASSES: usize = 3;
const H: f64 = 1.0e-5;

/// Which units take no part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Dropped {
    /// All of them do.
    None,
    /// The same hidden units for all samples.
    OfMiniBatch,
    /// Inputs and hidden units, others for each sample.
    OfSample,
}

impl Dropped {
    /// Of inputs and of two hidden layers.
    fn rates(self) -> [f32; 3] {
        match self {
            Self::None => [0.0; 3],
            Self::OfMiniBatch => [0.0, 0.25, 0.5],
            Self::OfSample => [0.25, 0.5, 0.25],
        }
    }

    fn drops(self, layer: usize, sample: usize, unit: usize) -> bool {
        match self {
            Self::None => false,
            Self::OfMiniBatch => layer > 0 && unit % 2 == 1,
            Self::OfSample => (layer + sample + unit).is_multiple_of(3),
        }
    }

    /// What a unit's activation is multiplied by.
    fn factor(self, layer: usize, sample: usize, unit: usize) -> f64 {
        if self.drops(layer, sample, unit) {
            0.0
        } else {
            1.0 / (1.0 - f64::from(self.rates()[layer]))
        }
    }
}

/// A mini-batch and everything else that the cost of some parameters depends on.
#[derive(Clone)]
pub(crate) struct Reference {
    pub(crate) architecture: Architecture,
    cost: Cost,
    samples: Vec<([f32; INPUTS], u8)>,
    pub(crate) decay: WeightDecay,
    dropped: Dropped,
}

/// What [`Reference::cost`] saw on its way.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) cost: f64,
    /// The largest sum of magnitudes behind any weighted input.
    largest: f64,
    /// The weighted input of a `ReLU`, or the weight with an L1 decay, that is nearest to zero.
    nearest_kink: f64,
}

impl Reference {
    /// `C = 1/m sum over samples of C_x`, and `r / 2 sum of w^2` or `r sum of |w|`, from the
    /// definitions.
    pub(crate) fn cost(&self, parameters: &[f64]) -> Seen {
        let mut seen = Seen {
            cost: 0.0,
            largest: 0.0,
            nearest_kink: f64::INFINITY,
        };
        for (sample, (input, label)) in self.samples.iter().enumerate() {
            let mut values: Vec<f64> = input.iter().map(|&x| f64::from(x)).collect();
            let mut rest = parameters;
            for (index, layer) in self.architecture.layers().iter().enumerate() {
                for (unit, value) in values.iter_mut().enumerate() {
                    *value *= self.dropped.factor(index, sample, unit);
                }
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
            }
            seen.cost +=
                cost_of(self.cost, &values, usize::from(*label)) / self.samples.len() as f64;
        }
        let rate = f64::from(self.decay.rate());
        for (&w, is_weight) in parameters.iter().zip(self.is_weight()) {
            if is_weight {
                match self.decay {
                    WeightDecay::L2(_) => seen.cost += rate / 2.0 * w * w,
                    WeightDecay::L1(_) => {
                        seen.cost += rate * w.abs();
                        seen.nearest_kink = seen.nearest_kink.min(w.abs());
                    }
                    _ => {}
                }
            }
        }
        seen
    }

    /// Which of the parameters are weights; the others are biases.
    pub(crate) fn is_weight(&self) -> Vec<bool> {
        let layers = self.architecture.layers().iter();
        layers
            .flat_map(|layer| {
                let weights = layer.fan_in * layer.fan_out;
                (0..weights + layer.fan_out).map(move |index| index < weights)
            })
            .collect()
    }

    /// Central differences, one parameter at a time.
    pub(crate) fn gradient(&self, parameters: &[f64]) -> Vec<f64> {
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

    /// The mini-batch through a trainer, with the same masks.
    pub(crate) fn train<N, O, C, const BATCH: usize>(
        &self,
        config: TrainConfig<O, C>,
        network: &mut N,
        state: &mut TrainState<N, O, BATCH>,
    ) -> f32
    where
        N: Network<Inputs = Width<INPUTS>>,
        O: Optimizer,
        C: CostFunction,
        N::Output: TrainsWith<C>,
    {
        let (inputs, labels): (Vec<_>, Vec<_>) = self.samples.iter().copied().unzip();
        let dropped = self.dropped;
        Trainer::new(config.with_weight_decay(self.decay), network, state)
            .expect("a valid configuration")
            .with_masks(Given {
                rates: dropped.rates(),
                drops: move |layer, sample, unit| dropped.drops(layer, sample, unit),
            })
            .batch(&inputs, &labels)
            .expect("a valid batch")
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

/// A network and a mini-batch without luck: no kink is nearer than 1e-3, no sum of magnitudes is
/// above 4, and every layer has something to learn. The first of a fixed row of seeds.
pub(crate) fn case<N: Network>(
    cost: Cost,
    count: usize,
    decay: WeightDecay,
    dropped: Dropped,
) -> (N, Reference, Vec<f64>) {
    for seed in 1..500 {
        let network = random_network::<N>(seed);
        let reference = Reference {
            architecture: N::ARCHITECTURE,
            cost,
            samples: samples(seed, count),
            decay,
            dropped,
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
