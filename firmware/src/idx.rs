//! MNIST's file format, IDX, read as a stream: one sample at a time, into memory that the caller lends.
//!
//! An images file is four big-endian words (magic 2051, count, rows, columns) and one byte a pixel;
//! a labels file is two (magic 2049, count) and one byte a label. Whatever brings the bytes, a file,
//! a serial line or a flash chip, only has to implement [`embedded_io::Read`].

use embedded_io::{Error as _, ErrorKind, Read, ReadExactError};
use thumbnet::preparation::Size;

/// First word of an images file: unsigned bytes (8), three dimensions (3).
const IMAGES_MAGIC: u32 = 0x0000_0803;

/// First word of a labels file: unsigned bytes (8), one dimension (1).
const LABELS_MAGIC: u32 = 0x0000_0801;

/// Why a pair of IDX streams does not give the samples that were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IdxError {
    /// The images stream does not start as an IDX images file does.
    NotImages {
        /// The first word of the stream.
        found: u32,
    },
    /// The labels stream does not start as an IDX labels file does.
    NotLabels {
        /// The first word of the stream.
        found: u32,
    },
    /// The images have another number of pixels than the network has inputs.
    WrongSize {
        /// Pixels an image should have.
        expected: usize,
        /// Rows the stream says it has.
        rows: u32,
        /// Columns the stream says it has.
        columns: u32,
    },
    /// The images have as many pixels as those that a network's are prepared from, but other sides.
    WrongSides {
        /// Rows an image should have.
        expected_rows: usize,
        /// Columns an image should have.
        expected_columns: usize,
        /// Rows the stream says it has.
        rows: u32,
        /// Columns the stream says it has.
        columns: u32,
    },
    /// The two streams do not belong together.
    CountsDiffer {
        /// How many images there are.
        images: u32,
        /// How many labels there are.
        labels: u32,
    },
    /// A stream ended before its header or its last sample.
    Truncated {
        /// How many whole samples came before the end.
        samples: u32,
    },
    /// A label is not the number of a class.
    WrongLabel {
        /// The sample that has it, counted from zero.
        sample: u32,
        /// The label found.
        label: u8,
        /// How many classes there are.
        classes: usize,
    },
    /// The stream itself failed.
    Read(ErrorKind),
}

sentences!(IdxError {
    Self::NotImages { found } =>
        "the images start with {}, not with 2051: give an uncompressed IDX images file", found;
    Self::NotLabels { found } =>
        "the labels start with {}, not with 2049: give an uncompressed IDX labels file", found;
    Self::WrongSize { expected, rows, columns } =>
        "the images are {} x {} pixels, the network takes {}: give images of that size",
        rows, columns, expected;
    Self::WrongSides { expected_rows, expected_columns, rows, columns } =>
        "the images are {} x {} pixels, the network's are prepared from {} x {}: give images of that \
         size",
        rows, columns, expected_rows, expected_columns;
    Self::CountsDiffer { images, labels } =>
        "there are {} images and {} labels: give two files of the same set", images, labels;
    Self::Truncated { samples } =>
        "the data ends after {} whole samples, earlier than its header says: fetch it again",
        samples;
    Self::WrongLabel { sample, label, classes } =>
        "sample {} has label {}, expected less than {}: give labels for this network",
        sample, label, classes;
    Self::Read(kind) => "the data cannot be read: {}", kind;
});

impl core::error::Error for IdxError {}

/// Samples of `PIXELS` pixels and a label below `CLASSES`, from a stream of images and one of labels.
///
/// ```
/// use thumbnet_firmware::Samples;
///
/// let images = [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 50, 200];
/// let labels = [0, 0, 8, 1, 0, 0, 0, 1, 7];
///
/// let mut samples = Samples::<_, _, 2, 10>::new(&images[..], &labels[..])?;
/// let mut pixels = [0; 2];
/// assert_eq!(samples.next(&mut pixels)?, Some(7));
/// assert_eq!(pixels, [50, 200]);
/// assert_eq!(samples.next(&mut pixels)?, None);
/// # Ok::<(), thumbnet_firmware::IdxError>(())
/// ```
#[derive(Debug)]
pub struct Samples<Images, Labels, const PIXELS: usize, const CLASSES: usize> {
    images: Images,
    labels: Labels,
    count: u32,
    taken: u32,
}

