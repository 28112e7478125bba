//! Epochs of mini-batches on several threads.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use rand_core::{Rng, SeedableRng};
use rand_xorshift::XorShiftRng;
use serde::{Deserialize, Serialize};
use thumbnet::Architecture;
use thumbnet::random::shuffle;

use super::meeting::{Leave, Meeting};
use super::team::{Batch, Team};
use super::{Hyperparameters, Instructions, OptimizerChoice, Snapshot, SparseImages};
use crate::model::Model;

/// A network in training.
pub struct Engine {
    team: Team,
    hyperparameters: Hyperparameters,
    /// All of the training state but what the team holds.
    state: EngineState,
}

/// Everything that the rest of a training run follows from: an engine that goes on from it ends
/// with the bits of one that never stopped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EngineState {
    /// Parameters, and what the optimiser keeps.
    pub snapshot: Snapshot,
    /// Steps so far.
    pub steps: u32,
    /// Where shuffles are drawn from, if samples are shuffled.
    shuffle_rng: Option<XorShiftRng>,
    dropout_rng: XorShiftRng,
    /// The samples in the order of the last epoch.
    order: Vec<u32>,
}

impl EngineState {
    /// Before the first step. If `shuffled`, samples are put in another order before each epoch,
    /// in place, as in the book; what is drawn follows from `seed` alone.
    pub fn new(
        model: &Model,
        hyperparameters: &Hyperparameters,
        seed: u64,
        shuffled: bool,
    ) -> Self {
        let (has_velocity, has_squares) = hyperparameters.optimizer.keeps();
        let zeros = |kept: bool| vec![0.0; if kept { model.parameters.len() } else { 0 }];
        Self {
            snapshot: Snapshot {
                values: model.parameters.clone(),
                velocity: zeros(has_velocity),
                squares: zeros(has_squares),
                ..Snapshot::default()
            },
            steps: 0,
            shuffle_rng: shuffled.then(|| XorShiftRng::seed_from_u64(seed)),
            dropout_rng: XorShiftRng::seed_from_u64(seed),
            order: Vec::new(),
        }
    }

    /// Puts so many samples in the order of the next epoch.
    pub(crate) fn shuffle(&mut self, samples: usize) -> &[u32] {
        if self.order.len() != samples {
            self.order = (0..samples as u32).collect();
        }
        if let Some(rng) = &mut self.shuffle_rng {
            shuffle(rng, &mut self.order);
        }
        &self.order
    }

    /// Draws the key of the next step's masks.
    pub(crate) fn draw_key(&mut self) -> u32 {
        self.dropout_rng.next_u32()
    }

    /// Copies the network as [`Engine::store`] does.
    pub(crate) fn store(&self, hyperparameters: &Hyperparameters, model: &mut Model) {
        model.parameters.clone_from(&self.snapshot.values);
        let architecture = model.architecture;
        let mut rest = model.parameters.as_mut_slice();
        for (index, layer) in architecture.layers().iter().enumerate() {
            let (own, behind) = rest.split_at_mut(layer.parameters());
            let input_scale = if index == 0 {
                hyperparameters.input_scale
            } else {
                1.0
            };
            let scale = hyperparameters.dropout.prediction_scale(index) * input_scale;
            for weight in &mut own[..layer.fan_in * layer.fan_out] {
                *weight *= scale;
            }
            rest = behind;
        }
    }

    /// Whether this can be the state of a training run of this network with these hyper-parameters
    /// on so many samples.
    pub fn fits(
        &self,
        architecture: &Architecture,
        hyperparameters: &Hyperparameters,
        samples: usize,
    ) -> bool {
        let (has_velocity, has_squares) = hyperparameters.optimizer.keeps();
        let parameters = architecture.parameters();
        let fits = |part: &[f32], kept| part.len() == if kept { parameters } else { 0 };
        let mut order = self.order.clone();
        order.sort_unstable();
        fits(&self.snapshot.values, true)
            && fits(&self.snapshot.velocity, has_velocity)
            && fits(&self.snapshot.squares, has_squares)
            && (order.is_empty() || order.into_iter().eq(0..samples as u32))
    }
}

/// What the thread that trains and the thread that watches tell each other.
#[derive(Debug, Default)]
pub struct Progress {
    /// Samples trained in this epoch so far.
    pub samples: AtomicUsize,
    /// Set from outside: the epoch ends after the mini-batch at hand.
    pub stop: AtomicBool,
    /// The mean costs of the steps, for those who want each.
    pub costs: Option<Mutex<Vec<f32>>>,
}

