//! `thumbnet board`: drives a board over its serial line.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use thumbnet::Preparation;
use thumbnet::preparation::Size;
use thumbnet_protocol::Status;

use super::output::{cost, describe, grouped, hex, note, percent, print};
use super::train::{self, TrainArgs};
use crate::board::config::names;
use crate::board::evaluate::{Evaluated, evaluate, predict};
use crate::board::picture::read_grey;
use crate::board::{About, BoardTrainer, Client, Port};
use crate::data::{self, DataChoice};
use crate::model::Model;
use crate::run::interrupt;
use crate::run::plan::{Plan, check_data};
use crate::run::settings::count;
use crate::training::Progress;

/// Arguments of `thumbnet board`.
#[derive(Clone, Debug, clap::Args)]
pub struct BoardArgs {
    #[command(subcommand)]
    command: BoardCommand,
}

/// What is to be done with a board.
#[derive(Clone, Debug, clap::Subcommand)]
enum BoardCommand {
    /// List the serial ports
    Ports,
    /// Say who answers on a port, and how things are there
    Info(InfoArgs),
    /// Train on the board as `thumbnet train` does here, with the same weights in the end
    Train(BoardTrainArgs),
    /// Show the board the test images, and count what it reads right
    Evaluate(BoardEvaluateArgs),
    /// Show the board one picture
    Predict(PredictArgs),
    /// Copy the board's weights to a file
    Pull(PullArgs),
    /// Copy the weights of a file to the board
    Push(PushArgs),
    /// Say again and again how things are on the board
    Monitor(MonitorArgs),
    /// Start the board anew
    Reset(ResetArgs),
}

/// Where the board is.
#[derive(Clone, Debug, clap::Args)]
struct PortArgs {
    /// A serial port such as /dev/ttyACM0, tcp:HOST:PORT, or qemu[:BOARD], which builds the board's
    /// program and emulates it: m0, m3, m4f, m7 or m33 [default BOARD: m4f]
    #[arg(long, value_name = "PORT")]
    port: Port,

    /// Bits a second of a serial port
    #[arg(long, value_name = "N", default_value_t = 115_200, value_parser = clap::value_parser!(u32).range(300..=20_000_000))]
    baud: u32,
}

impl PortArgs {
    /// Begins a session; an emulated board is built for networks of the form of `model`.
    fn connect(&self, model: Option<&Model>) -> Result<Client> {
        Client::connect(&self.port, self.baud, model)
    }

    /// Begins a session, with the weights of a file on the board if one is given.
    fn connect_with(&self, model: Option<&Path>) -> Result<Client> {
        let model = model.map(Model::load).transpose()?;
        let mut client = self.connect(model.as_ref())?;
        if let Some(model) = &model {
            client.push(model, &mut |_| ())?;
        }
        Ok(client)
    }
}

#[derive(Clone, Debug, clap::Args)]
struct InfoArgs {
    #[command(flatten)]
    port: PortArgs,

    /// Print one JSON object on one line
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Debug, clap::Args)]
struct BoardTrainArgs {
    #[command(flatten)]
    port: PortArgs,

    /// Train here, too, and compare after every step and every epoch
    #[arg(long)]
    verify: bool,

    #[command(flatten)]
    train: TrainArgs,
}

#[derive(Clone, Debug, clap::Args)]
struct BoardEvaluateArgs {
    #[command(flatten)]
    port: PortArgs,

    /// Weights file to copy to the board first
    #[arg(long, value_name = "MODEL")]
    model: Option<PathBuf>,

    /// Which data set to load.
    #[arg(long, value_name = "DATA", help = super::DATA_HELP)]
    data: Option<DataChoice>,

    /// The first N test images alone [default: all]
    #[arg(long, value_name = "N", value_parser = count, allow_negative_numbers = true)]
    samples: Option<usize>,

    /// Print one JSON object on one line
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Debug, clap::Args)]
struct PredictArgs {
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

#[derive(Clone, Debug, clap::Args)]
struct PullArgs {
    #[command(flatten)]
    port: PortArgs,

