//! When a run has learned what it can: patience, and a learning rate that falls on a plateau.

/// What makes an epoch a bad one, beside the best epoch so far. A NaN is always bad, where
/// the notes' loop would start to count again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Rule {
    /// Its cost is above the lowest so far. A tie with the lowest starts the count again: the rule
    /// of the notes' worked example, which stops when the costs of the last `NUM_BAD_EPOCHS`
    /// epochs are all strictly above the best.
    CostAbove,
    /// Its cost is not below the lowest so far: a tie is a bad epoch too.
    CostNotBelow,
    /// Its accuracy is not above the highest so far: the book's "no improvement in n" (Nielsen,
    /// chapter 3, "How to choose a neural network's hyper-parameters?").
    AccuracyNotAbove,
}

/// What a run makes of an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Outcome {
    /// The best so far: the moment to keep the weights.
    Best,
    /// Not the best; go on.
    Continue,
    /// Not the best, and time to stop.
    Stop,
}

/// Early stopping: ends a run after `patience` bad epochs in a row.
///
/// All of it is plain data, so a run that goes on elsewhere takes its state along. Numbers are f64:
/// they hold a desktop's means and a board's f32 alike, and are compared once an epoch.
///
/// ```
/// use thumbnet::prelude::*;
/// type Xor = Mlp<2, 4, 2>;
/// const CONFIG: TrainConfig = TrainConfig::new(2.0);
/// const INPUTS: [[f32; 2]; 4] = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]];
/// const LABELS: [u8; 4] = [0, 1, 1, 0];
///
/// let mut network = Xor::ZEROED;
/// network.init_weights(&mut XorShiftRng::seed_from_u64(7));
/// let mut state = TrainState::<Xor, Sgd, 4>::ZEROED;
/// // On a board that has the memory this is a second `static`; one without it keeps the last
/// // weights instead of the best.
/// let mut best = Xor::ZEROED;
/// let mut patience = Patience::new(Rule::AccuracyNotAbove, 500);
/// loop {
///     let mut trainer = Trainer::new(CONFIG, &mut network, &mut state)?;
///     trainer.batch(&INPUTS, &LABELS)?;
///     let mut accuracy = Accuracy::default();
///     for (input, &label) in INPUTS.iter().zip(&LABELS) {
///         accuracy.record(label, network.predict(input).class);
///     }
///     match patience.record(f64::from(accuracy.fraction())) {
///         Outcome::Best => best.copy_from(&network),
///         Outcome::Continue => {}
///         Outcome::Stop => break,
///     }
/// }
/// assert_eq!(patience.best, 1.0);
/// assert_eq!(best.predict(&[0.0, 1.0]).class, 1);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Patience {
    /// What a bad epoch is.
    pub rule: Rule,
    /// How many bad epochs in a row end the run, from 1.
    pub patience: u32,
    /// The best number so far; infinite before the first.
    pub best: f64,
    /// Bad epochs since the last one that was not.
    pub bad_epochs: u32,
}

impl Patience {
    /// Before the first epoch. `patience`: from 1.
    pub const fn new(rule: Rule, patience: u32) -> Self {
        Self {
            rule,
            patience,
            best: match rule {
                Rule::CostAbove | Rule::CostNotBelow => f64::INFINITY,
                Rule::AccuracyNotAbove => f64::NEG_INFINITY,
            },
            bad_epochs: 0,
        }
    }

    /// Takes an epoch's validation cost or accuracy, whichever the rule is about.
    pub fn record(&mut self, value: f64) -> Outcome {
        let better = match self.rule {
            Rule::CostAbove | Rule::CostNotBelow => value < self.best,
            Rule::AccuracyNotAbove => value > self.best,
        };
        let good = better || (self.rule == Rule::CostAbove && value == self.best);
        if better {
            self.best = value;
        }
        self.bad_epochs = if good {
            0
        } else {
            self.bad_epochs.saturating_add(1)
        };
        if better {
            Outcome::Best
        } else if good || self.bad_epochs < self.patience {
            Outcome::Continue
        } else {
            Outcome::Stop
        }
    }
}

