//! The claims of Nielsen's chapter 3, each tried in real trainings and judged by what was measured.
//!
//! A [`Figure`] says what is claimed, what has to be trained to see it, and which comparisons of
//! measured numbers decide. To add one, write a file in `figures/` and name it in [`FIGURES`].
//! Everything else is the same for all: [`run()`] trains whatever the chosen figures need, each
//! training once, and hands over one [`Outcome`] after the other.

mod bar;
mod check;
mod draw;
mod figures;
mod page;
mod results;
mod run;
mod runner;
mod table;
#[cfg(test)]
mod tests;
mod training;

pub use bar::Bar;
pub use figures::FIGURES;
pub use page::Report;
pub use run::{Options, run};
pub use table::RULES;

use anyhow::Result;
use check::{Check, Verdict};
use draw::Picture;
use results::{Results, Scale};
use training::Training;

/// A claim, how it is tried, and how it is judged.
pub struct Figure {
    /// What `--only` takes.
    pub name: &'static str,
    /// The heading.
    title: &'static str,
    /// What is claimed, in a line.
    claim: &'static str,
    /// Who claims it where, and how it is tried.
    about: &'static str,
    /// Whether a quick run is large enough to judge.
    quick: bool,
    /// What has to be trained, by name.
    trainings: fn(Scale) -> Vec<(String, Training)>,
    /// What decides.
    checks: fn(&Results) -> Result<Vec<Check>>,
    /// What there is to see.
    draw: fn(&Results) -> Result<Vec<Picture>>,
    /// Why the full run on MNIST finds something else, for a claim that does not hold there.
    otherwise: Option<&'static str>,
}

/// A figure, and what came of it.
pub struct Outcome {
    figure: &'static Figure,
    results: Results,
    checks: Vec<Check>,
    verdict: Verdict,
}
