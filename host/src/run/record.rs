//! `run.toml`: what it takes to repeat a run, and what came of it.

use std::path::Path;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::fit::{Fit, Stopped};
use super::plan::Plan;
use crate::commands::output::{absolute, hex, quoted};
use crate::data::{DataChoice, Dataset};
use crate::recipe::{Recipe, built_in};
use crate::training::{Evaluation, Instructions};

const HEADING: &str = "\
# A training run of thumbnet. `thumbnet train --recipe run.toml` repeats it, to the last bit of the
# weights; so does `command`, for as long as the recipe that it names stays as it is.
";

/// The whole file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// What to type to get the same weights.
    pub command: String,
    /// How it trained: every key.
    pub recipe: Recipe,
    /// The program that trained.
    pub program: Program,
    /// What it trained on.
    pub data: Data,
    /// What it trained.
    pub network: Network,
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
    /// Threads that trained.
    pub threads: usize,
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
    /// CRC-32 of the parameters before the first step.
    pub initial_weights_crc32: String,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// `epochs`, `patience`, `interrupt` or `diverged`.
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
    pub fn new(plan: &Plan, data: &Dataset) -> Result<Self> {
        let architecture = plan.initial.architecture;
        let instructions = match Instructions::detect() {
            Instructions::Baseline => "baseline",
            Instructions::Avx2 => "avx2",
            Instructions::Avx512 => "avx512",
        };
        let mut recipe = plan.recipe.clone();
        recipe.data = data_again(&recipe.data, data);
        recipe.init = recipe.init.map(|path| absolute(&path).into());
        Ok(Self {
            command: command(&recipe, plan)?,
            recipe,
            program: Program {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                format: thumbnet::format::VERSION,
                machine: format!("{} {}", std::env::consts::ARCH, std::env::consts::OS),
                instructions: instructions.to_owned(),
                threads: plan.threads,
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
                initial_weights_crc32: hex(plan.initial.weights_crc32()),
            },
            result: None,
        })
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

/// What to type to repeat the run of `plan`, whose whole recipe is `recipe`.
fn command(recipe: &Recipe, plan: &Plan) -> Result<String> {
    let mut text = "thumbnet train --recipe ".to_owned();
    let named = match &recipe.file {
        Some(file) => {
            text += &quoted(&absolute(file));
            Recipe::load(file)?
        }
        None => {
            let name = match built_in::text(&recipe.name) {
                Some(_) => &recipe.name,
                None => built_in::DEFAULT,
            };
            text += name;
            Recipe::built_in(name)?
        }
    };
    let idle = recipe.idle();
    let idle = |key: &str| idle.iter().any(|(keys, _)| keys.contains(&key));
    for (key, value) in recipe.differences(&named)? {
        text += &match key.as_str() {
            // No flag is taken for what does nothing.
            key if idle(key) => continue,
            // Words about the recipe, which have no flags.
            "name" | "summary" | "reaches" => continue,
            "hidden" => format!(" --model {}", plan.initial.architecture),
            _ => format!(" --{}={}", key.replace('_', "-"), quoted(&value)),
        };
    }
    Ok(text)
}

/// The `command` of a run's record, for a run of so many epochs.
pub fn with_epochs(command: &str, epochs: usize) -> String {
    let flag = format!(" --epochs={epochs}");
    // Paths, in quotes if they look like flags, stand before it: where a quote follows, this is one.
    match command.rsplit_once(" --epochs=") {
        Some((before, after)) if !after.contains('\'') => {
            let behind = after.find(' ').map_or("", |end| &after[end..]);
            format!("{before}{flag}{behind}")
        }
        _ => format!("{command}{flag}"),
    }
}

/// What to give to `--data` to get this very data again, also from another folder and without the
/// environment variable that named it this time.
pub fn data_again(choice: &DataChoice, data: &Dataset) -> DataChoice {
    let folder = |folder: &Path| DataChoice::Folder(absolute(folder).into());
    match choice {
        DataChoice::Folder(path) => folder(path),
        DataChoice::Default => match (data.name.as_str(), std::env::var_os("THUMBNET_DATA")) {
            ("mnist", _) => DataChoice::Mnist,
            ("fashion-mnist", _) => DataChoice::FashionMnist,
            ("digits", _) | (_, None) => DataChoice::Digits,
            (_, Some(path)) => folder(Path::new(&path)),
        },
        named => named.clone(),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::commands::train::TrainArgs;
    use crate::data::load;
    use crate::recipe::Recipe;
    use crate::recipe::values::BestBy;

    fn record(recipe: Recipe) -> Record {
        let data = load(&DataChoice::Digits).unwrap();
        let plan = Plan::new(recipe, &data, 1).unwrap();
        Record::new(&plan, &data).unwrap()
    }

    #[test]
    fn what_is_written_is_read_back() {
        for seed in [0, 7, i64::MAX as u64, u64::MAX] {
            let mut record = record(Recipe {
                seed,
                ..Recipe::default()
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
            let recipe = Recipe::from_toml(&text, "run.toml", "").unwrap();
            assert_eq!(recipe, record.recipe);
        }
    }

    #[test]
    fn the_command_is_read_back() {
        #[derive(clap::Parser)]
        struct Line {
            #[command(flatten)]
            args: TrainArgs,
        }
        let of_ones_own = Recipe {
            name: "mine".to_owned(),
            summary: "what I tried".to_owned(),
            reaches: "the sky".to_owned(),
            hidden: vec![9],
            data: DataChoice::Digits,
            ..Recipe::default()
        };
        let changed = Recipe {
            data: DataChoice::Digits,
            hidden: vec![20, 10],
            dropout: vec![0.1, 0.2],
            epochs: 5,
            best_by: BestBy::Cost,
            seed: u64::MAX,
            shuffle: false,
            drop_last: true,
            l1_truncated: true,
            l1: 1e-7,
            l2: 0.0,
            ..Recipe::built_in("book-100").unwrap()
        };
        for recipe in [of_ones_own, changed] {
            let record = record(recipe);
            let words = record.command.split(' ').skip(1);
            let line = Line::try_parse_from(words).expect(&record.command);
            let named = Recipe::find(&line.args.recipe.unwrap()).unwrap();
            let again = self::record(line.args.flags.overrule(named).unwrap());
            let Recipe {
                name,
                summary,
                reaches,
                ..
            } = record.recipe.clone();
            let again = Recipe {
                name,
                summary,
                reaches,
                ..again.recipe
            };
            assert_eq!(again, record.recipe, "{}", record.command);
        }
    }

    #[test]
    fn what_does_nothing_is_not_in_the_command() {
        let recipe = Recipe {
            muon_rate: 0.5,
            ..Recipe::built_in("book-30").unwrap()
        };
        assert_eq!(
            record(recipe).command,
            "thumbnet train --recipe book-30 --data=digits"
        );
    }

    #[test]
    fn a_command_is_given_other_epochs() {
        for (command, expected) in [
            ("train --recipe a", "train --recipe a --epochs=7"),
            (
                "train --recipe a --seed=3 --epochs=5 --best-by=cost",
                "train --recipe a --seed=3 --epochs=7 --best-by=cost",
            ),
            ("train --recipe a --epochs=5", "train --recipe a --epochs=7"),
            (
                "train --recipe 'a --epochs=5 b'",
                "train --recipe 'a --epochs=5 b' --epochs=7",
            ),
        ] {
            assert_eq!(with_epochs(command, 7), expected);
        }
    }

    #[test]
    fn the_command_names_what_differs_from_the_recipe() {
        let recipe = Recipe {
            data: DataChoice::Digits,
            shuffle: false,
            hidden: vec![50, 20],
            dropout: vec![0.25],
            l2: 1e-9,
            ..Recipe::built_in("book-100").unwrap()
        };
        assert_eq!(
            record(recipe).command,
            "thumbnet train --recipe book-100 --data=digits --shuffle=false --model 64-50-20-10 \
             --l2=0.000000001 --dropout=0.25"
        );
        // A recipe that is not built in is told in full.
        let command = record(Recipe::default()).command;
        assert!(
            command.starts_with("thumbnet train --recipe default "),
            "{command}"
        );
        assert!(command.contains(" --model 64-30-10 "), "{command}");
    }
}
