//! Messages as frames on a line.
//!
//! A frame is a message as postcard writes it, CRC-32 (ISO-HDLC) of that, little-endian, all of it
//! in COBS, so that no byte is zero, and a zero. Whatever garbage a line delivers, the next zero
//! ends it.

use crc::{CRC_32_ISO_HDLC, Crc};
use postcard::ser_flavors::crc::CrcModifier;
use postcard::ser_flavors::{Cobs, Slice};
use serde::{Deserialize, Serialize};

/// As in zip and PNG.
pub static CRC_32: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);

/// Most bytes that a frame has beside those of [`Command::Data`](crate::Command::Data), whatever
/// these are, if they are no more than `bytes`: number, command, offset, length, checksum, one for
/// each 254, and the zero.
pub const fn overhead(bytes: usize) -> usize {
    let message = 5 + 1 + 5 + 3 + 4;
    message + (bytes + message).div_ceil(254) + 1
}

/// The message does not fit in the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge;

/// Writes the frame of a message into a buffer.
///
/// # Errors
///
/// The buffer is too short.
pub fn encode<'b>(message: &impl Serialize, buffer: &'b mut [u8]) -> Result<&'b [u8], TooLarge> {
    let cobs = Cobs::try_new(Slice::new(buffer)).map_err(|_| TooLarge)?;
    let frame = postcard::serialize_with_flavor(message, CrcModifier::new(cobs, CRC_32.digest()));
    frame.map(|frame: &mut [u8]| &*frame).map_err(|_| TooLarge)
}

/// What has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received<T> {
    /// A message.
    Message(T),
    /// A frame that arrived whole, and means nothing: a message of another version.
    Unknown,
    /// Something that is no frame.
    Damaged,
}

/// Finds frames of up to `SIZE` bytes, zero included, in what a line delivers.
#[derive(Debug)]
pub struct Receiver<const SIZE: usize> {
    buffer: [u8; SIZE],
    /// Bytes of the frame so far. More than `SIZE`: there was no room for it.
    length: usize,
}

impl<const SIZE: usize> Receiver<SIZE> {
    /// Nothing has come. All zero.
    pub const ZEROED: Self = Self {
        buffer: [0; SIZE],
        length: 0,
    };

    /// Takes in bytes up to the end of a frame. Returns what that was, if one has ended, and the
    /// bytes behind it.
    pub fn take<'s, 'b, T: Deserialize<'s>>(
        &'s mut self,
        bytes: &'b [u8],
    ) -> (Option<Received<T>>, &'b [u8]) {
        let end = bytes.iter().position(|&byte| byte == 0);
        let piece = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
        let room = self.buffer.get_mut(self.length..).unwrap_or_default();
        match room.get_mut(..piece.len()) {
            Some(room) => {
                room.copy_from_slice(piece);
                self.length += piece.len();
            }
            None => self.length = SIZE + 1,
        }
        let Some(end) = end else {
            return (None, &[]);
        };
        let behind = bytes.get(end + 1..).unwrap_or_default();
        let length = core::mem::take(&mut self.length);
        // Zeros in a row end nothing.
        let received = (length > 0).then(|| match self.buffer.get_mut(..length) {
            Some(frame) => decode(frame),
            None => Received::Damaged,
        });
        (received, behind)
    }
}

