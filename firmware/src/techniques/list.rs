//! The list of techniques.

use thumbnet::augment::Augment;
use thumbnet::prelude::*;
use thumbnet::preparation::Size;

use super::{SIZE, Stop, Technique, Visitor};

type Digits = Mlp<64, 16, 10>;
type Rectified = Mlp<64, 16, 10, Relu, Softmax>;
type Deep = mlp![64 => 20 Tanh => 16 Relu => 12 Sigmoid => 10 Softmax];

const SIGMOID: TrainConfig = TrainConfig::new(1.5);
const SLOW: TrainConfig = TrainConfig::new(0.3);
const ADAPTIVE: TrainConfig = TrainConfig::new(0.02);
const ADAM: TrainConfig<Adam> = ADAPTIVE.with_optimizer(Adam::DEFAULT);
const QUADRATIC: TrainConfig<Sgd, Quadratic> = TrainConfig::new(0.1).with_cost(Quadratic);
const SOFTMAX: TrainConfig<Sgd, SoftmaxCrossEntropy> =
    TrainConfig::new(0.25).with_cost(SoftmaxCrossEntropy);
const DEEP: TrainConfig<Momentum, SoftmaxCrossEntropy> = TrainConfig::new(0.05)
    .with_cost(SoftmaxCrossEntropy)
    .with_momentum(0.9);

const L2: WeightDecay = WeightDecay::L2(0.002);
const L1: WeightDecay = WeightDecay::L1(0.0005);
const TRUNCATED_L1: WeightDecay = WeightDecay::TruncatedL1(0.0005);

const HALVES: DropoutRates = DropoutRates::hidden(0.5);
const PER_SAMPLE: DropoutRates = DropoutRates {
    per_sample: true,
    ..HALVES
};
const AS_IN_THE_BOOK: DropoutRates = DropoutRates {
    inverted: false,
    ..HALVES
};
const OF_INPUTS: DropoutRates = with_rates(DropoutRates::NONE, &[0.25]);
const BY_LAYER: DropoutRates = with_rates(
    DropoutRates {
        per_sample: true,
        ..AS_IN_THE_BOOK
    },
    &[0.0625, 0.125, 0.125, 0.25],
);

const UNIT_WEIGHTS: Initialization = Initialization {
    weights: WeightInit::Unit,
    biases: BiasInit::Normal,
};
const GLOROT: Initialization = Initialization {
    weights: WeightInit::Glorot,
    biases: BiasInit::Zero,
};
const HE: Initialization = Initialization {
    weights: WeightInit::He,
    biases: BiasInit::Zero,
};
const NORMAL_BIASES: Initialization = Initialization {
    weights: WeightInit::FanIn,
    biases: BiasInit::Normal,
};

const BY_ACCURACY: Stop = Stop::Patience(Patience::new(Rule::AccuracyNotAbove, 2));
const BY_COST: Stop = Stop::Patience(Patience::new(Rule::CostAbove, 2));
const PLATEAU: Stop = Stop::Plateau(Plateau::new(
    Patience::new(Rule::AccuracyNotAbove, 1),
    0.5,
    0.25,
));

const AUGMENT: Augment = Augment {
    shift: 0.5,
    rotation: 0.1,
    scale: 0.1,
    shear: 0.1,
    elastic: 0.25,
};
const DESKEW_AND_SCALE: Preparation = Preparation::DeskewAndScale {
    from: SIZE,
    to: Size::of::<6, 5>(),
};

/// The same with other rates for the first layers, inputs being the first of them.
const fn with_rates(mut dropout: DropoutRates, rates: &[f32]) -> DropoutRates {
    dropout
        .layers
        .split_at_mut(rates.len())
        .0
        .copy_from_slice(rates);
    dropout
}

/// One line a technique: its name, the network, the configuration, and whatever else is special.
macro_rules! techniques {
    ($($name:literal: $network:ty, $config:expr $(, $field:ident: $value:expr)*;)+) => {
        /// All techniques, in a fixed order.
        pub fn for_each<V: Visitor>(visitor: &mut V) {
            $(visitor.visit::<$network, _, _, _>(
                &Technique { name: $name, $($field: $value,)* ..Technique::PLAIN },
                $config,
            );)+
        }
    };
}

