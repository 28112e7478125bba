//! `parallel.svg`: the settings of a search as lines across parallel axes, one for each
//! hyper-parameter and one for what came of it.

use std::path::Path;

use anyhow::Result;
use plotters::prelude::*;

use super::axis::Scale;
use super::file::write_svg;
use super::letters::Letters;
use super::plot::UNITS;
use super::series::drawable;
use super::style::{Area, BLUE, FAINT, GREEN, GREY, INK, PAPER, blend};

const SIZE: (u32, u32) = (880, 440);
/// Where the axes are, in pixels.
const LEFT: i32 = 60;
const RIGHT: i32 = 800;
const TOP: i32 = 96;
const BOTTOM: i32 = 410;

/// What an axis measures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParallelAxis {
    /// Its name.
    pub name: String,
    /// Whether small values are better, and stand above.
    pub small_above: bool,
}

/// A setting.
#[derive(Clone, Debug, PartialEq)]
pub struct ParallelLine {
    /// Its value on every axis.
    pub values: Vec<f64>,
    /// How far it came: an index into the names.
    pub stage: usize,
}

/// Draws `lines`, the best first, in colours that tell how far they came; `stages` has the names of
/// that, from the least on. A line with a value that cannot be drawn ends before it.
///
/// # Errors
///
/// When the file cannot be written.
pub fn parallel(
    axes: &[ParallelAxis],
    lines: &[ParallelLine],
    stages: &[String],
    path: impl AsRef<Path>,
) -> Result<()> {
    let scales: Vec<Scale> = (0..axes.len())
        .map(|axis| {
            let values = lines
                .iter()
                .filter_map(|line| line.values.get(axis).copied());
            Scale::of_cost(
                values
                    .filter(|value| drawable(*value))
                    .collect::<Vec<_>>()
                    .into_iter(),
            )
        })
        .collect();
    let size = (SIZE.0 * UNITS, SIZE.1 * UNITS);
    write_svg(path.as_ref(), size, UNITS, |area| {
        area.fill(&PAPER)?;
        draw_key(area, stages)?;
        let x = |axis: usize| across(axis, axes.len());
        let y = |axis: usize, mapped: f64| {
            let range = &scales[axis].range;
            let share = (mapped - range.start) / (range.end - range.start);
            let share = if axes[axis].small_above {
                1.0 - share
            } else {
                share
            };
            let unit = f64::from(UNITS);
            (unit * (f64::from(BOTTOM) - share * f64::from(BOTTOM - TOP))).round() as i32
        };
        // The best on top of all.
        for (place, line) in lines.iter().enumerate().rev() {
            let known = line.values.iter().take(axes.len()).enumerate();
            let known = known.take_while(|(_, value)| drawable(**value));
            let points: Vec<(i32, i32)> = known
                .map(|(axis, value)| (x(axis), y(axis, scales[axis].map(*value))))
                .collect();
            let style = match place {
                0 => GREEN.stroke_width(3 * UNITS),
                _ => color(line.stage, stages.len()).stroke_width(UNITS * 3 / 2),
            };
            area.draw(&PathElement::new(points, style))?;
        }
        for (index, axis) in axes.iter().enumerate() {
            let unit = UNITS as i32;
            let at = x(index);
            let line = vec![(at, TOP * unit), (at, BOTTOM * unit)];
            area.draw(&PathElement::new(line, INK.stroke_width(UNITS)))?;
            let name = Letters::new(15 * UNITS, INK).bold().centered();
            name.write(area, &axis.name, (at, (TOP - 18) * unit))?;
            let letters = Letters::new(13 * UNITS, INK);
            for (mapped, words) in &scales[index].ticks {
                let height = y(index, *mapped);
                let tick = vec![(at, height), (at + 4 * unit, height)];
                area.draw(&PathElement::new(tick, INK.stroke_width(UNITS)))?;
                letters.write(area, words, (at + 7 * unit, height))?;
            }
        }
        Ok(())
    })
}

/// Where an axis of so many is.
fn across(axis: usize, axes: usize) -> i32 {
    let between = axes.saturating_sub(1).max(1) as i32;
    UNITS as i32 * (LEFT + (RIGHT - LEFT) * axis as i32 / between)
}

