//! The inner loops of augmentation: where every pixel comes from, and what is there.
//!
//! Coordinates are integers that count 2^-16 of a pixel. The image is cut in 8 x 8 patches; where
//! their corners come from is computed once per image, and where a patch's pixels come from is
//! bilinear between its corners. That is exact for an affine map, and a patch whose corners all
//! come from one side of the ink is known to be black without looking.

use super::{CONTROLS, Distortion};

/// Patches along each axis: two for each cell of the elastic field's spline.
const PATCHES: usize = 8;
const NODES: usize = PATCHES + 1;

/// One pixel.
const ONE: i32 = 1 << 16;
const FRACTION: i32 = ONE - 1;

/// How far rounded steps through a patch may lead away from its corners, generously.
const SLACK: i32 = ONE / 16;

/// The cubic B-spline, times 48, at a corner of a cell, from the control points before, at and
/// after it, and half-way to the next corner, from two on either side.
const AT_CORNER: [i32; 3] = [8, 32, 8];
const HALF_WAY: [i32; 4] = [1, 23, 23, 1];

/// What turns a sum of control points into 2^-48 of a pixel, for an `elastic` of one.
///
/// Control points are uniform, with variance `2^30 / 3`. Each axis multiplies the sum by 48, and
/// the variance by `48^2 (785 / 1728)^2`, since `785 / 1728` is the integral of the square of the
/// kernel, piecewise linear through the B-spline's values 0, 1/48, 8/48, 23/48, 32/48 and back, and
/// two axes have two such integrals.
const DISPLACEMENT: f32 = {
    let root_3 = 1.732_050_807_568_877_2_f64;
    let kernel = 785.0 / 1728.0;
    (root_3 / 32_768.0 / (48.0 * 48.0) / kernel * (1_u64 << 48) as f64) as f32
};

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

/// Columns or rows of one patch.
#[derive(Clone, Copy)]
struct Span {
    start: usize,
    length: usize,
    /// `2^30 / length`.
    reciprocal: i32,
}

impl Span {
    fn new(patch: usize, side: usize) -> Self {
        let start = node_place(patch, side);
        let length = node_place(patch + 1, side) - start;
        Self {
            start,
            length,
            reciprocal: ((1 << 30) + length as u32 / 2)
                .checked_div(length as u32)
                .unwrap_or(0) as i32,
        }
    }

    /// `distance / length`, to the nearest.
    #[inline(always)]
    fn step(self, distance: i32) -> i32 {
        ((i64::from(distance) * i64::from(self.reciprocal) + (1 << 29)) >> 30) as i32
    }
}

/// The column or row that node `index` of `NODES` stands on.
fn node_place(index: usize, side: usize) -> usize {
    index * side / PATCHES
}

/// From where nodes come.
struct Map<'a> {
    /// From where the pixel in the corner comes, and how that changes with x and with y.
    origin: [i32; 2],
    with_x: [i32; 2],
    with_y: [i32; 2],
    /// The elastic field, and what its sums are multiplied by to be displacements times 2^32.
    field: &'a [[[i16; 2]; CONTROLS]; CONTROLS],
    displacement: i32,
    width: usize,
    height: usize,
}

impl<'a> Map<'a> {
    /// The inverse of what [`Distortion`] describes: `p = c + S^-1 H^-1 R^-1 (p' - c - shift)`.
    fn new(distortion: &'a Distortion, width: usize, height: usize) -> Self {
        let Distortion {
            shift,
            rotation,
            scale,
            shear,
            elastic,
            field,
        } = distortion;
        let (sin, cos) = (libm::sinf(*rotation), libm::cosf(*rotation));
        let [across, down] = scale.map(|scale| 1.0 / (1.0 + scale));
        let with_x = [(cos + shear * sin) * across, -sin * down];
        let with_y = [(sin - shear * cos) * across, cos * down];
        let centre = [width, height].map(|side| (side as f32 - 1.0) * 0.5);
        let from = [centre[0] + shift[0], centre[1] + shift[1]];
        let origin =
            [0, 1].map(|axis| centre[axis] - (with_x[axis] * from[0] + with_y[axis] * from[1]));
        let fixed = |value: f32| libm::roundf(value * ONE as f32) as i32;
        Self {
            origin: origin.map(fixed),
            with_x: with_x.map(fixed),
            with_y: with_y.map(fixed),
            field,
            displacement: libm::roundf(elastic * DISPLACEMENT) as i32,
            width,
            height,
        }
    }

    /// From where one row of nodes comes.
    fn nodes(&self, row: usize) -> [[i32; 2]; NODES] {
        let y = node_place(row, self.height) as i32;
        let controls: [[i32; 2]; CONTROLS] = core::array::from_fn(|column| {
            spline(row, |control| {
                self.field
                    .get(control)?
                    .get(column)
                    .map(|point| point.map(i32::from))
            })
        });
        core::array::from_fn(|column| {
            let x = node_place(column, self.width) as i32;
            let sums = spline(column, |control| controls.get(control).copied());
            let elastic = sums.map(|sum| {
                ((i64::from(sum) * i64::from(self.displacement) + (1 << 31)) >> 32) as i32
            });
            core::array::from_fn(|axis| {
                let affine = self.origin[axis]
                    .wrapping_add(self.with_x[axis].wrapping_mul(x))
                    .wrapping_add(self.with_y[axis].wrapping_mul(y));
                affine.wrapping_add(elastic[axis])
            })
        })
    }
}

/// 48 times the spline at a node, given the control points along one axis.
#[inline(always)]
fn spline(node: usize, control: impl Fn(usize) -> Option<[i32; 2]>) -> [i32; 2] {
    let weights: &[i32] = if node.is_multiple_of(2) {
        &AT_CORNER
    } else {
        &HALF_WAY
    };
    let mut sum = [0; 2];
    for (index, weight) in weights.iter().enumerate() {
        if let Some([x, y]) = control(node / 2 + index) {
            sum[0] += weight * x;
            sum[1] += weight * y;
        }
    }
    sum
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

/// Between four pixels: upper left, upper right, lower left, lower right. Rows keep 7 bits below a
/// grey level, and the result is rounded to the nearest.
#[inline(always)]
fn bilinear(pixels: [u8; 4], x: i32, y: i32) -> u8 {
    let [a, b, c, d] = pixels.map(i32::from);
    let (x, y) = (x & FRACTION, y & FRACTION);
    let upper = (a * ONE + (b - a) * x) >> 9;
    let lower = (c * ONE + (d - c) * x) >> 9;
    ((upper * ONE + (lower - upper) * y + (1 << 22)) >> 23) as u8
}
