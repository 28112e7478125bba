//! What several of thumbnet's boards share.
//!
//! | module | what it holds |
//! |---|---|
//! | [`clock`] | a counter of cycles, which also tells the time and waits |
//! | [`line`] | the receiving end of a serial line |
//! | [`mod@region`] | the part of flash that programs may write |
//! | [`faults`] | what happens after a panic or a fault |
//! | `rp`, `nrf`, `stm32f4` | what the boards of a family share, each a feature |
#![cfg(target_os = "none")]
#![no_std]

#[cfg(feature = "nrf")]
pub mod blocking;
pub mod clock;
pub mod faults;
pub mod line;
pub mod region;

#[cfg(feature = "nrf")]
pub mod nrf;
#[cfg(feature = "rp")]
pub mod rp;
#[cfg(feature = "stm32f4")]
pub mod stm32f4;

#[cfg(feature = "nrf")]
pub use blocking::Blocking;
pub use clock::CycleClock;
pub use line::{Line, LineReader, Received};
pub use region::region;
