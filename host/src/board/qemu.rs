//! The board's program, built for a network, and emulated.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use thumbnet::format::CRC_32;

use crate::emulate::build::{self, root};
use crate::emulate::qemu::{Qemu, check_machine};
use crate::model::Model;

/// The crate, and its program.
const PACKAGE: &str = "thumbnet-mps2";
const PROGRAM: &str = "serve";

/// The network of a program that is not built for another one.
const MODEL: &str = "firmware/models/784-32-10.thumbnet";

/// How long an emulator may take to start.
const START: Duration = Duration::from_secs(30);

/// One of QEMU's MPS2 boards, called after cargo's aliases for them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EmulatedBoard {
    /// Cortex-M0's instructions, on a Cortex-M3.
    M0,
    /// Cortex-M3.
    M3,
    /// Cortex-M4F.
    #[default]
    M4f,
    /// Cortex-M7.
    M7,
    /// Cortex-M33.
    M33,
}

impl EmulatedBoard {
    const ALL: [Self; 5] = [Self::M0, Self::M3, Self::M4f, Self::M7, Self::M33];

    const fn name(self) -> &'static str {
        match self {
            Self::M0 => "m0",
            Self::M3 => "m3",
            Self::M4f => "m4f",
            Self::M7 => "m7",
            Self::M33 => "m33",
        }
    }

    /// What the compiler calls it, QEMU's machine, and cargo's features.
    const fn target(self) -> (&'static str, &'static str, &'static [&'static str]) {
        match self {
            Self::M0 => ("thumbv6m-none-eabi", "mps2-an385", &[]),
            Self::M3 => ("thumbv7m-none-eabi", "mps2-an385", &[]),
            Self::M4f => ("thumbv7em-none-eabihf", "mps2-an386", &[]),
            Self::M7 => (
                "thumbv7em-none-eabihf",
                "mps2-an500",
                &["--features", "cortex-m7"],
            ),
            Self::M33 => ("thumbv8m.main-none-eabihf", "mps2-an505", &[]),
        }
    }
}

impl std::fmt::Display for EmulatedBoard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for EmulatedBoard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|board| board.name() == text);
        found
            .ok_or_else(|| format!("expected qemu:BOARD with m0, m3, m4f, m7 or m33, found {text}"))
    }
}

/// An emulator that runs a board's program; it ends when this is dropped.
pub(super) struct Emulated {
    _qemu: Qemu,
    /// Where its program is.
    _folder: tempfile::TempDir,
}

impl Emulated {
    /// Builds the program for a network of the form of `model`, or else with the repository's own
    /// in it, and starts it; returns the way to its serial line, too.
    pub(super) fn start(board: EmulatedBoard, model: Option<&Model>) -> Result<(Self, TcpStream)> {
        let (triple, machine, features) = board.target();
        check_machine(machine)?;
        let model = match model {
            Some(model) => form(model)?,
            None => root()?.join(MODEL),
        };
        let folder = tempfile::tempdir()?;
        let elf = program(triple, features, &model, folder.path())?;
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let qemu = Qemu::start_with_line(machine, &elf, listener.local_addr()?)?;
        let stream = accept(&listener)?;
        let emulated = Self {
            _qemu: qemu,
            _folder: folder,
        };
        Ok((emulated, stream))
    }
}

/// A weights file of this form: always the same, so that cargo need not build twice.
fn form(model: &Model) -> Result<PathBuf> {
    let form = Model {
        parameters: vec![0.0; model.parameters.len()],
        ..model.clone()
    };
    let file = form.to_bytes();
    let name = format!("thumbnet-{:08x}.thumbnet", CRC_32.checksum(&file));
    let path = std::env::temp_dir().join(name);
    if std::fs::read(&path).ok().as_ref() != Some(&file) {
        form.save(&path)?;
    }
    Ok(path)
}

/// Builds the program, and copies it to a folder: cargo overwrites it for the next network.
fn program(triple: &str, features: &[&str], model: &Path, folder: &Path) -> Result<PathBuf> {
    let arguments = [&["--package", PACKAGE, "--bin", PROGRAM][..], features].concat();
    let built = build::build(triple, &arguments, model)?;
    let (_, path) = built
        .iter()
        .find(|(name, _)| name == PROGRAM)
        .with_context(|| format!("cargo has not built {PROGRAM}"))?;
    let elf = folder.join(PROGRAM);
    std::fs::copy(path, &elf).with_context(|| format!("cannot copy {}", path.display()))?;
    Ok(elf)
}

/// Waits for the emulator.
fn accept(listener: &TcpListener) -> Result<TcpStream> {
    listener.set_nonblocking(true)?;
    let deadline = Instant::now() + START;
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(false)?;
                return Ok(stream);
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                ensure!(
                    Instant::now() < deadline,
                    "QEMU has not opened its serial line within {} s",
                    START.as_secs()
                );
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(error) => return Err(error.into()),
        }
    }
}
