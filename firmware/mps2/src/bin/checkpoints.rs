//! Trains a network on MNIST with checkpoints in flash, and goes on from the last one.
#![no_std]
#![no_main]

use thumbnet_mps2::CheckpointMemory;

#[cortex_m_rt::entry]
fn main() -> ! {
    static mut MEMORY: CheckpointMemory = CheckpointMemory::ZEROED;
    thumbnet_mps2::checkpoints(MEMORY)
}
