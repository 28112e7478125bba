//! Boards that people have: what their programs take of flash and RAM, and, on the one that QEMU
//! emulates, what they do. The Raspberry Pi Pico's are run by tests/pico.py.
#![cfg(unix)]

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use object::{Object, ObjectSection, ObjectSegment, SectionKind};
use thumbnet_tests::{Desk, Run, Started, board_program};

const M0: &str = "thumbv6m-none-eabi";
const M4F: &str = "thumbv7em-none-eabihf";
const M33: &str = "thumbv8m.main-none-eabihf";

/// Boards, their targets, and what their programs may take of flash and of RAM beside the 8 KB of
/// the stack, in bytes: `digits`, and `serve` with a network of 101,800 bytes in both.
const BOARDS: [(&str, &str, [u64; 2], [u64; 2]); 8] = [
    ("black-pill-f411", M4F, [95_000, 29_000], [240_000, 127_000]),
    ("microbit-v2", M4F, [70_000, 27_000], [205_000, 125_000]),
    ("netduino-plus-2", M4F, [76_000, 77_000], [194_000, 124_000]),
    ("nrf52840-dk", M4F, [70_000, 27_000], [286_000, 262_000]),
    ("nucleo-f446re", M4F, [71_000, 26_000], [209_000, 124_000]),
    ("nucleo-f767zi", M4F, [70_000, 26_000], [532_000, 536_000]),
    ("pico", M0, [79_000, 26_000], [281_000, 270_000]),
    ("pico2", M33, [77_000, 26_000], [534_000, 536_000]),
];

/// Where RAM begins on all of them.
const RAM: u64 = 0x2000_0000;

/// Bytes of flash and RAM that a program takes.
fn sizes(program: &Path) -> [u64; 2] {
    let bytes = fs::read(program).unwrap();
    let file = object::File::parse(&*bytes).unwrap();
    // What is loaded, wherever it is when the program runs: a board without a disk has it in flash.
    let flash = file.segments().map(|segment| segment.file_range().1).sum();
    let variables = file.sections().filter(|section| {
        let kind = section.kind();
        section.address() >= RAM
            && (kind == SectionKind::Data || kind == SectionKind::UninitializedData)
    });
    [flash, variables.map(|section| section.size()).sum()]
}

#[test]
#[ignore = "builds for all boards: tests/run"]
fn programs_take_what_they_took() {
    let mut wrong = Vec::new();
    for (board, target, digits, serve) in BOARDS {
        for (name, expected) in [("digits", digits), ("serve", serve)] {
            let found = sizes(&board_program(board, target, name));
            let [flash, ram] = found;
            println!("measured: {board}-{name}: {flash} bytes of flash, {ram} of RAM");
            // Smaller by more than a twentieth is as wrong: then the table is to be mended.
            let close = |(found, expected)| found <= expected && found * 20 >= expected * 19;
            if !found.into_iter().zip(expected).all(close) {
                wrong.push((board, name, found));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Starts a program of the Netduino Plus 2 in QEMU, with its line where `serial` says.
fn netduino(name: &str, serial: &str) -> Started {
    let program: PathBuf = board_program("netduino-plus-2", M4F, name);
    let mut qemu = Command::new("qemu-system-arm");
    qemu.args([
        "-machine",
        "netduinoplus2",
        "-nographic",
        "-monitor",
        "none",
    ]);
    qemu.args(["-serial", "null", "-serial", serial, "-kernel"]);
    Run::start(qemu.arg(program))
}

/// The checksum is the desktop's: a test of `firmware/src/digits.rs` has it, too.
#[test]
#[ignore = "needs QEMU: tests/run"]
fn an_stm32f405_learns_digits() {
    let mut started = netduino("digits", "stdio");
    started.until("thumbnet on Netduino Plus 2: 64-32-10 learns 190 digits");
    started.until("CRC-32 of weights 661fc8ad");
    started.until("epoch 10: reads 96 of 105 others");
}

/// What a desktop sends, it learns with the desktop's bits.
#[test]
#[ignore = "needs QEMU and MNIST: tests/run"]
fn an_stm32f405_learns_what_a_desktop_sends() {
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let port = format!("tcp:{address}");
    let _qemu = netduino("serve", &format!("{port},server=on,wait=off"));
    while TcpStream::connect(address).is_err() {
        thread::sleep(Duration::from_millis(20));
    }
    let desk = Desk::with_mnist();
    let train = |command: &[&str], out: &str| {
        let flags = "--model 784-32-10 --activation sigmoid --output sigmoid --momentum 0 --l2 0 \
                     --dropout 0 --learning-rate 0.1 --batch-size 10 --epochs 1 --seed 11 \
                     --train-samples 100 --json --out";
        let arguments = command.iter().copied().chain(flags.split_whitespace());
        let run = desk.run(arguments.chain([out])).successful();
        run.json().last().unwrap()["weights_crc32"].clone()
    };
    let there = train(&["board", "train", "--port", &port], "there");
    assert_eq!(there, train(&["train"], "here"));
}

/// Each kind of fault ends the program, which starts again and says what it was.
#[test]
#[ignore = "needs QEMU: tests/run"]
fn faults_are_told() {
    let mut started = netduino("faults", "stdio");
    for told in [
        "before: nothing",
        "before: panic in line 28 of firmware/boards/netduino-plus-2/src/",
        "before: processor fault at 0x080",
        "before: stack overflow",
    ] {
        started.until(told);
    }
}
