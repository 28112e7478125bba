//! The two ends of a serial line as one.

use embedded_io::{Error, ErrorKind, ErrorType, Read, Write};

/// Reads from one, writes to the other.
#[derive(Debug)]
pub struct Duplex<R, W> {
    /// The receiving end.
    pub reader: R,
    /// The sending end.
    pub writer: W,
}

impl<R, W> ErrorType for Duplex<R, W> {
    type Error = ErrorKind;
}

impl<R: Read, W> Read for Duplex<R, W> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ErrorKind> {
        self.reader.read(buffer).map_err(|error| error.kind())
    }
}

impl<R, W: Write> Write for Duplex<R, W> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        self.writer.write(bytes).map_err(|error| error.kind())
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        self.writer.flush().map_err(|error| error.kind())
    }
}
