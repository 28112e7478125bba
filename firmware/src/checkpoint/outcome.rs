//! What a store says: what it found, how long it lasts, and why it cannot.

use embedded_storage::nor_flash::NorFlashErrorKind;

/// What [`Store::load`](super::Store::load) found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// The number of the checkpoint that was loaded, if there was one.
    pub sequence: Option<u32>,
    /// Slots that hold something else: bits have flipped, an erase was cut, or the region was used
    /// for other things before.
    pub damaged: u32,
    /// Whole records of other contents: another network, or another optimiser.
    pub foreign: u32,
}

sentences!(Loaded {
    Self { sequence: Some(sequence), damaged, foreign } =>
        "loaded checkpoint {}; of the other slots {} are damaged, {} are of another program",
        sequence, damaged, foreign;
    Self { sequence: None, damaged, foreign } =>
        "no checkpoint is there; {} slots are damaged, {} are of another program", damaged, foreign;
});

/// How many checkpoints a part lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wear {
    /// Pages that a checkpoint erases.
    pub pages: u32,
    /// Bytes of a page.
    pub page_bytes: u32,
    /// Checkpoints that have room in the region, and take turns.
    pub slots: u32,
    /// How often a page may be erased.
    pub endurance: u32,
}

impl Wear {
    /// Checkpoints until the first page has been erased as often as it may be.
    pub const fn checkpoints(&self) -> u64 {
        self.slots as u64 * self.endurance as u64
    }
}

sentences!(Wear {
    wear => "a checkpoint takes {} pages of {} bytes, {} have room: {} checkpoints until each page \
             was erased {} times",
        wear.pages, wear.page_bytes, wear.slots, wear.checkpoints(), wear.endurance;
});

/// Why a checkpoint cannot be saved or loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreError {
    /// The region does not begin and end with pages of the flash, or is not in it.
    Region {
        /// Where it begins.
        start: u32,
        /// Where it ends.
        end: u32,
        /// Bytes of a page.
        page_bytes: u32,
        /// Bytes of the flash.
        capacity: u32,
    },
    /// The region has no room for two checkpoints.
    TooSmall {
        /// Bytes of two.
        needed: u32,
        /// Bytes of the region.
        found: u32,
    },
    /// The flash does not hold what was written. The checkpoint before is still there.
    Worn {
        /// Where the slot begins that was written to.
        address: u32,
    },
    /// The flash gave other bytes at the second reading. What was to be loaded is all zero.
    Unsteady {
        /// Where the slot begins that was read from.
        address: u32,
    },
    /// The flash's own error. While saving, the checkpoint before is still there.
    Flash(NorFlashErrorKind),
}

sentences!(StoreError {
    Self::Region { start, end, page_bytes, capacity } =>
        "the region {}..{} for checkpoints should begin and end at multiples of {}, and end by {}",
        start, end, page_bytes, capacity;
    Self::TooSmall { needed, found } =>
        "the region for checkpoints has {} bytes, two of them need {}: give it more pages",
        found, needed;
    Self::Worn { address } =>
        "the flash at {} does not hold what is written to it: its pages may be worn out", address;
    Self::Unsteady { address } =>
        "the flash at {} reads differently each time: nothing was loaded, and all is zero", address;
    Self::Flash(kind) => "the flash fails: {}", kind;
});

impl core::error::Error for StoreError {}
