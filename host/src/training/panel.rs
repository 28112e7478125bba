//! Some units of the first layer: a panel of columns of its weights, narrow enough that the sums
//! of all its units stay in registers.

use std::ops::Range;

use thumbnet::dense::update_biases;
use thumbnet::optimizer::{Optimizer, Step};
use thumbnet::{WeightDecay, kernel};

use super::Instructions;
use super::aligned::Aligned;
use super::backlog::Backlog;
use super::columns::Columns;
use super::mini_batch::MiniBatch;
use super::parameters::{Parameters, Parts};
use super::rows::{self, MOST_VECTORS};

/// A panel of units.
pub(super) struct Panel {
    /// Which units of the layer these are.
    pub(super) units: Range<usize>,
    width: usize,
    instructions: Instructions,
    /// `[fan_in][width]`.
    weights: Parameters,
    /// `[width]`.
    biases: Parameters,
    /// `[samples][width]`: weighted inputs, or activations, or deltas.
    values: Aligned,
    /// Decay that is put off.
    backlog: Backlog,
    /// How many of each sample's pixels the forward pass has seen, if it goes by tiles.
    cursors: Vec<u32>,
}

/// Samples of a mini-batch from which on the forward pass goes by tiles of rows, which then stay in
/// the nearest cache for all samples.
const TILES_FROM: usize = 16;

/// Bytes of a tile.
const TILE_BYTES: usize = 28 << 10;

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

/// Puts the rows of a panel of `units`, each of `width` floats, into those of the layer.
#[inline(always)]
pub(super) fn place(
    units: Range<usize>,
    panel: &[f32],
    width: usize,
    layer: &mut [f32],
    fan_out: usize,
) {
    for (row, own) in layer
        .chunks_exact_mut(fan_out)
        .zip(panel.chunks_exact(width))
    {
        row[units.clone()].copy_from_slice(&own[..units.len()]);
    }
}

