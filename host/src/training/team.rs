//! Threads that train a network together.
//!
//! Each takes its share of a mini-batch's samples forward and back through the whole network, which
//! does not move meanwhile; then each moves its own rows of all weights by all samples. They wait
//! for one another in between. Every sum is made by one thread in the order of the contract, so any
//! number of threads gives the bits of one.

use std::ops::Range;
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use rand_core::Rng;
use rand_xorshift::XorShiftRng;
use thumbnet::optimizer::{Clipped, Optimizer, Step, clip_factor};
use thumbnet::regularization::HashedMasks;
use thumbnet::{Architecture, Momentum, Nesterov, Sgd, WeightDecay};

use super::meeting::Meeting;
use super::mini_batch::MiniBatch;
use super::muon::Muon;
use super::optimizer::{OptimizerChoice, with_optimizer};
use super::orthogonal::Scratch;
use super::parameters::Snapshot;
use super::part::{Part, Update};
use super::sparse::SparseImages;
use super::work::{Terms, Work};
use super::{Hyperparameters, Instructions};

/// Samples of a mini-batch from which on transposing the weights behind the first layer pays.
const TRANSPOSES_FROM: usize = 4;

/// What the threads work on for one mini-batch.
pub(super) struct Batch<'a> {
    pub(super) round: usize,
    /// The number of the step, counted from 1.
    pub(super) step: u32,
    pub(super) learning_rate: f32,
    pub(super) samples: &'a [u32],
    pub(super) images: &'a SparseImages<'a>,
    pub(super) meeting: &'a Meeting,
}

/// The threads of a training run.
pub(super) struct Team {
    architecture: Architecture,
    hyperparameters: Hyperparameters,
    instructions: Instructions,
    members: Vec<Member>,
    /// For Muon, which works on whole matrices.
    muon: Mutex<(Snapshot, Vec<Scratch>)>,
}

/// What belongs to one thread: it alone writes to it, while no other reads.
struct Member {
    part: RwLock<Part>,
    /// Its share of this mini-batch's images, and of the last one's or the next one's.
    images: [RwLock<MiniBatch>; 2],
    work: RwLock<Work>,
}

/// A thread that panicked while it held the lock has left what nobody will use.
fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

impl Team {
    pub(super) fn new(
        architecture: &Architecture,
        snapshot: &Snapshot,
        hyperparameters: Hyperparameters,
        threads: usize,
        instructions: Instructions,
    ) -> Self {
        let keeps_gradient = hyperparameters.keeps_gradient();
        let member = |thread| {
            let layers = snapshot.layers(architecture);
            let share = (thread, threads);
            let part = Part::new(layers, keeps_gradient, share, instructions);
            let Hyperparameters { cost, dropout, .. } = hyperparameters;
            Member {
                part: RwLock::new(part),
                images: Default::default(),
                work: RwLock::new(Work::new(architecture, cost, &dropout, instructions)),
            }
        };
        Self {
            architecture: *architecture,
            hyperparameters,
            instructions,
            members: (0..threads).map(member).collect(),
            muon: Mutex::default(),
        }
    }

    /// How many threads there are.
    pub(super) fn threads(&self) -> usize {
        self.members.len()
    }

    /// Writes the parameters back, and what is kept for them.
    pub(super) fn store(&self, snapshot: &mut Snapshot) {
        for Member { part, .. } in &self.members {
            read(part).store(snapshot.layers_mut(&self.architecture));
        }
    }

    /// At the end of an epoch: does to a thread's rows what was put off.
    pub(super) fn settle(&self, thread: usize) {
        write(&self.members[thread].part).settle();
    }

    fn share(&self, thread: usize, samples: usize) -> Range<usize> {
        let edge = |thread: usize| samples * thread / self.threads();
        edge(thread)..edge(thread + 1)
    }

    /// One thread's share in training on one mini-batch. Every thread draws the same from its `rng`.
    /// Returns, to thread 0, the sum of the samples' costs before the step.
    pub(super) fn train(&self, thread: usize, batch: &Batch<'_>, rng: &mut XorShiftRng) -> f32 {
        let rates = self.hyperparameters.dropout;
        let masks = rates
            .layers
            .iter()
            .any(|&rate| rate > 0.0)
            .then(|| HashedMasks {
                rates,
                key: rng.next_u32(),
            });
        if !self.hyperparameters.keeps_gradient() {
            return match self.hyperparameters.optimizer {
                OptimizerChoice::Momentum(momentum) => {
                    self.train_with(Momentum(momentum), thread, batch, masks)
                }
                OptimizerChoice::Nesterov(momentum) => {
                    self.train_with(Nesterov(momentum), thread, batch, masks)
                }
                _ => self.train_with(Sgd, thread, batch, masks),
            };
        }
        // Any optimiser that accumulates a gradient does it in the same way.
        let norm = self.hyperparameters.clip_norm;
        let gradient = Clipped {
            optimizer: Sgd,
            norm: norm.unwrap_or(f32::INFINITY),
        };
        let cost_sum = self.train_with(gradient, thread, batch, masks);
        let factor = norm.map_or(1.0, |norm| {
            batch.meeting.wait(thread);
            let squares = self.squares();
            // A gradient is not what it was once it has moved parameters.
            batch.meeting.wait(thread);
            clip_factor(norm, squares)
        });
        let Hyperparameters {
            optimizer,
            weight_decay,
            ..
        } = self.hyperparameters;
        let rate = batch.learning_rate;
        let member = &self.members[thread];
        with_optimizer!(optimizer, optimizer => {
            let optimizer = optimizer.at_step(batch.step);
            write(&member.part).apply(optimizer, rate, weight_decay, factor);
        }, muon => {
            self.apply_muon(muon, member, (rate, weight_decay, factor));
        });
        cost_sum
    }

