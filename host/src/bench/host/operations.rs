//! How many multiplications and additions a sample needs.
//!
//! Counted is what no implementation with these bits can leave out: inputs that are zero contribute
//! nothing, and units that are dropped neither. A weight that is in use costs a multiplication and an
//! addition in the forward pass, as much in the update, and behind the first layer as much in the
//! backward pass. On top of that an optimiser touches every weight once a mini-batch, in use or not.
//! Activations and biases are left out.

use super::work::Extra;

/// A network with one hidden layer, as far as samples use it.
#[derive(Clone, Debug)]
pub(super) struct Used<'a> {
    /// For each input, the share of samples in which it is not zero.
    pub(super) presence: &'a [f64],
    /// All hidden units.
    pub(super) hidden: f64,
    /// Outputs.
    pub(super) classes: f64,
}

impl Used<'_> {
    /// Inputs that are not zero, on average.
    pub(super) fn inputs(&self) -> f64 {
        self.presence.iter().sum()
    }

    /// All weights.
    pub(super) fn weights(&self) -> f64 {
        self.hidden * (self.presence.len() as f64 + self.classes)
    }

    /// Operations of a prediction.
    pub(super) fn operations_of_prediction(&self) -> f64 {
        2.0 * self.hidden * (self.inputs() + self.classes)
    }

    /// Operations of a sample's share of a step.
    pub(super) fn operations_of_training(&self, batch: usize, extra: Extra) -> f64 {
        let kept = extra.kept() * self.hidden;
        let forward_and_update = 4.0 * kept * (self.inputs() + self.classes);
        let backward = 2.0 * kept * self.classes;
        forward_and_update + backward + per_weight(extra) * self.weights() / batch as f64
    }
}

/// Operations on every weight once a mini-batch, with L2 decay.
fn per_weight(extra: Extra) -> f64 {
    match extra {
        // w <- (1 - eta lambda) w
        Extra::None | Extra::Dropout | Extra::Augmentation => 1.0,
        // v <- mu v - eta lambda w, w <- w + v
        Extra::Momentum => 4.0,
        // g, g + lambda w: 3; the means of g and g^2: 3 and 4; the step, with a root and two quotients: 6
        Extra::Adam => 16.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let used = Used {
            presence: &[1.0, 1.0, 0.5, 0.25, 0.25, 0.0, 0.0, 0.0, 0.0, 0.0],
            hidden: 4.0,
            classes: 2.0,
        };
        // 3 x 4 + 4 x 2 = 20 weights in use, of 48.
        assert_eq!(used.operations_of_prediction(), 40.0);
        // 40 forward, 40 in the update, 16 backward, and 48 decays once in 6 samples.
        let training = |batch, extra| used.operations_of_training(batch, extra);
        assert_eq!(training(6, Extra::None), 104.0);
        // Half of all but the decays.
        assert_eq!(training(6, Extra::Dropout), 56.0);
        assert_eq!(training(1, Extra::Momentum), 96.0 + 4.0 * 48.0);
    }
}
