//! What a run says while it goes on and when it ends: lines for people, or JSON for programs, on
//! stdout; a progress bar on stderr where that is a terminal.

use std::fmt::Write as _;
use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use serde::Serialize;

use super::bar::Bar;
use super::fit::{Fit, Stopped};
use super::folder::{self, RunFolder};
use super::plan::Plan;
use super::record::{Outcome, data_again};
use crate::commands::output::{
    absolute, cost, describe, grouped, note, percent, plain, print, program, quoted, significant,
    wrapped,
};
use crate::data::{DataChoice, Dataset};
use crate::recipe::values::TrainOn;
use crate::recipe::{Recipe, built_in};
use crate::training::Progress;

/// Where boards have their programs, seen from the root of the repository.
const BOARD: &str = "firmware/mps2";

/// The data set that a board's program `evaluate` shows to whatever network it is built with.
const BOARD_DATA: &str = "mnist";

/// Parameters that the 4 MB of a board's flash have room for beside the program.
const BOARD_PARAMETERS: usize = 1_000_000;

/// Tells about one run.
pub struct Report {
    json: bool,
    /// Whether there are validation images.
    validates: bool,
    /// Whether steps have a learning rate.
    has_rate: bool,
    epochs: usize,
    samples: usize,
    bar: Option<Bar>,
}

/// The last line with `--json`.
#[derive(Serialize)]
struct Summary<'a> {
    test_accuracy: f64,
    test_cost: f64,
    best_epoch: usize,
    stopped: &'a str,
    samples_per_second: f64,
    weights_crc32: &'a str,
    last_weights_crc32: &'a str,
    model: String,
}

impl Report {
    /// A report of what `plan` says, which moves its bar by `progress`.
    pub fn new(json: bool, plan: &Plan, progress: &Arc<Progress>) -> Self {
        Self {
            json,
            validates: plan.recipe.train_on == TrainOn::Split,
            has_rate: !plan.recipe.optimizer.is_full_batch(),
            epochs: plan.recipe.epochs,
            samples: plan.samples_of_epoch(),
            bar: std::io::stderr()
                .is_terminal()
                .then(|| Bar::new(plan, progress)),
        }
    }

    /// Says what will be trained, how, on what, and where it will be; behind how many epochs, if it
    /// goes on.
    ///
    /// # Errors
    ///
    /// When stdout cannot be written.
    pub fn begin(
        &self,
        plan: &Plan,
        data: &Dataset,
        run: &RunFolder,
        epochs_done: usize,
    ) -> Result<()> {
        if let Some(bar) = &self.bar {
            bar.epoch_ended(epochs_done * self.samples);
        }
        if let Some(moved) = &run.moved {
            let (path, moved) = (run.path.display(), moved.display());
            self.aside(|| note(format_args!("{path} held a run, which is now in {moved}")));
        }
        if self.json {
            return Ok(());
        }
        self.say(&heading(plan, data, &run.path, epochs_done)?)
    }

    /// Says how an epoch went.
    ///
    /// # Errors
    ///
    /// When stdout cannot be written.
    pub fn epoch(&self, fit: &Fit) -> Result<()> {
        let Some(record) = fit.history.last() else {
            return Ok(());
        };
        if let Some(bar) = &self.bar {
            bar.epoch_ended(record.epoch * self.samples);
        }
        if self.json {
            return self.say(&format!("{}\n", serde_json::to_string(record)?));
        }
        let width = self.epochs.to_string().len();
        let (validation_cost, accuracy) = if self.validates {
            let accuracy = percent(record.validation_accuracy);
            (cost(record.validation_cost), accuracy)
        } else {
            ("none".to_owned(), "none".to_owned())
        };
        let learning_rate = if self.has_rate {
            significant(record.learning_rate)
        } else {
            "none".to_owned()
        };
        let accuracy = format!("{accuracy:>19}");
        let accuracy = console::style(accuracy);
        // The best so far stands out.
        let accuracy = if fit.best_epoch == record.epoch {
            accuracy.bold()
        } else {
            accuracy
        };
        self.say(&format!(
            "{:>7} {:>12} {:>17} {accuracy} {:>15} {:>12}\n",
            format!("{:>width$}/{}", record.epoch, self.epochs),
            cost(record.train_cost),
            validation_cost,
            learning_rate,
            grouped((fit.epoch_samples as f64 / fit.epoch_seconds) as usize),
        ))
    }

