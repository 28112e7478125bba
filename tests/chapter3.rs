//! `thumbnet chapter3` on the embedded digits: what it prints, the files it leaves, what it refuses.
#![cfg(unix)]

use std::fs;

use thumbnet_tests::{Desk, Run};

const TRY: [&str; 6] = ["chapter3", "--data", "digits", "--quick", "--seeds", "2"];

#[test]
fn two_figures() {
    let desk = Desk::new();
    let only = ["--only", "neuron", "initialization", "--out", "tried"];
    let run = desk.run(TRY.iter().chain(&only).chain(&["--json"]));
    let lines = run.successful().json();
    let of = |name| {
        lines
            .iter()
            .map(|line| line[name].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(of("figure"), ["neuron", "initialization"]);
    // The neuron needs no data; 1,197 images are too few to judge anything else by.
    assert_eq!(of("verdict"), ["holds", "not judged"]);
    for line in &lines {
        let checks = line["checks"].as_array().expect("a list");
        assert_eq!(checks.len(), 2);
        assert!(checks.iter().all(|check| check["holds"].is_boolean()));
    }

    let read = |name: &str| fs::read_to_string(desk.path("tried").join(name)).expect(name);
    let page = read("chapter3.html");
    assert!(page.starts_with("<!DOCTYPE html>") && page.trim_end().ends_with("</html>"));
    for words in [
        "not judged",
        "Learning slowdown: one neuron",
        "Initial weights",
        "<svg",
    ] {
        assert!(page.contains(words), "{words}");
    }
    let claims = read("claims.csv");
    assert!(claims.starts_with("figure,verdict,check,found,holds\nneuron,holds,"));
    assert_eq!(claims.lines().count(), 1 + 2 + 2);
    let points = read("points.csv");
    assert!(points.starts_with("figure,training,seed,epoch,train_cost,train_accuracy,"));
    // Four trainings of six epochs with two seeds.
    assert_eq!(points.lines().count(), 1 + 4 * 6 * 2);

    // The same again, in words: the old report is moved aside, and only times differ.
    let run = desk.run(TRY.iter().chain(&only).chain(&["--threads", "1"]));
    let run = run.successful();
    assert!(
        run.stdout.contains("\nholds         neuron\n"),
        "{}",
        run.stdout
    );
    assert!(run.stdout.lines().all(|line| line.chars().count() <= 100));
    assert!(desk.path("tried.1").join("chapter3.html").exists());
    assert_eq!(read("claims.csv"), claims);
    let timeless = |text: String| -> Vec<String> {
        let cut = |line: &str| line.rsplit_once(',').map(|(kept, _)| kept.to_owned());
        text.lines().filter_map(cut).collect()
    };
    assert_eq!(timeless(read("points.csv")), timeless(points));
}

#[test]
fn an_interrupted_report_is_whole() {
    let desk = Desk::new();
    let arguments = [
        "chapter3", "--data", "digits", "--seeds", "100", "--out", "tried",
    ];
    let mut run = Run::start(&mut desk.thumbnet(arguments));
    run.until("neuron");
    run.signal("INT");
    let run = run.end().successful();
    assert!(run.stderr.contains("interrupted: "), "{}", run.stderr);
    let files = ["chapter3.html", "claims.csv", "points.csv"].map(|name| format!("tried/{name}"));
    assert_eq!(desk.found()[1..], files);
    let page = fs::read_to_string(desk.path("tried/chapter3.html")).expect("it is there");
    assert!(page.trim_end().ends_with("</html>"));
}

#[test]
fn what_it_cannot_do() {
    let desk = Desk::new();
    for (flags, words) in [
        (&["--only", "nonsense"][..], "--only"),
        (&["--seeds", "1"], "--seeds"),
        (&["--threads", "0"], "--threads"),
    ] {
        let before = desk.found();
        desk.run(["chapter3", "--data", "digits"].iter().chain(flags))
            .refused(&[words]);
        assert_eq!(desk.found(), before);
    }
    fs::write(desk.path("file"), "precious").expect("the desk can be written");
    desk.run(TRY.iter().chain(&["--out", "file"]))
        .refused(&["--out", "file"]);
    assert_eq!(
        fs::read_to_string(desk.path("file")).expect("it is there"),
        "precious"
    );
}
