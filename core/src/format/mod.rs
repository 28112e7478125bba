//! The weights file: one small versioned format, read in place by boards, or while compiling.
//!
//! All numbers are little-endian; bytes that are not named are zero.
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 8 | `THUMBNET` |
//! | 8 | 1 | version of the format: 1 |
//! | 9 | 1 | type of the parameters: 0 = f32 |
//! | 10 | 1 | cost that the network was trained with ([`Cost`]): 0 cross-entropy, 1 quadratic, 2 softmax cross-entropy |
//! | 11 | 1 | number of layers, 1 to 16 |
//! | 12 | 4 | CRC-32 (ISO-HDLC) of the parameters |
//! | 16 | 4 | number of parameters |
//! | 20 | 1 | what is done to images before the network sees them ([`Preparation`]): 0 nothing, 1 deskewed, 2 scaled, 3 deskewed and then scaled |
//! | 22 | 2 each | columns and rows of those images, 0 if nothing is done |
//! | 26 | 2 each | columns and rows that they are scaled to, 0 if they are not |
//! | 32 + 12 k | 4 | inputs of layer k |
//! | 36 + 12 k | 4 | units of layer k |
//! | 40 + 12 k | 1 | activation of layer k: 0 sigmoid, 1 `ReLU`, 2 identity, 3 softmax, 4 tanh |
//! | 252 | 4 | CRC-32 of the 252 bytes before |
//! | 256 | 4 each | parameters: layer by layer, weights `[fan_in][fan_out]`, then biases `[fan_out]` |
//!
//! The head has a checksum of its own so that a file that was cut short, a file of another shape
//! and a file with a flipped bit are told apart. The head's length is a multiple of 16, so
//! parameters are aligned wherever the file itself is.

mod error;
mod preparation;

use crc::{CRC_32_ISO_HDLC, Crc, Table};

pub use error::FormatError;

use crate::activation::Activation;
use crate::architecture::{Architecture, LayerShape, MAX_LAYERS};
use crate::cost::Cost;
use crate::network::Network;
use crate::preparation::Preparation;

/// Length of the head: where the parameters start.
pub const HEADER_BYTES: usize = 256;
/// The only version so far.
pub const VERSION: u8 = 1;

/// CRC-32 as in zip and PNG, with a table of 1 KB.
pub const CRC_32: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);
/// The same with a table of 16 KB, for the compiler's own use: it leaves no trace in a program,
/// and takes a sixteenth of the steps.
const CRC_32_WHILE_COMPILING: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISO_HDLC);

const MAGIC: [u8; 8] = *b"THUMBNET";
const F32: u8 = 0;
const PARAMETERS_AT: usize = 16;
const LAYERS_AT: usize = 32;
const LAYER_BYTES: usize = 12;
const HEADER_CRC_AT: usize = 252;
const _: () = assert!(LAYERS_AT + LAYER_BYTES * MAX_LAYERS <= HEADER_CRC_AT);

/// What the head of a weights file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Header {
    /// The layers.
    pub architecture: Architecture,
    /// What the network was trained with; predicting does not need it.
    pub cost: Cost,
    /// What is done to images before the network sees them, in training as in use.
    pub preparation: Preparation,
    /// CRC-32 of the parameters: what [`Network::weights_crc32`] returns.
    pub weights_crc32: u32,
}

impl Header {
    /// The head of a file.
    pub fn to_bytes(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        let mut put = |at: usize, value: &[u8]| {
            if let Some(place) = bytes.get_mut(at..at + value.len()) {
                place.copy_from_slice(value);
            }
        };
        let layers = self.architecture.layers();
        put(0, &MAGIC);
        put(8, &[VERSION, F32, cost_code(self.cost), layers.len() as u8]);
        put(12, &self.weights_crc32.to_le_bytes());
        put(
            PARAMETERS_AT,
            &(self.architecture.parameters() as u32).to_le_bytes(),
        );
        put(preparation::AT, &preparation::to_bytes(self.preparation));
        for (index, layer) in layers.iter().enumerate() {
            let at = LAYERS_AT + index * LAYER_BYTES;
            put(at, &(layer.fan_in as u32).to_le_bytes());
            put(at + 4, &(layer.fan_out as u32).to_le_bytes());
            put(at + 8, &[activation_code(layer.activation)]);
        }
        let (head, crc) = bytes.split_at_mut(HEADER_CRC_AT);
        crc.copy_from_slice(&CRC_32.checksum(head).to_le_bytes());
        bytes
    }
}

