//! What can be wrong with a weights file.

use crate::activation::Activation;
use crate::preparation::{MAX_SIDE, Preparation};

/// Why a weights file cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum FormatError {
    /// The file does not begin with `THUMBNET`.
    Magic,
    /// A version that this program does not know.
    Version {
        /// The version.
        found: u8,
    },
    /// The head's own checksum does not agree with it.
    HeaderChecksum {
        /// What the file says.
        expected: u32,
        /// What its bytes give.
        found: u32,
    },
    /// Parameters of a type that this program does not know.
    DataType {
        /// The type's code.
        found: u8,
    },
    /// A cost that this program does not know.
    Cost {
        /// The cost's code.
        found: u8,
    },
    /// An activation that this program does not know.
    Activation {
        /// Which layer, from 0.
        layer: usize,
        /// The activation's code.
        found: u8,
    },
    /// A preparation of images that this program does not know.
    Preparation {
        /// The preparation's code.
        found: u8,
    },
    /// Prepared images of a size that they cannot have, or that is not the network's.
    ImageSize {
        /// Inputs of the network.
        inputs: usize,
    },
    /// A byte of the head that has no meaning in this version is not zero.
    Reserved {
        /// Where the byte is.
        offset: usize,
    },
    /// Layers that do not make a network.
    Layers,
    /// Fewer bytes than the head announces.
    Truncated {
        /// Bytes of the whole file; of the head where not even that is whole.
        expected: usize,
        /// Bytes there are.
        found: usize,
    },
    /// More bytes than the head announces.
    TooLong {
        /// Bytes of the whole file.
        expected: usize,
        /// Bytes there are.
        found: usize,
    },
    /// The parameters' checksum does not agree with them.
    Checksum {
        /// What the file says.
        expected: u32,
        /// What its bytes give.
        found: u32,
    },
    /// Another number of layers than asked for.
    Depth {
        /// Layers of the type.
        expected: usize,
        /// Layers in the file.
        found: usize,
    },
    /// A layer of another shape than asked for.
    Shape {
        /// Which layer, from 0.
        layer: usize,
        /// `(fan_in, fan_out)` of the type.
        expected: (usize, usize),
        /// `(fan_in, fan_out)` in the file.
        found: (usize, usize),
    },
    /// A layer with another activation than asked for.
    OtherActivation {
        /// Which layer, from 0.
        layer: usize,
        /// The type's.
        expected: Activation,
        /// The file's.
        found: Activation,
    },
    /// A network for images that are prepared in another way.
    OtherPreparation {
        /// The caller's.
        expected: Preparation,
        /// The file's.
        found: Preparation,
    },
    /// The parameters do not start at an address that is a multiple of four.
    Misaligned,
}

impl FormatError {
    /// The sentence of a compile error, where numbers cannot be shown.
    pub(super) const fn compiling(self) -> &'static str {
        match self {
            Self::Magic => "thumbnet: the model file is not a thumbnet weights file",
            Self::Version { .. } => {
                "thumbnet: the model file has a version that this thumbnet does not know; export it \
                 again"
            }
            Self::HeaderChecksum { .. } | Self::Checksum { .. } => {
                "thumbnet: the model file is damaged: a checksum does not agree; export it again"
            }
            Self::DataType { .. }
            | Self::Cost { .. }
            | Self::Activation { .. }
            | Self::Preparation { .. }
            | Self::ImageSize { .. }
            | Self::Reserved { .. }
            | Self::Layers => "thumbnet: the model file needs another version of thumbnet",
            Self::Truncated { .. } => "thumbnet: the model file was cut short; export it again",
            Self::TooLong { .. } => "thumbnet: the model file has bytes after its end",
            Self::Depth { .. } | Self::Shape { .. } => {
                "thumbnet: the model file's layers are not those of the type it is read into"
            }
            Self::OtherActivation { .. } => {
                "thumbnet: the model file's activations are not those of the type it is read into"
            }
            Self::OtherPreparation {
                found: Preparation::None,
                ..
            } => {
                "thumbnet: the model file is for inputs as they are: name no preparation in \
                 include_model!, and do nothing to images"
            }
            Self::OtherPreparation {
                found: Preparation::Deskew(_),
                ..
            } => {
                "thumbnet: the model file is for deskewed images: name Preparation::Deskew with \
                 their size as the third argument of include_model!, and apply it to every image"
            }
            Self::OtherPreparation {
                found: Preparation::Scale { .. },
                ..
            } => {
                "thumbnet: the model file is for scaled images: name Preparation::Scale with both \
                 sizes as the third argument of include_model!, and apply it to every image"
            }
            Self::OtherPreparation {
                found: Preparation::DeskewAndScale { .. },
                ..
            } => {
                "thumbnet: the model file is for deskewed and scaled images: name \
                 Preparation::DeskewAndScale with both sizes as the third argument of \
                 include_model!, and apply it to every image"
            }
            Self::Misaligned => "thumbnet: the model file is not aligned",
        }
    }
}

