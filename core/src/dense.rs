//! One dense layer: its parameters, its forward pass, and its backward pass with the update.
//!
//! [`Dense`] holds the numbers; the passes work on slices, so that a program that lays out
//! networks at run time trains with the very same code.

use core::marker::PhantomData;

use zerocopy::{FromBytes, Immutable, KnownLayout};

use crate::activation::{Activation, ActivationFunction};
use crate::architecture::LayerShape;
use crate::input::{Input, Scaled};
use crate::kernel;
use crate::optimizer::{Optimizer, Slot, Zeroed};

/// A layer in which every unit sees every input: `a = A(x W + b)`.
#[derive(Clone, Debug, FromBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Dense<const FAN_IN: usize, const FAN_OUT: usize, A> {
    /// `weights[i][j]` leads from input `i` to unit `j`: input-major, so that an input that is
    /// zero skips a row.
    pub weights: [[f32; FAN_OUT]; FAN_IN],
    /// One for each unit.
    pub biases: [f32; FAN_OUT],
    activation: PhantomData<A>,
}

impl<const FAN_IN: usize, const FAN_OUT: usize, A> Zeroed for Dense<FAN_IN, FAN_OUT, A> {
    const ZEROED: Self = Self {
        weights: [[0.0; FAN_OUT]; FAN_IN],
        biases: [0.0; FAN_OUT],
        activation: PhantomData,
    };
}

impl<const FAN_IN: usize, const FAN_OUT: usize, A: ActivationFunction> Dense<FAN_IN, FAN_OUT, A> {
    pub(crate) const SHAPE: LayerShape = LayerShape {
        fan_in: FAN_IN,
        fan_out: FAN_OUT,
        activation: A::ACTIVATION,
    };

    /// The weights and the biases, each with its velocity.
    pub(crate) fn slots<'a>(&'a mut self, velocity: Option<&'a mut Self>) -> [Slot<'a>; 2] {
        let (velocity_of_weights, velocity_of_biases) = match velocity {
            Some(velocity) => (
                velocity.weights.as_flattened_mut(),
                velocity.biases.as_mut_slice(),
            ),
            None => Default::default(),
        };
        [
            Slot {
                values: self.weights.as_flattened_mut(),
                velocity: velocity_of_weights,
            },
            Slot {
                values: &mut self.biases,
                velocity: velocity_of_biases,
            },
        ]
    }
}

/// One step over a mini-batch, or over a portion of one.
#[derive(Clone, Copy, Debug)]
pub struct Step<O> {
    /// The rule of the update.
    pub optimizer: O,
    /// Learning rate / samples in the mini-batch.
    pub rate: f32,
    /// Learning rate x weight decay.
    pub decay: f32,
    /// Whether this portion is the mini-batch's first.
    pub first: bool,
    /// Whether this portion is the mini-batch's last.
    pub last: bool,
}

/// `z = x W + b` for one sample.
///
/// # Shapes
/// `weights`: `[fan_in][fan_out]`, row-major; `biases`, `outputs`: `[fan_out]`.
#[inline(always)]
pub fn forward<I: Input + ?Sized>(input: &I, weights: &[f32], biases: &[f32], outputs: &mut [f32]) {
    for (output, bias) in outputs.iter_mut().zip(biases) {
        *output = *bias;
    }
    kernel::forward(input, weights, outputs);
}

/// Moves biases: their gradient is the delta itself.
///
/// # Shapes
/// `biases`: `[fan_out]`; `deltas`: `[samples][fan_out]`.
#[inline(always)]
pub fn update_biases<O: Optimizer>(mut biases: Slot<'_>, deltas: &[f32], step: &Step<O>) {
    let fan_out = biases.values.len().max(1);
    if step.first {
        step.optimizer.begin(biases.reborrow(), 0.0);
    }
    for delta in deltas.chunks_exact(fan_out) {
        O::accumulate(biases.reborrow(), step.rate, delta);
    }
    if step.last {
        O::end(biases);
    }
}

/// What a layer's inputs are while it trains: the samples, or the units of the layer below.
pub trait Feed {
    /// `z = x W + b` for each sample.
    ///
    /// # Shapes
    /// `outputs`: `[samples][fan_out]`.
    fn forward(&self, weights: &[f32], biases: &[f32], outputs: &mut [f32]);

