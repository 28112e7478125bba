//! Images to distort, and how strongly.

#![allow(dead_code, reason = "each test file uses its part")]

use thumbnet::augment::{Augment, Distortion};
use thumbnet::prelude::*;
use thumbnet::random::below;

const DIGITS: &[u8] = include_bytes!("../../../host/data/digits-images-idx3-ubyte");

/// Every kind of change at once, as strong as is useful.
pub(crate) const STRONG: Augment = Augment {
    shift: 2.0,
    rotation: 0.3,
    scale: 0.2,
    shear: 0.2,
    elastic: 1.4,
};

pub(crate) fn digit(index: usize) -> &'static [u8] {
    &DIGITS[16 + 64 * index..][..64]
}

/// A digit with every pixel three times as wide and high, in the middle of 28 x 28.
pub(crate) fn large_digit(index: usize) -> Vec<u8> {
    let mut image = vec![0; 28 * 28];
    for (place, pixel) in image.iter_mut().enumerate() {
        let (x, y) = (place % 28, place / 28);
        if (2..26).contains(&x) && (2..26).contains(&y) {
            *pixel = digit(index)[(y - 2) / 3 * 8 + (x - 2) / 3];
        }
    }
    image
}

pub(crate) fn noise(rng: &mut XorShiftRng, count: usize) -> Vec<u8> {
    (0..count).map(|_| below(rng, 256) as u8).collect()
}

pub(crate) fn apply(distortion: &Distortion, width: usize, height: usize, input: &[u8]) -> Vec<u8> {
    let mut output = vec![99; input.len()];
    distortion
        .apply(width, height, input, &mut output)
        .expect("numbers in their ranges");
    output
}
