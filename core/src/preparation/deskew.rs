//! Deskewing: the ink's centre of mass to the middle, slanted strokes upright.

use core::ops::Range;

use super::{MAX_SIDE, Size};

/// One pixel, in the fixed point of positions and of an interpolation's weights.
const ONE: i32 = 256;

/// Moves the centre of mass to the middle of the image and shears rows sideways until columns and
/// rows are no longer correlated.
///
/// With the brightness `I(x, y)` as mass, `c` its centre and `v` its second central moments,
///
/// `D(x, y) = I(x + cx - mx + s (y - my), y + cy - my)`, `s = vxy / vyy`,
///
/// where `m = ((width - 1) / 2, (height - 1) / 2)` is the middle. Between pixels `I` is bilinear,
/// outside of the image it is 0; what is moved out of the image is lost. An image without ink stays
/// as it is, one whose ink is in one row is only moved. Positions are rounded to 1/256 pixel, grey
/// values between rows and again between columns, halves upwards: the result is within two levels
/// of the formula's.
///
/// LeCun, Bottou, Bengio and Haffner, *Gradient-based learning applied to document recognition*,
/// 1998, section III, deslant MNIST by the same shear; how far, they take from black and white
/// pixels.
///
/// `image` and `deskewed` are row-major and have `size.pixels()` bytes; what is missing counts as 0,
/// what is too much is left alone.
pub fn deskew(size: Size, image: &[u8], deskewed: &mut [u8]) {
    let Some(deskewed) = deskewed.get_mut(..size.pixels().min(deskewed.len())) else {
        return;
    };
    deskewed.fill(0);
    let Some(slant) = Slant::of(size, image) else {
        return;
    };
    let width = size.width();
    let inked = slant.rows.start * width..slant.rows.end * width;
    let image = image.get(inked).unwrap_or_default();
    // From a row of the result to the one above it in `image`, the rows with ink.
    let down = slant.y.div_euclid(ONE) - slant.rows.start as i32;
    let fraction = slant.y.rem_euclid(ONE) as u32;
    let mut rows = image.chunks_exact(width).skip(down.max(0) as usize);
    // Rows of which only the lower half of an interpolation is in the image begin one row earlier.
    let mut above = if down < 0 { None } else { rows.next() };
    let output = deskewed.chunks_exact_mut(width);
    let hidden = (-1 - down).max(0);
    let mut x = slant.x + i64::from(hidden) * slant.shear;
    for output in output.take(size.height()).skip(hidden as usize) {
        let below = rows.next();
        // A row that is not there has no weight, so any other may stand in for it.
        let weighted = match (above, below) {
            (Some(above), Some(below)) => [(above, ONE as u32 - fraction), (below, fraction)],
            (Some(above), None) => [(above, ONE as u32 - fraction), (above, 0)],
            (None, Some(below)) => [(below, fraction), (below, 0)],
            (None, None) => break,
        };
        // Within 2^10 pixels to the side in each of 2^10 rows: far from the ends of i32.
        resample(weighted, ((x + 128) >> 8) as i32, output);
        x += slant.shear;
        above = below;
    }
}

/// How an image is moved and sheared: where the pixels of the result are found in it.
struct Slant {
    /// `cx - mx - s my` in 1/65536 pixel: how far to the right the first row's pixels are found.
    x: i64,
    /// `cy - my` in 1/256 pixel: how far down.
    y: i32,
    /// `s` in 1/65536: how much farther to the right in each row.
    shear: i64,
    /// The rows with ink.
    rows: Range<usize>,
}

