//! Boards' programs in QEMU: what they need, how they end, and what `thumbnet emulate` makes of it.
#![cfg(unix)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use thumbnet::augment::Augment;
use thumbnet::format::CRC_32;
use thumbnet::prelude::*;
use thumbnet_tests::{Board, Desk, Run, find_tool, mnist, root};

/// The files of a data folder that boards read.
const IMAGES: [&str; 2] = ["train-images-idx3-ubyte", "t10k-images-idx3-ubyte"];
const LABELS: [&str; 2] = ["train-labels-idx1-ubyte", "t10k-labels-idx1-ubyte"];

/// An IDX file of images: count, rows, columns, pixels.
fn image_file(sizes: [u32; 3], pixels: &[u8]) -> Vec<u8> {
    let words = [2051].into_iter().chain(sizes);
    let header = words.flat_map(u32::to_be_bytes);
    header.chain(pixels.iter().copied()).collect()
}

/// An IDX file of labels, which says that it holds `count`.
fn label_file(count: u32, labels: &[u8]) -> Vec<u8> {
    let header = [2049, count].into_iter().flat_map(u32::to_be_bytes);
    header.chain(labels.iter().copied()).collect()
}

/// A folder on the desk with these files, each for training and for testing.
fn data_folder(desk: &Desk, name: &str, images: &[u8], labels: &[u8]) -> PathBuf {
    let folder = desk.aside(name);
    fs::create_dir(&folder).unwrap();
    for (names, bytes) in [(IMAGES, images), (LABELS, labels)] {
        for name in names {
            fs::write(folder.join(name), bytes).unwrap();
        }
    }
    folder
}

/// A folder on the desk whose samples are MNIST's first 16 training images, wherever one looks.
fn sixteen(desk: &Desk) -> PathBuf {
    let folder = desk.aside("sixteen");
    if folder.exists() {
        return folder;
    }
    let read = |name: &str| fs::read(mnist().join(name)).unwrap();
    let (images, labels) = (read(IMAGES[0]), read(LABELS[0]));
    let images = image_file([16, 28, 28], &images[16..][..16 * 784]);
    data_folder(
        desk,
        "sixteen",
        &images,
        &label_file(16, &labels[8..][..16]),
    )
}

