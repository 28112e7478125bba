//! Every figure with made-up curves, judged both ways; and the runner on the embedded digits.

use std::sync::atomic::Ordering;

use super::check::Verdict;
use super::results::{Results, Run, Scale};
use super::training::{Course, Point};
use super::{FIGURES, Figure, Options, Outcome, Report};
use crate::data::{DataChoice, load};
use crate::training::Progress;

const FULL: Scale = Scale {
    quick: false,
    available: 50_000,
};

fn figure(name: &str) -> &'static Figure {
    FIGURES.iter().find(|figure| figure.name == name).unwrap()
}

/// What a figure makes of these courses, by name of the training and seed.
fn outcome(name: &str, course: impl Fn(&str, u64) -> Course) -> Outcome {
    let figure = figure(name);
    let run = |(name, training): (String, _)| Run {
        courses: (1..=3).map(|seed| course(&name, seed)).collect(),
        name,
        training,
    };
    let runs = (figure.trainings)(FULL).into_iter().map(run).collect();
    Outcome::new(figure, Results { runs }, FULL).unwrap()
}

#[track_caller]
fn judged(name: &str, expected: Verdict, course: impl Fn(&str, u64) -> Course) {
    let outcome = outcome(name, course);
    assert_eq!(outcome.verdict, expected, "{name}: {:#?}", outcome.checks);
    // Whatever the numbers, there is something to see.
    assert!(!(outcome.figure.draw)(&outcome.results).unwrap().is_empty());
    assert!(Report::new(String::new()).unwrap().add(&outcome).is_ok());
}

/// Of a figure's checks, the one that says `what` fails, and no other.
#[track_caller]
fn fails_alone(name: &str, what: &str, course: impl Fn(&str, u64) -> Course) {
    let outcome = outcome(name, course);
    assert_eq!(outcome.verdict, DoesNotHold);
    let failing: Vec<&str> = (outcome.checks.iter())
        .filter(|check| !check.holds)
        .map(|check| check.what.as_str())
        .collect();
    assert!(
        matches!(&*failing, [only] if only.contains(what)),
        "{name}: expected {what:?} to fail, found {failing:?}"
    );
}

use Verdict::{DoesNotHold, Holds};

/// Accuracies on validation images, and on those learned from, in percent; the costs of both.
fn point(epoch: usize, accuracy: f64, learned: f64, cost: f64, learned_cost: f64) -> Point {
    Point {
        epoch,
        train_cost: learned_cost,
        train_accuracy: learned / 100.0,
        validation_cost: cost,
        validation_accuracy: accuracy / 100.0,
        seconds: epoch as f64,
    }
}

/// A course with these points, whose accuracies differ a little from seed to seed.
fn course(seed: u64, points: &[Point]) -> Course {
    let moved = |point: &Point| Point {
        validation_accuracy: point.validation_accuracy + 1e-5 * (seed * seed) as f64,
        ..*point
    };
    Course {
        points: points.iter().map(moved).collect(),
        ..Course::default()
    }
}

/// From one accuracy to another.
fn rising(seed: u64, from: f64, to: f64) -> Course {
    course(
        seed,
        &[point(1, from, 99.0, 1.0, 1.0), point(2, to, 99.0, 0.5, 0.5)],
    )
}

#[test]
fn costs_are_compared_at_the_beginning_and_at_the_end() {
    let with = |quadratic: [f64; 2]| {
        move |name: &str, seed| match name {
            "quadratic cost" => rising(seed, quadratic[0], quadratic[1]),
            _ => rising(seed, 90.0, 95.0),
        }
    };
    judged("quadratic", Holds, with([80.0, 94.0]));
    judged("quadratic", DoesNotHold, with([80.0, 95.0]));
    judged("quadratic", DoesNotHold, with([91.0, 94.0]));
}

#[test]
fn overfitting_is_a_cost_that_turns() {
    let with = |turn, cost, learned, accuracy| {
        move |_: &str, seed| {
            let points = [
                point(1, 60.0, 60.0, 2.0, 2.0),
                point(turn, 80.0, 95.0, 1.0, 0.5),
                point(400, accuracy, learned, cost, 0.01),
            ];
            course(seed, &points)
        }
    };
    let alone = |what: &str, course: &dyn Fn(&str, u64) -> Course| {
        fails_alone("overfitting", what, course);
    };
    judged("overfitting", Holds, with(20, 1.5, 100.0, 83.0));
    judged("overfitting", DoesNotHold, with(20, 0.9, 100.0, 83.0));
    alone("by its lowest", &with(20, 1.1, 100.0, 83.0));
    alone("learned from", &with(20, 1.5, 97.0, 83.0));
    alone("on validation images", &with(20, 1.5, 100.0, 93.0));
    alone("after this part", &with(200, 1.5, 100.0, 83.0));
}

