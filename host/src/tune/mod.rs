//! The search for hyper-parameters: random settings, and successive halving.
//!
//! Settings are drawn at random from ranges ([`space`]), which beats a grid where few of the
//! hyper-parameters matter (Bergstra and Bengio 2012, "Random search for hyper-parameter
//! optimization"). All are trained for a few epochs; the best third of them for three times as many,
//! and so on up to the whole budget ([`halving`]), which is a bracket of Hyperband (Li et al. 2018,
//! "Hyperband: a novel bandit-based approach to hyperparameter optimization").
//!
//! A setting that gets more epochs begins again: this way each result is that of a plain
//! `thumbnet train`, schedules come to their end within every training, and what a search has found
//! so far is a table and nothing else ([`results`]), from which an interrupted one goes on.
//!
//! Trainings have a thread each. A third of a rung goes on only when all of it is there, so the
//! number of threads, and what finishes first, change nothing ([`search`]).

pub mod halving;
pub mod report;
pub mod results;
pub mod search;
pub mod space;
