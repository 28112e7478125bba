//! Accuracy, cost, confusion and mistakes of a network on a set of samples.

use std::ops::Range;

use thumbnet::network::argmax;
use thumbnet::{Cost, DropoutRates};

use super::Instructions;
use super::mini_batch::MiniBatch;
use super::parameters::Parts;
use super::part::Part;
use super::work::Work;
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
/// for, are its inputs, and whose labels are below its number of classes. The result does not depend
/// on the number of threads.
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
                let mut network = Network::new(model, instructions);
                let blocks = scores
                    .chunks_mut(BLOCK * classes)
                    .zip(costs.chunks_mut(BLOCK));
                for (block, (scores, costs)) in blocks.enumerate() {
                    let first = first + block * BLOCK;
                    network.evaluate(samples, first..first + costs.len(), scores, costs);
                }
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

/// Samples that go through the network together.
const BLOCK: usize = 64;

/// A network laid out for the forward pass.
struct Network {
    instructions: Instructions,
    cost: Cost,
    images: MiniBatch,
    part: Part,
    work: Work,
}

impl Network {
    fn new(model: &Model, instructions: Instructions) -> Self {
        let parts = |values| -> Parts<'_> { [values, &[], &[], &[]] };
        let layers = model
            .layers()
            .map(|(shape, weights, biases)| (shape, parts(weights), parts(biases)));
        let rates = &DropoutRates::NONE;
        Self {
            instructions,
            cost: model.cost,
            images: MiniBatch::default(),
            part: Part::new(layers, false, (0, 1), instructions),
            work: Work::new(&model.architecture, model.cost, rates, instructions),
        }
    }

    /// Scores and costs of some samples.
    fn evaluate(
        &mut self,
        samples: &Samples,
        range: Range<usize>,
        scores: &mut [f32],
        costs: &mut [f32],
    ) {
        self.images.list(samples, range.clone());
        self.work.forward(&[&self.part], &self.images, None, 0);
        let (cost, labels) = (self.cost, &samples.labels[range]);
        let outputs = self.work.last();
        self.instructions.run(
            #[inline(always)]
            || {
                let (shape, width) = (outputs.shape, outputs.width());
                let rows = outputs.values.chunks_exact_mut(width).zip(labels);
                let results = scores.chunks_exact_mut(shape.fan_out).zip(costs);
                for ((values, &label), (scores, sample_cost)) in rows.zip(results) {
                    let values = &mut values[..shape.fan_out];
                    scores.copy_from_slice(values);
                    shape.activation.apply(scores);
                    *sample_cost = cost.deltas(shape.activation, values, label);
                }
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use thumbnet::{Activation, Initialization, dense};

    use super::*;
    use crate::data::{DataChoice, load};
    use crate::model::parse_architecture;

    /// Layer by layer and sample by sample, by core.
    fn scores_by_core(model: &Model, image: &[u8]) -> Vec<u32> {
        let mut below: Vec<f32> = Vec::new();
        for (index, (shape, weights, biases)) in model.layers().enumerate() {
            let mut units = vec![0.0; shape.fan_out];
            match index {
                0 => dense::forward(image, weights, biases, &mut units),
                _ => dense::forward(below.as_slice(), weights, biases, &mut units),
            }
            shape.activation.apply(&mut units);
            below = units;
        }
        below.iter().map(|score| score.to_bits()).collect()
    }

    #[test]
    fn scores_are_cores_bits_with_all_instructions() {
        let data = load(&DataChoice::Digits).unwrap();
        for shape in ["64-10", "64-27-10", "64-130-18-10"] {
            for hidden in [Activation::Sigmoid, Activation::Relu] {
                let shape = parse_architecture(shape, hidden, Activation::Softmax).unwrap();
                let cost = Cost::SoftmaxCrossEntropy;
                let model = Model::fresh(shape, cost, Initialization::default(), 3);
                let images = (0..data.test.len()).map(|index| data.test.image(index));
                let expected: Vec<u32> = images
                    .flat_map(|image| scores_by_core(&model, image))
                    .collect();
                for instructions in Instructions::ALL {
                    if instructions.is_available() {
                        for threads in [1, 2, 3] {
                            let found = evaluate(&model, &data.test, threads, instructions);
                            let found: Vec<u32> =
                                found.scores.iter().map(|s| s.to_bits()).collect();
                            assert!(found == expected, "{shape:?}, {instructions:?}");
                        }
                    }
                }
            }
        }
    }
}
