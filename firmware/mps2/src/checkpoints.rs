//! The program that trains with checkpoints, and goes on from the last one however it was ended.

use thumbnet::prelude::*;
use thumbnet_firmware::{Checkpoint, Store};

use crate::arguments::{self, Set};
use crate::finish;
use crate::flash::HostFlash;
use crate::memory::memory;
use crate::train::{Digits, Failure, MOMENTUM, SEED};

/// Units dropped while training.
const DROPOUT: DropoutRates = DropoutRates::hidden(0.25);

/// How often a page of flash may be erased, as most microcontrollers' data sheets have it.
const ENDURANCE: u32 = 10_000;

/// All that training needs to keep in RAM.
pub struct CheckpointMemory {
    network: Digits,
    state: TrainState<Digits, Momentum>,
    pixels: [u8; 784],
}

impl CheckpointMemory {
    /// Before the first step.
    pub const ZEROED: Self = Self {
        network: Digits::ZEROED,
        state: TrainState::ZEROED,
        pixels: [0; 784],
    };
}

/// Trains with momentum and dropout, one image a step, on as many images as the second argument says
/// (1,000), and saves a checkpoint after each so many as the third says (100), in the flash that is
/// in the file of the first. The same command goes on where the last checkpoint was saved.
pub fn checkpoints(memory: &'static mut CheckpointMemory) -> ! {
    finish(run(memory))
}

fn run(
    CheckpointMemory {
        network,
        state,
        pixels,
    }: &mut CheckpointMemory,
) -> Result<(), Failure> {
    let flash = arguments::flash(1)?;
    let count = arguments::number(2, 1_000)?;
    let every = arguments::number_within(3, 100, (1, u32::MAX))?;
    let mut samples = arguments::samples(Set::Train, count)?;

    let mut generators = [XorShiftRng::seed_from_u64(SEED)];
    network.init_weights(&mut generators[0]);
    let mut store = Store::new(flash, 0..HostFlash::BYTES)?;
    let mut checkpoint = Checkpoint {
        network: &mut *network,
        state: &mut *state,
        generators: &mut generators,
        // A step takes one image, so the steps say where in the data it is.
        notes: &mut [],
    };
    defmt::info!("{}", store.wear(&mut checkpoint, ENDURANCE)?);
    defmt::info!("{}", store.load(&mut checkpoint)?);
    for _ in 0..state.steps() {
        samples.next(pixels)?;
    }

    while let Some(label) = samples.next(pixels)? {
        Trainer::new(MOMENTUM, network, state)?
            .with_dropout(DROPOUT, &mut generators[0])?
            .step(pixels, label)
            ?;
        if state.steps().is_multiple_of(every) {
            let sequence = store.save(&mut Checkpoint {
                network: &mut *network,
                state: &mut *state,
                generators: &mut generators,
                notes: &mut [],
            })?;
            defmt::info!("checkpoint {} after {} samples", sequence, state.steps());
        }
    }
    defmt::info!(
        "trained on {} samples, CRC-32 of weights {:08x}",
        state.steps(),
        network.weights_crc32()
    );
    defmt::info!("{}", memory());
    Ok(())
}
