//! What `thumbnet` makes of bad flags, shapes, folders and files: one sentence, exit code 2, and
//! nothing printed, made or overwritten.
//!
//! The digits that are part of the program do for data: none of this needs a network or MNIST.
#![cfg(unix)]

use std::fs;

use thumbnet_tests::{Desk, Run};

const DIGITS: [&str; 3] = ["train", "--data", "digits"];

/// Asserts that a run is refused with these words, and leaves the desk as it was.
#[track_caller]
fn refused(desk: &Desk, arguments: &[&str], words: &[&str]) {
    let before = desk.found();
    let run = desk.run(arguments);
    run.refused(words);
    assert_eq!(desk.found(), before, "{arguments:?} left something");
}

/// A trained network on the desk, and the arguments that made it.
fn trained(desk: &Desk, out: &str) {
    let arguments = ["--epochs", "1", "--recipe", "book-30", "--out", out];
    desk.run(DIGITS.iter().chain(&arguments)).successful();
}

#[test]
fn numbers() {
    let desk = Desk::new();
    let whole = "expected a whole number";
    let finite = "expected a finite number";
    for (flag, bad, expected) in [
        (
            "--epochs",
            &[
                "0",
                "-1",
                "1.5",
                "x",
                "",
                "99999999999999999999",
                "0x10",
                " 1",
            ][..],
            whole,
        ),
        (
            "--seed",
            &["-1", "x", "", "1.0", "18446744073709551616"],
            whole,
        ),
        ("--train-samples", &["0", "-5", "x", "", "1e3"], whole),
        ("--threads", &["0", "-1", "65", "x", ""], whole),
        ("--batch-size", &["0", "-10", "x", "", "2.5"], whole),
        (
            "--learning-rate",
            &["0", "-0.1", "nan", "inf", "x", "", "1e-60", "1e60"],
            finite,
        ),
        (
            "--momentum",
            &["1", "-0.1", "nan", "1.5", "x", "", "0.99999999999"],
            finite,
        ),
        ("--dropout", &["1", "-0.1", "nan", "2", "x", ""], finite),
        ("--l2", &["-1", "nan", "inf", "x", ""], finite),
        ("--l1", &["-1", "nan", "x"], finite),
        ("--clip-norm", &["-1", "x"], finite),
        ("--warm-up", &["-1", "x"], finite),
        ("--patience", &["-1", "1.5", "x"], whole),
    ] {
        for value in bad {
            let arguments = [&DIGITS[..], &[flag, value]].concat();
            // Of values with nothing in them there is nothing to repeat.
            refused(&desk, &arguments, &[flag, value, expected]);
        }
    }
    // The same parsers, where `evaluate` has such flags.
    for flag in ["--samples", "--threads"] {
        for value in ["0", "-1", "x", ""] {
            refused(
                &desk,
                &["evaluate", "any", "--data", "digits", flag, value],
                &[flag, whole],
            );
        }
    }
}

#[test]
fn numbers_that_do_not_go_together() {
    let desk = Desk::new();
    for (flags, words) in [
        (
            &["--train-samples", "1198"][..],
            ["--train-samples: expected at most the 1197", "1198"],
        ),
        (
            &["--batch-size", "1198"],
            ["--batch-size: expected at most the 1197", "1198"],
        ),
        (
            &["--train-samples", "5", "--batch-size", "6"],
            ["--batch-size: expected at most the 5", "6"],
        ),
        (
            &["--train-samples", "5"],
            ["batch_size: expected at most the 5", "the recipe default"],
        ),
        (
            &["--l2", "1e9"],
            ["--l2: expected learning rate x lambda", "below 1"],
        ),
        (
            &["--cost", "cross-entropy", "--output", "softmax"],
            ["--cost: expected", "softmax"],
        ),
        (
            &["--cost", "softmax-cross-entropy", "--output", "sigmoid"],
            ["--cost: expected", "sigmoid"],
        ),
        (
            &["--cost", "cross-entropy", "--output", "identity"],
            ["--cost: expected quadratic", "identity"],
        ),
    ] {
        refused(&desk, &[&DIGITS[..], flags].concat(), &words);
    }
}

