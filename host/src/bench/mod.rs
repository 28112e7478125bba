//! Benchmarks: what training and inference cost on boards and on the desktop at hand.
//!
//! [`device`] counts instructions and bytes, which are the same in every run; [`host`] and [`growth`]
//! measure time, which says as much about the machine as about the program. All report rows, one JSON
//! object each, and an earlier output may be held [`against`] them.

pub mod against;
pub mod device;
pub mod growth;
pub mod host;
