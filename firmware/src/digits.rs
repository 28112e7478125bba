//! A program for a board alone: learns to read digits, and tells a terminal how it goes.
//!
//! Its images are part of it: it needs nothing but a serial line with a terminal at the other end.
//! Every board says the same checksums.

use core::convert::Infallible;

use embedded_hal::delay::DelayNs;
use embedded_hal::digital::{InputPin, OutputPin};
use embedded_io::{Read, ReadReady, Write, WriteFmtError};
use embedded_storage::nor_flash::NorFlash;
use thumbnet::optimizer::Zeroed;
use thumbnet::prelude::*;

use crate::board::per_sample;
use crate::checkpoint::{Checkpoint, Store, StoreError};
use crate::clock::Clock;
use crate::parts::Parts;
use crate::signal::Signal;
use crate::techniques::{BATCH, SEED, samples};

/// Images of 8 x 8 pixels, 32 hidden units.
type Reader = mlp![64 => 32 Relu => 10 Softmax];

/// How it learns.
const CONFIG: TrainConfig<Momentum, SoftmaxCrossEntropy> = TrainConfig::new(0.05)
    .with_momentum(0.9)
    .with_cost(SoftmaxCrossEntropy);

/// How often it sees all images.
const EPOCHS: u8 = 10;

/// Mini-batches of an epoch; the images behind them say how well it reads what it has not seen.
pub const BATCHES: usize = 19;
const OTHERS: usize = 105;

/// How long a button trembles after it was pressed or released.
const BOUNCE_MS: u32 = 20;

/// All that the program keeps: 21 KB. It belongs in a `static`.
pub struct DigitsMemory {
    network: Reader,
    state: TrainState<Reader, Momentum, BATCH>,
    /// How often it has seen all images.
    epochs: [u8; 1],
}

impl DigitsMemory {
    /// Before the first step.
    pub const ZEROED: Self = Self {
        network: Zeroed::ZEROED,
        state: TrainState::ZEROED,
        epochs: [0],
    };

    /// What survives a power cut.
    fn checkpoint(&mut self) -> Checkpoint<'_, Reader, Momentum, BATCH> {
        Checkpoint {
            network: &mut self.network,
            state: &mut self.state,
            generators: &mut [],
            notes: &mut self.epochs,
        }
    }

    /// Begins anew, with fresh weights.
    pub fn start(&mut self) {
        self.state = TrainState::ZEROED;
        self.epochs = [0];
        let mut generator = XorShiftRng::seed_from_u64(SEED);
        self.network.init_weights(&mut generator);
    }

    /// Trains on mini-batch number `batch`, below [`BATCHES`]: the shortest piece of work there is.
    pub fn step(&mut self, batch: usize) {
        let (images, labels) = samples();
        let images = images.chunks(BATCH).nth(batch).unwrap_or_default();
        let labels = labels.chunks(BATCH).nth(batch).unwrap_or_default();
        Trainer::new(CONFIG, &mut self.network, &mut self.state)
            .expect("the hyper-parameters are in their ranges")
            .batch(images, labels)
            .expect("labels are digits");
    }

    /// CRC-32 of the weights.
    pub fn weights_crc32(&self) -> u32 {
        self.network.weights_crc32()
    }

    /// Goes once over all images, and returns what a sample cost.
    fn train(&mut self, clock: &mut impl Clock, light: &mut impl OutputPin) -> u64 {
        let mut cost = 0;
        for batch in 0..BATCHES {
            Signal::Training.show(clock, light);
            cost += clock.measure(|| self.step(batch)).1;
        }
        self.epochs[0] += 1;
        per_sample(cost, (BATCHES * BATCH) as u32)
    }

    /// How many of the others it reads right.
    fn right(&self) -> usize {
        let (images, labels) = samples();
        let others = images.iter().zip(labels).skip(BATCHES * BATCH);
        others
            .filter(|&(image, &label)| self.network.predict(image).class == usize::from(label))
            .count()
    }
}

