//! The program that evaluates a network in flash on MNIST's test images.

use thumbnet::format;
use thumbnet::prelude::*;
use thumbnet_firmware::ImageRoom;

use crate::arguments::{self, ArgumentError, FileSamples, Set};
use crate::memory::memory;
use crate::meter::InstructionMeter;
use crate::{finish, take};

// `Model`, `ModelSamples` and `room`, which the build script makes of what the weights file says.
include!(concat!(env!("OUT_DIR"), "/network.rs"));

/// Read-only data: it stays in flash.
///
/// Which file it is, the build script says: the one in `THUMBNET_MODEL`, as `thumbnet export
/// --format device` writes it, or else the repository's own, of which `firmware/models/README.md`
/// says where it comes from.
static MODEL: Model = include_model!(Model, env!("THUMBNET_MPS2_MODEL"), PREPARATION);

/// What the file says is to be done to images, whatever that is: this program does it.
const PREPARATION: Preparation =
    match format::read_header(include_bytes!(env!("THUMBNET_MPS2_MODEL"))) {
        Ok(header) => header.preparation,
        Err(_) => Preparation::None,
    };

/// How many test images are predicted, if the first argument says nothing else.
const SAMPLES: u32 = 1_000;

/// Predicts test images and logs accuracy, instructions, memory, and checksums of what came out.
pub fn evaluate() -> ! {
    finish(run())
}

fn run() -> Result<(), ArgumentError> {
    let count = arguments::number(1, SAMPLES)?;
    let size = PREPARATION.takes();
    predict(arguments::samples_of_size(Set::Test, count, size)?)
}

// Not inlined: the image is on the stack only after the files have been opened.
#[inline(never)]
fn predict(mut samples: ModelSamples) -> Result<(), ArgumentError> {
    let mut board = take();
    let mut room = room();
    let found = thumbnet_firmware::evaluate(&MODEL, &mut samples, &mut room, &mut board)?;
    defmt::info!("{}", found);
    if let Some(cost) = room.preparation_cost::<InstructionMeter>(found.accuracy.total) {
        defmt::info!("{}", cost);
    }
    defmt::info!("{}", found.bits);
    defmt::info!("{}", memory());
    Ok(())
}
