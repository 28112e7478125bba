//! `learning-rates.svg`: where the cost ends with each learning rate, and how it gets there.

use std::path::Path;

use anyhow::Result;
use plotters::prelude::*;

use super::axis::Scale;
use super::file::write_svg;
use super::key::Sample;
use super::letters::Letters;
use super::plot::{Plot, UNITS};
use super::series::{Series, Shape, drawable};
use super::style::{Area, BLUE, GREEN, GREY, INK, PAPER, VERMILION};

const WIDTH: u32 = 880 * UNITS;
const PANEL: u32 = 330 * UNITS;
const HEADING: u32 = 44 * UNITS;

/// A short training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateCurve<'a> {
    /// Its learning rate.
    pub rate: f64,
    /// Whether the cost fell, and did not oscillate or grow.
    pub falls: bool,
    /// Where the cost ended; anything if it did not.
    pub end: f64,
    /// The cost, point by point.
    pub curve: &'a [f64],
}

/// Draws two panels: the cost in the end against the learning rate, and the cost against
/// mini-batches, of which there are `steps` between points, for four of the rates: the smallest, the
/// `suggested` one, the largest that falls, and one of at least twice that.
///
/// # Errors
///
/// When the file cannot be written.
pub fn learning_rates(
    tried: &[RateCurve<'_>],
    suggested: f64,
    steps: usize,
    path: impl AsRef<Path>,
) -> Result<()> {
    let against_rate = against_rate(tried, suggested);
    let against_steps = against_steps(tried, suggested, steps);
    write_svg(path.as_ref(), (WIDTH, 2 * PANEL), UNITS, |area| {
        area.fill(&PAPER)?;
        let (above, below) = area.split_vertically(PANEL);
        let title = "Cost in the end";
        panel(
            &above,
            title,
            &against_rate,
            "learning rate",
            Some(suggested),
        )?;
        panel(
            &below,
            "Cost on the way",
            &against_steps,
            "mini-batches",
            None,
        )
    })
}

fn against_rate(tried: &[RateCurve<'_>], suggested: f64) -> Plot {
    let points = |falls: bool| -> Vec<(f64, f64)> {
        let tried = tried.iter().filter(|tried| tried.falls == falls);
        tried.map(|tried| (tried.rate, tried.end)).collect()
    };
    let falls = curve("falls", (Shape::Circle, BLUE), points(true));
    let not = curve("does not", (Shape::Triangle, VERMILION), points(false));
    Plot {
        x: Scale::of_cost(tried.iter().map(|tried| tried.rate)),
        y: Scale::of_cost(
            falls
                .values()
                .chain(not.values())
                .collect::<Vec<_>>()
                .into_iter(),
        ),
        gaps: Vec::new(),
        best: Some(suggested),
        series: vec![falls, not],
    }
}

fn against_steps(tried: &[RateCurve<'_>], suggested: f64, steps: usize) -> Plot {
    let suggestion = tried.iter().find(|tried| tried.rate == suggested);
    let threshold = tried.iter().rfind(|tried| tried.falls);
    // Far enough beyond to look different.
    let beyond = tried
        .iter()
        .find(|tried| threshold.is_some_and(|last| tried.rate >= 2.0 * last.rate));
    let looks = [
        (tried.first(), "", (Shape::Square, GREY)),
        (suggestion, " (suggested)", (Shape::Diamond, GREEN)),
        (threshold, "", (Shape::Circle, BLUE)),
        (beyond, "", (Shape::Triangle, VERMILION)),
    ];
    let series: Vec<Series> = looks
        .into_iter()
        .filter_map(|(tried, note, look)| {
            let tried = tried?;
            let points = tried.curve.iter().enumerate();
            let points = points.map(|(index, &cost)| ((index * steps) as f64, cost));
            Some(curve(
                &format!("{}{note}", tried.rate),
                look,
                points.collect(),
            ))
        })
        .collect();
    let values: Vec<f64> = series.iter().flat_map(Series::values).collect();
    let ends = series.iter().flat_map(|series| &series.points);
    let last = ends.map(|point| point.0).fold(0.0, f64::max);
    Plot {
        x: Scale::linear(0.0, last, ""),
        y: Scale::of_cost(values.into_iter()),
        gaps: Vec::new(),
        best: None,
        series,
    }
}

fn curve(name: &str, (shape, color): (Shape, RGBColor), points: Vec<(f64, f64)>) -> Series {
    Series {
        name: name.to_owned(),
        shape,
        color,
        marked: points.len().div_ceil(25).max(1),
        points,
        dashed: false,
        band: Vec::new(),
        best: None,
    }
}

/// A title, a key, and the diagram.
fn panel(
    area: &Area<SVGBackend<'_>>,
    title: &str,
    plot: &Plot,
    along: &str,
    suggested: Option<f64>,
) -> Result<()> {
    let unit = UNITS as i32;
    let (heading, rest) = area.split_vertically(HEADING);
    let (left, middle) = (16 * unit, 26 * unit);
    let letters = Letters::new(20 * UNITS, INK).bold();
    letters.write(&heading, title, (left, middle))?;
    if plot.y.logarithmic {
        let after = left + letters.width(title) + 12 * unit;
        Letters::new(14 * UNITS, GREY).write(&heading, "logarithmic scale", (after, middle))?;
    }
    let letters = Letters::new(15 * UNITS, INK);
    let existing = plot.series.iter().filter(|series| series.exists());
    let mut entries: Vec<(Sample<'_>, String)> = existing
        .map(|series| (Sample::Curve(series), series.name.clone()))
        .collect();
    if let Some(rate) = suggested.filter(|rate| drawable(*rate)) {
        entries.push((Sample::Best, format!("suggested: {rate}")));
    }
    let mut right = WIDTH as i32 - 24 * unit;
    // From the right edge leftwards.
    for (sample, words) in entries.into_iter().rev() {
        right -= letters.width(&words);
        letters.write(&heading, &words, (right, middle))?;
        right -= 36 * unit;
        sample.draw(&heading, (right, middle))?;
        right -= 22 * unit;
    }
    plot.draw(&rest, 15, Some(along))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(tried: &[RateCurve<'_>], suggested: f64) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rates.svg");
        learning_rates(tried, suggested, 20, &path).unwrap();
        let svg = std::fs::read_to_string(path).unwrap();
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        svg
    }

    fn says(svg: &str, words: &str) -> bool {
        svg.lines().any(|line| line == words)
    }

    #[test]
    fn the_four_rates_that_matter_are_named() {
        let curve = [2.3, 1.0, 0.5];
        let at = |rate: f64, falls: bool| RateCurve {
            rate,
            falls,
            end: 0.5,
            curve: &curve,
        };
        let tried = [
            at(0.0001, true),
            at(0.01, true),
            at(0.25, true),
            at(0.5, true),
            at(0.75, false),
            at(1.25, false),
        ];
        let svg = drawn(&tried, 0.25);
        for words in [
            "falls",
            "does not",
            "suggested: 0.25",
            "learning rate",
            "mini-batches",
        ] {
            assert!(says(&svg, words), "{words}");
        }
        for words in ["0.0001", "0.25 (suggested)", "0.5", "1.25"] {
            assert!(says(&svg, words), "{words}");
        }
        assert!(!says(&svg, "0.75"));
    }

    #[test]
    fn no_number_is_too_strange() {
        let strange = [f64::NAN, f64::INFINITY, f64::MAX, 5e-324, 0.0, 1e30];
        for end in strange {
            let curve = [2.3, end, end];
            let one = |rate, falls| RateCurve {
                rate,
                falls,
                end,
                curve: &curve,
            };
            drawn(&[one(1e-4, true), one(0.5, true), one(1e6, false)], 0.5);
            drawn(&[one(0.5, false)], 0.5);
        }
        drawn(&[], 0.5);
    }
}
