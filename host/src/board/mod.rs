//! A board on a line: what a desktop asks of it, and what it answers (`docs/protocol.md`).
//!
//! | module | what |
//! |---|---|
//! | [`port`] | where a board is: a serial port, a TCP port, or an emulator |
//! | `qemu` | the board's program, built and emulated |
//! | [`line`](mod@line) | messages over a port |
//! | [`client`] | one thing asked, and asked again until there is an answer |
//! | [`flow`] | streams: as much in flight as the board can take, nothing lost |
//! | [`config`] | a recipe's hyper-parameters in the protocol's words |
//! | [`mod@evaluate`] | a board that predicts |
//! | [`picture`] | a picture file as an image that a network can see |
//! | [`train`] | a board that trains a run |

pub mod client;
pub mod config;
pub mod evaluate;
pub mod flow;
pub mod line;
pub mod picture;
pub mod port;
mod qemu;
pub mod train;

pub use client::{About, Client};
pub use port::Port;
pub use train::BoardTrainer;
