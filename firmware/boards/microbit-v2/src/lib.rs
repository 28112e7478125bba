//! The micro:bit v2: nRF52833, a Cortex-M4F at 64 MHz, 128 KB of RAM, 512 KB of flash.
#![cfg(target_os = "none")]
#![no_std]

#[path = "../../../models/model.rs"]
pub mod model;

use embassy_nrf::gpio::{Input, Level, Output, OutputDrive, Pull};
use embassy_nrf::nvmc::Nvmc;
use thumbnet_board_kit::nrf::{self, Reader, Writer};
use thumbnet_board_kit::{CycleClock, region};
use thumbnet_firmware::Parts;

/// The board's parts.
pub type Microbit =
    Parts<CycleClock, Output<'static>, Input<'static>, Reader, Writer, Nvmc<'static>>;

/// Takes the board into use: 115,200 baud through its USB plug, the first light of the first row,
/// button A.
///
/// # Panics
///
/// If the board was taken before: there is one of each.
pub fn take() -> Microbit {
    let (clock, chip) = nrf::take();
    let uart = (
        chip.UARTE0,
        chip.TIMER1,
        chip.PPI_CH0,
        chip.PPI_CH1,
        chip.PPI_GROUP0,
    );
    let (reader, writer) = nrf::open(uart, chip.P1_08.into(), chip.P0_06.into());
    // Lights are between rows and columns: the first column stays low.
    Output::new(chip.P0_28, Level::Low, OutputDrive::Standard).persist();
    Parts {
        name: "micro:bit v2",
        clock,
        light: Output::new(chip.P0_21, Level::Low, OutputDrive::Standard),
        button: Input::new(chip.P0_14, Pull::Up),
        reader,
        writer,
        flash: Nvmc::new(chip.NVMC),
        region: region(),
    }
}
