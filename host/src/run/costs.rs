//! The costs that a run reports of an epoch.

use thumbnet::{Architecture, WeightDecay};

use super::plan::Plan;
use crate::recipe::values::ReportCost;

/// Turns a sample's mean cost into the cost that is reported.
///
/// The worked example of the notes sums a mini-batch's costs, and adds `(lambda / m) sum of w^2`.
/// Its lambda and the book's, which is ours, are in proportion: its cost of a mini-batch is `m`
/// times the book's `C + (lambda / 2n) sum of w^2`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Costs {
    decay: WeightDecay,
    factor: f64,
    architecture: Architecture,
}

impl Costs {
    /// What the recipe of `plan` asks for.
    pub fn new(plan: &Plan) -> Self {
        let all = plan.hyperparameters().weight_decay;
        let (decay, factor) = match plan.recipe.report_cost {
            ReportCost::Mean => (WeightDecay::None, 1.0),
            ReportCost::Book => (all, 1.0),
            ReportCost::Notes => (all, plan.recipe.batch_size as f64),
        };
        Self {
            decay,
            factor,
            architecture: plan.initial.architecture,
        }
    }

    /// The term of the cost that these parameters, in the order of the weights file, make; 0 if
    /// none is reported.
    pub fn decay_term(&self, parameters: &[f32]) -> f64 {
        let mut rest = parameters;
        let mut sum = 0.0;
        for layer in self.architecture.layers() {
            let (own, behind) = rest.split_at(layer.parameters());
            // Biases do not decay.
            sum += self.decay.term(&own[..layer.fan_in * layer.fan_out]);
            rest = behind;
        }
        sum
    }

    /// What is reported of a mean cost and the decay term beside it.
    pub fn reported(&self, mean: f64, decay_term: f64) -> f64 {
        self.factor * (mean + decay_term)
    }
}
