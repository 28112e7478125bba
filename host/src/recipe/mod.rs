//! Recipes: everything that a training needs, as one flat list of keys.
//!
//! [`Recipe`] is that list, and the only one. A recipe file has its keys, `thumbnet train` has a
//! flag for each that is no word about the recipe itself (`learning_rate` is `--learning-rate`, and
//! `hidden` is what `--model` says between inputs and classes), and `run.toml` keeps them all. Inputs
//! and classes are left to the data.
//!
//! | module | what |
//! |---|---|
//! | [`values`] | names and numbers, as flags and files have them |
//! | [`check`] | which values make sense, alone and together |
//! | [`mod@file`] | recipes from and to TOML |
//! | [`built_in`] | the recipes that are part of the program |
//! | [`flags`] | the flags that overrule a recipe |

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use thumbnet::augment::Augment;
use thumbnet::{Activation, BiasInit, Cost, WeightInit};

use crate::commands::DATA_HELP;
use crate::data::DataChoice;
use values::{
    BestBy, DropoutMasks, DropoutScaling, Optimizer, ReportCost, Schedule, TrainOn, named, number,
    whole,
};

pub mod built_in;
pub mod check;
pub mod file;
pub mod flags;
mod serial;
pub mod values;

/// What one can train with. A key that a file leaves out has the value of [`Recipe::default`],
/// where every technique is off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields)]
pub struct Recipe {
    /// What it is called; the name of its file if it does not say.
    #[arg(skip)]
    pub name: String,

    /// What it shows, in a line.
    #[arg(skip)]
    pub summary: String,

    /// What it should reach, in a line.
    #[arg(skip)]
    pub reaches: String,

    /// The file that it was read from, if it is not part of the program.
    #[arg(skip)]
    #[serde(skip)]
    pub file: Option<PathBuf>,

