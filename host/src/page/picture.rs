//! A picture in a page: an SVG among the elements, or an image whose bytes are in its address.

use anyhow::{Result, bail};
use askama::filters::HtmlSafe;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::pictures::Svg;

// Templates put it into the page as it is: only `pictures` makes one, and plotters escapes all text.
impl HtmlSafe for Svg {}

/// A picture, and what it shows in words.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// For readers who cannot see it.
    pub alt: String,
    pub(super) form: Form,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Form {
    Drawing(Svg),
    /// A `data:` address.
    Image(String),
}

impl Picture {
    /// What this program drew.
    pub fn drawing(svg: Svg, alt: impl Into<String>) -> Self {
        Self {
            alt: alt.into(),
            form: Form::Drawing(svg),
        }
    }

    /// The content of a PNG or SVG file of any origin.
    ///
    /// # Errors
    ///
    /// When it is neither.
    pub fn image(bytes: &[u8], alt: impl Into<String>) -> Result<Self> {
        let text = bytes.trim_ascii_start();
        let media = if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
            "image/png"
        } else if text.starts_with(b"<svg") || text.starts_with(b"<?xml") {
            "image/svg+xml"
        } else {
            bail!("expected a PNG or an SVG picture, found something else");
        };
        Ok(Self {
            alt: alt.into(),
            form: Form::Image(format!("data:{media};base64,{}", STANDARD.encode(bytes))),
        })
    }
}
