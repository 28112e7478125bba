//! What a search leaves: `tune.toml`, what is searched, and `trials.csv`, what came of it so far.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use super::space::Space;
use crate::files::write_atomically;
use crate::recipe::{Recipe, file};
use crate::run::fit::Fit;
use crate::run::settings::MOST_OF_A_SEARCH;

const HEADING: &str = "\
# A search of thumbnet for hyper-parameters. `thumbnet tune --resume` goes on with it, from the rows
# of trials.csv.
";

/// Everything that the outcome of a search follows from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// How many settings are drawn.
    pub trials: usize,
    /// Epochs of the longest trainings.
    pub budget: usize,
    /// What they are drawn from.
    pub ranges: Space,
    /// What they have in common.
    pub recipe: Recipe,
}

impl Settings {
    /// Writes them.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let text = format!("{HEADING}{}", toml::to_string(self)?);
        write_atomically(path, text.as_bytes())
    }

    /// Reads what [`write`](Self::write) wrote.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or is not what is written there.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the search {}", path.display()))?;
        let settings: Self = file::read(&text, &path.display().to_string())?;
        for (key, count) in [("trials", settings.trials), ("budget", settings.budget)] {
            ensure!(
                (1..=MOST_OF_A_SEARCH).contains(&count),
                "{}: {key}: expected a whole number from 1 to {MOST_OF_A_SEARCH}, found {count}",
                path.display()
            );
        }
        settings.recipe.check()?;
        Ok(settings)
    }
}

/// One training, as a row of `trials.csv`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Which setting, counted from 0.
    pub trial: usize,
    /// For how many epochs it was trained.
    pub epochs: usize,
    /// What was drawn, or as the recipe has it.
    pub learning_rate: f64,
    /// See `learning_rate`.
    pub l2: f64,
    /// See `learning_rate`.
    pub batch_size: usize,
    /// See `learning_rate`.
    pub momentum: f64,
    /// Units of each hidden layer, with dashes between.
    pub hidden: String,
    /// One rate, or one for each hidden layer with commas between.
    pub dropout: String,
    /// Share of the validation images read right after the best epoch; NaN if there was none.
    pub validation_accuracy: f64,
    /// Their cost at that time.
    pub validation_cost: f64,
    /// The training cost of that epoch.
    pub train_cost: f64,
    /// Which epoch was best; 0 if it diverged in the first.
    pub best_epoch: usize,
    /// Why it ended.
    pub stopped: String,
    /// How long it took, in seconds.
    pub seconds: f64,
}

impl Row {
    /// What came of a training.
    pub fn new(trial: usize, recipe: &Recipe, fit: &Fit) -> Self {
        let joined = |values: Vec<String>, between| values.join(between);
        let best = fit.best_epoch.checked_sub(1);
        let best = best.and_then(|index| fit.history.get(index));
        let figure = |record: Option<f64>| record.unwrap_or(f64::NAN);
        Self {
            trial,
            epochs: recipe.epochs,
            learning_rate: recipe.learning_rate,
            l2: recipe.l2,
            batch_size: recipe.batch_size,
            momentum: recipe.momentum,
            hidden: joined(recipe.hidden.iter().map(usize::to_string).collect(), "-"),
            dropout: joined(recipe.dropout.iter().map(f64::to_string).collect(), ","),
            validation_accuracy: figure(best.map(|record| record.validation_accuracy)),
            validation_cost: figure(best.map(|record| record.validation_cost)),
            train_cost: figure(best.map(|record| record.train_cost)),
            best_epoch: fit.best_epoch,
            stopped: fit.stopped.map_or("", |stopped| stopped.name()).to_owned(),
            seconds: fit.history.iter().map(|record| record.seconds).sum(),
        }
    }
}

/// Writes the whole table, so that it is never a half-written one.
///
/// # Errors
///
/// When the file cannot be written.
pub fn write_rows(rows: &[Row], path: &Path) -> Result<()> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.serialize(row)?;
    }
    write_atomically(path, &writer.into_inner()?)
}

/// Reads what [`write_rows`] wrote; no rows if there is no file.
///
/// # Errors
///
/// When the file cannot be read, or a row is no result: says which row, and why.
pub fn read_rows(path: &Path) -> Result<Vec<Row>> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let read = || csv::Reader::from_path(path)?.deserialize().collect();
    let rows: Result<_, csv::Error> = read();
    rows.with_context(|| format!("cannot read the results {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tune::space::Range;

    #[test]
    fn what_is_written_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tune.toml");
        let settings = Settings {
            trials: 27,
            budget: 9,
            ranges: Space {
                l2: Some(Range::new(0.1, 1.0 / 3.0)),
                ..Space::default()
            },
            recipe: Recipe::built_in("default").unwrap(),
        };
        settings.write(&path).unwrap();
        assert_eq!(Settings::read(&path).unwrap(), settings);
        std::fs::write(&path, "trials = 3\n").unwrap();
        let error = format!("{:#}", Settings::read(&path).unwrap_err());
        assert!(error.contains("tune.toml"), "{error}");

        let path = folder.path().join("trials.csv");
        assert_eq!(read_rows(&path).unwrap(), []);
        let rows = [0.1 + 0.2, 1e-300, f64::INFINITY, 2.0 / 3.0].map(|value| Row {
            validation_accuracy: value,
            learning_rate: value,
            dropout: "0.1,0.2".to_owned(),
            ..Row::default()
        });
        write_rows(&rows, &path).unwrap();
        assert_eq!(read_rows(&path).unwrap(), rows);
        let diverged = Row {
            validation_cost: f64::NAN,
            ..Row::default()
        };
        write_rows(&[diverged], &path).unwrap();
        assert!(read_rows(&path).unwrap()[0].validation_cost.is_nan());
        std::fs::write(&path, "trial,epochs\n1,2\n").unwrap();
        let error = format!("{:#}", read_rows(&path).unwrap_err());
        assert!(
            error.contains("trials.csv") && error.contains("missing field"),
            "{error}"
        );
    }
}
