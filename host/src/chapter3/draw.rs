//! A figure's diagrams: means over the seeds, with a band from the lowest to the highest.

use anyhow::Result;

use super::results::{Measure, Results, Run, mean, range};
use crate::pictures::{Axis, Curve, Diagram, Drawn, histogram};

/// A diagram, and what it shows in words.
pub(super) type Picture = (Drawn, String);

/// What an axis of a diagram of curves shows.
#[derive(Clone, Copy)]
pub(super) struct Quantity {
    pub(super) axis: Axis,
    pub(super) name: &'static str,
    pub(super) of: Measure,
}

pub(super) const EPOCH: Quantity = Quantity {
    axis: Axis::Counts,
    name: "epoch",
    of: |point| point.epoch as f64,
};
pub(super) const VALIDATION_ACCURACY: Quantity = Quantity {
    axis: Axis::Percent,
    name: "Accuracy, validation",
    of: super::results::ACCURACY,
};
pub(super) const COST_TRAINING: Quantity = Quantity {
    axis: Axis::Magnitudes,
    name: "Cost, training",
    of: super::results::TRAIN_COST,
};

/// One curve for each of these trainings.
///
/// # Errors
///
/// As [`Diagram::draw`].
pub(super) fn over(results: &Results, names: &[&str], x: Quantity, y: Quantity) -> Result<Picture> {
    let curves = names.iter().map(|name| curve(results, name, x.of, y.of));
    picture((x.axis, x.name), (y.axis, y.name), curves.collect())
}

/// The curve of a training, under its own name.
pub(super) fn curve(results: &Results, name: &str, x: Measure, y: Measure) -> Curve {
    let run = results.run(name);
    let look = results.runs.iter().position(|other| other == run);
    let measured = run.courses.iter().map(|course| course.points.len()).min();
    let beside = |index: usize, of: Measure| run.each(|course| of(&course.points[index]));
    let (mut points, mut band) = (Vec::new(), Vec::new());
    for index in 0..measured.unwrap_or(0) {
        let values = beside(index, y);
        points.push((mean(&beside(index, x)), mean(&values)));
        band.push(range(&values));
    }
    Curve {
        name: name.to_owned(),
        points,
        band,
        look: look.unwrap_or(0),
        ..Curve::default()
    }
}

/// A curve through one value for each of some trainings.
pub(super) fn across<'a>(
    name: &str,
    look: usize,
    runs: impl IntoIterator<Item = (f64, &'a Run)>,
    value: Measure,
) -> Curve {
    let values = runs.into_iter().map(|(x, run)| (x, run.last(value)));
    through(name, look, values)
}

/// A curve through values of every seed.
pub(super) fn through(
    name: &str,
    look: usize,
    values: impl IntoIterator<Item = (f64, Vec<f64>)>,
) -> Curve {
    let values: Vec<_> = values.into_iter().collect();
    Curve {
        name: name.to_owned(),
        points: values.iter().map(|(x, ys)| (*x, mean(ys))).collect(),
        band: values.iter().map(|(_, ys)| range(ys)).collect(),
        look,
        ..Curve::default()
    }
}

/// The share of values in each of `bins` equal parts of `low` to `high`, in percent, with its band.
pub(super) fn spread(
    name: &str,
    look: usize,
    seeds: &[Vec<f64>],
    (low, high): (f64, f64),
    bins: usize,
) -> Curve {
    let outlines: Vec<_> = seeds
        .iter()
        .map(|values| histogram(values, (low, high), bins))
        .collect();
    let points = outlines.first().map_or(0, Vec::len);
    let at = |index: usize| outlines.iter().map(|outline| outline[index].1).collect();
    through(
        name,
        look,
        (0..points).map(|index| (outlines[0][index].0, at(index))),
    )
}

/// A diagram, and where its curves begin and end.
///
/// # Errors
///
/// As [`Diagram::draw`].
pub(super) fn picture(
    x: (Axis, &'static str),
    y: (Axis, &'static str),
    curves: Vec<Curve>,
) -> Result<Picture> {
    let mut words = format!("{} over {}.", y.1, x.1);
    for curve in &curves {
        if let (Some(first), Some(last)) = (curve.points.first(), curve.points.last()) {
            let (from, to) = (first.1, last.1);
            words += &format!(" {}: from {from:.4} to {to:.4}.", curve.name);
        }
    }
    let drawn = Diagram { x, y, curves }.draw()?;
    Ok((drawn, words))
}
