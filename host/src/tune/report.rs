//! What a search says: a line for each training or JSON, on stdout; on a terminal also the best
//! settings so far, and a bar, on stderr.

use std::fmt::Write as _;
use std::io::IsTerminal;

use anyhow::Result;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use super::halving::{Rung, ranked, rungs};
use super::results::{Row, Settings, write_rows};
use super::search::Observer;
use crate::commands::output::{cost, grouped, percent, plain, print, program, quoted, wrapped};
use crate::data::Dataset;
use crate::run::folder::{self, RunFolder};
use crate::run::interrupt::uninterrupted;

/// Settings that are shown while the search goes on.
const SHOWN: usize = 5;

/// Keeps the results of a search, and tells about them.
pub struct Report<'a> {
    settings: &'a Settings,
    folder: &'a RunFolder,
    json: bool,
    bar: Option<ProgressBar>,
}

/// The last line with `--json`.
#[derive(Serialize)]
struct Summary<'a> {
    best_trial: usize,
    validation_accuracy: f64,
    validation_cost: f64,
    trainings: usize,
    recipe: String,
    command: &'a str,
}

impl<'a> Report<'a> {
    /// A report of a search that has come to these `rows`.
    pub fn new(settings: &'a Settings, folder: &'a RunFolder, json: bool, rows: &[Row]) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let rungs = rungs(settings.trials, settings.budget);
            let epochs: usize = rungs.iter().map(|rung| rung.trials * rung.epochs).sum();
            let target = ProgressDrawTarget::stderr();
            let bar = ProgressBar::with_draw_target(Some(epochs as u64), target);
            // The template is fixed and valid; the default style would do if it were not.
            let template = "{msg}\n{bar:40} {pos}/{len} epochs, {eta} left";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.progress_chars("=> "));
            }
            let done: usize = rows.iter().map(|row| row.epochs).sum();
            bar.set_position(done as u64);
            bar
        });
        Self {
            settings,
            folder,
            json,
            bar,
        }
    }

    /// Says what is searched.
    ///
    /// # Errors
    ///
    /// When stdout cannot be written.
    pub fn begin(&self, data: &Dataset, threads: usize) -> Result<()> {
        if self.json {
            return Ok(());
        }
        let Settings { recipe, .. } = self.settings;
        let samples = recipe.train_samples.unwrap_or(data.train.len());
        let mut text = format!(
            "data      {}: {} images to train, {} to choose by\n\
             recipe    {}\n",
            data.name,
            grouped(samples),
            grouped(data.validation.len()),
            wrapped(recipe.line().split(' ')),
        );
        let mut heading = "ranges    ";
        for (name, range) in self.settings.ranges.searched() {
            let _ = writeln!(text, "{heading}{} {range}", name.replace('_', " "));
            heading = "          ";
        }
        let mut heading = "trainings ";
        for rung in rungs(self.settings.trials, self.settings.budget) {
            let Rung { trials, epochs } = rung;
            let epochs = epochs_of(epochs);
            let _ = writeln!(text, "{heading}{trials} of {epochs}");
            heading = "          ";
        }
        let _ = writeln!(
            text,
            "threads   {threads}\nfolder    {}\n\n{}",
            self.folder.path.display(),
            console::style(COLUMNS).bold()
        );
        self.say(&text)
    }

    /// Takes the bar away.
    pub fn trained_all(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    /// Says what was found, and what to do with it.
    ///
    /// # Errors
    ///
    /// When stdout cannot be written.
    pub fn end(&self, best: &Row, rows: &[Row]) -> Result<()> {
        let recipe = self.folder.file(folder::BEST).display().to_string();
        let command = format!("{} train --recipe {}", program(), quoted(&recipe));
        if self.json {
            let summary = Summary {
                best_trial: best.trial,
                validation_accuracy: best.validation_accuracy,
                validation_cost: best.validation_cost,
                trainings: rows.len(),
                recipe,
                command: &command,
            };
            return self.say(&format!("{}\n", serde_json::to_string(&summary)?));
        }
        let Settings { recipe, budget, .. } = self.settings;
        let mut text = format!(
            "\n{}\n{}\n",
            console::style(format!("The best after {}", epochs_of(*budget))).bold(),
            COLUMNS
        );
        for row in ranked(rows, *budget, recipe.best_by).iter().take(SHOWN) {
            text += &line(row);
        }
        let _ = write!(
            text,
            "\n{}\n  {:<13} the recipe of setting {}\n  {:<13} every training\n  \
             {:<13} every setting, and what came of it\n  {:<13} what was searched\n\n\
             {}\n  {command}\n",
            console::style(format!("In {}", self.folder.path.display())).bold(),
            folder::BEST,
            best.trial,
            folder::TRIALS,
            folder::PARALLEL,
            folder::TUNE,
            console::style("What to do next").bold()
        );
        self.say(&text)
    }

    fn say(&self, text: &str) -> Result<()> {
        match &self.bar {
            Some(bar) => bar.suspend(|| print(text)),
            None => print(text),
        }
    }
}

impl Observer for Report<'_> {
    fn epoch(&mut self) {
        if let Some(bar) = &self.bar {
            bar.inc(1);
        }
    }

    fn trained(&mut self, row: &Row, rows: &[Row]) -> Result<()> {
        uninterrupted(|| write_rows(rows, &self.folder.file(folder::TRIALS)))?;
        if let Some(bar) = &self.bar {
            bar.set_message(best_so_far(self.settings, rows, row.epochs));
        }
        if self.json {
            return self.say(&format!("{}\n", serde_json::to_string(row)?));
        }
        self.say(&line(row))
    }
}

const COLUMNS: &str = "setting epochs learning rate        l2  batch momentum     hidden dropout   \
    accuracy    cost";

/// A training.
fn line(row: &Row) -> String {
    let accuracy = match row.best_epoch {
        0 => "diverged".to_owned(),
        _ => percent(row.validation_accuracy),
    };
    format!(
        "{:>7} {:>6} {:>13} {:>9} {:>6} {:>8} {:>10} {:>7} {accuracy:>10} {:>7}\n",
        row.trial,
        row.epochs,
        plain(row.learning_rate),
        plain(row.l2),
        row.batch_size,
        plain(row.momentum),
        row.hidden,
        row.dropout,
        cost(row.validation_cost),
    )
}

/// The best settings of those that are being compared.
fn best_so_far(settings: &Settings, rows: &[Row], epochs: usize) -> String {
    let ranked = ranked(rows, epochs, settings.recipe.best_by);
    let mut text = format!("\nbest of {} so far\n{COLUMNS}\n", epochs_of(epochs));
    for row in ranked.iter().take(SHOWN) {
        text += &line(row);
    }
    text
}

fn epochs_of(epochs: usize) -> String {
    match epochs {
        1 => "1 epoch".to_owned(),
        epochs => format!("{epochs} epochs"),
    }
}
