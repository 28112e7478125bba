//! Things that must be the same: two ways to the same numbers.

mod support;

use support::{bits, number_or_zero, parameters, random_network};
use thumbnet::Activation;
use thumbnet::cost::{CostFunction, TrainsWith};
use thumbnet::dense::{Feed, Units};
use thumbnet::input::{Width, pixel};
use thumbnet::network::Layers;
use thumbnet::optimizer::Optimizer;
use thumbnet::prelude::*;
use thumbnet::random::below;
use thumbnet::regularization::{DropUnits, Dropout, drop_units};

/// What one rounding to f32 may change, relative to the result.
const U: f64 = 1.0 / 16_777_216.0;

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

/// Images, of which most pixels are 0.
fn images(count: usize) -> (Vec<[u8; 7]>, Vec<u8>) {
    let mut rng = XorShiftRng::seed_from_u64(22);
    (0..count)
        .map(|_| {
            let image = std::array::from_fn(|_| match below(&mut rng, 3) {
                0 => [1, 2, 127, 254, 255][below(&mut rng, 5) as usize],
                _ => 0,
            });
            (image, below(&mut rng, 4) as u8)
        })
        .unzip()
}

/// The network, and the bits of every mini-batch's cost, after five rounds of mini-batches of
/// `size`; with dropout of `rate` if there is one.
fn trained<O, C, X, const BATCH: usize>(
    config: TrainConfig<O, C>,
    (inputs, labels): &(Vec<X>, Vec<u8>),
    size: usize,
    rate: Option<f32>,
) -> (Net, Vec<u32>)
where
    O: Optimizer,
    C: CostFunction,
    <Net as Layers>::Output: TrainsWith<C>,
    X: thumbnet::input::FixedInput<Width = Width<7>>,
{
    let mut network = random_network::<Net>(23);
    let mut state = TrainState::<Net, O, BATCH>::ZEROED;
    let mut rng = XorShiftRng::seed_from_u64(24);
    let mut costs = Vec::new();
    for (inputs, labels) in inputs.chunks(size).zip(labels.chunks(size)).cycle().take(5) {
        let mut trainer = Trainer::new(config, &mut network, &mut state).expect("valid");
        let cost = match rate {
            None => trainer.batch(inputs, labels),
            Some(rate) => trainer
                .with_dropout(DropoutRates::hidden(rate), &mut rng)
                .expect("a valid rate")
                .batch(inputs, labels),
        };
        costs.push(cost.expect("a valid batch").to_bits());
    }
    (network, costs)
}

fn assert_same((left, left_costs): &(Net, Vec<u32>), (right, right_costs): &(Net, Vec<u32>)) {
    assert_eq!(bits(left), bits(right));
    assert_eq!(left_costs, right_costs);
}

#[test]
fn weight_decay_is_the_gradient_of_its_term() {
    // One step with and one without: they differ by eta lambda / n w on weights, not on biases.
    let batch = samples(3);
    let mut before = random_network::<Net>(23);
    let decay = f64::from(0.5_f32 * 0.03125);
    let step = |config: TrainConfig<_, _>| {
        let mut network = before.clone();
        let mut state = TrainState::ZEROED;
        let mut trainer = Trainer::<_, _, _, 3>::new(config, &mut network, &mut state).unwrap();
        trainer.batch(&batch.0, &batch.1).unwrap();
        network
    };
    let plain = step(CONFIG);
    let decayed = parameters(&step(CONFIG.with_weight_decay(DECAY)));
    let mut rest = parameters(&plain).into_iter().zip(decayed);
    before.for_each_layer_mut(&mut |_, weights, biases| {
        for (w, (plain, decayed)) in weights.iter().zip(&mut rest) {
            let (found, expected) = (f64::from(plain) - f64::from(decayed), decay * f64::from(*w));
            // Weights stay below 2; both steps round once a sample, decay once more.
            let bound = 2.0 * 7.0 * U;
            assert!((found - expected).abs() < bound, "{found}, not {expected}");
        }
        for (_, (plain, decayed)) in biases.iter().zip(&mut rest) {
            assert_eq!(plain.to_bits(), decayed.to_bits(), "biases never decay");
        }
    });
}

