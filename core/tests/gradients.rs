//! The gradient that a step applies, against central differences of costs written straight from
//! their definitions, in f64: every parameter, for every hidden activation, output activation and
//! cost, depth, weight decay, dropout and mini-batch size.
//!
//! # The error bound
//!
//! With learning rate 1 the applied gradient is `before - after`. What separates it from the
//! difference quotient:
//!
//! - f32 rounding, u = 2^-24 relative. Every sum in these networks has at most 7 terms, a gradient
//!   is a chain of at most 3 sums forward, 3 activations (`exp` and `tanh` are good to 3u, a sigmoid
//!   to 5u) and 2 sums back, then a mean over 4 samples and a subtraction from the weight: fewer
//!   than 60 roundings. `Reference` keeps the largest sum of magnitudes, `largest`, that any of the sums
//!   runs over, and every case asserts that it is below 4. A rounding error in one layer reaches
//!   the next ones multiplied by at most a sum of magnitudes of weights, which is part of the same
//!   figure. Errors of both signs do not all add up, and no rounding is near its worst case in
//!   every step, so 60 x 4 x u = 1.5e-5 is far more than what is ever seen: 1.4e-6.
//! - the difference quotient's own: truncation `h^2 / 6 C'''` and rounding `C 2^-53 / h`; with
//!   h = 1e-5, C < 10 and C''' < 100 both are below 2e-9.
//! - kinks: every case keeps each weighted input of a `ReLU` and each weight with an L1 decay at
//!   least 1e-3 from zero, which neither h nor rounding can cross.
//!
//! A wrong factor anywhere shows as an error of the size of the gradients: every case asserts that
//! each layer's weights and biases have one above 2e-3, a hundred times the tolerance.

mod support;

use support::parameters;
use support::reference::{Dropped, INPUTS, case};
use thumbnet::cost::{CostFunction, TrainsWith};
use thumbnet::input::Width;
use thumbnet::prelude::*;

const TOLERANCE: f64 = 1.5e-5;

/// Returns the largest error of one step's gradient.
fn check_step<N, C>(cost: C, batch: usize, decay: WeightDecay, dropped: Dropped) -> f64
where
    N: Network<Inputs = Width<INPUTS>>,
    C: CostFunction,
    N::Output: TrainsWith<C>,
{
    let (mut network, mut reference, start) = case::<N>(C::COST, batch, decay, dropped);
    let config = TrainConfig::new(1.0).with_cost(cost);
    let mut state = TrainState::<N, Sgd, 4>::ZEROED;
    let cost = reference.train(config, &mut network, &mut state);

    let what = format!(
        "{:?}, {}, batch of {batch}, decay {decay:?}, dropped {dropped:?}",
        N::ARCHITECTURE,
        C::COST
    );
    let gradient = reference.gradient(&start);
    // The cost that a step returns is without the decay term.
    reference.decay = WeightDecay::None;
    let expected = reference.cost(&start).cost;
    assert!(
        (f64::from(cost) - expected).abs() < TOLERANCE,
        "{what}: the cost is {expected}, the step returned {cost}"
    );
    let mut largest: f64 = 0.0;
    let after = parameters(&network);
    for (index, ((before, after), expected)) in start.iter().zip(after).zip(gradient).enumerate() {
        let found = before - f64::from(after);
        let error = (found - expected).abs();
        assert!(
            error < TOLERANCE,
            "{what}: parameter {index} has gradient {expected}, the step applied {found}"
        );
        largest = largest.max(error);
    }
    largest
}

/// Decay, dropout and mini-batch size for one network and cost.
macro_rules! check_all {
    ($($name:ident: $hidden:ident, $output:ident, $cost:ident;)+) => { $(
        #[test]
        fn $name() {
            type OneHidden = mlp![6 => 4 $hidden => 3 $output];
            type TwoHidden = mlp![6 => 5 $hidden => 4 $hidden => 3 $output];
            let mut largest: f64 = 0.0;
            for decay in [WeightDecay::None, WeightDecay::L2(0.125), WeightDecay::L1(0.0625)] {
                for dropped in [Dropped::None, Dropped::OfMiniBatch, Dropped::OfSample] {
                    let errors = [
                        check_step::<OneHidden, _>($cost, 1, decay, dropped),
                        check_step::<OneHidden, _>($cost, 4, decay, dropped),
                        check_step::<TwoHidden, _>($cost, 1, decay, dropped),
                        check_step::<TwoHidden, _>($cost, 4, decay, dropped),
                    ];
                    largest = errors.into_iter().fold(largest, f64::max);
                }
            }
            println!("largest error of a gradient: {largest:.1e}");
        }
    )+ };
}

check_all! {
    sigmoid_sigmoid_cross_entropy: Sigmoid, Sigmoid, CrossEntropy;
    sigmoid_sigmoid_quadratic: Sigmoid, Sigmoid, Quadratic;
    sigmoid_tanh_quadratic: Sigmoid, Tanh, Quadratic;
    sigmoid_relu_quadratic: Sigmoid, Relu, Quadratic;
    sigmoid_identity_quadratic: Sigmoid, Identity, Quadratic;
    sigmoid_softmax: Sigmoid, Softmax, SoftmaxCrossEntropy;
    tanh_sigmoid_cross_entropy: Tanh, Sigmoid, CrossEntropy;
    tanh_sigmoid_quadratic: Tanh, Sigmoid, Quadratic;
    tanh_tanh_quadratic: Tanh, Tanh, Quadratic;
    tanh_relu_quadratic: Tanh, Relu, Quadratic;
    tanh_identity_quadratic: Tanh, Identity, Quadratic;
    tanh_softmax: Tanh, Softmax, SoftmaxCrossEntropy;
    relu_sigmoid_cross_entropy: Relu, Sigmoid, CrossEntropy;
    relu_sigmoid_quadratic: Relu, Sigmoid, Quadratic;
    relu_tanh_quadratic: Relu, Tanh, Quadratic;
    relu_relu_quadratic: Relu, Relu, Quadratic;
    relu_identity_quadratic: Relu, Identity, Quadratic;
    relu_softmax: Relu, Softmax, SoftmaxCrossEntropy;
    identity_sigmoid_cross_entropy: Identity, Sigmoid, CrossEntropy;
    identity_sigmoid_quadratic: Identity, Sigmoid, Quadratic;
    identity_tanh_quadratic: Identity, Tanh, Quadratic;
    identity_relu_quadratic: Identity, Relu, Quadratic;
    identity_identity_quadratic: Identity, Identity, Quadratic;
    identity_softmax: Identity, Softmax, SoftmaxCrossEntropy;
}
