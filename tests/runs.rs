//! Whole training runs: what they reach, what they print, what they leave, and how they end when
//! they are not let to their end.
#![cfg(unix)]

use std::fs;

use serde_json::Value;
use thumbnet_tests::{Desk, Run, Started};

/// Everything that a whole run leaves.
const FILES: [&str; 9] = [
    "confusion.svg",
    "curves.svg",
    "first-layer.png",
    "history.csv",
    "last.thumbnet",
    "mistakes.png",
    "model.thumbnet",
    "run.toml",
    "state.bin",
];

const DIGITS: [&str; 5] = ["train", "--data", "digits", "--recipe", "book-30"];

fn digits(desk: &Desk, arguments: &[&str]) -> Run {
    desk.run(DIGITS.iter().chain(arguments))
}

/// A run that would take hours, once it has come to its third epoch.
fn endless(desk: &Desk, out: &str) -> Started {
    let arguments = ["--epochs", "10000000", "--json", "--out", out];
    let mut started = Run::start(&mut desk.thumbnet(DIGITS.iter().chain(&arguments)));
    started.until("\"epoch\":3,");
    started
}

#[track_caller]
fn number(line: &Value, name: &str) -> f64 {
    line[name]
        .as_f64()
        .unwrap_or_else(|| panic!("no number {name} in {line}"))
}

