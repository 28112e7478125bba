//! Streams, as they come in pieces: what has come of the sample, or of the weights, at hand.

use thumbnet_protocol::runs::Decoder;
use thumbnet_protocol::steps::{LONGEST_HEAD, StepHead};
use thumbnet_protocol::{Refusal, Stream};

/// The bytes of something short, as they come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Collected<const SIZE: usize> {
    bytes: [u8; SIZE],
    filled: usize,
}

impl<const SIZE: usize> Collected<SIZE> {
    pub(super) const NOTHING: Self = Self {
        bytes: [0; SIZE],
        filled: 0,
    };

    /// Takes bytes until there are `length`, and returns those behind. Once there are, they can be
    /// had from [`whole`](Self::whole).
    pub(super) fn take<'b>(&mut self, bytes: &'b [u8], length: usize) -> &'b [u8] {
        let wanted = length.saturating_sub(self.filled).min(bytes.len());
        let (own, behind) = bytes.split_at(wanted);
        let room = self.bytes.get_mut(self.filled..).unwrap_or_default();
        for (room, byte) in room.iter_mut().zip(own) {
            *room = *byte;
        }
        self.filled += own.len();
        behind
    }

    /// All bytes, if there are `length`, which are then forgotten.
    pub(super) fn whole(&mut self, length: usize) -> Option<[u8; SIZE]> {
        (self.filled == length).then(|| {
            self.filled = 0;
            self.bytes
        })
    }
}

/// A sample, as it comes: its label, if it has one, and its inputs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    label: Option<u8>,
    inputs: Decoder,
}

impl Sample {
    /// Before one with a label.
    pub(super) const LABELLED: Self = Self {
        label: None,
        inputs: Decoder::START,
    };

    /// Before one without, which is taken to be 0.
    pub(super) const UNLABELLED: Self = Self {
        label: Some(0),
        inputs: Decoder::START,
    };

    /// Takes bytes to the end of the sample, at most, and returns its label if that has come, and
    /// the bytes behind it.
    pub(super) fn take<'b>(
        &mut self,
        mut bytes: &'b [u8],
        inputs: &mut [u8],
    ) -> Result<(Option<u8>, &'b [u8]), Refusal> {
        if self.label.is_none()
            && let Some((label, behind)) = bytes.split_first()
        {
            self.label = Some(*label);
            bytes = behind;
        }
        let Some(label) = self.label else {
            return Ok((None, bytes));
        };
        let behind = self.inputs.take(bytes, inputs);
        let behind = behind.map_err(|_| Refusal::Runs)?;
        if !self.inputs.is_whole(inputs.len()) {
            return Ok((None, behind));
        }
        *self = Self::LABELLED;
        Ok((Some(label), behind))
    }
}

/// The step at hand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    head: Collected<LONGEST_HEAD>,
    /// What its head said, once that has come.
    pub(super) said: Option<StepHead>,
    /// Samples that have come.
    pub(super) samples: usize,
    pub(super) sample: Sample,
}

impl Step {
    pub(super) const START: Self = Self {
        head: Collected::NOTHING,
        said: None,
        samples: 0,
        sample: Sample::LABELLED,
    };

    /// Takes bytes of the head, if it has not come, and returns those behind.
    pub(super) fn take_head<'b>(&mut self, bytes: &'b [u8], with_key: bool) -> &'b [u8] {
        if self.said.is_some() {
            return bytes;
        }
        let length = StepHead::length(with_key);
        let behind = self.head.take(bytes, length);
        let whole = self.head.whole(length);
        self.said = whole.map(|bytes| StepHead::from_bytes(bytes, with_key));
        behind
    }
}

/// A weights file, as it comes; its head, which is larger than all the rest here, has a place of its
/// own.
#[derive(Clone, Copy, Debug)]
pub(super) struct File {
    /// The parameters' checksum, once the head has come.
    pub(super) checksum: Option<u32>,
    pub(super) float: Collected<4>,
    /// Parameters that have come.
    pub(super) parameters: usize,
}

impl File {
    pub(super) const START: Self = Self {
        checksum: None,
        float: Collected::NOTHING,
        parameters: 0,
    };
}

/// Which stream is open, and what has come of it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Open {
    Train(Step),
    Evaluate(Sample),
    Predict(Sample),
    Weights(File),
    /// None; what there is to say to data.
    Closed(Refusal),
}

impl From<Stream> for Open {
    fn from(stream: Stream) -> Self {
        match stream {
            Stream::Train => Self::Train(Step::START),
            Stream::Evaluate => Self::Evaluate(Sample::LABELLED),
            Stream::Predict => Self::Predict(Sample::UNLABELLED),
            Stream::Weights => Self::Weights(File::START),
        }
    }
}
