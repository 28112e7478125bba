//! `thumbnet tune`: searches hyper-parameters, and leaves a recipe.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};

use super::DATA_HELP;
use super::output::{grouped, note, percent, program, quoted};
use crate::data::{self, DataChoice, Dataset};
use crate::files::write_atomically;
use crate::pictures::{self, ParallelAxis, ParallelLine};
use crate::recipe::{Recipe, built_in, values};
use crate::run::folder::{self, RunFolder};
use crate::run::interrupt::{self, uninterrupted};
use crate::run::record::data_again;
use crate::run::settings::{count, default_threads, of_a_search, threads};
use crate::training::Progress;
use crate::tune::halving::{ranked, rungs};
use crate::tune::report::Report;
use crate::tune::results::{Row, Settings, read_rows};
use crate::tune::search::{check, search, setting};
use crate::tune::space::Space;

/// Arguments of `thumbnet tune`.
#[derive(Clone, Debug, PartialEq, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct TuneArgs {
    /// What settings have in common: the name of a recipe, or a TOML file with one
    #[arg(long, value_name = "NAME|FILE", default_value = built_in::DEFAULT)]
    pub recipe: String,

    /// Which data set to load.
    #[arg(long, value_name = "DATA", help = DATA_HELP)]
    pub data: Option<DataChoice>,

    /// Train on the first N training samples alone [default: as in the recipe]
    #[arg(long, value_name = "N", value_parser = count, allow_negative_numbers = true)]
    pub train_samples: Option<usize>,

    /// What settings are drawn from, and everything within a training [default: as in the recipe]
    #[arg(long, value_name = "N", value_parser = values::seed, allow_negative_numbers = true)]
    pub seed: Option<u64>,

    /// How many settings are drawn
    #[arg(long, value_name = "N", value_parser = of_a_search, allow_negative_numbers = true)]
    #[arg(default_value_t = 27)]
    pub trials: usize,

    /// Epochs of the longest trainings
    #[arg(long, value_name = "EPOCHS", value_parser = of_a_search, allow_negative_numbers = true)]
    #[arg(default_value_t = 9)]
    pub budget: usize,

    /// Trainings at a time, 1 to 64; the result does not depend on it [default: up to 2]
    #[arg(long, value_name = "N", value_parser = threads, allow_negative_numbers = true)]
    pub threads: Option<usize>,

    /// Folder of the search; if it holds one already, that one is moved to DIR.1
    /// [default: runs/RECIPE-tune-1, or the next free number]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// Go on with the search in this folder, which says itself what is searched
    #[arg(long, value_name = "DIR", conflicts_with_all = OF_A_NEW_SEARCH)]
    pub resume: Option<PathBuf>,

    /// Print one JSON object a line: one for each training, and one at the end
    #[arg(long)]
    pub json: bool,

    /// What is searched.
    #[command(flatten)]
    pub ranges: Space,
}

/// What a folder with a search says itself.
const OF_A_NEW_SEARCH: [&str; 13] = [
    "recipe",
    "data",
    "train_samples",
    "seed",
    "trials",
    "budget",
    "out",
    "learning_rate",
    "l2",
    "batch_size",
    "momentum",
    "hidden",
    "dropout",
];

const AFTER_HELP: &str = "\
All settings are trained for a few epochs; the best third of them, by validation images, begins again \
for three times as many, and so on up to the budget: 27 settings and 9 epochs are 27 trainings of \
1 epoch, 9 of 3 and 3 of 9. Ctrl-C, or anything worse, loses only the trainings at hand: --resume \
goes on.\n\n\
Examples:\n  \
thumbnet tune --recipe book-100\n  \
thumbnet tune --recipe book-100 --trials 81 --budget 27 --hidden 100 --dropout 0..0.5\n  \
thumbnet tune --resume runs/book-100-tune-1";

/// Searches, and leaves what it found.
///
/// # Errors
///
/// What keeps a training from beginning; an interrupt; files or stdout that cannot be written.
pub fn run(args: &TuneArgs) -> Result<()> {
    let (settings, data, folder) = match &args.resume {
        Some(path) => resumed(path).context("--resume")?,
        None => begun(args)?,
    };
    let rows = read_rows(&folder.file(folder::TRIALS))?;
    if let Some(row) = rows.iter().find(|row| row.trial >= settings.trials) {
        bail!(
            "{}: expected settings below {}, as {} has trials, found setting {}",
            folder.file(folder::TRIALS).display(),
            settings.trials,
            folder::TUNE,
            row.trial
        );
    }
    let progress = Arc::new(Progress::default());
    interrupt::ends(&progress)?;
    let threads = args.threads.unwrap_or_else(default_threads);
    let mut report = Report::new(&settings, &folder, args.json, &rows);
    report.begin(&data, threads)?;
    let found = search(&settings, &data, rows, threads, &progress, &mut report)?;
    report.trained_all();
    let Some(rows) = found else {
        let folder = quoted(&folder.path.display().to_string());
        bail!(
            "interrupted; `{} tune --resume {folder}` goes on",
            program()
        );
    };

    let best_by = settings.recipe.best_by;
    let ranked_last = ranked(&rows, settings.budget, best_by);
    let Some(best) = ranked_last.first() else {
        bail!(
            "expected a training of {} epochs, found none",
            settings.budget
        );
    };
    ensure!(
        best.best_epoch > 0,
        "expected a setting that can be trained, found that each of the last diverged: search \
         lower learning rates, with --learning-rate"
    );
    uninterrupted(|| {
        write_best(&settings, best, &data, &folder.file(folder::BEST))?;
        draw(&settings, &rows, &folder.file(folder::PARALLEL))
    })?;
    report.end(best, &rows)
}

