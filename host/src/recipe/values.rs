//! The values that keys of a recipe take: names and numbers, from flags and from TOML.

use std::str::FromStr;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thumbnet::{Activation, BiasInit, Cost, WeightInit};

use super::serial;

/// A value that is written as a name.
pub trait Named: Copy + Send + Sync + 'static {
    /// All of them.
    const ALL: &'static [Self];

    /// What users type and read.
    fn name(self) -> &'static str;
}

impl Named for Activation {
    const ALL: &'static [Self] = &[
        Self::Sigmoid,
        Self::Tanh,
        Self::Relu,
        Self::Identity,
        Self::Softmax,
    ];

    fn name(self) -> &'static str {
        Self::name(self)
    }
}

impl Named for Cost {
    const ALL: &'static [Self] = &[
        Self::CrossEntropy,
        Self::Quadratic,
        Self::SoftmaxCrossEntropy,
    ];

    fn name(self) -> &'static str {
        Self::name(self)
    }
}

impl Named for WeightInit {
    const ALL: &'static [Self] = &[Self::FanIn, Self::Unit, Self::He, Self::Glorot];

    fn name(self) -> &'static str {
        Self::name(self)
    }
}

impl Named for BiasInit {
    const ALL: &'static [Self] = &[Self::Zero, Self::Normal];

    fn name(self) -> &'static str {
        Self::name(self)
    }
}

macro_rules! names {
    ($(#[$doc:meta])* $type:ident { $($(#[$about:meta])* $variant:ident = $name:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $type {
            $($(#[$about])* $variant,)*
        }

        impl Named for $type {
            const ALL: &'static [Self] = &[$(Self::$variant),*];

            fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serial::name::serialize(self, serializer)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                serial::name::deserialize(deserializer)
            }
        }
    };
}
names!(
    /// Which samples are trained on.
    TrainOn {
        /// The training samples; validation samples choose the epoch whose weights are kept.
        Split = "split",
        /// Training and validation samples; the last epoch's weights are kept.
        All = "all",
    }
);
names!(
    /// How steps follow from gradients.
    Optimizer {
        /// Gradient descent in mini-batches, with momentum if there is any.
        Sgd = "sgd",
        /// Steps divided by the root of the mean squared gradient.
        RmsProp = "rmsprop",
        /// The same with a mean gradient too.
        Adam = "adam",
        /// Steps of hidden layers made orthogonal.
        Muon = "muon",
        /// Full batch, with an estimate of the inverse Hessian.
        LBfgs = "l-bfgs",
        /// Full batch, nonlinear.
        ConjugateGradient = "conjugate-gradient",
    }
);
names!(
    /// How the learning rate goes over all epochs.
    Schedule {
        /// It stays.
        Constant = "constant",
        /// Half a cosine wave down to 0.
        Cosine = "cosine",
        /// Up, and further down.
        OneCycle = "one-cycle",
    }
);
names!(
    /// What drops the same units.
    DropoutMasks {
        /// All samples of a mini-batch, as in the notes.
        MiniBatch = "mini-batch",
        /// Each sample by itself.
        Sample = "sample",
    }
);
names!(
    /// When dropped units are made up for.
    DropoutScaling {
        /// In training, by larger activations of the units that are kept: inverted dropout.
        Training = "training",
        /// Afterwards, by smaller weights behind hidden units: the book's halving.
        Test = "test",
    }
);
names!(
    /// Which figure of the validation samples says how good an epoch is.
    BestBy {
        /// Share of samples read right; among equals, cost.
        Accuracy = "accuracy",
        /// Cost.
        Cost = "cost",
    }
);
names!(
    /// Which cost is reported of an epoch.
    ReportCost {
        /// Mean cost of a sample.
        Mean = "mean",
        /// The same and the decay term, which the book's cost has in it.
        Book = "book",
        /// The worked example's: mean over mini-batches of summed cost and decay term.
        Notes = "notes",
    }
);

impl Optimizer {
    /// Whether every step looks at all samples, and finds its own length.
    pub const fn is_full_batch(self) -> bool {
        matches!(self, Self::LBfgs | Self::ConjugateGradient)
    }
}

/// Reads a value by its name from a flag.
pub fn named<T: Named>() -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(T::ALL.iter().map(|value| value.name()))
        .try_map(|text| by_name(&text))
}

pub(super) fn by_name<T: Named>(text: &str) -> Result<T, String> {
    let found = T::ALL.iter().find(|value| value.name() == text);
    found
        .copied()
        .ok_or_else(|| format!("expected {}, found {text:?}", alternatives(T::ALL)))
}

/// `a, b or c`.
pub fn alternatives<T: Named>(values: &[T]) -> String {
    let names: Vec<&str> = values.iter().map(|value| value.name()).collect();
    match names.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

/// Reads a number from a flag; whether it makes sense is another question.
///
/// # Errors
///
/// Says what was expected; the caller says what was found.
pub fn number(text: &str) -> Result<f64, String> {
    match f64::from_str(text) {
        Ok(value) if value.is_finite() => Ok(value),
        _ => Err("expected a finite number".to_owned()),
    }
}

/// Reads a whole number from a flag.
///
/// # Errors
///
/// Says what was expected; the caller says what was found.
pub fn whole(text: &str) -> Result<usize, String> {
    usize::from_str(text).map_err(|_| "expected a whole number".to_owned())
}

/// Reads a seed from a flag.
///
/// # Errors
///
/// Says what was expected; the caller says what was found.
pub fn seed(text: &str) -> Result<u64, String> {
    u64::from_str(text).map_err(|_| format!("expected a whole number from 0 to {}", u64::MAX))
}