/// What one epoch came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EpochResult {
    /// Mean of the samples' costs, each before the step that it took part in.
    pub cost: f64,
    /// Samples trained: fewer than there are if the epoch was stopped.
    pub samples: usize,
}

impl Engine {
    /// Training on `threads` threads, at least one, that goes on from `state`, which
    /// [`fits`](EngineState::fits).
    pub fn new(
        architecture: Architecture,
        hyperparameters: Hyperparameters,
        state: EngineState,
        threads: usize,
        instructions: Instructions,
    ) -> Self {
        // Muon's step needs a whole matrix: it stays on one thread.
        let threads = match hyperparameters.optimizer {
            OptimizerChoice::Muon(_) => 1,
            // Waiting for one another takes as long as training on a sample.
            _ => threads.min(hyperparameters.batch_size / 2).max(1),
        };
        let snapshot = &state.snapshot;
        let team = Team::new(
            &architecture,
            snapshot,
            hyperparameters,
            threads,
            instructions,
        );
        Self {
            team,
            hyperparameters,
            state,
        }
    }

    /// The state after the last epoch.
    pub fn state(&mut self) -> &EngineState {
        self.team.store(&mut self.state.snapshot);
        &self.state
    }

    /// Copies the network as trained so far into `model`, which has the shape of the one that
    /// training began with, ready to predict: the scale of inputs and the book's dropout are in its
    /// weights.
    pub fn store(&mut self, model: &mut Model) {
        self.state();
        self.state.store(&self.hyperparameters, model);
    }

    /// Steps that an epoch on so many samples takes.
    pub fn steps_of_epoch(&self, samples: usize) -> usize {
        self.hyperparameters.mini_batches(samples)
    }

    /// Trains one epoch on all `images`; the last mini-batch may be smaller, unless it is dropped.
    /// `learning_rate` is asked for the rate of each step, numbered from 0 over all epochs.
    pub fn epoch(
        &mut self,
        images: &SparseImages<'_>,
        learning_rate: &(dyn Fn(u32) -> f32 + Sync),
        progress: &Progress,
    ) -> EpochResult {
        self.state.shuffle(images.len());
        let state = &self.state;
        let team = &self.team;
        let meeting = &Meeting::new(team.threads());
        let batch_size = self.hyperparameters.batch_size;
        let count = self.hyperparameters.mini_batches(images.len());
        let steps = state.steps;
        let (order, dropout_rng) = (&state.order, &state.dropout_rng);
        let mut results = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..team.threads())
                .map(|thread| {
                    scope.spawn(move || {
                        let _leave = Leave(meeting, thread);
                        let mut rng = dropout_rng.clone();
                        let mut result = EpochResult {
                            cost: 0.0,
                            samples: 0,
                        };
                        let mut trained = 0;
                        let mini_batches = order.chunks(batch_size).take(count).enumerate();
                        for (round, samples) in mini_batches {
                            if !meeting.takes_place(round) {
                                break;
                            }
                            if thread == 0 && progress.stop.load(Ordering::Relaxed) {
                                meeting.end_after(round);
                            }
                            let step = steps.saturating_add(round as u32);
                            let batch = Batch {
                                round,
                                step: step.saturating_add(1),
                                learning_rate: learning_rate(step),
                                samples,
                                images,
                                meeting,
                            };
                            let cost = team.train(thread, &batch, &mut rng);
                            result.cost += f64::from(cost);
                            result.samples += samples.len();
                            trained += 1;
                            if thread == 0 {
                                progress.samples.store(result.samples, Ordering::Relaxed);
                                if let Some(costs) = &progress.costs {
                                    let mut costs =
                                        costs.lock().unwrap_or_else(PoisonError::into_inner);
                                    costs.push(cost / samples.len() as f32);
                                }
                            }
                        }
                        team.settle(thread);
                        (result, trained, rng)
                    })
                })
                .collect();
            threads
                .into_iter()
                .map(|thread| {
                    thread
                        .join()
                        .unwrap_or_else(|cause| std::panic::resume_unwind(cause))
                })
                .collect::<Vec<_>>()
        });
        // Thread 0 adds up the costs, and every thread has drawn every mask.
        let (mut result, trained, rng) = results.swap_remove(0);
        self.state.dropout_rng = rng;
        self.state.steps = steps.saturating_add(trained);
        result.cost /= result.samples.max(1) as f64;
        result
    }
}
