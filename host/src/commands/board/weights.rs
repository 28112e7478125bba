//! `thumbnet board pull|push|checkpoint`: weights from the board, to it, and in its flash.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use thumbnet_protocol::message::Checkpoint;

use super::super::output::{describe, hex, print};
use super::PortArgs;
use crate::model::Model;

#[derive(Clone, Debug, clap::Args)]
pub(super) struct PullArgs {
    #[command(flatten)]
    port: PortArgs,

    /// The weights file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

#[derive(Clone, Debug, clap::Args)]
pub(super) struct PushArgs {
    #[command(flatten)]
    port: PortArgs,

    /// The weights file
    #[arg(value_name = "MODEL")]
    model: PathBuf,
}

#[derive(Clone, Debug, clap::Args)]
pub(super) struct CheckpointArgs {
    /// save: write one; restore: go back to the last one; erase: forget all
    #[arg(value_name = "WHAT", value_enum)]
    what: What,

    #[command(flatten)]
    port: PortArgs,
}

/// What can be done with checkpoints.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum What {
    Save,
    Restore,
    Erase,
}

pub(super) fn pull(args: &PullArgs) -> Result<()> {
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

pub(super) fn push(args: &PushArgs) -> Result<()> {
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

pub(super) fn checkpoint(args: &CheckpointArgs) -> Result<()> {
    let mut client = args.port.connect(None)?;
    ensure!(
        client.about.checkpoints,
        "{}: its program keeps no checkpoints, for want of flash that it may write",
        client.about.board
    );
    let (what, done) = match args.what {
        What::Save => (Checkpoint::Save, "keeps its weights"),
        What::Restore => (Checkpoint::Restore, "has gone back to its last checkpoint"),
        What::Erase => (Checkpoint::Erase, "has forgotten its checkpoints"),
    };
    client.checkpoint(what)?;
    let status = client.status()?;
    print(&format!(
        "{} {done}: CRC-32 {} of the weights, step {}\n",
        client.about.board,
        hex(status.weights_crc32),
        status.taken.steps
    ))
}
