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

use rand_core::Rng;
use rand_xorshift::XorShiftRng;
use thumbnet::optimizer::{Clipped, Optimizer, Step, clip_factor};
use thumbnet::regularization::{HashedMasks, drop_units};
use thumbnet::{Architecture, LayerShape, Momentum, Nesterov, Sgd, WeightDecay};

use super::columns::{Columns, PORTION};
use super::exchange::Exchange;
use super::layer::{Hidden, Layer};
use super::mini_batch::{MiniBatch, fetch};
use super::muon::Muon;
use super::optimizer::{OptimizerChoice, with_optimizer};
use super::orthogonal::Scratch;
use super::panel::{self, Panel, Portion};
use super::parameters::Snapshot;
use super::sparse::SparseImages;
use super::{Hyperparameters, Instructions};

/// Samples of a mini-batch below which those of the next are fetched ahead; many samples are
/// fetched side by side anyway.
const FETCHES_BELOW: usize = 16;

/// What a thread works on for one mini-batch.
pub(super) struct Batch<'a> {
    pub(super) round: usize,
    /// The number of the step, counted from 1.
    pub(super) step: u32,
    pub(super) learning_rate: f32,
    pub(super) samples: &'a [u32],
    /// Those of the next mini-batch.
    pub(super) next: &'a [u32],
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
    mini_batch: MiniBatch,
    /// The mini-batch, or a portion of it, by input.
    columns: Columns,
    /// What is posted to the other threads.
    message: Vec<f32>,
    /// For each unit of the first layer, the sum of squares of its weights' gradient, and the
    /// square of its bias's.
    squares: [Vec<f32>; 2],
    architecture: Architecture,
    /// All parameters side by side, for Muon.
    whole: Snapshot,
    muon_scratch: Vec<Scratch>,
}

/// How a mini-batch moves the weights of the first layer.
enum Update {
    /// It is one sample, and other rows than those of its pixels are put off.
    OneSample,
    /// It is one portion, which is in columns, and rows that it does not touch are put off.
    TouchedRows,
    AllRows,
}

/// The units that `thread` of `threads` keeps: blocks of 8, shared out as evenly as they go.
fn units_of(thread: usize, threads: usize, units: usize) -> Range<usize> {
    let blocks = units.div_ceil(8);
    let edge = |thread: usize| (blocks * thread / threads * 8).min(units);
    edge(thread)..edge(thread + 1)
}

impl Shard {
    pub(super) fn new(
        architecture: &Architecture,
        snapshot: &Snapshot,
        hyperparameters: Hyperparameters,
        thread: usize,
        threads: usize,
        instructions: Instructions,
    ) -> Self {
        let keeps_gradient = hyperparameters.keeps_gradient();
        let rates = hyperparameters.dropout;
        let mut layers = snapshot.layers(architecture);
        let (shape, weights, biases) = layers
            .next()
            .expect("an architecture has at least one layer");
        let own = units_of(thread, threads, shape.fan_out);
        let panels = panel::cut(own.clone(), instructions)
            .map(|units| {
                Panel::new(
                    units,
                    shape.fan_out,
                    weights,
                    biases,
                    keeps_gradient,
                    instructions,
                )
            })
            .collect();
        let rest = layers
            .zip(2..)
            .map(|((shape, weights, biases), layer)| {
                Layer::new(shape, weights, biases, keeps_gradient, rates.scale(layer))
            })
            .collect();
        Self {
            thread,
            threads,
            instructions,
            own,
            panels,
            first: Hidden::new(shape, rates.scale(1)),
            rest,
            hyperparameters,
            mini_batch: MiniBatch::default(),
            columns: Columns::new(shape.fan_in),
            message: Vec::new(),
            squares: [vec![0.0; shape.fan_out], vec![0.0; shape.fan_out]],
            architecture: *architecture,
            whole: Snapshot::default(),
            muon_scratch: Vec::new(),
        }
    }

