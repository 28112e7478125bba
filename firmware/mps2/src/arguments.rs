//! The command line that `thumbnet emulate` passes in: the data folder, then the user's arguments.

use core::{ffi::CStr, mem::MaybeUninit, str};
use embedded_io::Error as _;
use semihosting::sys::arm_compat::sys_get_cmdline_uninit;
use thumbnet::preparation::Size;
use thumbnet_firmware::words::word;
use thumbnet_firmware::{IdxError, Samples};

use crate::file::HostFile;
use crate::flash::HostFlash;

/// How long a command line may be, with its final zero byte. It is on the stack, but only while it is
/// looked at: before the program's work begins, and not while its other data is on the stack.
const LONGEST_LINE: usize = 384;

/// How long the path of a data file may be, with its final zero byte.
const LONGEST_PATH: usize = 320;

/// Samples in files of the desktop: `PIXELS` bytes an image, and labels below `CLASSES`.
pub type FileSamples<const PIXELS: usize, const CLASSES: usize> =
    Samples<HostFile, HostFile, PIXELS, CLASSES>;

/// MNIST's samples.
pub type MnistSamples = FileSamples<784, 10>;

/// Which of MNIST's two sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Set {
    /// 60,000 samples to train on.
    Train,
    /// 10,000 samples to test with.
    Test,
}

impl Set {
    /// The files of the images and of the labels, under the names they were published with.
    const fn files(self) -> [&'static str; 2] {
        match self {
            Self::Train => ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"],
            Self::Test => ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"],
        }
    }
}

/// Why a program did not get what its command line promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ArgumentError {
    /// There is no command line, it is too long, or it is not UTF-8.
    Unreadable,
    /// An argument should be a number and is not.
    NotANumber {
        /// Which of the user's arguments, counted from one.
        position: usize,
    },
    /// An argument is a number out of range.
    OutOfRange {
        /// Which of the user's arguments, counted from one.
        position: usize,
        /// The smallest number that it may be.
        least: u32,
        /// The largest.
        most: u32,
    },
    /// An argument should be the path of a file and is missing.
    NoPath {
        /// Which of the user's arguments, counted from one.
        position: usize,
    },
    /// An argument is the path of a file that does not open.
    PathDoesNotOpen {
        /// Which of the user's arguments, counted from one.
        position: usize,
        /// Why not.
        reason: embedded_io::ErrorKind,
    },
    /// No data folder was passed in.
    NoData,
    /// The data folder's path does not fit.
    PathTooLong,
    /// A file of the data folder does not open.
    DoesNotOpen {
        /// Its name.
        file: &'static str,
        /// Why not.
        reason: embedded_io::ErrorKind,
    },
    /// The files do not hold what they should.
    Samples(IdxError),
}

impl From<IdxError> for ArgumentError {
    fn from(error: IdxError) -> Self {
        Self::Samples(error)
    }
}

impl defmt::Format for ArgumentError {
    fn format(&self, formatter: defmt::Formatter<'_>) {
        match *self {
            Self::Unreadable => defmt::write!(
                formatter,
                "the command line is not UTF-8 of up to {} bytes: use a data folder with a shorter path",
                LONGEST_LINE - 1
            ),
            Self::NotANumber { position } => defmt::write!(
                formatter,
                "argument {} should be a whole number, such as 1000",
                position
            ),
            Self::OutOfRange {
                position,
                least,
                most,
            } => defmt::write!(
                formatter,
                "argument {} should be from {} to {}",
                position,
                least,
                most
            ),
            Self::NoPath { position } => defmt::write!(
                formatter,
                "argument {} should be the path of a file, which is made if it is not there",
                position
            ),
            Self::PathDoesNotOpen { position, reason } => defmt::write!(
                formatter,
                "the file of argument {} does not open ({}): give a file that can be written",
                position,
                reason
            ),
            Self::NoData => defmt::write!(
                formatter,
                "this program needs MNIST: name its folder with --data DIR"
            ),
            Self::PathTooLong => defmt::write!(
                formatter,
                "a file's path is longer than {} bytes: use a folder with a shorter path",
                LONGEST_PATH - 1
            ),
            Self::DoesNotOpen { file, reason } => defmt::write!(
                formatter,
                "{} does not open ({}): give --data a folder of uncompressed MNIST files",
                file,
                reason
            ),
            Self::Samples(error) => defmt::write!(formatter, "{}", error),
        }
    }
}

