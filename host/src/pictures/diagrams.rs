//! Several [`Diagram`]s in one file, two side by side, each with its key.

use std::path::Path;

use anyhow::Result;
use plotters::prelude::*;

use super::Diagram;
use super::file::write_svg;
use super::key::Sample;
use super::letters::Letters;
use super::plot::{Plot, UNITS};
use super::style::{Area, INK, PAPER};

const COLUMNS: usize = 2;

/// Size of a diagram in pixels, and of the lines above it.
const SIZE: (u32, u32) = (520, 380);
const HEADING: u32 = 40;
const KEY: u32 = 30;

/// Draws `diagrams` into an SVG, row by row.
///
/// # Errors
///
/// When the file cannot be written.
pub fn diagrams(diagrams: &[Diagram<'_>], path: impl AsRef<Path>) -> Result<()> {
    let rows = diagrams.len().div_ceil(COLUMNS);
    let size = (
        SIZE.0 * UNITS * COLUMNS as u32,
        SIZE.1 * UNITS * rows as u32,
    );
    write_svg(path.as_ref(), size, UNITS, |area| {
        area.fill(&PAPER)?;
        for (diagram, area) in diagrams.iter().zip(area.split_evenly((rows, COLUMNS))) {
            let plot = diagram.plot();
            let (heading, rest) = area.split_vertically(HEADING * UNITS);
            let (key, rest) = rest.split_vertically(KEY * UNITS);
            diagram.draw_heading(&heading, &plot)?;
            draw_key(&key, &plot)?;
            plot.draw(&rest, 18, Some(diagram.x.1))?;
        }
        Ok(())
    })
}

fn draw_key(area: &Area<SVGBackend<'_>>, plot: &Plot) -> Result<()> {
    let unit = UNITS as i32;
    let letters = Letters::new(18 * UNITS, INK);
    let (mut left, middle) = (10 * unit, 14 * unit);
    for series in plot.series.iter().filter(|series| series.exists()) {
        Sample::Curve(series).draw(area, (left, middle))?;
        left += 36 * unit;
        letters.write(area, &series.name, (left, middle))?;
        left += letters.width(&series.name) + 22 * unit;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pictures::{Axis, Curve};

    fn diagram<'a>(across: &'a str, name: &str, points: &[(f64, f64)]) -> Diagram<'a> {
        Diagram {
            x: (Axis::Plain, across),
            y: (Axis::Magnitudes, "up"),
            curves: vec![Curve {
                name: name.to_owned(),
                points: points.to_vec(),
                ..Curve::default()
            }],
        }
    }

    #[test]
    fn each_has_its_axes_and_its_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.svg");
        let points = [(1.0, 2.0), (2.0, 200.0)];
        let three = [
            diagram("first", "one", &points),
            diagram("second", "two", &points),
            diagram("third", "nothing", &[(1.0, f64::NAN)]),
        ];
        diagrams(&three, &path).unwrap();
        let svg = std::fs::read_to_string(&path).unwrap();
        assert!(
            svg.starts_with("<svg width=\"1040\" height=\"760\""),
            "{svg}"
        );
        let says = |words: &str| svg.lines().filter(|line| *line == words).count();
        assert_eq!(["first", "second", "third", "up"].map(says), [1, 1, 1, 3]);
        assert_eq!(["one", "two", "nothing"].map(says), [1, 1, 0]);
        diagrams(&[], &path).unwrap();
    }
}
