//! `thumbnet board train`: trains on the board.

use std::process::ExitCode;

use anyhow::{Result, ensure};

use super::super::output::{grouped, note};
use super::super::train::{self, TrainArgs};
use super::PortArgs;
use crate::board::{About, BoardTrainer, Port};
use crate::run::plan::Plan;

#[derive(Clone, Debug, clap::Args)]
pub(super) struct BoardTrainArgs {
    #[command(flatten)]
    port: PortArgs,

    /// Train here, too, and compare after every step and every epoch
    #[arg(long)]
    verify: bool,

    #[command(flatten)]
    train: TrainArgs,
}

pub(super) fn train(args: &BoardTrainArgs) -> Result<ExitCode> {
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
