//! The receiving end of a serial line: an interrupt fills a buffer, the program empties it, so that
//! bytes may arrive while the program computes.

use core::cell::RefCell;
use core::convert::Infallible;

use critical_section::Mutex;
use embedded_hal_nb::nb;
use embedded_hal_nb::serial;
use embedded_io::{ErrorType, Read, ReadReady};
use heapless::Deque;

/// How much may arrive while the program looks elsewhere: 0.36 s at 115,200 baud.
pub const BYTES: usize = 4_096;

/// What has arrived meanwhile.
pub type Received = Deque<u8, BYTES>;

/// What an interrupt and the program share of a receiver `R`; it belongs in a `static`.
pub struct Line<R>(Mutex<RefCell<Option<Ends<R>>>>);

struct Ends<R> {
    receiver: R,
    received: &'static mut Received,
}

impl<R: serial::Read> Line<R> {
    /// A line that nothing arrives on, yet.
    pub const fn new() -> Self {
        Self(Mutex::new(RefCell::new(None)))
    }

    /// Starts to listen. The receiver's interrupt is to be enabled next.
    pub fn open(&'static self, receiver: R, received: &'static mut Received) -> LineReader<R> {
        critical_section::with(|section| {
            self.0.replace(section, Some(Ends { receiver, received }))
        });
        LineReader(self)
    }

    /// Takes what the receiver has: to be called by its interrupt.
    ///
    /// A byte that was damaged, or that there is no room for, is left out: whoever reads has to notice
    /// by what the bytes say.
    pub fn receive(&self) {
        critical_section::with(|section| {
            let mut ends = self.0.borrow_ref_mut(section);
            let Some(Ends { receiver, received }) = &mut *ends else {
                return;
            };
            loop {
                match receiver.read() {
                    Ok(byte) => drop(received.push_back(byte)),
                    Err(nb::Error::WouldBlock) => break,
                    Err(nb::Error::Other(_)) => {}
                }
            }
        });
    }
}

impl<R: serial::Read> Default for Line<R> {
    fn default() -> Self {
        Self::new()
    }
}

/// Reads what has arrived on a [`Line`], in order.
pub struct LineReader<R: 'static>(&'static Line<R>);

impl<R> LineReader<R> {
    /// Does something with what has arrived.
    fn with<T>(&mut self, work: impl FnOnce(&mut Received) -> T) -> T {
        critical_section::with(|section| {
            let mut ends = self.0.0.borrow_ref_mut(section);
            work(
                ends.as_mut()
                    .expect("a line is open as soon as it has a reader")
                    .received,
            )
        })
    }
}

impl<R> ErrorType for LineReader<R> {
    type Error = Infallible;
}

impl<R> Read for LineReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let read = self.with(|received| {
                let free = buffer.iter_mut();
                free.map_while(|byte| received.pop_front().map(|next| *byte = next))
                    .count()
            });
            if read > 0 {
                return Ok(read);
            }
        }
    }
}

impl<R> ReadReady for LineReader<R> {
    fn read_ready(&mut self) -> Result<bool, Infallible> {
        Ok(self.with(|received| !received.is_empty()))
    }
}