impl<Images: Read, Labels: Read, const PIXELS: usize, const CLASSES: usize>
    Samples<Images, Labels, PIXELS, CLASSES>
{
    /// Reads both headers.
    ///
    /// # Errors
    ///
    /// If a stream is not of its kind, ends early or cannot be read, if the images are of another
    /// size, or if there are not as many labels as images.
    pub fn new(images: Images, labels: Labels) -> Result<Self, IdxError> {
        Self::open(images, labels, None)
    }

    /// The same for images of this size alone, not of any with as many pixels.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new).
    pub fn of_size(images: Images, labels: Labels, size: Size) -> Result<Self, IdxError> {
        Self::open(images, labels, Some(size))
    }

    fn open(mut images: Images, mut labels: Labels, size: Option<Size>) -> Result<Self, IdxError> {
        let found = read_word(&mut images)?;
        if found != IMAGES_MAGIC {
            return Err(IdxError::NotImages { found });
        }
        let count = read_word(&mut images)?;
        let (rows, columns) = (read_word(&mut images)?, read_word(&mut images)?);
        if u64::from(rows) * u64::from(columns) != PIXELS as u64 {
            return Err(IdxError::WrongSize {
                expected: PIXELS,
                rows,
                columns,
            });
        }
        if let Some(size) = size
            && (rows as usize, columns as usize) != (size.height(), size.width())
        {
            return Err(IdxError::WrongSides {
                expected_rows: size.height(),
                expected_columns: size.width(),
                rows,
                columns,
            });
        }

        let found = read_word(&mut labels)?;
        if found != LABELS_MAGIC {
            return Err(IdxError::NotLabels { found });
        }
        let label_count = read_word(&mut labels)?;
        if label_count != count {
            return Err(IdxError::CountsDiffer {
                images: count,
                labels: label_count,
            });
        }

        Ok(Self {
            images,
            labels,
            count,
            taken: 0,
        })
    }

    /// How many samples have not been read yet.
    pub const fn remaining(&self) -> u32 {
        self.count - self.taken
    }

    /// Forgets all samples but the next `count`.
    pub fn limit(&mut self, count: u32) {
        self.count = self.count.min(self.taken.saturating_add(count));
    }

    /// Reads as many samples as `batch` has room for, or as are left; none after the last one.
    ///
    /// # Errors
    ///
    /// As [`Samples::next`].
    pub fn fill<'b, const BATCH: usize>(
        &mut self,
        batch: &'b mut Batch<PIXELS, BATCH>,
    ) -> Result<(&'b [[u8; PIXELS]], &'b [u8]), IdxError> {
        let mut filled = 0;
        for (pixels, place) in batch.pixels.iter_mut().zip(&mut batch.labels) {
            let Some(label) = self.next(pixels)? else {
                break;
            };
            *place = label;
            filled += 1;
        }
        // `filled` is at most BATCH, so nothing is lost here.
        let (pixels, labels) = (batch.pixels.get(..filled), batch.labels.get(..filled));
        Ok((pixels.unwrap_or_default(), labels.unwrap_or_default()))
    }

    /// Reads the next sample into `pixels` and returns its label, or `None` after the last one.
    ///
    /// # Errors
    ///
    /// If a stream ends early or cannot be read, or if the label is not below `CLASSES`; `pixels`
    /// then holds nothing of use.
    pub fn next(&mut self, pixels: &mut [u8; PIXELS]) -> Result<Option<u8>, IdxError> {
        if self.taken == self.count {
            return Ok(None);
        }
        let sample = self.taken;
        read_whole(&mut self.images, pixels, sample)?;
        let mut label = [0];
        read_whole(&mut self.labels, &mut label, sample)?;
        let [label] = label;
        if usize::from(label) >= CLASSES {
            return Err(IdxError::WrongLabel {
                sample,
                label,
                classes: CLASSES,
            });
        }
        self.taken += 1;
        Ok(Some(label))
    }
}

