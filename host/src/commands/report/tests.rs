//! Pages about runs: whatever a folder holds, and whatever it lacks.

use std::fs;

use tempfile::TempDir;

use super::*;
use crate::history::{EpochRecord, write_csv};
use crate::page::{Block, Cell, Table};

const RECORD: &str = r#"
command = "thumbnet train --seed 7 <&>"
note = "by <hand>"
[recipe]
data = "digits"
learning_rate = 0.5
hidden = [30, 20]
seed = 7
shuffle = true
[recipe.optimizer]
name = "adam"
beta1 = 0.9
[data]
test = 10000
[result]
stopped = "epochs"
best_epoch = 2
test_accuracy = 0.9614
samples_per_second = 1234567.8
"#;

const SVG: &str = "<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>";

fn history(epochs: usize) -> Vec<EpochRecord> {
    let record = |epoch| EpochRecord {
        epoch,
        train_cost: 1.0 / epoch as f64,
        validation_cost: 1.1 / epoch as f64,
        validation_accuracy: if epoch == 2 { 0.99 } else { 0.9 },
        learning_rate: 0.5,
        seconds: 0.25,
    };
    (1..=epochs).map(record).collect()
}

/// A folder with runs in it.
struct Runs(TempDir);

impl Runs {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn add(&self, name: &str, record: &str, epochs: usize) -> PathBuf {
        let path = self.0.path().join(name);
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join(folder::RECORD), record).unwrap();
        if epochs > 0 {
            write_csv(&history(epochs), path.join(folder::HISTORY)).unwrap();
        }
        path
    }
}

fn read(paths: &[&PathBuf]) -> Vec<RunFiles> {
    let mut runs: Vec<RunFiles> = paths
        .iter()
        .map(|path| RunFiles::read(path).unwrap())
        .collect();
    record::tell_apart(&mut runs);
    runs
}

fn fault(result: Result<impl Sized>) -> String {
    format!("{:#}", result.err().expect("it is an error"))
}

fn tables(page: &Page) -> Vec<&Table> {
    let blocks = page.sections.iter().flat_map(|section| &section.blocks);
    blocks
        .filter_map(|block| match block {
            Block::Table(table) => Some(table),
            _ => None,
        })
        .collect()
}

#[track_caller]
fn rows(page: &Page, caption: &str) -> Vec<String> {
    let cell = |cell: &Cell| match cell {
        Cell::Text(text) => text.clone(),
        Cell::Marked(text, badge) => format!("{text} ({})", badge.words),
    };
    let all = tables(page);
    let table = all.iter().find(|table| table.caption.starts_with(caption));
    let table = table.unwrap_or_else(|| panic!("no table {caption}"));
    let row = |row: &Vec<Cell>| row.iter().map(cell).collect::<Vec<_>>().join(" | ");
    table.rows.iter().map(row).collect()
}

#[test]
fn a_page_says_what_the_record_says() {
    let runs = Runs::new();
    let path = runs.add("a <b>", RECORD, 3);
    fs::write(path.join(folder::MODEL), "").unwrap();
    let page = page(&read(&[&path])).unwrap();
    assert_eq!(page.title, "Training run a <b>");
    assert_eq!(
        page.summary,
        "96.14 % of 10,000 test images are read right, with the weights of epoch 2, the best on \
         validation images."
    );
    assert_eq!(
        rows(&page, "What came of it"),
        [
            "stopped | epochs",
            "best epoch | 2",
            "test accuracy | 96.14 %",
            "samples per second | 1,234,567"
        ]
    );
    assert_eq!(
        rows(&page, "recipe"),
        [
            "data | digits",
            "learning rate | 0.5",
            "hidden | 30, 20",
            "seed | 7",
            "shuffle | yes",
            "optimizer: name | adam",
            "optimizer: beta1 | 0.9"
        ]
    );
    assert_eq!(rows(&page, "run"), ["note | by <hand>"]);
    assert_eq!(
        rows(&page, "Figures of every epoch")[1],
        "2 (best) | 0.5000 | 0.5500 | 99.00 % | 0.5 | 0.25"
    );
    let html = page.render().unwrap();
    for text in [
        "a &#60;b&#62;",
        "--seed 7 &#60;&#38;&#62;",
        "by &#60;hand&#62;",
    ] {
        assert!(html.contains(text), "{text}");
    }
    let model = format!("{}/model.thumbnet", path.display());
    let commands = page.sections.last().unwrap();
    let typed = format!("thumbnet evaluate '{model}' --data digits");
    assert!(
        commands.blocks.contains(&Block::Command(typed)),
        "{commands:?}"
    );
}

