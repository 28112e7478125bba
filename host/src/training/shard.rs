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
use thumbnet::network::drop_units;
use thumbnet::optimizer::{Optimizer, Slot};
use thumbnet::regularization::{DropUnits, Dropout};
use thumbnet::{LayerShape, Momentum, Sgd};

use super::columns::Columns;
use super::exchange::Exchange;
use super::panel::{self, Panel};
use super::sparse::SparseImages;
use super::{Hyperparameters, Instructions};
use crate::model::Model;

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
    instructions: Instructions,
    /// The first layer's units that are this thread's.
    panels: Vec<Panel>,
    /// All of the first layer's units.
    first: Hidden,
    first_shape: LayerShape,
    rest: Vec<Layer>,
    hyperparameters: Hyperparameters,
    /// The mini-batch by input.
    columns: Columns,
    /// One float a sample.
    scratch: Vec<f32>,
    /// What is posted to the other threads.
    message: Vec<f32>,
}

/// Units as all threads see them. There are units that do not exist up to a multiple of 8; they
/// count as dropped, so they never contribute.
struct Hidden {
    /// `[samples][units]`: activations, then deltas.
    values: Vec<f32>,
    dropped: Vec<bool>,
}

impl Hidden {
    fn new(units: usize) -> Self {
        let mut dropped = vec![false; units];
        dropped.resize(units.next_multiple_of(8), true);
        Self {
            values: Vec::new(),
            dropped,
        }
    }

    fn width(&self) -> usize {
        self.dropped.len()
    }

    fn feed(&mut self, shape: LayerShape, scale: f32) -> Units<'_> {
        Units {
            values: &mut self.values,
            activation: shape.activation,
            dropped: &self.dropped,
            scale,
        }
    }
}

/// A layer behind the first. Its fan-in and fan-out are multiples of 8 by weights that stay zero.
struct Layer {
    shape: LayerShape,
    /// `[fan_in][fan_out]`.
    weights: Vec<f32>,
    biases: Vec<f32>,
    /// As long as `weights` and `biases`, or empty.
    velocity: [Vec<f32>; 2],
    units: Hidden,
}

impl Layer {
    fn new(shape: LayerShape, weights: &[f32], biases: &[f32], has_velocity: bool) -> Self {
        let width = shape.fan_out.next_multiple_of(8);
        let widen = |rows: &[f32], count: usize| {
            let mut wide = vec![0.0; count * width];
            let wide_rows = wide.chunks_exact_mut(width);
            for (wide, row) in wide_rows.zip(rows.chunks_exact(shape.fan_out)) {
                wide[..row.len()].copy_from_slice(row);
            }
            wide
        };
        let weights = widen(weights, shape.fan_in.next_multiple_of(8));
        let biases = widen(biases, 1);
        let velocity = if has_velocity {
            [vec![0.0; weights.len()], vec![0.0; biases.len()]]
        } else {
            Default::default()
        };
        Self {
            shape,
            weights,
            biases,
            velocity,
            units: Hidden::new(shape.fan_out),
        }
    }

    /// The parameters without what was added to them, in the order of the weights file.
    fn parameters(&self) -> impl Iterator<Item = f32> {
        let width = self.units.width();
        let rows = self.weights.chunks_exact(width).take(self.shape.fan_in);
        let rows = rows.chain(self.biases.chunks_exact(width));
        rows.flat_map(|row| row.iter().take(self.shape.fan_out).copied())
    }
}

