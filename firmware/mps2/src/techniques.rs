//! A program that trains with every technique there is, for the desktop to compare with.

use thumbnet_firmware::techniques::{EPOCHS, Train, for_each};

use crate::arguments::{self, ArgumentError};
use crate::finish;
use crate::memory::memory;

/// Trains with every technique, for as many epochs as the first argument says, and logs checksums of
/// the weights that each ends with, and of the images that it saw.
pub fn techniques() -> ! {
    finish(run())
}

fn run() -> Result<(), ArgumentError> {
    let epochs = arguments::number_within(1, EPOCHS, (1, 10_000))?;
    for_each(&mut Train {
        epochs,
        report: |trained| defmt::info!("{}", trained),
    });
    defmt::info!("{}", memory());
    Ok(())
}
