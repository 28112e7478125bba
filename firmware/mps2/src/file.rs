//! Files of the desktop that runs QEMU, as streams.

use core::{ffi::CStr, fmt};
use embedded_io::{ErrorKind, ErrorType, Read};
use semihosting::{
    fs::File,
    io::{self, Read as _},
};

/// A file of the desktop, read through semihosting.
#[derive(Debug)]
pub struct HostFile(File);

impl HostFile {
    /// Opens a file for reading. A relative path starts where QEMU was started.
    ///
    /// # Errors
    ///
    /// As on the desktop: no such file, no permission, and so on.
    pub fn open(path: &CStr) -> Result<Self, HostFileError> {
        File::open(path).map(Self).map_err(HostFileError)
    }
}

impl ErrorType for HostFile {
    type Error = HostFileError;
}

impl Read for HostFile {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, HostFileError> {
        self.0.read(buffer).map_err(HostFileError)
    }
}

/// What the desktop says went wrong.
#[derive(Debug)]
pub struct HostFileError(io::Error);

impl fmt::Display for HostFileError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl HostFileError {
    pub(crate) const fn new(error: io::Error) -> Self {
        Self(error)
    }
}

impl core::error::Error for HostFileError {}

impl embedded_io::Error for HostFileError {
    fn kind(&self) -> ErrorKind {
        match self.0.kind() {
            io::ErrorKind::NotFound => ErrorKind::NotFound,
            io::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
            io::ErrorKind::InvalidInput => ErrorKind::InvalidInput,
            io::ErrorKind::InvalidData => ErrorKind::InvalidData,
            io::ErrorKind::TimedOut => ErrorKind::TimedOut,
            io::ErrorKind::Interrupted => ErrorKind::Interrupted,
            io::ErrorKind::Unsupported => ErrorKind::Unsupported,
            io::ErrorKind::OutOfMemory => ErrorKind::OutOfMemory,
            _ => ErrorKind::Other,
        }
    }
}
