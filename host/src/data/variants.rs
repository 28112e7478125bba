//! Images beside what augmentation makes of them.

use anyhow::Result;
use thumbnet::augment::Augment;

use super::{Dataset, Samples};
use crate::training::ImageSource;

/// What augmentation is drawn from: the seed of all examples.
const SEED: u64 = 7;

/// The first training images, `count` of them, each followed by itself in the first epochs of a
/// training: `each` images for one.
pub(crate) fn of_first(
    dataset: &Dataset,
    count: usize,
    augment: Augment,
    each: usize,
) -> Result<Samples> {
    variants(
        &dataset.train,
        0..count.min(dataset.train.len()),
        augment,
        each,
    )
}

/// The same of the first training image of every class.
pub(crate) fn of_each_class(dataset: &Dataset, augment: Augment, each: usize) -> Result<Samples> {
    let first = (0..dataset.classes).filter_map(|class| {
        let mut labels = dataset.train.labels.iter();
        labels.position(|&label| usize::from(label) == class)
    });
    variants(&dataset.train, first, augment, each)
}

fn variants(
    samples: &Samples,
    indices: impl Iterator<Item = usize>,
    augment: Augment,
    each: usize,
) -> Result<Samples> {
    let source = ImageSource {
        augment,
        seed: SEED,
        ..ImageSource::plain(samples, samples.len())
    };
    let mut all = Samples {
        width: samples.width,
        height: samples.height,
        images: Vec::new(),
        labels: Vec::new(),
    };
    let mut image = vec![0; samples.pixels()];
    for index in indices {
        all.images.extend_from_slice(samples.image(index));
        for epoch in 1..each {
            source.distort(epoch, index, &mut image)?;
            all.images.extend_from_slice(&image);
        }
        let count = all.labels.len() + each;
        all.labels.resize(count, samples.labels[index]);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::super::embedded;
    use super::*;

    #[test]
    fn variants_stand_behind_their_original() {
        let dataset = embedded().unwrap().dataset;
        let augment = Augment {
            rotation: 0.3,
            ..Augment::NONE
        };
        let first = of_first(&dataset, 2, augment, 3).unwrap();
        assert_eq!(first.len(), 6);
        for (row, index) in [(0, 0), (3, 1)] {
            assert_eq!(first.image(row), dataset.train.image(index));
            assert_ne!(first.image(row + 1), first.image(row));
            assert_ne!(first.image(row + 2), first.image(row + 1));
            let label = dataset.train.labels[index];
            assert_eq!(first.labels[row..row + 3], [label; 3]);
        }
        let classes = of_each_class(&dataset, augment, 2).unwrap();
        let labels: Vec<u8> = (0..10).flat_map(|class| [class; 2]).collect();
        assert_eq!(classes.labels, labels);
        let exact = of_first(&dataset, 1, Augment::NONE, 2).unwrap();
        assert_eq!(exact.image(0), exact.image(1));
    }
}
