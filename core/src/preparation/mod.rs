//! What is done to an image before a network sees it: straightening, making it smaller.
//!
//! Both steps turn grey bytes into grey bytes, in integers but for a dozen operations on `f32`, so
//! that a board sees the very pixels that a desktop trained on.
//!
//! - [`deskew`](fn@deskew) moves the centre of mass of the ink to the middle and shears slanted
//!   digits upright, which is worth more to a small network than twice as many hidden units;
//! - [`scale`](fn@scale) averages areas, so that 28 x 28 pixels become 16 x 16, or any others.
//!
//! A [`Preparation`] names what is done, and to images of which size. The weights file holds it
//! ([`Header::preparation`](crate::format::Header)), since a network is of no use without it.

mod deskew;
mod scale;

use core::num::NonZero;

pub use deskew::deskew;
pub use scale::scale;

/// The longest side of an image.
pub const MAX_SIDE: u16 = 1024;

/// Columns and rows of an image, both 1 ..= [`MAX_SIDE`].
///
/// ```
/// use thumbnet::preparation::Size;
/// assert_eq!("28x28".parse(), Ok(Size::of::<28, 28>()));
/// assert_eq!(Size::new(0, 28), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Size {
    width: NonZero<u16>,
    height: NonZero<u16>,
}

impl Size {
    /// A size that is known while compiling; one that is out of range does not compile.
    pub const fn of<const WIDTH: u16, const HEIGHT: u16>() -> Self {
        const {
            match Self::new(WIDTH, HEIGHT) {
                Some(size) => size,
                None => panic!("thumbnet: the sides of an image are 1 to 1024 pixels"),
            }
        }
    }

    /// A size, or none if a side is out of range.
    pub const fn new(width: u16, height: u16) -> Option<Self> {
        match (NonZero::new(width), NonZero::new(height)) {
            (Some(w), Some(h)) if width <= MAX_SIDE && height <= MAX_SIDE => Some(Self {
                width: w,
                height: h,
            }),
            _ => None,
        }
    }

    /// Columns.
    pub const fn width(self) -> usize {
        self.width.get() as usize
    }

    /// Rows.
    pub const fn height(self) -> usize {
        self.height.get() as usize
    }

    /// Bytes of an image: columns times rows.
    pub const fn pixels(self) -> usize {
        self.width() * self.height()
    }
}

/// `28x28`: columns, then rows.
impl core::fmt::Display for Size {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

/// A text that is no [`Size`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct SizeError;

impl core::fmt::Display for SizeError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(
            f,
            "expected columns x rows, each 1 to {MAX_SIDE}, as in 16x16"
        )
    }
}

impl core::error::Error for SizeError {}

impl core::str::FromStr for Size {
    type Err = SizeError;

    fn from_str(text: &str) -> Result<Self, SizeError> {
        let (width, height) = text.split_once('x').ok_or(SizeError)?;
        let side = |text: &str| text.parse().map_err(|_| SizeError);
        Self::new(side(width)?, side(height)?).ok_or(SizeError)
    }
}

/// What is done to an image before a network sees it.
///
/// In flags and recipes a preparation is called `deskew` (yes or no) and `scale-to` (columns x
/// rows); [`new`](Self::new) makes one of both and the size of the images.
///
/// ```
/// use thumbnet::preparation::{Preparation, Size};
///
/// const PREPARATION: Preparation = Preparation::Deskew(Size::of::<3, 3>());
/// // A slanted stroke becomes an upright one.
/// let image = [0, 0, 90, 0, 90, 0, 90, 0, 0];
/// let mut prepared = [0; 9];
/// PREPARATION.apply(&image, &mut prepared, &mut [])?;
/// assert_eq!(prepared, [0, 90, 0, 0, 90, 0, 0, 90, 0]);
/// # Ok::<(), thumbnet::preparation::PreparationError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Preparation {
    /// Nothing: a network's inputs are what there is, images or not.
    #[default]
    None,
    /// [`deskew`](fn@deskew) images of this size, which stays as it is.
    Deskew(Size),
    /// [`scale`](fn@scale) images.
    Scale {
        /// Their size.
        from: Size,
        /// The size that the network sees.
        to: Size,
    },
    /// [`deskew`](fn@deskew) images, and [`scale`](fn@scale) what comes of it.
    DeskewAndScale {
        /// Their size.
        from: Size,
        /// The size that the network sees.
        to: Size,
    },
}

