//! `thumbnet report`: one or several runs on one HTML page.

mod curves;
mod record;
mod tables;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use anyhow::{Context, Result};

use super::output::{grouped, percent, print, quoted};
use crate::data::DataChoice;
use crate::files::{check_replaceable, write_atomically};
use crate::page::{Figure, Page, Picture, Section};
use crate::run::folder;
use record::RunFiles;

/// Arguments of `thumbnet report`.
#[derive(Clone, Debug, Default, PartialEq, clap::Args)]
#[command(after_help = "Examples:\n  \
    thumbnet report runs/default-1\n  \
    thumbnet report runs/book-30-1 runs/book-100-1 --out compared.html")]
pub struct ReportArgs {
    /// Folders of runs
    #[arg(required = true, value_name = "RUN")]
    pub runs: Vec<PathBuf>,

    /// The page [default: report.html, in the folder of the run if it is one]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Reads the runs and writes the page.
///
/// # Errors
///
/// A folder has no run in it or its files cannot be read; the page cannot be written, or would
/// replace something that is not a page.
pub fn run(args: &ReportArgs) -> Result<()> {
    let mut runs: Vec<RunFiles> = args
        .runs
        .iter()
        .map(|path| RunFiles::read(path))
        .collect::<Result<_>>()?;
    record::tell_apart(&mut runs);
    let out = match (&args.out, &*args.runs) {
        (Some(out), _) => out.clone(),
        (None, [run]) => run.join("report.html"),
        (None, _) => PathBuf::from("report.html"),
    };
    check_replaceable(&out, "an HTML page", |bytes| {
        bytes.trim_ascii_start().starts_with(b"<!DOCTYPE html>")
    })
    .context("--out")?;
    let html = page(&runs)?.render()?;
    write_atomically(&out, html.as_bytes())?;
    print(&format!(
        "{}: {} KB, for any browser, online or not\n",
        out.display(),
        grouped(html.len().div_ceil(1_000))
    ))
}

/// The page about some runs.
fn page(runs: &[RunFiles]) -> Result<Page> {
    match runs {
        [run] => page_of_one(run),
        _ => page_of_several(runs),
    }
}

fn page_of_one(run: &RunFiles) -> Result<Page> {
    let mut page = Page::new(format!("Training run {}", run.name), summary(run));
    let mut results = Section::new("Results");
    results_of(run, &mut results);
    let mut learning = Section::new("Learning curves");
    match curves::of_one(run)? {
        Some(figure) => learning.figure(figure),
        None => learning.text("No epoch has ended."),
    }
    if let Some(table) = tables::history(run) {
        learning.table(table);
    }
    let mut parameters = Section::new("Hyper-parameters");
    tables::parameters(run)
        .into_iter()
        .for_each(|table| parameters.table(table));
    page.sections = vec![results, learning, parameters];
    for (title, figure) in pictures(run)? {
        let mut section = Section::new(title);
        section.figure(figure);
        page.sections.push(section);
    }
    let mut commands = Section::new("Commands");
    commands_of(run, &mut commands);
    page.sections.push(commands);
    Ok(page)
}

fn page_of_several(runs: &[RunFiles]) -> Result<Page> {
    let names: Vec<&str> = runs.iter().map(|run| run.name.as_str()).collect();
    let mut page = Page::new(format!("{} training runs", runs.len()), names.join(", "));
    let mut results = Section::new("Results");
    results.table(tables::results(runs));
    let mut learning = Section::new("Learning curves");
    match curves::of_several(runs)? {
        Some(figure) => learning.figure(figure),
        None => learning.text("No epoch has ended in any of them."),
    }
    let mut parameters = Section::new("Hyper-parameters");
    tables::comparison(runs)
        .into_iter()
        .for_each(|table| parameters.table(table));
    page.sections = vec![results, learning, parameters];
    for run in runs {
        let mut section = Section::new(&run.name);
        section.text(summary(run));
        if let Some(table) = tables::history(run) {
            section.table(table);
        }
        for (_, figure) in pictures(run)? {
            section.figure(figure);
        }
        commands_of(run, &mut section);
        page.sections.push(section);
    }
    Ok(page)
}

/// What came of a run, in a sentence.
fn summary(run: &RunFiles) -> String {
    let Some(accuracy) = run.number(&["result", "test_accuracy"]) else {
        return "This run has not ended, or was killed before its end: it has no results yet."
            .to_owned();
    };
    let images = match run.number(&["data", "test"]) {
        Some(count) => format!("{} test images", grouped(count as usize)),
        None => "test images".to_owned(),
    };
    let whose = match run.number(&["result", "best_epoch"]) {
        Some(0.0) => "the weights it began with".to_owned(),
        Some(epoch) if run.trained_on_all() => {
            format!("the weights of epoch {epoch}, the last one")
        }
        Some(epoch) => format!("the weights of epoch {epoch}, the best on validation images"),
        None => "its best weights".to_owned(),
    };
    format!(
        "{} of {images} are read right, with {whose}.",
        percent(accuracy)
    )
}

fn results_of(run: &RunFiles, section: &mut Section) {
    match tables::result(run) {
        Some(table) => section.table(table),
        None => section.text("There are none yet."),
    }
}

/// What can be done with a run.
fn commands_of(run: &RunFiles, section: &mut Section) {
    let file = |name| quoted(&run.path.join(name).display().to_string());
    if let Some(command) = run.text(&["command"]) {
        section.text("This repeats the run, to the last bit of the weights:");
        section.command(command);
    }
    if run.tables().any(|name| name == "recipe") {
        section.text("So does this, whatever becomes of the recipes that thumbnet comes with:");
        section.command(format!("thumbnet train --recipe {}", file(folder::RECORD)));
    }
    if run.path.join(folder::MODEL).exists() {
        section.text("This measures its network again, and prints the confusion matrix as text:");
        section.command(format!(
            "thumbnet evaluate {}{}",
            file(folder::MODEL),
            data_flag(run)
        ));
    }
}

/// `--data` and the data set of a run, if that is known by name.
fn data_flag(run: &RunFiles) -> String {
    let said = run.text(&["recipe", "data"]);
    let Some(name) = said.or_else(|| run.text(&["data", "name"])) else {
        return String::new();
    };
    match name.parse() {
        // Where a folder was is told by the recipe alone.
        Ok(DataChoice::Folder(_)) if said.is_none() => String::new(),
        _ => format!(" --data {}", quoted(name)),
    }
}

/// The pictures that a run drew, with a title for each.
fn pictures(run: &RunFiles) -> Result<Vec<(String, Figure)>> {
    let figure = |(name, bytes): &(String, Vec<u8>)| {
        let (title, caption, alt) = words_about(name);
        let mut figure = Figure::new(caption);
        let picture = Picture::image(bytes, alt)
            .with_context(|| run.path.join(name).display().to_string())?;
        figure.picture(picture);
        Ok((title, figure))
    };
    run.pictures.iter().map(figure).collect()
}

/// Title, caption and alternative text of a picture, by the name of its file.
fn words_about(name: &str) -> (String, String, String) {
    let (title, caption, alt) = match name {
        folder::FIRST_LAYER => (
            "Weights",
            "What each unit of the first layer looks for: vermilion where ink excites it, blue \
             where ink inhibits it.",
            "The weights of the first layer, a square for each unit, as large as an image.",
        ),
        folder::BOUNDARY => (
            "Decision boundary",
            "Which class every possible point is taken for, the paler the nearer the next class \
             comes. Small: training points; large: test points, those that are misread with a ring.",
            "The plane in the colours of the classes that its points are taken for, with training \
             and test points on it.",
        ),
        folder::CONFUSION => (
            "Confusion matrix",
            "Which test images are taken for which class. Rows: what an image shows. Columns: \
             what it is read as.",
            "Confusion matrix of the test images, with recall beside the rows and precision under \
             the columns.",
        ),
        folder::MISTAKES => (
            "Mistakes",
            "Misread test images, the surest first.",
            "Misread test images. Under each: what it is, what it was taken for, and how sure the \
             network was.",
        ),
        other => {
            return (
                other.to_owned(),
                format!("{other} of this run."),
                other.to_owned(),
            );
        }
    };
    (title.to_owned(), caption.to_owned(), alt.to_owned())
}
