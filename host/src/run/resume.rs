//! Going on with a run that was interrupted or killed, or that is to have more epochs.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use super::fit::Stopped;
use super::folder::{RECORD, RunFolder, STATE};
use super::record::Record;
use super::state::Saved;
use crate::recipe::Recipe;
use crate::recipe::file::read;
use crate::recipe::values::Schedule;

/// A run as its folder has it.
#[derive(Debug)]
pub struct Resumed {
    /// Its folder.
    pub folder: RunFolder,
    /// `run.toml`.
    pub record: Record,
    /// `state.bin`; none if the run was ended before its first epoch was over.
    pub saved: Option<Saved>,
}

impl Resumed {
    /// Reads the folder of a run.
    ///
    /// # Errors
    ///
    /// It holds no run, or a damaged one.
    pub fn load(path: &Path) -> Result<Self> {
        let folder = RunFolder::of_run(path);
        let file = folder.file(RECORD);
        let text = std::fs::read_to_string(&file).with_context(|| {
            format!(
                "expected the folder of a run, found no {RECORD} in {}",
                path.display()
            )
        })?;
        let record: Record = read(&text, &file.display().to_string())?;
        let state = folder.file(STATE);
        // The first epoch may not have been over; then the run begins again.
        let saved = match state.exists() {
            true => Some(Saved::load(&state)?),
            false => None,
        };
        Ok(Self {
            folder,
            record,
            saved,
        })
    }

    /// What is to be trained: what was, with another number of epochs if one is given.
    ///
    /// # Errors
    ///
    /// The run has come to its end, could not be the same with so many epochs, or is of a kind that
    /// keeps no state.
    pub fn recipe(&self, epochs: Option<usize>) -> Result<Recipe> {
        let mut recipe = self.record.recipe.clone();
        ensure!(
            !recipe.optimizer.is_full_batch(),
            "--resume: expected a run with an optimizer whose state is kept, found one with {}: \
             train it again from the beginning, with the command in {RECORD}",
            recipe.optimizer
        );
        let done = self.saved.as_ref().map_or(0, |saved| saved.history.len());
        if let Some(epochs) = epochs {
            ensure!(
                epochs >= done,
                "--epochs: expected at least the {done} epochs that are done, found {epochs}"
            );
            ensure!(
                epochs == recipe.epochs || recipe.schedule == Schedule::Constant,
                "--epochs: expected {} as before, since the schedule {} follows from it, found \
                 {epochs}",
                recipe.epochs,
                recipe.schedule
            );
            recipe.epochs = epochs;
        }
        let ended = self.record.result.as_ref().map(|result| &result.stopped);
        let Some(ended) = ended.filter(|ended| **ended != Stopped::Interrupt.name()) else {
            return Ok(recipe);
        };
        let path = self.folder.path.display();
        if *ended == Stopped::Epochs.name() {
            ensure!(
                recipe.epochs > self.record.recipe.epochs,
                "--resume: the run in {path} has all its {} epochs: give it more with --epochs",
                recipe.epochs
            );
            return Ok(recipe);
        }
        bail!("--resume: the run in {path} has ended after {done} epochs: {ended}");
    }
}
