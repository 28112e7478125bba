//! What a run will do: flags and a recipe, made definite against the data.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use thumbnet::{
    Activation, Architecture, Cost, DropoutRates, Initialization, Preparation, WeightDecay,
};

use crate::commands::output::{absolute, plain, quoted};
use crate::data::Dataset;
use crate::model::{Model, parse_architecture};
use crate::recipe::Recipe;
use crate::training::{Hyperparameters, OptimizerChoice};

use super::settings::{COSTS, SEED, Settings, default_threads};

/// A run whose every number is decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Name of the recipe it began with.
    pub recipe: &'static str,
    /// Layers, cost, and the weights before the first step.
    pub initial: Model,
    /// The weights file that `initial` was read from, if it was.
    pub init: Option<PathBuf>,
    /// `eta`.
    pub learning_rate: f64,
    /// Samples of a mini-batch.
    pub batch_size: usize,
    /// `mu`, 0 for none.
    pub momentum: f64,
    /// `lambda`, 0 for none.
    pub l2: f64,
    /// The probability of dropping a hidden unit, 0 for none.
    pub dropout: f64,
    /// Passes over the training samples.
    pub epochs: usize,
    /// What everything random follows from.
    pub seed: u64,
    /// How many of the training samples are trained on.
    pub train_samples: usize,
    /// Whether every epoch has an order of its own.
    pub shuffle: bool,
    /// Threads.
    pub threads: usize,
}

impl Plan {
    /// Decides everything that `settings` and `recipe` leave to the data, reading `--init`'s file.
    ///
    /// # Errors
    ///
    /// A network that does not fit the data, a cost that does not fit the outputs, more samples
    /// than there are, decay that would turn weights around, a weights file that cannot be read.
    pub fn new(settings: &Settings, recipe: &Recipe, data: &Dataset) -> Result<Self> {
        let available = data.train.len();
        let train_samples = settings.train_samples.unwrap_or(available);
        ensure!(
            train_samples <= available,
            "--train-samples: expected at most the {available} training samples of {}, found \
             {train_samples}",
            data.name
        );
        let batch_size = settings.batch_size.unwrap_or(recipe.batch_size);
        ensure!(
            batch_size <= train_samples,
            "--batch-size: expected at most the {train_samples} training samples, found \
             {batch_size}{}",
            match settings.batch_size {
                Some(_) => String::new(),
                None => format!(" of the recipe {}: give a smaller one", recipe.name),
            }
        );
        let learning_rate = settings.learning_rate.unwrap_or(recipe.learning_rate);
        let l2 = settings.l2.unwrap_or(recipe.l2);
        let shrinking = learning_rate * l2 / train_samples as f64;
        ensure!(
            shrinking < 1.0,
            "--l2: expected learning rate x lambda / training samples below 1, so that weights \
             shrink, found {} x {} / {train_samples} = {}",
            plain(learning_rate),
            plain(l2),
            plain(shrinking)
        );
        let seed = settings.seed.unwrap_or(SEED);
        Ok(Self {
            recipe: recipe.name,
            initial: initial(settings, recipe, data, seed)?,
            init: settings.init.clone(),
            learning_rate,
            batch_size,
            momentum: settings.momentum.unwrap_or(recipe.momentum),
            l2,
            dropout: settings.dropout.unwrap_or(recipe.dropout),
            epochs: settings.epochs.unwrap_or(recipe.epochs),
            seed,
            train_samples,
            shuffle: !settings.no_shuffle,
            threads: settings.threads.unwrap_or_else(default_threads),
        })
    }

    /// What the training engine takes.
    pub fn hyperparameters(&self) -> Hyperparameters {
        Hyperparameters {
            cost: self.initial.cost,
            batch_size: self.batch_size,
            drop_last: false,
            optimizer: if self.momentum == 0.0 {
                OptimizerChoice::Sgd
            } else {
                OptimizerChoice::Momentum(self.momentum as f32)
            },
            weight_decay: WeightDecay::L2((self.l2 / self.train_samples as f64) as f32),
            clip_norm: None,
            dropout: DropoutRates::hidden(self.dropout as f32),
            input_scale: 1.0,
        }
    }

