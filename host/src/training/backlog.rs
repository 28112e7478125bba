//! Decay that rows of weights have yet to undergo.
//!
//! Under gradient descent with L2 decay, a row whose input is zero in a whole mini-batch is only
//! multiplied by a number, and nothing reads it before a sample has something at that input. It is
//! multiplied then, by the same numbers in the same order: the same bits, without a pass over all
//! weights in every step.

/// Factors that are multiplied by without asking whether they are the last: rows are behind by any
/// number of steps, and how many is not for a processor to guess.
pub(super) const TOGETHER: usize = 4;

/// Steps after which all rows are brought up to date, so that the list stays in cache.
const MOST: usize = if cfg!(test) { 50 } else { 1024 };

/// What rows have yet to be multiplied by.
#[derive(Debug)]
pub(super) struct Backlog {
    /// The factor of each step since all rows were up to date, and ones behind.
    factors: Vec<f32>,
    /// How many without the ones.
    steps: usize,
    /// For each row, how many of the factors it has been multiplied by.
    done: Vec<u32>,
}

impl Backlog {
    /// Of so many rows, all of them up to date.
    pub(super) fn new(rows: usize) -> Self {
        Self {
            factors: vec![1.0; TOGETHER],
            steps: 0,
            done: vec![0; rows],
        }
    }

    /// From now on, every row is to be multiplied by `factor`, too.
    #[inline(always)]
    pub(super) fn push(&mut self, factor: f32) {
        if factor != 1.0 {
            self.factors[self.steps] = factor;
            self.factors.push(1.0);
            self.steps += 1;
        }
    }

    /// What `row` has yet to be multiplied by, and ones up to a multiple of [`TOGETHER`]: its caller
    /// does it now.
    #[inline(always)]
    pub(super) fn take(&mut self, row: usize) -> &[[f32; TOGETHER]] {
        let Some(done) = self.done.get_mut(row) else {
            return &[];
        };
        let first = std::mem::replace(done, self.steps as u32) as usize;
        let count = (self.steps - first).div_ceil(TOGETHER);
        let factors = self.factors.get(first..).unwrap_or_default();
        factors.as_chunks().0.get(..count).unwrap_or_default()
    }

    /// `row` has been multiplied by everything.
    #[inline(always)]
    pub(super) fn skip(&mut self, row: usize) {
        if let Some(done) = self.done.get_mut(row) {
            *done = self.steps as u32;
        }
    }

    /// Whether it is time to bring all rows up to date.
    pub(super) fn is_long(&self) -> bool {
        self.steps >= MOST
    }

    /// Whether all rows are up to date.
    pub(super) fn is_empty(&self) -> bool {
        self.steps == 0
    }

    /// All rows are up to date.
    pub(super) fn clear(&mut self) {
        self.factors.clear();
        self.factors.resize(TOGETHER, 1.0);
        self.steps = 0;
        self.done.fill(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_given_each_factor_once_and_in_order() {
        let mut backlog = Backlog::new(3);
        for factor in [0.5, 1.0, 0.25] {
            backlog.push(factor);
        }
        assert_eq!(backlog.take(1), [[0.5, 0.25, 1.0, 1.0]]);
        assert!(backlog.take(1).is_empty());
        backlog.push(0.125);
        assert_eq!(backlog.take(1), [[0.125, 1.0, 1.0, 1.0]]);
        assert_eq!(backlog.take(2), [[0.5, 0.25, 0.125, 1.0]]);
        backlog.push(0.75);
        backlog.push(0.875);
        let all = [[0.5, 0.25, 0.125, 0.75], [0.875, 1.0, 1.0, 1.0]];
        assert_eq!(backlog.take(0), all);
        backlog.skip(2);
        assert!(backlog.take(2).is_empty());
        assert!(!backlog.is_empty() && !backlog.is_long());
        backlog.clear();
        assert!(backlog.take(0).is_empty());
        (0..MOST).for_each(|_| backlog.push(0.5));
        assert!(backlog.is_long());
    }
}
