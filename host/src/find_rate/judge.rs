//! Whether the cost of a short training falls, or how it fails to.

use serde::Serialize;

// Both were chosen by hand, so that half the threshold trained well with book-30, book-100, digits and
// Adam.

/// A cost has oscillated if its rises come to more than this share of its fall.
const RISING: f64 = 0.5;

/// A cost is higher than another from this factor on.
pub(super) const HIGHER: f64 = 1.1;

/// What became of the cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It came down, steadily enough.
    Falls,
    /// It came down, but in its second half it went up by more than half as much: all rises of
    /// ln(cost) between one point and the next, together, against the fall of ln(cost) from the
    /// start to the [`end`].
    Oscillates,
    /// It came down, but its [`end`] is more than a tenth above that of a smaller rate.
    Higher,
    /// It ended no lower than it began, or is not a finite number.
    Diverges,
}

impl Verdict {
    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Falls => "falls",
            Self::Oscillates => "oscillates",
            Self::Higher => "higher",
            Self::Diverges => "diverges",
        }
    }
}

/// Judges the cost of a training, point by point, from before the first step on. `lowest` is the
/// lowest [`end`] with any smaller rate, or infinite.
pub fn judge(curve: &[f64], lowest: f64) -> Verdict {
    let logs: Vec<f64> = curve.iter().map(|cost| logarithm(*cost)).collect();
    let Some(&start) = logs.first() else {
        return Verdict::Diverges;
    };
    let fall = start - logarithm(end(curve));
    // Not a number, if the cost is none: that is no fall either.
    if fall.is_nan() || fall <= 0.0 {
        return Verdict::Diverges;
    }
    let late = &logs[logs.len() / 2..];
    let rises: f64 = late
        .windows(2)
        .map(|pair| (pair[1] - pair[0]).max(0.0))
        .sum();
    if rises > RISING * fall {
        Verdict::Oscillates
    } else if end(curve) > HIGHER * lowest {
        Verdict::Higher
    } else {
        Verdict::Falls
    }
}

/// Where a cost ends: its geometric mean over the last quarter of the points; NaN if any of them is
/// not finite.
pub fn end(curve: &[f64]) -> f64 {
    let last = &curve[curve.len() - curve.len().div_ceil(4)..];
    let sum: f64 = last.iter().map(|cost| logarithm(*cost)).sum();
    (sum / last.len() as f64).exp()
}

/// ln of a cost; that of a cost that has come down to nothing is still a number.
fn logarithm(cost: f64) -> f64 {
    if cost.is_finite() {
        cost.max(f64::MIN_POSITIVE).ln()
    } else {
        f64::NAN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(curve: &[f64]) -> Verdict {
        super::judge(curve, f64::INFINITY)
    }

    /// Fifty points behind the start.
    fn curve(cost: impl Fn(f64) -> f64) -> Vec<f64> {
        (0..=50).map(|point| cost(f64::from(point))).collect()
    }

    #[test]
    fn what_comes_down_falls() {
        assert_eq!(judge(&curve(|x| 2.3 - 0.01 * x)), Verdict::Falls);
        assert_eq!(judge(&curve(|x| 2.3 * (-x / 5.0).exp())), Verdict::Falls);
        // Hardly at all, but steadily.
        assert_eq!(judge(&curve(|x| 2.3 - 1e-9 * x)), Verdict::Falls);
        // Up at first, as with momentum, and level in the end.
        let bump = curve(|x| if x < 10.0 { 2.3 + x / 10.0 } else { 0.5 });
        assert_eq!(judge(&bump), Verdict::Falls);
        // Down to nothing.
        assert_eq!(judge(&curve(|x| (2.3 - x / 10.0).max(0.0))), Verdict::Falls);
    }

    #[test]
    fn what_goes_up_and_down_oscillates() {
        // From 2 to 1: a fall of ln 2. Around 1 it alternates; 12 of the last 25 steps go up.
        let around = |factor: f64| {
            move |x: f64| match x {
                0.0 => 2.0,
                _ if x % 2.0 == 0.0 => factor,
                _ => 1.0 / factor,
            }
        };
        // Twelve rises of 2 ln(factor) against half of ln 2, or a little more with an odd last
        // quarter: the border is at a factor of about exp(ln 2 / 48).
        let border = (2.0_f64.ln() / 48.0).exp();
        assert_eq!(judge(&curve(around(border * 0.995))), Verdict::Falls);
        assert_eq!(judge(&curve(around(border * 1.005))), Verdict::Oscillates);
        assert_eq!(judge(&curve(around(1.9))), Verdict::Oscillates);
        // The scale of the cost is nothing to it.
        let thousandth = |x: f64| around(border * 1.005)(x) / 1000.0;
        assert_eq!(judge(&curve(thousandth)), Verdict::Oscillates);
    }

    #[test]
    fn what_ends_above_a_smaller_rate_is_higher() {
        let falling = curve(|x| 2.3 * (-x / 5.0).exp());
        let lowest = end(&falling);
        assert_eq!(super::judge(&falling, lowest / 1.09), Verdict::Falls);
        assert_eq!(super::judge(&falling, lowest / 1.11), Verdict::Higher);
    }

    #[test]
    fn what_grows_or_stays_diverges() {
        assert_eq!(judge(&curve(|x| 2.3 + x)), Verdict::Diverges);
        assert_eq!(judge(&curve(|_| 2.3)), Verdict::Diverges);
        for bad in [f64::NAN, f64::INFINITY] {
            assert_eq!(judge(&[2.3, 1.0, 0.5, bad]), Verdict::Diverges);
            assert_eq!(judge(&[bad]), Verdict::Diverges);
            assert_eq!(judge(&[2.3, bad]), Verdict::Diverges);
        }
        assert_eq!(judge(&[]), Verdict::Diverges);
    }

    #[test]
    fn the_end_is_the_mean_of_the_last_quarter() {
        assert!((end(&[9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 2.0, 8.0]) - 4.0).abs() < 1e-12);
        assert_eq!(end(&[9.0, 5.0]), end(&[5.0]));
        assert!(end(&[1.0, f64::INFINITY]).is_nan());
        assert!(end(&[]).is_nan());
    }
}
