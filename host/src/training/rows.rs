//! The inner loops of the first layer: rows of whole vectors, all of whose sums stay in registers.
//! Vectors are arrays of `LANES` floats, which the compiler puts into registers of that width.

use super::backlog::TOGETHER;

/// Most vectors of a row.
pub(super) const MOST_VECTORS: usize = 13;

/// Written out vector by vector: left to itself, the compiler keeps so many sums in memory.
macro_rules! for_each_vector {
    ($vectors:ident, $vector:ident => $work:expr) => {
        for_each_vector!($vectors, $vector => $work; 0 1 2 3 4 5 6 7 8 9 10 11 12)
    };
    ($vectors:ident, $vector:ident => $work:expr; $($index:literal)*) => {
        $(if $vectors > $index {
            #[allow(non_upper_case_globals)]
            const $vector: usize = $index;
            $work;
        })*
    };
}

/// `row` as its vectors, if it is as long as they are.
#[inline(always)]
fn vectors_of<const LANES: usize, const VECTORS: usize>(
    row: &mut [f32],
) -> Option<&mut [[f32; LANES]; VECTORS]> {
    const { assert!(VECTORS <= MOST_VECTORS) };
    row.as_chunks_mut::<LANES>().0.first_chunk_mut::<VECTORS>()
}

/// `sums[j] = keep sums[j] + sum over terms (i, value) of value rows[i][j]`, in the order of terms.
///
/// # Shapes
/// `sums`: `[LANES VECTORS]`; `rows`: any number of those.
#[inline(always)]
pub(super) fn add_rows<const LANES: usize, const VECTORS: usize>(
    terms: impl Iterator<Item = (usize, f32)>,
    rows: &[f32],
    keep: f32,
    sums: &mut [f32],
) {
    let rows = rows.as_chunks::<LANES>().0.as_chunks::<VECTORS>().0;
    let Some(outputs) = vectors_of::<LANES, VECTORS>(sums) else {
        return;
    };
    let mut sums = [[0.0_f32; LANES]; VECTORS];
    for_each_vector!(VECTORS, k => sums[k] = outputs[k].map(|output| output * keep));
    for (index, value) in terms {
        let Some(row) = rows.get(index) else { break };
        for_each_vector!(VECTORS, k => for (sum, weight) in sums[k].iter_mut().zip(&row[k]) {
            *sum += value * weight;
        });
    }
    for_each_vector!(VECTORS, k => outputs[k] = sums[k]);
}

/// `rows[i][j] = keep rows[i][j] + value delta[j]` for each of the terms (i, value).
///
/// # Shapes
/// As in [`add_rows`]; `delta` is as `sums` are there.
#[inline(always)]
pub(super) fn add_to_rows<const LANES: usize, const VECTORS: usize>(
    terms: impl Iterator<Item = (usize, f32)>,
    delta: &[f32],
    keep: f32,
    rows: &mut [f32],
) {
    let rows = rows.as_chunks_mut::<LANES>().0.as_chunks_mut::<VECTORS>().0;
    let delta = delta.as_chunks::<LANES>().0.first_chunk::<VECTORS>();
    let Some(&delta) = delta else { return };
    for (index, value) in terms {
        let Some(row) = rows.get_mut(index) else {
            break;
        };
        for_each_vector!(VECTORS, k => for (weight, delta) in row[k].iter_mut().zip(&delta[k]) {
            *weight = *weight * keep + value * delta;
        });
    }
}

/// Multiplies a row by one factor after the other.
#[inline(always)]
pub(super) fn scale_row<const LANES: usize, const VECTORS: usize>(
    row: &mut [[f32; LANES]; VECTORS],
    factors: &[[f32; TOGETHER]],
) {
    const { assert!(VECTORS <= MOST_VECTORS) };
    let mut values = [[0.0_f32; LANES]; VECTORS];
    for_each_vector!(VECTORS, k => values[k] = row[k]);
    for factors in factors {
        for &factor in factors {
            for_each_vector!(VECTORS, k => values[k] = values[k].map(|value| value * factor));
        }
    }
    for_each_vector!(VECTORS, k => row[k] = values[k]);
}

#[cfg(test)]
mod tests {
    use rand_core::SeedableRng;
    use thumbnet::random::{XorShiftRng, fill_normal};

    use super::*;

    fn random(rng: &mut XorShiftRng, count: usize) -> Vec<f32> {
        let mut values = vec![0.0; count];
        fill_normal(rng, 1.0, &mut values);
        values
    }

    fn bits(values: &[f32]) -> Vec<u32> {
        values.iter().map(|value| value.to_bits()).collect()
    }

    fn are_the_plain_loops<const LANES: usize, const VECTORS: usize>() {
        const FAN_IN: usize = 19;
        let width = LANES * VECTORS;
        let mut rng = XorShiftRng::seed_from_u64(14);
        let (rows, start) = (random(&mut rng, FAN_IN * width), random(&mut rng, width));
        let values = random(&mut rng, FAN_IN);
        // Not all rows.
        let terms = || values.iter().copied().enumerate().step_by(3);
        let keep = 0.75;

        let mut sums = start.clone();
        add_rows::<LANES, VECTORS>(terms(), &rows, keep, &mut sums);
        let mut plain: Vec<f32> = start.iter().map(|value| value * keep).collect();
        for (index, value) in terms() {
            for (j, sum) in plain.iter_mut().enumerate() {
                *sum += value * rows[index * width + j];
            }
        }
        assert_eq!(bits(&sums), bits(&plain), "{LANES} x {VECTORS}");

        let mut moved = rows.clone();
        add_to_rows::<LANES, VECTORS>(terms(), &start, keep, &mut moved);
        let mut plain = rows.clone();
        for (index, value) in terms() {
            for (j, delta) in start.iter().enumerate() {
                let weight = &mut plain[index * width + j];
                *weight = *weight * keep + value * delta;
            }
        }
        assert_eq!(bits(&moved), bits(&plain), "{LANES} x {VECTORS}");

        let mut scaled = start.clone();
        let row = vectors_of::<LANES, VECTORS>(&mut scaled).unwrap();
        scale_row(row, &[[0.3, 0.7, 0.9, 1.0]]);
        let plain: Vec<f32> = start.iter().map(|w| w * 0.3 * 0.7 * 0.9).collect();
        assert_eq!(bits(&scaled), bits(&plain), "{LANES} x {VECTORS}");
    }

    #[test]
    fn rows_of_every_width_are_the_plain_loops() {
        macro_rules! all {
            ($($vectors:literal)*) => {
                $(are_the_plain_loops::<8, $vectors>();
                are_the_plain_loops::<16, $vectors>();)*
            };
        }
        all!(1 2 3 4 5 6 7 8 10 13);
    }
}
