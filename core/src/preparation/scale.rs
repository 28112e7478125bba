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
    for (row, output) in scaled.chunks_exact_mut(to.width()).enumerate() {
        let (top, bottom) = (row * from.height(), (row + 1) * from.height());
        let covered = top / to.height();
        let rows = image.chunks_exact(from.width()).skip(covered);
        let heights = (covered..bottom.div_ceil(to.height()))
            .map(|old| ((old + 1) * to.height()).min(bottom) - (old * to.height()).max(top));
        let rows = rows.zip(heights);
        let column = |index: usize| {
            let pixels = rows.clone();
            let pixels = pixels.map(|(row, height)| {
                row.get(index).map_or(0, |&pixel| u32::from(pixel)) * height as u32
            });
            pixels.sum::<u32>()
        };

        let mut output = output.iter_mut();
        let (mut sum, mut missing) = (0, from.width());
        for index in 0..from.width() {
            let value = column(index);
            let mut left = to.width();
            while left >= missing {
                // At most 255 times 2^10 times 2^10.
                sum += value * missing as u32;
                left -= missing;
                if let Some(pixel) = output.next() {
                    *pixel = ((sum + area / 2) / area) as u8;
                }
                (sum, missing) = (0, from.width());
            }
            sum += value * left as u32;
            missing -= left;
        }
    }
}