#[test]
fn no_decay_is_decay_of_rate_zero() {
    let batch = samples(10);
    assert_same(
        &trained::<_, _, _, 2>(CONFIG, &batch, 2, None),
        &trained::<_, _, _, 2>(
            CONFIG.with_weight_decay(WeightDecay::L2(0.0)),
            &batch,
            2,
            None,
        ),
    );
}

#[test]
fn momentum_zero_is_gradient_descent() {
    // Not to the bit: momentum sums the samples' gradients before the weight moves.
    for decay in [WeightDecay::None, DECAY] {
        let (batch, config) = (samples(12), CONFIG.with_weight_decay(decay));
        let (sgd, _) = trained::<_, _, _, 4>(config, &batch, 4, Some(0.5));
        let (momentum, _) = trained::<_, _, _, 4>(config.with_momentum(0.0), &batch, 4, Some(0.5));
        for (sgd, momentum) in parameters(&sgd).into_iter().zip(parameters(&momentum)) {
            // Five steps of up to seven roundings of numbers below 2, a step's error changing the
            // next steps' gradients by less than itself.
            assert!((f64::from(sgd) - f64::from(momentum)).abs() < 2.0 * 5.0 * 7.0 * 2.0 * U);
        }
    }
}

#[test]
fn a_step_is_a_batch_of_one() {
    let (inputs, labels) = samples(12);
    let mut rngs = [24, 24].map(XorShiftRng::seed_from_u64);
    let [by_step, by_batch] = &mut rngs;
    let mut networks = [random_network::<Net>(23), random_network::<Net>(23)];
    let [stepped, batched] = &mut networks;
    let (mut state, mut other_state) = (TrainState::ZEROED, TrainState::ZEROED);
    let mut trainer = Trainer::<_, _, _, 1>::new(CONFIG, stepped, &mut state)
        .and_then(|trainer| trainer.with_dropout(DropoutRates::hidden(0.5), by_step))
        .expect("valid");
    // Room for more samples than come changes nothing either.
    let mut other = Trainer::<_, _, _, 4>::new(CONFIG, batched, &mut other_state)
        .and_then(|trainer| trainer.with_dropout(DropoutRates::hidden(0.5), by_batch))
        .expect("valid");
    for (input, &label) in inputs.iter().zip(&labels) {
        let costs = [
            trainer.step(input, label).expect("valid"),
            other.batch(&[*input], &[label]).expect("valid"),
        ];
        assert_eq!(costs[0].to_bits(), costs[1].to_bits());
        assert_eq!(bits(trainer.network()), bits(other.network()));
    }
}

#[test]
fn dropout_of_rate_zero_is_no_dropout() {
    let batch = samples(10);
    let config = CONFIG.with_weight_decay(DECAY);
    assert_same(
        &trained::<_, _, _, 3>(config, &batch, 3, None),
        &trained::<_, _, _, 3>(config, &batch, 3, Some(0.0)),
    );
}

#[test]
fn of_two_norms_to_clip_to_the_smaller_counts() {
    let batch = samples(10);
    let clipped = trained::<_, _, _, 5>(CONFIG.with_clipping(0.125), &batch, 5, None);
    for (inner, outer) in [(0.125, 0.5), (0.5, 0.125)] {
        let config = CONFIG.with_clipping(inner).with_clipping(outer);
        assert_same(&clipped, &trained::<_, _, _, 5>(config, &batch, 5, None));
    }
    let unclipped = trained::<_, _, _, 5>(CONFIG, &batch, 5, None);
    assert_ne!(bits(&clipped.0), bits(&unclipped.0));
}

