//! The rows of weights that one thread moves: an equal share of the inputs of every layer.

use std::ops::{Deref, Range};

use thumbnet::optimizer::{Nesterov, Optimizer, Step};
use thumbnet::{LayerShape, WeightDecay};

use super::Instructions;
use super::blocks::COLUMNS;
use super::columns::{Columns, PORTION};
use super::layer::Layer;
use super::mini_batch::MiniBatch;
use super::panel::{self, Panel, Terms};
use super::parameters::Parts;
use super::sparse::BLOCK;
use super::work::Work;

/// A thread's rows of a network's weights.
pub(super) struct Part {
    instructions: Instructions,
    /// Which rows of the first layer.
    rows: Range<usize>,
    /// The first layer.
    pub(super) panels: Vec<Panel>,
    /// The layers behind the first.
    pub(super) rest: Vec<Layer>,
    /// The samples of each thread by input, as far as these rows are concerned: one portion, or one
    /// after the other.
    columns: Vec<Columns>,
    /// The rows of the first layer that a mini-batch needs, counted from the thread's first, if
    /// others are put off.
    touched: Vec<u16>,
}

/// How a mini-batch moves the rows of the first layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Update {
    /// It is one sample, and other rows than those of its pixels are put off.
    OneSample,
    /// It is one portion, and rows that it does not touch are put off.
    TouchedRows,
    AllRows,
}

impl Update {
    /// That of so many samples, if decay may be put off.
    pub(super) fn of(samples: usize, puts_off: bool) -> Self {
        match samples {
            1 if puts_off => Self::OneSample,
            ..=PORTION if puts_off => Self::TouchedRows,
            _ => Self::AllRows,
        }
    }
}

/// `thread`'s share of so many rows: whole blocks, shared out as evenly as they go.
fn share(thread: usize, threads: usize, rows: usize, block: usize) -> Range<usize> {
    let blocks = rows.div_ceil(block);
    let edge = |thread: usize| (blocks * thread / threads * block).min(rows);
    edge(thread)..edge(thread + 1)
}

