//! `thumbnet board evaluate|predict`: what the board reads.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use thumbnet::Preparation;
use thumbnet::preparation::Size;

use super::super::DATA_HELP;
use super::super::output::{cost, describe, grouped, hex, percent, print};
use super::PortArgs;
use crate::board::evaluate::{Evaluated, evaluate, predict};
use crate::board::picture::read_grey;
use crate::data::{self, DataChoice};
use crate::model::Model;
use crate::run::plan::check_data;
use crate::run::settings::count;

#[derive(Clone, Debug, clap::Args)]
pub(super) struct BoardEvaluateArgs {
    #[command(flatten)]
    port: PortArgs,

    /// Weights file to copy to the board first
    #[arg(long, value_name = "MODEL")]
    model: Option<PathBuf>,

    /// Which data set to load.
    #[arg(long, value_name = "DATA", help = DATA_HELP)]
    data: Option<DataChoice>,

    /// The first N test images alone [default: all]
    #[arg(long, value_name = "N", value_parser = count, allow_negative_numbers = true)]
    samples: Option<usize>,

    /// Print one JSON object on one line
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Debug, clap::Args)]
pub(super) struct PredictArgs {
    #[command(flatten)]
    port: PortArgs,

    /// A picture, light on dark as in MNIST
    #[arg(value_name = "FILE.png")]
    picture: PathBuf,

    /// The picture is dark on light
    #[arg(long)]
    invert: bool,

    /// Weights file to copy to the board first
    #[arg(long, value_name = "MODEL")]
    model: Option<PathBuf>,

    /// Print one JSON object on one line
    #[arg(long)]
    json: bool,
}

/// What `--json` prints of an evaluation.
#[derive(Serialize)]
struct Figures {
    test_accuracy: f64,
    test_cost: f64,
    samples: u32,
    weights_crc32: String,
    scores_crc32: String,
    predictions_crc32: String,
    /// For each sample, in `unit`.
    work: u64,
    unit: String,
}

pub(super) fn evaluate_on(args: &BoardEvaluateArgs) -> Result<()> {
    let mut data = data::load(&args.data.clone().unwrap_or_default())?;
    let mut client = args.port.connect_with(args.model.as_deref())?;
    let header = client.head()?;
    let model = Model {
        architecture: header.architecture,
        cost: header.cost,
        preparation: header.preparation,
        parameters: Vec::new(),
    };
    check_data(&model, &data).with_context(|| args.port.port.to_string())?;
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
    let seen = data.test.prepared(header.preparation)?;
    let Evaluated { status, traffic } = evaluate(&mut client, &seen)?;
    let samples = f64::from(status.samples.max(1));
    let figures = Figures {
        test_accuracy: f64::from(status.right) / samples,
        test_cost: status.cost / samples,
        samples: status.samples,
        weights_crc32: hex(status.weights_crc32),
        scores_crc32: hex(status.scores_crc32),
        predictions_crc32: hex(status.classes_crc32),
        work: status.work / u64::from(status.samples.max(1)),
        unit: client.about.unit.clone(),
    };
    if args.json {
        return print(&format!("{}\n", serde_json::to_string(&figures)?));
    }
    print(&format!(
        "board     {}\n\
         network   {}\n\
         data      {}: {} test images\n\
         accuracy  {}, {} of {} right\n\
         cost      {} ({})\n\
         CRC-32    {} of the weights, {} of all scores, {} of all predictions\n\
         work      {} {} a prediction\n\
         line      {} bytes a sample, {} of them the sample\n",
        client.about.board,
        describe(&header.architecture),
        data.name,
        grouped(seen.len()),
        percent(figures.test_accuracy),
        grouped(status.right as usize),
        grouped(figures.samples as usize),
        cost(figures.test_cost),
        header.cost,
        figures.weights_crc32,
        figures.scores_crc32,
        figures.predictions_crc32,
        grouped(figures.work as usize),
        figures.unit,
        traffic.sent / u64::from(status.samples.max(1)),
        traffic.stream / u64::from(status.samples.max(1)),
    ))
}

pub(super) fn predict_on(args: &PredictArgs) -> Result<()> {
    let mut client = args.port.connect_with(args.model.as_deref())?;
    let header = client.head()?;
    let (inputs, taken) = (header.architecture.inputs(), header.preparation.takes());
    let size = match taken {
        Some(size) => size,
        None => square(inputs).with_context(|| {
            format!("expected a network for square images, found {inputs} inputs")
        })?,
    };
    let image = read_grey(&args.picture, size, args.invert)?;
    let mut seen = vec![0; inputs];
    let mut scratch = vec![0; header.preparation.scratch_bytes()];
    match header.preparation {
        Preparation::None => seen.copy_from_slice(&image),
        preparation => preparation.apply(&image, &mut seen, &mut scratch)?,
    }
    let classes = header.architecture.classes();
    let (class, scores) = predict(&mut client, &seen, classes)?;
    if args.json {
        let line = serde_json::json!({ "class": class, "scores": scores });
        return print(&format!("{line}\n"));
    }
    let mut text = format!("class {class}\n");
    for (class, score) in scores.iter().enumerate() {
        let bar = "#".repeat((score.clamp(0.0, 1.0) * 50.0).round() as usize);
        let _ = writeln!(text, "{class:>5} {score:>8.4} {bar}");
    }
    print(&text)
}

/// The size of a square image of so many pixels.
fn square(pixels: usize) -> Option<Size> {
    let side = pixels.isqrt();
    let side = u16::try_from(side).ok().filter(|_| side * side == pixels)?;
    Size::new(side, side)
}
