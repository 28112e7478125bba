//! Every technique of training ends with the same bits everywhere: core's trainer and the engine on
//! the desktop, and core's trainer on boards.
//!
//! The list of techniques is `firmware/src/techniques/list.rs`; boards run it as it stands.
#![cfg(unix)]

use std::any::Any;
use std::collections::HashSet;

use thumbnet::cost::{CostFunction, TrainsWith};
use thumbnet::format::CRC_32;
use thumbnet::input::Width;
use thumbnet::optimizer::Optimizer;
use thumbnet::prelude::*;
use thumbnet_firmware::techniques::{
    BATCH, EPOCHS, SEED, STEPS, Stop, TRAIN, Technique, Train, Trained, VALIDATION, Validation,
    Visitor, for_each,
};
use thumbnet_host::data::Samples;
use thumbnet_host::model::Model;
use thumbnet_host::training::{
    Engine, EngineState, Hyperparameters, Instructions, OptimizerChoice, Progress, SparseImages,
    evaluate,
};
use thumbnet_tests::{Board, Desk};

/// Without a floating-point unit it takes ten times as long.
const EPOCHS_ON_M3: u32 = 2;

fn by_core(epochs: u32) -> Vec<Trained> {
    let mut all = Vec::new();
    for_each(&mut Train {
        epochs,
        report: |trained| all.push(trained),
    });
    all
}

/// Trains with each technique, by the engine.
struct ByEngine {
    threads: usize,
    instructions: Instructions,
    all: Vec<Trained>,
}

impl Visitor for ByEngine {
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
        let (optimizer, clip_norm) = choice(&config.optimizer);
        let hyperparameters = Hyperparameters {
            cost: C::COST,
            batch_size: BATCH,
            drop_last: false,
            optimizer,
            weight_decay: config.weight_decay,
            clip_norm,
            dropout: technique.dropout,
            input_scale: 1.0,
        };
        let mut model = Model::fresh(N::ARCHITECTURE, C::COST, technique.initialization, SEED);
        let state = EngineState::new(&model, &hyperparameters, SEED, false);
        let (threads, instructions) = (self.threads, self.instructions);
        let mut engine = Engine::new(
            N::ARCHITECTURE,
            hyperparameters,
            state,
            threads,
            instructions,
        );

        let mut pixels = [[0; PIXELS]; VALIDATION];
        let labels = technique.validation_samples(&mut pixels);
        let validation = samples(&pixels, labels);
        let validate = |model: &Model| {
            let found = evaluate(model, &validation, threads, instructions);
            let layers = model.layers();
            let decay = layers.map(|(_, weights, _)| config.weight_decay.term(weights));
            Validation {
                accuracy: found.accuracy,
                cost: found.cost + decay.sum::<f64>(),
            }
        };
        let mut distortions = XorShiftRng::seed_from_u64(SEED);
        let mut digest = CRC_32.digest();
        let mut stop = technique.stop;
        let total = EPOCHS * STEPS;
        let schedule = (technique.schedule)(total);
        let mut best = model.clone();
        let mut epochs = 0;
        while epochs < stop.most(EPOCHS) {
            let mut pixels = [[0; PIXELS]; TRAIN];
            let labels = technique.train_samples(&mut distortions, &mut pixels);
            digest.update(pixels.as_flattened());
            let train = samples(&pixels, labels);
            let images = SparseImages::new(&train, TRAIN).expect("they are small");
            let scale = stop.scale();
            let learning_rate =
                |step| config.learning_rate * (schedule.factor(step, total) * scale);
            engine.epoch(&images, &learning_rate, &Progress::default());
            engine.store(&mut model);
            epochs += 1;
            match stop.record(validate(&model)) {
                Outcome::Best => best = model.clone(),
                Outcome::Continue => {}
                Outcome::Stop => break,
            }
        }
        if let Stop::Patience(_) = stop {
            model = best;
        }
        self.all.push(Trained {
            name: technique.name,
            epochs,
            right: (validate(&model).accuracy * VALIDATION as f64).round() as u32,
            weights_crc32: model.weights_crc32(),
            images_crc32: digest.finalize(),
        });
    }
}

fn samples<const PIXELS: usize>(images: &[[u8; PIXELS]], labels: &[u8]) -> Samples {
    Samples {
        width: PIXELS,
        height: 1,
        images: images.as_flattened().to_vec(),
        labels: labels.to_vec(),
    }
}

