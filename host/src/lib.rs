//! Desktop side of thumbnet: data, training runs, export and emulation.