/// Lowers the learning rate whenever a patience has run out, which then starts again; ends the run
/// when the rate has become too low.
///
/// ```
/// use thumbnet::prelude::*;
/// // The book's: half the rate after 10 epochs without improvement, over at 1/128.
/// let mut plateau = Plateau::halving(Patience::new(Rule::AccuracyNotAbove, 10));
/// assert_eq!(plateau.record(0.5), Outcome::Best);
/// for _ in 0..10 {
///     assert_eq!(plateau.record(0.5), Outcome::Continue);
/// }
/// let learning_rate = 0.5 * plateau.scale;
/// assert_eq!(learning_rate, 0.25);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Plateau {
    /// When the rate falls.
    pub patience: Patience,
    /// What the rate is multiplied by each time, 0 < factor < 1.
    pub factor: f32,
    /// The run ends when the rate has dropped to this part of the first one. 0: when there is
    /// nothing left of it, after about 150 halvings.
    pub least: f32,
    /// What to multiply the learning rate by now: 1, `factor`, `factor^2`, ..
    pub scale: f32,
}

impl Plateau {
    /// Before the first epoch.
    pub const fn new(patience: Patience, factor: f32, least: f32) -> Self {
        Self {
            patience,
            factor,
            least,
            scale: 1.0,
        }
    }

    /// Half the rate each time, over when it has dropped to 1/128 (an exercise of the book's
    /// chapter 3).
    pub const fn halving(patience: Patience) -> Self {
        Self::new(patience, 0.5, 1.0 / 128.0)
    }

    /// Takes an epoch's validation cost or accuracy, whichever the rule is about; `scale` is for
    /// the next epoch.
    pub fn record(&mut self, value: f64) -> Outcome {
        let outcome = self.patience.record(value);
        if outcome != Outcome::Stop {
            return outcome;
        }
        self.patience.bad_epochs = 0;
        self.scale *= self.factor;
        if self.scale <= self.least {
            Outcome::Stop
        } else {
            Outcome::Continue
        }
    }
}

#[cfg(test)]
mod tests {
    use rand_core::SeedableRng;
    use rand_xorshift::XorShiftRng;

    use super::*;
    use crate::random::below;

    const EPOCHS: usize = 60;

    /// Costs that fall at first and then wander, in steps so coarse that many are equal.
    fn costs(seed: u64) -> [f64; EPOCHS] {
        let mut rng = XorShiftRng::seed_from_u64(seed);
        core::array::from_fn(|epoch| {
            let trend = 12_usize.saturating_sub(epoch) as f64;
            trend + f64::from(below(&mut rng, 6))
        })
    }

    /// The epoch in which a run ends, if it does, and the best number up to there.
    fn end_of_run(rule: Rule, patience: u32, values: &[f64]) -> (Option<usize>, f64) {
        let mut stopping = Patience::new(rule, patience);
        let end = values
            .iter()
            .position(|&value| stopping.record(value) == Outcome::Stop);
        (end, stopping.best)
    }

    /// The notes' loop, over all costs so far.
    fn end_as_in_the_notes(patience: usize, costs: &[f64]) -> (Option<usize>, f64) {
        let mut best = f64::INFINITY;
        for (epoch, &cost) in costs.iter().enumerate() {
            let so_far = &costs[..=epoch];
            if cost < best {
                best = cost;
            } else if so_far[so_far.len().saturating_sub(patience)..]
                .iter()
                .all(|&cost| cost > best)
            {
                return (Some(epoch), best);
            }
        }
        (None, best)
    }

    /// Ends when the first of the highest accuracies is `patience` epochs ago.
    fn end_as_in_the_book(patience: usize, accuracies: &[f64]) -> (Option<usize>, f64) {
        let highest = |so_far: &[f64]| so_far.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        for epoch in 0..accuracies.len() {
            let so_far = &accuracies[..=epoch];
            let best = highest(so_far);
            let first = so_far.iter().position(|&accuracy| accuracy == best);
            if first.is_some_and(|first| epoch - first == patience) {
                return (Some(epoch), best);
            }
        }
        (None, highest(accuracies))
    }

