//! Distorts real MNIST images, as training on augmented data does.
#![no_std]
#![no_main]

#[cortex_m_rt::entry]
fn main() -> ! {
    thumbnet_mps2::augment()
}
