//! `run.toml`: what it takes to repeat a run, and what came of it.

use std::path::Path;

use anyhow::Result;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::fit::{Fit, Stopped};
use super::plan::Plan;
use crate::commands::output::{absolute, hex};
use crate::data::{DataChoice, Dataset};
use crate::training::{Evaluation, Instructions};

const HEADING: &str = "\
# A training run of thumbnet. `command` repeats it, to the last bit of the weights.
";

/// The whole file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// What to type to get the same weights, whatever becomes of recipes and default values.
    pub command: String,
    /// The program that trained.
    pub program: Program,
    /// What it trained on.
    pub data: Data,
    /// What it trained.
    pub network: Network,
    /// How it trained.
    pub training: Training,
    /// What came of it; absent while the run goes on, or if it was killed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<Outcome>,
}

/// The program and the machine: none of it changes the weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Program {
    /// Version of thumbnet.
    pub version: String,
    /// Version of the weights file's format.
    pub format: u8,
    /// Processor and system.
    pub machine: String,
    /// What the loops were compiled for.
    pub instructions: String,
}

/// The data set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Data {
    /// Its name.
    pub name: String,
    /// Where it came from, in words.
    pub source: String,
    /// Pixels of an image, across and down.
    pub width: usize,
    /// See `width`.
    pub height: usize,
    /// Number of classes.
    pub classes: usize,
    /// Samples there are to train on.
    pub train: usize,
    /// Samples that choose the best epoch.
    pub validation: usize,
    /// Samples of the final measurement.
    pub test: usize,
}

/// The network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Network {
    /// Inputs, hidden units and outputs, as in `784-100-10`.
    pub shape: String,
    /// One for each layer.
    pub activations: Vec<String>,
    /// Weights and biases.
    pub parameters: usize,
    /// The weights file it began with, if it did not begin with fresh weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub init: Option<String>,
    /// CRC-32 of the parameters before the first step.
    pub initial_weights_crc32: String,
}

/// The hyper-parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Training {
    /// Where they come from, unless they were given one by one.
    pub recipe: String,
    /// What was made small.
    pub cost: String,
    /// `eta`.
    pub learning_rate: f64,
    /// Samples of a mini-batch.
    pub batch_size: usize,
    /// `mu`; 0 for none.
    pub momentum: f64,
    /// `lambda`; 0 for none.
    pub l2: f64,
    /// The probability of dropping a hidden unit; 0 for none.
    pub dropout: f64,
    /// Epochs asked for.
    pub epochs: usize,
    /// What everything random follows from.
    #[serde(serialize_with = "write_seed", deserialize_with = "read_seed")]
    pub seed: u64,
    /// How many of the training samples were trained on: the first ones.
    pub train_samples: usize,
    /// Whether every epoch had an order of its own.
    pub shuffle: bool,
    /// Threads; they do not change the weights.
    pub threads: usize,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// `epochs`, `interrupt` or `diverged`.
    pub stopped: String,
    /// Epochs begun.
    pub epochs: usize,
    /// The epoch of `model.thumbnet`; 0 for the weights it all began with.
    pub best_epoch: usize,
    /// Share of the test images that `model.thumbnet` reads right, 0 to 1.
    pub test_accuracy: f64,
    /// Mean cost of the test images with `model.thumbnet`.
    pub test_cost: f64,
    /// CRC-32 of the parameters in `model.thumbnet`.
    pub weights_crc32: String,
    /// CRC-32 of the parameters in `last.thumbnet`.
    pub last_weights_crc32: String,
    /// Time spent training, validation apart.
    pub training_seconds: f64,
    /// Samples trained in a second.
    pub samples_per_second: f64,
}

impl Record {
    /// What is known before the first epoch.
    pub fn new(plan: &Plan, choice: &DataChoice, data: &Dataset) -> Self {
        let architecture = plan.initial.architecture;
        let instructions = match Instructions::detect() {
            Instructions::Baseline => "baseline",
            Instructions::Avx2 => "avx2",
        };
        Self {
            command: format!("thumbnet {}", plan.arguments(&data_argument(choice, data))),
            program: Program {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                format: thumbnet::format::VERSION,
                machine: format!("{} {}", std::env::consts::ARCH, std::env::consts::OS),
                instructions: instructions.to_owned(),
            },
            data: Data {
                name: data.name.clone(),
                source: data.source.clone(),
                width: data.train.width,
                height: data.train.height,
                classes: data.classes,
                train: data.train.len(),
                validation: data.validation.len(),
                test: data.test.len(),
            },
            network: Network {
                shape: architecture.to_string(),
                activations: architecture
                    .layers()
                    .iter()
                    .map(|layer| layer.activation.to_string())
                    .collect(),
                parameters: architecture.parameters(),
                init: plan.init.as_ref().map(|path| path.display().to_string()),
                initial_weights_crc32: hex(plan.initial.weights_crc32()),
            },
            training: Training {
                recipe: plan.recipe.to_owned(),
                cost: plan.initial.cost.to_string(),
                learning_rate: plan.learning_rate,
                batch_size: plan.batch_size,
                momentum: plan.momentum,
                l2: plan.l2,
                dropout: plan.dropout,
                epochs: plan.epochs,
                seed: plan.seed,
                train_samples: plan.train_samples,
                shuffle: plan.shuffle,
                threads: plan.threads,
            },
            result: None,
        }
    }

