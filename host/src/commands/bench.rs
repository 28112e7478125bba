//! `thumbnet bench`: speed and memory, one line each.

use std::path::PathBuf;

use anyhow::Result;
use clap::ValueEnum;

use super::output::{grouped, print};
use crate::bench::against::{Earlier, json, percent};
use crate::bench::device::{self, DeviceRow, Target};
use crate::bench::host::{self, HostRow};

/// Arguments of `thumbnet bench`.
#[derive(Clone, Debug, clap::Args)]
pub struct BenchArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum What {
    /// Count instructions and bytes on emulated boards: the same in every run
    #[command(after_help = DEVICE_HELP)]
    Device(DeviceArgs),
    /// Measure how many samples this desktop trains and predicts per second
    #[command(after_help = HOST_HELP)]
    Host(Output),
}

#[derive(Clone, Debug, clap::Args)]
struct DeviceArgs {
    /// One processor alone; may be given several times [default: all]
    #[arg(long = "target", value_name = "NAME", value_enum)]
    targets: Vec<Target>,

    #[command(flatten)]
    output: Output,
}

/// How rows are printed.
#[derive(Clone, Debug, clap::Args)]
struct Output {
    /// Compare with an earlier output of the same command with --json
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,

    /// Print one JSON object a line; with --against they have a "change", 0.1 for a tenth more
    #[arg(long)]
    json: bool,
}

const DEVICE_HELP: &str = "\
Builds a small program for each kind of work, without files or a log, and runs it in QEMU on 16
samples: MNIST's first training images for 784_32_10, the first of `--data digits` for 64_32_10.
  instructions  per sample
  flash         code and constants beyond a program that does nothing; not the weights
  RAM           weights that are trained, other variables and the stack; not the samples
  stack         at its deepest

Example:
  thumbnet bench device --target cortex-m4f --json > before.json
  thumbnet bench device --target cortex-m4f --against before.json";

const HOST_HELP: &str = "\
Takes about a minute. MNIST is in memory; one epoch warms up, and the median of five counts.
  operations  multiplications and additions that a sample needs: none for inputs that are 0
  of peak     their share of what as many threads can do when all operands are in registers,
              each operation rounded by itself as training does it
Speeds differ between machines, and between runs if others are at work: compare what was measured
in a row.

Example:
  thumbnet bench host --json > before.json
  thumbnet bench host --against before.json";

/// Runs `thumbnet bench`: rows go to stdout as they come, progress to stderr.
///
/// # Errors
///
/// `--against` names something else than an earlier output; something that is measured does not
/// build or run; stdout cannot be written.
pub fn run(args: &BenchArgs) -> Result<()> {
    match &args.what {
        What::Device(args) => bench_device(args),
        What::Host(output) => bench_host(output),
    }
}

fn bench_device(args: &DeviceArgs) -> Result<()> {
    let Output {
        against,
        json: as_json,
    } = &args.output;
    let earlier = against.as_deref().map(Earlier::read).transpose()?;
    let mut targets = args.targets.clone();
    if targets.is_empty() {
        targets = Target::value_variants().to_vec();
    }
    let mut first = true;
    device::measure(&targets, |bar, row| {
        let mut text = String::new();
        if *as_json {
            text = json(&row, earlier.as_ref())?;
        } else {
            if std::mem::take(&mut first) {
                text = device_heading(earlier.is_some()) + "\n";
            }
            text += &device_line(&row, earlier.as_ref());
        }
        text.push('\n');
        bar.suspend(|| print(&text))
    })
}

/// The columns of [`device_line`].
fn device_heading(compares: bool) -> String {
    let change = if compares { "change" } else { "" };
    let columns = ["instructions", "flash", "RAM", "stack"];
    let [instructions, flash, ram, stack] = columns;
    format!(
        "{:<26} {:<10} {instructions:>12} {change:>9} {flash:>7} {change:>9} {ram:>8} {stack:>6}",
        "work", "processor"
    )
}

fn device_line(row: &DeviceRow, earlier: Option<&Earlier<DeviceRow>>) -> String {
    let before = earlier.map(|earlier| earlier.find(row));
    let change = |figure: fn(&DeviceRow) -> f64| {
        percent(before.map(|before| before.map(|before| figure(row) / figure(before) - 1.0)))
    };
    format!(
        "{:<26} {:<10} {:>12} {:>9} {:>7} {:>9} {:>8} {:>6}",
        row.name,
        row.target.name(),
        grouped(row.instructions_per_sample as usize),
        change(|row| row.instructions_per_sample as f64),
        grouped(row.flash_bytes as usize),
        change(|row| f64::from(row.flash_bytes)),
        grouped(row.ram_bytes as usize),
        grouped(row.stack_bytes as usize),
    )
}

fn bench_host(output: &Output) -> Result<()> {
    let earlier = output.against.as_deref().map(Earlier::read).transpose()?;
    let mut first = true;
    host::measure(|bar, row, operations| {
        let mut text = String::new();
        if output.json {
            text = json(&row, earlier.as_ref())?;
        } else {
            if std::mem::take(&mut first) {
                text = host_heading(earlier.is_some()) + "\n";
            }
            text += &host_line(&row, operations, earlier.as_ref());
        }
        text.push('\n');
        bar.suspend(|| print(&text))
    })
}

/// The columns of [`host_line`].
fn host_heading(compares: bool) -> String {
    let change = if compares { "change" } else { "" };
    format!(
        "{:<30} {:>6} {:>7} {:>14} {change:>9} {:>12} {:>9}",
        "work", "batch", "threads", "samples/s", "operations", "of peak"
    )
}

fn host_line(row: &HostRow, operations: f64, earlier: Option<&Earlier<HostRow>>) -> String {
    format!(
        "{:<30} {:>6} {:>7} {:>14} {:>9} {:>12} {:>7.1} %",
        row.name,
        row.batch,
        row.threads,
        grouped(row.samples_per_second as usize),
        percent(earlier.map(|earlier| earlier.change(row))),
        grouped(operations.round() as usize),
        row.peak_fraction * 100.0,
    )
}
