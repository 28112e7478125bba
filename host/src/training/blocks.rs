//! The inner loops of the layers behind the first, whose inputs are rarely zero: blocks of sums,
//! those of several samples or of several rows of weights, which do not wait for one another.

/// Floats of a block's columns.
pub(super) const COLUMNS: usize = 16;

/// Most sums of a block, each of [`COLUMNS`].
const MOST: usize = 8;

/// Written out sum by sum: left to itself, the compiler keeps them in memory.
macro_rules! for_each_sum {
    ($sums:ident, $sum:ident => $work:expr) => {
        for_each_sum!($sums, $sum => $work; 0 1 2 3 4 5 6 7)
    };
    ($sums:ident, $sum:ident => $work:expr; $($index:literal)*) => {
        $(if $sums > $index {
            #[allow(non_upper_case_globals)]
            const $sum: usize = $index;
            $work;
        })*
    };
}

/// Calls a function with the number of sums, from 1 to 8, as a constant.
macro_rules! with_sums {
    ($sums:expr, $function:ident($($argument:expr),*)) => {
        match $sums {
            1 => $function::<1>($($argument),*),
            2 => $function::<2>($($argument),*),
            3 => $function::<3>($($argument),*),
            4 => $function::<4>($($argument),*),
            5 => $function::<5>($($argument),*),
            6 => $function::<6>($($argument),*),
            7 => $function::<7>($($argument),*),
            _ => $function::<MOST>($($argument),*),
        }
    };
}

/// Sums that are made side by side, for vectors of so many lanes: as many as registers hold.
const fn at_once(lanes: usize) -> usize {
    if lanes < COLUMNS { MOST / 2 } else { MOST }
}

/// A matrix `[rows][width]`, row-major.
#[derive(Clone, Copy)]
pub(super) struct Matrix<'a> {
    pub(super) values: &'a [f32],
    pub(super) width: usize,
}

impl<'a> Matrix<'a> {
    /// The rows from `first` on.
    #[inline(always)]
    fn from(self, first: usize) -> &'a [f32] {
        self.values.get(first * self.width..).unwrap_or_default()
    }
}

/// `outputs[s][j] += sum over i of inputs[s][i] weights[i][j]`, `i` ascending.
///
/// # Shapes
/// `inputs`: `[samples][at least fan_in]`; `weights`: `[at least fan_in][width]`; `outputs`:
/// `[samples][width]`, `width` being a multiple of [`COLUMNS`].
#[inline(always)]
pub(super) fn forward<const LANES: usize>(
    inputs: Matrix<'_>,
    fan_in: usize,
    weights: Matrix<'_>,
    outputs: &mut [f32],
) {
    let at_once = at_once(LANES);
    let width = weights.width;
    for (group, outputs) in outputs.chunks_mut(at_once * width).enumerate() {
        let inputs = Matrix {
            values: inputs.from(group * at_once),
            ..inputs
        };
        for column in (0..width).step_by(COLUMNS) {
            with_sums!(
                outputs.len() / width,
                forward_block(inputs, fan_in, weights, column, outputs)
            );
        }
    }
}

/// [`forward`] for `SUMS` samples and for the columns from `column` on.
#[inline(always)]
fn forward_block<const SUMS: usize>(
    inputs: Matrix<'_>,
    fan_in: usize,
    weights: Matrix<'_>,
    column: usize,
    outputs: &mut [f32],
) {
    let inputs: [&[f32]; SUMS] = std::array::from_fn(|sample| {
        let inputs = inputs.from(sample);
        inputs.get(..fan_in).unwrap_or_default()
    });
    let mut sums = [[0.0_f32; COLUMNS]; SUMS];
    let width = weights.width;
    for_each_sum!(SUMS, k => sums[k].copy_from_slice(&outputs[k * width + column..][..COLUMNS]));
    for (i, row) in weights.values.chunks_exact(width).take(fan_in).enumerate() {
        let row = &row[column..][..COLUMNS];
        for_each_sum!(SUMS, k => {
            let input = inputs[k][i];
            for (sum, weight) in sums[k].iter_mut().zip(row) {
                *sum += input * weight;
            }
        });
    }
    for_each_sum!(SUMS, k => outputs[k * width + column..][..COLUMNS].copy_from_slice(&sums[k]));
}

/// `rows[i][j] += sum over samples s of inputs[s][i] deltas[s][j]`, samples ascending.
///
/// # Shapes
/// `inputs`: `[samples][at least as many as rows]`; `deltas`: `[samples][width]`; `rows`:
/// `[any][width]`, `width` being a multiple of [`COLUMNS`].
#[inline(always)]
pub(super) fn update<const LANES: usize>(inputs: Matrix<'_>, deltas: Matrix<'_>, rows: &mut [f32]) {
    let at_once = at_once(LANES);
    let width = deltas.width;
    for (group, rows) in rows.chunks_mut(at_once * width).enumerate() {
        for column in (0..width).step_by(COLUMNS) {
            with_sums!(
                rows.len() / width,
                update_block(inputs, group * at_once, deltas, column, rows)
            );
        }
    }
}

/// [`update`] for the `SUMS` rows from `first` on, which `rows` begins with, and for the columns
/// from `column` on.
#[inline(always)]
fn update_block<const SUMS: usize>(
    inputs: Matrix<'_>,
    first: usize,
    deltas: Matrix<'_>,
    column: usize,
    rows: &mut [f32],
) {
    let width = deltas.width;
    let mut sums = [[0.0_f32; COLUMNS]; SUMS];
    for_each_sum!(SUMS, k => sums[k].copy_from_slice(&rows[k * width + column..][..COLUMNS]));
    let samples = inputs.values.chunks(inputs.width);
    for (inputs, delta) in samples.zip(deltas.values.chunks_exact(width)) {
        let delta = &delta[column..][..COLUMNS];
        let Some(inputs) = inputs.get(first..).and_then(|i| i.first_chunk::<SUMS>()) else {
            break;
        };
        for_each_sum!(SUMS, k => {
            let input = inputs[k];
            for (sum, delta) in sums[k].iter_mut().zip(delta) {
                *sum += input * delta;
            }
        });
    }
    for_each_sum!(SUMS, k => rows[k * width + column..][..COLUMNS].copy_from_slice(&sums[k]));
}

/// `sum over j of left[j] rows[j][column + k]` for each `k`, in the order of `kernel::dot`: term
/// `j` goes into lane `j % 8`.
#[inline(always)]
pub(super) fn dot<const COUNT: usize>(
    left: &[f32],
    rows: Matrix<'_>,
    column: usize,
) -> [f32; COUNT] {
    const LANES: usize = 8;
    let mut lanes = [[0.0_f32; COUNT]; LANES];
    let mut rows = rows.values.chunks_exact(rows.width);
    for left in left.chunks(LANES) {
        for_each_sum!(LANES, k => if let (Some(left), Some(row)) = (left.get(k), rows.next()) {
            for (sum, right) in lanes[k].iter_mut().zip(&row[column..][..COUNT]) {
                *sum += right * left;
            }
        });
    }
    let [l0, l1, l2, l3, l4, l5, l6, l7] = lanes;
    std::array::from_fn(|k| {
        let even = (l0[k] + l4[k]) + (l2[k] + l6[k]);
        let odd = (l1[k] + l5[k]) + (l3[k] + l7[k]);
        even + odd
    })
}
