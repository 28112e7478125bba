//! Letters in pictures: `write` for an SVG, whose viewer draws them, `paint` for the pixels of a PNG.

use std::sync::{LazyLock, Once};

use ab_glyph::{Font as _, FontRef, Glyph, PxScale, ScaleFont as _, point};
use anyhow::Result;
use plotters::prelude::*;
use plotters::style::register_font;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::style::Area;

/// Letters of one size and colour. What they are put at is half their height, and their left end
/// unless `centered` or `right_aligned`.
#[derive(Clone, Copy)]
pub(super) struct Letters {
    /// Height of a line in units of the picture.
    size: u32,
    color: RGBColor,
    bold: bool,
    anchor: HPos,
    upright: bool,
}

impl Letters {
    pub(super) fn new(size: u32, color: RGBColor) -> Self {
        Self {
            size,
            color,
            bold: false,
            anchor: HPos::Left,
            upright: false,
        }
    }

    pub(super) fn bold(self) -> Self {
        Self { bold: true, ..self }
    }

    pub(super) fn centered(self) -> Self {
        Self {
            anchor: HPos::Center,
            ..self
        }
    }

    pub(super) fn right_aligned(self) -> Self {
        Self {
            anchor: HPos::Right,
            ..self
        }
    }

    /// Reading from bottom to top; only in an SVG.
    pub(super) fn upright(self) -> Self {
        Self {
            upright: true,
            ..self
        }
    }

    /// The same as plotters has it.
    pub(super) fn style(&self) -> TextStyle<'static> {
        register_fonts();
        let style = if self.bold {
            FontStyle::Bold
        } else {
            FontStyle::Normal
        };
        let mut font = FontDesc::new(FontFamily::SansSerif, f64::from(self.size), style);
        if self.upright {
            font = font.transform(FontTransform::Rotate270);
        }
        TextStyle {
            font,
            color: self.color.to_backend_color(),
            pos: Pos::new(self.anchor, VPos::Center),
        }
    }

    /// Writes `text` at `at`.
    pub(super) fn write(
        &self,
        area: &Area<SVGBackend<'_>>,
        text: &str,
        at: (i32, i32),
    ) -> Result<()> {
        Ok(area.draw_text(text, &self.style(), at)?)
    }

    /// How wide `text` comes out, in units of the picture. Exact for `paint`; about right for `write`,
    /// since a viewer takes a font of its own.
    pub(super) fn width(&self, text: &str) -> i32 {
        self.lay_out(text).1.ceil() as i32
    }

    /// Draws `text` at `at`.
    ///
    /// Plotters can do that too, but sets every letter at the left end of its box (plotters 0.3.7
    /// leaves out the side bearing), so that words come apart.
    pub(super) fn paint(
        &self,
        area: &Area<BitMapBackend<'_>>,
        text: &str,
        at: (i32, i32),
    ) -> Result<()> {
        let (glyphs, width) = self.lay_out(text);
        let left = at.0 as f32
            - match self.anchor {
                HPos::Left => 0.0,
                HPos::Center => (width / 2.0).round(),
                HPos::Right => width.round(),
            };
        // Capitals and digits of DejaVu Sans are 0.729 em high and stand on the base line.
        let font = font(self.bold);
        let em = self.size as f32 * font.units_per_em().unwrap_or(2_048.0) / font.height_unscaled();
        let base = (at.1 as f32 + 0.729 * em / 2.0).round();
        for mut glyph in glyphs {
            glyph.position += point(left, base);
            let Some(outline) = font.outline_glyph(glyph) else {
                continue;
            };
            let corner = outline.px_bounds().min;
            let mut drawn = Ok(());
            outline.draw(|x, y, coverage| {
                let pixel = (corner.x as i32 + x as i32, corner.y as i32 + y as i32);
                let color = self.color.mix(f64::from(coverage.clamp(0.0, 1.0)));
                if drawn.is_ok() {
                    drawn = area.draw_pixel(pixel, &color);
                }
            });
            drawn?;
        }
        Ok(())
    }

    /// The letters of `text` from (0, 0) on, and the width of all.
    fn lay_out(&self, text: &str) -> (Vec<Glyph>, f32) {
        let scale = PxScale::from(self.size as f32);
        let font = font(self.bold).as_scaled(scale);
        let mut glyphs: Vec<Glyph> = Vec::new();
        let mut end = 0.0;
        for letter in text.chars() {
            let id = font.glyph_id(letter);
            if let Some(last) = glyphs.last() {
                end += font.kern(last.id, id);
            }
            glyphs.push(id.with_scale_and_position(scale, point(end, 0.0)));
            end += font.h_advance(id);
        }
        (glyphs, end)
    }
}

