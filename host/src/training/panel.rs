//! Some units of the first layer: a panel of columns of its weights, narrow enough that the sums
//! of all its units stay in registers.

use std::ops::Range;

use thumbnet::dense::{Step, update_biases};
use thumbnet::kernel::{self, MOST_VECTORS};
use thumbnet::optimizer::{Optimizer, Slot};

use super::Instructions;
use super::columns::{Columns, PORTION};
use super::sparse::SparseImages;

/// Most units of a panel.
const WIDEST: usize = 8 * MOST_VECTORS;

/// A panel of units.
pub(super) struct Panel {
    /// Which units of the layer these are.
    pub(super) units: Range<usize>,
    width: usize,
    instructions: Instructions,
    /// `[fan_in][width]`.
    weights: Vec<f32>,
    /// `[width]`.
    biases: Vec<f32>,
    /// As long as `weights` and `biases`, or empty.
    velocity: [Vec<f32>; 2],
    /// `[samples][width]`: weighted inputs, or activations, or deltas.
    values: Vec<f32>,
}

/// Cuts `units` into panels, all about as wide.
pub(super) fn cut(units: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let panels = units.len().div_ceil(WIDEST);
    let blocks = units.len().div_ceil(8);
    let end = units.end;
    let edge = move |panel: usize| (units.start + blocks * panel / panels.max(1) * 8).min(end);
    (0..panels).map(move |panel| edge(panel)..edge(panel + 1))
}

/// Puts the rows of a panel of `units` into those of the layer.
#[inline(always)]
pub(super) fn place(units: Range<usize>, panel: &[f32], layer: &mut [f32], fan_out: usize) {
    let width = self::width(units.len());
    for (row, own) in layer
        .chunks_exact_mut(fan_out)
        .zip(panel.chunks_exact(width))
    {
        row[units.clone()].copy_from_slice(&own[..units.len()]);
    }
}

/// The width of a panel of `units`: made up to a number of vectors of eight that there is code
/// for. The units made up have weights that stay zero.
pub(super) fn width(units: usize) -> usize {
    8 * match units.div_ceil(8) {
        vectors @ 0..=8 => vectors,
        9..=10 => 10,
        _ => MOST_VECTORS,
    }
}

/// Calls a method that has the panel's width, in vectors of eight, as a constant, compiled for the
/// panel's instructions.
macro_rules! with_vectors {
    ($panel:expr, $method:ident::<_ $(, $type:ty)?>($($argument:expr),*)) => {
        match $panel.width / 8 {
            1 => with_vectors!(1, $panel, $method::<_ $(, $type)?>($($argument),*)),
            2 => with_vectors!(2, $panel, $method::<_ $(, $type)?>($($argument),*)),
            3 => with_vectors!(3, $panel, $method::<_ $(, $type)?>($($argument),*)),
            4 => with_vectors!(4, $panel, $method::<_ $(, $type)?>($($argument),*)),
            5 => with_vectors!(5, $panel, $method::<_ $(, $type)?>($($argument),*)),
            6 => with_vectors!(6, $panel, $method::<_ $(, $type)?>($($argument),*)),
            7 => with_vectors!(7, $panel, $method::<_ $(, $type)?>($($argument),*)),
            8 => with_vectors!(8, $panel, $method::<_ $(, $type)?>($($argument),*)),
            10 => with_vectors!(10, $panel, $method::<_ $(, $type)?>($($argument),*)),
            _ => with_vectors!(MOST_VECTORS, $panel, $method::<_ $(, $type)?>($($argument),*)),
        }
    };
    ($vectors:tt, $panel:expr, $method:ident::<_ $(, $type:ty)?>($($argument:expr),*)) => {
        $panel.instructions.run(
            #[inline(always)]
            || $panel.$method::<$vectors $(, $type)?>($($argument),*),
        )
    };
}

impl Panel {
    /// The panel of `units` out of a layer's weights `[fan_in][fan_out]` and biases `[fan_out]`.
    pub(super) fn new(
        units: Range<usize>,
        weights: &[f32],
        biases: &[f32],
        has_velocity: bool,
        instructions: Instructions,
    ) -> Self {
        let width = width(units.len());
        let pick = |rows: &[f32]| {
            let mut picked = Vec::with_capacity(rows.len() / biases.len() * width);
            for row in rows.chunks_exact(biases.len()) {
                picked.extend_from_slice(&row[units.clone()]);
                picked.resize(picked.len() + width - units.len(), 0.0);
            }
            picked
        };
        let (weights, biases) = (pick(weights), pick(biases));
        let velocity = if has_velocity {
            [vec![0.0; weights.len()], vec![0.0; biases.len()]]
        } else {
            Default::default()
        };
        Self {
            units,
            width,
            instructions,
            weights,
            biases,
            velocity,
            values: Vec::new(),
        }
    }

