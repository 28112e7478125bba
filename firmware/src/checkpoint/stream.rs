//! Bytes to and from flash, in blocks of its own granularity.

use embedded_storage::nor_flash::{NorFlash, ReadNorFlash};

/// Bytes that go to or come from flash at a time.
pub(super) const BLOCK: usize = 256;

/// Writes to consecutive addresses, and stops at the first error.
pub(super) struct Writer<'f, F: NorFlash> {
    flash: &'f mut F,
    /// Where the block goes.
    address: u32,
    block: [u8; BLOCK],
    filled: usize,
    result: Result<(), F::Error>,
}

impl<'f, F: NorFlash> Writer<'f, F> {
    /// Writes from `address` on, a multiple of the write size.
    pub(super) const fn new(flash: &'f mut F, address: u32) -> Self {
        Self {
            flash,
            address,
            block: [0xFF; BLOCK],
            filled: 0,
            result: Ok(()),
        }
    }

    pub(super) fn push(&mut self, mut bytes: &[u8]) {
        while let Some(free) = self.block.get_mut(self.filled..) {
            let count = free.len().min(bytes.len());
            let (now, later) = bytes.split_at(count);
            for (place, byte) in free.iter_mut().zip(now) {
                *place = *byte;
            }
            self.filled += count;
            bytes = later;
            if self.filled < BLOCK {
                return;
            }
            self.flush();
        }
    }

    /// Writes what is left, filled up with ones.
    pub(super) fn finish(mut self) -> Result<(), F::Error> {
        self.flush();
        self.result
    }

    fn flush(&mut self) {
        let length = self.filled.next_multiple_of(F::WRITE_SIZE);
        if let (Ok(()), Some(block)) = (&self.result, self.block.get(..length)) {
            self.result = self.flash.write(self.address, block);
        }
        self.address += length as u32;
        self.block = [0xFF; BLOCK];
        self.filled = 0;
    }
}

/// Reads from consecutive addresses, and stops at the first error.
pub(super) struct Reader<'f, F: ReadNorFlash> {
    flash: &'f mut F,
    /// Where the next block comes from.
    address: u32,
    /// Bytes that are still in flash.
    left: usize,
    block: [u8; BLOCK],
    used: usize,
    result: Result<(), F::Error>,
}

impl<'f, F: ReadNorFlash> Reader<'f, F> {
    /// Reads `bytes` from `address` on, a multiple of the read size.
    pub(super) const fn new(flash: &'f mut F, address: u32, bytes: u32) -> Self {
        Self {
            flash,
            address,
            left: bytes as usize,
            block: [0; BLOCK],
            used: BLOCK,
            result: Ok(()),
        }
    }

    /// Fills `bytes`, with whatever if there is an error.
    pub(super) fn pull(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            if self.used == BLOCK {
                self.refill();
            }
            if let Some(&next) = self.block.get(self.used) {
                *byte = next;
            }
            self.used += 1;
        }
    }

    /// Whether all could be read.
    pub(super) fn finish(self) -> Result<(), F::Error> {
        self.result
    }

    fn refill(&mut self) {
        let length = self.left.next_multiple_of(F::READ_SIZE).min(BLOCK);
        if let (Ok(()), Some(block)) = (&self.result, self.block.get_mut(..length)) {
            self.result = self.flash.read(self.address, block);
        }
        self.address += length as u32;
        self.left = self.left.saturating_sub(length);
        self.used = 0;
    }
}
