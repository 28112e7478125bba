//! A flash whose contents are a file of the desktop that runs QEMU: they outlast the emulator.

use core::ffi::CStr;
use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash, check_erase, check_read,
    check_write,
};
use semihosting::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
};

use crate::file::HostFileError;

/// A megabyte of flash, written in words of 4 bytes, erased in pages of 4,096.
#[derive(Debug)]
pub struct HostFlash(File);

/// An erased page.
static ERASED: [u8; HostFlash::ERASE_SIZE] = [0xFF; HostFlash::ERASE_SIZE];

impl HostFlash {
    /// How much it holds.
    pub const BYTES: u32 = 1 << 20;

    /// Opens a file, or makes one of erased flash.
    ///
    /// # Errors
    ///
    /// As on the desktop: no permission, no space, and so on.
    pub fn open(path: &CStr) -> Result<Self, HostFileError> {
        Self::open_or_create(path).map_err(HostFileError::new)
    }

    fn open_or_create(path: &CStr) -> io::Result<Self> {
        let mut options = File::options();
        options.read(true).write(true);
        let mut file = match options.open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                options.create(true).truncate(true).open(path)?
            }
            opened => opened?,
        };
        // Also if QEMU was killed while it made the file.
        let mut length = file.metadata()?.len() as usize;
        file.seek(SeekFrom::Start(length as u64))?;
        while let Some(missing) = (Self::BYTES as usize)
            .checked_sub(length)
            .and_then(|missing| ERASED.get(..missing.min(Self::ERASE_SIZE)))
            .filter(|missing| !missing.is_empty())
        {
            file.write_all(missing)?;
            length += missing.len();
        }
        Ok(Self(file))
    }

    fn seek(&mut self, offset: u32) -> Result<(), FlashError> {
        self.0.seek(SeekFrom::Start(u64::from(offset)))?;
        Ok(())
    }
}

/// Arguments that no flash takes, or a file that fails.
#[derive(Debug)]
pub struct FlashError(NorFlashErrorKind);

impl NorFlashError for FlashError {
    fn kind(&self) -> NorFlashErrorKind {
        self.0
    }
}

impl From<NorFlashErrorKind> for FlashError {
    fn from(kind: NorFlashErrorKind) -> Self {
        Self(kind)
    }
}

impl From<io::Error> for FlashError {
    fn from(_: io::Error) -> Self {
        Self(NorFlashErrorKind::Other)
    }
}

impl ErrorType for HostFlash {
    type Error = FlashError;
}

impl ReadNorFlash for HostFlash {
    const READ_SIZE: usize = 4;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), FlashError> {
        check_read(self, offset, bytes.len())?;
        self.seek(offset)?;
        Ok(self.0.read_exact(bytes)?)
    }

    fn capacity(&self) -> usize {
        Self::BYTES as usize
    }
}

impl NorFlash for HostFlash {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = 4_096;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), FlashError> {
        check_erase(self, from, to)?;
        self.seek(from)?;
        for _ in (from..to).step_by(Self::ERASE_SIZE) {
            self.0.write_all(&ERASED)?;
        }
        Ok(())
    }

    /// One word at a time, each its old bits and the new ones, as in flash.
    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), FlashError> {
        check_write(self, offset, bytes.len())?;
        for (offset, new) in (offset..).step_by(4).zip(bytes.as_chunks::<4>().0) {
            let mut word = [0; 4];
            self.read(offset, &mut word)?;
            let programmed = u32::from_le_bytes(word) & u32::from_le_bytes(*new);
            self.seek(offset)?;
            self.0.write_all(&programmed.to_le_bytes())?;
        }
        Ok(())
    }
}
