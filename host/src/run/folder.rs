//! The folder of a run: found or made before training starts, and filled epoch by epoch.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::fit::Fit;
use super::interrupt::uninterrupted;
use super::record::Record;
use super::state;
use crate::files::write_atomically;
use crate::history::write_csv;

/// Where runs go that are not told where to go.
const RUNS: &str = "runs";

/// The weights with the best validation accuracy.
pub const MODEL: &str = "model.thumbnet";
/// The weights after the last epoch.
pub const LAST: &str = "last.thumbnet";
/// One row an epoch.
pub const HISTORY: &str = "history.csv";
/// What it takes to repeat the run.
pub const RECORD: &str = "run.toml";
/// What it takes to go on with the run.
pub const STATE: &str = "state.bin";
/// Cost and accuracy over the epochs.
pub const CURVES: &str = "curves.svg";
/// Which class is taken for which.
pub const CONFUSION: &str = "confusion.svg";
/// What each hidden unit looks for.
pub const FIRST_LAYER: &str = "first-layer.png";
/// The worst misread images.
pub const MISTAKES: &str = "mistakes.png";
/// Which points of the plane are taken for which class.
pub const BOUNDARY: &str = "boundary.png";
/// What `find-learning-rate` tried, drawn.
pub const RATES: &str = "learning-rates.svg";
/// The same in numbers.
pub const RATES_TABLE: &str = "learning-rates.csv";
/// What `tune` searches.
pub const TUNE: &str = "tune.toml";
/// Every training of it.
pub const TRIALS: &str = "trials.csv";
/// The same drawn, setting by setting.
pub const PARALLEL: &str = "parallel.svg";
/// The recipe that it found.
pub const BEST: &str = "best.toml";

/// The report of `thumbnet chapter3`.
pub const CHAPTER3: &str = "chapter3.html";
/// Its claims and verdicts.
pub const CLAIMS: &str = "claims.csv";
/// What was measured for it.
pub const POINTS: &str = "points.csv";

/// Everything that a run writes: none of these is ever overwritten by another run.
const FILES: [&str; 19] = [
    MODEL,
    LAST,
    HISTORY,
    RECORD,
    STATE,
    CURVES,
    CONFUSION,
    FIRST_LAYER,
    MISTAKES,
    BOUNDARY,
    RATES,
    RATES_TABLE,
    TUNE,
    TRIALS,
    PARALLEL,
    BEST,
    CHAPTER3,
    CLAIMS,
    POINTS,
];

/// A folder that belongs to one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFolder {
    /// Its path, as the user would type it.
    pub path: PathBuf,
    /// Where the run went that was in it before, if there was one.
    pub moved: Option<PathBuf>,
}

impl RunFolder {
    /// The folder `out`, or the next free `runs/RECIPE-k`. If `out` holds a run, that run is moved
    /// aside to `out.1`, or the next free number.
    ///
    /// # Errors
    ///
    /// The folder cannot be made or moved, or `out` is a file.
    pub fn claim(out: Option<&Path>, recipe: &str) -> Result<Self> {
        match out {
            Some(out) => Self::claim_named(out).context("--out"),
            None => Self::claim_next(Path::new(RUNS), recipe),
        }
    }

    fn claim_next(runs: &Path, recipe: &str) -> Result<Self> {
        fs::create_dir_all(runs)
            .with_context(|| format!("cannot make the folder {}", runs.display()))?;
        for number in 1_u64.. {
            let path = runs.join(format!("{recipe}-{number}"));
            // Making it is what claims it: two runs that start at once get two folders.
            match fs::create_dir(&path) {
                Ok(()) => return Ok(Self { path, moved: None }),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => {
                    return Err(error)
                        .with_context(|| format!("cannot make the folder {}", path.display()));
                }
            }
        }
        bail!("{}: all names are taken", runs.display())
    }

    fn claim_named(out: &Path) -> Result<Self> {
        let mut path = out.to_owned();
        let mut moved = None;
        match fs::metadata(out) {
            Ok(found) if !found.is_dir() => bail!(
                "expected a folder, or a name that is free, found the file {}",
                out.display()
            ),
            Ok(_) if FILES.iter().any(|file| out.join(file).exists()) => {
                // A folder named `.` or `..` has another name too, which can be changed.
                if out.file_name().is_none() {
                    path = out
                        .canonicalize()
                        .with_context(|| format!("cannot find {}", out.display()))?;
                }
                moved = Some(move_aside(&path)?);
            }
            _ => {}
        }
        fs::create_dir_all(&path)
            .with_context(|| format!("cannot make the folder {}", path.display()))?;
        Ok(Self { path, moved })
    }