    /// Which data set to load.
    #[arg(long, value_name = "DATA", help = DATA_HELP, help_heading = DATA)]
    #[serde(
        with = "serial::data",
        skip_serializing_if = "serial::data::is_default"
    )]
    pub data: DataChoice,

    /// Train on the first N training samples alone [default: all]
    #[arg(long, value_name = "N", value_parser = whole, allow_negative_numbers = true)]
    #[arg(help_heading = DATA)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub train_samples: Option<usize>,

    /// split: keep the validation images apart, and the weights that do best on them; all: train
    /// on them too, and keep the last weights
    #[arg(long, value_name = "WHICH", value_parser = named::<TrainOn>(), help_heading = DATA)]
    pub train_on: TrainOn,

    /// What a pixel is divided by: 255, so that ink is 1, or 256 as in the notes
    #[arg(long, value_name = "N", value_parser = whole, allow_negative_numbers = true)]
    #[arg(help_heading = DATA)]
    pub pixel_divisor: usize,

    /// Straighten images before the network sees them, in training and ever after
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    #[arg(require_equals = true, action = clap::ArgAction::Set, help_heading = DATA)]
    pub deskew: bool,

    /// Scale images to N x N pixels before the network sees them; 0 leaves them as they are
    #[arg(long, value_name = "N", value_parser = whole, allow_negative_numbers = true)]
    #[arg(help_heading = DATA)]
    pub scale_to: usize,

    /// Whether every epoch has an order of its own; also --no-shuffle
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    #[arg(require_equals = true, action = clap::ArgAction::Set, help_heading = DATA)]
    pub shuffle: bool,

    /// What weights, shuffling, dropout and augmentation are drawn from, 0 to 2^64 - 1
    #[arg(long, value_name = "N", value_parser = values::seed, allow_negative_numbers = true)]
    #[arg(help_heading = DATA)]
    #[serde(with = "serial::seed")]
    pub seed: u64,

    /// Move training images by up to PX pixels along each axis, anew in every epoch
    #[arg(long, value_name = "PX", value_parser = number, allow_negative_numbers = true)]
    #[arg(help_heading = AUGMENTATION)]
    pub shift: f64,

    /// Turn them by up to RAD radians either way
    #[arg(long, value_name = "RAD", value_parser = number, allow_negative_numbers = true)]
    #[arg(help_heading = AUGMENTATION)]
    pub rotation: f64,

    /// Make them wider or narrower, and higher or lower, by up to this fraction
    #[arg(long, value_name = "FRACTION", value_parser = number, allow_negative_numbers = true)]
    #[arg(help_heading = AUGMENTATION)]
    pub scale: f64,

    /// Slant them by up to this fraction of a pixel a row
    #[arg(long, value_name = "FRACTION", value_parser = number, allow_negative_numbers = true)]
    #[arg(help_heading = AUGMENTATION)]
    pub shear: f64,

    /// Bend them by a smooth random field of PX pixels, root mean square
    #[arg(long, value_name = "PX", value_parser = number, allow_negative_numbers = true)]
    #[arg(help_heading = AUGMENTATION)]
    pub elastic: f64,

    /// Units of each hidden layer, first to last; its flag is --model.
    #[arg(skip)]
    pub hidden: Vec<usize>,

    /// What hidden units do to their weighted input
    #[arg(long, value_name = "NAME", value_parser = named::<Activation>(), help_heading = NETWORK)]
    #[serde(with = "serial::name")]
    pub activation: Activation,

    /// The same for outputs
    #[arg(long, value_name = "NAME", value_parser = named::<Activation>(), help_heading = NETWORK)]
    #[serde(with = "serial::name")]
    pub output: Activation,

    /// What training makes small [default: what fits the outputs]
    #[arg(long, value_name = "NAME", value_parser = named::<Cost>(), help_heading = NETWORK)]
    #[serde(
        with = "serial::optional_name",
        skip_serializing_if = "Option::is_none"
    )]
    pub cost: Option<Cost>,

    /// Standard deviation of fresh weights: fan-in is 1 / sqrt(inputs of the unit), unit is 1, he
    /// is sqrt(2 / inputs), glorot is sqrt(2 / (inputs + outputs))
    #[arg(long, value_name = "NAME", value_parser = named::<WeightInit>(), help_heading = NETWORK)]
    #[serde(with = "serial::name")]
    pub weights: WeightInit,

    /// Fresh biases: zero, or normal with standard deviation 1
    #[arg(long, value_name = "NAME", value_parser = named::<BiasInit>(), help_heading = NETWORK)]
    #[serde(with = "serial::name")]
    pub biases: BiasInit,

    /// Start from this weights file, with its network and, unless --cost is given, its cost
    #[arg(long, value_name = "MODEL", help_heading = NETWORK)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub init: Option<PathBuf>,

    /// How steps follow from gradients
    #[arg(long, value_name = "NAME", value_parser = named::<Optimizer>(), help_heading = DESCENT)]
    pub optimizer: Optimizer,

    /// How far a step goes, a number above 0
    #[arg(long, value_name = "ETA", value_parser = number, allow_negative_numbers = true)]
    #[arg(help_heading = DESCENT)]
    pub learning_rate: f64,

    /// Samples of a mini-batch, from 1 to the training samples
    #[arg(long, value_name = "N", value_parser = whole, allow_negative_numbers = true)]
    #[arg(help_heading = DESCENT)]
    pub batch_size: usize,

    /// Leave out what is left of an epoch's samples behind the last whole mini-batch
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    #[arg(require_equals = true, action = clap::ArgAction::Set, help_heading = DESCENT)]
    pub drop_last: bool,

    /// How much of the last step the next one keeps, from 0 to below 1 (sgd, and what muon leaves)
    #[arg(long, value_name = "MU", value_parser = number, allow_negative_numbers = true)]
    #[arg(help_heading = DESCENT)]
    pub momentum: f64,

    /// Take the gradient where momentum is about to lead, at w + MU v
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    #[arg(require_equals = true, action = clap::ArgAction::Set, help_heading = DESCENT)]
    pub nesterov: bool,

    /// How much of its mean gradient adam keeps, from 0 to below 1
    #[arg(long, value_name = "B1", value_parser = number, allow_negative_numbers = true)]
    #[arg(help_heading = DESCENT)]
    pub beta1: f64,

    /// How much of its mean squared gradient adam keeps, from 0 to below 1
    #[arg(long, value_name = "B2", value_parser = number, allow_negative_numbers = true)]
    #[arg(help_heading = DESCENT)]
    pub beta2: f64,

    /// The same for rmsprop
    #[arg(long, value_name = "RHO", value_parser = number, allow_negative_numbers = true)]
    #[arg(help_heading = DESCENT)]
    pub rms_decay: f64,

    /// What keeps adam and rmsprop from dividing by 0, a number above 0
    #[arg(long, value_name = "E", value_parser = number, allow_negative_numbers = true)]
    #[arg(help_heading = DESCENT)]
    pub epsilon: f64,

    /// The learning rate of the weights that muon moves, those of hidden layers: a number above 0
    #[arg(long, value_name = "ETA", value_parser = number, allow_negative_numbers = true)]
    #[arg(help_heading = DESCENT)]
    pub muon_rate: f64,

    /// Their momentum, from 0 to below 1
    #[arg(long, value_name = "MU", value_parser = number, allow_negative_numbers = true)]
    #[arg(help_heading = DESCENT)]
    pub muon_momentum: f64,

    /// Their decay: a step takes --muon-rate x DECAY off each; a number from 0
    #[arg(long, value_name = "DECAY", value_parser = number, allow_negative_numbers = true)]
    #[arg(help_heading = DESCENT)]
    pub muon_decay: f64,

    /// Steps that l-bfgs remembers, from 1
    #[arg(long, value_name = "N", value_parser = whole, allow_negative_numbers = true)]
    #[arg(help_heading = DESCENT)]
    pub memory: usize,

    /// Longest gradient: a longer one is shortened to this norm; 0 for any length
    #[arg(long, value_name = "NORM", value_parser = number, allow_negative_numbers = true)]
    #[arg(help_heading = DESCENT)]
    pub clip_norm: f64,

    /// How the learning rate goes over all epochs
    #[arg(long, value_name = "NAME", value_parser = named::<Schedule>(), help_heading = RATE)]
    pub schedule: Schedule,

    /// Where cosine ends, as a part of the learning rate, from 0 to 1
    #[arg(long, value_name = "PART", value_parser = number, allow_negative_numbers = true)]
    #[arg(help_heading = RATE)]
    pub final_rate: f64,

    /// Epochs over which the learning rate rises from 0, a number from 0
    #[arg(long, value_name = "EPOCHS", value_parser = number, allow_negative_numbers = true)]
    #[arg(help_heading = RATE)]
    pub warm_up: f64,

    /// What the learning rate is multiplied by when --best-by has not improved for
    /// --plateau-patience epochs, above 0 and below 1
    #[arg(long, value_name = "FACTOR", value_parser = number, allow_negative_numbers = true)]
    #[arg(help_heading = RATE)]
    pub plateau_factor: f64,

    /// See --plateau-factor; 0 leaves the rate as it is
    #[arg(long, value_name = "EPOCHS", value_parser = whole, allow_negative_numbers = true)]
    #[arg(help_heading = RATE)]
    pub plateau_patience: usize,

    /// End when the plateaus have left no more than this part of the rate; 0 for never
    #[arg(long, value_name = "PART", value_parser = number, allow_negative_numbers = true)]
    #[arg(help_heading = RATE)]
    pub plateau_least: f64,

    /// L2 weight decay as in the book: a step takes ETA x LAMBDA / training samples off every
    /// weight; a number from 0
    #[arg(long, value_name = "LAMBDA", value_parser = number, allow_negative_numbers = true)]
    #[arg(help_heading = REGULARIZATION)]
    pub l2: f64,

    /// L1 weight decay: a step moves every weight by ETA x LAMBDA / training samples towards 0; a
    /// number from 0
    #[arg(long, value_name = "LAMBDA", value_parser = number, allow_negative_numbers = true)]
    #[arg(help_heading = REGULARIZATION)]
    pub l1: f64,

    /// Let L1 decay end at 0 instead of crossing it, so that weights get truly sparse
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    #[arg(require_equals = true, action = clap::ArgAction::Set, help_heading = REGULARIZATION)]
    pub l1_truncated: bool,

    /// The probability of dropping a hidden unit, from 0 to below 1; or one for each hidden layer,
    /// separated by commas
    #[arg(long, value_name = "RATE", value_parser = number, allow_negative_numbers = true)]
    #[arg(value_delimiter = ',', help_heading = REGULARIZATION)]
    #[serde(with = "serial::one_or_more")]
    pub dropout: Vec<f64>,

    /// The probability of dropping an input
    #[arg(long, value_name = "RATE", value_parser = number, allow_negative_numbers = true)]
    #[arg(help_heading = REGULARIZATION)]
    pub input_dropout: f64,

    /// What drops the same units: the samples of a mini-batch, or each sample by itself
    #[arg(long, value_name = "WHO", value_parser = named::<DropoutMasks>())]
    #[arg(help_heading = REGULARIZATION)]
    pub dropout_masks: DropoutMasks,

    /// What makes up for dropped units: larger activations in training, or smaller weights behind
    /// them afterwards, as in the book
    #[arg(long, value_name = "WHEN", value_parser = named::<DropoutScaling>())]
    #[arg(help_heading = REGULARIZATION)]
    pub dropout_scaling: DropoutScaling,

    /// Passes over the training samples, from 1
    #[arg(long, value_name = "N", value_parser = whole, allow_negative_numbers = true)]
    #[arg(help_heading = END)]
    pub epochs: usize,

    /// End after this many epochs without a better one; 0 for never
    #[arg(long, value_name = "EPOCHS", value_parser = whole, allow_negative_numbers = true)]
    #[arg(help_heading = END)]
    pub patience: usize,

    /// Which figure of the validation images says how good an epoch is
    #[arg(long, value_name = "FIGURE", value_parser = named::<BestBy>(), help_heading = END)]
    pub best_by: BestBy,

    /// Which cost is reported: mean is a sample's mean cost; book adds lambda / 2n sum of w^2;
    /// notes is the worked example's, the mean over mini-batches of summed cost and decay
    #[arg(long, value_name = "HOW", value_parser = named::<ReportCost>(), help_heading = END)]
    pub report_cost: ReportCost,
}

