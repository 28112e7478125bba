//! Desktop side of thumbnet: data, training runs, export and emulation.

pub mod bench;
pub mod board;
pub mod chapter3;
pub mod commands;
pub mod data;
pub mod emulate;
pub mod files;
pub mod find_rate;
pub mod history;
pub mod model;
pub mod page;
pub mod pictures;
pub mod recipe;
pub mod run;
pub mod training;
pub mod tune;
