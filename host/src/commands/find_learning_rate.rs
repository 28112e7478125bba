//! `thumbnet find-learning-rate`: raises the learning rate until the cost oscillates, and backs off.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use anyhow::{Context, Result, bail};
use serde::Serialize;

use super::output::{cost, describe, grouped, note, plain, print, program, wrapped};
use crate::data::{self, Dataset};
use crate::files::write_atomically;
use crate::find_rate::judge::Verdict;
use crate::find_rate::probe::{POINTS, Probe};
use crate::find_rate::search::{Found, Tried, search};
use crate::pictures::{self, RateCurve};
use crate::recipe::flags::Flags;
use crate::recipe::{Recipe, built_in};
use crate::run::folder::{self, RunFolder};
use crate::run::interrupt::{self, uninterrupted};
use crate::run::plan::Plan;
use crate::run::record::Record;
use crate::run::settings::{default_threads, steps, threads};
use crate::training::Progress;

/// Arguments of `thumbnet find-learning-rate`.
#[derive(Clone, Debug, PartialEq, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct FindLearningRateArgs {
    /// What is trained: the name of a recipe, or a TOML file with one
    #[arg(long, value_name = "NAME|FILE", default_value = built_in::DEFAULT)]
    pub recipe: String,

    /// Mini-batches of each short training
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = steps)]
    #[arg(allow_negative_numbers = true)]
    pub steps: usize,

    /// What the recipe is overruled in.
    #[command(flatten)]
    pub flags: Flags,

    /// Threads to train on, 1 to 64; the result does not depend on it [default: up to 2]
    #[arg(long, value_name = "N", value_parser = threads, allow_negative_numbers = true)]
    pub threads: Option<usize>,

    /// Folder for picture and table; if it holds a run already, that one is moved to DIR.1
    /// [default: runs/RECIPE-rates-1, or the next free number]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// Print one JSON object a line: one for each rate, and one at the end
    #[arg(long)]
    pub json: bool,
}

const AFTER_HELP: &str = "\
Rates rise from 0.0001 by factors of 3.2. Each gets a short training from the same weights with the \
same mini-batches, judged by the cost of 1,000 training samples at 50 points on the way:\n  \
falls       it came down; else\n  \
oscillates  in the second half ln(cost) rises by more than half of its whole fall\n  \
higher      it ends more than a tenth above that of a smaller rate\n  \
diverges    it ends no lower than it began, or is no number\n\
Half of the largest rate that falls is suggested. The recipe's own rate, schedule and number of \
epochs play no part.\n\n\
Examples:\n  \
thumbnet find-learning-rate --recipe book-100\n  \
thumbnet find-learning-rate --recipe book-100 --batch-size 100 --momentum 0.9";

/// The columns of a curve that is drawn in a line of text.
const SPARKS: usize = 26;

/// The columns of the longest bar.
const BAR: usize = 50;

/// The last line with `--json`.
#[derive(Serialize)]
struct Summary<'a> {
    learning_rate: f64,
    threshold: f64,
    failing: Option<f64>,
    far_lower: Option<f64>,
    picture: String,
    command: &'a str,
}

/// Any other line.
#[derive(Serialize)]
struct Line<'a> {
    learning_rate: f64,
    verdict: Verdict,
    cost: f64,
    curve: &'a [f64],
}

/// Searches, and says and draws what it found.
///
/// # Errors
///
/// What keeps a training from beginning; a network that learns with no rate; an interrupt; files or
/// stdout that cannot be written.
pub fn run(args: &FindLearningRateArgs) -> Result<()> {
    let recipe = args
        .flags
        .overrule(Recipe::find(&args.recipe).context("--recipe")?)?;
    let data = data::load(&recipe.data)?;
    let threads = args.threads.unwrap_or_else(default_threads);
    let plan = Plan::new(recipe.clone(), &data, threads)
        .map_err(|error| args.flags.place(error, &recipe))?;
    args.flags.check(&plan, &data)?;
    let folder = RunFolder::claim(args.out.as_deref(), &format!("{}-rates", recipe.name))?;
    if let Some(moved) = &folder.moved {
        let (path, moved) = (folder.path.display(), moved.display());
        note(format_args!("{path} held a run, which is now in {moved}"));
    }

    let progress = Arc::new(Progress::default());
    interrupt::ends(&progress)?;
    let probe = Probe::new(&plan, &data, args.steps)?;
    if !args.json {
        print(&heading(&plan, &data, &probe))?;
    }
    let train = |rate| {
        let curve = probe.curve(rate, &progress)?;
        let stopped = progress.stop.load(Ordering::Relaxed);
        Ok((!stopped).then_some(curve))
    };
    // Rate by rate, so that whatever ends the program leaves what was measured. Before the first,
    // this is how a folder that cannot be written to is found.
    let file = folder.file(folder::RATES_TABLE);
    let write = |tried: &[Tried]| {
        let table = table(tried, probe.steps());
        uninterrupted(|| write_atomically(&file, table.as_bytes()))
    };
    let mut all: Vec<Tried> = Vec::new();
    write(&all)?;
    let told = |tried: &Tried| {
        let place = all.partition_point(|known| known.rate < tried.rate);
        all.insert(place, tried.clone());
        write(&all)?;
        match args.json {
            true => print(&json(&Line {
                learning_rate: tried.rate,
                verdict: tried.verdict,
                cost: tried.end,
                curve: &tried.curve,
            })?),
            false => print(&line(tried)),
        }
    };
    let Some(found) = search(train, told)? else {
        bail!(
            "interrupted before a learning rate was found; what was measured is in {}",
            file.display()
        );
    };

    let picture = folder.file(folder::RATES);
    uninterrupted(|| {
        let curves: Vec<RateCurve<'_>> = found.tried.iter().map(drawn).collect();
        pictures::learning_rates(&curves, found.suggestion, probe.steps(), &picture)
    })?;
    let command = command(plan, &data, found.suggestion)?;
    if args.json {
        return print(&json(&Summary {
            learning_rate: found.suggestion,
            threshold: found.threshold,
            failing: found.failing,
            far_lower: found.far_lower(),
            picture: picture.display().to_string(),
            command: &command,
        })?);
    }
    let picture = picture.display();
    print(&format!(
        "\n{}{}\n\nDrawn in {picture}. What to do next\n  {command}\n",
        bars(&found),
        conclusion(&found, args.steps)
    ))
}

