//! Parameters in training, with what the optimiser keeps for each of them.

use serde::{Deserialize, Serialize};
use thumbnet::optimizer::Slot;
use thumbnet::{Architecture, LayerShape};

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
}

/// Values, velocity and squares of the same parameters.
pub(super) type Parts<'a> = [&'a [f32]; 3];

impl Snapshot {
    /// Shape, weights and biases of each layer, first to last.
    pub(super) fn layers(
        &self,
        architecture: &Architecture,
    ) -> impl Iterator<Item = (LayerShape, Parts<'_>, Parts<'_>)> {
        let mut rest: Parts<'_> = [&self.values, &self.velocity, &self.squares];
        architecture.layers().iter().map(move |&shape| {
            let weights = rest
                .each_mut()
                .map(|part| take(part, shape.fan_in * shape.fan_out));
            let biases = rest.each_mut().map(|part| take(part, shape.fan_out));
            (shape, weights, biases)
        })
    }

    /// Values, velocity and squares, to be written.
    pub(super) fn parts_mut(&mut self) -> [&mut [f32]; 3] {
        [&mut self.values, &mut self.velocity, &mut self.squares]
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
    pub(super) values: Vec<f32>,
    velocity: Vec<f32>,
    squares: Vec<f32>,
    pub(super) gradient: Vec<f32>,
}

impl Parameters {
    /// Those of `parts`, each laid out by `lay_out`, with room for a gradient if one is kept.
    pub(super) fn new(
        parts: Parts<'_>,
        keeps_gradient: bool,
        lay_out: impl Fn(&[f32]) -> Vec<f32>,
    ) -> Self {
        let [values, velocity, squares] = parts.map(|part| match part {
            [] => Vec::new(),
            part => lay_out(part),
        });
        let gradient = vec![0.0; if keeps_gradient { values.len() } else { 0 }];
        Self {
            values,
            velocity,
            squares,
            gradient,
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

    /// Values, velocity and squares.
    pub(super) fn parts(&self) -> Parts<'_> {
        [&self.values, &self.velocity, &self.squares]
    }
}
