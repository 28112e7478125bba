//! Fails in every way there is, one after another, and says each time what ended the start before:
//! for `tests/real_boards.rs`.
#![no_std]
#![no_main]

use core::hint::black_box;

use cortex_m::asm;
use embedded_io::Write;
use thumbnet_board_kit::faults;

#[cortex_m_rt::entry]
fn main() -> ! {
    let before = faults::before();
    let mut line = thumbnet_netduino_plus_2::take().writer;
    let said = if before.is_empty() {
        "nothing"
    } else {
        &before
    };
    write!(line, "before: {said}\r\n").expect("the line takes all");
    line.flush().expect("the line takes all");
    if before.starts_with("panic") {
        asm::udf()
    } else if before.starts_with("processor fault") {
        black_box(endless(0));
    } else if before.is_empty() {
        panic!("asked to");
    }
    loop {
        asm::wfi();
    }
}

/// Needs more stack than there is.
fn endless(depth: u32) -> u32 {
    let kept = black_box([depth; 64]);
    if black_box(true) {
        endless(depth + 1) + kept[depth as usize % 64]
    } else {
        0
    }
}
