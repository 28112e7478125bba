//! Counts of things, as several commands take them, and how many threads there are.

use std::num::NonZero;
use std::str::FromStr;

/// More threads than any desktop has cores; a typing error should not start thousands.
const MOST_THREADS: usize = 64;

const TWO: NonZero<usize> = NonZero::new(2).unwrap();

/// Two, or one where there is only one core: what the smallest of today's machines has.
pub fn default_threads() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.min(TWO).get())
}

/// More trainings, or longer ones, than any search has; with so many, no product overflows.
pub const MOST_OF_A_SEARCH: usize = 1_000_000;

/// More mini-batches of a short training than anybody waits for.
const MOST_STEPS: usize = 1_000_000_000;

/// Reads a number of things, at least one.
///
/// # Errors
///
/// Says what was expected; the caller says what was found.
pub fn count(text: &str) -> Result<usize, String> {
    whole(text, usize::MAX, "from 1")
}

/// Reads how many settings a search draws, or for how many epochs it trains one.
///
/// # Errors
///
/// Says what was expected; the caller says what was found.
pub fn of_a_search(text: &str) -> Result<usize, String> {
    whole(text, MOST_OF_A_SEARCH, "from 1 to 1000000")
}

/// Reads a number of mini-batches.
///
/// # Errors
///
/// Says what was expected; the caller says what was found.
pub fn steps(text: &str) -> Result<usize, String> {
    whole(text, MOST_STEPS, "from 1 to 1000000000")
}

/// Reads a number of threads.
///
/// # Errors
///
/// Says what was expected; the caller says what was found.
pub fn threads(text: &str) -> Result<usize, String> {
    whole(text, MOST_THREADS, "from 1 to 64")
}

fn whole(text: &str, most: usize, range: &str) -> Result<usize, String> {
    match usize::from_str(text) {
        Ok(number) if (1..=most).contains(&number) => Ok(number),
        _ => Err(format!("expected a whole number {range}")),
    }
}
