//! The report: one page, and the same in two tables for programs.

use anyhow::Result;
use thumbnet::WeightDecay;

use super::table::RULES;
use super::training::Training;
use super::{Outcome, Verdict};
use crate::commands::output::{grouped, plain};
use crate::page::{Badge, Cell, Figure, Page, Section, Table, Tone};
use crate::training::OptimizerChoice;

/// Grows figure by figure; complete after each.
#[derive(Debug)]
pub struct Report {
    summary: String,
    overview: Table,
    sections: Vec<Section>,
    claims: csv::Writer<Vec<u8>>,
    curves: csv::Writer<Vec<u8>>,
}

impl Report {
    /// Without figures yet. `summary` says what was run.
    ///
    /// # Errors
    ///
    /// None that memory gives reason for.
    pub fn new(summary: String) -> Result<Self> {
        let mut claims = csv::Writer::from_writer(Vec::new());
        claims.write_record(["figure", "verdict", "check", "found", "holds"])?;
        let mut curves = csv::Writer::from_writer(Vec::new());
        curves.write_record([
            "figure",
            "training",
            "seed",
            "epoch",
            "train_cost",
            "train_accuracy",
            "validation_cost",
            "validation_accuracy",
            "seconds",
        ])?;
        let columns = ["figure", "claim", "verdict"];
        Ok(Self {
            summary,
            overview: Table::new("Every claim, and whether it holds here.", &columns),
            sections: Vec::new(),
            claims,
            curves,
        })
    }

    /// Adds a figure.
    ///
    /// # Errors
    ///
    /// When a diagram cannot be drawn, which no numbers give reason for.
    pub fn add(&mut self, outcome: &Outcome) -> Result<()> {
        let row: [Cell; 3] = [
            outcome.figure.name.into(),
            outcome.figure.claim.into(),
            Cell::Marked(String::new(), outcome.verdict.badge()),
        ];
        self.overview = std::mem::take(&mut self.overview).row(row);
        self.sections.push(section(outcome)?);
        let name = outcome.figure.name;
        for check in &outcome.checks {
            let holds = check.holds.to_string();
            let verdict = outcome.verdict.words();
            self.claims
                .write_record([name, verdict, &check.what, &check.found, &holds])?;
        }
        for run in &outcome.results.runs {
            for (seed, course) in (1..).zip(&run.courses) {
                for point in &course.points {
                    self.curves.serialize((
                        name,
                        &run.name,
                        seed,
                        point.epoch,
                        point.train_cost,
                        point.train_accuracy,
                        point.validation_cost,
                        point.validation_accuracy,
                        point.seconds,
                    ))?;
                }
            }
        }
        Ok(())
    }

    /// The page, the table of claims and the table of curves, as they are to be written.
    ///
    /// # Errors
    ///
    /// None that content gives reason for.
    pub fn files(&mut self) -> Result<[Vec<u8>; 3]> {
        let mut page = Page::new("Chapter 3, tried out", &self.summary);
        let mut overview = Section::new("Verdicts");
        overview.table(self.overview.clone());
        overview.text(RULES);
        page.sections = vec![overview];
        page.sections.extend(self.sections.iter().cloned());
        self.claims.flush()?;
        self.curves.flush()?;
        Ok([
            page.render()?.into_bytes(),
            self.claims.get_ref().clone(),
            self.curves.get_ref().clone(),
        ])
    }
}

