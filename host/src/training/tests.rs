//! The engine against core's trainer: the same bits for every optimiser, decay, clipping and
//! dropout, on any number of threads.

use rand_core::SeedableRng;
use rand_xorshift::XorShiftRng;
use thumbnet::optimizer::Optimizer;
use thumbnet::prelude::*;

use super::*;
use crate::data::{DataChoice, load};
use crate::model::Model;

type Digits = thumbnet::mlp![64 => 27 Tanh => 13 Relu => 10 Softmax];

const SEED: u64 = 3;
const SAMPLES: usize = 130;
/// More than one portion of columns, and a last mini-batch that is smaller.
const BATCH: usize = 70;
const EPOCHS: usize = 4;

/// Another rate in each step.
fn learning_rate(step: u32) -> f32 {
    0.05 / (1.0 + step as f32)
}

/// What core's trainer makes of `start`.
fn by_core(
    start: &Model,
    hyperparameters: &Hyperparameters,
    optimizer: impl Optimizer,
) -> Vec<u32> {
    let data = load(&DataChoice::Digits).unwrap();
    let images: Vec<[u8; 64]> = (0..SAMPLES)
        .map(|index| data.train.image(index).try_into().unwrap())
        .collect();
    let bytes: Vec<u8> = start
        .parameters
        .iter()
        .flat_map(|p| p.to_le_bytes())
        .collect();
    let mut network = <Digits as zerocopy::FromBytes>::read_from_bytes(&bytes).unwrap();
    let mut state = TrainState::ZEROED;
    let config = TrainConfig::new(learning_rate(0))
        .with_cost(SoftmaxCrossEntropy)
        .with_weight_decay(hyperparameters.weight_decay)
        .with_optimizer(optimizer);
    let mut rng = XorShiftRng::seed_from_u64(SEED);
    let mut trainer = Trainer::<_, _, _, BATCH>::new(config, &mut network, &mut state)
        .unwrap()
        .with_dropout(hyperparameters.dropout, &mut rng)
        .unwrap();
    let mut step = 0;
    for _ in 0..EPOCHS {
        let size = hyperparameters.batch_size;
        let labels = data.train.labels[..SAMPLES].chunks(size);
        for (images, labels) in images.chunks(size).zip(labels) {
            if !(hyperparameters.drop_last && images.len() < size) {
                trainer.set_learning_rate(learning_rate(step)).unwrap();
                trainer.batch(images, labels).unwrap();
                step += 1;
            }
        }
    }
    network.scale_for_prediction(&hyperparameters.dropout);
    let mut bits = Vec::new();
    network.for_each_layer(&mut |_, weights, biases| {
        bits.extend(weights.iter().chain(biases).map(|p| p.to_bits()));
    });
    bits
}

/// What the engine makes of it, put together anew from its state after every epoch.
fn by_engine(
    start: &Model,
    hyperparameters: &Hyperparameters,
    threads: usize,
    instructions: Instructions,
) -> Vec<u32> {
    let data = load(&DataChoice::Digits).unwrap();
    let images = SparseImages::new(&data.train, SAMPLES).unwrap();
    let mut model = start.clone();
    let mut state = EngineState::new(start, hyperparameters, SEED, false);
    for _ in 0..EPOCHS {
        assert!(state.fits(&start.architecture, hyperparameters, SAMPLES));
        let mut engine = Engine::new(
            start.architecture,
            *hyperparameters,
            state,
            threads,
            instructions,
        );
        engine.epoch(&images, &learning_rate, &Progress::default());
        engine.store(&mut model);
        state = engine.state().clone();
    }
    model.parameters.iter().map(|p| p.to_bits()).collect()
}

/// Each number of threads with other instructions, of those that this processor has; narrower ones
/// take the place of those that it has not.
const THREADS: [(usize, Instructions); 3] = [
    (1, Instructions::Avx512),
    (2, Instructions::Baseline),
    (3, Instructions::Avx2),
];

fn available(instructions: Instructions) -> Instructions {
    match instructions.is_available() {
        true => instructions,
        false => Instructions::detect(),
    }
}

