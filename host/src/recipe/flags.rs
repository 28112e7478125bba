//! The flags that overrule a recipe, one for each key.

use anyhow::{Context, Error, Result, anyhow, bail, ensure};
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, FromArgMatches};
use thumbnet::{Activation, Cost};
use toml::Table;

use super::Recipe;
use super::check::Fault;
use crate::data::{DataChoice, Dataset};
use crate::model::parse_architecture;
use crate::run::plan::{Plan, check_inputs};

/// What was typed; whatever was not comes from the recipe.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Flags {
    /// None where no command line was read.
    matches: Option<ArgMatches>,
    network: Network,
}

/// The flags whose keys have another form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
struct Network {
    /// Inputs, hidden units and classes, for example 784-100-10 [default: the recipe's hidden
    /// units between the data's pixels and classes]
    #[arg(
        long,
        value_name = "SHAPE",
        allow_hyphen_values = true,
        help_heading = "Network"
    )]
    model: Option<String>,

    /// Take the samples in the order of the file in every epoch
    #[arg(long, conflicts_with = "shuffle", help_heading = "Data")]
    no_shuffle: bool,
}

impl Args for Flags {
    fn augment_args(command: Command) -> Command {
        // The form in which nothing is required.
        Network::augment_args(Recipe::augment_args_for_update(command))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self {
            matches: Some(matches.clone()),
            network: Network::from_arg_matches(matches)?,
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Flags {
    /// `recipe` with everything that was typed in place of its own.
    ///
    /// # Errors
    ///
    /// A value that makes no sense, typed or not.
    pub fn overrule(&self, mut recipe: Recipe) -> Result<Recipe> {
        let (output, hidden) = (recipe.output, recipe.activation);
        if let Some(matches) = &self.matches {
            recipe.update_from_arg_matches(matches)?;
        }
        recipe.shuffle &= !self.network.no_shuffle;
        // Of outputs and cost, the one that was typed decides about the other.
        if !self.typed("cost") && (self.typed("output") || self.typed("init")) {
            recipe.cost = None;
        } else if self.typed("cost") && !self.typed("output") && !recipe.cost().fits(output) {
            recipe.output = match recipe.cost() {
                Cost::SoftmaxCrossEntropy => Activation::Softmax,
                Cost::CrossEntropy | Cost::Quadratic => Activation::Sigmoid,
            };
        }
        if let Some(shape) = &self.network.model {
            let layers = parse_architecture(shape, hidden, output).context("--model")?;
            let units = layers.layers().iter().map(|layer| layer.fan_out);
            // The last layer's units are the classes.
            recipe.hidden = units.take(layers.layers().len() - 1).collect();
        }
        recipe
            .check()
            .map_err(|fault| self.place(fault.into(), &recipe))?;
        Ok(recipe)
    }

    /// Whether the network of `plan` is the one that was typed.
    ///
    /// # Errors
    ///
    /// A shape that does not fit the data, anything that differs from the weights file which training
    /// begins with, or a flag that would do nothing.
    pub fn check(&self, plan: &Plan, data: &Dataset) -> Result<()> {
        for (keys, beside) in plan.recipe.idle() {
            if let Some(key) = keys.iter().find(|key| self.typed(key)) {
                bail!(
                    "--{}: expected no such flag {beside}, where it would do nothing",
                    key.replace('_', "-")
                );
            }
        }
        let architecture = &plan.initial.architecture;
        let Some(path) = &plan.recipe.init else {
            let Some(shape) = &self.network.model else {
                return Ok(());
            };
            let (hidden, output) = (plan.recipe.activation, plan.recipe.output);
            let typed = parse_architecture(shape, hidden, output).context("--model")?;
            check_inputs(&typed, plan.initial.preparation, data).context("--model")?;
            ensure!(
                typed.classes() == data.classes,
                "--model: expected as many outputs as {} has classes, {}, found {} in {shape}",
                data.name,
                data.classes,
                typed.classes()
            );
            return Ok(());
        };
        let file = path.display();
        if let Some(shape) = &self.network.model {
            ensure!(
                *shape == architecture.to_string(),
                "--model: expected {architecture}, the network in {file}, or no --model beside \
                 --init, found {shape}"
            );
        }
        let layers = architecture.layers().iter().map(|layer| layer.activation);
        let last = architecture.layers().len() - 1;
        for (index, found) in layers.enumerate() {
            let key = if index == last {
                "output"
            } else {
                "activation"
            };
            let Some(typed) = self.value::<Activation>(key) else {
                continue;
            };
            ensure!(
                typed == found,
                "--{key}: expected {found} as in {file}, or no --{key} beside --init, found {typed}"
            );
        }
        // What the file says of images has taken the place of what the recipe says.
        let Recipe {
            deskew, scale_to, ..
        } = plan.recipe;
        if let Some(typed) = self.value::<bool>("deskew") {
            ensure!(
                typed == deskew,
                "--deskew: expected {deskew} as in {file}, or no --deskew beside --init, found \
                 {typed}"
            );
        }
        if let Some(typed) = self.value::<usize>("scale_to") {
            ensure!(
                typed == scale_to,
                "--scale-to: expected {scale_to} as in {file}, or no --scale-to beside --init, \
                 found {typed}"
            );
        }
        Ok(())
    }

    /// The number of epochs, if it was typed.
    pub fn epochs(&self) -> Option<usize> {
        self.value("epochs")
    }

    /// What was typed behind the flag of this key.
    fn value<T: Copy + Send + Sync + 'static>(&self, key: &str) -> Option<T> {
        let matches = self.matches.as_ref()?;
        matches.get_one::<T>(key).copied()
    }

    /// Whether nothing was typed but the flags of `keys`, beside `--resume`.
    ///
    /// # Errors
    ///
    /// Names a flag that was typed.
    pub fn only(&self, keys: &[&str]) -> Result<()> {
        let mut typed = Vec::new();
        if self.network.model.is_some() {
            typed.push("model");
        }
        if self.network.no_shuffle {
            typed.push("no_shuffle");
        }
        let recipe = Table::try_from(Recipe {
            // Keys that are left out where they say nothing.
            train_samples: Some(1),
            cost: Some(Cost::Quadratic),
            init: Some("m".into()),
            data: DataChoice::Mnist,
            ..Recipe::default()
        })?;
        let told = ["name", "summary", "reaches", "hidden"];
        let flags = recipe.keys().map(String::as_str);
        typed.extend(flags.filter(|key| !told.contains(key) && self.typed(key)));
        if let Some(key) = typed.iter().find(|key| !keys.contains(key)) {
            let allowed: Vec<String> = keys.iter().map(|key| format!("--{key}")).collect();
            bail!(
                "--{}: expected no flag of a recipe but {} beside --resume: a run goes on as it \
                 began",
                key.replace('_', "-"),
                allowed.join(" and ")
            );
        }
        Ok(())
    }

    /// An error about a key, told with what has to be changed: the flag, if it was typed.
    pub fn place(&self, error: Error, recipe: &Recipe) -> Error {
        let fault = match error.downcast::<Fault>() {
            Ok(fault) => fault,
            Err(error) => return error,
        };
        let flag = match fault.key {
            "hidden" => "--model".to_owned(),
            key => format!("--{}", key.replace('_', "-")),
        };
        if self.typed(fault.key) {
            return anyhow!("{flag}: {}", fault.message);
        }
        anyhow!("the recipe {}: {fault}; {flag} overrules it", recipe.name)
    }

    /// Whether the flag of this key was typed.
    fn typed(&self, key: &str) -> bool {
        if key == "hidden" {
            return self.network.model.is_some();
        }
        let matches = self.matches.as_ref();
        matches.is_some_and(|matches| matches.value_source(key) == Some(ValueSource::CommandLine))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::data::load;
    use crate::recipe::values::{DropoutScaling, Optimizer, TrainOn};

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        flags: Flags,
    }

    fn parse(line: &str) -> Result<Flags, clap::Error> {
        let words = std::iter::once("thumbnet").chain(line.split_whitespace());
        Ok(Line::try_parse_from(words)?.flags)
    }

    fn overruled(name: &str, line: &str) -> Result<Recipe> {
        parse(line)?.overrule(Recipe::built_in(name).unwrap())
    }

    /// What `train` says on the digits.
    fn fault(name: &str, line: &str) -> String {
        let train = || {
            let flags = parse(line)?;
            let recipe = flags.overrule(Recipe::built_in(name)?)?;
            let data = load(&DataChoice::Digits)?;
            let plan =
                Plan::new(recipe.clone(), &data, 1).map_err(|error| flags.place(error, &recipe))?;
            flags.check(&plan, &data)
        };
        format!("{:#}", train().unwrap_err())
    }

    #[test]
    fn what_is_not_typed_stays() {
        for (name, _) in crate::recipe::built_in::ALL {
            let recipe = Recipe::built_in(name).unwrap();
            assert_eq!(overruled(name, "").unwrap(), recipe);
            assert_eq!(Flags::default().overrule(recipe.clone()).unwrap(), recipe);
        }
    }

    /// Every key is in this line, with a value of its own.
    #[test]
    fn every_key_has_a_flag() {
        let line = "--data digits --train-samples 100 --deskew --scale-to 4 --shuffle=false --seed 9 \
            --shift 1 --rotation 0.1 --scale 0.1 --shear 0.1 --elastic 0.5 --model 64-5-4-10 \
            --activation relu --output softmax --cost softmax-cross-entropy --weights he \
            --biases normal --init m.thumbnet --optimizer muon --learning-rate 0.25 \
            --batch-size 20 --drop-last --momentum 0.5 --muon-rate 0.1 --muon-momentum 0.9 \
            --muon-decay 0.1 --beta1 0.8 --beta2 0.99 --rms-decay 0.8 --epsilon 1e-6 --memory 5 \
            --clip-norm 2 --schedule cosine --final-rate 0.1 --warm-up 1.5 --plateau-factor 0.1 --plateau-patience 3 \
            --plateau-least 0.01 --l1 2 --l2 0 --l1-truncated --dropout 0.125,0.25 \
            --input-dropout 0.2 --dropout-masks sample --epochs 3 --patience 5 --best-by cost \
            --report-cost book";
        let recipe = overruled("book-100", line).unwrap();
        assert_eq!(recipe.hidden, [5, 4]);
        assert_eq!(recipe.dropout, [0.125, 0.25]);
        assert_eq!(recipe.optimizer, Optimizer::Muon);
        // Their other values do not go together with the rest.
        let same = ["train_on", "pixel_divisor", "dropout_scaling", "nesterov"];
        let line = "--train-on all --pixel-divisor 256 --dropout-scaling test --momentum 0.5 \
            --nesterov";
        let others = overruled("book-100", line).unwrap();
        assert_eq!(others.pixel_divisor, 256);
        assert_eq!(others.train_on, TrainOn::All);
        assert_eq!(others.dropout_scaling, DropoutScaling::Test);
        assert!(recipe.drop_last && others.nesterov && recipe.l1_truncated && !recipe.shuffle);
        let keys = toml::Table::try_from(&recipe).unwrap();
        let changed = recipe
            .differences(&Recipe::built_in("book-100").unwrap())
            .unwrap();
        for key in keys.keys() {
            if !["name", "summary", "reaches"].contains(&key.as_str()) {
                let found = changed.iter().any(|(changed, _)| changed == key);
                assert!(found != same.contains(&key.as_str()), "{key}");
            }
        }
        // And what is on can be switched off again.
        let line = "--drop-last=false --nesterov=false --l1-truncated=false --shuffle";
        let off = parse(line).unwrap().overrule(recipe).unwrap();
        assert!(!off.drop_last && !off.nesterov && !off.l1_truncated && off.shuffle);
        assert!(!overruled("book-100", "--no-shuffle").unwrap().shuffle);
    }

    #[test]
    fn outputs_and_cost_find_each_other() {
        use Activation::{Identity, Relu, Sigmoid, Softmax, Tanh};
        for (name, line, expected) in [
            ("book-100", "", (Sigmoid, Cost::CrossEntropy)),
            (
                "book-100",
                "--output softmax",
                (Softmax, Cost::SoftmaxCrossEntropy),
            ),
            ("default", "--output sigmoid", (Sigmoid, Cost::CrossEntropy)),
            ("default", "--output tanh", (Tanh, Cost::Quadratic)),
            ("default", "--output relu", (Relu, Cost::Quadratic)),
            ("default", "--output identity", (Identity, Cost::Quadratic)),
            ("book-100", "--cost quadratic", (Sigmoid, Cost::Quadratic)),
            ("default", "--cost quadratic", (Sigmoid, Cost::Quadratic)),
            (
                "default",
                "--cost cross-entropy",
                (Sigmoid, Cost::CrossEntropy),
            ),
            (
                "book-100",
                "--cost softmax-cross-entropy",
                (Softmax, Cost::SoftmaxCrossEntropy),
            ),
            (
                "default",
                "--output identity --cost quadratic",
                (Identity, Cost::Quadratic),
            ),
        ] {
            let recipe = overruled(name, line).unwrap();
            assert_eq!((recipe.output, recipe.cost()), expected, "{name} {line}");
        }
        assert_eq!(
            fault("default", "--cost quadratic --output softmax"),
            "--cost: expected softmax-cross-entropy, which softmax outputs can have, found \
             quadratic"
        );
        assert_eq!(
            fault("default", "--cost softmax-cross-entropy --output sigmoid"),
            "--cost: expected cross-entropy or quadratic, which sigmoid outputs can have, found \
             softmax-cross-entropy"
        );
    }

    #[test]
    fn what_was_not_typed_is_not_blamed() {
        assert_eq!(
            fault("book-100", "--train-samples 9"),
            "the recipe book-100: batch_size: expected at most the 9 training samples, found 10; \
             --batch-size overrules it"
        );
        assert_eq!(
            fault("book-100", "--train-samples 20 --batch-size 21"),
            "--batch-size: expected at most the 20 training samples, found 21"
        );
        assert_eq!(
            fault("default", "--optimizer adam"),
            "the recipe default: momentum: expected 0 with the optimizer adam, found 0.9; \
             --momentum overrules it"
        );
    }

    #[test]
    fn a_flag_that_would_do_nothing_is_refused() {
        for (name, line, beside) in [
            ("book-100", "--muon-rate 0.1", "with the optimizer sgd"),
            ("book-100", "--beta2 0.9", "with the optimizer sgd"),
            ("best-32", "--rms-decay 0.9", "with the optimizer muon"),
            ("book-100", "--epsilon 1e-3", "with the optimizer sgd"),
            ("book-100", "--memory 3", "with the optimizer sgd"),
            ("book-100", "--final-rate 0.1", "with the schedule constant"),
            (
                "book-100",
                "--plateau-factor 0.1",
                "with a plateau_patience of 0",
            ),
            (
                "book-100",
                "--optimizer conjugate-gradient --learning-rate 1",
                "with the optimizer conjugate-gradient",
            ),
        ] {
            let flag = line.split(' ').rev().nth(1).unwrap();
            assert_eq!(
                fault(name, line),
                format!("{flag}: expected no such flag {beside}, where it would do nothing"),
            );
        }
        // What a recipe says and a flag makes useless is nobody's slip.
        let data = load(&DataChoice::Digits).unwrap();
        for (name, line) in [
            ("best-32", "--optimizer sgd --train-on split"),
            ("best-32", "--schedule constant --train-on split"),
            ("book-100", "--optimizer adam --beta1 0.8 --epsilon 1e-7"),
            ("book-100", "--schedule cosine --final-rate 0.1"),
        ] {
            let flags = parse(line).unwrap();
            let recipe = flags.overrule(Recipe::built_in(name).unwrap()).unwrap();
            let plan = Plan::new(recipe, &data, 1).unwrap();
            flags.check(&plan, &data).unwrap();
        }
    }

    #[test]
    fn a_weights_file_says_how_images_are_prepared() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.thumbnet");
        let recipe = Recipe {
            deskew: true,
            data: DataChoice::Digits,
            ..Recipe::default()
        };
        let data = load(&DataChoice::Digits).unwrap();
        Plan::new(recipe, &data, 1)
            .unwrap()
            .initial
            .save(&path)
            .unwrap();
        let fault = |line: &str| {
            let line = format!("--init {} {line}", path.display());
            fault("book-30", &line).replace(&path.display().to_string(), "FILE")
        };
        assert_eq!(
            fault("--deskew=false"),
            "--deskew: expected true as in FILE, or no --deskew beside --init, found false"
        );
        assert_eq!(
            fault("--deskew --scale-to 4"),
            "--scale-to: expected 0 as in FILE, or no --scale-to beside --init, found 4"
        );
        assert_eq!(
            fault("--weights he"),
            "--weights: expected no such flag beside --init, where it would do nothing"
        );
        // The same is said twice, and nothing more.
        let line = format!("--init {} --deskew --scale-to 0", path.display());
        let flags = parse(&line).unwrap();
        let recipe = flags.overrule(Recipe::built_in("book-30").unwrap());
        let plan = Plan::new(recipe.unwrap(), &data, 1).unwrap();
        flags.check(&plan, &data).unwrap();
    }

    #[test]
    fn a_shape_that_does_not_fit_the_data_is_refused() {
        for (line, expected) in [
            (
                "--model 784-30-10",
                "--model: expected a network with an input for each of the 8 x 8 = 64 pixels of \
                 digits, found 784-30-10 with 784",
            ),
            (
                "--model 64-30-9",
                "--model: expected as many outputs as digits has classes, 10, found 9 in 64-30-9",
            ),
            (
                "--model 64-0-10",
                "--model: the shape \"64-0-10\" has \"0\" where a number of units from 1 was \
                 expected; write for example 784-100-10",
            ),
        ] {
            assert_eq!(fault("book-100", line), expected);
        }
    }

    #[test]
    fn a_weights_file_is_not_contradicted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.thumbnet");
        let shape = parse_architecture("64-7-10", Activation::Relu, Activation::Sigmoid).unwrap();
        crate::model::Model::fresh(
            shape,
            Cost::Quadratic,
            thumbnet::Initialization::default(),
            77,
        )
        .save(&path)
        .unwrap();
        let init = format!("--init {}", path.display());
        // Its own cost, since none was typed.
        assert_eq!(overruled("book-100", &init).unwrap().cost, None);
        for (flags, expected) in [
            (
                "--model 64-8-10",
                "--model: expected 64-7-10, the network in ",
            ),
            ("--activation sigmoid", "--activation: expected relu as in "),
            ("--output softmax", "--output: expected sigmoid as in "),
            (
                "--cost softmax-cross-entropy",
                "--cost: expected cross-entropy or quadratic, which sigmoid",
            ),
        ] {
            let found = fault("book-100", &format!("{init} {flags}"));
            assert!(found.starts_with(expected), "{found}");
        }
    }

