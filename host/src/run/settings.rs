//! The flags that set up a run, and the values they take.

use std::num::NonZero;
use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use thumbnet::{Activation, Cost};

/// The seed when none is given, that of all examples: results are repeatable without asking for it.
pub(super) const SEED: u64 = 7;

/// More threads than any desktop has cores; a typing error should not start thousands.
const MOST_THREADS: u64 = 64;

/// What may stand between a layer's weighted input and its output, and where.
const HIDDEN: [Activation; 4] = [
    Activation::Sigmoid,
    Activation::Tanh,
    Activation::Relu,
    Activation::Identity,
];
const OUTPUT: [Activation; 5] = [
    Activation::Sigmoid,
    Activation::Tanh,
    Activation::Relu,
    Activation::Identity,
    Activation::Softmax,
];
pub(super) const COSTS: [Cost; 3] = [
    Cost::CrossEntropy,
    Cost::Quadratic,
    Cost::SoftmaxCrossEntropy,
];

/// What was said about a run; whatever was not said comes from the recipe.
#[derive(Clone, Debug, Default, PartialEq, clap::Args)]
pub struct Settings {
    /// Inputs, hidden units and classes, for example 784-100-10 [default: the recipe's hidden
    /// units between the data's pixels and classes]
    #[arg(long, value_name = "SHAPE", allow_hyphen_values = true)]
    pub model: Option<String>,

    /// Start from this weights file, with its network and, unless --cost is given, its cost
    #[arg(long, value_name = "MODEL")]
    pub init: Option<PathBuf>,

    /// Passes over the training samples, from 1 [default: the recipe's]
    #[arg(long, value_name = "N", value_parser = count, allow_negative_numbers = true)]
    pub epochs: Option<usize>,

    /// What weights, shuffling and dropout are drawn from, 0 to 2^64 - 1 [default: 7]
    #[arg(long, value_name = "N", value_parser = seed, allow_negative_numbers = true)]
    pub seed: Option<u64>,

    /// Train on the first N training samples alone [default: all]
    #[arg(long, value_name = "N", value_parser = count, allow_negative_numbers = true)]
    pub train_samples: Option<usize>,

    /// Take the samples in the order of the file in every epoch
    #[arg(long)]
    pub no_shuffle: bool,

    /// Threads to train on, 1 to 64; the result does not depend on it [default: up to 2]
    #[arg(long, value_name = "N", value_parser = threads, allow_negative_numbers = true)]
    pub threads: Option<usize>,

    /// How far a step goes, a number above 0 [default: the recipe's]
    #[arg(
        long,
        value_name = "ETA",
        value_parser = learning_rate,
        allow_negative_numbers = true,
        help_heading = HYPERPARAMETERS
    )]
    pub learning_rate: Option<f64>,

    /// Samples of a mini-batch, from 1 to the training samples [default: the recipe's]
    #[arg(
        long,
        value_name = "N",
        value_parser = count,
        allow_negative_numbers = true,
        help_heading = HYPERPARAMETERS
    )]
    pub batch_size: Option<usize>,

    /// How much of the last step the next one keeps, from 0 to below 1 [default: the recipe's]
    #[arg(
        long,
        value_name = "MU",
        value_parser = fraction,
        allow_negative_numbers = true,
        help_heading = HYPERPARAMETERS
    )]
    pub momentum: Option<f64>,

    /// L2 weight decay as in the book: a step takes ETA x LAMBDA / training samples off every
    /// weight; a number from 0 [default: the recipe's]
    #[arg(
        long,
        value_name = "LAMBDA",
        value_parser = lambda,
        allow_negative_numbers = true,
        help_heading = HYPERPARAMETERS
    )]
    pub l2: Option<f64>,

    /// The probability of dropping a hidden unit, from 0 to below 1 [default: the recipe's]
    #[arg(
        long,
        value_name = "RATE",
        value_parser = fraction,
        allow_negative_numbers = true,
        help_heading = HYPERPARAMETERS
    )]
    pub dropout: Option<f64>,

    /// What hidden units do to their weighted input [default: the recipe's]
    #[arg(
        long,
        value_name = "NAME",
        value_parser = named(&HIDDEN.map(Activation::name), &HIDDEN),
        help_heading = HYPERPARAMETERS
    )]
    pub activation: Option<Activation>,

    /// The same for outputs [default: the recipe's, or what fits --cost]
    #[arg(
        long,
        value_name = "NAME",
        value_parser = named(&OUTPUT.map(Activation::name), &OUTPUT),
        help_heading = HYPERPARAMETERS
    )]
    pub output: Option<Activation>,

    /// What training makes small [default: the recipe's, or what fits --output]
    #[arg(
        long,
        value_name = "NAME",
        value_parser = named(&COSTS.map(Cost::name), &COSTS),
        help_heading = HYPERPARAMETERS
    )]
    pub cost: Option<Cost>,
}

const HYPERPARAMETERS: &str = "Hyper-parameters";

/// Two, or one where there is only one core: what the smallest of today's machines has.
pub fn default_threads() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.min(TWO).get())
}

const TWO: NonZero<usize> = NonZero::new(2).unwrap();

/// Reads a number of things, at least one.
///
/// # Errors
///
/// Says what was expected; the caller says what was found.
pub fn count(text: &str) -> Result<usize, String> {
    whole(text, 1, usize::MAX as u64, "from 1").map(|number| number as usize)
}

/// Reads a number of threads.
///
/// # Errors
///
/// Says what was expected; the caller says what was found.
pub fn threads(text: &str) -> Result<usize, String> {
    whole(text, 1, MOST_THREADS, "from 1 to 64").map(|number| number as usize)
}

fn seed(text: &str) -> Result<u64, String> {
    whole(text, 0, u64::MAX, "from 0 to 18446744073709551615")
}

fn whole(text: &str, least: u64, most: u64, range: &str) -> Result<u64, String> {
    match u64::from_str(text) {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        _ => Err(format!("expected a whole number {range}")),
    }
}

fn learning_rate(text: &str) -> Result<f64, String> {
    number(text, "above 0", |value| value > 0.0)
}

fn lambda(text: &str) -> Result<f64, String> {
    number(text, "from 0", |value| value >= 0.0)
}

fn fraction(text: &str) -> Result<f64, String> {
    number(text, "from 0 to below 1", |value| {
        (0.0..1.0).contains(&value)
    })
}

/// A number that is in its range also with the 24 bits that training computes with.
fn number(text: &str, range: &str, fits: impl Fn(f32) -> bool) -> Result<f64, String> {
    match f64::from_str(text) {
        Ok(value) if (value as f32).is_finite() && fits(value as f32) => Ok(value),
        _ => Err(format!("expected a finite number {range}")),
    }
}

/// Reads one of `values` by its name.
fn named<T>(names: &[&'static str], values: &[T]) -> impl TypedValueParser<Value = T>
where
    T: Copy + Send + Sync + 'static,
{
    let pairs: Vec<(&str, T)> = names.iter().copied().zip(values.iter().copied()).collect();
    PossibleValuesParser::new(names.iter().copied()).try_map(move |text| {
        let pair = pairs.iter().find(|(name, _)| *name == text);
        pair.map(|&(_, value)| value).ok_or("expected another name")
    })
}
