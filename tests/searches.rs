//! `find-learning-rate` on the digits that are part of the program: what it prints, leaves and
//! suggests.
#![cfg(unix)]

use std::fs;

use serde_json::Value;
use thumbnet_tests::{Desk, Run};

fn find(desk: &Desk, arguments: &[&str]) -> Run {
    let first = ["find-learning-rate", "--recipe", "digits", "--steps", "200"];
    desk.run(first.iter().chain(arguments)).successful()
}

#[track_caller]
fn number(line: &Value, name: &str) -> f64 {
    let value = line[name].as_f64();
    value.unwrap_or_else(|| panic!("no number {name} in {line}"))
}

#[test]
fn a_learning_rate_is_found_and_works() {
    let desk = Desk::new();
    let run = find(&desk, &["--json", "--out", "rates"]);
    assert_eq!(run.stderr, "");
    let lines = run.json();
    let (last, tried) = lines.split_last().expect("there is a last line");
    let (suggestion, threshold) = (number(last, "learning_rate"), number(last, "threshold"));
    assert!(suggestion <= 0.51 * threshold && threshold < number(last, "failing"));
    for line in tried {
        let rate = number(line, "learning_rate");
        let falls = line["verdict"] == "falls";
        assert_eq!(falls, rate <= threshold, "{line}");
        let curve = line["curve"].as_array().expect("it is a list");
        assert!(curve.len() == 51 || line["verdict"] == "diverges", "{line}");
        // All begin with the same weights.
        assert_eq!(curve[0], tried[0]["curve"][0]);
    }
    assert!(
        tried
            .iter()
            .any(|line| line["learning_rate"] == last["learning_rate"])
    );

    let picture = fs::read_to_string(desk.path("rates/learning-rates.svg")).unwrap();
    assert!(picture.contains(&format!("suggested: {suggestion}")));
    let table = fs::read_to_string(desk.path("rates/learning-rates.csv")).unwrap();
    let points: usize = tried
        .iter()
        .map(|line| line["curve"].as_array().map_or(0, Vec::len))
        .sum();
    assert_eq!(table.lines().count(), 1 + points);

    // The command that it ends with trains, and learns.
    let command = last["command"].as_str().expect("it is text");
    let (_, arguments) = command.split_once(" train ").expect("it trains");
    let arguments = arguments
        .split(' ')
        .chain(["--epochs", "10", "--json", "--out", "run"]);
    let lines = desk
        .run(["train"].into_iter().chain(arguments))
        .successful()
        .json();
    // The engine has it in 32 bits.
    assert_eq!(number(&lines[0], "learning_rate") as f32, suggestion as f32);
    assert!(number(&lines[9], "validation_accuracy") > 0.9, "{lines:?}");
}

#[test]
fn threads_change_nothing_and_flags_do() {
    let desk = Desk::new();
    let one = find(&desk, &["--json", "--threads", "1", "--out", "rates"]);
    let three = find(&desk, &["--json", "--threads", "3", "--out", "rates"]);
    assert_eq!(one.stdout, three.stdout);
    assert!(
        three
            .stderr
            .contains("rates held a run, which is now in rates.1")
    );
    // With momentum, steps are about ten times as long: the same rates fail earlier.
    let threshold = |momentum: &str| {
        let run = find(&desk, &["--json", "--momentum", momentum, "--out", "other"]);
        number(
            run.json().last().expect("there is a last line"),
            "threshold",
        )
    };
    assert!(2.0 * threshold("0.9") < threshold("0"));
}

#[test]
fn lines_for_people_fit_a_terminal_and_have_no_colours_in_a_pipe() {
    let desk = Desk::new();
    let run = find(&desk, &[]);
    assert!(run.stdout.contains("< suggested") && run.stdout.contains("< threshold"));
    assert!(
        run.stdout
            .contains("runs/digits-rates-1/learning-rates.svg")
    );
    assert!(!run.stdout.contains('\x1b'));
    let reading = run.stdout.lines().filter(|line| !line.contains(" train "));
    let widest = reading.map(|line| line.chars().count()).max();
    assert!(widest <= Some(100), "{}", run.stdout);
}

#[test]
fn what_cannot_be_is_refused() {
    let desk = Desk::new();
    for (arguments, words) in [
        (&["--steps", "0"][..], "--steps"),
        (&["--recipe", "nope"], "--recipe: expected"),
        (
            &["--data", "digits", "--batch-size", "1198"],
            "--batch-size: expected at most the 1197",
        ),
    ] {
        let command = ["find-learning-rate"].iter().chain(arguments);
        desk.run(command).refused(&[words]);
    }
    assert!(desk.found().is_empty());
}
