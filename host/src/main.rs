//! The `thumbnet` program: parses arguments, runs one command, turns errors into exit codes.

use std::process::ExitCode;

use clap::Parser;
use thumbnet_host::data::command::{DataArgs, run};

#[derive(Parser)]
#[command(name = "thumbnet", about)]
enum Command {
    /// Fetch a data set, or show what is in it
    Data(DataArgs),
}

fn main() -> ExitCode {
    let result = match Command::parse() {
        Command::Data(args) => run(&args).map(|()| ExitCode::SUCCESS),
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::from(2)
    })
}
