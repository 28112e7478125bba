//! Which values of a recipe's keys make sense, alone and together.

use std::fmt;

use thumbnet::augment::Augment;
use thumbnet::{Activation, Cost};

use super::Recipe;
use super::values::{DropoutScaling, Named, Optimizer, Schedule, TrainOn, alternatives};
use crate::commands::output::plain;

/// What is wrong with the value of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The key, as files have it.
    pub key: &'static str,
    /// What was expected, and what was found.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.message)
    }
}

impl std::error::Error for Fault {}

impl Fault {
    /// What is wrong with `key`.
    pub fn new(key: &'static str, expected: impl fmt::Display, found: impl fmt::Display) -> Self {
        Self {
            key,
            message: format!("expected {expected}, found {found}"),
        }
    }
}

impl Recipe {
    /// Whether every value makes sense, whatever the data is.
    ///
    /// # Errors
    ///
    /// The first that does not.
    pub fn check(&self) -> Result<(), Fault> {
        above_0("learning_rate", self.learning_rate)?;
        above_0("epsilon", self.epsilon)?;
        above_0("muon_rate", self.muon_rate)?;
        for (key, value) in [
            ("momentum", self.momentum),
            ("beta1", self.beta1),
            ("beta2", self.beta2),
            ("rms_decay", self.rms_decay),
            ("muon_momentum", self.muon_momentum),
            ("input_dropout", self.input_dropout),
        ] {
            fraction(key, value)?;
        }
        for &rate in &self.dropout {
            fraction("dropout", rate)?;
        }
        for (key, value) in [
            ("l2", self.l2),
            ("l1", self.l1),
            ("muon_decay", self.muon_decay),
            ("clip_norm", self.clip_norm),
            ("warm_up", self.warm_up),
        ] {
            from_0(key, value)?;
        }
        if !(self.plateau_factor > 0.0 && self.plateau_factor < 1.0) {
            let found = plain(self.plateau_factor);
            return Err(Fault::new(
                "plateau_factor",
                "a number above 0 and below 1",
                found,
            ));
        }
        for (key, value, most) in [
            ("shift", self.shift, Augment::MOST.shift),
            ("rotation", self.rotation, Augment::MOST.rotation),
            ("scale", self.scale, Augment::MOST.scale),
            ("shear", self.shear, Augment::MOST.shear),
            ("elastic", self.elastic, Augment::MOST.elastic),
            ("final_rate", self.final_rate, 1.0),
            ("plateau_least", self.plateau_least, 1.0),
        ] {
            up_to(key, value, most)?;
        }
        for (key, value) in [
            ("batch_size", self.batch_size),
            ("epochs", self.epochs),
            ("memory", self.memory),
        ] {
            from_1(key, value)?;
        }
        for &units in &self.hidden {
            from_1("hidden", units)?;
        }
        if let Some(samples) = self.train_samples {
            from_1("train_samples", samples)?;
        }
        if ![255, 256].contains(&self.pixel_divisor) {
            return Err(Fault::new(
                "pixel_divisor",
                "255 or 256",
                self.pixel_divisor,
            ));
        }
        self.check_layers()?;
        self.check_together()
    }

    /// Activations, cost, and dropout layer by layer.
    fn check_layers(&self) -> Result<(), Fault> {
        if self.activation == Activation::Softmax {
            let hidden: Vec<Activation> = Activation::ALL
                .iter()
                .copied()
                .filter(|activation| *activation != Activation::Softmax)
                .collect();
            let expected = format!("{} for hidden units", alternatives(&hidden));
            return Err(Fault::new("activation", expected, self.activation));
        }
        check_cost(self.cost(), self.output)?;
        if ![1, self.hidden.len()].contains(&self.dropout.len()) {
            let expected = format!(
                "one rate, or one for each hidden layer, of which there are {}",
                self.hidden.len()
            );
            return Err(Fault::new("dropout", expected, self.dropout.len()));
        }
        Ok(())
    }

    /// Keys that would do nothing, or contradict one another.
    fn check_together(&self) -> Result<(), Fault> {
        let velocity = matches!(self.optimizer, Optimizer::Sgd | Optimizer::Muon);
        if self.momentum > 0.0 && !velocity {
            let expected = format!("0 with the optimizer {}", self.optimizer);
            return Err(Fault::new("momentum", expected, plain(self.momentum)));
        }
        if self.nesterov && self.optimizer == Optimizer::Muon {
            let expected = "false with the optimizer muon, which looks ahead in any case";
            return Err(Fault::new("nesterov", expected, true));
        }
        if self.nesterov && self.momentum == 0.0 {
            return Err(Fault::new(
                "nesterov",
                "a momentum above 0 beside it",
                "momentum 0",
            ));
        }
        if self.l1 > 0.0 && self.l2 > 0.0 {
            return Err(Fault::new("l1", "0 beside l2, or l2 = 0", plain(self.l1)));
        }
        if self.l1_truncated && self.l1 == 0.0 {
            return Err(Fault::new(
                "l1_truncated",
                "an l1 above 0 beside it",
                "l1 0",
            ));
        }
        let shrinking = self.muon_rate * self.muon_decay;
        if self.optimizer == Optimizer::Muon && shrinking >= 1.0 {
            let expected = "a number that is below 1 once multiplied by muon_rate";
            return Err(Fault::new("muon_decay", expected, plain(self.muon_decay)));
        }
        if self.train_on == TrainOn::All {
            let expected = "0 with train_on all, which leaves no validation images";
            for (key, epochs) in [
                ("patience", self.patience),
                ("plateau_patience", self.plateau_patience),
            ] {
                if epochs > 0 {
                    return Err(Fault::new(key, expected, epochs));
                }
            }
        }
        if self.schedule == Schedule::OneCycle && self.warm_up > 0.0 {
            let expected = "0 with the schedule one-cycle, which has a rise of its own";
            return Err(Fault::new("warm_up", expected, plain(self.warm_up)));
        }
        if self.warm_up > self.epochs as f64 {
            let expected = format!("at most the {} epochs of the run", self.epochs);
            return Err(Fault::new("warm_up", expected, plain(self.warm_up)));
        }
        if self.init.is_some() {
            // Weights files hold weights for pixels / 255 without dropout: these would be scaled
            // twice.
            if self.pixel_divisor != 255 {
                let found = self.pixel_divisor;
                return Err(Fault::new("pixel_divisor", "255 beside init", found));
            }
            if self.dropout_scaling == DropoutScaling::Test {
                let (expected, found) = ("training beside init", self.dropout_scaling);
                return Err(Fault::new("dropout_scaling", expected, found));
            }
        }
        if self.optimizer.is_full_batch() {
            return self.check_full_batch();
        }
        Ok(())
    }

