//! A contact sheet: the first images of every class in one PNG, a row per class.

use anyhow::Result;

use super::Samples;

/// Images per row, if they are no larger than MNIST's.
const COLUMNS: usize = 20;
/// Width aimed at for small images, in pixels: an 8 x 8 digit should not be a speck.
const IMAGE_WIDTH: usize = 56;
/// The widest sheet, in pixels, unless a single image is wider.
const SHEET_WIDTH: usize = 2000;
/// Pixels between images and around them.
const GAP: usize = 4;
/// Grey of the gaps: images are black or white at their edges.
const GAP_GREY: u8 = 96;

/// A grey picture, row-major.
#[derive(Debug)]
pub(crate) struct Sheet {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) pixels: Vec<u8>,
    /// Images in a row.
    pub(crate) columns: usize,
}

/// How many images of this width a row of a sheet has.
pub(crate) fn images_per_row(width: usize) -> usize {
    let cell_width = width * (IMAGE_WIDTH / width).max(1) + GAP;
    ((SHEET_WIDTH - GAP) / cell_width).clamp(1, COLUMNS)
}

/// Puts the first `columns` images of each class in a row of their own.
pub(crate) fn contact_sheet(samples: &Samples, classes: usize, columns: usize) -> Sheet {
    let scale = (IMAGE_WIDTH / samples.width).max(1);
    let (cell_width, cell_height) = (samples.width * scale + GAP, samples.height * scale + GAP);
    let (width, height) = (columns * cell_width + GAP, classes * cell_height + GAP);
    let mut pixels = vec![GAP_GREY; width * height];
    let mut filled = vec![0; classes];
    for (index, &label) in samples.labels.iter().enumerate() {
        let class = usize::from(label);
        let column = filled[class];
        if column == columns {
            continue;
        }
        filled[class] += 1;
        let corner = (GAP + class * cell_height) * width + GAP + column * cell_width;
        for (row, line) in samples.image(index).chunks(samples.width).enumerate() {
            for copy in 0..scale {
                let start = corner + (row * scale + copy) * width;
                for (x, &pixel) in line.iter().enumerate() {
                    pixels[start + x * scale..][..scale].fill(pixel);
                }
            }
        }
    }
    Sheet {
        width,
        height,
        pixels,
        columns,
    }
}

impl Sheet {
    /// The sheet as an 8-bit grey PNG.
    ///
    /// # Errors
    ///
    /// It is too large for that.
    pub(crate) fn png(&self) -> Result<Vec<u8>> {
        let (width, height) = (u32::try_from(self.width)?, u32::try_from(self.height)?);
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, width, height);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.pixels)?;
        writer.finish()?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_has_its_row_in_the_order_of_the_samples() {
        let samples = Samples {
            width: 56,
            height: 1,
            images: [10, 20, 30]
                .into_iter()
                .flat_map(|grey| [grey; 56])
                .collect(),
            labels: vec![1, 0, 1],
        };
        let sheet = contact_sheet(&samples, 2, images_per_row(56));
        assert_eq!((sheet.width, sheet.height, sheet.columns), (1204, 14, 20));
        let at = |row: usize, column: usize| {
            sheet.pixels[(GAP + row * (1 + GAP)) * sheet.width + GAP + column * (56 + GAP)]
        };
        assert_eq!([at(0, 0), at(0, 1)], [20, GAP_GREY]);
        assert_eq!([at(1, 0), at(1, 1), at(1, 2)], [10, 30, GAP_GREY]);
    }

    #[test]
    fn a_written_sheet_reads_back() {
        let digits = super::super::digits::load().unwrap();
        let sheet = contact_sheet(&digits.train, digits.classes, images_per_row(8));
        let file = std::io::Cursor::new(sheet.png().unwrap());
        let mut reader = png::Decoder::new(file).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        let size = (info.width as usize, info.height as usize);
        assert_eq!(size, (sheet.width, sheet.height));
        assert!(pixels == sheet.pixels);
    }
}
