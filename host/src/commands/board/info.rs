//! `thumbnet board ports|info|monitor`: who is there, and how things are.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Serialize;
use thumbnet_protocol::Status;

use super::super::output::{cost, describe, grouped, hex, note, print};
use super::PortArgs;
use crate::board::config::names;
use crate::run::interrupt;
use crate::run::settings::count;
use crate::training::Progress;

#[derive(Clone, Debug, clap::Args)]
pub(super) struct InfoArgs {
    #[command(flatten)]
    port: PortArgs,

    /// Print one JSON object on one line
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Debug, clap::Args)]
pub(super) struct MonitorArgs {
    #[command(flatten)]
    port: PortArgs,

    /// Seconds between two lines
    #[arg(long, value_name = "SECONDS", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=3600))]
    every: u64,

    /// End after so many lines [default: with Ctrl-C]
    #[arg(long, value_name = "N", value_parser = count, allow_negative_numbers = true)]
    lines: Option<usize>,

    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

pub(super) fn ports() -> Result<()> {
    let ports = serialport::available_ports().context("the serial ports cannot be listed")?;
    if ports.is_empty() {
        note(format_args!("there are no serial ports"));
    }
    let mut text = String::new();
    for port in ports {
        let what = match port.port_type {
            serialport::SerialPortType::UsbPort(usb) => {
                let words = [usb.manufacturer, usb.product, usb.serial_number];
                words.into_iter().flatten().collect::<Vec<_>>().join(" ")
            }
            serialport::SerialPortType::BluetoothPort => "Bluetooth".to_owned(),
            _ => String::new(),
        };
        let _ = writeln!(text, "{:<20} {what}", port.port_name);
    }
    print(&text)
}

/// What `--json` prints of a board.
#[derive(Serialize)]
struct Info<'a> {
    board: &'a str,
    clock_hz: u32,
    free_ram: u32,
    network: &'a str,
    weights_crc32: String,
    optimizers: String,
    batch: usize,
    frame: usize,
    credit: usize,
    checkpoints: bool,
    fault: &'a str,
    protocol: u16,
}

pub(super) fn info(args: &InfoArgs) -> Result<()> {
    let mut client = args.port.connect(None)?;
    let header = client.head()?;
    let status = client.status()?;
    let about = &client.about;
    let info = Info {
        board: &about.board,
        clock_hz: about.clock_hz,
        free_ram: about.free_ram,
        network: &about.shape,
        weights_crc32: hex(about.weights_crc32),
        optimizers: names(about.optimizers),
        batch: about.batch,
        frame: about.frame,
        credit: about.credit,
        checkpoints: about.checkpoints,
        fault: &about.fault,
        protocol: thumbnet_protocol::VERSION,
    };
    if args.json {
        return print(&format!("{}\n", serde_json::to_string(&info)?));
    }
    let mut text = format!(
        "board        {}, {} MHz\n\
         network      {}\n\
         images       {}\n\
         weights      {}\n\
         RAM          {} bytes free, stack at most {} bytes\n\
         optimisers   {}\n\
         mini-batch   up to {} samples\n\
         line         frames of {} bytes, {} in flight\n\
         checkpoints  {}\n",
        info.board,
        f64::from(info.clock_hz) / 1.0e6,
        describe(&header.architecture),
        header.preparation,
        info.weights_crc32,
        grouped(info.free_ram as usize),
        grouped(status.stack as usize),
        info.optimizers,
        info.batch,
        grouped(info.frame),
        grouped(info.credit),
        if info.checkpoints { "yes" } else { "none" },
    );
    if !info.fault.is_empty() {
        let _ = writeln!(text, "fault        {}", info.fault);
    }
    print(&text)
}

pub(super) fn monitor(args: &MonitorArgs) -> Result<()> {
    let progress = Arc::new(Progress::default());
    interrupt::ends(&progress)?;
    let mut client = args.port.connect(None)?;
    let mut lines = 0;
    while args.lines.is_none_or(|most| lines < most) && !progress.stop.load(Ordering::Relaxed) {
        if lines > 0 {
            std::thread::sleep(Duration::from_secs(args.every));
        }
        let status = client.status()?;
        print(&monitored(&status, args.json))?;
        lines += 1;
    }
    Ok(())
}

fn monitored(status: &Status, json: bool) -> String {
    let samples = f64::from(status.samples.max(1));
    if json {
        let line = serde_json::json!({
            "steps": status.taken.steps,
            "samples": status.samples,
            "right": status.right,
            "cost": status.cost / samples,
            "weights_crc32": hex(status.weights_crc32),
            "work": status.work,
            "stack": status.stack,
            "damaged": status.damaged,
        });
        return format!("{line}\n");
    }
    format!(
        "step {:>9}  samples {:>9}  cost {:>8}  weights {}  stack {} bytes\n",
        grouped(status.taken.steps as usize),
        grouped(status.samples as usize),
        cost(status.cost / samples),
        hex(status.weights_crc32),
        grouped(status.stack as usize)
    )
}
