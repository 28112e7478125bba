//! `thumbnet bench`: what boards need is what the committed table says, and bad flags are refused.
#![cfg(unix)]

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use serde_json::Value;
use thumbnet_tests::{Desk, Run, mnist, root, thumbnet};

/// What every row of `bench device --json` was when this was committed.
const TABLE: &str = "tests/device-counts.json";

/// How far instructions may be from the table, as a fraction.
const TOLERANCE: f64 = 0.02;

/// What is said of a row that is not as the table has it.
const UPDATE: &str = "if that is meant, type `cargo run --release -- bench device --json > \
                      tests/device-counts.json`";

fn text<'a>(row: &'a Value, field: &str) -> &'a str {
    row[field]
        .as_str()
        .unwrap_or_else(|| panic!("no {field} in {row}"))
}

fn number(row: &Value, field: &str) -> u64 {
    row[field]
        .as_u64()
        .unwrap_or_else(|| panic!("no {field} in {row}"))
}

fn title(row: &Value) -> String {
    format!("{} on {}", text(row, "name"), text(row, "target"))
}

/// `thumbnet` where cargo finds its registry, which it does not on a desk.
fn thumbnet_at_home(arguments: &[&str]) -> Run {
    let mut command = Command::new(thumbnet());
    Run::of(
        command
            .args(arguments)
            .current_dir(root())
            .env("THUMBNET_DATA", mnist()),
    )
}

#[test]
#[ignore = "needs QEMU and MNIST: tests/run"]
fn boards_need_what_the_table_says() {
    let rows = thumbnet_at_home(&["bench", "device", "--json", "--against", TABLE])
        .successful()
        .json();
    let table = fs::read_to_string(root().join(TABLE)).expect("the table is there");
    let titles = |rows: &mut dyn Iterator<Item = Value>| -> BTreeSet<String> {
        rows.map(|row| title(&row)).collect()
    };
    let expected =
        titles(&mut table.lines().map(|line| {
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{TABLE}: {error}"))
        }));
    let found = titles(&mut rows.iter().cloned());
    assert_eq!(found, expected, "other rows than in {TABLE}: {UPDATE}");

    let mut complaints = Vec::new();
    for row in &rows {
        let title = title(row);
        let change = row["change"].as_f64().expect("every row is in the table");
        if change.abs() > TOLERANCE {
            let word = if change > 0.0 { "slower" } else { "faster" };
            let percent = change.abs() * 100.0;
            let count = number(row, "instructions_per_sample");
            complaints.push(format!(
                "{title} is {percent:.1} % {word}: {count} instructions"
            ));
        }
        // Beside the buffers, which are not on the stack.
        assert!(number(row, "stack_bytes") <= 1_536, "{row}");
        assert!(
            number(row, "stack_bytes") <= number(row, "ram_bytes"),
            "{row}"
        );
        if text(row, "target") == "cortex-m4f" {
            let most = if title.starts_with("infer") { 5 } else { 12 };
            assert!(number(row, "flash_bytes") <= most * 1_024, "{row}");
        }
    }
    assert!(complaints.is_empty(), "{}\n{UPDATE}", complaints.join("\n"));
}

/// A row as people read it, beside itself.
#[test]
#[ignore = "needs QEMU and MNIST: tests/run"]
fn one_processor_as_a_table() {
    let run = thumbnet_at_home(&[
        "bench",
        "device",
        "--target",
        "cortex-m7",
        "--against",
        TABLE,
    ]);
    let run = run.successful();
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(lines.len(), 15, "{run:?}");
    assert!(lines[0].starts_with("work  "), "{run:?}");
    for line in &lines[1..] {
        assert!(
            line.chars().count() <= 100 && line.contains(" cortex-m7 "),
            "{line:?}"
        );
        assert!(line.matches(" %").count() == 2, "{line:?}");
    }
}

