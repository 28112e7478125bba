//! Trains a network on MNIST with momentum, one image a step.
#![no_std]
#![no_main]

use thumbnet::prelude::Momentum;
use thumbnet_mps2::TrainMemory;

#[cortex_m_rt::entry]
fn main() -> ! {
    static mut MEMORY: TrainMemory<Momentum, 1> = TrainMemory::ZEROED;
    thumbnet_mps2::train(thumbnet_mps2::train::MOMENTUM, MEMORY)
}
