//! Trains with every technique there is, on a few digits in flash.
#![no_std]
#![no_main]

#[cortex_m_rt::entry]
fn main() -> ! {
    thumbnet_mps2::techniques()
}
