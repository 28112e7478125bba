//! The digits inside the program: UCI optdigits, 1,797 images of 8 x 8, for when nothing is there.
//!
//! `host/data/README.md` says where they come from and how they are stored.

use anyhow::Result;

use super::Dataset;
use super::split::{FileBytes, pair, take_last};

const IMAGES: &[u8] = include_bytes!("../../data/digits-images-idx3-ubyte");
const LABELS: &[u8] = include_bytes!("../../data/digits-labels-idx1-ubyte");

/// The last 300 samples test and the 300 before them validate; the other 1,197 train.
const HELD_OUT: usize = 300;

/// Loads the embedded digits, in the order of the original file.
///
/// # Errors
///
/// None, unless the program was built from damaged files.
pub(crate) fn load() -> Result<Dataset> {
    let file = |name: &str, bytes: &[u8]| FileBytes {
        name: format!("embedded {name}"),
        bytes: bytes.to_vec(),
    };
    let mut train = pair(
        file("digits-images-idx3-ubyte", IMAGES),
        file("digits-labels-idx1-ubyte", LABELS),
    )?;
    let test = take_last(&mut train, HELD_OUT);
    let validation = take_last(&mut train, HELD_OUT);
    Ok(Dataset {
        name: "digits".to_owned(),
        source: "embedded in the program".to_owned(),
        classes: 10,
        train,
        validation,
        test,
    })
}

#[cfg(test)]
mod tests {
    use super::super::known::sha256;
    use super::*;

    #[test]
    fn the_counts_are_the_published_ones() {
        let set = load().unwrap();
        let parts = [&set.train, &set.validation, &set.test];
        assert_eq!(parts.map(|part| part.len()), [1197, 300, 300]);
        assert_eq!((set.train.width, set.train.height), (8, 8));
        let count = |digit: u8| {
            let labels = parts.into_iter().flat_map(|part| &part.labels);
            labels.filter(|&&label| label == digit).count()
        };
        // The class distribution in the data set's own description (optdigits.names, testing set).
        let counts: Vec<usize> = (0..10).map(count).collect();
        assert_eq!(counts, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
        // File order: the first test labels of scikit-learn's load_digits() are 0, 1, 2, 3, ..
        assert_eq!(set.train.labels[..10], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert!(set.train.images.contains(&255) && set.train.images.contains(&0));
    }

    #[test]
    fn the_files_are_the_ones_the_readme_names() {
        assert_eq!(
            sha256(IMAGES),
            "d224a90b51e21e5d1332d34effc46c3a7d6244906f07c292c24213770d11ca7b"
        );
        assert_eq!(
            sha256(LABELS),
            "ce71631c1f31ce56fa54f31d1d498fafacff59b001e6c30c4a5e29508aa277ad"
        );
    }
}
