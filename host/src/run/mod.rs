//! A training run, from flags to the folder it leaves behind.
//!
//! | module | what |
//! |---|---|
//! | [`settings`] | numbers that several commands take |
//! | [`augment_flags`] | the flags with which `data show` distorts images |
//! | [`plan`] | a recipe, made definite against the data |
//! | `hyperparameters` | what the training engine makes of it |
//! | [`rate`] | the learning rate of every step |
//! | [`watch`] | early stopping, plateaus, and which epoch is the best |
//! | [`costs`] | the costs that are reported |
//! | [`trainer`] | mini-batches, or all samples at once |
//! | [`fit`] | the epochs: train, validate, keep the best |
//! | [`folder`] | where a run's files go, and the files of every epoch |
//! | [`state`] | `state.bin`: what it takes to go on with a run |
//! | [`record`] | `run.toml`: what it takes to repeat the run, and what came of it |
//! | [`report`] | what people and programs get to read meanwhile |
//! | `bar` | the progress bar |
//! | [`resume`] | a run's folder, read to go on with it |
//! | [`interrupt`] | Ctrl-C |

pub mod augment_flags;
mod bar;
pub mod costs;
pub mod fit;
pub mod folder;
mod hyperparameters;
pub mod interrupt;
pub mod plan;
pub mod rate;
pub mod record;
pub mod report;
pub mod resume;
pub mod settings;
pub mod state;
pub mod trainer;
pub mod watch;
