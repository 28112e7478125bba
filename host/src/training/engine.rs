//! Epochs of mini-batches on several threads.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rand_core::SeedableRng;
use rand_xorshift::XorShiftRng;
use thumbnet::random::shuffle;

use super::exchange::{Exchange, Leave};
use super::shard::{Batch, Shard};
use super::{Hyperparameters, Instructions, SparseImages};
use crate::model::Model;

/// A network in training.
pub struct Engine {
    shards: Vec<Shard>,
    batch_size: usize,
    /// Where shuffles are drawn from, if samples are shuffled.
    shuffle_rng: Option<XorShiftRng>,
    dropout_rng: XorShiftRng,
    /// The samples in the order of the last epoch.
    order: Vec<u32>,
}

/// What the thread that trains and the thread that watches tell each other.
#[derive(Debug, Default)]
pub struct Progress {
    /// Samples trained in this epoch so far.
    pub samples: AtomicUsize,
    /// Set from outside: the epoch ends after the mini-batch at hand.
    pub stop: AtomicBool,
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
    /// Training of `model` on `threads` threads, at least one. If `shuffled`, samples are put in
    /// another order before each epoch, in place, as in the book; what is drawn follows from
    /// `seed` alone.
    pub fn new(
        model: &Model,
        hyperparameters: Hyperparameters,
        seed: u64,
        shuffled: bool,
        threads: usize,
        instructions: Instructions,
    ) -> Self {
        let shards = (0..threads)
            .map(|thread| Shard::new(model, hyperparameters, thread, threads, instructions))
            .collect();
        Self {
            shards,
            batch_size: hyperparameters.batch_size,
            shuffle_rng: shuffled.then(|| XorShiftRng::seed_from_u64(seed)),
            dropout_rng: XorShiftRng::seed_from_u64(seed),
            order: Vec::new(),
        }
    }

    /// Copies the parameters as trained so far into `model`, which has the shape of the one that
    /// training began with.
    pub fn store(&self, model: &mut Model) {
        for shard in &self.shards {
            shard.store(model);
        }
    }

    /// Trains one epoch on all `images`; the last mini-batch may be smaller.
    pub fn epoch(&mut self, images: &SparseImages<'_>, progress: &Progress) -> EpochResult {
        if self.order.len() != images.len() {
            self.order = (0..images.len() as u32).collect();
        }
        if let Some(rng) = &mut self.shuffle_rng {
            shuffle(rng, &mut self.order);
        }
        let exchange = Exchange::new(self.shards.len());
        let batch_size = self.batch_size;
        let (exchange, order, dropout_rng) = (&exchange, &self.order, &self.dropout_rng);
        let mut results = std::thread::scope(|scope| {
            let threads: Vec<_> = self
                .shards
                .iter_mut()
                .enumerate()
                .map(|(thread, shard)| {
                    scope.spawn(move || {
                        let _leave = Leave(exchange, thread);
                        let mut rng = dropout_rng.clone();
                        let mut result = EpochResult {
                            cost: 0.0,
                            samples: 0,
                        };
                        for (round, samples) in order.chunks(batch_size).enumerate() {
                            if !exchange.takes_place(round) {
                                break;
                            }
                            if thread == 0 && progress.stop.load(Ordering::Relaxed) {
                                exchange.end_after(round);
                            }
                            let batch = Batch {
                                round,
                                samples,
                                images,
                                exchange,
                            };
                            result.cost += f64::from(shard.train(&batch, &mut rng));
                            result.samples += samples.len();
                            if thread == 0 {
                                progress.samples.store(result.samples, Ordering::Relaxed);
                            }
                        }
                        (result, rng)
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
        // Every thread has computed every cost, and drawn every mask.
        let (EpochResult { cost, samples }, rng) = results.swap_remove(0);
        self.dropout_rng = rng;
        EpochResult {
            cost: cost / samples.max(1) as f64,
            samples,
        }
    }
}
