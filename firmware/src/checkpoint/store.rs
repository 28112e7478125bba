//! The store: which slot is next, which is newest, and what its pages endure.

use core::ops::Range;

use embedded_storage::nor_flash::{NorFlash, NorFlashError, NorFlashErrorKind};
use thumbnet::format::CRC_32;

use super::content::Content;
use super::slot::{RECORD_BYTES, Record, Slot};
use super::stream::{BLOCK, Reader, Writer};

/// Checkpoints in a region of flash that nothing else uses.
#[derive(Debug)]
pub struct Store<F> {
    flash: F,
    region: Range<u32>,
}

/// What [`Store::load`] found.
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

/// How a content lies in a region.
#[derive(Clone, Copy)]
struct Layout {
    signature: u32,
    bytes: u32,
    slot_bytes: u32,
    slots: u32,
}

/// What is in a region.
struct Survey {
    newest: Option<Slot>,
    /// The greatest number of any record.
    sequence: u32,
    damaged: u32,
    foreign: u32,
}

impl<F: NorFlash> Store<F> {
    /// Where the marks begin, behind the record.
    const MARKS: u32 = Self::at_least_32(1);
    /// Where what is saved begins, behind the marks.
    const CONTENT: u32 = Self::MARKS + Self::at_least_32(4);
    const WORD: u32 = F::WRITE_SIZE as u32;
    const PAGE: u32 = F::ERASE_SIZE as u32;

    /// Bytes of so many words, or 32 if that is more.
    const fn at_least_32(words: u32) -> u32 {
        let bytes = words * F::WRITE_SIZE as u32;
        if bytes > 32 { bytes } else { 32 }
    }

    /// A store in `region`, offsets of the flash.
    ///
    /// # Errors
    /// When the region is not of whole pages, or not in the flash.
    pub fn new(flash: F, region: Range<u32>) -> Result<Self, StoreError> {
        const {
            assert!(
                BLOCK.is_multiple_of(F::WRITE_SIZE) && BLOCK.is_multiple_of(F::READ_SIZE),
                "thumbnet: a store needs a flash that is written in 1, 2, 4 .. 256 bytes"
            );
            assert!(F::ERASE_SIZE.is_multiple_of(F::WRITE_SIZE) && 32 >= RECORD_BYTES);
        };
        let Range { start, end } = region;
        let capacity = flash.capacity() as u32;
        let whole = start.is_multiple_of(Self::PAGE) && end.is_multiple_of(Self::PAGE);
        if whole && start <= end && end <= capacity {
            Ok(Self { flash, region })
        } else {
            Err(StoreError::Region {
                start,
                end,
                page_bytes: Self::PAGE,
                capacity,
            })
        }
    }

    /// The flash, which is free for other uses again.
    pub fn into_flash(self) -> F {
        self.flash
    }

    /// How long the pages last, if each may be erased `endurance` times: 10,000 for most
    /// microcontrollers' own flash, 100,000 for most flash chips; the data sheet says.
    ///
    /// # Errors
    /// When the region has no room for two such checkpoints.
    pub fn wear(&self, content: &mut impl Content, endurance: u32) -> Result<Wear, StoreError> {
        let layout = self.layout(content)?;
        Ok(Wear {
            pages: layout.slot_bytes / Self::PAGE,
            page_bytes: Self::PAGE,
            slots: layout.slots,
            endurance,
        })
    }

    /// Reads the newest whole checkpoint into `content`, which stays as it is if there is none.
    ///
    /// # Errors
    /// When the region has no room for two checkpoints, or the flash fails. If it does so after the
    /// checkpoint was found whole, all of `content` is zero: never half of a network.
    pub fn load(&mut self, content: &mut impl Content) -> Result<Loaded, StoreError> {
        let layout = self.layout(content)?;
        let survey = self.survey(&layout)?;
        if let Some(slot) = survey.newest {
            self.read(&layout, slot, content).inspect_err(|_| {
                content.for_each_piece(&mut |piece| piece.fill(0));
            })?;
        }
        Ok(Loaded {
            sequence: survey.newest.map(|slot| slot.record.sequence),
            damaged: survey.damaged,
            foreign: survey.foreign,
        })
    }

    /// Writes a checkpoint and returns its number. `content` is not changed.
    ///
    /// # Errors
    /// When the region has no room for two checkpoints, the flash fails or is worn out. The
    /// checkpoint before is still there.
    pub fn save(&mut self, content: &mut impl Content) -> Result<u32, StoreError> {
        let layout = self.layout(content)?;
        let survey = self.survey(&layout)?;
        let sequence = survey.sequence.saturating_add(1);
        let index = survey
            .newest
            .map_or(0, |slot| (slot.index + 1) % layout.slots);

        if let Some(slot) = survey.newest {
            self.mark(&layout, slot)?;
        }
        let address = self.address(&layout, index);
        for page in (address..address + layout.slot_bytes).step_by(F::ERASE_SIZE) {
            self.flash.erase(page, page + Self::PAGE).map_err(failed)?;
        }
        let mut digest = CRC_32.digest();
        let mut writer = Writer::new(&mut self.flash, address + Self::CONTENT);
        content.for_each_piece(&mut |piece| {
            digest.update(piece);
            writer.push(piece);
        });
        writer.finish().map_err(failed)?;

        let record = Record {
            sequence,
            signature: layout.signature,
            bytes: layout.bytes,
            crc32: digest.finalize(),
        };
        if self.checksum(&layout, index)? != record.crc32 {
            return Err(StoreError::Worn { address });
        }
        let mut writer = Writer::new(&mut self.flash, address);
        writer.push(&record.to_bytes());
        writer.finish().map_err(failed)?;
        match self.slot(&layout, index)? {
            (Some(slot), _) if slot.record == record => self.mark(&layout, slot)?,
            _ => return Err(StoreError::Worn { address }),
        }
        Ok(sequence)
    }

