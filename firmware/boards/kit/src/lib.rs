//! What several of thumbnet's boards share.
//!
//! | module | what it holds |
//! |---|---|
//! | [`memory`] | flash, RAM and stack in use |
//! | `clock` | a counter of cycles, which also tells the time and waits |
//! | `line` | the receiving end of a serial line |
//! | `region` | the part of flash that programs may write |
//! | `faults` | what ended a program, told by the next one |
//! | `serve` | the program that learns what a desktop sends |
//! | `rp`, `nrf`, `stm32f4` | what the boards of a family share, each a feature |
#![cfg(target_os = "none")]
#![no_std]

pub mod memory;

/// Declares what emulators' own boards have no use for.
macro_rules! real {
    ($($item:item)*) => { $(#[cfg(feature = "real")] $item)* };
}

real! {
    pub mod clock;
    pub mod faults;
    pub mod line;
    pub mod region;
    pub mod serve;

    pub use clock::CycleClock;
    pub use line::{Line, LineReader, Received};
    pub use region::region;
}

#[cfg(feature = "nrf")]
pub mod blocking;
#[cfg(feature = "nrf")]
pub mod nrf;
#[cfg(feature = "rp")]
pub mod rp;
#[cfg(feature = "stm32f4")]
pub mod stm32f4;

#[cfg(feature = "nrf")]
pub use blocking::Blocking;
