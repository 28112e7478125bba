//! Boards that train with checkpoints, while the emulator is killed again and again: in the end
//! their weights are those of a run that nothing interrupted, on a board and on the desktop.
//!
//! The flash is a file of the desktop. Firmware's own tests cut the power within words and pages.
#![cfg(unix)]

use std::path::PathBuf;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use thumbnet::optimizer::Zeroed;
use thumbnet::prelude::*;
use thumbnet::random::below;
use thumbnet_tests::{Board, Desk, Run, find_tool, mnist};

/// Images trained on, and after how many of them there is a checkpoint: far more time goes into
/// saving than into training.
const SAMPLES: usize = 60;
const EVERY: usize = 3;

/// Kills on each board, if `THUMBNET_KILLS` says nothing else.
const KILLS: usize = 12;

/// The weights that the program should end with.
fn on_the_desktop() -> String {
    type Digits = Mlp<784, 32, 10>;
    let file = |name| std::fs::read(mnist().join(name)).unwrap();
    let (images, labels) = (
        file("train-images-idx3-ubyte"),
        file("train-labels-idx1-ubyte"),
    );
    let images = images[16..].as_chunks::<784>().0;
    let mut rng = XorShiftRng::seed_from_u64(7);
    let mut network = Box::new(Digits::ZEROED);
    network.init_weights(&mut rng);
    let mut state = Box::new(TrainState::ZEROED);
    let config = TrainConfig::new(0.01).with_momentum(0.9);
    let mut trainer = Trainer::<Digits, _, _, 1>::new(config, &mut network, &mut state)
        .unwrap()
        .with_dropout(DropoutRates::hidden(0.25), &mut rng)
        .unwrap();
    for (image, &label) in images.iter().zip(&labels[8..]).take(SAMPLES) {
        trainer.step(image, label).unwrap();
    }
    format!("{:08x}", network.weights_crc32())
}

#[test]
#[ignore = "needs QEMU and MNIST: tests/run"]
fn nothing_is_lost_when_the_emulator_is_killed() {
    let desk = Desk::with_mnist();
    let kills = std::env::var("THUMBNET_KILLS").map_or(KILLS, |kills| kills.parse().unwrap());
    let expected = on_the_desktop();
    let [samples, every] = [SAMPLES, EVERY].map(|number| number.to_string());
    let tools = qemu_that_says_which_process_it_is(&desk);
    let mut rng = XorShiftRng::seed_from_u64(1);
    for board in Board::PAIR {
        let program = board.program("checkpoints", None, &desk);
        let whole = desk.emulate(&program, &["whole", &samples, &every]);
        assert_eq!(whole.successful().crc("weights"), expected, "{board:?}");

        let flash = format!("killed-{board:?}");
        let start = || {
            let mut emulate = desk.thumbnet(["emulate", "--json"]);
            emulate.arg(&program).args([&flash, &samples, &every]);
            Run::start(emulate.env("PATH", &tools))
        };
        let mut last = 0;
        for _ in 0..kills {
            let mut started = start();
            started.until("damaged");
            // Now and then there is time for a checkpoint.
            if last + 2 < SAMPLES / EVERY && below(&mut rng, 2) == 0 {
                started.until("after");
            }
            // A checkpoint takes about a quarter of a second, nearly all of it writing.
            sleep(Duration::from_millis(below(&mut rng, 250).into()));
            kill(&desk);
            let run = started.end();
            let loaded = loaded(&run);
            // The checkpoint that was being saved may be there, too.
            assert!(
                loaded == last || loaded == last + 1,
                "{board:?}: {last}, {run:?}"
            );
            last = saved(&run).max(loaded);
        }
        let run = start().end().successful();
        assert_eq!(run.crc("weights"), expected, "{board:?}");
        println!("measured: {board:?}: the weights of a run without a kill after {kills} kills");
    }
}

/// The checkpoint that a run started from.
fn loaded(run: &Run) -> usize {
    let log = run.log();
    let loaded = log
        .iter()
        .find_map(|line| line.strip_prefix("loaded checkpoint "));
    loaded.map_or(0, |rest| rest.split_once(';').unwrap().0.parse().unwrap())
}

/// The last checkpoint that a run said it has saved.
fn saved(run: &Run) -> usize {
    let log = run.log();
    let saved = log
        .iter()
        .filter_map(|line| line.strip_prefix("checkpoint "));
    let numbers = saved.map(|rest| rest.split_once(' ').unwrap().0.parse().unwrap());
    numbers.max().unwrap_or(0)
}

/// A folder for `PATH` with a QEMU in it whose process [`kill`] finds.
fn qemu_that_says_which_process_it_is(desk: &Desk) -> PathBuf {
    let script = format!(
        "#!/bin/sh\necho $$ > '{}'\nexec '{}' \"$@\"\n",
        desk.aside("pid").display(),
        find_tool("qemu-system-arm").display()
    );
    desk.write_tool("qemu-system-arm", &script);
    desk.tools(&[])
}

/// Kills the QEMU that was started last.
fn kill(desk: &Desk) {
    let pid = std::fs::read_to_string(desk.aside("pid")).unwrap();
    let kill = format!("kill -KILL {}", pid.trim());
    let status = Command::new("sh").args(["-c", &kill]).status();
    assert!(status.unwrap().success(), "{kill}: it ran until now");
}
