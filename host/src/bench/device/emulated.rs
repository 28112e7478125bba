//! Runs a program that is measured, and reads what it reports.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use object::{Object, ObjectSymbol};

use crate::emulate::program::executable;
use crate::emulate::qemu::{Ending, Qemu};

/// Where samples belong, says the linker script.
const SAMPLES_SYMBOL: &str = "_thumbnet_samples";

/// Far longer than any of the programs takes.
const TIMEOUT: Duration = Duration::from_secs(300);

/// What a program reports, see `firmware/mps2/src/bench.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Measured {
    /// For all samples.
    pub(super) instructions: u64,
    pub(super) flash_bytes: u32,
    pub(super) static_ram_bytes: u32,
    pub(super) stack_bytes: u32,
    /// Depends on every sample's result.
    pub(super) result: u32,
}

/// Runs a program on `machine`, with the bytes of `samples` in its memory.
///
/// # Errors
///
/// QEMU does not start, or the program does not end as it should.
pub(super) fn run(machine: &str, elf: &Path, samples: &Path) -> Result<Measured> {
    let bytes = std::fs::read(elf).with_context(|| format!("cannot read {}", elf.display()))?;
    let address = executable(&bytes, elf)?
        .symbols()
        .find(|symbol| symbol.name() == Ok(SAMPLES_SYMBOL))
        .with_context(|| format!("{} has no {SAMPLES_SYMBOL}", elf.display()))?
        .address();

    let qemu = Qemu::start_with_memory(machine, elf, samples, address)?;
    let mut output = Vec::new();
    let ending = qemu.run(TIMEOUT, &AtomicBool::new(false), |bytes| {
        output.extend_from_slice(bytes);
        Ok(())
    })?;
    let name = elf.file_stem().unwrap_or_default().display();
    match ending {
        Ending::Exit(0) => report(&output).with_context(|| {
            let found = output.len();
            format!("{name} on {machine}: expected a report of 24 bytes, found {found}")
        }),
        Ending::Exit(code) => bail!("{name} on {machine} ended with exit code {code}"),
        Ending::Signal(signal) => bail!("{name} on {machine}: QEMU was ended by signal {signal}"),
        Ending::Timeout | Ending::Interrupt => {
            let seconds = TIMEOUT.as_secs();
            bail!("{name} on {machine} did not end within {seconds} s")
        }
    }
}

/// Reads six little-endian words.
fn report(output: &[u8]) -> Option<Measured> {
    let ([low, high, flash, static_ram, stack, result], []) = output.as_chunks() else {
        return None;
    };
    let word = |bytes: &[u8; 4]| u32::from_le_bytes(*bytes);
    Some(Measured {
        instructions: u64::from(word(high)) << 32 | u64::from(word(low)),
        flash_bytes: word(flash),
        static_ram_bytes: word(static_ram),
        stack_bytes: word(stack),
        result: word(result),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_words_are_a_report() {
        let bytes: Vec<u8> = (1..=6_u32).flat_map(u32::to_le_bytes).collect();
        let expected = Measured {
            instructions: 0x2_0000_0001,
            flash_bytes: 3,
            static_ram_bytes: 4,
            stack_bytes: 5,
            result: 6,
        };
        assert_eq!(report(&bytes), Some(expected));
        assert_eq!(report(&bytes[1..]), None);
        assert_eq!(report(&[&bytes[..], &[0]].concat()), None);
        assert_eq!(report(&[]), None);
    }
}