/// Speeds are not for a test to judge, but every row is there, with what the next run compares with.
#[test]
#[ignore = "needs MNIST: tests/run"]
fn this_desktop() {
    let run = thumbnet_at_home(&["bench", "host", "--json"]).successful();
    let rows = run.json();
    let mut measured = BTreeSet::new();
    for row in &rows {
        let fields: Vec<&str> = row
            .as_object()
            .expect("it is one")
            .keys()
            .map(String::as_str)
            .collect();
        let expected = [
            "batch",
            "bytes_per_sample",
            "flops_per_sample",
            "name",
            "peak_fraction",
            "samples_per_second",
            "threads",
        ];
        assert_eq!(fields, expected, "{row}");
        for figure in ["samples_per_second", "flops_per_sample", "bytes_per_sample"] {
            assert!(number(row, figure) > 0, "{row}");
        }
        assert!(row["peak_fraction"].as_f64() > Some(0.0), "{row}");
        let settings = (number(row, "batch"), number(row, "threads"));
        assert!(
            measured.insert((text(row, "name").to_owned(), settings)),
            "{row} is there twice"
        );
    }
    for (name, batch) in [
        ("train_784_100_10", 1),
        ("train_784_100_10", 500),
        ("train_784_100_10_adam", 100),
        ("train_784_800_10", 32),
        ("train_784_800_10_augmentation", 32),
        ("infer_784_100_10", 1_000),
    ] {
        for threads in [1, 2] {
            let row = (name.to_owned(), (batch, threads));
            assert!(measured.contains(&row), "no {row:?}");
        }
    }
    assert!(measured.contains(&("infer_784_100_10".to_owned(), (1, 1))));
}

#[test]
#[ignore = "needs MNIST: tests/run"]
fn growth_is_measured_and_drawn() {
    let desk = Desk::new();
    let folder = desk.path("pictures");
    let out = folder.to_str().expect("a desk's path is UTF-8");
    let run = thumbnet_at_home(&["bench", "growth", "--json", "--out", out]).successful();
    let rows = run.json();
    for (varied, field, first, last) in [
        ("hidden", "hidden", 8.0, 1_024.0),
        ("depth", "depth", 1.0, 6.0),
        ("batch", "batch", 1.0, 1_000.0),
        ("zeros", "zeros", 0.0, 0.95),
    ] {
        for threads in [1, 2] {
            let own = rows
                .iter()
                .filter(|row| row["varied"] == varied && row["threads"] == threads);
            let along: Vec<f64> = own
                .map(|row| {
                    assert!(row["microseconds_per_sample"].as_f64() > Some(0.0), "{row}");
                    row[field].as_f64().expect("it is a number")
                })
                .collect();
            assert!(along.is_sorted_by(|a, b| a < b), "{varied}: {along:?}");
            let ends = [along[0], along[along.len() - 1]];
            // Noise has nearly the share of zeros that was asked for.
            let misses = [ends[0] - first, ends[1] - last].map(f64::abs);
            assert!(
                misses.iter().all(|miss| *miss < 0.002),
                "{varied}: {ends:?}"
            );
        }
    }
    let picture = fs::read_to_string(folder.join("growth.svg")).expect("it has been drawn");
    for words in [
        "hidden units",
        "samples of a mini-batch",
        "zeros in the input",
    ] {
        assert!(picture.lines().any(|line| line == words), "no {words}");
    }
}

#[test]
fn what_is_refused() {
    let desk = Desk::new();
    fs::write(desk.path("empty"), "").unwrap();
    fs::write(desk.path("text"), "fast\n").unwrap();
    fs::write(desk.path("other"), "{\"name\":\"a\",\"batch\":1}\n").unwrap();
    fs::create_dir(desk.path("gallery")).unwrap();
    fs::write(desk.path("gallery/growth.svg"), "a novel").unwrap();
    let table = root().join(TABLE);
    let table = table.to_str().expect("the repository's path is UTF-8");
    for (arguments, words) in [
        (&["board"][..], &["board"][..]),
        (
            &["device", "--target", "cortex-m1"],
            &["cortex-m1", "cortex-m4f"],
        ),
        (&["device", "--target"], &["--target"]),
        (
            &["device", "--against", "none"],
            &["--against none cannot be read"],
        ),
        (
            &["device", "--against", "empty"],
            &["--against empty is empty", "bench device --json >"],
        ),
        (
            &["device", "--against", "text"],
            &["--against text: line 1", "bench device --json"],
        ),
        (
            &["device", "--against", "other"],
            &["--against other: line 1", "unknown field"],
        ),
        (
            &["host", "--against", table],
            &["line 1", "`thumbnet bench host --json`"],
        ),
        (&["host", "--target", "cortex-m3"], &["--target"]),
        (&["growth", "--out", "text"], &["--out text"]),
        (&["growth", "--out", "gallery"], &["growth.svg", "an SVG"]),
    ] {
        let arguments = [&["bench"], arguments].concat();
        desk.run(&arguments).refused(words);
    }
}

#[test]
fn without_qemu() {
    let desk = Desk::new();
    let mut bench = desk.thumbnet(["bench", "device"]);
    bench.env("PATH", desk.tools(&[]));
    Run::of(&mut bench).refused(&["`apt-get install qemu-system-arm`"]);
}
