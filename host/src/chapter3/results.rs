//! What came of a figure's trainings, and the numbers that claims are about.

use super::training::{Course, Point, Training};

/// How large a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scale {
    /// Fewer images, epochs and seeds.
    pub(super) quick: bool,
    /// Training images there are.
    pub(super) available: usize,
}

impl Scale {
    /// So many images, a fifth of them in a quick run, and never more than there are.
    pub(super) fn images(self, count: usize) -> usize {
        let count = if self.quick { count / 5 } else { count };
        count.clamp(1, self.available)
    }

    /// The same number of images in every run, but never more than there are.
    pub(super) fn few(self, count: usize) -> usize {
        count.min(self.available)
    }

    /// One of two numbers.
    pub(super) fn either(self, full: usize, quick: usize) -> usize {
        if self.quick { quick } else { full }
    }
}

/// One training of a figure, with every seed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Run {
    /// What the key and the tables call it.
    pub(super) name: String,
    pub(super) training: Training,
    /// Seed by seed: 1, 2, 3 and so on.
    pub(super) courses: Vec<Course>,
}

/// All trainings of a figure.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Results {
    pub(super) runs: Vec<Run>,
}

/// A number of a [`Point`].
pub(super) type Measure = fn(&Point) -> f64;

pub(super) const TRAIN_COST: Measure = |point| point.train_cost;
pub(super) const VALIDATION_COST: Measure = |point| point.validation_cost;
/// In percent, as all accuracies of this folder.
pub(super) const TRAIN_ACCURACY: Measure = |point| 100.0 * point.train_accuracy;
pub(super) const ACCURACY: Measure = |point| 100.0 * point.validation_accuracy;
/// By how many points the images that were learned from are read better than others.
pub(super) const GAP: Measure = |point| TRAIN_ACCURACY(point) - ACCURACY(point);

impl Results {
    /// The training of this name, one of those that the figure asked for.
    pub(super) fn run(&self, name: &str) -> &Run {
        let found = self.runs.iter().find(|run| run.name == name);
        found.unwrap_or_else(|| panic!("the figure has no training {name:?}"))
    }
}

impl Run {
    /// What `of` makes of each course.
    pub(super) fn each(&self, of: impl Fn(&Course) -> f64) -> Vec<f64> {
        self.courses.iter().map(of).collect()
    }

    /// A measure after the first epoch, seed by seed.
    pub(super) fn first(&self, measure: Measure) -> Vec<f64> {
        self.each(|course| course.points.first().map_or(f64::NAN, measure))
    }

    /// The same after the last.
    pub(super) fn last(&self, measure: Measure) -> Vec<f64> {
        self.each(|course| course.points.last().map_or(f64::NAN, measure))
    }
}

/// The mean; NaN of nothing.
pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The lowest and the highest; NaN if any value is.
pub(super) fn range(values: &[f64]) -> (f64, f64) {
    if values.is_empty() || values.iter().any(|value| value.is_nan()) {
        return (f64::NAN, f64::NAN);
    }
    let lowest = values.iter().copied().fold(f64::INFINITY, f64::min);
    let highest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    (lowest, highest)
}