/// Checks a whole file and splits it into what its head says and the bytes of its parameters.
///
/// # Errors
/// Says which part of the file is wrong, and how; see [`FormatError`].
pub fn read(file: &[u8]) -> Result<(Header, &[u8]), FormatError> {
    let (header, parameters) = split(file)?;
    check_parameters(&header, CRC_32.checksum(parameters))?;
    Ok((header, parameters))
}

/// What the head of a file says; the parameters are not looked at, but as many as they should be.
///
/// # Errors
/// As [`read`], apart from the parameters' checksum.
pub const fn read_header(file: &[u8]) -> Result<Header, FormatError> {
    match split(file) {
        Ok((header, _)) => Ok(header),
        Err(error) => Err(error),
    }
}

/// A network inside a file that is in memory already, such as flash: no copy is made.
///
/// `preparation` is what the caller does to images before the network sees them. It has to be what
/// was done in training, and so what the file says: nobody gets a network for deskewed images
/// without having said so.
///
/// # Errors
/// When the file is not whole, holds another network than `N` or one for images that are prepared
/// in another way, or its parameters do not start at a multiple of four.
pub fn read_in_place<N: Network>(file: &[u8], preparation: Preparation) -> Result<&N, FormatError> {
    let (header, parameters) = read(file)?;
    check_architecture(&header.architecture, &N::ARCHITECTURE)?;
    preparation::check(header.preparation, preparation)?;
    N::ref_from_bytes(parameters).map_err(|_| FormatError::Misaligned)
}

/// Checks a file for [`include_model!`](crate::include_model), in a `const`; a wrong file is a
/// compile error in these words.
#[doc(hidden)]
pub const fn check_while_compiling<N: Network>(file: &[u8], preparation: Preparation) {
    match split(file) {
        Err(error) => panic!("{}", error.compiling()),
        Ok((header, parameters)) => {
            let crc = CRC_32_WHILE_COMPILING.checksum(parameters);
            if let Err(error) = check_parameters(&header, crc) {
                panic!("{}", error.compiling());
            }
            if let Err(error) = check_architecture(&header.architecture, &N::ARCHITECTURE) {
                panic!("{}", error.compiling());
            }
            if let Err(error) = preparation::check(header.preparation, preparation) {
                panic!("{}", error.compiling());
            }
        }
    }
}