/// The width of a panel of `units`: made up to a number of vectors that there is code for. The units
/// made up have weights that stay zero.
pub(super) fn width(units: usize, instructions: Instructions) -> usize {
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
    /// The panel of `units` out of a layer's weights `[fan_in][fan_out]` and biases `[fan_out]`.
    pub(super) fn new(
        units: Range<usize>,
        fan_out: usize,
        weights: Parts<'_>,
        biases: Parts<'_>,
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
            values: Aligned::default(),
            backlog: Backlog::new(weights[0].len() / fan_out),
            cursors: Vec::new(),
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
        self.weights.set(weights, pick);
        self.biases.set(biases, pick);
    }

    /// Puts the parameters, and what is kept for them, back where [`new`](Self::new) took them
    /// from: `layer` holds the layer's weights, then its biases.
    pub(super) fn store(&self, layer: [&mut [f32]; 4], fan_out: usize) {
        let parts = self.weights.parts().into_iter().zip(self.biases.parts());
        for (layer, (weights, biases)) in layer.into_iter().zip(parts) {
            let all = layer.len().saturating_sub(fan_out);
            let (layer_weights, layer_biases) = layer.split_at_mut(all);
            self.place(weights, layer_weights, fan_out);
            self.place(biases, layer_biases, fan_out);
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

    /// `[samples][width]`: weighted inputs, or activations, or deltas.
    pub(super) fn values(&self) -> &[f32] {
        &self.values
    }

    /// Puts the values into those of the layer, `[samples][fan_out]`.
    #[inline(always)]
    pub(super) fn place_values(&self, layer: &mut [f32], fan_out: usize) {
        self.place(&self.values, layer, fan_out);
    }

    #[inline(always)]
    fn place(&self, rows: &[f32], layer: &mut [f32], fan_out: usize) {
        place(self.units.clone(), rows, self.width, layer, fan_out);
    }

    /// The reverse: takes the values from those of the layer.
    #[inline(always)]
    pub(super) fn pick_values(&mut self, layer: &[f32], fan_out: usize) {
        let rows = layer.chunks_exact(fan_out);
        for (own, row) in self.values.chunks_exact_mut(self.width).zip(rows) {
            let (own, padding) = own.split_at_mut(self.units.len());
            own.copy_from_slice(&row[self.units.clone()]);
            padding.fill(0.0);
        }
    }

    /// Does to these rows of weights what was put off.
    pub(super) fn catch_up(&mut self, rows: impl Iterator<Item = usize>) {
        if self.backlog.is_long() {
            self.settle();
        } else if !self.backlog.is_empty() {
            with_vectors!(self, catch_up_wide::<_>(rows));
        }
    }

    /// Does to all rows of weights what was put off.
    pub(super) fn settle(&mut self) {
        if !self.backlog.is_empty() {
            let rows = 0..self.weights.values.len() / self.width;
            with_vectors!(self, catch_up_wide::<_>(rows));
            self.backlog.clear();
        }
    }

    #[inline(always)]
    fn catch_up_wide<const LANES: usize, const VECTORS: usize>(
        &mut self,
        rows: impl Iterator<Item = usize>,
    ) {
        for row in rows {
            let factors = self.backlog.take(row);
            let weights = self.weights.values.as_chunks_mut::<LANES>().0;
            if let Some(row) = weights.as_chunks_mut::<VECTORS>().0.get_mut(row)
                && !factors.is_empty()
            {
                rows::scale_row::<LANES, VECTORS>(row.as_flattened_mut(), factors);
            }
        }
    }

    /// Weighted inputs of each sample.
    pub(super) fn forward(&mut self, mini_batch: &MiniBatch) {
        let samples = mini_batch.len();
        self.values.resize(samples * self.width);
        for values in self.values.chunks_exact_mut(self.width) {
            values.copy_from_slice(&self.biases.values);
        }
        self.cursors.clear();
        self.cursors.resize(samples, 0);
        let rows = self.weights.values.len() / self.width;
        let tile = match samples {
            0..TILES_FROM => rows,
            _ => (TILE_BYTES / size_of::<f32>() / self.width).clamp(1, rows),
        };
        for end in (tile..rows + tile).step_by(tile) {
            with_vectors!(self, forward_wide::<_>(mini_batch, end - tile..end));
        }
    }

    /// Adds what the pixels of a tile of rows give.
    #[inline(always)]
    fn forward_wide<const LANES: usize, const VECTORS: usize>(
        &mut self,
        mini_batch: &MiniBatch,
        tile: Range<usize>,
    ) {
        let levels = mini_batch.levels();
        let values = self.values.chunks_exact_mut(LANES * VECTORS);
        for (index, (values, cursor)) in values.zip(&mut self.cursors).enumerate() {
            let image = mini_batch.image(index);
            let part = image.part(*cursor as usize, tile.end, tile.len());
            *cursor += part.places.len() as u32;
            let terms = part.bytes().map(
                #[inline(always)]
                |(place, value)| (place, levels[usize::from(value)]),
            );
            rows::add_rows::<LANES, VECTORS>(terms, &self.weights.values, 1.0, values);
        }
    }

    /// Each sample's values, to be activated; behind the panel's units come others, which do not
    /// matter.
    #[inline(always)]
    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut [f32]> {
        self.values.chunks_exact_mut(self.width)
    }

    /// Gradient descent on a mini-batch of one sample, whose delta the values hold: the rows of its
    /// pixels are multiplied by `keep`, and move. Others are put off.
    pub(super) fn descend_by_one(&mut self, mini_batch: &MiniBatch, keep: f32, rate: f32) {
        self.backlog.push(keep);
        let levels = mini_batch.levels();
        // Last to first: the last rows that the forward pass has read are still in the nearest
        // cache.
        let terms = mini_batch.image(0).bytes().rev().map(
            #[inline(always)]
            |(place, value)| (place, -rate * levels[usize::from(value)]),
        );
        with_vectors!(self, descend_by_one_wide::<_>(terms, keep));
    }

    #[inline(always)]
    fn descend_by_one_wide<const LANES: usize, const VECTORS: usize>(
        &mut self,
        terms: impl Iterator<Item = (usize, f32)>,
        keep: f32,
    ) {
        let backlog = &mut self.backlog;
        let terms = terms.inspect(
            #[inline(always)]
            |&(row, _)| backlog.skip(row),
        );
        let weights = &mut self.weights.values;
        rows::add_to_rows::<LANES, VECTORS>(terms, &self.values, keep, weights);
    }

    /// Gradient descent on a mini-batch of one portion, whose deltas the values hold: the rows of
    /// inputs that are not zero in all samples are multiplied by `keep`, and move. Others are put
    /// off.
    pub(super) fn descend(&mut self, columns: &Columns, keep: f32) {
        self.backlog.push(keep);
        with_vectors!(self, descend_wide::<_>(columns, keep));
    }

    #[inline(always)]
    fn descend_wide<const LANES: usize, const VECTORS: usize>(
        &mut self,
        columns: &Columns,
        keep: f32,
    ) {
        let weights = self.weights.values.as_chunks_mut::<LANES>().0;
        let weights = weights.as_chunks_mut::<VECTORS>().0;
        for place in columns.touched() {
            self.backlog.skip(place);
            let Some(row) = weights.get_mut(place) else {
                break;
            };
            let terms = columns.column(place);
            rows::add_rows::<LANES, VECTORS>(terms, &self.values, keep, row.as_flattened_mut());
        }
    }

    /// Moves the weights, or their gradient, by one portion of the mini-batch, whose deltas the
    /// values hold.
    pub(super) fn backward<O: Optimizer>(
        &mut self,
        columns: &Columns,
        step: &Step<O>,
        portion: &Portion,
    ) {
        with_vectors!(self, backward_wide::<_, O>(columns, step, portion));
    }

    /// Row by row: a row is read and written once for all samples of the portion, which for each
    /// weight come in the order of the contract.
    #[inline(always)]
    fn backward_wide<const LANES: usize, const VECTORS: usize, O: Optimizer>(
        &mut self,
        columns: &Columns,
        step: &Step<O>,
        portion: &Portion,
    ) {
        let width = LANES * VECTORS;
        let deltas = self.values.get(portion.first * width..).unwrap_or_default();
        for (mut row, column) in O::rows(self.weights.slot(), width).zip(columns.iter()) {
            let mut keep = 1.0;
            if portion.first == 0 {
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
            if portion.is_last {
                step.optimizer.end(row, step.decay);
            }
        }
    }

    /// Moves the biases, or their gradient; the values hold the deltas.
    pub(super) fn update_biases<O: Optimizer>(&mut self, step: &Step<O>) {
        self.instructions.run(
            #[inline(always)]
            || update_biases(self.biases.slot(), &self.values, step),
        );
    }
}

/// Which part of a mini-batch columns hold.
pub(super) struct Portion {
    /// The place of its first sample in the mini-batch.
    pub(super) first: usize,
    /// Whether it is the mini-batch's last.
    pub(super) is_last: bool,
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
