//! Samples run-length coded: images are mostly background.
//!
//! Inputs are bytes. They are coded as runs, each of which starts with a byte `c`:
//!
//! - `c` below 128: `c + 1` inputs follow as they are;
//! - `c` from 128: `c - 127` inputs are zero, and nothing follows.
//!
//! Runs end where the sample ends. At worst, with no zeros at all, they take a byte more for each
//! 128 inputs.

/// Most inputs of a run.
const LONGEST: usize = 128;

/// The lowest byte that starts a run of zeros.
const ZEROS: u8 = 128;

/// Fewer zeros than these are cheaper as they are, between others.
const FEW: usize = 2;

/// Codes a sample's inputs, and passes the bytes on.
pub fn code(inputs: &[u8], mut put: impl FnMut(&[u8])) {
    let mut rest = inputs;
    while let Some(&first) = rest.first() {
        let zeros = rest.iter().take_while(|&&input| input == 0).count();
        // At the end there is nothing that a few zeros could be a part of.
        if first == 0 && (zeros > FEW || zeros == rest.len()) {
            let length = zeros.min(LONGEST);
            put(&[ZEROS + (length - 1) as u8]);
            rest = rest.get(length..).unwrap_or_default();
        } else {
            let length = literal(rest);
            let (run, behind) = rest.split_at(length);
            put(&[(length - 1) as u8]);
            put(run);
            rest = behind;
        }
    }
}

/// How many of the inputs, at least one, are best left as they are.
fn literal(inputs: &[u8]) -> usize {
    let mut zeros = 0;
    let within = inputs.get(..LONGEST).unwrap_or(inputs);
    for (index, &input) in within.iter().enumerate() {
        zeros = if input == 0 { zeros + 1 } else { 0 };
        if zeros > FEW {
            return (index - FEW).max(1);
        }
    }
    within.len()
}

/// Why bytes are no sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

/// Decodes a sample that comes in pieces, to where it is wanted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Decoder {
    /// Inputs so far.
    filled: usize,
    /// Inputs that the run at hand still brings as they are.
    literal: usize,
}

impl Decoder {
    /// Before a sample.
    pub const START: Self = Self {
        filled: 0,
        literal: 0,
    };

    /// Takes in bytes, and returns those that are behind the end of the sample; if there are none,
    /// [`is_whole`](Self::is_whole) says whether it has ended.
    ///
    /// # Errors
    ///
    /// A run that is longer than what is left of the sample.
    pub fn take<'b>(
        &mut self,
        mut bytes: &'b [u8],
        inputs: &mut [u8],
    ) -> Result<&'b [u8], TooLong> {
        while self.filled < inputs.len() {
            let Some((&first, behind)) = bytes.split_first() else {
                break;
            };
            let room = inputs.get_mut(self.filled..).unwrap_or_default();
            if self.literal > 0 {
                let length = self.literal.min(bytes.len());
                let (run, behind) = bytes.split_at(length);
                room.get_mut(..length).ok_or(TooLong)?.copy_from_slice(run);
                self.filled += length;
                self.literal -= length;
                bytes = behind;
            } else if first < ZEROS {
                self.literal = usize::from(first) + 1;
                if self.literal > room.len() {
                    return Err(TooLong);
                }
                bytes = behind;
            } else {
                let length = usize::from(first - ZEROS) + 1;
                room.get_mut(..length).ok_or(TooLong)?.fill(0);
                self.filled += length;
                bytes = behind;
            }
        }
        Ok(bytes)
    }

    /// Whether all of a sample with so many inputs has come.
    pub fn is_whole(&self, inputs: usize) -> bool {
        self.filled == inputs
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::vec;
    use std::vec::Vec;

    fn coded(inputs: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        code(inputs, |piece| bytes.extend_from_slice(piece));
        bytes
    }

    #[test]
    fn runs_are_as_described() {
        assert_eq!(coded(&[]), []);
        assert_eq!(coded(&[0; 5]), [132]);
        assert_eq!(coded(&[7]), [0, 7]);
        assert_eq!(coded(&[0]), [128]);
        assert_eq!(coded(&[1, 2, 0, 0, 0, 3]), [1, 1, 2, 130, 0, 3]);
        assert_eq!(
            coded(&[1, 0, 0, 2]),
            [3, 1, 0, 0, 2],
            "a run would take more"
        );
        assert_eq!(coded(&[1, 0]), [1, 1, 0]);
        assert_eq!(coded(&[0, 0, 9]), [2, 0, 0, 9]);
        assert_eq!(coded(&[0; 300]), [255, 255, 171]);
        assert_eq!(coded(&[5; 130]).len(), 132);
    }

    /// A sequence of bytes with runs of all lengths, from a generator of Marsaglia's.
    fn samples() -> impl Iterator<Item = Vec<u8>> {
        let mut x = 0x9E37_79B9_u32;
        let mut next = move || {
            x ^= x << 13;
            x ^= x >> 17;
            x ^= x << 5;
            x
        };
        (0..500).map(move |_| {
            let mut inputs = vec![0; next() as usize % 400];
            let mut at = 0;
            while at < inputs.len() {
                let length = 1 + next() as usize % (1 << (next() % 9));
                let ink = next().is_multiple_of(2);
                for input in inputs.iter_mut().skip(at).take(length) {
                    *input = if ink { next() as u8 } else { 0 };
                }
                at += length;
            }
            inputs
        })
    }

    #[test]
    fn samples_survive_in_pieces_of_any_size() {
        for inputs in samples() {
            let mut bytes = coded(&inputs);
            assert!(bytes.len() <= inputs.len() + inputs.len().div_ceil(128));
            bytes.extend([1, 2, 3]);
            for size in [1, 2, 3, 7, 1_000] {
                let mut decoder = Decoder::START;
                let mut found = vec![0xAA; inputs.len()];
                let mut behind = Vec::new();
                for piece in bytes.chunks(size) {
                    behind.extend_from_slice(decoder.take(piece, &mut found).unwrap());
                }
                assert!(decoder.is_whole(inputs.len()));
                assert_eq!((found, behind), (inputs.clone(), vec![1, 2, 3]));
            }
        }
    }

    #[test]
    fn runs_end_where_the_sample_ends() {
        for bytes in [&[133][..], &[5, 1, 2], &[130, 2, 1], &[0, 1, 132]] {
            let mut inputs = [0; 5];
            let mut decoder = Decoder::START;
            let result = decoder.take(bytes, &mut inputs);
            assert_eq!(result, Err(TooLong), "{bytes:?}");
        }
    }
}
