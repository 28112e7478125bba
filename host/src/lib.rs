//! Desktop side of thumbnet: data, training runs, export and emulation.

pub mod data;
pub mod emulate;
pub mod files;
pub mod history;
pub mod model;
pub mod pictures;
pub mod training;