#[test]
fn names() {
    let desk = Desk::new();
    for (flag, bad, right) in [
        ("--recipe", &["nope", "", "book"][..], "book-100"),
        ("--recipe", &["nowhere/mine.toml"], "cannot read the recipe"),
        ("--activation", &["elu", "", "softmax"], "relu"),
        ("--output", &["elu", ""], "softmax"),
        ("--cost", &["nope", ""], "quadratic"),
    ] {
        for value in bad {
            let arguments = [&DIGITS[..], &[flag, value]].concat();
            refused(&desk, &arguments, &[flag, right]);
        }
    }
}

#[test]
fn recipes() {
    let desk = Desk::new();
    for name in ["", "book"] {
        refused(&desk, &["recipes", name], &["NAME: expected", "book-100"]);
    }
    for (text, words) in [
        (
            "learning_rate = 0.1\nrate = 1\n",
            ["line 2: rate:", "expected a key"],
        ),
        (
            "learning_rate = -1\n",
            ["line 1: learning_rate:", "found -1"],
        ),
        ("\nepochs = \"3\"\n", ["line 2: epochs:", "a whole number"]),
        ("this is no recipe\n", ["line 1: ", "expected"]),
    ] {
        fs::write(desk.path("mine.toml"), text).unwrap();
        let train = ["train", "--data", "digits", "--recipe", "mine.toml"];
        refused(
            &desk,
            &train,
            &["--recipe: mine.toml, ", words[0], words[1]],
        );
    }
    // A value that only the data shows to be wrong, and the flag that was to blame.
    fs::write(
        desk.path("mine.toml"),
        "data = \"digits\"\nbatch_size = 2000\n",
    )
    .unwrap();
    let train = ["train", "--recipe", "mine.toml"];
    refused(
        &desk,
        &train,
        &["the recipe mine: batch_size: expected at most the 1197"],
    );
    let typed = [&train[..], &["--batch-size", "3000"]].concat();
    refused(
        &desk,
        &typed,
        &["--batch-size: expected at most the 1197", "found 3000"],
    );
}

#[test]
fn shapes() {
    let desk = Desk::new();
    for (shape, word) in [
        ("64-0-10", "\"0\""),
        ("784-0-10", "\"0\""),
        ("64", "no layer"),
        ("784", "no layer"),
        ("x", "\"x\""),
        ("", "\"\""),
        ("-", "\"\""),
        ("64-10-", "\"\""),
        ("64--10", "\"\""),
        ("-64-10", "\"\""),
        ("64-1.5-10", "\"1.5\""),
        ("64-1e3-10", "\"1e3\""),
        ("64 - 10", "\"64 \""),
        ("64x10", "\"64x10\""),
        ("784-100-10", "64 pixels of digits"),
        ("64-10-9", "10, found 9"),
        ("64-10-11", "10, found 11"),
        ("64-99999999999999999999-10", "\"99999999999999999999\""),
        ("64-99999999999-10", "99999999999"),
        ("64-2-2-2-2-2-2-2-2-2-2-2-2-2-2-2-2-2-2-10", "64-2-2"),
    ] {
        let arguments = [&DIGITS[..], &["--model", shape]].concat();
        refused(&desk, &arguments, &["--model", word]);
    }
}

