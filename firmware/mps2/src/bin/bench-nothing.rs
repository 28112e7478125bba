//! For `thumbnet bench device`: what is left of the others without their work.
#![no_std]
#![no_main]

#[cortex_m_rt::entry]
fn main() -> ! {
    thumbnet_mps2::bench::nothing()
}
