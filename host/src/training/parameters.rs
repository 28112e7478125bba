//! Parameters in training, with what the optimiser keeps for each of them.

use serde::{Deserialize, Serialize};
use thumbnet::optimizer::Slot;
use thumbnet::{Architecture, LayerShape};

use super::aligned::Aligned;

/// What an optimiser keeps between mini-batches, and the parameters themselves, in the order of the
/// weights file, however many threads they are spread over.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Weights and biases.
    pub values: Vec<f32>,
    /// As long, or empty.
    pub velocity: Vec<f32>,
    /// As long, or empty.
    pub squares: Vec<f32>,
    /// As long, or empty: the gradient of the last mini-batch, from which nothing follows.
    #[serde(skip)]
    pub(super) gradient: Vec<f32>,
}

/// Values, velocity, squares and gradient of the same parameters.
pub(super) type Parts<'a> = [&'a [f32]; 4];

impl Snapshot {
    /// Shape, weights and biases of each layer, first to last.
    pub(super) fn layers(
        &self,
        architecture: &Architecture,
    ) -> impl Iterator<Item = (LayerShape, Parts<'_>, Parts<'_>)> {
        let Self {
            values,
            velocity,
            squares,
            gradient,
        } = self;
        let mut rest: Parts<'_> = [values, velocity, squares, gradient];
        architecture.layers().iter().map(move |&shape| {
            let weights = rest
                .each_mut()
                .map(|part| take(part, shape.fan_in * shape.fan_out));
            let biases = rest.each_mut().map(|part| take(part, shape.fan_out));
            (shape, weights, biases)
        })
    }

    /// Shape and parameters of each layer, first to last, to be written.
    pub(super) fn layers_mut(
        &mut self,
        architecture: &Architecture,
    ) -> impl Iterator<Item = (LayerShape, [&mut [f32]; 4])> {
        let Self {
            values,
            velocity,
            squares,
            gradient,
        } = self;
        let mut rest = [values, velocity, squares, gradient].map(Vec::as_mut_slice);
        architecture.layers().iter().map(move |&shape| {
            let layer = rest.each_mut().map(|part| {
                let count = shape.parameters().min(part.len());
                let (own, behind) = std::mem::take(part).split_at_mut(count);
                *part = behind;
                own
            });
            (shape, layer)
        })
    }
}

/// The first `count` of `part`, which it loses; nothing of an empty one.
fn take<'a>(part: &mut &'a [f32], count: usize) -> &'a [f32] {
    let (own, rest) = part.split_at(count.min(part.len()));
    *part = rest;
    own
}

/// Weights or biases of a layer or a panel.
#[derive(Debug, Default)]
pub(super) struct Parameters {
    pub(super) values: Aligned,
    velocity: Aligned,
    squares: Aligned,
    pub(super) gradient: Aligned,
}

impl Parameters {
    /// Makes room for a gradient.
    pub(super) fn make_gradient(&mut self) {
        self.gradient = Aligned::zeros(self.values.len());
    }

    /// Takes over those of `parts` that are not empty, each laid out by `lay_out`; but for the
    /// gradient.
    pub(super) fn set(&mut self, parts: Parts<'_>, lay_out: impl Fn(&[f32]) -> Vec<f32>) {
        let own = [&mut self.values, &mut self.velocity, &mut self.squares];
        for (own, part) in own.into_iter().zip(parts) {
            if !part.is_empty() {
                *own = lay_out(part).into();
            }
        }
    }

    /// All of them, for an optimiser.
    #[inline(always)]
    pub(super) fn slot(&mut self) -> Slot<'_> {
        Slot {
            values: &mut self.values,
            velocity: &mut self.velocity,
            squares: &mut self.squares,
            gradient: &mut self.gradient,
        }
    }

    /// Values, velocity, squares and gradient.
    pub(super) fn parts(&self) -> Parts<'_> {
        [&self.values, &self.velocity, &self.squares, &self.gradient]
    }
}
