//! Histograms: outlines that a diagram draws like any curve.

/// The outline of a histogram: the share of `values`, in percent, in each of `bins` equal parts of
/// `low` to `high`, two points a part. Values outside, if any, are in no part.
pub fn histogram(values: &[f64], (low, high): (f64, f64), bins: usize) -> Vec<(f64, f64)> {
    let mut counts = vec![0_u64; bins];
    let width = (high - low) / bins as f64;
    for value in values {
        let bin = ((value - low) / width).floor();
        // The upper end belongs to the last part.
        let bin = if *value == high { bin - 1.0 } else { bin };
        if bin >= 0.0 && bin < bins as f64 {
            counts[bin as usize] += 1;
        }
    }
    let share = |count: u64| 100.0 * count as f64 / values.len().max(1) as f64;
    let part = |(bin, count): (usize, u64)| {
        let (from, to) = (low + bin as f64 * width, low + (bin + 1) as f64 * width);
        [(from, share(count)), (to, share(count))]
    };
    counts.into_iter().enumerate().flat_map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_counted_in_its_part() {
        let values = [-1.0, -0.5, 0.0, 0.25, 1.0, 7.0, f64::NAN, -3.0];
        let eighth = 100.0 / 8.0;
        assert_eq!(
            histogram(&values, (-1.0, 1.0), 2),
            [
                (-1.0, 2.0 * eighth),
                (0.0, 2.0 * eighth),
                (0.0, 3.0 * eighth),
                (1.0, 3.0 * eighth)
            ]
        );
        assert_eq!(histogram(&[], (0.0, 1.0), 1), [(0.0, 0.0), (1.0, 0.0)]);
    }
}
