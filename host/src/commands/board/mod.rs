//! `thumbnet board`: drives a board over its serial line.

mod evaluate;
mod info;
mod train;
mod weights;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;

use crate::board::{Client, Port};
use crate::model::Model;

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
    Info(info::InfoArgs),
    /// Train on the board as `thumbnet train` does here, with the same weights in the end
    Train(train::BoardTrainArgs),
    /// Show the board the test images, and count what it reads right
    Evaluate(evaluate::BoardEvaluateArgs),
    /// Show the board one picture
    Predict(evaluate::PredictArgs),
    /// Copy the board's weights to a file
    Pull(weights::PullArgs),
    /// Copy the weights of a file to the board
    Push(weights::PushArgs),
    /// Save, restore or erase what the board keeps in its flash
    Checkpoint(weights::CheckpointArgs),
    /// Say again and again how things are on the board
    Monitor(info::MonitorArgs),
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
        BoardCommand::Ports => info::ports()?,
        BoardCommand::Info(args) => info::info(args)?,
        BoardCommand::Train(args) => return train::train(args),
        BoardCommand::Evaluate(args) => evaluate::evaluate_on(args)?,
        BoardCommand::Predict(args) => evaluate::predict_on(args)?,
        BoardCommand::Pull(args) => weights::pull(args)?,
        BoardCommand::Push(args) => weights::push(args)?,
        BoardCommand::Checkpoint(args) => weights::checkpoint(args)?,
        BoardCommand::Monitor(args) => info::monitor(args)?,
        BoardCommand::Reset(args) => args.port.connect(None)?.reset()?,
    }
    Ok(ExitCode::SUCCESS)
}