    /// The arguments of `thumbnet` that repeat this run on the data that `--data` calls `data`. All
    /// numbers are named, so that they still mean the same when a recipe has changed.
    pub fn arguments(&self, data: &str) -> String {
        let mut text = format!("train --recipe {} --data {}", self.recipe, quoted(data));
        let mut add = |flag: &str, value: &dyn std::fmt::Display| {
            text += &format!(" --{flag} {value}");
        };
        match &self.init {
            Some(path) => add("init", &quoted(&absolute(path))),
            None => {
                let layers = self.initial.architecture.layers();
                add("model", &self.initial.architecture);
                // The first and the last are the same layer if there is none in between.
                if let [hidden, _, ..] = layers {
                    add("activation", &hidden.activation);
                }
                if let [.., output] = layers {
                    add("output", &output.activation);
                }
            }
        }
        add("cost", &self.initial.cost);
        add("learning-rate", &self.learning_rate);
        add("batch-size", &self.batch_size);
        add("momentum", &self.momentum);
        add("l2", &self.l2);
        add("dropout", &self.dropout);
        add("epochs", &self.epochs);
        add("seed", &self.seed);
        add("train-samples", &self.train_samples);
        add("threads", &self.threads);
        if !self.shuffle {
            text += " --no-shuffle";
        }
        text
    }
}

/// The network before the first step.
fn initial(settings: &Settings, recipe: &Recipe, data: &Dataset, seed: u64) -> Result<Model> {
    if let Some(path) = &settings.init {
        return from_file(path, settings, data);
    }
    let (output, cost) = output_and_cost(settings, recipe)?;
    let hidden = settings.activation.unwrap_or(recipe.activation);
    let (pixels, classes) = (data.train.pixels(), data.classes);
    let Some(shape) = &settings.model else {
        let widths: Vec<String> = std::iter::once(&pixels)
            .chain(recipe.hidden)
            .chain([&classes])
            .map(usize::to_string)
            .collect();
        let architecture = parse_architecture(&widths.join("-"), hidden, output)?;
        return Ok(Model::fresh(
            architecture,
            cost,
            Initialization::default(),
            seed,
        ));
    };
    let architecture = parse_architecture(shape, hidden, output).context("--model")?;
    check_inputs(&architecture, Preparation::None, data).context("--model")?;
    ensure!(
        architecture.classes() == classes,
        "--model: expected as many outputs as {} has classes, {classes}, found {} in {shape}",
        data.name,
        architecture.classes()
    );
    Ok(Model::fresh(
        architecture,
        cost,
        Initialization::default(),
        seed,
    ))
}

/// The network of a weights file, which the other flags must not contradict.
fn from_file(path: &Path, settings: &Settings, data: &Dataset) -> Result<Model> {
    let mut model = Model::load(path).context("--init")?;
    let architecture = model.architecture;
    let file = path.display();
    if let Some(shape) = &settings.model {
        ensure!(
            *shape == architecture.to_string(),
            "--model: expected {architecture}, the network in {file}, or no --model beside --init, \
             found {shape}"
        );
    }
    let Some((last, hidden)) = architecture.layers().split_last() else {
        bail!("--init: {file} has no layers");
    };
    for layer in hidden {
        check_activation("--activation", settings.activation, layer.activation, path)?;
    }
    check_activation("--output", settings.output, last.activation, path)?;
    if let Some(cost) = settings.cost {
        check_cost(cost, last.activation)?;
        model.cost = cost;
    }
    check_data(&model, data).context("--init")?;
    Ok(model)
}

fn check_activation(
    flag: &str,
    given: Option<Activation>,
    found: Activation,
    path: &Path,
) -> Result<()> {
    match given {
        Some(given) if given != found => bail!(
            "{flag}: expected {found} as in {}, or no {flag} beside --init, found {given}",
            path.display()
        ),
        _ => Ok(()),
    }
}

/// Whether a model can be shown the images of a data set, and has an output for every class.
///
/// # Errors
///
/// Says what differs.
pub fn check_data(model: &Model, data: &Dataset) -> Result<()> {
    check_inputs(&model.architecture, model.preparation, data)?;
    // More outputs do no harm: a few images of one's own need not show every digit.
    ensure!(
        model.architecture.classes() >= data.classes,
        "expected a network with an output for each of the {} classes of {}, found {} with {}",
        data.classes,
        data.name,
        model.architecture,
        model.architecture.classes()
    );
    Ok(())
}

