//! Deskewing: the ink's centre of mass to the middle, slanted strokes upright.

use super::{MAX_SIDE, Size};

/// One pixel, in the fixed point of positions and of an interpolation's weights.
const ONE: i32 = 256;

/// Half of the last place that [`resample`] drops: weights of both directions, `ONE` times `ONE`.
const HALF: u32 = (ONE * ONE / 2) as u32;

/// Moves the centre of mass to the middle of the image and shears rows sideways until columns and
/// rows are no longer correlated.
///
/// With the brightness `I(x, y)` as mass, `c` its centre and `v` its second central moments,
///
/// `D(x, y) = I(x + cx - mx + s (y - my), y + cy - my)`, `s = vxy / vyy`,
///
/// where `m = ((width - 1) / 2, (height - 1) / 2)` is the middle. Between pixels `I` is bilinear,
/// outside of the image it is 0; what is moved out of the image is lost. An image without ink stays
/// as it is, one whose ink is in one row is only moved. Positions are rounded to 1/256 pixel, and
/// grey values once, halves upwards.
///
/// LeCun, Bottou, Bengio and Haffner, *Gradient-based learning applied to document recognition*,
/// 1998, section III, deslant MNIST by the same shear; how far, they take from black and white
/// pixels.
///
/// `image` and `deskewed` are row-major and have `size.pixels()` bytes; what is missing counts as 0,
/// what is too much is left alone.
pub fn deskew(size: Size, image: &[u8], deskewed: &mut [u8]) {
    deskewed.fill(0);
    let Some(slant) = Slant::of(size, image) else {
        return;
    };
    let row = |index: i32| {
        let start = usize::try_from(index).ok()?.checked_mul(size.width())?;
        image.get(start..start + size.width())
    };
    let (down, fraction) = (slant.y.div_euclid(ONE), slant.y.rem_euclid(ONE) as u32);
    let output = deskewed.chunks_exact_mut(size.width());
    for (y, output) in (0..size.height() as i32).zip(output) {
        // A row that is not there has no weight, so any other may stand in for it.
        let rows = match (row(y + down), row(y + down + 1)) {
            (Some(above), Some(below)) => [(above, ONE as u32 - fraction), (below, fraction)],
            (Some(above), None) => [(above, ONE as u32 - fraction), (above, 0)],
            (None, Some(below)) => [(below, fraction), (below, 0)],
            (None, None) => continue,
        };
        resample(rows, slant.x_in_row(y), output);
    }
}

/// How an image is moved and sheared: where the pixels of the result are found in it.
struct Slant {
    /// `cx - mx` in 1/65536 pixel.
    x: i32,
    /// `cy - my` in 1/256 pixel.
    y: i32,
    /// `s`, in 1/65536.
    shear: i32,
    /// The number of the last row: `2 my`.
    last_row: i32,
}

impl Slant {
    /// None if there is no ink.
    fn of(size: Size, image: &[u8]) -> Option<Self> {
        let sums = Sums::of(size, image);
        if sums.ink == 0 {
            return None;
        }
        // Exact about the pixel nearest to the centre of mass, where the sums are small: rounded
        // only when the large terms have cancelled.
        let ink = sums.ink as f32;
        let (x, y) = (nearest(sums.x as f32 / ink), nearest(sums.y as f32 / ink));
        let sums = sums.about(x, y);
        let (dx, dy) = (sums.x as f32 / ink, sums.y as f32 / ink);
        let xy = sums.xy as f32 - sums.x as f32 * dy;
        let yy = sums.yy as f32 - sums.y as f32 * dy;
        // As a weighted mean of slopes from row to row it is below the width, but for rounding.
        let most = f32::from(MAX_SIDE);
        let shear = if yy > 0.0 {
            (xy / yy).clamp(-most, most)
        } else {
            0.0
        };
        let (last_column, last_row) = (size.width() as i32 - 1, size.height() as i32 - 1);
        Some(Self {
            x: x * 65536 + (dx * 65536.0) as i32 - last_column * 32768,
            y: y * ONE + nearest(dy * ONE as f32) - last_row * (ONE / 2),
            shear: (shear * 65536.0) as i32,
            last_row,
        })
    }

    /// `cx - mx + s (y - my)` in 1/256 pixel.
    fn x_in_row(&self, y: i32) -> i32 {
        let sheared = i64::from(self.shear) * i64::from(2 * y - self.last_row) / 2;
        // Within 2^10 pixels to the side in each of 2^10 rows: far from the ends of i32.
        ((i64::from(self.x) + sheared + 128) >> 8) as i32
    }
}

