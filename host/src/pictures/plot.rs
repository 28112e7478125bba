//! One diagram: axes, and curves between them.

use anyhow::Result;
use plotters::prelude::*;

use super::axis::{Axis, Scale};
use super::letters::Letters;
use super::series::{Series, Shape, drawable, thinned};
use super::style::{Area, FAINT, GREEN, GREY, INK, SHADE};

/// Units of a drawing per pixel it is shown at.
pub(super) const UNITS: u32 = 2;

/// What is drawn.
pub(super) struct Plot {
    pub(super) series: Vec<Series>,
    pub(super) x: Scale,
    pub(super) y: Scale,
    /// First and last horizontal value of each stretch without values.
    pub(super) gaps: Vec<(f64, f64)>,
    /// The best horizontal value.
    pub(super) best: Option<f64>,
}

impl Plot {
    /// Draws it with `letters` so many pixels high, and a name under the horizontal axis.
    pub(super) fn draw(
        &self,
        area: &Area<SVGBackend<'_>>,
        letters: u32,
        name: Option<&str>,
    ) -> Result<()> {
        let unit = UNITS as i32;
        let small = Letters::new(letters * UNITS, INK);
        let below = if name.is_some() { 48 } else { 30 };
        let measured = self.series.iter().any(Series::exists);
        let vertical = self.y.ticks.iter().filter(|_| measured);
        let mut chart = ChartBuilder::on(area)
            .margin_right(24 * unit)
            .margin_left(8 * unit)
            .x_label_area_size(below * unit)
            .y_label_area_size(64 * unit)
            .build_cartesian_2d(
                Axis {
                    range: self.x.range.clone(),
                    ticks: self.x.ticks.iter().map(|tick| tick.0).collect(),
                },
                Axis {
                    range: self.y.range.clone(),
                    ticks: vertical.map(|tick| tick.0).collect(),
                },
            )?;
        let (left, right) = (self.x.range.start, self.x.range.end);
        let (low, high) = (self.y.range.start, self.y.range.end);

        for (from, to) in &self.gaps {
            let corners = [((from - 0.5).max(left), low), ((to + 0.5).min(right), high)];
            chart
                .plotting_area()
                .draw(&Rectangle::new(corners, SHADE.filled()))?;
        }

        chart
            .configure_mesh()
            .bold_line_style(FAINT.stroke_width(UNITS))
            .light_line_style(TRANSPARENT)
            .axis_style(GREY.stroke_width(UNITS))
            .label_style(small.style())
            .axis_desc_style(small.style())
            .x_label_formatter(&|value| self.x.words_at(*value))
            .y_label_formatter(&|value| self.y.words_at(*value))
            .x_desc(name.unwrap_or_default())
            .draw()?;

        let at = |point: &(f64, f64)| (self.x.map(point.0), self.y.map(point.1));
        if let Some(best) = self.best {
            let line = [(self.x.map(best), low), (self.x.map(best), high)];
            let style = GREEN.stroke_width(UNITS * 3 / 2);
            chart.draw_series(DashedLineSeries::new(line, 6 * UNITS, 4 * UNITS, style))?;
        }
        for series in &self.series {
            let band: Vec<(f64, f64)> = series.band_outline().iter().map(at).collect();
            if !band.is_empty() {
                chart.draw_series([Polygon::new(band, series.color.mix(0.2).filled())])?;
            }
            for run in series.runs() {
                // A single point between two gaps has no line to be seen by.
                let every = if run.len() == 1 { 1 } else { series.marked };
                let marked = run.iter().step_by(every.max(1)).filter(|_| every > 0);
                let (marked, look) = (marked.map(at), series.color.filled());
                if series.shape == Shape::Circle {
                    let size = series.shape.size(unit);
                    chart.draw_series(marked.map(|at| Circle::new(at, size, look)))?;
                } else {
                    let shape =
                        || Polygon::new(series.shape.corners(series.shape.size(unit)), look);
                    chart.draw_series(marked.map(|at| EmptyElement::at(at) + shape()))?;
                }
                let line: Vec<(f64, f64)> = thinned(run, 1_600).iter().map(at).collect();
                if series.dashed {
                    let style = series.color.stroke_width(UNITS * 3 / 2);
                    chart.draw_series(DashedLineSeries::new(line, 4 * UNITS, 4 * UNITS, style))?;
                } else {
                    let style = series.color.stroke_width(2 * UNITS);
                    chart.draw_series(LineSeries::new(line, style))?;
                }
            }
            let ringed = series
                .points
                .iter()
                .find(|point| Some(point.0) == series.best.or(self.best) && drawable(point.1));
            if let Some(point) = ringed {
                let ring = GREEN.stroke_width(2 * UNITS);
                chart.draw_series([Circle::new(at(point), 8 * unit, ring)])?;
            }
        }
        if !measured {
            let words = match self.gaps.is_empty() {
                true => "not measured",
                false => "no value that could be drawn",
            };
            let style = Letters::new(18 * UNITS, GREY).centered().style();
            let middle = ((left + right) / 2.0, (low + high) / 2.0);
            chart
                .plotting_area()
                .draw(&Text::new(words, middle, style))?;
        }
        Ok(())
    }
}
