//! The epochs of a run: train, validate, keep the best.

use std::sync::atomic::Ordering;
use std::time::Instant;

use anyhow::Result;

use super::costs::Costs;
use super::plan::Plan;
use super::rate::Rate;
use super::state::Saved;
use super::trainer::Trainer;
use super::watch::Watch;
use crate::board::BoardTrainer;
use crate::data::Dataset;
use crate::history::EpochRecord;
use crate::model::Model;
use crate::recipe::values::TrainOn;
use crate::training::{EngineState, ImageSource, Instructions, Progress, TrainingImages, evaluate};

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// All epochs are done, or more of them would change nothing.
    Epochs,
    /// The validation images have seen no better epoch for too long.
    Patience,
    /// Somebody asked for it; the last epoch may have seen fewer samples.
    Interrupt,
    /// A cost or a weight is no longer a finite number: nothing can be learned from there.
    Diverged,
}

impl Stopped {
    /// The word for it in files and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Epochs => "epochs",
            Self::Patience => "patience",
            Self::Interrupt => "interrupt",
            Self::Diverged => "diverged",
        }
    }
}

/// The state of a run at the end of an epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// All epochs so far.
    pub history: Vec<EpochRecord>,
    /// The weights after the last epoch.
    pub last: Model,
    /// The weights of the epoch with the highest validation accuracy (among equals, the lowest
    /// validation cost) or the lowest validation cost, as the recipe says; without validation, of
    /// the last epoch. Before any epoch has ended well, the weights it all began with.
    pub best: Model,
    /// Which epoch `best` is from, counted from 1; 0 for the weights it all began with.
    pub best_epoch: usize,
    /// Samples trained in the last epoch: fewer than there are if it was interrupted.
    pub epoch_samples: usize,
    /// Time spent training in the last epoch, validation apart.
    pub epoch_seconds: f64,
    /// Samples trained in all epochs.
    pub samples: usize,
    /// Time spent training in all epochs.
    pub seconds: f64,
    /// Why it ended, once it has ended.
    pub stopped: Option<Stopped>,
    /// What the epochs to come follow from, if the last one was whole and the trainer can go on.
    pub state: Option<EngineState>,
}

impl Fit {
    /// Samples trained in a second, over all epochs; 0 before the first.
    pub fn samples_per_second(&self) -> f64 {
        if self.samples == 0 {
            return 0.0;
        }
        self.samples as f64 / self.seconds
    }
}

/// Trains as planned. After each epoch, `after_epoch` sees how things are; an error of its own
/// ends the run.
///
/// `progress.samples` counts the epoch at hand, and `progress.stop` ends it after the mini-batch
/// at hand. At least one mini-batch is trained.
///
/// # Errors
///
/// Those of `after_epoch`, and images of another size than the network's are prepared from.
pub fn fit(
    plan: &Plan,
    data: &Dataset,
    progress: &Progress,
    after_epoch: impl FnMut(&Fit) -> Result<()>,
) -> Result<Fit> {
    go_on(plan, data, Start::default(), progress, after_epoch)
}

/// What a run goes on from, and what trains it.
#[derive(Default)]
pub struct Start {
    /// Where it was; without, it begins.
    pub saved: Option<Saved>,
    /// The board that trains it, if it is not this computer. None goes on from where it was.
    pub board: Option<BoardTrainer>,
}

