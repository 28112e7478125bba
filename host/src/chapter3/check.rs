//! Verdicts: a claim holds if each of its checks does, and a check is a comparison of measured
//! numbers.

use super::results::{mean, range};

/// A part of a claim, and what was found.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Check {
    /// What has to be so, with its limit.
    pub(super) what: String,
    /// The measured numbers.
    pub(super) found: String,
    pub(super) holds: bool,
}

/// What came of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Holds,
    DoesNotHold,
    /// The run was too small to tell.
    NotJudged,
}

impl Verdict {
    /// `judged`: whether the run was large enough.
    pub(super) fn of(checks: &[Check], judged: bool) -> Self {
        match checks.iter().all(|check| check.holds) {
            _ if !judged => Self::NotJudged,
            true => Self::Holds,
            false => Self::DoesNotHold,
        }
    }

    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::DoesNotHold => "does not hold",
            Self::NotJudged => "not judged",
        }
    }
}

/// How a number is written: what follows it, and digits behind its point.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unit(pub(super) &'static str, pub(super) usize);

/// An accuracy, and a difference of accuracies.
pub(super) const PERCENT: Unit = Unit(" %", 2);
pub(super) const POINTS: Unit = Unit(" points", 2);
/// A cost, or another plain number.
pub(super) const PLAIN: Unit = Unit("", 3);
/// How many times as much.
pub(super) const TIMES: Unit = Unit(" times", 2);

impl Unit {
    fn write(self, value: f64) -> String {
        let Self(words, digits) = self;
        // What would be all zeros in so many digits is worth an exponent.
        let small = value != 0.0 && value.abs() < 10f64.powi(1 - digits as i32);
        if value.abs() >= 1e6 || small && digits > 2 {
            return format!("{value:.1e}{words}");
        }
        format!("{value:.digits$}{words}")
    }

    /// Mean and range over the seeds.
    pub(super) fn of(self, values: &[f64]) -> String {
        let (lowest, highest) = range(values);
        if lowest == highest {
            return self.write(lowest);
        }
        let Self(_, digits) = self;
        let bare = Self("", digits);
        let (lowest, highest) = (bare.write(lowest), bare.write(highest));
        format!("{} ({lowest} to {highest})", self.write(mean(values)))
    }
}

impl Check {
    /// Every seed's value is at least `limit`.
    pub(super) fn at_least(what: &str, values: &[f64], limit: f64, unit: Unit) -> Self {
        Self {
            what: format!("{what}: at least {}", unit.write(limit)),
            found: unit.of(values),
            holds: !values.is_empty() && values.iter().all(|value| *value >= limit),
        }
    }

    /// Every seed's value is at most `limit`.
    pub(super) fn at_most(what: &str, values: &[f64], limit: f64, unit: Unit) -> Self {
        Self {
            what: format!("{what}: at most {}", unit.write(limit)),
            found: unit.of(values),
            holds: !values.is_empty() && values.iter().all(|value| *value <= limit),
        }
    }

    /// `higher` is clearly above `lower`: the mean of their differences, seed by seed, is more than
    /// twice its standard error.
    pub(super) fn above(what: &str, higher: &[f64], lower: &[f64], unit: Unit) -> Self {
        let differences: Vec<f64> = higher.iter().zip(lower).map(|(a, b)| a - b).collect();
        let (difference, error) = (mean(&differences), standard_error(&differences));
        let Unit(_, digits) = unit;
        Self {
            what: what.to_owned(),
            found: format!(
                "{} against {}: {difference:+.digits$} ± {error:.digits$}",
                unit.of(higher),
                unit.of(lower)
            ),
            holds: difference > 2.0 * error,
        }
    }
}

/// Of the mean of some values; NaN of fewer than two.
fn standard_error(values: &[f64]) -> f64 {
    let (count, middle) = (values.len() as f64, mean(values));
    let squares: f64 = values.iter().map(|value| (value - middle).powi(2)).sum();
    (squares / (count - 1.0) / count).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_error_of_a_mean() {
        // Deviations -1, 0, 1: variance 1, divided by 3.
        assert_eq!(standard_error(&[1.0, 2.0, 3.0]), (1.0_f64 / 3.0).sqrt());
        assert!(standard_error(&[1.0]).is_nan());
    }

    #[test]
    fn clearly_above_is_more_than_noise() {
        let above = |a: &[f64], b: &[f64]| Check::above("a above b", a, b, PERCENT).holds;
        assert!(above(&[2.0, 3.1, 4.0], &[1.0, 2.0, 3.0]));
        assert!(!above(&[1.0, 2.0, 3.0], &[2.0, 3.1, 4.0]));
        // Seeds are compared one by one: here 2, -1 and 0.5 are no clear difference.
        assert!(!above(&[3.0, 1.0, 3.5], &[1.0, 2.0, 3.0]));
        // The same everywhere is not above, and one seed or a diverged one says nothing.
        assert!(!above(&[1.0, 1.0], &[1.0, 1.0]));
        assert!(!above(&[2.0], &[1.0]));
        assert!(!above(&[2.0, f64::NAN, 4.0], &[1.0, 2.0, 3.0]));
    }

    #[test]
    fn limits_are_for_every_seed() {
        let values = [1.0, 2.0, 3.0];
        assert!(Check::at_least("a", &values, 1.0, PLAIN).holds);
        assert!(!Check::at_least("a", &values, 1.1, PLAIN).holds);
        assert!(Check::at_most("a", &values, 3.0, PLAIN).holds);
        assert!(!Check::at_most("a", &values, 2.9, PLAIN).holds);
        assert!(!Check::at_least("a", &[], 0.0, PLAIN).holds);
        assert!(!Check::at_most("a", &[f64::NAN], 1.0, PLAIN).holds);
    }

    #[test]
    fn a_claim_holds_if_every_check_does() {
        let check = |holds| Check {
            what: String::new(),
            found: String::new(),
            holds,
        };
        let (good, bad) = (check(true), check(false));
        assert_eq!(
            Verdict::of(&[good.clone(), good.clone()], true),
            Verdict::Holds
        );
        let mixed = [good, bad];
        assert_eq!(Verdict::of(&mixed, true), Verdict::DoesNotHold);
        assert_eq!(Verdict::of(&mixed, false), Verdict::NotJudged);
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(PERCENT.of(&[95.0, 96.0]), "95.50 % (95.00 to 96.00)");
        assert_eq!(PLAIN.of(&[0.000_12, 0.000_12]), "1.2e-4");
        assert_eq!(TIMES.of(&[2.0]), "2.00 times");
    }
}
