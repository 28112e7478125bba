//! Curves: which of their points can be drawn, and how many need to be.

use plotters::prelude::*;

use crate::history::EpochRecord;

/// A value that can be put on an axis: finite, and small enough for the arithmetic of a scale.
pub(super) fn drawable(value: f64) -> bool {
    value.abs() < 1e100
}

/// How a single epoch is marked: shapes differ, so that colour is never all there is to tell by.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    Circle,
    Triangle,
}

impl Shape {
    /// Half its width, `unit` being a pixel. A triangle needs a little more to look as large as a circle.
    pub(super) fn size(self, unit: i32) -> i32 {
        match self {
            Self::Circle => 4 * unit,
            Self::Triangle => 5 * unit,
        }
    }
}

/// A curve.
pub(super) struct Series {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    pub(super) color: RGBColor,
    /// Epoch and value, of every epoch; the value may be anything.
    pub(super) points: Vec<(f64, f64)>,
}

impl Series {
    pub(super) fn new(
        name: &'static str,
        shape: Shape,
        color: RGBColor,
        history: &[EpochRecord],
        value: impl Fn(&EpochRecord) -> f64,
    ) -> Self {
        let points = history
            .iter()
            .map(|record| (record.epoch as f64, value(record)))
            .collect();
        Self {
            name,
            shape,
            color,
            points,
        }
    }

    /// What can be drawn, in order.
    pub(super) fn values(&self) -> impl Iterator<Item = f64> + Clone {
        self.points
            .iter()
            .map(|point| point.1)
            .filter(|value| drawable(*value))
    }

    /// Whether there is anything to draw.
    pub(super) fn exists(&self) -> bool {
        self.values().next().is_some()
    }

    /// The unbroken runs of drawable points.
    pub(super) fn runs(&self) -> impl Iterator<Item = &[(f64, f64)]> {
        self.points
            .split(|point| !drawable(point.1))
            .filter(|run| !run.is_empty())
    }
}

/// At most about `most` points that look like `points`: of each stretch, its lowest and its highest.
pub(super) fn thinned(points: &[(f64, f64)], most: usize) -> Vec<(f64, f64)> {
    if points.len() <= most {
        return points.to_vec();
    }
    let stretch = (2 * points.len()).div_ceil(most);
    let mut kept = Vec::with_capacity(most + 2);
    for part in points.chunks(stretch) {
        let by_value = |a: &&(f64, f64), b: &&(f64, f64)| a.1.total_cmp(&b.1);
        let (Some(low), Some(high)) = (part.iter().min_by(by_value), part.iter().max_by(by_value))
        else {
            continue;
        };
        let (first, second) = if low.0 <= high.0 {
            (low, high)
        } else {
            (high, low)
        };
        kept.push(*first);
        kept.push(*second);
    }
    // The ends are what a reader reads off.
    kept.insert(0, points[0]);
    kept.push(points[points.len() - 1]);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinning_keeps_the_extremes_and_the_ends() {
        let points: Vec<(f64, f64)> = (0..10_000)
            .map(|i| {
                (
                    f64::from(i),
                    if i == 4_321 {
                        9.0
                    } else {
                        f64::from(i % 7) / 7.0
                    },
                )
            })
            .collect();
        let kept = thinned(&points, 1_000);
        assert!(kept.len() <= 1_002, "{}", kept.len());
        assert!(kept.contains(&(4_321.0, 9.0)));
        assert_eq!((kept[0], kept[kept.len() - 1]), (points[0], points[9_999]));
        assert!(kept.windows(2).all(|pair| pair[0].0 <= pair[1].0));
        assert_eq!(thinned(&points[..10], 1_000), &points[..10]);
    }
}
