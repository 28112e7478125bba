//! What is counted: accuracy, the confusion matrix, a running mean of costs.

use heapless::HistoryBuf;

/// How many predictions were right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Accuracy {
    /// Predictions equal to the label.
    pub correct: u32,
    /// All predictions.
    pub total: u32,
}

impl Accuracy {
    /// Counts one prediction.
    pub fn record(&mut self, label: u8, predicted: usize) {
        self.correct += u32::from(usize::from(label) == predicted);
        self.total += 1;
    }

    /// The share of right predictions, 0 ..= 1; 0 before the first.
    pub fn fraction(self) -> f32 {
        self.correct as f32 / self.total.max(1) as f32
    }
}

/// How often each label was taken for each class.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ConfusionMatrix<const CLASSES: usize> {
    counts: [[u32; CLASSES]; CLASSES],
}

impl<const CLASSES: usize> ConfusionMatrix<CLASSES> {
    /// Nothing counted yet.
    pub const ZEROED: Self = Self {
        counts: [[0; CLASSES]; CLASSES],
    };

    /// Counts one prediction; a label or class outside the matrix is not counted.
    pub fn record(&mut self, label: u8, predicted: usize) {
        let row = self.counts.get_mut(usize::from(label));
        if let Some(count) = row.and_then(|row| row.get_mut(predicted)) {
            *count += 1;
        }
    }

    /// `counts()[label][predicted]`.
    pub fn counts(&self) -> &[[u32; CLASSES]; CLASSES] {
        &self.counts
    }

    /// The diagonal against everything.
    pub fn accuracy(&self) -> Accuracy {
        let mut accuracy = Accuracy::default();
        for (label, row) in self.counts.iter().enumerate() {
            accuracy.correct += row.get(label).copied().unwrap_or(0);
            accuracy.total += row.iter().sum::<u32>();
        }
        accuracy
    }
}

/// The mean of the last `N` numbers, such as costs.
#[derive(Clone, Debug)]
pub struct RunningMean<const N: usize> {
    recent: HistoryBuf<f32, N>,
}

impl<const N: usize> RunningMean<N> {
    /// No number yet.
    pub const fn new() -> Self {
        Self {
            recent: HistoryBuf::new(),
        }
    }

    /// Takes one more number, and forgets the one `N` before it.
    pub fn record(&mut self, value: f32) {
        self.recent.write(value);
    }

    /// The mean, `None` before the first number.
    pub fn mean(&self) -> Option<f32> {
        let sum: f32 = self.recent.oldest_ordered().sum();
        (!self.recent.is_empty()).then(|| sum / self.recent.len() as f32)
    }
}

impl<const N: usize> Default for RunningMean<N> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn confusion_counts_by_label_then_prediction() {
        let mut confusion = ConfusionMatrix::<3>::ZEROED;
        for (label, predicted) in [(0, 0), (0, 1), (2, 1), (2, 2), (2, 2), (7, 0), (0, 7)] {
            confusion.record(label, predicted);
        }
        assert_eq!(confusion.counts(), &[[1, 1, 0], [0, 0, 0], [0, 1, 2]]);
        assert_eq!(
            confusion.accuracy(),
            Accuracy {
                correct: 3,
                total: 5
            }
        );
        assert_eq!(confusion.accuracy().fraction(), 0.6);
    }

    #[test]
    fn running_mean_forgets() {
        let mut mean = RunningMean::<2>::new();
        assert_eq!(mean.mean(), None);
        for value in [9.0, 1.0, 2.0] {
            mean.record(value);
        }
        assert_eq!(mean.mean(), Some(1.5));
    }
}
