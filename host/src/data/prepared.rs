//! Images as a network sees them.

use std::borrow::Cow;

use anyhow::{Result, ensure};
use thumbnet::preparation::{Preparation, Size};

use super::Samples;

impl Samples {
    /// All images, prepared, with their labels: what a network with this preparation is trained and
    /// evaluated on. Images that stay as they are are not copied.
    ///
    /// ```
    /// use thumbnet_host::data::{DataChoice, load};
    /// use thumbnet::preparation::{Preparation, Size};
    ///
    /// let test = load(&DataChoice::Digits)?.test;
    /// let half = Preparation::Scale { from: Size::of::<8, 8>(), to: Size::of::<4, 4>() };
    /// let prepared = test.prepared(half)?;
    /// assert_eq!((prepared.len(), prepared.width), (test.len(), 4));
    /// # Ok::<(), anyhow::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The preparation is for images of another size.
    pub fn prepared(&self, preparation: Preparation) -> Result<Cow<'_, Self>> {
        let (Some(from), Some(to)) = (preparation.takes(), preparation.gives()) else {
            return Ok(Cow::Borrowed(self));
        };
        ensure!(
            is_of(self, from),
            "expected images of {from} pixels, which are then prepared for the network, found {} x \
             {}",
            self.width,
            self.height
        );
        let mut images = vec![0; self.len() * to.pixels()];
        let mut scratch = vec![0; preparation.scratch_bytes()];
        let pairs = self.images.chunks_exact(from.pixels());
        for (image, prepared) in pairs.zip(images.chunks_exact_mut(to.pixels())) {
            preparation.apply(image, prepared, &mut scratch)?;
        }
        Ok(Cow::Owned(Self {
            width: to.width(),
            height: to.height(),
            images,
            labels: self.labels.clone(),
        }))
    }
}

fn is_of(samples: &Samples, size: Size) -> bool {
    (samples.width, samples.height) == (size.width(), size.height())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_image_is_prepared_and_keeps_its_label() {
        let samples = Samples {
            width: 3,
            height: 2,
            images: vec![7, 0, 0, 7, 0, 0, 9, 9, 9, 9, 9, 9],
            labels: vec![4, 2],
        };
        let (from, to) = (Size::of::<3, 2>(), Size::of::<1, 1>());
        let both = Preparation::DeskewAndScale { from, to };
        let prepared = samples.prepared(both).unwrap();
        assert_eq!((prepared.width, prepared.height), (1, 1));
        // A stroke of one column in the middle of three, and the mean of all that is lit.
        assert_eq!(prepared.images, [2, 9]);
        assert_eq!(prepared.labels, [4, 2]);
        let straight = samples.prepared(Preparation::Deskew(from)).unwrap();
        assert_eq!(straight.image(0), [0, 7, 0, 0, 7, 0]);

        let same = samples.prepared(Preparation::None).unwrap();
        assert!(matches!(same, Cow::Borrowed(_)), "no copy");
        let turned = Preparation::Deskew(Size::of::<2, 3>());
        let error = samples.prepared(turned).unwrap_err().to_string();
        assert!(error.contains("2x3") && error.contains("3 x 2"), "{error}");
    }
}