/// The fonts are part of the program, so that pictures look the same everywhere.
fn font(bold: bool) -> &'static FontRef<'static> {
    static FONTS: LazyLock<[FontRef<'static>; 2]> = LazyLock::new(|| {
        [dejavu::sans::regular(), dejavu::sans::bold()]
            .map(|bytes| FontRef::try_from_slice(bytes).expect("the fonts compiled in are valid"))
    });
    &FONTS[usize::from(bold)]
}

/// Gives plotters the letters it measures with: it looks for none by itself.
fn register_fonts() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for (style, bytes) in [
            (FontStyle::Normal, dejavu::sans::regular()),
            (FontStyle::Bold, dejavu::sans::bold()),
        ] {
            // A font that cannot be read would show as an error of the first text that is drawn.
            let _ = register_font("sans-serif", style, bytes);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pictures::style::{INK, PAPER};

    /// Bounds of what is not paper: left, top, right, bottom.
    fn painted(letters: Letters, text: &str, at: (i32, i32)) -> (i32, i32, i32, i32) {
        let (width, height) = (200, 60);
        let mut pixels = vec![255; 3 * width * height];
        {
            let size = (width as u32, height as u32);
            let area = BitMapBackend::with_buffer(&mut pixels, size).into_drawing_area();
            area.fill(&PAPER).unwrap();
            letters.paint(&area, text, at).unwrap();
        }
        let dark = (0..width * height).filter(|pixel| pixels[3 * pixel] < 128);
        let mut bounds = (i32::MAX, i32::MAX, i32::MIN, i32::MIN);
        for pixel in dark {
            let (x, y) = ((pixel % width) as i32, (pixel / width) as i32);
            bounds = (
                bounds.0.min(x),
                bounds.1.min(y),
                bounds.2.max(x),
                bounds.3.max(y),
            );
        }
        bounds
    }

    #[test]
    fn letters_are_where_they_are_put() {
        let letters = Letters::new(20, INK);
        let width = letters.width("H888H");
        let (left, top, right, bottom) = painted(letters, "H888H", (50, 30));
        assert!((50..54).contains(&left), "{left}");
        assert!(
            (50 + width - 4..=50 + width).contains(&right),
            "{right}, width {width}"
        );
        assert!((top + bottom - 60).abs() <= 2, "{top} to {bottom}");

        let (left, _, right, _) = painted(letters.centered(), "H888H", (100, 30));
        assert!((left + right - 200).abs() <= 2, "{left} to {right}");
        let (_, _, right, _) = painted(letters.right_aligned(), "H888H", (100, 30));
        assert!((96..=100).contains(&right), "{right}");
    }

    #[test]
    fn letters_that_leave_the_picture_are_cut_off() {
        let (left, top, right, _) = painted(Letters::new(20, INK), &"H".repeat(30), (-9, 2));
        assert!(
            left < 10 && top == 0 && right > 190,
            "{left}, {top}, {right}"
        );
    }

    #[test]
    fn bold_letters_are_wider() {
        let plain = Letters::new(20, INK);
        assert!(plain.bold().width("width") > plain.width("width"));
        assert_eq!(plain.width(""), 0);
    }
}