#[test]
fn commands() {
    let desk = Desk::new();
    for (arguments, word) in [
        (&["nope"][..], "nope"),
        (&["--nope"], "--nope"),
        (&["train", "extra"], "extra"),
        (&["train", "--nope"], "--nope"),
        (&["train", "--epochs"], "--epochs"),
        (&["train", "--epochs", "1", "--epochs", "2"], "--epochs"),
        (&["train", "--json=yes"], "--json"),
        (&["train", "--learning-rate=-inf"], "finite number"),
        (&["train", "--data", "nowhere"], "nowhere: expected"),
        (&["train", "--data", ""], "expected"),
        (&["evaluate"], "<MODEL>"),
        (&["report"], "<RUN>"),
        (&["report", "nowhere"], "nowhere: expected the folder"),
        (&["export"], "<MODEL>"),
        (&["export", "any", "--format", "device"], "--out"),
        (&["export", "any", "--out", "file"], "--format"),
        (
            &["export", "any", "--format", "nope", "--out", "file"],
            "device",
        ),
        (&["data", "nope"], "nope"),
        (&["data", "fetch"], "<NAME>"),
        (&["data", "fetch", "nowhere"], "nowhere: expected"),
        (&["data", "show", "digits", "--count", "x"], "--count"),
        (&["data", "show", "digits", "--count", "-1"], "-1"),
    ] {
        refused(&desk, arguments, &[word]);
    }
    // A command that needs a command shows how to use it, which is no error sentence but is no
    // success either.
    let run = desk.run(["data"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{run:?}");
    assert!(run.stderr.contains("Usage: thumbnet data"), "{run:?}");
}

#[test]
fn help_is_no_error() {
    let desk = Desk::new();
    for arguments in [
        &["--help"][..],
        &["--version"],
        &["train", "--help"],
        &["find-learning-rate", "--help"],
        &["tune", "--help"],
        &["evaluate", "--help"],
        &["report", "--help"],
        &["export", "--help"],
        &["data", "--help"],
        &["data", "show", "--help"],
        &["chapter3", "--help"],
        &["recipes", "--help"],
        &["recipes"],
        &["emulate", "--help"],
    ] {
        let run = desk.run(arguments).successful();
        let known = ["thumbnet 0", "Usage: thumbnet", "`thumbnet recipes NAME`"];
        assert!(
            known.iter().any(|words| run.stdout.contains(words)),
            "{run:?}"
        );
        assert_eq!(run.stderr, "");
        let widest = run.stdout.lines().map(|line| line.chars().count()).max();
        assert!(
            widest <= Some(100),
            "{arguments:?} is {widest:?} columns wide"
        );
        if arguments.last() != Some(&"--help") {
            continue;
        }
        // Prose is broken where a line is full, and nowhere else.
        let lines: Vec<&str> = run.stdout.lines().collect();
        for pair in lines.windows(2) {
            let prose = |line: &str| line.starts_with(|c: char| c.is_alphabetic() || c == '`');
            let first = pair[1].split(' ').next().unwrap_or_default();
            let room = pair[0].chars().count() + 1 + first.chars().count() <= 100;
            assert!(
                !(prose(pair[0]) && prose(pair[1]) && room),
                "{arguments:?}: {pair:?}"
            );
        }
    }
    assert!(desk.found().is_empty());
}

#[test]
fn models() {
    let desk = Desk::new();
    trained(&desk, "run");
    let whole = fs::read(desk.path("run/model.thumbnet")).unwrap();
    let middle = whole.len() / 2;
    let flipped = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        bytes
    };
    let mut long = whole.clone();
    long.push(0);
    for (name, bytes) in [
        ("empty", Vec::new()),
        ("text", b"this is no model\n".to_vec()),
        ("header", whole[..20].to_vec()),
        ("half", whole[..middle].to_vec()),
        ("short", whole[..whole.len() - 1].to_vec()),
        ("long", long),
        ("magic", flipped(0)),
        ("version", flipped(8)),
        ("weight", flipped(middle)),
        ("last", flipped(whole.len() - 1)),
    ] {
        let file = format!("{name}.thumbnet");
        fs::write(desk.path(&file), bytes).unwrap();
        let words = ["cannot use", file.as_str(), "as a model"];
        refused(&desk, &["evaluate", &file, "--data", "digits"], &words);
        let out = "new.thumbnet";
        refused(
            &desk,
            &["export", &file, "--format", "device", "--out", out],
            &words,
        );
        let train = [&DIGITS[..], &["--init", &file]].concat();
        refused(&desk, &train, &["--init", words[1]]);
    }
    let missing = "missing.thumbnet";
    refused(
        &desk,
        &["evaluate", missing, "--data", "digits"],
        &["cannot read", missing],
    );
    let train = [&DIGITS[..], &["--init", missing]].concat();
    refused(&desk, &train, &["--init", "cannot read", missing]);
    for folder in [".", "run"] {
        refused(
            &desk,
            &["evaluate", folder, "--data", "digits"],
            &["cannot read", folder],
        );
    }

    // Undamaged but not fitting what else was said.
    let model = "run/model.thumbnet";
    for (flags, words) in [
        (
            &["--model", "64-20-10"][..],
            ["--model: expected 64-30-10", "64-20-10"],
        ),
        (
            &["--activation", "relu"],
            ["--activation: expected sigmoid", "relu"],
        ),
        (
            &["--output", "softmax"],
            ["--output: expected sigmoid", "softmax"],
        ),
        (
            &["--cost", "softmax-cross-entropy"],
            ["--cost: expected", "sigmoid"],
        ),
    ] {
        let arguments = [&DIGITS[..], &["--init", model], flags].concat();
        refused(&desk, &arguments, &words);
    }
    let evaluate = ["evaluate", model, "--data", "digits"];
    desk.run(evaluate).successful();
    refused(
        &desk,
        &[&evaluate[..], &["--samples", "301"]].concat(),
        &["at most the 300 test images"],
    );
}

#[test]
fn exports() {
    let desk = Desk::new();
    trained(&desk, "run");
    let export = |out: &str| {
        let model = "run/model.thumbnet";
        ["export", model, "--format", "device", "--out", out].map(str::to_owned)
    };
    for (out, words) in [
        (
            "run",
            ["--out: expected the name of a file", "the folder run"],
        ),
        (".", ["--out: expected the name of a file", "the folder ."]),
        (
            "nowhere/digits.thumbnet",
            ["cannot write", "nowhere/digits.thumbnet"],
        ),
        ("", ["--out", "<FILE>"]),
    ] {
        let arguments = export(out);
        refused(&desk, &arguments.each_ref().map(String::as_str), &words);
    }
    let run = desk.run(export("digits.thumbnet")).successful();
    assert!(run.stdout.contains("wrote digits.thumbnet"), "{run:?}");
    // What is written is a model that can be used like the other.
    let of = |model| {
        let run = desk.run(["evaluate", model, "--data", "digits", "--json"]);
        run.successful().json()
    };
    assert_eq!(of("digits.thumbnet"), of("run/model.thumbnet"));
    // A file that is there is replaced, without anything left beside it.
    fs::write(desk.path("digits.thumbnet"), "old").unwrap();
    let before = desk.found();
    desk.run(export("digits.thumbnet")).successful();
    assert_eq!(desk.found(), before);
    assert_eq!(of("digits.thumbnet"), of("run/model.thumbnet"));
}

#[test]
fn out_folders() {
    let desk = Desk::new();
    fs::write(desk.path("file"), "mine").unwrap();
    let train = |out: &'static str| {
        let arguments = ["--epochs", "1", "--recipe", "book-30", "--out", out];
        [&DIGITS[..], &arguments].concat()
    };
    refused(
        &desk,
        &train("file"),
        &["--out: expected a folder", "the file file"],
    );
    refused(
        &desk,
        &train("file/below"),
        &["--out: cannot make the folder file/below"],
    );
    refused(&desk, &train(""), &["--out"]);
    assert_eq!(fs::read_to_string(desk.path("file")).unwrap(), "mine");
    // Even the root user cannot write here.
    refused(
        &desk,
        &train("/proc/thumbnet"),
        &["--out: cannot make the folder /proc/thumbnet"],
    );

    // A folder with somebody's own files is used as it is; a run that is in it is moved aside.
    fs::create_dir(desk.path("mine")).unwrap();
    fs::write(desk.path("mine/notes.txt"), "mine").unwrap();
    desk.run(train("mine")).successful();
    let first = fs::read(desk.path("mine/model.thumbnet")).unwrap();
    let run = desk
        .run(train("mine").iter().chain(&["--seed", "2"]))
        .successful();
    assert!(
        run.stderr
            .contains("mine held a run, which is now in mine.1"),
        "{run:?}"
    );
    assert_eq!(fs::read(desk.path("mine.1/model.thumbnet")).unwrap(), first);
    assert_eq!(
        fs::read_to_string(desk.path("mine.1/notes.txt")).unwrap(),
        "mine"
    );
    assert_ne!(fs::read(desk.path("mine/model.thumbnet")).unwrap(), first);
}

