//! The Raspberry Pi Pico 2: RP2350, a Cortex-M33 at 150 MHz, 520 KB of RAM, 4 MB of flash.
#![cfg(target_os = "none")]
#![no_std]

#[path = "../../../models/model.rs"]
pub mod model;

use thumbnet_board_kit::rp::{self, RpParts};

/// Takes the board into use; see [`rp::take`].
pub fn take() -> RpParts<{ 4 * 1024 * 1024 }> {
    rp::take("Raspberry Pi Pico 2")
}
