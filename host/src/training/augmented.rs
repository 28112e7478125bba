//! The images of an epoch: distorted at random, then prepared, made while the epoch before trains.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::Scope;

use anyhow::{Context, Result, bail, ensure};
use rand_core::{Rng, SeedableRng};
use rand_xorshift::XorShiftRng;
use thumbnet::augment::{Augment, Distortion};
use thumbnet::preparation::{Preparation, Size};

use super::Instructions;
use super::distort::Distorter;
use super::sparse::{SparseImages, check_size};
use crate::data::Samples;

/// What the images of every epoch are made of, and how. An image follows from `seed`, the epoch's
/// number and its own place among `samples`, whatever else is made.
#[derive(Clone, Copy, Debug)]
pub struct ImageSource<'a> {
    /// What images are made of.
    pub samples: &'a Samples,
    /// How many of the samples are taken, from the first.
    pub count: usize,
    /// How they are distorted, each epoch in another way.
    pub augment: Augment,
    /// What is done to them then: what is done to every image that the network will ever see.
    pub preparation: Preparation,
    /// What distortions are drawn from.
    pub seed: u64,
}

impl<'a> ImageSource<'a> {
    /// Images just as they are.
    pub fn plain(samples: &'a Samples, count: usize) -> Self {
        Self {
            samples,
            count,
            augment: Augment::NONE,
            preparation: Preparation::None,
            seed: 0,
        }
    }

    /// Makes the images of epoch `epoch` on `threads` threads.
    ///
    /// # Errors
    /// As [`TrainingImages::start`].
    pub fn epoch(&self, epoch: usize, threads: usize) -> Result<SparseImages<'a>> {
        self.check()?;
        self.make(epoch, threads, &AtomicBool::new(false))
    }

    /// Writes sample `index` to `image` as it is distorted in epoch `epoch`, not prepared.
    ///
    /// # Errors
    /// An augmentation out of its range, or an `image` of another size.
    ///
    /// # Panics
    /// If there is no such sample.
    pub fn distort(&self, epoch: usize, index: usize, image: &mut [u8]) -> Result<()> {
        let distortion = self.distortion(epoch, index)?;
        let Samples { width, height, .. } = *self.samples;
        distortion.apply(width, height, self.samples.image(index), image)?;
        Ok(())
    }

    /// What is done to sample `index` in epoch `epoch`.
    fn distortion(&self, epoch: usize, index: usize) -> Result<Distortion> {
        // Weights, shuffles and dropout start from the seed itself. Seeds in a row are as good as
        // any: a generator mixes the seed that it starts from.
        let next =
            |seed: u64, step: usize| XorShiftRng::seed_from_u64(seed.wrapping_add(step as u64));
        let key = next(next(!self.seed, 0).next_u64(), epoch).next_u64();
        Ok(self.augment.draw(&mut next(key, index))?)
    }

    /// Whether there are so many samples, of a size that can be distorted and prepared.
    fn check(&self) -> Result<()> {
        let Self { samples, count, .. } = *self;
        ensure!(
            count <= samples.len(),
            "expected at most {} training samples, as many as there are, found {count}",
            samples.len()
        );
        self.augment.check().context("augmentation")?;
        let size = (samples.width, samples.height);
        check_size(size.0, size.1)?;
        let sides = |size: Size| (size.width(), size.height());
        if let Some((width, height)) = self.preparation.takes().map(sides) {
            ensure!(
                (width, height) == size,
                "images of {} x {} pixels cannot be prepared as images of {width} x {height}",
                size.0,
                size.1
            );
        }
        let (width, height) = self.preparation.gives().map_or(size, sides);
        check_size(width, height)
    }

    /// The images of one epoch, in equal parts on `threads` threads; fewer if told to stop.
    fn make(&self, epoch: usize, threads: usize, stop: &AtomicBool) -> Result<SparseImages<'a>> {
        let part = self.count.div_ceil(threads.max(1)).max(1);
        let parts: Vec<Range<usize>> = (0..self.count)
            .step_by(part)
            .map(|start| start..(start + part).min(self.count))
            .collect();
        std::thread::scope(|scope| {
            // The first part is made here, and the others are put behind it.
            let others: Vec<_> = parts
                .iter()
                .skip(1)
                .map(|range| scope.spawn(|| self.make_part(epoch, range.clone(), stop)))
                .collect();
            let first = parts.first().cloned().unwrap_or(0..0);
            let mut images = self.make_part(epoch, first, stop)?;
            for thread in others {
                let part = thread
                    .join()
                    .unwrap_or_else(|cause| std::panic::resume_unwind(cause))?;
                images.append(&part);
            }
            Ok(images)
        })
    }

    fn make_part(
        &self,
        epoch: usize,
        range: Range<usize>,
        stop: &AtomicBool,
    ) -> Result<SparseImages<'a>> {
        let Self {
            samples,
            preparation,
            ..
        } = *self;
        let given = preparation.gives().map_or(samples.pixels(), Size::pixels);
        let mut distorter = Distorter::new(samples.width, samples.height, Instructions::detect());
        let mut distorted = vec![0; samples.pixels()];
        let mut prepared = vec![0; given];
        let mut scratch = vec![0; preparation.scratch_bytes()];
        let mut images = SparseImages::none(&samples.labels);
        for index in range {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let mut image = samples.image(index);
            if !self.augment.is_none() {
                let distortion = self.distortion(epoch, index)?;
                distorter.apply(&distortion, image, &mut distorted)?;
                image = &distorted;
            }
            if preparation != Preparation::None {
                preparation.apply(image, &mut prepared, &mut scratch)?;
                image = &prepared;
            }
            images.push(image);
        }
        Ok(images)
    }
}

