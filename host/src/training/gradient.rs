//! Cost and gradient over a whole set of samples, on several threads with the bits of one.

use std::sync::atomic::Ordering;
use std::sync::mpsc::sync_channel;

use thumbnet::input::Input;

use super::pass::Pass;
use super::{Instructions, Progress, SparseImages};
use crate::data::Samples;
use crate::model::Model;

/// Samples whose gradients are summed in f32; sums of portions are added in f64. The size is part
/// of the order of rounding.
const PORTION: usize = 500;

/// Inputs with their labels.
pub trait LabelledInputs: Sync {
    /// How many there are.
    fn count(&self) -> usize;

    /// Input `index`, as wide as the network's first layer, and its label.
    fn labelled(&self, index: usize) -> (impl Input, u8);
}

impl LabelledInputs for Samples {
    fn count(&self) -> usize {
        self.len()
    }

    #[inline(always)]
    fn labelled(&self, index: usize) -> (impl Input, u8) {
        (self.image(index), self.labels[index])
    }
}

impl LabelledInputs for SparseImages<'_> {
    fn count(&self) -> usize {
        self.len()
    }

    #[inline(always)]
    fn labelled(&self, index: usize) -> (impl Input, u8) {
        (self.image(index), self.label(index))
    }
}

/// Where a network stands on a set of samples, and which way is up.
#[derive(Clone, Debug, PartialEq)]
pub struct Gradient {
    /// `C`, the mean of the samples' costs, without the weight decay term.
    pub cost: f64,
    /// `dC/dw` and `dC/db`, in the order of [`Model::parameters`].
    pub values: Vec<f64>,
}

impl Gradient {
    /// The mean cost of all `samples`, at least one, and its gradient, without dropout. The result
    /// does not depend on the number of threads.
    ///
    /// # Cost
    /// Three networks of f32 a thread, beside the result.
    pub fn new(
        model: &Model,
        samples: &impl LabelledInputs,
        threads: usize,
        instructions: Instructions,
    ) -> Self {
        let never = Progress::default();
        Self::unless_stopped(model, samples, threads, instructions, &never)
            .expect("nobody else can ask it to stop")
    }

    /// The same, or `None` if `progress.stop` is set before the end. `progress.samples` counts the
    /// samples seen.
    pub fn unless_stopped(
        model: &Model,
        samples: &impl LabelledInputs,
        threads: usize,
        instructions: Instructions,
        progress: &Progress,
    ) -> Option<Self> {
        let count = samples.count();
        let portions = count.div_ceil(PORTION);
        let threads = threads.clamp(1, portions.max(1));
        let mut total = Self {
            cost: 0.0,
            values: vec![0.0; model.parameters.len()],
        };
        std::thread::scope(|scope| {
            let sums: Vec<_> = (0..threads)
                .map(|thread| {
                    // Room for one, so that no thread runs far ahead of the adding below.
                    let (sender, receiver) = sync_channel(1);
                    scope.spawn(move || {
                        let mut pass = Pass::new(model);
                        for portion in (thread..portions).step_by(threads) {
                            let first = portion * PORTION;
                            let range = first..(first + PORTION).min(count);
                            let sum = instructions.run(
                                #[inline(always)]
                                || pass.sum(samples, range),
                            );
                            // The other end has gone when there is no use for more.
                            if progress.stop.load(Ordering::Relaxed) || sender.send(sum).is_err() {
                                return;
                            }
                        }
                    });
                    receiver
                })
                .collect();
            for portion in 0..portions {
                let (cost, values) = sums[portion % threads].recv().ok()?;
                total.cost += cost;
                for (total, value) in total.values.iter_mut().zip(values) {
                    *total += f64::from(value);
                }
                let seen = ((portion + 1) * PORTION).min(count);
                progress.samples.store(seen, Ordering::Relaxed);
            }
            Some(())
        })?;
        let share = 1.0 / count.max(1) as f64;
        total.cost *= share;
        for value in &mut total.values {
            *value *= share;
        }
        Some(total)
    }