    fn train_with<O: Optimizer>(
        &self,
        optimizer: O,
        thread: usize,
        batch: &Batch<'_>,
        masks: Option<HashedMasks>,
    ) -> f32 {
        let Hyperparameters {
            weight_decay,
            dropout: rates,
            input_scale,
            ..
        } = self.hyperparameters;
        let samples = batch.samples.len();
        let (rate, number) = (batch.learning_rate, batch.step);
        let step = Step::new(optimizer, rate, weight_decay, samples, number);
        let own = self.share(thread, samples);
        let is_transposed = samples >= TRANSPOSES_FROM;
        let member = &self.members[thread];

        let place = batch.round % 2;
        let masks_of_inputs = masks.filter(|_| rates.rate(0) > 0.0);
        write(&member.images[place]).fill(
            batch.images,
            &batch.samples[own.clone()],
            own.start,
            masks_of_inputs,
            rates.scale(0) * input_scale,
        );
        let looks_ahead = self.hyperparameters.optimizer.looks_ahead();
        if looks_ahead.is_some() || is_transposed {
            write(&member.part).prepare(looks_ahead, is_transposed);
        }
        batch.meeting.wait(thread);

        let members = self.members.iter();
        let images: Vec<_> = members.map(|member| read(&member.images[place])).collect();
        let update = Update::of(samples, self.puts_off());
        if update != Update::AllRows {
            write(&member.part).catch_up(&images, update, step.rate);
            batch.meeting.wait(thread);
        }

        {
            let parts: Vec<_> = self
                .members
                .iter()
                .map(|member| read(&member.part))
                .collect();
            let labels = batch.samples[own.clone()].iter();
            let labels = labels.map(|&sample| batch.images.label(sample as usize));
            let terms = Terms {
                masks,
                first: own.start,
                rate: step.rate,
                is_transposed,
            };
            write(&member.work).train(&parts, &images[thread], labels, terms);
        }
        batch.meeting.wait(thread);

        let work: Vec<_> = self
            .members
            .iter()
            .map(|member| read(&member.work))
            .collect();
        write(&member.part).update(&images, &work, update, &step);
        let mut cost_sum = 0.0;
        if thread == 0 {
            for cost in work.iter().flat_map(|work| &work.costs) {
                cost_sum += cost;
            }
        }
        cost_sum
    }

    /// Whether the decay of rows that a mini-batch does not need is put off.
    fn puts_off(&self) -> bool {
        let Hyperparameters {
            optimizer,
            weight_decay,
            ..
        } = self.hyperparameters;
        let multiplies = matches!(weight_decay, WeightDecay::None | WeightDecay::L2(_));
        multiplies && optimizer == OptimizerChoice::Sgd && !self.hyperparameters.keeps_gradient()
    }

    /// The sum of squares of the whole gradient, in the order of core.
    fn squares(&self) -> f32 {
        let layers = self.architecture.layers();
        let mut sums: Vec<[Vec<f32>; 2]> = layers
            .iter()
            .map(|layer| [(); 2].map(|()| vec![0.0; layer.fan_out]))
            .collect();
        for Member { part, .. } in &self.members {
            read(part).add_squares(&mut sums);
        }
        let mut total = 0.0;
        for square in sums.iter().flatten().flatten() {
            total += square;
        }
        total
    }

    /// Muon works on whole matrices, so all parameters are put together for it; there is no other
    /// thread.
    fn apply_muon(&self, muon: Muon, member: &Member, numbers: (f32, WeightDecay, f32)) {
        let mut kept = self.muon.lock().unwrap_or_else(PoisonError::into_inner);
        let (whole, scratch) = &mut *kept;
        let count = self.architecture.parameters();
        for part in [&mut whole.values, &mut whole.velocity, &mut whole.gradient] {
            part.resize(count, 0.0);
        }
        self.store(whole);
        self.instructions.run(
            #[inline(always)]
            || muon.apply(&self.architecture, whole, numbers, scratch),
        );
        write(&member.part).load(whole.layers(&self.architecture));
    }
}
