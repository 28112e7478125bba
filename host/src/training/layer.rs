//! A layer behind the first, of which every thread keeps all.

use std::ops::Range;

use thumbnet::dense::{Step, update_biases};
use thumbnet::input::Input;
use thumbnet::network::drop_units;
use thumbnet::optimizer::{Optimizer, Slot};
use thumbnet::{LayerShape, kernel};

/// The units of a layer, for each sample of a mini-batch. There are units that do not exist up to
/// a multiple of 8; they count as dropped, so they never contribute.
pub(super) struct Hidden {
    /// `[samples][width]`: weighted inputs, then activations, then deltas.
    pub(super) values: Vec<f32>,
    /// `[width]`.
    pub(super) dropped: Vec<bool>,
    pub(super) shape: LayerShape,
    /// Where deltas are put while the activations are still needed.
    deltas: Vec<f32>,
}

impl Hidden {
    pub(super) fn new(shape: LayerShape) -> Self {
        let mut dropped = vec![false; shape.fan_out];
        dropped.resize(shape.fan_out.next_multiple_of(8), true);
        Self {
            values: Vec::new(),
            dropped,
            shape,
            deltas: Vec::new(),
        }
    }

    pub(super) fn width(&self) -> usize {
        self.dropped.len()
    }

    /// Makes room for a mini-batch.
    pub(super) fn resize(&mut self, samples: usize) {
        self.values.resize(samples * self.width(), 0.0);
    }

    /// Turns weighted inputs into activations.
    #[inline(always)]
    fn activate(&mut self) {
        for values in self.values.chunks_exact_mut(self.dropped.len()) {
            self.shape.activation.apply(values);
            drop_units(values, &self.dropped);
        }
    }
}

/// A layer's parameters. Its fan-in and fan-out are multiples of 8 by weights that stay zero.
pub(super) struct Layer {
    pub(super) units: Hidden,
    /// `[fan_in][width]`.
    weights: Vec<f32>,
    /// `[width]`.
    biases: Vec<f32>,
    /// As long as `weights` and `biases`, or empty.
    velocity: [Vec<f32>; 2],
    /// `[fan_out][fan_in]`.
    transposed: Vec<f32>,
}

impl Layer {
    pub(super) fn new(
        shape: LayerShape,
        weights: &[f32],
        biases: &[f32],
        has_velocity: bool,
    ) -> Self {
        let units = Hidden::new(shape);
        let widen = |rows: &[f32], count: usize| {
            let mut wide = vec![0.0; count * units.width()];
            let wide_rows = wide.chunks_exact_mut(units.width());
            for (wide, row) in wide_rows.zip(rows.chunks_exact(shape.fan_out)) {
                wide[..row.len()].copy_from_slice(row);
            }
            wide
        };
        let fan_in = shape.fan_in.next_multiple_of(8);
        let (weights, biases) = (widen(weights, fan_in), widen(biases, 1));
        let velocity = if has_velocity {
            [vec![0.0; weights.len()], vec![0.0; biases.len()]]
        } else {
            Default::default()
        };
        let transposed = vec![0.0; fan_in * shape.fan_out];
        Self {
            units,
            weights,
            biases,
            velocity,
            transposed,
        }
    }

    /// The parameters without what was added to them, in the order of the weights file.
    pub(super) fn parameters(&self) -> impl Iterator<Item = f32> {
        let LayerShape {
            fan_in, fan_out, ..
        } = self.units.shape;
        let rows = self.weights.chunks_exact(self.units.width()).take(fan_in);
        let rows = rows.chain(self.biases.chunks_exact(self.units.width()));
        rows.flat_map(move |row| row.iter().take(fan_out).copied())
    }

    /// Weighted inputs of each sample, and their activations unless this is the last layer.
    #[inline(always)]
    pub(super) fn forward(&mut self, below: &mut Hidden, scale: f32, is_last: bool) {
        self.units.resize(below.values.len() / below.width());
        let width = self.units.width();
        let samples = self.units.values.chunks_exact_mut(width);
        for (outputs, values) in samples.zip(below.values.chunks_exact(below.width())) {
            outputs.copy_from_slice(&self.biases);
            let input = Strided {
                values,
                stride: 1,
                scale,
                rate: 1.0,
            };
            forward(&input, &self.weights, outputs);
        }
        if !is_last {
            self.units.activate();
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
        scale: f32,
        step: &Step<O>,
    ) {
        self.deltas_below(below, units, scale);
        self.update(below, scale, step);
        std::mem::swap(&mut below.values, &mut below.deltas);
    }

    /// `delta_i = scale a'_i sum over j of w_ij delta_j` for each sample. The sum is
    /// [`kernel::dot`]'s, made for eight units at once: lane `k` of all eight is one vector.
    #[inline(always)]
    fn deltas_below(&mut self, below: &mut Hidden, units: Range<usize>, scale: f32) {
        let (start, count) = (units.start / 8, units.len().div_ceil(8));
        let width = self.units.width();
        let fan_in = below.width();
        for (i, row) in self.weights.chunks_exact(width).enumerate() {
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
            let blocks = blocks
                .zip(values.as_chunks::<8>().0)
                .zip(below.dropped.as_chunks::<8>().0);
            for (block, ((own, a), dropped)) in blocks.enumerate().skip(start).take(count) {
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
                    own[unit] = if dropped[unit] { 0.0 } else { delta };
                }
            }
        }
    }

    /// Row by row, each weight's samples in the order of the contract.
    #[inline(always)]
    fn update<O: Optimizer>(&mut self, below: &Hidden, scale: f32, step: &Step<O>) {
        let width = self.units.width();
        let [velocity, velocity_of_biases] = &mut self.velocity;
        let deltas = self.units.values.as_slice();
        let weights = Slot {
            values: &mut self.weights,
            velocity,
        };
        for (unit, mut row) in O::rows(weights, width).enumerate() {
            step.optimizer.begin(row.reborrow(), step.decay);
            if !below.dropped[unit] {
                let samples = Strided {
                    values: below.values.get(unit..).unwrap_or_default(),
                    stride: below.width(),
                    scale,
                    rate: -step.rate,
                };
                forward(&samples, deltas, O::moved(row.reborrow()));
            }
            O::end(row);
        }
        let biases = Slot {
            values: &mut self.biases,
            velocity: velocity_of_biases,
        };
        update_biases(biases, deltas, step);
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
