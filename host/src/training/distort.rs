//! Distorting many images of one size: to the bit what core's augmentation does, in vectors and
//! with more memory.
//!
//! Where pixels come from is listed for the whole image first. Then each pixel takes one number out
//! of memory, the four pixels around that place, which are side by side from before.

use thumbnet::augment::{AugmentError, Distortion, Map, NODES, PATCHES, Span, bilinear};

use super::Instructions;

/// Pixels of a row that are placed at once: as wide as a patch of an image of 28 or 32 columns.
const AT_ONCE: usize = 4;

/// Distorts images of one size.
pub(super) struct Distorter {
    width: usize,
    height: usize,
    instructions: Instructions,
    columns: [Span; PATCHES],
    /// The image in a frame of zeros: `[height + 2][width + 2]`.
    framed: Vec<u8>,
    /// Upper left, upper right, lower left and lower right, as bytes of one number. Number 0 has
    /// the image's first pixel for its lower right: `[height + 2][width + 2]`.
    around: Vec<u32>,
    /// From where each pixel comes, and room behind the last: `[height][width]`.
    places: [Vec<i32>; 2],
    /// What is around that: `[height][width]`.
    found: Vec<u32>,
}

impl Distorter {
    pub(super) fn new(width: usize, height: usize, instructions: Instructions) -> Self {
        Self {
            width,
            height,
            instructions,
            columns: std::array::from_fn(|patch| Span::new(patch, width)),
            framed: vec![0; (width + 2) * (height + 2)],
            around: vec![0; (width + 2) * (height + 2)],
            places: [0, 1].map(|_| vec![0; width * height + AT_ONCE]),
            found: vec![0; width * height],
        }
    }

    /// Writes the distorted `input` to `output`, both of the size that this was made for.
    ///
    /// # Errors
    /// A number of the distortion that is out of its range.
    pub(super) fn apply(
        &mut self,
        distortion: &Distortion,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<(), AugmentError> {
        let map = distortion.map(self.width, self.height)?;
        self.instructions.run(
            #[inline(always)]
            || {
                self.look_around(input);
                self.place(&map);
                self.sample(output);
            },
        );
        Ok(())
    }

    /// Puts the pixels around each place side by side.
    #[inline(always)]
    fn look_around(&mut self, input: &[u8]) {
        let stride = self.width + 2;
        let inner = self.framed.chunks_exact_mut(stride).skip(1);
        for (framed, row) in inner.zip(input.chunks_exact(self.width.max(1))) {
            framed[1..=self.width].copy_from_slice(row);
        }
        let upper = self.framed.iter().zip(&self.framed[1..]);
        let lower = self.framed[stride..].iter().zip(&self.framed[stride + 1..]);
        for ((around, (&a, &b)), (&c, &d)) in self.around.iter_mut().zip(upper).zip(lower) {
            *around = u32::from_le_bytes([a, b, c, d]);
        }
    }

    /// Lists from where pixels come.
    #[inline(always)]
    fn place(&mut self, map: &Map<'_>) {
        let mut upper = by_axis(&map.nodes(0));
        for band in 0..PATCHES {
            let lower = by_axis(&map.nodes(band + 1));
            let rows = Span::new(band, self.height);
            for (axis, places) in self.places.iter_mut().enumerate() {
                let places = places
                    .get_mut(rows.start * self.width..)
                    .unwrap_or_default();
                place_rows(
                    &self.columns,
                    rows,
                    [&upper[axis], &lower[axis]],
                    self.width,
                    places,
                );
            }
            upper = lower;
        }
    }

    /// Takes what is there, in three loops: taking it is no work for vectors.
    #[inline(always)]
    fn sample(&mut self, output: &mut [u8]) {
        // Places outside the frame are as black as those on its right and its lower edge.
        let inside = |place: i32, side: usize| (((place >> 16) + 1) as u32).min(side as u32 + 1);
        let stride = self.width as u32 + 2;
        let [xs, ys] = &self.places;
        for ((found, &x), &y) in self.found.iter_mut().zip(xs).zip(ys) {
            *found = inside(y, self.height) * stride + inside(x, self.width);
        }
        for found in &mut self.found {
            *found = self.around.get(*found as usize).copied().unwrap_or(0);
        }
        let places = xs.iter().zip(ys);
        for ((pixel, &found), (&x, &y)) in output.iter_mut().zip(&self.found).zip(places) {
            *pixel = bilinear(found.to_le_bytes(), x, y);
        }
    }
}

/// The x of a row of corners, and their y.
#[inline(always)]
fn by_axis(corners: &[[i32; 2]; NODES]) -> [[i32; NODES]; 2] {
    let mut axes = [[0; NODES]; 2];
    for (index, &[x, y]) in corners.iter().enumerate() {
        axes[0][index] = x;
        axes[1][index] = y;
    }
    axes
}

/// Lists from where the pixels of one row of patches come, along one axis; `places` begins with the
/// first of them.
#[inline(always)]
fn place_rows(
    columns: &[Span; PATCHES],
    rows: Span,
    [upper, lower]: [&[i32; NODES]; 2],
    width: usize,
    places: &mut [i32],
) {
    let mut down = [0; NODES];
    for ((down, upper), lower) in down.iter_mut().zip(upper).zip(lower) {
        *down = rows.step(lower.wrapping_sub(*upper));
    }
    // Where the row at hand meets the sides of patches.
    let mut sides = *upper;
    for row in 0..rows.length {
        let mut steps = [0; PATCHES];
        for (patch, (step, columns)) in steps.iter_mut().zip(columns).enumerate() {
            *step = columns.step(sides[patch + 1].wrapping_sub(sides[patch]));
        }
        for ((columns, left), step) in columns.iter().zip(sides).zip(steps) {
            let mut offset = 0;
            // What is written too far is written over by the next patch.
            while offset < columns.length {
                let places = places.get_mut(row * width + columns.start + offset..);
                if let Some(places) = places.and_then(|p| p.first_chunk_mut::<AT_ONCE>()) {
                    for (place, number) in places.iter_mut().zip(offset as i32..) {
                        *place = left.wrapping_add(step.wrapping_mul(number));
                    }
                }
                offset += AT_ONCE;
            }
        }
        for (side, down) in sides.iter_mut().zip(&down) {
            *side = side.wrapping_add(*down);
        }
    }
}

#[cfg(test)]
mod tests {
    use rand_core::{Rng, SeedableRng};
    use rand_xorshift::XorShiftRng;
    use thumbnet::augment::Augment;

