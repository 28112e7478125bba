//! The part of a flash chip that its board's `memory.x` keeps for what programs write.

use embedded_storage::nor_flash::{
    ErrorType, MultiwriteNorFlash, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash,
};

// What memory.x defines: where the part begins, counted from the start of the chip, and how long it
// is. Only their addresses mean anything.
unsafe extern "C" {
    safe static _store_offset: u8;
    safe static _store_length: u8;
}

/// A part of a flash chip, with offsets of its own.
#[derive(Debug)]
pub struct Store<F> {
    flash: F,
    offset: u32,
    length: u32,
}

/// Why a store cannot be read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreError<E> {
    /// The place is not in the store.
    OutOfBounds,
    /// The chip says no.
    Flash(E),
}

impl<E: NorFlashError> NorFlashError for StoreError<E> {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::OutOfBounds => NorFlashErrorKind::OutOfBounds,
            Self::Flash(error) => error.kind(),
        }
    }
}

impl<F: NorFlash> Store<F> {
    /// The part of `flash` that `memory.x` says.
    pub fn new(flash: F) -> Self {
        Self {
            flash,
            offset: (&raw const _store_offset).addr() as u32,
            length: (&raw const _store_length).addr() as u32,
        }
    }
}

impl<F: NorFlash> Store<F> {
    /// Where bytes `from..to` of the store are in the chip.
    fn place(&self, from: u32, to: u32) -> Result<(u32, u32), StoreError<F::Error>> {
        if from <= to && to <= self.length {
            Ok((self.offset + from, self.offset + to))
        } else {
            Err(StoreError::OutOfBounds)
        }
    }

    /// Where so many bytes from `offset` are.
    fn start(&self, offset: u32, bytes: usize) -> Result<u32, StoreError<F::Error>> {
        let end = u32::try_from(bytes)
            .ok()
            .and_then(|bytes| offset.checked_add(bytes));
        let (start, _) = self.place(offset, end.ok_or(StoreError::OutOfBounds)?)?;
        Ok(start)
    }
}

impl<F: NorFlash> ErrorType for Store<F> {
    type Error = StoreError<F::Error>;
}

impl<F: NorFlash> ReadNorFlash for Store<F> {
    const READ_SIZE: usize = F::READ_SIZE;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Self::Error> {
        let start = self.start(offset, bytes.len())?;
        self.flash.read(start, bytes).map_err(StoreError::Flash)
    }

    fn capacity(&self) -> usize {
        self.length as usize
    }
}

impl<F: NorFlash> NorFlash for Store<F> {
    const WRITE_SIZE: usize = F::WRITE_SIZE;
    const ERASE_SIZE: usize = F::ERASE_SIZE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Self::Error> {
        let (from, to) = self.place(from, to)?;
        self.flash.erase(from, to).map_err(StoreError::Flash)
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Self::Error> {
        let start = self.start(offset, bytes.len())?;
        self.flash.write(start, bytes).map_err(StoreError::Flash)
    }
}

impl<F: MultiwriteNorFlash> MultiwriteNorFlash for Store<F> {}