fn json(line: &impl Serialize) -> Result<String> {
    Ok(serde_json::to_string(line)? + "\n")
}

/// What to type to train with the rate.
fn command(plan: Plan, data: &Dataset, learning_rate: f64) -> Result<String> {
    let recipe = Recipe {
        learning_rate,
        ..plan.recipe
    };
    let record = Record::new(&Plan { recipe, ..plan }, data)?;
    Ok(record.command.replacen("thumbnet", &program(), 1))
}

/// The lines before the first rate.
fn heading(plan: &Plan, data: &Dataset, probe: &Probe<'_>) -> String {
    let columns = format!(
        "{:>13} {:>12}  {:<10}  {}",
        "learning rate", "cost", "verdict", "cost on the way"
    );
    format!(
        "data      {}: {} of {} training images, the first {} to measure the cost on\n\
         network   {}\n\
         recipe    {}\n\
         trainings {} mini-batches of {} at each learning rate\n\n{}\n",
        data.name,
        grouped(plan.train_samples),
        grouped(data.train.len()),
        grouped(probe.measured()),
        describe(&plan.initial.architecture),
        wrapped(plan.recipe.line().split(' ')),
        grouped(probe.steps() * POINTS),
        plan.recipe.batch_size,
        console::style(columns).bold(),
    )
}

/// One rate.
fn line(tried: &Tried) -> String {
    format!(
        "{:>13} {:>12}  {:<10}  {}\n",
        plain(tried.rate),
        cost(tried.end),
        tried.verdict.name(),
        sparks(&tried.curve)
    )
}

/// A curve in a line of text: the logarithm of the cost, from its lowest to its highest value.
fn sparks(curve: &[f64]) -> String {
    const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let logs: Vec<f64> = curve
        .iter()
        .map(|cost| cost.max(f64::MIN_POSITIVE).ln())
        .collect();
    let finite = || logs.iter().copied().filter(|value| value.is_finite());
    let (low, high) = (
        finite().fold(f64::INFINITY, f64::min),
        finite().fold(f64::NEG_INFINITY, f64::max),
    );
    let every = logs.len().div_ceil(SPARKS).max(1);
    let level = |value: &f64| {
        if !value.is_finite() {
            return '!';
        }
        let share = (value - low) / (high - low).max(f64::MIN_POSITIVE);
        LEVELS[((share * 8.0) as usize).min(7)]
    };
    logs.iter().step_by(every).map(level).collect()
}

/// The cost in the end against the learning rate: one bar a rate, from the smallest to the largest,
/// as long as the cost, up to a little beyond what it was before the first step.
fn bars(found: &Found) -> String {
    let start = found.tried.iter().filter_map(|tried| tried.curve.first());
    let longest = 1.2 * start.copied().fold(0.0, f64::max);
    let mut text = String::new();
    for tried in &found.tried {
        let halves = (tried.end / longest * BAR as f64 * 2.0).round();
        let bar = if halves > 2.0 * BAR as f64 || halves.is_nan() {
            "█".repeat(BAR) + "»"
        } else {
            "█".repeat(halves as usize / 2) + if halves as usize % 2 == 1 { "▌" } else { "" }
        };
        let mark = match tried.rate {
            rate if rate == found.suggestion => " < suggested",
            rate if rate == found.threshold => " < threshold",
            _ if tried.verdict == Verdict::Falls => "",
            _ => " x",
        };
        let _ = writeln!(text, "{:>13} {bar}{mark}", plain(tried.rate));
    }
    text
}

fn conclusion(found: &Found, steps: usize) -> String {
    let threshold = plain(found.threshold);
    let until = match found.failing {
        Some(failing) => format!(
            "The cost falls up to a learning rate of {threshold}, and no longer at {}",
            plain(failing)
        ),
        None => format!("The cost falls even with a learning rate of {threshold}"),
    };
    let suggestion = console::style(plain(found.suggestion)).bold();
    let mut text =
        format!("\n{until}.\nSuggested, so that it stays usable over many epochs: {suggestion}");
    if let Some(rate) = found.far_lower() {
        let _ = write!(
            text,
            "\nBut the cost ends far lower with {}, if not steadily: try --steps {} to be sure",
            plain(rate),
            steps.saturating_mul(3)
        );
    }
    text
}

/// All curves, a row for each point.
fn table(tried: &[Tried], steps: usize) -> String {
    let mut text = "learning_rate,verdict,mini_batches,cost\n".to_owned();
    for tried in tried {
        let (rate, verdict) = (tried.rate, tried.verdict.name());
        for (point, cost) in tried.curve.iter().enumerate() {
            let _ = writeln!(text, "{rate:?},{verdict},{},{cost:?}", point * steps);
        }
    }
    text
}

fn drawn(tried: &Tried) -> RateCurve<'_> {
    RateCurve {
        rate: tried.rate,
        falls: tried.verdict == Verdict::Falls,
        end: tried.end,
        curve: &tried.curve,
    }
}
