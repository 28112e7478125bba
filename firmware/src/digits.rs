//! A program for a board alone: learns to read digits, and tells a terminal how it goes.
//!
//! Its images are part of it: it needs nothing but a serial line with a terminal at the other end.
//! Every board says the same checksums.

use core::convert::Infallible;

use embedded_hal::delay::DelayNs;
use embedded_hal::digital::{InputPin, OutputPin};
use embedded_io::{Read, ReadReady, Write, WriteFmtError};
use thumbnet::optimizer::Zeroed;
use thumbnet::prelude::*;

use crate::board::per_sample;
use crate::clock::Clock;
use crate::parts::Parts;
use crate::signal::Signal;
use crate::techniques::{BATCH, SEED, TRAIN, VALIDATION, samples};

/// Images of 8 x 8 pixels, 32 hidden units.
type Reader = mlp![64 => 32 Relu => 10 Softmax];

/// How it learns.
const CONFIG: TrainConfig<Momentum, SoftmaxCrossEntropy> = TrainConfig::new(0.05)
    .with_momentum(0.9)
    .with_cost(SoftmaxCrossEntropy);

/// How often it sees all images.
const EPOCHS: u32 = 10;

/// How long a button trembles after it was pressed or released.
const BOUNCE_MS: u32 = 20;

/// All that the program keeps: 21 KB. It belongs in a `static`.
pub struct DigitsMemory {
    network: Reader,
    state: TrainState<Reader, Momentum, BATCH>,
}

impl DigitsMemory {
    /// Before the first step.
    pub const ZEROED: Self = Self {
        network: Zeroed::ZEROED,
        state: TrainState::ZEROED,
    };
}

/// Learns, and then reads a digit whenever the button is pressed or a byte arrives, for ever.
///
/// # Errors
///
/// If nothing can be written to the serial line.
pub fn digits<C, L, B, R, W, S>(
    parts: &mut Parts<C, L, B, R, W, S>,
    memory: &mut DigitsMemory,
) -> Result<Infallible, WriteFmtError<W::Error>>
where
    C: Clock + DelayNs,
    L: OutputPin,
    B: InputPin,
    R: Read + ReadReady,
    W: Write,
{
    learn(parts, memory, EPOCHS)?;
    write!(parts.writer, "press the button, or send a byte\r\n")?;
    let (images, labels) = samples();
    loop {
        for (image, &label) in images.iter().zip(labels).skip(TRAIN) {
            wait(parts);
            show(&mut parts.writer, &memory.network, image, label)?;
        }
    }
}

/// Trains from fresh weights, and says after every epoch how it goes.
fn learn<C: Clock, L: OutputPin, B, R, W: Write, S>(
    parts: &mut Parts<C, L, B, R, W, S>,
    DigitsMemory { network, state }: &mut DigitsMemory,
    epochs: u32,
) -> Result<(), WriteFmtError<W::Error>> {
    let Parts {
        name,
        clock,
        light,
        writer,
        ..
    } = parts;
    let architecture = Reader::ARCHITECTURE;
    write!(
        writer,
        "thumbnet on {name}: {architecture} learns {TRAIN} digits\r\n"
    )?;
    let (images, labels) = samples();
    let (seen, others) = images.split_at(TRAIN);
    let (seen_labels, other_labels) = labels.split_at(TRAIN);
    network.init_weights(&mut XorShiftRng::seed_from_u64(SEED));
    let mut trainer =
        Trainer::new(CONFIG, network, state).expect("the hyper-parameters are in their ranges");
    for epoch in 1..=epochs {
        let mut cost = 0;
        for (images, labels) in seen.chunks(BATCH).zip(seen_labels.chunks(BATCH)) {
            Signal::Training.show(clock, light);
            let (result, step) = clock.measure(|| trainer.batch(images, labels));
            result.expect("labels are digits");
            cost += step;
        }
        let network = trainer.network();
        let right = others
            .iter()
            .zip(other_labels)
            .filter(|&(image, &label)| network.predict(image).class == usize::from(label))
            .count();
        write!(
            writer,
            "epoch {epoch}: reads {right} of {VALIDATION} others, {} {} per sample, \
             CRC-32 of weights {:08x}\r\n",
            per_sample(cost, TRAIN as u32),
            C::UNIT,
            network.weights_crc32()
        )?;
    }
    Ok(())
}