techniques! {
    // Activations and costs.
    "sigmoid, cross-entropy": Digits, SIGMOID;
    "sigmoid, quadratic": Digits, TrainConfig::new(4.0).with_cost(Quadratic);
    "tanh outputs, quadratic": Mlp<64, 16, 10, Tanh, Tanh>, QUADRATIC;
    "relu outputs, quadratic": Mlp<64, 16, 10, Tanh, Relu>, QUADRATIC;
    "identity outputs, quadratic": Mlp<64, 16, 10, Tanh, Identity>, QUADRATIC;
    "tanh, softmax cross-entropy": Mlp<64, 16, 10, Tanh, Softmax>, SOFTMAX;
    "relu, softmax cross-entropy": Rectified, SOFTMAX;
    "identity, softmax cross-entropy": Mlp<64, 16, 10, Identity, Softmax>, SOFTMAX;
    "three hidden layers": Deep, DEEP;

    // Optimisers.
    "momentum": Digits, SLOW.with_momentum(0.9);
    "nesterov": Digits, SLOW.with_nesterov(0.9);
    "rmsprop": Digits, ADAPTIVE.with_optimizer(RmsProp::DEFAULT);
    "adam": Digits, ADAM;
    "clipping": Digits, SIGMOID.with_clipping(0.5);
    "adam, clipping": Digits, ADAM.with_clipping(0.5);

    // Weight decay.
    "l2": Digits, SIGMOID.with_weight_decay(L2);
    "l1": Digits, SIGMOID.with_weight_decay(L1);
    "truncated l1": Digits, SIGMOID.with_weight_decay(TRUNCATED_L1);
    "l2, nesterov": Digits, SLOW.with_nesterov(0.9).with_weight_decay(L2);
    "l1, adam": Digits, ADAM.with_weight_decay(L1);
    "truncated l1, momentum": Digits, SLOW.with_momentum(0.9).with_weight_decay(TRUNCATED_L1);

    // Dropout.
    "dropout": Digits, SIGMOID, dropout: HALVES;
    "dropout per sample": Digits, SIGMOID, dropout: PER_SAMPLE;
    "dropout as in the book": Digits, SIGMOID, dropout: AS_IN_THE_BOOK;
    "dropout of inputs": Digits, SIGMOID, dropout: OF_INPUTS;
    "dropout by layer": Deep, DEEP, dropout: BY_LAYER;

    // Initialisation.
    "unit weights": Digits, SIGMOID, initialization: UNIT_WEIGHTS;
    "glorot": Digits, SIGMOID, initialization: GLOROT;
    "he": Rectified, SOFTMAX, initialization: HE;
    "normal biases": Digits, SIGMOID, initialization: NORMAL_BIASES;

    // Schedules, and what a validation set decides.
    "cosine": Digits, SIGMOID, schedule: |_| Schedule::cosine(0.05);
    "warm-up": Digits, SIGMOID, schedule: |_| Schedule::CONSTANT.with_warm_up(10);
    "warm-up, cosine": Digits, SIGMOID, schedule: |_| Schedule::cosine(0.01).with_warm_up(10);
    "one cycle": Digits, SIGMOID, schedule: Schedule::one_cycle;
    "early stopping by accuracy": Digits, SIGMOID, stop: BY_ACCURACY;
    "early stopping by cost": Digits, SLOW.with_momentum(0.9), stop: BY_COST;
    "plateau": Digits, SLOW.with_momentum(0.9), stop: PLATEAU;

    // Images.
    "augmentation": Digits, SIGMOID, augment: AUGMENT;
    "deskewing": Digits, SIGMOID, preparation: Preparation::Deskew(SIZE);
    "augmentation, deskewing, scaling": Mlp<30, 16, 10>, SIGMOID,
        augment: AUGMENT, preparation: DESKEW_AND_SCALE;
}
