//! Learns in the field, and shows what old samples are worth.
#![no_std]
#![no_main]

use thumbnet_mps2::FieldMemory;

#[cortex_m_rt::entry]
fn main() -> ! {
    static mut MEMORY: FieldMemory = FieldMemory::ZEROED;
    thumbnet_mps2::field(MEMORY)
}
