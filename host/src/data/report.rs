//! What is said while data is fetched: on stderr, a bar on a terminal and plain lines elsewhere.

use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// Says one thing on stderr; a closed stderr is no reason to stop.
pub(crate) fn note(text: impl Display) {
    if cfg!(test) {
        // The one way that tests capture.
        return eprintln!("{text}");
    }
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Something that takes a while. Its bar or spinner disappears when it is dropped.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Says what starts. `bytes` is how many will come, if that is known.
    pub(crate) fn start(what: String, bytes: Option<u64>) -> Self {
        if !std::io::stderr().is_terminal() {
            note(&what);
            return Self(ProgressBar::hidden());
        }
        let bar = match bytes {
            Some(bytes) => ProgressBar::new(bytes),
            None => ProgressBar::new_spinner(),
        };
        let template = match bytes {
            Some(_) => "{msg} {wide_bar} {bytes}/{total_bytes} {eta}",
            None => "{spinner} {msg}",
        };
        // The templates are fixed and valid; the default style would do if they were not.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(what);
        bar.enable_steady_tick(Duration::from_millis(100));
        Self(bar)
    }

    /// Counts bytes that have come.
    pub(crate) fn advance(&self, bytes: usize) {
        self.0.inc(bytes as u64);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// The first line of a message, at most `columns` characters of it.
pub(crate) fn short(text: &str, columns: usize) -> String {
    let line = text.trim().lines().next().unwrap_or("");
    if line.chars().count() <= columns {
        return line.to_owned();
    }
    let kept: String = line.chars().take(columns.saturating_sub(2)).collect();
    format!("{}..", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn long_messages_are_cut_between_characters() {
        assert_eq!(short("fine\nmore", 10), "fine");
        assert_eq!(short("ééééé", 4), "éé..");
    }
}