/// What the engine calls an optimiser, and the norm to which it clips.
fn choice(optimizer: &dyn Any) -> (OptimizerChoice, Option<f32>) {
    fn clipped<O: Optimizer + 'static>(
        optimizer: &dyn Any,
    ) -> Option<(OptimizerChoice, Option<f32>)> {
        let clipped: &Clipped<O> = optimizer.downcast_ref()?;
        Some((unclipped(&clipped.optimizer)?, Some(clipped.norm)))
    }
    fn unclipped(optimizer: &dyn Any) -> Option<OptimizerChoice> {
        let momentum = |&Momentum(mu): &Momentum| OptimizerChoice::Momentum(mu);
        let nesterov = |&Nesterov(mu): &Nesterov| OptimizerChoice::Nesterov(mu);
        None.or(optimizer.downcast_ref().map(|Sgd| OptimizerChoice::Sgd))
            .or(optimizer.downcast_ref().map(momentum))
            .or(optimizer.downcast_ref().map(nesterov))
            .or(optimizer
                .downcast_ref()
                .copied()
                .map(OptimizerChoice::RmsProp))
            .or(optimizer.downcast_ref().copied().map(OptimizerChoice::Adam))
    }
    unclipped(optimizer)
        .map(|choice| (choice, None))
        .or_else(|| clipped::<Sgd>(optimizer))
        .or_else(|| clipped::<Adam>(optimizer))
        .expect("the engine has every optimiser of the list")
}

#[track_caller]
fn assert_same(who: &str, found: &[Trained], expected: &[Trained]) {
    assert_eq!(found.len(), expected.len(), "{who}");
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found, expected, "{who}");
    }
}

/// CRC-32 of all sentences: changes only when an issue asks for other bits, or more techniques.
const PINNED: u32 = 0xe0b5_1d71;

#[test]
fn bits() {
    let all: String = by_core(EPOCHS)
        .iter()
        .map(|trained| format!("{trained}\n"))
        .collect();
    let found = CRC_32.checksum(all.as_bytes());
    assert!(found == PINNED, "{found:#010x} is CRC-32 of:\n{all}");
}

#[test]
fn engine() {
    let expected = by_core(EPOCHS);
    let widest = Instructions::detect();
    for (threads, instructions) in [(1, Instructions::Baseline), (2, widest), (3, widest)] {
        let mut engine = ByEngine {
            threads,
            instructions,
            all: Vec::new(),
        };
        for_each(&mut engine);
        let who = format!("{threads} threads, {instructions:?}");
        assert_same(&who, &engine.all, &expected);
    }
}

/// It is training that is compared: every technique makes a difference, and learns.
#[test]
fn every_technique_learns_something_of_its_own() {
    let all = by_core(EPOCHS);
    let names: HashSet<_> = all.iter().map(|trained| trained.name).collect();
    let weights: HashSet<_> = all.iter().map(|trained| trained.weights_crc32).collect();
    assert_eq!(names.len(), all.len());
    assert_eq!(
        weights.len(),
        all.len(),
        "two ended with the same: {all:#?}"
    );
    for trained in &all {
        // By chance it would be one in ten.
        assert!(trained.right >= 40, "{trained}");
        if trained.name.contains("stopping") || trained.name == "plateau" {
            assert!(trained.epochs < 5 * EPOCHS, "{trained}");
        } else {
            assert_eq!(trained.epochs, EPOCHS, "{trained}");
        }
    }
}

fn board_trains(board: Board, epochs: u32) {
    let desk = Desk::new();
    let program = board.program("techniques", None, &desk);
    let run = desk.emulate(&program, &[&epochs.to_string()]).successful();
    let log = run.log();
    let expected = by_core(epochs);
    assert!(log.len() > expected.len(), "{log:#?}");
    for (found, expected) in log.iter().zip(&expected) {
        assert_eq!(*found, expected.to_string(), "{board:?}");
    }
    println!(
        "measured: {} techniques on {board:?}: {}",
        expected.len(),
        log[expected.len()]
    );
}

#[test]
#[ignore = "needs QEMU: tests/run"]
fn cortex_m4f() {
    board_trains(Board::M4F, EPOCHS);
}

#[test]
#[ignore = "needs QEMU: tests/run"]
fn cortex_m3() {
    board_trains(Board::M3, EPOCHS_ON_M3);
}
