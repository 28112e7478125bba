//! The bits of training: CRC-32 of all weights after 1, 200 and 1,000 steps of real training.
//!
//! These numbers are the numerical contract in its shortest form. They change only when an issue
//! asks for other bits, never because a loop became faster: every vector width, every board and
//! every number of threads is held to the same numbers. Whoever changes them says why in the
//! commit, and has the boards' runs and all other pinned numbers follow.
//!
//! Weights start from `XorShiftRng::seed_from_u64(7)`, and dropout goes on with the same generator.
//! Samples are the first 1,000 of the 8 x 8 digits in `host/data`, in file order, from the front
//! again when they end.

use thumbnet::input::Width;
use thumbnet::prelude::*;

const IMAGES: &[u8] = include_bytes!("../../host/data/digits-images-idx3-ubyte");
const LABELS: &[u8] = include_bytes!("../../host/data/digits-labels-idx1-ubyte");

const SAMPLES: usize = 1_000;

/// After how many steps the weights are looked at.
const STEPS: [usize; 3] = [1, 200, 1_000];

fn digits() -> (&'static [[u8; 64]], &'static [u8]) {
    assert_eq!(
        IMAGES[..4],
        [0, 0, 8, 3],
        "images, as bytes, in 3 dimensions"
    );
    assert_eq!(IMAGES[8..16], [0, 0, 0, 8, 0, 0, 0, 8], "of 8 x 8 pixels");
    assert_eq!(
        LABELS[..4],
        [0, 0, 8, 1],
        "labels, as bytes, in 1 dimension"
    );
    let (images, _) = IMAGES[16..].as_chunks();
    (&images[..SAMPLES], &LABELS[8..][..SAMPLES])
}

/// Mini-batches of ten.
fn mini_batch(index: usize) -> (&'static [[u8; 64]], &'static [u8]) {
    let (images, labels) = digits();
    let start = 10 * index % SAMPLES;
    (&images[start..start + 10], &labels[start..start + 10])
}

/// The share of the digits that a network gets right.
fn accuracy<N: Network<Inputs = Width<64>>>(network: &N) -> f32 {
    let (images, labels) = digits();
    let mut accuracy = Accuracy::default();
    for (image, &label) in images.iter().zip(labels) {
        accuracy.record(label, network.predict(image).class);
    }
    accuracy.fraction()
}

/// Calls `step`, which returns the weights' CRC-32, with 0, 1, 2.. and keeps what it returned for
/// the last of so many [`STEPS`].
fn after_steps(mut step: impl FnMut(usize) -> u32) -> [u32; 3] {
    let mut crcs = STEPS.map(|_| 0);
    for index in 0..STEPS[2] {
        let now = step(index);
        for (crc, steps) in crcs.iter_mut().zip(STEPS) {
            if index + 1 == steps {
                *crc = now;
            }
        }
    }
    crcs
}

fn assert_pinned(found: [u32; 3], pinned: [u32; 3]) {
    assert!(
        found == pinned,
        "weights have CRC-32 {found:08x?} after {STEPS:?} steps, pinned are {pinned:08x?}"
    );
}

#[test]
fn gradient_descent_sample_by_sample() {
    const PINNED: [u32; 3] = [0x1250_0544, 0xDC6A_D82F, 0xAF9E_217E];
    let mut network = Mlp::<64, 16, 10>::ZEROED;
    network.init_weights(&mut XorShiftRng::seed_from_u64(7));
    let mut state = TrainState::<_, Sgd, 1>::ZEROED;
    let mut trainer = Trainer::new(TrainConfig::new(0.5), &mut network, &mut state).unwrap();
    let (images, labels) = digits();
    let found = after_steps(|index| {
        let sample = index % SAMPLES;
        trainer.step(&images[sample], labels[sample]).unwrap();
        trainer.network().weights_crc32()
    });
    // It is learning that is pinned, not noise.
    assert!(accuracy(&network) > 0.9, "{}", accuracy(&network));
    assert_pinned(found, PINNED);
}

#[test]
fn momentum_and_weight_decay_in_mini_batches() {
    const PINNED: [u32; 3] = [0xE420_3BCB, 0xE066_9368, 0x1923_E4C4];
    let config = TrainConfig::new(0.1)
        .with_momentum(0.9)
        .with_weight_decay(WeightDecay::L2(1.0e-3));
    let mut network = Mlp::<64, 16, 10>::ZEROED;
    network.init_weights(&mut XorShiftRng::seed_from_u64(7));
    let mut state = TrainState::<_, _, 10>::ZEROED;
    let mut trainer = Trainer::new(config, &mut network, &mut state).unwrap();
    let found = after_steps(|index| {
        let (images, labels) = mini_batch(index);
        trainer.batch(images, labels).unwrap();
        trainer.network().weights_crc32()
    });
    assert!(accuracy(&network) > 0.9, "{}", accuracy(&network));
    assert_pinned(found, PINNED);
}