/// Goes on from where a run was, and ends with the bits of one that never stopped, whoever trains.
///
/// # Errors
///
/// As with [`fit`], a state that is not of such a run, and a board that fails.
pub fn go_on(
    plan: &Plan,
    data: &Dataset,
    start: Start,
    progress: &Progress,
    mut after_epoch: impl FnMut(&Fit) -> Result<()>,
) -> Result<Fit> {
    let preparation = plan.initial.preparation;
    let validation = data.validation.prepared(preparation)?;
    // Those that are trained on too have nothing to say.
    let validation = (plan.recipe.train_on == TrainOn::Split).then_some(validation);
    let train = plan.training_samples(data);
    let (mut trainer, mut fit) = begin(plan, start)?;
    let mut watch = Watch::new(&plan.recipe);
    let mut out_of_patience = false;
    for epoch in &fit.history {
        out_of_patience = watch.record(epoch);
    }
    fit.stopped = if out_of_patience {
        Some(Stopped::Patience)
    } else {
        (fit.history.len() >= plan.recipe.epochs).then_some(Stopped::Epochs)
    };
    if fit.stopped.is_some() {
        return Ok(fit);
    }

    let costs = Costs::new(plan);
    let instructions = Instructions::detect();
    let source = ImageSource {
        samples: &train,
        count: plan.train_samples,
        augment: plan.augment(),
        preparation,
        seed: plan.recipe.seed,
    };
    std::thread::scope(|scope| {
        let first = fit.history.len() + 1;
        let mut images = TrainingImages::start(scope, source, first, plan.threads)?;
        let rate = Rate::new(&plan.recipe, plan.steps_of_epoch());
        let mut decay_before = costs.decay_term(trainer.parameters());
        for epoch in first.. {
            let start = Instant::now();
            let images = images.next_epoch()?;
            let scale = watch.scale();
            let first_step = trainer.steps();
            let trained = trainer.epoch(images, &|step| rate.of(step, scale), progress)?;
            fit.epoch_seconds = start.elapsed().as_secs_f64();
            fit.epoch_samples = trained.samples;
            fit.seconds += fit.epoch_seconds;
            fit.samples += trained.samples;
            let decay_after = costs.decay_term(trainer.parameters());
            trainer.store(&mut fit.last);
            let (validation_cost, validation_accuracy) = match &validation {
                None => (f64::NAN, f64::NAN),
                Some(samples) => {
                    let found = evaluate(&fit.last, samples, plan.threads, instructions);
                    (costs.reported(found.cost, decay_after), found.accuracy)
                }
            };
            let record = EpochRecord {
                epoch,
                // Costs are those before each step: the decay term is between that of the
                // beginning and that of the end.
                train_cost: costs.reported(trained.cost, f64::midpoint(decay_before, decay_after)),
                validation_cost,
                validation_accuracy,
                learning_rate: if plan.full_batch().is_some() {
                    f64::NAN
                } else {
                    shortest(rate.of(first_step, scale))
                },
                seconds: start.elapsed().as_secs_f64(),
            };
            decay_before = decay_after;
            fit.history.push(record);

            let finite = trained.cost.is_finite()
                && (validation.is_none() || validation_cost.is_finite())
                && fit.last.parameters.iter().all(|value| value.is_finite());
            let whole = trained.samples == plan.samples_of_epoch();
            if finite {
                // A run ends when it diverges, so all records are of epochs that went well.
                fit.best_epoch = watch.best(&fit.history);
                if fit.best_epoch == epoch {
                    fit.best.parameters.clone_from(&fit.last.parameters);
                }
            }
            let enough = watch.record(&record);
            // An epoch that was cut short is trained again, whole, by whoever goes on.
            fit.state = if whole && finite {
                trainer.state()
            } else {
                None
            };
            progress.samples.store(0, Ordering::Relaxed);
            after_epoch(&fit)?;

            fit.stopped = if !finite {
                Some(Stopped::Diverged)
            } else if enough && whole {
                Some(Stopped::Patience)
            } else if whole && (epoch >= plan.recipe.epochs || trainer.converged()) {
                Some(Stopped::Epochs)
            } else if progress.stop.load(Ordering::Relaxed) {
                Some(Stopped::Interrupt)
            } else {
                continue;
            };
            break;
        }
        Ok(fit)
    })
}

/// The number that is written like this one: 0.1 for 0.1, whose f32 is not that of f64.
fn shortest(value: f32) -> f64 {
    value.to_string().parse().unwrap_or(f64::from(value))
}

