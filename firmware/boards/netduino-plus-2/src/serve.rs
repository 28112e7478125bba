//! Learns what a desktop sends over the serial line: `thumbnet board`.
#![no_std]
#![no_main]

use thumbnet::cost::CostFunction;
use thumbnet_board_kit::serve::serve_with;
use thumbnet_firmware::serve::checkpoints::NoCheckpoints;
use thumbnet_netduino_plus_2::model::{MODEL, ModelCost, PREPARATION, ServeMemory};

#[cortex_m_rt::entry]
fn main() -> ! {
    static mut MEMORY: ServeMemory = ServeMemory::ZEROED;
    serve_with(
        thumbnet_netduino_plus_2::take(),
        MEMORY,
        &MODEL,
        ModelCost::COST,
        PREPARATION,
        // QEMU has nothing that writes this chip's flash.
        NoCheckpoints,
    )
}
