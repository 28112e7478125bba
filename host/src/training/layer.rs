//! A layer behind the first: of its weights the rows that one thread moves, each of which belongs
//! to a unit below.

use std::ops::Range;

use thumbnet::dense::update_biases;
use thumbnet::optimizer::{Optimizer, Step};
use thumbnet::{LayerShape, WeightDecay, kernel};

use super::blocks::{self, COLUMNS, Matrix};
use super::hidden::Hidden;
use super::parameters::{Parameters, Parts};

/// A thread's rows of a layer. Their number and their width are multiples of 16 by weights that stay
/// zero.
pub(super) struct Layer {
    shape: LayerShape,
    /// The units below.
    rows: Range<usize>,
    width: usize,
    /// `[rows][width]`.
    weights: Parameters,
    /// `[width]`, or none: those of the layer's first rows have them.
    biases: Parameters,
    /// `[fan_out][rows]`.
    transposed: Vec<f32>,
}

impl Layer {
    pub(super) fn new(
        shape: LayerShape,
        rows: Range<usize>,
        (weights, biases): (Parts<'_>, Parts<'_>),
        keeps_gradient: bool,
    ) -> Self {
        let mut layer = Self {
            shape,
            width: shape.fan_out.next_multiple_of(COLUMNS),
            weights: Parameters::default(),
            biases: Parameters::default(),
            transposed: vec![0.0; rows.len().next_multiple_of(COLUMNS) * shape.fan_out],
            rows,
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
        let (fan_out, width) = (self.shape.fan_out, self.width);
        let widen = |rows: &[f32], count: usize| {
            let mut wide = vec![0.0; count * width];
            let wide_rows = wide.chunks_exact_mut(width);
            for (wide, row) in wide_rows.zip(rows.chunks_exact(fan_out)) {
                wide[..row.len()].copy_from_slice(row);
            }
            wide
        };
        let own = self.rows.start * fan_out..self.rows.end * fan_out;
        let own = weights.map(|part| part.get(own.clone()).unwrap_or_default());
        let count = self.rows.len().next_multiple_of(COLUMNS);
        self.weights.set(own, |rows| widen(rows, count));
        if self.has_biases() {
            self.biases.set(biases, |rows| widen(rows, 1));
        }
    }

    fn has_biases(&self) -> bool {
        self.rows.start == 0 && !self.rows.is_empty()
    }

    /// The parameters and what is kept for them, without what was added to them, in the order of
    /// the weights file: `layer` is all of the layer's.
    pub(super) fn store(&self, layer: [&mut [f32]; 4]) {
        let LayerShape {
            fan_in, fan_out, ..
        } = self.shape;
        let parts = self.weights.parts().into_iter().zip(self.biases.parts());
        for (layer, (weights, biases)) in layer.into_iter().zip(parts) {
            let (layer_weights, layer_biases) =
                layer.split_at_mut(layer.len().min(fan_in * fan_out));
            let own = layer_weights.chunks_exact_mut(fan_out);
            let own = own.skip(self.rows.start).take(self.rows.len());
            let biases = layer_biases
                .chunks_exact_mut(fan_out)
                .zip(biases.chunks_exact(self.width));
            for (layer, row) in own.zip(weights.chunks_exact(self.width)).chain(biases) {
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

    /// Adds the squares of the gradient, unit by unit, `weights` and `biases` apart.
    pub(super) fn add_squares(&self, weights: &mut [f32], biases: &mut [f32]) {
        for (sums, parameters) in [(weights, &self.weights), (biases, &self.biases)] {
            kernel::add_squares_by_column(sums, &parameters.gradient, self.width, 0);
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

    /// Makes the weights ready for [`sums_below`](Self::sums_below) of many samples.
    #[inline(always)]
    pub(super) fn transpose(&mut self) {
        let rows = self.rows.len().next_multiple_of(COLUMNS);
        for (i, row) in self.weights.values.chunks_exact(self.width).enumerate() {
            for (j, &weight) in row.iter().take(self.shape.fan_out).enumerate() {
                self.transposed[j * rows + i] = weight;
            }
        }
    }

    /// Adds what the units below give to the weighted inputs of each sample; the layer's first rows
    /// begin with the biases.
    #[inline(always)]
    pub(super) fn forward<const LANES: usize>(&self, below: &Hidden, outputs: &mut [f32]) {
        if self.has_biases() {
            for outputs in outputs.chunks_exact_mut(self.width) {
                outputs.copy_from_slice(&self.biases.values);
            }
        }
        let inputs = below.activations(self.rows.start);
        if inputs.is_plain {
            let weights = Matrix {
                values: &self.weights.values,
                width: self.width,
            };
            blocks::forward::<LANES>(inputs.matrix, self.rows.len(), weights, outputs);
        } else {
            for (sample, outputs) in outputs.chunks_exact_mut(self.width).enumerate() {
                let weights = &self.weights.values[..self.rows.len() * self.width];
                kernel::forward(&inputs.of_sample(sample), weights, outputs);
            }
        }
    }

    /// `sums_i = sum over j of w_ij delta_j` for each of the units `i` below and each sample: the sum
    /// is [`kernel::dot`]'s, of which products of padding are no part: they add 0.0 to what is not
    /// -0.0.
    ///
    /// # Shapes
    /// `deltas`: `[samples][width]`; `sums`: `[samples][below_width]`.
    #[inline(always)]
    pub(super) fn sums_below<const LANES: usize>(
        &self,
        deltas: &[f32],
        sums: &mut [f32],
        below_width: usize,
        is_transposed: bool,
    ) {
        let samples = deltas.chunks_exact(self.width);
        let samples = samples.zip(sums.chunks_exact_mut(below_width));
        if !is_transposed {
            for (deltas, sums) in samples {
                let rows = self.weights.values.chunks_exact(self.width);
                for (sum, row) in sums.iter_mut().skip(self.rows.start).zip(rows) {
                    *sum = dot(row, deltas);
                }
            }
            return;
        }
        // For many samples, sums are made for a vector of units at once, and lane `k` of all of them
        // is one vector.
        let rows = self.rows.len().next_multiple_of(COLUMNS);
        let transposed = Matrix {
            values: &self.transposed,
            width: rows,
        };
        for (deltas, sums) in samples {
            let deltas = &deltas[..self.shape.fan_out];
            let sums = &mut sums[self.rows.start..][..rows];
            let blocks = sums.as_chunks_mut::<LANES>().0.iter_mut().enumerate();
            for (block, sums) in blocks {
                *sums = blocks::dot::<LANES>(deltas, transposed, block * LANES);
            }
        }
    }

    /// Moves the parameters, or their gradient, by some of the mini-batch's samples, whose deltas
    /// `units` have: each weight's samples in the order of the contract.
    #[inline(always)]
    pub(super) fn update<const LANES: usize, O: Optimizer>(
        &mut self,
        below: &Hidden,
        units: &Hidden,
        step: &Step<O>,
    ) {
        let width = self.width;
        let deltas = units.values.as_slice();
        let own = self.rows.len() * width;
        if step.first {
            step.optimizer.begin(self.weights.slot(), step.decay);
        }
        let rows = &mut O::moved(self.weights.slot())[..own];
        let inputs = below.update_terms(self.rows.start, step.rate);
        if inputs.is_plain {
            let deltas = Matrix {
                values: deltas,
                width,
            };
            blocks::update::<LANES>(inputs.matrix, deltas, rows);
        } else {
            for (unit, row) in rows.chunks_exact_mut(width).enumerate() {
                kernel::forward(&inputs.of_unit(unit), deltas, row);
            }
        }
        if step.last {
            step.optimizer.end(self.weights.slot(), step.decay);
        }
        if self.has_biases() {
            update_biases(self.biases.slot(), deltas, step);
        }
    }
}

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
