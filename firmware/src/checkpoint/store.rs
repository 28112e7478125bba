//! The store: which slot is next, and which is newest.

use core::ops::Range;

use embedded_storage::nor_flash::{NorFlash, NorFlashError};
use thumbnet::format::CRC_32;

use super::content::Content;
use super::outcome::{Loaded, StoreError, Wear};
use super::slot::{RECORD_BYTES, Record, Slot};
use super::stream::{BLOCK, Reader, Writer};

/// Checkpoints in a region of flash that nothing else uses.
#[derive(Debug)]
pub struct Store<F> {
    flash: F,
    region: Range<u32>,
    /// Bytes that a slot has room for at least.
    room: u32,
}

/// How a region is cut up.
#[derive(Clone, Copy)]
struct Slots {
    bytes: u32,
    count: u32,
}

/// What a record says of a content.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Kind {
    signature: u32,
    bytes: u32,
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
            Ok(Self {
                flash,
                region,
                room: 0,
            })
        } else {
            Err(StoreError::Region {
                start,
                end,
                page_bytes: Self::PAGE,
                capacity,
            })
        }
    }

    /// The same with slots that have room for contents of so many bytes, whatever is saved. Contents of
    /// several kinds, told apart by their signatures, can then take turns: each has a
    /// checkpoint to go back to until the next one is whole.
    #[must_use]
    pub fn with_room_for(self, bytes: u32) -> Self {
        let room = self.room.max(bytes);
        Self { room, ..self }
    }

    /// The signature of the newest whole checkpoint, of whatever kind, in slots of
    /// [`with_room_for`](Self::with_room_for).
    ///
    /// # Errors
    /// When the region has no room for two checkpoints, or the flash fails.
    pub fn newest_signature(&mut self) -> Result<Option<u32>, StoreError> {
        let slots = self.slots(self.room)?;
        let newest = self.survey(&slots, None)?.newest;
        Ok(newest.map(|slot| slot.record.signature))
    }

    /// Forgets all checkpoints.
    ///
    /// # Errors
    /// When the flash fails; any checkpoint may still be there.
    pub fn clear(&mut self) -> Result<(), StoreError> {
        let Range { start, end } = self.region;
        self.erase(start, end - start)
    }

    /// How long the pages last, if each may be erased `endurance` times: 10,000 for most
    /// microcontrollers' own flash, 100,000 for most flash chips; the data sheet says.
    ///
    /// # Errors
    /// When the region has no room for two such checkpoints.
    pub fn wear(&self, content: &mut impl Content, endurance: u32) -> Result<Wear, StoreError> {
        let slots = self.slots(kind(content).bytes)?;
        Ok(Wear {
            pages: slots.bytes / Self::PAGE,
            page_bytes: Self::PAGE,
            slots: slots.count,
            endurance,
        })
    }

    /// Reads the newest whole checkpoint into `content`, which stays as it is if there is none.
    ///
    /// # Errors
    /// When the region has no room for two checkpoints, or the flash fails. If it does so after the
    /// checkpoint was found whole, all of `content` is zero: never half of a network.
    pub fn load(&mut self, content: &mut impl Content) -> Result<Loaded, StoreError> {
        let kind = kind(content);
        let slots = self.slots(kind.bytes)?;
        let survey = self.survey(&slots, Some(kind))?;
        if let Some(slot) = survey.newest {
            self.read(&slots, slot, content).inspect_err(|_| {
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
        let Kind { signature, bytes } = kind(content);
        let slots = self.slots(bytes)?;
        let survey = self.survey(&slots, None)?;
        let sequence = survey.sequence.saturating_add(1);
        let index = survey
            .newest
            .map_or(0, |slot| (slot.index + 1) % slots.count);

        if let Some(slot) = survey.newest {
            self.mark(&slots, slot)?;
        }
        let address = self.address(&slots, index);
        self.erase(address, slots.bytes)?;
        let mut digest = CRC_32.digest();
        let mut writer = Writer::new(&mut self.flash, address + Self::CONTENT);
        content.for_each_piece(&mut |piece| {
            digest.update(piece);
            writer.push(piece);
        });
        writer.finish().map_err(failed)?;

        let record = Record {
            sequence,
            signature,
            bytes,
            crc32: digest.finalize(),
        };
        if self.checksum(address, bytes)? != record.crc32 {
            return Err(StoreError::Worn { address });
        }
        let mut writer = Writer::new(&mut self.flash, address);
        writer.push(&record.to_bytes());
        writer.finish().map_err(failed)?;
        match self.slot(&slots, index)? {
            (Some(slot), _) if slot.record == record => self.mark(&slots, slot)?,
            _ => return Err(StoreError::Worn { address }),
        }
        Ok(sequence)
    }

    /// Erases page by page, so that nobody has to wait for longer than one takes.
    fn erase(&mut self, address: u32, bytes: u32) -> Result<(), StoreError> {
        (address..address + bytes)
            .step_by(F::ERASE_SIZE)
            .try_for_each(|page| self.flash.erase(page, page + Self::PAGE))
            .map_err(failed)
    }

    /// Slots for contents of so many bytes.
    fn slots(&self, bytes: u32) -> Result<Slots, StoreError> {
        let found = self.region.end - self.region.start;
        let bytes = bytes
            .max(self.room)
            .saturating_add(Self::CONTENT)
            .checked_next_multiple_of(Self::PAGE)
            .unwrap_or(u32::MAX);
        let count = found / bytes;
        if count < 2 {
            let needed = bytes.saturating_mul(2);
            return Err(StoreError::TooSmall { needed, found });
        }
        Ok(Slots { bytes, count })
    }

    /// Where a slot begins.
    const fn address(&self, slots: &Slots, index: u32) -> u32 {
        self.region.start + index * slots.bytes
    }

    /// Finds the newest whole checkpoint of a kind, or of any: checksums are computed from the newest
    /// record down, until one is right.
    fn survey(&mut self, slots: &Slots, kind: Option<Kind>) -> Result<Survey, StoreError> {
        let mut damaged = 0;
        let mut below = (true, u32::MAX);
        loop {
            let mut survey = Survey {
                newest: None,
                sequence: 0,
                damaged,
                foreign: 0,
            };
            for index in 0..slots.count {
                let (slot, marks) = self.slot(slots, index)?;
                let Some(slot) = slot else {
                    survey.damaged += u32::from(marks > 0);
                    continue;
                };
                survey.sequence = survey.sequence.max(slot.record.sequence);
                let Record {
                    signature, bytes, ..
                } = slot.record;
                let other = kind.is_some_and(|kind| kind != Kind { signature, bytes });
                if other || bytes > slots.bytes - Self::CONTENT {
                    survey.foreign += 1;
                    continue;
                }
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
            let address = self.address(slots, slot.index);
            if self.checksum(address, slot.record.bytes)? == slot.record.crc32 {
                return Ok(survey);
            }
            damaged += 1;
            below = slot.rank();
        }
    }

    /// The slot at `index`, if its record is whole, and how many words up to its last mark.
    fn slot(&mut self, slots: &Slots, index: u32) -> Result<(Option<Slot>, u32), StoreError> {
        let address = self.address(slots, index);
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
    fn mark(&mut self, slots: &Slots, slot: Slot) -> Result<(), StoreError> {
        let at = Self::MARKS + slot.marks * Self::WORD;
        if at >= Self::CONTENT {
            return Ok(());
        }
        let address = self.address(slots, slot.index) + at;
        let mut writer = Writer::new(&mut self.flash, address);
        for _ in 0..Self::WORD {
            writer.push(&[0]);
        }
        writer.finish().map_err(failed)
    }

    /// CRC-32 of the `bytes` that are saved in the slot at `address`.
    fn checksum(&mut self, address: u32, bytes: u32) -> Result<u32, StoreError> {
        let mut reader = Reader::new(&mut self.flash, address + Self::CONTENT, bytes);
        let mut digest = CRC_32.digest();
        let mut part = [0; 64];
        let mut left = bytes as usize;
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
        slots: &Slots,
        slot: Slot,
        content: &mut impl Content,
    ) -> Result<(), StoreError> {
        let address = self.address(slots, slot.index);
        let Record { bytes, crc32, .. } = slot.record;
        let mut reader = Reader::new(&mut self.flash, address + Self::CONTENT, bytes);
        let mut digest = CRC_32.digest();
        content.for_each_piece(&mut |piece| {
            reader.pull(piece);
            digest.update(piece);
        });
        reader.finish().map_err(failed)?;
        if digest.finalize() == crc32 {
            Ok(())
        } else {
            Err(StoreError::Unsteady { address })
        }
    }
}

fn kind(content: &mut impl Content) -> Kind {
    let mut bytes: u32 = 0;
    content.for_each_piece(&mut |piece| bytes = bytes.saturating_add(piece.len() as u32));
    Kind {
        signature: content.signature(),
        bytes,
    }
}

fn failed(error: impl NorFlashError) -> StoreError {
    StoreError::Flash(error.kind())
}
