//! Layers in a row, as one plain type: the front doors [`Mlp`] and [`mlp!`](crate::mlp), and what
//! every network can do.

use rand_core::Rng;
use zerocopy::{FromBytes, Immutable, KnownLayout};

use crate::activation::{ActivationFunction, HiddenActivation, Sigmoid};
use crate::architecture::{Architecture, LayerShape};
use crate::cost::{Cost, CostFunction, TrainsWith};
use crate::dense::{self, Dense, Feed, Units, update_biases};
use crate::init::Initialization;
use crate::input::{FixedInput, Input, Width};
use crate::optimizer::{Kept, Optimizer, Slot, Step, Zeroed};
use crate::regularization::{Dropout, DropoutRates, WeightDecay, drop_units};

/// A network with one hidden layer. Widths that do not meet cannot be written.
///
/// `A` is the hidden layer's activation, `B` the output layer's.
///
/// ```
/// use thumbnet::prelude::*;
/// type Digits = Mlp<784, 32, 10>;
/// assert_eq!(size_of::<Digits>(), (784 * 32 + 32 + 32 * 10 + 10) * 4);
/// static DIGITS: Digits = Digits::ZEROED;
/// assert_eq!(DIGITS.predict(&[0_u8; 784]).scores, [0.5; 10]); // sigmoid(0)
/// ```
pub type Mlp<
    const INPUTS: usize,
    const HIDDEN: usize,
    const CLASSES: usize,
    A = Sigmoid,
    B = Sigmoid,
> = Chain<Dense<INPUTS, HIDDEN, A>, Dense<HIDDEN, CLASSES, B>>;

/// The type of a network with any number of layers.
///
/// ```
/// use thumbnet::prelude::*;
/// type Deeper = mlp![784 => 64 Relu => 32 Relu => 10 Softmax];
/// assert_eq!(Deeper::ARCHITECTURE.to_string(), "784-64-32-10");
/// ```
#[macro_export]
macro_rules! mlp {
    ($inputs:tt => $units:tt $activation:ident) => {
        $crate::Dense<$inputs, $units, $crate::$activation>
    };
    ($inputs:tt => $units:tt $activation:ident => $($rest:tt)+) => {
        $crate::Chain<
            $crate::Dense<$inputs, $units, $crate::$activation>,
            $crate::mlp![$units => $($rest)+],
        >
    };
}

/// A layer, and the network behind it.
#[derive(Clone, Debug, FromBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Chain<L, R> {
    /// The layer that sees the inputs.
    pub first: L,
    /// What sees the activations of `first`.
    pub rest: R,
}

impl<L: Zeroed, R: Zeroed> Zeroed for Chain<L, R> {
    const ZEROED: Self = Self {
        first: L::ZEROED,
        rest: R::ZEROED,
    };
}

/// What a network makes of one input.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Prediction<S> {
    /// The output with the highest score, the first of them if several are equal.
    pub class: usize,
    /// The activations of the last layer.
    pub scores: S,
}

/// What every network can do.
pub trait Network: Layers {
    /// Draws fresh weights: normal, with standard deviation `1 / sqrt(fan_in)`, layer by layer and
    /// row by row; biases zero.
    fn init_weights<R: Rng + ?Sized>(&mut self, rng: &mut R) {
        self.init_weights_with(Initialization::default(), rng);
    }

    /// [`init_weights`](Self::init_weights) with another spread of weights, or normal biases.
    fn init_weights_with<R: Rng + ?Sized>(&mut self, initialization: Initialization, rng: &mut R) {
        self.for_each_layer_mut(&mut |shape, weights, biases| {
            initialization.draw(rng, shape, weights, biases);
        });
    }

    /// The class and the scores of one input. The units' activations take a float each on the
    /// stack; [`predict_in`](Self::predict_in) puts them elsewhere.
    fn predict<X: FixedInput<Width = Self::Inputs> + ?Sized>(
        &self,
        input: &X,
    ) -> Prediction<Self::Scores> {
        let mut units = Self::Units::ZEROED;
        self.predict_in(input, &mut units)
    }

    /// [`predict`](Self::predict), with the caller's memory for the units.
    #[inline]
    fn predict_in<X: FixedInput<Width = Self::Inputs> + ?Sized>(
        &self,
        input: &X,
        units: &mut Self::Units<1>,
    ) -> Prediction<Self::Scores> {
        self.forward(&input, units);
        let scores = *Self::scores_mut(units);
        Prediction {
            class: argmax(scores.as_ref()),
            scores,
        }
    }

