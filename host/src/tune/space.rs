//! Ranges of hyper-parameters, and settings drawn from them.

use std::fmt;
use std::str::FromStr;

use rand_core::Rng;
use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize, Serializer};

use crate::commands::output::plain;
use crate::recipe::Recipe;
use crate::recipe::values::{Optimizer, number};

/// From where to where a hyper-parameter goes, both included; a single value if they are equal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// The lowest value.
    pub low: f64,
    /// The highest value.
    pub high: f64,
}

impl Range {
    /// From `low` to `high`.
    pub const fn new(low: f64, high: f64) -> Self {
        Self { low, high }
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.low == self.high {
            return f.write_str(&plain(self.low));
        }
        write!(f, "{}..{}", plain(self.low), plain(self.high))
    }
}

impl FromStr for Range {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected =
            |_| "expected a number, or two with dots between, such as 0.01..1".to_owned();
        let (low, high) = text.split_once("..").unwrap_or((text, text));
        let (low, high) = (
            number(low).map_err(expected)?,
            number(high).map_err(expected)?,
        );
        if low < 0.0 || high < low {
            return Err("expected a number from 0, and then none that is smaller".to_owned());
        }
        Ok(Self { low, high })
    }
}

impl Serialize for Range {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A range for each hyper-parameter that is searched. A single value holds for all settings; what
/// has no range stays as the recipe has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields)]
#[command(next_help_heading = "Ranges, such as 0.01..1, or a single value")]
pub struct Space {
    /// How far a step goes, log-uniform [default: a thirtieth to ten times the recipe's]
    #[arg(long, value_name = "RANGE", value_parser = logarithmic, allow_negative_numbers = true)]
    #[serde(
        deserialize_with = "read_logarithmic",
        skip_serializing_if = "Option::is_none"
    )]
    pub learning_rate: Option<Range>,

    /// L2 weight decay as in the book, log-uniform [default: 0.01..10; none beside l1]
    #[arg(long, value_name = "RANGE", value_parser = logarithmic, allow_negative_numbers = true)]
    #[serde(
        deserialize_with = "read_logarithmic",
        skip_serializing_if = "Option::is_none"
    )]
    pub l2: Option<Range>,

    /// Samples of a mini-batch, log-uniform [default: 5..200]
    #[arg(long, value_name = "RANGE", value_parser = counted, allow_negative_numbers = true)]
    #[serde(
        deserialize_with = "read_counted",
        skip_serializing_if = "Option::is_none"
    )]
    pub batch_size: Option<Range>,

    /// How much of the last step the next one keeps; 1 - momentum is log-uniform
    /// [default: 0..0.99 with sgd and muon]
    #[arg(long, value_name = "RANGE", value_parser = fraction, allow_negative_numbers = true)]
    #[serde(
        deserialize_with = "read_fraction",
        skip_serializing_if = "Option::is_none"
    )]
    pub momentum: Option<Range>,

    /// Units of the first hidden layer, log-uniform; others keep their proportion to it
    /// [default: half to twice the recipe's]
    #[arg(long, value_name = "RANGE", value_parser = counted, allow_negative_numbers = true)]
    #[serde(
        deserialize_with = "read_counted",
        skip_serializing_if = "Option::is_none"
    )]
    pub hidden: Option<Range>,

    /// The probability of dropping a hidden unit, uniform [default: as in the recipe]
    #[arg(long, value_name = "RANGE", value_parser = fraction, allow_negative_numbers = true)]
    #[serde(
        deserialize_with = "read_fraction",
        skip_serializing_if = "Option::is_none"
    )]
    pub dropout: Option<Range>,
}

impl Space {
    /// These ranges, and the usual one for what has none.
    pub fn or_usual(self, recipe: &Recipe) -> Self {
        let velocity = matches!(recipe.optimizer, Optimizer::Sgd | Optimizer::Muon);
        let rate = recipe.learning_rate;
        let units = recipe.hidden.first().map(|&units| units as f64);
        let usual_rate = Range::new(significant(rate / 30.0), significant(rate * 10.0));
        let usual_units = |units: f64| Range::new((units / 2.0).ceil(), units * 2.0);
        let without_l1 = (recipe.l1 == 0.0).then_some(Range::new(0.01, 10.0));
        Self {
            learning_rate: self.learning_rate.or(Some(usual_rate)),
            l2: self.l2.or(without_l1),
            batch_size: self.batch_size.or(Some(Range::new(5.0, 200.0))),
            momentum: self.momentum.or(velocity.then_some(Range::new(0.0, 0.99))),
            hidden: self.hidden.or(units.map(usual_units)),
            dropout: self.dropout,
        }
    }

