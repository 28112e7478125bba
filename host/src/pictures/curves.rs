//! `curves.svg`: cost and validation accuracy over the epochs of a run.

use std::path::Path;

use anyhow::{Result, ensure};
use plotters::prelude::*;

use super::axis::{Axis, Epochs, Scale};
use super::file::write_svg;
use super::letters::Letters;
use super::series::{Series, Shape, drawable, thinned};
use super::style::{Area, BLUE, FAINT, GREEN, GREY, INK, PAPER, VERMILION, grouped, percent};
use crate::history::{EpochRecord, best_epoch};

/// Units of the drawing per pixel it is shown at.
const UNITS: u32 = 2;
const WIDTH: u32 = 880 * UNITS;
const PANEL: u32 = 330 * UNITS;

/// Up to so many epochs, every single one gets a marker.
const MARKED: usize = 40;

/// Draws two panels over the epochs: the cost on training and validation samples, and the share of the
/// validation samples that are read right. A line marks the best epoch (see
/// [`best_epoch`]).
///
/// The cost has a logarithmic scale when it spans more than a factor of eight, and says so. Epochs
/// whose cost is not finite have no point: they are shaded. What was not measured at all (all values
/// NaN, as without validation samples) has no curve.
///
/// # Errors
///
/// When `history` is empty, or the file cannot be written.
pub fn curves(history: &[EpochRecord], path: impl AsRef<Path>) -> Result<()> {
    ensure!(!history.is_empty(), "there are no epochs to draw");
    let best = best_epoch(history);
    let best_at = best.map(|record| record.epoch as f64);

    let train = Series::new("training", Shape::Circle, BLUE, history, |record| {
        record.train_cost
    });
    let validation = Series::new(
        "validation",
        Shape::Triangle,
        VERMILION,
        history,
        |record| record.validation_cost,
    );
    let accuracy = Series::new(
        "validation",
        Shape::Triangle,
        VERMILION,
        history,
        |record| 100.0 * record.validation_accuracy,
    );
    let best_words = |words: String| best.map(|record| (record.epoch, words));
    let cost_panel = Panel {
        title: "Cost",
        best: best_words(String::new()),
        scale: Scale::of_cost(train.values().chain(validation.values())),
        gaps: gaps(history, &[&train, &validation]),
        series: vec![train, validation],
    };
    let accuracy_panel = Panel {
        title: "Accuracy",
        best: best_words(match best {
            Some(record) if drawable(record.validation_accuracy) => {
                format!(", {}", percent(record.validation_accuracy, 2))
            }
            _ => String::new(),
        }),
        scale: Scale::of_accuracy(accuracy.values()),
        gaps: gaps(history, &[&accuracy]),
        series: vec![accuracy],
    };
    let epochs = Epochs::new(history.iter().map(|record| record.epoch as f64));
    write_svg(
        path.as_ref(),
        (WIDTH, 2 * PANEL + 14 * UNITS),
        UNITS,
        |area| {
            area.fill(&PAPER)?;
            let (above, below) = area.split_vertically(PANEL);
            cost_panel.draw(&above, &epochs, best_at, false)?;
            accuracy_panel.draw(&below, &epochs, best_at, true)
        },
    )
}

/// First and last epoch of every stretch in which a curve that exists is interrupted. Where no curve
/// exists, every epoch whose training cost cannot be drawn counts.
fn gaps(history: &[EpochRecord], series: &[&Series]) -> Vec<(f64, f64)> {
    let existing: Vec<_> = series.iter().filter(|series| series.exists()).collect();
    let mut gaps: Vec<(f64, f64)> = Vec::new();
    let mut open = false;
    for (index, record) in history.iter().enumerate() {
        let missing = if existing.is_empty() {
            !drawable(record.train_cost)
        } else {
            existing
                .iter()
                .any(|series| !drawable(series.points[index].1))
        };
        let epoch = record.epoch as f64;
        match gaps.last_mut() {
            Some(gap) if missing && open => gap.1 = epoch,
            _ if missing => gaps.push((epoch, epoch)),
            _ => {}
        }
        open = missing;
    }
    gaps
}

/// One of the two diagrams.
struct Panel {
    title: &'static str,
    series: Vec<Series>,
    scale: Scale,
    gaps: Vec<(f64, f64)>,
    /// The best epoch, and what to say of it beyond its number.
    best: Option<(usize, String)>,
}

