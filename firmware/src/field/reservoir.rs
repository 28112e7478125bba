//! A reservoir: a fixed number of samples of each class, each of all that there ever were with the
//! same probability.

use thumbnet::optimizer::Zeroed;
use thumbnet::random::{XorShiftRng, below};

/// Room for `ROOM` samples of each of `CLASSES` classes (Vitter, Random sampling with a reservoir,
/// algorithm R, 1985, for each class apart, so that rare classes have as much room as others).
pub struct Reservoir<S, const CLASSES: usize, const ROOM: usize> {
    samples: [[S; ROOM]; CLASSES],
    /// Samples of each class that were offered.
    offered: [u32; CLASSES],
}

impl<S: Zeroed, const CLASSES: usize, const ROOM: usize> Zeroed for Reservoir<S, CLASSES, ROOM> {
    /// Nothing was offered yet.
    const ZEROED: Self = Self {
        samples: [const { [const { S::ZEROED }; ROOM] }; CLASSES],
        offered: [0; CLASSES],
    };
}

impl<S: Copy, const CLASSES: usize, const ROOM: usize> Reservoir<S, CLASSES, ROOM> {
    /// Offers sample number `n` of its class: it is taken if there is room, or else with probability
    /// `ROOM / n`, in the place of any other. Labels that are no class are not taken.
    pub fn offer(&mut self, sample: &S, label: u8, rng: &mut XorShiftRng) {
        let class = usize::from(label);
        let (Some(samples), Some(offered)) =
            (self.samples.get_mut(class), self.offered.get_mut(class))
        else {
            return;
        };
        let before = *offered;
        *offered = before.saturating_add(1);
        let place = if (before as usize) < ROOM {
            before
        } else {
            below(rng, *offered)
        };
        if let Some(place) = samples.get_mut(place as usize) {
            *place = *sample;
        }
    }

    /// How many samples it holds.
    pub fn len(&self) -> usize {
        (0..CLASSES).map(|class| self.class(class).len()).sum()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Sample number `index`, from 0, class by class, with its label.
    pub fn get(&self, index: usize) -> Option<(&S, u8)> {
        (0..CLASSES)
            .flat_map(|class| {
                self.class(class)
                    .iter()
                    .map(move |sample| (sample, class as u8))
            })
            .nth(index)
    }

    /// Any sample: of each class with the same probability.
    pub fn draw(&self, rng: &mut XorShiftRng) -> Option<(&S, u8)> {
        let known = (0..CLASSES).filter(|&class| !self.class(class).is_empty());
        let classes = known.clone().count() as u32;
        let class = known.clone().nth(below(rng, classes) as usize)?;
        let samples = self.class(class);
        let sample = samples.get(below(rng, samples.len() as u32) as usize)?;
        Some((sample, class as u8))
    }

    /// The samples of a class.
    fn class(&self, class: usize) -> &[S] {
        let held = self
            .offered
            .get(class)
            .map_or(0, |&offered| offered as usize);
        self.samples
            .get(class)
            .and_then(|samples| samples.get(..held.min(ROOM)))
            .unwrap_or_default()
    }
}