    /// `base` with a value from each range.
    pub fn draw(&self, base: &Recipe, rng: &mut impl Rng) -> Recipe {
        let mut recipe = base.clone();
        // Each takes its share, used or not, so that one range has no effect on the others' values.
        let shares: [f64; 6] = std::array::from_fn(|_| share(rng));
        let [rate, l2, batch, momentum, hidden, dropout] = shares;
        if let Some(range) = self.learning_rate {
            recipe.learning_rate = significant(log_uniform(range, rate));
        }
        if let Some(range) = self.l2 {
            recipe.l2 = significant(log_uniform(range, l2));
        }
        if let Some(range) = self.batch_size {
            recipe.batch_size = log_uniform(range, batch).round() as usize;
        }
        if let Some(range) = self.momentum {
            let rest = log_uniform(Range::new(1.0 - range.high, 1.0 - range.low), momentum);
            recipe.momentum = inside(range, decimal(1.0 - significant(rest)));
        }
        if let (Some(range), Some(&first)) = (self.hidden, base.hidden.first()) {
            let units = log_uniform(range, hidden).round();
            for (width, &own) in recipe.hidden.iter_mut().zip(&base.hidden) {
                *width = ((own as f64 * units / first as f64).round() as usize).max(1);
            }
        }
        if let Some(range) = self.dropout {
            let rate = range.low + dropout * (range.high - range.low);
            recipe.dropout = vec![inside(range, significant(rate))];
        }
        recipe
    }

    /// Names and ranges of what differs between settings.
    pub fn searched(&self) -> Vec<(&'static str, Range)> {
        let ranges = [
            ("learning_rate", self.learning_rate),
            ("l2", self.l2),
            ("batch_size", self.batch_size),
            ("momentum", self.momentum),
            ("hidden", self.hidden),
            ("dropout", self.dropout),
        ];
        let ranges = ranges.into_iter();
        let ranges = ranges.filter_map(|(name, range)| Some((name, range?)));
        ranges.filter(|(_, range)| range.low < range.high).collect()
    }
}

