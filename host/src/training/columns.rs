//! A mini-batch by input instead of by sample: which samples have something at each input.

use thumbnet::input::{Input, pixel};
use thumbnet::regularization::{HashedMask, HashedMasks, Mask};

use super::sparse::SparseImages;

/// Samples that are transposed together: as many as a word has bits.
pub(super) const PORTION: usize = 64;

/// Up to [`PORTION`] samples by input.
pub(super) struct Columns {
    samples: usize,
    /// For each input, one bit a sample: whether the input is not zero there.
    present: Vec<u64>,
    /// `[inputs][samples]`: the pixels, where the bit is set. Bytes, so that they stay in the
    /// nearest cache while they are scattered.
    pixels: Vec<u8>,
    /// What each pixel is: `rate x (scale x pixel)`.
    levels: [f32; 256],
}

/// What one input is to each sample.
pub(super) struct Column<'a> {
    present: u64,
    pixels: &'a [u8],
    levels: &'a [f32; 256],
}

/// The samples of a mini-batch that a portion begins with, and what drops their inputs.
#[derive(Clone, Copy)]
pub(super) struct Inputs<'a> {
    /// Which images.
    pub(super) samples: &'a [u32],
    /// The place of the first of them in the mini-batch.
    pub(super) first: usize,
    pub(super) images: &'a SparseImages<'a>,
    /// What drops inputs, if anything does.
    pub(super) masks: Option<HashedMasks>,
    /// What kept inputs are multiplied by.
    pub(super) scale: f32,
}

impl Inputs<'_> {
    /// The mask of one of the samples.
    #[inline(always)]
    pub(super) fn mask(&self, index: usize) -> Option<HashedMask> {
        self.masks.map(|masks| masks.mask(0, self.first + index))
    }
}

impl Columns {
    pub(super) fn new(inputs: usize) -> Self {
        Self {
            samples: 1,
            present: vec![0; inputs],
            pixels: vec![0; inputs * PORTION],
            levels: [0.0; 256],
        }
    }

    /// Takes samples, at most [`PORTION`], every value to be multiplied by `rate`.
    #[inline(always)]
    pub(super) fn fill(&mut self, inputs: &Inputs<'_>, rate: f32) {
        self.samples = inputs.samples.len();
        for (level, value) in self.levels.iter_mut().zip(0..=255) {
            *level = rate * (inputs.scale * pixel(value));
        }
        self.present.fill(0);
        for (bit, &sample) in inputs.samples.iter().enumerate() {
            let mask = inputs.mask(bit);
            for (place, value) in inputs.images.image(sample as usize).bytes() {
                if !mask.is_some_and(|mask| mask.drops(place)) {
                    self.present[place] |= 1 << bit;
                    self.pixels[place * self.samples + bit] = value;
                }
            }
        }
    }

    /// The inputs in order, each with what it is to the samples.
    #[inline(always)]
    pub(super) fn iter(&self) -> impl Iterator<Item = Column<'_>> {
        let pixels = self.pixels.chunks_exact(self.samples);
        let columns = self.present.iter().zip(pixels);
        columns.map(|(&present, pixels)| Column {
            present,
            pixels,
            levels: &self.levels,
        })
    }
}

/// Pairs the samples in which the input is not zero with their rows.
impl Input for Column<'_> {
    #[inline(always)]
    fn for_each_nonzero<R>(
        &self,
        mut rows: impl Iterator<Item = R>,
        mut visit: impl FnMut(R, f32),
    ) {
        let mut left = self.present;
        let mut next = 0;
        while left != 0 {
            let sample = left.trailing_zeros() as usize;
            left &= left - 1;
            let (Some(row), Some(&value)) = (rows.nth(sample - next), self.pixels.get(sample))
            else {
                return;
            };
            next = sample + 1;
            visit(row, self.levels[usize::from(value)]);
        }
    }
}

impl Column<'_> {
    /// Whether the input is zero in every sample.
    #[inline(always)]
    pub(super) fn is_empty(&self) -> bool {
        self.present == 0
    }
}
