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
    seed: u64,
    shuffled: bool,
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
    /// Training of `model` on `threads` threads, at least one. Shuffling and dropout follow from
    /// `seed` and the number of the epoch alone.
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
            seed,
            shuffled,
        }
    }

    /// Goes on with another learning rate.
    pub fn set_learning_rate(&mut self, learning_rate: f32) {
        for shard in &mut self.shards {
            shard.set_learning_rate(learning_rate);
        }
    }

    /// Copies the parameters as trained so far into `model`, which has the shape of the one that
    /// training began with.
    pub fn store(&self, model: &mut Model) {
        for shard in &self.shards {
            shard.store(model);
        }
    }

    /// Trains epoch number `epoch` on all `images`; the last mini-batch may be smaller.
    pub fn epoch(
        &mut self,
        epoch: usize,
        images: &SparseImages<'_>,
        progress: &Progress,
    ) -> EpochResult {
        let mut order: Vec<u32> = (0..images.len() as u32).collect();
        if self.shuffled {
            shuffle(&mut stream(self.seed, Purpose::Shuffle, epoch), &mut order);
        }
        let dropout = stream(self.seed, Purpose::Dropout, epoch);
        let exchange = Exchange::new(self.shards.len());
        let batch_size = self.batch_size;
        let (exchange, order, dropout) = (&exchange, &order, &dropout);
        let mut results = std::thread::scope(|scope| {
            let threads: Vec<_> = self
                .shards
                .iter_mut()
                .enumerate()
                .map(|(thread, shard)| {
                    scope.spawn(move || {
                        let _leave = Leave(exchange, thread);
                        let mut rng = dropout.clone();
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
                        result
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
        // Every thread has computed every cost.
        let EpochResult { cost, samples } = results.swap_remove(0);
        EpochResult {
            cost: cost / samples.max(1) as f64,
            samples,
        }
    }
}

#[derive(Clone, Copy)]
enum Purpose {
    Shuffle = 1,
    Dropout = 2,
}

/// The generator of one purpose in one epoch: a function of the seed alone, so that neither
/// threads nor interruptions change what it gives. Weights are drawn from the seed itself.
fn stream(seed: u64, purpose: Purpose, epoch: usize) -> XorShiftRng {
    // Multiples of 2^64 / golden ratio are far apart, whatever the seeds and epochs are.
    let number = (epoch as u64) << 2 | purpose as u64;
    XorShiftRng::seed_from_u64(seed ^ number.wrapping_mul(0x9E37_79B9_7F4A_7C15))
}
