//! Boards with an STM32F4: their flash, and the line of those that use USART2.

use cortex_m::peripheral::NVIC;
use cortex_m::singleton;
use embedded_hal_nb::nb;
use embedded_io::{ErrorType, Write};
use stm32f4xx_hal::flash::{FlashExt, LockedFlash, UnlockedFlash};
use stm32f4xx_hal::pac::{self, Interrupt, USART2, interrupt};
use stm32f4xx_hal::prelude::*;
use stm32f4xx_hal::rcc::Rcc;
use stm32f4xx_hal::serial::{self, Error, Rx, Tx};

use crate::{Line, LineReader, Received};

/// Opens the flash. What `memory.x` keeps of it consists of sectors of 128 KB: there are smaller
/// ones, which would be erased together.
///
/// # Panics
///
/// If it is called twice.
pub fn flash(flash: pac::FLASH) -> UnlockedFlash<'static> {
    let flash = singleton!(: LockedFlash = LockedFlash::new(flash)).expect("there is one flash");
    flash.unlocked()
}

/// The receiving end of a line on USART2.
pub type Reader = LineReader<Rx<USART2>>;

static LINE: Line<Rx<USART2>> = Line::new();

#[interrupt]
fn USART2() {
    LINE.receive();
}

/// Opens a line with 115,200 baud on PA2, which sends, and PA3, which receives.
///
/// # Panics
///
/// If it is called twice.
pub fn open(
    usart: USART2,
    send: impl Into<<USART2 as serial::CommonPins>::Tx<stm32f4xx_hal::gpio::PushPull>>,
    receive: impl Into<<USART2 as serial::CommonPins>::Rx<stm32f4xx_hal::gpio::PushPull>>,
    rcc: &mut Rcc,
) -> (Reader, Writer) {
    let config = serial::Config::default().baudrate(115_200.bps());
    let line = usart.serial((send, receive), config, rcc);
    let (sender, mut receiver) = line.expect("the clocks allow 115,200 baud").split();
    receiver.listen();
    let received = singleton!(: Received = Received::new()).expect("the line is opened once");
    let reader = LINE.open(receiver, received);
    // SAFETY: the line is open, and nothing here relies on the interrupt being masked.
    unsafe { NVIC::unmask(Interrupt::USART2) };
    (reader, Writer(sender))
}

/// Its sending end: the crate's own is of an older `embedded-io`.
pub struct Writer(Tx<USART2>);

impl ErrorType for Writer {
    type Error = embedded_io::ErrorKind;
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Self::Error> {
        for &byte in bytes {
            nb::block!(self.0.write(byte)).map_err(failed)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), Self::Error> {
        nb::block!(self.0.flush()).map_err(failed)
    }
}

fn failed(_: Error) -> embedded_io::ErrorKind {
    embedded_io::ErrorKind::Other
}
