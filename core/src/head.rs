//! A network as a body that stays as it is and a head that trains: its last layer alone.
//!
//! The last layer is a network itself, whose inputs are the activations of the layer before. So a
//! [`Trainer`](crate::Trainer) trains it like any other, with any optimiser, decay and size of
//! mini-batch, and a [`TrainState`](crate::TrainState) for it is as small as it is. The body may stay
//! in flash, and samples may be kept as the few numbers that the head sees of them.
//!
//! ```
//! use thumbnet::Headed;
//! use thumbnet::prelude::*;
//! type Digits = Mlp<64, 16, 10>;
//! type Head = <Digits as Headed>::Head;
//! const CONFIG: TrainConfig<Momentum> = TrainConfig::new(0.1).with_momentum(0.9);
//!
//! let mut network = Digits::ZEROED;
//! network.init_weights(&mut XorShiftRng::seed_from_u64(7));
//! let mut state = TrainState::<Head, Momentum>::ZEROED;
//! assert!(size_of_val(&state) < size_of::<Digits>() / 4);
//!
//! let mut features = [0.0; 16];
//! network.features(&[0.5; 64], &mut features);
//! let before = network.predict(&[0.5; 64]).scores;
//! assert_eq!(network.head().predict(&features).scores, before);
//! Trainer::new(CONFIG, network.head_mut(), &mut state)?.step(&features, 3)?;
//! assert!(network.predict(&[0.5; 64]).scores[3] > before[3]);
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

use crate::activation::{ActivationFunction, HiddenActivation};
use crate::dense::{self, Dense};
use crate::input::{FixedInput, Input, Width};
use crate::network::{Chain, Layers, Network};
use crate::optimizer::Zeroed;

/// A network with a hidden layer or more.
pub trait Headed: Network {
    /// The last layer.
    type Head: Network<Output = Self::Output, Scores = Self::Scores>;
    /// What the head sees of an input: `[f32; N]`, the activations of the last hidden layer.
    type Features: FixedInput<Width = <Self::Head as Layers>::Inputs> + Zeroed + Copy;

    /// Computes what the head sees of `input`.
    fn features<X: FixedInput<Width = Self::Inputs> + ?Sized>(
        &self,
        input: &X,
        features: &mut Self::Features,
    ) {
        self.forward_body(&input, features);
    }

    /// [`features`](Self::features) for inputs of any width.
    #[doc(hidden)]
    fn forward_body<X: Input>(&self, input: &X, features: &mut Self::Features);

    /// The last layer.
    fn head(&self) -> &Self::Head;

    /// The last layer, to be trained or replaced.
    fn head_mut(&mut self) -> &mut Self::Head;
}

/// `a = A(x W + b)` of a hidden layer.
#[inline(always)]
fn activate<const FAN_IN: usize, const FAN_OUT: usize, A: HiddenActivation>(
    layer: &Dense<FAN_IN, FAN_OUT, A>,
    input: &impl Input,
    activations: &mut [f32; FAN_OUT],
) {
    dense::forward(
        input,
        layer.weights.as_flattened(),
        &layer.biases,
        activations,
    );
    A::ACTIVATION.apply(activations);
}

impl<const FAN_IN: usize, const UNITS: usize, const CLASSES: usize, A, B> Headed
    for Chain<Dense<FAN_IN, UNITS, A>, Dense<UNITS, CLASSES, B>>
where
    A: HiddenActivation,
    B: ActivationFunction,
{
    type Head = Dense<UNITS, CLASSES, B>;
    type Features = [f32; UNITS];

    #[inline]
    fn forward_body<X: Input>(&self, input: &X, features: &mut [f32; UNITS]) {
        activate(&self.first, input, features);
    }

    fn head(&self) -> &Self::Head {
        &self.rest
    }

    fn head_mut(&mut self) -> &mut Self::Head {
        &mut self.rest
    }
}

impl<const FAN_IN: usize, const UNITS: usize, A, R> Headed for Chain<Dense<FAN_IN, UNITS, A>, R>
where
    A: HiddenActivation,
    R: Headed<Inputs = Width<UNITS>>,
{
    type Head = R::Head;
    type Features = R::Features;

    #[inline]
    fn forward_body<X: Input>(&self, input: &X, features: &mut R::Features) {
        let mut activations = [0.0; UNITS];
        activate(&self.first, input, &mut activations);
        self.rest.forward_body(&activations, features);
    }

    fn head(&self) -> &Self::Head {
        self.rest.head()
    }

    fn head_mut(&mut self) -> &mut Self::Head {
        self.rest.head_mut()
    }
}
