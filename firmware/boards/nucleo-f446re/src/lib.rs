//! The Nucleo-F446RE: STM32F446RE, a Cortex-M4F at 180 MHz, 128 KB of RAM, 512 KB of flash.
#![cfg(target_os = "none")]
#![no_std]

#[path = "../../../models/model.rs"]
pub mod model;

use stm32f4xx_hal::flash::UnlockedFlash;
use stm32f4xx_hal::gpio::{Input, Output, PA5, PC13};
use stm32f4xx_hal::pac;
use stm32f4xx_hal::prelude::*;
use stm32f4xx_hal::rcc::Config;
use thumbnet_board_kit::stm32f4::{self, Reader, Writer};
use thumbnet_board_kit::{CycleClock, region};
use thumbnet_firmware::Parts;

/// The board's parts.
pub type NucleoF446re =
    Parts<CycleClock, PA5<Output>, PC13<Input>, Reader, Writer, UnlockedFlash<'static>>;

/// Takes the board into use: 115,200 baud through the USB plug of its debugger, LD2, the blue button.
///
/// # Panics
///
/// If the board was taken before: there is one of each.
pub fn take() -> NucleoF446re {
    let core = cortex_m::Peripherals::take().expect("the board is taken once, at start-up");
    let chip = pac::Peripherals::take().expect("the board is taken once, at start-up");
    // The debugger's crystal.
    let clocks = Config::hse(8.MHz()).bypass_hse_oscillator();
    let mut rcc = chip.RCC.freeze(clocks.sysclk(180.MHz()));
    let port_a = chip.GPIOA.split(&mut rcc);
    let port_c = chip.GPIOC.split(&mut rcc);
    let (reader, writer) = stm32f4::open(chip.USART2, port_a.pa2, port_a.pa3, &mut rcc);
    Parts {
        name: "Nucleo-F446RE",
        clock: CycleClock::new(core.SYST, rcc.clocks.hclk().raw()),
        light: port_a.pa5.into_push_pull_output(),
        button: port_c.pc13.into_input(),
        reader,
        writer,
        flash: stm32f4::flash(chip.FLASH),
        region: region(),
    }
}
