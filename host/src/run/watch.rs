//! What the validation images say about a run: which epoch is the best, when the learning rate
//! falls, when to stop.

use thumbnet::stopping::{Outcome, Patience, Plateau, Rule};

use crate::history::{EpochRecord, best_epoch};
use crate::recipe::Recipe;
use crate::recipe::values::BestBy;

/// Looks at epoch after epoch. All that it knows follows from their records, so a run that goes on
/// shows it those that there are.
#[derive(Clone, Debug, PartialEq)]
pub struct Watch {
    by: BestBy,
    patience: Option<Patience>,
    plateau: Option<Plateau>,
}

impl Watch {
    /// Before the first epoch.
    pub fn new(recipe: &Recipe) -> Self {
        let rule = match recipe.best_by {
            BestBy::Accuracy => Rule::AccuracyNotAbove,
            BestBy::Cost => Rule::CostAbove,
        };
        let patience = |epochs: usize| {
            let epochs = u32::try_from(epochs).unwrap_or(u32::MAX);
            (epochs > 0).then(|| Patience::new(rule, epochs))
        };
        let (factor, least) = (recipe.plateau_factor as f32, recipe.plateau_least as f32);
        Self {
            by: recipe.best_by,
            patience: patience(recipe.patience),
            plateau: patience(recipe.plateau_patience)
                .map(|patience| Plateau::new(patience, factor, least)),
        }
    }

    /// Looks at one more epoch; returns whether it is time to stop.
    pub fn record(&mut self, epoch: &EpochRecord) -> bool {
        let figure = match self.by {
            BestBy::Accuracy => epoch.validation_accuracy,
            BestBy::Cost => epoch.validation_cost,
        };
        let out_of_patience = self
            .patience
            .as_mut()
            .map(|patience| patience.record(figure));
        let fallen = self.plateau.as_mut().map(|plateau| plateau.record(figure));
        [out_of_patience, fallen].contains(&Some(Outcome::Stop))
    }

    /// What is left of the learning rate.
    pub fn scale(&self) -> f32 {
        self.plateau.map_or(1.0, |plateau| plateau.scale)
    }

    /// The number of the best of these epochs; the last one's where nothing was validated.
    pub fn best(&self, history: &[EpochRecord]) -> usize {
        let best = best_epoch(history, self.by).or(history.last());
        best.map_or(0, |record| record.epoch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epochs(figures: &[(f64, f64)]) -> Vec<EpochRecord> {
        let record =
            |(index, &(validation_cost, validation_accuracy)): (usize, &(f64, f64))| EpochRecord {
                epoch: index + 1,
                train_cost: 1.0,
                validation_cost,
                validation_accuracy,
                learning_rate: 1.0,
                seconds: 1.0,
            };
        figures.iter().enumerate().map(record).collect()
    }

    /// Cost and accuracy disagree about when it goes well.
    const FIGURES: [(f64, f64); 6] = [
        (0.5, 0.80),
        (0.3, 0.85),
        (0.4, 0.90),
        (0.4, 0.90),
        (0.5, 0.91),
        (0.6, 0.91),
    ];

    fn stops(recipe: &Recipe) -> Option<usize> {
        let mut watch = Watch::new(recipe);
        let epochs = epochs(&FIGURES);
        let end = epochs.iter().position(|epoch| watch.record(epoch));
        end.map(|index| index + 1)
    }

    #[test]
    fn the_figure_decides() {
        let by = |best_by| Recipe {
            best_by,
            patience: 2,
            ..Recipe::default()
        };
        let history = epochs(&FIGURES);
        assert_eq!(Watch::new(&by(BestBy::Cost)).best(&history), 2);
        assert_eq!(Watch::new(&by(BestBy::Accuracy)).best(&history), 5);
        assert_eq!(stops(&by(BestBy::Cost)), Some(4));
        assert_eq!(stops(&by(BestBy::Accuracy)), None);
        assert_eq!(stops(&Recipe::default()), None);
    }

    #[test]
    fn a_plateau_lowers_the_rate_and_may_end_the_run() {
        let recipe = Recipe {
            best_by: BestBy::Cost,
            plateau_patience: 2,
            plateau_factor: 0.25,
            ..Recipe::default()
        };
        let mut watch = Watch::new(&recipe);
        let scales: Vec<f32> = epochs(&FIGURES)
            .iter()
            .map(|epoch| {
                assert!(!watch.record(epoch));
                watch.scale()
            })
            .collect();
        assert_eq!(scales, [1.0, 1.0, 1.0, 0.25, 0.25, 0.0625]);
        let least = Recipe {
            plateau_least: 0.0625,
            ..recipe
        };
        assert_eq!(stops(&least), Some(6));
    }

    #[test]
    fn without_validation_the_last_epoch_is_the_best() {
        let history = epochs(&[(f64::NAN, f64::NAN); 3]);
        assert_eq!(Watch::new(&Recipe::default()).best(&history), 3);
        assert_eq!(Watch::new(&Recipe::default()).best(&[]), 0);
    }
}