    /// Writes this thread's part back: its own units, and from thread 0 the other layers.
    pub(super) fn store(&self, snapshot: &mut Snapshot) {
        let LayerShape {
            fan_in, fan_out, ..
        } = self.first.shape;
        let first = (fan_in + 1) * fan_out;
        let mut parts = snapshot.parts_mut().map(|part| {
            let first = first.min(part.len());
            part.split_at_mut(first)
        });
        for panel in &self.panels {
            panel.store(parts.each_mut().map(|(first, _)| &mut **first), fan_out);
        }
        if self.thread > 0 {
            return;
        }
        let mut rest = parts.map(|(_, rest)| rest);
        for layer in &self.rest {
            let length = layer.units.shape.parameters();
            let own = rest.each_mut().map(|rest| {
                let length = length.min(rest.len());
                let (own, behind) = std::mem::take(rest).split_at_mut(length);
                *rest = behind;
                own
            });
            layer.store(own);
        }
    }

    /// Trains on one mini-batch; returns the sum of its samples' costs before the step. Every
    /// thread draws the same from its `rng`.
    pub(super) fn train(&mut self, batch: &Batch<'_>, rng: &mut XorShiftRng) -> f32 {
        let rates = self.hyperparameters.dropout;
        let masks = rates
            .layers
            .iter()
            .any(|&rate| rate > 0.0)
            .then(|| HashedMasks {
                rates,
                key: rng.next_u32(),
            });
        if self.hyperparameters.keeps_gradient() {
            // Any optimiser that accumulates a gradient does it in the same way.
            let norm = self.hyperparameters.clip_norm;
            let gradient = Clipped {
                optimizer: Sgd,
                norm: norm.unwrap_or(f32::INFINITY),
            };
            if let Some(nesterov) = self.hyperparameters.optimizer.looks_ahead() {
                self.look_ahead(nesterov);
            }
            let cost_sum = self.train_with(gradient, batch, masks);
            let factor = norm.map_or(1.0, |norm| clip_factor(norm, self.squares(batch)));
            with_optimizer!(self.hyperparameters.optimizer, optimizer => {
                self.apply(optimizer.at_step(batch.step), batch.learning_rate, factor);
            }, muon => {
                self.apply_muon(muon, batch.learning_rate, factor);
            });
            return cost_sum;
        }
        match self.hyperparameters.optimizer {
            OptimizerChoice::Momentum(momentum) => {
                self.train_with(Momentum(momentum), batch, masks)
            }
            OptimizerChoice::Nesterov(momentum) => {
                self.look_ahead(Nesterov(momentum));
                self.train_with(Nesterov(momentum), batch, masks)
            }
            _ => self.train_with(Sgd, batch, masks),
        }
    }

    fn train_with<O: Optimizer>(
        &mut self,
        optimizer: O,
        batch: &Batch<'_>,
        masks: Option<HashedMasks>,
    ) -> f32 {
        let Hyperparameters {
            weight_decay,
            dropout: rates,
            input_scale,
            ..
        } = self.hyperparameters;
        let samples = batch.samples.len();
        let step = Step::new(
            optimizer,
            batch.learning_rate,
            weight_decay,
            samples,
            batch.step,
        );
        let masks_of_inputs = masks.filter(|_| rates.rate(0) > 0.0);
        let scale = rates.scale(0) * input_scale;
        self.mini_batch
            .fill(batch.images, batch.samples, masks_of_inputs, scale);
        if batch.next.len() < FETCHES_BELOW {
            fetch(batch.images, batch.next);
        }
        let how = self.catch_up(step.rate);
        self.forward_first(batch, masks);
        let cost_sum = match self.instructions.lanes() {
            16 => self.instructions.run_lanes::<16, _>(
                #[inline(always)]
                || self.train_rest::<16, O>(batch, masks, &step),
            ),
            _ => self.instructions.run_lanes::<8, _>(
                #[inline(always)]
                || self.train_rest::<8, O>(batch, masks, &step),
            ),
        };
        for panel in &mut self.panels {
            panel.pick_values(&self.first.values, self.first.width());
            panel.update_biases(&step);
        }
        let keep = step.optimizer.begin_factor(step.decay).unwrap_or(1.0);
        match how {
            Update::OneSample => {
                for panel in &mut self.panels {
                    panel.descend_by_one(&self.mini_batch, keep, step.rate);
                }
            }
            Update::TouchedRows => {
                for panel in &mut self.panels {
                    panel.descend(&self.columns, keep);
                }
            }
            Update::AllRows => self.backward_first(&step),
        }
        cost_sum
    }

