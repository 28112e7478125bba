//! The flags that say how strongly images are distorted.

use thumbnet::augment::{Augment, AugmentError};

/// What was said about augmentation.
#[derive(Clone, Copy, Debug, Default, PartialEq, clap::Args)]
#[command(next_help_heading = "Augmentation")]
pub struct AugmentFlags {
    /// Move images by up to PX pixels along each axis, from 0 to 4096
    #[arg(long, value_name = "PX", value_parser = shift, allow_negative_numbers = true)]
    pub shift: Option<f32>,

    /// Turn images by up to RAD radians either way, from 0 to pi
    #[arg(long, value_name = "RAD", value_parser = rotation, allow_negative_numbers = true)]
    pub rotation: Option<f32>,

    /// Make images wider or narrower, and higher or lower, by up to FRACTION, from 0 to 0.5
    #[arg(long, value_name = "FRACTION", value_parser = scale, allow_negative_numbers = true)]
    pub scale: Option<f32>,

    /// Slant images by up to FRACTION of a pixel a row, from 0 to 1
    #[arg(long, value_name = "FRACTION", value_parser = shear, allow_negative_numbers = true)]
    pub shear: Option<f32>,

    /// Bend images by a smooth random field of PX pixels, root mean square, from 0 to 128
    #[arg(long, value_name = "PX", value_parser = elastic, allow_negative_numbers = true)]
    pub elastic: Option<f32>,
}

impl AugmentFlags {
    /// What was said, and the rest from `base`.
    pub fn over(&self, base: Augment) -> Augment {
        Augment {
            shift: self.shift.unwrap_or(base.shift),
            rotation: self.rotation.unwrap_or(base.rotation),
            scale: self.scale.unwrap_or(base.scale),
            shear: self.shear.unwrap_or(base.shear),
            elastic: self.elastic.unwrap_or(base.elastic),
        }
    }
}

fn shift(text: &str) -> Result<f32, String> {
    let (shift, rest) = (number(text)?, Augment::NONE);
    checked(shift, Augment { shift, ..rest })
}

fn rotation(text: &str) -> Result<f32, String> {
    let (rotation, rest) = (number(text)?, Augment::NONE);
    checked(rotation, Augment { rotation, ..rest })
}

fn scale(text: &str) -> Result<f32, String> {
    let (scale, rest) = (number(text)?, Augment::NONE);
    checked(scale, Augment { scale, ..rest })
}

fn shear(text: &str) -> Result<f32, String> {
    let (shear, rest) = (number(text)?, Augment::NONE);
    checked(shear, Augment { shear, ..rest })
}

fn elastic(text: &str) -> Result<f32, String> {
    let (elastic, rest) = (number(text)?, Augment::NONE);
    checked(elastic, Augment { elastic, ..rest })
}

fn number(text: &str) -> Result<f32, String> {
    text.parse().map_err(|_| "expected a number".to_owned())
}

/// `value`, if it makes sense in its place.
fn checked(value: f32, augment: Augment) -> Result<f32, String> {
    let checked = augment.check().map(|()| value);
    checked.map_err(|error: AugmentError| error.to_string())
}
