//! The inner loops of augmentation: what is at the place that a pixel comes from, patch by patch.
//!
//! A patch whose corners all come from one side of the ink is known to be black without looking.

use super::Distortion;
use super::map::{Map, ONE, PATCHES, Span};

const FRACTION: i32 = ONE - 1;

/// How far rounded steps through a patch may lead away from its corners, generously.
const SLACK: i32 = ONE / 16;

/// Writes the distorted `input` to `output`; both have `width * height` pixels.
pub(super) fn warp(
    distortion: &Distortion,
    width: usize,
    height: usize,
    input: &[u8],
    output: &mut [u8],
) {
    output.fill(0);
    let Some(ink) = Ink::find(width, input) else {
        return;
    };
    let source = Source {
        pixels: input,
        below: input.get(width..).unwrap_or(&[]),
        width,
        height,
    };
    let map = Map::new(distortion, width, height);
    let columns: [Span; PATCHES] = core::array::from_fn(|patch| Span::new(patch, width));
    let mut upper = map.nodes(0);
    for band in 0..PATCHES {
        let lower = map.nodes(band + 1);
        let rows = Span::new(band, height);
        let corners = upper.windows(2).zip(lower.windows(2));
        for (&columns, (upper, lower)) in columns.iter().zip(corners) {
            if let (&[a, b], &[c, d]) = (upper, lower) {
                let patch = Patch {
                    columns,
                    rows,
                    corners: [a, b, c, d],
                };
                patch.fill(&source, &ink, output);
            }
        }
        upper = lower;
    }
}

/// The smallest box that holds all pixels that are not black: outside, one pixel away from it, a
/// sample is black.
struct Ink {
    least: [i32; 2],
    most: [i32; 2],
}

impl Ink {
    fn find(width: usize, pixels: &[u8]) -> Option<Self> {
        let inked = |&pixel: &u8| pixel != 0;
        let (mut left, mut right) = (usize::MAX, 0);
        let (mut top, mut bottom) = (usize::MAX, 0);
        for (y, row) in pixels.chunks_exact(width.max(1)).enumerate() {
            if let Some(first) = row.iter().position(inked) {
                left = left.min(first);
                right = right.max(row.iter().rposition(inked).unwrap_or(first));
                top = top.min(y);
                bottom = y;
            }
        }
        (top <= bottom).then(|| Self {
            least: [left, top].map(|side| (side as i32 - 1) * ONE - SLACK),
            most: [right, bottom].map(|side| (side as i32 + 1) * ONE + SLACK),
        })
    }
}

/// A rectangle of the output, and from where its corners come: upper left, upper right, lower
/// left, lower right, each one column or row after the last pixel.
struct Patch {
    columns: Span,
    rows: Span,
    corners: [[i32; 2]; 4],
}

impl Patch {
    /// Fills this patch of `output`, which is black.
    #[inline(always)]
    fn fill(&self, source: &Source<'_>, ink: &Ink, output: &mut [u8]) {
        let mut inside = true;
        for (axis, side) in [source.width, source.height].into_iter().enumerate() {
            let [a, b, c, d] = self.corners.map(|corner| corner[axis]);
            let (least, most) = (a.min(b).min(c.min(d)), a.max(b).max(c.max(d)));
            if most < ink.least[axis] || least > ink.most[axis] {
                return;
            }
            inside &= least >= SLACK && most < (side as i32 - 1) * ONE - SLACK;
        }
        if inside {
            self.sample(source.width, output, |x, y| source.inside(x, y));
        } else {
            self.sample(source.width, output, |x, y| source.anywhere(x, y));
        }
    }

    /// Walks through the patch: straight down its left and right edge, and straight from one to
    /// the other.
    #[inline(always)]
    fn sample(&self, width: usize, output: &mut [u8], at: impl Fn(i32, i32) -> u8) {
        let [mut left, mut right, lower_left, lower_right] = self.corners;
        let down = |from: [i32; 2], to: [i32; 2]| {
            [0, 1].map(|axis| self.rows.step(to[axis].wrapping_sub(from[axis])))
        };
        let (left_step, right_step) = (down(left, lower_left), down(right, lower_right));
        let start = self.rows.start * width + self.columns.start;
        let rows = output
            .get_mut(start..)
            .unwrap_or_default()
            .chunks_mut(width);
        for row in rows.take(self.rows.length) {
            let [mut x, mut y] = left;
            let [step_x, step_y] =
                [0, 1].map(|axis| self.columns.step(right[axis].wrapping_sub(left[axis])));
            for pixel in row.iter_mut().take(self.columns.length) {
                *pixel = at(x, y);
                x = x.wrapping_add(step_x);
                y = y.wrapping_add(step_y);
            }
            for axis in [0, 1] {
                left[axis] = left[axis].wrapping_add(left_step[axis]);
                right[axis] = right[axis].wrapping_add(right_step[axis]);
            }
        }
    }
}

/// The image that is sampled.
struct Source<'a> {
    pixels: &'a [u8],
    /// The same without its first row.
    below: &'a [u8],
    width: usize,
    height: usize,
}

impl Source<'_> {
    /// The image at a point that has four pixels around it.
    #[inline(always)]
    fn inside(&self, x: i32, y: i32) -> u8 {
        let index = (y >> 16) as usize * self.width + (x >> 16) as usize;
        let pair = |pixels: &[u8]| {
            pixels
                .get(index..)
                .and_then(|rest| rest.first_chunk().copied())
        };
        match (pair(self.pixels), pair(self.below)) {
            (Some([a, b]), Some([c, d])) => bilinear([a, b, c, d], x, y),
            _ => 0,
        }
    }

    /// The image at any point.
    fn anywhere(&self, x: i32, y: i32) -> u8 {
        let (left, top) = (x >> 16, y >> 16);
        let pixel = |x: i32, y: i32| {
            let column = usize::try_from(x)
                .ok()
                .filter(|&column| column < self.width)?;
            let row = usize::try_from(y).ok().filter(|&row| row < self.height)?;
            self.pixels.get(row * self.width + column).copied()
        };
        let around = [
            (left, top),
            (left + 1, top),
            (left, top + 1),
            (left + 1, top + 1),
        ];
        bilinear(around.map(|(x, y)| pixel(x, y).unwrap_or(0)), x, y)
    }
}

/// The image at a point `x`, `y`, in 2^-16 of a pixel, between four pixels: upper left, upper right,
/// lower left, lower right. Rows keep 7 bits below a grey level, and the result is rounded to the
/// nearest.
#[inline(always)]
pub fn bilinear(pixels: [u8; 4], x: i32, y: i32) -> u8 {
    let [a, b, c, d] = pixels.map(i32::from);
    let (x, y) = (x & FRACTION, y & FRACTION);
    let upper = (a * ONE + (b - a) * x) >> 9;
    let lower = (c * ONE + (d - c) * x) >> 9;
    ((upper * ONE + (lower - upper) * y + (1 << 22)) >> 23) as u8
}
