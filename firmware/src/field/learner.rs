//! The learner: rounds of steps, each kept or undone by what is held out.

use core::marker::PhantomData;

use thumbnet::cost::{CostFunction, TrainsWith};
use thumbnet::input::FixedInput;
use thumbnet::optimizer::{Optimizer, Zeroed};
use thumbnet::random::XorShiftRng;
use thumbnet::trainer::{BatchError, ConfigError};
use thumbnet::{Network, TrainConfig, TrainState, Trainer};

use super::budget::Budget;
use super::memory::Remember;

/// All that a learner holds. All zero when new, so a `static` of it takes no flash.
pub struct Room<N: Network, O: Optimizer, M> {
    /// What is trained.
    trained: N,
    /// What predicts, and what a round that made nothing better goes back to.
    kept: N,
    state: TrainState<N, O>,
    memory: M,
}

impl<N: Network, O: Optimizer, M: Zeroed> Room<N, O, M> {
    /// Before anything was met.
    pub const ZEROED: Self = Self {
        trained: N::ZEROED,
        kept: N::ZEROED,
        state: TrainState::ZEROED,
        memory: M::ZEROED,
    };
}

/// What came of a round.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Round {
    /// Whether the new weights are kept; if not, training goes on from those that were.
    pub kept: bool,
    /// Samples held out.
    pub samples: u32,
    /// How many of them the kept weights got right.
    pub right_before: u32,
    /// How many the new ones.
    pub right_after: u32,
    /// Their mean cost with the kept weights.
    pub cost_before: f32,
    /// With the new ones: infinite if training has diverged. The lower one is kept.
    pub cost_after: f32,
}

sentences!(Round {
    Round { kept: true, samples, right_before, right_after, cost_before, cost_after } =>
        "of {} held out {} were right, now {}, at a mean cost of {}, now {}: kept",
        samples, right_before, right_after, cost_before, cost_after;
    Round { kept: false, samples, right_before, right_after, cost_before, cost_after } =>
        "of {} held out {} were right, now {}, at a mean cost of {}, now {}: undone",
        samples, right_before, right_after, cost_before, cost_after;
});

/// What the learner does next.
#[derive(Clone, Copy, Debug)]
enum Phase {
    /// So many steps until the round ends.
    Training(u32),
    /// How many held out samples were seen by both networks, what they got right and what it cost:
    /// of the kept one, then of the trained one.
    Validating([Score; 2]),
    /// The weights are about to be copied, one way or the other.
    Deciding(Round),
}

#[derive(Clone, Copy, Debug, Default)]
struct Score {
    samples: u32,
    right: u32,
    cost: f32,
}

/// Learns from what it meets, in slices of time.
pub struct Learner<'a, N: Network, O: Optimizer, C, M, S> {
    config: TrainConfig<O, C>,
    round: u32,
    room: &'a mut Room<N, O, M>,
    rng: XorShiftRng,
    phase: Phase,
    sample: PhantomData<S>,
}