impl Part {
    /// The share of `thread` of `threads` in these layers, of which there is at least one: shape,
    /// weights and biases.
    pub(super) fn new<'p>(
        mut layers: impl Iterator<Item = (LayerShape, Parts<'p>, Parts<'p>)>,
        keeps_gradient: bool,
        (thread, threads): (usize, usize),
        instructions: Instructions,
    ) -> Self {
        let (shape, weights, biases) = layers
            .next()
            .expect("an architecture has at least one layer");
        let rows = share(thread, threads, shape.fan_in, BLOCK);
        let panels = panel::cut(0..shape.fan_out, instructions).map(|units| {
            let parameters = (weights, biases);
            let rows = rows.clone();
            let fan_out = shape.fan_out;
            Panel::new(
                units,
                rows,
                fan_out,
                parameters,
                keeps_gradient,
                instructions,
            )
        });
        let rest = |(shape, weights, biases): (LayerShape, _, _)| {
            let rows = share(thread, threads, shape.fan_in, COLUMNS);
            Layer::new(shape, rows, (weights, biases), keeps_gradient)
        };
        Self {
            instructions,
            panels: panels.collect(),
            rest: layers.map(rest).collect(),
            columns: Vec::new(),
            touched: Vec::new(),
            rows,
        }
    }

    /// Takes over the parameters, and what is kept for them.
    pub(super) fn load<'p>(
        &mut self,
        mut layers: impl Iterator<Item = (LayerShape, Parts<'p>, Parts<'p>)>,
    ) {
        if let Some((shape, weights, biases)) = layers.next() {
            for panel in &mut self.panels {
                panel.load(shape.fan_out, weights, biases);
            }
        }
        for (layer, (_, weights, biases)) in self.rest.iter_mut().zip(layers) {
            layer.load(weights, biases);
        }
    }

    /// Writes the rows back to where they came from: `layers` are the network's, each with its
    /// values, velocity, squares and gradient.
    pub(super) fn store<'s>(&self, layers: impl Iterator<Item = (LayerShape, [&'s mut [f32]; 4])>) {
        for (index, (shape, mut layer)) in layers.enumerate() {
            match index.checked_sub(1) {
                None => {
                    for panel in &self.panels {
                        panel.store(layer.each_mut().map(|part| &mut **part), shape.fan_out);
                    }
                }
                Some(index) => self.rest[index].store(layer),
            }
        }
    }

    /// Before a mini-batch: goes to where the gradient is taken, and makes weights ready for many
    /// samples.
    pub(super) fn prepare(&mut self, looks_ahead: Option<Nesterov>, transposes: bool) {
        if let Some(nesterov) = looks_ahead {
            for panel in &mut self.panels {
                panel.look_ahead(nesterov);
            }
        }
        for layer in &mut self.rest {
            if let Some(nesterov) = looks_ahead {
                self.instructions.run(
                    #[inline(always)]
                    || layer.look_ahead(nesterov),
                );
            }
            if transposes {
                layer.transpose();
            }
        }
    }

    /// Brings the rows that a mini-batch needs up to date. `images` are those of each thread.
    pub(super) fn catch_up(
        &mut self,
        images: &[impl Deref<Target = MiniBatch>],
        update: Update,
        rate: f32,
    ) {
        match update {
            Update::AllRows => return,
            Update::OneSample => {
                let places = images.iter().filter(|images| images.len() > 0);
                let places = places.flat_map(|images| images.image(0).part(&self.rows));
                let first = self.rows.start;
                self.touched.clear();
                self.touched
                    .extend(places.map(|(place, _)| (place - first) as u16));
            }
            Update::TouchedRows => {
                self.make_room_for_columns(images.len());
                let Self {
                    columns, touched, ..
                } = self;
                self.instructions.run(
                    #[inline(always)]
                    || {
                        for (columns, images) in columns.iter_mut().zip(images) {
                            columns.fill(images, 0..images.len(), -rate);
                        }
                        list_touched(columns, touched);
                    },
                );
            }
        }
        for panel in &mut self.panels {
            panel.catch_up(&self.touched);
        }
    }

    fn make_room_for_columns(&mut self, threads: usize) {
        let rows = &self.rows;
        self.columns
            .resize_with(threads, || Columns::new(rows.clone()));
    }

    /// Does to all rows what was put off.
    pub(super) fn settle(&mut self) {
        for panel in &mut self.panels {
            panel.settle();
        }
    }

    /// Moves the rows, or their gradient, by a mini-batch: the images of each thread, and what has
    /// become of them. `update` is what [`catch_up`](Self::catch_up) was told.
    pub(super) fn update<O: Optimizer>(
        &mut self,
        images: &[impl Deref<Target = MiniBatch>],
        work: &[impl Deref<Target = Work>],
        update: Update,
        step: &Step<O>,
    ) {
        // Some threads may have no sample.
        let mut threads = images.iter();
        let first = threads.clone().position(|images| images.len() > 0);
        let last = threads.rposition(|images| images.len() > 0);
        let (Some(first), Some(last)) = (first, last) else {
            return;
        };
        let with_samples = || {
            let threads = images.iter().zip(work).enumerate();
            threads.filter(|(_, (images, _))| images.len() > 0)
        };
        for (thread, (_, work)) in with_samples() {
            let step = Step {
                first: thread == first,
                last: thread == last,
                ..*step
            };
            for (panel, deltas) in self.panels.iter_mut().zip(work.deltas()) {
                panel.update_biases(deltas, &step);
            }
            self.update_rest(work, &step);
        }
        let keep = step.optimizer.begin_factor(step.decay).unwrap_or(1.0);
        match update {
            Update::OneSample => {
                for (panel, deltas) in self.panels.iter_mut().zip(work[first].deltas()) {
                    panel.descend_by_one(&images[first], deltas, keep, step.rate);
                }
            }
            Update::TouchedRows => {
                for (index, panel) in self.panels.iter_mut().enumerate() {
                    let samples = self.columns.iter().zip(work);
                    let samples: Vec<Terms<'_>> = samples
                        .filter_map(|(columns, work)| {
                            let deltas = work.deltas().nth(index)?;
                            Some(Terms { columns, deltas })
                        })
                        .collect();
                    panel.descend(&self.touched, &samples, keep);
                }
            }
            Update::AllRows => {
                self.make_room_for_columns(1);
                for (thread, (images, work)) in with_samples() {
                    for start in (0..images.len()).step_by(PORTION) {
                        let end = (start + PORTION).min(images.len());
                        let step = Step {
                            first: thread == first && start == 0,
                            last: thread == last && end == images.len(),
                            ..*step
                        };
                        self.update_by_portion(images, work, start..end, &step);
                    }
                }
            }
        }
    }

    /// Moves all rows of the first layer by a portion of a thread's samples.
    fn update_by_portion<O: Optimizer>(
        &mut self,
        images: &MiniBatch,
        work: &Work,
        samples: Range<usize>,
        step: &Step<O>,
    ) {
        let Some(columns) = self.columns.first_mut() else {
            return;
        };
        let start = samples.start;
        // Adding -rate x delta is what subtracting rate x delta is, to the bit.
        self.instructions.run(
            #[inline(always)]
            || columns.fill(images, samples, -step.rate),
        );
        for (panel, deltas) in self.panels.iter_mut().zip(work.deltas()) {
            let terms = Terms {
                columns,
                deltas: &deltas[start * panel.width..],
            };
            panel.backward(terms, step);
        }
    }

    /// Moves the rows of the layers behind the first by a thread's samples.
    fn update_rest<O: Optimizer>(&mut self, work: &Work, step: &Step<O>) {
        match self.instructions.lanes() {
            16 => self.instructions.run_lanes::<16, _>(
                #[inline(always)]
                || update_rest::<16, O>(&mut self.rest, work, step),
            ),
            _ => self.instructions.run_lanes::<8, _>(
                #[inline(always)]
                || update_rest::<8, O>(&mut self.rest, work, step),
            ),
        }
    }

    /// Adds the sums of squares of the gradient, unit by unit, weights and biases apart.
    pub(super) fn add_squares(&self, sums: &mut [[Vec<f32>; 2]]) {
        for (index, [weights, biases]) in sums.iter_mut().enumerate() {
            match index.checked_sub(1) {
                None => {
                    for panel in &self.panels {
                        panel.add_squares(weights, biases);
                    }
                }
                Some(index) => self.rest[index].add_squares(weights, biases),
            }
        }
    }

    /// Moves the parameters by the whole gradient.
    pub(super) fn apply<O: Optimizer>(
        &mut self,
        optimizer: O,
        learning_rate: f32,
        weight_decay: WeightDecay,
        factor: f32,
    ) {
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
}