    /// The weights file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

#[derive(Clone, Debug, clap::Args)]
struct PushArgs {
    #[command(flatten)]
    port: PortArgs,

    /// The weights file
    #[arg(value_name = "MODEL")]
    model: PathBuf,
}

#[derive(Clone, Debug, clap::Args)]
struct MonitorArgs {
    #[command(flatten)]
    port: PortArgs,

    /// Seconds between two lines
    #[arg(long, value_name = "SECONDS", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=3600))]
    every: u64,

    /// End after so many lines [default: with Ctrl-C]
    #[arg(long, value_name = "N", value_parser = count, allow_negative_numbers = true)]
    lines: Option<usize>,

    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Debug, clap::Args)]
struct ResetArgs {
    #[command(flatten)]
    port: PortArgs,
}

/// Does what is to be done.
///
/// # Errors
///
/// The board does not answer or cannot do it, or a file cannot be read or written.
pub fn run(args: &BoardArgs) -> Result<ExitCode> {
    match &args.command {
        BoardCommand::Ports => ports()?,
        BoardCommand::Info(args) => info(args)?,
        BoardCommand::Train(args) => return train(args),
        BoardCommand::Evaluate(args) => evaluate_on(args)?,
        BoardCommand::Predict(args) => predict_on(args)?,
        BoardCommand::Pull(args) => pull(args)?,
        BoardCommand::Push(args) => push(args)?,
        BoardCommand::Monitor(args) => monitor(args)?,
        BoardCommand::Reset(args) => args.port.connect(None)?.reset()?,
    }
    Ok(ExitCode::SUCCESS)
}

fn ports() -> Result<()> {
    let ports = serialport::available_ports().context("the serial ports cannot be listed")?;
    if ports.is_empty() {
        note(format_args!("there are no serial ports"));
    }
    let mut text = String::new();
    for port in ports {
        let what = match port.port_type {
            serialport::SerialPortType::UsbPort(usb) => {
                let words = [usb.manufacturer, usb.product, usb.serial_number];
                words.into_iter().flatten().collect::<Vec<_>>().join(" ")
            }
            serialport::SerialPortType::BluetoothPort => "Bluetooth".to_owned(),
            _ => String::new(),
        };
        let _ = writeln!(text, "{:<20} {what}", port.port_name);
    }
    print(&text)
}

/// What `--json` prints of a board.
#[derive(Serialize)]
struct Info<'a> {
    board: &'a str,
    clock_hz: u32,
    free_ram: u32,
    network: &'a str,
    weights_crc32: String,
    optimizers: String,
    batch: usize,
    frame: usize,
    credit: usize,
    checkpoints: bool,
    fault: &'a str,
    protocol: u16,
}

fn info(args: &InfoArgs) -> Result<()> {
    let mut client = args.port.connect(None)?;
    let header = client.head()?;
    let status = client.status()?;
    let about = &client.about;
    let info = Info {
        board: &about.board,
        clock_hz: about.clock_hz,
        free_ram: about.free_ram,
        network: &about.shape,
        weights_crc32: hex(about.weights_crc32),
        optimizers: names(about.optimizers),
        batch: about.batch,
        frame: about.frame,
        credit: about.credit,
        checkpoints: about.checkpoints,
        fault: &about.fault,
        protocol: thumbnet_protocol::VERSION,
    };
    if args.json {
        return print(&format!("{}\n", serde_json::to_string(&info)?));
    }
    let mut text = format!(
        "board        {}, {} MHz\n\
         network      {}\n\
         images       {}\n\
         weights      {}\n\
         RAM          {} bytes free, stack at most {} bytes\n\
         optimisers   {}\n\
         mini-batch   up to {} samples\n\
         line         frames of {} bytes, {} in flight\n\
         checkpoints  {}\n",
        info.board,
        f64::from(info.clock_hz) / 1.0e6,
        describe(&header.architecture),
        header.preparation,
        info.weights_crc32,
        grouped(info.free_ram as usize),
        grouped(status.stack as usize),
        info.optimizers,
        info.batch,
        grouped(info.frame),
        grouped(info.credit),
        if info.checkpoints { "yes" } else { "none" },
    );
    if !info.fault.is_empty() {
        let _ = writeln!(text, "fault        {}", info.fault);
    }
    print(&text)
}

