//! One dense layer: its parameters, its forward pass, and its backward pass with the update.
//!
//! [`Dense`] holds the numbers; the passes work on slices, so that a program that lays out
//! networks at run time trains with the very same code.

use core::marker::PhantomData;

use zerocopy::{FromBytes, Immutable, KnownLayout};

use crate::activation::{Activation, ActivationFunction};
use crate::architecture::LayerShape;
use crate::input::{Input, Masked, Scaled};
use crate::kernel;
use crate::optimizer::{Kept, Optimizer, Slot, Step, Zeroed};
use crate::regularization::{Dropout, Mask, WeightDecay, is_dropped};

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

    /// The weights and the biases, each with what is kept for them.
    pub(crate) fn slots<'a>(&'a mut self, kept: Kept<'a, Self>) -> [Slot<'a>; 2] {
        let split = |part: Option<&'a mut Self>| match part {
            Some(Self {
                weights, biases, ..
            }) => (weights.as_flattened_mut(), biases.as_mut_slice()),
            None => Default::default(),
        };
        let velocity = split(kept.velocity);
        let squares = split(kept.squares);
        let gradient = split(kept.gradient);
        [
            Slot {
                values: self.weights.as_flattened_mut(),
                velocity: velocity.0,
                squares: squares.0,
                gradient: gradient.0,
            },
            Slot {
                values: &mut self.biases,
                velocity: velocity.1,
                squares: squares.1,
                gradient: gradient.1,
            },
        ]
    }
}

/// `z = x W + b` for one sample.
///
/// # Shapes
/// `weights`: `[fan_in][fan_out]`, row-major; `biases`, `outputs`: `[fan_out]`.
#[inline(always)]
pub fn forward<I: Input + ?Sized>(input: &I, weights: &[f32], biases: &[f32], outputs: &mut [f32]) {
    kernel::copy(outputs, biases);
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
        step.optimizer.begin(biases.reborrow(), WeightDecay::None);
    }
    for delta in deltas.chunks_exact(fan_out) {
        O::accumulate(biases.reborrow(), step.rate, delta);
    }
    if step.last {
        step.optimizer.end(biases, WeightDecay::None);
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

/// The samples that feed a first layer, as dropout leaves them.
#[derive(Debug)]
pub struct Samples<'a, X, D> {
    /// A portion of a mini-batch.
    pub inputs: &'a [X],
    /// What drops inputs.
    pub dropout: &'a D,
    /// The place of the portion's first sample in the mini-batch.
    pub first: usize,
}

impl<X: Input, D: Dropout> Samples<'_, X, D> {
    /// Visits each sample, with its mask and what is left multiplied by, if inputs are dropped.
    #[inline(always)]
    fn for_each(&self, mut visit: impl FnMut(&X, Option<(D::Mask, f32)>)) {
        for (index, input) in self.inputs.iter().enumerate() {
            let mask = self.dropout.mask(0, self.first + index);
            let masked = D::ACTIVE && mask.is_active();
            visit(input, masked.then(|| (mask, self.dropout.scale(0))));
        }
    }
}

impl<X: Input, D: Dropout> Feed for Samples<'_, X, D> {
    #[inline(always)]
    fn forward(&self, weights: &[f32], biases: &[f32], outputs: &mut [f32]) {
        let fan_out = biases.len().max(1);
        let mut outputs = outputs.chunks_exact_mut(fan_out);
        self.for_each(
            #[inline(always)]
            |input, masked| {
                let Some(outputs) = outputs.next() else {
                    return;
                };
                match masked {
                    None => forward(input, weights, biases, outputs),
                    Some((mask, scale)) => {
                        let input = Masked { input, mask, scale };
                        forward(&input, weights, biases, outputs);
                    }
                }
            },
        );
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
        let mut deltas = deltas.chunks_exact(fan_out.max(1));
        self.for_each(
            #[inline(always)]
            |input, masked| {
                let Some(delta) = deltas.next() else { return };
                let moved = O::moved(weights.reborrow());
                match masked {
                    None => kernel::subtract_products(moved, step.rate, input, delta),
                    Some((mask, scale)) => {
                        let input = Masked { input, mask, scale };
                        kernel::subtract_products(moved, step.rate, &input, delta);
                    }
                }
            },
        );
        if step.last {
            step.optimizer.end(weights, step.decay);
        }
    }
}

/// The units of a hidden layer, which feed the layer above.
#[derive(Debug)]
pub struct Units<'a> {
    /// Shape `[samples][fan_in]`. Activations before dropout's scale, as
    /// [`drop_units`](crate::regularization::drop_units) leaves them; [`Feed::backward`] turns
    /// them into the deltas `dC/dz` of these units.
    pub values: &'a mut [f32],
    /// Units of the layer.
    pub fan_in: usize,
    /// The units' activation.
    pub activation: Activation,
    /// Whether any unit may be dropped.
    pub drops: bool,
    /// What kept activations are multiplied by.
    pub scale: f32,
}

impl Feed for Units<'_> {
    #[inline(always)]
    fn forward(&self, weights: &[f32], biases: &[f32], outputs: &mut [f32]) {
        let samples = self.values.chunks_exact(self.fan_in.max(1));
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
            drops,
            scale,
            ..
        } = self;
        let fan_in = self.fan_in.max(1);
        let fan_out = fan_out.max(1);
        for (unit, mut row) in O::rows(weights, fan_out).take(fan_in).enumerate() {
            let column = values.iter().skip(unit).step_by(fan_in);
            let samples = scratch
                .iter_mut()
                .zip(column)
                .zip(deltas.chunks_exact(fan_out));
            for ((own, &a), delta) in samples {
                *own = if drops && is_dropped(a) {
                    0.0
                } else {
                    kernel::dot(row.values, delta) * scale * activation.derivative(a)
                };
            }
            if step.first {
                step.optimizer.begin(row.reborrow(), step.decay);
            }
            let column = values.iter_mut().skip(unit).step_by(fan_in);
            let samples = scratch.iter().zip(column).zip(deltas.chunks_exact(fan_out));
            for ((&own, a), delta) in samples {
                let value = *a * scale;
                if value != 0.0 {
                    O::accumulate(row.reborrow(), step.rate * value, delta);
                }
                *a = own;
            }
            if step.last {
                step.optimizer.end(row, step.decay);
            }
        }
    }
}