/// The units that `thread` of `threads` keeps: blocks of 8, shared out as evenly as they go.
fn units_of(thread: usize, threads: usize, units: usize) -> Range<usize> {
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
        instructions: Instructions,
    ) -> Self {
        let has_velocity = hyperparameters.momentum != 0.0;
        let mut layers = model.layers();
        let (first_shape, weights, biases) = layers
            .next()
            .expect("an architecture has at least one layer");
        let panels = panel::cut(units_of(thread, threads, first_shape.fan_out))
            .map(|units| Panel::new(units, weights, biases, has_velocity, instructions))
            .collect();
        let rest = layers
            .map(|(shape, weights, biases)| Layer::new(shape, weights, biases, has_velocity))
            .collect();
        Self {
            thread,
            threads,
            instructions,
            panels,
            first: Hidden::new(first_shape.fan_out),
            first_shape,
            rest,
            hyperparameters,
            columns: Columns::new(first_shape.fan_in),
            scratch: vec![0.0; hyperparameters.batch_size],
            message: Vec::new(),
        }
    }

    pub(super) fn set_learning_rate(&mut self, learning_rate: f32) {
        self.hyperparameters.learning_rate = learning_rate;
    }

    /// Writes this thread's parameters back: its own units, and from thread 0 the other layers.
    pub(super) fn store(&self, model: &mut Model) {
        let LayerShape {
            fan_in, fan_out, ..
        } = self.first_shape;
        let (weights, behind) = model.parameters.split_at_mut(fan_in * fan_out);
        let (biases, behind) = behind.split_at_mut(fan_out);
        for panel in &self.panels {
            panel.store(weights, biases);
        }
        if self.thread == 0 {
            let own = self.rest.iter().flat_map(Layer::parameters);
            for (parameter, own) in behind.iter_mut().zip(own) {
                *parameter = own;
            }
        }
    }

    /// Trains on one mini-batch; returns the sum of its samples' costs before the step.
    pub(super) fn train(&mut self, batch: &Batch<'_>, rng: &mut XorShiftRng) -> f32 {
        if self.hyperparameters.momentum == 0.0 {
            self.train_with(Sgd, batch, rng)
        } else {
            self.train_with(Momentum(self.hyperparameters.momentum), batch, rng)
        }
    }

    fn train_with<O: Optimizer>(
        &mut self,
        optimizer: O,
        batch: &Batch<'_>,
        rng: &mut XorShiftRng,
    ) -> f32 {
        let learning_rate = self.hyperparameters.learning_rate;
        let step = Step {
            optimizer,
            rate: learning_rate / batch.samples.len() as f32,
            decay: learning_rate * self.hyperparameters.weight_decay,
            first: true,
            last: true,
        };
        let scale = self.draw_dropped(rng);
        self.forward_first(batch);
        let cost_sum = self.instructions.run(
            #[inline(always)]
            || {
                self.forward_rest(batch, scale);
                let cost_sum = self.cost(batch);
                self.backward_rest(&step, scale);
                cost_sum
            },
        );
        for panel in &mut self.panels {
            panel.pick_values(&self.first.values, self.first.width());
            panel.backward(batch.samples, batch.images, &mut self.columns, &step);
        }
        cost_sum
    }

    /// Draws which hidden units are dropped; returns what the others are multiplied by. Every
    /// thread draws the same.
    fn draw_dropped(&mut self, rng: &mut XorShiftRng) -> f32 {
        let rate = self.hyperparameters.dropout;
        let Some(mut dropout) = DropUnits::new(rate, rng).filter(|_| rate > 0.0) else {
            return 1.0;
        };
        if let Some((_, hidden)) = self.rest.split_last_mut() {
            dropout.draw(&mut self.first.dropped[..self.first_shape.fan_out]);
            for layer in hidden {
                dropout.draw(&mut layer.units.dropped[..layer.shape.fan_out]);
            }
        }
        dropout.scale()
    }

    /// The first layer: own units, then everybody's side by side.
    fn forward_first(&mut self, batch: &Batch<'_>) {
        let width = self.first.width();
        self.first.values.resize(batch.samples.len() * width, 0.0);
        self.message.clear();
        for panel in &mut self.panels {
            panel.forward(batch.samples, batch.images);
            if !self.rest.is_empty() {
                let dropped = &self.first.dropped[panel.units.clone()];
                self.instructions.run(
                    #[inline(always)]
                    || {
                        for values in panel.values_mut() {
                            self.first_shape.activation.apply(values);
                            drop_units(values, dropped);
                        }
                    },
                );
            }
            panel.place_values(&mut self.first.values, width);
            self.message.extend_from_slice(panel.values());
        }
        if self.threads == 1 {
            return;
        }
        batch.exchange.post(self.thread, batch.round, &self.message);
        for thread in (0..self.threads).filter(|&thread| thread != self.thread) {
            batch.exchange.read(thread, batch.round, |mut message| {
                let units = units_of(thread, self.threads, self.first_shape.fan_out);
                for units in panel::cut(units) {
                    let length = batch.samples.len() * panel::width(units.len());
                    let (values, others) = message.split_at(length.min(message.len()));
                    panel::place(units, values, &mut self.first.values, width);
                    message = others;
                }
            });
        }
    }

    /// The layers behind the first; the last one's weighted inputs are not yet activated.
    #[inline(always)]
    fn forward_rest(&mut self, batch: &Batch<'_>, scale: f32) {
        let last = self.rest.len().saturating_sub(1);
        let (mut below, mut below_shape) = (&mut self.first, self.first_shape);
        for (index, layer) in self.rest.iter_mut().enumerate() {
            let width = layer.units.width();
            layer.units.values.resize(batch.samples.len() * width, 0.0);
            let feed = below.feed(below_shape, scale);
            feed.forward(&layer.weights, &layer.biases, &mut layer.units.values);
            if index < last {
                for values in layer.units.values.chunks_exact_mut(width) {
                    layer.shape.activation.apply(values);
                    drop_units(values, &layer.units.dropped);
                }
            }
            (below, below_shape) = (&mut layer.units, layer.shape);
        }
    }

    /// Turns the last layer's weighted inputs into its deltas.
    #[inline(always)]
    fn cost(&mut self, batch: &Batch<'_>) -> f32 {
        let (units, shape) = match self.rest.last_mut() {
            Some(layer) => (&mut layer.units, layer.shape),
            None => (&mut self.first, self.first_shape),
        };
        let width = units.width();
        let mut sum = 0.0;
        for (values, &sample) in units.values.chunks_exact_mut(width).zip(batch.samples) {
            let label = batch.images.label(sample as usize);
            let values = &mut values[..shape.fan_out];
            sum += self
                .hyperparameters
                .cost
                .deltas(shape.activation, values, label);
        }
        sum
    }

    /// Last to second layer: deltas move the layer's weights and become those of the layer below.
    #[inline(always)]
    fn backward_rest<O: Optimizer>(&mut self, step: &Step<O>, scale: f32) {
        for index in (0..self.rest.len()).rev() {
            let (lower, upper) = self.rest.split_at_mut(index);
            let feed = match lower.last_mut() {
                Some(lower) => lower.units.feed(lower.shape, scale),
                None => self.first.feed(self.first_shape, scale),
            };
            let Layer {
                weights,
                biases,
                velocity,
                units,
                ..
            } = &mut upper[0];
            let [velocity, velocity_of_biases] = velocity;
            let weights = Slot {
                values: weights,
                velocity,
            };
            // The width of up to 16 classes as a constant: short rows are then unrolled.
            if units.width() == 16 {
                feed.backward(weights, &units.values, 16, step, &mut self.scratch);
            } else {
                feed.backward(
                    weights,
                    &units.values,
                    units.width(),
                    step,
                    &mut self.scratch,
                );
            }
            let biases = Slot {
                values: biases,
                velocity: velocity_of_biases,
            };
            update_biases(biases, &units.values, step);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_shared_out_once() {
        for units in 1..300 {
            for threads in 1..9 {
                let shared: Vec<usize> = (0..threads)
                    .flat_map(|thread| units_of(thread, threads, units))
                    .collect();
                assert_eq!(shared, (0..units).collect::<Vec<_>>());
            }
        }
    }
}
