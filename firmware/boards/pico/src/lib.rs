//! The Raspberry Pi Pico: RP2040, a Cortex-M0+ at 125 MHz, 264 KB of RAM, 2 MB of flash.
#![cfg(target_os = "none")]
#![no_std]

#[path = "../../../models/model.rs"]
pub mod model;

use thumbnet_board_kit::rp::{self, RpParts};

/// Takes the board into use; see [`rp::take`].
pub fn take() -> RpParts<{ 2 * 1024 * 1024 }> {
    rp::take("Raspberry Pi Pico")
}