    /// Puts the parameters back where [`new`](Self::new) took them from.
    pub(super) fn store(&self, weights: &mut [f32], biases: &mut [f32]) {
        place(self.units.clone(), &self.weights, weights, biases.len());
        place(self.units.clone(), &self.biases, biases, biases.len());
    }

    /// `[samples][width]`: weighted inputs, or activations, or deltas.
    pub(super) fn values(&self) -> &[f32] {
        &self.values
    }

    /// Puts the values into those of the layer, `[samples][fan_out]`.
    #[inline(always)]
    pub(super) fn place_values(&self, layer: &mut [f32], fan_out: usize) {
        place(self.units.clone(), &self.values, layer, fan_out);
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

    /// Weighted inputs of each sample.
    pub(super) fn forward(&mut self, samples: &[u32], images: &SparseImages<'_>) {
        self.values.resize(samples.len() * self.width, 0.0);
        with_vectors!(self, forward_wide::<_>(samples, images));
    }

    /// Each sample's values, to be activated.
    #[inline(always)]
    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut [f32]> {
        let units = self.units.len();
        self.values
            .chunks_exact_mut(self.width)
            .map(move |values| &mut values[..units])
    }

    /// Moves the parameters; the values hold the deltas.
    pub(super) fn backward<O: Optimizer>(
        &mut self,
        samples: &[u32],
        images: &SparseImages<'_>,
        columns: &mut Columns,
        step: &Step<O>,
    ) {
        with_vectors!(self, backward_wide::<_, O>(samples, images, columns, step));
    }

    #[inline(always)]
    fn forward_wide<const VECTORS: usize>(&mut self, samples: &[u32], images: &SparseImages<'_>) {
        for (values, &sample) in self.values.chunks_exact_mut(8 * VECTORS).zip(samples) {
            values.copy_from_slice(&self.biases);
            let image = images.image(sample as usize);
            kernel::forward_wide::<VECTORS, _>(&image, &self.weights, 1.0, values);
        }
    }

    /// Row by row: a row is read and written once for all samples of the mini-batch, which for
    /// each weight come in the order of the contract.
    #[inline(always)]
    fn backward_wide<const VECTORS: usize, O: Optimizer>(
        &mut self,
        samples: &[u32],
        images: &SparseImages<'_>,
        columns: &mut Columns,
        step: &Step<O>,
    ) {
        let [velocity, velocity_of_biases] = &mut self.velocity;
        let mut weights = Slot {
            values: &mut self.weights,
            velocity,
        };
        let portions = samples.len().div_ceil(PORTION);
        let deltas = self.values.chunks(PORTION * 8 * VECTORS);
        for (portion, (samples, deltas)) in samples.chunks(PORTION).zip(deltas).enumerate() {
            // Adding -rate x delta is what subtracting rate x delta is, to the bit.
            columns.fill(samples, images, -step.rate);
            for (mut row, column) in O::rows(weights.reborrow(), 8 * VECTORS).zip(columns.iter()) {
                let mut keep = 1.0;
                if portion == 0 {
                    match step.optimizer.begin_factor(step.decay) {
                        // Multiplied on the way through the registers.
                        Some(factor) => keep = factor,
                        None => step.optimizer.begin(row.reborrow(), step.decay),
                    }
                }
                if !column.is_empty() || keep != 1.0 {
                    let moved = O::moved(row.reborrow());
                    kernel::forward_wide::<VECTORS, _>(&column, deltas, keep, moved);
                }
                if portion + 1 == portions {
                    O::end(row);
                }
            }
        }
        let biases = Slot {
            values: &mut self.biases,
            velocity: velocity_of_biases,
        };
        update_biases(biases, &self.values, step);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panels_cover_every_unit_once_and_are_narrow() {
        for start in [0, 8] {
            for end in start..start + 1_000 {
                let panels: Vec<_> = cut(start..end).collect();
                assert!(
                    panels
                        .iter()
                        .all(|panel| (1..=WIDEST).contains(&panel.len()))
                );
                let units: Vec<usize> = panels.into_iter().flatten().collect();
                assert_eq!(units, (start..end).collect::<Vec<_>>());
            }
        }
    }
}
