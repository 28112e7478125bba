//! A slot and its record, as bytes.

use thumbnet::format::CRC_32;

const MAGIC: [u8; 8] = *b"TNCHECK\x01";

/// Length of a record.
pub(super) const RECORD_BYTES: usize = 28;

/// What the record of a slot says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) sequence: u32,
    pub(super) signature: u32,
    pub(super) bytes: u32,
    pub(super) crc32: u32,
}

impl Record {
    pub(super) fn to_bytes(self) -> [u8; RECORD_BYTES] {
        let mut bytes = [0; RECORD_BYTES];
        let words = [self.sequence, self.signature, self.bytes, self.crc32].map(u32::to_le_bytes);
        let (said, crc) = bytes.split_at_mut(RECORD_BYTES - 4);
        let (magic, rest) = said.split_at_mut(MAGIC.len());
        magic.copy_from_slice(&MAGIC);
        rest.copy_from_slice(words.as_flattened());
        crc.copy_from_slice(&CRC_32.checksum(said).to_le_bytes());
        bytes
    }

    /// The record that these bytes are, if they are one, whole.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (said, rest) = bytes.split_last_chunk::<4>()?;
        let words = said.strip_prefix(&MAGIC)?.as_chunks().0;
        let [sequence, signature, bytes, crc32] = *words else {
            return None;
        };
        let word = u32::from_le_bytes;
        (CRC_32.checksum(said) == word(*rest)).then(|| Self {
            sequence: word(sequence),
            signature: word(signature),
            bytes: word(bytes),
            crc32: word(crc32),
        })
    }
}

/// A slot with a whole record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    /// Its place in the region.
    pub(super) index: u32,
    pub(super) record: Record,
    /// Words up to its last mark: if there are any, the record was written to its end.
    pub(super) marks: u32,
}

impl Slot {
    /// The greatest is the one to start from.
    pub(super) const fn rank(&self) -> (bool, u32) {
        (self.marks > 0, self.record.sequence)
    }
}
