//! Desktop side of thumbnet: data, training runs, export and emulation.

pub mod data;
pub mod emulate;
pub mod history;
pub mod pictures;
