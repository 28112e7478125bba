//! Checks the board support itself: log, counter, files, exit codes, faults.
#![no_std]
#![no_main]

#[cortex_m_rt::entry]
fn main() -> ! {
    thumbnet_mps2::selftest()
}