fn check_inputs(
    architecture: &Architecture,
    preparation: Preparation,
    data: &Dataset,
) -> Result<()> {
    let (mut width, mut height) = (data.train.width, data.train.height);
    let mut prepared = "";
    if let (Some(from), Some(to)) = (preparation.takes(), preparation.gives()) {
        ensure!(
            (from.width(), from.height()) == (width, height),
            "expected images of {from} pixels, since the network takes images {preparation}, found \
             {width} x {height} in {}",
            data.name
        );
        (width, height, prepared) = (to.width(), to.height(), ", prepared");
    }
    ensure!(
        architecture.inputs() == width * height,
        "expected a network with an input for each of the {width} x {height} = {} pixels of \
         {}{prepared}, found {architecture} with {}",
        width * height,
        data.name,
        architecture.inputs()
    );
    Ok(())
}

/// Of outputs and cost the one that was said decides about the other.
fn output_and_cost(settings: &Settings, recipe: &Recipe) -> Result<(Activation, Cost)> {
    let pair = match (settings.output, settings.cost) {
        (None, None) => (recipe.output, recipe.cost),
        (Some(output), None) => (output, usual_cost(output)),
        (None, Some(cost)) if cost.fits(recipe.output) => (recipe.output, cost),
        (None, Some(Cost::SoftmaxCrossEntropy)) => (Activation::Softmax, Cost::SoftmaxCrossEntropy),
        (None, Some(cost)) => (Activation::Sigmoid, cost),
        (Some(output), Some(cost)) => (output, cost),
    };
    check_cost(pair.1, pair.0)?;
    Ok(pair)
}

fn usual_cost(output: Activation) -> Cost {
    match output {
        Activation::Sigmoid => Cost::CrossEntropy,
        Activation::Softmax => Cost::SoftmaxCrossEntropy,
        Activation::Tanh | Activation::Relu | Activation::Identity => Cost::Quadratic,
    }
}

