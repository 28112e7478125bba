//! The program that evaluates a network in flash on MNIST's test images.

use thumbnet::include_model;
use thumbnet::prelude::*;

use crate::arguments::{self, ArgumentError, MnistSamples, Set};
use crate::memory::memory;
use crate::{finish, take};

/// Digits in 28 x 28 pixels, 32 hidden units.
type Digits = Mlp<784, 32, 10>;

/// Read-only data: it stays in flash. A file of another shape does not compile.
///
/// Which file it is, the build script says: the one in `THUMBNET_MODEL`, as `thumbnet export
/// --format device` writes it, or else the repository's own, of which `firmware/models/README.md`
/// says where it comes from.
static DIGITS: Digits = include_model!(Digits, env!("THUMBNET_MPS2_MODEL"));

/// How many test images are predicted, if the first argument says nothing else.
const SAMPLES: u32 = 1_000;

/// Predicts test images and logs accuracy, instructions, memory, and checksums of what came out.
pub fn evaluate() -> ! {
    finish(run())
}

fn run() -> Result<(), ArgumentError> {
    let count = arguments::number(1, SAMPLES)?;
    predict(arguments::samples(Set::Test, count)?)
}

// Not inlined: the image is on the stack only after the files have been opened.
#[inline(never)]
fn predict(mut samples: MnistSamples) -> Result<(), ArgumentError> {
    let mut board = take();
    let mut pixels = [0; 784];
    let found = thumbnet_firmware::evaluate(&DIGITS, &mut samples, &mut pixels, &mut board)?;
    defmt::info!("{}", found);
    defmt::info!("{}", found.bits);
    defmt::info!("{}", memory());
    Ok(())
}
