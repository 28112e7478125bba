//! A layer behind the first, of which every thread keeps all.

use std::ops::Range;

use thumbnet::dense::update_biases;
use thumbnet::input::Input;
use thumbnet::optimizer::{Optimizer, Step};
use thumbnet::regularization::{HashedMasks, drop_units, is_dropped};
use thumbnet::{LayerShape, WeightDecay, kernel};

use super::parameters::{Parameters, Parts};

/// The units of a layer, for each sample of a mini-batch. There are units that do not exist up to
/// a multiple of 8; their values stay zero.
pub(super) struct Hidden {
    /// `[samples][width]`: weighted inputs, then activations, then deltas.
    pub(super) values: Vec<f32>,
    pub(super) shape: LayerShape,
    /// What kept activations are multiplied by.
    pub(super) scale: f32,
    /// Where deltas are put while the activations are still needed.
    deltas: Vec<f32>,
}

impl Hidden {
    pub(super) fn new(shape: LayerShape, scale: f32) -> Self {
        Self {
            values: Vec::new(),
            shape,
            scale,
            deltas: Vec::new(),
        }
    }

    pub(super) fn width(&self) -> usize {
        self.shape.fan_out.next_multiple_of(8)
    }

    /// Makes room for a mini-batch.
    pub(super) fn resize(&mut self, samples: usize) {
        self.values.resize(samples * self.width(), 0.0);
    }

    /// Turns weighted inputs into activations, and silences dropped units; `layer` counts from 1.
    #[inline(always)]
    fn activate(&mut self, masks: Option<HashedMasks>, layer: usize) {
        let width = self.width();
        for (sample, values) in self.values.chunks_exact_mut(width).enumerate() {
            let values = &mut values[..self.shape.fan_out];
            self.shape.activation.apply(values);
            if let Some(masks) = masks {
                drop_units(values, &masks.mask(layer, sample));
            }
        }
    }
}

/// A layer's parameters. Its fan-in and fan-out are multiples of 8 by weights that stay zero.
pub(super) struct Layer {
    pub(super) units: Hidden,
    /// `[fan_in][width]`.
    weights: Parameters,
    /// `[width]`.
    biases: Parameters,
    /// `[fan_out][fan_in]`.
    transposed: Vec<f32>,
}

impl Layer {
    pub(super) fn new(
        shape: LayerShape,
        weights: Parts<'_>,
        biases: Parts<'_>,
        keeps_gradient: bool,
        scale: f32,
    ) -> Self {
        let fan_in = shape.fan_in.next_multiple_of(8);
        let mut layer = Self {
            weights: Parameters::default(),
            biases: Parameters::default(),
            transposed: vec![0.0; fan_in * shape.fan_out],
            units: Hidden::new(shape, scale),
        };
        layer.load(weights, biases);
        if keeps_gradient {
            layer.weights.make_gradient();
            layer.biases.make_gradient();
        }
        layer
    }

    /// Takes over the parameters, and what is kept for them.
    pub(super) fn load(&mut self, weights: Parts<'_>, biases: Parts<'_>) {
        let (shape, width) = (self.units.shape, self.units.width());
        let widen = |rows: &[f32], count: usize| {
            let mut wide = vec![0.0; count * width];
            let wide_rows = wide.chunks_exact_mut(width);
            for (wide, row) in wide_rows.zip(rows.chunks_exact(shape.fan_out)) {
                wide[..row.len()].copy_from_slice(row);
            }
            wide
        };
        let fan_in = shape.fan_in.next_multiple_of(8);
        self.weights.set(weights, |rows| widen(rows, fan_in));
        self.biases.set(biases, |rows| widen(rows, 1));
    }

    /// The parameters and what is kept for them, without what was added to them, in the order of
    /// the weights file.
    pub(super) fn store(&self, layer: [&mut [f32]; 4]) {
        let LayerShape {
            fan_in, fan_out, ..
        } = self.units.shape;
        let width = self.units.width();
        let parts = self.weights.parts().into_iter().zip(self.biases.parts());
        for (layer, (weights, biases)) in layer.into_iter().zip(parts) {
            let rows = weights.chunks_exact(width).take(fan_in);
            let rows = rows.chain(biases.chunks_exact(width));
            for (layer, row) in layer.chunks_exact_mut(fan_out).zip(rows) {
                layer.copy_from_slice(&row[..fan_out]);
            }
        }
    }

    /// Goes to where the gradient is taken.
    #[inline(always)]
    pub(super) fn look_ahead(&mut self, optimizer: impl Optimizer) {
        optimizer.look_ahead(self.weights.slot());
        optimizer.look_ahead(self.biases.slot());
    }

    /// Adds the squares of the gradient.
    pub(super) fn add_squares(&self, total: &mut f32) {
        for parameters in [&self.weights, &self.biases] {
            kernel::add_squares(total, &parameters.gradient, self.units.width());
        }
    }

    /// Moves the parameters by the whole gradient.
    #[inline(always)]
    pub(super) fn apply<O: Optimizer>(
        &mut self,
        optimizer: O,
        learning_rate: f32,
        weight_decay: WeightDecay,
        factor: f32,
    ) {
        optimizer.apply(self.weights.slot(), learning_rate, weight_decay, factor);
        optimizer.apply(self.biases.slot(), learning_rate, WeightDecay::None, factor);
    }

