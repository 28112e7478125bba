//! What cannot be trained with is refused, in the right words, and changes nothing at all.

mod support;

use support::{bits, number_or_zero, random_network};
use thumbnet::optimizer::Optimizer;
use thumbnet::prelude::*;
use thumbnet::random::below;
use thumbnet::trainer::{BatchError, ConfigError};

type Net = mlp![7 => 6 Sigmoid => 5 Relu => 4 Softmax];
const CONFIG: TrainConfig<Sgd, SoftmaxCrossEntropy> =
    TrainConfig::new(0.5).with_cost(SoftmaxCrossEntropy);
const DECAY: WeightDecay = WeightDecay::L2(0.03125);

fn samples(count: usize) -> (Vec<[f32; 7]>, Vec<u8>) {
    let mut rng = XorShiftRng::seed_from_u64(21);
    (0..count)
        .map(|_| {
            let input = std::array::from_fn(|_| number_or_zero(&mut rng, 3));
            (input, below(&mut rng, 4) as u8)
        })
        .unzip()
}

#[test]
fn samples_that_are_refused_change_nothing() {
    let (inputs, labels) = samples(4);
    let start = random_network::<Net>(23);
    let mut network = start.clone();
    let mut rng = XorShiftRng::seed_from_u64(1);
    let mut state = TrainState::ZEROED;
    let mut trainer =
        Trainer::<_, _, _, 3>::new(CONFIG.with_weight_decay(DECAY), &mut network, &mut state)
            .and_then(|trainer| trainer.with_dropout(DropoutRates::hidden(0.5), &mut rng))
            .expect("valid");
    let none: [[f32; 7]; 0] = [];
    for (found, expected) in [
        (trainer.batch(&none, &[]), BatchError::Empty),
        (trainer.batch(&inputs[..2], &[]), BatchError::Empty),
        (
            trainer.batch(&inputs[..2], &labels[..3]),
            BatchError::Lengths {
                inputs: 2,
                labels: 3,
            },
        ),
        (
            trainer.batch(&none, &labels[..1]),
            BatchError::Lengths {
                inputs: 0,
                labels: 1,
            },
        ),
        (
            trainer.batch(&inputs, &labels),
            BatchError::TooLarge {
                samples: 4,
                capacity: 3,
            },
        ),
        (
            trainer.batch(&inputs[..3], &[0, 4, 255]),
            BatchError::Label {
                label: 4,
                classes: 4,
            },
        ),
        (
            trainer.step(&inputs[0], 255),
            BatchError::Label {
                label: 255,
                classes: 4,
            },
        ),
    ] {
        assert_eq!(found, Err(expected));
        assert_eq!(bits(trainer.network()), bits(&start));
    }
    // Not even the generator moved: the next step drops what the first would have dropped.
    trainer.step(&inputs[0], labels[0]).expect("valid");
    let mut again = start.clone();
    let mut state = TrainState::ZEROED;
    let mut rng = XorShiftRng::seed_from_u64(1);
    Trainer::<_, _, _, 1>::new(CONFIG.with_weight_decay(DECAY), &mut again, &mut state)
        .and_then(|trainer| trainer.with_dropout(DropoutRates::hidden(0.5), &mut rng))
        .expect("valid")
        .step(&inputs[0], labels[0])
        .expect("valid");
    assert_eq!(bits(&network), bits(&again));

    // Momentum refuses the same, but for too many samples.
    let mut state = TrainState::<Net, Momentum, 3>::ZEROED;
    let mut network = start.clone();
    let mut trainer =
        Trainer::new(CONFIG.with_momentum(0.5), &mut network, &mut state).expect("valid");
    for (found, expected) in [
        (trainer.batch(&none, &[]), BatchError::Empty),
        (
            // Beyond the first portion.
            trainer.batch(&inputs, &[0, 1, 2, 4]),
            BatchError::Label {
                label: 4,
                classes: 4,
            },
        ),
    ] {
        assert_eq!(found, Err(expected));
        assert_eq!(bits(trainer.network()), bits(&start));
    }
    assert!(trainer.batch(&inputs, &labels).is_ok());
}

/// What `new` says about a configuration.
fn refusal<O: Optimizer>(config: TrainConfig<O, SoftmaxCrossEntropy>) -> Option<ConfigError> {
    let mut network = random_network::<Net>(23);
    let before = bits(&network);
    let mut state = TrainState::<Net, O, 1>::ZEROED;
    let error = Trainer::new(config, &mut network, &mut state).err();
    assert_eq!(bits(&network), before);
    error
}