/// A new search.
fn begun(args: &TuneArgs) -> Result<(Settings, Dataset, RunFolder)> {
    let mut recipe = Recipe::find(&args.recipe).context("--recipe")?;
    recipe.seed = args.seed.unwrap_or(recipe.seed);
    recipe.train_samples = args.train_samples.or(recipe.train_samples);
    if let Some(choice) = &args.data {
        recipe.data.clone_from(choice);
    }
    let data = data::load(&recipe.data)?;
    recipe.data = data_again(&recipe.data, &data);
    recipe.file = None;
    let mut ranges = args.ranges.or_usual(&recipe);
    if args.ranges.batch_size.is_none()
        && let Some(range) = &mut ranges.batch_size
    {
        let most = recipe.train_samples.unwrap_or(data.train.len()) as f64;
        range.high = range.high.min(most);
        range.low = range.low.min(most);
    }
    let settings = Settings {
        trials: args.trials,
        budget: args.budget,
        ranges,
        recipe,
    };
    check(&settings, &data)?;
    // What is wrong with all settings is wrong with the first.
    setting(&settings, 0, 1, &data)?;
    let name = format!("{}-tune", settings.recipe.name);
    let folder = RunFolder::claim(args.out.as_deref(), &name)?;
    if let Some(moved) = &folder.moved {
        let (path, moved) = (folder.path.display(), moved.display());
        note(format_args!("{path} held a run, which is now in {moved}"));
    }
    uninterrupted(|| settings.write(&folder.file(folder::TUNE)))?;
    Ok((settings, data, folder))
}

/// The search that is in a folder.
fn resumed(path: &Path) -> Result<(Settings, Dataset, RunFolder)> {
    let folder = RunFolder::of_run(path);
    let settings = Settings::read(&folder.file(folder::TUNE))?;
    let data = data::load(&settings.recipe.data)?;
    Ok((settings, data, folder))
}

/// Writes the recipe of a setting: with the same seed, and as many epochs as it was chosen by.
fn write_best(settings: &Settings, best: &Row, data: &Dataset, path: &Path) -> Result<()> {
    let plan = setting(settings, best.trial, settings.budget, data)?;
    let recipe = Recipe {
        name: "best".to_owned(),
        summary: format!(
            "setting {} of {}, found by tune from the recipe {}",
            best.trial, settings.trials, settings.recipe.name
        ),
        reaches: format!(
            "{} of {} validation images in {} epochs",
            percent(best.validation_accuracy),
            grouped(data.validation.len()),
            settings.budget
        ),
        ..plan.recipe
    };
    let heading = "# Found by `thumbnet tune`. `thumbnet train --recipe best.toml` repeats what it was \
        chosen by.\n\n";
    let text = format!("{heading}{}", toml::to_string(&recipe)?);
    write_atomically(path, text.as_bytes())
}

/// Draws every setting with the last figures that there are of it.
fn draw(settings: &Settings, rows: &[Row], path: &Path) -> Result<()> {
    let searched = settings.ranges.searched();
    let mut axes: Vec<ParallelAxis> = searched
        .iter()
        .map(|(name, _)| ParallelAxis {
            name: name.replace('_', " "),
            small_above: false,
        })
        .collect();
    axes.push(ParallelAxis {
        name: "error in %".to_owned(),
        small_above: true,
    });
    let rungs = rungs(settings.trials, settings.budget);
    let mut drawn = vec![false; settings.trials];
    let mut lines = Vec::new();
    for (stage, rung) in rungs.iter().enumerate().rev() {
        for row in ranked(rows, rung.epochs, settings.recipe.best_by) {
            if std::mem::replace(&mut drawn[row.trial], true) {
                continue;
            }
            let value = |name: &str| match name {
                "learning_rate" => row.learning_rate,
                "l2" => row.l2,
                "batch_size" => row.batch_size as f64,
                "momentum" => row.momentum,
                "dropout" => row.dropout.parse().unwrap_or(f64::NAN),
                _ => first_number(&row.hidden),
            };
            let mut values: Vec<f64> = searched.iter().map(|(name, _)| value(name)).collect();
            values.push(100.0 * (1.0 - row.validation_accuracy));
            lines.push(ParallelLine { values, stage });
        }
    }
    let stages: Vec<String> = rungs
        .iter()
        .map(|rung| match rung.epochs {
            1 => "1 epoch".to_owned(),
            epochs => format!("{epochs} epochs"),
        })
        .collect();
    pictures::parallel(&axes, &lines, &stages, path)
}

fn first_number(hidden: &str) -> f64 {
    let first = hidden.split('-').next().unwrap_or_default();
    first.parse().unwrap_or(f64::NAN)
}
