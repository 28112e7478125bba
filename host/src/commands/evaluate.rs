//! `thumbnet evaluate`: how a network does on the test images, and the checksums that a board
//! prints for the same images.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use thumbnet::format::CRC_32;

use super::output::{cost, describe, grouped, hex, percent, print};
use crate::data::{self, DataChoice, Dataset, Samples};
use crate::model::Model;
use crate::run::plan::check_data;
use crate::run::settings::{count, default_threads, threads};
use crate::training::{Evaluation, Instructions, evaluate};

/// The widest table that is printed.
const COLUMNS: usize = 100;

/// Arguments of `thumbnet evaluate`.
#[derive(Clone, Debug, Default, PartialEq, clap::Args)]
pub struct EvaluateArgs {
    /// The weights file
    #[arg(value_name = "MODEL")]
    pub model: PathBuf,

    /// Which data set to load.
    #[arg(long, value_name = "DATA", help = super::DATA_HELP)]
    pub data: Option<DataChoice>,

    /// The first N test images alone [default: all]
    #[arg(long, value_name = "N", value_parser = count, allow_negative_numbers = true)]
    pub samples: Option<usize>,

    /// Threads, 1 to 64; the result does not depend on it [default: up to 2]
    #[arg(long, value_name = "N", value_parser = threads, allow_negative_numbers = true)]
    pub threads: Option<usize>,

    /// Print one JSON object on one line
    #[arg(long)]
    pub json: bool,
}

/// What `--json` prints.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Figures {
    test_accuracy: f64,
    test_cost: f64,
    samples: usize,
    /// What was done to the images before the network saw them.
    images: String,
    weights_crc32: String,
    /// Over all scores in order, four little-endian bytes each: equal bits, equal number.
    scores_crc32: String,
    /// Over all predicted classes in order, one byte each.
    predictions_crc32: String,
}

impl Figures {
    fn new(model: &Model, evaluation: &Evaluation) -> Self {
        let mut scores = CRC_32.digest();
        for score in &evaluation.scores {
            scores.update(&score.to_le_bytes());
        }
        let mut predictions = CRC_32.digest();
        for &class in &evaluation.predictions {
            // As a board does it; labels are bytes, so no network needs more classes.
            predictions.update(&[class as u8]);
        }
        Self {
            test_accuracy: evaluation.accuracy,
            test_cost: evaluation.cost,
            samples: evaluation.predictions.len(),
            images: model.preparation.to_string(),
            weights_crc32: hex(model.weights_crc32()),
            scores_crc32: hex(scores.finalize()),
            predictions_crc32: hex(predictions.finalize()),
        }
    }
}

/// Evaluates a network and prints how it did.
///
/// # Errors
///
/// The weights file or the data cannot be had, or do not fit one another; more samples than there
/// are; stdout cannot be written.
pub fn run(args: &EvaluateArgs) -> Result<()> {
    let model = Model::load(&args.model)?;
    let mut data = data::load(&args.data.clone().unwrap_or_default())?;
    check_data(&model, &data).with_context(|| args.model.display().to_string())?;
    if let Some(count) = args.samples {
        ensure!(
            count <= data.test.len(),
            "--samples: expected at most the {} test images of {}, found {count}",
            data.test.len(),
            data.name
        );
        let pixels = data.test.pixels();
        data.test.labels.truncate(count);
        data.test.images.truncate(count * pixels);
    }
    let threads = args.threads.unwrap_or_else(default_threads);
    let seen = data.test.prepared(model.preparation)?;
    let evaluation = evaluate(&model, &seen, threads, Instructions::detect());
    let figures = Figures::new(&model, &evaluation);
    if args.json {
        return print(&format!("{}\n", serde_json::to_string(&figures)?));
    }
    print(&text(args, &model, &data, &evaluation, &figures))
}

fn text(
    args: &EvaluateArgs,
    model: &Model,
    data: &Dataset,
    evaluation: &Evaluation,
    figures: &Figures,
) -> String {
    let classes = model.architecture.classes();
    let counts = evaluation.confusion(&data.test, classes);
    let right: u32 = (0..classes).map(|class| counts[class][class]).sum();
    let mut text = format!(
        "model     {}\n\
         network   {}\n\
         data      {}: {} test images\n\
         source    {}\n\
         images    {}\n\n\
         accuracy  {}, {} of {} right\n\
         cost      {} ({})\n\
         CRC-32    {} of the weights, {} of all scores, {} of all predictions\n\n",
        args.model.display(),
        describe(&model.architecture),
        data.name,
        grouped(figures.samples),
        data.source,
        figures.images,
        console::style(percent(figures.test_accuracy)).bold(),
        grouped(right as usize),
        grouped(figures.samples),
        cost(figures.test_cost),
        model.cost,
        figures.weights_crc32,
        figures.scores_crc32,
        figures.predictions_crc32,
    );
    text += &matrix(&counts, &data.test).unwrap_or_else(|| list(&counts));
    text
}

