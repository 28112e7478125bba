//! Short trainings that differ in nothing but the learning rate.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::atomic::Ordering;

use anyhow::{Result, ensure};
use rand_core::SeedableRng;
use rand_xorshift::XorShiftRng;
use thumbnet::random::shuffle;

use crate::data::{Dataset, Samples};
use crate::model::Model;
use crate::run::plan::Plan;
use crate::training::{
    Engine, EngineState, ImageSource, Instructions, Progress, SparseImages, evaluate,
};

/// How often the cost is measured in a short training, not counting before its first step.
pub const POINTS: usize = 50;

/// Training samples that the cost is measured on, if there are as many.
const MEASURED: usize = 1_000;

/// Samples whose images are made at a time: as many as it takes to train fast, few enough for any
/// memory.
const AT_A_TIME: usize = 10_000;

/// What short trainings have in common: where they start, and their mini-batches.
pub struct Probe<'a> {
    plan: &'a Plan,
    /// What mini-batches are made of, in this order, over and over.
    samples: Cow<'a, Samples>,
    order: Vec<u32>,
    /// What the cost is measured on: the same samples each time, so that nothing moves it but the
    /// weights.
    measured: Samples,
    /// Mini-batches between one measurement and the next.
    steps: usize,
    instructions: Instructions,
}

impl<'a> Probe<'a> {
    /// Short trainings of `steps` mini-batches, rounded up to as many for each point.
    ///
    /// # Errors
    ///
    /// An optimiser that has no learning rate, or images of another size than the network's are
    /// prepared from.
    pub fn new(plan: &'a Plan, data: &'a Dataset, steps: usize) -> Result<Self> {
        ensure!(
            plan.full_batch().is_none(),
            "expected an optimizer with a learning rate, found {}, which finds how far to go itself",
            plan.recipe.optimizer
        );
        let samples = plan.training_samples(data);
        let mut order: Vec<u32> = (0..plan.train_samples as u32).collect();
        if plan.recipe.shuffle {
            shuffle(
                &mut XorShiftRng::seed_from_u64(plan.recipe.seed),
                &mut order,
            );
        }
        let first = order.iter().take(MEASURED).map(|&index| index as usize);
        let measured = picked(&samples, first);
        Ok(Self {
            plan,
            measured: measured.prepared(plan.initial.preparation)?.into_owned(),
            samples,
            order,
            steps: steps.div_ceil(POINTS),
            instructions: Instructions::detect(),
        })
    }

    /// Mini-batches from one point to the next.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// Samples that the cost is measured on.
    pub fn measured(&self) -> usize {
        self.measured.len()
    }

    /// Trains at `rate`. The cost before the first step and then at every point, up to the first
    /// that is not finite; fewer if `progress` was told to stop.
    ///
    /// # Errors
    ///
    /// Images with more pixels than the engine can number.
    pub fn curve(&self, rate: f64, progress: &Progress) -> Result<Vec<f64>> {
        let plan = self.plan;
        let hyperparameters = plan.hyperparameters();
        let state = EngineState::new(&plan.initial, &hyperparameters, plan.recipe.seed, false);
        let mut engine = Engine::new(
            plan.initial.architecture,
            hyperparameters,
            state,
            plan.threads,
            self.instructions,
        );
        let mut model = plan.initial.clone();
        let mut curve = vec![self.cost(&model)];
        let batch_size = plan.recipe.batch_size;
        let at_a_time = (AT_A_TIME / batch_size).max(1);
        for point in 0..POINTS {
            let end = (point + 1) * self.steps;
            for first in (point * self.steps..end).step_by(at_a_time) {
                let steps = first..end.min(first + at_a_time);
                let part = self.images(steps.start * batch_size..steps.end * batch_size)?;
                let images = SparseImages::new(&part, part.len())?;
                engine.epoch(&images, &|_| rate as f32, progress);
                if progress.stop.load(Ordering::Relaxed) {
                    return Ok(curve);
                }
            }
            engine.store(&mut model);
            let cost = self.cost(&model);
            curve.push(cost);
            if !cost.is_finite() {
                break;
            }
        }
        Ok(curve)
    }

    /// The samples at these places of all mini-batches, as the network sees them.
    fn images(&self, places: Range<usize>) -> Result<Samples> {
        let plan = self.plan;
        let at = |place: usize| self.order[place % self.order.len()] as usize;
        let source = ImageSource {
            augment: plan.augment(),
            seed: plan.recipe.seed,
            ..ImageSource::plain(&self.samples, plan.train_samples)
        };
        let mut part = picked(&self.samples, places.clone().map(at));
        if !source.augment.is_none() {
            let images = part.images.chunks_exact_mut(self.samples.pixels());
            for (place, image) in places.zip(images) {
                source.distort(1 + place / self.order.len(), at(place), image)?;
            }
        }
        Ok(part.prepared(plan.initial.preparation)?.into_owned())
    }

    fn cost(&self, model: &Model) -> f64 {
        evaluate(model, &self.measured, self.plan.threads, self.instructions).cost
    }
}

/// Copies of these samples.
fn picked(samples: &Samples, indices: impl Iterator<Item = usize>) -> Samples {
    let (mut images, mut labels) = (Vec::new(), Vec::new());
    for index in indices {
        images.extend_from_slice(samples.image(index));
        labels.push(samples.labels[index]);
    }
    Samples {
        width: samples.width,
        height: samples.height,
        images,
        labels,
    }
}
