//! The first serial line: CMSDK's UART, which QEMU's first `-serial` is connected to.

use core::convert::Infallible;
use core::ptr;

use embedded_io::{ErrorType, Read, Write};

use crate::board::UART;

/// Registers, by their distance from the first.
const DATA: usize = 0x0;
const STATE: usize = 0x4;
const CONTROL: usize = 0x8;
const DIVIDER: usize = 0x10;

/// In `STATE`: there is a byte that has not been sent; one that has not been read.
const SENDING: u32 = 1;
const RECEIVED: u32 = 2;

/// In `CONTROL`: sends and receives.
const ON: u32 = 3;

/// The UART's clock over this is its speed; QEMU takes any, from 16 on.
const SLOWEST_DIVIDER: u32 = 16;

/// The line.
#[derive(Debug)]
pub struct Uart(());

impl Uart {
    /// Bytes that it keeps while nobody reads them.
    pub const KEPT: u32 = 1;

    /// Takes the line into use.
    pub fn take() -> Self {
        write(DIVIDER, SLOWEST_DIVIDER);
        write(CONTROL, ON);
        Self(())
    }
}

fn read(register: usize) -> u32 {
    // SAFETY: the board has this register, which is read as a whole word and has nothing to do with
    // memory that Rust knows of.
    unsafe { ptr::with_exposed_provenance::<u32>(UART + register).read_volatile() }
}

fn write(register: usize, value: u32) {
    // SAFETY: as for `read`.
    unsafe { ptr::with_exposed_provenance_mut::<u32>(UART + register).write_volatile(value) }
}

impl ErrorType for Uart {
    type Error = Infallible;
}

impl Read for Uart {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
        let Some(first) = buffer.first_mut() else {
            return Ok(0);
        };
        while read(STATE) & RECEIVED == 0 {}
        *first = read(DATA) as u8;
        Ok(1)
    }
}

impl Write for Uart {
    fn write(&mut self, buffer: &[u8]) -> Result<usize, Infallible> {
        for &byte in buffer {
            while read(STATE) & SENDING != 0 {}
            write(DATA, u32::from(byte));
        }
        Ok(buffer.len())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        while read(STATE) & SENDING != 0 {}
        Ok(())
    }
}