#[test]
fn decay_has_to_raise_the_accuracy_and_to_close_the_gap() {
    type Figures = (f64, f64);
    let with = |few: Figures, all: Figures| {
        move |name: &str, seed| {
            let (accuracy, learned) = match name {
                "1,000 images, lambda 0.1" => few,
                "all images, lambda 5" => all,
                _ => (85.0, 95.0),
            };
            let last = point(2, accuracy, learned, 1.0, 1.0);
            course(seed, &[point(1, 50.0, 50.0, 1.0, 1.0), last])
        }
    };
    let alone = |what: &str, course: &dyn Fn(&str, u64) -> Course| fails_alone("l2", what, course);
    // More of other images is read right, and the gap is 8 points instead of 10.
    let good = (86.0, 94.0);
    judged("l2", Holds, with(good, good));
    for (bad, part) in [
        ((84.0, 92.0), "accuracy at the end"),
        ((86.0, 98.0), "gap at the end"),
    ] {
        alone(&format!("1,000 images: {part}"), &with(bad, good));
        alone(&format!("All images: {part}"), &with(good, bad));
    }
}

#[test]
fn sparse_weights_are_zero_but_for_a_few() {
    // Of 100 weights, those that decay has moved to where they are, and how it reads.
    let few_large = |index: usize| 1.0 / (1.0 + index as f32);
    let all_alike = |_: usize| 0.05;
    let with = |truncated: f32, l1: f32, most: fn(usize) -> f32, l2: fn(usize) -> f32, accuracy| {
        move |name: &str, seed| {
            let weight = |index: usize| match name {
                "L1, truncated" if index >= 40 => truncated,
                "L1" if index >= 40 => l1,
                "L1" | "L1, truncated" => most(index),
                _ => l2(index),
            };
            let last = match name {
                "L1, truncated" => accuracy,
                _ => 95.0,
            };
            Course {
                weights: (0..100).map(weight).collect(),
                ..rising(seed, 90.0, last)
            }
        }
    };
    let alone = |what: &str, course: &dyn Fn(&str, u64) -> Course| fails_alone("l1", what, course);
    judged("l1", Holds, with(0.0, 5e-4, few_large, all_alike, 94.5));
    alone(
        "exactly zero",
        &with(5e-4, 5e-4, few_large, all_alike, 94.5),
    );
    alone("below 0.001", &with(0.0, 2e-3, few_large, all_alike, 94.5));
    alone(
        "largest tenth",
        &with(0.0, 5e-4, all_alike, few_large, 94.5),
    );
    alone("beside L2's", &with(0.0, 5e-4, few_large, all_alike, 93.5));
}

#[test]
fn dropout_has_to_gain_more_with_many_units() {
    let with = |few, many| {
        move |name: &str, seed| match name {
            "30 units, dropout" => rising(seed, 80.0, 85.0 + few),
            "400 units, dropout" => rising(seed, 80.0, 87.0 + many),
            "30 units" => rising(seed, 80.0, 85.0),
            _ => rising(seed, 80.0, 87.0),
        }
    };
    judged("dropout", Holds, with(-1.0, 1.0));
    judged("dropout", DoesNotHold, with(2.0, 1.0));
    judged("dropout", DoesNotHold, with(-2.0, -1.0));
}

#[test]
fn more_images_and_shifted_ones_have_to_be_better_everywhere() {
    let with = |shifted: f64, most: f64| {
        move |name: &str, seed| {
            let count: f64 = name.split(' ').next().unwrap().parse().unwrap();
            let accuracy = 50.0 + 4.0 * count.min(most).log10();
            let more = if name.contains("shifted") {
                shifted
            } else {
                0.0
            };
            rising(seed, 10.0, accuracy + more)
        }
    };
    judged("augmentation", Holds, with(1.0, 1e9));
    judged("augmentation", DoesNotHold, with(-0.5, 1e9));
    judged("augmentation", DoesNotHold, with(1.0, 20_000.0));
}

