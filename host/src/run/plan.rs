//! What a run will do: a recipe, made definite against the data.

use std::borrow::Cow;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use thumbnet::augment::Augment;
use thumbnet::preparation::Size;
use thumbnet::{Architecture, Initialization, Preparation};

use super::hyperparameters::hyperparameters;
use crate::commands::output::plain;
use crate::data::{Dataset, Samples};
use crate::model::{Model, parse_architecture};
use crate::recipe::Recipe;
use crate::recipe::check::{Fault, check_cost};
use crate::recipe::values::{Optimizer, TrainOn};
use crate::training::{FullBatchMethod, Hyperparameters};

/// A run whose every number is decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// What it does; with the network of the weights file that it begins with, if it does.
    pub recipe: Recipe,
    /// Layers, cost, and the weights before the first step.
    pub initial: Model,
    /// How many of the training samples are trained on.
    pub train_samples: usize,
    /// Threads.
    pub threads: usize,
}

impl Plan {
    /// Decides everything that `recipe` leaves to the data, reading the weights file that it
    /// begins with.
    ///
    /// # Errors
    ///
    /// A value that makes no sense, or not with this data: a network that does not fit it, more
    /// samples than there are, decay that would turn weights around. These are a [`Fault`] of the
    /// recipe. Also a weights file that cannot be read.
    pub fn new(mut recipe: Recipe, data: &Dataset, threads: usize) -> Result<Self> {
        recipe.check()?;
        let available = match recipe.train_on {
            TrainOn::Split => data.train.len(),
            TrainOn::All => data.train.len() + data.validation.len(),
        };
        let train_samples = recipe.train_samples.unwrap_or(available);
        if train_samples > available {
            let expected = format!("at most the {available} training samples of {}", data.name);
            return Err(Fault::new("train_samples", expected, train_samples).into());
        }
        if recipe.batch_size > train_samples {
            let expected = format!("at most the {train_samples} training samples");
            return Err(Fault::new("batch_size", expected, recipe.batch_size).into());
        }
        let shrinking = recipe.learning_rate * recipe.l2 / train_samples as f64;
        if shrinking >= 1.0 {
            let found = format!(
                "{} x {} / {train_samples} = {}",
                plain(recipe.learning_rate),
                plain(recipe.l2),
                plain(shrinking)
            );
            let expected =
                "learning rate x lambda / training samples below 1, so that weights shrink";
            return Err(Fault::new("l2", expected, found).into());
        }
        let initial = match recipe.init.clone() {
            Some(path) => from_file(&path, &mut recipe, data)?,
            None => fresh(&recipe, data)?,
        };
        recipe.cost = Some(initial.cost);
        Ok(Self {
            recipe,
            initial,
            train_samples,
            threads,
        })
    }

    /// The samples that training images are made of; the first [`train_samples`](Self::train_samples)
    /// are taken.
    pub(crate) fn training_samples<'a>(&self, data: &'a Dataset) -> Cow<'a, Samples> {
        match self.recipe.train_on {
            TrainOn::Split => Cow::Borrowed(&data.train),
            TrainOn::All => {
                let mut all = data.train.clone();
                all.images.extend_from_slice(&data.validation.images);
                all.labels.extend_from_slice(&data.validation.labels);
                Cow::Owned(all)
            }
        }
    }

    /// Samples that an epoch trains.
    pub fn samples_of_epoch(&self) -> usize {
        if self.recipe.drop_last && self.full_batch().is_none() {
            self.train_samples / self.recipe.batch_size * self.recipe.batch_size
        } else {
            self.train_samples
        }
    }

    /// Steps that an epoch takes.
    pub(super) fn steps_of_epoch(&self) -> usize {
        if self.full_batch().is_some() {
            return 1;
        }
        self.samples_of_epoch().div_ceil(self.recipe.batch_size)
    }

    /// How strongly training images are distorted.
    pub fn augment(&self) -> Augment {
        self.recipe.augment()
    }

    /// The method that looks at all samples at once, if it is one.
    pub fn full_batch(&self) -> Option<FullBatchMethod> {
        match self.recipe.optimizer {
            Optimizer::LBfgs => Some(FullBatchMethod::LBfgs {
                memory: self.recipe.memory,
            }),
            Optimizer::ConjugateGradient => Some(FullBatchMethod::ConjugateGradient),
            _ => None,
        }
    }

    /// What the training engine takes.
    pub fn hyperparameters(&self) -> Hyperparameters {
        hyperparameters(&self.recipe, self.initial.cost, self.train_samples)
    }
}