    /// [`predict`](Self::predict), and the sample's [`Cost`]: what the cost on validation samples
    /// is the mean of. `label`: below the number of classes.
    ///
    /// ```
    /// use thumbnet::prelude::*;
    /// // z = 0 in both outputs: each costs ln 2.
    /// let (prediction, cost) =
    ///     Mlp::<2, 4, 2>::ZEROED.predict_with_cost(&[1.0, 0.0], 1, CrossEntropy);
    /// assert_eq!(prediction.scores, [0.5; 2]);
    /// assert_eq!(cost, 1.3862944);
    /// ```
    fn predict_with_cost<X, C>(&self, input: &X, label: u8, _: C) -> (Prediction<Self::Scores>, f32)
    where
        X: FixedInput<Width = Self::Inputs> + ?Sized,
        C: CostFunction,
        Self::Output: TrainsWith<C>,
    {
        let mut units = Self::Units::ZEROED;
        self.weigh(&input, &mut units);
        let mut deltas = *Self::scores_mut(&mut units);
        let activation = Self::Output::ACTIVATION;
        let cost = C::COST.deltas(activation, deltas.as_mut(), label);
        let mut scores = *Self::scores_mut(&mut units);
        activation.apply(scores.as_mut());
        let class = argmax(scores.as_ref());
        (Prediction { class, scores }, cost)
    }

    /// What weight decay adds to the cost, the sum of [`WeightDecay::term`] over all layers. The
    /// mean cost of the validation samples and this are the book's validation cost; the notes'
    /// worked example has it times the number of samples in a mini-batch.
    fn decay_term(&self, weight_decay: WeightDecay) -> f64 {
        let mut sum = 0.0;
        self.for_each_layer(&mut |_, weights, _| sum += weight_decay.term(weights));
        sum
    }

    /// Makes a network that was trained with dropout as in the book, that is with
    /// [`inverted`](DropoutRates::inverted) false, ready to predict: multiplies the weights that
    /// lead out of inputs and hidden units by `1 - rate`, as "the weights outgoing from the hidden
    /// units are halved". Once, after training; rates that are inverted change nothing.
    fn scale_for_prediction(&mut self, rates: &DropoutRates) {
        let mut layer = 0;
        self.for_each_layer_mut(&mut |_, weights, _| {
            let keep = rates.prediction_scale(layer);
            for weight in weights {
                *weight *= keep;
            }
            layer += 1;
        });
    }

    /// CRC-32 (ISO-HDLC) of all parameters as the weights file holds them: layer by layer, weights
    /// row by row, then biases, little-endian.
    fn weights_crc32(&self) -> u32 {
        let mut digest = crate::format::CRC_32.digest();
        self.for_each_layer(&mut |_, weights, biases| {
            for value in weights.iter().chain(biases) {
                digest.update(&value.to_le_bytes());
            }
        });
        digest.finalize()
    }
}

impl<N: Layers> Network for N {}

/// The index of the largest score, the first of them if several are equal.
pub fn argmax(scores: &[f32]) -> usize {
    let mut best = (0, f32::NEG_INFINITY);
    for (index, &score) in scores.iter().enumerate() {
        if score > best.1 {
            best = (index, score);
        }
    }
    best.0
}

/// How the passes walk through a network, layer by layer. [`Dense`] is the last layer or the only
/// one, [`Chain`] a layer before others.
pub trait Layers: Zeroed + FromBytes + Immutable + KnownLayout {
    /// [`Width`]`<N>` for `N` inputs.
    type Inputs;
    /// The last layer's activation.
    type Output: ActivationFunction;
    /// `[f32; CLASSES]`.
    type Scores: Copy + AsRef<[f32]> + AsMut<[f32]>;
    /// One float a unit for each of `BATCH` samples.
    type Units<const BATCH: usize>: Zeroed;

    /// The shape as a value.
    const ARCHITECTURE: Architecture;

    /// Fills `units` for one input: hidden layers with activations, the last with weighted inputs.
    fn weigh<X: Input>(&self, input: &X, units: &mut Self::Units<1>);

    /// Fills `units` with the activations for one input.
    #[inline(always)]
    fn forward<X: Input>(&self, input: &X, units: &mut Self::Units<1>) {
        self.weigh(input, units);
        Self::Output::ACTIVATION.apply(Self::scores_mut(units).as_mut());
    }

    /// The last layer's units.
    fn scores_mut(units: &mut Self::Units<1>) -> &mut Self::Scores;

