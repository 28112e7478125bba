//! One step on a mini-batch, as configured by a desktop.

use thumbnet::cost::{CostFunction, CrossEntropy, Quadratic, SoftmaxCrossEntropy, TrainsWith};
use thumbnet::input::Width;
use thumbnet::network::Layers;
use thumbnet::optimizer::Optimizer;
use thumbnet::regularization::{Dropout, HashedMask, HashedMasks};
use thumbnet::trainer::{BatchError, ConfigError};
use thumbnet::{
    Cost, DropoutRates, Identity, Network, Prediction, Relu, Sigmoid, Softmax, Tanh, TrainConfig,
    TrainState, Trainer, WeightDecay,
};
use thumbnet_protocol::steps::StepHead;
use thumbnet_protocol::{Config, Refusal, config};

/// An activation of outputs, with the costs that go with it.
pub trait Outputs: TrainsWith<Self::Usual> + TrainsWith<Self::Other> {
    /// The cost that is usual with it.
    type Usual: CostFunction + Default;
    /// The other one, or the same again.
    type Other: CostFunction + Default;
}

macro_rules! outputs {
    ($($activation:ident: $usual:ident, $other:ident;)+) => {
        $(impl Outputs for $activation {
            type Usual = $usual;
            type Other = $other;
        })+
    };
}
outputs!(
    Sigmoid: CrossEntropy, Quadratic;
    Tanh: Quadratic, Quadratic;
    Relu: Quadratic, Quadratic;
    Identity: Quadratic, Quadratic;
    Softmax: SoftmaxCrossEntropy, SoftmaxCrossEntropy;
);

type Usual<N> = <<N as Layers>::Output as Outputs>::Usual;
type Other<N> = <<N as Layers>::Output as Outputs>::Other;

/// Core's name of a cost.
pub fn cost(cost: config::Cost) -> Cost {
    match cost {
        config::Cost::CrossEntropy => Cost::CrossEntropy,
        config::Cost::Quadratic => Cost::Quadratic,
        config::Cost::SoftmaxCrossEntropy => Cost::SoftmaxCrossEntropy,
    }
}

fn weight_decay(decay: config::WeightDecay) -> WeightDecay {
    match decay {
        config::WeightDecay::None => WeightDecay::None,
        config::WeightDecay::L2(rate) => WeightDecay::L2(rate),
        config::WeightDecay::L1(rate) => WeightDecay::L1(rate),
        config::WeightDecay::TruncatedL1(rate) => WeightDecay::TruncatedL1(rate),
    }
}

fn rates(dropout: config::Dropout) -> DropoutRates {
    let config::Dropout {
        rates,
        per_sample,
        inverted,
    } = dropout;
    DropoutRates {
        layers: rates,
        per_sample,
        inverted,
    }
}

/// Whether a network with these outputs can be trained like this.
///
/// # Errors
///
/// What cannot be.
pub fn check<A: Outputs>(config: &Config) -> Result<(), Refusal> {
    let decay = weight_decay(config.weight_decay).rate();
    let wrong = config.dropout.and_then(|dropout| rates(dropout).problem());
    if !cost(config.cost).fits(A::ACTIVATION) {
        Err(Refusal::Cost)
    } else if !(0.0..f32::INFINITY).contains(&decay) || wrong.is_some() {
        Err(Refusal::Config)
    } else {
        Ok(())
    }
}

/// Masks whose key comes with the step.
struct KeyedMasks(HashedMasks);

impl Dropout for KeyedMasks {
    const ACTIVE: bool = true;
    type Mask = HashedMask;

    fn begin(&mut self) {}

    #[inline(always)]
    fn mask(&self, layer: usize, sample: usize) -> HashedMask {
        self.0.mask(layer, sample)
    }

    #[inline(always)]
    fn scale(&self, layer: usize) -> f32 {
        self.0.rates.scale(layer)
    }
}

/// Trains one step, and returns the samples' mean cost before it.
///
/// # Errors
///
/// The samples make no mini-batch, or the learning rate is out of its range; nothing has changed.
pub fn step<N, O, const INPUTS: usize, const BATCH: usize>(
    network: &mut N,
    state: &mut TrainState<N, O, BATCH>,
    optimizer: O,
    config: &Config,
    head: &StepHead,
    inputs: &[[u8; INPUTS]],
    labels: &[u8],
) -> Result<f32, Refusal>
where
    N: Network<Inputs = Width<INPUTS>>,
    N::Output: Outputs,
    O: Optimizer,
{
    let (of, samples) = (cost(config.cost), (inputs, labels));
    if of == Usual::<N>::COST {
        step_with(
            network,
            state,
            optimizer,
            Usual::<N>::default(),
            config,
            head,
            samples,
        )
    } else if of == Other::<N>::COST {
        step_with(
            network,
            state,
            optimizer,
            Other::<N>::default(),
            config,
            head,
            samples,
        )
    } else {
        Err(Refusal::Cost)
    }
}

fn step_with<N, O, C, const INPUTS: usize, const BATCH: usize>(
    network: &mut N,
    state: &mut TrainState<N, O, BATCH>,
    optimizer: O,
    of: C,
    config: &Config,
    head: &StepHead,
    (inputs, labels): (&[[u8; INPUTS]], &[u8]),
) -> Result<f32, Refusal>
where
    N: Network<Inputs = Width<INPUTS>>,
    N::Output: TrainsWith<C>,
    O: Optimizer,
    C: CostFunction,
{
    let train_config = TrainConfig {
        // A trainer begins with a rate above 0; a step may have none.
        learning_rate: f32::MIN_POSITIVE,
        weight_decay: weight_decay(config.weight_decay),
        optimizer,
        cost: of,
    };
    let mut trainer = Trainer::new(train_config, network, state).map_err(refused_config)?;
    trainer
        .set_learning_rate(head.learning_rate)
        .map_err(|_| Refusal::LearningRate)?;
    let cost = match (config.dropout, head.key) {
        (Some(dropout), Some(key)) => trainer
            .with_masks(KeyedMasks(HashedMasks {
                rates: rates(dropout),
                key,
            }))
            .batch(inputs, labels),
        _ => trainer.batch(inputs, labels),
    };
    cost.map_err(refused_batch)
}

/// What a network makes of a sample, and its cost.
pub fn predict<N, const INPUTS: usize>(
    network: &N,
    inputs: &[u8; INPUTS],
    label: u8,
    of: Cost,
) -> (Prediction<N::Scores>, f32)
where
    N: Network<Inputs = Width<INPUTS>>,
    N::Output: Outputs,
{
    if of == Usual::<N>::COST {
        network.predict_with_cost(inputs, label, Usual::<N>::default())
    } else {
        network.predict_with_cost(inputs, label, Other::<N>::default())
    }
}

fn refused_config(error: ConfigError) -> Refusal {
    match error {
        ConfigError::LearningRate(_) => Refusal::LearningRate,
        _ => Refusal::Config,
    }
}

fn refused_batch(error: BatchError) -> Refusal {
    match error {
        BatchError::Label { .. } => Refusal::Label,
        _ => Refusal::Batch,
    }
}