impl core::fmt::Display for FormatError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Magic => {
                f.write_str("not a thumbnet weights file: it does not begin with THUMBNET")
            }
            Self::Version { found } => write!(
                f,
                "weights file of version {found}, but this program reads version {}: export the \
                 model again",
                super::VERSION
            ),
            Self::HeaderChecksum { expected, found } => write!(
                f,
                "the head of the weights file is damaged: its CRC-32 is {found:08x}, and should be \
                 {expected:08x}"
            ),
            Self::DataType { found } => {
                write!(
                    f,
                    "parameters of unknown type {found}: this program reads f32 (0)"
                )
            }
            Self::Cost { found } => write!(f, "unknown cost {found} in the weights file"),
            Self::Activation { layer, found } => {
                write!(
                    f,
                    "unknown activation {found} in layer {layer} of the weights file"
                )
            }
            Self::Preparation { found } => write!(
                f,
                "unknown preparation {found} of images in the weights file: use a newer thumbnet"
            ),
            Self::ImageSize { inputs } => write!(
                f,
                "the sizes of images in the weights file are not those of its network: expected \
                 sides of 1 to {MAX_SIDE} and {inputs} pixels that the network sees"
            ),
            Self::Reserved { offset } => write!(
                f,
                "byte {offset} of the weights file says something that this program does not know: \
                 use a newer thumbnet"
            ),
            Self::Layers => f.write_str("the layers in the weights file do not make a network"),
            Self::Truncated { expected, found } => write!(
                f,
                "the weights file was cut short: {expected} bytes expected, {found} found"
            ),
            Self::TooLong { expected, found } => write!(
                f,
                "the weights file goes on after its end: {expected} bytes expected, {found} found"
            ),
            Self::Checksum { expected, found } => write!(
                f,
                "the parameters in the weights file are damaged: their CRC-32 is {found:08x}, and \
                 should be {expected:08x}"
            ),
            Self::Depth { expected, found } => {
                write!(
                    f,
                    "a network of {expected} layers expected, {found} found in the file"
                )
            }
            Self::Shape {
                layer,
                expected,
                found,
            } => write!(
                f,
                "layer {layer} should be {}-{}, but is {}-{} in the weights file",
                expected.0, expected.1, found.0, found.1
            ),
            Self::OtherActivation {
                layer,
                expected,
                found,
            } => write!(
                f,
                "layer {layer} should have {expected} units, but has {found} in the weights file"
            ),
            Self::OtherPreparation { expected, found } => write!(
                f,
                "the network in the weights file takes images {found}, but this program gives it \
                 images {expected}"
            ),
            Self::Misaligned => f.write_str(
                "the weights do not start at a multiple of four bytes: align the file in memory",
            ),
        }
    }
}

impl core::error::Error for FormatError {}
