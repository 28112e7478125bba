//! The programs that `thumbnet bench device` measures: the work alone, without files or a log.
//!
//! Samples are in memory when a program starts, where the linker's `_thumbnet_samples` says. What was
//! measured leaves through semihosting's standard output as six little-endian words: instructions of
//! all samples, lower half first; bytes of flash, of fixed variables and of the stack at its deepest;
//! and one word that depends on the result, so that no work can be left out.

use cortex_m::Peripherals;
use semihosting::io::{Write, stdout};
use thumbnet::Headed;
use thumbnet::optimizer::Optimizer;
use thumbnet::prelude::*;
use thumbnet_firmware::Meter;

use crate::memory::memory;
use crate::meter::InstructionMeter;
use crate::model::{COST, INPUTS, MODEL, Model, ModelCost};
use crate::{FAILURE, SUCCESS, exit};

/// How many samples are measured.
const SAMPLES: usize = 16;

/// Plain gradient descent.
pub const SGD: TrainConfig<Sgd, ModelCost> = TrainConfig::new(0.1).with_cost(COST);

/// Gradient descent with momentum.
pub const MOMENTUM: TrainConfig<Momentum, ModelCost> =
    TrainConfig::new(0.01).with_momentum(0.9).with_cost(COST);

/// Where fresh weights come from.
const SEED: u64 = 7;

/// Images as the network sees them, and their labels.
#[repr(C)]
struct Samples {
    images: [[u8; INPUTS]; SAMPLES],
    labels: [u8; SAMPLES],
}

// SAFETY: the linker script has a place for it in memory that nothing else is in. Samples are bytes,
// of which any will do, and nothing writes to them.
unsafe extern "C" {
    #[link_name = "_thumbnet_samples"]
    safe static SAMPLES_IN_MEMORY: Samples;
}

/// Does no work: what this program takes, every other one takes too.
pub fn nothing() -> ! {
    let ((), instructions) = meter().measure(|| ());
    report(instructions, 0)
}

/// Predicts each sample with the network in flash.
pub fn infer() -> ! {
    let samples = &SAMPLES_IN_MEMORY;
    let (right, instructions) = meter().measure(|| {
        let pairs = samples.images.iter().zip(&samples.labels);
        pairs
            .filter(|(image, label)| MODEL.predict(*image).class == usize::from(**label))
            .count()
    });
    report(instructions, right as u32)
}

/// Trains a network from fresh weights, once on each sample, in mini-batches of `BATCH`.
pub fn train<O: Optimizer, const BATCH: usize>(
    config: TrainConfig<O, ModelCost>,
    network: &mut Model,
    state: &mut TrainState<Model, O, BATCH>,
) -> ! {
    let samples = &SAMPLES_IN_MEMORY;
    network.init_weights(&mut XorShiftRng::seed_from_u64(SEED));
    let Ok(mut trainer) = Trainer::new(config, network, state) else {
        exit(FAILURE)
    };
    let (cost, instructions) = meter().measure(|| {
        let images = samples.images.chunks(BATCH);
        let labels = samples.labels.chunks(BATCH);
        images.zip(labels).try_fold(0.0, |sum, (images, labels)| {
            trainer.batch(images, labels).map(|cost| sum + cost)
        })
    });
    match cost {
        Ok(cost) => report(instructions, cost.to_bits()),
        Err(_) => exit(FAILURE),
    }
}

/// Trains the last layer of the network in flash, once on each sample, of which the layers before it
/// compute the features.
pub fn train_head<O: Optimizer>(
    config: TrainConfig<O, ModelCost>,
    head: &mut <Model as Headed>::Head,
    state: &mut TrainState<<Model as Headed>::Head, O, 1>,
) -> ! {
    let samples = &SAMPLES_IN_MEMORY;
    head.copy_from(MODEL.head());
    let Ok(mut trainer) = Trainer::new(config, head, state) else {
        exit(FAILURE)
    };
    let mut features = <Model as Headed>::Features::ZEROED;
    let (cost, instructions) = meter().measure(|| {
        let mut pairs = samples.images.iter().zip(&samples.labels);
        pairs.try_fold(0.0, |sum, (image, &label)| {
            MODEL.features(image, &mut features);
            trainer.step(&features, label).map(|cost| sum + cost)
        })
    });
    match cost {
        Ok(cost) => report(instructions, cost.to_bits()),
        Err(_) => exit(FAILURE),
    }
}

fn meter() -> InstructionMeter {
    let Some(peripherals) = Peripherals::take() else {
        exit(FAILURE)
    };
    InstructionMeter::new(peripherals.SYST)
}

/// Ends the program with what was measured.
fn report(instructions: u64, result: u32) -> ! {
    let memory = memory();
    let words = [
        instructions as u32,
        (instructions >> 32) as u32,
        memory.flash_bytes,
        memory.static_ram_bytes,
        memory.stack_bytes,
        result,
    ];
    let written = stdout().and_then(|mut stdout| {
        words
            .iter()
            .try_for_each(|word| stdout.write_all(&word.to_le_bytes()))
    });
    exit(if written.is_ok() { SUCCESS } else { FAILURE })
}
