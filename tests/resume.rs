//! Runs that are killed or interrupted go on, and end with the bits of runs that never stopped.
#![cfg(unix)]

use std::fs;

use serde_json::Value;
use thumbnet_tests::{Desk, Run};

const DIGITS: [&str; 5] = ["train", "--data", "digits", "--recipe", "book-30"];

fn digits(desk: &Desk, arguments: &[&str]) -> Run {
    desk.run(DIGITS.iter().chain(arguments))
}

/// What kills and resumptions leave of a run on the digits with these flags: the last line, and the
/// history without its times.
fn figures(desk: &Desk, run: &Run, out: &str) -> (Value, Vec<String>) {
    let mut last = run.json().pop().expect("there is a last line");
    let last = last.as_object_mut().expect("lines are objects");
    last.retain(|name, _| !["samples_per_second", "model"].contains(&name.as_str()));
    let history = fs::read_to_string(desk.path(&format!("{out}/history.csv"))).unwrap();
    let rows = history.lines().map(|row| row.rsplit_once(',').unwrap().0);
    (
        Value::Object(last.clone()),
        rows.map(str::to_owned).collect(),
    )
}

/// Kills a run with these flags when it has come to an epoch, as nobody could have foreseen.
fn killed(desk: &Desk, arguments: &[&str], epoch: usize) {
    let mut started = Run::start(&mut desk.thumbnet(arguments));
    started.until(&format!("\"epoch\":{epoch},"));
    started.child.kill().unwrap();
    let run = started.end();
    assert_eq!(run.code, None, "{run:?}");
    assert!(
        !run.stdout.contains("test_accuracy"),
        "{arguments:?} was too fast"
    );
}

/// Every kind of state that a run has.
const KINDS: [&str; 12] = [
    "--momentum 0.5 --l2 1",
    "--momentum 0.9 --nesterov --clip-norm 0.1 --batch-size 7",
    "--dropout 0.2 --momentum 0.5",
    "--dropout 0.3 --input-dropout 0.1 --dropout-masks sample --dropout-scaling test",
    "--shift 0.5 --rotation 0.2 --elastic 0.3 --deskew --scale-to 6",
    "--optimizer adam --learning-rate 0.001",
    "--optimizer rmsprop --learning-rate 0.001 --schedule cosine --warm-up 2.5",
    "--optimizer muon --momentum 0.9 --learning-rate 0.02 --muon-decay 0.01 --model 64-16-16-10",
    "--l1 0.5 --l1-truncated --pixel-divisor 256 --no-shuffle --drop-last",
    "--patience 60 --best-by cost --plateau-patience 5 --learning-rate 0.3 --report-cost book",
    "--schedule one-cycle --train-on all",
    "--weights unit --biases normal --report-cost notes --threads 1",
];

#[test]
fn a_killed_run_goes_on_to_the_same_bits() {
    let desk = Desk::new();
    for (index, kind) in KINDS.iter().enumerate() {
        let flags = ["--epochs", "80", "--json", "--out"];
        let with = |out| {
            let flags = DIGITS.into_iter().chain(flags).chain([out]);
            flags.chain(kind.split(' ')).collect::<Vec<&str>>()
        };
        let whole = desk.run(with("whole")).successful();
        // Twice: early, and late or in the second half of it all.
        killed(&desk, &with("killed"), 2 + index);
        let resume = ["train", "--resume", "killed", "--json", "--threads", "3"];
        killed(&desk, &resume, 20 + 3 * index);
        let rest = desk.run(resume).successful();
        let expected = figures(&desk, &whole, "whole");
        assert_eq!(figures(&desk, &rest, "killed"), expected, "{kind}");
        for name in ["model.thumbnet", "last.thumbnet"] {
            let read = |out: &str| fs::read(desk.path(&format!("{out}/{name}"))).unwrap();
            assert_eq!(read("killed"), read("whole"), "{kind}: {name}");
        }
        fs::remove_dir_all(desk.path("whole")).unwrap();
        fs::remove_dir_all(desk.path("killed")).unwrap();
    }
}

#[test]
fn an_interrupted_run_goes_on_to_the_same_bits() {
    let desk = Desk::new();
    let flags = ["--epochs", "80", "--momentum", "0.5", "--json", "--out"];
    let whole = digits(&desk, &[&flags[..], &["whole"]].concat()).successful();
    let arguments = DIGITS.into_iter().chain(flags).chain(["run"]);
    let mut started = Run::start(&mut desk.thumbnet(arguments));
    started.until("\"epoch\":3,");
    started.signal("INT");
    let run = started.end().successful();
    let last = run.json().pop().expect("there is a last line");
    assert_eq!(last["stopped"], "interrupt", "{last}");
    let rest = desk
        .run(["train", "--resume", "run", "--json"])
        .successful();
    let expected = figures(&desk, &whole, "whole");
    assert_eq!(figures(&desk, &rest, "run"), expected);
}

