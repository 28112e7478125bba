//! A flash in RAM, which forgets: for emulated boards that have none, and for trying things out.

use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashErrorKind, ReadNorFlash, check_erase, check_read, check_write,
};
use thumbnet::optimizer::Zeroed;

/// RAM that behaves as flash does, written in words of `WRITE` bytes, erased in pages of `PAGE`.
#[derive(Debug)]
pub struct RamFlash<const WRITE: usize, const PAGE: usize, const BYTES: usize> {
    /// Bit by bit the opposite, so that a `static` of it, erased, is all zero.
    inverted: [u8; BYTES],
}

impl<const WRITE: usize, const PAGE: usize, const BYTES: usize> Zeroed
    for RamFlash<WRITE, PAGE, BYTES>
{
    /// All of it erased.
    const ZEROED: Self = Self {
        inverted: [0; BYTES],
    };
}

impl<const WRITE: usize, const PAGE: usize, const BYTES: usize> RamFlash<WRITE, PAGE, BYTES> {
    fn bytes(&mut self, offset: u32, length: usize) -> &mut [u8] {
        let start = offset as usize;
        // The bounds have been checked.
        self.inverted
            .get_mut(start..start + length)
            .unwrap_or_default()
    }
}

impl<const WRITE: usize, const PAGE: usize, const BYTES: usize> ErrorType
    for RamFlash<WRITE, PAGE, BYTES>
{
    type Error = NorFlashErrorKind;
}

impl<const WRITE: usize, const PAGE: usize, const BYTES: usize> ReadNorFlash
    for RamFlash<WRITE, PAGE, BYTES>
{
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), NorFlashErrorKind> {
        check_read(self, offset, bytes.len())?;
        let stored = self.bytes(offset, bytes.len());
        for (byte, stored) in bytes.iter_mut().zip(stored) {
            *byte = !*stored;
        }
        Ok(())
    }

    fn capacity(&self) -> usize {
        BYTES
    }
}

impl<const WRITE: usize, const PAGE: usize, const BYTES: usize> NorFlash
    for RamFlash<WRITE, PAGE, BYTES>
{
    const WRITE_SIZE: usize = WRITE;
    const ERASE_SIZE: usize = PAGE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), NorFlashErrorKind> {
        check_erase(self, from, to)?;
        self.bytes(from, (to - from) as usize).fill(0);
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), NorFlashErrorKind> {
        check_write(self, offset, bytes.len())?;
        let stored = self.bytes(offset, bytes.len());
        for (stored, byte) in stored.iter_mut().zip(bytes) {
            *stored |= !byte;
        }
        Ok(())
    }
}
