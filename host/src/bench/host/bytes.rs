//! How many bytes a sample needs to have moved, at least.
//!
//! Counted is what goes between memory, of whatever kind, and arithmetic if all samples of a
//! mini-batch share what is fetched once:
//!
//! - weights in use by any sample, 4 bytes each: read in the forward pass, behind the first layer once
//!   more in the backward pass, read and written in the update. Momentum reads and writes all weights
//!   and velocities, in use or not, and Adam all weights and both means; decay alone can wait. They
//!   are shared by the mini-batch, or by the images of a call;
//! - inputs that are not zero, 3 bytes each for place and value: read in the forward pass and in the
//!   update. A prediction reads all pixels, a byte each;
//! - of each unit in use, 4 bytes each: its activation is written and read, and so is its delta.
//!
//! Biases are left out, and so is all that augmentation does.

use super::operations::Used;
use super::work::Extra;

const FLOAT: f64 = size_of::<f32>() as f64;

/// Bytes of an input that is not zero: its place, and its value.
const LISTED: f64 = (size_of::<u16>() + size_of::<u8>()) as f64;

impl Used<'_> {
    /// Bytes of a prediction, so many to a call.
    pub(super) fn bytes_of_prediction(&self, batch: usize) -> f64 {
        let weights = self.hidden * (self.touched(batch) + self.classes);
        let units = 2.0 * (self.hidden + self.classes);
        FLOAT * (weights / batch as f64 + units) + self.presence.len() as f64
    }

    /// Bytes of a sample's share of a step.
    pub(super) fn bytes_of_training(&self, batch: usize, extra: Extra) -> f64 {
        let hidden = self.hidden * in_any(extra.kept(), batch);
        let [first, behind] = [hidden * self.touched(batch), hidden * self.classes];
        let forward_and_backward = first + 2.0 * behind;
        let update = match extra {
            Extra::None | Extra::Dropout | Extra::Augmentation => 2.0 * (first + behind),
            Extra::Momentum => 4.0 * self.weights(),
            Extra::Adam => 6.0 * self.weights(),
        };
        let units = 4.0 * (extra.kept() * self.hidden + self.classes);
        let floats = (forward_and_backward + update) / batch as f64 + units;
        FLOAT * floats + 2.0 * LISTED * self.inputs()
    }

    /// Inputs that are not zero in all of so many samples, on average.
    fn touched(&self, samples: usize) -> f64 {
        let touched = self.presence.iter().map(|&share| in_any(share, samples));
        touched.sum()
    }
}

/// How often something is in any of so many samples that is in a `share` of them.
fn in_any(share: f64, samples: usize) -> f64 {
    1.0 - (1.0 - share).powf(samples as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let used = Used {
            presence: &[1.0, 0.5, 0.5, 0.0],
            hidden: 3.0,
            classes: 2.0,
        };
        // (2 + 2) x 3 weights and 5 units there and back; 4 pixels.
        assert_eq!(used.bytes_of_prediction(1), 4.0 * (12.0 + 10.0) + 4.0);
        // Two samples have 1 + 0.75 + 0.75 inputs between them: 13.5 weights, half of them for each.
        assert_eq!(used.bytes_of_prediction(2), 4.0 * (6.75 + 10.0) + 4.0);
        // 6 weights behind 2 inputs three times, 6 others four times; 5 units four times; 2 inputs
        // twice.
        let training = |batch, extra| used.bytes_of_training(batch, extra);
        assert_eq!(training(1, Extra::None), 4.0 * (18.0 + 24.0 + 20.0) + 12.0);
        // Of the weights, only 6 are read forward and 12 backward; 18 move, with a velocity each.
        assert_eq!(
            training(1, Extra::Momentum),
            4.0 * (6.0 + 12.0 + 4.0 * 18.0 + 20.0) + 12.0
        );
        // One of two samples or both keep a hidden unit in three of four cases: 2.25 units' weights,
        // three times 2.5 and four times 2 of each; a sample keeps 1.5 units of 3.
        assert_eq!(
            training(2, Extra::Dropout),
            4.0 * (2.25 * (7.5 + 8.0) / 2.0 + 4.0 * 3.5) + 12.0
        );
    }
}
