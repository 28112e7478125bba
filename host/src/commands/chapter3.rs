//! `thumbnet chapter3`: tries the claims of the chapter, and puts what came of them on a page.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use anyhow::Result;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::output::{grouped, note, print};
use crate::chapter3::{FIGURES, Figure, Options, RULES, Report, run as try_out};
use crate::data::{self, DataChoice, Dataset};
use crate::files::write_atomically;
use crate::run::folder::{CHAPTER3, CLAIMS, POINTS, RunFolder};
use crate::run::interrupt;
use crate::training::Progress;

/// Arguments of `thumbnet chapter3`.
#[derive(Clone, Debug, Default, PartialEq, clap::Args)]
#[command(after_help = "Examples:\n  \
    thumbnet chapter3 --quick\n  \
    thumbnet chapter3 --only momentum depth --out tried")]
pub struct Chapter3Args {
    /// A fifth of the images, fewer epochs and seeds: at most two minutes instead of twenty
    #[arg(long)]
    pub quick: bool,

    /// Only these figures
    #[arg(long, value_name = "NAME", num_args = 1.., value_parser = name())]
    pub only: Vec<String>,

    /// Train everything with seeds 1 to N, N from 2 to 100 [default: 5, 3 if quick]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(2..=100))]
    pub seeds: Option<u64>,

    /// Trainings at a time, which change nothing but the time, from 1 to 64 [default: 2]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=64))]
    pub threads: Option<u64>,

    /// Which data set to load.
    #[arg(long, value_name = "DATA", help = super::DATA_HELP)]
    pub data: Option<DataChoice>,

    /// Folder of the report; if it holds one already, that one is moved to DIR.1
    /// [default: runs/chapter3-1, or the next free number]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// Print one JSON object a line: one for each figure
    #[arg(long)]
    pub json: bool,
}

fn name() -> impl TypedValueParser<Value = String> {
    PossibleValuesParser::new(FIGURES.map(|figure| figure.name))
}

/// Trains, judges and draws.
///
/// # Errors
///
/// Whatever keeps it from beginning: data, the folder. Later, a file or stdout that cannot be
/// written.
pub fn run(args: &Chapter3Args) -> Result<ExitCode> {
    let chosen =
        |figure: &&&Figure| args.only.is_empty() || args.only.iter().any(|n| n == figure.name);
    let figures: Vec<&'static Figure> = FIGURES.iter().filter(chosen).copied().collect();
    let data = data::load(&args.data.clone().unwrap_or_default())?;
    let options = Options {
        quick: args.quick,
        seeds: args.seeds.unwrap_or(if args.quick { 3 } else { 5 }),
        threads: args.threads.unwrap_or(2) as usize,
    };
    let folder = RunFolder::claim(args.out.as_deref(), "chapter3")?;
    let progress = Arc::new(Progress::default());
    interrupt::ends(&progress)?;
    let start = Instant::now();
    let mut report = Report::new(summary(&options, &data))?;
    let mut count = 0;
    try_out(&figures, &options, &data, &progress, |outcome, bar| {
        report.add(&outcome)?;
        write(&folder, &mut report)?;
        count += 1;
        bar.aside(|| match args.json {
            true => print(&outcome.json()?),
            false => print(&outcome.words()),
        })
    })?;
    if progress.stop.load(Ordering::Relaxed) {
        let all = figures.len();
        note(format_args!(
            "interrupted: {count} of {all} figures are complete"
        ));
    }
    if count == 0 {
        // It is still empty: nobody needs it.
        let _ = std::fs::remove_dir(&folder.path);
        return Ok(ExitCode::SUCCESS);
    }
    let page = folder.file(CHAPTER3);
    if !args.json {
        let minutes = start.elapsed().as_secs_f64() / 60.0;
        print(&format!(
            "\n{RULES}\n{} after {minutes:.1} minutes\n",
            page.display()
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn write(folder: &RunFolder, report: &mut Report) -> Result<()> {
    let names = [CHAPTER3, CLAIMS, POINTS];
    let files = report.files()?;
    interrupt::uninterrupted(|| {
        let mut files = names.into_iter().zip(&files);
        files.try_for_each(|(name, bytes)| write_atomically(&folder.file(name), bytes))
    })
}

/// What was run, in a sentence or two.
fn summary(options: &Options, data: &Dataset) -> String {
    let size = if options.quick {
        "A quick run"
    } else {
        "A full run"
    };
    format!(
        "{size} of thumbnet chapter3 on {} ({} training and {} validation images), seeds 1 to {}. \
         The claims of chapter 3 of Nielsen's \u{201c}Neural Networks and Deep Learning\u{201d}, \
         each tried in trainings of this program and judged by what was measured.",
        data.name,
        grouped(data.train.len()),
        grouped(data.validation.len()),
        options.seeds
    )
}
