//! What is measured: everything that varies, with the steps that it takes.

use rand_core::{Rng, SeedableRng};
use rand_xorshift::XorShiftRng;
use serde::{Deserialize, Serialize};

use crate::data::Samples;

/// What varies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Varied {
    /// Units of the hidden layer.
    Hidden,
    /// Hidden layers of 100 units.
    Depth,
    /// Samples of a mini-batch.
    Batch,
    /// The share of inputs that are 0.
    Zeros,
}

impl Varied {
    /// All of them, in the order in which they are measured.
    pub const ALL: [Self; 4] = [Self::Hidden, Self::Depth, Self::Batch, Self::Zeros];
}

/// Many of them around numbers that vectors (16 or 8) and panels of units (128 or 104) have: that is
/// where steps would be.
const HIDDEN: [usize; 42] = [
    8, 16, 24, 30, 32, 40, 48, 56, 64, 72, 80, 88, 96, 100, 104, 105, 112, 120, 128, 129, 136, 144,
    160, 176, 192, 208, 224, 240, 256, 257, 272, 320, 384, 400, 448, 512, 576, 640, 768, 800, 896,
    1024,
];

/// Many of them where training changes its ways: 2, 16 and 64.
const BATCH: [usize; 31] = [
    1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 16, 17, 20, 24, 32, 40, 48, 56, 64, 65, 72, 80, 100, 128, 129,
    160, 192, 256, 384, 500, 1000,
];

/// In percent.
const ZEROS: [u32; 12] = [0, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95];

/// One network in one kind of training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    pub(super) varied: Varied,
    /// Units of each hidden layer.
    pub(super) hidden: usize,
    /// Hidden layers.
    pub(super) depth: usize,
    /// Samples of a mini-batch.
    pub(super) batch: usize,
    /// The share of zeros in noise; none for MNIST.
    pub(super) zeros: Option<f64>,
}

/// All points.
pub(super) fn all() -> Vec<Point> {
    let usual = |varied| Point {
        varied,
        hidden: 100,
        depth: 1,
        batch: 100,
        zeros: None,
    };
    let mut points = Vec::new();
    points.extend(HIDDEN.map(|hidden| Point {
        hidden,
        ..usual(Varied::Hidden)
    }));
    points.extend((1..=6).map(|depth| Point {
        depth,
        ..usual(Varied::Depth)
    }));
    points.extend(BATCH.map(|batch| Point {
        batch,
        ..usual(Varied::Batch)
    }));
    points.extend(ZEROS.map(|percent| Point {
        zeros: Some(f64::from(percent) / 100.0),
        ..usual(Varied::Zeros)
    }));
    points
}

/// As many images as `like` has, and as large, of pixels each of which is 0 with a probability of
/// `share`, and else anything from 1 to 255.
pub(super) fn noise(share: f64, like: &Samples, seed: u64) -> Samples {
    let mut rng = XorShiftRng::seed_from_u64(seed);
    let threshold = (share * 65_536.0) as u32;
    let pixels = like.images.iter().map(|_| {
        let random = rng.next_u32();
        match random >> 16 < threshold {
            true => 0,
            false => (random % 255 + 1) as u8,
        }
    });
    Samples {
        images: pixels.collect(),
        labels: like.labels.clone(),
        ..*like
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_differ_in_what_varies_alone() {
        for varied in Varied::ALL {
            let mut points: Vec<Point> = all();
            points.retain(|point| point.varied == varied);
            assert!(points.len() > 1);
            for pair in points.windows(2) {
                let [a, b] = [pair[0], pair[1]];
                let grows = [
                    a.hidden < b.hidden,
                    a.depth < b.depth,
                    a.batch < b.batch,
                    a.zeros < b.zeros,
                ];
                let expected = Varied::ALL.map(|other| other == varied);
                assert_eq!(grows, expected, "{a:?}, {b:?}");
            }
        }
    }

    #[test]
    fn noise_has_its_share_of_zeros() {
        let like = Samples {
            width: 28,
            height: 28,
            images: vec![0; 784 * 100],
            labels: vec![0; 100],
        };
        for share in [0.0, 0.5, 0.95] {
            let noise = noise(share, &like, 1);
            let zeros = noise.images.iter().filter(|&&pixel| pixel == 0).count();
            let found = zeros as f64 / noise.images.len() as f64;
            // Six standard deviations: 6 sqrt(1/4 / 78,400).
            assert!((found - share).abs() < 0.011, "{found}, {share}");
            assert!(share > 0.0 || zeros == 0);
        }
    }
}