impl Panel {
    fn draw(
        &self,
        area: &Area<SVGBackend<'_>>,
        epochs: &Epochs,
        best_at: Option<f64>,
        named: bool,
    ) -> Result<()> {
        let unit = UNITS as i32;
        let (heading, rest) = area.split_vertically(46 * UNITS);
        self.draw_heading(&heading)?;

        let small = Letters::new(15 * UNITS, INK);
        let below = if named { 48 } else { 30 };
        let measured = self.series.iter().any(Series::exists);
        let vertical = self
            .scale
            .ticks
            .iter()
            .filter(|_| measured)
            .map(|tick| tick.0)
            .collect();
        let mut chart = ChartBuilder::on(&rest)
            .margin_right(24 * unit)
            .margin_left(8 * unit)
            .x_label_area_size(below * unit)
            .y_label_area_size(64 * unit)
            .build_cartesian_2d(
                Axis {
                    range: epochs.range.clone(),
                    ticks: epochs.ticks.clone(),
                },
                Axis {
                    range: self.scale.range.clone(),
                    ticks: vertical,
                },
            )?;
        let (low, high) = (self.scale.range.start, self.scale.range.end);

        for (from, to) in &self.gaps {
            let from = (from - 0.5).max(epochs.range.start);
            let to = (to + 0.5).min(epochs.range.end);
            chart
                .plotting_area()
                .draw(&Rectangle::new([(from, low), (to, high)], SHADE.filled()))?;
        }

        let tick_words = |value: &f64| {
            let tick = self.scale.ticks.iter().find(|tick| tick.0 == *value);
            tick.map_or(String::new(), |tick| tick.1.clone())
        };
        chart
            .configure_mesh()
            .bold_line_style(FAINT.stroke_width(UNITS))
            .light_line_style(TRANSPARENT)
            .axis_style(GREY.stroke_width(UNITS))
            .label_style(small.style())
            .axis_desc_style(small.style())
            .x_label_formatter(&|epoch| grouped(*epoch as u64))
            .y_label_formatter(&tick_words)
            .x_desc(if named { "epoch" } else { "" })
            .draw()?;

        if let Some(best) = best_at {
            let line = [(best, low), (best, high)];
            let dash = (6 * UNITS, 4 * UNITS);
            chart.draw_series(DashedLineSeries::new(
                line,
                dash.0,
                dash.1,
                GREEN.stroke_width(UNITS * 3 / 2),
            ))?;
        }
        for series in &self.series {
            let mapped: Vec<Vec<(f64, f64)>> = series
                .runs()
                .map(|run| thinned(run, 1_600))
                .map(|run| {
                    run.into_iter()
                        .map(|(x, y)| (x, self.scale.map(y)))
                        .collect()
                })
                .collect();
            let all_marked = series.points.len() <= MARKED;
            for run in mapped {
                // A single epoch between two gaps has no line to be seen by.
                let marked = if all_marked || run.len() == 1 {
                    run.as_slice()
                } else {
                    &[]
                };
                let (size, look) = (series.shape.size(unit), series.color.filled());
                let marked = marked.iter().copied();
                match series.shape {
                    Shape::Circle => {
                        chart.draw_series(marked.map(|point| Circle::new(point, size, look)))?
                    }
                    Shape::Triangle => {
                        chart.draw_series(marked.map(|at| TriangleMarker::new(at, size, look)))?
                    }
                };
                chart.draw_series(LineSeries::new(run, series.color.stroke_width(2 * UNITS)))?;
            }
            let best_point = series
                .points
                .iter()
                .find(|point| Some(point.0) == best_at && drawable(point.1));
            if let Some((epoch, value)) = best_point {
                let at = (*epoch, self.scale.map(*value));
                let ring = GREEN.stroke_width(2 * UNITS);
                chart.draw_series([Circle::new(at, 8 * unit, ring)])?;
            }
        }
        if !measured {
            let (left, right) = (epochs.range.start, epochs.range.end);
            let middle = ((left + right) / 2.0, (low + high) / 2.0);
            let words = match self.gaps.is_empty() {
                true => "not measured",
                false => "no value that could be drawn",
            };
            let style = Letters::new(18 * UNITS, GREY).centered().style();
            chart
                .plotting_area()
                .draw(&Text::new(words, middle, style))?;
        }
        Ok(())
    }

    /// The title on the left, the key on the right.
    fn draw_heading(&self, area: &Area<SVGBackend<'_>>) -> Result<()> {
        let unit = UNITS as i32;
        let middle = 28 * unit;
        let title = Letters::new(20 * UNITS, INK).bold();
        let left = 72 * unit;
        title.write(area, self.title, (left, middle))?;
        if self.scale.logarithmic {
            let after = left + title.width(self.title) + 10 * unit;
            let words = "logarithmic scale";
            Letters::new(14 * UNITS, GREY).write(area, words, (after, middle))?;
        }

        let letters = Letters::new(15 * UNITS, INK);
        let mut right = WIDTH as i32 - 24 * unit;
        let mut entries: Vec<(Sample, String)> = self
            .series
            .iter()
            .filter(|series| series.exists())
            .map(|series| {
                let marked = (series.points.len() <= MARKED).then_some(series.shape);
                (Sample::Curve(marked, series.color), series.name.to_owned())
            })
            .collect();
        if let Some((epoch, words)) = &self.best {
            entries.push((
                Sample::Best,
                format!("best: epoch {}{words}", grouped(*epoch as u64)),
            ));
        }
        if !self.gaps.is_empty() {
            entries.push((Sample::Gap, "not finite".to_owned()));
        }
        // From the right edge leftwards.
        for (sample, words) in entries.into_iter().rev() {
            right -= letters.width(&words);
            letters.write(area, &words, (right, middle))?;
            right -= 36 * unit;
            sample.draw(area, (right, middle))?;
            right -= 22 * unit;
        }
        Ok(())
    }
}

