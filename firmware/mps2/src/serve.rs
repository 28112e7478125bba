//! The program that learns what a desktop sends over the first serial line.

use cortex_m::peripheral::SCB;
use thumbnet::cost::CostFunction;
use thumbnet::network::Layers;
use thumbnet_firmware::serve::checkpoints::NoCheckpoints;
use thumbnet_firmware::serve::{self, About, Leave};

use crate::board::{CLOCK_MHZ, NAME};
use crate::memory::{free_ram, memory};
use crate::model::{MODEL, ModelCost, PREPARATION, ServeMemory};
use crate::uart::Uart;
use crate::{SUCCESS, exit, take};

/// Serves until the desktop asks for a new start.
pub fn serve(kept: &mut ServeMemory) -> ! {
    kept.network.copy_from(&MODEL);
    let mut uart = Uart::take();
    let mut board = take();
    let about = About {
        board: NAME,
        clock_hz: CLOCK_MHZ as u32 * 1_000_000,
        free_ram: free_ram(),
        credit: Uart::KEPT,
        fault: "",
        stack: || memory().stack_bytes,
        cost: ModelCost::COST,
        preparation: PREPARATION,
    };
    match serve::serve(&mut uart, &about, kept, &mut board, &mut NoCheckpoints) {
        Leave::Reset => SCB::sys_reset(),
        Leave::Closed => exit(SUCCESS),
    }
}