impl Slant {
    /// None if there is no ink.
    fn of(size: Size, image: &[u8]) -> Option<Self> {
        let (sums, rows) = Sums::of(size, image)?;
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
        let shear = (shear * 65536.0) as i32;
        let (last_column, last_row) = (size.width() as i32 - 1, size.height() as i32 - 1);
        let middle = x * 65536 + (dx * 65536.0) as i32 - last_column * 32768;
        Some(Self {
            x: i64::from(middle) - i64::from(shear) * i64::from(last_row) / 2,
            y: y * ONE + nearest(dy * ONE as f32) - last_row * (ONE / 2),
            shear: i64::from(shear),
            rows,
        })
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
    /// Positions count from the first pixel. With the sums come the rows from the first with ink to
    /// the last; none if there is no ink.
    fn of(size: Size, image: &[u8]) -> Option<(Self, Range<usize>)> {
        let mut sums = Self {
            ink: 0,
            x: 0,
            y: 0,
            xy: 0,
            yy: 0,
        };
        let mut rows: Option<Range<usize>> = None;
        let all = image.chunks_exact(size.width()).take(size.height());
        for (y, row) in (0_u32..).zip(all) {
            let (ink, x) = row_sums(row);
            if ink == 0 {
                continue;
            }
            let first = rows.map_or(y as usize, |rows| rows.start);
            rows = Some(first..y as usize + 1);
            // A row has at most 2^10 pixels below 2^8: `ink` is below 2^18, and `x` below 2^28.
            sums.ink += i64::from(ink);
            sums.x += i64::from(x);
            sums.y += i64::from(ink * y);
            sums.xy += i64::from(x) * i64::from(y);
            sums.yy += i64::from(ink * y) * i64::from(y);
        }
        Some((sums, rows?))
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
    // `output[i]` lies between columns `i + whole` and the next. Each column is computed once, as the
    // right one of a pixel, and kept as the left one of the next.
    let first = whole + 1;
    let (source, target) = (first.max(0) as usize, first.min(0).unsigned_abs() as usize);
    let (Some((before_a, a)), Some((before_b, b)), Some(output)) = (
        above.0.split_at_checked(source),
        below.0.split_at_checked(source),
        output.get_mut(target..),
    ) else {
        return;
    };
    let pixel = |pixel: Option<&u8>| pixel.copied().map_or(0, u32::from);
    let mut before = mix(
        pixel(before_a.last()),
        above.1,
        pixel(before_b.last()),
        below.1,
    ) << 24;

    // Four pixels at a time, the first in the lowest byte.
    let mut four = |a: u32, b: u32| {
        // Background in both rows and to the left: most of an image.
        if a | b | before == 0 {
            return 0_u32.to_le_bytes();
        }
        let now = mix(a, above.1, b, below.1);
        let mixed = mix(now << 8 | before >> 24, left, now, right);
        before = now;
        mixed.to_le_bytes()
    };
    let (words_a, words_b) = (a.as_chunks().0, b.as_chunks().0);
    let words = output.as_chunks_mut().0;
    let done = 4 * words_a.len().min(words.len());
    for ((a, b), output) in words_a.iter().zip(words_b).zip(words) {
        *output = four(u32::from_le_bytes(*a), u32::from_le_bytes(*b));
    }
    // Up to three more, and the one that lies beyond the last column.
    let rest = |row: &[u8]| {
        let rest = row.get(done..).unwrap_or_default().iter().take(4).rev();
        rest.fold(0, |word, &pixel| word << 8 | u32::from(pixel))
    };
    let output = output.get_mut(done..).unwrap_or_default();
    for (output, pixel) in output.iter_mut().zip(four(rest(a), rest(b))) {
        *output = pixel;
    }
}

/// The weighted mean of four pixels and four others, with weights that add up to [`ONE`]; rounded,
/// halves upwards.
fn mix(a: u32, weight_a: u32, b: u32, weight_b: u32) -> u32 {
    // Two at a time: a mean times 256 fits 16 bits, and so does the half that rounds it.
    let even = 0x00FF_00FF;
    let half = 0x0080_0080;
    let mean = |a: u32, b: u32| ((a & even) * weight_a + (b & even) * weight_b + half) >> 8 & even;
    mean(a, b) | mean(a >> 8, b >> 8) << 8
}

/// The whole number nearest to `value`, halves upwards.
fn nearest(value: f32) -> i32 {
    libm::floorf(value + 0.5) as i32
}
