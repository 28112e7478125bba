//! What a training run remembers of each epoch, and the `history.csv` it leaves behind.

use std::io::Write as _;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Deserializer, Serialize};

use crate::files::write_atomically;
use crate::recipe::values::BestBy;

/// One epoch of a training run: a row of `history.csv`, and the core of a `--json` line.
///
/// A cost that is not a finite number (a diverged run) is kept as it is. JSON has no word for it and
/// says `null`, which is read back as NaN.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// Which epoch, counted from 1.
    pub epoch: usize,
    /// Cost over the training samples, a sample's mean or as `report_cost` has it.
    #[serde(deserialize_with = "number_or_null")]
    pub train_cost: f64,
    /// The same over the validation samples; NaN without any.
    #[serde(deserialize_with = "number_or_null")]
    pub validation_cost: f64,
    /// Share of the validation samples that are predicted right, 0 to 1; NaN without any.
    #[serde(deserialize_with = "number_or_null")]
    pub validation_accuracy: f64,
    /// Learning rate of this epoch's first step; NaN if steps find their own length.
    #[serde(deserialize_with = "number_or_null")]
    pub learning_rate: f64,
    /// Wall-clock time of this epoch in seconds.
    #[serde(deserialize_with = "number_or_null")]
    pub seconds: f64,
}

/// The names of the fields, in order: the header of `history.csv`.
const COLUMNS: &str = "epoch,train_cost,validation_cost,validation_accuracy,learning_rate,seconds";

fn number_or_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::<f64>::deserialize(deserializer)?.unwrap_or(f64::NAN))
}

/// The best epoch: the one with the highest validation accuracy, and among equals with the lowest
/// validation cost; or with the lowest validation cost, if `by` says so. Among equals the earliest.
/// Without any validation accuracy, the cost decides alone.
///
/// `None` if no record holds a finite figure to decide by.
#[must_use]
pub fn best_epoch(records: &[EpochRecord], by: BestBy) -> Option<&EpochRecord> {
    // What is not finite loses against everything that is.
    let accuracy = |record: &EpochRecord| match by {
        BestBy::Accuracy => finite_or(record.validation_accuracy, f64::NEG_INFINITY),
        BestBy::Cost => f64::NEG_INFINITY,
    };
    let cost = |record: &EpochRecord| finite_or(record.validation_cost, f64::INFINITY);
    records
        .iter()
        .filter(|record| accuracy(record).is_finite() || cost(record).is_finite())
        .min_by(|a, b| {
            accuracy(b)
                .total_cmp(&accuracy(a))
                .then_with(|| cost(a).total_cmp(&cost(b)))
        })
}

fn finite_or(value: f64, otherwise: f64) -> f64 {
    if value.is_finite() { value } else { otherwise }
}

/// Writes `records` as comma-separated values, one row per epoch under a header of the field names.
///
/// Numbers are written with as many digits as it takes to read the same number back. What is not
/// finite is spelled `NaN`, `inf` or `-inf`, as pandas reads them.
///
/// # Errors
///
/// When the file cannot be written. Whatever was under that name before is then still there.
pub fn write_csv(records: &[EpochRecord], path: impl AsRef<Path>) -> Result<()> {
    let mut text = format!("{COLUMNS}\n").into_bytes();
    for record in records {
        let EpochRecord {
            epoch,
            train_cost,
            validation_cost,
            validation_accuracy,
            learning_rate,
            seconds,
        } = record;
        // `{:?}` and not `{}`: the latter would write 1e-30 with thirty zeros.
        writeln!(
            text,
            "{epoch},{train_cost:?},{validation_cost:?},{validation_accuracy:?},\
             {learning_rate:?},{seconds:?}"
        )?;
    }
    write_atomically(path.as_ref(), &text)
}