    /// Moves the weights: `dC/dw_ij = sum over samples of x_i delta_j`. Units turn from
    /// activations into deltas at the same time.
    ///
    /// # Shapes
    /// `weights`: `[fan_in][fan_out]`; `deltas`: `[samples][fan_out]`; `scratch`: `[samples]`.
    fn backward<O: Optimizer>(
        self,
        weights: Slot<'_>,
        deltas: &[f32],
        fan_out: usize,
        step: &Step<O>,
        scratch: &mut [f32],
    );
}

/// The samples that feed a first layer.
#[derive(Debug)]
pub struct Samples<'a, X>(pub &'a [X]);

impl<X: Input> Feed for Samples<'_, X> {
    #[inline(always)]
    fn forward(&self, weights: &[f32], biases: &[f32], outputs: &mut [f32]) {
        for (input, outputs) in self
            .0
            .iter()
            .zip(outputs.chunks_exact_mut(biases.len().max(1)))
        {
            forward(input, weights, biases, outputs);
        }
    }

    #[inline(always)]
    fn backward<O: Optimizer>(
        self,
        mut weights: Slot<'_>,
        deltas: &[f32],
        fan_out: usize,
        step: &Step<O>,
        _: &mut [f32],
    ) {
        if step.first {
            step.optimizer.begin(weights.reborrow(), step.decay);
        }
        for (input, delta) in self.0.iter().zip(deltas.chunks_exact(fan_out.max(1))) {
            input.for_each_nonzero(
                O::rows(weights.reborrow(), fan_out),
                #[inline(always)]
                |row, value| {
                    O::accumulate(row, step.rate * value, delta);
                },
            );
        }
        if step.last {
            O::end(weights);
        }
    }
}

/// The units of a hidden layer, which feed the layer above.
#[derive(Debug)]
pub struct Units<'a> {
    /// Shape `[samples][fan_in]`. Activations before dropout's scale, 0 for dropped units;
    /// [`Feed::backward`] turns them into the deltas `dC/dz` of these units.
    pub values: &'a mut [f32],
    /// The units' activation.
    pub activation: Activation,
    /// Which units are dropped; `[fan_in]`.
    pub dropped: &'a [bool],
    /// What kept activations are multiplied by.
    pub scale: f32,
}

impl Feed for Units<'_> {
    #[inline(always)]
    fn forward(&self, weights: &[f32], biases: &[f32], outputs: &mut [f32]) {
        let fan_in = self.dropped.len().max(1);
        let samples = self.values.chunks_exact(fan_in);
        for (values, outputs) in samples.zip(outputs.chunks_exact_mut(biases.len().max(1))) {
            forward(
                &Scaled {
                    values,
                    scale: self.scale,
                },
                weights,
                biases,
                outputs,
            );
        }
    }

    /// Row by row: the row's deltas first, from weights that have not moved, then the row itself.
    #[inline(always)]
    fn backward<O: Optimizer>(
        self,
        weights: Slot<'_>,
        deltas: &[f32],
        fan_out: usize,
        step: &Step<O>,
        scratch: &mut [f32],
    ) {
        let Self {
            values,
            activation,
            dropped,
            scale,
        } = self;
        let fan_in = dropped.len().max(1);
        let fan_out = fan_out.max(1);
        for (unit, (mut row, &dropped)) in O::rows(weights, fan_out).zip(dropped).enumerate() {
            if !dropped {
                let column = values.iter().skip(unit).step_by(fan_in);
                let samples = scratch
                    .iter_mut()
                    .zip(column)
                    .zip(deltas.chunks_exact(fan_out));
                for ((own, &a), delta) in samples {
                    *own = kernel::dot(row.values, delta) * scale * activation.derivative(a);
                }
            }
            if step.first {
                step.optimizer.begin(row.reborrow(), step.decay);
            }
            if !dropped {
                let column = values.iter_mut().skip(unit).step_by(fan_in);
                let samples = scratch.iter().zip(column).zip(deltas.chunks_exact(fan_out));
                for ((&own, a), delta) in samples {
                    let value = *a * scale;
                    if value != 0.0 {
                        O::accumulate(row.reborrow(), step.rate * value, delta);
                    }
                    *a = own;
                }
            }
            if step.last {
                O::end(row);
            }
        }
    }
}
