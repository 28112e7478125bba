//! A picture file as an image that a network can see.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use png::{ColorType, Decoder, Transformations};
use thumbnet::preparation::{Size, scale};

/// Reads a PNG as grey values of 0 for background to 255 for ink, scaled down to `size` if it is
/// larger; `inverted` if its background is light.
///
/// # Errors
///
/// The file is no PNG, or not of the shape or size that is asked for.
pub fn read_grey(path: &Path, size: Size, inverted: bool) -> Result<Vec<u8>> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    read(BufReader::new(file), size, inverted).with_context(|| path.display().to_string())
}

fn read(
    file: impl std::io::BufRead + std::io::Seek,
    size: Size,
    inverted: bool,
) -> Result<Vec<u8>> {
    let mut decoder = Decoder::new(file);
    decoder.set_transformations(Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().context("expected a PNG")?;
    let (width, height) = (reader.info().width, reader.info().height);
    let side = |length: u32| u16::try_from(length).ok();
    let found = side(width).zip(side(height));
    let Some(from) = found.and_then(|(width, height)| Size::new(width, height)) else {
        bail!("expected a picture of {size} to 1024x1024 pixels, found {width}x{height}");
    };
    ensure!(
        from.width() >= size.width() && from.height() >= size.height(),
        "expected a picture of at least {size} pixels, found {from}"
    );
    let length = reader.output_buffer_size().context("a picture too large")?;
    let mut bytes = vec![0; length];
    let frame = reader.next_frame(&mut bytes).context("a damaged PNG")?;
    bytes.truncate(frame.buffer_size());
    let grey = |pixel: &[u8]| match *pixel {
        [grey] => grey,
        // What is transparent shows the background.
        [grey, alpha] => over(grey, alpha, inverted),
        [red, green, blue] => luma(red, green, blue),
        [red, green, blue, alpha] => over(luma(red, green, blue), alpha, inverted),
        _ => 0,
    };
    let samples = match frame.color_type {
        ColorType::Grayscale | ColorType::Indexed => 1,
        ColorType::GrayscaleAlpha => 2,
        ColorType::Rgb => 3,
        ColorType::Rgba => 4,
    };
    let mut image: Vec<u8> = bytes.chunks_exact(samples).map(grey).collect();
    ensure!(image.len() == from.pixels(), "a damaged PNG");
    if inverted {
        image.iter_mut().for_each(|pixel| *pixel = 255 - *pixel);
    }
    if from == size {
        return Ok(image);
    }
    let mut scaled = vec![0; size.pixels()];
    scale(from, &image, size, &mut scaled);
    Ok(scaled)
}

/// ITU-R BT.601.
fn luma(red: u8, green: u8, blue: u8) -> u8 {
    ((299 * u32::from(red) + 587 * u32::from(green) + 114 * u32::from(blue) + 500) / 1000) as u8
}

/// A grey value over the background.
fn over(grey: u8, alpha: u8, inverted: bool) -> u8 {
    let background = if inverted { 255 } else { 0 };
    let (grey, alpha) = (u32::from(grey), u32::from(alpha));
    ((grey * alpha + background * (255 - alpha) + 127) / 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn png(width: u32, height: u32, color: ColorType, bytes: &[u8]) -> Cursor<Vec<u8>> {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, width, height);
        encoder.set_color(color);
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(bytes).unwrap();
        drop(writer);
        Cursor::new(file)
    }

    #[test]
    fn ink_is_light_whatever_the_picture_is() {
        let size = Size::of::<2, 1>();
        let grey = png(2, 1, ColorType::Grayscale, &[10, 200]);
        assert_eq!(read(grey.clone(), size, false).unwrap(), [10, 200]);
        assert_eq!(read(grey, size, true).unwrap(), [245, 55]);
        let colours = png(2, 1, ColorType::Rgb, &[255, 0, 0, 255, 255, 255]);
        assert_eq!(read(colours, size, false).unwrap(), [76, 255]);
        // Black ink on nothing.
        let ink = png(2, 1, ColorType::Rgba, &[0, 0, 0, 255, 0, 0, 0, 0]);
        assert_eq!(read(ink, size, true).unwrap(), [255, 0]);
    }

    #[test]
    fn large_pictures_are_scaled_down_and_small_ones_refused() {
        let size = Size::of::<2, 2>();
        let large = png(4, 4, ColorType::Grayscale, &[80; 16]);
        assert_eq!(read(large, size, false).unwrap(), [80; 4]);
        let small = png(1, 2, ColorType::Grayscale, &[80; 2]);
        let error = read(small, size, false).unwrap_err().to_string();
        assert_eq!(
            error,
            "expected a picture of at least 2x2 pixels, found 1x2"
        );
        let none = read(Cursor::new(b"GIF89a".to_vec()), size, false);
        assert_eq!(none.unwrap_err().to_string(), "expected a PNG");
    }
}
