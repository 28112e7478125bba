//! From four IDX files to a data set split in three.

use anyhow::{Result, ensure};

use super::idx;
use super::{Dataset, Samples};

/// One file of a data set: how messages call it, and its uncompressed bytes.
pub(crate) struct FileBytes {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

/// Parses the four files, in the order of `known::FILES`, and keeps the last sixth of the training
/// file for validation: 10,000 of MNIST's 60,000.
///
/// # Errors
///
/// A damaged IDX file, images and labels of different counts, fewer than two training images, test
/// images of another size than the training images.
pub(crate) fn split(name: String, source: String, files: [FileBytes; 4]) -> Result<Dataset> {
    let [train_images, train_labels, test_images, test_labels] = files;
    let (train_file, test_file) = (train_images.name.clone(), test_images.name.clone());
    let mut train = pair(train_images, train_labels)?;
    let test = pair(test_images, test_labels)?;
    ensure!(
        (train.width, train.height) == (test.width, test.height),
        "{test_file}: expected images of {} x {} as in {train_file}, found {} x {}: put files of \
         one data set in one folder",
        train.width,
        train.height,
        test.width,
        test.height
    );
    ensure!(
        train.len() >= 2,
        "{train_file}: expected at least 2 images, one to train and one to validate, found 1: add \
         images"
    );
    let held_out = (train.len() / 6).max(1);
    let validation = take_last(&mut train, held_out);
    let labels = [&train.labels, &validation.labels, &test.labels];
    let highest = labels.into_iter().flatten().max().copied().unwrap_or(0);
    Ok(Dataset {
        name,
        source,
        classes: usize::from(highest) + 1,
        train,
        validation,
        test,
    })
}

/// Images and their labels.
pub(crate) fn pair(images: FileBytes, labels: FileBytes) -> Result<Samples> {
    let read = idx::images(&images.name, images.bytes)?;
    let found = idx::labels(&labels.name, labels.bytes)?;
    ensure!(
        found.len() == read.count,
        "{}: expected {} labels, one for each image in {}, found {}: put files that belong \
         together in one folder",
        labels.name,
        read.count,
        images.name,
        found.len()
    );
    Ok(Samples {
        width: read.width,
        height: read.height,
        images: read.pixels,
        labels: found,
    })
}

/// Cuts the last `count` samples off; `samples` keeps the others.
pub(crate) fn take_last(samples: &mut Samples, count: usize) -> Samples {
    let kept = samples.len().saturating_sub(count);
    Samples {
        width: samples.width,
        height: samples.height,
        images: samples.images.split_off(kept * samples.pixels()),
        labels: samples.labels.split_off(kept),
    }
}

#[cfg(test)]
mod tests {
    use super::super::idx::tests::{image_file, label_file};
    use super::*;

    fn file(name: &str, bytes: Vec<u8>) -> FileBytes {
        let name = name.to_owned();
        FileBytes { name, bytes }
    }

    /// A set of 2 x 1 images whose pixels are the sample's number, labelled by it.
    fn four(train: u8, test: u8) -> [FileBytes; 4] {
        let pixels = |count: u8| (0..count).flat_map(|i| [i, i]).collect::<Vec<u8>>();
        let labels = |count: u8| (0..count).collect::<Vec<u8>>();
        [
            file("a", image_file(train.into(), 1, 2, &pixels(train))),
            file("b", label_file(&labels(train))),
            file("c", image_file(test.into(), 1, 2, &pixels(test))),
            file("d", label_file(&labels(test))),
        ]
    }

    fn fault(files: [FileBytes; 4]) -> String {
        split("n".to_owned(), "s".to_owned(), files)
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn the_last_sixth_of_the_training_file_validates() {
        let set = split("n".to_owned(), "s".to_owned(), four(13, 3)).unwrap();
        assert_eq!(
            (set.train.len(), set.validation.len(), set.test.len()),
            (11, 2, 3)
        );
        assert_eq!(set.train.image(10), [10, 10]);
        assert_eq!(set.validation.image(0), [11, 11]);
        assert_eq!(set.validation.labels, [11, 12]);
        assert_eq!(set.classes, 13);
        let set = split("n".to_owned(), "s".to_owned(), four(2, 5)).unwrap();
        assert_eq!((set.train.len(), set.validation.len()), (1, 1));
        // The highest label is in the test file only, and is still a class.
        assert_eq!(set.classes, 5);
    }

    #[test]
    fn files_that_do_not_belong_together_are_refused() {
        let mut files = four(6, 2);
        files[1] = file("b", label_file(&[0; 5]));
        assert_eq!(
            fault(files),
            "b: expected 6 labels, one for each image in a, found 5: put files that belong \
             together in one folder"
        );
        let mut files = four(6, 2);
        files[2] = file("c", image_file(2, 2, 1, &[0; 4]));
        assert!(fault(files).starts_with("c: expected images of 2 x 1 as in a, found 1 x 2"));
        assert!(fault(four(1, 2)).starts_with("a: expected at least 2 images"));
    }
}
