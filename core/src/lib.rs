//! Train the same small neural network on a desktop and on a microcontroller, with the same bits.
//!
//! A network is one plain value of fixed-size arrays. It needs no allocator, so it lives in a
//! `static` on a board, in a `Box` on a desktop, or in flash where it is read in place. Training
//! is mini-batch gradient descent by backpropagation, with the techniques of chapter 3 of
//! Nielsen's [*Neural Networks and Deep Learning*](http://neuralnetworksanddeeplearning.com/chap3.html).
//!
//! ```
//! use thumbnet::prelude::*;
//!
//! // Two inputs, four hidden sigmoid units, two sigmoid outputs trained by cross-entropy.
//! type Xor = Mlp<2, 4, 2>;
//! const CONFIG: TrainConfig = TrainConfig::new(2.0); // learning_rate
//! const INPUTS: [[f32; 2]; 4] = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]];
//! const LABELS: [u8; 4] = [0, 1, 1, 0];
//!
//! let mut network = Xor::ZEROED;
//! network.init_weights(&mut XorShiftRng::seed_from_u64(7));
//! let mut state = TrainState::ZEROED; // the caller's memory: activations and deltas
//! let mut trainer = Trainer::<_, _, _, 4>::new(CONFIG, &mut network, &mut state)?;
//! for _ in 0..2_000 {
//!     trainer.batch(&INPUTS, &LABELS)?;
//! }
//! for (input, label) in INPUTS.iter().zip(LABELS) {
//!     assert_eq!(network.predict(input).class, usize::from(label));
//! }
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
//!
//! # Reading the crate
//!
//! In the order in which a sample flows: [`augment`], [`preparation`], [`input`], [`network`] (whose
//! layers are [`Dense`]), [`activation`], [`cost`], then back through [`dense`] into [`optimizer`]
//! and [`regularization`], all driven by [`trainer`], which works in [`state`]; [`head`] lets the last layer train alone. [`kernel`] holds the inner loops, [`mod@format`]
//! the weights file, [`metrics`] what is counted, [`init`] and [`random`] how weights start,
//! [`schedule`] and [`stopping`] how fast and how long a run goes.
//!
//! # The numerical contract
//!
//! For the same seed, data and configuration every parameter has the same bits after any number
//! of steps on x86-64 of any vector width, on AArch64, and on Cortex-M with and without an FPU:
//!
//! 1. a multiplication and an addition are two roundings: no fused multiply-add, anywhere;
//! 2. every sum has one order, fixed by the source: over inputs ascending in the forward pass,
//!    over samples ascending in an update, in eight lanes for a dot product ([`kernel::dot`]);
//! 3. an input that is exactly zero contributes nothing: a step moves its row of weights by decay
//!    and velocity alone;
//! 4. `exp` and `tanh` are ours ([`kernel::exp`], [`kernel::tanh`]), a square root is rounded
//!    correctly ([`kernel::sqrt`]); every other function is `libm`'s, on every target;
//! 5. features never change numbers.
//!
//! It holds for finite numbers: which of the many NaN patterns a diverged run ends with is
//! the processor's choice.
//!
//! # Memory
//!
//! | training mode | floats held per weight | beside them |
//! |---|---|---|
//! | [`Sgd`], batch 1 | 1 | hidden + outputs + 1 floats |
//! | [`Sgd`], mini-batch | 1 | `BATCH` x (hidden + outputs + 1) floats |
//! | [`Momentum`], any batch size | 2 | `BATCH` x (hidden + outputs + 1) floats, any `BATCH` from 1 |
//! | [`Nesterov`], mini-batch | 2 | `BATCH` x (hidden + outputs + 1) floats |
//! | [`RmsProp`], any batch size | 3 | as [`Momentum`] |
//! | [`Adam`], any batch size | 4 | as [`Momentum`] |
//! | [`Clipped`]: [`Sgd`], [`Momentum`] or [`Nesterov`] | 1 more | as [`Momentum`] |
//!
//! Masks of dropout, schedules and early stopping take a few bytes. Keeping the best weights takes
//! a float per weight more.
//!
//! # Features
//!
//! `defmt`: derives `defmt::Format` for everything that a board logs.
#![no_std]
// Allowed in `kernel` alone, where boards' inner loops are in assembly.
#![deny(unsafe_code)]

#[cfg(target_endian = "big")]
compile_error!("thumbnet reads weights in place, which needs a little-endian target");

pub mod activation;
pub mod architecture;
pub mod augment;
pub mod cost;
pub mod dense;
pub mod format;
pub mod head;
pub mod init;
pub mod input;
pub mod kernel;
pub mod metrics;
pub mod network;
pub mod optimizer;
pub mod preparation;
pub mod random;
pub mod regularization;
pub mod schedule;
pub mod state;
pub mod stopping;
pub mod trainer;

pub use activation::{Activation, Identity, Relu, Sigmoid, Softmax, Tanh};
pub use architecture::{Architecture, LayerShape};
pub use cost::{Cost, CrossEntropy, Quadratic, SoftmaxCrossEntropy};
pub use dense::Dense;
pub use head::Headed;
pub use init::{BiasInit, Initialization, WeightInit};
pub use metrics::{Accuracy, ConfusionMatrix, RunningMean};
pub use network::{Chain, Mlp, Network, Prediction};
pub use optimizer::{Adam, Clipped, Momentum, Nesterov, RmsProp, Sgd};
pub use preparation::Preparation;
pub use regularization::{DropoutRates, WeightDecay};
pub use schedule::Schedule;
pub use state::TrainState;
pub use stopping::{Outcome, Patience, Plateau, Rule};
pub use trainer::{TrainConfig, Trainer};

// What the exported macros name.
#[doc(hidden)]
pub use zerocopy;

/// Everything a program that trains or predicts usually needs.
pub mod prelude {
    pub use crate::activation::{Identity, Relu, Sigmoid, Softmax, Tanh};
    pub use crate::cost::{CrossEntropy, Quadratic, SoftmaxCrossEntropy};
    pub use crate::init::{BiasInit, Initialization, WeightInit};
    pub use crate::metrics::{Accuracy, ConfusionMatrix};
    // For their constants, `ARCHITECTURE` and `ZEROED`.
    pub use crate::network::Layers as _;
    pub use crate::network::{Mlp, Network, Prediction};
    pub use crate::optimizer::Zeroed as _;
    pub use crate::optimizer::{Adam, Clipped, Momentum, Nesterov, RmsProp, Sgd};
    pub use crate::preparation::Preparation;
    pub use crate::regularization::{DropoutRates, WeightDecay};
    pub use crate::schedule::Schedule;
    pub use crate::state::TrainState;
    pub use crate::stopping::{Outcome, Patience, Plateau, Rule};
    pub use crate::trainer::{TrainConfig, Trainer};
    pub use crate::{include_model, mlp};
    pub use rand_core::SeedableRng;
    pub use rand_xorshift::XorShiftRng;
}

// The first lines of code in the README compile and run.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
