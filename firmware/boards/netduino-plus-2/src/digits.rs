//! Learns to read digits without a desktop.
#![no_std]
#![no_main]

use cortex_m::singleton;
use thumbnet::optimizer::Zeroed;
use thumbnet_firmware::checkpoint::RamFlash;
use thumbnet_firmware::{DigitsMemory, digits};

/// QEMU has nothing that writes this chip's flash: memory plays its part, and forgets.
type Flash = RamFlash<4, 4_096, FLASH_BYTES>;
const FLASH_BYTES: usize = 48 * 1_024;

#[cortex_m_rt::entry]
fn main() -> ! {
    static mut MEMORY: DigitsMemory = DigitsMemory::ZEROED;
    let flash = singleton!(: Flash = Flash::ZEROED).expect("there is one flash");
    let (parts, _) = thumbnet_netduino_plus_2::take().with_flash(flash, 0..FLASH_BYTES as u32);
    let Err(error) = digits(parts, MEMORY);
    panic!("{error:?}")
}