#[test]
fn a_run_may_have_more_epochs() {
    let desk = Desk::new();
    digits(&desk, &["--epochs", "3", "--json", "--out", "run"]).successful();
    let resume = ["train", "--resume", "run", "--json"];
    desk.run(resume)
        .refused(&["--resume: the run in run has all its 3 epochs", "--epochs"]);
    let more = desk
        .run(resume.iter().chain(&["--epochs", "5"]))
        .successful();
    let lines = more.json();
    assert_eq!((lines.len(), &lines[0]["epoch"]), (3, &Value::from(4)));
    let whole = digits(&desk, &["--epochs", "5", "--json", "--out", "whole"]).successful();
    let expected = figures(&desk, &whole, "whole");
    assert_eq!(figures(&desk, &more, "run"), expected);
    // The record is that of a run of five epochs.
    let again = desk.run([
        "train",
        "--recipe",
        "run/run.toml",
        "--json",
        "--out",
        "again",
    ]);
    assert_eq!(figures(&desk, &again.successful(), "again"), expected);

    desk.run(resume.iter().chain(&["--epochs", "4"]))
        .refused(&["--epochs: expected at least the 5 epochs that are done, found 4"]);
    digits(
        &desk,
        &["--epochs", "2", "--schedule", "cosine", "--out", "fall"],
    )
    .successful();
    desk.run(["train", "--resume", "fall", "--epochs", "3"])
        .refused(&["--epochs: expected 2 as before", "the schedule cosine"]);
}

/// The command in the record works after a resumption as it did before.
#[test]
fn a_run_of_ones_own_recipe_can_be_repeated_after_it_went_on() {
    let desk = Desk::new();
    let recipe = "summary = \"mine alone\"\nhidden = [12]\ndata = \"digits\"\nepochs = 2\n";
    fs::write(desk.path("mine.toml"), recipe).unwrap();
    let train = ["train", "--recipe", "mine.toml", "--seed", "3"];
    desk.run(train.iter().chain(&["--out", "run"])).successful();
    let resume = ["train", "--resume", "run", "--epochs", "5", "--json"];
    let more = desk.run(resume).successful();
    let record = fs::read_to_string(desk.path("run/run.toml")).unwrap();
    let command = record
        .lines()
        .find_map(|line| line.strip_prefix("command = \"")?.strip_suffix('"'))
        .expect("the record has a command");
    let words = command.split(' ').skip(1).map(str::to_owned);
    let again = words.chain(["--json", "--out", "again"].map(str::to_owned));
    let again = desk.run(again).successful();
    let expected = figures(&desk, &more, "run");
    assert_eq!(figures(&desk, &again, "again"), expected, "{command}");
}

#[test]
fn methods_that_keep_no_state_are_not_begun_again() {
    let desk = Desk::new();
    for optimizer in ["l-bfgs", "conjugate-gradient"] {
        digits(
            &desk,
            &["--optimizer", optimizer, "--epochs", "2", "--out", "run"],
        )
        .successful();
        let before = fs::read(desk.path("run/history.csv")).unwrap();
        desk.run(["train", "--resume", "run", "--epochs", "4"])
            .refused(&["--resume: expected a run with an optimizer", optimizer]);
        assert_eq!(fs::read(desk.path("run/history.csv")).unwrap(), before);
        fs::remove_dir_all(desk.path("run")).unwrap();
    }
}

#[test]
fn what_a_run_cannot_go_on_from_is_refused() {
    let desk = Desk::new();
    digits(&desk, &["--epochs", "2", "--out", "run"]).successful();
    let resume = ["train", "--resume", "run", "--epochs", "4"];
    for (flags, words) in [
        (
            &["--learning-rate", "1"][..],
            ["--learning-rate: expected no flag", "but --epochs"],
        ),
        (
            &["--model", "64-5-10"],
            ["--model: expected no flag", "but --epochs"],
        ),
        (
            &["--no-shuffle"],
            ["--no-shuffle: expected no flag", "but --epochs"],
        ),
        (&["--recipe", "book-30"], ["--resume", "--recipe"]),
        (&["--out", "other"], ["--resume", "--out"]),
    ] {
        desk.run(resume.iter().chain(flags)).refused(&words);
    }
    for folder in ["nowhere", "."] {
        desk.run(["train", "--resume", folder])
            .refused(&["--resume: expected the folder of a run, found no run.toml in"]);
    }
    let state = desk.path("run/state.bin");
    let whole = fs::read(&state).unwrap();
    let damaged = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        bytes
    };
    for (bytes, words) in [
        (
            damaged(whole.len() / 2),
            "it is damaged: expected the CRC-32",
        ),
        (
            damaged(whole.len() - 1),
            "it is damaged: expected the CRC-32",
        ),
        (damaged(18), "it is damaged: expected the CRC-32"),
        (damaged(3), "expected the state of a run of this version"),
        (
            whole[..whole.len() - 1].to_vec(),
            "it is damaged: expected the CRC-32",
        ),
        (whole[..10].to_vec(), "it is too short"),
        (Vec::new(), "it is too short"),
    ] {
        fs::write(&state, bytes).unwrap();
        let before = desk.found();
        desk.run(resume)
            .refused(&["--resume: cannot go on from run/state.bin", words]);
        assert_eq!(desk.found(), before);
    }
    // One of another run, undamaged: the sizes do not fit.
    digits(
        &desk,
        &["--epochs", "2", "--model", "64-5-10", "--out", "other"],
    )
    .successful();
    fs::copy(desk.path("other/state.bin"), &state).unwrap();
    desk.run(resume)
        .refused(&["the state is not that of a run of 64-30-10"]);
    // Without one the run begins again, as it does if it was killed in its first epoch.
    fs::remove_file(&state).unwrap();
    let again = desk.run(resume.iter().chain(&["--json"])).successful();
    assert_eq!(again.json().len(), 5, "four epochs and the end");

    // Other images of the same size.
    desk.run(["train", "--recipe", "xor", "--out", "xor"])
        .successful();
    let record = desk.path("xor/run.toml");
    let text = fs::read_to_string(&record).unwrap();
    let text = text.replace("data = \"xor\"", "data = \"two-moons\"");
    fs::write(&record, text).unwrap();
    desk.run(["train", "--resume", "xor", "--epochs", "70"])
        .refused(&["--resume: expected the images that the run in xor was trained on"]);
}
