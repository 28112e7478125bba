//! The Black Pill: STM32F411CE, a Cortex-M4F at 96 MHz, 128 KB of RAM, 512 KB of flash.
#![cfg(target_os = "none")]
#![no_std]

#[path = "../../../models/model.rs"]
pub mod model;

mod usb;

use inverted_pin::InvertedPin;
use stm32f4xx_hal::flash::UnlockedFlash;
use stm32f4xx_hal::gpio::{Input, Output, PA0, PC13};
use stm32f4xx_hal::otg_fs::USB;
use stm32f4xx_hal::pac;
use stm32f4xx_hal::prelude::*;
use stm32f4xx_hal::rcc::Config;
use thumbnet_board_kit::stm32f4;
use thumbnet_board_kit::{CycleClock, region};
use thumbnet_firmware::Parts;

pub use usb::{Reader, Writer};

/// The board's parts. Its light is between its pin and the supply.
pub type BlackPillF411 = Parts<
    CycleClock,
    InvertedPin<PC13<Output>>,
    PA0<Input>,
    Reader,
    Writer,
    UnlockedFlash<'static>,
>;

/// Takes the board into use: a serial line through its USB plug, the blue light, the button KEY.
///
/// # Panics
///
/// If the board was taken before: there is one of each.
pub fn take() -> BlackPillF411 {
    let core = cortex_m::Peripherals::take().expect("the board is taken once, at start-up");
    let chip = pac::Peripherals::take().expect("the board is taken once, at start-up");
    // USB needs 48 MHz, exactly.
    let clocks = Config::hse(25.MHz()).sysclk(96.MHz()).require_pll48clk();
    let mut rcc = chip.RCC.freeze(clocks);
    let port_a = chip.GPIOA.split(&mut rcc);
    let port_c = chip.GPIOC.split(&mut rcc);
    let (reader, writer) = usb::open(USB::new(
        (chip.OTG_FS_GLOBAL, chip.OTG_FS_DEVICE, chip.OTG_FS_PWRCLK),
        (port_a.pa11, port_a.pa12),
        &rcc.clocks,
    ));
    Parts {
        name: "Black Pill F411",
        clock: CycleClock::new(core.SYST, rcc.clocks.hclk().raw()),
        light: InvertedPin::new(port_c.pc13.into_push_pull_output()),
        button: port_a.pa0.into_pull_up_input(),
        reader,
        writer,
        flash: stm32f4::flash(chip.FLASH),
        region: region(),
    }
}
