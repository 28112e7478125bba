//! Rung by rung: every setting that is due trained, each on a thread of its own.

use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};

use anyhow::{Result, ensure};
use rand_core::SeedableRng;
use rand_xorshift::XorShiftRng;

use super::halving::{ranked, rungs};
use super::results::{Row, Settings};
use crate::data::Dataset;
use crate::recipe::Recipe;
use crate::recipe::values::TrainOn;
use crate::run::fit::{Stopped, fit};
use crate::run::plan::Plan;
use crate::training::Progress;

/// Values are drawn so often for a setting that goes together, such as a rate and a decay that do
/// not turn weights around.
const DRAWS: usize = 100;

/// Who is told what happens, one thing at a time.
pub trait Observer: Send {
    /// An epoch of some training has ended.
    fn epoch(&mut self);

    /// A training has ended; `rows` are all so far, `row` among them.
    ///
    /// # Errors
    ///
    /// Whatever is to end the search.
    fn trained(&mut self, row: &Row, rows: &[Row]) -> Result<()>;
}

/// What threads share.
struct Shared<'a> {
    /// What is to be trained, the first last.
    due: Vec<usize>,
    rows: Vec<Row>,
    observer: &'a mut dyn Observer,
}

/// Searches, and goes on from the `rows` that are there. All rows, by epochs and settings; none if
/// `progress` was told to stop.
///
/// # Errors
///
/// Settings that nothing can be trained with, and those of `observer`.
pub fn search(
    settings: &Settings,
    data: &Dataset,
    rows: Vec<Row>,
    threads: usize,
    progress: &Progress,
    observer: &mut dyn Observer,
) -> Result<Option<Vec<Row>>> {
    check(settings, data)?;
    let best_by = settings.recipe.best_by;
    let mut shared = Shared {
        due: Vec::new(),
        rows,
        observer,
    };
    let mut going_on: Vec<usize> = (0..settings.trials).collect();
    let mut before = None;
    for rung in rungs(settings.trials, settings.budget) {
        if let Some(epochs) = before.replace(rung.epochs) {
            let ranked = ranked(&shared.rows, epochs, best_by);
            going_on = ranked
                .iter()
                .take(rung.trials)
                .map(|row| row.trial)
                .collect();
        }
        let known = |trial: &usize| {
            let mut rows = shared.rows.iter();
            rows.any(|row| (row.trial, row.epochs) == (*trial, rung.epochs))
        };
        shared.due = going_on
            .iter()
            .copied()
            .filter(|trial| !known(trial))
            .collect();
        shared.due.reverse();
        let each = Mutex::new(&mut shared);
        std::thread::scope(|scope| {
            let work = || train_due(settings, data, rung.epochs, progress, &each);
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            workers.into_iter().try_for_each(|worker| {
                let ended = worker.join();
                ended.unwrap_or_else(|cause| std::panic::resume_unwind(cause))
            })
        })?;
        if progress.stop.load(Ordering::Relaxed) {
            return Ok(None);
        }
    }
    Ok(Some(shared.rows))
}

/// Whether this can be searched at all.
///
/// # Errors
///
/// No validation images to choose by.
pub fn check(settings: &Settings, data: &Dataset) -> Result<()> {
    ensure!(
        settings.recipe.train_on == TrainOn::Split && !data.validation.is_empty(),
        "expected validation images to choose settings by, found none: leave train_on = \"all\" to \
         a training with the recipe that is found"
    );
    Ok(())
}

/// Trains what is due until nothing is.
fn train_due(
    settings: &Settings,
    data: &Dataset,
    epochs: usize,
    progress: &Progress,
    shared: &Mutex<&mut Shared<'_>>,
) -> Result<()> {
    let lock = || shared.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let Some(trial) = lock().due.pop() else {
            return Ok(());
        };
        let train = || -> Result<()> {
            let plan = setting(settings, trial, epochs, data)?;
            let fit = fit(&plan, data, progress, |_| {
                lock().observer.epoch();
                Ok(())
            })?;
            if fit.stopped == Some(Stopped::Interrupt) {
                lock().due.clear();
                return Ok(());
            }
            let row = Row::new(trial, &plan.recipe, &fit);
            let mut shared = lock();
            let shared = &mut **shared;
            shared.rows.push(row.clone());
            shared.rows.sort_by_key(|row| (row.epochs, row.trial));
            shared.observer.trained(&row, &shared.rows)
        };
        if let Err(error) = train() {
            // The others end with what they are at.
            lock().due.clear();
            return Err(error);
        }
    }
}