#[test]
fn a_comparison_says_what_differs() {
    let runs = Runs::new();
    let other = RECORD
        .replace("learning_rate = 0.5", "learning_rate = 0.25")
        .replace("beta1 = 0.9\n", "")
        .replace("0.9614", "0.9714");
    let paths = [runs.add("one", RECORD, 3), runs.add("two", &other, 30)];
    let page = page(&read(&[&paths[0], &paths[1]])).unwrap();
    assert_eq!(
        (page.title.as_str(), page.summary.as_str()),
        ("2 training runs", "one, two")
    );
    assert_eq!(
        rows(&page, "What differs"),
        [
            "recipe: learning rate | 0.5 | 0.25",
            "recipe: optimizer: beta1 | 0.9 | –"
        ]
    );
    assert_eq!(rows(&page, "What they share").len(), 7);
    assert_eq!(
        rows(&page, "What came of them"),
        [
            "one | epochs | 2 | 96.14 % | 1,234,567",
            "two (most accurate) | epochs | 2 | 97.14 % | 1,234,567"
        ]
    );
    let Some(Block::Figure(curves)) = page.sections[1].blocks.first() else {
        panic!("{:?}", page.sections[1]);
    };
    let key: Vec<&str> = curves.key.iter().map(|entry| entry.1.as_str()).collect();
    assert_eq!(key, ["one", "two", "the best epoch of each run"]);
    assert_eq!(curves.pictures.len(), 2);
    let alt = &curves.pictures[1].alt;
    assert!(
        alt.contains("two: from 90.00 % to 90.00 %; the best is epoch 2 with 99.00 %."),
        "{alt}"
    );
    page.render().unwrap();
}

#[test]
fn the_best_epoch_is_the_runs_own() {
    let runs = Runs::new();
    // The second epoch is the most accurate one, the third has the lowest cost.
    let by_cost = RECORD.replace("best_epoch = 2", "best_epoch = 3");
    let going_on = RECORD.split("[result]").next().unwrap();
    let by_cost_so_far = going_on.replace("[recipe]", "[recipe]\nbest_by = 'cost'");
    for (name, record, best) in [
        ("accuracy", RECORD, 2),
        ("cost", &by_cost, 3),
        ("going", going_on, 2),
        ("going-cost", &by_cost_so_far, 3),
    ] {
        let path = runs.add(name, record, 3);
        let page = page(&read(&[&path])).unwrap();
        let figures = rows(&page, "Figures of every epoch");
        for (epoch, row) in (1..).zip(&figures) {
            assert_eq!(row.contains("(best)"), epoch == best, "{name}: {row}");
        }
        let Some(Block::Figure(curves)) = page.sections[1].blocks.first() else {
            panic!("{:?}", page.sections[1]);
        };
        let words = format!("best: epoch {best}");
        assert!(curves.key.iter().any(|entry| entry.1 == words), "{name}");
        let alt = &curves.pictures[1].alt;
        assert!(
            alt.contains(&format!("the best is epoch {best} with")),
            "{alt}"
        );
    }
}

#[test]
fn a_page_says_which_cost_and_whose_weights() {
    let runs = Runs::new();
    let of = |line: &str| RECORD.replace("[recipe]", &format!("[recipe]\n{line}"));
    let paths = [
        runs.add("mean", RECORD, 3),
        runs.add("notes", &of("report_cost = 'notes'"), 3),
        runs.add("all", &of("train_on = 'all'"), 3),
    ];
    let caption = |paths: &[&PathBuf]| {
        let page = page(&read(paths)).unwrap();
        let Some(Block::Figure(curves)) = page.sections[1].blocks.first() else {
            panic!("{:?}", page.sections[1]);
        };
        curves.caption.clone()
    };
    assert!(caption(&[&paths[0]]).starts_with("Mean cost per sample, and share"));
    let notes = caption(&[&paths[1]]);
    assert!(
        notes.starts_with("Cost summed over a mini-batch, with its decay term, and share"),
        "{notes}"
    );
    let alike = caption(&[&paths[0], &paths[2]]);
    assert!(
        alike.starts_with("Mean cost per sample, and share"),
        "{alike}"
    );
    let both = caption(&[&paths[0], &paths[1], &paths[2]]);
    assert!(
        both.starts_with(
            "Costs that do not compare: Mean cost per sample (mean, all); Cost summed over a \
             mini-batch, with its decay term (notes), and"
        ),
        "{both}"
    );
    let page = page(&read(&[&paths[2]])).unwrap();
    assert_eq!(
        page.summary,
        "96.14 % of 10,000 test images are read right, with the weights of epoch 2, the last one."
    );
}

#[test]
fn what_was_not_measured_is_no_number() {
    let runs = Runs::new();
    let path = runs.add("run", RECORD, 0);
    let records = history(2).into_iter().map(|record| EpochRecord {
        validation_cost: f64::NAN,
        validation_accuracy: f64::NAN,
        learning_rate: f64::NAN,
        ..record
    });
    let records: Vec<EpochRecord> = records.collect();
    write_csv(&records, path.join(folder::HISTORY)).unwrap();
    let page = page(&read(&[&path])).unwrap();
    assert_eq!(
        rows(&page, "Figures of every epoch"),
        [
            "1 | 1.0000 | – | – | – | 0.25",
            "2 | 0.5000 | – | – | – | 0.25"
        ]
    );
    assert!(!page.render().unwrap().contains("NaN"));
}