#[test]
fn hyper_parameters_out_of_range_are_refused() {
    const NOT_POSITIVE: [f32; 6] = [0.0, -0.0, -0.1, f32::NAN, f32::INFINITY, f32::NEG_INFINITY];
    const NOT_IN_0_TO_1: [f32; 6] = [1.0, -0.1, 2.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY];
    let with_rate = |learning_rate| TrainConfig {
        learning_rate,
        ..CONFIG
    };
    let same = |left: f32, right: f32| left.to_bits() == right.to_bits();

    for wrong in NOT_POSITIVE {
        for config in [with_rate(wrong), with_rate(wrong).with_weight_decay(DECAY)] {
            let error = refusal(config).expect("a wrong learning rate");
            assert!(
                matches!(error, ConfigError::LearningRate(rate) if same(rate, wrong)),
                "{error}"
            );
        }
    }
    // 2 is the first decay that is too large for a learning rate of 0.5.
    for wrong in [
        2.0,
        -0.1,
        1.0e30,
        f32::NAN,
        f32::INFINITY,
        f32::NEG_INFINITY,
    ] {
        let error = refusal(CONFIG.with_weight_decay(WeightDecay::L2(wrong)));
        let error = error.expect("a wrong weight decay");
        assert!(
            matches!(error, ConfigError::WeightDecay(rate) if same(rate, wrong)),
            "{error}"
        );
    }
    for wrong in NOT_IN_0_TO_1 {
        let error = refusal(CONFIG.with_momentum(wrong));
        assert!(matches!(error, Some(ConfigError::Optimizer(_))), "{wrong}");

        let (mut network, mut rng) = (random_network::<Net>(23), XorShiftRng::seed_from_u64(1));
        let mut state = TrainState::<Net, Sgd, 1>::ZEROED;
        let trainer = Trainer::new(CONFIG, &mut network, &mut state).expect("valid");
        let error = trainer
            .with_dropout(DropoutRates::hidden(wrong), &mut rng)
            .err();
        assert!(
            matches!(error, Some(ConfigError::Dropout(rate)) if same(rate, wrong)),
            "{wrong}"
        );
    }
    // Every number of every optimiser, and those of one whose gradients are clipped.
    let rms_prop = RmsProp::DEFAULT;
    for wrong in NOT_IN_0_TO_1 {
        for error in [
            refusal(CONFIG.with_nesterov(wrong)),
            refusal(CONFIG.with_optimizer(RmsProp {
                decay: wrong,
                ..rms_prop
            })),
            refusal(CONFIG.with_optimizer(Adam::new(wrong, 0.999, 1.0e-8))),
            refusal(CONFIG.with_optimizer(Adam::new(0.9, wrong, 1.0e-8))),
            refusal(CONFIG.with_momentum(wrong).with_clipping(1.0)),
        ] {
            assert!(matches!(error, Some(ConfigError::Optimizer(_))), "{wrong}");
        }
    }
    for wrong in NOT_POSITIVE {
        for error in [
            refusal(CONFIG.with_clipping(wrong)),
            refusal(CONFIG.with_optimizer(RmsProp {
                epsilon: wrong,
                ..rms_prop
            })),
            refusal(CONFIG.with_optimizer(Adam::new(0.9, 0.999, wrong))),
        ] {
            assert!(matches!(error, Some(ConfigError::Optimizer(_))), "{wrong}");
        }
    }
    for wrong in [-0.1, f32::NAN, f32::INFINITY] {
        for decay in [WeightDecay::L1(wrong), WeightDecay::TruncatedL1(wrong)] {
            let error = refusal(CONFIG.with_weight_decay(decay));
            assert!(
                matches!(error, Some(ConfigError::WeightDecay(rate)) if same(rate, wrong)),
                "{decay:?}"
            );
        }
    }
    for right in [0.0, 0.5, 1.999] {
        assert_eq!(
            refusal(CONFIG.with_weight_decay(WeightDecay::L2(right))),
            None
        );
        assert_eq!(refusal(CONFIG.with_momentum(right / 2.0)), None);
    }
}

#[test]
fn a_learning_rate_that_is_refused_leaves_the_old_one() {
    let (inputs, labels) = samples(1);
    let mut networks = [random_network::<Net>(23), random_network::<Net>(23)];
    let mut states = [TrainState::ZEROED, TrainState::ZEROED];
    for (index, (network, state)) in networks.iter_mut().zip(&mut states).enumerate() {
        let config = CONFIG.with_weight_decay(DECAY);
        let mut trainer = Trainer::<_, _, _, 1>::new(config, network, state).expect("valid");
        if index == 1 {
            for wrong in [-1.0, f32::NAN, f32::INFINITY] {
                assert!(trainer.set_learning_rate(wrong).is_err());
            }
            // 32 x 0.03125 = 1: every weight would be forgotten.
            assert_eq!(
                trainer.set_learning_rate(32.0),
                Err(ConfigError::WeightDecay(0.03125))
            );
        }
        trainer.step(&inputs[0], labels[0]).expect("valid");
    }
    assert_eq!(bits(&networks[0]), bits(&networks[1]));
}

#[test]
fn a_learning_rate_of_zero_ends_a_schedule_and_moves_nothing() {
    let (inputs, labels) = samples(1);
    let mut network = random_network::<Net>(23);
    let before = bits(&network);
    let mut state = TrainState::ZEROED;
    let config = CONFIG.with_weight_decay(DECAY);
    let mut trainer = Trainer::<_, _, _, 1>::new(config, &mut network, &mut state).expect("valid");
    trainer.set_learning_rate(0.0).expect("a rate of zero");
    trainer.step(&inputs[0], labels[0]).expect("valid");
    assert_eq!(bits(&network), before);
    assert_eq!(
        Trainer::<_, _, _, 1>::new(
            TrainConfig {
                learning_rate: 0.0,
                ..CONFIG
            },
            &mut network,
            &mut state
        )
        .err(),
        Some(ConfigError::LearningRate(0.0))
    );
}
