//! What the training engine makes of a recipe.

use thumbnet::architecture::MAX_LAYERS;
use thumbnet::{Adam, Cost, DropoutRates, RmsProp, WeightDecay};

use crate::recipe::Recipe;
use crate::recipe::values::{DropoutMasks, DropoutScaling, Optimizer};
use crate::training::{Hyperparameters, Muon, OptimizerChoice};

pub(super) fn hyperparameters(
    recipe: &Recipe,
    cost: Cost,
    train_samples: usize,
) -> Hyperparameters {
    Hyperparameters {
        cost,
        batch_size: recipe.batch_size,
        drop_last: recipe.drop_last,
        optimizer: optimizer(recipe),
        weight_decay: weight_decay(recipe, train_samples),
        clip_norm: (recipe.clip_norm > 0.0).then_some(recipe.clip_norm as f32),
        dropout: dropout(recipe),
        input_scale: (255.0 / recipe.pixel_divisor as f64) as f32,
    }
}

fn optimizer(recipe: &Recipe) -> OptimizerChoice {
    let momentum = recipe.momentum as f32;
    let epsilon = recipe.epsilon as f32;
    match recipe.optimizer {
        Optimizer::RmsProp => OptimizerChoice::RmsProp(RmsProp {
            decay: recipe.rms_decay as f32,
            epsilon,
        }),
        Optimizer::Adam => {
            let (beta1, beta2) = (recipe.beta1 as f32, recipe.beta2 as f32);
            OptimizerChoice::Adam(Adam::new(beta1, beta2, epsilon))
        }
        Optimizer::Muon => OptimizerChoice::Muon(Muon {
            momentum: recipe.muon_momentum as f32,
            rate: (recipe.muon_rate / recipe.learning_rate) as f32,
            decay: recipe.muon_decay as f32,
            others: momentum,
        }),
        _ if recipe.nesterov => OptimizerChoice::Nesterov(momentum),
        _ if momentum > 0.0 => OptimizerChoice::Momentum(momentum),
        _ => OptimizerChoice::Sgd,
    }
}

fn weight_decay(recipe: &Recipe, train_samples: usize) -> WeightDecay {
    let rate = |lambda: f64| (lambda / train_samples as f64) as f32;
    if recipe.l2 > 0.0 {
        WeightDecay::L2(rate(recipe.l2))
    } else if recipe.l1 == 0.0 {
        WeightDecay::None
    } else if recipe.l1_truncated {
        WeightDecay::TruncatedL1(rate(recipe.l1))
    } else {
        WeightDecay::L1(rate(recipe.l1))
    }
}

fn dropout(recipe: &Recipe) -> DropoutRates {
    let mut layers = [0.0; MAX_LAYERS];
    layers[0] = recipe.input_dropout as f32;
    let hidden = layers.iter_mut().skip(1).take(recipe.hidden.len());
    // One rate is for all.
    for (rate, &given) in hidden.zip(recipe.dropout.iter().cycle()) {
        *rate = given as f32;
    }
    DropoutRates {
        layers,
        per_sample: recipe.dropout_masks == DropoutMasks::Sample,
        inverted: recipe.dropout_scaling == DropoutScaling::Training,
    }
}