    /// The path of one of its files.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes `run.toml`. The first time, this is also how a folder that cannot be written to is
    /// found before any training.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn write_record(&self, record: &Record) -> Result<()> {
        let text = record.to_toml()?;
        uninterrupted(|| write_atomically(&self.file(RECORD), text.as_bytes()))
    }

    /// The folder of a run that is to go on.
    pub fn of_run(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            moved: None,
        }
    }

    /// Writes the weights, the history and the state, so that whatever ends the program, a run loses at most
    /// the epoch at hand.
    ///
    /// # Errors
    ///
    /// When a file cannot be written.
    pub fn write_epoch(&self, fit: &Fit, data_crc32: u32) -> Result<()> {
        uninterrupted(|| {
            fit.last.save(&self.file(LAST))?;
            // The best weights are new only after the epoch they are from; before any, they are
            // those that it all began with.
            if fit.best_epoch == fit.history.len() || fit.best_epoch == 0 {
                fit.best.save(&self.file(MODEL))?;
            }
            write_csv(&fit.history, self.file(HISTORY))?;
            // Last: whoever goes on from it finds the other files as new or newer.
            state::save(fit, data_crc32, &self.file(STATE))
        })
    }
}

/// Renames a folder to the next free `FOLDER.k`.
fn move_aside(folder: &Path) -> Result<PathBuf> {
    for number in 1_u64.. {
        let mut name = folder.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{number}"));
        let aside = folder.with_file_name(name);
        if fs::symlink_metadata(&aside).is_ok() {
            continue;
        }
        fs::rename(folder, &aside).with_context(|| {
            format!(
                "cannot move the run that is in {} to {}",
                folder.display(),
                aside.display()
            )
        })?;
        return Ok(aside);
    }
    bail!("{}: all names are taken", folder.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(out: &Path) -> Result<RunFolder> {
        RunFolder::claim(Some(out), "any")
    }

    #[test]
    fn the_next_free_number_is_taken() {
        let place = tempfile::tempdir().unwrap();
        let runs = place.path().join("new").join("runs");
        let names: Vec<PathBuf> = (0..3)
            .map(|_| RunFolder::claim_next(&runs, "book-30").unwrap().path)
            .collect();
        assert_eq!(names[0], runs.join("book-30-1"));
        assert_eq!(names[2], runs.join("book-30-3"));
        // A gap is free, and so is another recipe's first number.
        fs::remove_dir(&names[1]).unwrap();
        assert_eq!(
            RunFolder::claim_next(&runs, "book-30").unwrap().path,
            names[1]
        );
        let other = RunFolder::claim_next(&runs, "default").unwrap();
        assert!(other.path.ends_with("default-1") && other.path.is_dir());
    }

    #[test]
    fn a_run_is_moved_aside_and_stays_whole() {
        let place = tempfile::tempdir().unwrap();
        let out = place.path().join("mine");
        for number in 0..3 {
            let folder = claim(&out).unwrap();
            assert_eq!(folder.path, out);
            let moved = (number > 0).then(|| place.path().join(format!("mine.{number}")));
            assert_eq!(folder.moved, moved);
            fs::write(folder.file(RECORD), format!("{number}")).unwrap();
            fs::write(folder.file(MODEL), format!("{number}")).unwrap();
        }
        for (name, content) in [("mine", "2"), ("mine.1", "0"), ("mine.2", "1")] {
            for file in [RECORD, MODEL] {
                let found = fs::read_to_string(place.path().join(name).join(file)).unwrap();
                assert_eq!(found, content);
            }
        }
    }

    #[test]
    fn folders_without_a_run_are_used_as_they_are() {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join("notes.txt"), "").unwrap();
        assert_eq!(claim(place.path()).unwrap().moved, None);
        // A single file that a run would replace makes it one.
        fs::write(place.path().join(MISTAKES), "").unwrap();
        let moved = claim(place.path()).unwrap().moved.unwrap();
        assert!(moved.join("notes.txt").exists());
        fs::remove_dir_all(moved).unwrap();
    }

    #[test]
    fn dots_are_moved_under_their_real_name() {
        let place = tempfile::tempdir().unwrap();
        let run = place.path().join("run");
        fs::create_dir_all(run.join("inside")).unwrap();
        fs::write(run.join(RECORD), "old").unwrap();
        let folder = claim(&run.join("inside").join("..")).unwrap();
        let real = place.path().canonicalize().unwrap();
        assert_eq!(folder.path, real.join("run"));
        assert_eq!(folder.moved, Some(real.join("run.1")));
        assert!(!folder.file(RECORD).exists());
    }

    #[test]
    fn a_file_is_no_folder() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("file");
        fs::write(&file, "precious").unwrap();
        for out in [file.clone(), file.join("below")] {
            let error = format!("{:#}", claim(&out).unwrap_err());
            assert!(error.starts_with("--out: "), "{error}");
        }
        assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
    }
}
