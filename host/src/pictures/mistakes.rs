//! `mistakes.png`: the images that were misread, and as what.

use std::path::Path;

use anyhow::{Result, ensure};
use plotters::prelude::*;

use super::file::write_png;
use super::letters::Letters;
use super::style::{Area, BLUE, GREY, INK, PAPER, VERMILION, blend};
use super::tile::Tile;

/// How many images a picture holds.
const MOST: usize = 60;
const COLUMNS: usize = 10;

/// An image that was taken for something else.
#[derive(Clone, Copy, Debug)]
pub struct Mistake<'a> {
    /// The pixels, row-major, 0 = background to 255 = ink.
    pub image: &'a [u8],
    /// What the image shows.
    pub label: u8,
    /// What it was taken for.
    pub predicted: u8,
    /// How sure the network was of `predicted`, 0 to 1.
    pub confidence: f32,
}

/// Draws misread images, enlarged, each with "label → predicted" and the confidence under it.
///
/// The first 60 of `items` are drawn in the given order, so sort them by what should be seen first:
/// the highest confidence, say. Without any, the picture says that there are none. Images are drawn as
/// ink on paper, which is what the pixel values of MNIST mean.
///
/// # Shapes
///
/// `items[..].image`: `[width * height]`, row-major.
///
/// # Errors
///
/// When an image has another number of pixels, when `width` or `height` is 0 or more than 1,024, or
/// when the file cannot be written.
pub fn mistakes(
    items: &[Mistake<'_>],
    width: usize,
    height: usize,
    path: impl AsRef<Path>,
) -> Result<()> {
    ensure!(
        (1..=1_024).contains(&width) && (1..=1_024).contains(&height),
        "images of {width} x {height} cannot be drawn: 1 x 1 to 1024 x 1024 can"
    );
    for (index, item) in items.iter().enumerate() {
        ensure!(
            item.image.len() == width * height,
            "image {index} has {} pixels, but {width} x {height} are {}",
            item.image.len(),
            width * height
        );
    }
    let shown = &items[..items.len().min(MOST)];
    let sheet = Sheet::new(shown.len(), width, height);
    write_png(path.as_ref(), sheet.size, |area| {
        area.fill(&PAPER)?;
        sheet.draw_heading(area, shown.len(), items.len())?;
        for (index, item) in shown.iter().enumerate() {
            sheet.draw_item(area, index, item)?;
        }
        Ok(())
    })
}

/// Where things are, in pixels.
struct Sheet {
    size: (u32, u32),
    columns: usize,
    tile: Tile,
    /// From one image to the next.
    pitch: (i32, i32),
}

const MARGIN: i32 = 24;
const HEADING: i32 = 76;
/// Room for two lines under an image.
const CAPTION: i32 = 46;

impl Sheet {
    fn new(shown: usize, width: usize, height: usize) -> Self {
        let zoom = (96 / width.max(height)).max(1);
        let tile = Tile {
            image: (width, height),
            zoom,
        };
        // A caption takes 84 pixels, however narrow the image.
        let pitch = (tile.size().0.max(84) + 20, tile.size().1 + CAPTION + 12);
        let columns = shown.clamp(1, COLUMNS);
        let rows = shown.div_ceil(columns) as i32;
        let size = (
            (2 * MARGIN + columns as i32 * pitch.0 - 20).max(600) as u32,
            (HEADING + rows * pitch.1 + 8).max(HEADING + 40) as u32,
        );
        Self {
            size,
            columns,
            tile,
            pitch,
        }
    }

    fn draw_heading(&self, area: &Area<BitMapBackend<'_>>, shown: usize, all: usize) -> Result<()> {
        let heading = Letters::new(20, INK).bold();
        if all == 0 {
            heading.paint(
                area,
                "No mistakes: every image was read right",
                (MARGIN, 26),
            )?;
            return Letters::new(15, GREY).paint(area, "There is nothing to show.", (MARGIN, 56));
        }
        let words = match (shown, all) {
            (1, 1) => "1 misread image".to_owned(),
            _ if shown == all => format!("{all} misread images"),
            _ => format!("{shown} of {all} misread images"),
        };
        heading.paint(area, &words, (MARGIN, 26))?;
        let line = [
            ("what it is", BLUE, false),
            (" → ", GREY, false),
            ("what it was taken for", VERMILION, false),
            (", and how sure the network was", GREY, false),
        ];
        paint_row(area, &line, 17, (MARGIN, 54))
    }

    fn draw_item(
        &self,
        area: &Area<BitMapBackend<'_>>,
        index: usize,
        item: &Mistake<'_>,
    ) -> Result<()> {
        let (wide, high) = self.tile.size();
        let cell_left = MARGIN + (index % self.columns) as i32 * self.pitch.0;
        let middle = cell_left + (self.pitch.0 - 20) / 2;
        let (x, y) = (
            middle - wide / 2,
            HEADING + (index / self.columns) as i32 * self.pitch.1,
        );

        self.tile
            .draw(area, (x, y), |pixel| ink(item.image[pixel]))?;

        let (label, predicted) = (item.label.to_string(), item.predicted.to_string());
        let line = [
            (&*label, BLUE, true),
            (" → ", GREY, false),
            (&*predicted, VERMILION, true),
        ];
        let mut wide = 0;
        for (text, color, bold) in line {
            wide += letters(18, color, bold).width(text);
        }
        paint_row(area, &line, 18, (middle - wide / 2, y + high + 16))?;
        Letters::new(14, GREY).centered().paint(
            area,
            &sureness(item.confidence),
            (middle, y + high + 36),
        )
    }
}

/// The colour of a pixel: 0 is paper, 255 is ink.
fn ink(value: u8) -> RGBColor {
    blend(PAPER, BLACK, f64::from(value) / 255.0)
}

fn letters(size: u32, color: RGBColor, bold: bool) -> Letters {
    let letters = Letters::new(size, color);
    if bold { letters.bold() } else { letters }
}

/// Paints pieces of different looks one after the other.
fn paint_row(
    area: &Area<BitMapBackend<'_>>,
    pieces: &[(&str, RGBColor, bool)],
    size: u32,
    at: (i32, i32),
) -> Result<()> {
    let mut x = at.0;
    for (text, color, bold) in pieces {
        let letters = letters(size, *color, *bold);
        letters.paint(area, text, (x, at.1))?;
        x += letters.width(text);
    }
    Ok(())
}

/// A confidence in percent; 100 only when it is exactly 1.
fn sureness(confidence: f32) -> String {
    if confidence.is_nan() {
        return "?".to_owned();
    }
    super::style::percent(f64::from(confidence.clamp(0.0, 1.0)), 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(items: &[Mistake<'_>], width: usize, height: usize) -> Result<(u32, u32)> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mistakes.png");
        let result = mistakes(items, width, height, &path);
        let left = std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(left, usize::from(result.is_ok()), "temporary file left");
        result.map(|()| {
            let bytes = std::fs::read(path).unwrap();
            assert_eq!(&bytes[..8], b"\x89PNG\r\n\x1a\n");
            let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
            (number(16), number(20))
        })
    }

    fn item(image: &[u8]) -> Mistake<'_> {
        Mistake {
            image,
            label: 4,
            predicted: 9,
            confidence: 0.987,
        }
    }

    #[test]
    fn none_is_a_picture_too() {
        let (width, height) = draw(&[], 28, 28).unwrap();
        assert!(width >= 400 && height >= 80, "{width} x {height}");
    }

    #[test]
    fn at_most_sixty_are_drawn() {
        let image = [128; 784];
        let one = draw(&[item(&image)], 28, 28).unwrap();
        let sixty = draw(&[item(&image); 60], 28, 28).unwrap();
        let many = draw(&[item(&image); 600], 28, 28).unwrap();
        assert!(one.1 < sixty.1, "{one:?} {sixty:?}");
        assert_eq!(sixty, many);
    }

    #[test]
    fn images_of_another_size_are_errors() {
        let image = [0; 784];
        let error = draw(&[item(&image), item(&image[..783])], 28, 28)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("image 1") && error.contains("783"),
            "{error}"
        );
        assert!(draw(&[item(&image)], 8, 8).is_err());
        assert!(draw(&[item(&[])], 0, 28).is_err());
        assert!(draw(&[], 28, 5_000).is_err());
    }

    #[test]
    fn the_smallest_and_the_largest_images_are_drawn() {
        draw(&[item(&[255])], 1, 1).unwrap();
        draw(&[item(&[255; 64])], 8, 8).unwrap();
        draw(&[item(&vec![255; 300 * 200])], 300, 200).unwrap();
    }

    #[test]
    fn images_are_ink_on_paper() {
        assert_eq!((ink(0), ink(255)), (PAPER, BLACK));
        assert_eq!(ink(51), RGBColor(204, 204, 204));
    }

    #[test]
    fn confidences_of_any_kind_are_spelled() {
        assert_eq!(sureness(0.987), "98.7 %");
        assert_eq!(sureness(0.999_99), "99.9 %");
        assert_eq!(sureness(f32::NAN), "?");
        assert_eq!(sureness(f32::INFINITY), "100.0 %");
    }
}
