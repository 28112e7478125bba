//! Images beside the list of their pixels that are not zero: four of five MNIST pixels are.

use thumbnet::input::{Input, pixel};

use crate::data::Samples;

/// Images as bytes, and for each the places and values of its non-zero pixels in order.
#[derive(Debug)]
pub struct SparseImages<'a> {
    samples: &'a Samples,
    /// Image `k`'s non-zero pixels are `starts[k]..starts[k + 1]`.
    starts: Vec<usize>,
    places: Vec<u32>,
    values: Vec<f32>,
}

impl<'a> SparseImages<'a> {
    /// Lists the non-zero pixels of the first `count` samples.
    pub fn new(samples: &'a Samples, count: usize) -> Self {
        let mut sparse = Self {
            samples,
            starts: vec![0],
            places: Vec::new(),
            values: Vec::new(),
        };
        for index in 0..count {
            for (place, &value) in samples.image(index).iter().enumerate() {
                if value != 0 {
                    sparse.places.push(place as u32);
                    sparse.values.push(pixel(value));
                }
            }
            sparse.starts.push(sparse.places.len());
        }
        sparse
    }

    /// Images listed.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Image `index`: its bytes, and its non-zero pixels.
    #[inline]
    pub fn image(&self, index: usize) -> SparseImage<'_> {
        let range = self.starts[index]..self.starts[index + 1];
        SparseImage {
            pixels: self.samples.image(index),
            places: &self.places[range.clone()],
            values: &self.values[range],
        }
    }

    /// The label of image `index`.
    #[inline]
    pub fn label(&self, index: usize) -> u8 {
        self.samples.labels[index]
    }
}

/// One image.
#[derive(Clone, Copy, Debug)]
pub struct SparseImage<'a> {
    /// All pixels.
    pub pixels: &'a [u8],
    /// Where the non-zero pixels are, ascending.
    pub places: &'a [u32],
    /// Their values, pixel / 255.
    pub values: &'a [f32],
}

impl Input for SparseImage<'_> {
    #[inline(always)]
    fn for_each_nonzero<R>(
        &self,
        mut rows: impl Iterator<Item = R>,
        mut visit: impl FnMut(R, f32),
    ) {
        let mut next = 0;
        for (&place, &value) in self.places.iter().zip(self.values) {
            let Some(row) = rows.nth(place as usize - next) else {
                return;
            };
            next = place as usize + 1;
            visit(row, value);
        }
    }
}
