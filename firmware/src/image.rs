//! Room for one image: as it is read, and as a network sees it.

use embedded_hal::digital::OutputPin;
use thumbnet::preparation::{Preparation, PreparationError};

use crate::board::{Board, per_sample};
use crate::meter::Meter;

/// Where an image of `IMAGE` bytes is read to, and where a network finds its `PIXELS` inputs.
///
/// An array is both: its image is seen as it is. A [`Prepared`] image is not.
pub trait ImageRoom<const IMAGE: usize, const PIXELS: usize> {
    /// Where the image is read to.
    fn image(&mut self) -> &mut [u8; IMAGE];

    /// Makes the pixels of the image, and returns what that cost.
    fn prepare<M: Meter, L: OutputPin>(&mut self, board: &mut Board<M, L>) -> u64;

    /// What the network sees.
    fn pixels(&self) -> &[u8; PIXELS];

    /// What it cost so far to prepare each of so many samples, on a board with this meter; none if
    /// there is nothing to do.
    fn preparation_cost<M: Meter>(&self, samples: u32) -> Option<PreparationCost>;
}

impl<const PIXELS: usize> ImageRoom<PIXELS, PIXELS> for [u8; PIXELS] {
    fn image(&mut self) -> &mut Self {
        self
    }

    fn prepare<M: Meter, L: OutputPin>(&mut self, _: &mut Board<M, L>) -> u64 {
        0
    }

    fn pixels(&self) -> &Self {
        self
    }

    fn preparation_cost<M: Meter>(&self, _: u32) -> Option<PreparationCost> {
        None
    }
}

/// An image that is prepared on the board, in room of its own; `SCRATCH` bytes more are for what is
/// between two steps.
#[derive(Clone, Debug)]
pub struct Prepared<const IMAGE: usize, const PIXELS: usize, const SCRATCH: usize> {
    preparation: Preparation,
    image: [u8; IMAGE],
    pixels: [u8; PIXELS],
    scratch: [u8; SCRATCH],
    cost: u64,
}

impl<const IMAGE: usize, const PIXELS: usize, const SCRATCH: usize>
    Prepared<IMAGE, PIXELS, SCRATCH>
{
    /// Room for images that are prepared in this way; for now it holds one without ink.
    ///
    /// # Errors
    ///
    /// If `IMAGE`, `PIXELS` or `SCRATCH` is not the preparation's.
    pub fn new(preparation: Preparation) -> Result<Self, PreparationError> {
        let mut room = Self {
            preparation,
            image: [0; IMAGE],
            pixels: [0; PIXELS],
            scratch: [0; SCRATCH],
            cost: 0,
        };
        room.apply()?;
        Ok(room)
    }

    fn apply(&mut self) -> Result<(), PreparationError> {
        self.preparation
            .apply(&self.image, &mut self.pixels, &mut self.scratch)
    }
}

impl<const IMAGE: usize, const PIXELS: usize, const SCRATCH: usize> ImageRoom<IMAGE, PIXELS>
    for Prepared<IMAGE, PIXELS, SCRATCH>
{
    fn image(&mut self) -> &mut [u8; IMAGE] {
        &mut self.image
    }

    fn prepare<M: Meter, L: OutputPin>(&mut self, board: &mut Board<M, L>) -> u64 {
        // Only sizes can be wrong, and `new` has tried them.
        let (_, cost) = board.work(|| self.apply());
        self.cost += cost;
        cost
    }

    fn pixels(&self) -> &[u8; PIXELS] {
        &self.pixels
    }

    fn preparation_cost<M: Meter>(&self, samples: u32) -> Option<PreparationCost> {
        Some(PreparationCost {
            cost_per_sample: per_sample(self.cost, samples),
            unit: M::UNIT,
        })
    }
}

/// What it cost to prepare an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PreparationCost {
    /// On average, in the [`Meter`]'s unit; it is part of what a prediction cost.
    pub cost_per_sample: u64,
    /// That unit.
    pub unit: &'static str,
}

sentences!(PreparationCost {
    found => "{} {} of that for preparing an image", found.cost_per_sample, found.unit;
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::bench;
    use thumbnet::preparation::Size;

    #[test]
    fn sizes_have_to_be_the_preparations() {
        let (from, to) = (Size::of::<4, 2>(), Size::of::<2, 2>());
        let both = Preparation::DeskewAndScale { from, to };
        assert!(Prepared::<8, 4, 8>::new(both).is_ok());
        assert!(Prepared::<9, 4, 8>::new(both).is_err());
        assert!(Prepared::<8, 8, 8>::new(both).is_err());
        assert!(Prepared::<8, 4, 0>::new(both).is_err());
    }

    #[test]
    fn an_image_is_prepared_where_it_was_read_to() {
        let mut room = Prepared::<9, 9, 0>::new(Preparation::Deskew(Size::of::<3, 3>())).unwrap();
        *room.image() = [0, 0, 90, 0, 90, 0, 90, 0, 0];
        assert_eq!(room.prepare(&mut bench()), 1);
        assert_eq!(room.pixels(), &[0, 90, 0, 0, 90, 0, 0, 90, 0]);

        let mut as_it_is = [0; 2];
        *as_it_is.image() = [3, 4];
        assert_eq!(as_it_is.prepare(&mut bench()), 0);
        assert_eq!(as_it_is.pixels(), &[3, 4]);
    }
}
