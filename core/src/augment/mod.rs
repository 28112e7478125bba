//! Augmentation: training images shifted, turned, scaled, sheared and bent at random.
//!
//! More data is the best regularisation, and an image of a digit that is turned a little is
//! another image of that digit (Nielsen, chapter 3, "Other techniques for regularization").
//! Smooth random displacement fields do for handwriting what muscles do (Simard, Steinkraus and
//! Platt, "Best practices for convolutional neural networks applied to visual document analysis",
//! 2003).
//!
//! Everything beyond a dozen numbers per image is integer arithmetic, so boards without a
//! floating-point unit augment too, and all targets make the same bits.

mod map;
mod warp;

use core::fmt;

use rand_core::Rng;

pub use map::{Map, NODES, PATCHES, Span};
pub use warp::bilinear;

use crate::random::uniform;

/// How strongly images are distorted: the largest, or typical, size of each random change.
///
/// Every number is finite and from 0, which is none of it, to that of [`Augment::MOST`].
///
/// ```
/// use thumbnet::augment::Augment;
/// use thumbnet::prelude::*;
///
/// const AUGMENT: Augment = Augment { shift: 1.0, rotation: 0.1, ..Augment::NONE };
/// let mut rng = XorShiftRng::seed_from_u64(7);
/// let image = [0, 0, 0, 0, 255, 0, 0, 0, 0];
/// let mut distorted = [0; 9];
/// AUGMENT.apply(&mut rng, 3, 3, &image, &mut distorted)?;
/// assert_ne!(distorted, image);
/// Augment::NONE.apply(&mut rng, 3, 3, &image, &mut distorted)?;
/// assert_eq!(distorted, image);
/// # Ok::<(), thumbnet::augment::AugmentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Augment {
    /// Translation in pixels, uniform in `-shift .. shift` along each axis.
    pub shift: f32,
    /// Rotation about the centre in radians, uniform in `-rotation .. rotation`.
    pub rotation: f32,
    /// Scaling about the centre as a fraction of one: each axis by its own factor, uniform in
    /// `1 - scale .. 1 + scale`.
    pub scale: f32,
    /// Shear as a fraction of one: a row moves sideways by its distance from the centre times a
    /// factor that is uniform in `-shear .. shear`.
    pub shear: f32,
    /// Elastic deformation in pixels: the root mean square, along each axis, of a smooth random
    /// displacement of every pixel.
    pub elastic: f32,
}

impl Augment {
    /// Every image stays as it is, bit for bit.
    pub const NONE: Self = Self {
        shift: 0.0,
        rotation: 0.0,
        scale: 0.0,
        shear: 0.0,
        elastic: 0.0,
    };

    /// The largest that each number may be: as far as coordinates of 16 whole bits reach.
    pub const MOST: Self = Self {
        shift: 4096.0,
        rotation: core::f32::consts::PI,
        scale: 0.5,
        shear: 1.0,
        elastic: 128.0,
    };

    /// Whether nothing is changed at all.
    pub fn is_none(&self) -> bool {
        *self == Self::NONE
    }

    /// Whether every number is in its range.
    ///
    /// # Errors
    /// [`AugmentError::Strength`] for the first that is not.
    pub fn check(&self) -> Result<(), AugmentError> {
        let Self {
            shift,
            rotation,
            scale,
            shear,
            elastic,
        } = *self;
        within(Strength::Shift, 0.0, shift)?;
        within(Strength::Rotation, 0.0, rotation)?;
        within(Strength::Scale, 0.0, scale)?;
        within(Strength::Shear, 0.0, shear)?;
        within(Strength::Elastic, 0.0, elastic)
    }

