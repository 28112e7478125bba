//! The terms of a weighted sum, listed: inputs are looked at once, and any number of blocks of
//! columns can then run through the list.
#![allow(unsafe_code)]

use core::mem::MaybeUninit;
use core::slice;

use super::target;
use crate::input::{Input, pixel};

/// A row of a matrix that takes part, and what it is multiplied by.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub(super) struct Term {
    /// Below the number of rows.
    pub row: usize,
    /// An input that is not zero.
    pub factor: f32,
}

/// How many terms are worked on together. They take 512 bytes.
pub(super) const PORTION: usize = 64;

/// Room for as many, written from the front.
pub(super) type List = [MaybeUninit<Term>; PORTION];

/// Lists the terms of an input, in order and in portions, for loops that run over them several
/// times.
#[derive(Debug)]
pub struct Terms {
    list: List,
    /// Terms that have been written.
    count: usize,
    /// The first input that has not been looked at.
    next: usize,
    /// Rows of the matrix: those of all terms are below it.
    rows: usize,
}

impl Terms {
    /// The terms of an input for a matrix of so many `rows`, none of them listed yet.
    #[inline(always)]
    pub(super) fn new(rows: usize) -> Self {
        Self {
            list: [const { MaybeUninit::uninit() }; PORTION],
            count: 0,
            next: 0,
            rows,
        }
    }

    /// The next portion of `input`'s terms, or none if there are no more.
    #[inline(always)]
    pub(super) fn next<I: Input + ?Sized>(&mut self, input: &I) -> Option<&[Term]> {
        if self.next >= self.rows {
            return None;
        }
        self.count = 0;
        let rows = self.rows;
        input.list_nonzero(self);
        // Callers rely on the rows, and an input may have put another list in this one's place.
        if self.rows != rows {
            return None;
        }
        // SAFETY: so many terms have been written, from the first on.
        Some(unsafe { slice::from_raw_parts(self.list.as_ptr().cast(), self.count) })
    }

    /// Lists the pixels that are not zero.
    #[inline(never)]
    pub(crate) fn list_pixels(&mut self, pixels: &[u8]) {
        let end = self.rows.min(pixels.len());
        let pixels = pixels.get(self.next..end).unwrap_or_default();
        let (quads, rest) = pixels.as_chunks::<4>();
        let (listed, looked_at) = target::list_quads(&mut self.list, self.next, quads);
        self.count = listed;
        self.next += 4 * looked_at;
        if looked_at == quads.len() {
            self.list_rest(rest.iter().map(|&value| pixel(value)));
        }
    }

    /// Lists the numbers that are not zero.
    #[inline(never)]
    pub(crate) fn list_numbers(&mut self, numbers: &[f32]) {
        let end = self.rows.min(numbers.len());
        while self.next < end {
            let list = self.list.get_mut(self.count..).unwrap_or_default();
            if list.is_empty() {
                return;
            }
            // So many that there is room for all of them.
            let stop = end.min(self.next + list.len());
            let numbers = numbers.get(self.next..stop).unwrap_or_default();
            self.count += target::list_numbers(list, self.next, numbers);
            self.next = stop;
        }
        self.next = self.rows;
    }

    /// Lists those inputs from the next one on that are not zero.
    #[inline(always)]
    fn list_rest(&mut self, inputs: impl Iterator<Item = f32>) {
        for (row, factor) in (self.next..).zip(inputs) {
            if factor != 0.0 {
                let Some(free) = self.list.get_mut(self.count) else {
                    self.next = row;
                    return;
                };
                free.write(Term { row, factor });
                self.count += 1;
            }
        }
        self.next = self.rows;
    }

    /// Lists an input that is not zero, unless that has been done. [`finish`](Self::finish) comes
    /// after the last.
    #[inline(always)]
    pub(crate) fn push(&mut self, row: usize, factor: f32) {
        if row < self.next || row >= self.rows {
            return;
        }
        if let Some(free) = self.list.get_mut(self.count) {
            free.write(Term { row, factor });
            self.count += 1;
            self.next = row + 1;
        }
    }

    /// There are no more inputs, if there was room for those that there were.
    #[inline(always)]
    pub(crate) fn finish(&mut self) {
        if self.count < PORTION {
            self.next = self.rows;
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::random::XorShiftRng;
    use rand_core::{Rng, SeedableRng};
    use std::vec::Vec;

    /// All terms, after a look at the portions: none is empty but the last.
    fn listed<I: Input + ?Sized>(input: &I, rows: usize) -> Vec<Term> {
        let mut terms = Terms::new(rows);
        let mut all = Vec::new();
        let mut portions = Vec::new();
        while let Some(portion) = terms.next(input) {
            all.extend_from_slice(portion);
            portions.push(portion.len());
        }
        portions.pop();
        assert!(!portions.contains(&0), "{portions:?}");
        all
    }

    fn expected<I: Input + ?Sized>(input: &I, rows: usize) -> Vec<Term> {
        let mut all = Vec::new();
        input.for_each_nonzero(0..rows, |row, factor| all.push(Term { row, factor }));
        all
    }

    /// Whether there are fewer or more inputs than rows, and whichever of the inputs are zero.
    #[test]
    fn terms_are_the_inputs_that_are_not_zero() {
        let mut rng = XorShiftRng::seed_from_u64(7);
        for trial in 0..if cfg!(miri) { 20 } else { 2_000 } {
            let mut pixels = [0_u8; 300];
            let share = rng.next_u32() % 5;
            for pixel in &mut pixels {
                if rng.next_u32() % 4 < share {
                    *pixel = rng.next_u32() as u8;
                }
            }
            let numbers = pixels.map(|pixel| f32::from(pixel) - 1.0);
            let inputs = rng.next_u32() as usize % 300;
            let rows = (inputs + rng.next_u32() as usize % 5).saturating_sub(2);
            let pixels = &pixels[..inputs];
            assert_eq!(listed(pixels, rows), expected(pixels, rows), "{trial}");
            let numbers = &numbers[..inputs];
            assert_eq!(listed(numbers, rows), expected(numbers, rows), "{trial}");
            // One that has only what every input has.
            let scaled = crate::input::Scaled {
                values: numbers,
                scale: 2.0,
            };
            assert_eq!(listed(&scaled, rows), expected(&scaled, rows), "{trial}");
        }
    }
}
