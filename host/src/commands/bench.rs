//! `thumbnet bench`: speed and memory, one line each.

use std::path::PathBuf;

use anyhow::Result;
use clap::ValueEnum;

use super::output::{grouped, note, print};
use crate::bench::against::{Earlier, json, percent};
use crate::bench::device::{self, DeviceRow, Target};
use crate::bench::growth::{self, GrowthRow};
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
    /// Measure how the time of training grows with layers, mini-batches and inputs, and draw it
    #[command(after_help = GROWTH_HELP)]
    Growth(GrowthArgs),
}

#[derive(Clone, Debug, clap::Args)]
struct DeviceArgs {
    /// One processor alone; may be given several times [default: all]
    #[arg(long = "target", value_name = "NAME", value_enum)]
    targets: Vec<Target>,

    #[command(flatten)]
    output: Output,
}

#[derive(Clone, Debug, clap::Args)]
struct GrowthArgs {
    /// Draw growth.svg in this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

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
  bytes       weights, inputs and activations that have to be moved for them, each fetched once
              for all samples of a mini-batch
  of peak     the operations' share of what as many threads can do on numbers in registers, each
              operation rounded by itself as in training
Speeds differ between machines, and when others are at work: compare what was measured in a row.

Example:
  thumbnet bench host --json > before.json
  thumbnet bench host --against before.json";

const GROWTH_HELP: &str = "\
Takes two minutes. One thing varies at a time: hidden units from 8 to 1,024, hidden layers from 1
to 6, samples of a mini-batch from 1 to 1,000, and zeros in the input, then of noise, from 0 to 95 %.
All else is 784-100-10 with mini-batches of 100 on images of MNIST. A time is that of the fastest of
many short epochs, divided by its samples.

Example:
  thumbnet bench growth --out pictures --json > growth.json";

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
        What::Growth(args) => bench_growth(args),
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
    let change = change(if compares { "change" } else { "" });
    format!(
        "{:<26} {:<10} {:>12}{change} {:>7}{change} {:>8} {:>6}",
        "work", "processor", "instructions", "flash", "RAM", "stack"
    )
}

fn device_line(row: &DeviceRow, earlier: Option<&Earlier<DeviceRow>>) -> String {
    let before = earlier.map(|earlier| earlier.find(row));
    let changed = |figure: fn(&DeviceRow) -> f64| {
        let ratio = |before| figure(row) / figure(before) - 1.0;
        change(&percent(before.map(|before| before.map(ratio))))
    };
    format!(
        "{:<26} {:<10} {:>12}{} {:>7}{} {:>8} {:>6}",
        row.name,
        row.target.name(),
        grouped(row.instructions_per_sample as usize),
        changed(|row| row.instructions_per_sample as f64),
        grouped(row.flash_bytes as usize),
        changed(|row| f64::from(row.flash_bytes)),
        grouped(row.ram_bytes as usize),
        grouped(row.stack_bytes as usize),
    )
}

/// The cell of a change, which is not there if nothing is compared.
fn change(text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        format!(" {text:>9}")
    }
}

fn bench_host(output: &Output) -> Result<()> {
    let earlier = output.against.as_deref().map(Earlier::read).transpose()?;
    let mut first = true;
    host::measure(|bar, row| {
        let mut text = String::new();
        if output.json {
            text = json(&row, earlier.as_ref())?;
        } else {
            if std::mem::take(&mut first) {
                text = host_heading(earlier.is_some()) + "\n";
            }
            text += &host_line(&row, earlier.as_ref());
        }
        text.push('\n');
        bar.suspend(|| print(&text))
    })
}

/// The columns of [`host_line`].
fn host_heading(compares: bool) -> String {
    let change = change(if compares { "change" } else { "" });
    format!(
        "{:<29} {:>5} {:>7} {:>11}{change} {:>10} {:>9} {:>7}",
        "work", "batch", "threads", "samples/s", "operations", "bytes", "of peak"
    )
}

fn host_line(row: &HostRow, earlier: Option<&Earlier<HostRow>>) -> String {
    format!(
        "{:<29} {:>5} {:>7} {:>11}{} {:>10} {:>9} {:>5.1} %",
        row.name,
        row.batch,
        row.threads,
        grouped(row.samples_per_second as usize),
        change(&percent(earlier.map(|earlier| earlier.change(row)))),
        grouped(row.flops_per_sample as usize),
        grouped(row.bytes_per_sample as usize),
        row.peak_fraction * 100.0,
    )
}

fn bench_growth(args: &GrowthArgs) -> Result<()> {
    let GrowthArgs { out, output } = args;
    let earlier = output.against.as_deref().map(Earlier::read).transpose()?;
    let picture = out.as_deref().map(growth::Picture::claim).transpose()?;
    let mut rows = Vec::new();
    growth::measure(|bar, row| {
        let mut text = String::new();
        if output.json {
            text = json(&row, earlier.as_ref())?;
        } else {
            if rows.is_empty() {
                text = growth_heading(earlier.is_some()) + "\n";
            }
            text += &growth_line(&row, earlier.as_ref());
        }
        text.push('\n');
        rows.push(row);
        bar.suspend(|| print(&text))
    })?;
    if let Some(picture) = picture {
        let path = picture.draw(&rows)?.display();
        note(format_args!("Drawn in {path}"));
    }
    Ok(())
}

/// The columns of [`growth_line`].
fn growth_heading(compares: bool) -> String {
    let change = change(if compares { "change" } else { "" });
    format!(
        "{:<31} {:>5} {:>7} {:>7} {:>12}{change}",
        "network", "batch", "zeros", "threads", "µs a sample"
    )
}

fn growth_line(row: &GrowthRow, earlier: Option<&Earlier<GrowthRow>>) -> String {
    format!(
        "{:<31} {:>5} {:>5.1} % {:>7} {:>12.3}{}",
        row.network(),
        row.batch,
        100.0 * row.zeros,
        row.threads,
        row.microseconds_per_sample,
        change(&percent(earlier.map(|earlier| earlier.change(row)))),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_at_most_100_columns_wide() {
        let device = DeviceRow {
            name: "momentum_batch16_784_32_10".to_owned(),
            target: Target::CortexM4F,
            instructions_per_sample: 12_345_678,
            flash_bytes: 123_456,
            ram_bytes: 234_567,
            stack_bytes: 12_345,
        };
        let host = HostRow {
            name: "train_784_100_10_augmentation".to_owned(),
            batch: 1_000,
            threads: 64,
            samples_per_second: 123_456_789,
            flops_per_sample: 12_345_678,
            bytes_per_sample: 1_234_567,
            peak_fraction: 1.0,
        };
        let growth = GrowthRow {
            varied: growth::Varied::Depth,
            hidden: 100,
            depth: 6,
            batch: 1_000,
            zeros: 1.0,
            threads: 64,
            microseconds_per_sample: 12_345.678,
        };
        assert_eq!(
            growth_line(&growth, None).len(),
            growth_heading(false).chars().count()
        );
        assert_eq!(
            device_line(&device, None).len(),
            device_heading(false).len()
        );
        assert_eq!(host_line(&host, None).len(), host_heading(false).len());
        let headings = [
            device_heading(true),
            host_heading(true),
            growth_heading(true),
        ];
        assert!(headings.iter().all(|line| line.chars().count() <= 100));
    }
}