/// The colour behind epochs that have no value.
const SHADE: RGBColor = RGBColor(236, 232, 240);

/// What stands before an entry of the key, 28 pixels wide.
enum Sample {
    /// With its marker, if its epochs have one.
    Curve(Option<Shape>, RGBColor),
    Best,
    Gap,
}

impl Sample {
    fn draw(&self, area: &Area<SVGBackend<'_>>, (x, y): (i32, i32)) -> Result<()> {
        let unit = UNITS as i32;
        let line = |from: i32, to: i32| vec![(x + from * unit, y), (x + to * unit, y)];
        match self {
            Self::Curve(shape, color) => {
                area.draw(&PathElement::new(
                    line(0, 28),
                    color.stroke_width(2 * UNITS),
                ))?;
                let (at, look) = ((x + 14 * unit, y), color.filled());
                match shape {
                    Some(shape @ Shape::Circle) => {
                        area.draw(&Circle::new(at, shape.size(unit), look))?;
                    }
                    Some(shape @ Shape::Triangle) => {
                        area.draw(&TriangleMarker::new(at, shape.size(unit), look))?;
                    }
                    None => {}
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

#[cfg(test)]
mod tests {
    use super::*;

    fn record(epoch: usize, cost: f64, accuracy: f64) -> EpochRecord {
        EpochRecord {
            epoch,
            train_cost: cost,
            validation_cost: cost * 1.1,
            validation_accuracy: accuracy,
            learning_rate: 0.1,
            seconds: 1.0,
        }
    }

    fn run(epochs: usize) -> Vec<EpochRecord> {
        let record = |epoch| {
            let progress = epoch as f64 / epochs as f64;
            record(epoch, 2.0 / epoch as f64, 0.9 + 0.08 * progress)
        };
        (1..=epochs).map(record).collect()
    }

    fn draw(history: &[EpochRecord]) -> Result<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("curves.svg");
        let result = curves(history, &path);
        let left = std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(left, usize::from(result.is_ok()), "temporary file left");
        result.map(|()| {
            let svg = std::fs::read_to_string(path).unwrap();
            assert!(svg.starts_with("<svg width=\"880\" "), "{}", &svg[..100]);
            assert!(svg.trim_end().ends_with("</svg>"));
            assert!(
                !svg.contains("NaN") && !svg.contains("inf"),
                "not a number in the drawing"
            );
            svg
        })
    }

    fn says(svg: &str, words: &str) -> bool {
        svg.lines().any(|line| line == words)
    }

    #[test]
    fn names_its_curves_and_the_best_epoch() {
        let mut history = run(30);
        history[26].validation_accuracy = 0.9876;
        let svg = draw(&history).unwrap();
        for words in [
            "Cost",
            "Accuracy",
            "training",
            "validation",
            "epoch",
            "logarithmic scale",
        ] {
            assert!(says(&svg, words), "{words}");
        }
        assert!(says(&svg, "best: epoch 27, 98.76 %"));
        assert!(!says(&svg, "not finite"));
    }

    #[test]
    fn one_epoch_and_thousands_are_drawn() {
        let one = draw(&run(1)).unwrap();
        assert!(one.contains("<circle"), "a single epoch has a marker");
        assert!(says(&one, "best: epoch 1, 98.00 %"));
        let many = draw(&run(100_000)).unwrap();
        assert!(many.len() < 200_000, "{} bytes", many.len());
        assert!(says(&many, "best: epoch 100,000, 98.00 %"));
    }

    #[test]
    fn costs_that_are_not_finite_leave_a_gap() {
        let mut history = run(30);
        for record in &mut history[12..] {
            record.train_cost = f64::NAN;
            record.validation_cost = f64::INFINITY;
        }
        assert!(says(&draw(&history).unwrap(), "not finite"));
    }

    #[test]
    fn no_number_is_too_strange() {
        let strange = [
            f64::NAN,
            f64::INFINITY,
            -f64::INFINITY,
            f64::MAX,
            -f64::MAX,
            5e-324,
            0.0,
            -1.0,
            1e30,
        ];
        for a in strange {
            draw(&[record(1, a, a)]).unwrap();
            for b in strange {
                draw(&[record(1, a, b), record(2, b, a), record(3, 1.0, 0.5)]).unwrap();
                draw(&[record(0, a, b), record(usize::MAX, b, b)]).unwrap();
            }
        }
    }

    #[test]
    fn a_run_without_validation_has_no_validation_curve() {
        let mut history = run(5);
        for record in &mut history {
            record.validation_cost = f64::NAN;
            record.validation_accuracy = f64::NAN;
        }
        let svg = draw(&history).unwrap();
        assert!(says(&svg, "training") && !says(&svg, "validation"));
        assert!(says(&svg, "not measured") && !says(&svg, "not finite"));
        assert!(!svg.contains("best"));
    }

    #[test]
    fn a_run_without_epochs_is_an_error() {
        assert!(draw(&[]).is_err());
    }
}
