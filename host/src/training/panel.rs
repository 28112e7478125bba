//! Some units of the first layer: a panel of columns of its weights, narrow enough that the sums
//! of all its units stay in registers.

use std::ops::Range;

use thumbnet::WeightDecay;
use thumbnet::dense::update_biases;
use thumbnet::input::Masked;
use thumbnet::kernel::{self, MOST_VECTORS};
use thumbnet::optimizer::{Optimizer, Step};
use thumbnet::regularization::HashedMask;

use super::Instructions;
use super::columns::{Columns, Inputs, PORTION};
use super::parameters::{Parameters, Parts};

/// Most units of a panel.
const WIDEST: usize = 8 * MOST_VECTORS;

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
    ($panel:expr, $method:ident::<_ $(, $type:ty)*>($($argument:expr),*)) => {
        match $panel.width / 8 {
            1 => with_vectors!(1, $panel, $method::<_ $(, $type)*>($($argument),*)),
            2 => with_vectors!(2, $panel, $method::<_ $(, $type)*>($($argument),*)),
            3 => with_vectors!(3, $panel, $method::<_ $(, $type)*>($($argument),*)),
            4 => with_vectors!(4, $panel, $method::<_ $(, $type)*>($($argument),*)),
            5 => with_vectors!(5, $panel, $method::<_ $(, $type)*>($($argument),*)),
            6 => with_vectors!(6, $panel, $method::<_ $(, $type)*>($($argument),*)),
            7 => with_vectors!(7, $panel, $method::<_ $(, $type)*>($($argument),*)),
            8 => with_vectors!(8, $panel, $method::<_ $(, $type)*>($($argument),*)),
            10 => with_vectors!(10, $panel, $method::<_ $(, $type)*>($($argument),*)),
            _ => with_vectors!(MOST_VECTORS, $panel, $method::<_ $(, $type)*>($($argument),*)),
        }
    };
    ($vectors:tt, $panel:expr, $method:ident::<_ $(, $type:ty)*>($($argument:expr),*)) => {
        $panel.instructions.run(
            #[inline(always)]
            || $panel.$method::<$vectors $(, $type)*>($($argument),*),
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
        let width = width(units.len());
        let mut panel = Self {
            weights: Parameters::default(),
            biases: Parameters::default(),
            units,
            width,
            instructions,
            values: Vec::new(),
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
            place(self.units.clone(), weights, layer_weights, fan_out);
            place(self.units.clone(), biases, layer_biases, fan_out);
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
    pub(super) fn forward(&mut self, inputs: &Inputs<'_>) {
        self.values.resize(inputs.samples.len() * self.width, 0.0);
        with_vectors!(self, forward_wide::<_>(inputs));
    }

    /// Each sample's values, to be activated.
    #[inline(always)]
    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut [f32]> {
        let units = self.units.len();
        self.values
            .chunks_exact_mut(self.width)
            .map(move |values| &mut values[..units])
    }

    /// Moves the parameters, or the gradient; the values hold the deltas.
    pub(super) fn backward<O: Optimizer>(
        &mut self,
        inputs: &Inputs<'_>,
        columns: &mut Columns,
        step: &Step<O>,
    ) {
        with_vectors!(self, backward_wide::<_, O>(inputs, columns, step));
    }

    #[inline(always)]
    fn forward_wide<const VECTORS: usize>(&mut self, inputs: &Inputs<'_>) {
        let weights = self.weights.values.as_slice();
        let rows = self.values.chunks_exact_mut(8 * VECTORS);
        for (index, (values, &sample)) in rows.zip(inputs.samples).enumerate() {
            values.copy_from_slice(&self.biases.values);
            let input = &inputs.images.image(sample as usize);
            match inputs.mask(index) {
                None if inputs.scale == 1.0 => {
                    kernel::forward_wide::<VECTORS, _>(input, weights, 1.0, values);
                }
                mask => {
                    let (mask, scale) = (mask.unwrap_or(HashedMask::NONE), inputs.scale);
                    let input = Masked { input, mask, scale };
                    kernel::forward_wide::<VECTORS, _>(&input, weights, 1.0, values);
                }
            }
        }
    }

    /// Row by row: a row is read and written once for all samples of the mini-batch, which for
    /// each weight come in the order of the contract.
    #[inline(always)]
    fn backward_wide<const VECTORS: usize, O: Optimizer>(
        &mut self,
        inputs: &Inputs<'_>,
        columns: &mut Columns,
        step: &Step<O>,
    ) {
        let mut weights = self.weights.slot();
        let portions = inputs.samples.len().div_ceil(PORTION);
        let deltas = self.values.chunks(PORTION * 8 * VECTORS);
        for (portion, (samples, deltas)) in inputs.samples.chunks(PORTION).zip(deltas).enumerate() {
            let portion_inputs = Inputs {
                samples,
                first: portion * PORTION,
                ..*inputs
            };
            // Adding -rate x delta is what subtracting rate x delta is, to the bit.
            columns.fill(&portion_inputs, -step.rate);
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
                    step.optimizer.end(row, step.decay);
                }
            }
        }
        update_biases(self.biases.slot(), &self.values, step);
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
