//! Small images, enlarged and framed: a unit's weights, a misread digit.

use anyhow::Result;
use plotters::backend::RGBPixel;
use plotters::prelude::*;

use super::style::{Area, GREY};

/// How images of one size are shown.
#[derive(Clone, Copy)]
pub(super) struct Tile {
    /// Width and height of an image, in its own pixels.
    pub(super) image: (usize, usize),
    /// Pixels of the picture per pixel of an image, both ways.
    pub(super) zoom: usize,
}

impl Tile {
    /// Width and height in pixels of the picture, without the frame.
    pub(super) fn size(&self) -> (i32, i32) {
        (
            (self.image.0 * self.zoom) as i32,
            (self.image.1 * self.zoom) as i32,
        )
    }

    /// Draws an image at `at`, its upper left corner, given the colour of each of its pixels, row by
    /// row; and a frame around it.
    pub(super) fn draw(
        &self,
        area: &Area<BitMapBackend<'_>>,
        at: (i32, i32),
        color: impl Fn(usize) -> RGBColor,
    ) -> Result<()> {
        let (width, height) = self.size();
        let size = (width as u32, height as u32);
        let element = BitMapElement::<_, RGBPixel>::with_owned_buffer(at, size, self.bytes(color));
        area.draw(&element.expect("as many bytes as the size asks for"))?;
        // Without a frame nobody sees where a white margin ends.
        let frame = [(at.0 - 1, at.1 - 1), (at.0 + width, at.1 + height)];
        area.draw(&Rectangle::new(frame, GREY.mix(0.45)))?;
        Ok(())
    }

    /// The enlarged image, three bytes a pixel.
    fn bytes(&self, color: impl Fn(usize) -> RGBColor) -> Vec<u8> {
        let (width, height) = self.image;
        let mut bytes = Vec::with_capacity(3 * width * height * self.zoom * self.zoom);
        for row in 0..height {
            let start = bytes.len();
            for column in 0..width {
                let RGBColor(red, green, blue) = color(row * width + column);
                for _ in 0..self.zoom {
                    bytes.extend_from_slice(&[red, green, blue]);
                }
            }
            let end = bytes.len();
            for _ in 1..self.zoom {
                bytes.extend_from_within(start..end);
            }
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pixel_becomes_a_square() {
        let tile = Tile {
            image: (2, 2),
            zoom: 2,
        };
        let bytes = tile.bytes(|pixel| RGBColor(10 + pixel as u8, 0, 7));
        let reds: Vec<u8> = bytes.iter().step_by(3).copied().collect();
        assert_eq!(reds[..8], [10, 10, 11, 11, 10, 10, 11, 11]);
        assert_eq!(reds[8..], [12, 12, 13, 13, 12, 12, 13, 13]);
        assert!(bytes.iter().skip(2).step_by(3).all(|blue| *blue == 7));
    }
}
