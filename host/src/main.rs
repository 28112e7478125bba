//! The `thumbnet` program: parses arguments, runs one command, turns errors into exit codes.

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use thumbnet_host::commands::bench::{self, BenchArgs};
use thumbnet_host::commands::board::{self, BoardArgs};
use thumbnet_host::commands::chapter3::{self, Chapter3Args};
use thumbnet_host::commands::evaluate::{self, EvaluateArgs};
use thumbnet_host::commands::export::{self, ExportArgs};
use thumbnet_host::commands::find_learning_rate::{self, FindLearningRateArgs};
use thumbnet_host::commands::recipes::{self, RecipesArgs};
use thumbnet_host::commands::report::{self, ReportArgs};
use thumbnet_host::commands::train::{self, TrainArgs};
use thumbnet_host::commands::tune::{self, TuneArgs};
use thumbnet_host::data::command::{self as data, DataArgs};
use thumbnet_host::emulate::{self, EmulateArgs};

/// Trains small neural networks that run, and go on training, on microcontrollers.
#[derive(Parser)]
#[command(name = "thumbnet", version, max_term_width = 100, after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

const EXAMPLES: &str = "\
Without a command, thumbnet trains the default recipe on MNIST, which takes less than two minutes.

Examples:
  thumbnet
  thumbnet train --recipe book-100 --out mine
  thumbnet evaluate mine/model.thumbnet
  thumbnet report mine
  thumbnet export mine/model.thumbnet --format device --out digits.thumbnet
  thumbnet data show mnist";

#[derive(Subcommand)]
enum Command {
    /// Train a network, and draw what it learned
    Train(TrainArgs),
    /// List the recipes, or print one
    Recipes(RecipesArgs),
    /// Raise the learning rate until the cost oscillates, and back off
    FindLearningRate(FindLearningRateArgs),
    /// Search learning rate, decay, mini-batches, momentum and size by successive halving
    Tune(TuneArgs),
    /// Measure a network on the test images
    Evaluate(EvaluateArgs),
    /// Put one or several runs on one HTML page
    Report(ReportArgs),
    /// Try out the claims of the book's chapter 3, and report what holds
    Chapter3(Chapter3Args),
    /// Write a network in the form that a board's program includes
    Export(ExportArgs),
    /// Measure speed and memory, on emulated boards or on this desktop
    Bench(BenchArgs),
    /// Fetch a data set, or show what is in it
    Data(DataArgs),
    /// Run a board's program in QEMU and show its log
    Emulate(EmulateArgs),
    /// Train, evaluate or predict on a board, over its serial line
    Board(BoardArgs),
}

fn main() -> ExitCode {
    let done = |()| ExitCode::SUCCESS;
    let result = match Arguments::parse().command {
        None => train::run(&TrainArgs::default()),
        Some(Command::Train(args)) => train::run(&args),
        Some(Command::Recipes(args)) => recipes::run(&args).map(done),
        Some(Command::FindLearningRate(args)) => find_learning_rate::run(&args).map(done),
        Some(Command::Tune(args)) => tune::run(&args).map(done),
        Some(Command::Evaluate(args)) => evaluate::run(&args).map(done),
        Some(Command::Report(args)) => report::run(&args).map(done),
        Some(Command::Chapter3(args)) => chapter3::run(&args),
        Some(Command::Export(args)) => export::run(&args).map(done),
        Some(Command::Bench(args)) => bench::run(&args).map(done),
        Some(Command::Data(args)) => data::run(&args).map(done),
        Some(Command::Emulate(args)) => emulate::run(&args),
        Some(Command::Board(args)) => board::run(&args),
    };
    result.unwrap_or_else(|error| {
        // Not `eprintln`, which panics where stderr is closed.
        let _ = writeln!(std::io::stderr(), "error: {error:#}");
        ExitCode::from(2)
    })
}
