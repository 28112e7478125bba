//! Requests of the desktop and answers of the board.

use serde::{Deserialize, Serialize};

use crate::config::{Config, LAYERS, Optimizers};

/// What the desktop sends.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request<'a> {
    /// Larger than that of every frame sent before in this session, repetitions too.
    pub number: u32,
    /// What to do.
    #[serde(borrow)]
    pub command: Command<'a>,
}

/// What the board is to do. Whatever changes something does the same when it comes twice in a row.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Command<'a> {
    /// Begins a session: numbers are counted from this frame's. Answered by [`Reply::Hello`].
    Hello {
        /// [`VERSION`](crate::VERSION).
        version: u16,
    },
    /// Asks how things are. Answered by [`Reply::Status`].
    Status,
    /// Says how to train: forgets velocities and the like, and counts steps from 0. Closes the
    /// stream. Answered by [`Reply::Done`].
    Configure(Config),
    /// Opens a stream, at byte 0, and closes the one before. Answered by [`Reply::Done`].
    Open(Stream),
    /// Bytes of the stream. Answered by [`Reply::Taken`].
    Data {
        /// Where they belong, from 0.
        offset: u32,
        /// May be none, to ask how far the stream has been taken in.
        bytes: &'a [u8],
    },
    /// Asks for a part of what is on the board. Answered by [`Reply::Bytes`].
    Read {
        /// Of what.
        from: Readable,
        /// The first byte.
        offset: u32,
        /// How many; the answer may have fewer, but has at least one if there are any.
        length: u16,
    },
    /// Does something with the checkpoint in flash. Answered by [`Reply::Done`].
    Checkpoint(Checkpoint),
    /// Starts the board anew. Answered by [`Reply::Done`], before it does so.
    Reset,
}

/// What a stream of bytes is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stream {
    /// Mini-batches: each a [`StepHead`](crate::steps::StepHead), and its samples. Each sample is
    /// its label, and its inputs run-length coded.
    Train,
    /// Samples to be predicted and counted, each a label and inputs.
    Evaluate,
    /// The inputs of a sample to be predicted, run-length coded.
    Predict,
    /// A weights file.
    Weights,
}

/// What can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Readable {
    /// The weights as a weights file.
    Weights,
    /// The scores of the sample that was predicted last, four little-endian bytes each.
    Scores,
}

/// What can be done with a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Checkpoint {
    /// Writes one.
    Save,
    /// Goes back to the last one.
    Restore,
    /// Forgets all.
    Erase,
}

/// What the board sends.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer<'a> {
    /// That of the request; of the last one that arrived whole if this is [`Reply::Damaged`].
    pub number: u32,
    /// What there is to say.
    #[serde(borrow)]
    pub reply: Reply<'a>,
}

/// What the board has to say.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Reply<'a> {
    /// Who it is.
    #[serde(borrow)]
    Hello(Hello<'a>),
    /// How things are.
    Status(Status),
    /// It is done.
    Done,
    /// How far the stream has been taken in. If that is not the end of the data that this answers,
    /// something before it was lost.
    Taken(Taken),
    /// A part of what was asked for.
    Bytes {
        /// Where it belongs.
        offset: u32,
        /// The bytes; none behind the end.
        bytes: &'a [u8],
    },
    /// The number is not larger than an earlier one: nothing was done.
    Repeated,
    /// Something came that is no frame.
    Damaged,
    /// It cannot be done, and nothing has changed but for what [`Refusal`] says.
    Refused(Refusal),
}

/// A board.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hello<'a> {
    /// [`VERSION`](crate::VERSION).
    pub version: u16,
    /// Its name.
    pub board: &'a str,
    /// What the processor is clocked with.
    pub clock_hz: u32,
    /// RAM that is in no use: what stack and variables leave.
    pub free_ram: u32,
    /// The longest frame that it takes, and sends, as it is on the line.
    pub frame: u16,
    /// The credit: frames that are not answered yet may have so many bytes together, which is what
    /// the board can receive while it computes. A single frame may always be sent.
    pub credit: u32,
    /// Most samples of a mini-batch.
    pub batch: u16,
    /// Which optimisers it has.
    pub optimizers: Optimizers,
    /// Whether it keeps checkpoints.
    pub checkpoints: bool,
    /// What [`Status::work`] counts, such as `cycles`.
    pub unit: &'a str,
    /// What ended the program that ran before, or nothing.
    pub fault: &'a str,
    /// Its inputs, and the units of each of its layers; 0 behind the last.
    pub widths: [u32; LAYERS + 1],
    /// CRC-32 of the weights.
    pub weights_crc32: u32,
}

