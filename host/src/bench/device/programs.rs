//! The programs that are measured: which there are, and how cargo builds them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::samples::Shape;

/// The crate that has them.
const PACKAGE: &str = "thumbnet-mps2";

/// What a program does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    Infer,
    SgdStep,
    SgdBatch16,
    MomentumStep,
    MomentumBatch16,
    /// A step of the last layer alone; the others are in flash.
    HeadStep,
    /// What is left of a program without its work: start-up, counter, and the end.
    Nothing,
}

impl Work {
    /// All real work.
    pub(super) const ALL: [Self; 6] = [
        Self::Infer,
        Self::SgdStep,
        Self::SgdBatch16,
        Self::MomentumStep,
        Self::MomentumBatch16,
        Self::HeadStep,
    ];

    /// In the name of a row.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Infer => "infer_f32",
            Self::SgdStep => "sgd_step",
            Self::SgdBatch16 => "sgd_batch16",
            Self::MomentumStep => "momentum_step",
            Self::MomentumBatch16 => "momentum_batch16",
            Self::HeadStep => "head_step",
            Self::Nothing => "nothing",
        }
    }

    /// Cargo's name of the program.
    const fn program(self) -> &'static str {
        match self {
            Self::Infer => "bench-infer",
            Self::SgdStep => "bench-sgd-step",
            Self::SgdBatch16 => "bench-sgd-batch16",
            Self::MomentumStep => "bench-momentum-step",
            Self::MomentumBatch16 => "bench-momentum-batch16",
            Self::HeadStep => "bench-head-step",
            Self::Nothing => "bench-nothing",
        }
    }
}

/// Builds programs, and keeps copies of what was built: cargo overwrites it for the next network.
pub(super) struct Programs<'a> {
    folder: &'a Path,
    built: usize,
}

impl<'a> Programs<'a> {
    /// Programs go to a folder.
    pub(super) const fn new(folder: &'a Path) -> Self {
        Self { folder, built: 0 }
    }

    /// Builds all programs for a processor, with a network of this shape in flash.
    ///
    /// # Errors
    ///
    /// The repository, cargo or the target is missing, or the sources do not compile.
    pub(super) fn build(&mut self, triple: &str, shape: Shape) -> Result<Built> {
        let root = root()?;
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo
            .args(["build", "--release", "--quiet"])
            .args(["--package", PACKAGE, "--no-default-features"])
            .args(["--target", triple])
            .arg("--message-format=json-render-diagnostics")
            .env("THUMBNET_MODEL", root.join(shape.model()))
            .env_remove("CARGO_BUILD_TARGET")
            .current_dir(&root)
            .stdin(Stdio::null())
            .stderr(Stdio::inherit());
        let output = cargo
            .output()
            .context("cargo, which builds the programs for boards, does not start")?;
        ensure!(
            output.status.success(),
            "the programs for {triple} do not build, cargo says why: if the target is missing, type \
             `rustup target add {triple}`"
        );
        self.built += 1;
        let folder = self.folder.join(self.built.to_string());
        std::fs::create_dir(&folder)?;
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            let message: Value = serde_json::from_str(line).unwrap_or_default();
            if let Some(path) = message["executable"].as_str() {
                let name = message["target"]["name"].as_str().unwrap_or_default();
                std::fs::copy(path, folder.join(name))
                    .with_context(|| format!("cannot copy {path}"))?;
            }
        }
        Ok(Built { folder })
    }
}

/// All programs for one processor and network.
pub(super) struct Built {
    folder: PathBuf,
}

impl Built {
    /// The program that does this work.
    pub(super) fn elf(&self, work: Work) -> PathBuf {
        self.folder.join(work.program())
    }
}

/// The repository that this program was built from.
fn root() -> Result<PathBuf> {
    let host = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = host.parent().unwrap_or(host);
    if !root.join("firmware/mps2/Cargo.toml").is_file() {
        bail!(
            "expected the repository in {}, from which this program was built and which has the \
             boards' sources: build it again where the repository is now",
            root.display()
        );
    }
    Ok(root.to_owned())
}
