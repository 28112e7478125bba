//! The inner loops of the first layer: rows of whole vectors, all of whose sums stay in registers.
//! Vectors are arrays of `LANES` floats, which the compiler puts into registers of that width.

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
    row: &mut [f32],
    factors: &[f32],
) {
    let Some(row) = vectors_of::<LANES, VECTORS>(row) else {
        return;
    };
    let mut values = [[0.0_f32; LANES]; VECTORS];
    for_each_vector!(VECTORS, k => values[k] = row[k]);
    for &factor in factors {
        for_each_vector!(VECTORS, k => values[k] = values[k].map(|value| value * factor));
    }
    for_each_vector!(VECTORS, k => row[k] = values[k]);
}
