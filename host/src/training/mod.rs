//! Training on the desktop: networks whose shape is known at run time, on several threads, with
//! the bits of one.

mod aligned;
mod augmented;
mod backlog;
mod blocks;
mod columns;
mod distort;
mod engine;
mod evaluate;
mod full_batch;
mod gradient;
mod hidden;
mod instructions;
mod layer;
mod meeting;
mod mini_batch;
mod muon;
mod objective;
mod optimizer;
mod orthogonal;
mod panel;
mod parameters;
mod part;
mod pass;
mod rows;
mod sparse;
mod team;
#[cfg(test)]
mod tests;
mod work;

pub use augmented::{ImageSource, TrainingImages};
pub use engine::{Engine, EngineState, EpochResult, Progress};
pub use evaluate::{Evaluation, Predictor, evaluate};
pub use full_batch::{FullBatch, FullBatchMethod};
pub use gradient::{Gradient, LabelledInputs, layer_gradient_norms};
pub use instructions::Instructions;
pub use muon::Muon;
pub use optimizer::OptimizerChoice;
pub use parameters::Snapshot;
pub use sparse::SparseImages;

use thumbnet::{Cost, DropoutRates, WeightDecay};

/// What training does to a network, whatever the network and the data are. The learning rate, which
/// may change with every mini-batch, is given to [`Engine::epoch`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hyperparameters {
    /// What is made small.
    pub cost: Cost,
    /// Samples of a mini-batch, at least 1.
    pub batch_size: usize,
    /// Whether the samples at the end of an epoch that make no whole mini-batch are left out.
    pub drop_last: bool,
    /// The rule of the update.
    pub optimizer: OptimizerChoice,
    /// `lambda / n`, and which kind.
    pub weight_decay: WeightDecay,
    /// The longest gradient, if gradients are clipped.
    pub clip_norm: Option<f32>,
    /// How often inputs and hidden units are dropped.
    pub dropout: DropoutRates,
    /// What inputs are multiplied by: 1, or 255 / 256 for pixels that mean value / 256. Weights that
    /// the engine hands out have it in them, so that they take pixels as every other network does.
    pub input_scale: f32,
}

impl Hyperparameters {
    /// How many mini-batches so many samples make.
    pub(crate) fn mini_batches(&self, samples: usize) -> usize {
        if self.drop_last {
            samples / self.batch_size
        } else {
            samples.div_ceil(self.batch_size)
        }
    }

    /// Whether the gradient of a mini-batch is kept apart from the parameters.
    pub(crate) fn keeps_gradient(&self) -> bool {
        self.clip_norm.is_some() || self.optimizer.keeps_gradient()
    }
}