    /// Forward, cost, backward and update for one portion of a mini-batch.
    fn train<F: Feed, O: Optimizer, D: Dropout, const BATCH: usize>(
        &mut self,
        kept: Kept<'_, Self>,
        units: &mut Self::Units<BATCH>,
        feed: F,
        pass: &mut Pass<'_, O, D>,
    );

    /// Visits weights, then biases, of each layer, first to last, with what is kept for them.
    fn for_each_slot(
        &mut self,
        kept: Kept<'_, Self>,
        visit: &mut impl FnMut(Parameters, LayerShape, Slot<'_>),
    );

    /// Visits shape, weights and biases of each layer, first to last.
    fn for_each_layer(&self, visit: &mut impl FnMut(LayerShape, &[f32], &[f32]));

    /// Visits shape, weights and biases of each layer, first to last.
    fn for_each_layer_mut(&mut self, visit: &mut impl FnMut(LayerShape, &mut [f32], &mut [f32]));

    /// Takes over all parameters of another network, without a copy of it on the stack.
    fn copy_from(&mut self, other: &Self);
}

/// What a [`Slot`] holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parameters {
    /// `[fan_in][fan_out]`.
    Weights,
    /// `[fan_out]`.
    Biases,
}

/// What the layers share while one portion of a mini-batch goes through them.
#[derive(Debug)]
pub struct Pass<'a, O, D> {
    /// How parameters move.
    pub step: Step<O>,
    /// What is made small.
    pub cost: Cost,
    /// One label a sample, each below the number of classes.
    pub labels: &'a [u8],
    /// What drops units.
    pub dropout: &'a D,
    /// The place of the portion's first sample in the mini-batch.
    pub first: usize,
    /// The layer at hand, counted from 1.
    pub layer: usize,
    /// Room for one float a sample.
    pub scratch: &'a mut [f32],
    /// The sum of the samples' costs so far.
    pub cost_sum: f32,
}

