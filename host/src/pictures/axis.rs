//! Axes: what they span, and which round numbers stand beside them.

use std::ops::Range;

use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint};
use plotters::prelude::*;

use super::style::grouped;

/// What an axis spans. Values are mapped before plotters sees them, which keeps its axes linear.
pub(super) struct Scale {
    pub(super) logarithmic: bool,
    /// In mapped values.
    pub(super) range: Range<f64>,
    /// Mapped values, and what they are called.
    pub(super) ticks: Vec<(f64, String)>,
}

impl Scale {
    /// For these epochs, in any order.
    pub(super) fn of_epochs(epochs: impl Iterator<Item = f64> + Clone) -> Self {
        let (first, last) = bounds(epochs);
        let step = round_step((last - first) / 12.0).max(1.0);
        let mut ticks = multiples(step, first, last);
        // Epochs are counted from 1, which is no multiple of 10. (Not where its number would touch.)
        if ticks.first().is_none_or(|tick| *tick - first > 0.45 * step) {
            ticks.insert(0, first);
        }
        let margin = (0.015 * (last - first)).max(0.5);
        Self {
            logarithmic: false,
            range: first - margin..last + margin,
            ticks: ticks
                .into_iter()
                .map(|tick| (tick, grouped(tick as u64)))
                .collect(),
        }
    }

    /// For the `values` of a cost, all of them drawable.
    pub(super) fn of_cost(values: impl Iterator<Item = f64> + Clone) -> Self {
        let (low, high) = bounds(values.clone());
        let smallest = values
            .filter(|value| *value > 0.0)
            .fold(f64::INFINITY, f64::min);
        if low < 0.0 || !smallest.is_finite() || high < 8.0 * smallest {
            return Self::linear(low, high, "");
        }
        // A cost that reaches 0 (or nearly) is drawn at the lower edge instead of pushing all the rest
        // into a corner.
        let bottom = smallest.max(high * 1e-8).log10();
        let top = high.log10();
        let margin = 0.04 * (top - bottom);
        let range = bottom - margin..top + margin;
        Self {
            logarithmic: true,
            ticks: decades(&range),
            range,
        }
    }

    /// For accuracies in percent, all of them drawable.
    pub(super) fn of_accuracy(values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = bounds(values);
        let mut scale = Self::linear(low, high, " %");
        scale
            .ticks
            .retain(|(value, _)| (0.0..=100.0).contains(value));
        scale
    }

    /// From `low` to `high` and a little beyond, in numbers that end in `unit`.
    pub(super) fn linear(low: f64, high: f64, unit: &str) -> Self {
        let span = high - low;
        // A single value, or nearly: an axis wide enough that its numbers differ.
        let margin = if span > 1e-6 * high.abs() && span > 0.0 {
            0.05 * span
        } else if unit.is_empty() {
            (0.1 * high.abs()).max(1e-6)
        } else {
            1.0
        };
        let range = low - margin..high + margin;
        let step = round_step((range.end - range.start) / 6.0);
        let ticks = multiples(step, range.start, range.end)
            .into_iter()
            .map(|value| (value, number(value, step) + unit))
            .collect();
        Self {
            logarithmic: false,
            range,
            ticks,
        }
    }

    /// What stands beside a tick.
    pub(super) fn words_at(&self, mapped: f64) -> String {
        let tick = self.ticks.iter().find(|tick| tick.0 == mapped);
        tick.map_or(String::new(), |tick| tick.1.clone())
    }

    /// Where a value lies on this axis; never off it.
    pub(super) fn map(&self, value: f64) -> f64 {
        let mapped = if self.logarithmic {
            value.max(f64::MIN_POSITIVE).log10()
        } else {
            value
        };
        mapped.clamp(self.range.start, self.range.end)
    }
}

/// Lowest and highest value; 0 and 1, just to have an axis, if there is none.
pub(super) fn bounds(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values
        .fold(None, |bounds, value| match bounds {
            None => Some((value, value)),
            Some((low, high)) => Some((value.min(low), value.max(high))),
        })
        .unwrap_or((0.0, 1.0))
}

