//! A data set in a folder: which one it is, and whether its files are what they should be.

use std::path::Path;

use anyhow::{Result, ensure};

use super::files::{File, SUMS, read_four};
use super::inflated::Inflated;
use super::known::{FILES, Known};
use super::places::Places;
use super::split::{FileBytes, split};
use super::{Checked, Loaded};

/// Loads the data set in a folder; `source` is the human words for where that is.
///
/// It is compared with the sets that `places` knows. Images and labels with the counts and the size of one of them
/// must be its files, or be vouched for by the folder's SHA256SUMS: a damaged MNIST never passes
/// for somebody's own data.
///
/// # Errors
///
/// A missing file, a file whose SHA-256 is wrong, files of two known sets, a damaged IDX file.
pub(crate) fn load(folder: &Path, source: String, places: &Places) -> Result<Loaded> {
    let files = read_four(folder, &places.inflated())?;
    let known = &places.known();
    // The set most files belong to: what the others are measured against.
    let matches = |set: &Known| (0..4).filter(|&i| files[i].sha256 == set.sha256[i]).count();
    let likely = known
        .iter()
        .copied()
        .rev()
        .max_by_key(|set| matches(set))
        .filter(|set| matches(set) > 0);
    for (pair, what) in [(0, "training"), (2, "test")] {
        check_pair(&files, pair, what, likely, known)?;
    }

    let whole = likely.filter(|set| matches(set) == 4);
    let checked = if whole.is_some() {
        Checked::Known
    } else if files.iter().all(|file| file.vouched) {
        Checked::Sums
    } else {
        Checked::Nothing
    };
    let name = match whole {
        Some(set) => set.name.to_owned(),
        None => folder_name(folder),
    };
    let files = files.map(|file| FileBytes {
        name: file.name(),
        bytes: file.bytes,
    });
    Ok(Loaded {
        dataset: split(name, source, files)?,
        folder: Some(folder.to_owned()),
        checked,
    })
}

/// Loads the data set in a folder that has to hold the four files of `set`.
///
/// # Errors
///
/// As [`load`]; also any file that is not the set's.
pub(crate) fn load_exactly(
    folder: &Path,
    source: String,
    set: &Known,
    inflated: &Inflated,
) -> Result<Loaded> {
    let files = read_four(folder, inflated)?;
    for (index, file) in files.iter().enumerate() {
        require(file, index, set)?;
    }
    let files = files.map(|file| FileBytes {
        name: file.name(),
        bytes: file.bytes,
    });
    Ok(Loaded {
        dataset: split(set.name.to_owned(), source, files)?,
        folder: Some(folder.to_owned()),
        checked: Checked::Known,
    })
}

/// Fails unless `file` is the one at `index` of the set's files.
pub(crate) fn require(file: &File, index: usize, set: &Known) -> Result<()> {
    ensure!(
        file.sha256 == set.sha256[index],
        "{}: expected {} of {} with SHA-256 {}, found {}: the file is damaged or of another data \
         set, fetch it again",
        file.name(),
        FILES[index],
        set.name,
        set.sha256[index],
        file.sha256
    );
    Ok(())
}

/// Checks the images at `pair` and the labels after them.
fn check_pair(
    files: &[File; 4],
    pair: usize,
    what: &str,
    likely: Option<&Known>,
    known: &[&Known],
) -> Result<()> {
    let (images, labels) = (&files[pair], &files[pair + 1]);
    let same_size = |set: &&&Known| {
        images.bytes.len() == set.file_bytes()[pair]
            && labels.bytes.len() == set.file_bytes()[pair + 1]
    };
    let belongs =
        |set: &Known| images.sha256 == set.sha256[pair] && labels.sha256 == set.sha256[pair + 1];
    // Without a single file that tells, the first set of this size is the one it looks like.
    let Some(looks_like) = likely.or_else(|| known.iter().find(same_size).copied()) else {
        return Ok(());
    };
    if belongs(looks_like) {
        return Ok(());
    }
    if let Some(other) = known.iter().find(|set| belongs(set)) {
        anyhow::bail!(
            "{}: expected the {what} images of {}, as the folder's other files are, found those of \
             {}: put one data set in one folder",
            images.name(),
            looks_like.name,
            other.name
        );
    }
    if !same_size(&&looks_like) || (images.vouched && labels.vouched) {
        return Ok(());
    }
    for (file, index) in [(images, pair), (labels, pair + 1)] {
        ensure!(
            file.sha256 == looks_like.sha256[index],
            "{}: expected SHA-256 {} ({} of {}), found {}: the file is damaged, fetch it again; if \
             it is another data set of the same size, say so with `sha256sum *ubyte* > {SUMS}` in \
             that folder",
            file.name(),
            looks_like.sha256[index],
            FILES[index],
            looks_like.name,
            file.sha256
        );
    }
    Ok(())
}

/// What a folder is called, also if it was given as `.` or through a link.
fn folder_name(folder: &Path) -> String {
    let whole = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    match whole.file_name() {
        Some(name) => name.to_string_lossy().into_owned(),
        None => "data".to_owned(),
    }
}
