//! What came of the claims, for terminals and for programs.

use std::fmt::Write as _;

use anyhow::Result;
use serde::Serialize;

use super::{Outcome, Verdict};

/// A line of `--json`.
#[derive(Serialize)]
struct Line<'a> {
    figure: &'a str,
    claim: &'a str,
    verdict: &'a str,
    checks: Vec<CheckLine<'a>>,
}

#[derive(Serialize)]
struct CheckLine<'a> {
    check: &'a str,
    found: &'a str,
    holds: bool,
}

impl Outcome {
    /// A paragraph of at most 100 columns: verdict and claim, and below them each check.
    pub fn words(&self) -> String {
        let verdict = console::style(format!("{:<13}", self.verdict.words())).bold();
        let verdict = match self.verdict {
            Verdict::Holds => verdict.green(),
            Verdict::DoesNotHold => verdict.red(),
            Verdict::NotJudged => verdict,
        };
        let mut text = format!("\n{verdict} {}\n", console::style(self.figure.name).bold());
        let _ = writeln!(text, "  {}", self.figure.claim);
        for check in &self.checks {
            let sign = if check.holds { "yes" } else { "no " };
            let _ = writeln!(text, "  {sign} {}\n      {}", check.what, check.found);
        }
        text
    }

    /// One JSON object and a line break.
    ///
    /// # Errors
    ///
    /// None that text gives reason for.
    pub fn json(&self) -> Result<String> {
        let checks = self.checks.iter().map(|check| CheckLine {
            check: &check.what,
            found: &check.found,
            holds: check.holds,
        });
        let line = Line {
            figure: self.figure.name,
            claim: self.figure.claim,
            verdict: self.verdict.words(),
            checks: checks.collect(),
        };
        Ok(serde_json::to_string(&line)? + "\n")
    }
}

/// What the checks mean, in lines of at most 100 columns.
pub const RULES: &str = "\
A claim holds if all of its checks do. Limits are for every seed; \"higher\" is for the mean of the
differences, seed by seed, and means by more than twice its standard error.
";
