//! Some units of the first layer: a panel of columns of its weights, narrow enough that the sums
//! of all its units stay in registers; and of their rows those that one thread moves.

use std::ops::Range;

use thumbnet::dense::update_biases;
use thumbnet::optimizer::{Optimizer, Step};
use thumbnet::{WeightDecay, kernel};

use super::Instructions;
use super::backlog::Backlog;
use super::columns::Columns;
use super::mini_batch::MiniBatch;
use super::parameters::{Parameters, Parts};
use super::rows::{self, MOST_VECTORS};
use super::sparse::BLOCK;

/// A thread's rows of a panel of units.
pub(super) struct Panel {
    /// Which units of the layer these are.
    pub(super) units: Range<usize>,
    /// Floats of a row: a whole number of vectors.
    pub(super) width: usize,
    instructions: Instructions,
    /// Which inputs of the layer the rows belong to.
    rows: Range<usize>,
    /// `[rows][width]`.
    weights: Parameters,
    /// `[width]`, or none: those of the layer's first rows have them.
    biases: Parameters,
    /// Decay that is put off.
    backlog: Backlog,
}

/// Samples of a mini-batch from which on the forward pass goes by tiles of rows, which then stay in
/// the nearest cache for all samples.
const TILES_FROM: usize = 16;

/// Bytes of a tile, but at least a block of rows. Somewhat larger than the nearest cache of some
/// processors: fewer and longer lists of pixels are worth it.
const TILE_BYTES: usize = 44 << 10;

/// Cuts `units` into panels, all about as wide.
pub(super) fn cut(
    units: Range<usize>,
    instructions: Instructions,
) -> impl Iterator<Item = Range<usize>> {
    let lanes = instructions.lanes();
    let blocks = units.len().div_ceil(lanes);
    let panels = blocks.div_ceil(instructions.most_vectors());
    let end = units.end;
    let edge = move |panel: usize| (units.start + blocks * panel / panels.max(1) * lanes).min(end);
    (0..panels).map(move |panel| edge(panel)..edge(panel + 1))
}

/// The width of a panel of `units`: made up to a number of vectors that there is code for. The units
/// made up have weights that stay zero.
fn width(units: usize, instructions: Instructions) -> usize {
    let lanes = instructions.lanes();
    lanes
        * match units.div_ceil(lanes) {
            vectors @ 0..=8 => vectors,
            9..=10 => 10,
            _ => MOST_VECTORS,
        }
}

/// Calls a method that has the vectors of the panel's rows, their width and their number, as
/// constants, compiled for the panel's instructions.
macro_rules! with_vectors {
    ($panel:expr, $method:ident::<_ $(, $type:ty)*>($($argument:expr),*)) => {
        match $panel.instructions.lanes() {
            16 => with_vectors!(16, $panel, $method::<_ $(, $type)*>($($argument),*)),
            _ => with_vectors!(8, $panel, $method::<_ $(, $type)*>($($argument),*)),
        }
    };
    ($lanes:tt, $panel:expr, $method:ident::<_ $(, $type:ty)*>($($argument:expr),*)) => {
        match $panel.width / $lanes {
            1 => with_vectors!($lanes, 1, $panel, $method::<_ $(, $type)*>($($argument),*)),
            2 => with_vectors!($lanes, 2, $panel, $method::<_ $(, $type)*>($($argument),*)),
            3 => with_vectors!($lanes, 3, $panel, $method::<_ $(, $type)*>($($argument),*)),
            4 => with_vectors!($lanes, 4, $panel, $method::<_ $(, $type)*>($($argument),*)),
            5 => with_vectors!($lanes, 5, $panel, $method::<_ $(, $type)*>($($argument),*)),
            6 => with_vectors!($lanes, 6, $panel, $method::<_ $(, $type)*>($($argument),*)),
            7 => with_vectors!($lanes, 7, $panel, $method::<_ $(, $type)*>($($argument),*)),
            8 => with_vectors!($lanes, 8, $panel, $method::<_ $(, $type)*>($($argument),*)),
            10 => with_vectors!($lanes, 10, $panel, $method::<_ $(, $type)*>($($argument),*)),
            _ => with_vectors!(
                $lanes, MOST_VECTORS, $panel, $method::<_ $(, $type)*>($($argument),*)
            ),
        }
    };
    (
        $lanes:tt, $vectors:tt, $panel:expr,
        $method:ident::<_ $(, $type:ty)*>($($argument:expr),*)
    ) => {
        $panel.instructions.run_lanes::<$lanes, _>(
            #[inline(always)]
            || $panel.$method::<$lanes, $vectors $(, $type)*>($($argument),*),
        )
    };
}

