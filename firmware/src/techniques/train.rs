//! Training with each technique of the list, by core alone.

use thumbnet::cost::{CostFunction, TrainsWith};
use thumbnet::format::CRC_32;
use thumbnet::input::Width;
use thumbnet::optimizer::Optimizer;
use thumbnet::prelude::*;

use super::{BATCH, SEED, STEPS, Stop, TRAIN, Technique, VALIDATION, Validation, Visitor};

/// What came of a technique.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trained {
    /// Which one.
    pub name: &'static str,
    /// Passes over the samples.
    pub epochs: u32,
    /// Validation samples that the network is right about.
    pub right: u32,
    /// CRC-32 of all parameters.
    pub weights_crc32: u32,
    /// CRC-32 of all images that it was trained on, in order.
    pub images_crc32: u32,
}

sentences!(Trained {
    trained => "{}: {} epochs, {} of 100 right, CRC-32 of weights {:08x}, of images {:08x}",
        trained.name, trained.epochs, trained.right, trained.weights_crc32, trained.images_crc32;
});

/// Trains with each technique, by core alone.
#[derive(Debug)]
pub struct Train<F> {
    /// Passes over the samples.
    pub epochs: u32,
    /// Gets to know of each.
    pub report: F,
}

impl<F: FnMut(Trained)> Visitor for Train<F> {
    fn visit<N, O, C, const PIXELS: usize>(
        &mut self,
        technique: &Technique,
        config: TrainConfig<O, C>,
    ) where
        N: Network<Inputs = Width<PIXELS>>,
        O: Optimizer + 'static,
        C: CostFunction,
        N::Output: TrainsWith<C>,
    {
        (self.report)(train::<N, O, C, PIXELS>(technique, config, self.epochs));
    }
}

/// Everything is on the stack here, 46 KB on a Cortex-M: the networks of the list are of many types,
/// of which each would need a `static` of its own.
#[inline(never)]
fn train<N, O, C, const PIXELS: usize>(
    technique: &Technique,
    config: TrainConfig<O, C>,
    epochs: u32,
) -> Trained
where
    N: Network<Inputs = Width<PIXELS>>,
    O: Optimizer,
    C: CostFunction,
    N::Output: TrainsWith<C>,
{
    let mut network = N::ZEROED;
    let mut rng = XorShiftRng::seed_from_u64(SEED);
    network.init_weights_with(technique.initialization, &mut rng);
    let mut best = N::ZEROED;
    let mut state = TrainState::<N, O, BATCH>::ZEROED;
    let mut masks = XorShiftRng::seed_from_u64(SEED);
    let mut distortions = XorShiftRng::seed_from_u64(SEED);

    let mut images = [[0; PIXELS]; TRAIN];
    let mut digest = CRC_32.digest();
    let mut stop = technique.stop;
    let schedule = (technique.schedule)(epochs * STEPS);
    let mut step = 0;
    loop {
        let labels = technique.train_samples(&mut distortions, &mut images);
        digest.update(images.as_flattened());
        let mut trainer = Trainer::new(config, &mut network, &mut state)
            .and_then(|trainer| trainer.with_dropout(technique.dropout, &mut masks))
            .expect("the list's hyper-parameters are in their ranges");
        for (images, labels) in images.chunks(BATCH).zip(labels.chunks(BATCH)) {
            let factor = schedule.factor(step, epochs * STEPS) * stop.scale();
            trainer
                .set_learning_rate(config.learning_rate * factor)
                .expect("factors are from 0 to 1");
            trainer.batch(images, labels).expect("labels are digits");
            step += 1;
        }
        let (accuracy, cost) = validate(&network, technique, config.cost);
        let validation = Validation {
            accuracy: f64::from(accuracy.correct) / f64::from(accuracy.total),
            cost: cost + network.decay_term(config.weight_decay),
        };
        match stop.record(validation) {
            Outcome::Best => best.copy_from(&network),
            Outcome::Continue => {}
            Outcome::Stop => break,
        }
        if step == technique.stop.most(epochs) * STEPS {
            break;
        }
    }
    if let Stop::Patience(_) = stop {
        network.copy_from(&best);
    }
    network.scale_for_prediction(&technique.dropout);
    Trained {
        name: technique.name,
        epochs: step / STEPS,
        right: validate(&network, technique, config.cost).0.correct,
        weights_crc32: network.weights_crc32(),
        images_crc32: digest.finalize(),
    }
}

/// Accuracy and mean cost on the validation samples.
fn validate<N, C, const PIXELS: usize>(
    network: &N,
    technique: &Technique,
    cost: C,
) -> (Accuracy, f64)
where
    N: Network<Inputs = Width<PIXELS>>,
    C: CostFunction,
    N::Output: TrainsWith<C>,
{
    let mut images = [[0; PIXELS]; VALIDATION];
    let labels = technique.validation_samples(&mut images);
    let mut accuracy = Accuracy::default();
    let mut sum = 0.0;
    for (image, &label) in images.iter().zip(labels) {
        let (prediction, cost) = network.predict_with_cost(image, label, cost);
        accuracy.record(label, prediction.class);
        sum += f64::from(cost);
    }
    (accuracy, sum / VALIDATION as f64)
}
