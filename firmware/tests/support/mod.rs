//! What the tests of checkpoints share: a flash that loses its power, and a board that trains.

#![allow(dead_code, reason = "each test file uses its part")]

pub(crate) mod board;
pub(crate) mod flash;
