//! Muon: a momentum step of a matrix of weights, in which every direction is as long as any other.
//!
//! A gradient's matrix is mostly a few strong directions. Muon (Jordan, 2024, "Muon: An optimizer
//! for hidden layers in neural networks") steps along the nearest matrix whose singular values are
//! all about 1, which [`orthogonal`](super::orthogonal) finds.
//!
//! Everything is f32, each sum in one order whatever the instructions; call it inside
//! [`Instructions::run`](super::Instructions) for their speed.

use thumbnet::optimizer::{Optimizer, Slot};
use thumbnet::{Architecture, Sgd, WeightDecay, kernel};

use super::orthogonal::{Scratch, orthogonalize};
use super::parameters::Snapshot;

/// Muon's own numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Muon {
    /// `mu` of the weights that Muon moves, 0 <= mu < 1; Jordan's is 0.95.
    pub momentum: f32,
    /// How many times the learning rate of the others theirs is; above 0.
    pub rate: f32,
    /// Their own decay: a step takes learning rate x decay off every weight, apart from momentum
    /// (decoupled), as in `AdamW` (Loshchilov and Hutter, 2019); at least 0.
    pub decay: f32,
    /// `mu` of the others: biases, and the weights of the last layer.
    pub others: f32,
}

impl Muon {
    /// Moves all parameters by their gradient, which is multiplied by `factor` first; it is lost.
    /// `weight_decay` is that of the last layer, decoupled too.
    pub(super) fn apply(
        &self,
        architecture: &Architecture,
        snapshot: &mut Snapshot,
        (learning_rate, weight_decay, factor): (f32, WeightDecay, f32),
        scratch: &mut Vec<Scratch>,
    ) {
        let layers = architecture.layers();
        if scratch.is_empty() {
            let shapes = layers.iter();
            scratch.extend(shapes.map(|layer| Scratch::new(layer.fan_in, layer.fan_out)));
        }
        for gradient in &mut snapshot.gradient {
            *gradient *= factor;
        }
        let last = layers.len() - 1;
        let layers = snapshot.layers_mut(architecture);
        for (index, ((layer, parts), scratch)) in layers.zip(scratch).enumerate() {
            let [values, velocity, _, gradient] = parts;
            let count = layer.fan_in * layer.fan_out;
            let (weights, biases) = values.split_at_mut(count);
            let (of_weights, of_biases) = velocity.split_at_mut(count);
            let (gradient, bias_gradient) = gradient.split_at_mut(count);
            let (rate, weight_decay) = if index < last {
                (learning_rate * self.rate, WeightDecay::L2(self.decay))
            } else {
                (learning_rate, weight_decay)
            };
            let decay = weight_decay.scaled(rate);
            Sgd.begin(slot(weights), decay);
            if index < last {
                let numbers = (rate, self.momentum);
                step(
                    weights,
                    of_weights,
                    gradient,
                    layer.fan_out,
                    numbers,
                    scratch,
                );
            } else {
                nesterov(weights, of_weights, gradient, (rate, self.others));
            }
            Sgd.end(slot(weights), decay);
            let numbers = (learning_rate, self.others);
            nesterov(biases, of_biases, bias_gradient, numbers);
        }
    }
}

fn slot(values: &mut [f32]) -> Slot<'_> {
    Slot {
        values,
        ..Slot::default()
    }
}

/// `v <- mu v + g`, then `w <- w - eta (g + mu v)`: Nesterov's momentum, seen from `w + mu v`.
#[inline(always)]
fn nesterov(
    values: &mut [f32],
    velocity: &mut [f32],
    gradient: &[f32],
    (rate, momentum): (f32, f32),
) {
    for ((value, velocity), gradient) in values.iter_mut().zip(velocity).zip(gradient) {
        *velocity = momentum * *velocity + gradient;
        *value -= rate * (gradient + momentum * *velocity);
    }
}

