//! Images as lists of their pixels that are not zero: four of five MNIST pixels are.

use std::ops::Range;

use anyhow::{Result, ensure};
use thumbnet::input::{Input, pixel};

use crate::data::Samples;

/// Pixels of a block, whose end is known in the list of each image: whoever wants some of the rows
/// of a matrix need not look for their pixels.
pub(super) const BLOCK: usize = 32;

/// The non-zero pixels of a set of images: where they are, and what. Three bytes a pixel keep the
/// training images of MNIST in the last cache of a desktop, however they are shuffled.
#[derive(Debug, PartialEq)]
pub struct SparseImages<'a> {
    labels: &'a [u8],
    /// Image `k`'s non-zero pixels are `starts[k]..starts[k + 1]`.
    starts: Vec<usize>,
    places: Vec<u16>,
    values: Vec<u8>,
    /// `[images][blocks - 1]`: how many non-zero pixels are in front of the end of each block but
    /// the last.
    ends: Vec<u16>,
}

impl<'a> SparseImages<'a> {
    /// Lists the first `count` of `samples`.
    ///
    /// # Errors
    /// When images have more pixels than 16 bits can number.
    pub fn new(samples: &'a Samples, count: usize) -> Result<Self> {
        check_size(samples.width, samples.height)?;
        let mut sparse = Self::none(&samples.labels);
        for index in 0..count {
            sparse.push(samples.image(index));
        }
        Ok(sparse)
    }

    /// No image yet of those that have these labels.
    pub(super) fn none(labels: &'a [u8]) -> Self {
        Self {
            labels,
            starts: vec![0],
            places: Vec::new(),
            values: Vec::new(),
            ends: Vec::new(),
        }
    }

    /// Lists one more image, of at most 65,536 pixels.
    pub(super) fn push(&mut self, image: &[u8]) {
        list(image, &mut self.places, &mut self.values, &mut self.ends);
        self.starts.push(self.places.len());
    }

    /// Lists what `other` lists behind what is there.
    pub(super) fn append(&mut self, other: &Self) {
        let start = self.places.len();
        let starts = other.starts.iter().skip(1);
        self.starts.extend(starts.map(|other| start + other));
        self.places.extend_from_slice(&other.places);
        self.values.extend_from_slice(&other.values);
        self.ends.extend_from_slice(&other.ends);
    }

    /// Images listed.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The non-zero pixels of image `index`.
    #[inline(always)]
    pub fn image(&self, index: usize) -> SparseImage<'_> {
        let range = self.starts[index]..self.starts[index + 1];
        let blocks = self.ends.len() / self.len();
        SparseImage {
            places: &self.places[range.clone()],
            values: &self.values[range],
            ends: &self.ends[index * blocks..][..blocks],
        }
    }

    /// The label of image `index`.
    #[inline]
    pub fn label(&self, index: usize) -> u8 {
        self.labels[index]
    }
}

/// Pixels that are looked at together.
const EIGHT: usize = 8;

/// For each set of eight pixels, as bits: which they are, and how many.
static SETS: [([u16; EIGHT], u8); 256] = {
    let mut sets = [([0; EIGHT], 0); 256];
    let mut set = 0;
    while set < sets.len() {
        let mut pixel = 0;
        while pixel < EIGHT {
            if set >> pixel & 1 == 1 {
                let (pixels, count) = &mut sets[set];
                pixels[*count as usize] = pixel as u16;
                *count += 1;
            }
            pixel += 1;
        }
        set += 1;
    }
    sets
};

