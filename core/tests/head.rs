//! Training the last layer alone, against training all layers with the others put back after each
//! step: the same bits, whatever the optimiser. (What all layers train to is held against
//! differences in `gradients.rs` and `optimizers.rs`.)

mod support;

use support::{bits, number_or_zero, random_network};
use thumbnet::cost::{CostFunction, TrainsWith};
use thumbnet::input::Width;
use thumbnet::optimizer::Optimizer;
use thumbnet::prelude::*;
use thumbnet::{Headed, Network};

const INPUTS: usize = 6;
const BATCH: usize = 4;

type Shallow = mlp![6 => 5 Sigmoid => 3 Sigmoid];
type Deep = mlp![6 => 7 Tanh => 5 Relu => 3 Softmax];

fn compare<N, O, C>(config: TrainConfig<O, C>)
where
    N: Headed<Inputs = Width<INPUTS>, Features = [f32; 5]> + Clone,
    N::Head: Network<Inputs = Width<5>> + Clone,
    O: Optimizer,
    C: CostFunction,
    N::Output: TrainsWith<C>,
{
    let mut rng = XorShiftRng::seed_from_u64(5);
    let body: N = random_network(3);
    let (mut whole, mut headed) = (body.clone(), body.clone());
    let mut whole_state = TrainState::<N, O, BATCH>::ZEROED;
    let mut head_state = TrainState::<N::Head, O, BATCH>::ZEROED;
    for step in 0..20 {
        // Some inputs, and some units behind ReLU, are exactly zero.
        let count = 1 + step % BATCH;
        let mut inputs = [[0.0; INPUTS]; BATCH];
        for input in inputs.as_flattened_mut() {
            *input = number_or_zero(&mut rng, 3);
        }
        let (inputs, labels) = (&inputs[..count], &[0, 2, 1, 2][..count]);
        let mut features = [[0.0; 5]; BATCH];
        for (input, features) in inputs.iter().zip(&mut features) {
            headed.features(input, features);
        }

        let mut trainer = Trainer::new(config, &mut whole, &mut whole_state).unwrap();
        let cost = trainer.batch(inputs, labels).unwrap();
        let head = whole.head().clone();
        whole.copy_from(&body);
        whole.head_mut().copy_from(&head);

        let mut trainer = Trainer::new(config, headed.head_mut(), &mut head_state).unwrap();
        let head_cost = trainer.batch(&features[..count], labels).unwrap();
        assert_eq!(bits(&headed), bits(&whole), "step {step}");
        assert_eq!(head_cost.to_bits(), cost.to_bits());
    }
    assert_ne!(bits(headed.head()), bits(body.head()));
}

fn with_optimizer<O: Optimizer>(optimizer: O) {
    let config = TrainConfig::new(0.05)
        .with_weight_decay(WeightDecay::L2(1.0e-2))
        .with_optimizer(optimizer);
    compare::<Shallow, _, _>(config);
    compare::<Deep, _, _>(config.with_cost(SoftmaxCrossEntropy));
}

/// All but Nesterov's, with which the body, too, would be looked at ahead of where it is put back.
#[test]
fn the_head_trains_as_it_does_with_a_body_that_is_put_back() {
    with_optimizer(Sgd);
    with_optimizer(Momentum(0.9));
    with_optimizer(RmsProp::DEFAULT);
    with_optimizer(Adam::DEFAULT);
}

#[test]
fn a_body_and_its_head_predict_as_the_network() {
    let network: Deep = random_network(8);
    let mut rng = XorShiftRng::seed_from_u64(9);
    for _ in 0..100 {
        let input: [f32; INPUTS] = core::array::from_fn(|_| number_or_zero(&mut rng, 3));
        let mut features = [0.0; 5];
        network.features(&input, &mut features);
        assert_eq!(network.head().predict(&features), network.predict(&input));
    }
}
