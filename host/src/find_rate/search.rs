//! Which learning rates are tried, and which one is suggested.

use anyhow::{Result, bail};

use super::judge::{HIGHER, Verdict, end, judge};
use crate::commands::output::plain;

/// The first rate.
const FIRST: f64 = 1e-4;

/// A network that learns with none of the rates from here on learns with none.
const LEAST: f64 = 1e-12;

/// No rate beyond this is tried.
const MOST: f64 = 1e6;

/// What the suggestion is of the threshold.
pub const BELOW: f64 = 0.5;

/// How often the interval with the threshold in it is halved.
const HALVINGS: usize = 3;

/// Rates that fail before raising ends.
const FAILURES: usize = 2;

/// A rate, and how it did.
#[derive(Clone, Debug, PartialEq)]
pub struct Tried {
    /// The rate.
    pub rate: f64,
    /// The cost before the first step, and at every point of the short training.
    pub curve: Vec<f64>,
    /// Where the cost ended.
    pub end: f64,
    /// What became of it.
    pub verdict: Verdict,
}

/// What a search came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Everything that was tried, from the smallest rate to the largest.
    pub tried: Vec<Tried>,
    /// The largest rate below all that fail.
    pub threshold: f64,
    /// The smallest rate that fails; none if even the largest does well.
    pub failing: Option<f64>,
    /// The rate to train with: one of those that were tried, at most half the threshold.
    pub suggestion: f64,
}

impl Found {
    /// The rate with the lowest cost in the end, if that is less than half of what it is with the
    /// suggestion: the cost came down from a plateau, perhaps, and the trainings were too short to
    /// tell how steadily.
    pub fn far_lower(&self) -> Option<f64> {
        let suggested = self
            .tried
            .iter()
            .find(|tried| tried.rate == self.suggestion)?;
        let lower = self
            .tried
            .iter()
            .filter(|tried| tried.end < 0.5 * suggested.end);
        let lowest = lower.min_by(|a, b| a.end.total_cmp(&b.end))?;
        Some(lowest.rate)
    }
}

/// What a rate means to the search.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Falls,
    /// It does not fall, but is about as low as with smaller rates.
    Level,
    Fails,
}

impl Outcome {
    fn of(tried: &Tried, lowest: f64) -> Self {
        match tried.verdict {
            Verdict::Falls => Self::Falls,
            _ if tried.end <= HIGHER * lowest => Self::Level,
            _ => Self::Fails,
        }
    }
}

/// Searches, with `train` to get the cost of a short training at some rate. None if `train` has
/// none to give, since it was asked to stop.
///
/// # Errors
///
/// Those of `train`. Also if the cost falls with no rate, however small.
pub fn search(
    mut train: impl FnMut(f64) -> Result<Option<Vec<f64>>>,
    mut told: impl FnMut(&Tried) -> Result<()>,
) -> Result<Option<Found>> {
    let mut tried: Vec<Tried> = Vec::new();
    // How the cost does at this rate.
    let mut at = |rate: f64| -> Result<Option<Outcome>> {
        let smaller = tried.iter().filter(|known| known.rate < rate);
        let lowest = smaller.map(|known| known.end).fold(f64::INFINITY, f64::min);
        if let Some(known) = tried.iter().find(|known| known.rate == rate) {
            return Ok(Some(Outcome::of(known, lowest)));
        }
        let Some(curve) = train(rate)? else {
            return Ok(None);
        };
        let new = Tried {
            rate,
            end: end(&curve),
            verdict: judge(&curve, lowest),
            curve,
        };
        told(&new)?;
        let outcome = Outcome::of(&new, lowest);
        tried.push(new);
        Ok(Some(outcome))
    };
    macro_rules! or_stop {
        ($known:expr) => {
            match $known? {
                Some(known) => known,
                None => return Ok(None),
            }
        };
    }

    // A small rate that works.
    let mut threshold = FIRST;
    let mut failing = None;
    while or_stop!(at(threshold)) != Outcome::Falls {
        failing = Some(threshold);
        threshold = rounded(threshold / 10.0);
        if threshold < LEAST {
            bail!(
                "expected the cost to fall with a small learning rate, found that it does not even \
                 with {}; look at the data, and try without --init, or with another --activation",
                plain(rounded(threshold * 10.0))
            );
        }
    }
    // Raise it until the cost oscillates, and once more to show it. Where it gets nowhere, any
    // noise oscillates: such a plateau is behind it when the cost falls again.
    let mut failures = usize::from(failing.is_some()) * FAILURES;
    let mut half_decades = 1;
    let first = threshold;
    while failures < FAILURES {
        let rate = rounded(first * 10.0_f64.powf(f64::from(half_decades) / 2.0));
        if rate > MOST {
            break;
        }
        half_decades += 1;
        match or_stop!(at(rate)) {
            Outcome::Falls if failures == 0 => {
                threshold = rate;
                failing = None;
            }
            Outcome::Level => {
                failing.get_or_insert(rate);
            }
            Outcome::Falls | Outcome::Fails => {
                failing.get_or_insert(rate);
                failures += 1;
            }
        }
    }
    // Narrow it down.
    if let Some(failing) = &mut failing {
        for _ in 0..HALVINGS {
            let middle = rounded((threshold * *failing).sqrt());
            if or_stop!(at(middle)) == Outcome::Falls {
                threshold = middle;
            } else {
                *failing = middle;
            }
        }
    }
    // Back off.
    let mut suggestion = rounded(BELOW * threshold);
    while or_stop!(at(suggestion)) != Outcome::Falls {
        suggestion = rounded(BELOW * suggestion);
        if suggestion < LEAST {
            bail!(
                "expected the cost to fall with some learning rate below {}, found none",
                plain(threshold)
            );
        }
    }
    tried.sort_by(|a, b| a.rate.total_cmp(&b.rate));
    Ok(Some(Found {
        tried,
        threshold,
        failing,
        suggestion,
    }))
}