impl<const FAN_IN: usize, const FAN_OUT: usize, A: ActivationFunction> Layers
    for Dense<FAN_IN, FAN_OUT, A>
{
    type Inputs = Width<FAN_IN>;
    type Output = A;
    type Scores = [f32; FAN_OUT];
    type Units<const BATCH: usize> = [[f32; FAN_OUT]; BATCH];

    const ARCHITECTURE: Architecture = Architecture::single(Self::SHAPE);

    #[inline(always)]
    fn weigh<X: Input>(&self, input: &X, units: &mut Self::Units<1>) {
        let [units] = units;
        dense::forward(input, self.weights.as_flattened(), &self.biases, units);
    }

    #[inline(always)]
    fn scores_mut(units: &mut Self::Units<1>) -> &mut Self::Scores {
        let [units] = units;
        units
    }

    #[inline(always)]
    fn train<F: Feed, O: Optimizer, D: Dropout, const BATCH: usize>(
        &mut self,
        kept: Kept<'_, Self>,
        units: &mut Self::Units<BATCH>,
        feed: F,
        pass: &mut Pass<'_, O, D>,
    ) {
        let outputs = units.get_mut(..pass.labels.len()).unwrap_or_default();
        feed.forward(
            self.weights.as_flattened(),
            &self.biases,
            outputs.as_flattened_mut(),
        );
        for (values, &label) in outputs.iter_mut().zip(pass.labels) {
            pass.cost_sum += pass.cost.deltas(A::ACTIVATION, values, label);
        }
        let deltas = outputs.as_flattened();
        let [weights, biases] = self.slots(kept);
        feed.backward(weights, deltas, FAN_OUT, &pass.step, pass.scratch);
        update_biases(biases, deltas, &pass.step);
    }

    #[inline(always)]
    fn for_each_slot(
        &mut self,
        kept: Kept<'_, Self>,
        visit: &mut impl FnMut(Parameters, LayerShape, Slot<'_>),
    ) {
        let [weights, biases] = self.slots(kept);
        visit(Parameters::Weights, Self::SHAPE, weights);
        visit(Parameters::Biases, Self::SHAPE, biases);
    }

    fn for_each_layer(&self, visit: &mut impl FnMut(LayerShape, &[f32], &[f32])) {
        visit(Self::SHAPE, self.weights.as_flattened(), &self.biases);
    }

    fn for_each_layer_mut(&mut self, visit: &mut impl FnMut(LayerShape, &mut [f32], &mut [f32])) {
        visit(
            Self::SHAPE,
            self.weights.as_flattened_mut(),
            &mut self.biases,
        );
    }

    fn copy_from(&mut self, other: &Self) {
        self.weights.copy_from_slice(&other.weights);
        self.biases.copy_from_slice(&other.biases);
    }
}

impl<const FAN_IN: usize, const FAN_OUT: usize, A, R> Layers for Chain<Dense<FAN_IN, FAN_OUT, A>, R>
where
    A: HiddenActivation,
    R: Layers<Inputs = Width<FAN_OUT>>,
{
    type Inputs = Width<FAN_IN>;
    type Output = R::Output;
    type Scores = R::Scores;
    type Units<const BATCH: usize> = Chain<[[f32; FAN_OUT]; BATCH], R::Units<BATCH>>;

    const ARCHITECTURE: Architecture = R::ARCHITECTURE.behind(Dense::<FAN_IN, FAN_OUT, A>::SHAPE);

    #[inline(always)]
    fn weigh<X: Input>(&self, input: &X, units: &mut Self::Units<1>) {
        let [first] = &mut units.first;
        dense::forward(
            input,
            self.first.weights.as_flattened(),
            &self.first.biases,
            first,
        );
        A::ACTIVATION.apply(first);
        self.rest.weigh(first, &mut units.rest);
    }

    #[inline(always)]
    fn scores_mut(units: &mut Self::Units<1>) -> &mut Self::Scores {
        R::scores_mut(&mut units.rest)
    }

    #[inline(always)]
    fn train<F: Feed, O: Optimizer, D: Dropout, const BATCH: usize>(
        &mut self,
        kept: Kept<'_, Self>,
        units: &mut Self::Units<BATCH>,
        feed: F,
        pass: &mut Pass<'_, O, D>,
    ) {
        let own = units.first.get_mut(..pass.labels.len()).unwrap_or_default();
        let (weights, biases) = (self.first.weights.as_flattened(), &self.first.biases);
        feed.forward(weights, biases, own.as_flattened_mut());
        for (sample, values) in own.iter_mut().enumerate() {
            A::ACTIVATION.apply(values);
            if D::ACTIVE {
                drop_units(values, &pass.dropout.mask(pass.layer, pass.first + sample));
            }
        }
        let (first_kept, rest_kept) = kept.split();
        let above = Units {
            values: own.as_flattened_mut(),
            fan_in: FAN_OUT,
            activation: A::ACTIVATION,
            drops: D::ACTIVE,
            scale: pass.dropout.scale(pass.layer),
        };
        pass.layer += 1;
        self.rest.train(rest_kept, &mut units.rest, above, pass);
        let deltas = own.as_flattened();
        let [weights, biases] = self.first.slots(first_kept);
        feed.backward(weights, deltas, FAN_OUT, &pass.step, pass.scratch);
        update_biases(biases, deltas, &pass.step);
    }

    #[inline(always)]
    fn for_each_slot(
        &mut self,
        kept: Kept<'_, Self>,
        visit: &mut impl FnMut(Parameters, LayerShape, Slot<'_>),
    ) {
        let (first, rest) = kept.split();
        self.first.for_each_slot(first, visit);
        self.rest.for_each_slot(rest, visit);
    }

    fn for_each_layer(&self, visit: &mut impl FnMut(LayerShape, &[f32], &[f32])) {
        self.first.for_each_layer(visit);
        self.rest.for_each_layer(visit);
    }

    fn for_each_layer_mut(&mut self, visit: &mut impl FnMut(LayerShape, &mut [f32], &mut [f32])) {
        self.first.for_each_layer_mut(visit);
        self.rest.for_each_layer_mut(visit);
    }

    fn copy_from(&mut self, other: &Self) {
        self.first.copy_from(&other.first);
        self.rest.copy_from(&other.rest);
    }
}

impl<'a, L, R> Kept<'a, Chain<L, R>> {
    /// What is kept for the first layer, and for the others.
    #[inline(always)]
    fn split(self) -> (Kept<'a, L>, Kept<'a, R>) {
        let split = |part: Option<&'a mut Chain<L, R>>| match part {
            Some(Chain { first, rest }) => (Some(first), Some(rest)),
            None => (None, None),
        };
        let velocity = split(self.velocity);
        let squares = split(self.squares);
        let gradient = split(self.gradient);
        let first = Kept {
            velocity: velocity.0,
            squares: squares.0,
            gradient: gradient.0,
        };
        let rest = Kept {
            velocity: velocity.1,
            squares: squares.1,
            gradient: gradient.1,
        };
        (first, rest)
    }
}
