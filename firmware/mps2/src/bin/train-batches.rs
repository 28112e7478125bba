//! Trains a network on MNIST with momentum and weight decay, in mini-batches of ten images.
#![no_std]
#![no_main]

use thumbnet::prelude::Momentum;
use thumbnet_mps2::TrainMemory;

// With its mini-batch of images and their units this takes about 10 KB more RAM than
// `train-momentum`: it is here for its bits, not for the smallest board.
#[cortex_m_rt::entry]
fn main() -> ! {
    static mut MEMORY: TrainMemory<Momentum, 10> = TrainMemory::ZEROED;
    thumbnet_mps2::train(thumbnet_mps2::train::MINI_BATCHES, MEMORY)
}
