//! Learns what a desktop sends over the first serial line: `thumbnet board`.
#![no_std]
#![no_main]

use thumbnet_mps2::model::ServeMemory;
use thumbnet_mps2::serve::serve;

#[cortex_m_rt::entry]
fn main() -> ! {
    static mut MEMORY: ServeMemory = ServeMemory::ZEROED;
    serve(MEMORY)
}