/// The command line as `thumbnet emulate` writes it: program, data folder, the user's arguments.
fn line(buffer: &mut [MaybeUninit<u8>; LONGEST_LINE]) -> Result<&str, ArgumentError> {
    let line = sys_get_cmdline_uninit(buffer).map_err(|_| ArgumentError::Unreadable)?;
    str::from_utf8(line).map_err(|_| ArgumentError::Unreadable)
}

/// Whether the user's first argument is this word.
///
/// # Errors
///
/// If there is no readable command line.
// Not inlined, and so are the others: the line is on the stack only while it is looked at.
#[inline(never)]
pub fn first_is(expected: &str) -> Result<bool, ArgumentError> {
    let mut buffer = [MaybeUninit::uninit(); LONGEST_LINE];
    Ok(word(line(&mut buffer)?, 2) == Some(expected))
}

/// The user's argument at `position`, counted from one, as a number; `default` if there is none.
///
/// # Errors
///
/// If it is not a number.
#[inline(never)]
pub fn number(position: usize, default: u32) -> Result<u32, ArgumentError> {
    let mut buffer = [MaybeUninit::uninit(); LONGEST_LINE];
    word(line(&mut buffer)?, position + 1).map_or(Ok(default), |text| {
        text.parse()
            .map_err(|_| ArgumentError::NotANumber { position })
    })
}

/// [`number`], which must be from `least` to `most`.
///
/// # Errors
///
/// If it is not such a number.
pub fn number_within(
    position: usize,
    default: u32,
    (least, most): (u32, u32),
) -> Result<u32, ArgumentError> {
    let number = number(position, default)?;
    if (least..=most).contains(&number) {
        Ok(number)
    } else {
        Err(ArgumentError::OutOfRange {
            position,
            least,
            most,
        })
    }
}

/// Opens a set of MNIST in the data folder, and forgets all but its first `count` samples.
///
/// # Errors
///
/// If no data folder was passed in, or its files are missing or are not MNIST.
#[inline(never)]
pub fn samples(set: Set, count: u32) -> Result<MnistSamples, ArgumentError> {
    samples_of_size(set, count, None)
}

/// The same for another data set: images of this size, if it matters, and of so many `PIXELS`.
///
/// # Errors
///
/// If no data folder was passed in, or its files are missing or hold other samples.
#[inline(never)]
pub fn samples_of_size<const PIXELS: usize, const CLASSES: usize>(
    set: Set,
    count: u32,
    size: Option<Size>,
) -> Result<FileSamples<PIXELS, CLASSES>, ArgumentError> {
    let [images, labels] = set.files();
    let (images, labels) = (open(images)?, open(labels)?);
    let mut samples = match size {
        Some(size) => Samples::of_size(images, labels, size)?,
        None => Samples::new(images, labels)?,
    };
    samples.limit(count);
    Ok(samples)
}

/// Opens a file of the data folder.
#[inline(never)]
fn open(file: &'static str) -> Result<HostFile, ArgumentError> {
    let mut buffer = [MaybeUninit::uninit(); LONGEST_LINE];
    let folder = word(line(&mut buffer)?, 1)
        .filter(|folder| !folder.is_empty())
        .ok_or(ArgumentError::NoData)?;

    let mut path = [0; LONGEST_PATH];
    let path = c_path(&[folder, "/", file], &mut path)?;
    HostFile::open(path).map_err(|error| ArgumentError::DoesNotOpen {
        file,
        reason: error.kind(),
    })
}

/// The flash in the file of the user's argument at `position`, counted from one.
///
/// # Errors
///
/// If there is no such argument, or the file cannot be opened or made.
#[inline(never)]
pub fn flash(position: usize) -> Result<HostFlash, ArgumentError> {
    let mut buffer = [MaybeUninit::uninit(); LONGEST_LINE];
    let file = word(line(&mut buffer)?, position + 1).ok_or(ArgumentError::NoPath { position })?;
    let mut path = [0; LONGEST_PATH];
    HostFlash::open(c_path(&[file], &mut path)?).map_err(|error| ArgumentError::PathDoesNotOpen {
        position,
        reason: error.kind(),
    })
}

/// Puts a path together, with the zero byte that ends it.
fn c_path<'b>(parts: &[&str], path: &'b mut [u8]) -> Result<&'b CStr, ArgumentError> {
    let mut end = 0;
    for part in parts.iter().chain(&["\0"]) {
        path.get_mut(end..end + part.len())
            .ok_or(ArgumentError::PathTooLong)?
            .copy_from_slice(part.as_bytes());
        end += part.len();
    }
    CStr::from_bytes_until_nul(path).map_err(|_| ArgumentError::PathTooLong)
}
