//! Trains a network on MNIST by stochastic gradient descent, one image a step.
#![no_std]
#![no_main]

use thumbnet::prelude::Sgd;
use thumbnet_mps2::TrainMemory;

#[cortex_m_rt::entry]
fn main() -> ! {
    static mut MEMORY: TrainMemory<Sgd, 1> = TrainMemory::ZEROED;
    thumbnet_mps2::train(thumbnet_mps2::train::SGD, MEMORY)
}