#[test]
fn small_initial_weights_have_to_be_ahead_after_an_epoch() {
    let with = |first| {
        move |name: &str, seed| match name.ends_with("sqrt(fan_in)") {
            true => rising(seed, first, 95.0),
            false => rising(seed, 80.0, 95.0),
        }
    };
    judged("initialization", Holds, with(90.0));
    judged("initialization", DoesNotHold, with(80.0));
}

#[test]
fn momentum_has_to_be_faster_but_not_when_it_is_too_much() {
    let with = |none: f64, some: f64, ahead: f64, high: f64| {
        move |name: &str, seed| {
            let (first, last) = match name {
                "momentum 0" => (none, 0.5),
                "momentum 0.5" => (some, 0.4),
                "momentum 0.99" => (2.0, high),
                "Nesterov 0.99" => (1.0, ahead),
                _ => (0.5, 0.2),
            };
            let points = [
                point(1, 90.0, 90.0, 1.0, first),
                point(5, 90.0, 90.0, 1.0, last),
            ];
            course(seed, &points)
        }
    };
    let alone =
        |what: &str, course: &dyn Fn(&str, u64) -> Course| fails_alone("momentum", what, course);
    judged("momentum", Holds, with(1.0, 0.8, 1.0, 2.0));
    alone("momentum 0 than with 0.5", &with(0.7, 0.8, 1.0, 2.0));
    alone("momentum 0.5 than with 0.9", &with(1.0, 0.4, 1.0, 2.0));
    alone("Nesterov 0.99", &with(1.0, 0.8, 2.5, 2.0));
    alone("0.99 than with 0.9", &with(1.0, 0.8, 0.1, 0.15));
}

#[test]
fn depth_has_to_hurt_sigmoid_units_alone() {
    let with = |reaching: f64, deep: f64| {
        move |name: &str, seed| {
            let sigmoid = name.starts_with("sigmoid");
            let last = match (sigmoid, name.contains('5')) {
                (true, true) => deep,
                _ => 95.0,
            };
            let first = if sigmoid { reaching } else { 1.0 };
            Course {
                gradient_norms: vec![first, 1.0, 1.0, 1.0, 1.0, 2.0],
                ..rising(seed, 10.0, last)
            }
        }
    };
    judged("depth", Holds, with(0.01, 40.0));
    judged("depth", DoesNotHold, with(0.5, 40.0));
    judged("depth", DoesNotHold, with(0.01, 95.0));
}

#[test]
fn swings_are_epochs_that_raise_the_cost() {
    let with = |swing: f64, slow: f64| {
        move |name: &str, seed| {
            let cost = |epoch: usize| match name {
                "0.025" => slow - 0.01 * epoch as f64,
                "0.25" => 0.3 - 0.01 * epoch as f64,
                _ => 0.6 + swing * (epoch % 2) as f64 - 0.01 * epoch as f64,
            };
            let at = |epoch| point(epoch, 90.0, 90.0, 1.0, cost(epoch));
            course(seed, &(1..=15).map(at).collect::<Vec<_>>())
        }
    };
    judged("learning-rate", Holds, with(0.1, 0.5));
    judged("learning-rate", DoesNotHold, with(0.0, 0.5));
    judged("learning-rate", DoesNotHold, with(0.1, 0.2));
}

#[test]
fn mini_batches_can_be_too_small_and_too_large() {
    let with = |large: f64, slow: f64| {
        move |name: &str, seed| {
            let (accuracy, seconds) = match name {
                "mini-batches of 1" => (96.0, slow),
                "mini-batches of 10" => (95.0, 1.0),
                _ => (large, 0.9),
            };
            let last = Point {
                seconds,
                ..point(2, accuracy, 95.0, 1.0, 1.0)
            };
            course(seed, &[point(1, 80.0, 80.0, 1.0, 1.0), last])
        }
    };
    judged("batch-size", Holds, with(93.0, 3.0));
    judged("batch-size", DoesNotHold, with(95.5, 3.0));
    judged("batch-size", DoesNotHold, with(93.0, 1.0));
}

