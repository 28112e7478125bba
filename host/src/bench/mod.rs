//! Benchmarks: what training and inference cost on boards and on the desktop at hand.
//!
//! [`device`] counts instructions and bytes, which are the same in every run; [`host`] measures
//! time, which says as much about the machine as about the program. Both report rows, one JSON
//! object each, and an earlier output may be held [`against`] them.

pub mod against;
pub mod device;
pub mod host;
