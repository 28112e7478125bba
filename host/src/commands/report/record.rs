//! A run's folder, read for a page: whatever `run.toml` says, the history, the pictures.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use toml::{Table, Value};

use crate::commands::output::plain;
use crate::history::{EpochRecord, best_epoch, read_csv};
use crate::recipe::values::{BestBy, Named, TrainOn};
use crate::run::folder;

/// Pictures in the order in which they are shown; others follow by name.
const ORDER: [&str; 4] = [
    folder::FIRST_LAYER,
    folder::BOUNDARY,
    folder::CONFUSION,
    folder::MISTAKES,
];

/// What a run left.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct RunFiles {
    /// As the user typed it.
    pub(super) path: PathBuf,
    /// The folder's own name, or as much of its path as it takes.
    pub(super) name: String,
    /// `run.toml`, whatever is in it.
    pub(super) record: Table,
    /// Epoch by epoch; empty before the first has ended.
    pub(super) history: Vec<EpochRecord>,
    /// Name and content of its pictures, the curves apart, which are drawn from the history.
    pub(super) pictures: Vec<(String, Vec<u8>)>,
}

impl RunFiles {
    /// Reads a folder.
    ///
    /// # Errors
    ///
    /// When it has no `run.toml`, or one of its files cannot be read.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let file = path.join(folder::RECORD);
        ensure!(
            file.is_file(),
            "{}: expected the folder of a run, found no {} in it",
            path.display(),
            folder::RECORD
        );
        let text = std::fs::read_to_string(&file)
            .with_context(|| format!("cannot read {}", file.display()))?;
        let record = text
            .parse()
            .with_context(|| format!("{} is not TOML", file.display()))?;
        let file = path.join(folder::HISTORY);
        let history = match file.exists() {
            true => read_csv(file)?,
            false => Vec::new(),
        };
        // `.` has a name as well.
        let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let name = whole.file_name().unwrap_or(whole.as_os_str());
        Ok(Self {
            path: path.to_owned(),
            name: name.to_string_lossy().into_owned(),
            record,
            history,
            pictures: pictures(path)?,
        })
    }

    fn value(&self, path: &[&str]) -> Option<&Value> {
        let (last, tables) = path.split_last()?;
        let mut table = &self.record;
        for name in tables {
            table = table.get(*name)?.as_table()?;
        }
        table.get(*last)
    }

    /// A number in `run.toml`.
    pub(super) fn number(&self, path: &[&str]) -> Option<f64> {
        match self.value(path)? {
            Value::Integer(number) => Some(*number as f64),
            Value::Float(number) => Some(*number),
            _ => None,
        }
    }

    /// A string in `run.toml`.
    pub(super) fn text(&self, path: &[&str]) -> Option<&str> {
        self.value(path)?.as_str()
    }

    /// Whether the validation images were trained on too, so that none are left to choose by.
    pub(super) fn trained_on_all(&self) -> bool {
        self.text(&["recipe", "train_on"]) == Some(TrainOn::All.name())
    }

    /// The best epoch: what the run has found, or while it goes on, what it would find now. None
    /// where there is nothing to choose by.
    pub(super) fn best_epoch(&self) -> Option<&EpochRecord> {
        let by = match self.text(&["recipe", "best_by"]) {
            Some(name) if name == BestBy::Cost.name() => BestBy::Cost,
            _ => BestBy::Accuracy,
        };
        let found = best_epoch(&self.history, by)?;
        match self.number(&["result", "best_epoch"]) {
            Some(epoch) => self
                .history
                .iter()
                .find(|record| record.epoch as f64 == epoch),
            None => Some(found),
        }
    }

    /// All values of one table of `run.toml`, those of tables in it included: name and value in
    /// words. Without a name: what is in no table.
    pub(super) fn entries(&self, table: Option<&str>) -> Vec<(String, String)> {
        let mut entries = Vec::new();
        let Some(name) = table else {
            let loose = self.record.iter().filter(|(_, value)| !value.is_table());
            loose.for_each(|(key, value)| flatten(key, value, &mut entries));
            return entries;
        };
        if let Some(table) = self.record.get(name).and_then(Value::as_table) {
            for (key, value) in table {
                flatten(key, value, &mut entries);
            }
        }
        entries
    }

    /// The names of the tables of `run.toml`.
    pub(super) fn tables(&self) -> impl Iterator<Item = &str> {
        let tables = self.record.iter().filter(|(_, value)| value.is_table());
        tables.map(|(name, _)| name.as_str())
    }
}

fn flatten(name: &str, value: &Value, entries: &mut Vec<(String, String)>) {
    match value {
        Value::Table(table) => {
            for (key, value) in table {
                flatten(&format!("{name}: {key}"), value, entries);
            }
        }
        _ => entries.push((name.replace('_', " "), words(value))),
    }
}

/// A value as one would say it.
fn words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Float(number) => plain(*number),
        Value::Boolean(true) => "yes".to_owned(),
        Value::Boolean(false) => "no".to_owned(),
        Value::Array(values) if values.is_empty() => "none".to_owned(),
        Value::Array(values) => values.iter().map(words).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

fn pictures(path: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let mut found = Vec::new();
    let entries = std::fs::read_dir(path).with_context(|| path.display().to_string())?;
    for entry in entries {
        let file = entry.with_context(|| path.display().to_string())?.path();
        let picture = file
            .extension()
            .is_some_and(|end| end == "png" || end == "svg");
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        // Files that are being written begin with a dot.
        if !picture || name == folder::CURVES || name.starts_with('.') {
            continue;
        }
        let bytes = std::fs::read(&file).with_context(|| file.display().to_string())?;
        found.push((name.into_owned(), bytes));
    }
    let place = |name: &str| ORDER.iter().position(|other| *other == name);
    found.sort_by_cached_key(|(name, _)| (place(name).unwrap_or(ORDER.len()), name.clone()));
    Ok(found)
}

/// Names runs by their whole path where the folder's name alone would mean two of them.
pub(super) fn tell_apart(runs: &mut [RunFiles]) {
    let names: Vec<String> = runs.iter().map(|run| run.name.clone()).collect();
    for run in runs {
        if names.iter().filter(|name| **name == run.name).count() > 1 {
            run.name = run.path.display().to_string();
        }
    }
}