/// How things are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// How far the stream has been taken in.
    pub taken: Taken,
    /// Whether there are whole weights: not after a stream of [`Stream::Weights`] that did not end.
    pub weights: bool,
    /// CRC-32 of the weights.
    pub weights_crc32: u32,
    /// Samples that the stream has brought.
    pub samples: u32,
    /// Of those, how many were predicted right ([`Stream::Evaluate`]).
    pub right: u32,
    /// The class that was predicted last.
    pub class: u16,
    /// The sum of the samples' costs.
    pub cost: f64,
    /// CRC-32 of all scores in order, four little-endian bytes each ([`Stream::Evaluate`]).
    pub scores_crc32: u32,
    /// CRC-32 of all predicted classes in order, a byte each ([`Stream::Evaluate`]).
    pub classes_crc32: u32,
    /// What training or predicting took, in [`Hello::unit`].
    pub work: u64,
    /// The deepest that the stack has been, in bytes.
    pub stack: u32,
    /// What came in this session and was no frame.
    pub damaged: u32,
    /// Frames of this session whose number was not larger than an earlier one.
    pub repeated: u32,
}

/// How far a stream has been taken in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// Bytes of the stream: where the next data has to start.
    pub offset: u32,
    /// Steps trained since the last [`Command::Configure`].
    pub steps: u32,
    /// CRC-32 of the mean costs of the steps since the stream was opened, four little-endian bytes
    /// each: equal only where the training was.
    pub costs_crc32: u32,
}

/// Why something cannot be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// No [`Command::Hello`] came since the board was started.
    NoSession,
    /// The board speaks this version alone.
    Version(u16),
    /// A frame that arrived whole, and means nothing to this board.
    Unknown,
    /// Nothing on this board does that.
    NotSupported,
    /// No stream is open that would take this.
    NoStream,
    /// A stream has at most 2^32 - 1 bytes. Closes the stream.
    Offset,
    /// There are no whole weights to do it with.
    NoWeights,
    /// No [`Command::Configure`] came since the board was started.
    NotConfigured,
    /// A hyper-parameter is out of its range.
    Config,
    /// The board has no such optimiser.
    Optimizer,
    /// The network's outputs do not go with this cost.
    Cost,
    /// A mini-batch of no samples, or of more than the board has room for. Closes the stream.
    Batch,
    /// A label that is no class. Closes the stream.
    Label,
    /// A learning rate that is not finite, below 0 or too large for the weight decay. Closes the
    /// stream.
    LearningRate,
    /// A sample's runs are longer than its inputs. Closes the stream.
    Runs,
    /// The weights file is for another network, or longer than it should be. Closes the stream.
    OtherNetwork,
    /// The weights file is damaged: its checksum is wrong. Closes the stream, and there are no
    /// weights.
    Checksum,
    /// The cost of this step was not finite: training has diverged. Closes the stream, and there
    /// are no weights, unless the last checkpoint was restored.
    Diverged {
        /// Counted from 1.
        step: u32,
        /// Whether the board has gone back to its last checkpoint.
        restored: bool,
    },
    /// Flash cannot be written, or read.
    Flash,
    /// There is no checkpoint.
    NoCheckpoint,
}

impl core::fmt::Display for Refusal {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::NoSession => {
                f.write_str("the board was started anew, and knows nothing of before")
            }
            Self::Version(version) => {
                write!(f, "the board speaks version {version} of the protocol")
            }
            Self::Unknown => f.write_str("the board does not know this request"),
            Self::NotSupported => f.write_str("this board cannot do that"),
            Self::NoStream => f.write_str("the board was not told what to do with this data"),
            Self::Offset => f.write_str("the stream has more than 2^32 - 1 bytes"),
            Self::NoWeights => {
                f.write_str("the board has no whole weights: send it some with `board push`")
            }
            Self::NotConfigured => f.write_str("the board was not told how to train"),
            Self::Config => f.write_str("a hyper-parameter is out of its range"),
            Self::Optimizer => f.write_str("the board has no such optimiser"),
            Self::Cost => {
                f.write_str("this cost does not go with the outputs of the board's network")
            }
            Self::Batch => f.write_str("the board has no memory for mini-batches of this size"),
            Self::Label => f.write_str("a label is not below the number of the network's outputs"),
            Self::LearningRate => f.write_str(
                "the learning rate must be finite, at least 0, and below 1 / weight decay if that \
                 is L2",
            ),
            Self::Runs => f.write_str("a sample has more inputs than the board's network"),
            Self::OtherNetwork => {
                f.write_str("the weights are those of another network than the board has")
            }
            Self::Checksum => f.write_str("the weights came damaged: their checksum is wrong"),
            Self::Diverged { step, restored } => write!(
                f,
                "training diverged: the cost of step {step} was not finite, and the board {}",
                if *restored {
                    "has gone back to its last checkpoint"
                } else {
                    "has no checkpoint to go back to"
                }
            ),
            Self::Flash => f.write_str("the board's flash cannot be read or written"),
            Self::NoCheckpoint => f.write_str("the board has no checkpoint"),
        }
    }
}

impl core::error::Error for Refusal {}
