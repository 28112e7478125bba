//! The pictures of a training run: what it learned, how fast, and where it fails.
//!
//! | function | file | shows |
//! |---|---|---|
//! | [`curves`] | `curves.svg` | cost and validation accuracy, epoch by epoch |
//! | [`confusion`] | `confusion.svg` | which class is taken for which |
//! | [`first_layer`] | `first-layer.png` | what each unit of the first hidden layer looks for |
//! | [`mistakes`] | `mistakes.png` | the images that are misread |
//! | [`boundary`] | `boundary.png` | of points in the plane, which are taken for which class |
//!
//! [`Diagram`] draws any curves for a page, and [`diagrams`] several of them into a file.
//!
//! Blue and vermilion carry the meaning throughout: a pair that stays apart with every common kind of
//! colour blindness, and in grey.

mod axis;
mod boundary;
mod confusion;
mod curves;
mod diagram;
mod diagrams;
mod file;
mod first_layer;
mod histogram;
mod key;
mod letters;
mod mistakes;
mod parallel;
mod plot;
mod rates;
mod series;
mod style;
mod tile;

pub use boundary::{boundary, points};
pub use confusion::confusion;
pub use curves::curves;
pub use diagram::{Axis, Curve, Diagram, Drawn, Svg, best_sample};
pub use diagrams::diagrams;
pub use first_layer::first_layer;
pub use histogram::histogram;
pub use mistakes::{Mistake, mistakes};
pub use parallel::{ParallelAxis, ParallelLine, parallel};
pub use rates::{RateCurve, learning_rates};
pub(crate) use style::named_colors;
