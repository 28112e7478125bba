//! The program that learns in the field: its camera comes to lie on its side.
//!
//! A network trained on MNIST has met 2,000 digits as they are. From then on it meets digits that are
//! turned by a quarter, one by one, and after each it has time for twenty stretches of work. Four boards
//! are compared: all layers train or the last one alone, with old samples or without.

use core::fmt;

use thumbnet::optimizer::Zeroed;
use thumbnet::prelude::*;
use thumbnet::{Headed, include_model};
use thumbnet_firmware::field::{Learner, Memory, Remember, Room, Source, Stretches};

use crate::arguments::{self, Set};
use crate::train::{Digits, Failure};
use crate::{Mps2, finish, take};

type Image = [u8; 784];
type Head = <Digits as Headed>::Head;
type Features = <Digits as Headed>::Features;

static MODEL: Digits = include_model!(Digits, "../../models/784-32-10.thumbnet");

/// Fifty old samples of each digit, the last 200, and ten of each digit held out of either kind.
type WithOld<S> = Memory<S, 10, 50, 200, 10>;
/// The same without old samples to train on.
type WithoutOld<S> = Memory<S, 10, 0, 200, 10>;

const CONFIG: TrainConfig = TrainConfig::new(0.05);

/// Steps between two validations.
const ROUND: u32 = 300;

/// Stretches of work after each sample.
const STRETCHES: u32 = 20;

/// Samples met before the camera is turned.
const OLD_SAMPLES: u32 = 2_000;

const SEED: u64 = 7;

/// What the four boards hold.
pub struct FieldMemory {
    whole_with: Room<Digits, Sgd, WithOld<Image>>,
    whole_without: Room<Digits, Sgd, WithoutOld<Image>>,
    head_with: Room<Head, Sgd, WithOld<Features>>,
    head_without: Room<Head, Sgd, WithoutOld<Features>>,
}

impl FieldMemory {
    /// Before anything was met.
    pub const ZEROED: Self = Self {
        whole_with: Room::ZEROED,
        whole_without: Room::ZEROED,
        head_with: Room::ZEROED,
        head_without: Room::ZEROED,
    };
}

/// Meets as many turned digits as the first argument says (1,000), tests with as many as the second
/// says (1,000), and logs what each board has learnt and what it has forgotten.
pub fn field(memory: &'static mut FieldMemory) -> ! {
    finish(run(memory))
}

fn run(memory: &mut FieldMemory) -> Result<(), Failure> {
    let mut trial = Trial {
        samples: arguments::number(1, 1_000)?,
        tests: arguments::number(2, 1_000)?,
        board: take(),
    };
    log(&format_args!(
        "{:<28}{:>8}{:>8}{:>8}{:>8}{:>10}{:>10}",
        "% right of", "turned", "as is", "kept", "undone", "longest", "bytes"
    ));
    let before = |image: &Image| MODEL.predict(image).class;
    let (turned, old) = (trial.right(turn, before)?, trial.right(copy, before)?);
    log(&format_args!("{:<28}{turned}{old}", "before"));

    let pixels: fn(&Image) -> Image = copy;
    let features: fn(&Image) -> Features = |image| {
        let mut features = Features::ZEROED;
        MODEL.features(image, &mut features);
        features
    };
    let head = MODEL.head();
    trial.learn("all layers", &MODEL, &mut memory.whole_with, pixels, true)?;
    trial.learn("all layers, nothing old", &MODEL, &mut memory.whole_without, pixels, false)?;
    trial.learn("last layer", head, &mut memory.head_with, features, true)?;
    trial.learn("last layer, nothing old", head, &mut memory.head_without, features, false)?;
    Ok(())
}

/// How many samples, and on which board.
struct Trial {
    samples: u32,
    tests: u32,
    board: Mps2,
}

impl Trial {
    /// Lets one board learn, and logs what it is worth after that.
    // Not inlined, so that not all boards' images are on the stack together.
    #[inline(never)]
    fn learn<N, M, S>(
        &mut self,
        name: &str,
        network: &N,
        room: &mut Room<N, Sgd, M>,
        see: fn(&Image) -> S,
        remembers: bool,
    ) -> Result<(), Failure>
    where
        N: Network<Output = Sigmoid>,
        M: Remember<S> + Zeroed,
        S: thumbnet::input::FixedInput<Width = N::Inputs>,
    {
        let bytes = size_of_val(room);
        let rng = XorShiftRng::seed_from_u64(SEED);
        let mut learner = Learner::new(CONFIG, ROUND, network, room, rng)?;
        let mut source = arguments::samples(Set::Train, OLD_SAMPLES + self.samples)?;
        let mut image = [0; 784];
        let (mut met, mut kept, mut undone, mut longest) = (0, 0, 0, 0);
        while let Some(label) = source.poll(&mut image)? {
            met += 1;
            if met <= OLD_SAMPLES {
                if remembers {
                    learner.meet(&see(&image), label)?;
                }
                continue;
            }
            learner.meet(&see(&turn(&image)), label)?;
            for _ in 0..STRETCHES {
                let (round, cost) = self.board.work(|| learner.step_for(&mut Stretches(1)));
                longest = cost.max(longest);
                match round? {
                    Some(round) if round.kept => kept += 1,
                    Some(_) => undone += 1,
                    None => {}
                }
            }
        }
        let class = |image: &Image| learner.kept().predict(&see(image)).class;
        let (turned, old) = (self.right(turn, class)?, self.right(copy, class)?);
        log(&format_args!(
            "{name:<28}{turned}{old}{kept:>8}{undone:>8}{longest:>10}{bytes:>10}"
        ));
        Ok(())
    }

    /// How much of the test images, changed by `change`, is put into the right class.
    fn right(
        &self,
        change: fn(&Image) -> Image,
        class: impl Fn(&Image) -> usize,
    ) -> Result<Percent, Failure> {
        let mut samples = arguments::samples(Set::Test, self.tests)?;
        let mut image = [0; 784];
        let mut accuracy = Accuracy::default();
        while let Some(label) = samples.next(&mut image)? {
            accuracy.record(label, class(&change(&image)));
        }
        Ok(Percent(accuracy))
    }
}

const fn copy(image: &Image) -> Image {
    *image
}

/// A quarter turn to the left.
fn turn(image: &Image) -> Image {
    let (rows, _) = image.as_chunks::<28>();
    let mut turned = [0; 784];
    for (column, row) in turned.as_chunks_mut::<28>().0.iter_mut().rev().enumerate() {
        for (pixel, from) in row.iter_mut().zip(rows) {
            *pixel = from.get(column).copied().unwrap_or_default();
        }
    }
    turned
}

/// An accuracy in eight places, one of them behind the point.
struct Percent(Accuracy);

impl fmt::Display for Percent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(Accuracy { correct, total }) = *self;
        let tenths = (1_000 * correct + total / 2).checked_div(total).unwrap_or(0);
        write!(formatter, "{:>6}.{}", tenths / 10, tenths % 10)
    }
}

/// A line of the table.
fn log(line: &fmt::Arguments<'_>) {
    defmt::info!("{}", defmt::Display2Format(line));
}
