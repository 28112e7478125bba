//! Evaluates a network in flash on the real MNIST test images.
#![no_std]
#![no_main]

#[cortex_m_rt::entry]
fn main() -> ! {
    thumbnet_mps2::evaluate()
}
