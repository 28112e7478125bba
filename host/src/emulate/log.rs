//! A program's log: defmt frames in, lines out.

use std::io::{self, Write};

use defmt_decoder::{Frame, StreamDecoder, Table};

/// How much of something undecodable is shown.
const LONGEST_EXCERPT: usize = 60;

/// How lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// `INFO message`
    Plain,
    /// The same, with the level in a colour of its own.
    Coloured,
    /// `{"level":"info","message":"message"}`
    Json,
}

/// Decodes a program's output while it comes, and writes a line for every frame.
pub struct Lines<'t, W> {
    decoder: Box<dyn StreamDecoder + Send + Sync + 't>,
    style: Style,
    sink: W,
    /// What has come of a frame that has not ended.
    partial: Vec<u8>,
}

impl<'t, W: Write> Lines<'t, W> {
    /// Lines for the program that has this table, written to `sink`.
    pub fn new(table: &'t Table, style: Style, sink: W) -> Self {
        Self {
            decoder: table.new_stream_decoder(),
            style,
            sink,
            partial: Vec::new(),
        }
    }

    /// Takes in the next piece of output.
    ///
    /// # Errors
    ///
    /// If a line cannot be written.
    pub fn add(&mut self, bytes: &[u8]) -> io::Result<()> {
        for piece in bytes.split_inclusive(|&byte| byte == 0) {
            self.partial.extend_from_slice(piece);
            // A zero ends a frame, and one also precedes it, so there are empty ones in between.
            if piece.ends_with(&[0]) {
                let frame = std::mem::take(&mut self.partial);
                if frame.len() > 1 {
                    self.frame(&frame)?;
                }
            }
        }
        self.sink.flush()
    }

    /// Tells that no more will come.
    ///
    /// # Errors
    ///
    /// If a line cannot be written.
    pub fn end(mut self) -> io::Result<()> {
        let rest = std::mem::take(&mut self.partial);
        if !rest.is_empty() {
            self.undecodable(&rest)?;
        }
        self.sink.flush()
    }

    /// Writes the line of one whole frame, which ends with a zero.
    fn frame(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.decoder.received(bytes);
        match self.decoder.decode() {
            Ok(frame) => write_frame(&mut self.sink, self.style, &frame),
            Err(_) => self.undecodable(bytes),
        }
    }

    fn undecodable(&mut self, bytes: &[u8]) -> io::Result<()> {
        let text = String::from_utf8_lossy(bytes);
        let text = text.trim_matches(|letter: char| letter == '\0' || letter.is_whitespace());
        let excerpt = text.chars().take(LONGEST_EXCERPT).collect::<String>();
        let message = format!("the program printed what is not a log frame: {excerpt:?}");
        match self.style {
            Style::Json => write_json(&mut self.sink, Some("error"), &message),
            Style::Plain | Style::Coloured => writeln!(self.sink, "ERROR {message}"),
        }
    }
}

fn write_frame(sink: &mut impl Write, style: Style, frame: &Frame<'_>) -> io::Result<()> {
    match style {
        Style::Json => {
            let level = frame.level().map(|level| level.as_str());
            write_json(sink, level, &frame.display_message().to_string())
        }
        Style::Plain | Style::Coloured => {
            writeln!(sink, "{}", frame.display(style == Style::Coloured))
        }
    }
}

fn write_json(sink: &mut impl Write, level: Option<&str>, message: &str) -> io::Result<()> {
    writeln!(
        sink,
        "{}",
        serde_json::json!({ "level": level, "message": message })
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table of two messages, as if it had been read from a program.
    fn table() -> Table {
        let entry = |tag: &str, text: &str| serde_json::json!({ "string": { "tag": tag, "string": text }, "raw_symbol": "" });
        let table = serde_json::json!({
            "timestamp": null,
            "entries": { "1": entry("Info", "hello"), "2": entry("Println", "just text") },
            "bitflags": {},
            "encoding": "Rzcobs",
        });
        serde_json::from_value(table).expect("the table has the form that defmt-decoder writes")
    }

    /// The frame of a message without arguments: its number as 16 bits, rzCOBS, and zeros around it.
    const fn frame(number: u8) -> [u8; 4] {
        // A marker's lower seven bits say which of seven bytes are zero: all but the first.
        [0, number, 0b0111_1110, 0]
    }

    fn lines(style: Style, pieces: &[&[u8]]) -> String {
        let table = table();
        let mut sink = Vec::new();
        let mut lines = Lines::new(&table, style, &mut sink);
        pieces
            .iter()
            .for_each(|piece| lines.add(piece).expect("a Vec takes everything"));
        lines.end().expect("a Vec takes everything");
        String::from_utf8(sink).expect("lines are UTF-8")
    }

    #[test]
    fn frames_become_lines() {
        let both = [frame(1), frame(2)].concat();
        assert_eq!(lines(Style::Plain, &[&both]), "INFO hello\njust text\n");
        assert_eq!(
            lines(Style::Json, &[&both]),
            "{\"level\":\"info\",\"message\":\"hello\"}\n\
             {\"level\":null,\"message\":\"just text\"}\n"
        );
    }

    #[test]
    fn frames_may_come_in_pieces() {
        let [start, number, marker, end] = frame(1);
        let pieces: [&[u8]; 4] = [&[start], &[number], &[marker], &[end]];
        assert_eq!(lines(Style::Plain, &pieces), "INFO hello\n");
    }

    #[test]
    fn what_is_no_frame_is_shown_and_does_not_stop_the_log() {
        let mixed = [&b"plain text\n"[..], &frame(1), b"cut sho"].concat();
        assert_eq!(
            lines(Style::Plain, &[&mixed]),
            "ERROR the program printed what is not a log frame: \"plain text\"\n\
             INFO hello\n\
             ERROR the program printed what is not a log frame: \"cut sho\"\n"
        );
    }

    #[test]
    fn an_unknown_message_is_no_frame() {
        let line = lines(Style::Plain, &[&frame(9)]);
        assert!(line.starts_with("ERROR the program printed"), "{line}");
    }
}