    /// Takes the bar away, and says it if the run has not ended as planned.
    pub fn trained(&mut self, fit: &Fit, stopped: Stopped) {
        self.bar = None;
        let epoch = fit.history.len();
        match stopped {
            Stopped::Epochs => {}
            Stopped::Patience => note(format_args!(
                "out of patience after epoch {epoch}; the best weights are kept"
            )),
            Stopped::Interrupt => {
                let when = if fit.epoch_samples == self.samples {
                    format!("after epoch {epoch}")
                } else {
                    let (seen, all) = (grouped(fit.epoch_samples), grouped(self.samples));
                    format!("in epoch {epoch}, after {seen} of its {all} samples")
                };
                note(format_args!(
                    "interrupted {when}; the best weights so far are kept\n\
                     (Ctrl-C once more ends at once, without test and pictures)"
                ));
            }
            Stopped::Diverged => note(format_args!(
                "epoch {epoch} diverged; the best weights before it are kept"
            )),
        }
    }

    /// Says what came of it, where it is, and what to do next.
    ///
    /// # Errors
    ///
    /// When stdout cannot be written.
    pub fn end(
        &self,
        outcome: &Outcome,
        data: &Dataset,
        plan: &Plan,
        run: &RunFolder,
    ) -> Result<()> {
        if self.json {
            let summary = Summary {
                test_accuracy: outcome.test_accuracy,
                test_cost: outcome.test_cost,
                best_epoch: outcome.best_epoch,
                stopped: &outcome.stopped,
                samples_per_second: outcome.samples_per_second,
                weights_crc32: &outcome.weights_crc32,
                last_weights_crc32: &outcome.last_weights_crc32,
                model: run.file(folder::MODEL).display().to_string(),
            };
            return self.say(&format!("{}\n", serde_json::to_string(&summary)?));
        }
        let text = results(outcome, data, plan) + &files(outcome, run) + &next(data, plan, run);
        self.say(&text)
    }

    fn say(&self, text: &str) -> Result<()> {
        self.aside(|| print(text))
    }

    /// Does something that prints while the bar is out of the way.
    fn aside<R>(&self, print: impl FnOnce() -> R) -> R {
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }
}

/// The lines before the first epoch.
fn heading(plan: &Plan, data: &Dataset, run: &Path, epochs_done: usize) -> Result<String> {
    let (train, validation) = match plan.recipe.train_on {
        TrainOn::Split => (data.train.len(), data.validation.len()),
        TrainOn::All => (data.train.len() + data.validation.len(), 0),
    };
    let used = if plan.train_samples < train {
        format!("the first {} of ", grouped(plan.train_samples))
    } else {
        String::new()
    };
    let [train, validation, test] = [train, validation, data.test.len()].map(grouped);
    let recipe = &plan.recipe;
    let done = match epochs_done {
        0 => String::new(),
        epochs => format!(", going on after epoch {epochs}"),
    };
    let begin = match &recipe.init {
        Some(path) => format!("\n          starting from {}", path.display()),
        None => String::new(),
    };
    Ok(format!(
        "data      {}: {used}{train} images of {} x {} to train, {validation} to validate, {test} \
         to test\n\
         source    {}\n\
         network   {}{begin}\n\
         recipe    {}\n\
         training  {}\n\
         folder    {}{done}\n\n{}\n",
        data.name,
        data.train.width,
        data.train.height,
        data.source,
        describe(&plan.initial.architecture),
        wrapped(recipe.line().split(' ')),
        wrapped(training(plan)?.iter().map(String::as_str)),
        run.display(),
        console::style(format!(
            "{:>7} {:>12} {:>17} {:>19} {:>15} {:>12}",
            "epoch",
            "train cost",
            "validation cost",
            "validation accuracy",
            "learning rate",
            "samples/s"
        ))
        .bold()
    ))
}