impl Preparation {
    /// What is done to images of size `image`. Scaling them to their own size is nothing to do.
    pub fn new(image: Size, deskew: bool, scale_to: Option<Size>) -> Self {
        match (deskew, scale_to.filter(|&to| to != image)) {
            (false, None) => Self::None,
            (true, None) => Self::Deskew(image),
            (false, Some(to)) => Self::Scale { from: image, to },
            (true, Some(to)) => Self::DeskewAndScale { from: image, to },
        }
    }

    /// The size of the images it is for; none if it is for any inputs.
    pub const fn takes(self) -> Option<Size> {
        match self {
            Self::None => None,
            Self::Deskew(size) => Some(size),
            Self::Scale { from, .. } | Self::DeskewAndScale { from, .. } => Some(from),
        }
    }

    /// The size of the images it makes; none if it leaves inputs as they are.
    pub const fn gives(self) -> Option<Size> {
        match self {
            Self::None => None,
            Self::Deskew(size) => Some(size),
            Self::Scale { to, .. } | Self::DeskewAndScale { to, .. } => Some(to),
        }
    }

    /// Bytes of memory that [`apply`](Self::apply) has to be lent: those of an image if there are
    /// two steps, and otherwise none.
    pub const fn scratch_bytes(self) -> usize {
        match self {
            Self::None | Self::Deskew(_) | Self::Scale { .. } => 0,
            Self::DeskewAndScale { from, .. } => from.pixels(),
        }
    }

    /// Prepares one image: row-major bytes, 0 for background and 255 for ink.
    ///
    /// # Errors
    ///
    /// `image` has not the size that it [`takes`](Self::takes), `prepared` not the one that it
    /// [`gives`](Self::gives) (both have any and the same length for [`Preparation::None`]), or
    /// `scratch` is shorter than [`scratch_bytes`](Self::scratch_bytes). `prepared` is left alone.
    pub fn apply(
        self,
        image: &[u8],
        prepared: &mut [u8],
        scratch: &mut [u8],
    ) -> Result<(), PreparationError> {
        let taken = self.takes().map_or(image.len(), Size::pixels);
        let given = self.gives().map_or(image.len(), Size::pixels);
        if image.len() != taken {
            return Err(PreparationError::Image {
                expected: taken,
                found: image.len(),
            });
        }
        if prepared.len() != given {
            return Err(PreparationError::Prepared {
                expected: given,
                found: prepared.len(),
            });
        }
        let too_short = PreparationError::Scratch {
            expected: self.scratch_bytes(),
            found: scratch.len(),
        };
        let between = scratch.get_mut(..self.scratch_bytes()).ok_or(too_short)?;
        match self {
            // Equally long: seen to above.
            Self::None => prepared.copy_from_slice(image),
            Self::Deskew(size) => deskew(size, image, prepared),
            Self::Scale { from, to } => scale(from, image, to, prepared),
            Self::DeskewAndScale { from, to } => {
                deskew(from, image, between);
                scale(from, between, to, prepared);
            }
        }
        Ok(())
    }
}

/// `28x28, deskewed, scaled to 16x16`, or `as they are`.
impl core::fmt::Display for Preparation {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::None => f.write_str("as they are"),
            Self::Deskew(size) => write!(f, "{size}, deskewed"),
            Self::Scale { from, to } => write!(f, "{from}, scaled to {to}"),
            Self::DeskewAndScale { from, to } => write!(f, "{from}, deskewed, scaled to {to}"),
        }
    }
}

/// Why an image cannot be prepared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum PreparationError {
    /// The image is of another size.
    Image {
        /// Bytes that it should have.
        expected: usize,
        /// Bytes that it has.
        found: usize,
    },
    /// The memory for the prepared image is of another size.
    Prepared {
        /// Bytes that it should have.
        expected: usize,
        /// Bytes that it has.
        found: usize,
    },
    /// The memory for what is between two steps is too short.
    Scratch {
        /// Bytes that it should have at least.
        expected: usize,
        /// Bytes that it has.
        found: usize,
    },
}

impl core::fmt::Display for PreparationError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (what, expected, found) = match self {
            Self::Image { expected, found } => ("an image", expected, found),
            Self::Prepared { expected, found } => ("memory for a prepared image", expected, found),
            Self::Scratch { expected, found } => ("memory between two steps", expected, found),
        };
        write!(f, "{what} of {expected} bytes expected, {found} found")
    }
}

impl core::error::Error for PreparationError {}
