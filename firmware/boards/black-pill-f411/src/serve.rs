//! Learns what a desktop sends over the serial line: `thumbnet board`.
#![no_std]
#![no_main]

use thumbnet::cost::CostFunction;
use thumbnet_black_pill_f411::model::{MODEL, ModelCost, PREPARATION, ServeMemory};
use thumbnet_board_kit::serve::serve;

#[cortex_m_rt::entry]
fn main() -> ! {
    static mut MEMORY: ServeMemory = ServeMemory::ZEROED;
    serve(
        thumbnet_black_pill_f411::take(),
        MEMORY,
        &MODEL,
        ModelCost::COST,
        PREPARATION,
    )
}