/// With two digits, as one would type it.
fn rounded(rate: f64) -> f64 {
    format!("{rate:.1e}").parse().unwrap_or(rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A cost that falls up to some rate, oscillates beyond, and from a hundred times that on is
    /// no number.
    fn made_up(limit: f64) -> impl Fn(f64) -> Result<Option<Vec<f64>>> {
        move |rate| {
            let cost = |point: usize| {
                let up = if point.is_multiple_of(2) { 1.5 } else { 1.0 };
                match rate / limit {
                    share if share <= 1.0 => (-3.0 * share * point as f64 / 50.0).exp(),
                    share if share <= 100.0 => 0.6 * up,
                    _ => f64::NAN,
                }
            };
            Ok(Some((0..=50).map(cost).collect()))
        }
    }

    fn found(limit: f64) -> Found {
        search(made_up(limit), |_| Ok(())).unwrap().unwrap()
    }

    #[test]
    fn the_threshold_is_found_and_half_of_it_suggested() {
        for limit in [3.3e-9, 1e-4, 0.02, 0.7, 1.0, 40.0, 2e4] {
            let found = found(limit);
            let failing = found.failing.unwrap();
            assert!(found.threshold <= limit && limit < failing, "{found:?}");
            // Three halvings leave the eighth root of the factor between two rates.
            assert!(failing / found.threshold < 1.4, "{found:?}");
            let share = found.suggestion / found.threshold;
            assert!((0.45..0.55).contains(&share), "{found:?}");
            assert!(found.tried.is_sorted_by(|a, b| a.rate < b.rate));
            let suggested = found.tried.iter().find(|one| one.rate == found.suggestion);
            assert_eq!(suggested.unwrap().verdict, Verdict::Falls);
        }
    }

    #[test]
    fn everything_is_told_once_and_in_the_order_it_was_tried() {
        let mut rates = Vec::new();
        let result = search(made_up(0.02), |tried| {
            rates.push(tried.rate);
            Ok(())
        });
        let raised = [1e-4, 3.2e-4, 1e-3, 3.2e-3, 1e-2, 3.2e-2, 0.1];
        assert_eq!(rates[..7], raised);
        // Halved on a logarithmic scale, and then the suggestion.
        assert_eq!(rates[7..], [0.018, 0.024, 0.021, 0.009]);
        assert_eq!(result.unwrap().unwrap().tried.len(), rates.len());
    }

    #[test]
    fn where_every_rate_does_well_the_largest_is_halved() {
        let found = found(1e9);
        assert_eq!((found.threshold, found.failing), (1e6, None));
        assert_eq!(found.suggestion, 5e5);
    }

    #[test]
    fn where_no_rate_does_it_is_said() {
        let level = |_| Ok(Some(vec![2.3; 51]));
        let error = search(level, |_| Ok(())).unwrap_err().to_string();
        assert!(error.contains("does not even with 1e-12"), "{error}");
    }

    #[test]
    fn a_plateau_is_left_behind() {
        // From 0.001 on the cost hardly moves and is all noise; from 0.03 on it falls like others.
        let curve = |cost: &dyn Fn(usize) -> f64| Ok(Some((0..=50).map(cost).collect()));
        let with_plateau = |rate: f64| match rate {
            _ if rate < 0.001 => curve(&|point| 0.7 - 1e-6 * point as f64),
            _ if rate < 0.03 => curve(&|point| [0.7, 0.69][point % 2]),
            _ => {
                let other = made_up(1.0)(rate)?.unwrap();
                curve(&|point| 0.5 * other[point])
            }
        };
        let found = search(with_plateau, |_| Ok(())).unwrap().unwrap();
        assert!(
            found.threshold > 0.7 && found.suggestion > 0.35,
            "{found:?}"
        );
    }

    #[test]
    fn a_request_to_stop_ends_it() {
        let mut left = 5;
        let stopped = |rate| {
            left -= 1;
            if left == 0 {
                Ok(None)
            } else {
                made_up(1.0)(rate)
            }
        };
        assert_eq!(search(stopped, |_| Ok(())).unwrap(), None);
    }

    #[test]
    fn a_suggestion_that_fails_is_halved_again() {
        // A hole around half the threshold.
        let with_hole = |rate: f64| match (0.4..0.6).contains(&rate) {
            true => Ok(Some(vec![1.0; 51])),
            false => made_up(1.0)(rate),
        };
        let found = search(with_hole, |_| Ok(())).unwrap().unwrap();
        assert!((0.2..0.3).contains(&found.suggestion), "{found:?}");
    }
}