/// Mini-batches of one sample, of one portion, of tiles, and of a portion and a bit; more steps
/// than decay is put off for, with rates that change.
#[test]
fn decay_that_is_put_off_has_cores_bits_for_every_batch_size() {
    let cost = thumbnet::Cost::SoftmaxCrossEntropy;
    let start = Model::fresh(Digits::ARCHITECTURE, cost, Initialization::default(), 1);
    for batch_size in [1, 2, 10, 16, 33, 64, 65] {
        for weight_decay in [WeightDecay::None, WeightDecay::L2(0.01)] {
            for input_rate in [0.0, 0.25] {
                let mut dropout = DropoutRates::NONE;
                dropout.layers[0] = input_rate;
                let hyperparameters = Hyperparameters {
                    cost,
                    batch_size,
                    drop_last: false,
                    optimizer: OptimizerChoice::Sgd,
                    weight_decay,
                    clip_norm: None,
                    dropout,
                    input_scale: 1.0,
                };
                let expected = by_core(&start, &hyperparameters, Sgd);
                let mut all = Instructions::ALL.map(|choice| (1, choice)).to_vec();
                all.extend([2, 3].map(|threads| (threads, Instructions::detect())));
                for (threads, instructions) in all {
                    let instructions = available(instructions);
                    let found = by_engine(&start, &hyperparameters, threads, instructions);
                    assert!(
                        found == expected,
                        "{threads} threads, {instructions:?}, {hyperparameters:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn every_technique_has_cores_bits_on_any_number_of_threads() {
    let cost = thumbnet::Cost::SoftmaxCrossEntropy;
    let start = Model::fresh(Digits::ARCHITECTURE, cost, Initialization::default(), 1);
    let mut kinds = DropoutRates::hidden(0.25);
    kinds.layers[0] = 0.125;
    kinds.layers[2] = 0.5;
    let per_sample = DropoutRates {
        per_sample: true,
        inverted: false,
        ..kinds
    };
    let mut combinations = 0;
    for weight_decay in [
        WeightDecay::None,
        WeightDecay::L2(0.01),
        WeightDecay::L1(0.01),
        WeightDecay::TruncatedL1(0.01),
    ] {
        for (dropout, drop_last) in [
            (DropoutRates::NONE, false),
            (kinds, true),
            (per_sample, false),
        ] {
            for clip_norm in [None, Some(0.3)] {
                let with = |optimizer| Hyperparameters {
                    cost,
                    batch_size: BATCH,
                    drop_last,
                    optimizer,
                    weight_decay,
                    clip_norm,
                    dropout,
                    input_scale: 1.0,
                };
                macro_rules! check {
                    ($choice:expr, $optimizer:expr) => {
                        let hyperparameters = with($choice);
                        let expected = match clip_norm {
                            None => by_core(&start, &hyperparameters, $optimizer),
                            Some(norm) => {
                                let optimizer = $optimizer;
                                by_core(&start, &hyperparameters, Clipped { optimizer, norm })
                            }
                        };
                        for (threads, instructions) in THREADS {
                            let instructions = available(instructions);
                            let found = by_engine(&start, &hyperparameters, threads, instructions);
                            assert!(
                                found == expected,
                                "{threads} threads, {instructions:?}, {hyperparameters:?}"
                            );
                        }
                        combinations += 1;
                    };
                }
                check!(OptimizerChoice::Sgd, Sgd);
                check!(OptimizerChoice::Momentum(0.75), Momentum(0.75));
                check!(OptimizerChoice::Nesterov(0.75), Nesterov(0.75));
                let rms_prop = RmsProp::DEFAULT;
                check!(OptimizerChoice::RmsProp(rms_prop), rms_prop);
                check!(OptimizerChoice::Adam(Adam::DEFAULT), Adam::DEFAULT);
            }
        }
    }
    assert_eq!(combinations, 4 * 3 * 2 * 5);
}

#[test]
fn muon_learns_and_goes_on_from_its_state_whatever_the_threads() {
    let cost = thumbnet::Cost::SoftmaxCrossEntropy;
    let start = Model::fresh(Digits::ARCHITECTURE, cost, Initialization::default(), 1);
    let hyperparameters = Hyperparameters {
        cost,
        batch_size: 10,
        drop_last: false,
        optimizer: OptimizerChoice::Muon(Muon {
            momentum: 0.9,
            rate: 1.0,
            decay: 0.02,
            others: 0.9,
        }),
        weight_decay: WeightDecay::L2(1.0e-3),
        clip_norm: Some(1.0),
        dropout: DropoutRates::hidden(0.1),
        input_scale: 1.0,
    };
    let detected = Instructions::detect();
    let bits = by_engine(&start, &hyperparameters, 1, detected);
    let same = by_engine(&start, &hyperparameters, 3, Instructions::Baseline);
    assert_eq!(bits, same);

    let data = load(&DataChoice::Digits).unwrap();
    let images = SparseImages::new(&data.train, SAMPLES).unwrap();
    let without_stop = |learning_rate: &(dyn Fn(u32) -> f32 + Sync)| {
        let state = EngineState::new(&start, &hyperparameters, SEED, false);
        let mut engine = Engine::new(start.architecture, hyperparameters, state, 1, detected);
        for _ in 0..EPOCHS {
            engine.epoch(&images, learning_rate, &Progress::default());
        }
        let mut model = start.clone();
        engine.store(&mut model);
        model
    };
    let same = without_stop(&learning_rate).parameters;
    assert_eq!(bits, same.iter().map(|p| p.to_bits()).collect::<Vec<_>>());

    let accuracy = |model: &Model| evaluate(model, &data.test, 1, detected).accuracy;
    let trained = accuracy(&without_stop(&|_| 0.05));
    assert!(trained > 0.5, "{trained}");
    assert!(accuracy(&start) < 0.3, "{}", accuracy(&start));
}