/// Learns, and then reads a digit whenever the button is pressed or a byte arrives, for ever.
///
/// After every epoch there is a checkpoint in flash, from which it goes on if the power was cut. A
/// button that is pressed at the start makes it forget.
///
/// # Errors
///
/// If nothing can be written to the serial line.
pub fn digits<C, L, B, R, W, F>(
    parts: Parts<C, L, B, R, W, F>,
    memory: &mut DigitsMemory,
) -> Result<Infallible, WriteFmtError<W::Error>>
where
    C: Clock + DelayNs,
    L: OutputPin,
    B: InputPin,
    R: Read + ReadReady,
    W: Write,
    F: NorFlash,
{
    let Parts {
        name,
        mut clock,
        mut light,
        mut button,
        mut reader,
        mut writer,
        flash,
        region,
    } = parts;
    write!(
        writer,
        "thumbnet on {name}: {} learns {} digits\r\n",
        Reader::ARCHITECTURE,
        BATCHES * BATCH
    )?;
    let mut store = keep(Store::new(flash, region), &mut writer)?;
    memory.start();
    if let Some(store) = &mut store
        && !button.is_low().unwrap_or(false)
    {
        keep(store.load(&mut memory.checkpoint()), &mut writer)?;
        if memory.epochs[0] > 0 {
            write!(writer, "goes on behind epoch {}\r\n", memory.epochs[0])?;
        }
    }
    while memory.epochs[0] < EPOCHS {
        let cost = memory.train(&mut clock, &mut light);
        write!(
            writer,
            "epoch {}: reads {} of {OTHERS} others, {cost} {} per sample, \
             CRC-32 of weights {:08x}\r\n",
            memory.epochs[0],
            memory.right(),
            C::UNIT,
            memory.weights_crc32()
        )?;
        if let Some(store) = &mut store {
            keep(store.save(&mut memory.checkpoint()), &mut writer)?;
        }
    }
    write!(writer, "press the button, or send a byte\r\n")?;
    let (images, labels) = samples();
    loop {
        for (image, &label) in images.iter().zip(labels).skip(BATCHES * BATCH) {
            wait(&mut clock, &mut light, &mut button, &mut reader);
            show(&mut writer, &memory.network, image, label)?;
        }
    }
}

/// What a store has returned; of an error it is enough to be told: training needs no checkpoints.
fn keep<T, W: Write>(
    result: Result<T, StoreError>,
    writer: &mut W,
) -> Result<Option<T>, WriteFmtError<W::Error>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) => {
            write!(writer, "no checkpoint: {error}\r\n")?;
            Ok(None)
        }
    }
}

