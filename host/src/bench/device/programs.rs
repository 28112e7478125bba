//! The programs that are measured: which there are, and how cargo builds them.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::samples::Shape;
use crate::emulate::build::{build, root};

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
        let arguments = ["--package", PACKAGE];
        let programs = build(triple, &arguments, &root()?.join(shape.model()))?;
        self.built += 1;
        let folder = self.folder.join(self.built.to_string());
        std::fs::create_dir(&folder)?;
        for (name, path) in programs {
            std::fs::copy(&path, folder.join(name))
                .with_context(|| format!("cannot copy {}", path.display()))?;
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