/// The set of those of eight pixels that are not zero, the first one being bit 0.
#[inline(always)]
fn lit(pixels: [u8; EIGHT]) -> usize {
    const ALL_BUT_TOP: u64 = 0x7F7F_7F7F_7F7F_7F7F;
    let pixels = u64::from_le_bytes(pixels);
    // A sum has its top bit if any of the others was set; no sum reaches the next byte.
    let tops = (((pixels & ALL_BUT_TOP) + ALL_BUT_TOP) | pixels) & !ALL_BUT_TOP;
    // The bit of byte k, at 8 k, comes to 56 + k by 56 - 7 k.
    ((tops >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) as usize
}

/// Lists the non-zero pixels of an image behind those that are there, and the ends of its blocks.
pub(super) fn list(image: &[u8], places: &mut Vec<u16>, values: &mut Vec<u8>, ends: &mut Vec<u16>) {
    let start = places.len();
    places.resize(start + image.len() + EIGHT, 0);
    let mut count = start;
    let mut list = |first: usize, eight: [u8; EIGHT]| {
        if first > 0 && first.is_multiple_of(BLOCK) {
            ends.push((count - start) as u16);
        }
        // Most of an image is empty.
        if eight == [0; EIGHT] {
            return;
        }
        // Eight places are written, and those that are too many are written over: where strokes
        // begin and end is not for a processor to guess.
        let (pixels, lit) = &SETS[lit(eight)];
        for (place, pixel) in places[count..].iter_mut().zip(pixels) {
            *place = first as u16 + pixel;
        }
        count += usize::from(*lit);
    };
    let (eights, rest) = image.as_chunks::<EIGHT>();
    for (number, &eight) in eights.iter().enumerate() {
        list(EIGHT * number, eight);
    }
    if !rest.is_empty() {
        let mut eight = [0; EIGHT];
        eight[..rest.len()].copy_from_slice(rest);
        list(EIGHT * eights.len(), eight);
    }
    places.truncate(count);
    values.extend(
        places[start..]
            .iter()
            .map(|&place| image[usize::from(place)]),
    );
}

/// Whether 16 bits can number the pixels of such images.
pub(super) fn check_size(width: usize, height: usize) -> Result<()> {
    ensure!(
        width * height <= 1 << 16,
        "images of {width} x {height} pixels are too large to train on: at most 65,536 pixels, \
         such as 256 x 256"
    );
    Ok(())
}

/// One image.
#[derive(Clone, Copy, Debug)]
pub struct SparseImage<'a> {
    pub(super) places: &'a [u16],
    pub(super) values: &'a [u8],
    /// How many pixels are in front of the end of each block but the last.
    pub(super) ends: &'a [u16],
}

impl<'a> SparseImage<'a> {
    /// The places and values of its non-zero pixels in `range`, which begins with a block and ends
    /// with one, or with the image.
    #[inline(always)]
    pub(super) fn part(
        self,
        range: &Range<usize>,
    ) -> impl DoubleEndedIterator<Item = (usize, u8)> + use<'a> {
        let edge = |place: usize| match (place / BLOCK).checked_sub(1) {
            None => 0,
            Some(block) => {
                (self.ends.get(block)).map_or(self.places.len(), |&end| usize::from(end))
            }
        };
        let start = edge(range.start);
        let end = edge(range.end.next_multiple_of(BLOCK));
        let places = self.places.get(start..end).unwrap_or_default();
        let values = self.values.get(start..end).unwrap_or_default();
        let places = places.iter().map(|&place| usize::from(place));
        places.zip(values.iter().copied())
    }

    /// Where the non-zero pixels are, ascending, and what.
    #[inline(always)]
    pub fn bytes(self) -> impl DoubleEndedIterator<Item = (usize, u8)> + use<'a> {
        let places = self.places.iter().map(|&place| usize::from(place));
        places.zip(self.values.iter().copied())
    }
}

impl Input for SparseImage<'_> {
    #[inline(always)]
    fn for_each_nonzero<R>(
        &self,
        mut rows: impl Iterator<Item = R>,
        mut visit: impl FnMut(R, f32),
    ) {
        let mut next = 0;
        for (place, value) in self.bytes() {
            let Some(row) = rows.nth(place - next) else {
                return;
            };
            next = place + 1;
            visit(row, pixel(value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_an_image_are_its_pixels_there() {
        for size in [1, 31, 32, 33, 64, 100, 784] {
            let image: Vec<u8> = (0..size)
                .map(|k| [0, 1, 0x80, 0xFF][k * k % 7 % 4])
                .collect();
            let (mut places, mut values, mut ends) = (Vec::new(), Vec::new(), Vec::new());
            list(&image, &mut places, &mut values, &mut ends);
            assert_eq!(ends.len(), (size - 1) / BLOCK);
            let listed = SparseImage {
                places: &places,
                values: &values,
                ends: &ends,
            };
            let edges = (0..size).step_by(BLOCK);
            for start in edges.clone() {
                for end in edges.clone().filter(|&end| end > start).chain([size]) {
                    let lit = (start..end).filter(|&k| image[k] != 0);
                    let expected: Vec<_> = lit.map(|k| (k, image[k])).collect();
                    let found: Vec<_> = listed.part(&(start..end)).collect();
                    assert_eq!(found, expected, "{size}: {start}..{end}");
                }
            }
        }
    }
}