fn train(args: &BoardTrainArgs) -> Result<ExitCode> {
    ensure!(
        args.train.resume.is_none(),
        "--resume: a board does not go on with a run; `thumbnet train --resume` does, if the run was \
         trained with --verify"
    );
    train::run_on(&args.train, &mut |plan| {
        connect_to_train(args, plan).map(Some)
    })
}

fn connect_to_train(args: &BoardTrainArgs, plan: &Plan) -> Result<BoardTrainer> {
    ensure!(
        plan.full_batch().is_none(),
        "--optimizer: expected one that boards have, which train in mini-batches: sgd, with \
         --momentum and --nesterov if you like, rms-prop or adam"
    );
    let client = args.port.connect(Some(&plan.initial))?;
    introduce(&client.about, &args.port.port);
    let (seed, shuffle) = (plan.recipe.seed, plan.recipe.shuffle);
    BoardTrainer::new(
        client,
        &plan.initial,
        plan.hyperparameters(),
        seed,
        shuffle,
        args.verify,
    )
}

/// Says on stderr who trains.
fn introduce(about: &About, port: &Port) {
    note(format_args!(
        "note: {port}: {}, {} MHz, {} bytes of RAM free",
        about.board,
        f64::from(about.clock_hz) / 1.0e6,
        grouped(about.free_ram as usize)
    ));
    if !about.fault.is_empty() {
        note(format_args!(
            "warning: the board's last program ended: {}",
            about.fault
        ));
    }
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

fn evaluate_on(args: &BoardEvaluateArgs) -> Result<()> {
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

fn predict_on(args: &PredictArgs) -> Result<()> {
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

fn pull(args: &PullArgs) -> Result<()> {
    let mut client = args.port.connect(None)?;
    let model = client.pull(&mut |_, _| ())?;
    model.save(&args.out)?;
    print(&format!(
        "{}: {}, CRC-32 {} of the weights\n",
        args.out.display(),
        describe(&model.architecture),
        hex(model.weights_crc32())
    ))
}

fn push(args: &PushArgs) -> Result<()> {
    let model = Model::load(&args.model)?;
    let mut client = args.port.connect(Some(&model))?;
    client.push(&model, &mut |_| ())?;
    print(&format!(
        "{} has {}, CRC-32 {} of the weights\n",
        client.about.board,
        describe(&model.architecture),
        hex(model.weights_crc32())
    ))
}

fn monitor(args: &MonitorArgs) -> Result<()> {
    let progress = Arc::new(Progress::default());
    interrupt::ends(&progress)?;
    let mut client = args.port.connect(None)?;
    let mut lines = 0;
    while args.lines.is_none_or(|most| lines < most) && !progress.stop.load(Ordering::Relaxed) {
        if lines > 0 {
            std::thread::sleep(Duration::from_secs(args.every));
        }
        let status = client.status()?;
        print(&monitored(&status, args.json))?;
        lines += 1;
    }
    Ok(())
}

fn monitored(status: &Status, json: bool) -> String {
    let samples = f64::from(status.samples.max(1));
    if json {
        let line = serde_json::json!({
            "steps": status.taken.steps,
            "samples": status.samples,
            "right": status.right,
            "cost": status.cost / samples,
            "weights_crc32": hex(status.weights_crc32),
            "work": status.work,
            "stack": status.stack,
            "damaged": status.damaged,
        });
        return format!("{line}\n");
    }
    format!(
        "step {:>9}  samples {:>9}  cost {:>8}  weights {}  stack {} bytes\n",
        grouped(status.taken.steps as usize),
        grouped(status.samples as usize),
        cost(status.cost / samples),
        hex(status.weights_crc32),
        grouped(status.stack as usize)
    )
}
