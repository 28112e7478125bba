//! What thumbnet runs on a board, whatever the board.
//!
//! A board brings four things, each behind a small trait: a stream of samples
//! ([`embedded_io::Read`]), a light that shows activity ([`embedded_hal::digital::OutputPin`]), a
//! [`Meter`] that says what a piece of work cost, and its [`Memory`] figures. Everything else is
//! here, builds without a board, and is tested on a desktop with `cargo test -p thumbnet-firmware`.
//!
//! | module | what it holds |
//! |---|---|
//! | [`checkpoint`] | training state in flash, which survives power cuts |
//! | [`mod@digits`] | a program for a board alone: learns to read digits |
//! | [`parts`], [`clock`], [`signal`] | what a board brings; time; what its light says |
//! | [`field`] | learning alone, from what a board meets |
//! | [`idx`] | MNIST's file format, read as a stream and without allocation |
//! | [`image`] | room for an image, and for what a network sees of it |
//! | [`meter`] | costs: instructions or cycles, flash, RAM and stack |
//! | [`mod@evaluate`] | accuracy, cost and bits of a network's predictions |
//! | [`mod@train`] | training on a stream of samples |
//! | [`serve`](mod@serve) | the server of `thumbnet_protocol`: a desktop streams samples, the board trains |
//! | [`techniques`] | every technique of training, to compare bits |
//! | [`words`] | the words of a command line |
//!
//! # Features
//!
//! - `defmt`: logs through defmt. Without it the same code runs in silence, which is what a desktop's
//!   tests need: they have no defmt logger to link.
#![no_std]
#![forbid(unsafe_code)]

#[macro_use]
mod sentences;

mod board;
pub mod checkpoint;
pub mod clock;
pub mod digits;
mod duplex;
pub mod evaluate;
pub mod field;
pub mod idx;
pub mod image;
pub mod meter;
pub mod parts;
pub mod serve;
pub mod signal;
pub mod techniques;
pub mod train;
pub mod words;

#[cfg(test)]
mod testing;

pub use board::Board;
pub use checkpoint::{Checkpoint, Loaded, Store, StoreError, Wear};
pub use clock::Clock;
pub use digits::{DigitsMemory, digits};
pub use duplex::Duplex;
pub use evaluate::{Bits, Evaluation, evaluate};
pub use idx::{Batch, IdxError, Samples};
pub use image::{ImageRoom, PreparationCost, Prepared};
pub use meter::{Memory, Meter};
pub use parts::Parts;
pub use signal::Signal;
pub use train::{Progress, TrainError, Training, train};