/// The smallest of 1, 2, 5, 10, 20, 50, ... (and 0.5, 0.2, ...) that is at least `least`.
fn round_step(least: f64) -> f64 {
    if !(least > 0.0 && least.is_finite()) {
        return 1.0;
    }
    let power = 10f64.powf(least.log10().floor());
    let factor = [1.0, 2.0, 5.0]
        .into_iter()
        .find(|factor| factor * power >= least * 0.999_999);
    factor.unwrap_or(10.0) * power
}

/// The multiples of `step` from `low` to `high`, at most 60 of them whatever the numbers.
fn multiples(step: f64, low: f64, high: f64) -> Vec<f64> {
    let first = (low / step - 1e-9).ceil();
    let tick = |index: u32| (first + f64::from(index)) * step;
    (0..60)
        .map(tick)
        .take_while(|value| *value <= high + 1e-9 * step)
        .collect()
}

/// Ticks of a logarithmic axis over `range` (powers of ten).
fn decades(range: &Range<f64>) -> Vec<(f64, String)> {
    let span = range.end - range.start;
    let factors: &[f64] = match span {
        _ if span < 1.5 => &[1.0, 1.5, 2.0, 3.0, 5.0, 7.0],
        _ if span < 3.0 => &[1.0, 2.0, 5.0],
        _ => &[1.0],
    };
    let every = round_step(span / 8.0).max(1.0);
    let mut ticks = Vec::new();
    for power in multiples(every, range.start.floor(), range.end) {
        for factor in factors {
            let position = power + factor.log10();
            if range.contains(&position) {
                let value = factor * 10f64.powf(power);
                ticks.push((position, number(value, value)));
            }
        }
    }
    ticks
}

/// `value` with as many decimals as its neighbour, `step` away, asks for.
fn number(value: f64, step: f64) -> String {
    // Sums of steps do not meet 0 exactly, and "-0.0" would be odd.
    let value = if value.abs() < 1e-9 * step {
        0.0
    } else {
        value
    };
    if value != 0.0 && !(1e-4..1e6).contains(&value.abs()) {
        return format!("{value:.1e}").replace(".0e", "e");
    }
    // Steps start with 1, 1.5, 2, 3, 5 or 7: one more digit for those that need it.
    let digits = (0..9).find(|digits| {
        let shifted = step * 10f64.powi(*digits);
        (shifted - shifted.round()).abs() < 1e-6 * shifted
    });
    format!("{value:.*}", digits.unwrap_or(9) as usize)
}

/// An axis as plotters wants it, with our ticks: plotters' own are not bounded for every range.
pub(super) struct Axis {
    pub(super) range: Range<f64>,
    pub(super) ticks: Vec<f64>,
}

impl Ranged for Axis {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        let share = (value - self.range.start) / (self.range.end - self.range.start);
        // A cast saturates, so that not even a NaN leaves the drawing.
        from + (share.clamp(0.0, 1.0) * f64::from(to - from)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _hint: Hint) -> Vec<f64> {
        self.ticks.clone()
    }

    fn range(&self) -> Range<f64> {
        self.range.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_numbers() {
        let epochs = |last: u32| {
            let scale = Scale::of_epochs((1..=last).map(f64::from));
            scale.ticks.into_iter().map(|tick| tick.1)
        };
        assert_eq!(round_step(0.03), 0.05);
        assert_eq!(round_step(7.0), 10.0);
        assert_eq!(multiples(5.0, 1.0, 16.0), [5.0, 10.0, 15.0]);
        assert_eq!(epochs(30).take(3).collect::<Vec<_>>(), ["1", "5", "10"]);
        assert_eq!(epochs(1).collect::<Vec<_>>(), ["1"]);
        assert_eq!(number(0.25, 0.05), "0.25");
        assert_eq!(number(1.5, 1.5), "1.5");
        assert_eq!(number(-1e-17, 0.2), "0.0");
        assert_eq!(number(3e-7, 1e-7), "3e-7");
        let names: Vec<String> = decades(&(-1.2..0.3))
            .into_iter()
            .map(|tick| tick.1)
            .collect();
        assert_eq!(names, ["0.1", "0.2", "0.5", "1"]);
    }
}