/// A training of setting `trial`: its recipe follows from the settings' seed and its number.
///
/// # Errors
///
/// Values that make no sense with this data, however often they are drawn.
pub fn setting(settings: &Settings, trial: usize, epochs: usize, data: &Dataset) -> Result<Plan> {
    let base = Recipe {
        epochs,
        ..settings.recipe.clone()
    };
    // Weights, shuffles and dropout start from the seed itself.
    let seed = (!base.seed).wrapping_add(trial as u64);
    let mut rng = XorShiftRng::seed_from_u64(seed);
    let mut drawn = || Plan::new(settings.ranges.draw(&base, &mut rng), data, 1);
    let mut plan = drawn();
    for _ in 1..DRAWS {
        if plan.is_ok() {
            break;
        }
        plan = drawn();
    }
    plan
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{DataChoice, load};
    use crate::tune::space::{Range, Space};

    fn settings() -> Settings {
        let recipe = Recipe {
            train_samples: Some(300),
            hidden: vec![12],
            ..Recipe::built_in("digits").unwrap()
        };
        Settings {
            trials: 9,
            budget: 9,
            ranges: Space::default().or_usual(&recipe),
            recipe,
        }
    }

    /// Counts, and stops after some trainings.
    struct Count<'a> {
        trained: usize,
        epochs: usize,
        most: usize,
        progress: &'a Progress,
        rows: Vec<Row>,
    }

    impl Observer for Count<'_> {
        fn epoch(&mut self) {
            self.epochs += 1;
        }

        fn trained(&mut self, _: &Row, rows: &[Row]) -> Result<()> {
            self.trained += 1;
            self.rows = rows.to_vec();
            if self.trained == self.most {
                self.progress.stop.store(true, Ordering::Relaxed);
            }
            Ok(())
        }
    }

    /// The rows without their times, and those that an observer saw last.
    fn run(
        settings: &Settings,
        rows: Vec<Row>,
        threads: usize,
        most: usize,
    ) -> (Option<Vec<Row>>, Vec<Row>, usize) {
        let data = load(&DataChoice::Digits).unwrap();
        let progress = Progress::default();
        let mut count = Count {
            trained: 0,
            epochs: 0,
            most,
            progress: &progress,
            rows: rows.clone(),
        };
        let found = search(settings, &data, rows, threads, &progress, &mut count).unwrap();
        (found.map(timeless), count.rows, count.epochs)
    }

    fn timeless(mut rows: Vec<Row>) -> Vec<Row> {
        for row in &mut rows {
            row.seconds = 0.0;
        }
        rows
    }

    #[test]
    fn threads_and_interruptions_change_nothing() {
        let settings = settings();
        let (whole, _, epochs) = run(&settings, Vec::new(), 1, usize::MAX);
        let whole = whole.unwrap();
        let counts = [(1, 9), (3, 3), (9, 1)];
        for (epochs, trials) in counts {
            let found = whole.iter().filter(|row| row.epochs == epochs);
            assert_eq!(found.count(), trials);
        }
        assert_eq!(epochs, 27);
        assert_eq!(run(&settings, Vec::new(), 4, usize::MAX).0.unwrap(), whole);
        for most in [1, 5, 9, 11] {
            let (none, rows, _) = run(&settings, Vec::new(), 2, most);
            assert_eq!(none, None);
            assert!(rows.len() >= most && rows.len() < whole.len());
            let (found, _, more) = run(&settings, rows, 3, usize::MAX);
            assert_eq!(found.unwrap(), whole);
            assert!(more < epochs);
        }
    }

    #[test]
    fn a_row_is_what_a_plain_training_comes_to() {
        let settings = settings();
        let data = load(&DataChoice::Digits).unwrap();
        let plan = setting(&settings, 4, 3, &data).unwrap();
        let plain = fit(&plan, &data, &Progress::default(), |_| Ok(())).unwrap();
        let row = Row::new(4, &plan.recipe, &plain);
        let again = setting(&settings, 4, 3, &data).unwrap();
        assert_eq!(again, plan);
        assert_eq!(
            row.validation_accuracy,
            plain.history[row.best_epoch - 1].validation_accuracy
        );
        assert_ne!(setting(&settings, 5, 3, &data).unwrap().recipe, plan.recipe);
    }

    #[test]
    fn what_cannot_be_trained_is_drawn_again_or_refused() {
        let data = load(&DataChoice::Digits).unwrap();
        let mut settings = settings();
        // Most of these decays would turn weights around.
        settings.ranges.l2 = Some(Range::new(1.0, 1e9));
        for trial in 0..9 {
            setting(&settings, trial, 1, &data).unwrap();
        }
        settings.ranges.l2 = Some(Range::new(1e9, 1e9));
        let error = setting(&settings, 0, 1, &data).unwrap_err().to_string();
        assert!(error.starts_with("l2: expected learning rate"), "{error}");
        settings.recipe.train_on = TrainOn::All;
        let error = check(&settings, &data).unwrap_err().to_string();
        assert!(error.starts_with("expected validation images"), "{error}");
    }
}
