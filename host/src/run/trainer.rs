//! What trains a run: mini-batches, here or on a board, or all samples at once.

use anyhow::Result;

use super::plan::Plan;
use crate::board::BoardTrainer;
use crate::model::Model;
use crate::training::{
    Engine, EngineState, EpochResult, FullBatch, Instructions, Progress, SparseImages,
};

/// A network in training.
pub enum Trainer {
    /// In mini-batches.
    MiniBatches(Box<Engine>),
    /// In mini-batches, on a board.
    Board(Box<BoardTrainer>),
    /// On whole epochs, which take a step each.
    FullBatch {
        /// The method.
        method: Box<FullBatch>,
        /// The network as trained so far.
        model: Box<Model>,
        /// Epochs so far.
        steps: u32,
    },
}

impl Trainer {
    /// Training as planned, from the beginning or from the `state` of such a run.
    pub fn new(plan: &Plan, state: Option<EngineState>) -> Self {
        let instructions = Instructions::detect();
        let hyperparameters = plan.hyperparameters();
        if let Some(method) = plan.full_batch() {
            let (decay, threads) = (hyperparameters.weight_decay.rate(), plan.threads);
            let method = FullBatch::new(&plan.initial, method, decay, threads, instructions);
            return Self::FullBatch {
                method: Box::new(method),
                model: Box::new(plan.initial.clone()),
                steps: 0,
            };
        }
        let state = match state {
            Some(state) => state,
            None => {
                let (seed, shuffle) = (plan.recipe.seed, plan.recipe.shuffle);
                EngineState::new(&plan.initial, &hyperparameters, seed, shuffle)
            }
        };
        let architecture = plan.initial.architecture;
        let engine = Engine::new(
            architecture,
            hyperparameters,
            state,
            plan.threads,
            instructions,
        );
        Self::MiniBatches(Box::new(engine))
    }

    /// Trains one epoch; `learning_rate` is asked for every step, numbered from 0.
    ///
    /// # Errors
    ///
    /// A board fails; nothing else does.
    pub fn epoch(
        &mut self,
        images: &SparseImages<'_>,
        learning_rate: &(dyn Fn(u32) -> f32 + Sync),
        progress: &Progress,
    ) -> Result<EpochResult> {
        Ok(match self {
            Self::MiniBatches(engine) => engine.epoch(images, learning_rate, progress),
            Self::Board(board) => board.epoch(images, learning_rate, progress)?,
            Self::FullBatch {
                method,
                model,
                steps,
            } => {
                let result = method.epoch(images, progress);
                method.store(model);
                *steps += 1;
                result
            }
        })
    }

    /// Copies the network as trained so far, ready to predict.
    pub fn store(&mut self, model: &mut Model) {
        match self {
            Self::MiniBatches(engine) => engine.store(model),
            Self::Board(board) => board.store(model),
            Self::FullBatch { method, .. } => method.store(model),
        }
    }

    /// The parameters as they are trained.
    pub fn parameters(&mut self) -> &[f32] {
        match self {
            Self::MiniBatches(engine) => &engine.state().snapshot.values,
            Self::Board(board) => board.parameters(),
            Self::FullBatch { model, .. } => &model.parameters,
        }
    }

    /// Steps so far.
    pub fn steps(&mut self) -> u32 {
        match self {
            Self::MiniBatches(engine) => engine.state().steps,
            Self::Board(board) => board.steps(),
            Self::FullBatch { steps, .. } => *steps,
        }
    }

    /// What the epochs to come follow from, where it can be kept.
    pub fn state(&mut self) -> Option<EngineState> {
        match self {
            Self::MiniBatches(engine) => Some(engine.state().clone()),
            Self::Board(board) => board.state(),
            Self::FullBatch { .. } => None,
        }
    }

    /// Whether more epochs change nothing.
    pub fn converged(&self) -> bool {
        match self {
            Self::MiniBatches(_) | Self::Board(_) => false,
            Self::FullBatch { method, .. } => method.converged(),
        }
    }
}