#[test]
fn a_mini_batch_in_portions_is_the_same_mini_batch() {
    let batch = samples(26);
    let config = CONFIG.with_momentum(0.875).with_weight_decay(DECAY);
    // 26 samples in mini-batches of 10, 10, 6, in as many portions as the state's size makes.
    for rate in [None, Some(0.5)] {
        let whole = trained::<_, _, _, 10>(config, &batch, 10, rate);
        assert_same(&whole, &trained::<_, _, _, 1>(config, &batch, 10, rate));
        assert_same(&whole, &trained::<_, _, _, 3>(config, &batch, 10, rate));
        assert_same(&whole, &trained::<_, _, _, 9>(config, &batch, 10, rate));
        assert_same(&whole, &trained::<_, _, _, 32>(config, &batch, 10, rate));
    }
    // Without momentum there are no portions, but there may be room to spare.
    let whole = trained::<_, _, _, 10>(CONFIG, &batch, 10, None);
    assert_same(&whole, &trained::<_, _, _, 32>(CONFIG, &batch, 10, None));
}

#[test]
fn pixels_are_the_floats_they_stand_for() {
    let (images, labels) = images(20);
    let floats: Vec<[f32; 7]> = images.iter().map(|image| image.map(pixel)).collect();
    let by_hand = images
        .iter()
        .map(|image| image.map(|v| f32::from(v) / 255.0));
    assert!(by_hand.eq(floats.iter().copied()));
    let (images, floats) = ((images, labels.clone()), (floats, labels));
    assert_same(
        &trained::<_, _, _, 4>(CONFIG, &images, 4, Some(0.25)),
        &trained::<_, _, _, 4>(CONFIG, &floats, 4, Some(0.25)),
    );
    let momentum = CONFIG.with_momentum(0.5).with_weight_decay(DECAY);
    let (network, costs) = trained::<_, _, _, 4>(momentum, &images, 4, None);
    assert_same(
        &(network.clone(), costs),
        &trained::<_, _, _, 4>(momentum, &floats, 4, None),
    );
    for (image, floats) in images.0.iter().zip(&floats.0) {
        assert_eq!(network.predict(image), network.predict(floats));
    }
}

#[test]
fn an_input_that_is_zero_leaves_its_row_alone() {
    let before = random_network::<Net>(23);
    let inputs = [
        [0.5, 0.0, -0.25, -0.0, 1.0, 0.0, 0.125],
        [0.0, 0.0, 0.75, 0.0, -1.0, 0.5, 0.25],
    ];
    for (config, keep) in [
        (CONFIG, 1.0),
        (CONFIG.with_weight_decay(DECAY), 1.0 - 0.5 * 0.03125),
    ] {
        let mut network = before.clone();
        let mut state = TrainState::ZEROED;
        let mut trainer = Trainer::<_, _, _, 2>::new(config, &mut network, &mut state).unwrap();
        trainer.batch(&inputs, &[1, 2]).unwrap();
        let rows = network.first.weights.iter().zip(&before.first.weights);
        for (row, (after, before)) in rows.enumerate() {
            let untouched = before.map(|w| (w * keep).to_bits());
            assert_eq!(
                after.map(f32::to_bits) == untouched,
                row == 1 || row == 3,
                "row {row}"
            );
        }
    }
}