/// What a frame without its zero is.
fn decode<'s, T: Deserialize<'s>>(frame: &'s mut [u8]) -> Received<T> {
    let Ok(length) = cobs::decode_in_place(frame) else {
        return Received::Damaged;
    };
    let Some((message, checksum)) = frame
        .get(..length)
        .and_then(|bytes| bytes.split_last_chunk::<4>())
    else {
        return Received::Damaged;
    };
    if CRC_32.checksum(message) != u32::from_le_bytes(*checksum) {
        return Received::Damaged;
    }
    match postcard::take_from_bytes(message) {
        Ok((message, [])) => Received::Message(message),
        _ => Received::Unknown,
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::config::{LAYERS, Optimizers};
    use crate::message::{Answer, Command, Hello, Reply, Request, Status, Taken};
    use crate::{LONGEST_TEXT, SHORTEST_FRAME};
    use std::vec;
    use std::vec::Vec;

    fn frame(message: &impl Serialize) -> Vec<u8> {
        let mut buffer = [0; 2_000];
        encode(message, &mut buffer).unwrap().to_vec()
    }

    fn data(number: u32, bytes: &[u8]) -> Vec<u8> {
        let command = Command::Data { offset: 7, bytes };
        frame(&Request { number, command })
    }

    /// The numbers of the requests in `bytes`, given `size` at a time; `None` for anything else.
    fn numbers(bytes: &[u8], size: usize) -> Vec<Option<u32>> {
        let mut receiver = Receiver::<64>::ZEROED;
        let mut found = Vec::new();
        for mut rest in bytes.chunks(size) {
            while !rest.is_empty() {
                let (received, behind) = receiver.take::<Request<'_>>(rest);
                match received {
                    Some(Received::Message(request)) => found.push(Some(request.number)),
                    Some(_) => found.push(None),
                    None => {}
                }
                rest = behind;
            }
        }
        found
    }

    /// What docs/protocol.md shows.
    #[test]
    fn frames_are_as_described() {
        let command = Command::Hello { version: 1 };
        let request = Request { number: 1, command };
        let message = [1, 0, 1];
        let checksum = CRC_32.checksum(&message).to_le_bytes();
        let mut expected = vec![2, 1];
        expected.push(6);
        expected.push(1);
        expected.extend(checksum);
        expected.push(0);
        assert!(!checksum.contains(&0));
        assert_eq!(frame(&request), expected);
    }

    #[test]
    fn frames_survive_in_pieces_of_any_size() {
        let bytes = [data(1, &[0; 40]), data(2, &[5]), data(300, &[255; 40])].concat();
        for size in 1..bytes.len() {
            assert_eq!(numbers(&bytes, size), [Some(1), Some(2), Some(300)]);
        }
    }

    #[test]
    fn garbage_ends_at_the_next_zero() {
        let (one, two) = (data(1, b"abc"), data(2, b"def"));
        let cut = &one[..one.len() - 3];
        assert_eq!(numbers(&[cut, &two, &one].concat(), 5), [None, Some(1)]);
        assert_eq!(
            numbers(&[cut, &[0], &two].concat(), 5),
            [None, Some(2)],
            "what comes before a zero is lost, nothing else"
        );
        let zeros = [0; 9];
        assert_eq!(numbers(&[&zeros[..], &two, &zeros].concat(), 4), [Some(2)]);
        let long = [7; 1_000];
        assert_eq!(
            numbers(&[&long[..], &[0], &two].concat(), 100),
            [None, Some(2)]
        );
    }

    #[test]
    fn a_flipped_bit_is_always_found() {
        let whole = data(9, b"some bytes, 0 among them: \0");
        for place in 0..whole.len() - 1 {
            for bit in 0..8 {
                let mut bytes = whole.clone();
                bytes[place] ^= 1 << bit;
                // What has ended a frame may have become part of one, and the other way round.
                assert!(
                    numbers(&bytes, 100).iter().all(Option::is_none),
                    "{place} {bit}"
                );
            }
        }
    }

    #[test]
    fn a_whole_frame_that_means_nothing_is_no_damage() {
        let mut receiver = Receiver::<64>::ZEROED;
        let bytes = frame(&(1_u32, 99_u8));
        let (received, _) = receiver.take::<Request<'_>>(&bytes);
        assert_eq!(received, Some(Received::Unknown));
        let bytes = frame(&(1_u32, 2_u8, 99_u8));
        let (received, _) = receiver.take::<Answer<'_>>(&bytes);
        assert_eq!(received, Some(Received::Unknown), "a byte too many");
        let bytes = frame(&(1_u32, 2_u8));
        let (received, _) = receiver.take::<Answer<'_>>(&bytes);
        let reply = Reply::Done;
        assert_eq!(
            received,
            Some(Received::Message(Answer { number: 1, reply }))
        );
    }

    #[test]
    fn the_largest_answers_fit_into_the_shortest_frame() {
        let text = core::str::from_utf8(&[b'x'; LONGEST_TEXT]).unwrap();
        let most = u32::MAX;
        let hello = Reply::Hello(Hello {
            version: u16::MAX,
            board: text,
            clock_hz: most,
            free_ram: most,
            frame: u16::MAX,
            credit: most,
            batch: u16::MAX,
            optimizers: Optimizers(u8::MAX),
            checkpoints: true,
            unit: text,
            fault: text,
            widths: [most; LAYERS + 1],
            weights_crc32: most,
        });
        let status = Reply::Status(Status {
            taken: Taken {
                offset: most,
                steps: most,
                costs_crc32: most,
            },
            weights: true,
            weights_crc32: most,
            samples: most,
            right: most,
            class: u16::MAX,
            cost: 1.0,
            scores_crc32: most,
            classes_crc32: most,
            work: u64::MAX,
            stack: most,
            damaged: most,
            repeated: most,
        });
        for reply in [hello, status] {
            let answer = Answer {
                number: most,
                reply,
            };
            assert!(frame(&answer).len() <= SHORTEST_FRAME);
        }
    }

    #[test]
    fn overhead_is_never_more() {
        for length in [1, 100, 230, 240, 254, 500, 1_000, 1_500] {
            let command = Command::Data {
                offset: u32::MAX,
                bytes: &vec![1; length],
            };
            let frame = frame(&Request {
                number: u32::MAX,
                command,
            });
            assert!(frame.len() <= length + overhead(length), "{length}");
        }
    }

    #[test]
    fn a_buffer_that_is_too_short_is_an_error() {
        let command = Command::Status;
        for length in 0..6 {
            let mut buffer = vec![0; length];
            let request = Request { number: 1, command };
            assert_eq!(encode(&request, &mut buffer), Err(TooLarge));
        }
    }
}
