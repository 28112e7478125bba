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

/// Reads a number of things, at least one.
///
/// # Errors
///
/// Says what was expected; the caller says what was found.
pub fn count(text: &str) -> Result<usize, String> {
    whole(text, usize::MAX, "from 1")
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
