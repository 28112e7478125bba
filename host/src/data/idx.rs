//! The IDX format: MNIST's image and label files, read from bytes that may hold anything.
//!
//! A file is two zero bytes, the element type (8: unsigned byte), the number of dimensions, each
//! dimension as a big-endian 32-bit number, then the elements, and nothing after them.

use anyhow::{Result, bail, ensure};

/// Magic number of a file of images: unsigned bytes, three dimensions.
pub(crate) const IMAGES_MAGIC: u32 = 0x0000_0803;
/// Magic number of a file of labels: unsigned bytes, one dimension.
pub(crate) const LABELS_MAGIC: u32 = 0x0000_0801;
/// Bytes before the first pixel: the magic number, then count, height and width.
pub(crate) const IMAGES_HEADER: usize = 16;
/// Bytes before the first label: the magic number and the count.
pub(crate) const LABELS_HEADER: usize = 8;

/// The content of a file of images.
#[derive(Debug, PartialEq)]
pub(crate) struct Images {
    pub(crate) count: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
    /// `count x height x width`, row-major.
    pub(crate) pixels: Vec<u8>,
}

/// Reads a file of images; `file` is how errors call it.
///
/// # Errors
///
/// Another magic number, a count or side of zero, missing bytes, bytes after the end.
pub(crate) fn images(file: &str, mut bytes: Vec<u8>) -> Result<Images> {
    let [count, height, width] = dimensions(file, &bytes, IMAGES_MAGIC, "image")?;
    for (what, size) in [("images", count), ("rows", height), ("columns", width)] {
        ensure!(
            size > 0,
            "{file}: expected at least one image of one pixel, found 0 {what}: write the file again"
        );
    }
    let pixels = count
        .checked_mul(height)
        .and_then(|rows| rows.checked_mul(width));
    let expected = format!("{count} images of {width} x {height}");
    check_length(file, pixels, bytes.len() - IMAGES_HEADER, &expected)?;
    bytes.drain(..IMAGES_HEADER);
    Ok(Images {
        count,
        height,
        width,
        pixels: bytes,
    })
}

/// Reads a file of labels, one byte each; `file` is how errors call it.
///
/// # Errors
///
/// Another magic number, a count of zero, missing bytes, bytes after the end.
pub(crate) fn labels(file: &str, mut bytes: Vec<u8>) -> Result<Vec<u8>> {
    let [count] = dimensions(file, &bytes, LABELS_MAGIC, "label")?;
    ensure!(
        count > 0,
        "{file}: expected at least one label, found 0: write the file again"
    );
    let expected = format!("{count} labels");
    check_length(file, Some(count), bytes.len() - LABELS_HEADER, &expected)?;
    bytes.drain(..LABELS_HEADER);
    Ok(bytes)
}

/// The dimensions after the magic number. On success `bytes` holds the whole header.
fn dimensions<const N: usize>(
    file: &str,
    bytes: &[u8],
    magic: u32,
    kind: &str,
) -> Result<[usize; N]> {
    let mut words = bytes
        .chunks_exact(4)
        .map(|word| u32::from_be_bytes([word[0], word[1], word[2], word[3]]));
    match words.next() {
        Some(found) if found == magic => {}
        Some(found) => bail!(
            "{file}: expected an IDX {kind} file (magic number {magic:#010x}), found \
             {found:#010x}: check that this is the file of {kind}s, and fetch it again"
        ),
        None => bail!(
            "{file}: expected an IDX {kind} file, found {} bytes: fetch the file again",
            bytes.len()
        ),
    }
    let mut sizes = [0; N];
    for size in &mut sizes {
        match words.next() {
            // A 32-bit number always fits on the 32- and 64-bit machines this program runs on.
            Some(word) => *size = word as usize,
            None => bail!(
                "{file}: expected an IDX header of {} bytes, found {}: the file is cut off, fetch \
                 it again",
                4 + 4 * N,
                bytes.len()
            ),
        }
    }
    Ok(sizes)
}

