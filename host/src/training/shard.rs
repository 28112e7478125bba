//! One thread's part of a network in training: some units of the first layer, and all of the
//! layers behind it.
//!
//! The first layer holds nearly all weights and takes nearly all time. Its units are shared out:
//! a thread keeps its own columns of the weights close to its core, and no other thread ever reads
//! or writes them. What the threads exchange is one float a unit and sample. The layers behind
//! are small, and every thread computes all of them: the same numbers, in the same order, so all
//! copies keep the same bits. Each sum is made by one thread in the order of the contract, so any
//! number of threads gives the bits of one.

use std::ops::Range;

use rand_xorshift::XorShiftRng;
use thumbnet::dense::{Feed, Step, Units, update_biases};
use thumbnet::input::Input;
use thumbnet::kernel;
use thumbnet::network::drop_units;
use thumbnet::optimizer::{Optimizer, Slot};
use thumbnet::regularization::{DropUnits, Dropout};
use thumbnet::{LayerShape, Momentum, Sgd};

use super::Hyperparameters;
use super::exchange::Exchange;
use super::sparse::SparseImages;
use crate::model::Model;

/// A layer's numbers, with the room that a mini-batch needs.
struct Layer {
    shape: LayerShape,
    /// Weights `[fan_in][fan_out]`, then biases.
    parameters: Vec<f32>,
    /// As long as `parameters`, or empty.
    velocity: Vec<f32>,
    /// `[samples][fan_out]`: activations, then deltas.
    units: Vec<f32>,
    /// Which units are dropped.
    dropped: Vec<bool>,
}

impl Layer {
    fn new(shape: LayerShape, parameters: Vec<f32>, momentum: bool) -> Self {
        let velocity = if momentum {
            vec![0.0; parameters.len()]
        } else {
            Vec::new()
        };
        let dropped = vec![false; shape.fan_out];
        Self {
            shape,
            parameters,
            velocity,
            units: Vec::new(),
            dropped,
        }
    }

    fn split(&self) -> (&[f32], &[f32]) {
        self.parameters
            .split_at(self.shape.fan_in * self.shape.fan_out)
    }

    fn slots(&mut self) -> [Slot<'_>; 2] {
        let weights = self.shape.fan_in * self.shape.fan_out;
        let (values, biases) = self.parameters.split_at_mut(weights);
        let kept = weights.min(self.velocity.len());
        let (velocity, velocity_of_biases) = self.velocity.split_at_mut(kept);
        [
            Slot { values, velocity },
            Slot {
                values: biases,
                velocity: velocity_of_biases,
            },
        ]
    }
}

/// What a thread works on for one mini-batch.
pub(super) struct Batch<'a> {
    pub(super) round: usize,
    pub(super) samples: &'a [u32],
    pub(super) images: &'a SparseImages<'a>,
    pub(super) exchange: &'a Exchange,
}

/// One thread's part of a network.
pub(super) struct Shard {
    thread: usize,
    threads: usize,
    /// Units of the first layer that are this thread's.
    own: Range<usize>,
    /// The first layer with the own units alone, and units without weights up to a multiple of 8.
    first: Layer,
    /// Units of `first`, or 0 if the thread has none of its own.
    stride: usize,
    /// The first layer's shape, units of every thread.
    whole: LayerShape,
    /// `[samples][whole.fan_out]`: the first layer's activations, then deltas.
    gathered: Vec<f32>,
    /// Which of the first layer's units are dropped.
    dropped: Vec<bool>,
    rest: Vec<Layer>,
    hyperparameters: Hyperparameters,
    scratch: Vec<f32>,
    /// The transposed mini-batch.
    columns: Columns,
}

/// The columns that `thread` of `threads` keeps: blocks of 8 units, as evenly as they go.
fn columns(units: usize, thread: usize, threads: usize) -> Range<usize> {
    let blocks = units.div_ceil(8);
    let edge = |thread: usize| (blocks * thread / threads * 8).min(units);
    edge(thread)..edge(thread + 1)
}