/// How it is trained, part by part with commas between: what every training has, and then every
/// technique that is on.
fn training(plan: &Plan) -> Result<Vec<String>> {
    let recipe = &plan.recipe;
    let number = |count: usize, what: &str| {
        let plural = if count == 1 { "" } else { "s" };
        format!("{count} {what}{plural}")
    };
    let mut parts = vec![plan.initial.cost.to_string()];
    if recipe.optimizer.is_full_batch() {
        parts.push("all samples in every step".to_owned());
    } else {
        parts.push(format!("learning rate {}", plain(recipe.learning_rate)));
        parts.push(format!("mini-batches of {}", recipe.batch_size));
    }
    for (key, value) in recipe.differences(&Recipe::default())? {
        if !TOLD.contains(&key.as_str()) {
            parts.push(format!("{} {value}", key.replace('_', " ")));
        }
    }
    parts.push(number(recipe.epochs, "epoch"));
    parts.push(format!("seed {}", recipe.seed));
    for part in &mut parts {
        part.push(',');
    }
    parts.push(number(plan.threads, "thread"));
    Ok(parts)
}

/// Keys that the heading tells in another form.
const TOLD: [&str; 14] = [
    "name",
    "summary",
    "reaches",
    "data",
    "train_samples",
    "seed",
    "hidden",
    "activation",
    "output",
    "cost",
    "init",
    "learning_rate",
    "batch_size",
    "epochs",
];

/// The figures at the end.
fn results(outcome: &Outcome, data: &Dataset, plan: &Plan) -> String {
    let whose = match outcome.best_epoch {
        0 => "the weights it began with".to_owned(),
        epoch if plan.recipe.train_on == TrainOn::All => {
            format!("the weights of epoch {epoch}, the last one")
        }
        epoch => format!("the weights of epoch {epoch}, the best on validation images"),
    };
    format!(
        "\ntest accuracy {} of {} images, test cost {}\n\
         with {whose}: CRC-32 {}\n\
         {} of training at {} samples a second\n",
        console::style(percent(outcome.test_accuracy)).bold(),
        grouped(data.test.len()),
        cost(outcome.test_cost),
        outcome.weights_crc32,
        duration(outcome.training_seconds),
        grouped(outcome.samples_per_second as usize),
    )
}

/// The files at the end: those that are there.
fn files(outcome: &Outcome, run: &RunFolder) -> String {
    let best = match outcome.best_epoch {
        0 => "the weights it began with".to_owned(),
        epoch => format!("the weights of epoch {epoch}"),
    };
    let last = format!("the weights of epoch {}, the last one", outcome.epochs);
    let lines = [
        (folder::MODEL, best.as_str()),
        (folder::LAST, &last),
        (folder::CURVES, "cost and accuracy, epoch by epoch"),
        (
            folder::CONFUSION,
            "which test images are taken for which class",
        ),
        (folder::FIRST_LAYER, "what each hidden unit looks for"),
        (folder::MISTAKES, "the worst misread test images"),
        (folder::BOUNDARY, "which points are taken for which class"),
        (folder::HISTORY, "every epoch's figures"),
        (folder::RECORD, "all that it takes to repeat the run"),
        (folder::STATE, "all that it takes to go on with it"),
    ];
    let mut text = format!(
        "\n{}\n",
        console::style(format!("In {}", run.path.display())).bold()
    );
    for (name, what) in lines {
        if run.file(name).exists() {
            let _ = writeln!(text, "  {name:<17} {what}");
        }
    }
    text
}