    use super::*;

    #[test]
    fn images_of_every_size_are_those_of_core() {
        let usual = Augment {
            shift: 1.0,
            rotation: 0.2,
            scale: 0.1,
            shear: 0.1,
            elastic: 0.7,
        };
        let mut rng = XorShiftRng::seed_from_u64(15);
        for (width, height) in [(28, 28), (8, 8), (16, 16), (5, 3), (1, 1), (41, 70), (0, 3)] {
            for instructions in Instructions::ALL {
                let mut distorter = Distorter::new(width, height, instructions);
                let (mut found, mut expected) = (vec![9; width * height], vec![7; width * height]);
                for augment in [Augment::NONE, usual, Augment::MOST] {
                    for _ in 0..50 {
                        // Two of three pixels are black.
                        let mut pixel = || (rng.next_u32() >> 16) as u16;
                        let image: Vec<u8> = (0..width * height)
                            .map(|_| if pixel() % 3 == 0 { pixel() as u8 } else { 0 })
                            .collect();
                        let distortion = augment.draw(&mut rng).unwrap();
                        distorter.apply(&distortion, &image, &mut found).unwrap();
                        distortion
                            .apply(width, height, &image, &mut expected)
                            .unwrap();
                        assert_eq!(found, expected, "{width} x {height}: {distortion:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn numbers_out_of_range_are_refused() {
        let distortion = Distortion {
            shear: 2.0,
            ..Distortion::NONE
        };
        let mut output = [5; 4];
        let refused = Distorter::new(2, 2, Instructions::Baseline)
            .apply(&distortion, &[1; 4], &mut output)
            .unwrap_err();
        assert_eq!(Err(refused), distortion.apply(2, 2, &[1; 4], &mut [0; 4]));
        assert_eq!(output, [5; 4]);
    }
}
