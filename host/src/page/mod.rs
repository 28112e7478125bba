//! Self-contained HTML pages: sections of text, figures, tables and verdicts, in one file that needs
//! nothing else, neither network nor script.
//!
//! ```
//! use thumbnet_host::page::{Badge, Page, Section, Table};
//!
//! let mut section = Section::new("Momentum").verdict(Badge::verdict(true));
//! section.text("With momentum the cost falls faster.");
//! section.table(Table::new("Cost after 5 epochs", &["momentum", "cost"]).row(["0.9", "0.12"]));
//! let mut page = Page::new("A claim", "What was tried, and what came of it.");
//! page.sections.push(section);
//! assert!(page.render()?.starts_with("<!DOCTYPE html>"));
//! # Ok::<(), anyhow::Error>(())
//! ```
//!
//! All text is escaped where it is put into the page. Pictures are [`Svg`]s that this program drew,
//! whose colours the page replaces when it is dark, or files of any origin, which are shown as images
//! on a light ground: an image can neither run scripts nor load anything.

mod picture;
#[cfg(test)]
mod tests;

use anyhow::{Context, Result};
use askama::Template;

pub use picture::Picture;

use crate::pictures::{Drawn, Svg, named_colors};

/// A whole page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// Its title and main heading.
    pub title: String,
    /// What it shows, in a sentence or two.
    pub summary: String,
    /// In order; each is in the table of contents.
    pub sections: Vec<Section>,
}

/// What stands under one heading.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Section {
    /// The heading.
    pub title: String,
    /// Beside the heading, and in the table of contents.
    pub badge: Option<Badge>,
    /// In order.
    pub blocks: Vec<Block>,
}

/// A part of a section.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    /// A paragraph.
    Text(String),
    /// Pictures with a caption.
    Figure(Figure),
    /// A table with a caption.
    Table(Table),
    /// What to type.
    Command(String),
}

/// Pictures that belong together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figure {
    /// Side by side where there is room.
    pub pictures: Vec<Picture>,
    /// What stands for what.
    pub key: Vec<(Svg, String)>,
    /// What is to be seen.
    pub caption: String,
}

/// A table. The first cell of a row is its heading.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// What it says.
    pub caption: String,
    /// Headings of the columns.
    pub columns: Vec<String>,
    /// Row by row, each as long as `columns`.
    pub rows: Vec<Vec<Cell>>,
    /// Whether all cells but the first are numbers, which stand better on the right.
    pub numeric: bool,
    /// Whether only the caption is shown until the reader opens it.
    pub folded: bool,
}

/// What a table holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Words or a number.
    Text(String),
    /// Words or a number with a badge after it.
    Marked(String, Badge),
}

/// A few words that stand out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Badge {
    /// The words.
    pub words: String,
    /// What they mean.
    pub tone: Tone,
}

/// What a badge means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As hoped.
    Good,
    /// Not as hoped.
    Bad,
    /// Neither is known.
    Open,
}

impl Page {
    /// A page without sections.
    pub fn new(title: impl Into<String>, summary: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            summary: summary.into(),
            sections: Vec::new(),
        }
    }

    /// The HTML, which is well-formed XML too.
    ///
    /// # Errors
    ///
    /// When the template fails, which no content gives reason for.
    pub fn render(&self) -> Result<String> {
        /// What the template sees.
        #[derive(Template)]
        #[template(path = "page.html")]
        struct View<'a> {
            page: &'a Page,
            colors: [(String, &'static str); 10],
        }
        let view = View {
            page: self,
            colors: named_colors(),
        };
        view.render().context("cannot write the page")
    }
}

impl Section {
    /// A section without content.
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            ..Self::default()
        }
    }

    /// With a badge beside its heading.
    #[must_use]
    pub fn verdict(self, badge: Badge) -> Self {
        Self {
            badge: Some(badge),
            ..self
        }
    }

    /// Adds a paragraph.
    pub fn text(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Text(text.into()));
    }

    /// Adds a figure.
    pub fn figure(&mut self, figure: Figure) {
        self.blocks.push(Block::Figure(figure));
    }

    /// Adds a table.
    pub fn table(&mut self, table: Table) {
        self.blocks.push(Block::Table(table));
    }

    /// Adds what to type.
    pub fn command(&mut self, command: impl Into<String>) {
        self.blocks.push(Block::Command(command.into()));
    }
}

impl Figure {
    /// A figure without pictures.
    pub fn new(caption: impl Into<String>) -> Self {
        Self {
            caption: caption.into(),
            ..Self::default()
        }
    }

    /// Adds a picture.
    pub fn picture(&mut self, picture: Picture) {
        self.pictures.push(picture);
    }

    /// Adds a diagram, whose key goes below all pictures, each entry once. `alt` says in words what
    /// the diagram shows.
    pub fn diagram(&mut self, drawn: Drawn, alt: impl Into<String>) {
        self.pictures.push(Picture::drawing(drawn.svg, alt));
        for entry in drawn.key {
            if !self.key.contains(&entry) {
                self.key.push(entry);
            }
        }
    }
}

impl Table {
    /// A table without rows.
    pub fn new(caption: impl Into<String>, columns: &[&str]) -> Self {
        Self {
            caption: caption.into(),
            columns: columns.iter().map(|&column| column.to_owned()).collect(),
            ..Self::default()
        }
    }

    /// With one more row.
    #[must_use]
    pub fn row<C: Into<Cell>>(mut self, cells: impl IntoIterator<Item = C>) -> Self {
        self.rows.push(cells.into_iter().map(Into::into).collect());
        self
    }
}

impl Badge {
    /// Whether a claim holds.
    pub fn verdict(holds: bool) -> Self {
        let (words, tone) = match holds {
            true => ("holds", Tone::Good),
            false => ("does not hold", Tone::Bad),
        };
        Self {
            words: words.to_owned(),
            tone,
        }
    }
}

impl Tone {
    /// Colour is never all there is to tell by.
    fn sign(self) -> &'static str {
        match self {
            Self::Good => "✓",
            Self::Bad => "✗",
            Self::Open => "?",
        }
    }

    fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Bad => "bad",
            Self::Open => "open",
        }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::Text(text.into())
    }
}
