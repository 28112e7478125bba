//! Tables: results, hyper-parameters, what differs between runs, every epoch's figures.

use super::record::RunFiles;
use crate::commands::output::{cost, grouped, percent, plain};
use crate::history::EpochRecord;
use crate::page::{Badge, Cell, Table, Tone};

/// The table of `run.toml` that says what came of a run.
const RESULT: &str = "result";

/// What `run.toml` says that is shown in its own place.
const COMMAND: &str = "command";

/// Beyond so many epochs, a table leaves some out.
const MOST_EPOCHS: usize = 200;

/// What is in the place of a value that a run does not have.
const NOTHING: &str = "–";

/// What came of a run; `None` if nothing has yet.
pub(super) fn result(run: &RunFiles) -> Option<Table> {
    let entries = run.entries(Some(RESULT));
    let table = Table::new("What came of it", &["figure", "value"]);
    let row = |table: Table, (name, value): &(String, String)| {
        table.row([name.clone(), readable(run, name, value)])
    };
    (!entries.is_empty()).then(|| entries.iter().fold(table, row))
}

/// A result as people read it: `run.toml` has all its digits.
fn readable(run: &RunFiles, name: &str, value: &str) -> String {
    let Some(number) = run.number(&[RESULT, &name.replace(' ', "_")]) else {
        return value.to_owned();
    };
    match name {
        _ if name.ends_with("accuracy") => percent(number),
        _ if name.ends_with("cost") => cost(number),
        "samples per second" => grouped(number as usize),
        _ if name.ends_with("seconds") => format!("{number:.1}"),
        _ => value.to_owned(),
    }
}

/// What came of several runs. The one with the highest test accuracy has a badge.
pub(super) fn results(runs: &[RunFiles]) -> Table {
    let mut names: Vec<String> = Vec::new();
    for (name, _) in runs.iter().flat_map(|run| run.entries(Some(RESULT))) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let columns: Vec<&str> = std::iter::once("run")
        .chain(names.iter().map(String::as_str))
        .collect();
    let mut table = Table::new("What came of them", &columns);
    table.numeric = true;
    let accuracy = |run: &RunFiles| run.number(&[RESULT, "test_accuracy"]);
    let highest = runs.iter().filter_map(accuracy).reduce(f64::max);
    for run in runs {
        let entries = run.entries(Some(RESULT));
        let value = |name: &String| entries.iter().find(|entry| entry.0 == *name);
        let cells = names.iter().map(|name| match value(name) {
            Some((name, value)) => Cell::Text(readable(run, name, value)),
            None => Cell::from(NOTHING),
        });
        let badge = Badge {
            words: "most accurate".to_owned(),
            tone: Tone::Good,
        };
        let best = highest.is_some() && accuracy(run) == highest;
        let name = match best {
            true => Cell::Marked(run.name.clone(), badge),
            false => Cell::from(&run.name),
        };
        table = table.row(std::iter::once(name).chain(cells));
    }
    table
}

/// All else that `run.toml` says, a table for each of its tables.
pub(super) fn parameters(run: &RunFiles) -> Vec<Table> {
    let table = |(title, entries): (String, Vec<(String, String)>)| {
        let table = Table::new(title, &["name", "value"]);
        let row = |table: Table, (name, value)| table.row([name, value]);
        entries.into_iter().fold(table, row)
    };
    groups(run).into_iter().map(table).collect()
}

/// The entries of `run.toml`, result and command apart, by table.
fn groups(run: &RunFiles) -> Vec<(String, Vec<(String, String)>)> {
    let mut groups = Vec::new();
    let mut loose = run.entries(None);
    loose.retain(|(name, _)| name != COMMAND);
    if !loose.is_empty() {
        groups.push(("run".to_owned(), loose));
    }
    for name in run.tables().filter(|name| *name != RESULT) {
        groups.push((name.replace('_', " "), run.entries(Some(name))));
    }
    groups
}

/// What differs between runs, if anything, and what they share.
pub(super) fn comparison(runs: &[RunFiles]) -> Vec<Table> {
    let all: Vec<Vec<(String, String)>> = runs.iter().map(named_entries).collect();
    let mut names: Vec<&String> = Vec::new();
    for (name, _) in all.iter().flatten() {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let columns: Vec<&str> = std::iter::once("name")
        .chain(runs.iter().map(|run| run.name.as_str()))
        .collect();
    let mut differing = Table::new("What differs", &columns);
    let mut shared = Table::new("What they share", &["name", "value"]);
    shared.folded = true;
    for name in names {
        let values: Vec<&str> = all
            .iter()
            .map(|entries| {
                let entry = entries.iter().find(|entry| entry.0 == *name);
                entry.map_or(NOTHING, |entry| &entry.1)
            })
            .collect();
        let name = name.as_str();
        if values.iter().all(|value| *value == values[0]) {
            shared = shared.row([name, values[0]]);
        } else {
            differing = differing.row(std::iter::once(name).chain(values));
        }
    }
    let tables = [differing, shared].into_iter();
    tables.filter(|table| !table.rows.is_empty()).collect()
}

/// Every entry, with the name of its table before its own.
fn named_entries(run: &RunFiles) -> Vec<(String, String)> {
    let named = |(title, entries): (String, Vec<(String, String)>)| {
        let name = move |(name, value)| (format!("{title}: {name}"), value);
        entries.into_iter().map(name)
    };
    groups(run).into_iter().flat_map(named).collect()
}

/// Every epoch's figures, or those of evenly spread epochs, of the best and of the last; `None`
/// before the first epoch has ended.
pub(super) fn history(run: &RunFiles) -> Option<Table> {
    let (last, count) = (run.history.last()?.epoch, run.history.len());
    let every = count.div_ceil(MOST_EPOCHS);
    let caption = match every {
        1 => "Figures of every epoch".to_owned(),
        _ => format!(
            "Figures of every {every}th epoch, of the best and of the last; history.csv has all {}",
            grouped(count)
        ),
    };
    let columns = [
        "epoch",
        "training cost",
        "validation cost",
        "validation accuracy",
        "learning rate",
        "seconds",
    ];
    let mut table = Table::new(caption, &columns);
    table.numeric = true;
    table.folded = true;
    let best = run.best_epoch().map(|record| record.epoch);
    // A column of NaN is of what was not measured, or what there is none of. Any other NaN is a
    // figure of an epoch that diverged.
    let column = |figure: fn(&EpochRecord) -> f64, words: fn(f64) -> String| {
        let none = run.history.iter().all(|record| figure(record).is_nan());
        move |record: &EpochRecord| match none {
            true => Cell::from(NOTHING),
            false => Cell::from(words(figure(record))),
        }
    };
    let validation_cost = column(|record| record.validation_cost, cost);
    let accuracy = column(|record| record.validation_accuracy, percent);
    let learning_rate = column(|record| record.learning_rate, plain);
    for (index, record) in run.history.iter().enumerate() {
        let shown = index.is_multiple_of(every) || record.epoch == last;
        if !shown && Some(record.epoch) != best {
            continue;
        }
        let badge = Badge {
            words: "best".to_owned(),
            tone: Tone::Good,
        };
        let epoch = match Some(record.epoch) == best {
            true => Cell::Marked(record.epoch.to_string(), badge),
            false => Cell::from(record.epoch.to_string()),
        };
        table = table.row([
            epoch,
            cost(record.train_cost).into(),
            validation_cost(record),
            accuracy(record),
            learning_rate(record),
            format!("{:.2}", record.seconds).into(),
        ]);
    }
    Some(table)
}
