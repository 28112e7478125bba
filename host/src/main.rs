//! The `thumbnet` program: parses arguments, runs one command, turns errors into exit codes.

use std::process::ExitCode;

use clap::Parser;
use thumbnet_host::data::command::{DataArgs, run};
use thumbnet_host::emulate::{self, EmulateArgs};

#[derive(Parser)]
#[command(name = "thumbnet", about)]
enum Command {
    /// Fetch a data set, or show what is in it
    Data(DataArgs),
    /// Run a board's program in QEMU and show its log
    Emulate(EmulateArgs),
}

fn main() -> ExitCode {
    let result = match Command::parse() {
        Command::Data(args) => run(&args).map(|()| ExitCode::SUCCESS),
        Command::Emulate(args) => emulate::run(&args),
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::from(2)
    })
}
