//! The nearest matrix whose singular values are all about 1, for [`Muon`](super::Muon).
//!
//! Five rounds of `X <- X P` with `P = a I + b G + c G^2` and `G = X' X`, from `X` of Frobenius
//! length 1, bring every singular value from 0.002 to 1 into 0.68 .. 1.21: quickly, not exactly
//! (Jordan, 2024, "Muon: An optimizer for hidden layers in neural networks").
//!
//! Weights make tall matrices, and `G` is small: a round turns it into `P G P`, and the rounds'
//! `P P ..` are multiplied with one another first and with `X` last. All these matrices are
//! symmetric and commute, so that half of each product is computed.
//!
//! Everything is f32, each sum in one order whatever the instructions; call it inside
//! [`Instructions::run`](super::Instructions) for their speed.

use thumbnet::kernel;

/// `a`, `b` and `c`, chosen by Jordan for the steepest rise from zero.
const COEFFICIENTS: [f32; 3] = [3.4445, -4.7750, 2.0315];

const ROUNDS: usize = 5;

/// Sums that are held in registers together: so many rows of so many columns.
const TILE: (usize, usize) = (4, 16);

/// Working memory for matrices of one shape.
#[derive(Clone, Debug)]
pub(super) struct Scratch {
    /// Columns of `tall`, with columns of zeros up to a multiple of a tile's.
    narrow: usize,
    /// `X`: the matrix, or its transposed if that has fewer columns; `[tall][narrow]`.
    tall: Vec<f32>,
    /// What becomes of it; as large.
    orthogonal: Vec<f32>,
    /// `G`; `[narrow][narrow]`.
    gram: Vec<f32>,
    /// `P` of a round; as large.
    polynomial: Vec<f32>,
    /// The product of all rounds' `P` so far; as large.
    factor: Vec<f32>,
    /// What is to replace one of the three; as large.
    next: Vec<f32>,
}

impl Scratch {
    /// For `[rows][columns]`, both at least 1.
    pub(super) fn new(rows: usize, columns: usize) -> Self {
        let narrow = rows.min(columns).next_multiple_of(TILE.1);
        let tall = rows.max(columns).next_multiple_of(TILE.0);
        let [large, small] = [tall * narrow, narrow * narrow].map(|count| vec![0.0; count]);
        Self {
            narrow,
            tall: large.clone(),
            orthogonal: large,
            gram: small.clone(),
            polynomial: small.clone(),
            factor: small.clone(),
            next: small,
        }
    }
}

/// Brings all singular values of a matrix near 1 and leaves its singular vectors; a matrix of
/// zeros stays one.
///
/// # Shapes
/// `matrix`: `[rows][columns]`; `scratch`: made for these.
/// # Cost
/// With `m` the larger and `n` the smaller side, about `1.5 m n^2 + 8.5 n^3` multiplications, and
/// as many additions.
#[inline(always)]
pub(super) fn orthogonalize(matrix: &mut [f32], columns: usize, scratch: &mut Scratch) {
    let Scratch {
        narrow,
        tall,
        orthogonal,
        gram,
        polynomial,
        factor,
        next,
    } = scratch;
    let narrow = *narrow;
    let rows = matrix.len() / columns;
    // The length, as in Jordan's code, plus what keeps zeros from being divided by zero.
    let scale = 1.0 / (kernel::dot(matrix, matrix).sqrt() + 1e-7);
    // Rows and columns that pad the matrix are zero, and stay so.
    let transposed = rows < columns;
    for (row, values) in matrix.chunks_exact(columns).enumerate() {
        if transposed {
            for (to, value) in tall.chunks_exact_mut(narrow).zip(values) {
                to[row] = value * scale;
            }
        } else {
            for (to, value) in tall[row * narrow..].iter_mut().zip(values) {
                *to = value * scale;
            }
        }
    }
    symmetric(tall, tall, gram, narrow);
    for round in 0..ROUNDS {
        symmetric(gram, gram, polynomial, narrow);
        let [a, b, c] = COEFFICIENTS;
        for (value, gram) in polynomial.iter_mut().zip(&*gram) {
            *value = c * *value + b * gram;
        }
        for value in polynomial.iter_mut().step_by(narrow + 1) {
            *value += a;
        }
        if round == 0 {
            factor.copy_from_slice(polynomial);
        } else {
            symmetric(factor, polynomial, next, narrow);
            std::mem::swap(factor, next);
        }
        if round + 1 < ROUNDS {
            symmetric(polynomial, polynomial, next, narrow);
            symmetric(gram, next, polynomial, narrow);
            std::mem::swap(gram, polynomial);
        }
    }
    multiply(tall, factor, orthogonal, narrow);
    for (row, values) in matrix.chunks_exact_mut(columns).enumerate() {
        if transposed {
            for (from, value) in orthogonal.chunks_exact(narrow).zip(values) {
                *value = from[row];
            }
        } else {
            values.copy_from_slice(&orthogonal[row * narrow..][..columns]);
        }
    }
}

