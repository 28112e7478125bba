//! The Netduino Plus 2: STM32F405RG, a Cortex-M4F, 128 KB of RAM and 64 KB beside it, 1 MB of flash.
//!
//! It is here because QEMU emulates it. It runs at 16 MHz from the oscillator in the chip: QEMU has
//! no control of clocks, and a program that waited for another one would wait for ever.
#![cfg(target_os = "none")]
#![no_std]

#[path = "../../../models/model.rs"]
pub mod model;

use stm32f4xx_hal::flash::UnlockedFlash;
use stm32f4xx_hal::gpio::{Input, Output, PA10, PB11};
use stm32f4xx_hal::pac;
use stm32f4xx_hal::prelude::*;
use stm32f4xx_hal::rcc::Config;
use thumbnet_board_kit::stm32f4::{self, Reader, Writer};
use thumbnet_board_kit::{CycleClock, region};
use thumbnet_firmware::Parts;

/// The board's parts.
pub type NetduinoPlus2 =
    Parts<CycleClock, PA10<Output>, PB11<Input>, Reader, Writer, UnlockedFlash<'static>>;

/// Takes the board into use: 115,200 baud on D1, which sends, and D0; the blue light; the button.
///
/// # Panics
///
/// If the board was taken before: there is one of each.
pub fn take() -> NetduinoPlus2 {
    let core = cortex_m::Peripherals::take().expect("the board is taken once, at start-up");
    let chip = pac::Peripherals::take().expect("the board is taken once, at start-up");
    let mut rcc = chip.RCC.freeze(Config::hsi());
    let port_a = chip.GPIOA.split(&mut rcc);
    let port_b = chip.GPIOB.split(&mut rcc);
    let (reader, writer) = stm32f4::open(chip.USART2, port_a.pa2, port_a.pa3, &mut rcc);
    Parts {
        name: "Netduino Plus 2",
        clock: CycleClock::new(core.SYST, rcc.clocks.hclk().raw()),
        light: port_a.pa10.into_push_pull_output(),
        button: port_b.pb11.into_pull_up_input(),
        reader,
        writer,
        flash: stm32f4::flash(chip.FLASH),
        region: region(),
    }
}
