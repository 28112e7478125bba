//! What commands share in talking to people and programs.

use std::fmt::{Display, Write as _};
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use anyhow::{Context, Result};
use thumbnet::Architecture;

/// Writes to stdout, at once. A reader that has seen enough (`| head`) is no error: what is left
/// of the command's work, the files of a run above all, is still wanted.
///
/// # Errors
///
/// stdout cannot be written for another reason, such as a full disk.
pub(crate) fn print(text: &str) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result.context("cannot write to standard output"),
    }
}

/// Says one thing on stderr; a closed stderr is no reason to stop.
pub(crate) fn note(text: impl Display) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// A count with commas between thousands.
pub(crate) fn grouped(count: usize) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A share of one in percent, with two digits behind the point.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.2} %", share * 100.0)
}

/// A cost in a table: four digits behind the point while there is room for what is before it.
pub(crate) fn cost(value: f64) -> String {
    if value.is_finite() && value.abs() >= 1e5 {
        format!("{value:.3e}")
    } else {
        format!("{value:.4}")
    }
}

/// A hyper-parameter: as one would type it, however small.
pub(crate) fn plain(value: f64) -> String {
    if value == 0.0 || (1e-5..1e7).contains(&value.abs()) {
        format!("{value}")
    } else {
        format!("{value:e}")
    }
}

/// A number that was computed: four digits of it, as one would type them.
pub(crate) fn significant(value: f64) -> String {
    plain(format!("{value:.3e}").parse().unwrap_or(value))
}

/// CRC-32 as boards and every other command write it.
pub(crate) fn hex(crc: u32) -> String {
    format!("{crc:08x}")
}

/// Shape, activations and size of a network.
pub(crate) fn describe(architecture: &Architecture) -> String {
    let mut text = architecture.to_string();
    if let Some((output, hidden)) = architecture.layers().split_last() {
        if let Some(first) = hidden.first() {
            let alike = hidden
                .iter()
                .all(|layer| layer.activation == first.activation);
            let name = if alike {
                first.activation.name()
            } else {
                "various"
            };
            text += &format!(", {name} units");
        }
        text += &format!(", {} outputs", output.activation);
    }
    text + &format!(", {} parameters", grouped(architecture.parameters()))
}

/// Parts with spaces between them, in lines of at most 100 columns behind the 10 that a heading's words
/// take.
pub(crate) fn wrapped<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    const INDENT: usize = 10;
    let mut text = String::new();
    let mut column = INDENT;
    for part in parts {
        let width = part.chars().count();
        if column > INDENT {
            if column + 1 + width > 100 {
                let _ = write!(text, "\n{:INDENT$}", "");
                column = INDENT;
            } else {
                text.push(' ');
                column += 1;
            }
        }
        text += part;
        column += width;
    }
    text
}

/// A path that means the same in every folder.
pub(crate) fn absolute(path: &Path) -> String {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    whole.display().to_string()
}

/// An argument as a POSIX shell reads it.
pub(crate) fn quoted(argument: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !argument.is_empty() && argument.chars().all(plain) {
        argument.to_owned()
    } else {
        format!("'{}'", argument.replace('\'', r"'\''"))
    }
}

/// How to call this program: as it was called, or through cargo if cargo did.
pub(crate) fn program() -> String {
    // `cargo run` sets the variables of the package for the program it runs.
    if std::env::var("CARGO_PKG_NAME").is_ok_and(|name| name == env!("CARGO_PKG_NAME")) {
        return "cargo run --release --".to_owned();
    }
    std::env::args()
        .next()
        .map_or_else(|| "thumbnet".to_owned(), |name| quoted(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        let texts = [0, 999, 1797, 60_000, 1_234_567].map(grouped);
        assert_eq!(texts, ["0", "999", "1,797", "60,000", "1,234,567"]);
    }

    #[test]
    fn numbers_stay_short_whatever_they_are() {
        let costs = [0.123_456, 99_999.0, 1e30, f64::NAN, f64::INFINITY].map(cost);
        assert_eq!(costs, ["0.1235", "99999.0000", "1.000e30", "NaN", "inf"]);
        let numbers = [0.0, 0.1, 5.0, 1e-30, 2.5e20].map(plain);
        assert_eq!(numbers, ["0", "0.1", "5", "1e-30", "2.5e20"]);
    }

    #[test]
    fn long_lines_are_broken_between_parts() {
        let part = "x".repeat(29);
        let text = wrapped(std::iter::repeat_n(part.as_str(), 7));
        let lines: Vec<&str> = text.split('\n').collect();
        let three = [part.as_str(); 3].join(" ");
        // 89 and the ten of the heading; one more than fit would be 101.
        let expected = [
            three.clone(),
            format!("{:10}{three}", ""),
            format!("{:10}{part}", ""),
        ];
        assert_eq!(lines, expected);
        assert_eq!(wrapped(["a", "b"]), "a b");
        // What is longer than a line has one of its own.
        let long = "y".repeat(120);
        assert_eq!(
            wrapped(["a", &long, "b"]),
            format!("a\n{:10}{long}\n{:10}b", "", "")
        );
        assert_eq!(wrapped([]), "");
    }

    #[test]
    fn a_shell_reads_back_what_was_quoted() {
        assert_eq!(quoted("runs/default-1"), "runs/default-1");
        assert_eq!(quoted("my runs"), "'my runs'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
        assert_eq!(quoted("~/x"), "'~/x'");
    }
}