/// Until the button is pressed or a byte arrives.
fn wait(
    clock: &mut (impl Clock + DelayNs),
    light: &mut impl OutputPin,
    button: &mut impl InputPin,
    reader: &mut (impl Read + ReadReady),
) {
    // A button or a line that fails is one that nobody uses.
    loop {
        Signal::Done.show(clock, light);
        if reader.read_ready().unwrap_or(false) {
            let _ = reader.read(&mut [0]);
            return;
        }
        if button.is_low().unwrap_or(false) {
            clock.delay_ms(BOUNCE_MS);
            while button.is_low().unwrap_or(false) {}
            clock.delay_ms(BOUNCE_MS);
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
    use crate::checkpoint::RamFlash;
    use crate::testing::{Looks, NoLed};
    use core::ops::Range;
    use embedded_hal::digital::ErrorType;
    use std::boxed::Box;
    use std::string::String;
    use std::vec::Vec;

    impl Clock for Looks {
        fn per_second(&self) -> u32 {
            1_000
        }
    }

    impl DelayNs for Looks {
        fn delay_ns(&mut self, _: u32) {}
    }

    /// A button that is pressed or not.
    struct Button(bool);

    impl ErrorType for Button {
        type Error = Infallible;
    }

    impl InputPin for Button {
        fn is_high(&mut self) -> Result<bool, Infallible> {
            Ok(!self.0)
        }

        fn is_low(&mut self) -> Result<bool, Infallible> {
            Ok(self.0)
        }
    }

    /// Somebody who presses keys all the time.
    struct Keys;

    impl embedded_io::ErrorType for Keys {
        type Error = Infallible;
    }

    impl Read for Keys {
        fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
            Ok(buffer.len())
        }
    }

    impl ReadReady for Keys {
        fn read_ready(&mut self) -> Result<bool, Infallible> {
            Ok(true)
        }
    }

    type Flash = RamFlash<4, 4_096, 49_152>;

    /// The first bytes that the program says, as lines; then the power is cut.
    fn run(flash: &mut Flash, pressed: bool, bytes: usize) -> Vec<String> {
        run_in(flash, 0..49_152, pressed, bytes)
    }

    fn run_in(flash: &mut Flash, region: Range<u32>, pressed: bool, bytes: usize) -> Vec<String> {
        let mut said = std::vec![0; bytes];
        let parts = Parts {
            name: "a desk",
            clock: Looks(0),
            light: NoLed,
            button: Button(pressed),
            reader: Keys,
            writer: &mut said[..],
            flash,
            region,
        };
        digits(parts, &mut Box::new(DigitsMemory::ZEROED)).unwrap_err();
        let said = str::from_utf8(&said).unwrap();
        said.lines().map(Into::into).collect()
    }

    /// More than a line about an epoch, and less than that and half of the next.
    const LINE: usize = 90;

    fn erased() -> Box<Flash> {
        Box::new(Flash::ZEROED)
    }

    /// What a line about an epoch says that is the same on all boards.
    fn epoch(line: &str) -> (&str, &str) {
        let (reads, rest) = line.split_once(", ").unwrap();
        (reads, rest.split_once(", ").unwrap().1)
    }

    /// Tests of boards have the same checksums.
    #[test]
    fn learns_and_reads() {
        let said = run(&mut erased(), false, 20 * LINE);
        assert_eq!(said[0], "thumbnet on a desk: 64-32-10 learns 190 digits");
        let first = "epoch 1: reads 55 of 105 others";
        assert_eq!(epoch(&said[1]), (first, "CRC-32 of weights 661fc8ad"));
        let last = "epoch 10: reads 96 of 105 others";
        assert_eq!(epoch(&said[10]), (last, "CRC-32 of weights 4c88a347"));
        assert_eq!(said[11], "press the button, or send a byte");
        let digit = [
            "  ..####--      ",
            "    ==**##::    ",
            "      ..##==    ",
            "      ..##++    ",
            "        ****    ",
            "        --##::  ",
            "    ::--**##    ",
            "  ..##**++..    ",
            "a 3, read as 3",
        ];
        assert_eq!(said[12..21], digit);
    }

    #[test]
    fn goes_on_where_the_power_was_cut() {
        let whole = run(&mut erased(), false, 20 * LINE);
        let mut flash = erased();
        let cut = run(&mut flash, false, 5 * LINE);
        assert!(cut[5].starts_with("epoch 5"), "{cut:?}");
        // It had not come to the checkpoint behind that.
        let rest = run(&mut flash, false, 20 * LINE);
        assert_eq!(rest[1], "goes on behind epoch 4");
        assert_eq!(epoch(&rest[2]), epoch(&whole[5]));
        assert_eq!(epoch(&rest[7]), epoch(&whole[10]));
        let done = run(&mut flash, false, 3 * LINE);
        assert_eq!(done[1..3], ["goes on behind epoch 10", &whole[11]]);
        let forgotten = run(&mut flash, true, 3 * LINE);
        assert_eq!(epoch(&forgotten[1]), epoch(&whole[1]));
    }

    #[test]
    fn learns_without_checkpoints() {
        let flash = &mut erased();
        let said = run_in(flash, 0..12_288, false, 20 * LINE);
        assert!(said[1].starts_with("no checkpoint: the region"), "{said:?}");
        assert_eq!(epoch(&said[2]).1, "CRC-32 of weights 661fc8ad");
    }
}