#[test]
fn dropout_keeps_the_mean_of_the_next_weighted_inputs() {
    const UNITS: usize = 8;
    const NEXT: usize = 3;
    const MASKS: usize = 20_000;
    let mut numbers = XorShiftRng::seed_from_u64(31);
    let activations: [f32; UNITS] = std::array::from_fn(|_| number_or_zero(&mut numbers, 9));
    let weights: [f32; UNITS * NEXT] = std::array::from_fn(|_| number_or_zero(&mut numbers, 9));
    let biases = [0.25, -0.5, 0.0];
    let next = |values: &mut [f32], scale| {
        let mut z = [0.0; NEXT];
        let units = Units {
            values,
            fan_in: UNITS,
            activation: Activation::Sigmoid,
            drops: true,
            scale,
        };
        units.forward(&weights, &biases, &mut z);
        z.map(f64::from)
    };
    let undropped = next(&mut activations.clone(), 1.0);
    for (rate, inverted) in [0.25, 0.5, 0.8]
        .into_iter()
        .flat_map(|rate| [(rate, true), (rate, false)])
    {
        let mut rng = XorShiftRng::seed_from_u64(32);
        let rates = DropoutRates {
            inverted,
            ..DropoutRates::hidden(rate)
        };
        // What the network predicts from after training: if inverted, from its own weights.
        let undropped = if inverted {
            undropped
        } else {
            let mut network = <mlp![4 => 8 Sigmoid => 3 Sigmoid]>::ZEROED;
            network
                .rest
                .weights
                .as_flattened_mut()
                .copy_from_slice(&weights);
            network.scale_for_prediction(&rates);
            let scaled: Vec<f64> = network
                .rest
                .weights
                .as_flattened()
                .iter()
                .map(|&w| w.into())
                .collect();
            std::array::from_fn(|j| {
                let column = scaled.iter().skip(j).step_by(NEXT);
                let products = column.zip(&activations).map(|(w, &a)| w * f64::from(a));
                f64::from(biases[j]) + products.sum::<f64>()
            })
        };
        let mut dropout = DropUnits::new(rates, &mut rng).expect("a valid rate");
        let (mut sums, mut squares) = ([0.0; NEXT], [0.0; NEXT]);
        for _ in 0..MASKS {
            dropout.begin();
            let mut values = activations;
            drop_units(&mut values, &dropout.mask(1, 0));
            let z = next(&mut values, dropout.scale(1));
            for (j, z) in z.into_iter().enumerate() {
                sums[j] += z;
                squares[j] += z * z;
            }
        }
        for j in 0..NEXT {
            let mean = sums[j] / MASKS as f64;
            let variance = squares[j] / MASKS as f64 - mean * mean;
            let standard_error = (variance / MASKS as f64).sqrt();
            assert!(variance > 0.0);
            assert!(
                (mean - undropped[j]).abs() < 5.0 * standard_error,
                "{rates:?}: mean {mean}, without dropout {}, standard error {standard_error}",
                undropped[j]
            );
        }
    }
}

#[test]
fn training_takes_the_memory_that_the_table_says() {
    type Digits = Mlp<784, 32, 10>;
    const PARAMETERS: usize = 784 * 32 + 32 + 32 * 10 + 10;
    const UNITS: usize = 32 + 10;
    // How many steps there were.
    const STEPS: usize = 4;
    assert_eq!(size_of::<Digits>(), 4 * PARAMETERS);
    assert_eq!(size_of::<TrainState<Digits>>(), 4 * (UNITS + 1) + STEPS);
    assert_eq!(
        size_of::<TrainState<Digits, Sgd, 10>>(),
        4 * 10 * (UNITS + 1) + STEPS
    );
    assert_eq!(
        size_of::<TrainState<Digits, Momentum, 10>>(),
        4 * PARAMETERS + 4 * 10 * (UNITS + 1) + STEPS
    );
    // A float a parameter for each of: velocity; squares; both; gradient.
    let floats = |bytes: usize| (bytes - 4 * (UNITS + 1) - STEPS) / 4;
    assert_eq!(
        [
            floats(size_of::<TrainState<Digits, Nesterov>>()),
            floats(size_of::<TrainState<Digits, RmsProp>>()),
            floats(size_of::<TrainState<Digits, Adam>>()),
            floats(size_of::<TrainState<Digits, Clipped<Sgd>>>()),
            floats(size_of::<TrainState<Digits, Clipped<Momentum>>>()),
            floats(size_of::<TrainState<Digits, Clipped<Adam>>>()),
        ],
        [1, 2, 3, 1, 2, 3].map(|floats| floats * PARAMETERS)
    );
}
