//! The first serial line: CMSDK's UART, which QEMU's first `-serial` is connected to. What comes is
//! kept by an interrupt, so that nothing is lost while the program computes.

use core::convert::Infallible;
use core::ptr;
use core::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use cortex_m::interrupt::InterruptNumber;
use cortex_m::peripheral::NVIC;
use embedded_io::{ErrorType, Read, Write};

use crate::board::{UART, UART_INTERRUPT};

/// Registers, by their distance from the first.
const DATA: usize = 0x0;
const STATE: usize = 0x4;
const CONTROL: usize = 0x8;
const INTERRUPTS: usize = 0xC;
const DIVIDER: usize = 0x10;

/// In `STATE`: there is a byte that has not been sent; one that has not been read.
const SENDING: u32 = 1;
const RECEIVED: u32 = 2;

/// In `CONTROL`: sends, receives, and interrupts when a byte has come.
const ON: u32 = 1 | 2 | 8;

/// In `INTERRUPTS`: a byte has come.
const HAS_COME: u32 = 2;

/// The UART's clock over this is its speed; QEMU takes any, from 16 on.
const SLOWEST_DIVIDER: u32 = 16;

/// Bytes that are kept: a power of two, so that counts may wrap.
const ROOM: usize = 8192;

/// What has come and was not read: byte number `k` is in place `k % ROOM`.
static KEPT: [AtomicU8; ROOM] = [const { AtomicU8::new(0) }; ROOM];

/// How many have come; only the interrupt writes here.
static COME: AtomicUsize = AtomicUsize::new(0);

/// How many were read; only the program writes here.
static READ: AtomicUsize = AtomicUsize::new(0);

#[derive(Clone, Copy)]
struct Interrupt;

// SAFETY: it is one of the board's interrupts, says the build script.
unsafe impl InterruptNumber for Interrupt {
    fn number(self) -> u16 {
        UART_INTERRUPT
    }
}

/// The line.
#[derive(Debug)]
pub struct Uart(());

impl Uart {
    /// Bytes that it keeps while nobody reads them.
    pub const KEPT: u32 = ROOM as u32;

    /// Takes the line into use.
    pub fn take() -> Self {
        write(DIVIDER, SLOWEST_DIVIDER);
        write(CONTROL, ON);
        // SAFETY: nothing relies on this interrupt being masked.
        unsafe { NVIC::unmask(Interrupt) };
        Self(())
    }
}

/// Keeps what has come. Called by the interrupt, and by nothing else.
pub(crate) fn keep() {
    // First: what comes from now on asks for another interrupt.
    write(INTERRUPTS, HAS_COME);
    while read(STATE) & RECEIVED != 0 {
        let byte = read(DATA) as u8;
        let come = COME.load(Ordering::Relaxed);
        let kept = come.wrapping_sub(READ.load(Ordering::Acquire));
        // What there is no room for is lost, and whoever sent it will find out.
        if let Some(place) = KEPT.get(come % ROOM)
            && kept < ROOM
        {
            place.store(byte, Ordering::Relaxed);
            COME.store(come.wrapping_add(1), Ordering::Release);
        }
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
        let start = READ.load(Ordering::Relaxed);
        let come = || COME.load(Ordering::Acquire).wrapping_sub(start);
        while come() == 0 && !buffer.is_empty() {
            // An interrupt between looking and waiting is an event, too: it is not slept over.
            cortex_m::asm::wfe();
        }
        let length = come().min(buffer.len());
        for (index, byte) in buffer.iter_mut().take(length).enumerate() {
            let place = KEPT.get(start.wrapping_add(index) % ROOM);
            *byte = place.map_or(0, |place| place.load(Ordering::Relaxed));
        }
        READ.store(start.wrapping_add(length), Ordering::Release);
        Ok(length)
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