fn names(line: &Value) -> Vec<&str> {
    let object = line.as_object().expect("lines are objects");
    let mut names: Vec<&str> = object.keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

/// Asserts that standard output is what `--json` promises, and returns its last line.
#[track_caller]
fn assert_json(run: &Run, epochs: usize) -> Value {
    let lines = run.json();
    let (last, each) = lines.split_last().expect("there is a last line");
    assert_eq!(each.len(), epochs, "one line an epoch: {lines:?}");
    for (index, line) in each.iter().enumerate() {
        let expected = [
            "epoch",
            "learning_rate",
            "seconds",
            "train_cost",
            "validation_accuracy",
            "validation_cost",
        ];
        assert_eq!(names(line), expected);
        assert_eq!(line["epoch"], index + 1);
        assert!(number(line, "train_cost") > 0.0 && number(line, "validation_cost") > 0.0);
        assert!((0.0..=1.0).contains(&number(line, "validation_accuracy")));
        assert!(number(line, "learning_rate") > 0.0 && number(line, "seconds") > 0.0);
    }
    let expected = [
        "best_epoch",
        "last_weights_crc32",
        "model",
        "samples_per_second",
        "stopped",
        "test_accuracy",
        "test_cost",
        "weights_crc32",
    ];
    assert_eq!(names(last), expected);
    assert!((0.0..=1.0).contains(&number(last, "test_accuracy")));
    assert!(number(last, "test_cost") > 0.0 && number(last, "samples_per_second") > 0.0);

    // The best epoch has the highest validation accuracy of all.
    let best = last["best_epoch"].as_u64().expect("it is a count") as usize;
    let accuracy = |line: &Value| number(line, "validation_accuracy");
    let highest = each.iter().map(accuracy).fold(0.0, f64::max);
    assert_eq!(accuracy(&each[best - 1]), highest, "{lines:?}");
    last.clone()
}

/// Asserts that the files which a run writes epoch by epoch are whole; returns the epochs in the
/// history.
#[track_caller]
fn assert_whole(desk: &Desk, out: &str) -> usize {
    for name in ["model.thumbnet", "last.thumbnet"] {
        let path = format!("{out}/{name}");
        desk.run(["evaluate", &path, "--data", "digits"])
            .successful();
    }
    let history = fs::read_to_string(desk.path(&format!("{out}/history.csv"))).unwrap();
    let columns = |line: &str| line.split(',').count();
    let (first, rows) = history.split_once('\n').expect("there is a heading");
    assert!(history.ends_with('\n'), "{history}");
    assert!(
        rows.lines().all(|row| columns(row) == columns(first)),
        "{history}"
    );
    let record = fs::read_to_string(desk.path(&format!("{out}/run.toml"))).unwrap();
    // The last thing in it that is known before the first epoch.
    assert!(record.contains("\ninitial_weights_crc32 = "), "{record}");
    rows.lines().count()
}

fn crcs(last: &Value) -> [&Value; 2] {
    [&last["weights_crc32"], &last["last_weights_crc32"]]
}

/// The main job in short: full MNIST, five epochs, a bound on the accuracy, the same bits on one
/// thread and on two.
#[test]
#[ignore = "needs MNIST: tests/run"]
fn mnist() {
    let desk = Desk::with_mnist();
    let train = |out: &str, threads: &str| {
        let run = desk
            .run([
                "train",
                "--recipe",
                "book-100",
                "--epochs",
                "5",
                "--seed",
                "7",
                "--json",
                "--out",
                out,
                "--threads",
                threads,
            ])
            .successful();
        let last = assert_json(&run, 5);
        assert_eq!(last["stopped"], "epochs");
        last
    };
    let (one, two) = (train("one", "1"), train("two", "2"));
    println!(
        "measured: book-100, 5 epochs: test accuracy {}, {:.0} samples/s on one thread, {:.0} on two",
        one["test_accuracy"],
        number(&one, "samples_per_second"),
        number(&two, "samples_per_second")
    );
    assert!(number(&one, "test_accuracy") >= 0.965, "{one}");
    assert_eq!(crcs(&one), crcs(&two));
    for file in ["model.thumbnet", "last.thumbnet"] {
        let read = |out: &str| fs::read(desk.path(out).join(file)).unwrap();
        assert_eq!(read("one"), read("two"), "{file}");
    }
    // `evaluate` finds what the run has said.
    let run = desk
        .run(["evaluate", "one/model.thumbnet", "--json"])
        .successful();
    let found = &run.json()[0];
    for name in ["test_accuracy", "test_cost", "weights_crc32"] {
        assert_eq!(found[name], one[name], "{name}");
    }
    assert_eq!(found["samples"], 10_000);
}

#[test]
fn a_run_leaves_all_its_files() {
    let desk = Desk::new();
    let run = digits(&desk, &["--epochs", "3", "--json", "--out", "run"]).successful();
    let last = assert_json(&run, 3);
    assert_eq!(last["stopped"], "epochs");
    assert_eq!(last["model"], "run/model.thumbnet");
    let files: Vec<String> = FILES.map(|file| format!("run/{file}")).to_vec();
    assert_eq!(desk.found(), [&["run".to_owned()][..], &files].concat());
    assert_eq!(assert_whole(&desk, "run"), 3);
    assert_eq!(run.stderr, "", "there is no terminal for a progress bar");

    // Without a name, runs are numbered.
    for number in 1..=2 {
        let run = digits(&desk, &["--epochs", "1"]).successful();
        assert!(run.stdout.contains("What to do next"), "{run:?}");
        assert!(
            desk.path(&format!("runs/book-30-{number}/model.thumbnet"))
                .exists()
        );
    }
}

/// A picture of the boundary takes the place of those that make no sense for points.
#[test]
fn exclusive_or_is_learned_and_drawn() {
    let desk = Desk::new();
    let flags = "train --data xor --model 2-8-2 --activation sigmoid --output softmax \
                 --learning-rate 0.5 --batch-size 10 --momentum 0.9 --l2 0 --dropout 0 \
                 --epochs 60 --json --out run";
    let run = desk.run(flags.split_whitespace()).successful();
    let last = assert_json(&run, 60);
    assert!(number(&last, "test_accuracy") >= 0.99, "{last}");
    let found = desk.found();
    assert!(found.contains(&"run/boundary.png".to_owned()), "{found:?}");
    let images = ["first-layer.png", "mistakes.png"].map(|file| format!("run/{file}"));
    assert!(!found.iter().any(|file| images.contains(file)), "{found:?}");
}

/// The default recipe on the digits that are always there: seconds, and well above chance.
#[test]
fn the_embedded_digits_are_learned() {
    let desk = Desk::new();
    let run = desk
        .run(["train", "--data", "digits", "--json"])
        .successful();
    let lines = run.json();
    let last = lines.last().expect("there is a last line");
    println!(
        "measured: the default recipe on digits: test accuracy {}",
        last["test_accuracy"]
    );
    assert!(number(last, "test_accuracy") >= 0.85, "{last}");
}

#[test]
fn the_seed_decides_and_threads_do_not() {
    let desk = Desk::new();
    let train = |seed: &str, threads: &str| {
        let flags = [
            "--momentum",
            "0.5",
            "--dropout",
            "0.2",
            "--l2",
            "1",
            "--epochs",
            "2",
        ];
        let flags = [
            &flags[..],
            &["--seed", seed, "--threads", threads, "--json"],
        ]
        .concat();
        assert_json(&digits(&desk, &flags).successful(), 2)
    };
    let one = train("7", "1");
    assert_eq!(crcs(&one), crcs(&train("7", "2")));
    assert_eq!(crcs(&one), crcs(&train("7", "5")));
    assert_ne!(crcs(&one), crcs(&train("8", "1")));
}

#[test]
fn the_record_repeats_the_run() {
    let desk = Desk::new();
    let first = digits(
        &desk,
        &[
            "--epochs", "2", "--seed", "5", "--l2", "0.5", "--json", "--out", "run",
        ],
    );
    let first = assert_json(&first.successful(), 2);
    let record = fs::read_to_string(desk.path("run/run.toml")).unwrap();
    let command = record
        .lines()
        .find_map(|line| line.strip_prefix("command = \"thumbnet "));
    let command = command
        .expect("the record has a command")
        .trim_end_matches('"');
    let again = desk.run(command.split(' ').chain(["--json", "--out", "again"]));
    assert_eq!(crcs(&first), crcs(&assert_json(&again.successful(), 2)));
    // The record is a recipe too, also when the record of a run that followed it.
    for (recipe, out) in [("run/run.toml", "third"), ("third/run.toml", "fourth")] {
        let run = desk.run(["train", "--recipe", recipe, "--json", "--out", out]);
        assert_eq!(crcs(&first), crcs(&assert_json(&run.successful(), 2)));
    }
}

/// A recipe of one's own: what is printed is what is trained.
#[test]
fn a_printed_recipe_is_the_recipe() {
    let desk = Desk::new();
    let names = desk.run(["recipes"]).successful();
    for name in ["default", "notes", "book-30", "best-16", "fashion", "xor"] {
        assert!(names.stdout.contains(&format!("{name} ")), "{names:?}");
        let file = desk.run(["recipes", name]).successful().stdout;
        fs::write(desk.path("mine.toml"), file).unwrap();
        let train = |recipe: &str| {
            let flags = "--data digits --train-on split --epochs 1 --json".split(' ');
            let run = desk.run(["train", "--recipe", recipe].into_iter().chain(flags));
            assert_json(&run.successful(), 1)
        };
        assert_eq!(crcs(&train(name)), crcs(&train("mine.toml")), "{name}");
    }
}

/// Here the most accurate epoch and the one with the lowest cost are two.
#[test]
fn the_best_epoch_is_the_same_everywhere() {
    let desk = Desk::new();
    for best_by in ["accuracy", "cost"] {
        let flags = "--epochs 25 --learning-rate 0.2 --seed 3 --json --out run --best-by";
        let flags = flags.split(' ').chain([best_by]).collect::<Vec<&str>>();
        let run = digits(&desk, &flags).successful();
        let best = &run.json()[25]["best_epoch"];
        let figure = format!("validation_{best_by}");
        let lines = run.json();
        let figures = lines[..25].iter().map(|line| number(line, &figure));
        let extreme = match best_by {
            "cost" => figures.reduce(f64::min),
            _ => figures.reduce(f64::max),
        };
        let at_best = &lines[best.as_u64().unwrap() as usize - 1];
        assert_eq!(Some(number(at_best, &figure)), extreme, "{best_by}");
        let words = format!("best: epoch {best}");
        let drawn = fs::read_to_string(desk.path("run/curves.svg")).unwrap();
        assert!(
            drawn.lines().any(|line| line.starts_with(&words)),
            "{words}"
        );
        desk.run(["report", "run"]).successful();
        let page = fs::read_to_string(desk.path("run/report.html")).unwrap();
        assert!(page.contains(&words), "{words}");
        assert!(page.contains(&format!("the best is epoch {best} with")));
        fs::remove_dir_all(desk.path("run")).unwrap();
    }
}

#[test]
fn a_run_goes_on_from_weights() {
    let desk = Desk::new();
    let train = |arguments: &[&str]| {
        let flags = [arguments, &["--no-shuffle", "--json"]].concat();
        digits(&desk, &flags)
            .successful()
            .json()
            .pop()
            .expect("there is a last line")
    };
    let whole = train(&["--epochs", "2"]);
    train(&["--epochs", "1", "--out", "half"]);
    let rest = train(&["--epochs", "1", "--init", "half/last.thumbnet"]);
    assert_eq!(whole["last_weights_crc32"], rest["last_weights_crc32"]);
}

#[test]
fn divergence_is_told() {
    let desk = Desk::new();
    let flags = [
        "--activation",
        "identity",
        "--learning-rate",
        "1e30",
        "--json",
        "--out",
        "run",
    ];
    let run = digits(&desk, &flags);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(
        run.stderr.contains("error: training diverged in epoch 1"),
        "{run:?}"
    );
    let last = run.json().pop().expect("there is a last line");
    assert_eq!(last["stopped"], "diverged");
    assert_eq!(last["best_epoch"], 0);
}

#[test]
fn an_interrupted_run_keeps_its_best() {
    for signal in ["INT", "TERM"] {
        let desk = Desk::new();
        let started = endless(&desk, "run");
        started.signal(signal);
        let run = started.end().successful();
        let lines = run.json();
        let last = assert_json(&run, lines.len() - 1);
        assert_eq!(last["stopped"], "interrupt");
        assert!(run.stderr.starts_with("interrupted "), "{run:?}");
        assert_eq!(assert_whole(&desk, "run"), lines.len() - 1);
        let files: Vec<String> = FILES.map(|file| format!("run/{file}")).to_vec();
        assert_eq!(desk.found()[1..], files, "{signal}");
    }
}

#[test]
fn impatience_leaves_whole_files_too() {
    let desk = Desk::new();
    let started = endless(&desk, "run");
    started.signal("INT");
    // Either it has ended by now, or this ends it at once.
    let again = format!("kill -INT {} 2>/dev/null", started.child.id());
    let _ = std::process::Command::new("sh")
        .args(["-c", &again])
        .status();
    let run = started.end();
    assert!(run.code == Some(0) || run.code == Some(130), "{run:?}");
    assert!(assert_whole(&desk, "run") >= 3);
    assert!(
        desk.found().iter().all(|name| !name.contains("/.")),
        "{:?}",
        desk.found()
    );
}

#[test]
fn a_killed_run_leaves_whole_files() {
    let desk = Desk::new();
    for out in ["one", "two", "three"] {
        let mut started = endless(&desk, out);
        started.child.kill().unwrap();
        let run = started.end();
        assert_eq!(run.code, None, "{run:?}");

        let kept = assert_whole(&desk, out);
        let told = run.stdout.matches("\"epoch\":").count();
        assert!(kept >= told, "{kept} epochs are kept, {told} were told");
        assert_known(&desk, out);
    }
}

/// A limit on the size of files makes certain that the end comes in the middle of writing one.
#[test]
fn a_run_that_cannot_write_leaves_no_half_file() {
    let desk = Desk::new();
    // Weights of 90 KB, files of 20 KB at most: the blocks of `ulimit` have 512 bytes, or 1,024.
    let limited = |before: &str, arguments: &str| {
        let program = thumbnet_tests::thumbnet().display();
        let script =
            format!("{before} ulimit -c 0 && ulimit -f 40 && exec '{program}' {arguments}");
        Run::of(desk.command("sh").args(["-c", &script]))
    };
    let train = "train --data digits --model 64-300-10 --epochs 2 --out";
    // The system ends the program while it writes.
    let run = limited("", &format!("{train} killed"));
    assert_eq!(run.code, None, "{run:?}");
    assert_known(&desk, "killed");
    assert!(!desk.path("killed/model.thumbnet").exists());
    assert!(!desk.path("killed/last.thumbnet").exists());
    assert!(desk.path("killed/run.toml").exists(), "it had begun");

    // The program is told, as it is when a disk is full.
    let run = limited("trap '' XFSZ;", &format!("{train} told"));
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(
        run.stderr.starts_with("error: cannot write told/"),
        "{run:?}"
    );
    assert_eq!(
        desk.found()
            .iter()
            .filter(|name| name.starts_with("told/"))
            .count(),
        1
    );

    // What an export was to replace is still there.
    desk.run(train.split(' ').chain(["whole"])).successful();
    fs::write(desk.path("old"), "old").unwrap();
    for before in ["", "trap '' XFSZ;"] {
        let run = limited(
            before,
            "export whole/model.thumbnet --format device --out old",
        );
        assert!(run.code != Some(0), "{run:?}");
        assert_eq!(fs::read_to_string(desk.path("old")).unwrap(), "old");
    }
}

/// Asserts that there is nothing in a run's folder but files of a run, and files with names of
/// their own, which say that they were being written.
#[track_caller]
fn assert_known(desk: &Desk, out: &str) {
    for entry in fs::read_dir(desk.path(out)).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(
            FILES.contains(&name.as_str()) || name.starts_with('.'),
            "{name}"
        );
    }
}