fn color(stage: usize, stages: usize) -> RGBColor {
    let last = stages.saturating_sub(1).max(1);
    blend(blend(FAINT, GREY, 0.3), BLUE, stage as f64 / last as f64)
}

fn draw_key(area: &Area<SVGBackend<'_>>, stages: &[String]) -> Result<()> {
    let unit = UNITS as i32;
    let middle = 26 * unit;
    let title = Letters::new(20 * UNITS, INK).bold();
    title.write(area, "Settings", (16 * unit, middle))?;
    let letters = Letters::new(15 * UNITS, INK);
    let count = stages.len();
    let mut entries: Vec<(ShapeStyle, &str)> = stages
        .iter()
        .enumerate()
        .map(|(stage, name)| (color(stage, count).stroke_width(2 * UNITS), name.as_str()))
        .collect();
    entries.push((GREEN.stroke_width(3 * UNITS), "the best"));
    let mut right = (SIZE.0 as i32 - 24) * unit;
    for (style, words) in entries.into_iter().rev() {
        right -= letters.width(words);
        letters.write(area, words, (right, middle))?;
        right -= 36 * unit;
        let line = vec![(right, middle), (right + 28 * unit, middle)];
        area.draw(&PathElement::new(line, style))?;
        right -= 18 * unit;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(lines: &[ParallelLine], axes: usize) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("parallel.svg");
        let axis = |index: usize| ParallelAxis {
            name: format!("axis {index}"),
            small_above: !index.is_multiple_of(2),
        };
        let axes: Vec<ParallelAxis> = (0..axes).map(axis).collect();
        let stages = ["1 epoch".to_owned(), "3 epochs".to_owned()];
        parallel(&axes, lines, &stages, &path).unwrap();
        let svg = std::fs::read_to_string(path).unwrap();
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        svg
    }

    fn line(values: &[f64], stage: usize) -> ParallelLine {
        ParallelLine {
            values: values.to_vec(),
            stage,
        }
    }

    /// The points of the only line in this colour and width.
    fn points(svg: &str, look: &str) -> Vec<(i32, i32)> {
        let mut lines = svg.lines().filter(|line| line.contains(look));
        // The key has one too, in front of it.
        let line = lines.nth(1).unwrap();
        assert!(lines.next().is_none());
        let (_, rest) = line.split_once("points=\"").unwrap();
        let (list, _) = rest.split_once('"').unwrap();
        let number = |text: &str| text.parse().unwrap();
        let pairs = list
            .split_whitespace()
            .filter_map(|pair| pair.split_once(','));
        pairs.map(|(x, y)| (number(x), number(y))).collect()
    }

    #[test]
    fn values_lie_where_their_axes_say() {
        let lines = [
            line(&[0.01, 0.02, 5.0], 1),
            line(&[1.0, 0.1, 6.0], 0),
            line(&[0.1, 0.05, 7.0], 0),
        ];
        let svg = drawn(&lines, 3);
        for words in ["axis 0", "axis 2", "1 epoch", "3 epochs", "the best"] {
            assert!(svg.lines().any(|line| line == words), "{words}");
        }
        let best = points(&svg, "stroke=\"#009E73\"");
        let unit = UNITS as i32;
        let x: Vec<i32> = best.iter().map(|point| point.0).collect();
        assert_eq!(x, [LEFT * unit, (LEFT + RIGHT) / 2 * unit, RIGHT * unit]);
        // The smallest is below, above on an axis of errors, and below again.
        let middle = (TOP + BOTTOM) / 2 * unit;
        assert!(best[0].1 > middle && best[1].1 < middle && best[2].1 > middle);
    }

    #[test]
    fn no_number_is_too_strange() {
        for strange in [f64::NAN, f64::INFINITY, f64::MAX, 0.0, -1.0, 5e-324] {
            drawn(&[line(&[1.0, strange], 0), line(&[strange, 1.0], 1)], 2);
            drawn(&[line(&[strange], 0)], 1);
        }
        drawn(&[], 0);
        drawn(&[], 3);
    }
}
