//! The units of a layer: what they are for each sample of a mini-batch, forward and back.

use thumbnet::input::Input;
use thumbnet::regularization::{HashedMasks, drop_units, is_dropped};
use thumbnet::{Activation, LayerShape};

use super::blocks::{COLUMNS, Matrix};

/// The units of a layer, for each sample of a mini-batch. There are units that do not exist up to
/// a multiple of 16; their values stay zero.
pub(super) struct Hidden {
    /// `[samples][width]`: weighted inputs, then activations, then deltas.
    pub(super) values: Vec<f32>,
    pub(super) shape: LayerShape,
    /// What kept activations are multiplied by.
    scale: f32,
    /// Where deltas are put while the activations are still needed, and then what the update
    /// multiplies them with.
    deltas: Vec<f32>,
    /// Whether each activation goes into the sums of the layer behind just as it is: none is zero,
    /// which would be skipped, and none is scaled.
    is_plain: bool,
}

impl Hidden {
    pub(super) fn new(shape: LayerShape, scale: f32) -> Self {
        Self {
            values: Vec::new(),
            shape,
            scale,
            deltas: Vec::new(),
            is_plain: false,
        }
    }

    pub(super) fn width(&self) -> usize {
        self.shape.fan_out.next_multiple_of(COLUMNS)
    }

    /// Makes room for a mini-batch.
    pub(super) fn resize(&mut self, samples: usize) {
        self.values.resize(samples * self.width(), 0.0);
    }

    /// Makes room for the sums over the layer behind, `[samples][width]`.
    pub(super) fn sums_mut(&mut self) -> &mut [f32] {
        self.deltas.resize(self.values.len(), 0.0);
        &mut self.deltas
    }

    /// Turns the sums over the layer behind into deltas, which take the place of the activations.
    /// Of these remains what the update multiplies with: `-rate` times each where they are plain.
    #[inline(always)]
    pub(super) fn finish_deltas(&mut self, drops: bool, rate: f32) {
        // Which function it is, is not asked for each unit again.
        match self.shape.activation {
            Activation::Sigmoid => self.multiply_by_derivatives(Activation::Sigmoid),
            Activation::Tanh => self.multiply_by_derivatives(Activation::Tanh),
            Activation::Relu => self.multiply_by_derivatives(Activation::Relu),
            other => self.multiply_by_derivatives(other),
        }
        if drops {
            for (delta, &a) in self.deltas.iter_mut().zip(&self.values) {
                *delta = if is_dropped(a) { 0.0 } else { *delta };
            }
        }
        if self.is_plain {
            // Adding -rate x a x delta is what subtracting rate x a x delta is, to the bit.
            for activation in &mut self.values {
                *activation *= -rate;
            }
        }
        std::mem::swap(&mut self.values, &mut self.deltas);
    }

    /// `delta_i = scale a'_i sum_i`.
    #[inline(always)]
    fn multiply_by_derivatives(&mut self, activation: Activation) {
        let scale = self.scale;
        for (delta, &a) in self.deltas.iter_mut().zip(&self.values) {
            *delta = *delta * scale * activation.derivative(a);
        }
    }

    /// Looks for activations that are zero.
    #[inline(always)]
    pub(super) fn look_for_zeros(&mut self) {
        let mut zeros = 0;
        for values in self.values.chunks_exact(self.width()) {
            for &value in &values[..self.shape.fan_out] {
                zeros += u32::from(value == 0.0);
            }
        }
        self.is_plain = zeros == 0 && self.scale == 1.0;
    }

    /// Turns weighted inputs into activations, and silences dropped units; `layer` counts from 1,
    /// and `first` is the number of the first of these samples in the mini-batch.
    #[inline(always)]
    pub(super) fn activate(&mut self, masks: Option<HashedMasks>, layer: usize, first: usize) {
        let width = self.width();
        for (sample, values) in self.values.chunks_exact_mut(width).enumerate() {
            let values = &mut values[..self.shape.fan_out];
            self.shape.activation.apply(values);
            if let Some(masks) = masks {
                drop_units(values, &masks.mask(layer, first + sample));
            }
        }
    }

    /// Samples.
    pub(super) fn samples(&self) -> usize {
        self.values.len() / self.width()
    }

    /// The activations of the units from `first` on, before [`finish_deltas`](Self::finish_deltas).
    #[inline(always)]
    pub(super) fn activations(&self, first: usize) -> Inputs<'_> {
        self.inputs(&self.values, first, 1.0)
    }

    /// What the update multiplies deltas of the layer behind with, of the units from `first` on;
    /// after [`finish_deltas`](Self::finish_deltas), which was given the same `rate`.
    #[inline(always)]
    pub(super) fn update_terms(&self, first: usize, rate: f32) -> Inputs<'_> {
        self.inputs(&self.deltas, first, -rate)
    }

    #[inline(always)]
    fn inputs<'h>(&self, values: &'h [f32], first: usize, rate: f32) -> Inputs<'h> {
        Inputs {
            matrix: Matrix {
                values: values.get(first..).unwrap_or_default(),
                width: self.width(),
            },
            is_plain: self.is_plain,
            scale: self.scale,
            rate,
        }
    }
}

/// Inputs of a layer from the one below it.
#[derive(Clone, Copy)]
pub(super) struct Inputs<'a> {
    /// `[samples][width]`, without the units in front of the first.
    pub(super) matrix: Matrix<'a>,
    /// Whether they are used as they are, zeros too.
    pub(super) is_plain: bool,
    scale: f32,
    rate: f32,
}

impl<'a> Inputs<'a> {
    /// Of one sample.
    #[inline(always)]
    pub(super) fn of_sample(self, sample: usize) -> Strided<'a> {
        let start = sample * self.matrix.width;
        self.strided(start, 1)
    }

    /// Of one unit in all samples.
    #[inline(always)]
    pub(super) fn of_unit(self, unit: usize) -> Strided<'a> {
        self.strided(unit, self.matrix.width)
    }

    #[inline(always)]
    fn strided(self, start: usize, stride: usize) -> Strided<'a> {
        Strided {
            values: self.matrix.values.get(start..).unwrap_or_default(),
            stride,
            scale: self.scale,
            rate: self.rate,
        }
    }
}

/// `rate x (scale x activation)`, of all units in one sample or of one unit in all samples.
pub(super) struct Strided<'a> {
    /// The first value, and whatever follows.
    values: &'a [f32],
    /// From one value to the next.
    stride: usize,
    /// What dropout multiplies activations by.
    scale: f32,
    rate: f32,
}

impl Input for Strided<'_> {
    #[inline(always)]
    fn for_each_nonzero<R>(&self, rows: impl Iterator<Item = R>, mut visit: impl FnMut(R, f32)) {
        for (row, &value) in rows.zip(self.values.iter().step_by(self.stride)) {
            let value = value * self.scale;
            if value != 0.0 {
                visit(row, self.rate * value);
            }
        }
    }
}