#[test]
fn a_reader_that_has_seen_enough_does_not_end_a_run() {
    let desk = Desk::new();
    for (out, json) in [("plain", None), ("json", Some("--json"))] {
        let arguments = ["--epochs", "20", "--out", out];
        let arguments = DIGITS.iter().chain(&arguments).copied().chain(json);
        let mut started = Run::start(&mut desk.thumbnet(arguments));
        started.until("");
        started.child.stdout = None;
        let run = started.end();
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{out}");
        assert_eq!(assert_whole(&desk, out), 20);
    }
}

#[test]
fn patience_ends_a_run() {
    let desk = Desk::new();
    let flags = [
        "--patience",
        "3",
        "--best-by",
        "cost",
        "--learning-rate",
        "2",
        "--epochs",
        "500",
        "--json",
        "--out",
        "run",
    ];
    let run = digits(&desk, &flags).successful();
    let lines = run.json();
    let (last, each) = lines.split_last().expect("there is a last line");
    assert_eq!(last["stopped"], "patience", "{last}");
    let costs: Vec<f64> = each
        .iter()
        .map(|line| number(line, "validation_cost"))
        .collect();
    let lowest = costs.iter().copied().fold(f64::INFINITY, f64::min);
    let best = costs.iter().position(|cost| *cost == lowest).unwrap();
    assert_eq!(last["best_epoch"], best + 1);
    assert_eq!(costs.len(), best + 1 + 3, "{costs:?}");
    assert!(
        run.stderr.starts_with("out of patience after epoch"),
        "{run:?}"
    );
    desk.run(["train", "--resume", "run", "--epochs", "900"])
        .refused(&["--resume: the run in run has ended after", "patience"]);
}
