//! Forward and backward through a network that stays as it is: what one sample adds to a gradient.

use std::ops::Range;

use thumbnet::input::Input;
use thumbnet::{Cost, LayerShape, dense, kernel};

use super::gradient::LabelledInputs;
use crate::model::Model;

/// One layer on its way through a sample.
struct Layer<'m> {
    shape: LayerShape,
    weights: &'m [f32],
    biases: &'m [f32],
    /// `z`, then activations, then deltas; `[fan_out]`.
    units: Vec<f32>,
}

/// Forward and backward through a network that stays as it is.
pub(super) struct Pass<'m> {
    cost: Cost,
    parameters: usize,
    layers: Vec<Layer<'m>>,
}

impl<'m> Pass<'m> {
    pub(super) fn new(model: &'m Model) -> Self {
        let layers = model.layers().map(|(shape, weights, biases)| Layer {
            shape,
            weights,
            biases,
            units: vec![0.0; shape.fan_out],
        });
        Self {
            cost: model.cost,
            parameters: model.parameters.len(),
            layers: layers.collect(),
        }
    }

    /// The summed cost of some samples, and its gradient.
    #[inline(always)]
    pub(super) fn sum(
        &mut self,
        samples: &impl LabelledInputs,
        range: Range<usize>,
    ) -> (f64, Vec<f32>) {
        let mut gradient = vec![0.0; self.parameters];
        let mut cost = 0.0;
        for index in range {
            let (input, label) = samples.labelled(index);
            cost += f64::from(self.forward(&input, label));
            self.backward(&input, &mut gradient);
        }
        (cost, gradient)
    }

    /// Leaves activations in all layers but the last, deltas there, and returns the cost.
    #[inline(always)]
    fn forward(&mut self, input: &impl Input, label: u8) -> f32 {
        let last = self.layers.len() - 1;
        for index in 0..=last {
            let (below, layer) = self.layers.split_at_mut(index);
            let layer = &mut layer[0];
            let (weights, biases, units) = (layer.weights, layer.biases, &mut layer.units);
            match below.last() {
                Some(below) => dense::forward(below.units.as_slice(), weights, biases, units),
                None => dense::forward(input, weights, biases, units),
            }
            if index < last {
                layer.shape.activation.apply(units);
            }
        }
        let Layer { shape, units, .. } = &mut self.layers[last];
        self.cost.deltas(shape.activation, units, label)
    }

    /// Adds `dC/dw_ij = x_i delta_j` and `dC/db_j = delta_j`, last layer to first.
    #[inline(always)]
    fn backward(&mut self, input: &impl Input, mut gradient: &mut [f32]) {
        for index in (0..self.layers.len()).rev() {
            let (below, layer) = self.layers.split_at_mut(index);
            let Layer {
                shape,
                weights,
                units: deltas,
                ..
            } = &layer[0];
            let (rest, own) = gradient.split_at_mut(gradient.len() - shape.parameters());
            gradient = rest;
            let (of_weights, of_biases) = own.split_at_mut(weights.len());
            kernel::subtract_scaled(of_biases, -1.0, deltas);
            let rows = of_weights.chunks_exact_mut(shape.fan_out);
            let Some(below) = below.last_mut() else {
                input.for_each_nonzero(
                    rows,
                    #[inline(always)]
                    |row, value| kernel::subtract_scaled(row, -value, deltas),
                );
                return;
            };
            let weights = weights.chunks_exact(shape.fan_out);
            for ((row, weights), unit) in rows.zip(weights).zip(&mut below.units) {
                let a = *unit;
                if a != 0.0 {
                    kernel::subtract_scaled(row, -a, deltas);
                }
                *unit = kernel::dot(weights, deltas) * below.shape.activation.derivative(a);
            }
        }
    }
}
