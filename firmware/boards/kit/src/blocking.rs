//! A serial line whose crate is asynchronous, for a program that waits.

use embassy_futures::block_on;
use embedded_io::{ErrorType, Read, ReadReady, Write};

/// One end of such a line.
#[derive(Debug)]
pub struct Blocking<T>(pub T);

impl<T: ErrorType> ErrorType for Blocking<T> {
    type Error = T::Error;
}

impl<T: embedded_io_async::Read> Read for Blocking<T> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, T::Error> {
        block_on(self.0.read(buffer))
    }
}

impl<T: ReadReady> ReadReady for Blocking<T> {
    fn read_ready(&mut self) -> Result<bool, T::Error> {
        self.0.read_ready()
    }
}

impl<T: embedded_io_async::Write> Write for Blocking<T> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, T::Error> {
        block_on(self.0.write(bytes))
    }

    fn flush(&mut self) -> Result<(), T::Error> {
        block_on(self.0.flush())
    }
}
