//! `find-learning-rate` and `tune` on the digits that are part of the program: what they print,
//! leave and find, and how a search goes on that was killed.
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

/// What was measured before an interruption is kept, rate by rate.
#[test]
fn an_interrupted_search_for_a_rate_leaves_its_table() {
    let desk = Desk::new();
    let arguments = "find-learning-rate --recipe digits --steps 2000 --json --out rates";
    let mut started = Run::start(&mut desk.thumbnet(arguments.split(' ')));
    started.until("\"learning_rate\":");
    started.signal("INT");
    let run = started.end();
    assert_eq!(run.code, Some(2), "{run:?}");
    let words = "interrupted before a learning rate was found; what was measured is in \
                 rates/learning-rates.csv";
    assert!(run.stderr.contains(words), "{run:?}");
    let table = fs::read_to_string(desk.path("rates/learning-rates.csv")).unwrap();
    let points: usize = run
        .json()
        .iter()
        .map(|line| line["curve"].as_array().map_or(0, Vec::len))
        .sum();
    assert!(points > 0 && table.lines().count() == 1 + points, "{table}");
}

#[test]
fn what_cannot_be_is_refused() {
    let desk = Desk::new();
    for (arguments, words) in [
        (&["--steps", "0"][..], "--steps"),
        (&["--steps", "99999999999999"], "from 1 to 1000000000"),
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

const TUNE: [&str; 9] = [
    "tune",
    "--recipe",
    "digits",
    "--trials",
    "9",
    "--budget",
    "90",
    "--batch-size",
    "5..20",
];

fn tune(desk: &Desk, arguments: &[&str]) -> Run {
    desk.run(TUNE.iter().chain(arguments))
}

/// The rows of a search without how long they took, which is the last column.
fn rows(desk: &Desk, folder: &str) -> Vec<String> {
    let text = fs::read_to_string(desk.path(&format!("{folder}/trials.csv"))).unwrap();
    let timeless = |line: &str| line.rsplit_once(',').map(|(row, _)| row.to_owned());
    text.lines().filter_map(timeless).collect()
}

#[test]
fn a_search_that_was_killed_goes_on_to_the_same_end() {
    let desk = Desk::new();
    let whole = tune(&desk, &["--json", "--threads", "1", "--out", "whole"]).successful();
    let last = whole.json().pop().expect("there is a last line");
    let expected = rows(&desk, "whole");
    // 9 of 10 epochs, 3 of 30 and 1 of 90.
    assert_eq!(expected.len(), 1 + 9 + 3 + 1);
    let best = fs::read_to_string(desk.path("whole/best.toml")).unwrap();

    for (signal, after, threads) in [("KILL", 1, "2"), ("KILL", 10, "1"), ("INT", 4, "3")] {
        let arguments = ["--json", "--threads", threads, "--out", "cut"];
        let mut started = Run::start(&mut desk.thumbnet(TUNE.iter().chain(&arguments)));
        for _ in 0..after {
            started.until("\"trial\":");
        }
        started.signal(signal);
        let run = started.end();
        if signal == "INT" {
            assert_eq!(run.code, Some(2), "{run:?}");
            assert!(run.stderr.contains("tune --resume cut"), "{run:?}");
        }
        let found = rows(&desk, "cut");
        assert!(
            found.len() > after && found.len() < expected.len(),
            "{found:?}"
        );
        assert!(!desk.path("cut/best.toml").exists());

        let resumed = ["tune", "--resume", "cut", "--json", "--threads", "2"];
        let run = desk.run(resumed).successful();
        assert_eq!(rows(&desk, "cut"), expected);
        assert_eq!(
            fs::read_to_string(desk.path("cut/best.toml")).unwrap(),
            best
        );
        // It has trained only what was missing, and says the same in the end.
        let lines = run.json();
        assert_eq!(lines.len(), expected.len() - found.len() + 1);
        for name in [
            "best_trial",
            "validation_accuracy",
            "validation_cost",
            "trainings",
        ] {
            assert_eq!(lines[lines.len() - 1][name], last[name], "{name}");
        }
    }
    // What its file says is as bounded as what flags say.
    let file = fs::read_to_string(desk.path("whole/tune.toml")).unwrap();
    let refused = |old: &str, new: &str, words: &str| {
        assert!(file.contains(old), "{file}");
        fs::write(desk.path("whole/tune.toml"), file.replacen(old, new, 1)).unwrap();
        desk.run(["tune", "--resume", "whole"]).refused(&[words]);
        assert_eq!(rows(&desk, "whole"), expected);
    };
    refused("trials = 9", "trials = 5", "expected settings below 5");
    refused(
        "trials = 9",
        "trials = 0",
        "trials: expected a whole number",
    );
    refused("budget = 90", "budget = 0", "budget: expected a whole");
    refused(
        "batch_size = \"5..20\"",
        "batch_size = \"0.5..20\"",
        "batch_size: expected whole numbers from 1, found \"0.5..20\"",
    );
    fs::write(desk.path("whole/tune.toml"), &file).unwrap();
    // A search that has ended has nothing left to do.
    let run = desk
        .run(["tune", "--resume", "whole", "--json"])
        .successful();
    assert_eq!(run.json().len(), 1);
}

#[test]
fn the_recipe_that_is_found_trains_to_what_it_was_chosen_by() {
    let desk = Desk::new();
    let run = tune(&desk, &["--seed", "5", "--dropout", "0..0.3"]).successful();
    let widest = run.stdout.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(100), "{}", run.stdout);
    assert!(!run.stdout.contains('\x1b'));
    let folder = "runs/digits-tune-1";
    let expected = rows(&desk, folder);
    let row: Vec<&str> = expected[expected.len() - 1].split(',').collect();
    let heading: Vec<&str> = expected[0].split(',').collect();
    let column = |name: &str| {
        let place = heading.iter().position(|found| *found == name);
        row[place.unwrap_or_else(|| panic!("no column {name} in {heading:?}"))]
    };
    assert_eq!(column("epochs"), "90");
    let recipe = format!("{folder}/best.toml");
    let train = ["train", "--recipe", &recipe, "--json", "--out", "run"];
    let lines = desk.run(train).successful().json();
    let (last, epochs) = lines.split_last().expect("there is a last line");
    let best = last["best_epoch"].as_u64().expect("it is a count") as usize;
    assert_eq!(column("best_epoch"), best.to_string());
    for name in ["validation_accuracy", "validation_cost", "train_cost"] {
        let found: f64 = column(name).parse().expect("it is a number");
        assert_eq!(number(&epochs[best - 1], name), found, "{name}");
    }
    let picture = fs::read_to_string(desk.path(&format!("{folder}/parallel.svg"))).unwrap();
    for axis in [
        "learning rate",
        "momentum",
        "hidden",
        "dropout",
        "error in %",
    ] {
        assert!(picture.lines().any(|line| line == axis), "{axis}");
    }
}

#[test]
fn searches_that_cannot_be_are_refused() {
    let desk = Desk::new();
    for (arguments, words) in [
        (&["--trials", "0"][..], "--trials"),
        (&["--trials", "99999999999999"], "from 1 to 1000000"),
        (&["--budget", "x"], "--budget"),
        (&["--budget", "1000001"], "from 1 to 1000000"),
        (&["--learning-rate", "0..1"], "expected a range above 0"),
        (&["--learning-rate", "1..0.1"], "--learning-rate"),
        (
            &["--momentum", "0..1"],
            "expected numbers from 0 to below 1",
        ),
        (&["--hidden", "1.5..3"], "expected whole numbers from 1"),
        (&["--recipe", "nope"], "--recipe: expected"),
        (
            &["--data", "digits", "--batch-size", "2000..3000"],
            "at most the 1197",
        ),
        (
            &["--data", "digits", "--l2", "1e9"],
            "l2: expected learning rate x lambda",
        ),
        (
            &["--resume", "nowhere"],
            "--resume: cannot read the search nowhere/tune.toml",
        ),
        (&["--resume", "nowhere", "--trials", "3"], "--resume"),
    ] {
        desk.run(["tune"].iter().chain(arguments)).refused(&[words]);
    }
    assert!(desk.found().is_empty());
}