/// The images to train on, epoch by epoch.
#[derive(Debug)]
pub struct TrainingImages<'a>(Made<'a>);

#[derive(Debug)]
enum Made<'a> {
    /// Without augmentation, all epochs have the same.
    Once(SparseImages<'a>),
    /// Another thread makes the next epoch's while one trains: it waits with one epoch in hand, so
    /// there are never more than two.
    Ahead {
        ready: Receiver<Result<SparseImages<'a>>>,
        current: SparseImages<'a>,
        stop: Arc<AtomicBool>,
    },
}

impl<'a> TrainingImages<'a> {
    /// Starts to make images, those of `first_epoch` first, on `threads` threads beside those that
    /// train; what they make does not depend on it. The threads end with the value returned.
    ///
    /// # Errors
    /// More samples than there are, images that are too large or that cannot be prepared, or an
    /// augmentation out of its range.
    pub fn start<'scope>(
        scope: &'scope Scope<'scope, '_>,
        source: ImageSource<'a>,
        first_epoch: usize,
        threads: usize,
    ) -> Result<Self>
    where
        'a: 'scope,
    {
        source.check()?;
        if source.augment.is_none() {
            let images = source.make(first_epoch, threads, &AtomicBool::new(false))?;
            return Ok(Self(Made::Once(images)));
        }
        let (sender, ready) = sync_channel(0);
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        scope.spawn(move || keep_making(&source, first_epoch, threads, &stopped, &sender));
        Ok(Self(Made::Ahead {
            ready,
            current: SparseImages::none(&[]),
            stop,
        }))
    }

    /// The images of the next epoch, once they are ready.
    ///
    /// # Errors
    /// None for what [`start`](Self::start) has accepted.
    pub fn next_epoch(&mut self) -> Result<&SparseImages<'a>> {
        match &mut self.0 {
            Made::Once(images) => Ok(images),
            Made::Ahead { ready, current, .. } => {
                match ready.recv() {
                    Ok(images) => *current = images?,
                    Err(_) => bail!("the thread that makes training images has ended"),
                }
                Ok(current)
            }
        }
    }
}

impl Drop for Made<'_> {
    fn drop(&mut self) {
        if let Self::Ahead { stop, .. } = self {
            stop.store(true, Ordering::Relaxed);
        }
    }
}

