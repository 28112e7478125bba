//! A flash whose power is cut while it works, whose bits flip, and whose pages wear out.

use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashErrorKind, ReadNorFlash, check_erase, check_read, check_write,
};
use thumbnet::prelude::*;
use thumbnet::random::below;

/// What a cut leaves of the word that was being written or the page that was being erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tear {
    /// Power went just before.
    Nothing,
    /// Power went just after.
    All,
    /// Its first bytes, any number of them.
    Prefix,
    /// Any of the bits that should change.
    Bits,
    /// Random bits.
    Garbage,
}

impl Tear {
    pub(crate) const ALL: [Self; 5] = [
        Self::Nothing,
        Self::All,
        Self::Prefix,
        Self::Bits,
        Self::Garbage,
    ];
}

/// Written in words of `WRITE` bytes, each once between two erases of its page of `PAGE` bytes.
#[derive(Clone, Debug)]
pub(crate) struct SimulatedFlash<const WRITE: usize, const PAGE: usize> {
    pub(crate) bytes: Vec<u8>,
    /// Of each word, since its page was erased.
    written: Vec<bool>,
    /// Of each page.
    pub(crate) erases: Vec<u32>,
    /// Words written and pages erased since it was made.
    pub(crate) operations: u64,
    /// Operations until the cut, and what it leaves.
    pub(crate) cut: Option<(u64, Tear)>,
    /// Whether a torn word reads differently after each time that power comes back.
    pub(crate) marginal: bool,
    /// Where, and which bits.
    unsure: Vec<(usize, u8)>,
    /// Reads until one fails.
    pub(crate) reads_left: Option<u64>,
    /// How often a page may be erased before it no longer holds what is written.
    pub(crate) endurance: u32,
    powered: bool,
    rng: XorShiftRng,
}

impl<const WRITE: usize, const PAGE: usize> SimulatedFlash<WRITE, PAGE> {
    /// Of so many pages, with nothing useful in it.
    pub(crate) fn new(pages: usize, seed: u64) -> Self {
        let mut rng = XorShiftRng::seed_from_u64(seed);
        Self {
            bytes: (0..pages * PAGE)
                .map(|_| below(&mut rng, 256) as u8)
                .collect(),
            written: vec![true; pages * PAGE / WRITE],
            erases: vec![0; pages],
            operations: 0,
            cut: None,
            marginal: false,
            unsure: Vec::new(),
            reads_left: None,
            endurance: u32::MAX,
            powered: true,
            rng,
        }
    }

    /// Of so many pages, erased.
    pub(crate) fn erased(pages: usize, seed: u64) -> Self {
        Self {
            bytes: vec![0xFF; pages * PAGE],
            written: vec![false; pages * PAGE / WRITE],
            ..Self::new(pages, seed)
        }
    }

    /// Power comes back.
    pub(crate) fn power_up(&mut self) {
        self.powered = true;
        self.cut = None;
        for &(at, bits) in &self.unsure {
            let random = below(&mut self.rng, 256) as u8;
            self.bytes[at] = self.bytes[at] & !bits | random & bits;
        }
    }

    /// Counts an operation; what is left of it if this is the one in which power goes.
    fn operate(&mut self) -> Result<Option<Tear>, NorFlashErrorKind> {
        if !self.powered {
            return Err(NorFlashErrorKind::Other);
        }
        self.operations += 1;
        match &mut self.cut {
            Some((0, tear)) => {
                self.powered = false;
                Ok(Some(*tear))
            }
            Some((left, _)) => {
                *left -= 1;
                Ok(None)
            }
            None => Ok(None),
        }
    }

    /// Each bit is set with a probability of `share / 256`.
    fn random_bits(&mut self, share: u32) -> u8 {
        (0..8).fold(0, |bits, _| {
            bits << 1 | u8::from(below(&mut self.rng, 256) < share)
        })
    }