/// Checks that what follows the header is exactly what the header says.
fn check_length(file: &str, expected: Option<usize>, found: usize, says: &str) -> Result<()> {
    match expected {
        Some(expected) if expected == found => Ok(()),
        Some(expected) if expected < found => bail!(
            "{file}: expected {expected} bytes after the header ({says}), found {found}: remove \
             the {} bytes after the end, or fetch the file again",
            found - expected
        ),
        Some(expected) => bail!(
            "{file}: expected {expected} bytes after the header ({says}), found {found}: the file \
             is cut off, fetch it again"
        ),
        None => bail!(
            "{file}: expected a size this machine can hold, found {says}: the header is damaged, \
             fetch the file again"
        ),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use rand_core::{Rng, SeedableRng};
    use rand_xorshift::XorShiftRng;

    /// The bytes of an image file.
    pub(crate) fn image_file(count: u32, height: u32, width: u32, pixels: &[u8]) -> Vec<u8> {
        let header = [IMAGES_MAGIC, count, height, width];
        let mut bytes: Vec<u8> = header.iter().flat_map(|w| w.to_be_bytes()).collect();
        bytes.extend(pixels);
        bytes
    }

    /// The bytes of a label file.
    pub(crate) fn label_file(labels: &[u8]) -> Vec<u8> {
        let mut bytes = LABELS_MAGIC.to_be_bytes().to_vec();
        bytes.extend((labels.len() as u32).to_be_bytes());
        bytes.extend(labels);
        bytes
    }

    fn fault<T: std::fmt::Debug>(result: Result<T>) -> String {
        let text = result.unwrap_err().to_string();
        assert!(
            text.starts_with("f: expected ") && text.contains("found"),
            "{text}"
        );
        text
    }

    #[test]
    fn reads_what_the_header_says() {
        let file = image_file(2, 1, 3, &[1, 2, 3, 4, 5, 6]);
        let read = images("f", file).unwrap();
        assert_eq!((read.count, read.height, read.width), (2, 1, 3));
        assert_eq!(read.pixels, [1, 2, 3, 4, 5, 6]);
        assert_eq!(labels("f", label_file(&[7, 255])).unwrap(), [7, 255]);
    }

    #[test]
    fn every_truncation_is_refused() {
        let file = image_file(2, 2, 2, &[9; 8]);
        for length in 0..file.len() {
            fault(images("f", file[..length].to_vec()));
        }
        let file = label_file(&[1, 2, 3]);
        for length in 0..file.len() {
            fault(labels("f", file[..length].to_vec()));
        }
    }

    #[test]
    fn trailing_bytes_are_refused() {
        let text = fault(images("f", image_file(1, 2, 2, &[0; 5])));
        assert!(text.contains("remove the 1 bytes after the end"), "{text}");
        let mut file = label_file(&[1]);
        file.push(0);
        fault(labels("f", file));
    }

    #[test]
    fn the_other_kind_of_file_is_refused() {
        let text = fault(images("f", label_file(&[1; 20])));
        assert!(
            text.contains("0x00000803") && text.contains("0x00000801"),
            "{text}"
        );
        fault(labels("f", image_file(1, 1, 1, &[0])));
    }

    #[test]
    fn zero_sizes_are_refused() {
        for (count, height, width) in [(0, 2, 2), (2, 0, 2), (2, 2, 0)] {
            fault(images("f", image_file(count, height, width, &[])));
        }
        fault(labels("f", label_file(&[])));
    }

    #[test]
    fn sizes_beyond_the_machine_are_refused() {
        fault(images(
            "f",
            image_file(u32::MAX, u32::MAX, u32::MAX, &[0; 4]),
        ));
    }

    #[test]
    fn random_bytes_never_panic() {
        let mut rng = XorShiftRng::seed_from_u64(1);
        for round in 0..20_000 {
            let mut bytes = vec![0; (rng.next_u32() % 40) as usize];
            rng.fill_bytes(&mut bytes);
            // Half of the rounds get past the magic number, to reach the checks behind it.
            if round % 2 == 0 && bytes.len() >= 4 {
                let magic = if round % 4 == 0 {
                    IMAGES_MAGIC
                } else {
                    LABELS_MAGIC
                };
                bytes[..4].copy_from_slice(&magic.to_be_bytes());
            }
            let _ = images("f", bytes.clone());
            let _ = labels("f", bytes);
        }
    }
}
