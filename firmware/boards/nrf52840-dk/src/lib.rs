//! The nRF52840-DK: nRF52840, a Cortex-M4F at 64 MHz, 256 KB of RAM, 1 MB of flash.
#![cfg(target_os = "none")]
#![no_std]

#[path = "../../../models/model.rs"]
pub mod model;

use embassy_nrf::gpio::{Input, Level, Output, OutputDrive, Pull};
use embassy_nrf::nvmc::Nvmc;
use inverted_pin::InvertedPin;
use thumbnet_board_kit::nrf::{self, Reader, Writer};
use thumbnet_board_kit::{CycleClock, region};
use thumbnet_firmware::Parts;

/// The board's parts. Its lights are between their pins and the supply.
pub type Nrf52840Dk =
    Parts<CycleClock, InvertedPin<Output<'static>>, Input<'static>, Reader, Writer, Nvmc<'static>>;

/// Takes the board into use: 115,200 baud through the USB plug of its debugger, LED1, button 1.
///
/// # Panics
///
/// If the board was taken before: there is one of each.
pub fn take() -> Nrf52840Dk {
    let (clock, chip) = nrf::take();
    let uart = (
        chip.UARTE0,
        chip.TIMER1,
        chip.PPI_CH0,
        chip.PPI_CH1,
        chip.PPI_GROUP0,
    );
    let (reader, writer) = nrf::open(uart, chip.P0_08.into(), chip.P0_06.into());
    let light = Output::new(chip.P0_13, Level::High, OutputDrive::Standard);
    Parts {
        name: "nRF52840-DK",
        clock,
        light: InvertedPin::new(light),
        button: Input::new(chip.P0_11, Pull::Up),
        reader,
        writer,
        flash: Nvmc::new(chip.NVMC),
        region: region(),
    }
}