#[test]
fn an_unwritable_folder_is_found_before_training() {
    let desk = Desk::new();
    let folder = desk.path("locked");
    fs::create_dir(&folder).unwrap();
    let locked = std::os::unix::fs::PermissionsExt::from_mode(0o555);
    fs::set_permissions(&folder, locked).unwrap();
    if fs::write(folder.join("try"), "").is_ok() {
        // Who may write everywhere, as root may, meets no such folder, except where the kernel
        // keeps it: /proc/self exists, and takes no files.
        fs::remove_file(folder.join("try")).unwrap();
        refused(
            &desk,
            &[&DIGITS[..], &["--out", "/proc/self"]].concat(),
            &["/proc/self"],
        );
    } else {
        refused(
            &desk,
            &[&DIGITS[..], &["--out", "locked"]].concat(),
            &["locked"],
        );
    }
}

/// Pictures go where they can; where they cannot, the command says so.
#[test]
fn contact_sheets() {
    let desk = Desk::new();
    let run = desk.run(["data", "show", "digits"]).successful();
    assert!(
        run.stdout.contains("wrote digits-contact-sheet.png"),
        "{run:?}"
    );
    assert_eq!(desk.found(), ["digits-contact-sheet.png"]);
    let png = fs::read(desk.path("digits-contact-sheet.png")).unwrap();
    assert!(png.starts_with(b"\x89PNG\r\n\x1a\n"));
    for out in ["nowhere/x.png", "."] {
        let run = desk.run(["data", "show", "digits", "--out", out]);
        run.refused(&[out]);
        assert_eq!(desk.found(), ["digits-contact-sheet.png"]);
    }
    // A picture is replaced, and nothing else is.
    fs::write(desk.path("history.csv"), "precious").unwrap();
    for name in ["digits", "xor"] {
        let show = ["data", "show", name, "--out"];
        desk.run(show.iter().chain(&["digits-contact-sheet.png"]))
            .successful();
        desk.run(show.iter().chain(&["history.csv"])).refused(&[
            "--out: expected a name that is free, or a PNG to replace, found history.csv",
        ]);
        let kept = fs::read_to_string(desk.path("history.csv")).unwrap();
        assert_eq!(kept, "precious");
    }
    assert_eq!(desk.found(), ["digits-contact-sheet.png", "history.csv"]);
}