/// A network with fresh weights between the data's pixels and classes.
fn fresh(recipe: &Recipe, data: &Dataset) -> Result<Model> {
    let preparation = preparation(recipe, data)?;
    let pixels = preparation
        .gives()
        .map_or(data.train.pixels(), Size::pixels);
    let classes = data.classes;
    let widths: Vec<String> = std::iter::once(&pixels)
        .chain(&recipe.hidden)
        .chain([&classes])
        .map(usize::to_string)
        .collect();
    let architecture = parse_architecture(&widths.join("-"), recipe.activation, recipe.output)
        .map_err(|error| Fault {
            key: "hidden",
            message: format!("{error:#}"),
        })?;
    let initialization = Initialization {
        weights: recipe.weights,
        biases: recipe.biases,
    };
    let (cost, seed) = (recipe.cost(), recipe.seed);
    Ok(Model {
        preparation,
        ..Model::fresh(architecture, cost, initialization, seed)
    })
}

/// What is done to every image before the network sees it.
fn preparation(recipe: &Recipe, data: &Dataset) -> Result<Preparation, Fault> {
    if !recipe.deskew && recipe.scale_to == 0 {
        return Ok(Preparation::None);
    }
    let size = |width: usize, height: usize| {
        let side = |length| u16::try_from(length).ok();
        Size::new(side(width)?, side(height)?)
    };
    let (width, height) = (data.train.width, data.train.height);
    let Some(from) = size(width, height) else {
        let key = if recipe.deskew { "deskew" } else { "scale_to" };
        let found = format!("{width} x {height} in {}", data.name);
        return Err(Fault::new(
            key,
            "images of at most 1024 x 1024 pixels",
            found,
        ));
    };
    let to = match recipe.scale_to {
        0 => None,
        side if side <= width.min(height) => size(side, side),
        side => {
            let expected = format!("at most {}, the sides of images", width.min(height));
            return Err(Fault::new("scale_to", expected, side));
        }
    };
    Ok(Preparation::new(from, recipe.deskew, to))
}

