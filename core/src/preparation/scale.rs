//! Scaling by areas: each pixel of the result is the mean of what it covers.

use super::Size;

/// Scales an image: each pixel becomes the mean of the rectangle that it covers of the old image,
/// in which pixels count by the area that lies inside; rounded once, halves upwards.
///
/// No ink is lost and no detail is skipped, so there is no aliasing to filter away first. Making an
/// image larger repeats pixels, and blends them where a new one lies across an edge.
///
/// Both images are row-major and have `from.pixels()` and `to.pixels()` bytes; what is missing
/// counts as 0, what is too much is left alone.
pub fn scale(from: Size, image: &[u8], to: Size, scaled: &mut [u8]) {
    // Lengths are counted in fractions of pixels in which both images are equally long: an old
    // column has the length `to.width()`, and a new one `from.width()`; rows in the same way.
    let area = (from.width() * from.height()) as u32;
    let outputs = scaled.chunks_exact_mut(to.width()).take(to.height());
    for (row, output) in outputs.enumerate() {
        let top = row * from.height();
        let covered = top / to.height();
        let inside = (covered + 1) * to.height() - top;
        let rows = image.get(covered * from.width()..).unwrap_or_default();

        let mut output = output.iter_mut();
        let (mut sum, mut missing) = (0, from.width() as u32);
        for column in (0..from.width()).step_by(4) {
            let values = sums(rows, column, from, inside, to.height());
            for value in values.into_iter().take(from.width() - column) {
                let mut left = to.width() as u32;
                while left >= missing {
                    // At most 255 times 2^10 times 2^10.
                    sum += value * missing;
                    left -= missing;
                    if let Some(pixel) = output.next() {
                        *pixel = ((sum + area / 2) / area) as u8;
                    }
                    (sum, missing) = (0, from.width() as u32);
                }
                sum += value * left;
                missing -= left;
            }
        }
    }
}

/// The sums down four columns, over a length of `from.height()`: of the first row `inside` counts,
/// and `whole` of all others but the last.
fn sums(rows: &[u8], column: usize, from: Size, inside: usize, whole: usize) -> [u32; 4] {
    let mut sums = [0; 4];
    let (mut height, mut missing) = (inside, from.height());
    for row in rows.chunks_exact(from.width()) {
        height = height.min(missing);
        let pixels = row.get(column..).unwrap_or_default();
        match pixels.first_chunk() {
            // Most pixels are background.
            Some([0, 0, 0, 0]) => {}
            Some(four) => add(&mut sums, four, height),
            None => add(&mut sums, pixels, height),
        }
        missing -= height;
        if missing == 0 {
            break;
        }
        height = whole;
    }
    sums
}

#[inline(always)]
fn add(sums: &mut [u32; 4], pixels: &[u8], height: usize) {
    for (sum, &pixel) in sums.iter_mut().zip(pixels) {
        *sum += u32::from(pixel) * height as u32;
    }
}
