//! Curves: which of their points can be drawn, and how many need to be.

use plotters::prelude::*;

use crate::history::EpochRecord;

/// Up to so many epochs, every single one gets a marker.
const MARKED: usize = 40;

/// A value that can be put on an axis: finite, and small enough for the arithmetic of a scale.
pub(super) fn drawable(value: f64) -> bool {
    value.abs() < 1e100
}

/// How a single point is marked: shapes differ, so that colour is never all there is to tell by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Circle,
    Triangle,
    Square,
    Diamond,
}

impl Shape {
    /// From its middle to its edge or its corners, `unit` being a pixel: all look equally large.
    pub(super) fn size(self, unit: i32) -> i32 {
        match self {
            Self::Circle => 4 * unit,
            Self::Triangle | Self::Square | Self::Diamond => 5 * unit,
        }
    }

    /// Its corners, `size` from its middle, as seen from there.
    pub(super) fn corners(self, size: i32) -> Vec<(i32, i32)> {
        let degrees: &[i32] = match self {
            Self::Circle => &[],
            Self::Triangle => &[-90, -210, -330],
            Self::Square => &[45, 135, 225, 315],
            Self::Diamond => &[0, 90, 180, 270],
        };
        let scaled = |part: f64| (part * f64::from(size)).round() as i32;
        let corner = |degrees: &i32| {
            let (sin, cos) = f64::from(*degrees).to_radians().sin_cos();
            (scaled(cos), scaled(sin))
        };
        degrees.iter().map(corner).collect()
    }
}

/// A curve.
pub(super) struct Series {
    pub(super) name: String,
    pub(super) shape: Shape,
    pub(super) color: RGBColor,
    /// Horizontal and vertical value of every point; the latter may be anything.
    pub(super) points: Vec<(f64, f64)>,
    /// Every how many points there is a marker; 0 for none but where a point stands alone.
    pub(super) marked: usize,
    /// A thin dashed line instead of a firm one.
    pub(super) dashed: bool,
    /// Lowest and highest value beside each point, for a band around the curve; or nothing.
    pub(super) band: Vec<(f64, f64)>,
    /// Where its best point is, which gets a ring.
    pub(super) best: Option<f64>,
}

impl Series {
    /// A firm curve over the epochs of a run.
    pub(super) fn new(
        name: &str,
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
            name: name.to_owned(),
            shape,
            color,
            points,
            marked: usize::from(history.len() <= MARKED),
            dashed: false,
            band: Vec::new(),
            best: None,
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

    /// The edge of its band: there along the lowest values, and back along the highest.
    pub(super) fn band_outline(&self) -> Vec<(f64, f64)> {
        let beside = self.points.iter().zip(&self.band);
        let beside = beside.filter(|(_, (low, high))| drawable(*low) && drawable(*high));
        let there = beside.clone().map(|(point, (low, _))| (point.0, *low));
        let back = beside.rev().map(|(point, (_, high))| (point.0, *high));
        there.chain(back).collect()
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
