//! Floats that begin at a cache line, so that rows of whole vectors never straddle one.

use std::ops::{Deref, DerefMut};

/// Floats of a cache line.
const LINE: usize = 16;

/// A slice of floats that begins at a cache line. Only speed depends on that.
#[derive(Debug, Default)]
pub(super) struct Aligned {
    /// Room for a line more than there are floats.
    room: Vec<f32>,
    start: usize,
    length: usize,
}

impl Aligned {
    /// So many zeros.
    pub(super) fn zeros(length: usize) -> Self {
        let room = vec![0.0; length + LINE];
        let start = room.as_ptr().align_offset(LINE * size_of::<f32>());
        Self {
            room,
            start: start.min(LINE),
            length,
        }
    }

    /// Changes the length; what the floats are then is not said.
    pub(super) fn resize(&mut self, length: usize) {
        if length > self.room.len().saturating_sub(LINE) {
            *self = Self::zeros(length);
        }
        self.length = length;
    }
}

impl From<Vec<f32>> for Aligned {
    fn from(floats: Vec<f32>) -> Self {
        let mut aligned = Self::zeros(floats.len());
        aligned.copy_from_slice(&floats);
        aligned
    }
}

impl Deref for Aligned {
    type Target = [f32];

    #[inline(always)]
    fn deref(&self) -> &[f32] {
        &self.room[self.start..][..self.length]
    }
}

impl DerefMut for Aligned {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.room[self.start..][..self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_begin_at_a_line_whatever_their_number() {
        for length in [0, 1, 15, 16, 17, 1_000] {
            let floats: Vec<f32> = (0..length).map(|value| value as f32).collect();
            let mut aligned = Aligned::from(floats.clone());
            assert_eq!(*aligned, *floats);
            assert_eq!(aligned.as_ptr() as usize % 64, 0);
            aligned.resize(length / 2);
            assert_eq!(*aligned, floats[..length / 2]);
            aligned.resize(10 * length);
            assert_eq!(aligned.len(), 10 * length);
            assert_eq!(aligned.as_ptr() as usize % 64, 0);
        }
    }
}
