//! `thumbnet train`: trains a network, and leaves a folder with everything that came of it.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};

use super::output::{note, plain};
use crate::board::BoardTrainer;
use crate::data::{self, Dataset};
use crate::model::Model;
use crate::pictures::{self, Mistake};
use crate::recipe::flags::Flags;
use crate::recipe::values::TrainOn;
use crate::recipe::{Recipe, built_in};
use crate::run::fit::{Fit, Start, Stopped, go_on};
use crate::run::folder::{self, RunFolder};
use crate::run::interrupt;
use crate::run::plan::Plan;
use crate::run::record::{Outcome, Record, with_epochs};
use crate::run::report::Report;
use crate::run::resume::Resumed;
use crate::run::settings::{default_threads, threads};
use crate::run::state;
use crate::training::{Evaluation, Instructions, Progress, evaluate};

/// The exit code of a run that diverged: nothing was wrong with the command, but the network that
/// was asked for is not there.
const DIVERGED: u8 = 1;

/// Arguments of `thumbnet train`.
#[derive(Clone, Debug, Default, PartialEq, clap::Args)]
#[command(after_help = after_help())]
pub struct TrainArgs {
    /// Where every value comes from that is not given here: the name of a recipe, or a TOML file
    /// with one, such as the run.toml of a run
    #[arg(long, value_name = "NAME|FILE", default_value = built_in::DEFAULT)]
    pub recipe: Option<String>,

    /// What the recipe is overruled in.
    #[command(flatten)]
    pub flags: Flags,

    /// Threads to train on, 1 to 64; the result does not depend on it [default: up to 2]
    #[arg(long, value_name = "N", value_parser = threads, allow_negative_numbers = true)]
    pub threads: Option<usize>,

    /// Folder of the run; if it holds one already, that one is moved to DIR.1
    /// [default: runs/RECIPE-1, or the next free number]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// Go on with the run in this folder, which was interrupted or killed, or is to have more
    /// --epochs: it ends with the very weights of a run that never stopped
    #[arg(long, value_name = "DIR", conflicts_with_all = ["recipe", "out"])]
    pub resume: Option<PathBuf>,

    /// Print one JSON object a line: one for each epoch, and one at the end
    #[arg(long)]
    pub json: bool,
}

fn after_help() -> &'static str {
    "`thumbnet recipes` lists the recipes; a recipe has a key for every flag under a heading above, \
        with hidden = [100] for --model 784-100-10.\n\n\
        Examples:\n  \
        thumbnet train --recipe book-100 --seed 7\n  \
        thumbnet train --model 784-32-10 --epochs 10 --learning-rate 0.05 --out small\n  \
        thumbnet train --init small/last.thumbnet --epochs 5 --learning-rate 0.01\n  \
        thumbnet train --resume small --epochs 20\n\n\
        Ctrl-C ends the run after the mini-batch at hand and keeps the best weights; a second one \
        ends it at once. Exit codes: 0 trained (or interrupted once), 1 diverged, 2 could not \
        begin or go on."
}

/// Trains a network from flags to pictures.
///
/// # Errors
///
/// Whatever keeps the run from beginning: data, flags that do not fit it, the folder. Later, a file
/// or stdout that cannot be written.
pub fn run(args: &TrainArgs) -> Result<ExitCode> {
    run_on(args, &mut |_| Ok(None))
}

/// The same on the board that `connect` finds for a plan, if it finds one.
pub(super) fn run_on(args: &TrainArgs, connect: &mut Connect<'_>) -> Result<ExitCode> {
    let Setup {
        plan,
        data,
        folder,
        mut record,
        start,
    } = set_up(args, connect)?;
    let data_crc32 = state::data_crc32(&data);
    if let Some(saved) = &start.saved {
        saved.check(&plan).context("--resume")?;
        ensure!(
            saved.data_crc32 == data_crc32,
            "--resume: expected the images that the run in {} was trained on, found others in {}",
            folder.path.display(),
            data.source
        );
    }
    folder.write_record(&record)?;

    let progress = Arc::new(Progress::default());
    interrupt::ends(&progress)?;
    let mut report = Report::new(args.json, &plan, &progress);
    let done = start.saved.as_ref().map_or(0, |saved| saved.history.len());
    report.begin(&plan, &data, &folder, done)?;
    let fit = go_on(&plan, &data, start, &progress, |fit| {
        folder.write_epoch(fit, data_crc32)?;
        report.epoch(fit)
    })?;
    let stopped = fit.stopped.unwrap_or(Stopped::Epochs);
    report.trained(&fit, stopped);

    let seen = data.test.prepared(fit.best.preparation)?;
    let test = evaluate(&fit.best, &seen, plan.threads, Instructions::detect());
    let outcome = Outcome::new(&fit, stopped, &test);
    record.result = Some(outcome.clone());
    folder.write_record(&record)?;
    draw(&folder, &fit, &plan, &data, &test);
    report.end(&outcome, &data, &plan, &folder)?;
    if stopped == Stopped::Diverged {
        let advice = match plan.full_batch() {
            Some(_) => "try other --weights, or a larger --l2".to_owned(),
            None => format!(
                "try a --learning-rate below {}",
                plain(plan.recipe.learning_rate)
            ),
        };
        note(format_args!(
            "error: training diverged in epoch {}: {advice}",
            fit.history.len()
        ));
        return Ok(ExitCode::from(DIVERGED));
    }
    Ok(ExitCode::SUCCESS)
}