    /// Draws what is to be done to one image: six random words, and 49 more for an elastic field.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn draw<R: Rng + ?Sized>(&self, rng: &mut R) -> Result<Distortion, AugmentError> {
        self.check()?;
        let mut within = |most: f32| most * (2.0 * uniform(rng) - 1.0);
        let mut distortion = Distortion {
            shift: [within(self.shift), within(self.shift)],
            rotation: within(self.rotation),
            scale: [within(self.scale), within(self.scale)],
            shear: within(self.shear),
            elastic: self.elastic,
            field: [[[0; 2]; CONTROLS]; CONTROLS],
        };
        if self.elastic > 0.0 {
            for control in distortion.field.as_flattened_mut() {
                let word = rng.next_u32();
                *control = [(word >> 16) as i16, word as i16];
            }
        }
        Ok(distortion)
    }

    /// Draws a distortion and applies it: [`draw`](Self::draw), then [`Distortion::apply`].
    ///
    /// # Shapes
    /// `input`, `output`: `[height][width]`, row-major.
    /// # Errors
    /// Those of both.
    pub fn apply<R: Rng + ?Sized>(
        &self,
        rng: &mut R,
        width: usize,
        height: usize,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<(), AugmentError> {
        self.draw(rng)?.apply(width, height, input, output)
    }
}

/// Control points along each axis of an elastic field.
pub const CONTROLS: usize = 7;

/// What is done to one image. With `c` the image's centre, what was at `p` comes to
///
/// `c + shift + R(rotation) H(shear) S(scale) (p - c)`
///
/// where `S` multiplies x by `1 + scale[0]` and y by `1 + scale[1]`, `H` adds `shear` y to x, and
/// `R` turns from x to y: clockwise as one sees it, since y counts rows downwards. The elastic
/// field then says from where else each pixel is fetched. Images are sampled bilinearly, and black
/// (0) outside.
///
/// ```
/// use thumbnet::augment::Distortion;
///
/// let right = Distortion { shift: [1.0, 0.0], ..Distortion::NONE };
/// let mut moved = [9; 6];
/// right.apply(3, 2, &[1, 2, 3, 4, 5, 6], &mut moved)?;
/// assert_eq!(moved, [0, 1, 2, 0, 4, 5]);
/// # Ok::<(), thumbnet::augment::AugmentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Distortion {
    /// Pixels to the right and downwards, each from -4096 to 4096.
    pub shift: [f32; 2],
    /// Radians clockwise, from -pi to pi.
    pub rotation: f32,
    /// How much wider and how much higher, as a fraction: each from -0.5 to 0.5.
    pub scale: [f32; 2],
    /// How far a pixel goes to the right for each row that it is below the centre, from -1 to 1.
    pub shear: f32,
    /// Root mean square, in pixels, of the displacements that a random `field` causes along each
    /// axis, from 0 to 128.
    pub elastic: f32,
    /// The elastic field's control points, rows first, each with its x and y: independent and
    /// uniform over all of `i16`. They control a uniform cubic B-spline of 4 x 4 cells over the
    /// image, evaluated at cell corners and half-way (9 x 9 nodes), and bilinear between these.
    /// On 28 x 28 pixels a cell is 7 wide, and the spline as smooth as a Gaussian of standard
    /// deviation `7 / sqrt(3) = 4.04`, which is Simard's choice; his strength is `elastic` 1.4.
    pub field: [[[i16; 2]; CONTROLS]; CONTROLS],
}

impl Distortion {
    /// Changes nothing.
    pub const NONE: Self = Self {
        shift: [0.0; 2],
        rotation: 0.0,
        scale: [0.0; 2],
        shear: 0.0,
        elastic: 0.0,
        field: [[[0; 2]; CONTROLS]; CONTROLS],
    };

    /// One pixel up, down, left and right: what the book expands its training data by, to five
    /// times as many images.
    pub const ONE_PIXEL: [Self; 4] = [
        Self::shifted([0.0, -1.0]),
        Self::shifted([0.0, 1.0]),
        Self::shifted([-1.0, 0.0]),
        Self::shifted([1.0, 0.0]),
    ];

    /// A translation alone, in pixels to the right and downwards. By whole pixels it is exact.
    pub const fn shifted(shift: [f32; 2]) -> Self {
        Self {
            shift,
            ..Self::NONE
        }
    }