const DATA: &str = "Data";
const AUGMENTATION: &str = "Augmentation";
const NETWORK: &str = "Network";
const DESCENT: &str = "Steps";
const RATE: &str = "Learning rate over time";
const REGULARIZATION: &str = "Regularisation";
const END: &str = "Epochs";

impl Default for Recipe {
    /// 30 sigmoid units, cross-entropy, gradient descent in mini-batches of 10, and nothing else.
    fn default() -> Self {
        Self {
            name: String::new(),
            summary: String::new(),
            reaches: String::new(),
            file: None,
            data: DataChoice::Default,
            train_samples: None,
            train_on: TrainOn::Split,
            pixel_divisor: 255,
            deskew: false,
            scale_to: 0,
            shuffle: true,
            seed: 7,
            shift: 0.0,
            rotation: 0.0,
            scale: 0.0,
            shear: 0.0,
            elastic: 0.0,
            hidden: vec![30],
            activation: Activation::Sigmoid,
            output: Activation::Sigmoid,
            cost: None,
            weights: WeightInit::FanIn,
            biases: BiasInit::Zero,
            init: None,
            optimizer: Optimizer::Sgd,
            learning_rate: 0.5,
            batch_size: 10,
            drop_last: false,
            momentum: 0.0,
            nesterov: false,
            beta1: 0.9,
            beta2: 0.999,
            rms_decay: 0.99,
            epsilon: 1e-8,
            muon_rate: 0.02,
            muon_momentum: 0.95,
            muon_decay: 0.0,
            memory: 10,
            clip_norm: 0.0,
            schedule: Schedule::Constant,
            final_rate: 0.0,
            warm_up: 0.0,
            plateau_factor: 0.5,
            plateau_patience: 0,
            plateau_least: 0.0,
            l2: 0.0,
            l1: 0.0,
            l1_truncated: false,
            dropout: vec![0.0],
            input_dropout: 0.0,
            dropout_masks: DropoutMasks::MiniBatch,
            dropout_scaling: DropoutScaling::Training,
            epochs: 30,
            patience: 0,
            best_by: BestBy::Accuracy,
            report_cost: ReportCost::Mean,
        }
    }
}

impl Recipe {
    /// Name and summary, as headings have them.
    pub fn line(&self) -> String {
        match self.summary.as_str() {
            "" => self.name.clone(),
            summary => format!("{}: {summary}", self.name),
        }
    }

    /// What training makes small: what was said, or else what fits the outputs.
    pub fn cost(&self) -> Cost {
        self.cost.unwrap_or(usual_cost(self.output))
    }

    /// How strongly training images are distorted.
    pub fn augment(&self) -> Augment {
        Augment {
            shift: self.shift as f32,
            rotation: self.rotation as f32,
            scale: self.scale as f32,
            shear: self.shear as f32,
            elastic: self.elastic as f32,
        }
    }
}

/// The cost whose deltas are simplest with these outputs.
pub fn usual_cost(output: Activation) -> Cost {
    match output {
        Activation::Sigmoid => Cost::CrossEntropy,
        Activation::Softmax => Cost::SoftmaxCrossEntropy,
        Activation::Tanh | Activation::Relu | Activation::Identity => Cost::Quadratic,
    }
}
