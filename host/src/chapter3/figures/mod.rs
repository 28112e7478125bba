//! The figures, one to a file.

mod augmentation;
mod batch_size;
mod depth;
mod dropout;
mod initialization;
mod l1;
mod l2;
mod learning_rate;
mod momentum;
mod neuron;
mod overfitting;
mod quadratic;

use super::Figure;

/// All figures, in the order of the chapter.
pub static FIGURES: [&Figure; 12] = [
    &neuron::FIGURE,
    &quadratic::FIGURE,
    &overfitting::FIGURE,
    &l2::FIGURE,
    &l1::FIGURE,
    &dropout::FIGURE,
    &augmentation::FIGURE,
    &initialization::FIGURE,
    &momentum::FIGURE,
    &depth::FIGURE,
    &learning_rate::FIGURE,
    &batch_size::FIGURE,
];