/// One step, with Nesterov's form of momentum: `v <- mu v + g`, then
/// `w <- w - eta s O(g + mu v)`, where `O` is [`orthogonalize`] and `s` is
/// `sqrt(max(1, fan_out / fan_in))`. Weight decay is not part of it.
///
/// # Shapes
/// `weights`, `velocity`, `gradient`: `[fan_in][fan_out]`; `scratch`: made for these. `gradient` is
/// `g` on entry, and what the weights moved along on return.
#[inline(always)]
pub(super) fn step(
    weights: &mut [f32],
    velocity: &mut [f32],
    gradient: &mut [f32],
    fan_out: usize,
    (rate, momentum): (f32, f32),
    scratch: &mut Scratch,
) {
    for (velocity, gradient) in velocity.iter_mut().zip(&mut *gradient) {
        *velocity = momentum * *velocity + *gradient;
        *gradient += momentum * *velocity;
    }
    orthogonalize(gradient, fan_out, scratch);
    let fan_in = weights.len() / fan_out;
    let rate = rate * (fan_out as f32 / fan_in as f32).max(1.0).sqrt();
    kernel::subtract_scaled(weights, rate, gradient);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two steps at rate 0.02 in f64 by NumPy 2.4, from the code that Jordan published (momentum as
    /// a moving average, which the scale of the matrix takes back out). `torch.optim.Muon` of
    /// PyTorch 2.15, whose rounds are in bfloat16, is within 2.5e-4 of them.
    #[test]
    fn steps_are_those_of_the_published_code() {
        let wide_in = (
            3,
            [
                0.35, 0.82, 0.33, -1.3, 0.91, 0.45, -0.54, 0.58, 0.36, 0.29, 0.03, 0.55, -0.74,
                -0.16, -0.48,
            ],
            [
                [
                    0.6, 0.04, -0.29, -0.78, -0.26, 0.01, -0.28, 1.29, 1.01, -2.71, -1.89, -0.17,
                    -0.42, 0.21, 0.22,
                ],
                [
                    2.12, -1.11, -0.38, 2.04, 0.65, 0.66, -0.51, -1.65, 0.17, 0.11, -1.23, -0.68,
                    -0.07, -0.94, -0.1,
                ],
            ],
            [
                0.33400688,
                0.82288521,
                0.34519833,
                -1.30148568,
                0.89917686,
                0.45258683,
                -0.52833066,
                0.57584960,
                0.33459712,
                0.30776792,
                0.05050935,
                0.55296207,
                -0.73084673,
                -0.16389847,
                -0.47676075,
            ],
        );
        let wide_out = (
            5,
            [
                0.1, 0.04, -0.51, 0.59, 0.89, 0.32, -0.82, 0.73, -0.5, 0.88, -1.07, 0.91, -0.02,
                -1.25, -0.31,
            ],
            [
                [
                    0.05, 0.27, -0.98, -1.11, 0.2, -0.47, 0.24, 0.76, -1.65, 0.25, 1.22, -0.3,
                    -0.81, 0.75, 0.25,
                ],
                [
                    0.9, -0.35, -1.48, -0.11, -0.45, 0.78, 0.19, -1.63, -1.2, 0.88, 0.68, -0.64,
                    0.0, 0.45, 0.47,
                ],
            ],
            [
                0.09685139,
                0.03705804,
                -0.47309874,
                0.60644397,
                0.90331823,
                0.31387145,
                -0.82361408,
                0.72495805,
                -0.45959221,
                0.85775334,
                -1.10392890,
                0.92378813,
                -0.01461350,
                -1.26520887,
                -0.32894626,
            ],
        );
        for (fan_out, mut weights, gradients, expected) in [wide_in, wide_out] {
            let mut velocity = [0.0; 15];
            let mut scratch = Scratch::new(15 / fan_out, fan_out);
            for mut gradient in gradients {
                let rates = (0.02, 0.95);
                step(
                    &mut weights,
                    &mut velocity,
                    &mut gradient,
                    fan_out,
                    rates,
                    &mut scratch,
                );
            }
            for (found, expected) in weights.iter().zip(expected) {
                let off = (f64::from(*found) - expected).abs();
                assert!(off < 1e-6, "{found}, expected {expected}");
            }
        }
    }
}
