//! `thumbnet board`: emulated boards that learn over their serial lines, with a desktop's bits.
#![cfg(unix)]

use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use thumbnet_tests::{Board, Desk, Run, mnist, root, thumbnet};

/// `thumbnet` where cargo finds its registry: it builds the board's program, which must not be built
/// for another network before it is started.
fn thumbnet_at_home(desk: &Desk, arguments: &str) -> Run {
    static BUILDING: Mutex<()> = Mutex::new(());
    let _one_at_a_time = BUILDING.lock().unwrap_or_else(PoisonError::into_inner);
    let mut command = Command::new(thumbnet());
    Run::of(
        command
            .args(arguments.split(' '))
            .current_dir(desk.path(""))
            .env("THUMBNET_DATA", mnist()),
    )
}

/// The last line of a run with `--json`.
fn trained(desk: &Desk, arguments: &str) -> Value {
    let run = thumbnet_at_home(desk, &format!("{arguments} --json --out run")).successful();
    run.json().pop().expect("there is a last line")
}

/// A run on the desktop, and the same on a board that is verified after every step.
fn compare(desk: &Desk, board: Board, arguments: &str) -> String {
    let here = trained(desk, &format!("train {arguments}"));
    let port = format!("--port qemu:{}", board.alias());
    let there = trained(desk, &format!("board train {port} --verify {arguments}"));
    for name in [
        "last_weights_crc32",
        "weights_crc32",
        "test_accuracy",
        "test_cost",
        "best_epoch",
    ] {
        assert_eq!(
            there[name], here[name],
            "{board:?}: {name} with {arguments}"
        );
    }
    there["last_weights_crc32"].to_string()
}

/// Small enough for all boards.
const SMALL: &str = "--data digits --recipe book-30 --model 64-24-10 --train-samples 150 --seed 11";

/// Techniques of all kinds: each line ends with other weights than any other.
const TECHNIQUES: [&str; 6] = [
    "--epochs 2 --batch-size 1 --learning-rate 0.1",
    "--epochs 1 --batch-size 1 --learning-rate 0.02 --momentum 0.9",
    "--epochs 2 --batch-size 16 --learning-rate 0.5 --nesterov --momentum 0.9 --schedule cosine",
    "--epochs 1 --batch-size 10 --learning-rate 0.5 --dropout 0.3 --input-dropout 0.1 \
     --dropout-masks sample",
    "--epochs 2 --batch-size 10 --learning-rate 0.5 --shift 2 --rotation 0.2 --elastic 0.3",
    "--epochs 1 --batch-size 128 --optimizer adam --learning-rate 0.01 --clip-norm 1 --activation \
     relu --output softmax --l2 0.5",
];

#[test]
#[ignore = "needs QEMU and MNIST: tests/run"]
fn boards_end_with_the_desktops_bits() {
    let desk = Desk::new();
    let mut seen = Vec::new();
    for technique in TECHNIQUES {
        let mut found = Vec::new();
        for board in Board::ALL {
            found.push(compare(&desk, board, &format!("{SMALL} {technique}")));
        }
        let first = found.swap_remove(0);
        assert!(found.iter().all(|other| *other == first), "{technique}");
        assert!(!seen.contains(&first), "{technique} makes no difference");
        println!("measured: {first} on 5 boards and here: {technique}");
        seen.push(first);
    }
}

#[test]
#[ignore = "needs QEMU and MNIST: tests/run"]
fn a_board_trains_on_mnist_as_a_desktop_does() {
    let desk = Desk::with_mnist();
    let arguments = "--model 784-32-10 --epochs 1 --train-samples 1000 --seed 11";
    let here = trained(&desk, &format!("train {arguments}"));
    let there = trained(&desk, &format!("board train --port qemu {arguments}"));
    assert_eq!(there["weights_crc32"], here["weights_crc32"]);
}

#[test]
#[ignore = "needs QEMU and MNIST: tests/run"]
fn a_board_says_and_does_what_it_is_asked() {
    let desk = Desk::with_mnist();
    let run = |arguments: &str| thumbnet_at_home(&desk, arguments);
    let info = run("board info --port qemu --json").successful().json();
    assert_eq!(info[0]["board"], "mps2-an386");
    assert_eq!(info[0]["network"], "784-32-10");

    run("board pull --port qemu --out pulled.thumbnet").successful();
    let own = root().join("firmware/models/784-32-10.thumbnet");
    let read = |path: &Path| std::fs::read(path).expect("it is there");
    assert!(read(&desk.path("pulled.thumbnet")) == read(&own));

    run("train --epochs 1 --train-samples 500 --model 784-32-10 --out trained").successful();
    let model = "trained/model.thumbnet";
    let here = run(&format!("evaluate {model} --samples 100 --json"))
        .successful()
        .json();
    let there = run(&format!(
        "board evaluate --port qemu --model {model} --samples 100 --json"
    ));
    let there = there.successful().json();
    for name in [
        "test_accuracy",
        "weights_crc32",
        "scores_crc32",
        "predictions_crc32",
    ] {
        assert_eq!(there[0][name], here[0][name], "{name}");
    }

    let refused = run(&format!(
        "board train --port qemu {SMALL} --optimizer l-bfgs"
    ));
    refused.refused(&["--optimizer"]);
    let refused = run(&format!("board train --port qemu {SMALL} --batch-size 129"));
    refused.refused(&["--batch-size", "128", "129"]);
    run("board info --port tcp:127.0.0.1:9").refused(&["tcp:127.0.0.1:9", "nobody answers"]);
}