    /// Keys that do nothing beside others, and beside what: files may have them, for whoever overrules
    /// the others.
    pub(crate) fn idle(&self) -> Vec<(Vec<&'static str>, String)> {
        let mut of_others = Vec::new();
        for (optimizers, keys) in [
            (&[Optimizer::Adam][..], &["beta1", "beta2"][..]),
            (&[Optimizer::RmsProp], &["rms_decay"]),
            (&[Optimizer::Adam, Optimizer::RmsProp], &["epsilon"]),
            (
                &[Optimizer::Muon],
                &["muon_rate", "muon_momentum", "muon_decay"],
            ),
            (&[Optimizer::LBfgs], &["memory"]),
        ] {
            if !optimizers.contains(&self.optimizer) {
                of_others.extend_from_slice(keys);
            }
        }
        if self.optimizer.is_full_batch() {
            of_others.extend(["learning_rate", "drop_last"]);
        }
        let mut idle = vec![(of_others, format!("with the optimizer {}", self.optimizer))];
        if self.schedule != Schedule::Cosine {
            let beside = format!("with the schedule {}", self.schedule);
            idle.push((vec!["final_rate"], beside));
        }
        if self.plateau_patience == 0 {
            let beside = "with a plateau_patience of 0".to_owned();
            idle.push((vec!["plateau_factor", "plateau_least"], beside));
        }
        if self.init.is_some() {
            idle.push((vec!["weights", "biases"], "beside --init".to_owned()));
        }
        idle
    }

    /// What has no place where every step looks at all samples and finds its own length.
    fn check_full_batch(&self) -> Result<(), Fault> {
        let off = Self::default();
        let with = format!("with the optimizer {}", self.optimizer);
        for (key, value) in [
            ("l1", self.l1),
            ("clip_norm", self.clip_norm),
            ("warm_up", self.warm_up),
            ("input_dropout", self.input_dropout),
            ("shift", self.shift),
            ("rotation", self.rotation),
            ("scale", self.scale),
            ("shear", self.shear),
            ("elastic", self.elastic),
        ] {
            if value > 0.0 {
                return Err(Fault::new(key, format!("0 {with}"), plain(value)));
            }
        }
        if let Some(&rate) = self.dropout.iter().find(|rate| **rate > 0.0) {
            return Err(Fault::new("dropout", format!("0 {with}"), plain(rate)));
        }
        if self.plateau_patience > 0 {
            let expected = format!("0 {with}");
            return Err(Fault::new(
                "plateau_patience",
                expected,
                self.plateau_patience,
            ));
        }
        if self.schedule != off.schedule {
            let expected = format!("{} {with}", off.schedule);
            return Err(Fault::new("schedule", expected, self.schedule));
        }
        if self.pixel_divisor != off.pixel_divisor {
            let expected = format!("{} {with}", off.pixel_divisor);
            return Err(Fault::new("pixel_divisor", expected, self.pixel_divisor));
        }
        Ok(())
    }
}

/// Whether a cost can follow these outputs.
///
/// # Errors
///
/// Says which can.
pub fn check_cost(cost: Cost, output: Activation) -> Result<(), Fault> {
    if cost.fits(output) {
        return Ok(());
    }
    let fitting: Vec<Cost> = Cost::ALL
        .iter()
        .copied()
        .filter(|cost| cost.fits(output))
        .collect();
    let expected = format!(
        "{}, which {output} outputs can have",
        alternatives(&fitting)
    );
    Err(Fault::new("cost", expected, cost))
}

/// Numbers are in their range also with the 24 bits that training computes with.
fn ranged(
    key: &'static str,
    value: f64,
    range: &str,
    fits: impl Fn(f32) -> bool,
) -> Result<(), Fault> {
    if (value as f32).is_finite() && fits(value as f32) {
        return Ok(());
    }
    Err(Fault::new(
        key,
        format!("a finite number {range}"),
        plain(value),
    ))
}

fn above_0(key: &'static str, value: f64) -> Result<(), Fault> {
    ranged(key, value, "above 0", |value| value > 0.0)
}

fn from_0(key: &'static str, value: f64) -> Result<(), Fault> {
    ranged(key, value, "from 0", |value| value >= 0.0)
}

fn fraction(key: &'static str, value: f64) -> Result<(), Fault> {
    let fits = |value| (0.0..1.0).contains(&value);
    ranged(key, value, "from 0 to below 1", fits)
}

fn up_to(key: &'static str, value: f64, most: f32) -> Result<(), Fault> {
    let range = format!("from 0 to {most}");
    ranged(key, value, &range, |value| (0.0..=most).contains(&value))
}

fn from_1(key: &'static str, value: usize) -> Result<(), Fault> {
    if value > 0 {
        return Ok(());
    }
    Err(Fault::new(key, "a whole number from 1", value))
}
