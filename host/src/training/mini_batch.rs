//! The images of a mini-batch side by side, as dropout leaves them.

use thumbnet::input::pixel;
use thumbnet::regularization::{HashedMasks, Mask};

use super::sparse::{BLOCK, SparseImage, SparseImages, list};

/// A mini-batch. Its images were all over memory: they are fetched once, and then read in a row.
pub(super) struct MiniBatch {
    /// Image `k`'s non-zero pixels are `starts[k]..starts[k + 1]`.
    starts: Vec<usize>,
    places: Vec<u16>,
    values: Vec<u8>,
    /// As in [`SparseImages`].
    ends: Vec<u16>,
    /// Of these, for each image.
    blocks: usize,
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
            ends: Vec::new(),
            blocks: 0,
            scale: f32::NAN,
            levels: [0.0; 256],
        }
    }
}

impl MiniBatch {
    /// Takes these samples, of which `first` is the number of the first in the mini-batch, without
    /// the inputs that `masks` drop; kept ones are multiplied by `scale`.
    pub(super) fn fill(
        &mut self,
        images: &SparseImages<'_>,
        samples: &[u32],
        first: usize,
        masks: Option<HashedMasks>,
        scale: f32,
    ) {
        self.clear(scale);
        for (index, &sample) in samples.iter().enumerate() {
            let image = images.image(sample as usize);
            match masks.map(|masks| masks.mask(0, first + index)) {
                None => {
                    self.places.extend_from_slice(image.places);
                    self.values.extend_from_slice(image.values);
                    self.ends.extend_from_slice(image.ends);
                }
                Some(mask) => self.push_kept(image, &mask),
            }
            self.starts.push(self.places.len());
        }
        self.blocks = self.ends.len() / self.len().max(1);
    }

    /// Takes the inputs that `mask` does not drop.
    fn push_kept(&mut self, image: SparseImage<'_>, mask: &impl Mask) {
        let start = self.places.len();
        for block in 0..=image.ends.len() {
            let range = block * BLOCK..(block + 1) * BLOCK;
            for (place, value) in image.part(&range).filter(|(place, _)| !mask.drops(*place)) {
                self.places.push(place as u16);
                self.values.push(value);
            }
            if block < image.ends.len() {
                self.ends.push((self.places.len() - start) as u16);
            }
        }
    }

    /// Takes images as they are.
    pub(super) fn list<'i>(&mut self, images: impl Iterator<Item = &'i [u8]>) {
        self.clear(1.0);
        for image in images {
            list(image, &mut self.places, &mut self.values, &mut self.ends);
            self.starts.push(self.places.len());
        }
        self.blocks = self.ends.len() / self.len().max(1);
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
        self.ends.clear();
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
            ends: &self.ends[index * self.blocks..][..self.blocks],
        }
    }

    /// What each pixel is: `scale x pixel`.
    #[inline(always)]
    pub(super) fn levels(&self) -> &[f32; 256] {
        &self.levels
    }
}
