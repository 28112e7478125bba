//! `curves.svg`: cost and validation accuracy over the epochs of a run.

use std::path::Path;

use anyhow::{Result, ensure};
use plotters::prelude::*;

use super::axis::Scale;
use super::file::write_svg;
use super::key::Sample;
use super::letters::Letters;
use super::plot::{Plot, UNITS};
use super::series::{Series, Shape, drawable};
use super::style::{Area, BLUE, GREY, INK, PAPER, VERMILION, grouped, percent};
use crate::history::EpochRecord;

const WIDTH: u32 = 880 * UNITS;
const PANEL: u32 = 330 * UNITS;

/// Draws two panels over the epochs: the cost on training and validation samples, and the share of the
/// validation samples that are read right. A line marks the epoch numbered `best`, if there is one.
///
/// The cost has a logarithmic scale when it spans more than a factor of eight, and says so. Epochs
/// whose cost is not finite have no point: they are shaded. What was not measured at all (all values
/// NaN, as without validation samples) has no curve.
///
/// # Errors
///
/// When `history` is empty, or the file cannot be written.
pub fn curves(history: &[EpochRecord], best: Option<usize>, path: impl AsRef<Path>) -> Result<()> {
    ensure!(!history.is_empty(), "there are no epochs to draw");
    let best = best.and_then(|best| history.iter().find(|record| record.epoch == best));
    let at_best = best.map(|record| record.epoch as f64);
    let epochs = || Scale::of_epochs(history.iter().map(|record| record.epoch as f64));

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
        plot: Plot {
            x: epochs(),
            y: Scale::of_cost(train.values().chain(validation.values())),
            gaps: gaps(history, &[&train, &validation]),
            series: vec![train, validation],
            best: at_best,
        },
    };
    let accuracy_panel = Panel {
        title: "Accuracy",
        best: best_words(match best {
            Some(record) if drawable(record.validation_accuracy) => {
                format!(", {}", percent(record.validation_accuracy, 2))
            }
            _ => String::new(),
        }),
        plot: Plot {
            x: epochs(),
            y: Scale::of_accuracy(accuracy.values()),
            gaps: gaps(history, &[&accuracy]),
            series: vec![accuracy],
            best: at_best,
        },
    };
    let size = (WIDTH, 2 * PANEL + 14 * UNITS);
    write_svg(path.as_ref(), size, UNITS, |area| {
        area.fill(&PAPER)?;
        let (above, below) = area.split_vertically(PANEL);
        cost_panel.draw(&above, None)?;
        accuracy_panel.draw(&below, Some("epoch"))
    })
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
    plot: Plot,
    /// The best epoch, and what to say of it beyond its number.
    best: Option<(usize, String)>,
}

impl Panel {
    fn draw(&self, area: &Area<SVGBackend<'_>>, name: Option<&str>) -> Result<()> {
        let (heading, rest) = area.split_vertically(46 * UNITS);
        self.draw_heading(&heading)?;
        self.plot.draw(&rest, 15, name)
    }

    /// The title on the left, the key on the right.
    fn draw_heading(&self, area: &Area<SVGBackend<'_>>) -> Result<()> {
        let unit = UNITS as i32;
        let middle = 28 * unit;
        let title = Letters::new(20 * UNITS, INK).bold();
        let left = 72 * unit;
        title.write(area, self.title, (left, middle))?;
        if self.plot.y.logarithmic {
            let after = left + title.width(self.title) + 10 * unit;
            let words = "logarithmic scale";
            Letters::new(14 * UNITS, GREY).write(area, words, (after, middle))?;
        }

        let letters = Letters::new(15 * UNITS, INK);
        let mut right = WIDTH as i32 - 24 * unit;
        let existing = self.plot.series.iter().filter(|series| series.exists());
        let mut entries: Vec<(Sample<'_>, String)> = existing
            .map(|series| (Sample::Curve(series), series.name.clone()))
            .collect();
        if let Some((epoch, words)) = &self.best {
            entries.push((
                Sample::Best,
                format!("best: epoch {}{words}", grouped(*epoch as u64)),
            ));
        }
        if !self.plot.gaps.is_empty() {
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

    fn draw(history: &[EpochRecord], best: Option<usize>) -> Result<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("curves.svg");
        let result = curves(history, best, &path);
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
        let svg = draw(&history, Some(27)).unwrap();
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
        // Whoever trained knows which epoch is the best: the most accurate one need not be.
        assert!(says(
            &draw(&history, Some(30)).unwrap(),
            "best: epoch 30, 98.00 %"
        ));
    }

    #[test]
    fn one_epoch_and_thousands_are_drawn() {
        let one = draw(&run(1), Some(1)).unwrap();
        assert!(one.contains("<circle"), "a single epoch has a marker");
        assert!(says(&one, "best: epoch 1, 98.00 %"));
        let many = draw(&run(100_000), Some(100_000)).unwrap();
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
        assert!(says(&draw(&history, Some(12)).unwrap(), "not finite"));
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
            draw(&[record(1, a, a)], Some(1)).unwrap();
            for b in strange {
                let three = [record(1, a, b), record(2, b, a), record(3, 1.0, 0.5)];
                draw(&three, Some(2)).unwrap();
                let far = [record(0, a, b), record(usize::MAX, b, b)];
                draw(&far, Some(usize::MAX)).unwrap();
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
        let svg = draw(&history, None).unwrap();
        assert!(says(&svg, "training") && !says(&svg, "validation"));
        assert!(says(&svg, "not measured") && !says(&svg, "not finite"));
        assert!(!svg.contains("best"));
    }

    #[test]
    fn a_run_without_epochs_is_an_error() {
        assert!(draw(&[], None).is_err());
    }
}
