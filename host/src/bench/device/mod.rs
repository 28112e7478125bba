//! `thumbnet bench device`: instructions and bytes of inference and training on emulated boards.
//!
//! A program does one kind of work on 16 samples and nothing else: no files, no log
//! (`firmware/mps2/src/bench.rs`). It is built for each processor with each network,
//! and run with samples in memory. Counts are exact: they are the same in every run.
//!
//! | figure | what is counted |
//! |---|---|
//! | `instructions_per_sample` | all instructions from the first sample's pixels to the last one's prediction or step, divided by 16 |
//! | `flash_bytes` | code, constants and initial values that the work adds to a program that does nothing; not the weights |
//! | `ram_bytes` | fixed variables, weights that are trained among them, and the stack; not the samples |
//! | `stack_bytes` | the stack at its deepest, from start-up on |
//!
//! The 784-32-10 rows have the first 16 training images of MNIST, the 64-32-10 rows the first 16 of
//! the digits that are part of the program, and the `dense` rows those of MNIST with every 0 made 1.
//! Training starts from fresh weights.

mod emulated;
mod programs;
mod samples;

use std::collections::HashMap;

use anyhow::{Result, ensure};
use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};
use serde::{Deserialize, Serialize};

use super::against::Row;
use crate::emulate::qemu::check_machine;
use emulated::Measured;
use programs::{Programs, Work};
use samples::{SAMPLES, Shape};

/// A processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ValueEnum)]
pub enum Target {
    /// Has 32-bit floating point.
    #[serde(rename = "cortex-m4f")]
    #[value(name = "cortex-m4f")]
    CortexM4F,
    /// Has none.
    #[serde(rename = "cortex-m3")]
    #[value(name = "cortex-m3")]
    CortexM3,
    /// Has none, and few instructions; its program runs on an emulated Cortex-M3.
    #[serde(rename = "cortex-m0")]
    #[value(name = "cortex-m0")]
    CortexM0,
    /// Has 64-bit floating point, too; runs the Cortex-M4F's program.
    #[serde(rename = "cortex-m7")]
    #[value(name = "cortex-m7")]
    CortexM7,
    /// Has 32-bit floating point, and instructions of its own.
    #[serde(rename = "cortex-m33")]
    #[value(name = "cortex-m33")]
    CortexM33,
}

impl Target {
    /// As users type it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CortexM4F => "cortex-m4f",
            Self::CortexM3 => "cortex-m3",
            Self::CortexM0 => "cortex-m0",
            Self::CortexM7 => "cortex-m7",
            Self::CortexM33 => "cortex-m33",
        }
    }

    /// QEMU's machine that it is on.
    const fn machine(self) -> &'static str {
        match self {
            Self::CortexM4F => "mps2-an386",
            Self::CortexM3 | Self::CortexM0 => "mps2-an385",
            Self::CortexM7 => "mps2-an500",
            Self::CortexM33 => "mps2-an505",
        }
    }

    /// What the compiler calls it.
    const fn triple(self) -> &'static str {
        match self {
            Self::CortexM4F | Self::CortexM7 => "thumbv7em-none-eabihf",
            Self::CortexM3 => "thumbv7m-none-eabi",
            Self::CortexM0 => "thumbv6m-none-eabi",
            Self::CortexM33 => "thumbv8m.main-none-eabihf",
        }
    }
}

/// What one kind of work costs on one processor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceRow {
    /// The work and the network's shape.
    pub name: String,
    /// The processor.
    pub target: Target,
    /// To the nearest whole one.
    pub instructions_per_sample: u64,
    /// Code and constants, without weights.
    pub flash_bytes: u32,
    /// Fixed variables and the stack.
    pub ram_bytes: u32,
    /// The stack at its deepest.
    pub stack_bytes: u32,
}

impl Row for DeviceRow {
    const COMMAND: &'static str = "bench device";

    fn title(&self) -> String {
        format!("{} on {}", self.name, self.target.name())
    }

    fn figure(&self) -> f64 {
        self.instructions_per_sample as f64
    }
}

/// What is measured on each processor: name, shape, work, and whether all pixels are lit.
fn rows() -> Vec<(String, Shape, Work, bool)> {
    let mut rows = Vec::new();
    for shape in Shape::ALL {
        for work in Work::ALL {
            rows.push((
                format!("{}_{}", work.name(), shape.name()),
                shape,
                work,
                false,
            ));
        }
    }
    for work in [Work::Infer, Work::SgdStep] {
        let shape = Shape::Mnist;
        rows.push((
            format!("{}_dense_{}", work.name(), shape.name()),
            shape,
            work,
            true,
        ));
    }
    rows
}

/// Measures every row on each of `targets`, and hands each to `report` as it comes.
///
/// # Errors
///
/// QEMU or MNIST is missing, a program does not build or does not run to its end, two processors
/// come to different results, or `report` fails.
pub fn measure(
    targets: &[Target],
    mut report: impl FnMut(&ProgressBar, DeviceRow) -> Result<()>,
) -> Result<()> {
    for target in targets {
        check_machine(target.machine())?;
    }
    let rows = rows();
    let folder = tempfile::tempdir()?;
    let samples = samples::write(folder.path())?;
    let bar = ProgressBar::new((rows.len() * targets.len()) as u64);
    // The template is fixed and valid; the default style would do if it were not.
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} {msg}") {
        bar.set_style(style.progress_chars("=> "));
    }
    let mut programs = Programs::new(folder.path());
    let mut results = HashMap::new();
    for &target in targets {
        let mut built = HashMap::new();
        for shape in Shape::ALL {
            bar.set_message(format!("building {} for {}", shape.name(), target.name()));
            let elves = programs.build(target.triple(), shape)?;
            let elf = elves.elf(Work::Nothing);
            let nothing = emulated::run(target.machine(), &elf, samples.file(shape, false))?;
            built.insert(shape, (elves, nothing));
        }
        for (name, shape, work, dense) in &rows {
            bar.set_message(format!("{name} on {}", target.name()));
            let (elves, nothing) = &built[shape];
            let file = samples.file(*shape, *dense);
            let measured = emulated::run(target.machine(), &elves.elf(*work), file)?;
            let first = *results.entry(name.clone()).or_insert(measured.result);
            ensure!(
                first == measured.result,
                "{name} on {}: expected the same result as on {}, {first:08x}, found {:08x}",
                target.name(),
                targets[0].name(),
                measured.result
            );
            bar.inc(1);
            report(&bar, row(name, target, *shape, *work, nothing, &measured))?;
        }
    }
    bar.finish_and_clear();
    Ok(())
}

fn row(
    name: &str,
    target: Target,
    shape: Shape,
    work: Work,
    nothing: &Measured,
    measured: &Measured,
) -> DeviceRow {
    let weights = match work {
        Work::Infer | Work::HeadStep => shape.model_bytes(),
        _ => 0,
    };
    DeviceRow {
        name: name.to_owned(),
        target,
        instructions_per_sample: (measured.instructions + SAMPLES / 2) / SAMPLES,
        flash_bytes: measured
            .flash_bytes
            .saturating_sub(nothing.flash_bytes + weights),
        ram_bytes: measured.static_ram_bytes + measured.stack_bytes,
        stack_bytes: measured.stack_bytes,
    }
}