/// Pins an optimiser in mini-batches of ten.
fn pin<O: thumbnet::optimizer::Optimizer>(optimizer: O, learning_rate: f32, pinned: [u32; 3]) {
    type Digits = mlp![64 => 16 Sigmoid => 10 Softmax];
    let config = TrainConfig::new(learning_rate)
        .with_cost(SoftmaxCrossEntropy)
        .with_weight_decay(WeightDecay::L1(1.0e-5))
        .with_optimizer(optimizer);
    let mut network = Digits::ZEROED;
    network.init_weights(&mut XorShiftRng::seed_from_u64(7));
    let mut state = TrainState::<_, _, 10>::ZEROED;
    let mut trainer = Trainer::new(config, &mut network, &mut state).unwrap();
    let found = after_steps(|index| {
        let (images, labels) = mini_batch(index);
        trainer.batch(images, labels).unwrap();
        trainer.network().weights_crc32()
    });
    assert!(accuracy(&network) > 0.9, "{}", accuracy(&network));
    assert_pinned(found, pinned);
}

#[test]
fn nesterov_in_mini_batches() {
    pin(Nesterov(0.9), 0.1, [0xF3C0_7F2E, 0x71C5_1158, 0x77D6_113E]);
}

#[test]
fn rmsprop_in_mini_batches() {
    pin(
        RmsProp::DEFAULT,
        0.003,
        [0x235D_8338, 0x16AC_4B48, 0xF52D_2956],
    );
}

#[test]
fn adam_in_mini_batches() {
    pin(Adam::DEFAULT, 0.01, [0x4191_E726, 0x7A2C_BF79, 0xC99C_3D65]);
}

#[test]
fn clipped_momentum_in_mini_batches() {
    let (optimizer, norm) = (Momentum(0.9), 0.5);
    pin(
        Clipped { optimizer, norm },
        0.1,
        [0x7BF1_C901, 0x37F1_F06D, 0xBE01_DD6D],
    );
}

#[test]
fn every_kind_of_dropout_and_truncated_l1() {
    const PINNED: [u32; 3] = [0xF027_C2D2, 0xA261_CFD1, 0x6D03_4DB3];
    type Deep = mlp![64 => 24 Relu => 20 Sigmoid => 10 Sigmoid];
    let mut rates = DropoutRates::hidden(0.125);
    rates.layers[0] = 0.125;
    rates.layers[2] = 0.25;
    rates.per_sample = true;
    rates.inverted = false;
    let config = TrainConfig::new(0.3)
        .with_weight_decay(WeightDecay::TruncatedL1(1.0e-4))
        .with_momentum(0.5);
    let mut rng = XorShiftRng::seed_from_u64(7);
    let mut network = Deep::ZEROED;
    network.init_weights(&mut rng);
    let mut state = TrainState::<_, _, 4>::ZEROED;
    let mut trainer = Trainer::new(config, &mut network, &mut state)
        .unwrap()
        .with_dropout(rates, &mut rng)
        .unwrap();
    let found = after_steps(|index| {
        let (images, labels) = mini_batch(index);
        trainer.batch(images, labels).unwrap();
        trainer.network().weights_crc32()
    });
    assert_pinned(found, PINNED);
    network.scale_for_prediction(&rates);
    assert!(accuracy(&network) > 0.9, "{}", accuracy(&network));
}

#[test]
fn two_hidden_layers_with_dropout() {
    const PINNED: [u32; 3] = [0x4CF8_008F, 0xAF66_354E, 0x4B8A_1501];
    type Deep = mlp![64 => 24 Relu => 20 Relu => 10 Softmax];
    let config = TrainConfig::new(0.1).with_cost(SoftmaxCrossEntropy);
    let mut rng = XorShiftRng::seed_from_u64(7);
    let mut network = Deep::ZEROED;
    network.init_weights(&mut rng);
    let mut state = TrainState::<_, Sgd, 10>::ZEROED;
    let mut trainer = Trainer::new(config, &mut network, &mut state)
        .unwrap()
        .with_dropout(DropoutRates::hidden(0.25), &mut rng)
        .unwrap();
    let found = after_steps(|index| {
        let (images, labels) = mini_batch(index);
        trainer.batch(images, labels).unwrap();
        trainer.network().weights_crc32()
    });
    assert!(accuracy(&network) > 0.9, "{}", accuracy(&network));
    assert_pinned(found, PINNED);
}