/// Reads what [`write_csv`] wrote. Columns of other names are passed over.
///
/// # Errors
///
/// When the file cannot be read, or a row is not an epoch: says which row, and why.
pub fn read_csv(path: impl AsRef<Path>) -> Result<Vec<EpochRecord>> {
    let path = path.as_ref();
    let read = || csv::Reader::from_path(path)?.deserialize().collect();
    let records: Result<_, csv::Error> = read();
    records.with_context(|| format!("cannot read the history {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(epoch: usize, validation_accuracy: f64, validation_cost: f64) -> EpochRecord {
        EpochRecord {
            epoch,
            train_cost: 0.25,
            validation_cost,
            validation_accuracy,
            learning_rate: 1e-7,
            seconds: 1.5,
        }
    }

    #[test]
    fn csv_has_the_field_names_and_one_row_per_epoch() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.csv");
        write_csv(
            &[record(1, 0.5, f64::NAN), record(2, 0.75, f64::INFINITY)],
            &path,
        )
        .unwrap();
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            "epoch,train_cost,validation_cost,validation_accuracy,learning_rate,seconds\n\
             1,0.25,NaN,0.5,1e-7,1.5\n\
             2,0.25,inf,0.75,1e-7,1.5\n"
        );
    }

    #[test]
    fn what_is_written_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.csv");
        let strange = [1e-300, 0.1 + 0.2, f64::NAN, f64::INFINITY, -f64::INFINITY];
        let records: Vec<EpochRecord> = (1..)
            .zip(strange)
            .map(|(epoch, value)| record(epoch, value, -value))
            .collect();
        write_csv(&records, &path).unwrap();
        // NaN is not equal to itself; its spelling is.
        let found = read_csv(&path).unwrap();
        assert_eq!(format!("{found:?}"), format!("{records:?}"));

        std::fs::write(&path, format!("more,{COLUMNS}\n9,1,2,3,4,5,6\n")).unwrap();
        assert_eq!(read_csv(&path).unwrap()[0].validation_cost, 3.0);
        for (text, fault) in [
            ("epoch\n1\n", "missing field"),
            (&format!("{COLUMNS}\n1,2,3\n"), "line: 2"),
            (&format!("{COLUMNS}\n1,2,3,4,5,six\n"), "line: 2"),
        ] {
            std::fs::write(&path, text).unwrap();
            let error = format!("{:#}", read_csv(&path).unwrap_err());
            assert!(
                error.contains("history.csv") && error.contains(fault),
                "{error}"
            );
        }
    }

    #[test]
    fn the_header_is_the_fields_in_order() {
        let json = serde_json::to_string(&record(1, 0.5, 0.5)).unwrap();
        // Field names are what stands in quotation marks: every other piece between them.
        let names: Vec<&str> = json.split('"').skip(1).step_by(2).collect();
        assert_eq!(names.join(","), COLUMNS);
    }

    #[test]
    fn a_diverged_epoch_survives_json() {
        let json = serde_json::to_string(&record(3, 0.1, f64::NAN)).unwrap();
        assert!(json.contains("\"validation_cost\":null"), "{json}");
        let back: EpochRecord = serde_json::from_str(&json).unwrap();
        assert!(back.validation_cost.is_nan());
        assert_eq!((back.epoch, back.validation_accuracy), (3, 0.1));
        // A field that is missing altogether is a mistake, not a NaN.
        assert!(serde_json::from_str::<EpochRecord>("{\"epoch\":1}").is_err());
    }

    #[test]
    fn the_best_epoch_is_the_most_accurate_then_the_cheapest_then_the_earliest() {
        let by = |by, records: &[EpochRecord]| best_epoch(records, by).map(|record| record.epoch);
        let epoch = |records: &[EpochRecord]| by(BestBy::Accuracy, records);
        assert_eq!(epoch(&[record(1, 0.8, 0.1), record(2, 0.9, 0.4)]), Some(2));
        assert_eq!(epoch(&[record(1, 0.9, 0.4), record(2, 0.9, 0.3)]), Some(2));
        assert_eq!(epoch(&[record(1, 0.9, 0.4), record(2, 0.9, 0.4)]), Some(1));
        assert_eq!(
            epoch(&[record(1, f64::NAN, 0.4), record(2, f64::NAN, 0.3)]),
            Some(2)
        );
        assert_eq!(epoch(&[record(1, f64::NAN, f64::NAN)]), None);
        assert_eq!(
            epoch(&[record(1, f64::NAN, 0.1), record(2, 0.2, f64::NAN)]),
            Some(2)
        );
        assert_eq!(epoch(&[]), None);
        let cheapest = |records: &[EpochRecord]| by(BestBy::Cost, records);
        assert_eq!(
            cheapest(&[record(1, 0.8, 0.1), record(2, 0.9, 0.4)]),
            Some(1)
        );
        assert_eq!(
            cheapest(&[record(1, 0.8, 0.1), record(2, 0.9, 0.1)]),
            Some(1)
        );
        assert_eq!(cheapest(&[record(1, 0.8, f64::NAN)]), None);
    }
}
