//! Evaluation: how often a network is right, what a prediction costs, and whether its bits are those
//! of a desktop.

use embedded_hal::digital::OutputPin;
use embedded_io::Read;
use thumbnet::format::CRC_32;
use thumbnet::input::Width;
use thumbnet::{Accuracy, Network};

use crate::board::{Board, per_sample};
use crate::idx::{IdxError, Samples};
use crate::image::ImageRoom;
use crate::meter::Meter;

/// What an evaluation found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// How many samples there were, and how many the network was right about.
    pub accuracy: Accuracy,
    /// What a prediction cost on average, in the [`Meter`]'s unit, with what it took to prepare the
    /// image.
    pub cost_per_sample: u64,
    /// That unit.
    pub unit: &'static str,
    /// What exactly was predicted.
    pub bits: Bits,
}

/// Fingerprints of predictions: where they are equal, so was every bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bits {
    /// CRC-32 of all scores in order, four little-endian bytes each.
    pub scores_crc32: u32,
    /// CRC-32 of all predicted classes in order, one byte each.
    pub classes_crc32: u32,
}

sentences!(Evaluation {
    found => "accuracy {} ({} of {}), {} {} per prediction",
        found.accuracy.fraction(), found.accuracy.correct, found.accuracy.total,
        found.cost_per_sample, found.unit;
});

sentences!(Bits {
    bits => "CRC-32 of scores {:08x}, of classes {:08x}", bits.scores_crc32, bits.classes_crc32;
});

/// Lets `network` predict every sample that is left, one at a time; each is read into `room`, and
/// prepared there if it is a [`Prepared`](crate::Prepared) one.
///
/// # Errors
///
/// If the samples cannot be read.
// Not inlined: what it has on the stack is not there while a program does something else.
#[inline(never)]
pub fn evaluate<N, I, L, R, M, P, const IMAGE: usize, const PIXELS: usize, const CLASSES: usize>(
    network: &N,
    samples: &mut Samples<I, L, IMAGE, CLASSES>,
    room: &mut R,
    board: &mut Board<M, P>,
) -> Result<Evaluation, IdxError>
where
    N: Network<Inputs = Width<PIXELS>, Scores = [f32; CLASSES]>,
    I: Read,
    L: Read,
    R: ImageRoom<IMAGE, PIXELS>,
    M: Meter,
    P: OutputPin,
{
    let mut accuracy = Accuracy::default();
    let mut cost = 0;
    let mut scores_digest = CRC_32.digest();
    let mut classes_digest = CRC_32.digest();

    while let Some(label) = samples.next(room.image())? {
        cost += room.prepare(board);
        let (prediction, prediction_cost) = board.work(|| network.predict(room.pixels()));
        cost += prediction_cost;
        accuracy.record(label, prediction.class);
        for score in prediction.scores {
            scores_digest.update(&score.to_le_bytes());
        }
        classes_digest.update(&[prediction.class as u8]);
    }

    Ok(Evaluation {
        accuracy,
        cost_per_sample: per_sample(cost, accuracy.total),
        unit: M::UNIT,
        bits: Bits {
            scores_crc32: scores_digest.finalize(),
            classes_crc32: classes_digest.finalize(),
        },
    })
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::Prepared;
    use crate::testing::{Looks, bench, images, labels};
    use std::string::ToString;
    use std::vec::Vec;
    use thumbnet::Mlp;
    use thumbnet::optimizer::Zeroed;
    use thumbnet::preparation::{Preparation, Size};

    /// Two pixels, two classes; an untrained network says 0.5 for both and so predicts class 0.
    type Tiny = Mlp<2, 1, 2>;

    #[test]
    fn counts_what_is_right_and_what_it_costs() {
        let images = images([3, 1, 2], &[1, 2, 3, 4, 5, 6]);
        let labels = labels(3, &[0, 1, 0]);
        let mut samples = Samples::new(&images[..], &labels[..]).unwrap();

        let found = evaluate(&Tiny::ZEROED, &mut samples, &mut [0; 2], &mut bench()).unwrap();

        assert_eq!(
            found.accuracy,
            Accuracy {
                correct: 2,
                total: 3
            }
        );
        assert_eq!(found.cost_per_sample, 1);
        let halves = [0.5_f32; 6].map(f32::to_le_bytes);
        assert_eq!(
            found.bits.scores_crc32,
            CRC_32.checksum(halves.as_flattened())
        );
        assert_eq!(found.bits.classes_crc32, CRC_32.checksum(&[0; 3]));
    }

    #[test]
    fn images_are_prepared_at_the_boards_expense() {
        // Hidden units that are lit by one of two pixels each; the outputs tell which is brighter.
        let mut network = Mlp::<2, 2, 2>::ZEROED;
        network.first.weights = [[8.0, 0.0], [0.0, 8.0]];
        network.rest.weights = [[4.0, 0.0], [0.0, 4.0]];
        let images = images([2, 1, 4], &[0, 0, 9, 9, 9, 9, 0, 0]);
        let labels = labels(2, &[1, 0]);
        let mut samples = Samples::new(&images[..], &labels[..]).unwrap();
        let scale = Preparation::Scale {
            from: Size::of::<4, 1>(),
            to: Size::of::<2, 1>(),
        };
        let mut room = Prepared::<4, 2, 0>::new(scale).unwrap();

        let found = evaluate(&network, &mut samples, &mut room, &mut bench()).unwrap();

        assert_eq!(
            found.to_string(),
            "accuracy 1 (2 of 2), 2 looks per prediction"
        );
        let preparation = room.preparation_cost::<Looks>(2).unwrap();
        assert_eq!(
            preparation.to_string(),
            "1 looks of that for preparing an image"
        );
        let scores = [[0, 9], [9, 0]].map(|pixels| network.predict(&pixels).scores);
        let scores = scores
            .as_flattened()
            .iter()
            .map(|score| score.to_le_bytes());
        let bytes: Vec<u8> = scores.flatten().collect();
        assert_eq!(found.bits.scores_crc32, CRC_32.checksum(&bytes));
    }

    #[test]
    fn no_samples_are_no_division_by_zero() {
        let (images, labels) = (images([0, 1, 2], &[]), labels(0, &[]));
        let mut samples = Samples::new(&images[..], &labels[..]).unwrap();

        let found = evaluate(&Tiny::ZEROED, &mut samples, &mut [0; 2], &mut bench()).unwrap();

        assert_eq!(
            found.to_string(),
            "accuracy 0 (0 of 0), 0 looks per prediction"
        );
        assert_eq!(
            found.bits.to_string(),
            "CRC-32 of scores 00000000, of classes 00000000"
        );
    }

    #[test]
    fn a_stream_that_ends_early_is_an_error() {
        let (images, labels) = (images([2, 1, 2], &[1, 2, 3]), labels(2, &[0, 0]));
        let mut samples = Samples::new(&images[..], &labels[..]).unwrap();

        let result = evaluate(&Tiny::ZEROED, &mut samples, &mut [0; 2], &mut bench());

        assert_eq!(result, Err(IdxError::Truncated { samples: 1 }));
    }
}