#[inline(always)]
fn update_rest<const LANES: usize, O: Optimizer>(rest: &mut [Layer], work: &Work, step: &Step<O>) {
    let units = work.rest.iter();
    let below = std::iter::once(&work.first).chain(&work.rest);
    for ((layer, units), below) in rest.iter_mut().zip(units).zip(below) {
        layer.update::<LANES, O>(below, units, step);
    }
}

/// Lists the rows that are not zero in all samples.
#[inline(always)]
fn list_touched(columns: &[Columns], touched: &mut Vec<u16>) {
    let count = columns.first().map_or(0, |first| first.present().len());
    touched.resize(count, 0);
    let mut found = 0;
    for row in 0..count {
        let present = columns
            .iter()
            .fold(0, |all, columns| all | columns.present()[row]);
        // Which ones they are is not for a processor to guess.
        touched[found] = row as u16;
        found += usize::from(present != 0);
    }
    touched.truncate(found);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_shared_out_once_and_by_blocks() {
        for rows in 1..300 {
            for threads in 1..9 {
                let shares = (0..threads).map(|thread| share(thread, threads, rows, BLOCK));
                assert!(
                    shares
                        .clone()
                        .all(|share| share.start % BLOCK == 0 || share.is_empty())
                );
                let all: Vec<usize> = shares.flatten().collect();
                assert_eq!(all, (0..rows).collect::<Vec<_>>());
            }
        }
    }
}