impl Shard {
    pub(super) fn new(
        model: &Model,
        hyperparameters: Hyperparameters,
        thread: usize,
        threads: usize,
    ) -> Self {
        let momentum = hyperparameters.momentum != 0.0;
        let mut layers = model.layers();
        let (whole, weights, biases) = layers.next().expect("a network has at least one layer");
        let own = columns(whole.fan_out, thread, threads);
        let stride = own.len().next_multiple_of(8);
        let mut parameters = Vec::with_capacity((whole.fan_in + 1) * stride);
        for row in weights.chunks_exact(whole.fan_out).chain([biases]) {
            parameters.extend_from_slice(&row[own.clone()]);
            parameters.resize(parameters.len().next_multiple_of(8), 0.0);
        }
        let shape = LayerShape {
            fan_out: stride,
            ..whole
        };
        let rest = layers
            .map(|(shape, weights, biases)| Layer::new(shape, [weights, biases].concat(), momentum))
            .collect();
        Self {
            thread,
            threads,
            own,
            stride,
            first: Layer::new(shape, parameters, momentum),
            whole,
            gathered: Vec::new(),
            dropped: vec![false; whole.fan_out],
            rest,
            hyperparameters,
            scratch: vec![0.0; hyperparameters.batch_size],
            columns: Columns::new(whole.fan_in),
        }
    }

    pub(super) fn set_learning_rate(&mut self, learning_rate: f32) {
        self.hyperparameters.learning_rate = learning_rate;
    }

    /// Writes this thread's parameters back: its own columns, and from thread 0 the other layers.
    pub(super) fn store(&self, model: &mut Model) {
        let (first, rest) = model.parameters.split_at_mut(self.whole.parameters());
        if !self.own.is_empty() {
            let (weights, biases) = first.split_at_mut(self.whole.fan_in * self.whole.fan_out);
            let rows = weights.chunks_exact_mut(self.whole.fan_out).chain([biases]);
            for (row, own) in rows.zip(self.first.parameters.chunks_exact(self.stride)) {
                row[self.own.clone()].copy_from_slice(&own[..self.own.len()]);
            }
        }
        if self.thread == 0 {
            let mut rest = rest;
            for layer in &self.rest {
                let (own, behind) = rest.split_at_mut(layer.parameters.len());
                own.copy_from_slice(&layer.parameters);
                rest = behind;
            }
        }
    }

    /// Trains on one mini-batch; returns the sum of its samples' costs before the step.
    #[inline(always)]
    pub(super) fn train(&mut self, batch: &Batch<'_>, rng: &mut XorShiftRng) -> f32 {
        if self.hyperparameters.momentum == 0.0 {
            self.train_with(Sgd, batch, rng)
        } else {
            self.train_with(Momentum(self.hyperparameters.momentum), batch, rng)
        }
    }