/// `product = tall x right`.
///
/// # Shapes
/// `tall`, `product`: `[a multiple of 4][narrow]`; `right`: `[narrow][narrow]`.
#[inline(always)]
fn multiply(tall: &[f32], right: &[f32], product: &mut [f32], narrow: usize) {
    let bands = product.chunks_exact_mut(TILE.0 * narrow);
    for (band, left) in bands.zip(tall.chunks_exact(TILE.0 * narrow)) {
        let (first, rest) = left.split_at(narrow);
        let (second, rest) = rest.split_at(narrow);
        let (third, fourth) = rest.split_at(narrow);
        for start in (0..narrow).step_by(TILE.1) {
            let column = first.iter().zip(second).zip(third).zip(fourth);
            let column = column.map(|(((a, b), c), d)| [*a, *b, *c, *d]);
            tile(column, right, band, narrow, start);
        }
    }
}

/// `product = left' right` if that is symmetric: what lies above the diagonal is computed.
///
/// # Shapes
/// `left`, `right`: `[any][narrow]`, as many rows; `product`: `[narrow][narrow]`.
#[inline(always)]
fn symmetric(left: &[f32], right: &[f32], product: &mut [f32], narrow: usize) {
    for (number, band) in product.chunks_exact_mut(TILE.0 * narrow).enumerate() {
        let top = number * TILE.0;
        for start in (top / TILE.1 * TILE.1..narrow).step_by(TILE.1) {
            let rows = left[top..].chunks(narrow);
            let column = rows.map_while(|row| row.first_chunk::<{ TILE.0 }>().copied());
            tile(column, right, band, narrow, start);
        }
    }
    for row in 1..narrow {
        let (above, own) = product.split_at_mut(row * narrow);
        for (value, other) in own.iter_mut().zip(above.chunks_exact(narrow)) {
            *value = other[row];
        }
    }
}

/// Four rows of 16 columns of a product, from `start` on:
/// `band[i][start + j] = sum over k of column_k[i] * right[k][start + j]`, `k` ascending.
#[inline(always)]
fn tile(
    column: impl Iterator<Item = [f32; TILE.0]>,
    right: &[f32],
    band: &mut [f32],
    narrow: usize,
    start: usize,
) {
    let mut sums = [[[0.0_f32; 8]; 2]; TILE.0];
    let rows = right[start..].chunks(narrow);
    for (left, row) in column.zip(rows) {
        let Some(row) = row.as_chunks::<8>().0.first_chunk::<2>() else {
            return;
        };
        // Written out vector by vector: left to itself, the compiler finds a slower order.
        macro_rules! add {
            ($($i:literal $half:literal),*) => {
                $(for (sum, right) in sums[$i][$half].iter_mut().zip(&row[$half]) {
                    *sum += left[$i] * right;
                })*
            };
        }
        add!(0 0, 0 1, 1 0, 1 1, 2 0, 2 1, 3 0, 3 1);
    }
    for (sums, row) in sums.iter().zip(band.chunks_exact_mut(narrow)) {
        row[start..][..TILE.1].copy_from_slice(sums.as_flattened());
    }
}

#[cfg(test)]
mod tests {
    use rand_core::SeedableRng;
    use thumbnet::random::{XorShiftRng, fill_normal};

    use super::*;
    use crate::training::Instructions;

    fn random(count: usize) -> Vec<f32> {
        let mut values = vec![0.0; count];
        fill_normal(&mut XorShiftRng::seed_from_u64(2), 3.0, &mut values);
        values
    }

    fn orthogonal(matrix: &[f32], columns: usize, instructions: Instructions) -> Vec<f32> {
        let mut matrix = matrix.to_vec();
        let mut scratch = Scratch::new(matrix.len() / columns, columns);
        instructions.run(
            #[inline(always)]
            || orthogonalize(&mut matrix, columns, &mut scratch),
        );
        matrix
    }