fn with_data<'a>(folder: &'a Path, arguments: &[&'a str]) -> Vec<&'a str> {
    let folder = folder.to_str().expect("temporary paths are UTF-8");
    [&["--data", folder], arguments].concat()
}

/// Boards distort images into the desktop's bits.
#[test]
#[ignore = "needs QEMU and MNIST: tests/run"]
fn augmentation() {
    let augment = Augment {
        shift: 1.0,
        rotation: 0.15,
        scale: 0.1,
        shear: 0.1,
        elastic: 0.7,
    };
    let desk = Desk::with_mnist();
    let images = fs::read(sixteen(&desk).join(IMAGES[0])).unwrap();
    let mut rng = XorShiftRng::seed_from_u64(7);
    let mut distorted = vec![0; 16 * 784];
    let pairs = images[16..].chunks(784).zip(distorted.chunks_mut(784));
    for (image, distorted) in pairs {
        augment.apply(&mut rng, 28, 28, image, distorted).unwrap();
    }
    let expected = format!("{:08x}", CRC_32.checksum(&distorted));
    for board in Board::PAIR {
        let program = board.program("augment", None, &desk);
        let run = desk
            .emulate(&program, &with_data(&sixteen(&desk), &["16"]))
            .successful();
        assert_eq!(run.crc("images"), expected, "{board:?}");
        let count = run.counted("distorted 16 images, ", " instructions per image");
        println!("measured: {board:?} instructions to distort an image: {count}");
        // A look at every pixel, and about what a step of training costs on the M4F.
        assert!((784..70_000).contains(&count), "{board:?}: {count}");
    }
}

#[test]
#[ignore = "needs QEMU and MNIST: tests/run"]
fn memory() {
    let desk = Desk::with_mnist();
    // 784-32-10 has 25,450 parameters of 4 bytes; momentum holds as many velocities.
    for (program, least, most) in [
        ("train", 101_800, 104_000),
        ("train-momentum", 203_600, 206_000),
        ("evaluate", 784, 2_048),
    ] {
        for board in Board::PAIR {
            let elf = board.program(program, None, &desk);
            let run = desk.emulate(&elf, &["200", "200"]).successful();
            let ram = run.counted("RAM ", " bytes");
            let fixed = run.counted("bytes (", " static + ");
            let stack = run.counted(" static + ", " stack)");
            let flash = run.counted("flash ", " bytes, RAM");
            println!(
                "measured: {board:?} bytes, {program}: flash {flash}, RAM {ram} = {fixed} static + {stack} stack"
            );
            assert!((least..=most).contains(&ram), "{board:?} {program}: {ram}");
            assert_eq!(ram, fixed + stack);
            // Each of these programs has an image or a mini-batch of units somewhere.
            assert!(
                stack > 100,
                "{board:?} {program}: the stack was not measured: {stack}"
            );
            // Training starts from nothing, so its variables take no flash.
            let model = if program == "evaluate" { 101_800 } else { 0 };
            assert!((model..model + 48_000).contains(&flash), "{flash}");
        }
    }
}

#[test]
#[ignore = "needs QEMU and MNIST: tests/run"]
fn selftest() {
    let desk = Desk::with_mnist();
    for board in Board::ALL {
        let program = board.program("selftest", None, &desk);
        let run = desk.emulate(&program, &[]).successful();
        let first = run.logged("10000 test samples; the first is a ", " lit pixels");
        assert_eq!(first, "7 with 116");
        // The counter counts what is known to be there, also beyond what its timer counts at once.
        for (millions, expected) in [("2", 2_000_000), ("700", 700_000_000)] {
            let run = desk.emulate(&program, &["count", millions]).successful();
            let counted = run.counted("instructions reads ", " instructions");
            let more = counted - expected;
            assert!(more < 100 * expected / 1_000_000, "{board:?}: {counted}");
        }
        // Rows of numbers in which mistakes hide.
        let run = desk.emulate(&program, &["kernels", "30000"]).successful();
        run.logged("30000 rows: kernels have", " bits of the operators");
    }
}

#[test]
#[ignore = "needs QEMU: tests/run"]
fn endings() {
    let desk = Desk::new();
    let data = data_folder(&desk, "none", &[], &[]);
    for board in Board::ALL {
        let program = board.program("selftest", None, &desk);
        for (arguments, code, word) in [
            (&["exit", "0"][..], 0, "exit with 0"),
            (&["exit", "7"], 7, "exit with 7"),
            (&["exit", "255"], 255, "exit with 255"),
            (&["panic", "11"], 101, "asked to, with a number: 11"),
            (&["fault"], 102, "the processor faulted at 0x"),
            (&["exit", "x"], 1, "argument 2 should be a whole number"),
        ] {
            let run = desk.emulate(&program, &with_data(&data, arguments));
            assert_eq!(run.code, Some(code), "{board:?} {arguments:?}: {run:?}");
            let log = run.log();
            let found = log.last().is_some_and(|last| last.contains(word));
            assert!(found, "{board:?} {arguments:?}: {log:?}");
            assert_eq!(run.stderr, "", "{board:?} {arguments:?}");
        }
        let run = desk.emulate(&program, &with_data(&data, &["--timeout", "1", "hang"]));
        assert_eq!(run.code, Some(124), "{run:?}");
        assert!(
            run.stderr
                .contains("error: the program did not end within 1 s"),
            "{run:?}"
        );
        assert_eq!(run.log(), ["waiting for ever"]);
    }
}

#[test]
#[ignore = "needs QEMU: tests/run"]
fn nothing_is_left_running_after_an_interruption() {
    let desk = Desk::new();
    let program = Board::M4F.program("selftest", None, &desk);
    let data = data_folder(&desk, "none", &[], &[]);
    // A QEMU that says which process it is.
    let tools = desk.tools(&[]);
    let qemu = find_tool("qemu-system-arm");
    let script = format!(
        "#!/bin/sh\necho $$ >> '{}'\nexec '{}' \"$@\"\n",
        desk.aside("pids").display(),
        qemu.display()
    );
    desk.write_tool("qemu-system-arm", &script);

    let mut emulate = desk.thumbnet(["emulate", "--data"]);
    emulate
        .arg(&data)
        .arg(&program)
        .arg("hang")
        .env("PATH", tools);
    let mut started = Run::start(&mut emulate);
    started.until("waiting for ever");
    started.signal("INT");
    let run = started.end();
    assert_eq!(run.code, Some(130), "{run:?}");
    assert_eq!(run.stderr, "");

    let pids = fs::read_to_string(desk.aside("pids")).unwrap();
    // One was asked for its machines, and one ran the program.
    assert_eq!(pids.lines().count(), 2, "{pids}");
    for pid in pids.lines() {
        let alive = Command::new("sh")
            .args(["-c", &format!("kill -0 {pid} 2>/dev/null")])
            .status();
        assert!(!alive.unwrap().success(), "QEMU {pid} goes on");
    }
}

#[test]
#[ignore = "needs QEMU and MNIST: tests/run"]
fn a_reader_that_has_seen_enough_is_no_error() {
    let desk = Desk::with_mnist();
    let program = Board::M4F.program("train", None, &desk);
    let mut emulate = desk.thumbnet(["emulate"]);
    let mut started = Run::start(emulate.arg(program));
    started.until("100 samples");
    started.child.stdout = None;
    let run = started.end();
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
}

#[test]
#[ignore = "needs QEMU: tests/run"]
fn without_qemu() {
    let desk = Desk::new();
    let mut emulate = desk.thumbnet(["emulate"]);
    emulate.arg(Board::M4F.program("selftest", None, &desk));
    emulate.env("PATH", desk.tools(&[]));
    Run::of(&mut emulate).refused(&["`apt-get install qemu-system-arm`"]);
}

#[test]
fn programs_that_are_none() {
    let desk = Desk::new();
    fs::write(desk.path("text"), "not a program").unwrap();
    fs::write(desk.path("empty"), "").unwrap();
    fs::write(desk.path("cut"), b"\x7fELF\x01\x01\x01").unwrap();
    let desktop = thumbnet_tests::thumbnet().to_str().unwrap();
    for (program, words) in [
        ("text", ["text is not an ELF file", "cargo build"]),
        ("empty", ["empty is not an ELF file", "cargo build"]),
        ("cut", ["cut is damaged", "ELF"]),
        ("missing", ["cannot read missing", "build it first"]),
        (".", ["cannot read .", "build it first"]),
        (desktop, ["is a program for", "expected one for Arm"]),
    ] {
        desk.run(["emulate", program]).refused(&words);
    }
    desk.run(["emulate"]).refused(&["<ELF>"]);
}

#[test]
#[ignore = "needs QEMU: tests/run"]
fn bad_arguments() {
    let desk = Desk::new();
    let program = Board::M4F.program("selftest", None, &desk);
    fs::write(desk.path("file"), "").unwrap();
    for (arguments, words) in [
        (
            &["--machine", "nope"][..],
            ["no machine \"nope\"", "mps2-an386"],
        ),
        (&["--machine", ""], ["no machine \"\"", "mps2-an386"]),
        (
            &["--data", "nowhere"],
            ["--data nowhere is not a folder", "MNIST"],
        ),
        (
            &["--data", "file"],
            ["--data file is not a folder", "MNIST"],
        ),
        (&["--timeout", "0"], ["--timeout", "0"]),
        (&["--timeout", "x"], ["--timeout", "'x'"]),
        (&["--nope"], ["--nope", "unexpected"]),
        (
            &["--data", ".", "it's \"both\" quotes"],
            ["both kinds of quotes", "argument"],
        ),
    ] {
        desk.emulate(&program, arguments).refused(&words);
    }
}

/// A program that wants data says what is wrong with it, and ends with exit code 1.
#[test]
#[ignore = "needs QEMU: tests/run"]
fn bad_data() {
    let desk = Desk::new();
    let program = Board::M4F.program("evaluate", None, &desk);
    let pixels = [1; 2 * 784];
    let images = image_file([2, 28, 28], &pixels);
    let labels = label_file(2, &[3, 4]);
    let [magic, tall, short] = [
        label_file(2, &[3, 4]),
        image_file([2, 29, 28], &pixels),
        images[..images.len() - 1].to_vec(),
    ];
    let cases: [(&str, &[u8], &[u8], &str); 7] = [
        ("empty", &[], &[], "the data ends after 0 whole samples"),
        ("magic", &magic, &labels, "not with 2051"),
        ("labels", &images, &images, "not with 2049"),
        ("tall", &tall, &labels, "the images are 29 x 28 pixels"),
        (
            "short",
            &short,
            &labels,
            "the data ends after 1 whole samples",
        ),
        (
            "counts",
            &images,
            &label_file(3, &[3, 4, 5]),
            "2 images and 3 labels",
        ),
        (
            "label",
            &images,
            &label_file(2, &[3, 10]),
            "sample 1 has label 10",
        ),
    ];
    for (name, images, labels, word) in cases {
        let data = data_folder(&desk, name, images, labels);
        let run = desk.emulate(&program, &with_data(&data, &[]));
        let log = run.log();
        assert_eq!(run.code, Some(1), "{name}: {run:?}");
        assert!(log.len() == 1 && log[0].contains(word), "{name}: {log:?}");
    }
    // Undamaged, the same files are evaluated: it was the damage that was found.
    let data = data_folder(&desk, "whole", &images, &labels);
    let run = desk.emulate(&program, &with_data(&data, &[])).successful();
    assert!(run.log()[0].contains("of 2)"), "{run:?}");

    fs::remove_file(data.join(LABELS[1])).unwrap();
    let run = desk.emulate(&program, &with_data(&data, &[]));
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(
        run.log()[0].contains("t10k-labels-idx1-ubyte does not open"),
        "{run:?}"
    );

    // No data to be had at all: no cache, no network, no npm.
    let mut emulate = desk.thumbnet(["emulate"]);
    emulate
        .arg(&program)
        .env("PATH", desk.tools(&["qemu-system-arm"]));
    let run = Run::of(&mut emulate);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(
        run.stdout
            .contains("needs MNIST: name its folder with --data DIR"),
        "{run:?}"
    );
    assert!(
        run.stderr.contains("note: the program runs without MNIST"),
        "{run:?}"
    );
}

#[test]
#[ignore = "needs QEMU and MNIST: tests/run"]
fn data_folders_with_odd_names() {
    let desk = Desk::with_mnist();
    let program = Board::M4F.program("evaluate", None, &desk);
    let plain = sixteen(&desk);
    let expected = desk
        .emulate(&program, &with_data(&plain, &[]))
        .successful()
        .stdout;
    for name in ["my data, all of it", "it's", "\"quoted\"", "\u{e9}\u{e8}"] {
        let odd = desk.path(name);
        fs::create_dir(&odd).unwrap();
        for file in IMAGES.iter().chain(&LABELS) {
            fs::copy(plain.join(file), odd.join(file)).unwrap();
        }
        // As a path from where the program is started.
        let run = desk.emulate(&program, &["--data", name]).successful();
        assert_eq!(run.stdout, expected, "{name}");
    }
}

/// What the README has users type: cargo builds, and runs the program through `thumbnet emulate`.
#[test]
#[ignore = "needs QEMU and MNIST: tests/run"]
fn cargo_run() {
    let cargo = |board: Board, arguments: &[&str]| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args([board.alias(), "--quiet"]).args(arguments);
        cargo.current_dir(root()).env("THUMBNET_DATA", mnist());
        cargo.env_remove("THUMBNET_MODEL").env_remove("DEFMT_LOG");
        Run::of(&mut cargo)
    };
    for board in Board::ALL {
        let run = cargo(board, &["--", "100"]).successful();
        let accuracy = run.stdout.lines().next().unwrap_or_default();
        let right = accuracy
            .split_once('(')
            .and_then(|(_, rest)| rest.split_once(" of 100)"));
        let right = right.and_then(|(right, _)| right.parse::<u32>().ok());
        assert!(right > Some(90), "{run:?}");
        let run = cargo(board, &["--bin", "selftest", "--", "exit", "7"]);
        assert_eq!(run.code, Some(7), "{run:?}");
    }
}
