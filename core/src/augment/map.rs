//! From where every pixel of a distorted image comes.
//!
//! Coordinates are integers that count 2^-16 of a pixel. The image is cut in 8 x 8 patches; where
//! their corners come from is computed once per image, and where a patch's pixels come from is
//! bilinear between its corners. That is exact for an affine map.

use super::{CONTROLS, Distortion};

/// Patches along each axis: two for each cell of the elastic field's spline.
pub const PATCHES: usize = 8;
/// Corners of patches along each axis.
pub const NODES: usize = PATCHES + 1;

/// One pixel.
pub(super) const ONE: i32 = 1 << 16;

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

/// Columns or rows of one patch.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// The first of them.
    pub start: usize,
    /// How many.
    pub length: usize,
    /// `2^30 / length`.
    reciprocal: i32,
}

impl Span {
    /// Those of patch `patch` of [`PATCHES`], in an image of `side` columns or rows.
    pub fn new(patch: usize, side: usize) -> Self {
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
    pub fn step(self, distance: i32) -> i32 {
        ((i64::from(distance) * i64::from(self.reciprocal) + (1 << 29)) >> 30) as i32
    }
}

/// The column or row that node `index` of `NODES` stands on.
fn node_place(index: usize, side: usize) -> usize {
    index * side / PATCHES
}

/// From where the corners of the patches of a distorted image come:
/// [`Distortion::map`](super::Distortion::map) gives it. What is between them is bilinear, in steps
/// that are rounded: from corner to corner down both sides of a patch, then from one side to the
/// other.
#[derive(Debug)]
pub struct Map<'a> {
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
    pub(super) fn new(distortion: &'a Distortion, width: usize, height: usize) -> Self {
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

    /// From where one row of [`NODES`] corners comes, x and y, in 2^-16 of a pixel. A corner is the
    /// first pixel of the patch that begins there.
    pub fn nodes(&self, row: usize) -> [[i32; 2]; NODES] {
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