    /// Adds the gradient of `decay / 2 sum of w^2` and returns that term. `decay` is `lambda / n`;
    /// biases have no part in it.
    ///
    /// # Shapes
    /// `model` has as many parameters as the gradient has values.
    pub fn add_l2(&mut self, model: &Model, decay: f32) -> f64 {
        let decay = f64::from(decay);
        let mut squares = 0.0;
        let mut start = 0;
        for (shape, weights, _) in model.layers() {
            for (value, &weight) in self.values[start..].iter_mut().zip(weights) {
                let weight = f64::from(weight);
                *value += decay * weight;
                squares += weight * weight;
            }
            start += shape.parameters();
        }
        decay / 2.0 * squares
    }
}

/// The Euclidean length of each layer's part of the gradient of the mean cost, first layer first,
/// weights and biases together: how fast each layer would learn. In deep networks of sigmoid units
/// it falls towards the first layer (Nielsen, chapter 5: vanishing gradients).
pub fn layer_gradient_norms(
    model: &Model,
    samples: &impl LabelledInputs,
    threads: usize,
    instructions: Instructions,
) -> Vec<f64> {
    let gradient = Gradient::new(model, samples, threads, instructions);
    let mut rest = gradient.values.as_slice();
    let layers = model.architecture.layers().iter();
    layers
        .map(|shape| {
            let (own, behind) = rest.split_at(shape.parameters());
            rest = behind;
            own.iter().map(|value| value * value).sum::<f64>().sqrt()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use thumbnet::prelude::*;
    use thumbnet::{Activation, Architecture, Cost, LayerShape};

    use super::*;

    fn model(widths: &[usize], hidden: Activation, cost: Cost) -> Model {
        let output = match cost {
            Cost::SoftmaxCrossEntropy => Activation::Softmax,
            _ => Activation::Sigmoid,
        };
        let layers: Vec<LayerShape> = widths
            .windows(2)
            .enumerate()
            .map(|(index, pair)| LayerShape {
                fan_in: pair[0],
                fan_out: pair[1],
                activation: if index + 2 == widths.len() {
                    output
                } else {
                    hidden
                },
            })
            .collect();
        Model::fresh(
            Architecture::new(&layers).unwrap(),
            cost,
            Initialization::default(),
            5,
        )
    }

    /// Images of `2 x 3` pixels, a third of them 0.
    fn samples(count: usize) -> Samples {
        let mut rng = XorShiftRng::seed_from_u64(3);
        let mut byte = |from: u32| thumbnet::random::below(&mut rng, 256).max(from) as u8;
        Samples {
            width: 2,
            height: 3,
            images: (0..6 * count)
                .map(|index| if index % 3 == 0 { 0 } else { byte(1) })
                .collect(),
            labels: (0..count).map(|_| byte(0) % 3).collect(),
        }
    }

    fn gradient(model: &Model, samples: &impl LabelledInputs, threads: usize) -> Gradient {
        Gradient::new(model, samples, threads, Instructions::detect())
    }

    type Function = fn(f64) -> f64;

    /// The mean cost straight from its definition, in f64.
    fn cost(model: &Model, parameters: &[f64], samples: &Samples, hidden: Function) -> f64 {
        let mut sum = 0.0;
        for index in 0..samples.len() {
            let image = samples.image(index).iter();
            let mut values: Vec<f64> = image.map(|&byte| f64::from(byte) / 255.0).collect();
            let mut rest = parameters;
            for (layer, shape) in model.architecture.layers().iter().enumerate() {
                let (weights, behind) = rest.split_at(shape.fan_in * shape.fan_out);
                let (biases, behind) = behind.split_at(shape.fan_out);
                rest = behind;
                let z = |j: usize| {
                    let inputs = values.iter().enumerate();
                    inputs
                        .map(|(i, x)| x * weights[i * shape.fan_out + j])
                        .sum::<f64>()
                        + biases[j]
                };
                values = (0..shape.fan_out).map(z).collect();
                if layer + 1 < model.architecture.layers().len() {
                    values = values.into_iter().map(hidden).collect();
                }
            }
            let label = usize::from(samples.labels[index]);
            let sigmoid = |z: f64| 1.0 / (1.0 + (-z).exp());
            sum += match model.cost {
                Cost::SoftmaxCrossEntropy => {
                    values.iter().map(|z| z.exp()).sum::<f64>().ln() - values[label]
                }
                Cost::CrossEntropy => (0..values.len())
                    .map(|j| match j == label {
                        true => -sigmoid(values[j]).ln(),
                        false => -(1.0 - sigmoid(values[j])).ln(),
                    })
                    .sum(),
                Cost::Quadratic => (0..values.len())
                    .map(|j| (sigmoid(values[j]) - f64::from(u8::from(j == label))).powi(2) / 2.0)
                    .sum(),
            };
        }
        sum / samples.len() as f64
    }

    /// Rounding: sums of at most 7 terms, a mean over 300 samples; the quotient's own error is
    /// below 1e-9. Largest seen: 1.4e-7.
    #[test]
    fn it_is_the_slope_of_the_cost() {
        let hidden: [(Activation, Function); 3] = [
            (Activation::Sigmoid, |z| 1.0 / (1.0 + (-z).exp())),
            (Activation::Relu, |z| z.max(0.0)),
            (Activation::Identity, |z| z),
        ];
        let costs = [
            Cost::CrossEntropy,
            Cost::Quadratic,
            Cost::SoftmaxCrossEntropy,
        ];
        let samples = samples(300);
        for (activation, function) in hidden {
            for (cost_function, widths) in costs.into_iter().flat_map(|cost| {
                [&[6, 3][..], &[6, 5, 3], &[6, 5, 4, 3]].map(|widths| (cost, widths))
            }) {
                let model = model(widths, activation, cost_function);
                let mut found = gradient(&model, &samples, 2);
                let at: Vec<f64> = model.parameters.iter().map(|&p| f64::from(p)).collect();
                let what = format!("{activation}, {cost_function}, {}", model.architecture);
                let off = (found.cost - cost(&model, &at, &samples, function)).abs();
                assert!(off < 1e-6, "{what}: the cost is off by {off}");
                let decay = 0.25;
                let squares = |parameters: &[f64]| {
                    let mut rest = parameters;
                    let layers = model.architecture.layers().iter();
                    let of_layer = layers.map(|shape| {
                        let (own, behind) = rest.split_at(shape.parameters());
                        rest = behind;
                        let weights = &own[..shape.fan_in * shape.fan_out];
                        weights.iter().map(|w| w * w).sum::<f64>()
                    });
                    of_layer.sum::<f64>()
                };
                let term = found.add_l2(&model, decay);
                assert!((term - f64::from(decay) / 2.0 * squares(&at)).abs() < 1e-9);
                let h = 1e-5;
                let mut largest: f64 = 0.0;
                for (index, &value) in found.values.iter().enumerate() {
                    let mut moved = at.clone();
                    let mut side = |h: f64| {
                        moved[index] = at[index] + h;
                        cost(&model, &moved, &samples, function)
                            + f64::from(decay) / 2.0 * squares(&moved)
                    };
                    let expected = (side(h) - side(-h)) / (2.0 * h);
                    let off = (value - expected).abs();
                    assert!(
                        off < 2e-6,
                        "{what}: parameter {index}: {value}, expected {expected}"
                    );
                    largest = largest.max(expected.abs());
                }
                assert!(largest > 1e-2, "{what}: no slope worth comparing");
            }
        }
    }

    #[test]
    fn a_step_of_the_core_goes_down_by_it() {
        type Net = Mlp<6, 5, 3>;
        let samples = samples(4);
        let model = model(&[6, 5, 3], Activation::Sigmoid, Cost::CrossEntropy);
        let mut network = Net::ZEROED;
        network.init_weights(&mut XorShiftRng::seed_from_u64(5));
        let mut state = TrainState::<Net, Sgd, 4>::ZEROED;
        let config = TrainConfig::new(0.5).with_weight_decay(WeightDecay::L2(0.125));
        let (images, _) = samples.images.as_chunks::<6>();
        let mut trainer = Trainer::new(config, &mut network, &mut state).unwrap();
        let cost = trainer.batch(images, &samples.labels).unwrap();
        let mut after = Vec::new();
        network.for_each_layer(&mut |_, weights, biases| {
            after.extend_from_slice(weights);
            after.extend_from_slice(biases);
        });
        let mut gradient = gradient(&model, &samples, 1);
        assert!((gradient.cost - f64::from(cost)).abs() < 1e-6);
        gradient.add_l2(&model, 0.125);
        assert_eq!(after.len(), model.parameters.len());
        for ((before, after), slope) in model.parameters.iter().zip(after).zip(gradient.values) {
            let expected = f64::from(*before) - 0.5 * slope;
            assert!(
                (f64::from(after) - expected).abs() < 5e-7,
                "{after} {expected}"
            );
            assert!(slope.abs() > 1e-6);
        }
    }

    #[test]
    fn threads_instructions_and_the_kind_of_images_do_not_change_a_bit() {
        let model = model(&[6, 9, 5, 3], Activation::Relu, Cost::SoftmaxCrossEntropy);
        for count in [1, 499, 500, 501, 2_100] {
            let samples = samples(count);
            let one = gradient(&model, &samples, 1);
            for threads in [2, 3, 64] {
                assert_eq!(gradient(&model, &samples, threads), one);
            }
            assert_eq!(
                Gradient::new(&model, &samples, 2, Instructions::Baseline),
                one
            );
            let sparse = SparseImages::new(&samples, count).unwrap();
            assert_eq!(gradient(&model, &sparse, 2), one);
        }
    }

    #[test]
    fn a_request_to_stop_ends_it() {
        let model = model(&[6, 5, 3], Activation::Sigmoid, Cost::CrossEntropy);
        let samples = samples(2_000);
        let progress = Progress::default();
        let run = |progress: &Progress| {
            Gradient::unless_stopped(&model, &samples, 2, Instructions::detect(), progress)
        };
        assert!(run(&progress).is_some());
        assert_eq!(progress.samples.load(Ordering::Relaxed), 2_000);
        progress.stop.store(true, Ordering::Relaxed);
        assert_eq!(run(&progress), None);
    }

    #[test]
    fn norms_are_those_of_the_layers() {
        let model = model(&[6, 5, 3], Activation::Sigmoid, Cost::CrossEntropy);
        let samples = samples(20);
        let values = gradient(&model, &samples, 1).values;
        let norms = layer_gradient_norms(&model, &samples, 2, Instructions::detect());
        let squares = |values: &[f64]| values.iter().map(|v| v * v).sum::<f64>();
        assert_eq!(norms.len(), 2);
        assert!((norms[0].powi(2) - squares(&values[..35])).abs() < 1e-12);
        assert!((norms[1].powi(2) - squares(&values[35..])).abs() < 1e-12);
    }

    /// Ten layers of 30 sigmoid units: the first learns far slower than the last.
    #[test]
    fn gradients_vanish_in_deep_sigmoid_networks() {
        let mut widths = vec![30; 11];
        widths[0] = 6;
        *widths.last_mut().unwrap() = 3;
        let samples = samples(50);
        let norms = |activation, cost| {
            let model = model(&widths, activation, cost);
            layer_gradient_norms(&model, &samples, 1, Instructions::detect())
        };
        let sigmoid = norms(Activation::Sigmoid, Cost::CrossEntropy);
        assert_eq!(sigmoid.len(), 10);
        assert!(sigmoid[0] < 1e-4 * sigmoid[9], "{sigmoid:?}");
    }
}