impl Panel {
    /// The panel of `units` out of a layer's weights `[fan_in][fan_out]` and biases `[fan_out]`,
    /// as far as its `rows` are concerned.
    pub(super) fn new(
        units: Range<usize>,
        rows: Range<usize>,
        fan_out: usize,
        (weights, biases): (Parts<'_>, Parts<'_>),
        keeps_gradient: bool,
        instructions: Instructions,
    ) -> Self {
        let width = width(units.len(), instructions);
        let mut panel = Self {
            weights: Parameters::default(),
            biases: Parameters::default(),
            units,
            width,
            instructions,
            backlog: Backlog::new(rows.len()),
            rows,
        };
        panel.load(fan_out, weights, biases);
        if keeps_gradient {
            panel.weights.make_gradient();
            panel.biases.make_gradient();
        }
        panel
    }

    /// Takes over the parameters, and what is kept for them.
    pub(super) fn load(&mut self, fan_out: usize, weights: Parts<'_>, biases: Parts<'_>) {
        let (units, width) = (self.units.clone(), self.width);
        let pick = |rows: &[f32]| {
            let mut picked = Vec::with_capacity(rows.len() / fan_out * width);
            for row in rows.chunks_exact(fan_out) {
                picked.extend_from_slice(&row[units.clone()]);
                picked.resize(picked.len() + width - units.len(), 0.0);
            }
            picked
        };
        let own = self.rows.start * fan_out..self.rows.end * fan_out;
        let own = weights.map(|part| part.get(own.clone()).unwrap_or_default());
        self.weights.set(own, pick);
        if self.has_biases() {
            self.biases.set(biases, pick);
        }
    }

    fn has_biases(&self) -> bool {
        self.rows.start == 0 && !self.rows.is_empty()
    }

    /// Puts the parameters, and what is kept for them, back where [`new`](Self::new) took them
    /// from: `layer` holds the layer's weights, then its biases.
    pub(super) fn store(&self, layer: [&mut [f32]; 4], fan_out: usize) {
        let parts = self.weights.parts().into_iter().zip(self.biases.parts());
        for (layer, (weights, biases)) in layer.into_iter().zip(parts) {
            let all = layer.len().saturating_sub(fan_out);
            let (layer_weights, layer_biases) = layer.split_at_mut(all);
            let own = layer_weights
                .chunks_exact_mut(fan_out)
                .skip(self.rows.start);
            self.place(weights, own);
            self.place(biases, layer_biases.chunks_exact_mut(fan_out));
        }
    }

    /// Goes to where the gradient is taken.
    pub(super) fn look_ahead(&mut self, optimizer: impl Optimizer) {
        for parameters in [&mut self.weights, &mut self.biases] {
            self.instructions.run(
                #[inline(always)]
                || optimizer.look_ahead(parameters.slot()),
            );
        }
    }

    /// Adds the sums of squares of the gradient: unit by unit, `weights` and `biases` apart.
    pub(super) fn add_squares(&self, weights: &mut [f32], biases: &mut [f32]) {
        let sums = [(weights, &self.weights), (biases, &self.biases)];
        for (sums, parameters) in sums {
            let sums = &mut sums[self.units.clone()];
            self.instructions.run(
                #[inline(always)]
                || kernel::add_squares_by_column(sums, &parameters.gradient, self.width, 0),
            );
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
        self.instructions.run(
            #[inline(always)]
            || {
                optimizer.apply(self.weights.slot(), learning_rate, weight_decay, factor);
                optimizer.apply(self.biases.slot(), learning_rate, WeightDecay::None, factor);
            },
        );
    }

    /// Puts values `[samples][width]` of the panel into those of the layer, `[samples][fan_out]`.
    #[inline(always)]
    pub(super) fn place_values(&self, values: &[f32], layer: &mut [f32], fan_out: usize) {
        self.place(values, layer.chunks_exact_mut(fan_out));
    }

    #[inline(always)]
    fn place<'l>(&self, rows: &[f32], layer: impl Iterator<Item = &'l mut [f32]>) {
        for (row, own) in layer.zip(rows.chunks_exact(self.width)) {
            row[self.units.clone()].copy_from_slice(&own[..self.units.len()]);
        }
    }

