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
