//! Learning curves: those of one run, or of several in the same diagrams.

use anyhow::Result;

use super::record::RunFiles;
use crate::commands::output::{cost, percent};
use crate::history::EpochRecord;
use crate::page::Figure;
use crate::pictures::{Axis, Curve, Diagram, best_sample};
use crate::recipe::values::{Named, ReportCost};

/// A figure of a number.
type Figures = fn(&EpochRecord) -> f64;

const TRAIN_COST: Figures = |record| record.train_cost;
const VALIDATION_COST: Figures = |record| record.validation_cost;
const ACCURACY: Figures = |record| 100.0 * record.validation_accuracy;

const COST: &str = "Cost";
const ACCURACY_NAME: &str = "Accuracy, validation";

/// The curves of a run; `None` before its first epoch has ended.
pub(super) fn of_one(run: &RunFiles) -> Result<Option<Figure>> {
    if run.history.is_empty() {
        return Ok(None);
    }
    let mut figure = Figure::new(format!(
        "{}, and share of the validation images that are read right, after each epoch. Costs that \
         are not finite leave a gap.",
        reported(run)
    ));
    let best = run.best_epoch();
    let curve = |name: &str, look, value| Curve {
        name: name.to_owned(),
        best: best.map(|record| record.epoch as f64),
        ..curve(&run.history, look, value)
    };
    let costs = vec![
        curve("training", 0, TRAIN_COST),
        curve("validation", 1, VALIDATION_COST),
    ];
    figure.diagram(
        diagram((Axis::Magnitudes, COST), costs).draw()?,
        format!("Cost over the epochs: {}", costs_in_words(&run.history)),
    );
    let accuracies = vec![curve("validation", 1, ACCURACY)];
    figure.diagram(
        diagram((Axis::Percent, ACCURACY_NAME), accuracies).draw()?,
        format!(
            "Validation accuracy over the epochs: {}",
            accuracy_in_words(run)
        ),
    );
    if let Some(record) = best {
        let words = format!("best: epoch {}", record.epoch);
        figure.key.push((best_sample()?, words));
    }
    Ok(Some(figure))
}

/// The curves of several runs; `None` if none of them has any.
pub(super) fn of_several(runs: &[RunFiles]) -> Result<Option<Figure>> {
    let begun = || {
        runs.iter()
            .enumerate()
            .filter(|(_, run)| !run.history.is_empty())
    };
    if begun().next().is_none() {
        return Ok(None);
    }
    let mut figure = Figure::new(format!(
        "{}, and share of the validation images that are read right, after each epoch. Firm lines: \
         validation images; dashed lines: training images. Costs that are not finite leave a gap.",
        reported_by_all(begun().map(|(_, run)| run))
    ));
    let (mut costs, mut accuracies) = (Vec::new(), Vec::new());
    let (mut cost_words, mut accuracy_words) = (Vec::new(), Vec::new());
    for (look, run) in begun() {
        let validated = |value| Curve {
            name: run.name.clone(),
            best: run.best_epoch().map(|record| record.epoch as f64),
            ..curve(&run.history, look, value)
        };
        costs.push(Curve {
            aside: true,
            ..curve(&run.history, look, TRAIN_COST)
        });
        costs.push(validated(VALIDATION_COST));
        accuracies.push(validated(ACCURACY));
        cost_words.push(format!("{}: {}", run.name, costs_in_words(&run.history)));
        accuracy_words.push(format!("{}: {}", run.name, accuracy_in_words(run)));
    }
    figure.diagram(
        diagram((Axis::Magnitudes, COST), costs).draw()?,
        format!("Cost over the epochs. {}", cost_words.join(" ")),
    );
    figure.diagram(
        diagram((Axis::Percent, ACCURACY_NAME), accuracies).draw()?,
        format!(
            "Validation accuracy over the epochs. {}",
            accuracy_words.join(" ")
        ),
    );
    figure
        .key
        .push((best_sample()?, "the best epoch of each run".to_owned()));
    Ok(Some(figure))
}

/// Which cost a run reports.
fn reported(run: &RunFiles) -> &'static str {
    let name = run.text(&["recipe", "report_cost"]);
    let of = |cost: &&ReportCost| Some(cost.name()) == name;
    match ReportCost::ALL.iter().find(of) {
        Some(ReportCost::Notes) => "Cost summed over a mini-batch, with its decay term",
        Some(ReportCost::Book) => "Mean cost per sample, with the decay term",
        Some(ReportCost::Mean) | None => "Mean cost per sample",
    }
}

/// The same for several runs, where each may report another one.
fn reported_by_all<'a>(runs: impl Iterator<Item = &'a RunFiles>) -> String {
    let mut costs: Vec<(&str, Vec<&str>)> = Vec::new();
    for run in runs {
        let cost = reported(run);
        match costs.iter_mut().find(|(known, _)| *known == cost) {
            Some((_, names)) => names.push(&run.name),
            None => costs.push((cost, vec![&run.name])),
        }
    }
    match &*costs {
        [(cost, _)] => (*cost).to_owned(),
        several => {
            let each = several
                .iter()
                .map(|(cost, names)| format!("{cost} ({})", names.join(", ")));
            let each: Vec<String> = each.collect();
            format!("Costs that do not compare: {}", each.join("; "))
        }
    }
}

fn curve(history: &[EpochRecord], look: usize, value: Figures) -> Curve {
    let point = |record: &EpochRecord| (record.epoch as f64, value(record));
    Curve {
        points: history.iter().map(point).collect(),
        look,
        ..Curve::default()
    }
}

fn diagram(y: (Axis, &str), curves: Vec<Curve>) -> Diagram<'_> {
    Diagram {
        x: (Axis::Counts, "epoch"),
        y,
        curves,
    }
}

/// What the diagram of costs shows, for those who cannot see it.
fn costs_in_words(history: &[EpochRecord]) -> String {
    let (Some(first), Some(last)) = (history.first(), history.last()) else {
        return String::new();
    };
    let mut words = format!(
        "training from {} to {}",
        cost(first.train_cost),
        cost(last.train_cost)
    );
    if history
        .iter()
        .any(|record| !record.validation_cost.is_nan())
    {
        words += &format!(
            ", validation from {} to {}",
            cost(first.validation_cost),
            cost(last.validation_cost)
        );
    }
    words + "."
}

/// The same for accuracies.
fn accuracy_in_words(run: &RunFiles) -> String {
    let (Some(first), Some(last)) = (run.history.first(), run.history.last()) else {
        return String::new();
    };
    if (run.history.iter()).all(|record| record.validation_accuracy.is_nan()) {
        return "not measured.".to_owned();
    }
    let mut words = format!(
        "from {} to {}",
        percent(first.validation_accuracy),
        percent(last.validation_accuracy)
    );
    if let Some(best) = run.best_epoch() {
        let accuracy = percent(best.validation_accuracy);
        words += &format!("; the best is epoch {} with {accuracy}", best.epoch);
    }
    words + "."
}
