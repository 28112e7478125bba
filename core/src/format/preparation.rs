//! The bytes of the head that say what is done to images.

use super::error::FormatError;
use crate::preparation::{Preparation, Size};

/// Where they are.
pub(super) const AT: usize = 20;
/// How many they are.
const BYTES: usize = 12;
const _: () = assert!(AT + BYTES == super::LAYERS_AT);

/// What the head says about images, which has to give the network as many inputs as it has.
pub(super) const fn read(head: &[u8], inputs: usize) -> Result<Preparation, FormatError> {
    let wrong = Err(FormatError::ImageSize { inputs });
    let preparation = match (head[AT], size_at(head, 22), size_at(head, 26)) {
        (0, ..) => Preparation::None,
        (1, Some(size), _) => Preparation::Deskew(size),
        (2, Some(from), Some(to)) => Preparation::Scale { from, to },
        (3, Some(from), Some(to)) => Preparation::DeskewAndScale { from, to },
        (1..=3, ..) => return wrong,
        (found, ..) => return Err(FormatError::Preparation { found }),
    };
    if let Some(size) = preparation.gives()
        && size.pixels() != inputs
    {
        return wrong;
    }
    let expected = to_bytes(preparation);
    let mut at = 0;
    while at < BYTES {
        if head[AT + at] != expected[at] {
            return Err(FormatError::Reserved { offset: AT + at });
        }
        at += 1;
    }
    Ok(preparation)
}

const fn size_at(head: &[u8], at: usize) -> Option<Size> {
    Size::new(
        u16::from_le_bytes([head[at], head[at + 1]]),
        u16::from_le_bytes([head[at + 2], head[at + 3]]),
    )
}

/// These bytes.
pub(super) const fn to_bytes(preparation: Preparation) -> [u8; BYTES] {
    let (code, from, to) = match preparation {
        Preparation::None => (0, None, None),
        Preparation::Deskew(size) => (1, Some(size), None),
        Preparation::Scale { from, to } => (2, Some(from), Some(to)),
        Preparation::DeskewAndScale { from, to } => (3, Some(from), Some(to)),
    };
    const fn sides(size: Option<Size>) -> [u8; 4] {
        let Some(size) = size else { return [0; 4] };
        let width = (size.width() as u16).to_le_bytes();
        let height = (size.height() as u16).to_le_bytes();
        [width[0], width[1], height[0], height[1]]
    }
    let (from, to) = (sides(from), sides(to));
    [
        code, 0, from[0], from[1], from[2], from[3], to[0], to[1], to[2], to[3], 0, 0,
    ]
}

/// Whether the file's network is for images that are prepared as expected.
pub(super) const fn check(found: Preparation, expected: Preparation) -> Result<(), FormatError> {
    let (f, e) = (to_bytes(found), to_bytes(expected));
    let mut at = 0;
    while at < BYTES {
        if f[at] != e[at] {
            return Err(FormatError::OtherPreparation { expected, found });
        }
        at += 1;
    }
    Ok(())
}