    /// Brings the weights that the mini-batch needs up to date, if decay is put off, and says how
    /// they are to be moved.
    fn catch_up(&mut self, rate: f32) -> Update {
        let Hyperparameters {
            optimizer,
            weight_decay,
            ..
        } = self.hyperparameters;
        let multiplies = matches!(weight_decay, WeightDecay::None | WeightDecay::L2(_));
        let puts_off = multiplies
            && optimizer == OptimizerChoice::Sgd
            && !self.hyperparameters.keeps_gradient();
        match self.mini_batch.len() {
            1 if puts_off => {
                for panel in &mut self.panels {
                    let pixels = self.mini_batch.image(0).bytes();
                    panel.catch_up(pixels.map(|(place, _)| place));
                }
                Update::OneSample
            }
            samples @ ..=PORTION if puts_off => {
                self.instructions.run(
                    #[inline(always)]
                    || {
                        self.columns.fill(&self.mini_batch, 0..samples, -rate);
                        self.columns.list_touched();
                    },
                );
                for panel in &mut self.panels {
                    panel.catch_up(self.columns.touched());
                }
                Update::TouchedRows
            }
            _ => {
                self.settle();
                Update::AllRows
            }
        }
    }

    /// Does to all weights what was put off.
    pub(super) fn settle(&mut self) {
        for panel in &mut self.panels {
            panel.settle();
        }
    }

    /// Moves the weights of the first layer, portion by portion of the mini-batch.
    fn backward_first<O: Optimizer>(&mut self, step: &Step<O>) {
        let samples = self.mini_batch.len();
        for first in (0..samples).step_by(PORTION) {
            let end = (first + PORTION).min(samples);
            let portion = Portion {
                first,
                is_last: end == samples,
            };
            // Adding -rate x delta is what subtracting rate x delta is, to the bit.
            self.instructions.run(
                #[inline(always)]
                || {
                    self.columns.fill(&self.mini_batch, first..end, -step.rate);
                },
            );
            for panel in &mut self.panels {
                panel.backward(&self.columns, step, &portion);
            }
        }
    }

    fn look_ahead(&mut self, optimizer: Nesterov) {
        for panel in &mut self.panels {
            panel.look_ahead(optimizer);
        }
        for layer in &mut self.rest {
            layer.look_ahead(optimizer);
        }
    }

    /// The sum of squares of the whole gradient, in the order of core.
    fn squares(&mut self, batch: &Batch<'_>) -> f32 {
        let round = self.rounds(batch) + 1;
        let [weights, biases] = &mut self.squares;
        weights.fill(0.0);
        biases.fill(0.0);
        for panel in &self.panels {
            panel.add_squares(weights, biases);
        }
        if self.threads > 1 {
            self.message.clear();
            self.message.extend_from_slice(&weights[self.own.clone()]);
            self.message.extend_from_slice(&biases[self.own.clone()]);
            batch.exchange.post(self.thread, round, &self.message);
            for thread in (0..self.threads).filter(|&thread| thread != self.thread) {
                batch.exchange.read(thread, round, |message| {
                    let units = units_of(thread, self.threads, weights.len());
                    let (of_weights, of_biases) = message.split_at(message.len() / 2);
                    // Nothing comes from a thread that panicked.
                    if of_weights.len() == units.len() {
                        weights[units.clone()].copy_from_slice(of_weights);
                        biases[units].copy_from_slice(of_biases);
                    }
                });
            }
        }
        let mut total = 0.0;
        for square in weights.iter().chain(&*biases) {
            total += square;
        }
        for layer in &self.rest {
            layer.add_squares(&mut total);
        }
        total
    }

    /// The first of this mini-batch's exchanges.
    fn rounds(&self, batch: &Batch<'_>) -> usize {
        let each = 1 + usize::from(self.hyperparameters.clip_norm.is_some());
        each * batch.round
    }

