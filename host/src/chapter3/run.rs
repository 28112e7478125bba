//! From figures to outcomes: every training once, every figure as soon as its trainings have ended.

use anyhow::Result;

use super::bar::Bar;
use super::results::{Results, Run, Scale};
use super::runner::{self, Job};
use super::training::{Course, Training};
use super::{Figure, Outcome, Verdict};
use crate::data::Dataset;
use crate::training::Progress;

/// With fewer training images than a quick run on MNIST has, nothing trained on them is judged.
const ENOUGH: usize = 10_000;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Options {
    /// Fewer images and epochs.
    pub quick: bool,
    /// Seeds 1, 2, 3 and so on; at least two, or there is nothing to compare noise with.
    pub seeds: u64,
    /// Trainings at a time.
    pub threads: usize,
}

/// A figure that waits for its trainings: their names, and the first job of each.
struct Waiting {
    figure: &'static Figure,
    runs: Vec<(String, Training, usize)>,
}

/// Trains for `figures`, and hands over what came of each, in order, as soon as it is there. If
/// `progress.stop` is set, figures whose trainings have not all ended are left out.
///
/// # Errors
///
/// Images that are too large, and whatever `each` says.
pub fn run(
    figures: &[&'static Figure],
    options: &Options,
    data: &Dataset,
    progress: &Progress,
    mut each: impl FnMut(Outcome, &Bar) -> Result<()>,
) -> Result<()> {
    let scale = Scale {
        quick: options.quick,
        available: data.train.len(),
    };
    let (jobs, names, waiting) = plan(figures, scale, options.seeds);
    let bar = Bar::new(&jobs, names);
    let mut courses: Vec<Option<Course>> = vec![None; jobs.len()];
    let mut waiting = waiting.into_iter().peekable();
    let mut hand_over = |courses: &[Option<Course>]| {
        while let Some(next) = waiting.peek() {
            let Some(results) = next.results(courses, options.seeds) else {
                return Ok(());
            };
            each(Outcome::new(next.figure, results, scale)?, &bar)?;
            waiting.next();
        }
        Ok(())
    };
    // Some figures train nothing.
    hand_over(&courses)?;
    runner::run(
        &jobs,
        data,
        options.threads,
        progress,
        &bar,
        |index, course| {
            courses[index] = Some(course);
            hand_over(&courses)
        },
    )
}

/// Everything to be trained, no training twice, what each is for, and which figure needs which.
fn plan(
    figures: &[&'static Figure],
    scale: Scale,
    seeds: u64,
) -> (Vec<Job>, Vec<String>, Vec<Waiting>) {
    let (mut jobs, mut names): (Vec<Job>, Vec<String>) = Default::default();
    let mut waiting = Vec::new();
    for figure in figures.iter().copied() {
        let mut runs = Vec::new();
        for (name, training) in (figure.trainings)(scale) {
            let known = jobs.iter().position(|(other, _)| *other == training);
            let first = known.unwrap_or(jobs.len());
            if known.is_none() {
                for seed in 1..=seeds {
                    jobs.push((training.clone(), seed));
                    names.push(format!("{}, {name}, seed {seed}", figure.name));
                }
            }
            runs.push((name, training, first));
        }
        waiting.push(Waiting { figure, runs });
    }
    (jobs, names, waiting)
}

impl Waiting {
    /// What the trainings came to, once all have ended.
    fn results(&self, courses: &[Option<Course>], seeds: u64) -> Option<Results> {
        let run = |(name, training, first): &(String, Training, usize)| {
            let own = &courses[*first..*first + seeds as usize];
            Some(Run {
                name: name.clone(),
                training: training.clone(),
                courses: own.iter().cloned().collect::<Option<_>>()?,
            })
        };
        let runs = self.runs.iter().map(run).collect::<Option<_>>()?;
        Some(Results { runs })
    }
}

impl Outcome {
    pub(super) fn new(figure: &'static Figure, results: Results, scale: Scale) -> Result<Self> {
        let checks = (figure.checks)(&results)?;
        let enough = scale.available >= ENOUGH && (figure.quick || !scale.quick);
        Ok(Self {
            verdict: Verdict::of(&checks, enough || results.runs.is_empty()),
            figure,
            results,
            checks,
        })
    }
}
