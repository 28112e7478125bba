//! For `thumbnet bench device`: gradient descent on the last layer, one sample a step.
#![no_std]
#![no_main]

use thumbnet::Headed;
use thumbnet::prelude::*;
use thumbnet_mps2::bench;
use thumbnet_mps2::model::Model;

type Head = <Model as Headed>::Head;

#[cortex_m_rt::entry]
fn main() -> ! {
    static mut HEAD: Head = Head::ZEROED;
    static mut STATE: TrainState<Head, Sgd, 1> = TrainState::ZEROED;
    bench::train_head(bench::SGD, HEAD, STATE)
}
