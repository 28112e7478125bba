//! Runs a board's program in QEMU and shows its log: `thumbnet emulate`, and cargo's runner for boards.
//!
//! A program says by itself which machine it is for, logs defmt frames through semihosting's standard
//! output, and ends with an exit code. This module reads the first from the ELF file ([`program`]),
//! starts QEMU with the program's arguments ([`qemu`]), turns the frames into lines ([`log`]) while
//! they come, and passes the exit code on.
//!
//! QEMU counts time in instructions here (`-icount shift=0`: one instruction is one nanosecond), so
//! whatever a program measures is exact and the same in every run, on every desktop.

pub(crate) mod build;
pub mod log;
pub mod program;
pub mod qemu;

use std::{
    ffi::OsStr,
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use anyhow::{Context, anyhow, bail};

use crate::commands::output::note;
use crate::data;
use log::{Lines, Style};
use program::Program;
use qemu::{Ending, Qemu};

/// The exit code after `--timeout`, as coreutils' `timeout` has it.
const TIMED_OUT: u8 = 124;

/// The exit code after Ctrl-C, as shells have it: 128 and the number of the signal.
const INTERRUPTED: u8 = 130;

/// Set by Ctrl-C, and by a request to terminate.
static INTERRUPT: AtomicBool = AtomicBool::new(false);

/// Run a board's program in QEMU and show its log
#[derive(Clone, Debug, clap::Args)]
pub struct EmulateArgs {
    /// The program: an ELF file for a Cortex-M, as cargo builds it
    #[arg(value_name = "ELF")]
    pub elf: PathBuf,

    /// What the program gets as arguments, after the data folder
    #[arg(value_name = "ARGS")]
    pub arguments: Vec<String>,

    /// Folder with the four uncompressed MNIST files, if not the one that `thumbnet data` keeps
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,

    /// QEMU's name of the board, if not the one that the program is for
    #[arg(long, value_name = "NAME")]
    pub machine: Option<String>,

    /// End the program if it takes longer than this
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..))]
    pub timeout: u64,

    /// Print one JSON object a line, {"level", "message"}
    #[arg(long)]
    pub json: bool,
}

/// Runs the program to its end and returns its exit code.
///
/// A program that panics or fails returns what it exits with. One that is ended from outside returns
/// 124 after `--timeout`, 130 after Ctrl-C, and 1 if QEMU itself was ended by a signal.
///
/// # Errors
///
/// If the program cannot be started: the ELF file, the machine, the data folder, an argument or
/// QEMU itself is at fault. Nothing has been printed then.
pub fn run(args: &EmulateArgs) -> anyhow::Result<ExitCode> {
    let program = Program::read(&args.elf)?;
    let machine = match (&args.machine, program.machine()) {
        (Some(machine), _) => machine,
        (None, Some(machine)) => machine,
        (None, None) => bail!(
            "{} does not name its board: say which it is for, as in --machine mps2-an386",
            args.elf.display()
        ),
    };
    qemu::check_machine(machine)?;
    let folder = data_folder(args.data.as_deref())?;

    let name = args
        .elf
        .file_stem()
        .and_then(OsStr::to_str)
        .unwrap_or("program");
    let arguments = [name, &folder]
        .into_iter()
        .chain(args.arguments.iter().map(String::as_str));
    let qemu = Qemu::start(machine, &args.elf, arguments)?;

    // A second run in one process finds the handler in place, which is all that is wanted.
    let _ = ctrlc::set_handler(|| INTERRUPT.store(true, Ordering::Relaxed));
    INTERRUPT.store(false, Ordering::Relaxed);

    let style = match (args.json, io::stdout().is_terminal()) {
        (true, _) => Style::Json,
        (false, true) => Style::Coloured,
        (false, false) => Style::Plain,
    };
    let mut lines = Lines::new(program.table(), style, io::stdout().lock());
    let ending = qemu.run(Duration::from_secs(args.timeout), &INTERRUPT, |bytes| {
        lines.add(bytes)
    });

    let ending = match ending {
        // Nobody reads any more, as after `| head`: no reason to complain.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(ExitCode::SUCCESS),
        other => other.context("the program's log cannot be passed on")?,
    };
    if let Ending::Exit(_) | Ending::Signal(_) = ending {
        lines.end()?;
    }
    Ok(report(ending, args.timeout))
}

/// Says what ended the program, if it was not the program, and chooses the exit code.
fn report(ending: Ending, timeout: u64) -> ExitCode {
    // The log may be a pipe that is read later; the complaint must not come before it.
    let _ = io::stdout().flush();
    match ending {
        Ending::Exit(code) => ExitCode::from(code),
        Ending::Signal(signal) => {
            note(format_args!(
                "error: QEMU was ended by signal {signal}: somebody sent it, or a fault came inside the \
                 program's fault handler"
            ));
            ExitCode::FAILURE
        }
        Ending::Timeout => {
            note(format_args!(
                "error: the program did not end within {timeout} s: give it more time with --timeout"
            ));
            ExitCode::from(TIMED_OUT)
        }
        Ending::Interrupt => ExitCode::from(INTERRUPTED),
    }
}

/// The folder that becomes the program's first argument; empty if there is none to be had.
fn data_folder(chosen: Option<&Path>) -> anyhow::Result<String> {
    let folder = match chosen {
        Some(folder) if folder.is_dir() => folder.to_owned(),
        Some(folder) => bail!(
            "--data {} is not a folder: expected one with the four uncompressed MNIST files",
            folder.display()
        ),
        // Not every program wants data; one that does will say so itself.
        None => match data::mnist_folder() {
            Ok(folder) => folder,
            Err(error) => {
                note(format_args!(
                    "note: the program runs without MNIST: {error:#}"
                ));
                return Ok(String::new());
            }
        },
    };
    folder.into_os_string().into_string().map_err(|folder| {
        anyhow!("the data folder {folder:?} is not UTF-8, as boards need it: use another folder")
    })
}