    #[test]
    fn runs_end_where_the_notes_and_the_book_end_them() {
        let (mut ended, mut told_apart) = (0, 0);
        for seed in 1..=500 {
            let costs = costs(seed);
            let accuracies = costs.map(|cost| 1.0 - cost / 32.0);
            for patience in 1..=15 {
                let by_cost = end_of_run(Rule::CostAbove, patience, &costs);
                assert_eq!(by_cost, end_as_in_the_notes(patience as usize, &costs));
                let expected = end_as_in_the_book(patience as usize, &accuracies);
                let by_accuracy = end_of_run(Rule::AccuracyNotAbove, patience, &accuracies);
                assert_eq!(by_accuracy, expected);
                // The same rule the other way up.
                let strict = end_of_run(Rule::CostNotBelow, patience, &costs);
                assert_eq!(strict.0, expected.0);
                ended += usize::from(by_cost.0.is_some());
                told_apart += usize::from(by_cost.0 != strict.0);
            }
        }
        // Neither rule is trivial here, and they are not the same.
        assert!(
            ended > 2_000 && ended < 7_000,
            "{ended} of 7,500 runs ended"
        );
        assert!(told_apart > 1_000, "{told_apart} runs ended differently");
    }

    #[test]
    fn a_nan_is_never_a_best_and_always_bad() {
        for rule in [Rule::CostAbove, Rule::CostNotBelow, Rule::AccuracyNotAbove] {
            let mut patience = Patience::new(rule, 3);
            assert_eq!(patience.record(f64::NAN), Outcome::Continue);
            assert_eq!(patience.record(0.5), Outcome::Best);
            assert_eq!(patience.record(f64::NAN), Outcome::Continue);
            assert_eq!(patience.record(f64::NAN), Outcome::Continue);
            assert_eq!(patience.record(f64::NAN), Outcome::Stop, "{rule:?}");
            assert_eq!(patience.best, 0.5);
        }
    }

    #[test]
    fn a_plateau_is_a_patience_that_starts_again() {
        for seed in 1..=200 {
            let costs = costs(seed);
            let mut plateau = Plateau::new(Patience::new(Rule::CostNotBelow, 4), 0.5, 1.0 / 8.0);
            let (mut scale, mut best, mut since) = (1.0, f64::INFINITY, 0);
            for cost in costs {
                let outcome = plateau.record(cost);
                since = if cost < best { 0 } else { since + 1 };
                best = best.min(cost);
                if since == 4 {
                    since = 0;
                    scale *= 0.5;
                }
                assert_eq!(plateau.scale, scale);
                assert_eq!(outcome == Outcome::Stop, scale <= 1.0 / 8.0);
                if outcome == Outcome::Stop {
                    break;
                }
            }
            // 48 epochs without a trend: it cannot but end.
            assert_eq!(plateau.scale, 1.0 / 8.0, "seed {seed}");
        }
    }

    #[test]
    fn halving_ends_at_the_seventh_fall() {
        let mut plateau = Plateau::halving(Patience::new(Rule::AccuracyNotAbove, 10));
        let mut epochs = 0;
        while plateau.record(0.0) != Outcome::Stop {
            epochs += 1;
        }
        assert_eq!((plateau.scale, epochs), (1.0 / 128.0, 70));
    }

    #[test]
    fn a_run_goes_on_from_its_fields() {
        let costs = costs(3);
        let mut whole = Plateau::halving(Patience::new(Rule::CostAbove, 2));
        let expected = costs.map(|cost| whole.record(cost));
        let mut part = Plateau::halving(Patience::new(Rule::CostAbove, 2));
        let found = costs.map(|cost| {
            part = Plateau {
                patience: Patience {
                    best: part.patience.best,
                    bad_epochs: part.patience.bad_epochs,
                    ..Patience::new(Rule::CostAbove, 2)
                },
                scale: part.scale,
                ..Plateau::halving(Patience::new(Rule::CostAbove, 2))
            };
            part.record(cost)
        });
        assert_eq!(found, expected);
        assert_eq!(part, whole);
    }
}