/// Sums over all pixels of brightness times powers of their position.
struct Sums {
    ink: i64,
    x: i64,
    y: i64,
    xy: i64,
    yy: i64,
}

impl Sums {
    /// Positions count from the first pixel.
    fn of(size: Size, image: &[u8]) -> Self {
        let mut sums = Self {
            ink: 0,
            x: 0,
            y: 0,
            xy: 0,
            yy: 0,
        };
        for (y, row) in (0_u32..).zip(image.chunks_exact(size.width())) {
            let (ink, x) = row_sums(row);
            if ink == 0 {
                continue;
            }
            // A row has at most 2^10 pixels below 2^8: `ink` is below 2^18, and `x` below 2^28.
            sums.ink += i64::from(ink);
            sums.x += i64::from(x);
            sums.y += i64::from(ink * y);
            sums.xy += i64::from(x) * i64::from(y);
            sums.yy += i64::from(ink * y) * i64::from(y);
        }
        sums
    }

    /// The same with positions that count from `(x, y)`.
    fn about(&self, x: i32, y: i32) -> Self {
        let (x, y) = (i64::from(x), i64::from(y));
        Self {
            ink: self.ink,
            x: self.x - x * self.ink,
            y: self.y - y * self.ink,
            xy: self.xy - x * self.y - y * self.x + x * y * self.ink,
            yy: self.yy - 2 * y * self.y + y * y * self.ink,
        }
    }
}

/// Of a row, the sum of its pixels, and of pixels times columns.
fn row_sums(row: &[u8]) -> (u32, u32) {
    let (mut ink, mut x) = (0, 0);
    let (words, rest) = row.as_chunks::<4>();
    let mut column = 0;
    for word in words {
        // Most pixels are background, and most of it comes in runs.
        if u32::from_ne_bytes(*word) != 0 {
            let [a, b, c, d] = word.map(u32::from);
            let sum = a + b + c + d;
            ink += sum;
            x += column * sum + b + 2 * c + 3 * d;
        }
        column += 4;
    }
    for (column, &pixel) in (column..).zip(rest) {
        ink += u32::from(pixel);
        x += column * u32::from(pixel);
    }
    (ink, x)
}

/// The row between two others, by their weights, shifted: `output[i]` is what it has at
/// `i + shift / 256`. Where that is 0, `output` is left alone.
fn resample([above, below]: [(&[u8], u32); 2], shift: i32, output: &mut [u8]) {
    let (whole, right) = (shift.div_euclid(ONE), shift.rem_euclid(ONE) as u32);
    let left = ONE as u32 - right;
    let between = |a: u8, b: u8| u32::from(a) * above.1 + u32::from(b) * below.1;
    let mix = |before: u32, value: u32| ((before * left + value * right + HALF) >> 16) as u8;

    // `output[i]` lies between columns `i + whole` and the next, and each value is computed once:
    // as the right one of a pixel, and kept as the left one of the next.
    let first = whole + 1;
    let (source, target) = (first.max(0) as usize, first.min(0).unsigned_abs() as usize);
    let column = |column: usize| Some(between(*above.0.get(column)?, *below.0.get(column)?));
    let mut before = source.checked_sub(1).and_then(column).unwrap_or(0);
    let (Some(a), Some(b), Some(output)) = (
        above.0.get(source..),
        below.0.get(source..),
        output.get_mut(target..),
    ) else {
        return;
    };
    let count = a.len().min(b.len()).min(output.len());
    let (Some(a), Some(b), Some((output, beyond))) = (
        a.get(..count),
        b.get(..count),
        output.split_at_mut_checked(count),
    ) else {
        return;
    };

    let mut fill = |a: &[u8], b: &[u8], output: &mut [u8]| {
        for ((&a, &b), output) in a.iter().zip(b).zip(output) {
            let value = between(a, b);
            *output = mix(before, value);
            before = value;
        }
        before
    };
    let ((a, last_a), (b, last_b)) = (a.as_chunks::<4>(), b.as_chunks::<4>());
    let (output, last_output) = output.as_chunks_mut::<4>();
    let mut ink = 1;
    for ((a, b), output) in a.iter().zip(b).zip(output) {
        // Background to the left and in both rows: most of an image.
        if ink != 0 || u32::from_ne_bytes(*a) | u32::from_ne_bytes(*b) != 0 {
            ink = fill(a, b, output);
        }
    }
    before = fill(last_a, last_b, last_output);
    if let Some(output) = beyond.first_mut() {
        *output = mix(before, 0);
    }
}

/// The whole number nearest to `value`, halves upwards.
fn nearest(value: f32) -> i32 {
    libm::floorf(value + 0.5) as i32
}