/// The whole confusion matrix, if it fits the width.
fn matrix(counts: &[Vec<u32>], samples: &Samples) -> Option<String> {
    let largest = counts.iter().flatten().max().copied().unwrap_or(0);
    let cell = largest.to_string().len().max(3) + 1;
    if 8 + cell * counts.len() + 9 > COLUMNS || samples.is_empty() {
        return None;
    }
    let mut text = "rows: what the image shows; columns: what it is read as\n".to_owned();
    let _ = write!(text, "{:<8}", "class");
    for class in 0..counts.len() {
        let _ = write!(text, "{class:>cell$}");
    }
    let _ = writeln!(text, "{:>9}", "right");
    for (label, row) in counts.iter().enumerate() {
        let _ = write!(text, "{label:<8}");
        for (class, &count) in row.iter().enumerate() {
            let shown = match count {
                0 => ".".to_owned(),
                count => count.to_string(),
            };
            let shown = console::style(format!("{shown:>cell$}"));
            // Rows read right stand apart from the errors around them.
            let shown = if class == label { shown.bold() } else { shown };
            let _ = write!(text, "{shown}");
        }
        let _ = writeln!(text, "{:>9}", share(row, label));
    }
    Some(text)
}

/// One line for each class that there are images of.
fn list(counts: &[Vec<u32>]) -> String {
    let mut text = format!(
        "{:<8}{:>9}{:>9}{:>9}   most often read as\n",
        "class", "images", "right", "right"
    );
    for (label, row) in counts.iter().enumerate() {
        let images: u32 = row.iter().sum();
        if images == 0 {
            continue;
        }
        let wrong = row.iter().enumerate().filter(|(class, _)| *class != label);
        // The lowest class among equals.
        let worst = wrong
            .rev()
            .max_by_key(|(_, count)| **count)
            .filter(|(_, count)| **count > 0);
        let worst = worst.map_or(String::new(), |(class, count)| {
            format!("   {class} ({count} times)")
        });
        let _ = writeln!(
            text,
            "{label:<8}{images:>9}{:>9}{:>9}{worst}",
            row[label],
            share(row, label)
        );
    }
    text
}

/// Which share of a class is read right; nothing if there is no image of it.
fn share(row: &[u32], label: usize) -> String {
    match row.iter().sum::<u32>() {
        0 => "-".to_owned(),
        images => format!("{:.1} %", f64::from(row[label]) / f64::from(images) * 100.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use thumbnet::{Activation, Cost, Initialization};

    #[test]
    fn checksums_are_those_of_the_bytes_in_order() {
        let architecture =
            crate::model::parse_architecture("2-2", Activation::Relu, Activation::Softmax).unwrap();
        let model = Model::fresh(
            architecture,
            Cost::SoftmaxCrossEntropy,
            Initialization::default(),
            1,
        );
        let evaluation = Evaluation {
            predictions: vec![1, 0],
            scores: vec![0.25, 0.75, 1.0, 0.0],
            accuracy: 0.5,
            cost: 0.1,
        };
        let figures = Figures::new(&model, &evaluation);
        let bytes = [
            0, 0, 0x80, 0x3e, 0, 0, 0x40, 0x3f, 0, 0, 0x80, 0x3f, 0, 0, 0, 0,
        ];
        assert_eq!(figures.scores_crc32, hex(CRC_32.checksum(&bytes)));
        assert_eq!(figures.predictions_crc32, hex(CRC_32.checksum(&[1, 0])));
        assert_eq!(figures.samples, 2);
    }

    #[test]
    fn tables_keep_within_the_width() {
        let samples = Samples {
            width: 1,
            height: 1,
            images: vec![0],
            labels: vec![0],
        };
        let counts = vec![vec![10_000; 10]; 10];
        let table = matrix(&counts, &samples).unwrap();
        assert!(table.lines().all(|line| line.len() <= COLUMNS), "{table}");
        assert_eq!(table.lines().count(), 12);
        assert_eq!(matrix(&vec![vec![1; 30]; 30], &samples), None);
    }

    #[test]
    fn the_list_names_the_worst_confusion() {
        let mut counts = vec![vec![0; 30]; 30];
        counts[3] = vec![0; 30];
        counts[3][3] = 90;
        counts[3][5] = 5;
        counts[3][8] = 5;
        counts[7][7] = 1;
        let table = list(&counts);
        let lines: Vec<&str> = table.lines().skip(1).collect();
        assert_eq!(
            lines,
            [
                "3             100       90   90.0 %   5 (5 times)",
                "7               1        1  100.0 %"
            ]
        );
    }
}
