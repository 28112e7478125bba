//! A training run, from flags to the folder it leaves behind.
//!
//! | module | what |
//! |---|---|
//! | [`settings`] | the flags, and the values they take |
//! | [`augment_flags`] | the flags of augmentation, which show and train alike |
//! | [`plan`] | flags and a recipe, made definite against the data |
//! | [`fit`] | the epochs: train, validate, keep the best |
//! | [`folder`] | where a run's files go, and the files of every epoch |
//! | [`record`] | `run.toml`: what it takes to repeat the run, and what came of it |
//! | [`report`] | what people and programs get to read meanwhile |
//! | [`interrupt`] | Ctrl-C |

pub mod augment_flags;
pub mod fit;
pub mod folder;
pub mod interrupt;
pub mod plan;
pub mod record;
pub mod report;
pub mod settings;