/// The network of a weights file, whose form becomes the recipe's.
fn from_file(path: &Path, recipe: &mut Recipe, data: &Dataset) -> Result<Model> {
    let mut model = Model::load(path).context("--init")?;
    recipe.deskew = matches!(
        model.preparation,
        Preparation::Deskew(_) | Preparation::DeskewAndScale { .. }
    );
    recipe.scale_to = match model.preparation {
        Preparation::Scale { to, .. } | Preparation::DeskewAndScale { to, .. } => to.width(),
        Preparation::None | Preparation::Deskew(_) => 0,
    };
    let layers = model.architecture.layers();
    if let Some((last, hidden)) = layers.split_last() {
        recipe.hidden = hidden.iter().map(|layer| layer.fan_out).collect();
        recipe.output = last.activation;
        if let Some(first) = hidden.first() {
            recipe.activation = first.activation;
        }
    }
    if let Some(cost) = recipe.cost {
        check_cost(cost, recipe.output)?;
        model.cost = cost;
    }
    check_data(&model, data).context("--init")?;
    Ok(model)
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

pub(crate) fn check_inputs(
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

#[cfg(test)]
mod tests {
    use thumbnet::preparation::Size;
    use thumbnet::{Activation, Cost, WeightDecay};

    use super::*;
    use crate::data::{DataChoice, load};

    fn digits() -> Dataset {
        load(&DataChoice::Digits).unwrap()
    }

    fn book(change: impl FnOnce(&mut Recipe)) -> Result<Plan> {
        let mut recipe = Recipe::built_in("book-100").unwrap();
        change(&mut recipe);
        Plan::new(recipe, &digits(), 1)
    }

    #[test]
    fn inputs_and_classes_are_the_datas() {
        let plan = book(|recipe| recipe.hidden = vec![5, 4]).unwrap();
        let architecture = plan.initial.architecture;
        assert_eq!(architecture.to_string(), "64-5-4-10");
        let activations = architecture.layers().iter().map(|layer| layer.activation);
        assert!(activations.eq([Activation::Sigmoid; 3]));
        assert_eq!(plan.train_samples, 1197);
        let expected = Model::fresh(
            architecture,
            Cost::CrossEntropy,
            Initialization::default(),
            plan.recipe.seed,
        );
        assert_eq!(plan.initial, expected);
    }

    #[test]
    fn decay_is_divided_before_it_is_rounded() {
        // 5 / 1197 in 24 bits, and not 5.0_f32 / 1197.0_f32 by way of 1 / 1197.
        let decay = book(|_| ()).unwrap().hyperparameters().weight_decay;
        assert_eq!(decay, WeightDecay::L2((5.0_f64 / 1197.0) as f32));
    }

    #[test]
    fn what_does_not_fit_the_data_is_refused() {
        let fault = |change: fn(&mut Recipe)| book(change).unwrap_err().to_string();
        assert_eq!(
            fault(|recipe| recipe.train_samples = Some(1198)),
            "train_samples: expected at most the 1197 training samples of digits, found 1198"
        );
        assert_eq!(
            fault(|recipe| recipe.batch_size = 1198),
            "batch_size: expected at most the 1197 training samples, found 1198"
        );
        assert_eq!(
            fault(|recipe| recipe.train_samples = Some(9)),
            "batch_size: expected at most the 9 training samples, found 10"
        );
        assert_eq!(
            fault(|recipe| {
                recipe.learning_rate = 4.0;
                recipe.train_samples = Some(10);
            }),
            "l2: expected learning rate x lambda / training samples below 1, so that weights \
             shrink, found 4 x 5 / 10 = 2"
        );
        let many = fault(|recipe| recipe.hidden = vec![2; 17]);
        assert!(many.starts_with("hidden: "), "{many}");
        // Values that make no sense with any data do not get that far.
        let epochs = fault(|recipe| recipe.epochs = 0);
        assert_eq!(epochs, "epochs: expected a whole number from 1, found 0");
    }

    #[test]
    fn a_weights_file_brings_its_network_and_its_cost() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.thumbnet");
        let shape = parse_architecture("64-7-10", Activation::Relu, Activation::Sigmoid).unwrap();
        let model = Model::fresh(shape, Cost::Quadratic, Initialization::default(), 77);
        model.save(&path).unwrap();
        let begin = |cost: Option<Cost>| {
            book(|recipe| {
                recipe.init = Some(path.clone());
                recipe.cost = cost;
            })
        };
        let plan = begin(None).unwrap();
        assert_eq!(plan.initial, model);
        // The recipe says what is trained, also when another one begins with it.
        assert_eq!(plan.recipe.hidden, [7]);
        assert_eq!(plan.recipe.activation, Activation::Relu);
        assert_eq!(plan.recipe.cost, Some(Cost::Quadratic));
        let other = begin(Some(Cost::CrossEntropy)).unwrap().initial;
        assert_eq!(other.cost, Cost::CrossEntropy);
        assert_eq!(other.parameters, model.parameters);

        let from = Size::of::<8, 8>();
        let to = Size::of::<4, 4>();
        for (preparation, found) in [
            (Preparation::Deskew(from), None),
            (
                Preparation::Scale { from, to },
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
            match (check_data(&model, &digits()), found) {
                (Ok(()), None) => {
                    model.save(&path).unwrap();
                    assert_eq!(begin(None).unwrap().initial, model);
                }
                (Err(error), Some(found)) => {
                    assert!(error.to_string().contains(found), "{error}");
                }
                (other, _) => panic!("{preparation:?}: {other:?}"),
            }
        }

        let shape = parse_architecture("64-7-9", Activation::Relu, Activation::Sigmoid).unwrap();
        Model::fresh(shape, Cost::Quadratic, Initialization::default(), 1)
            .save(&path)
            .unwrap();
        let found = format!("{:#}", begin(None).unwrap_err());
        assert!(
            found.starts_with("--init: expected a network with an output for each of the 10"),
            "{found}"
        );
        std::fs::remove_file(&path).unwrap();
        let found = format!("{:#}", begin(None).unwrap_err());
        assert!(
            found.starts_with("--init: cannot read the model "),
            "{found}"
        );
    }
}