fn check_cost(cost: Cost, output: Activation) -> Result<()> {
    let fitting: Vec<&str> = COSTS
        .into_iter()
        .filter(|cost| cost.fits(output))
        .map(Cost::name)
        .collect();
    ensure!(
        cost.fits(output),
        "--cost: expected {}, which {output} outputs can have, found {cost}",
        fitting.join(" or ")
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use thumbnet::preparation::Size;

    use super::*;
    use crate::data::{DataChoice, load};

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        settings: Settings,
    }

    fn parse(line: &str) -> Result<Settings, clap::Error> {
        let words = std::iter::once("thumbnet").chain(line.split_whitespace());
        Ok(Line::try_parse_from(words)?.settings)
    }

    fn digits() -> Dataset {
        load(&DataChoice::Digits).unwrap()
    }

    fn plan(recipe: &Recipe, line: &str) -> Result<Plan> {
        Plan::new(&parse(line).unwrap(), recipe, &digits())
    }

    fn fault(recipe: &Recipe, line: &str) -> String {
        format!("{:#}", plan(recipe, line).unwrap_err())
    }

    #[test]
    fn a_recipe_takes_inputs_and_classes_from_the_data() {
        for recipe in &Recipe::ALL {
            let plan = plan(recipe, "").unwrap();
            let architecture = plan.initial.architecture;
            assert_eq!((architecture.inputs(), architecture.classes()), (64, 10));
            assert_eq!(architecture.layers()[0].fan_out, recipe.hidden[0]);
            assert_eq!(architecture.layers()[0].activation, recipe.activation);
            assert_eq!(plan.initial.cost, recipe.cost);
            assert_eq!((plan.epochs, plan.seed), (recipe.epochs, SEED));
            assert_eq!((plan.train_samples, plan.shuffle), (1197, true));
            let expected = Model::fresh(architecture, recipe.cost, Initialization::default(), SEED);
            assert_eq!(plan.initial, expected);
        }
    }

    #[test]
    fn every_flag_overrules_the_recipe() {
        let plan = plan(
            &Recipe::BOOK_100,
            "--model 64-5-4-10 --epochs 3 --seed 9 --train-samples 100 --no-shuffle --threads 4 \
             --learning-rate 0.25 --batch-size 20 --momentum 0.5 --l2 2 --dropout 0.125 \
             --activation relu --output softmax",
        )
        .unwrap();
        assert_eq!(plan.initial.architecture.to_string(), "64-5-4-10");
        let activations: Vec<Activation> = plan
            .initial
            .architecture
            .layers()
            .iter()
            .map(|layer| layer.activation)
            .collect();
        assert_eq!(
            activations,
            [Activation::Relu, Activation::Relu, Activation::Softmax]
        );
        assert_eq!((plan.epochs, plan.seed, plan.threads), (3, 9, 4));
        assert_eq!((plan.train_samples, plan.shuffle), (100, false));
        let expected = Hyperparameters {
            cost: Cost::SoftmaxCrossEntropy,
            batch_size: 20,
            drop_last: false,
            optimizer: OptimizerChoice::Momentum(0.5),
            weight_decay: WeightDecay::L2(0.02),
            clip_norm: None,
            dropout: DropoutRates::hidden(0.125),
            input_scale: 1.0,
        };
        assert_eq!(plan.hyperparameters(), expected);
    }

    #[test]
    fn decay_is_divided_before_it_is_rounded() {
        // 5 / 1197 in 24 bits, and not 5.0_f32 / 1197.0_f32 by way of 1 / 1197.
        let decay = plan(&Recipe::BOOK_100, "")
            .unwrap()
            .hyperparameters()
            .weight_decay;
        assert_eq!(decay, WeightDecay::L2((5.0_f64 / 1197.0) as f32));
    }

    #[test]
    fn outputs_and_cost_find_each_other() {
        let pair = |recipe, line| {
            let model = plan(recipe, line).unwrap().initial;
            let last = model.architecture.layers().last().unwrap().activation;
            (last, model.cost)
        };
        let (sigmoid, softmax) = (&Recipe::BOOK_100, &Recipe::DEFAULT);
        use Activation::{Identity, Relu, Sigmoid, Softmax, Tanh};
        for (recipe, line, expected) in [
            (sigmoid, "", (Sigmoid, Cost::CrossEntropy)),
            (
                sigmoid,
                "--output softmax",
                (Softmax, Cost::SoftmaxCrossEntropy),
            ),
            (softmax, "--output sigmoid", (Sigmoid, Cost::CrossEntropy)),
            (softmax, "--output tanh", (Tanh, Cost::Quadratic)),
            (softmax, "--output relu", (Relu, Cost::Quadratic)),
            (softmax, "--output identity", (Identity, Cost::Quadratic)),
            (sigmoid, "--cost quadratic", (Sigmoid, Cost::Quadratic)),
            (softmax, "--cost quadratic", (Sigmoid, Cost::Quadratic)),
            (
                softmax,
                "--cost cross-entropy",
                (Sigmoid, Cost::CrossEntropy),
            ),
            (
                sigmoid,
                "--cost softmax-cross-entropy",
                (Softmax, Cost::SoftmaxCrossEntropy),
            ),
            (
                softmax,
                "--output identity --cost quadratic",
                (Identity, Cost::Quadratic),
            ),
        ] {
            assert_eq!(pair(recipe, line), expected, "{line}");
        }
        assert_eq!(
            fault(softmax, "--cost quadratic --output softmax"),
            "--cost: expected softmax-cross-entropy, which softmax outputs can have, found \
             quadratic"
        );
        assert_eq!(
            fault(softmax, "--cost softmax-cross-entropy --output sigmoid"),
            "--cost: expected cross-entropy or quadratic, which sigmoid outputs can have, found \
             softmax-cross-entropy"
        );
    }

    #[test]
    fn numbers_out_of_range_are_refused_where_they_are_typed() {
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
            "--l2 -1",
            "--l2 inf",
            "--epochs 0",
            "--epochs 99999999999999999999",
            "--threads 0",
            "--threads 65",
            "--train-samples 0",
            "--seed -1",
            "--seed 18446744073709551616",
            "--activation softmax",
            "--output elu",
            "--cost mse",
        ] {
            let error = parse(line).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{line}");
            let (flag, value) = line.split_once(' ').unwrap();
            let text = error.to_string();
            let found = format!("error: invalid value '{value}' for '{flag} <");
            assert!(text.starts_with(&found), "{text}");
            let first = text.lines().next().unwrap();
            assert!(
                first.contains("expected a ") || text.contains("possible values"),
                "{text}"
            );
        }
        for line in [
            "--seed 18446744073709551615",
            "--threads 64",
            "--l2 0",
            "--momentum 0",
        ] {
            parse(line).unwrap();
        }
    }

    #[test]
    fn what_does_not_fit_the_data_is_refused() {
        let book = &Recipe::BOOK_100;
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
            (
                "--train-samples 1198",
                "--train-samples: expected at most the 1197 training samples of digits, found 1198",
            ),
            (
                "--train-samples 20 --batch-size 21",
                "--batch-size: expected at most the 20 training samples, found 21",
            ),
            (
                "--train-samples 9",
                "--batch-size: expected at most the 9 training samples, found 10 of the recipe \
                 book-100: give a smaller one",
            ),
            (
                "--train-samples 10 --learning-rate 4",
                "--l2: expected learning rate x lambda / training samples below 1, so that weights \
                 shrink, found 4 x 5 / 10 = 2",
            ),
        ] {
            assert_eq!(fault(book, line), expected);
        }
    }

    #[test]
    fn a_weights_file_brings_its_network_and_its_cost() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.thumbnet");
        let shape = parse_architecture("64-7-10", Activation::Relu, Activation::Sigmoid).unwrap();
        let model = Model::fresh(shape, Cost::Quadratic, Initialization::default(), 77);
        model.save(&path).unwrap();
        let init = format!("--init {}", path.display());
        let book = &Recipe::BOOK_100;
        assert_eq!(plan(book, &init).unwrap().initial, model);
        let agreeing = format!("{init} --model 64-7-10 --activation relu --output sigmoid");
        assert_eq!(plan(book, &agreeing).unwrap().initial, model);
        let other_cost = plan(book, &format!("{init} --cost cross-entropy")).unwrap();
        assert_eq!(other_cost.initial.cost, Cost::CrossEntropy);
        assert_eq!(other_cost.initial.parameters, model.parameters);
        let from = Size::of::<8, 8>();
        for (preparation, found) in [
            (Preparation::Deskew(from), None),
            (
                Preparation::Scale {
                    from,
                    to: Size::of::<4, 4>(),
                },
                Some(
                    "an input for each of the 4 x 4 = 16 pixels of digits, prepared, found 64-7-10",
                ),
            ),
            (
                Preparation::Deskew(Size::of::<16, 4>()),
                Some(
                    "expected images of 16x4 pixels, since the network takes images 16x4, deskewed",
                ),
            ),
        ] {
            let model = Model {
                preparation,
                ..model.clone()
            };
            let error = check_data(&model, &digits())
                .err()
                .map(|error| error.to_string());
            match found {
                None => assert_eq!(error, None),
                Some(found) => assert!(
                    error.as_ref().is_some_and(|e| e.contains(found)),
                    "{error:?}"
                ),
            }
        }
        let deskewed = Model {
            preparation: Preparation::Deskew(from),
            ..model.clone()
        };
        deskewed.save(&path).unwrap();
        assert_eq!(plan(book, &init).unwrap().initial, deskewed);
        model.save(&path).unwrap();
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
            let found = fault(book, &format!("{init} {flags}"));
            assert!(found.starts_with(expected), "{found}");
        }
        let shape = parse_architecture("64-7-9", Activation::Relu, Activation::Sigmoid).unwrap();
        Model::fresh(shape, Cost::Quadratic, Initialization::default(), 1)
            .save(&path)
            .unwrap();
        let found = fault(book, &init);
        assert!(
            found.starts_with("--init: expected a network with an output for each of the 10"),
            "{found}"
        );
        let found = fault(book, &format!("--init {}/nothing", folder.path().display()));
        assert!(
            found.starts_with("--init: cannot read the model "),
            "{found}"
        );
    }

    #[test]
    fn the_arguments_repeat_the_plan() {
        for (recipe, line) in [
            (&Recipe::DEFAULT, ""),
            (
                &Recipe::BOOK_30,
                "--seed 18446744073709551615 --l2 1e-9 --no-shuffle --train-samples 600 \
                 --learning-rate 1e-30 --model 64-10 --threads 3 --output identity",
            ),
        ] {
            let first = plan(recipe, line).unwrap();
            let again = first.arguments("digits");
            let (start, rest) = again.split_once(" --data digits ").unwrap();
            assert_eq!(start, format!("train --recipe {}", recipe.name));
            assert_eq!(
                plan(&Recipe::BOOK_100, rest).unwrap(),
                Plan {
                    recipe: "book-100",
                    ..first
                }
            );
        }
    }
}