    #[inline(always)]
    fn train_with<O: Optimizer>(
        &mut self,
        optimizer: O,
        batch: &Batch<'_>,
        rng: &mut XorShiftRng,
    ) -> f32 {
        let Hyperparameters {
            cost,
            learning_rate,
            weight_decay,
            dropout,
            ..
        } = self.hyperparameters;
        let samples = batch.samples.len();
        let step = Step {
            optimizer,
            rate: learning_rate / samples as f32,
            decay: learning_rate * weight_decay,
            first: true,
            last: true,
        };
        let mut scale = 1.0;
        if let Some(mut dropout) = DropUnits::new(dropout, rng).filter(|_| dropout > 0.0) {
            scale = dropout.scale();
            if let Some((_, hidden)) = self.rest.split_last_mut() {
                dropout.draw(&mut self.dropped);
                for layer in hidden {
                    dropout.draw(&mut layer.dropped);
                }
            }
        }

        self.forward_first(batch);
        self.gather(batch);

        // Forward through the layers behind; `below` is what feeds each of them.
        let last = self.rest.len().checked_sub(1);
        let mut below = &mut self.gathered;
        let (mut activation, mut dropped) = (self.whole.activation, &self.dropped);
        for (index, layer) in self.rest.iter_mut().enumerate() {
            layer.units.resize(samples * layer.shape.fan_out, 0.0);
            let (weights, biases) = layer
                .parameters
                .split_at(layer.shape.fan_in * layer.shape.fan_out);
            let feed = Units {
                values: below,
                activation,
                dropped,
                scale,
            };
            feed.forward(weights, biases, &mut layer.units);
            if Some(index) != last {
                for values in layer.units.chunks_exact_mut(layer.shape.fan_out) {
                    layer.shape.activation.apply(values);
                    drop_units(values, &layer.dropped);
                }
            }
            (below, activation, dropped) =
                (&mut layer.units, layer.shape.activation, &layer.dropped);
        }

        // `below` now holds the last layer's weighted inputs.
        let mut cost_sum = 0.0;
        let classes = below.len() / samples;
        for (values, &sample) in below.chunks_exact_mut(classes).zip(batch.samples) {
            cost_sum += cost.deltas(activation, values, batch.images.label(sample as usize));
        }

        // Backward: each layer's deltas move its weights and become those of the layer below.
        for index in (0..self.rest.len()).rev() {
            let (lower, upper) = self.rest.split_at_mut(index);
            let layer = &mut upper[0];
            let feed = match lower.last_mut() {
                Some(lower) => Units {
                    values: &mut lower.units,
                    activation: lower.shape.activation,
                    dropped: &lower.dropped,
                    scale,
                },
                None => Units {
                    values: &mut self.gathered,
                    activation: self.whole.activation,
                    dropped: &self.dropped,
                    scale,
                },
            };
            let deltas = std::mem::take(&mut layer.units);
            let fan_out = layer.shape.fan_out;
            let [weights, biases] = layer.slots();
            // The commonest width as a constant: short rows are then unrolled.
            if fan_out == 10 {
                feed.backward(weights, &deltas, 10, &step, &mut self.scratch);
            } else {
                feed.backward(weights, &deltas, fan_out, &step, &mut self.scratch);
            }
            update_biases(biases, &deltas, &step);
            layer.units = deltas;
        }

        // The own columns of the first layer's deltas.
        if self.stride > 0 {
            let gathered = self.gathered.chunks_exact(self.whole.fan_out);
            for (own, whole) in self.first.units.chunks_exact_mut(self.stride).zip(gathered) {
                let (own, padding) = own.split_at_mut(self.own.len());
                own.copy_from_slice(&whole[self.own.clone()]);
                padding.fill(0.0);
            }
            self.backward_first(batch, &step);
        }
        cost_sum
    }

    /// Weighted inputs of the own units, and their activations if another layer follows.
    #[inline(always)]
    fn forward_first(&mut self, batch: &Batch<'_>) {
        let fan_out = self.stride;
        let samples = batch.samples.len();
        let mut units = std::mem::take(&mut self.first.units);
        units.resize(samples * fan_out, 0.0);
        if fan_out > 0 {
            let (weights, biases) = self.first.split();
            for (outputs, &sample) in units.chunks_exact_mut(fan_out).zip(batch.samples) {
                outputs.copy_from_slice(biases);
                kernel::forward(&batch.images.image(sample as usize), weights, outputs);
                if !self.rest.is_empty() {
                    self.whole.activation.apply(outputs);
                    drop_units(outputs, &self.dropped[self.own.clone()]);
                }
            }
        }
        self.first.units = units;
    }

    /// Puts every thread's units side by side.
    #[inline(always)]
    fn gather(&mut self, batch: &Batch<'_>) {
        let samples = batch.samples.len();
        let whole = self.whole.fan_out;
        self.gathered.resize(samples * whole, 0.0);
        if self.threads > 1 {
            batch
                .exchange
                .post(self.thread, batch.round, &self.first.units);
        }
        for thread in 0..self.threads {
            let columns = columns(whole, thread, self.threads);
            if columns.is_empty() {
                continue;
            }
            let mut place = |units: &[f32]| {
                let rows = self.gathered.chunks_exact_mut(whole);
                let stride = columns.len().next_multiple_of(8);
                for (row, units) in rows.zip(units.chunks_exact(stride)) {
                    row[columns.clone()].copy_from_slice(&units[..columns.len()]);
                }
            };
            if thread == self.thread {
                place(&self.first.units);
            } else {
                batch.exchange.read(thread, batch.round, place);
            }
        }
    }