    fn layout(&self, content: &mut impl Content) -> Result<Layout, StoreError> {
        let mut bytes: u32 = 0;
        content.for_each_piece(&mut |piece| bytes = bytes.saturating_add(piece.len() as u32));
        let found = self.region.end - self.region.start;
        let slot_bytes = bytes
            .saturating_add(Self::CONTENT)
            .checked_next_multiple_of(Self::PAGE)
            .unwrap_or(u32::MAX);
        let slots = found / slot_bytes;
        if slots < 2 {
            let needed = slot_bytes.saturating_mul(2);
            return Err(StoreError::TooSmall { needed, found });
        }
        Ok(Layout {
            signature: content.signature(),
            bytes,
            slot_bytes,
            slots,
        })
    }

    /// Where a slot begins.
    const fn address(&self, layout: &Layout, index: u32) -> u32 {
        self.region.start + index * layout.slot_bytes
    }

    /// Finds the newest whole checkpoint: checksums are computed from the newest record down, until
    /// one is right.
    fn survey(&mut self, layout: &Layout) -> Result<Survey, StoreError> {
        let mut damaged = 0;
        let mut below = (true, u32::MAX);
        loop {
            let mut survey = Survey {
                newest: None,
                sequence: 0,
                damaged,
                foreign: 0,
            };
            for index in 0..layout.slots {
                let (slot, marks) = self.slot(layout, index)?;
                let Some(slot) = slot else {
                    survey.damaged += u32::from(marks > 0);
                    continue;
                };
                let record = slot.record;
                if record.signature != layout.signature || record.bytes != layout.bytes {
                    survey.foreign += 1;
                    continue;
                }
                survey.sequence = survey.sequence.max(record.sequence);
                let newest = survey
                    .newest
                    .is_none_or(|newest| newest.rank() < slot.rank());
                if newest && slot.rank() < below {
                    survey.newest = Some(slot);
                }
            }
            let Some(slot) = survey.newest else {
                return Ok(survey);
            };
            if self.checksum(layout, slot.index)? == slot.record.crc32 {
                return Ok(survey);
            }
            damaged += 1;
            below = slot.rank();
        }
    }

    /// The slot at `index`, if its record is whole, and how many words up to its last mark.
    fn slot(&mut self, layout: &Layout, index: u32) -> Result<(Option<Slot>, u32), StoreError> {
        let address = self.address(layout, index);
        let mut reader = Reader::new(&mut self.flash, address, Self::CONTENT);
        let mut record = [0; RECORD_BYTES];
        let mut marks = 0;
        reader.pull(&mut record);
        for at in RECORD_BYTES as u32..Self::CONTENT {
            let mut byte = [0];
            reader.pull(&mut byte);
            if at >= Self::MARKS && byte != [0xFF] {
                marks = (at - Self::MARKS) / Self::WORD + 1;
            }
        }
        reader.finish().map_err(failed)?;
        let slot = Record::from_bytes(&record).map(|record| Slot {
            index,
            record,
            marks,
        });
        Ok((slot, marks))
    }

    /// Writes one more mark, if there is room. Zeros may be written over anything, so it does no
    /// harm if a cut has left bits there that do not show.
    fn mark(&mut self, layout: &Layout, slot: Slot) -> Result<(), StoreError> {
        let at = Self::MARKS + slot.marks * Self::WORD;
        if at >= Self::CONTENT {
            return Ok(());
        }
        let address = self.address(layout, slot.index) + at;
        let mut writer = Writer::new(&mut self.flash, address);
        for _ in 0..Self::WORD {
            writer.push(&[0]);
        }
        writer.finish().map_err(failed)
    }

    /// CRC-32 of what is saved in the slot at `index`.
    fn checksum(&mut self, layout: &Layout, index: u32) -> Result<u32, StoreError> {
        let mut reader = self.reader(layout, index);
        let mut digest = CRC_32.digest();
        let mut part = [0; 64];
        let mut left = layout.bytes as usize;
        while let Some(part) = part.get_mut(..left.min(64)).filter(|part| !part.is_empty()) {
            reader.pull(part);
            digest.update(part);
            left -= part.len();
        }
        reader.finish().map_err(failed)?;
        Ok(digest.finalize())
    }

    fn read(
        &mut self,
        layout: &Layout,
        slot: Slot,
        content: &mut impl Content,
    ) -> Result<(), StoreError> {
        let mut reader = self.reader(layout, slot.index);
        let mut digest = CRC_32.digest();
        content.for_each_piece(&mut |piece| {
            reader.pull(piece);
            digest.update(piece);
        });
        reader.finish().map_err(failed)?;
        if digest.finalize() == slot.record.crc32 {
            Ok(())
        } else {
            let address = self.address(layout, slot.index);
            Err(StoreError::Unsteady { address })
        }
    }

    fn reader(&mut self, layout: &Layout, index: u32) -> Reader<'_, F> {
        let address = self.address(layout, index) + Self::CONTENT;
        Reader::new(&mut self.flash, address, layout.bytes)
    }
}

fn failed(error: impl NorFlashError) -> StoreError {
    StoreError::Flash(error.kind())
}