    #[test]
    fn numbers_out_of_range_are_refused() {
        for line in [
            "--learning-rate 0",
            "--learning-rate -1",
            "--learning-rate NaN",
            "--learning-rate inf",
            "--learning-rate 1e39",
            "--learning-rate 1e-60",
            "--learning-rate fast",
            "--batch-size 0",
            "--batch-size -3",
            "--batch-size 1.5",
            "--momentum 1",
            "--momentum -0.1",
            "--momentum 0.99999999999",
            "--momentum nan",
            "--dropout 1",
            "--dropout -0.5",
            "--dropout 0.5,1",
            "--dropout 0.5,0.5",
            "--l2 -1",
            "--l2 inf",
            "--l1 1",
            "--epochs 0",
            "--epochs 99999999999999999999",
            "--train-samples 0",
            "--seed -1",
            "--seed 18446744073709551616",
            "--pixel-divisor 1",
            "--plateau-factor 1",
            "--nesterov",
            "--l1-truncated",
            "--activation softmax",
            "--output tan",
            "--cost mse",
        ] {
            let text = format!("{:#}", overruled("book-100", line).unwrap_err());
            let (flag, _) = line.split_once(' ').unwrap_or((line, ""));
            assert!(text.contains(flag), "{line}: {text}");
            let told = text.contains("expected a") || text.contains("possible values");
            assert!(told || text.contains(": expected "), "{line}: {text}");
        }
        overruled(
            "book-100",
            "--seed 18446744073709551615 --l2 0 --momentum 0",
        )
        .unwrap();
    }
}