#[test]
fn runs_of_one_name_are_told_apart() {
    let runs = Runs::new();
    let paths = [runs.add("a/run", RECORD, 1), runs.add("b/run", RECORD, 1)];
    let page = page(&read(&[&paths[0], &paths[1]])).unwrap();
    assert!(
        tables(&page)
            .iter()
            .all(|table| table.caption != "What differs")
    );
    let names: Vec<String> = read(&[&paths[0], &paths[1]])
        .into_iter()
        .map(|run| run.name)
        .collect();
    assert_eq!(names, paths.map(|path| path.display().to_string()));
}

#[test]
fn pictures_are_images_whatever_is_in_them() {
    let runs = Runs::new();
    let path = runs.add("run", RECORD, 1);
    for name in [
        "other <i>.svg",
        "mistakes.png",
        "first-layer.png",
        "boundary.png",
        "curves.svg",
        ".new.svg",
    ] {
        fs::write(path.join(name), SVG).unwrap();
    }
    let page = page(&read(&[&path])).unwrap();
    let titles: Vec<&str> = page
        .sections
        .iter()
        .map(|section| section.title.as_str())
        .collect();
    assert_eq!(
        titles[3..],
        [
            "Weights",
            "Decision boundary",
            "Mistakes",
            "other <i>.svg",
            "Commands"
        ]
    );
    let html = page.render().unwrap();
    assert!(!html.contains("<script") && !html.contains("<i>"));
    assert_eq!(html.matches("src=\"data:image/svg+xml;base64,").count(), 4);
    // A file that is no picture is named.
    fs::write(path.join("half.png"), "half").unwrap();
    let error = fault(super::page(&read(&[&path])));
    assert!(error.contains("half.png: expected a PNG"), "{error}");
}

#[test]
fn a_run_that_has_not_ended_has_a_page() {
    let runs = Runs::new();
    let begun = runs.add("begun", "command = 'c'", 0);
    let path = runs.add("going", "command = 'c'", 5);
    for paths in [&[&begun][..], &[&path], &[&begun, &path], &[&begun, &begun]] {
        let page = page(&read(paths)).unwrap();
        let html = page.render().unwrap();
        assert!(html.contains("This run has not ended"));
        assert_eq!(html.contains("<svg"), paths.contains(&&path));
    }
}

#[test]
fn long_histories_are_shortened() {
    let runs = Runs::new();
    let path = runs.add("run", RECORD, 3_001);
    let page = page(&read(&[&path])).unwrap();
    let rows = rows(&page, "Figures of every 16th epoch");
    assert_eq!(rows.len(), 188 + 2);
    let epoch = |row: &String| row.split(' ').next().unwrap().to_owned();
    let ends = [&rows[0], &rows[1], &rows[2], &rows[rows.len() - 1]];
    assert_eq!(ends.map(epoch), ["1", "2", "17", "3001"]);
}

#[test]
fn what_is_no_run_is_said() {
    let runs = Runs::new();
    let none = runs.0.path().join("none");
    let error = fault(RunFiles::read(&none));
    assert!(
        error.ends_with("none: expected the folder of a run, found no run.toml in it"),
        "{error}"
    );
    let path = runs.add("run", "not = [toml", 0);
    let error = fault(RunFiles::read(&path));
    assert!(error.contains("run.toml is not TOML"), "{error}");
    let path = runs.add("run", RECORD, 0);
    fs::write(path.join(folder::HISTORY), "epoch\n1\n").unwrap();
    let error = fault(RunFiles::read(&path));
    assert!(error.contains("history.csv"), "{error}");
}

#[test]
fn only_pages_are_replaced() {
    let runs = Runs::new();
    let path = runs.add("run", RECORD, 2);
    let report = |out: Option<&str>| {
        run(&ReportArgs {
            runs: vec![path.clone()],
            out: out.map(|name| path.join(name)),
        })
    };
    report(None).unwrap();
    report(None).unwrap();
    assert!(
        fs::read_to_string(path.join("report.html"))
            .unwrap()
            .ends_with("</html>")
    );
    let error = fault(report(Some(folder::HISTORY)));
    assert!(
        error.contains("--out: ") && error.contains("history.csv"),
        "{error}"
    );
    assert!(
        fs::read_to_string(path.join(folder::HISTORY))
            .unwrap()
            .starts_with("epoch,")
    );
    assert!(report(Some(".")).is_err());
    assert!(report(Some("nowhere/page.html")).is_err());
}