/// Commands that work as they are typed, now.
fn next(data: &Dataset, plan: &Plan, run: &RunFolder) -> String {
    let program = program();
    let model = quoted(&run.file(folder::MODEL).display().to_string());
    let again = data_again(&plan.recipe.data, data);
    let flag = match plan.recipe.data {
        DataChoice::Default if data.name != "digits" => String::new(),
        _ => format!(" --data {}", quoted(&again.to_string())),
    };
    let other = if plan.recipe.name == built_in::DEFAULT {
        "book-100"
    } else {
        built_in::DEFAULT
    };
    let mut commands = vec![
        (
            "see which classes it takes for which",
            format!("{program} evaluate {model}{flag}"),
        ),
        (
            "put it into a board's program",
            format!("{program} export {model} --format device --out net.thumbnet"),
        ),
        (
            "look at the data",
            format!("{program} data show {}", quoted(&again.to_string())),
        ),
        (
            "train another recipe",
            format!("{program} train --recipe {other}{flag}"),
        ),
    ];
    if Path::new(BOARD).is_dir() {
        commands.push(on_a_board(data, plan, run));
    }
    let mut text = format!("\n{}\n", console::style("What to do next").bold());
    for (why, command) in commands {
        let _ = writeln!(text, "  {why}:\n    {command}");
    }
    text
}

/// What runs the network on a board, if it can be shown that board's images and has room there; or
/// else the one that boards come with.
fn on_a_board(data: &Dataset, plan: &Plan, run: &RunFolder) -> (&'static str, String) {
    if data.name == BOARD_DATA && plan.initial.parameters.len() <= BOARD_PARAMETERS {
        let file = quoted(&absolute(&run.file(folder::MODEL)));
        return (
            "run it on an emulated Cortex-M4F",
            format!("THUMBNET_MODEL={file} cargo m4f"),
        );
    }
    (
        "run the network that boards come with on an emulated Cortex-M4F",
        "cargo m4f".to_owned(),
    )
}

/// Seconds, or minutes and seconds.
fn duration(seconds: f64) -> String {
    if seconds < 100.0 {
        return format!("{seconds:.1} s");
    }
    let whole = seconds.round() as u64;
    format!("{} min {} s", whole / 60, whole % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::load;
    use crate::recipe::values::Optimizer;

    #[test]
    fn a_board_is_offered_what_it_can_run() {
        let mut data = load(&DataChoice::Digits).unwrap();
        let run = RunFolder::of_run(Path::new("/runs/mine"));
        let command = |data: &Dataset, hidden| {
            let recipe = Recipe {
                hidden,
                ..Recipe::default()
            };
            on_a_board(data, &Plan::new(recipe, data, 1).unwrap(), &run).1
        };
        // It has no such images.
        assert_eq!(command(&data, vec![32]), "cargo m4f");
        BOARD_DATA.clone_into(&mut data.name);
        let own = "THUMBNET_MODEL=/runs/mine/model.thumbnet cargo m4f";
        assert_eq!(command(&data, vec![32]), own);
        assert_eq!(command(&data, vec![100, 50]), own);
        // 64 x 14,000 weights and more.
        assert_eq!(command(&data, vec![14_000]), "cargo m4f");
    }

    #[test]
    fn methods_without_a_learning_rate_have_none_in_their_heading() {
        let data = load(&DataChoice::Digits).unwrap();
        let said = |optimizer| {
            let recipe = Recipe {
                optimizer,
                ..Recipe::default()
            };
            training(&Plan::new(recipe, &data, 1).unwrap()).unwrap()
        };
        let all = said(Optimizer::LBfgs);
        assert!(
            all.contains(&"all samples in every step,".to_owned()),
            "{all:?}"
        );
        let absent = |part: &String| !part.contains("learning rate") && !part.contains("batches");
        assert!(all.iter().all(absent), "{all:?}");
        let descent = said(Optimizer::Sgd);
        assert_eq!(
            descent[1..3],
            ["learning rate 0.5,", "mini-batches of 10,"],
            "{descent:?}"
        );
    }
}
