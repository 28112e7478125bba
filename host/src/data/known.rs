//! Data sets known by name: what their files are called, how large they are, their SHA-256.

use anyhow::{Result, ensure};
use sha2::{Digest, Sha256};

use super::idx::{IMAGES_HEADER, LABELS_HEADER};

/// The four files of a data set, under the names they have in the cache.
pub(crate) const FILES: [&str; 4] = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
];

/// A data set whose every byte is known.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) name: &'static str,
    /// Images in the training file and in the test file.
    pub(crate) counts: [usize; 2],
    /// Rows and columns of every image.
    pub(crate) side: usize,
    /// SHA-256 of the uncompressed files, in the order of [`FILES`].
    pub(crate) sha256: [&'static str; 4],
}

/// 70,000 handwritten digits, the set that everybody starts with.
pub(crate) const MNIST: Known = Known {
    name: "mnist",
    counts: [60_000, 10_000],
    side: 28,
    sha256: [
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ],
};

/// Zalando's pictures of clothes, as Debian's package `dataset-fashion-mnist` installs them.
pub(crate) const FASHION_MNIST: Known = Known {
    name: "fashion-mnist",
    counts: [60_000, 10_000],
    side: 28,
    sha256: [
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ],
};

impl Known {
    /// Bytes of each uncompressed file, in the order of [`FILES`].
    pub(crate) fn file_bytes(&self) -> [usize; 4] {
        let pixels = self.side * self.side;
        let [train, test] = self.counts;
        [
            IMAGES_HEADER + train * pixels,
            LABELS_HEADER + train,
            IMAGES_HEADER + test * pixels,
            LABELS_HEADER + test,
        ]
    }

    /// Fails, in few words, unless `bytes` are the file at `index` of [`FILES`].
    pub(crate) fn check(&self, index: usize, bytes: &[u8]) -> Result<()> {
        let (expected, found) = (self.sha256[index], sha256(bytes));
        ensure!(
            found == expected,
            "expected SHA-256 {}.., found {}..",
            &expected[..8],
            &found[..8]
        );
        Ok(())
    }
}

/// SHA-256 of some bytes, as 64 lower-case hexadecimal digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    use std::fmt::Write;
    Sha256::digest(bytes)
        .iter()
        .fold(String::with_capacity(64), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// What the classes of a data set are called, where a digit does not say it all.
pub(crate) fn class_names(data_set: &str) -> &'static [&'static str] {
    match data_set {
        "fashion-mnist" => &[
            "T-shirt",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ],
        _ => &[],
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::idx::tests::{image_file, label_file};
    use super::*;

    /// A data set of 12 and 2 images of 2 x 2 that is known by its SHA-256, and its files.
    pub(crate) fn tiny() -> (Known, [Vec<u8>; 4]) {
        let pixels = |count: u8| (0..count).flat_map(|i| [i; 4]).collect::<Vec<u8>>();
        let files = [
            image_file(12, 2, 2, &pixels(12)),
            label_file(&[0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2]),
            image_file(2, 2, 2, &pixels(2)),
            label_file(&[0, 1]),
        ];
        let set = Known {
            name: "tiny",
            counts: [12, 2],
            side: 2,
            sha256: files.each_ref().map(|file| &*sha256(file).leak()),
        };
        (set, files)
    }

    #[test]
    fn sha256_of_nothing_is_the_published_one() {
        assert_eq!(
            sha256(b""),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }

    #[test]
    fn the_files_have_mnists_sizes() {
        assert_eq!(MNIST.file_bytes(), [47_040_016, 60_008, 7_840_016, 10_008]);
    }
}
