//! Learns what a desktop sends over the serial line: `thumbnet board`.
#![no_std]
#![no_main]

use thumbnet::cost::CostFunction;
use thumbnet_board_kit::serve::serve;
use thumbnet_pico::model::{MODEL, ModelCost, PREPARATION, ServeMemory};

#[cortex_m_rt::entry]
fn main() -> ! {
    static mut MEMORY: ServeMemory = ServeMemory::ZEROED;
    serve(
        thumbnet_pico::take(),
        MEMORY,
        &MODEL,
        ModelCost::COST,
        PREPARATION,
    )
}
