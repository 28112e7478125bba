//! Images as text: half-block characters in grey on a terminal, shades of ASCII elsewhere.

use super::Samples;

/// How grey values are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shades {
    /// One character per two pixel rows, darker values by thinner characters.
    Ascii,
    /// Half blocks in the 24 grey tones of a terminal with 256 colours.
    Colours256,
    /// Half blocks in any of 256 grey tones.
    TrueColour,
}

/// From background to ink; a character's share of inked area is about its place in the row.
const RAMP: &[u8; 10] = b" .:-=+*#%@";

/// Columns between two images.
const GAP: usize = 2;

/// How many images fit side by side in `columns`, at least one.
pub(crate) fn images_per_row(width: usize, columns: usize) -> usize {
    let width = width.div_ceil(shrink_factor(width, columns));
    ((columns + GAP) / (width + GAP)).max(1)
}

/// Draws the samples at `indices`, in rows of as many images as fit in `columns`, each with its
/// label above it. `names` are the classes' names, or empty.
pub(crate) fn draw(
    samples: &Samples,
    indices: &[usize],
    names: &[&str],
    shades: Shades,
    columns: usize,
) -> String {
    let factor = shrink_factor(samples.width, columns);
    let width = samples.width.div_ceil(factor);
    let mut text = String::new();
    for row in indices.chunks(images_per_row(samples.width, columns)) {
        let captions = row.iter().map(|&index| {
            let label = samples.labels[index];
            let caption = match names.get(usize::from(label)) {
                Some(name) => format!("{label} {name}"),
                None => label.to_string(),
            };
            let cut: String = caption.chars().take(width).collect();
            format!("{cut:width$}")
        });
        push_line(&mut text, &captions.collect::<Vec<_>>());
        let pictures: Vec<Vec<String>> = row
            .iter()
            .map(|&index| lines(&shrink(samples, index, factor), width, shades))
            .collect();
        for line in 0..pictures[0].len() {
            let parts: Vec<&str> = pictures.iter().map(|picture| &*picture[line]).collect();
            push_line(&mut text, &parts);
        }
    }
    text
}

fn push_line<S: AsRef<str>>(text: &mut String, parts: &[S]) {
    let parts: Vec<&str> = parts.iter().map(AsRef::as_ref).collect();
    text.push_str(parts.join(&" ".repeat(GAP)).trim_end_matches(' '));
    text.push('\n');
}

/// The text rows of one image, two pixel rows each.
fn lines(pixels: &[u8], width: usize, shades: Shades) -> Vec<String> {
    let rows: Vec<&[u8]> = pixels.chunks(width).collect();
    let blank = vec![0; width];
    rows.chunks(2)
        .map(|pair| {
            let (top, bottom) = (pair[0], pair.get(1).copied().unwrap_or(&blank));
            line(top, bottom, shades)
        })
        .collect()
}

fn line(top: &[u8], bottom: &[u8], shades: Shades) -> String {
    let mut text = String::new();
    let mut last = None;
    for (&top, &bottom) in top.iter().zip(bottom) {
        if shades == Shades::Ascii {
            let mean = (usize::from(top) + usize::from(bottom)) / 2;
            text.push(char::from(RAMP[mean * RAMP.len() / 256]));
            continue;
        }
        let tones = [top, bottom].map(|value| match shades {
            Shades::Colours256 => grey_256(value),
            _ => value,
        });
        // Colours stay until they change, and most neighbours in a digit are alike.
        if last != Some(tones) {
            let [front, back] = tones;
            text += &match shades {
                Shades::Colours256 => format!("\x1b[38;5;{front};48;5;{back}m"),
                _ => format!("\x1b[38;2;{front};{front};{front};48;2;{back};{back};{back}m"),
            };
            last = Some(tones);
        }
        text.push('\u{2580}');
    }
    if last.is_some() {
        text.push_str("\x1b[0m");
    }
    text
}

/// The closest of black (16), 24 greys (232 to 255, values 8, 18, .. 238) and white (231).
fn grey_256(value: u8) -> u8 {
    match value {
        0..=3 => 16,
        4..=246 => 232 + ((value.max(8) - 8 + 5) / 10).min(23),
        247.. => 231,
    }
}

/// By how much an image must be shrunk to fit in `columns`.
fn shrink_factor(width: usize, columns: usize) -> usize {
    width.div_ceil(columns.max(1)).max(1)
}

/// One image with each `factor x factor` block of pixels as its mean.
fn shrink(samples: &Samples, index: usize, factor: usize) -> Vec<u8> {
    let (width, height) = (samples.width, samples.height);
    let image = samples.image(index);
    let mut small = Vec::new();
    for top in (0..height).step_by(factor) {
        for left in (0..width).step_by(factor) {
            let (bottom, right) = ((top + factor).min(height), (left + factor).min(width));
            let sum: usize = (top..bottom)
                .flat_map(|row| &image[row * width + left..row * width + right])
                .map(|&pixel| usize::from(pixel))
                .sum();
            // A mean of bytes is a byte.
            small.push((sum / ((bottom - top) * (right - left))) as u8);
        }
    }
    small
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(width: usize, height: usize, count: usize) -> Samples {
        Samples {
            width,
            height,
            images: vec![255; width * height * count],
            labels: vec![3; count],
        }
    }

    #[test]
    fn ascii_takes_two_pixel_rows_per_line() {
        let image = Samples {
            width: 3,
            height: 3,
            images: vec![0, 255, 0, 0, 255, 255, 255, 0, 0],
            labels: vec![7],
        };
        let text = draw(&image, &[0], &[], Shades::Ascii, 100);
        assert_eq!(text, "7\n @=\n=\n");
    }

    #[test]
    fn nothing_is_wider_than_allowed() {
        for (width, columns) in [
            (28, 100),
            (28, 80),
            (8, 100),
            (1000, 100),
            (101, 100),
            (28, 10),
        ] {
            let samples = samples(width, 4, 12);
            let indices: Vec<usize> = (0..12).collect();
            let text = draw(&samples, &indices, &["a"; 4], Shades::Ascii, columns);
            let widest = text.lines().map(|line| line.chars().count()).max();
            assert!(widest <= Some(columns), "{widest:?} > {columns}");
        }
        assert_eq!(images_per_row(28, 100), 3);
        assert_eq!(images_per_row(8, 100), 10);
    }

    #[test]
    fn colours_end_where_the_image_ends() {
        let text = draw(&samples(2, 2, 1), &[0], &[], Shades::Colours256, 100);
        assert_eq!(text, "3\n\x1b[38;5;231;48;5;231m\u{2580}\u{2580}\x1b[0m\n");
    }

    #[test]
    fn greys_of_256_colours_are_the_closest() {
        let value = |colour: u8| match colour {
            16 => 0,
            231 => 255,
            grey => 8 + 10 * (i32::from(grey) - 232),
        };
        for wanted in 0..=255u8 {
            let off = |colour| (value(colour) - i32::from(wanted)).abs();
            let best = (232..=255).chain([16, 231]).map(off).min();
            assert_eq!(Some(off(grey_256(wanted))), best, "{wanted}");
        }
    }
}
