//! For `thumbnet bench device`: momentum in mini-batches of 16.
#![no_std]
#![no_main]

use thumbnet::prelude::*;
use thumbnet_mps2::bench;
use thumbnet_mps2::model::Model;

#[cortex_m_rt::entry]
fn main() -> ! {
    static mut NETWORK: Model = Model::ZEROED;
    static mut STATE: TrainState<Model, Momentum, 16> = TrainState::ZEROED;
    bench::train(bench::MOMENTUM, NETWORK, STATE)
}
