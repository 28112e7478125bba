//! Command lines: words between blanks, some of them in quotes.

/// The word at `position` of a command line, counted from zero.
///
/// Spaces and tabs separate words. A word that starts with a quote, `"` or `'`, goes on to the next
/// quote of that kind and may hold blanks, or nothing.
///
/// ```
/// use thumbnet_firmware::words::word;
///
/// let line = "train '/my data' \"\" 1000";
/// assert_eq!(word(line, 1), Some("/my data"));
/// assert_eq!(word(line, 2), Some(""));
/// assert_eq!(word(line, 4), None);
/// ```
pub fn word(line: &str, position: usize) -> Option<&str> {
    let mut rest = line.trim_start_matches(BLANKS);
    let mut left = position;
    loop {
        let first = rest.chars().next()?;
        let (word, after) = match first {
            // A quote that is never closed takes the rest of the line.
            '"' | '\'' => {
                let quoted = rest.get(1..)?;
                quoted.split_once(first).unwrap_or((quoted, ""))
            }
            _ => rest.split_once(BLANKS).unwrap_or((rest, "")),
        };
        if left == 0 {
            return Some(word);
        }
        left -= 1;
        rest = after.trim_start_matches(BLANKS);
    }
}

/// What separates words.
const BLANKS: [char; 2] = [' ', '\t'];

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::vec::Vec;

    fn words(line: &str) -> Vec<&str> {
        (0..).map_while(|position| word(line, position)).collect()
    }

    #[test]
    fn splits_at_blanks_outside_of_quotes() {
        assert_eq!(words("a bc  d\te "), ["a", "bc", "d", "e"]);
        assert_eq!(
            words("train \"/a b/c,d\" \"\" it's \"'x'\" 7"),
            ["train", "/a b/c,d", "", "it's", "'x'", "7"]
        );
    }

    #[test]
    fn an_empty_line_has_no_words() {
        assert!(words("").is_empty());
        assert!(words(" \t ").is_empty());
    }

    #[test]
    fn an_open_quote_ends_with_the_line() {
        assert_eq!(words("a 'b c"), ["a", "b c"]);
        assert_eq!(words("'"), [""]);
    }
}
