//! The program that evaluates a network in flash on MNIST's test images.

use thumbnet_firmware::ImageRoom;

use crate::arguments::{self, ArgumentError, FileSamples, Set};
use crate::memory::memory;
use crate::meter::InstructionMeter;
use crate::model::{CLASSES, IMAGE, MODEL, PREPARATION, room};
use crate::{finish, take};

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
fn predict(mut samples: FileSamples<IMAGE, CLASSES>) -> Result<(), ArgumentError> {
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
