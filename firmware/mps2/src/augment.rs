//! The program that distorts MNIST's training images, as training on augmented data does.

use thumbnet::augment::Augment;
use thumbnet::format::CRC_32;
use thumbnet::prelude::*;
use thumbnet_firmware::Meter;

use crate::arguments::{self, ArgumentError, MnistSamples, Set};
use crate::memory::memory;
use crate::{FAILURE, exit, finish, take};

/// Every kind of distortion, as strong as is useful for digits.
const AUGMENT: Augment = Augment {
    shift: 1.0,
    rotation: 0.15,
    scale: 0.1,
    shear: 0.1,
    elastic: 0.7,
};

/// How many images are distorted, if the first argument says nothing else.
const IMAGES: u32 = 100;

/// Distorts training images, drawn with seed 7, and logs what that cost and a checksum.
pub fn augment() -> ! {
    finish(run())
}

fn run() -> Result<(), ArgumentError> {
    let count = arguments::number(1, IMAGES)?;
    distort(arguments::samples(Set::Train, count)?)
}

// Not inlined: the images are on the stack only after the files have been opened.
#[inline(never)]
fn distort(mut samples: MnistSamples) -> Result<(), ArgumentError> {
    let mut board = take();
    let mut rng = XorShiftRng::seed_from_u64(7);
    let (mut image, mut distorted) = ([0; 784], [0; 784]);
    let (mut count, mut cost) = (0, 0);
    let mut digest = CRC_32.digest();
    while samples.next(&mut image)?.is_some() {
        let (result, instructions) = board
            .meter
            .measure(|| AUGMENT.apply(&mut rng, 28, 28, &image, &mut distorted));
        if let Err(error) = result {
            defmt::error!("{}", error);
            exit(FAILURE);
        }
        digest.update(&distorted);
        count += 1;
        cost += instructions;
    }
    defmt::info!(
        "distorted {=u64} images, {=u64} instructions per image",
        count,
        cost / count.max(1)
    );
    defmt::info!("CRC-32 of images {:08x}", digest.finalize());
    defmt::info!("{}", memory());
    Ok(())
}
