//! The Nucleo-F767ZI: STM32F767ZI, a Cortex-M7 at 216 MHz, 512 KB of RAM, 2 MB of flash.
#![cfg(target_os = "none")]
#![no_std]

#[path = "../../../models/model.rs"]
pub mod model;

use cortex_m::singleton;
use embassy_stm32::flash::{Blocking, Flash};
use embassy_stm32::gpio::{Input, Level, Output, Pull, Speed};
use embassy_stm32::rcc::{
    AHBPrescaler, APBPrescaler, Hse, HseMode, Pll, PllMul, PllPDiv, PllPreDiv, PllSource, Sysclk,
};
use embassy_stm32::time::mhz;
use embassy_stm32::usart::{
    self, BufferedInterruptHandler, BufferedUart, BufferedUartRx, BufferedUartTx,
};
use embassy_stm32::{bind_interrupts, peripherals};
use inverted_pin::InvertedPin;
use thumbnet_board_kit::line::BYTES;
use thumbnet_board_kit::{CycleClock, region};
use thumbnet_firmware::Parts;

const HERTZ: u32 = 216_000_000;

/// The board's parts. Its button is between its pin and the supply.
pub type NucleoF767zi = Parts<
    CycleClock,
    Output<'static>,
    InvertedPin<Input<'static>>,
    BufferedUartRx<'static>,
    BufferedUartTx<'static>,
    Flash<'static, Blocking>,
>;

bind_interrupts!(struct Interrupts {
    USART3 => BufferedInterruptHandler<peripherals::USART3>;
});

/// Takes the board into use: 115,200 baud through the USB plug of its debugger, LD1, the blue button.
///
/// # Panics
///
/// If the board was taken before: there is one of each.
pub fn take() -> NucleoF767zi {
    let core = cortex_m::Peripherals::take().expect("the board is taken once, at start-up");
    let chip = embassy_stm32::init(clocks());
    let received = singleton!(: [u8; BYTES] = [0; BYTES]).expect("the board is taken once");
    let sent = singleton!(: [u8; 256] = [0; 256]).expect("the board is taken once");
    let line = BufferedUart::new(
        chip.USART3,
        chip.PD9,
        chip.PD8,
        sent,
        received,
        Interrupts,
        usart::Config::default(),
    );
    let (writer, reader) = line.expect("the clocks allow 115,200 baud").split();
    Parts {
        name: "Nucleo-F767ZI",
        clock: CycleClock::new(core.SYST, HERTZ),
        light: Output::new(chip.PB0, Level::Low, Speed::Low),
        button: InvertedPin::new(Input::new(chip.PC13, Pull::Down)),
        reader,
        writer,
        flash: Flash::new_blocking(chip.FLASH),
        region: region(),
    }
}

/// 216 MHz from the debugger's crystal: 8 MHz / 4 x 216 / 2.
fn clocks() -> embassy_stm32::Config {
    let mut config = embassy_stm32::Config::default();
    config.rcc.hse = Some(Hse {
        freq: mhz(8),
        mode: HseMode::Bypass,
    });
    config.rcc.pll_src = PllSource::HSE;
    config.rcc.pll = Some(Pll {
        prediv: PllPreDiv::DIV4,
        mul: PllMul::MUL216,
        divp: Some(PllPDiv::DIV2),
        divq: None,
        divr: None,
    });
    config.rcc.ahb_pre = AHBPrescaler::DIV1;
    config.rcc.apb1_pre = APBPrescaler::DIV4;
    config.rcc.apb2_pre = APBPrescaler::DIV2;
    config.rcc.sys = Sysclk::PLL1_P;
    config
}
