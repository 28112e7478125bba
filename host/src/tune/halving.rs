//! Successive halving, by thirds: how many settings are trained for how long, and which go on.

use super::results::Row;
use crate::recipe::values::BestBy;

/// Of so many settings, one goes on, for so many times the epochs.
const FACTOR: usize = 3;

/// Trainings of equal length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rung {
    /// How many settings.
    pub trials: usize,
    /// For how many epochs each.
    pub epochs: usize,
}

/// The rungs for so many settings and at most so many epochs for one, both at least 1.
pub fn rungs(trials: usize, budget: usize) -> Vec<Rung> {
    let most = trials.min(budget).ilog(FACTOR);
    let rung = |done: u32| Rung {
        trials: trials / FACTOR.pow(done),
        epochs: budget / FACTOR.pow(most - done),
    };
    (0..=most).map(rung).collect()
}

/// The results of trainings of `epochs` epochs, the best first: by the figure of the best epoch that
/// `best_by` names, then by the other one, then in the order in which settings were drawn. A figure
/// that is no number is the worst.
pub fn ranked(rows: &[Row], epochs: usize, best_by: BestBy) -> Vec<&Row> {
    let mut ranked: Vec<&Row> = rows.iter().filter(|row| row.epochs == epochs).collect();
    let worst = |value: f64| if value.is_nan() { f64::INFINITY } else { value };
    ranked.sort_by(|a, b| {
        let errors = worst(-a.validation_accuracy).total_cmp(&worst(-b.validation_accuracy));
        let costs = worst(a.validation_cost).total_cmp(&worst(b.validation_cost));
        let order = match best_by {
            BestBy::Accuracy => errors.then(costs),
            BestBy::Cost => costs.then(errors),
        };
        order.then(a.trial.cmp(&b.trial))
    });
    ranked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_third_goes_on_for_three_times_as_long() {
        let pairs = |trials, budget| -> Vec<(usize, usize)> {
            let rungs = rungs(trials, budget);
            rungs
                .iter()
                .map(|rung| (rung.trials, rung.epochs))
                .collect()
        };
        assert_eq!(pairs(27, 9), [(27, 1), (9, 3), (3, 9)]);
        assert_eq!(pairs(9, 30), [(9, 3), (3, 10), (1, 30)]);
        assert_eq!(pairs(20, 10), [(20, 1), (6, 3), (2, 10)]);
        assert_eq!(pairs(5, 1), [(5, 1)]);
        assert_eq!(pairs(1, 30), [(1, 30)]);
        for trials in 1..100 {
            for budget in 1..100 {
                let rungs = rungs(trials, budget);
                assert_eq!(
                    (rungs[0].trials, rungs[rungs.len() - 1].epochs),
                    (trials, budget)
                );
                for pair in rungs.windows(2) {
                    assert!(pair[0].trials > pair[1].trials && pair[1].trials > 0);
                    assert!(0 < pair[0].epochs && pair[0].epochs < pair[1].epochs);
                }
            }
        }
    }

    #[test]
    fn the_most_accurate_come_first_and_what_is_no_number_last() {
        let row = |trial, validation_accuracy, validation_cost| Row {
            trial,
            epochs: 3,
            validation_accuracy,
            validation_cost,
            ..Row::default()
        };
        let rows = [
            row(0, f64::NAN, f64::NAN),
            row(1, 0.5, 0.1),
            row(2, 0.9, 0.4),
            row(3, 0.9, 0.3),
            row(4, 0.9, 0.3),
            Row {
                epochs: 1,
                ..row(5, 1.0, 0.0)
            },
        ];
        let order = |best_by| -> Vec<usize> {
            let ranked = ranked(&rows, 3, best_by);
            ranked.iter().map(|row| row.trial).collect()
        };
        assert_eq!(order(BestBy::Accuracy), [3, 4, 2, 1, 0]);
        assert_eq!(order(BestBy::Cost), [1, 3, 4, 2, 0]);
    }
}
