//! Accuracy, cost, confusion and mistakes of a network on a set of samples.

use thumbnet::network::argmax;
use thumbnet::{Cost, DropoutRates};

use super::Instructions;
use super::hidden::Hidden;
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
    Predictor::new(model, threads, instructions).evaluate(samples)
}

/// A network laid out for predictions, on at least one thread.
pub struct Predictor {
    classes: usize,
    members: Vec<Member>,
}

/// Samples that go through the network together.
const BLOCK: usize = 64;

impl Predictor {
    /// Lays `model` out.
    pub fn new(model: &Model, threads: usize, instructions: Instructions) -> Self {
        let member = |_| Member::new(model, instructions);
        Self {
            classes: model.architecture.classes(),
            members: (0..threads.max(1)).map(member).collect(),
        }
    }

    /// As [`evaluate`].
    pub fn evaluate(&mut self, samples: &Samples) -> Evaluation {
        let classes = self.classes;
        let mut scores = vec![0.0; samples.len() * classes];
        let mut costs = vec![0.0_f32; samples.len()];
        let portion = samples.len().div_ceil(self.members.len()).max(1);
        std::thread::scope(|scope| {
            let portions = scores
                .chunks_mut(portion * classes)
                .zip(costs.chunks_mut(portion));
            let mut portions = self.members.iter_mut().zip(portions).enumerate();
            // The first portion is this thread's.
            let first = portions.next();
            for (index, (member, (scores, costs))) in portions {
                scope.spawn(move || {
                    member.evaluate_portion(samples, index * portion, scores, costs);
                });
            }
            if let Some((_, (member, (scores, costs)))) = first {
                member.evaluate_portion(samples, 0, scores, costs);
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

    /// The class of one image, [prepared](Samples::prepared) as the model asks for: the highest
    /// score.
    pub fn predict(&mut self, image: &[u8]) -> usize {
        let Some(member) = self.members.first_mut() else {
            return 0;
        };
        member.images.list([image].into_iter());
        let outputs = member.forward();
        argmax(&outputs.values[..outputs.shape.fan_out])
    }
}

/// What one thread predicts with.
struct Member {
    instructions: Instructions,
    cost: Cost,
    images: MiniBatch,
    part: Part,
    work: Work,
}

impl Member {
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

    /// Scores and costs of the samples from `first` on.
    fn evaluate_portion(
        &mut self,
        samples: &Samples,
        mut first: usize,
        scores: &mut [f32],
        costs: &mut [f32],
    ) {
        let (cost, instructions) = (self.cost, self.instructions);
        let classes = scores.len() / costs.len().max(1);
        let blocks = scores.chunks_mut(BLOCK * classes);
        for (scores, costs) in blocks.zip(costs.chunks_mut(BLOCK)) {
            let range = first..first + costs.len();
            first = range.end;
            self.images
                .list(range.clone().map(|index| samples.image(index)));
            let outputs = self.forward();
            let labels = &samples.labels[range];
            instructions.run(
                #[inline(always)]
                || {
                    let (shape, width) = (outputs.shape, outputs.width());
                    let rows = outputs.values.chunks_exact_mut(width).zip(labels);
                    let results = scores.chunks_exact_mut(classes).zip(costs);
                    for ((values, &label), (scores, sample_cost)) in rows.zip(results) {
                        let values = &mut values[..classes];
                        scores.copy_from_slice(values);
                        shape.activation.apply(scores);
                        *sample_cost = cost.deltas(shape.activation, values, label);
                    }
                },
            );
        }
    }

    /// The weighted inputs of the last layer.
    fn forward(&mut self) -> &mut Hidden {
        self.work.forward(&[&self.part], &self.images, None, 0);
        self.work.last()
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