    /// Weighted inputs of each sample, and their activations unless this is the last layer.
    /// `layer` counts from 1.
    #[inline(always)]
    pub(super) fn forward(
        &mut self,
        below: &Hidden,
        masks: Option<HashedMasks>,
        layer: usize,
        is_last: bool,
    ) {
        self.units.resize(below.values.len() / below.width());
        let width = self.units.width();
        let samples = self.units.values.chunks_exact_mut(width);
        for (outputs, values) in samples.zip(below.values.chunks_exact(below.width())) {
            outputs.copy_from_slice(&self.biases.values);
            let input = Strided {
                values,
                stride: 1,
                scale: below.scale,
                rate: 1.0,
            };
            forward(&input, &self.weights.values, outputs);
        }
        if !is_last {
            self.units.activate(masks, layer);
        }
    }

    /// Moves the parameters, and turns the activations of `units` below into deltas: to the bit
    /// what core's `Units` do, with more memory. `units` begin at a multiple of 8; those of other
    /// threads become nothing that is used.
    #[inline(always)]
    pub(super) fn backward<O: Optimizer>(
        &mut self,
        below: &mut Hidden,
        units: Range<usize>,
        drops: bool,
        step: &Step<O>,
    ) {
        self.deltas_below(below, units, drops);
        self.update(below, step);
        std::mem::swap(&mut below.values, &mut below.deltas);
    }

    /// `delta_i = scale a'_i sum over j of w_ij delta_j` for each sample. The sum is
    /// [`kernel::dot`]'s, made for eight units at once: lane `k` of all eight is one vector.
    #[inline(always)]
    fn deltas_below(&mut self, below: &mut Hidden, units: Range<usize>, drops: bool) {
        let (start, count) = (units.start / 8, units.len().div_ceil(8));
        let width = self.units.width();
        let fan_in = below.width();
        let scale = below.scale;
        for (i, row) in self.weights.values.chunks_exact(width).enumerate() {
            for (j, &weight) in row.iter().take(self.units.shape.fan_out).enumerate() {
                self.transposed[j * fan_in + i] = weight;
            }
        }
        below.deltas.resize(below.values.len(), 0.0);
        let samples = self.units.values.chunks_exact(width);
        let below_samples = below.values.chunks_exact(fan_in);
        let below_deltas = below.deltas.chunks_exact_mut(fan_in);
        for ((deltas, values), own_deltas) in samples.zip(below_samples).zip(below_deltas) {
            let blocks = own_deltas.as_chunks_mut::<8>().0.iter_mut();
            let blocks = blocks.zip(values.as_chunks::<8>().0);
            for (block, (own, a)) in blocks.enumerate().skip(start).take(count) {
                let mut lanes = [[0.0_f32; 8]; 8];
                let mut rows = self.transposed.chunks_exact(fan_in).zip(deltas);
                while rows.len() > 0 {
                    for lane in &mut lanes {
                        let Some((row, &delta)) = rows.next() else {
                            break;
                        };
                        let Some(weights) = row.as_chunks::<8>().0.get(block) else {
                            continue;
                        };
                        for (sum, weight) in lane.iter_mut().zip(weights) {
                            *sum += weight * delta;
                        }
                    }
                }
                let [l0, l1, l2, l3, l4, l5, l6, l7] = lanes;
                for unit in 0..8 {
                    let even = (l0[unit] + l4[unit]) + (l2[unit] + l6[unit]);
                    let odd = (l1[unit] + l5[unit]) + (l3[unit] + l7[unit]);
                    let derivative = below.shape.activation.derivative(a[unit]);
                    let delta = (even + odd) * scale * derivative;
                    let dropped = drops && is_dropped(a[unit]);
                    own[unit] = if dropped { 0.0 } else { delta };
                }
            }
        }
    }

    /// Row by row, each weight's samples in the order of the contract.
    #[inline(always)]
    fn update<O: Optimizer>(&mut self, below: &Hidden, step: &Step<O>) {
        let width = self.units.width();
        let deltas = self.units.values.as_slice();
        for (unit, mut row) in O::rows(self.weights.slot(), width).enumerate() {
            step.optimizer.begin(row.reborrow(), step.decay);
            if unit < below.shape.fan_out {
                let samples = Strided {
                    values: below.values.get(unit..).unwrap_or_default(),
                    stride: below.width(),
                    scale: below.scale,
                    rate: -step.rate,
                };
                forward(&samples, deltas, O::moved(row.reborrow()));
            }
            step.optimizer.end(row, step.decay);
        }
        update_biases(self.biases.slot(), deltas, step);
    }
}

/// [`kernel::forward`] with the widths of the usual last layers, up to 8 and up to 16 classes, as
/// constants.
#[inline(always)]
fn forward(input: &Strided<'_>, weights: &[f32], outputs: &mut [f32]) {
    match outputs.len() {
        8 => kernel::forward_wide::<1, _>(input, weights, 1.0, outputs),
        16 => kernel::forward_wide::<2, _>(input, weights, 1.0, outputs),
        _ => kernel::forward(input, weights, outputs),
    }
}

/// `rate x (scale x activation)`, of all units in one sample or of one unit in all samples.
struct Strided<'a> {
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