/// Uniform, from 0 to below 1.
fn share(rng: &mut impl Rng) -> f64 {
    (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

/// The value at a share of the way on a logarithmic scale.
fn log_uniform(range: Range, share: f64) -> f64 {
    if range.low == range.high {
        return range.low;
    }
    let (low, high) = (range.low.ln(), range.high.ln());
    inside(range, (low + share * (high - low)).exp())
}

fn inside(range: Range, value: f64) -> f64 {
    value.clamp(range.low, range.high)
}

/// With three digits, as many as anybody wants to type.
fn significant(value: f64) -> f64 {
    format!("{value:.2e}").parse().unwrap_or(value)
}

/// Without what a subtraction leaves behind the ninth decimal.
fn decimal(value: f64) -> f64 {
    format!("{value:.9}").parse().unwrap_or(value)
}

fn logarithmic(text: &str) -> Result<Range, String> {
    let range: Range = text.parse()?;
    if range.low == 0.0 && range.high > 0.0 {
        return Err("expected a range above 0, which has a logarithm".to_owned());
    }
    Ok(range)
}

fn counted(text: &str) -> Result<Range, String> {
    let range: Range = text.parse()?;
    let whole = |value: f64| value >= 1.0 && value.fract() == 0.0 && value <= 1e9;
    if !whole(range.low) || !whole(range.high) {
        return Err("expected whole numbers from 1".to_owned());
    }
    Ok(range)
}

fn fraction(text: &str) -> Result<Range, String> {
    let range: Range = text.parse()?;
    if range.high >= 1.0 {
        return Err("expected numbers from 0 to below 1".to_owned());
    }
    Ok(range)
}

/// Reads a range from a file as `parse` reads it from a flag.
fn read<'de, D: Deserializer<'de>>(
    parse: fn(&str) -> Result<Range, String>,
    deserializer: D,
) -> Result<Option<Range>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let range = parse(&text).map_err(|error| format!("{error}, found {text:?}"));
    range.map(Some).map_err(D::Error::custom)
}

fn read_logarithmic<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Range>, D::Error> {
    read(logarithmic, from)
}

fn read_counted<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Range>, D::Error> {
    read(counted, from)
}

fn read_fraction<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Range>, D::Error> {
    read(fraction, from)
}

#[cfg(test)]
mod tests {
    use rand_core::SeedableRng;
    use rand_xorshift::XorShiftRng;

    use super::*;

    fn draws(space: Space, base: &Recipe) -> Vec<Recipe> {
        let draw = |seed| space.draw(base, &mut XorShiftRng::seed_from_u64(seed));
        (0..2_000).map(draw).collect()
    }

    #[test]
    fn ranges_are_written_as_they_are_read() {
        for text in ["0.01..1", "5", "0", "1e-7..2.5", "0..0.99"] {
            assert_eq!(text.parse::<Range>().unwrap().to_string(), text);
        }
        for bad in [
            "", "..", "1..", "..1", "2..1", "-1..1", "x", "1..inf", "0.1-1",
        ] {
            let error = bad.parse::<Range>().unwrap_err();
            assert!(error.starts_with("expected a number"), "{bad}: {error}");
        }
        assert!(logarithmic("0..1").is_err() && logarithmic("0").is_ok());
        assert!(counted("0..1").is_err() && counted("1.5").is_err() && counted("1..2").is_ok());
        assert!(fraction("0..1").is_err() && fraction("0..0.9").is_ok());
    }

    #[test]
    fn values_are_spread_over_their_ranges() {
        let base = Recipe {
            hidden: vec![100, 50],
            ..Recipe::default()
        };
        let space = Space {
            learning_rate: Some(Range::new(0.01, 100.0)),
            momentum: Some(Range::new(0.0, 0.99)),
            hidden: Some(Range::new(10.0, 1000.0)),
            batch_size: Some(Range::new(1.0, 4.0)),
            dropout: Some(Range::new(0.2, 0.6)),
            l2: Some(Range::new(5.0, 5.0)),
        };
        let drawn = draws(space, &base);
        // Half of them on either side of the middle of each scale, give or take four standard
        // deviations of 2,000 coins.
        let half = |below: &dyn Fn(&Recipe) -> bool| {
            let count = drawn.iter().filter(|recipe| below(recipe)).count();
            assert!((910..=1090).contains(&count), "{count}");
        };
        half(&|recipe| recipe.learning_rate < 1.0);
        half(&|recipe| recipe.momentum < 0.9);
        half(&|recipe| recipe.hidden[0] < 100);
        half(&|recipe| recipe.dropout[0] < 0.4);
        for recipe in &drawn {
            assert!((0.01..=100.0).contains(&recipe.learning_rate));
            assert!((0.0..=0.99).contains(&recipe.momentum));
            assert!((1..=4).contains(&recipe.batch_size));
            assert_eq!(recipe.l2, 5.0);
            let [first, second] = recipe.hidden[..] else {
                panic!("two layers stay two")
            };
            assert!(first.abs_diff(2 * second) <= 1, "{first} {second}");
        }
        let widest = drawn
            .iter()
            .map(|recipe| recipe.batch_size)
            .collect::<Vec<_>>();
        assert!((1..=4).all(|size| widest.contains(&size)));
    }

    #[test]
    fn one_range_leaves_the_values_of_the_others() {
        let base = Recipe::default();
        let one = Space {
            l2: Some(Range::new(1.0, 100.0)),
            ..Space::default()
        };
        let two = Space {
            learning_rate: Some(Range::new(1.0, 2.0)),
            ..one
        };
        for (one, two) in draws(one, &base).iter().zip(draws(two, &base)) {
            assert_eq!(one.l2, two.l2);
            assert_eq!(one.learning_rate, base.learning_rate);
        }
    }

    #[test]
    fn the_usual_ranges_fit_the_recipe() {
        let usual = |recipe: &Recipe| Space::default().or_usual(recipe);
        let book = Recipe::built_in("book-100").unwrap();
        let space = usual(&book);
        assert_eq!(space.learning_rate, Some(Range::new(0.00333, 1.0)));
        assert_eq!(space.hidden, Some(Range::new(50.0, 200.0)));
        let names: Vec<&str> = space.searched().iter().map(|range| range.0).collect();
        assert_eq!(
            names,
            ["learning_rate", "l2", "batch_size", "momentum", "hidden"]
        );
        let adam = Recipe {
            optimizer: Optimizer::Adam,
            l1: 1.0,
            hidden: Vec::new(),
            ..book
        };
        let space = usual(&adam);
        assert_eq!((space.momentum, space.l2, space.hidden), (None, None, None));
    }
}