    fn apply<O: Optimizer>(&mut self, optimizer: O, learning_rate: f32, factor: f32) {
        let weight_decay = self.hyperparameters.weight_decay;
        for panel in &mut self.panels {
            panel.apply(optimizer, learning_rate, weight_decay, factor);
        }
        self.instructions.run(
            #[inline(always)]
            || {
                for layer in &mut self.rest {
                    layer.apply(optimizer, learning_rate, weight_decay, factor);
                }
            },
        );
    }

    /// Muon works on whole matrices, so all parameters are put together for it; there is no other
    /// thread.
    fn apply_muon(&mut self, muon: Muon, learning_rate: f32, factor: f32) {
        let mut whole = std::mem::take(&mut self.whole);
        let count = self.architecture.parameters();
        for part in [&mut whole.values, &mut whole.velocity, &mut whole.gradient] {
            part.resize(count, 0.0);
        }
        self.store(&mut whole);
        let numbers = (learning_rate, self.hyperparameters.weight_decay, factor);
        self.instructions.run(
            #[inline(always)]
            || {
                let scratch = &mut self.muon_scratch;
                muon.apply(&self.architecture, &mut whole, numbers, scratch);
            },
        );
        let mut layers = whole.layers(&self.architecture);
        if let Some((shape, weights, biases)) = layers.next() {
            for panel in &mut self.panels {
                panel.load(shape.fan_out, weights, biases);
            }
        }
        for (layer, (_, weights, biases)) in self.rest.iter_mut().zip(layers) {
            layer.load(weights, biases);
        }
        self.whole = whole;
    }

    /// The first layer: own units, then everybody's side by side.
    fn forward_first(&mut self, batch: &Batch<'_>, masks: Option<HashedMasks>) {
        let width = self.first.width();
        let round = self.rounds(batch);
        self.first.resize(batch.samples.len());
        self.message.clear();
        for panel in &mut self.panels {
            panel.forward(&self.mini_batch);
            if !self.rest.is_empty() {
                let Range { start: first, end } = panel.units;
                let units = end - first;
                self.instructions.run(
                    #[inline(always)]
                    || {
                        for (sample, values) in panel.values_mut().enumerate() {
                            self.first.shape.activation.apply(values);
                            if let Some(masks) = masks {
                                let values = &mut values[..units];
                                drop_units(values, &masks.mask(1, sample).from(first));
                            }
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
        batch.exchange.post(self.thread, round, &self.message);
        for thread in (0..self.threads).filter(|&thread| thread != self.thread) {
            batch.exchange.read(thread, round, |mut message| {
                let units = units_of(thread, self.threads, self.first.shape.fan_out);
                for units in panel::cut(units, self.instructions) {
                    let panel_width = panel::width(units.len(), self.instructions);
                    let length = batch.samples.len() * panel_width;
                    let (values, others) = message.split_at(length.min(message.len()));
                    panel::place(units, values, panel_width, &mut self.first.values, width);
                    message = others;
                }
            });
        }
    }

    /// The layers behind the first, forward and backward; leaves the deltas of the first.
    #[inline(always)]
    fn train_rest<const LANES: usize, O: Optimizer>(
        &mut self,
        batch: &Batch<'_>,
        masks: Option<HashedMasks>,
        step: &Step<O>,
    ) -> f32 {
        let last = self.rest.len().saturating_sub(1);
        let mut below = &mut self.first;
        for (index, layer) in self.rest.iter_mut().enumerate() {
            layer.forward::<LANES>(below, masks, index + 2, index == last);
            below = &mut layer.units;
        }
        let cost_sum = self.cost(batch);
        self.backward_rest::<LANES, O>(step, masks.is_some());
        cost_sum
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
    fn backward_rest<const LANES: usize, O: Optimizer>(&mut self, step: &Step<O>, drops: bool) {
        for index in (0..self.rest.len()).rev() {
            let (lower, upper) = self.rest.split_at_mut(index);
            let (below, units) = match lower.last_mut() {
                Some(lower) => {
                    let all = 0..lower.units.shape.fan_out;
                    (&mut lower.units, all)
                }
                None => (&mut self.first, self.own.clone()),
            };
            upper[0].backward::<LANES, O>(below, units, drops, step);
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
