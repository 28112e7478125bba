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
use thumbnet::dense::Step;
use thumbnet::network::drop_units;
use thumbnet::optimizer::Optimizer;
use thumbnet::regularization::{DropUnits, Dropout};
use thumbnet::{LayerShape, Momentum, Sgd};

use super::columns::Columns;
use super::exchange::Exchange;
use super::layer::{Hidden, Layer};
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
    /// Which of the first layer's units are this thread's, and their panels.
    own: Range<usize>,
    panels: Vec<Panel>,
    /// All of the first layer's units.
    first: Hidden,
    rest: Vec<Layer>,
    hyperparameters: Hyperparameters,
    /// The mini-batch by input.
    columns: Columns,
    /// What is posted to the other threads.
    message: Vec<f32>,
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
        let own = units_of(thread, threads, first_shape.fan_out);
        let panels = panel::cut(own.clone())
            .map(|units| Panel::new(units, weights, biases, has_velocity, instructions))
            .collect();
        let rest = layers
            .map(|(shape, weights, biases)| Layer::new(shape, weights, biases, has_velocity))
            .collect();
        Self {
            thread,
            threads,
            instructions,
            own,
            panels,
            first: Hidden::new(first_shape),
            rest,
            hyperparameters,
            columns: Columns::new(first_shape.fan_in),
            message: Vec::new(),
        }
    }

    /// Writes this thread's parameters back: its own units, and from thread 0 the other layers.
    pub(super) fn store(&self, model: &mut Model) {
        let LayerShape {
            fan_in, fan_out, ..
        } = self.first.shape;
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
                self.forward_rest(scale);
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
            dropout.draw(&mut self.first.dropped[..self.first.shape.fan_out]);
            for layer in hidden {
                dropout.draw(&mut layer.units.dropped[..layer.units.shape.fan_out]);
            }
        }
        dropout.scale()
    }

    /// The first layer: own units, then everybody's side by side.
    fn forward_first(&mut self, batch: &Batch<'_>) {
        let width = self.first.width();
        self.first.resize(batch.samples.len());
        self.message.clear();
        for panel in &mut self.panels {
            panel.forward(batch.samples, batch.images);
            if !self.rest.is_empty() {
                let dropped = &self.first.dropped[panel.units.clone()];
                self.instructions.run(
                    #[inline(always)]
                    || {
                        for values in panel.values_mut() {
                            self.first.shape.activation.apply(values);
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
                let units = units_of(thread, self.threads, self.first.shape.fan_out);
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
    fn forward_rest(&mut self, scale: f32) {
        let last = self.rest.len().saturating_sub(1);
        let mut below = &mut self.first;
        for (index, layer) in self.rest.iter_mut().enumerate() {
            layer.forward(below, scale, index == last);
            below = &mut layer.units;
        }
    }

    /// Turns the last layer's weighted inputs into its deltas.
    #[inline(always)]
    fn cost(&mut self, batch: &Batch<'_>) -> f32 {
        let units = match self.rest.last_mut() {
            Some(layer) => &mut layer.units,
            None => &mut self.first,
        };
        let shape = units.shape;
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
            let (below, units) = match lower.last_mut() {
                Some(lower) => {
                    let all = 0..lower.units.shape.fan_out;
                    (&mut lower.units, all)
                }
                None => (&mut self.first, self.own.clone()),
            };
            upper[0].backward(below, units, scale, step);
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