impl<'a, N, O, C, M, S> Learner<'a, N, O, C, M, S>
where
    N: Network,
    O: Optimizer,
    C: CostFunction,
    N::Output: TrainsWith<C>,
    M: Remember<S>,
    S: FixedInput<Width = N::Inputs>,
{
    /// A learner that begins with the weights of `network` and decides after every `round` steps. What
    /// is already in the memory of `room` is learnt from.
    ///
    /// # Errors
    /// When a hyper-parameter cannot be trained with.
    pub fn new(
        config: TrainConfig<O, C>,
        round: u32,
        network: &N,
        room: &'a mut Room<N, O, M>,
        rng: XorShiftRng,
    ) -> Result<Self, ConfigError> {
        // Refuses what cannot be trained with.
        Trainer::new(config, &mut room.trained, &mut room.state)?;
        let mut learner = Self {
            config,
            round,
            room,
            rng,
            phase: Phase::Training(round),
            sample: PhantomData,
        };
        learner.room.kept.copy_from(network);
        learner.decide(false);
        Ok(learner)
    }

    /// The weights that have proved best so far.
    pub fn kept(&self) -> &N {
        &self.room.kept
    }

    /// Takes a sample into the memory.
    ///
    /// # Errors
    /// When the label is not a class.
    pub fn meet(&mut self, sample: &S, label: u8) -> Result<(), BatchError> {
        let classes = N::ARCHITECTURE.classes();
        if usize::from(label) >= classes {
            return Err(BatchError::Label { label, classes });
        }
        self.room.memory.meet(sample, label, &mut self.rng);
        Ok(())
    }

    /// Works until the budget is used up or a round has ended, whichever comes first, and returns what
    /// came of the round. Does nothing before a sample is held out.
    ///
    /// # Errors
    /// Never, if the memory takes no labels but classes.
    pub fn step_for(&mut self, budget: &mut impl Budget) -> Result<Option<Round>, BatchError> {
        while self.room.memory.held_out(0).is_some() && budget.begin() {
            if let Some(round) = self.stretch()? {
                return Ok(Some(round));
            }
        }
        Ok(None)
    }

    /// One stretch of work.
    fn stretch(&mut self) -> Result<Option<Round>, BatchError> {
        match self.phase {
            Phase::Training(0) => self.validate([Score::default(); 2]),
            Phase::Training(left) => self.train(left)?,
            Phase::Validating(scores) => self.validate(scores),
            Phase::Deciding(round) => {
                self.decide(round.kept);
                self.phase = Phase::Training(self.round);
                return Ok(Some(round));
            }
        }
        Ok(None)
    }

    fn train(&mut self, left: u32) -> Result<(), BatchError> {
        let Room {
            trained,
            state,
            memory,
            ..
        } = &mut *self.room;
        self.phase = Phase::Training(left - 1);
        let Some((sample, label)) = memory.draw(&mut self.rng) else {
            return Ok(());
        };
        // The configuration was found right before.
        if let Ok(mut trainer) = Trainer::new(self.config, trained, state)
            && !trainer.step(sample, label)?.is_finite()
        {
            self.phase = Phase::Deciding(Round {
                kept: false,
                samples: 0,
                right_before: 0,
                right_after: 0,
                cost_before: 0.0,
                cost_after: f32::INFINITY,
            });
        }
        Ok(())
    }

    fn validate(&mut self, mut scores: [Score; 2]) {
        let Room {
            trained,
            kept,
            memory,
            ..
        } = &*self.room;
        let [before, after] = &mut scores;
        let Some((sample, label)) = memory.held_out(before.samples as usize) else {
            self.phase = Phase::Deciding(Round {
                // False if the new cost is not a number.
                kept: after.cost < before.cost,
                samples: before.samples,
                right_before: before.right,
                right_after: after.right,
                cost_before: before.cost / before.samples as f32,
                cost_after: after.cost / after.samples as f32,
            });
            return;
        };
        for (network, score) in [(kept, before), (trained, after)] {
            let (prediction, cost) = network.predict_with_cost(sample, label, self.config.cost);
            score.samples += 1;
            score.right += u32::from(prediction.class == usize::from(label));
            score.cost += cost;
        }
        self.phase = Phase::Validating(scores);
    }

    /// Keeps the trained weights, or goes back to the kept ones, without any velocity.
    fn decide(&mut self, keep: bool) {
        let Room {
            trained,
            kept,
            state,
            ..
        } = &mut *self.room;
        if keep {
            kept.copy_from(trained);
            return;
        }
        trained.copy_from(kept);
        let of_state = state.kept();
        for part in [of_state.velocity, of_state.squares].into_iter().flatten() {
            part.for_each_layer_mut(&mut |_, weights, biases| {
                weights.fill(0.0);
                biases.fill(0.0);
            });
        }
        state.set_steps(0);
    }
}
