//! Raspberry Pi Pico and Pico 2, whose pins are the same.
//!
//! The line's interrupt is ours instead of that of embassy's `BufferedUart`, which needs more of a
//! UART than emulators have.

use cortex_m::singleton;
use embassy_rp::clocks::clk_sys_freq;
use embassy_rp::flash::{Blocking as BlockingFlash, Flash};
use embassy_rp::gpio::{Input, Level, Output, Pull};
use embassy_rp::interrupt::typelevel::{Handler, Interrupt, UART0_IRQ};
use embassy_rp::peripherals::FLASH;
use embassy_rp::uart::{Blocking, Config, Uart, UartRx, UartTx};
use embassy_rp::{bind_interrupts, pac};
use thumbnet_firmware::Parts;

use crate::{CycleClock, Line, LineReader, Received, region};

/// The parts of one of the two, with so many bytes of flash.
pub type RpParts<const FLASH_BYTES: usize> = Parts<
    CycleClock,
    Output<'static>,
    Input<'static>,
    LineReader<UartRx<'static, Blocking>>,
    UartTx<'static, Blocking>,
    Flash<'static, FLASH, BlockingFlash, FLASH_BYTES>,
>;

static LINE: Line<UartRx<'static, Blocking>> = Line::new();

bind_interrupts!(struct Interrupts {
    UART0_IRQ => LineInterrupt;
});

struct LineInterrupt;

impl Handler<UART0_IRQ> for LineInterrupt {
    unsafe fn on_interrupt() {
        LINE.receive();
        // That the line fell silent with bytes left, for which there is no other interrupt.
        pac::UART0.uarticr().write(|clear| clear.set_rtic(true));
    }
}

/// Takes the board into use: 115,200 baud on GP0 and GP1, the light on GP25, a button between GP15
/// and ground.
///
/// # Panics
///
/// If the board was taken before: there is one of each.
pub fn take<const FLASH_BYTES: usize>(name: &'static str) -> RpParts<FLASH_BYTES> {
    let core = cortex_m::Peripherals::take().expect("the board is taken once, at start-up");
    let chip = embassy_rp::init(embassy_rp::config::Config::default());
    let uart = Uart::new_blocking(chip.UART0, chip.PIN_0, chip.PIN_1, Config::default());
    let (writer, receiver) = uart.split();
    let received = singleton!(: Received = Received::new()).expect("this is called once");
    let reader = LINE.open(receiver, received);
    pac::UART0.uartimsc().write(|mask| {
        mask.set_rxim(true);
        mask.set_rtim(true);
    });
    // SAFETY: the line is open, and nothing here relies on the interrupt being masked.
    unsafe { UART0_IRQ::enable() };
    Parts {
        name,
        clock: CycleClock::new(core.SYST, clk_sys_freq()),
        light: Output::new(chip.PIN_25, Level::Low),
        button: Input::new(chip.PIN_15, Pull::Up),
        reader,
        writer,
        flash: Flash::new_blocking(chip.FLASH),
        region: region(),
    }
}