    /// The text of the file.
    ///
    /// # Errors
    ///
    /// When TOML has no way to say it, which no run gives reason for.
    pub fn to_toml(&self) -> Result<String> {
        Ok(format!("{HEADING}{}", toml::to_string(self)?))
    }
}

impl Outcome {
    /// What came of `fit`, whose best weights did as `test` says on the test images.
    pub fn new(fit: &Fit, stopped: Stopped, test: &Evaluation) -> Self {
        Self {
            stopped: stopped.name().to_owned(),
            epochs: fit.history.len(),
            best_epoch: fit.best_epoch,
            test_accuracy: test.accuracy,
            test_cost: test.cost,
            weights_crc32: hex(fit.best.weights_crc32()),
            last_weights_crc32: hex(fit.last.weights_crc32()),
            training_seconds: fit.seconds,
            samples_per_second: fit.samples_per_second(),
        }
    }
}

/// What to give to `--data` to get this very data again, also from another folder and without the
/// environment variable that named it this time.
pub fn data_argument(choice: &DataChoice, data: &Dataset) -> String {
    match choice {
        DataChoice::Folder(folder) => absolute(folder),
        DataChoice::Default => match (data.name.as_str(), std::env::var_os("THUMBNET_DATA")) {
            ("mnist" | "fashion-mnist" | "digits", _) | (_, None) => data.name.clone(),
            (_, Some(folder)) => absolute(Path::new(&folder)),
        },
        named => named.to_string(),
    }
}

/// TOML's integers have 63 bits: a larger seed is a string.
fn write_seed<S: Serializer>(seed: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    match i64::try_from(*seed) {
        Ok(seed) => serializer.serialize_i64(seed),
        Err(_) => serializer.serialize_str(&seed.to_string()),
    }
}

fn read_seed<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Seed {
        Number(u64),
        Text(String),
    }
    match Seed::deserialize(deserializer)? {
        Seed::Number(seed) => Ok(seed),
        Seed::Text(text) => text.parse().map_err(D::Error::custom),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::load;
    use crate::recipe::Recipe;
    use crate::run::settings::Settings;

    fn record(settings: &Settings) -> Record {
        let data = load(&DataChoice::Digits).unwrap();
        let plan = Plan::new(settings, &Recipe::BOOK_100, &data).unwrap();
        Record::new(&plan, &DataChoice::Digits, &data)
    }

    #[test]
    fn what_is_written_is_read_back() {
        for seed in [0, 7, i64::MAX as u64, u64::MAX] {
            let mut record = record(&Settings {
                seed: Some(seed),
                ..Settings::default()
            });
            record.result = Some(Outcome {
                stopped: Stopped::Interrupt.name().to_owned(),
                epochs: 3,
                best_epoch: 2,
                test_accuracy: 0.1 + 0.2,
                test_cost: 1e-9,
                weights_crc32: hex(1),
                last_weights_crc32: hex(u32::MAX),
                training_seconds: 1.5,
                samples_per_second: 1e6,
            });
            let text = record.to_toml().unwrap();
            assert_eq!(toml::from_str::<Record>(&text).unwrap(), record, "{text}");
        }
    }

    #[test]
    fn the_command_names_every_number() {
        let settings = Settings {
            no_shuffle: true,
            threads: Some(1),
            ..Settings::default()
        };
        assert_eq!(
            record(&settings).command,
            "thumbnet train --recipe book-100 --data digits --model 64-100-10 --activation sigmoid \
             --output sigmoid --cost cross-entropy --learning-rate 0.1 --batch-size 10 --momentum 0 \
             --l2 5 --dropout 0 --epochs 30 --seed 7 --train-samples 1197 --threads 1 --no-shuffle"
        );
    }
}
