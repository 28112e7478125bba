//! What a board that trains and a desktop say to one another over a serial line.
//!
//! The desktop is the client: it sends a [`Request`], and the board, the server, sends an [`Answer`]
//! to each. Nothing here knows networks, files or boards; `docs/protocol.md` describes the same
//! bytes for those who write a client in another language.
//!
//! | module | what |
//! |---|---|
//! | [`message`] | requests and answers |
//! | [`config`] | how a board is to train |
//! | [`frame`] | messages as frames: postcard, CRC-32, COBS, and a receiver that outlives garbage |
//! | [`runs`] | samples run-length coded, and decoded where they are wanted |
//! | [`steps`] | what is in the stream of samples |
//!
//! Why no sample is ever trained twice, or left out: a frame has a larger number than all before it,
//! and a board does nothing about one that has not; data says at which byte of its stream it
//! starts, and a board takes it only if that is the next one; and whatever else changes something
//! on the board does the same when it is done twice in a row. So a client that is not sure may
//! always ask again.
#![no_std]
#![forbid(unsafe_code)]

pub mod config;
pub mod frame;
pub mod message;
pub mod runs;
pub mod steps;

pub use config::Config;
pub use frame::{Received, Receiver, encode};
pub use message::{Answer, Command, Hello, Refusal, Reply, Request, Status, Stream, Taken};

/// What this is the description of. A board refuses clients that speak another one.
pub const VERSION: u16 = 1;

/// The shortest frame that every board takes, as it is on the line: room for any answer to
/// [`Command::Hello`] with a name and a fault of up to [`LONGEST_TEXT`] bytes each.
pub const SHORTEST_FRAME: usize = 384;

/// Most bytes of a text in an answer.
pub const LONGEST_TEXT: usize = 64;
