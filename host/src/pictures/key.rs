//! The key of a diagram: what stands for a curve, for the best point, for a gap.

use anyhow::Result;
use plotters::element::DashedPathElement;
use plotters::prelude::*;

use super::plot::UNITS;
use super::series::{Series, Shape};
use super::style::{Area, FAINT, GREEN, SHADE};

/// What stands before an entry of the key, 28 pixels wide.
pub(super) enum Sample<'a> {
    /// With its marker, if its points have one.
    Curve(&'a Series),
    Best,
    Gap,
}

impl Sample<'_> {
    pub(super) fn draw(&self, area: &Area<SVGBackend<'_>>, (x, y): (i32, i32)) -> Result<()> {
        let unit = UNITS as i32;
        let line = |from: i32, to: i32| vec![(x + from * unit, y), (x + to * unit, y)];
        match self {
            Self::Curve(series) => {
                let (line, at) = (line(0, 28), (x + 14 * unit, y));
                if series.dashed {
                    let style = series.color.stroke_width(UNITS * 3 / 2);
                    area.draw(&DashedPathElement::new(line, 4 * UNITS, 4 * UNITS, style))?;
                } else {
                    area.draw(&PathElement::new(
                        line,
                        series.color.stroke_width(2 * UNITS),
                    ))?;
                }
                let look = series.color.filled();
                match series.shape {
                    _ if series.marked == 0 => {}
                    Shape::Circle => area.draw(&Circle::new(at, series.shape.size(unit), look))?,
                    shape => {
                        let corners = Polygon::new(shape.corners(shape.size(unit)), look);
                        area.draw(&(EmptyElement::at(at) + corners))?;
                    }
                }
            }
            Self::Best => {
                let thin = GREEN.stroke_width(UNITS * 3 / 2);
                for (from, to) in [(0, 5), (23, 28)] {
                    area.draw(&PathElement::new(line(from, to), thin))?;
                }
                let ring = GREEN.stroke_width(2 * UNITS);
                area.draw(&Circle::new((x + 14 * unit, y), 7 * unit, ring))?;
            }
            Self::Gap => {
                let corners = [(x, y - 8 * unit), (x + 28 * unit, y + 8 * unit)];
                area.draw(&Rectangle::new(corners, SHADE.filled()))?;
                area.draw(&Rectangle::new(corners, FAINT.stroke_width(UNITS)))?;
            }
        }
        Ok(())
    }
}