    #[track_caller]
    fn assert_close(found: &[f32], expected: &[f64], tolerance: f64) {
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            let off = (f64::from(*found) - expected).abs();
            assert!(off < tolerance, "{found}, expected {expected}");
        }
    }

    /// The rounds once more, in f64 and without tiles.
    fn reference(matrix: &[f32], columns: usize) -> Vec<f64> {
        let rows = matrix.len() / columns;
        let mut x: Vec<f64> = matrix.iter().map(|&v| f64::from(v)).collect();
        let length = x.iter().map(|v| v * v).sum::<f64>().sqrt();
        x.iter_mut().for_each(|v| *v /= length);
        let product = |left: &dyn Fn(usize, usize) -> f64, right: &[f64], (m, n, k): (_, _, _)| {
            let at = |i: usize| (0..k).map(|t| left(i / n, t) * right[t * n + i % n]).sum();
            (0..m * n).map(at).collect::<Vec<f64>>()
        };
        for _ in 0..ROUNDS {
            let square = (columns, columns, columns);
            let gram = product(&|i, t| x[t * columns + i], &x, (columns, columns, rows));
            let squared = product(&|i, t| gram[i * columns + t], &gram, square);
            let [a, b, c] = COEFFICIENTS.map(f64::from);
            let polynomial: Vec<f64> = (0..columns * columns)
                .map(|i| {
                    let one = f64::from(u8::from(i % (columns + 1) == 0));
                    a * one + b * gram[i] + c * squared[i]
                })
                .collect();
            x = product(
                &|i, t| x[i * columns + t],
                &polynomial,
                (rows, columns, columns),
            );
        }
        x
    }

    #[test]
    fn tiles_pads_and_transposing_change_nothing() {
        for (rows, columns) in [
            (1, 1),
            (5, 3),
            (3, 5),
            (16, 16),
            (33, 17),
            (12, 50),
            (70, 40),
        ] {
            let matrix = random(rows * columns);
            let found = orthogonal(&matrix, columns, Instructions::detect());
            // Rounds enlarge an error by at most 3.4445 each, 485 in all; seen: 4e-6.
            assert_close(&found, &reference(&matrix, columns), 3e-5);
            // The same bits without AVX2.
            assert_eq!(found, orthogonal(&matrix, columns, Instructions::Baseline));
        }
    }

    /// Singular values of a matrix with no more columns than rows, by rotating pairs of columns
    /// until all are at right angles (Hestenes, 1958).
    fn singular_values(matrix: &[f32], columns: usize) -> Vec<f64> {
        let mut of: Vec<Vec<f64>> = (0..columns)
            .map(|j| {
                let column = matrix.iter().skip(j).step_by(columns);
                column.map(|&v| f64::from(v)).collect()
            })
            .collect();
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        for _ in 0..12 {
            for i in 0..columns {
                for j in i + 1..columns {
                    let (left, right) = of.split_at_mut(j);
                    let (p, q) = (&mut left[i], &mut right[0]);
                    let twice = 2.0 * dot(p, q);
                    let angle = 0.5 * twice.atan2(dot(p, p) - dot(q, q));
                    let (sin, cos) = angle.sin_cos();
                    for (p, q) in p.iter_mut().zip(q) {
                        (*p, *q) = (cos * *p + sin * *q, cos * *q - sin * *p);
                    }
                }
            }
        }
        of.iter().map(|column| dot(column, column).sqrt()).collect()
    }

    #[test]
    fn all_directions_become_about_equally_long() {
        let (rows, columns) = (40, 24);
        let mut matrix = random(rows * columns);
        // One direction far stronger than the rest, as in gradients.
        for (index, value) in matrix.iter_mut().enumerate() {
            *value += 4.0 * ((index / columns) as f32 / 20.0 - 1.0);
        }
        let before = singular_values(&matrix, columns);
        let bounds = |values: &[f64]| {
            let most = values.iter().fold(0.0, |a: f64, b| a.max(*b));
            (values.iter().fold(most, |a, b| a.min(*b)), most)
        };
        let (least, most) = bounds(&before);
        assert!(most > 15.0 * least, "{before:?}");
        let found = orthogonal(&matrix, columns, Instructions::detect());
        let after = singular_values(&found, columns);
        let (least, most) = bounds(&after);
        assert!(least > 0.65 && most < 1.25, "{after:?}");
    }

    #[test]
    fn zeros_stay_zeros() {
        let found = orthogonal(&[0.0; 12], 4, Instructions::detect());
        assert_eq!(found, [0.0; 12]);
    }
}
