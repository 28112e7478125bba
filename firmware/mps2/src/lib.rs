//! thumbnet's programs for QEMU's MPS2 boards.
//!
//! QEMU emulates Arm's MPS2 board with several Cortex-M processors. Apart from the processor and
//! some addresses they are one board, so there is one crate for all; its build script says what
//! differs. All that this board has and others have not is here: to bring thumbnet to another one,
//! copy this folder, and replace what is in `build/board.rs`, [`led`] and [`meter`].
//!
//! | module | what it holds |
//! |---|---|
//! | [`arguments`] | the command line that semihosting passes in, with the data folder |
//! | [`flash`] | a flash in a file of the desktop |
//! | [`faults`] | panics and processor faults, logged and turned into exit codes |
//! | [`mod@file`] | files of the desktop, as [`embedded_io::Read`] |
//! | [`led`] | the board's two user lights |
//! | [`memory`] | flash, RAM and stack in use |
//! | [`meter`] | an instruction counter |
//! | [`model`] | the network in flash |
//! | [`mod@evaluate`], [`mod@train`], [`mod@checkpoints`], [`mod@field`], [`mod@techniques`], [`mod@augment`], [`mod@selftest`] | the programs |
//! | [`mod@serve`] | the program that learns what a desktop sends |
//! | [`uart`] | the first serial line |
//! | [`bench`] | the programs of `thumbnet bench device`, which have no log |
//!
//! Logs go out as defmt frames through semihosting's standard output, where `thumbnet emulate`
//! decodes them. Nothing else may print there.
#![cfg(target_os = "none")]
#![no_std]

// Linked for the defmt logger in it.
#[cfg(feature = "defmt")]
use defmt_semihosting as _;

/// What the build script says of the board.
mod board {
    include!(concat!(env!("OUT_DIR"), "/board.rs"));
}

pub mod bench;
pub mod faults;
pub mod led;
pub mod meter;
#[path = "../../models/model.rs"]
pub mod model;
pub mod serve;
pub mod uart;

/// Declares what needs a log.
macro_rules! logging {
    ($($item:item)*) => { $(#[cfg(feature = "defmt")] $item)* };
}

logging! {
    pub mod arguments;
    pub mod augment;
    pub mod checkpoints;
    pub mod evaluate;
    pub mod field;
    pub mod file;
    pub mod flash;
    pub mod selftest;
    pub mod techniques;
    pub mod train;

    pub use augment::augment;
    pub use checkpoints::{CheckpointMemory, checkpoints};
    pub use evaluate::evaluate;
    pub use field::{FieldMemory, field};
    pub use selftest::selftest;
    pub use techniques::techniques;
    pub use train::{TrainMemory, train};
}

use cortex_m::Peripherals;
use led::UserLed;
use meter::InstructionMeter;
use thumbnet_firmware::Board;

pub use thumbnet_board_kit::memory;

/// The program did what it was asked to.
pub const SUCCESS: u8 = 0;

/// The program could not do it, and logged why.
pub const FAILURE: u8 = 1;

/// The board's counter and its first light.
pub type Mps2 = Board<InstructionMeter, UserLed>;

/// Takes the board into use: the counter runs, the light is off.
///
/// # Panics
///
/// If the board was taken before: there is one of each.
pub fn take() -> Mps2 {
    let peripherals = Peripherals::take().expect("the board is taken once, at start-up");
    Board {
        meter: InstructionMeter::new(peripherals.SYST),
        led: UserLed::LED0,
    }
}

/// Ends the program, and QEMU with it; `code` becomes the exit code of `thumbnet emulate`.
pub fn exit(code: u8) -> ! {
    semihosting::process::exit(i32::from(code))
}

#[cfg(feature = "defmt")]
/// Ends the program: successfully, or with a logged error and [`FAILURE`].
pub fn finish<E: defmt::Format>(result: Result<(), E>) -> ! {
    match result {
        Ok(()) => exit(SUCCESS),
        Err(error) => {
            defmt::error!("{}", error);
            exit(FAILURE)
        }
    }
}