#[test]
fn a_page_says_what_was_trained_and_of_which_run_it_speaks() {
    let page = |name| {
        let outcome = outcome(name, |_, seed| Course {
            gradient_norms: vec![1.0; 6],
            weights: vec![0.1; 10],
            ..rising(seed, 90.0, 95.0)
        });
        let mut report = Report::new(String::new()).unwrap();
        report.add(&outcome).unwrap();
        let [page, _, _] = report.files().unwrap();
        String::from_utf8(page).unwrap()
    };
    let (momentum, decay) = (page("momentum"), page("l1"));
    for words in ["momentum 0.9<", "Nesterov 0.99<", ">none<"] {
        assert!(momentum.contains(words), "{words}");
    }
    for words in [
        ">gradient descent<",
        ">L2, 0.0001<",
        ">L1, 0.0001<",
        ">L1, truncated, 0.0001<",
    ] {
        assert!(decay.contains(words), "{words}");
    }
    assert!(!momentum.contains("Momentum(") && !decay.contains("L1("));
    // These courses are nothing like those that the explanation is about.
    assert!(page("depth").contains("Found in the full run on MNIST with seeds 1 to 5, where this"));
}

#[test]
fn a_course_that_diverged_supports_nothing() {
    for figure in FIGURES.iter().filter(|figure| figure.name != "neuron") {
        judged(figure.name, DoesNotHold, |_, seed| {
            let nan = point(1, f64::NAN, f64::NAN, f64::NAN, f64::NAN);
            Course {
                gradient_norms: vec![f64::NAN; 6],
                weights: vec![f32::NAN; 10],
                ..course(seed, &[nan, Point { epoch: 2, ..nan }])
            }
        });
    }
}

#[test]
fn figures_have_names_of_their_own_and_claims_that_fit_a_line() {
    for (index, figure) in FIGURES.iter().enumerate() {
        assert!(figure.claim.len() <= 98, "{}", figure.claim);
        let same = |other: &&&Figure| other.name == figure.name;
        assert_eq!(FIGURES.iter().position(|other| same(&other)), Some(index));
        for quick in [false, true] {
            for available in [1_197, 50_000] {
                let scale = Scale { quick, available };
                let trainings = (figure.trainings)(scale);
                for (index, (name, training)) in trainings.iter().enumerate() {
                    let twice = trainings[..index].iter().any(|(other, _)| other == name);
                    assert!(!twice, "{}: {name} is there twice", figure.name);
                    assert!(training.images <= available && training.epochs >= 2);
                }
            }
        }
    }
}

/// What `run` hands over, without times.
fn tried(names: &[&str], threads: usize, progress: &Progress) -> Vec<(&'static str, Results)> {
    let data = load(&DataChoice::Digits).unwrap();
    let figures: Vec<_> = names.iter().map(|name| figure(name)).collect();
    let options = Options {
        quick: true,
        seeds: 2,
        threads,
    };
    let mut found = Vec::new();
    super::run(&figures, &options, &data, progress, |outcome, _| {
        let mut results = outcome.results.clone();
        let runs = results.runs.iter_mut();
        let courses = runs.flat_map(|run| &mut run.courses);
        for point in courses.flat_map(|course| &mut course.points) {
            point.seconds = 0.0;
        }
        found.push((outcome.figure.name, results));
        Ok(())
    })
    .unwrap();
    found
}

#[test]
fn threads_change_nothing_and_figures_come_in_order() {
    let names = ["neuron", "initialization", "depth"];
    let one = tried(&names, 1, &Progress::default());
    assert_eq!(one.iter().map(|(name, _)| *name).collect::<Vec<_>>(), names);
    assert_eq!(tried(&names, 3, &Progress::default()), one);
    let run = &one[1].1.runs[0];
    assert_eq!(run.courses.len(), 2);
    assert_ne!(run.courses[0], run.courses[1]);
}

#[test]
fn a_request_to_stop_leaves_out_what_is_not_complete() {
    let progress = Progress::default();
    progress.stop.store(true, Ordering::Relaxed);
    let found = tried(&["neuron", "initialization"], 2, &progress);
    // A figure without trainings needs none.
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].0, "neuron");
}

#[test]
fn a_failure_ends_it() {
    let data = load(&DataChoice::Digits).unwrap();
    let options = Options {
        quick: true,
        seeds: 2,
        threads: 2,
    };
    let figures = [figure("initialization"), figure("depth")];
    let mut calls = 0;
    let result = super::run(&figures, &options, &data, &Progress::default(), |_, _| {
        calls += 1;
        anyhow::bail!("the disk is full")
    });
    assert_eq!(result.unwrap_err().to_string(), "the disk is full");
    assert_eq!(calls, 1);
}
