//! For `thumbnet bench device`: momentum, one sample a step.
#![no_std]
#![no_main]

use thumbnet::prelude::*;
use thumbnet_mps2::bench;
use thumbnet_mps2::model::Model;

#[cortex_m_rt::entry]
fn main() -> ! {
    static mut NETWORK: Model = Model::ZEROED;
    static mut STATE: TrainState<Model, Momentum, 1> = TrainState::ZEROED;
    bench::train(bench::MOMENTUM, NETWORK, STATE)
}
