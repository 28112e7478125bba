//! For `thumbnet bench device`: predictions with a network in flash.
#![no_std]
#![no_main]

#[cortex_m_rt::entry]
fn main() -> ! {
    thumbnet_mps2::bench::infer()
}