/// What trains, and how things are before the next epoch.
fn begin(plan: &Plan, start: Start) -> Result<(Trainer, Fit)> {
    let mut fit = Fit {
        history: Vec::new(),
        last: plan.initial.clone(),
        best: plan.initial.clone(),
        best_epoch: 0,
        epoch_samples: 0,
        epoch_seconds: 0.0,
        samples: 0,
        seconds: 0.0,
        stopped: None,
        state: None,
    };
    if let Some(board) = start.board {
        return Ok((Trainer::Board(Box::new(board)), fit));
    }
    let Some(saved) = start.saved else {
        return Ok((Trainer::new(plan, None), fit));
    };
    saved.check(plan)?;
    let mut trainer = Trainer::new(plan, Some(saved.engine));
    trainer.store(&mut fit.last);
    fit.best.parameters = saved.best;
    fit.best_epoch = saved.best_epoch;
    fit.history = saved.history;
    fit.samples = saved.samples;
    fit.seconds = saved.seconds;
    fit.state = trainer.state();
    Ok((trainer, fit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{DataChoice, load};
    use crate::history::best_epoch;
    use crate::recipe::Recipe;

    /// The default of every key is the book's network of 30 units.
    fn digits(recipe: Recipe, threads: usize) -> (Plan, Dataset) {
        let data = load(&DataChoice::Digits).unwrap();
        let plan = Plan::new(recipe, &data, threads).unwrap();
        (plan, data)
    }

    fn run(recipe: Recipe, threads: usize) -> Fit {
        let (plan, data) = digits(recipe, threads);
        fit(&plan, &data, &Progress::default(), |_| Ok(())).unwrap()
    }

    #[test]
    fn the_best_epoch_is_kept_and_the_last_one_too() {
        let mut seen = Vec::new();
        let (plan, data) = digits(
            Recipe {
                epochs: 6,
                ..Recipe::default()
            },
            2,
        );
        let end = fit(&plan, &data, &Progress::default(), |fit| {
            seen.push((fit.last.clone(), fit.best.clone()));
            Ok(())
        })
        .unwrap();
        assert_eq!(seen.len(), 6);
        let best = best_epoch(&end.history, plan.recipe.best_by).unwrap();
        assert_eq!(end.best_epoch, best.epoch);
        assert_eq!(end.best, seen[best.epoch - 1].0);
        assert_eq!(end.last, seen[5].0);
        assert_eq!(seen[0].0, seen[0].1);
        assert_eq!(end.stopped, Some(Stopped::Epochs));
        assert_eq!(end.samples, 6 * 1197);
        let again = evaluate(&end.best, &data.validation, 1, Instructions::Baseline);
        assert_eq!(
            (again.accuracy, again.cost),
            (best.validation_accuracy, best.validation_cost)
        );
    }

    #[test]
    fn a_request_to_stop_ends_the_epoch_after_a_mini_batch() {
        let (plan, data) = digits(Recipe::default(), 1);
        let progress = Progress::default();
        progress.stop.store(true, Ordering::Relaxed);
        let end = fit(&plan, &data, &progress, |_| Ok(())).unwrap();
        assert_eq!(end.stopped, Some(Stopped::Interrupt));
        assert_eq!(end.history.len(), 1);
        assert!((1..100).contains(&end.samples), "{}", end.samples);
        assert_ne!(end.last.parameters, plan.initial.parameters);
        assert_eq!(end.best, end.last);
    }

    #[test]
    fn a_request_between_epochs_starts_no_other() {
        let (plan, data) = digits(Recipe::default(), 2);
        let progress = Progress::default();
        let end = fit(&plan, &data, &progress, |fit| {
            progress
                .stop
                .store(fit.history.len() == 2, Ordering::Relaxed);
            Ok(())
        })
        .unwrap();
        assert_eq!(end.stopped, Some(Stopped::Interrupt));
        assert_eq!((end.history.len(), end.epoch_samples), (2, 1197));
    }

    #[test]
    fn a_diverged_epoch_is_told_but_never_the_best() {
        let recipe = Recipe {
            learning_rate: 1e30,
            activation: thumbnet::Activation::Identity,
            ..Recipe::default()
        };
        let end = run(recipe.clone(), 2);
        assert_eq!(end.stopped, Some(Stopped::Diverged));
        assert_eq!(end.history.len(), 1);
        assert_eq!(end.best_epoch, 0);
        let (plan, _) = digits(recipe, 2);
        assert_eq!(end.best, plan.initial);
    }

    #[test]
    fn threads_do_not_change_a_bit() {
        let with = |threads| {
            let recipe = Recipe {
                epochs: 2,
                momentum: 0.5,
                dropout: vec![0.2],
                l2: 1.0,
                ..Recipe::default()
            };
            run(recipe, threads)
        };
        let (one, three) = (with(1), with(3));
        assert_eq!(one.last, three.last);
        assert_eq!(one.best, three.best);
    }
}