    /// Moves the first layer's own weights, row by row: a row is read and written once for all
    /// samples of the mini-batch, which for each weight come in the order of the contract.
    #[inline(always)]
    fn backward_first<O: Optimizer>(&mut self, batch: &Batch<'_>, step: &Step<O>) {
        let fan_out = self.stride;
        let deltas = std::mem::take(&mut self.first.units);
        let portions = batch.samples.len().div_ceil(PORTION);
        let portioned = batch
            .samples
            .chunks(PORTION)
            .zip(deltas.chunks(PORTION * fan_out));
        for (portion, (samples, deltas)) in portioned.enumerate() {
            let step = Step {
                first: portion == 0,
                last: portion + 1 == portions,
                ..*step
            };
            self.columns.fill(samples, batch.images, -step.rate);
            let [weights, _] = self.first.slots();
            for (row, place) in O::rows(weights, fan_out).zip(0..) {
                let mut row = row;
                if step.first {
                    step.optimizer.begin(row.reborrow(), step.decay);
                }
                let column = self.columns.column(place);
                if column.present != 0 {
                    kernel::forward(&column, deltas, O::moved(row.reborrow()));
                }
                if step.last {
                    O::end(row);
                }
            }
        }
        let [_, biases] = self.first.slots();
        update_biases(biases, &deltas, step);
        self.first.units = deltas;
    }
}

/// Samples of a mini-batch that are transposed together: as many as a word has bits.
const PORTION: usize = 64;

/// Samples of a mini-batch by input instead of by sample.
struct Columns {
    samples: usize,
    /// For each input, one bit a sample: whether the input is not zero there.
    present: Vec<u64>,
    /// `[inputs][samples]`: what a delta is multiplied by, where the bit is set.
    coefficients: Vec<f32>,
}

/// What one input is to each sample.
struct Column<'a> {
    present: u64,
    coefficients: &'a [f32],
}

impl Columns {
    fn new(inputs: usize) -> Self {
        Self {
            samples: 0,
            present: vec![0; inputs],
            coefficients: Vec::new(),
        }
    }

    /// Takes `samples`, every value multiplied by `rate`.
    #[inline(always)]
    fn fill(&mut self, samples: &[u32], images: &SparseImages<'_>, rate: f32) {
        self.samples = samples.len();
        self.present.fill(0);
        self.coefficients
            .resize(self.present.len() * PORTION.min(self.samples), 0.0);
        for (bit, &sample) in samples.iter().enumerate() {
            let image = images.image(sample as usize);
            for (&place, &value) in image.places.iter().zip(image.values) {
                self.present[place as usize] |= 1 << bit;
                self.coefficients[place as usize * self.samples + bit] = rate * value;
            }
        }
    }

    #[inline(always)]
    fn column(&self, place: usize) -> Column<'_> {
        let coefficients = &self.coefficients[place * self.samples..][..self.samples];
        Column {
            present: self.present[place],
            coefficients,
        }
    }
}

/// Pairs the samples in which the input is not zero with their rows.
impl Input for Column<'_> {
    #[inline(always)]
    fn for_each_nonzero<R>(
        &self,
        mut rows: impl Iterator<Item = R>,
        mut visit: impl FnMut(R, f32),
    ) {
        let mut left = self.present;
        let mut next = 0;
        while left != 0 {
            let sample = left.trailing_zeros() as usize;
            left &= left - 1;
            let Some(row) = rows.nth(sample - next) else {
                return;
            };
            next = sample + 1;
            visit(row, self.coefficients[sample]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_cover_every_unit_once() {
        for units in 1..300 {
            for threads in 1..9 {
                let all: Vec<usize> = (0..threads)
                    .flat_map(|thread| columns(units, thread, threads))
                    .collect();
                assert_eq!(all, (0..units).collect::<Vec<_>>());
            }
        }
    }
}