/// A network out of a weights file, checked and laid out while compiling: a `static` of it is
/// read-only data and takes no RAM. A file that is damaged or of another shape does not compile.
///
/// The path is relative to the source file, as for `include_bytes!`.
///
/// ```
/// use thumbnet::prelude::*;
/// type Xor = Mlp<2, 4, 2>;
/// static XOR: Xor = include_model!(Xor, "../../tests/data/xor.thumbnet");
/// assert_eq!(XOR.predict(&[0.0, 1.0]).class, 1);
/// ```
///
/// ```compile_fail
/// use thumbnet::prelude::*;
/// type Wider = Mlp<2, 5, 2>;
/// // error: the file's layers are not those of the type it is read into
/// static XOR: Wider = include_model!(Wider, "../../tests/data/xor.thumbnet");
/// ```
///
/// A network for images that are prepared, as the file says, needs a third argument: the
/// [`Preparation`] that the program applies to them. Without it, or with another one, the program
/// does not compile, so that no network is ever shown images of the wrong kind by oversight.
///
/// ```
/// use thumbnet::prelude::*;
/// use thumbnet::preparation::Size;
/// const PREPARATION: Preparation = Preparation::Deskew(Size::of::<3, 3>());
/// type Tiny = Mlp<9, 2, 2>;
/// static TINY: Tiny =
///     include_model!(Tiny, "../../tests/data/deskewed.thumbnet", PREPARATION);
///
/// let mut pixels = [0; 9];
/// PREPARATION.apply(&[0, 0, 90, 0, 90, 0, 90, 0, 0], &mut pixels, &mut [])?;
/// let class = TINY.predict(&pixels).class;
/// assert_eq!(class, 0);
/// # Ok::<(), thumbnet::preparation::PreparationError>(())
/// ```
///
/// ```compile_fail
/// use thumbnet::prelude::*;
/// type Tiny = Mlp<9, 2, 2>;
/// // error: the model file is for deskewed images
/// static TINY: Tiny = include_model!(Tiny, "../../tests/data/deskewed.thumbnet");
/// ```
///
/// ```compile_fail
/// use thumbnet::prelude::*;
/// use thumbnet::preparation::Size;
/// type Xor = Mlp<2, 4, 2>;
/// // error: the model file is for inputs as they are
/// static XOR: Xor = include_model!(
///     Xor,
///     "../../tests/data/xor.thumbnet",
///     Preparation::Deskew(Size::of::<2, 1>())
/// );
/// ```
///
/// Files of more than about two million parameters need `#[allow(long_running_const_eval)]`.
#[macro_export]
macro_rules! include_model {
    ($network:ty, $path:expr $(,)?) => {
        $crate::include_model!($network, $path, $crate::Preparation::None)
    };
    ($network:ty, $path:expr, $preparation:expr $(,)?) => {{
        const FILE: &[u8] = include_bytes!($path);
        const PARAMETERS: [u8; size_of::<$network>()] = {
            $crate::format::check_while_compiling::<$network>(FILE, $preparation);
            match FILE.split_at($crate::format::HEADER_BYTES).1.first_chunk() {
                Some(parameters) => *parameters,
                None => panic!("thumbnet: the model file is too short"),
            }
        };
        const NETWORK: $network = $crate::zerocopy::transmute!(PARAMETERS);
        NETWORK
    }};
}

/// The header, and as many bytes as its parameters take; their checksum is not checked yet.
const fn split(file: &[u8]) -> Result<(Header, &[u8]), FormatError> {
    let Some((head, parameters)) = file.split_first_chunk() else {
        // A short file that does not even begin like one is of another kind.
        let mut at = 0;
        while at < MAGIC.len() {
            if at < file.len() && file[at] != MAGIC[at] {
                return Err(FormatError::Magic);
            }
            at += 1;
        }
        return Err(FormatError::Truncated {
            expected: HEADER_BYTES,
            found: file.len(),
        });
    };
    let header = match read_head(head) {
        Ok(header) => header,
        Err(error) => return Err(error),
    };
    let length = header.architecture.parameters() * 4;
    if parameters.len() != length {
        let (expected, found) = (HEADER_BYTES + length, file.len());
        return Err(if parameters.len() < length {
            FormatError::Truncated { expected, found }
        } else {
            FormatError::TooLong { expected, found }
        });
    }
    Ok((header, parameters))
}

