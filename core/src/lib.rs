//! Train the same small neural network on a desktop and on a microcontroller, with the same bits.
#![no_std]
#![forbid(unsafe_code)]