    /// Gives `bytes` from `start` on new values, or what a cut leaves of that.
    fn change(&mut self, start: usize, new: &[u8], tear: Option<Tear>) {
        let prefix = below(&mut self.rng, new.len() as u32) as usize;
        // Some pages are hardly begun, some nearly done.
        let done = below(&mut self.rng, 256);
        for (index, &new) in new.iter().enumerate() {
            let old = self.bytes[start + index];
            let mixed = |mask: u8| old & !mask | new & mask;
            let byte = match tear {
                None | Some(Tear::All) => new,
                Some(Tear::Nothing) => old,
                Some(Tear::Prefix) => mixed(if index < prefix { 0xFF } else { 0 }),
                Some(Tear::Bits) => mixed(self.random_bits(done)),
                Some(Tear::Garbage) => self.random_bits(128),
            };
            self.bytes[start + index] = byte;
        }
    }
}

impl<const WRITE: usize, const PAGE: usize> ErrorType for SimulatedFlash<WRITE, PAGE> {
    type Error = NorFlashErrorKind;
}

impl<const WRITE: usize, const PAGE: usize> ReadNorFlash for SimulatedFlash<WRITE, PAGE> {
    const READ_SIZE: usize = if WRITE < 4 { WRITE } else { 4 };

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), NorFlashErrorKind> {
        check_read(self, offset, bytes.len())?;
        if let Some(left) = &mut self.reads_left {
            *left = left.checked_sub(1).ok_or(NorFlashErrorKind::Other)?;
        }
        if !self.powered {
            return Err(NorFlashErrorKind::Other);
        }
        bytes.copy_from_slice(&self.bytes[offset as usize..][..bytes.len()]);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.bytes.len()
    }
}

impl<const WRITE: usize, const PAGE: usize> NorFlash for SimulatedFlash<WRITE, PAGE> {
    const WRITE_SIZE: usize = WRITE;
    const ERASE_SIZE: usize = PAGE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), NorFlashErrorKind> {
        check_erase(self, from, to)?;
        for start in (from as usize..to as usize).step_by(PAGE) {
            let tear = self.operate()?;
            let page = start..start + PAGE;
            self.unsure.retain(|(at, _)| !page.contains(at));
            self.erases[start / PAGE] += 1;
            self.change(start, &[0xFF; PAGE], tear);
            let whole = tear.is_none_or(|tear| tear == Tear::All);
            self.written[start / WRITE..(start + PAGE) / WRITE].fill(!whole);
            if self.erases[start / PAGE] > self.endurance {
                self.bytes[start + PAGE / 2] = 0;
            }
            if tear.is_some() {
                return Err(NorFlashErrorKind::Other);
            }
        }
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), NorFlashErrorKind> {
        check_write(self, offset, bytes.len())?;
        for (index, word) in bytes.chunks(WRITE).enumerate() {
            let start = offset as usize + index * WRITE;
            let tear = self.operate()?;
            let written = std::mem::replace(&mut self.written[start / WRITE], true);
            // Zeros may be.
            let zeros = word.iter().all(|&byte| byte == 0);
            assert!(zeros || !written, "the word at {start} is written twice");
            let stored = &self.bytes[start..start + WRITE];
            let new: Vec<u8> = stored
                .iter()
                .zip(word)
                .map(|(old, new)| old & new)
                .collect();
            if self.marginal && tear.is_some_and(|tear| tear != Tear::Nothing) {
                // Of the bits that should change a few, or most.
                let share = below(&mut self.rng, 256);
                for (index, new) in new.iter().enumerate() {
                    let changes = self.bytes[start + index] ^ new;
                    let bits = changes & self.random_bits(share);
                    self.unsure.push((start + index, bits));
                }
            }
            self.change(start, &new, tear);
            if tear.is_some() {
                return Err(NorFlashErrorKind::Other);
            }
        }
        Ok(())
    }
}
