//! Points in the plane as text: the digit of the class where a point is.

use super::Samples;

/// Rows of text; a character is about twice as high as wide.
const ROWS: usize = 24;

/// Draws the points at `indices` on at most `columns` characters a line. Where points of several
/// classes meet in one character, it is the last one's.
pub(crate) fn scatter(samples: &Samples, indices: &[usize], columns: usize) -> String {
    let columns = columns.clamp(1, 2 * ROWS);
    let mut cells = vec![vec![' '; columns]; ROWS];
    for &index in indices {
        let [x, y] = [0, 1].map(|axis| usize::from(samples.image(index)[axis]));
        let class = char::from_digit(u32::from(samples.labels[index]) % 36, 36);
        cells[ROWS - 1 - y * ROWS / 256][x * columns / 256] = class.unwrap_or('?');
    }
    let mut text = String::new();
    for row in cells {
        text += String::from_iter(row).trim_end();
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_pixel_goes_right_and_the_second_goes_up() {
        let samples = Samples {
            width: 2,
            height: 1,
            images: vec![0, 0, 255, 0, 0, 255, 128, 128],
            labels: vec![0, 1, 2, 11],
        };
        let text = scatter(&samples, &[0, 1, 2, 3], 100);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), ROWS);
        assert_eq!(lines[0], "2");
        assert_eq!(lines[ROWS - 1], format!("0{}1", " ".repeat(46)));
        assert_eq!(lines[ROWS / 2 - 1], format!("{}b", " ".repeat(24)));
        assert!(scatter(&samples, &[1], 10).ends_with("\n         1\n"));
        assert_eq!(scatter(&samples, &[], 0).trim(), "");
    }
}
