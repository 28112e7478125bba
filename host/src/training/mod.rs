//! Training on the desktop: networks whose shape is known at run time, on several threads, with
//! the bits of one.

mod augmented;
mod columns;
mod engine;
mod evaluate;
mod exchange;
mod full_batch;
mod gradient;
mod instructions;
mod layer;
pub mod muon;
mod objective;
mod panel;
mod pass;
mod shard;
mod sparse;

pub use augmented::{ImageSource, TrainingImages};
pub use engine::{Engine, EpochResult, Progress};
pub use evaluate::{Evaluation, evaluate};
pub use full_batch::{FullBatch, FullBatchMethod};
pub use gradient::{Gradient, LabelledInputs, layer_gradient_norms};
pub use instructions::Instructions;
pub use sparse::SparseImages;

use thumbnet::Cost;

/// What training does to a network, whatever the network and the data are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hyperparameters {
    /// What is made small.
    pub cost: Cost,
    /// `eta`: finite, above 0.
    pub learning_rate: f32,
    /// Samples of a mini-batch, at least 1.
    pub batch_size: usize,
    /// `mu`, 0 <= mu < 1; 0 is plain gradient descent.
    pub momentum: f32,
    /// `lambda / n`: the term `lambda / 2n sum of w^2` of the cost; 0 for none.
    pub weight_decay: f32,
    /// The probability of dropping a hidden unit, 0 <= rate < 1; 0 for none.
    pub dropout: f32,
}
