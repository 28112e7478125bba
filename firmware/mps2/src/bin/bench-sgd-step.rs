//! For `thumbnet bench device`: gradient descent, one sample a step.
#![no_std]
#![no_main]

use thumbnet::prelude::*;
use thumbnet_mps2::bench;
use thumbnet_mps2::model::Model;

#[cortex_m_rt::entry]
fn main() -> ! {
    static mut NETWORK: Model = Model::ZEROED;
    static mut STATE: TrainState<Model, Sgd, 1> = TrainState::ZEROED;
    bench::train(bench::SGD, NETWORK, STATE)
}
