//! A mini-batch by input instead of by sample: which samples have something at each input.

use std::ops::Range;

use super::mini_batch::MiniBatch;

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
    /// The inputs that are not zero in all samples, if they have been listed.
    touched: Vec<u16>,
}

/// The samples in which one input is not zero, each with what it is there.
pub(super) struct Column<'a> {
    present: u64,
    pixels: &'a [u8],
    levels: &'a [f32; 256],
}

impl Columns {
    pub(super) fn new(inputs: usize) -> Self {
        Self {
            samples: 1,
            present: vec![0; inputs],
            pixels: vec![0; inputs * PORTION],
            levels: [0.0; 256],
            touched: Vec::new(),
        }
    }

    /// Takes some samples, at most [`PORTION`], every value to be multiplied by `rate`.
    #[inline(always)]
    pub(super) fn fill(&mut self, mini_batch: &MiniBatch, samples: Range<usize>, rate: f32) {
        self.samples = samples.len();
        for (level, value) in self.levels.iter_mut().zip(mini_batch.levels()) {
            *level = rate * value;
        }
        self.present.fill(0);
        for (bit, sample) in samples.enumerate() {
            for (place, value) in mini_batch.image(sample).bytes() {
                self.present[place] |= 1 << bit;
                self.pixels[place * self.samples + bit] = value;
            }
        }
    }

    /// Lists the inputs that are not zero in all samples.
    #[inline(always)]
    pub(super) fn list_touched(&mut self) {
        // Which ones they are is not for a processor to guess.
        self.touched.resize(self.present.len(), 0);
        let mut count = 0;
        for (place, &present) in self.present.iter().enumerate() {
            self.touched[count] = place as u16;
            count += usize::from(present != 0);
        }
        self.touched.truncate(count);
    }

    /// The inputs that are not zero in all samples, ascending, once they have been listed.
    #[inline(always)]
    pub(super) fn touched(&self) -> impl Iterator<Item = usize> {
        self.touched.iter().map(|&place| usize::from(place))
    }

    /// What input `place` is to the samples.
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
