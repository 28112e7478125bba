//! What a board remembers of the samples it has met.

use thumbnet::optimizer::Zeroed;
use thumbnet::random::{XorShiftRng, below};

use super::reservoir::Reservoir;

/// One in so many samples of a class is held out, and never trained on.
const HELD_OUT_ONE_IN: u32 = 4;

/// Samples of type `S` with labels below `CLASSES`: `OLD` of each class of all there were and the
/// `RECENT` last ones to train on, and `HELD_OUT` of each class of all there were and as many of
/// the last ones to validate with.
///
/// Without old ones, `OLD` 0, it is the recent ones alone that training sees. All zero when new, so a
/// `static` of it takes no flash.
pub struct Memory<
    S,
    const CLASSES: usize,
    const OLD: usize,
    const RECENT: usize,
    const HELD_OUT: usize,
> {
    old: Reservoir<S, CLASSES, OLD>,
    recent: Ring<[(S, u8); RECENT]>,
    old_held_out: Reservoir<S, CLASSES, HELD_OUT>,
    recent_held_out: Ring<[[(S, u8); HELD_OUT]; CLASSES]>,
    /// Samples of each class so far.
    met: [u32; CLASSES],
    /// Whether the next sample to train on is an old one.
    from_old: bool,
}

/// The last samples, each in the place of the one that was there the longest.
struct Ring<P> {
    places: P,
    /// Samples so far.
    count: u32,
}

impl<S: Zeroed, const CLASSES: usize, const OLD: usize, const RECENT: usize, const HELD_OUT: usize>
    Zeroed for Memory<S, CLASSES, OLD, RECENT, HELD_OUT>
{
    /// Nothing was met yet.
    const ZEROED: Self = Self {
        old: Zeroed::ZEROED,
        recent: Ring {
            places: [const { (S::ZEROED, 0) }; RECENT],
            count: 0,
        },
        old_held_out: Zeroed::ZEROED,
        recent_held_out: Ring {
            places: [const { [const { (S::ZEROED, 0) }; HELD_OUT] }; CLASSES],
            count: 0,
        },
        met: [0; CLASSES],
        from_old: false,
    };
}

/// What a [`Learner`](super::Learner) asks of a memory.
pub trait Remember<S> {
    /// Takes a sample. Labels that are no class are not taken.
    fn meet(&mut self, sample: &S, label: u8, rng: &mut XorShiftRng);

    /// The next sample to train on: a recent one and an old one in turn.
    fn draw(&mut self, rng: &mut XorShiftRng) -> Option<(&S, u8)>;

    /// Sample number `index`, from 0, of those that are held out: recent ones, then old ones.
    fn held_out(&self, index: usize) -> Option<(&S, u8)>;
}

impl<S: Copy, const CLASSES: usize, const OLD: usize, const RECENT: usize, const HELD_OUT: usize>
    Remember<S> for Memory<S, CLASSES, OLD, RECENT, HELD_OUT>
{
    fn meet(&mut self, sample: &S, label: u8, rng: &mut XorShiftRng) {
        let Some(met) = self.met.get_mut(usize::from(label)) else {
            return;
        };
        // The second one of a class is the first to be held out.
        let held_out = *met % HELD_OUT_ONE_IN == 1;
        *met = met.wrapping_add(1);
        if held_out {
            self.old_held_out.offer(sample, label, rng);
            let Ring { places, count } = &mut self.recent_held_out;
            put(places.as_flattened_mut(), count, (*sample, label));
        } else {
            self.old.offer(sample, label, rng);
            let Ring { places, count } = &mut self.recent;
            put(places, count, (*sample, label));
        }
    }

    fn draw(&mut self, rng: &mut XorShiftRng) -> Option<(&S, u8)> {
        let old = self.from_old;
        self.from_old = !old;
        if old && !self.old.is_empty() {
            return self.old.draw(rng);
        }
        let recent = taken(&self.recent.places, self.recent.count);
        let (sample, label) = recent.get(below(rng, recent.len() as u32) as usize)?;
        Some((sample, *label))
    }

    fn held_out(&self, index: usize) -> Option<(&S, u8)> {
        let Ring { places, count } = &self.recent_held_out;
        let recent = taken(places.as_flattened(), *count);
        match recent.get(index) {
            Some((sample, label)) => Some((sample, *label)),
            None => self.old_held_out.get(index - recent.len()),
        }
    }
}

/// Puts a sample into a ring.
fn put<T>(places: &mut [T], count: &mut u32, sample: T) {
    let place = *count as usize % places.len().max(1);
    *count = count.wrapping_add(1);
    if let Some(place) = places.get_mut(place) {
        *place = sample;
    }
}

/// The places of a ring that hold samples.
fn taken<T>(places: &[T], count: u32) -> &[T] {
    places.get(..count as usize).unwrap_or(places)
}
