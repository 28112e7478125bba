//! Learns to read digits without a desktop.
#![no_std]
#![no_main]

use thumbnet_firmware::{DigitsMemory, digits};

#[cortex_m_rt::entry]
fn main() -> ! {
    static mut MEMORY: DigitsMemory = DigitsMemory::ZEROED;
    let Err(error) = digits(thumbnet_pico2::take(), MEMORY);
    panic!("{error:?}")
}