/// What augmentation makes of images is shown, as long as there are images, and sense in its flags.
#[test]
fn augmented_contact_sheets() {
    let desk = Desk::new();
    let show = |flags: &[&str]| {
        let run = desk.run([&["data", "show", "digits"], flags].concat());
        run.successful();
        fs::read(desk.path("digits-contact-sheet.png")).unwrap()
    };
    let (plain, shifted) = (show(&[]), show(&["--shift", "2"]));
    assert_ne!(shifted, plain);
    assert_eq!(show(&["--shift", "2"]), shifted);
    assert_ne!(show(&["--rotation", "0.2"]), shifted);
    let refused = |flags: &[&str], words: &[&str]| {
        let run = desk.run([&["data", "show"], flags].concat());
        run.refused(words);
    };
    refused(
        &["digits", "--scale", "0.6"],
        &["--scale", "0 to 0.5", "0.6"],
    );
    refused(
        &["digits", "--elastic=-1"],
        &["--elastic", "from 0 to 128 pixels", "-1"],
    );
    refused(
        &["digits", "--shear", "nan"],
        &["--shear", "from 0 to 1", "nan"],
    );
    refused(
        &["digits", "--shift", "far"],
        &["--shift", "a number", "far"],
    );
    refused(&["xor", "--shift", "1"], &["xor", "points", "augment"]);
}

/// Standard streams that nobody reads are no reason to fail, and none to panic.
#[test]
fn unread_streams() {
    let desk = Desk::new();
    let program = thumbnet_tests::thumbnet().display().to_string();
    let shell = |script: &str| {
        let script = script.replace("thumbnet", &format!("'{program}'"));
        Run::of(desk.command("sh").args(["-c", &script]))
    };
    for (script, code) in [
        ("thumbnet data fetch digits >&-", "0"),
        ("thumbnet data fetch digits 2>&-", "0"),
        ("thumbnet evaluate missing 2>&-", "2"),
        ("thumbnet train --nope 2>&-", "2"),
    ] {
        let run = shell(&format!("({script}); echo $? >&2"));
        assert_eq!(run.stderr, format!("{code}\n"), "{script}: {run:?}");
    }
    for script in [
        "thumbnet --help",
        "thumbnet data show digits",
        "thumbnet data fetch digits",
    ] {
        let run = shell(&format!("({script}; echo $? >&2) | true"));
        assert_eq!(run.stderr, "0\n", "{script}: {run:?}");
    }
    // What cannot be printed for another reason is told.
    let run = shell("thumbnet data fetch digits >/dev/full");
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.stderr.starts_with("error:"), "{run:?}");
}
