//! An earlier output of a benchmark, to compare rows with.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A line of a benchmark's output.
pub trait Row: Serialize + DeserializeOwned {
    /// The command that prints such rows.
    const COMMAND: &'static str;

    /// What was measured: no other row of an output has the same.
    fn title(&self) -> String;

    /// The figure that is compared, above 0.
    fn figure(&self) -> f64;
}

/// The rows of an earlier output.
#[derive(Clone, Debug, PartialEq)]
pub struct Earlier<R>(Vec<R>);

impl<R: Row> Earlier<R> {
    /// Reads what the command printed with `--json`.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is not such an output.
    pub fn read(path: &Path) -> Result<Self> {
        let file = path.display();
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("--against {file} cannot be read"))?;
        let mut rows: Vec<R> = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line_number = index + 1;
            let row: R = serde_json::from_str(line).with_context(|| {
                format!(
                    "--against {file}: line {line_number} is not a row of `thumbnet {} --json`",
                    R::COMMAND
                )
            })?;
            let title = row.title();
            ensure!(
                row.figure().is_finite() && row.figure() > 0.0,
                "--against {file}: line {line_number}, {title}: expected a figure above 0, found {}",
                row.figure()
            );
            if rows.iter().any(|other| other.title() == title) {
                bail!("--against {file}: line {line_number} has {title} for the second time");
            }
            rows.push(row);
        }
        ensure!(
            !rows.is_empty(),
            "--against {file} is empty: write it with `thumbnet {} --json > {file}`",
            R::COMMAND
        );
        Ok(Self(rows))
    }

    /// The row that measured the same as `row`.
    pub fn find(&self, row: &R) -> Option<&R> {
        self.0.iter().find(|other| other.title() == row.title())
    }

    /// By how much `row` differs from its earlier self: 0.1 for a tenth more. None if there is none.
    pub fn change(&self, row: &R) -> Option<f64> {
        self.find(row)
            .map(|before| row.figure() / before.figure() - 1.0)
    }
}

/// A row as one JSON object, with its `change` if there is something to compare with.
///
/// # Errors
///
/// None, unless a figure cannot be written as JSON.
pub fn json<R: Row>(row: &R, earlier: Option<&Earlier<R>>) -> Result<String> {
    #[derive(Serialize)]
    struct Line<'a, R> {
        #[serde(flatten)]
        row: &'a R,
        #[serde(skip_serializing_if = "Option::is_none")]
        change: Option<Option<f64>>,
    }
    let line = Line {
        row,
        change: earlier.map(|earlier| earlier.change(row)),
    };
    Ok(serde_json::to_string(&line)?)
}

/// A change in percent for a table: `+1.2 %`, `new`, or nothing if nothing is compared.
pub fn percent(change: Option<Option<f64>>) -> String {
    match change {
        None => String::new(),
        Some(None) => "new".to_owned(),
        Some(Some(change)) => format!("{:+.1} %", change * 100.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Speed {
        name: String,
        speed: f64,
    }

    impl Row for Speed {
        const COMMAND: &'static str = "bench test";

        fn title(&self) -> String {
            self.name.clone()
        }

        fn figure(&self) -> f64 {
            self.speed
        }
    }

    fn read(text: &str) -> Result<Earlier<Speed>> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        Earlier::read(file.path())
    }

    fn speed(name: &str, speed: f64) -> Speed {
        Speed {
            name: name.to_owned(),
            speed,
        }
    }

    #[test]
    fn rows_are_found_by_what_they_measured() {
        let earlier =
            read("{\"name\":\"a\",\"speed\":50}\n{\"name\":\"b\",\"speed\":2}\n").unwrap();
        let (same, new) = (speed("a", 55.0), speed("c", 1.0));
        assert!((earlier.change(&same).unwrap() - 0.1).abs() < 1e-12);
        assert_eq!(earlier.change(&new), None);
        let change = |row| percent(Some(earlier.change(row)));
        assert_eq!([change(&same), change(&new)], ["+10.0 %", "new"]);
        assert_eq!(percent(None), "");
    }

    #[test]
    fn lines_have_a_change_if_there_is_something_to_compare_with() {
        let earlier = read("{\"name\":\"a\",\"speed\":50}").unwrap();
        let line = |row: &Speed, earlier| json(row, earlier).unwrap();
        assert_eq!(
            line(&speed("a", 25.0), None),
            "{\"name\":\"a\",\"speed\":25.0}"
        );
        assert_eq!(
            line(&speed("a", 25.0), Some(&earlier)),
            "{\"name\":\"a\",\"speed\":25.0,\"change\":-0.5}"
        );
        assert_eq!(
            line(&speed("b", 25.0), Some(&earlier)),
            "{\"name\":\"b\",\"speed\":25.0,\"change\":null}"
        );
    }

    #[test]
    fn what_is_no_output_is_named() {
        for (text, words) in [
            ("", "is empty: write it with `thumbnet bench test --json > "),
            (
                "speed 5",
                "line 1 is not a row of `thumbnet bench test --json`",
            ),
            ("{\"name\":\"a\"}", "line 1 is not a row"),
            (
                "{\"name\":\"a\",\"speed\":1,\"more\":2}",
                "line 1 is not a row",
            ),
            (
                "{\"name\":\"a\",\"speed\":0}",
                "expected a figure above 0, found 0",
            ),
            (
                "{\"name\":\"a\",\"speed\":1}\n{\"name\":\"a\",\"speed\":2}",
                "line 2 has a for the second time",
            ),
        ] {
            let error = format!("{:#}", read(text).unwrap_err());
            assert!(error.contains(words), "{error}");
        }
        let error = Earlier::<Speed>::read(Path::new("no/such")).unwrap_err();
        assert_eq!(error.to_string(), "--against no/such cannot be read");
    }
}