/// Until the button is pressed or a byte arrives.
fn wait<C, L, B, R, W, S>(parts: &mut Parts<C, L, B, R, W, S>)
where
    C: Clock + DelayNs,
    L: OutputPin,
    B: InputPin,
    R: Read + ReadReady,
{
    // A button or a line that fails is one that nobody uses.
    loop {
        Signal::Done.show(&mut parts.clock, &mut parts.light);
        if parts.reader.read_ready().unwrap_or(false) {
            let _ = parts.reader.read(&mut [0]);
            return;
        }
        if parts.button.is_low().unwrap_or(false) {
            parts.clock.delay_ms(BOUNCE_MS);
            while parts.button.is_low().unwrap_or(false) {}
            parts.clock.delay_ms(BOUNCE_MS);
            return;
        }
    }
}

/// Draws a digit, and says what the network takes it for.
fn show<W: Write>(
    writer: &mut W,
    network: &Reader,
    image: &[u8; 64],
    label: u8,
) -> Result<(), WriteFmtError<W::Error>> {
    const INK: &[u8; 8] = b" .:-=+*#";
    for row in image.chunks(8) {
        for &pixel in row {
            writer.write_all(&[INK[usize::from(pixel) / 32]; 2])?;
        }
        writer.write_all(b"\r\n")?;
    }
    let class = network.predict(image).class;
    write!(writer, "a {label}, read as {class}\r\n")
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::testing::{Looks, NoLed};
    use std::boxed::Box;
    use std::vec::Vec;

    impl Clock for Looks {
        fn per_second(&self) -> u32 {
            1_000
        }
    }

    /// What `write` writes, as lines.
    fn lines(write: impl FnOnce(&mut &mut [u8])) -> Vec<std::string::String> {
        let mut text = [0; 4_096];
        let mut rest = &mut text[..];
        write(&mut rest);
        let length = 4_096 - rest.len();
        let text = core::str::from_utf8(&text[..length]).unwrap();
        text.lines().map(Into::into).collect()
    }

    /// What every board says, but for its name and what its clock counts.
    #[test]
    fn learns_and_says_so() {
        let mut memory = Box::new(DigitsMemory::ZEROED);
        let said = lines(|writer| {
            let mut parts = Parts {
                name: "a desk",
                clock: Looks(0),
                light: NoLed,
                button: (),
                reader: (),
                writer,
                store: (),
            };
            learn(&mut parts, &mut memory, EPOCHS).unwrap();
        });
        let epoch = |epoch: usize| said[epoch].split(", ").collect::<Vec<_>>();
        assert_eq!(said.len(), 11, "{said:?}");
        assert_eq!(said[0], "thumbnet on a desk: 64-32-10 learns 195 digits");
        assert_eq!(epoch(1)[0], "epoch 1: reads 66 of 100 others");
        assert_eq!(epoch(1)[2], "CRC-32 of weights a4071057");
        assert_eq!(epoch(10)[0], "epoch 10: reads 94 of 100 others");
        assert_eq!(epoch(10)[2], "CRC-32 of weights e97fdd61");
    }

    #[test]
    fn a_digit_is_drawn() {
        let (images, labels) = samples();
        let drawn = lines(|text| show(text, &Reader::ZEROED, &images[0], labels[0]).unwrap());
        let expected = [
            "    ::**==      ",
            "    **##==##::  ",
            "  ..##..  ++==  ",
            "  ::++    ====  ",
            "  ::==    ====  ",
            "  ::++    ++--  ",
            "  ..**::==++    ",
            "    --**==      ",
            "a 0, read as 0",
        ];
        assert_eq!(drawn, expected);
    }
}
