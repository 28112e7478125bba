//! Accuracy, cost, confusion and mistakes of a network on a set of samples.

use thumbnet::dense;
use thumbnet::network::argmax;

use super::Instructions;
use crate::data::Samples;
use crate::model::Model;

/// How a network does on a set of samples.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// The class of each sample: the highest score.
    pub predictions: Vec<usize>,
    /// `[samples][classes]`: the activations of the last layer.
    pub scores: Vec<f32>,
    /// Share of samples whose class is their label, 0 ..= 1.
    pub accuracy: f64,
    /// Mean cost of the samples, without the weight decay term.
    pub cost: f64,
}

impl Evaluation {
    /// `[label][class]`: how often each label was taken for each class.
    pub fn confusion(&self, samples: &Samples, classes: usize) -> Vec<Vec<u32>> {
        let mut counts = vec![vec![0; classes]; classes];
        for (&label, &class) in samples.labels.iter().zip(&self.predictions) {
            counts[usize::from(label)][class] += 1;
        }
        counts
    }
}

/// Evaluates `model` on all `samples`, whose pixels, [prepared](Samples::prepared) as the model asks
/// for, are its inputs, and whose labels are below its number of classes. The result does not depend on the number of threads.
pub fn evaluate(
    model: &Model,
    samples: &Samples,
    threads: usize,
    instructions: Instructions,
) -> Evaluation {
    let classes = model.architecture.classes();
    let mut scores = vec![0.0; samples.len() * classes];
    let mut costs = vec![0.0_f32; samples.len()];
    let portion = samples.len().div_ceil(threads.max(1)).max(1);
    std::thread::scope(|scope| {
        let portions = scores
            .chunks_mut(portion * classes)
            .zip(costs.chunks_mut(portion));
        for (index, (scores, costs)) in portions.enumerate() {
            let first = index * portion;
            scope.spawn(move || {
                instructions.run(
                    #[inline(always)]
                    || evaluate_portion(model, samples, first, scores, costs),
                );
            });
        }
    });
    let predictions: Vec<usize> = scores.chunks_exact(classes).map(argmax).collect();
    let correct = samples
        .labels
        .iter()
        .zip(&predictions)
        .filter(|(l, p)| usize::from(**l) == **p);
    let count = samples.len().max(1) as f64;
    Evaluation {
        accuracy: correct.count() as f64 / count,
        cost: costs.iter().map(|&cost| f64::from(cost)).sum::<f64>() / count,
        predictions,
        scores,
    }
}

/// The samples from `first` on, as many as there is room for.
#[inline(always)]
fn evaluate_portion(
    model: &Model,
    samples: &Samples,
    first: usize,
    scores: &mut [f32],
    costs: &mut [f32],
) {
    let classes = model.architecture.classes();
    let mut below: Vec<f32> = Vec::new();
    let mut units: Vec<f32> = Vec::new();
    for (offset, (scores, cost)) in scores.chunks_exact_mut(classes).zip(costs).enumerate() {
        let depth = model.architecture.layers().len();
        for (index, (shape, weights, biases)) in model.layers().enumerate() {
            units.clear();
            units.resize(shape.fan_out, 0.0);
            if index == 0 {
                dense::forward(samples.image(first + offset), weights, biases, &mut units);
            } else {
                dense::forward(below.as_slice(), weights, biases, &mut units);
            }
            if index + 1 == depth {
                scores.copy_from_slice(&units);
                shape.activation.apply(scores);
                let label = samples.labels[first + offset];
                *cost = model.cost.deltas(shape.activation, &mut units, label);
            } else {
                shape.activation.apply(&mut units);
            }
            std::mem::swap(&mut below, &mut units);
        }
    }
}
