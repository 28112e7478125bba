//! The samples of a mini-batch that one thread takes through the network, forward and back.

use std::ops::Deref;

use thumbnet::regularization::{HashedMasks, drop_units};
use thumbnet::{Architecture, Cost, DropoutRates};

use super::Instructions;
use super::aligned::Aligned;
use super::hidden::Hidden;
use super::mini_batch::MiniBatch;
use super::part::Part;

/// What becomes of a thread's samples.
pub(super) struct Work {
    instructions: Instructions,
    cost: Cost,
    /// For each panel of the first layer `[samples][width]`: weighted inputs, then activations,
    /// then deltas.
    panels: Vec<Aligned>,
    /// The first layer.
    pub(super) first: Hidden,
    /// The layers behind it.
    pub(super) rest: Vec<Hidden>,
    /// The cost of each sample.
    pub(super) costs: Vec<f32>,
}

/// What is done to samples beside taking them through the network.
#[derive(Clone, Copy)]
pub(super) struct Terms {
    pub(super) masks: Option<HashedMasks>,
    /// The number of the first of these samples in the mini-batch.
    pub(super) first: usize,
    /// What the update multiplies with.
    pub(super) rate: f32,
    /// Whether the layers' weights are [transposed](super::layer::Layer::transpose).
    pub(super) is_transposed: bool,
}

impl Work {
    pub(super) fn new(
        architecture: &Architecture,
        cost: Cost,
        rates: &DropoutRates,
        instructions: Instructions,
    ) -> Self {
        let layers = architecture.layers().iter().zip(1..);
        let mut units = layers.map(|(&shape, layer)| Hidden::new(shape, rates.scale(layer)));
        Self {
            instructions,
            cost,
            panels: Vec::new(),
            first: units
                .next()
                .expect("an architecture has at least one layer"),
            rest: units.collect(),
            costs: Vec::new(),
        }
    }

    /// For each panel of the first layer the deltas, `[samples][width]`.
    pub(super) fn deltas(&self) -> impl Iterator<Item = &[f32]> {
        self.panels.iter().map(|values| &**values)
    }

    /// The units of the last layer.
    pub(super) fn last(&mut self) -> &mut Hidden {
        self.rest.last_mut().unwrap_or(&mut self.first)
    }

    /// Takes samples forward and back through the network that is made of `parts`: leaves the deltas
    /// of every layer.
    pub(super) fn train(
        &mut self,
        parts: &[impl Deref<Target = Part>],
        images: &MiniBatch,
        labels: impl Iterator<Item = u8>,
        terms: Terms,
    ) {
        self.forward(parts, images, terms.masks, terms.first);
        match self.instructions.lanes() {
            16 => self.instructions.run_lanes::<16, _>(
                #[inline(always)]
                || self.backward::<16>(parts, labels, terms),
            ),
            _ => self.instructions.run_lanes::<8, _>(
                #[inline(always)]
                || self.backward::<8>(parts, labels, terms),
            ),
        }
        let width = self.first.width();
        let Some(part) = parts.first() else { return };
        for (panel, values) in part.panels.iter().zip(&mut self.panels) {
            panel.pick_values(&self.first.values, width, values);
        }
    }

    /// Leaves activations in all layers but the last, weighted inputs there.
    pub(super) fn forward(
        &mut self,
        parts: &[impl Deref<Target = Part>],
        images: &MiniBatch,
        masks: Option<HashedMasks>,
        first: usize,
    ) {
        self.forward_first(parts, images, masks, first);
        match self.instructions.lanes() {
            16 => self.instructions.run_lanes::<16, _>(
                #[inline(always)]
                || self.forward_rest::<16>(parts, masks, first),
            ),
            _ => self.instructions.run_lanes::<8, _>(
                #[inline(always)]
                || self.forward_rest::<8>(parts, masks, first),
            ),
        }
    }

    /// The first layer, panel by panel.
    fn forward_first(
        &mut self,
        parts: &[impl Deref<Target = Part>],
        images: &MiniBatch,
        masks: Option<HashedMasks>,
        first: usize,
    ) {
        self.first.resize(images.len());
        let width = self.first.width();
        let Some(part) = parts.first() else { return };
        self.panels.resize_with(part.panels.len(), Aligned::default);
        for (index, (panel, values)) in part.panels.iter().zip(&mut self.panels).enumerate() {
            values.resize(images.len() * panel.width);
            for part in parts {
                part.panels[index].forward(images, values);
            }
            if !self.rest.is_empty() {
                self.instructions.run(
                    #[inline(always)]
                    || {
                        for (sample, values) in values.chunks_exact_mut(panel.width).enumerate() {
                            // Behind the panel's units come others, which do not matter.
                            self.first.shape.activation.apply(values);
                            if let Some(masks) = masks {
                                let mask = masks.mask(1, first + sample).from(panel.units.start);
                                drop_units(&mut values[..panel.units.len()], &mask);
                            }
                        }
                    },
                );
            }
            panel.place_values(values, &mut self.first.values, width);
        }
    }

    #[inline(always)]
    fn forward_rest<const LANES: usize>(
        &mut self,
        parts: &[impl Deref<Target = Part>],
        masks: Option<HashedMasks>,
        first: usize,
    ) {
        let last = self.rest.len().saturating_sub(1);
        let mut below = &mut self.first;
        for (index, units) in self.rest.iter_mut().enumerate() {
            units.resize(below.samples());
            below.look_for_zeros();
            for part in parts {
                part.rest[index].forward::<LANES>(below, &mut units.values);
            }
            if index < last {
                units.activate(masks, index + 2, first);
            }
            below = units;
        }
    }

    /// Costs and deltas, last layer to first.
    #[inline(always)]
    fn backward<const LANES: usize>(
        &mut self,
        parts: &[impl Deref<Target = Part>],
        labels: impl Iterator<Item = u8>,
        terms: Terms,
    ) {
        let cost = self.cost;
        self.costs.clear();
        let mut costs = std::mem::take(&mut self.costs);
        let units = self.last();
        let (shape, width) = (units.shape, units.width());
        for (values, label) in units.values.chunks_exact_mut(width).zip(labels) {
            let values = &mut values[..shape.fan_out];
            costs.push(cost.deltas(shape.activation, values, label));
        }
        self.costs = costs;
        for index in (0..self.rest.len()).rev() {
            let (lower, upper) = self.rest.split_at_mut(index);
            let below = lower.last_mut().unwrap_or(&mut self.first);
            let below_width = below.width();
            let sums = below.sums_mut();
            for part in parts {
                let deltas = &upper[0].values;
                let layer = &part.rest[index];
                layer.sums_below::<LANES>(deltas, sums, below_width, terms.is_transposed);
            }
            below.finish_deltas(terms.masks.is_some(), terms.rate);
        }
    }
}
