//! A recipe's hyper-parameters in the protocol's words.

use anyhow::{Result, bail, ensure};
use thumbnet::{Adam, Cost, DropoutRates, RmsProp, WeightDecay};
use thumbnet_protocol::Config;
use thumbnet_protocol::config::{self, Optimizers};

use super::About;
use crate::training::{Hyperparameters, OptimizerChoice};

/// What a board is told before it trains with these.
///
/// # Errors
///
/// Boards cannot do it, or this one cannot.
pub fn config(hyperparameters: &Hyperparameters, about: &About) -> Result<Config> {
    let Hyperparameters {
        cost,
        batch_size,
        optimizer,
        weight_decay,
        clip_norm,
        dropout,
        input_scale,
        ..
    } = *hyperparameters;
    ensure!(
        input_scale == 1.0,
        "--pixel-divisor: expected 255, which is what boards divide pixels by"
    );
    ensure!(
        batch_size <= about.batch,
        "--batch-size: expected at most {}, what {} has memory for, found {batch_size}",
        about.batch,
        about.board
    );
    let config = Config {
        cost: match cost {
            Cost::CrossEntropy => config::Cost::CrossEntropy,
            Cost::Quadratic => config::Cost::Quadratic,
            Cost::SoftmaxCrossEntropy => config::Cost::SoftmaxCrossEntropy,
        },
        optimizer: self::optimizer(optimizer)?,
        clip_norm,
        weight_decay: self::weight_decay(weight_decay)?,
        dropout: drops(&dropout).then_some(config::Dropout {
            rates: dropout.layers,
            per_sample: dropout.per_sample,
            inverted: dropout.inverted,
        }),
    };
    let mut needed = config.optimizer.kind();
    if clip_norm.is_some() {
        needed = needed.and(Optimizers::CLIPPING);
    }
    ensure!(
        about.optimizers.has(needed),
        "{} has no code or no memory for this optimiser: it has {}",
        about.board,
        names(about.optimizers)
    );
    Ok(config)
}

/// Whether any unit is ever dropped, so that steps have a key.
pub(super) fn drops(rates: &DropoutRates) -> bool {
    rates.layers.iter().any(|&rate| rate > 0.0)
}

fn optimizer(choice: OptimizerChoice) -> Result<config::Optimizer> {
    Ok(match choice {
        OptimizerChoice::Sgd => config::Optimizer::Sgd,
        OptimizerChoice::Momentum(momentum) => config::Optimizer::Momentum(momentum),
        OptimizerChoice::Nesterov(momentum) => config::Optimizer::Nesterov(momentum),
        OptimizerChoice::RmsProp(RmsProp { decay, epsilon }) => {
            config::Optimizer::RmsProp { decay, epsilon }
        }
        OptimizerChoice::Adam(Adam {
            beta1,
            beta2,
            epsilon,
            ..
        }) => config::Optimizer::Adam {
            beta1,
            beta2,
            epsilon,
        },
        OptimizerChoice::Muon(_) => bail!(
            "--optimizer: boards have no Muon; sgd, with --momentum and --nesterov if you like, \
             rms-prop and adam can be trained there"
        ),
    })
}

fn weight_decay(decay: WeightDecay) -> Result<config::WeightDecay> {
    Ok(match decay {
        WeightDecay::None => config::WeightDecay::None,
        WeightDecay::L2(rate) => config::WeightDecay::L2(rate),
        WeightDecay::L1(rate) => config::WeightDecay::L1(rate),
        WeightDecay::TruncatedL1(rate) => config::WeightDecay::TruncatedL1(rate),
        other => bail!("boards have no weight decay of the kind {other:?}"),
    })
}

/// The optimisers of a board in words.
pub fn names(optimizers: Optimizers) -> String {
    let all = [
        (Optimizers::SGD, "gradient descent"),
        (Optimizers::MOMENTUM, "momentum"),
        (Optimizers::NESTEROV, "Nesterov"),
        (Optimizers::RMS_PROP, "RMSprop"),
        (Optimizers::ADAM, "Adam"),
        (Optimizers::CLIPPING, "clipped gradients"),
    ];
    let names = all.iter().filter(|(kind, _)| optimizers.has(*kind));
    names.map(|(_, name)| *name).collect::<Vec<_>>().join(", ")
}

const _: () = assert!(config::LAYERS == thumbnet::architecture::MAX_LAYERS);
