//! What is in the stream of [`Stream::Train`](crate::Stream::Train): before the samples of each
//! mini-batch, how they are trained on.

/// Most bytes of a [`StepHead`].
pub const LONGEST_HEAD: usize = 10;

/// What precedes the samples of a mini-batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepHead {
    /// Samples, at least one.
    pub samples: u16,
    /// `eta`: finite, at least 0.
    pub learning_rate: f32,
    /// What the masks follow from; there only if units are dropped.
    pub key: Option<u32>,
}

impl StepHead {
    /// How many bytes it takes.
    pub const fn length(with_key: bool) -> usize {
        if with_key {
            LONGEST_HEAD
        } else {
            LONGEST_HEAD - 4
        }
    }

    /// Its bytes, of which only the first [`length`](Self::length) are sent: samples, learning
    /// rate, key, each little-endian.
    pub fn to_bytes(self) -> [u8; LONGEST_HEAD] {
        let mut bytes = [0; LONGEST_HEAD];
        let (samples, rest) = bytes.split_at_mut(2);
        let (rate, key) = rest.split_at_mut(4);
        samples.copy_from_slice(&self.samples.to_le_bytes());
        rate.copy_from_slice(&self.learning_rate.to_le_bytes());
        key.copy_from_slice(&self.key.unwrap_or(0).to_le_bytes());
        bytes
    }

    /// What bytes mean.
    pub fn from_bytes(bytes: [u8; LONGEST_HEAD], with_key: bool) -> Self {
        let [s0, s1, r0, r1, r2, r3, k0, k1, k2, k3] = bytes;
        Self {
            samples: u16::from_le_bytes([s0, s1]),
            learning_rate: f32::from_le_bytes([r0, r1, r2, r3]),
            key: with_key.then_some(u32::from_le_bytes([k0, k1, k2, k3])),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_survives_the_way() {
        for key in [None, Some(0xDEAD_BEEF)] {
            let head = StepHead {
                samples: 0x0102,
                learning_rate: 0.5,
                key,
            };
            assert_eq!(StepHead::from_bytes(head.to_bytes(), key.is_some()), head);
        }
        let head = StepHead {
            samples: 16,
            learning_rate: 1.0,
            key: Some(7),
        };
        assert_eq!(head.to_bytes(), [16, 0, 0, 0, 0x80, 0x3f, 7, 0, 0, 0]);
    }
}