/// Everything that a run begins with, or goes on with.
struct Setup {
    plan: Plan,
    data: Dataset,
    folder: RunFolder,
    record: Record,
    start: Start,
}

/// Finds a board that is to train as planned.
type Connect<'a> = dyn FnMut(&Plan) -> Result<Option<BoardTrainer>> + 'a;

fn set_up(args: &TrainArgs, connect: &mut Connect<'_>) -> Result<Setup> {
    let threads = args.threads.unwrap_or_else(default_threads);
    if let Some(path) = &args.resume {
        args.flags.only(&["epochs"])?;
        let resumed = Resumed::load(path).context("--resume")?;
        let recipe = resumed.recipe(args.flags.epochs())?;
        let data = data::load(&recipe.data)?;
        // The weights it began with may be gone; those it has come to have the same form.
        let init = recipe.init.as_ref().filter(|_| resumed.saved.is_some());
        let init = init.map(|_| resumed.folder.file(folder::LAST));
        let begun = Recipe {
            init: init.or(recipe.init.clone()),
            ..recipe.clone()
        };
        let mut plan =
            Plan::new(begun, &data, threads).map_err(|error| args.flags.place(error, &recipe))?;
        plan.recipe.init = recipe.init;
        let mut record = Record::new(&plan, &data)?;
        record.network = resumed.record.network;
        // The recipe that it names is no part of `run.toml`.
        record.command = match args.flags.epochs() {
            Some(epochs) => with_epochs(&resumed.record.command, epochs),
            None => resumed.record.command,
        };
        return Ok(Setup {
            plan,
            data,
            folder: resumed.folder,
            record,
            start: Start {
                saved: resumed.saved,
                board: None,
            },
        });
    }
    let recipe = Recipe::find(args.recipe.as_deref().unwrap_or(built_in::DEFAULT));
    let recipe = args.flags.overrule(recipe.context("--recipe")?)?;
    let data = data::load(&recipe.data)?;
    let plan = Plan::new(recipe.clone(), &data, threads)
        .map_err(|error| args.flags.place(error, &recipe))?;
    args.flags.check(&plan, &data)?;
    let board = connect(&plan)?;
    let folder = RunFolder::claim(args.out.as_deref(), &recipe.name)?;
    let record = Record::new(&plan, &data)?;
    Ok(Setup {
        plan,
        data,
        folder,
        record,
        start: Start { saved: None, board },
    })
}

/// Draws what can be drawn. A picture that cannot be is no reason to call the run a failure.
fn draw(folder: &RunFolder, fit: &Fit, plan: &Plan, data: &Dataset, test: &Evaluation) {
    let model = &fit.best;
    let (width, height) = (data.test.width, data.test.height);
    let seen = model.preparation.gives();
    let (seen_width, seen_height) =
        seen.map_or((width, height), |size| (size.width(), size.height()));
    let attempt = |name: &str, draw: &dyn Fn(PathBuf) -> Result<()>| {
        let drawn = interrupt::uninterrupted(|| draw(folder.file(name)));
        if let Err(error) = drawn.with_context(|| format!("no {name}")) {
            note(format_args!("warning: {error:#}"));
        }
    };
    attempt(folder::CURVES, &|path| {
        // Without validation images the last epoch is taken, and no epoch is known to be the best.
        let best = (plan.recipe.train_on == TrainOn::Split).then_some(fit.best_epoch);
        pictures::curves(&fit.history, best, path)
    });
    attempt(folder::CONFUSION, &|path| {
        let classes = model.architecture.classes();
        pictures::confusion(&test.confusion(&data.test, classes), path)
    });
    if data.test.are_points() {
        attempt(folder::BOUNDARY, &|path| {
            pictures::boundary(model, data, path)
        });
        return;
    }
    attempt(folder::FIRST_LAYER, &|path| match model.layers().next() {
        Some((shape, weights, _)) => {
            pictures::first_layer(weights, shape.fan_out, seen_width, seen_height, path)
        }
        None => Ok(()),
    });
    attempt(folder::MISTAKES, &|path| {
        pictures::mistakes(&mistakes(model, data, test), width, height, path)
    });
}

/// The misread test images, the surest first.
fn mistakes<'a>(model: &Model, data: &'a Dataset, test: &Evaluation) -> Vec<Mistake<'a>> {
    let classes = model.architecture.classes();
    let mut mistakes: Vec<Mistake<'a>> = test
        .predictions
        .iter()
        .enumerate()
        .filter(|(index, class)| usize::from(data.test.labels[*index]) != **class)
        .map(|(index, &class)| Mistake {
            image: data.test.image(index),
            label: data.test.labels[index],
            // Networks have at most 256 classes where labels are bytes.
            predicted: u8::try_from(class).unwrap_or(u8::MAX),
            confidence: test.scores[index * classes + class],
        })
        .collect();
    // Stable: equally sure mistakes stay in the order of the data.
    mistakes.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    mistakes
}