    /// The reverse: takes the values from those of the layer.
    #[inline(always)]
    pub(super) fn pick_values(&self, layer: &[f32], fan_out: usize, values: &mut [f32]) {
        let rows = layer.chunks_exact(fan_out);
        for (own, row) in values.chunks_exact_mut(self.width).zip(rows) {
            let (own, padding) = own.split_at_mut(self.units.len());
            own.copy_from_slice(&row[self.units.clone()]);
            padding.fill(0.0);
        }
    }

    /// Does to those of the thread's rows that the columns have something in what was put off.
    pub(super) fn catch_up(&mut self, touched: &[u16]) {
        if self.backlog.is_long() {
            self.settle();
        } else if !self.backlog.is_empty() {
            let rows = touched.iter().map(|&row| usize::from(row));
            with_vectors!(self, catch_up_wide::<_>(rows));
        }
    }

    /// Does to all rows of weights what was put off.
    pub(super) fn settle(&mut self) {
        if !self.backlog.is_empty() {
            with_vectors!(self, catch_up_wide::<_>(0..self.rows.len()));
            self.backlog.clear();
        }
    }

    #[inline(always)]
    fn catch_up_wide<const LANES: usize, const VECTORS: usize>(
        &mut self,
        rows: impl Iterator<Item = usize>,
    ) {
        let weights = self.weights.values.as_chunks_mut::<LANES>().0;
        let weights = weights.as_chunks_mut::<VECTORS>().0;
        for row in rows {
            let factors = self.backlog.take(row);
            if let Some(row) = weights.get_mut(row)
                && !factors.is_empty()
            {
                rows::scale_row(row, factors);
            }
        }
    }

    /// Adds what the rows give to the weighted inputs of each sample; the layer's first rows begin
    /// with the biases.
    ///
    /// # Shapes
    /// `values`: `[samples][width]`.
    pub(super) fn forward(&self, mini_batch: &MiniBatch, values: &mut [f32]) {
        if self.has_biases() {
            for values in values.chunks_exact_mut(self.width) {
                values.copy_from_slice(&self.biases.values);
            }
        }
        let Range { start, end } = self.rows;
        let tile = match mini_batch.len() {
            0..TILES_FROM => self.rows.len().next_multiple_of(BLOCK),
            _ => (TILE_BYTES / size_of::<f32>() / self.width / BLOCK).max(1) * BLOCK,
        };
        for first in (start..end).step_by(tile.max(1)) {
            let tile = first..(first + tile).min(end);
            with_vectors!(self, forward_wide::<_>(mini_batch, &tile, values));
        }
    }

    /// Adds what the pixels of a tile of rows give.
    #[inline(always)]
    fn forward_wide<const LANES: usize, const VECTORS: usize>(
        &self,
        mini_batch: &MiniBatch,
        tile: &Range<usize>,
        values: &mut [f32],
    ) {
        let levels = mini_batch.levels();
        let first = self.rows.start;
        for (index, values) in values.chunks_exact_mut(LANES * VECTORS).enumerate() {
            let terms = mini_batch.image(index).part(tile).map(
                #[inline(always)]
                |(place, value)| (place - first, levels[usize::from(value)]),
            );
            rows::add_rows::<LANES, VECTORS>(terms, &self.weights.values, 1.0, values);
        }
    }

    /// Gradient descent on a mini-batch of one sample: the rows of its pixels are multiplied by
    /// `keep`, and move. Others are put off.
    pub(super) fn descend_by_one(
        &mut self,
        mini_batch: &MiniBatch,
        delta: &[f32],
        keep: f32,
        rate: f32,
    ) {
        self.backlog.push(keep);
        let levels = mini_batch.levels();
        let first = self.rows.start;
        // Last to first: the last rows that the forward pass has read are still in the nearest
        // cache.
        let terms = mini_batch.image(0).part(&self.rows).rev().map(
            #[inline(always)]
            |(place, value)| (place - first, -rate * levels[usize::from(value)]),
        );
        with_vectors!(self, descend_by_one_wide::<_>(terms, delta, keep));
    }

