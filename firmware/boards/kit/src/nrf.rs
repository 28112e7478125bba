//! Boards with an nRF52.

use cortex_m::singleton;
use embassy_nrf::buffered_uarte::{
    BufferedUarte, BufferedUarteRx, BufferedUarteTx, InterruptHandler,
};
use embassy_nrf::config::{Config, HfclkSource};
use embassy_nrf::gpio::AnyPin;
use embassy_nrf::peripherals::{PPI_CH0, PPI_CH1, PPI_GROUP0, TIMER1, UARTE0};
use embassy_nrf::{Peri, Peripherals, bind_interrupts, uarte};

use crate::line::BYTES;
use crate::{Blocking, CycleClock};

/// What all of them run at.
const HERTZ: u32 = 64_000_000;

bind_interrupts!(struct Interrupts {
    UARTE0 => InterruptHandler<UARTE0>;
});

/// The receiving end of the line.
pub type Reader = Blocking<BufferedUarteRx<'static>>;

/// Its sending end.
pub type Writer = Blocking<BufferedUarteTx<'static>>;

/// Starts the crystal and the clock, and returns everything else.
///
/// # Panics
///
/// If the board was taken before: there is one of each.
pub fn take() -> (CycleClock, Peripherals) {
    let core = cortex_m::Peripherals::take().expect("the board is taken once, at start-up");
    let mut config = Config::default();
    // The line needs a clock that is exact.
    config.hfclk_source = HfclkSource::ExternalXtal;
    let chip = embassy_nrf::init(config);
    (CycleClock::new(core.SYST, HERTZ), chip)
}

/// What the line is made of: a UART, and what counts the bytes that it has put into memory.
pub type Uart = (
    Peri<'static, UARTE0>,
    Peri<'static, TIMER1>,
    Peri<'static, PPI_CH0>,
    Peri<'static, PPI_CH1>,
    Peri<'static, PPI_GROUP0>,
);

/// Opens the line with 115,200 baud; what arrives is kept while the program computes.
///
/// # Panics
///
/// If it is called twice.
pub fn open(
    (uart, timer, channel, other_channel, group): Uart,
    receive: Peri<'static, AnyPin>,
    send: Peri<'static, AnyPin>,
) -> (Reader, Writer) {
    let received = singleton!(: [u8; BYTES] = [0; BYTES]).expect("the line is opened once");
    let sent = singleton!(: [u8; 256] = [0; 256]).expect("the line is opened once");
    let line = BufferedUarte::new(
        uart,
        timer,
        channel,
        other_channel,
        group,
        receive,
        send,
        Interrupts,
        uarte::Config::default(),
        received,
        sent,
    );
    let (reader, writer) = line.split();
    (Blocking(reader), Blocking(writer))
}