/// Makes epoch after epoch, until nobody wants the next.
fn keep_making<'a>(
    source: &ImageSource<'a>,
    first_epoch: usize,
    threads: usize,
    stop: &AtomicBool,
    sender: &SyncSender<Result<SparseImages<'a>>>,
) {
    for epoch in first_epoch.. {
        let images = source.make(epoch, threads, stop);
        let failed = images.is_err();
        if sender.send(images).is_err() || failed {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{DataChoice, load};

    const AUGMENT: Augment = Augment {
        shift: 0.5,
        rotation: 0.2,
        scale: 0.1,
        shear: 0.1,
        elastic: 0.3,
    };

    fn digits() -> Samples {
        load(&DataChoice::Digits).unwrap().train
    }

    fn augmented(samples: &Samples) -> ImageSource<'_> {
        ImageSource {
            augment: AUGMENT,
            seed: 7,
            ..ImageSource::plain(samples, 301)
        }
    }

    fn pixels(images: &SparseImages<'_>, index: usize) -> Vec<(usize, u8)> {
        images.image(index).bytes().collect()
    }

    #[test]
    fn an_image_follows_from_seed_epoch_and_place_alone() {
        let samples = digits();
        let source = augmented(&samples);
        let images = source.epoch(3, 1).unwrap();
        assert_eq!(images.len(), 301);
        for threads in [0, 2, 3, 7, 400] {
            assert!(source.epoch(3, threads).unwrap() == images, "{threads}");
        }
        let fewer = ImageSource { count: 5, ..source }.epoch(3, 2).unwrap();
        for index in 0..5 {
            assert_eq!(pixels(&fewer, index), pixels(&images, index));
        }
        assert!(source.epoch(4, 1).unwrap() != images);
        assert!(ImageSource { seed: 8, ..source }.epoch(3, 1).unwrap() != images);
        // Hardly ever do two images of 8 x 8 come out alike.
        let other = source.epoch(4, 1).unwrap();
        let same = (0..301).filter(|&index| pixels(&images, index) == pixels(&other, index));
        assert!(same.count() < 5);
    }

    #[test]
    fn epochs_made_ahead_are_those_made_one_by_one() {
        let samples = digits();
        let source = augmented(&samples);
        std::thread::scope(|scope| {
            let mut ahead = TrainingImages::start(scope, source, 5, 2).unwrap();
            for epoch in 5..9 {
                let images = ahead.next_epoch().unwrap();
                assert!(*images == source.epoch(epoch, 1).unwrap(), "{epoch}");
            }
            // The scope waits for its threads: it ends only if they do.
            drop(ahead);
        });
    }

    #[test]
    fn images_are_prepared_after_they_are_distorted() {
        let samples = digits();
        let size = Size::of::<8, 8>();
        let preparation = Preparation::new(size, true, Size::new(5, 5));
        let source = ImageSource {
            preparation,
            ..augmented(&samples)
        };
        let images = source.epoch(1, 2).unwrap();
        let distorted = augmented(&samples).epoch(1, 1).unwrap();
        for index in 0..source.count {
            let mut image = [0; 64];
            for (place, value) in pixels(&distorted, index) {
                image[place] = value;
            }
            let (mut prepared, mut scratch) = ([0; 25], [0; 64]);
            preparation
                .apply(&image, &mut prepared, &mut scratch)
                .unwrap();
            let mut expected = SparseImages::none(&[]);
            expected.push(&prepared);
            assert_eq!(pixels(&images, index), pixels(&expected, 0));
        }
    }

    #[test]
    fn without_augmentation_images_are_as_they_are() {
        let samples = digits();
        let expected = SparseImages::new(&samples, 100).unwrap();
        for index in 0..100 {
            let image = samples.image(index).iter().copied().enumerate();
            let lit: Vec<_> = image.filter(|&(_, value)| value != 0).collect();
            assert_eq!(pixels(&expected, index), lit);
            assert_eq!(expected.label(index), samples.labels[index]);
        }
        std::thread::scope(|scope| {
            let source = ImageSource::plain(&samples, 100);
            let mut images = TrainingImages::start(scope, source, 1, 3).unwrap();
            for _ in 0..2 {
                assert!(*images.next_epoch().unwrap() == expected);
            }
        });
    }

    #[test]
    fn what_cannot_be_made_is_refused_before_anything_is() {
        let samples = digits();
        let source = augmented(&samples);
        let refused = |source: ImageSource<'_>| {
            let error = std::thread::scope(|scope| {
                TrainingImages::start(scope, source, 1, 1)
                    .map(|_| ())
                    .unwrap_err()
            });
            format!("{error:#}")
        };
        assert_eq!(
            refused(ImageSource {
                count: 1198,
                ..source
            }),
            "expected at most 1197 training samples, as many as there are, found 1198"
        );
        let augment = Augment {
            shear: f32::NAN,
            ..AUGMENT
        };
        assert_eq!(
            refused(ImageSource { augment, ..source }),
            "augmentation: shear must be from 0 to 1 as a fraction, found NaN"
        );
        let preparation = Preparation::Deskew(Size::of::<28, 28>());
        assert_eq!(
            refused(ImageSource {
                preparation,
                ..source
            }),
            "images of 8 x 8 pixels cannot be prepared as images of 28 x 28"
        );
        let preparation = Preparation::new(Size::of::<8, 8>(), false, Size::new(512, 512));
        let message = refused(ImageSource {
            preparation,
            ..source
        });
        assert!(
            message.starts_with("images of 512 x 512 pixels are too large"),
            "{message}"
        );
    }
}