/// Room for a mini-batch: pixels and labels of up to `BATCH` samples.
///
/// All zero when new, so a `static` of it takes no flash.
#[derive(Clone, Debug)]
pub struct Batch<const PIXELS: usize, const BATCH: usize> {
    pixels: [[u8; PIXELS]; BATCH],
    labels: [u8; BATCH],
}

impl<const PIXELS: usize, const BATCH: usize> Batch<PIXELS, BATCH> {
    /// No samples yet.
    pub const ZEROED: Self = Self {
        pixels: [[0; PIXELS]; BATCH],
        labels: [0; BATCH],
    };

    /// The room for the first sample's pixels, for whoever needs one at a time.
    pub fn first_pixels(&mut self) -> &mut [u8; PIXELS] {
        const { assert!(BATCH > 0, "thumbnet: a batch without room for a sample") };
        &mut self.pixels[0]
    }
}

/// Reads a big-endian word of a header.
fn read_word(source: &mut impl Read) -> Result<u32, IdxError> {
    let mut bytes = [0; 4];
    read_whole(source, &mut bytes, 0)?;
    Ok(u32::from_be_bytes(bytes))
}

/// Fills `buffer`; an end of the stream is reported as coming after `samples` whole samples.
fn read_whole(source: &mut impl Read, buffer: &mut [u8], samples: u32) -> Result<(), IdxError> {
    source.read_exact(buffer).map_err(|error| match error {
        ReadExactError::UnexpectedEof => IdxError::Truncated { samples },
        ReadExactError::Other(error) => IdxError::Read(error.kind()),
    })
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::testing::{images, labels};
    use embedded_io::ErrorType;
    use std::string::ToString;

    const SMALL: [u8; 4] = [1, 2, 3, 4];

    fn open<'a>(
        images: &'a [u8],
        labels: &'a [u8],
    ) -> Result<Samples<&'a [u8], &'a [u8], 2, 10>, IdxError> {
        Samples::new(images, labels)
    }

    /// Gives one byte at a time, as a serial line may, and then an error.
    struct Slow<'a>(&'a [u8]);

    impl ErrorType for Slow<'_> {
        type Error = ErrorKind;
    }

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ErrorKind> {
            let (first, rest) = self.0.split_first().ok_or(ErrorKind::TimedOut)?;
            buffer[0] = *first;
            self.0 = rest;
            Ok(1)
        }
    }

    #[test]
    fn gives_every_sample_and_then_none() {
        let (images, labels) = (images([2, 1, 2], &SMALL), labels(2, &[9, 0]));
        let mut samples = open(&images, &labels).unwrap();
        let mut pixels = [0; 2];

        assert_eq!(samples.remaining(), 2);
        assert_eq!(samples.next(&mut pixels), Ok(Some(9)));
        assert_eq!(pixels, [1, 2]);
        assert_eq!(samples.next(&mut pixels), Ok(Some(0)));
        assert_eq!(pixels, [3, 4]);
        assert_eq!(samples.remaining(), 0);
        assert_eq!(samples.next(&mut pixels), Ok(None));
        assert_eq!(samples.next(&mut pixels), Ok(None));
    }

    #[test]
    fn sides_are_compared() {
        let (images, labels) = (images([2, 1, 2], &SMALL), labels(2, &[9, 0]));
        let of_size = |size| Samples::<_, _, 2, 10>::of_size(&images[..], &labels[..], size);
        assert_eq!(of_size(Size::of::<2, 1>()).unwrap().remaining(), 2);
        assert_eq!(
            of_size(Size::of::<1, 2>()).unwrap_err().to_string(),
            "the images are 1 x 2 pixels, the network's are prepared from 2 x 1: give images of that \
             size"
        );
    }

    #[test]
    fn fills_batches_up_to_the_limit() {
        let (images, labels) = (
            images([5, 1, 2], &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
            labels(5, &[4; 5]),
        );
        let mut samples = open(&images, &labels).unwrap();
        let mut batch = Batch::<2, 2>::ZEROED;

        samples.limit(3);
        assert_eq!(
            samples.fill(&mut batch),
            Ok((&[[0, 1], [2, 3]][..], &[4, 4][..]))
        );
        assert_eq!(samples.fill(&mut batch), Ok((&[[4, 5]][..], &[4][..])));
        assert_eq!(samples.fill(&mut batch), Ok((&[][..], &[][..])));
    }

    #[test]
    fn a_stream_may_come_in_pieces_and_may_fail() {
        let (images, labels) = (images([2, 1, 2], &SMALL[..3]), labels(2, &[9, 0]));
        let mut samples = Samples::<_, _, 2, 10>::new(Slow(&images), Slow(&labels)).unwrap();
        let mut pixels = [0; 2];

        assert_eq!(samples.next(&mut pixels), Ok(Some(9)));
        assert_eq!(
            samples.next(&mut pixels),
            Err(IdxError::Read(ErrorKind::TimedOut))
        );
    }

    #[test]
    fn rejects_streams_of_another_kind() {
        let (images, labels) = (images([2, 1, 2], &SMALL), labels(2, &[9, 0]));

        assert_eq!(
            open(&labels, &labels).unwrap_err(),
            IdxError::NotImages { found: 2049 }
        );
        assert_eq!(
            open(&images, &images).unwrap_err(),
            IdxError::NotLabels { found: 2051 }
        );
    }

    #[test]
    fn rejects_images_of_another_size() {
        let labels = labels(2, &[9, 0]);

        assert_eq!(
            open(&images([1, 2, 2], &SMALL), &labels).unwrap_err(),
            IdxError::WrongSize {
                expected: 2,
                rows: 2,
                columns: 2
            }
        );
        // 65,536 x 65,536 would be zero, and so pass for something small, in 32 bits.
        let huge = images([1, 65_536, 65_536], &SMALL);
        let error = Samples::<_, _, 0, 10>::new(&huge[..], &labels[..]).unwrap_err();
        assert_eq!(
            error,
            IdxError::WrongSize {
                expected: 0,
                rows: 65_536,
                columns: 65_536
            }
        );
    }

    #[test]
    fn rejects_files_of_two_sets() {
        assert_eq!(
            open(&images([2, 1, 2], &SMALL), &labels(3, &[1, 2, 3])).unwrap_err(),
            IdxError::CountsDiffer {
                images: 2,
                labels: 3
            }
        );
    }

    #[test]
    fn every_truncation_is_noticed() {
        let (images, labels) = (images([2, 1, 2], &SMALL), labels(2, &[9, 0]));
        let read_all = |images: &[u8], labels: &[u8]| {
            let mut samples = Samples::<_, _, 2, 10>::new(images, labels)?;
            while samples.next(&mut [0; 2])?.is_some() {}
            Ok(())
        };

        assert_eq!(read_all(&images, &labels), Ok(()));
        for end in 0..images.len() {
            let samples = (end.saturating_sub(16) / 2) as u32;
            assert_eq!(
                read_all(&images[..end], &labels),
                Err(IdxError::Truncated { samples })
            );
        }
        for end in 0..labels.len() {
            let samples = end.saturating_sub(8) as u32;
            assert_eq!(
                read_all(&images, &labels[..end]),
                Err(IdxError::Truncated { samples })
            );
        }
    }

    #[test]
    fn rejects_a_label_that_is_no_class() {
        let (images, labels) = (images([2, 1, 2], &SMALL), labels(2, &[9, 10]));
        let mut samples = open(&images, &labels).unwrap();

        assert_eq!(samples.next(&mut [0; 2]), Ok(Some(9)));
        let error = samples.next(&mut [0; 2]).unwrap_err();
        assert_eq!(
            error,
            IdxError::WrongLabel {
                sample: 1,
                label: 10,
                classes: 10
            }
        );
        assert_eq!(
            error.to_string(),
            "sample 1 has label 10, expected less than 10: give labels for this network"
        );
    }
}