    #[inline(always)]
    fn descend_by_one_wide<const LANES: usize, const VECTORS: usize>(
        &mut self,
        terms: impl Iterator<Item = (usize, f32)>,
        delta: &[f32],
        keep: f32,
    ) {
        let backlog = &mut self.backlog;
        let terms = terms.inspect(
            #[inline(always)]
            |&(row, _)| backlog.skip(row),
        );
        let weights = &mut self.weights.values;
        rows::add_to_rows::<LANES, VECTORS>(terms, delta, keep, weights);
    }

    /// Gradient descent on a mini-batch of one portion: the `touched` rows are multiplied by `keep`,
    /// and move. Others are put off. Every thread's samples come with their deltas.
    pub(super) fn descend(&mut self, touched: &[u16], samples: &[Terms<'_>], keep: f32) {
        self.backlog.push(keep);
        with_vectors!(self, descend_wide::<_>(touched, samples, keep));
    }

    #[inline(always)]
    fn descend_wide<const LANES: usize, const VECTORS: usize>(
        &mut self,
        touched: &[u16],
        samples: &[Terms<'_>],
        keep: f32,
    ) {
        let weights = self.weights.values.as_chunks_mut::<LANES>().0;
        let weights = weights.as_chunks_mut::<VECTORS>().0;
        for &row in touched {
            let row = usize::from(row);
            self.backlog.skip(row);
            let Some(weights) = weights.get_mut(row) else {
                break;
            };
            let mut keep = keep;
            for &Terms { columns, deltas } in samples {
                let terms = columns.column(row);
                let weights = weights.as_flattened_mut();
                rows::add_rows::<LANES, VECTORS>(terms, deltas, keep, weights);
                keep = 1.0;
            }
        }
    }

    /// Moves the weights, or their gradient, by one portion of the mini-batch.
    pub(super) fn backward<O: Optimizer>(&mut self, samples: Terms<'_>, step: &Step<O>) {
        with_vectors!(self, backward_wide::<_, O>(samples, step));
    }

    /// Row by row: a row is read and written once for all samples of the portion, which for each
    /// weight come in the order of the contract.
    #[inline(always)]
    fn backward_wide<const LANES: usize, const VECTORS: usize, O: Optimizer>(
        &mut self,
        samples: Terms<'_>,
        step: &Step<O>,
    ) {
        let Terms { columns, deltas } = samples;
        let width = LANES * VECTORS;
        for (mut row, column) in O::rows(self.weights.slot(), width).zip(columns.iter()) {
            let mut keep = 1.0;
            if step.first {
                match step.optimizer.begin_factor(step.decay) {
                    // Multiplied on the way through the registers.
                    Some(factor) => keep = factor,
                    None => step.optimizer.begin(row.reborrow(), step.decay),
                }
            }
            if !column.is_empty() || keep != 1.0 {
                let moved = O::moved(row.reborrow());
                rows::add_rows::<LANES, VECTORS>(column, deltas, keep, moved);
            }
            if step.last {
                step.optimizer.end(row, step.decay);
            }
        }
    }

    /// Moves the biases, or their gradient, by the deltas of some samples, `[samples][width]`.
    pub(super) fn update_biases<O: Optimizer>(&mut self, deltas: &[f32], step: &Step<O>) {
        if self.has_biases() {
            self.instructions.run(
                #[inline(always)]
                || update_biases(self.biases.slot(), deltas, step),
            );
        }
    }
}

/// What some samples move a panel by.
#[derive(Clone, Copy)]
pub(super) struct Terms<'a> {
    /// Their inputs.
    pub(super) columns: &'a Columns,
    /// `[samples][width]`.
    pub(super) deltas: &'a [f32],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panels_cover_every_unit_once_and_are_narrow() {
        for start in [0, 8] {
            for (end, instructions) in (start..start + 1_000)
                .flat_map(|end| Instructions::ALL.map(|instructions| (end, instructions)))
            {
                let panels: Vec<_> = cut(start..end, instructions).collect();
                let widest = instructions.lanes() * instructions.most_vectors();
                let fits = |units: &Range<usize>| {
                    let width = width(units.len(), instructions);
                    (1..=widest).contains(&units.len()) && (units.len()..=widest).contains(&width)
                };
                assert!(panels.iter().all(fits), "{panels:?}");
                let units: Vec<usize> = panels.into_iter().flatten().collect();
                assert_eq!(units, (start..end).collect::<Vec<_>>());
            }
        }
    }
}