fn section(outcome: &Outcome) -> Result<Section> {
    let figure = outcome.figure;
    let mut section = Section::new(figure.title).verdict(outcome.verdict.badge());
    section.text(format!("Claim: {}", figure.claim));
    section.text(figure.about);
    let seeds = outcome
        .results
        .runs
        .first()
        .map_or(0, |run| run.courses.len());
    let mut drawn = Figure::new(match seeds {
        0 => String::new(),
        seeds => {
            format!("Means of {seeds} seeds, in bands from the lowest to the highest of them.")
        }
    });
    for (picture, words) in (figure.draw)(&outcome.results)? {
        drawn.diagram(picture, words);
    }
    section.figure(drawn);
    let caption = "What decides";
    let mut checks = Table::new(
        caption,
        &["check", "found: mean (range over seeds)", "holds"],
    );
    for check in &outcome.checks {
        let badge = Badge {
            words: if check.holds { "yes" } else { "no" }.to_owned(),
            tone: if check.holds { Tone::Good } else { Tone::Bad },
        };
        let cells: [Cell; 3] = [
            check.what.as_str().into(),
            check.found.as_str().into(),
            Cell::Marked(String::new(), badge),
        ];
        checks = checks.row(cells);
    }
    section.table(checks);
    match (outcome.verdict, figure.otherwise) {
        (Verdict::NotJudged, _) => section.text(
            "Not judged: a quick run, or a small data set, has too few images and epochs to tell.",
        ),
        // Other seeds, other data and a quick run may have failed for another reason.
        (Verdict::DoesNotHold, Some(otherwise)) => section.text(format!(
            "Found in the full run on MNIST with seeds 1 to 5, where this claim does not hold: \
             {otherwise}"
        )),
        _ => {}
    }
    if !outcome.results.runs.is_empty() {
        section.table(trainings(outcome));
    }
    Ok(section)
}

/// What was trained, in full.
fn trainings(outcome: &Outcome) -> Table {
    let columns = [
        "training",
        "images",
        "epochs",
        "hidden units",
        "initial weights",
        "cost",
        "optimiser",
        "learning rate",
        "mini-batch",
        "weight decay, lambda / n",
        "dropout",
        "shift",
    ];
    let mut table = Table::new("What was trained", &columns);
    table.folded = true;
    for run in &outcome.results.runs {
        let Training {
            images,
            hidden,
            activation,
            cost,
            initialization,
            optimizer,
            learning_rate,
            batch_size,
            weight_decay,
            dropout,
            augment,
            epochs,
            every: _,
            evaluated: _,
            closely: _,
        } = &run.training;
        let hidden: Vec<String> = hidden.iter().map(usize::to_string).collect();
        table = table.row([
            run.name.clone(),
            grouped(*images),
            epochs.to_string(),
            format!("{} {activation}", hidden.join("-")),
            initialization.weights.to_string(),
            cost.to_string(),
            optimizer_in_words(optimizer),
            learning_rate.to_string(),
            batch_size.to_string(),
            decay_in_words(weight_decay),
            dropout.to_string(),
            plain(f64::from(augment.shift)),
        ]);
    }
    table
}

fn optimizer_in_words(optimizer: &OptimizerChoice) -> String {
    match optimizer {
        OptimizerChoice::Sgd => "gradient descent".to_owned(),
        OptimizerChoice::Momentum(mu) => format!("momentum {mu}"),
        OptimizerChoice::Nesterov(mu) => format!("Nesterov {mu}"),
        OptimizerChoice::RmsProp(_) => "RMSprop".to_owned(),
        OptimizerChoice::Adam(_) => "Adam".to_owned(),
        OptimizerChoice::Muon(_) => "Muon".to_owned(),
    }
}

fn decay_in_words(decay: &WeightDecay) -> String {
    let name = match decay {
        WeightDecay::L2(_) => "L2",
        WeightDecay::L1(_) => "L1",
        WeightDecay::TruncatedL1(_) => "L1, truncated",
        _ => return "none".to_owned(),
    };
    format!("{name}, {}", decay.rate())
}

impl Verdict {
    fn badge(self) -> Badge {
        match self {
            Self::Holds => Badge::verdict(true),
            Self::DoesNotHold => Badge::verdict(false),
            Self::NotJudged => Badge {
                words: self.words().to_owned(),
                tone: Tone::Open,
            },
        }
    }
}
