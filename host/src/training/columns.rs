//! A mini-batch by input instead of by sample: which samples have something at each input.

use std::ops::Range;

use super::mini_batch::MiniBatch;

/// Samples that are transposed together: as many as a word has bits.
pub(super) const PORTION: usize = 64;

/// Up to [`PORTION`] samples by input, as far as some of the inputs are concerned.
pub(super) struct Columns {
    inputs: Range<usize>,
    samples: usize,
    /// For each input, one bit a sample: whether the input is not zero there.
    present: Vec<u64>,
    /// `[inputs][samples]`: the pixels, where the bit is set. Bytes, so that they stay in the
    /// nearest cache while they are scattered.
    pixels: Vec<u8>,
    /// What each pixel is: `rate x (scale x pixel)`.
    levels: [f32; 256],
}

/// The samples in which one input is not zero, each with what it is there.
pub(super) struct Column<'a> {
    present: u64,
    pixels: &'a [u8],
    levels: &'a [f32; 256],
}

impl Columns {
    /// Of `inputs`, which begin with a block of pixels and end with one, or with the image.
    pub(super) fn new(inputs: Range<usize>) -> Self {
        Self {
            samples: 1,
            present: vec![0; inputs.len()],
            pixels: vec![0; inputs.len() * PORTION],
            levels: [0.0; 256],
            inputs,
        }
    }

    /// Takes some samples, at most [`PORTION`], every value to be multiplied by `rate`.
    #[inline(always)]
    pub(super) fn fill(&mut self, mini_batch: &MiniBatch, samples: Range<usize>, rate: f32) {
        let count = samples.len().max(1);
        self.samples = count;
        for (level, value) in self.levels.iter_mut().zip(mini_batch.levels()) {
            *level = rate * value;
        }
        self.present.fill(0);
        // Slices of their own, or each byte that is written might change where they are.
        let (present, pixels) = (self.present.as_mut_slice(), self.pixels.as_mut_slice());
        let first = self.inputs.start;
        for (bit, sample) in samples.enumerate() {
            for (place, value) in mini_batch.image(sample).part(&self.inputs) {
                let place = place - first;
                present[place] |= 1 << bit;
                pixels[place * count + bit] = value;
            }
        }
    }

    /// For each input, one bit a sample: whether the input is not zero there.
    #[inline(always)]
    pub(super) fn present(&self) -> &[u64] {
        &self.present
    }

    /// What the input is to the samples that comes so many places behind the first one.
    #[inline(always)]
    pub(super) fn column(&self, place: usize) -> Column<'_> {
        Column {
            present: self.present[place],
            pixels: &self.pixels[place * self.samples..][..self.samples],
            levels: &self.levels,
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

impl Iterator for Column<'_> {
    type Item = (usize, f32);

    #[inline(always)]
    fn next(&mut self) -> Option<(usize, f32)> {
        if self.present == 0 {
            return None;
        }
        let sample = self.present.trailing_zeros() as usize;
        self.present &= self.present - 1;
        let value = *self.pixels.get(sample)?;
        Some((sample, self.levels[usize::from(value)]))
    }
}

impl Column<'_> {
    /// Whether the input is zero in every sample.
    #[inline(always)]
    pub(super) fn is_empty(&self) -> bool {
        self.present == 0
    }
}
