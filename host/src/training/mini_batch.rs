//! The images of a mini-batch side by side, as dropout leaves them.

use std::ops::Range;

use thumbnet::input::pixel;
use thumbnet::regularization::{HashedMasks, Mask};

use super::sparse::{SparseImage, SparseImages, list};
use crate::data::Samples;

/// Bytes that a processor fetches together.
const LINE: usize = 64;

/// A mini-batch. Its images were all over memory: they are fetched once, and then read in a row.
pub(super) struct MiniBatch {
    /// Image `k`'s non-zero pixels are `starts[k]..starts[k + 1]`.
    starts: Vec<usize>,
    places: Vec<u16>,
    values: Vec<u8>,
    scale: f32,
    /// What each pixel is: `scale x pixel`.
    levels: [f32; 256],
}

impl Default for MiniBatch {
    fn default() -> Self {
        Self {
            starts: vec![0],
            places: Vec::new(),
            values: Vec::new(),
            scale: f32::NAN,
            levels: [0.0; 256],
        }
    }
}

impl MiniBatch {
    /// Takes these samples, without the inputs that `masks` drop; kept ones are multiplied by
    /// `scale`.
    pub(super) fn fill(
        &mut self,
        images: &SparseImages<'_>,
        samples: &[u32],
        masks: Option<HashedMasks>,
        scale: f32,
    ) {
        self.clear(scale);
        for (index, &sample) in samples.iter().enumerate() {
            let SparseImage { places, values } = images.image(sample as usize);
            match masks.map(|masks| masks.mask(0, index)) {
                None => {
                    self.places.extend_from_slice(places);
                    self.values.extend_from_slice(values);
                }
                Some(mask) => {
                    let kept = places.iter().zip(values);
                    for (&place, &value) in kept.filter(|(place, _)| !mask.drops(**place as usize))
                    {
                        self.places.push(place);
                        self.values.push(value);
                    }
                }
            }
            self.starts.push(self.places.len());
        }
    }

    /// Takes some samples as they are.
    pub(super) fn list(&mut self, samples: &Samples, range: Range<usize>) {
        self.clear(1.0);
        for index in range {
            list(samples.image(index), &mut self.places, &mut self.values);
            self.starts.push(self.places.len());
        }
    }

    /// Makes room for samples whose pixels are to be multiplied by `scale`.
    fn clear(&mut self, scale: f32) {
        if scale != self.scale {
            self.scale = scale;
            for (level, value) in self.levels.iter_mut().zip(0..=255) {
                *level = scale * pixel(value);
            }
        }
        self.starts.truncate(1);
        self.places.clear();
        self.values.clear();
    }

    /// Samples.
    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// The non-zero pixels of a sample.
    #[inline(always)]
    pub(super) fn image(&self, index: usize) -> SparseImage<'_> {
        let range = self.starts[index]..self.starts[index + 1];
        SparseImage {
            places: &self.places[range.clone()],
            values: &self.values[range],
        }
    }

    /// What each pixel is: `scale x pixel`.
    #[inline(always)]
    pub(super) fn levels(&self) -> &[f32; 256] {
        &self.levels
    }
}

/// Reads a byte of each line of these samples, so that they are near when their turn comes.
pub(super) fn fetch(images: &SparseImages<'_>, samples: &[u32]) {
    let mut all = 0;
    for &sample in samples {
        let SparseImage { places, values } = images.image(sample as usize);
        for place in places.iter().step_by(LINE / size_of::<u16>()) {
            all ^= *place;
        }
        for value in values.iter().step_by(LINE) {
            all ^= u16::from(*value);
        }
    }
    std::hint::black_box(all);
}
