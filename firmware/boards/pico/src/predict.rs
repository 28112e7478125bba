//! Inference alone: reads images of 28 x 28 bytes from the serial line, and answers each with a digit.
#![no_std]
#![no_main]

use embedded_io::{Read, Write};
use thumbnet::Network;
use thumbnet_pico::model::{INPUTS, MODEL};

#[cortex_m_rt::entry]
fn main() -> ! {
    let mut parts = thumbnet_pico::take();
    let mut image = [0; INPUTS];
    loop {
        parts.reader.read_exact(&mut image).expect("it waits");
        // The weights stay in flash: RAM holds the image and a few numbers.
        let digit = MODEL.predict(&image).class;
        write!(parts.writer, "{digit}\r\n").expect("the line takes all");
    }
}
