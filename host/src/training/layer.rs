//! A layer behind the first, of which every thread keeps all.

use std::ops::Range;

use thumbnet::dense::update_biases;
use thumbnet::input::Input;
use thumbnet::optimizer::{Optimizer, Step};
use thumbnet::regularization::{HashedMasks, drop_units, is_dropped};
use thumbnet::{LayerShape, WeightDecay, kernel};

use super::blocks::{self, COLUMNS, Matrix};
use super::parameters::{Parameters, Parts};

/// The units of a layer, for each sample of a mini-batch. There are units that do not exist up to
/// a multiple of 16; their values stay zero.
pub(super) struct Hidden {
    /// `[samples][width]`: weighted inputs, then activations, then deltas.
    pub(super) values: Vec<f32>,
    pub(super) shape: LayerShape,
    /// What kept activations are multiplied by.
    pub(super) scale: f32,
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

    /// Turns the sums over the layer behind into deltas.
    #[inline(always)]
    fn finish_deltas(&mut self, drops: bool) {
        let width = self.width();
        let samples = self.values.chunks_exact(width);
        for (deltas, values) in self.deltas.chunks_exact_mut(width).zip(samples) {
            for (delta, &a) in deltas.iter_mut().zip(values) {
                *delta = *delta * self.scale * self.shape.activation.derivative(a);
            }
            if drops {
                for (delta, &a) in deltas.iter_mut().zip(values) {
                    *delta = if is_dropped(a) { 0.0 } else { *delta };
                }
            }
        }
    }

    /// Looks for activations that are zero.
    #[inline(always)]
    fn look_for_zeros(&mut self) {
        let mut zeros = 0;
        for values in self.values.chunks_exact(self.width()) {
            for &value in &values[..self.shape.fan_out] {
                zeros += u32::from(value == 0.0);
            }
        }
        self.is_plain = zeros == 0 && self.scale == 1.0;
    }