    /// Writes the distorted `input` to `output`.
    ///
    /// # Shapes
    /// `input`, `output`: `[height][width]`, row-major; `width` and `height` up to 4096.
    /// # Errors
    /// A length that is not `width` times `height`, a side that is too long, or a number out of
    /// its range; `output` is then as it was.
    pub fn apply(
        &self,
        width: usize,
        height: usize,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<(), AugmentError> {
        self.check(width, height)?;
        let expected = width * height;
        for found in [input.len(), output.len()] {
            if found != expected {
                return Err(AugmentError::Length { expected, found });
            }
        }
        warp::warp(self, width, height, input, output);
        Ok(())
    }

    /// From where the pixels of an image of `width` x `height` pixels, each up to 4096, come: for
    /// those who sample it by themselves.
    ///
    /// # Errors
    /// A side that is too long, or a number out of its range.
    pub fn map(&self, width: usize, height: usize) -> Result<Map<'_>, AugmentError> {
        self.check(width, height)?;
        Ok(Map::new(self, width, height))
    }

    /// Whether sides and numbers are in their range.
    #[inline(always)]
    fn check(&self, width: usize, height: usize) -> Result<(), AugmentError> {
        if width > LONGEST || height > LONGEST {
            return Err(AugmentError::Size { width, height });
        }
        for axis in [0, 1] {
            within(Strength::Shift, -1.0, self.shift[axis])?;
            within(Strength::Scale, -1.0, self.scale[axis])?;
        }
        within(Strength::Rotation, -1.0, self.rotation)?;
        within(Strength::Shear, -1.0, self.shear)?;
        within(Strength::Elastic, 0.0, self.elastic)
    }
}

/// The longest side of an image.
const LONGEST: usize = 4096;

/// Which of the numbers of [`Augment`] an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Strength {
    /// [`Augment::shift`].
    Shift,
    /// [`Augment::rotation`].
    Rotation,
    /// [`Augment::scale`].
    Scale,
    /// [`Augment::shear`].
    Shear,
    /// [`Augment::elastic`].
    Elastic,
}

impl Strength {
    /// The word for it, its unit, and its part of [`Augment::MOST`].
    const fn describe(self) -> (&'static str, &'static str, f32) {
        match self {
            Self::Shift => ("shift", "pixels", Augment::MOST.shift),
            Self::Rotation => ("rotation", "radians", Augment::MOST.rotation),
            Self::Scale => ("scale", "as a fraction", Augment::MOST.scale),
            Self::Shear => ("shear", "as a fraction", Augment::MOST.shear),
            Self::Elastic => ("elastic", "pixels", Augment::MOST.elastic),
        }
    }
}

/// Holds `found` to `least` times the most of this strength, and that most; a NaN is outside.
fn within(strength: Strength, least: f32, found: f32) -> Result<(), AugmentError> {
    let (_, _, most) = strength.describe();
    let least = least * most;
    if (least..=most).contains(&found) {
        return Ok(());
    }
    Err(AugmentError::Strength {
        strength,
        least,
        found,
    })
}

/// Why an image was not augmented.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum AugmentError {
    /// A number is out of its range, or not a number.
    Strength {
        /// Which.
        strength: Strength,
        /// The least that it may be; the most is that of [`Augment::MOST`].
        least: f32,
        /// What it is.
        found: f32,
    },
    /// The image has a side of more than 4096 pixels.
    Size {
        /// Its columns.
        width: usize,
        /// Its rows.
        height: usize,
    },
    /// Input or output is not as long as the image has pixels.
    Length {
        /// Columns times rows.
        expected: usize,
        /// The slice's length.
        found: usize,
    },
}

impl fmt::Display for AugmentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Strength {
                strength,
                least,
                found,
            } => {
                let (name, unit, most) = strength.describe();
                write!(
                    f,
                    "{name} must be from {least} to {most} {unit}, found {found}"
                )
            }
            Self::Size { width, height } => write!(
                f,
                "an image to augment must have at most {LONGEST} x {LONGEST} pixels, \
                 found {width} x {height}"
            ),
            Self::Length { expected, found } => write!(
                f,
                "an image to augment must have width x height = {expected} pixels, found {found}"
            ),
        }
    }
}

impl core::error::Error for AugmentError {}
