//! A program that tries the board support itself, and can be made to end in every way there is.

use embedded_hal::digital::{OutputPin, StatefulOutputPin};
use thumbnet::kernel::{layer_trial, trial};
use thumbnet::prelude::*;
use thumbnet_firmware::Meter;

use crate::{
    FAILURE,
    arguments::{self, ArgumentError, Set},
    exit, finish,
    memory::memory,
    take,
};

/// Logs what a loop of known length cost, the light's states, the memory and the first test sample;
/// or ends in the way that the first argument names.
///
/// | first argument | ends |
/// |---|---|
/// | none | successfully, if there is data and all is as it should be |
/// | `exit` N | with exit code N |
/// | `panic` | in a panic |
/// | `fault` | in a processor fault |
/// | `hang` | never |
/// | `kernels` N | successfully, if kernels have the operators' bits in N rows of numbers |
/// | `count` N | after a loop of N million instructions, successfully |
pub fn selftest() -> ! {
    finish(run())
}

fn run() -> Result<(), ArgumentError> {
    let mut board = take();

    if arguments::first_is("exit")? {
        let code = arguments::number_within(2, 0, (0, 255))?;
        defmt::info!("exit with {}", code);
        exit(code as u8);
    }
    if arguments::first_is("panic")? {
        panic!("asked to, with a number: {}", arguments::number(2, 42)?);
    }
    if arguments::first_is("fault")? {
        defmt::warn!("about to execute an undefined instruction");
        cortex_m::asm::udf();
    }
    if arguments::first_is("hang")? {
        defmt::info!("waiting for ever");
        loop {
            cortex_m::asm::nop();
        }
    }
    if arguments::first_is("kernels")? {
        let rows = arguments::number(2, 1_000)?;
        let mut rng = XorShiftRng::seed_from_u64(7);
        if let Err(difference) = trial::compare_with_operators(&mut rng, rows) {
            defmt::error!("{}", difference);
            exit(FAILURE);
        }
        if let Err(kernel) = layer_trial::compare_with_portable(&mut rng, rows / 100) {
            defmt::error!("{=str} has other bits than its portable form", kernel);
            exit(FAILURE);
        }
        defmt::info!("{} rows: kernels have the bits of the operators", rows);
        return Ok(());
    }

    let count = arguments::first_is("count")?;
    let millions = if count { arguments::number(2, 2)? } else { 2 };
    log_loop(&mut board.meter, millions);
    if count {
        return Ok(());
    }

    for state in [false, true, false] {
        let Ok(()) = board.led.set_state(state.into());
        let Ok(lit) = board.led.is_set_high();
        defmt::assert_eq!(lit, state, "the light does not follow");
    }

    let mut samples = arguments::samples(Set::Test, u32::MAX)?;
    let count = samples.remaining();
    let mut pixels = [0; 784];
    let label = samples.next(&mut pixels)?.unwrap_or(0);
    let lit = pixels.iter().filter(|&&pixel| pixel != 0).count();
    defmt::info!(
        "{} test samples; the first is a {} with {} lit pixels",
        count,
        label,
        lit
    );
    defmt::info!("{}", memory());
    Ok(())
}

/// Measures a loop of so many million instructions, which may be more than the timer counts at once.
fn log_loop<M: Meter>(meter: &mut M, millions: u32) {
    let ((), cost) = meter.measure(|| {
        for _ in 0..millions {
            // The delay's loop has two instructions and runs once more often than it is told to.
            cortex_m::asm::delay(500_000 - 1);
        }
    });
    defmt::info!(
        "a loop of {} million instructions reads {} {=str}",
        millions,
        cost,
        M::UNIT
    );
}