    /// Turns weighted inputs into activations, and silences dropped units; `layer` counts from 1.
    #[inline(always)]
    pub(super) fn activate(&mut self, masks: Option<HashedMasks>, layer: usize) {
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
        let fan_in = shape.fan_in.next_multiple_of(COLUMNS);
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
        let fan_in = shape.fan_in.next_multiple_of(COLUMNS);
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
    pub(super) fn forward<const LANES: usize>(
        &mut self,
        below: &mut Hidden,
        masks: Option<HashedMasks>,
        layer: usize,
        is_last: bool,
    ) {
        self.units.resize(below.values.len() / below.width());
        let width = self.units.width();
        for outputs in self.units.values.chunks_exact_mut(width) {
            outputs.copy_from_slice(&self.biases.values);
        }
        below.look_for_zeros();
        if below.is_plain {
            let inputs = Matrix {
                values: &below.values,
                width: below.width(),
            };
            let weights = Matrix {
                values: &self.weights.values,
                width,
            };
            let fan_in = below.shape.fan_out;
            blocks::forward::<LANES>(inputs, fan_in, weights, &mut self.units.values);
        } else {
            let samples = self.units.values.chunks_exact_mut(width);
            for (outputs, values) in samples.zip(below.values.chunks_exact(below.width())) {
                let input = Strided {
                    values,
                    stride: 1,
                    scale: below.scale,
                    rate: 1.0,
                };
                kernel::forward(&input, &self.weights.values, outputs);
            }
        }
        if !is_last {
            self.units.activate(masks, layer);
        }
    }

    /// Moves the parameters, and turns the activations of `units` below into deltas: to the bit
    /// what core's `Units` do, with more memory. Those of other threads become nothing that is
    /// used.
    #[inline(always)]
    pub(super) fn backward<const LANES: usize, O: Optimizer>(
        &mut self,
        below: &mut Hidden,
        units: Range<usize>,
        drops: bool,
        step: &Step<O>,
    ) {
        below.deltas.resize(below.values.len(), 0.0);
        if below.values.len() <= TRANSPOSES_FROM * below.width() {
            self.deltas_below_by_unit(below, units, drops);
        } else {
            self.deltas_below::<LANES>(below, units, drops);
        }
        // The old activations make room for the deltas once the weights have moved.
        std::mem::swap(&mut below.values, &mut below.deltas);
        self.update::<LANES, O>(below, step);
    }

    /// `delta_i = scale a'_i sum over j of w_ij delta_j` for each sample; the sum is
    /// [`kernel::dot`]'s, of which products of padding are no part: they add 0.0 to what is not
    /// -0.0.
    #[inline(always)]
    fn deltas_below_by_unit(&mut self, below: &mut Hidden, units: Range<usize>, drops: bool) {
        let (width, below_width) = (self.units.width(), below.width());
        let samples = self.units.values.chunks_exact(width);
        for (deltas, own) in samples.zip(below.deltas.chunks_exact_mut(below_width)) {
            let rows = self.weights.values.chunks_exact(width);
            for (own, row) in own.iter_mut().zip(rows).take(units.end).skip(units.start) {
                *own = dot(row, deltas);
            }
        }
        below.finish_deltas(drops);
    }

    /// The same for many samples: sums are made for a vector of units at once, and lane `k` of all
    /// of them is one vector.
    #[inline(always)]
    fn deltas_below<const LANES: usize>(
        &mut self,
        below: &mut Hidden,
        units: Range<usize>,
        drops: bool,
    ) {
        let (start, end) = (units.start / LANES, units.end.div_ceil(LANES));
        let width = self.units.width();
        let fan_in = below.width();
        for (i, row) in self.weights.values.chunks_exact(width).enumerate() {
            for (j, &weight) in row.iter().take(self.units.shape.fan_out).enumerate() {
                self.transposed[j * fan_in + i] = weight;
            }
        }
        let transposed = Matrix {
            values: &self.transposed,
            width: fan_in,
        };
        let samples = self.units.values.chunks_exact(width);
        for (deltas, own) in samples.zip(below.deltas.chunks_exact_mut(fan_in)) {
            let deltas = &deltas[..self.units.shape.fan_out];
            let blocks = own.as_chunks_mut::<LANES>().0.iter_mut().enumerate();
            for (block, own) in blocks.take(end).skip(start) {
                *own = blocks::dot::<LANES>(deltas, transposed, block * LANES);
            }
        }
        below.finish_deltas(drops);
    }

    /// Each weight's samples in the order of the contract. The activations below are where their
    /// deltas were.
    #[inline(always)]
    fn update<const LANES: usize, O: Optimizer>(&mut self, below: &mut Hidden, step: &Step<O>) {
        let width = self.units.width();
        let deltas = self.units.values.as_slice();
        step.optimizer.begin(self.weights.slot(), step.decay);
        let rows = O::moved(self.weights.slot());
        let below_width = below.width();
        if below.is_plain {
            // Adding -rate x a x delta is what subtracting rate x a x delta is, to the bit.
            for value in &mut below.deltas {
                *value *= -step.rate;
            }
            let inputs = Matrix {
                values: &below.deltas,
                width: below_width,
            };
            let deltas = Matrix {
                values: deltas,
                width,
            };
            blocks::update::<LANES>(inputs, deltas, &mut rows[..below.shape.fan_out * width]);
        } else {
            let rows = rows.chunks_exact_mut(width);
            for (unit, row) in rows.take(below.shape.fan_out).enumerate() {
                let samples = Strided {
                    values: below.deltas.get(unit..).unwrap_or_default(),
                    stride: below_width,
                    scale: below.scale,
                    rate: -step.rate,
                };
                kernel::forward(&samples, deltas, row);
            }
        }
        step.optimizer.end(self.weights.slot(), step.decay);
        update_biases(self.biases.slot(), deltas, step);
    }
}

/// Samples of a mini-batch from which on transposing the weights pays.
const TRANSPOSES_FROM: usize = 3;

/// [`kernel::dot`] of whole blocks of eight, its lanes halved by vectors.
#[inline(always)]
fn dot(left: &[f32], right: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; 8];
    for (left, right) in left.as_chunks::<8>().0.iter().zip(right.as_chunks::<8>().0) {
        for ((lane, left), right) in lanes.iter_mut().zip(left).zip(right) {
            *lane += left * right;
        }
    }
    let four: [f32; 4] = std::array::from_fn(|k| lanes[k] + lanes[k + 4]);
    let two: [f32; 2] = std::array::from_fn(|k| four[k] + four[k + 2]);
    two[0] + two[1]
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
