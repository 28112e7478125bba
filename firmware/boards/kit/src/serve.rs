//! The program that learns what a desktop sends over a board's serial line.

use cortex_m::peripheral::SCB;
use embedded_hal::digital::OutputPin;
use embedded_io::{Read, Write};
use embedded_storage::nor_flash::NorFlash;
use thumbnet::cost::Cost;
use thumbnet::input::Width;
use thumbnet::{Network, Preparation};
use thumbnet_firmware::serve::checkpoints::Checkpoints;
use thumbnet_firmware::serve::in_flash::{InFlash, Saved};
use thumbnet_firmware::serve::methods::Methods;
use thumbnet_firmware::serve::step::Outputs;
use thumbnet_firmware::serve::{About, Leave, Memory};
use thumbnet_firmware::{Board, Clock, Duplex, Parts, Store};

use crate::faults;
use crate::line::BYTES;
use crate::memory::{free_ram, memory};

/// Serves for ever, beginning with the network in flash; of this, `cost` is what it was trained with
/// and `preparation` what is done to images before it sees them. Checkpoints go to the board's flash.
pub fn serve<
    C: Clock,
    L: OutputPin,
    B,
    R: Read,
    W: Write,
    F: NorFlash,
    N,
    M: Methods<N, INPUTS> + Saved,
    const INPUTS: usize,
    const BATCH: usize,
    const FRAME: usize,
>(
    parts: Parts<C, L, B, R, W, F>,
    kept: &mut Memory<N, M, INPUTS, BATCH, FRAME>,
    network: &N,
    cost: Cost,
    preparation: Preparation,
) -> !
where
    N: Network<Inputs = Width<INPUTS>>,
    N::Output: Outputs,
{
    let region = parts.region.clone();
    let (parts, flash) = parts.with_flash((), 0..0);
    let store = Store::new(flash, region).expect("memory.x has whole pages for it");
    let checkpoints = InFlash::new::<N, M>(store);
    serve_with(parts, kept, network, cost, preparation, checkpoints)
}

/// The same with checkpoints elsewhere, or none.
pub fn serve_with<
    C: Clock,
    L: OutputPin,
    B,
    R: Read,
    W: Write,
    F,
    N,
    M: Methods<N, INPUTS>,
    K: Checkpoints<N, M>,
    const INPUTS: usize,
    const BATCH: usize,
    const FRAME: usize,
>(
    parts: Parts<C, L, B, R, W, F>,
    kept: &mut Memory<N, M, INPUTS, BATCH, FRAME>,
    network: &N,
    cost: Cost,
    preparation: Preparation,
    mut checkpoints: K,
) -> !
where
    N: Network<Inputs = Width<INPUTS>>,
    N::Output: Outputs,
{
    kept.network.copy_from(network);
    let fault = faults::before();
    let about = About {
        board: parts.name,
        clock_hz: parts.clock.per_second(),
        free_ram: free_ram(),
        credit: BYTES as u32,
        fault: &fault,
        stack: || memory().stack_bytes,
        cost,
        preparation,
    };
    let mut line = Duplex {
        reader: parts.reader,
        writer: parts.writer,
    };
    let mut board = Board {
        meter: parts.clock,
        led: parts.light,
    };
    loop {
        match thumbnet_firmware::serve::serve(&mut line, &about, kept, &mut board, &mut checkpoints)
        {
            Leave::Reset => SCB::sys_reset(),
            Leave::Closed => {}
        }
    }
}