/// What a head says, without the rest of the file.
///
/// # Errors
/// As [`read`], apart from what is wrong with the parameters.
pub const fn read_head(head: &[u8; HEADER_BYTES]) -> Result<Header, FormatError> {
    let mut at = 0;
    while at < MAGIC.len() {
        if head[at] != MAGIC[at] {
            return Err(FormatError::Magic);
        }
        at += 1;
    }
    if head[8] != VERSION {
        return Err(FormatError::Version { found: head[8] });
    }
    let found = CRC_32.checksum(head.split_at(HEADER_CRC_AT).0);
    let expected = u32_at(head, HEADER_CRC_AT);
    if found != expected {
        return Err(FormatError::HeaderChecksum { expected, found });
    }
    if head[9] != F32 {
        return Err(FormatError::DataType { found: head[9] });
    }
    let cost = match head[10] {
        0 => Cost::CrossEntropy,
        1 => Cost::Quadratic,
        2 => Cost::SoftmaxCrossEntropy,
        found => return Err(FormatError::Cost { found }),
    };
    let architecture = match architecture(head) {
        Ok(architecture) => architecture,
        Err(error) => return Err(error),
    };
    let preparation = match preparation::read(head, architecture.inputs()) {
        Ok(preparation) => preparation,
        Err(error) => return Err(error),
    };
    let header = Header {
        architecture,
        cost,
        preparation,
        weights_crc32: u32_at(head, 12),
    };
    if u32_at(head, PARAMETERS_AT) as usize != architecture.parameters() {
        return Err(FormatError::Layers);
    }
    let mut at = LAYERS_AT;
    while at < HEADER_CRC_AT {
        // Bytes that mean nothing yet are zero; a later version may say something there.
        let layer = (at - LAYERS_AT) / LAYER_BYTES;
        let named = layer < architecture.layers().len() && (at - LAYERS_AT) % LAYER_BYTES <= 8;
        if head[at] != 0 && !named {
            return Err(FormatError::Reserved { offset: at });
        }
        at += 1;
    }
    Ok(header)
}

const fn architecture(head: &[u8]) -> Result<Architecture, FormatError> {
    let depth = head[11] as usize;
    if depth == 0 || depth > MAX_LAYERS {
        return Err(FormatError::Layers);
    }
    let unused = LayerShape {
        fan_in: 0,
        fan_out: 0,
        activation: Activation::Identity,
    };
    let mut layers = [unused; MAX_LAYERS];
    let mut layer = 0;
    while layer < depth {
        let at = LAYERS_AT + layer * LAYER_BYTES;
        layers[layer] = LayerShape {
            fan_in: u32_at(head, at) as usize,
            fan_out: u32_at(head, at + 4) as usize,
            activation: match head[at + 8] {
                0 => Activation::Sigmoid,
                1 => Activation::Relu,
                2 => Activation::Identity,
                3 => Activation::Softmax,
                4 => Activation::Tanh,
                found => return Err(FormatError::Activation { layer, found }),
            },
        };
        layer += 1;
    }
    match Architecture::new(layers.split_at(depth).0) {
        Ok(architecture) => Ok(architecture),
        Err(_) => Err(FormatError::Layers),
    }
}

const fn check_parameters(header: &Header, found: u32) -> Result<(), FormatError> {
    if found == header.weights_crc32 {
        Ok(())
    } else {
        Err(FormatError::Checksum {
            expected: header.weights_crc32,
            found,
        })
    }
}

const fn check_architecture(
    found: &Architecture,
    expected: &Architecture,
) -> Result<(), FormatError> {
    let (found, expected) = (found.layers(), expected.layers());
    if found.len() != expected.len() {
        return Err(FormatError::Depth {
            expected: expected.len(),
            found: found.len(),
        });
    }
    let mut layer = 0;
    while layer < found.len() {
        let (f, e) = (found[layer], expected[layer]);
        if f.fan_in != e.fan_in || f.fan_out != e.fan_out {
            return Err(FormatError::Shape {
                layer,
                expected: (e.fan_in, e.fan_out),
                found: (f.fan_in, f.fan_out),
            });
        }
        if activation_code(f.activation) != activation_code(e.activation) {
            let (expected, found) = (e.activation, f.activation);
            return Err(FormatError::OtherActivation {
                layer,
                expected,
                found,
            });
        }
        layer += 1;
    }
    Ok(())
}

const fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

const fn activation_code(activation: Activation) -> u8 {
    match activation {
        Activation::Sigmoid => 0,
        Activation::Relu => 1,
        Activation::Identity => 2,
        Activation::Softmax => 3,
        Activation::Tanh => 4,
    }
}

const fn cost_code(cost: Cost) -> u8 {
    match cost {
        Cost::CrossEntropy => 0,
        Cost::Quadratic => 1,
        Cost::SoftmaxCrossEntropy => 2,
    }
}
