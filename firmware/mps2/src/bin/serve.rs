//! Learns what a desktop sends over the first serial line: `thumbnet board`.
#![no_std]
#![no_main]

use thumbnet_mps2::serve::{self, Memory};

#[cortex_m_rt::entry]
fn main() -> ! {
    static mut MEMORY: Memory = Memory::ZEROED;
    serve::serve(MEMORY)
}
