//! A server without a board: what it answers, and the bits that it trains.

extern crate std;

use core::convert::Infallible;

use embedded_io::{ErrorType, Read, Write};
use std::boxed::Box;
use std::string::String;
use std::vec;
use std::vec::Vec;
use thumbnet::format::HEADER_BYTES;
use thumbnet::prelude::*;
use thumbnet_protocol::config::{self, Optimizers};
use thumbnet_protocol::message::{Checkpoint, Readable};
use thumbnet_protocol::steps::StepHead;
use thumbnet_protocol::{Config, Stream, Taken, runs};

use super::checkpoints::NoCheckpoints;
use super::methods::{Every, WithVelocity};
use super::*;
use crate::testing::bench;

const INPUTS: usize = 12;
const BATCH: usize = 4;
type Small = Mlp<INPUTS, 5, 3>;
type Room<M> = Memory<Small, M, INPUTS, BATCH, SHORTEST_FRAME>;

/// A line that delivers what was written down before, and keeps what is sent.
struct Script {
    coming: Vec<u8>,
    read: usize,
    sent: Vec<u8>,
}

impl ErrorType for Script {
    type Error = Infallible;
}

impl Read for Script {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
        let rest = &self.coming[self.read..];
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        self.read += length;
        Ok(length)
    }
}

impl Write for Script {
    fn write(&mut self, buffer: &[u8]) -> Result<usize, Infallible> {
        self.sent.extend_from_slice(buffer);
        Ok(buffer.len())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

const ABOUT: About<'static> = About {
    board: "bench",
    clock_hz: 1,
    free_ram: 2,
    credit: 3,
    fault: "",
    stack: || 4,
    cost: Cost::CrossEntropy,
    preparation: Preparation::None,
};

/// An answer, with what it borrowed.
#[derive(Debug, PartialEq)]
enum Said {
    Hello {
        board: String,
        optimizers: Optimizers,
        widths: [u32; 17],
    },
    Status(Status),
    Done,
    Taken(Taken),
    Bytes(Vec<u8>),
    Repeated,
    Damaged,
    Refused(Refusal),
}

impl From<Reply<'_>> for Said {
    fn from(reply: Reply<'_>) -> Self {
        match reply {
            Reply::Hello(hello) => Self::Hello {
                board: hello.board.into(),
                optimizers: hello.optimizers,
                widths: hello.widths,
            },
            Reply::Status(status) => Self::Status(status),
            Reply::Done => Self::Done,
            Reply::Taken(taken) => Self::Taken(taken),
            Reply::Bytes { bytes, .. } => Self::Bytes(bytes.into()),
            Reply::Repeated => Self::Repeated,
            Reply::Damaged => Self::Damaged,
            Reply::Refused(refusal) => Self::Refused(refusal),
        }
    }
}

fn frame(request: &Request<'_>) -> Vec<u8> {
    encode(request, &mut [0; 4_000]).unwrap().into()
}

/// Numbers commands, from 1, behind a greeting.
fn conversation(commands: &[Command<'_>]) -> Vec<u8> {
    let hello = [Command::Hello { version: VERSION }];
    let numbered = hello.iter().chain(commands).zip(1..);
    numbered
        .flat_map(|(&command, number)| frame(&Request { number, command }))
        .collect()
}

/// What a server with memory `room` answers to these bytes, each with its number.
fn numbered<M: Methods<Small, INPUTS>>(bytes: Vec<u8>, room: &mut Room<M>) -> Vec<(u32, Said)> {
    let mut line = Script {
        coming: bytes,
        read: 0,
        sent: Vec::new(),
    };
    serve(&mut line, &ABOUT, room, &mut bench(), &mut NoCheckpoints);
    let mut receiver = Receiver::<SHORTEST_FRAME>::ZEROED;
    let mut rest = &line.sent[..];
    let mut answers = Vec::new();
    while !rest.is_empty() {
        let (received, behind) = receiver.take::<Answer<'_>>(rest);
        match received {
            Some(Received::Message(answer)) => answers.push((answer.number, answer.reply.into())),
            other => panic!("{other:?}"),
        }
        rest = behind;
    }
    answers
}

fn room<M: Zeroed>() -> Box<Room<M>> {
    let mut room = Box::new(Room::<M>::ZEROED);
    room.network
        .init_weights(&mut XorShiftRng::seed_from_u64(1));
    room
}

/// What is said to these commands, the greeting apart.
fn said(commands: &[Command<'_>]) -> Vec<Said> {
    let answers = numbered(conversation(commands), &mut room::<Every<_, BATCH>>());
    answers.into_iter().skip(1).map(|(_, said)| said).collect()
}

const CONFIG: Config = Config {
    cost: config::Cost::CrossEntropy,
    optimizer: config::Optimizer::Sgd,
    clip_norm: None,
    weight_decay: config::WeightDecay::None,
    dropout: None,
};

fn image(index: usize) -> [u8; INPUTS] {
    core::array::from_fn(|place| match (index * 7 + place * 5) % 11 {
        far @ 6.. => (far * 20) as u8,
        _ => 0,
    })
}

const fn label(index: usize) -> u8 {
    (index % 3) as u8
}

/// A stream of steps on so many samples each, with a key each if `keys`.
fn steps(sizes: &[usize], rate: f32, keys: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut next = 0;
    for (step, &size) in sizes.iter().enumerate() {
        let head = StepHead {
            samples: size as u16,
            learning_rate: rate,
            key: keys.then_some(step as u32),
        };
        bytes.extend_from_slice(&head.to_bytes()[..StepHead::length(keys)]);
        for index in next..next + size {
            bytes.push(label(index));
            runs::code(&image(index), |piece| bytes.extend_from_slice(piece));
        }
        next += size;
    }
    bytes
}

/// The stream in pieces.
fn pieces(bytes: &[u8], size: usize) -> Vec<Command<'_>> {
    let pieces = bytes.chunks(size).enumerate();
    pieces
        .map(|(index, bytes)| Command::Data {
            offset: (index * size) as u32,
            bytes,
        })
        .collect()
}

const SIZES: [usize; 4] = [4, 1, 4, 3];

/// CRC-32 of the weights, and the last step's cost, after core's own training.
fn by_core<O: thumbnet::optimizer::Optimizer>(optimizer: O, decay: WeightDecay) -> (u32, u32) {
    let mut network = Small::ZEROED;
    network.init_weights(&mut XorShiftRng::seed_from_u64(1));
    let mut state = TrainState::<Small, O, BATCH>::ZEROED;
    let config = TrainConfig::new(0.5)
        .with_optimizer(optimizer)
        .with_weight_decay(decay);
    let mut trainer = Trainer::new(config, &mut network, &mut state).unwrap();
    let mut costs = thumbnet::format::CRC_32.digest();
    let mut next = 0;
    for size in SIZES {
        let images: Vec<_> = (next..next + size).map(image).collect();
        let labels: Vec<_> = (next..next + size).map(label).collect();
        let cost = trainer.batch(&images, &labels).unwrap();
        costs.update(&cost.to_le_bytes());
        next += size;
    }
    (network.weights_crc32(), costs.finalize())
}

/// The same by a server that gets the stream in pieces of `size` bytes.
fn by_server(config: Config, size: usize) -> (u32, u32) {
    let bytes = steps(&SIZES, 0.5, false);
    let mut commands = vec![Command::Configure(config), Command::Open(Stream::Train)];
    commands.extend(pieces(&bytes, size));
    commands.push(Command::Status);
    match said(&commands).pop() {
        Some(Said::Status(status)) => {
            assert_eq!(status.samples, 12);
            assert_eq!(status.taken.steps, 4);
            assert_eq!(status.taken.offset as usize, bytes.len());
            assert_eq!(status.work, 4, "a look a step");
            (status.weights_crc32, status.taken.costs_crc32)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_server_trains_as_core_does() {
    let decay = WeightDecay::L2(0.01);
    let config = |optimizer, clip_norm| Config {
        optimizer,
        clip_norm,
        weight_decay: config::WeightDecay::L2(0.01),
        ..CONFIG
    };
    let sgd = by_core(Sgd, decay);
    for size in [1, 2, 3, 5, 8, 13, 1_000] {
        let found = by_server(config(config::Optimizer::Sgd, None), size.min(400));
        assert_eq!(found, sgd, "{size}");
    }
    let rms = config::Optimizer::RmsProp {
        decay: RmsProp::DEFAULT.decay,
        epsilon: RmsProp::DEFAULT.epsilon,
    };
    let adam = config::Optimizer::Adam {
        beta1: Adam::DEFAULT.beta1,
        beta2: Adam::DEFAULT.beta2,
        epsilon: Adam::DEFAULT.epsilon,
    };
    let clipped = Clipped {
        optimizer: Nesterov(0.9),
        norm: 0.1,
    };
    let momentum = config::Optimizer::Momentum(0.9);
    let nesterov = config::Optimizer::Nesterov(0.9);
    let all = [
        (sgd, sgd),
        (
            by_core(Momentum(0.9), decay),
            by_server(config(momentum, None), 9),
        ),
        (
            by_core(Nesterov(0.9), decay),
            by_server(config(nesterov, None), 9),
        ),
        (
            by_core(RmsProp::DEFAULT, decay),
            by_server(config(rms, None), 9),
        ),
        (
            by_core(Adam::DEFAULT, decay),
            by_server(config(adam, None), 9),
        ),
        (
            by_core(clipped, decay),
            by_server(config(nesterov, Some(0.1)), 9),
        ),
    ];
    for (index, (core, server)) in all.iter().enumerate() {
        assert_eq!(core, server, "{index}");
        assert!(all[..index].iter().all(|(other, _)| other != core));
    }
}

#[test]
fn nothing_is_trained_twice_or_left_out() {
    let bytes = steps(&SIZES, 0.5, false);
    let mut clean = vec![Command::Configure(CONFIG), Command::Open(Stream::Train)];
    clean.extend(pieces(&bytes, 10));
    let requests: Vec<Vec<u8>> = (1..)
        .zip([Command::Hello { version: VERSION }].iter().chain(&clean))
        .map(|(number, &command)| frame(&Request { number, command }))
        .collect();
    // Every frame comes twice, a third of them are damaged before they come whole, and every piece
    // is sent again later, under a new number.
    let mut line = Vec::new();
    let mut number = 1_000;
    for (index, request) in requests.iter().enumerate() {
        if index.is_multiple_of(3) {
            line.extend_from_slice(&request[..request.len() / 2]);
            line.push(0);
        }
        line.extend_from_slice(request);
        line.extend_from_slice(request);
    }
    for command in &clean[2..] {
        number += 1;
        line.extend(frame(&Request {
            number,
            command: *command,
        }));
    }
    number += 1;
    line.extend(frame(&Request {
        number,
        command: Command::Status,
    }));
    let mut answers = numbered(line, &mut room::<WithVelocity<_, BATCH>>());
    let Some((_, Said::Status(status))) = answers.pop() else {
        panic!("no status");
    };
    let sgd = by_core(Sgd, WeightDecay::None);
    assert_eq!((status.weights_crc32, status.taken.costs_crc32), sgd);
    assert_eq!(status.taken.steps, 4);
    let count = |wanted: &Said| answers.iter().filter(|(_, said)| said == wanted).count();
    // The greeting starts a session whenever it comes.
    assert_eq!(count(&Said::Repeated), requests.len() - 1);
    assert_eq!(count(&Said::Damaged), requests.len().div_ceil(3));
}

#[test]
fn a_gap_is_answered_with_where_the_stream_is() {
    let bytes = steps(&SIZES, 0.5, false);
    let mut commands = vec![Command::Configure(CONFIG), Command::Open(Stream::Train)];
    let all = pieces(&bytes, 10);
    commands.extend([all[0], all[2], all[3], all[1]]);
    let offsets = said(&commands).into_iter().skip(2).map(|said| match said {
        Said::Taken(taken) => taken.offset,
        other => panic!("{other:?}"),
    });
    assert_eq!(offsets.collect::<Vec<_>>(), [10, 10, 10, 20]);
}

#[test]
fn weights_survive_the_way_there_and_back() {
    let mut network = Small::ZEROED;
    network.init_weights(&mut XorShiftRng::seed_from_u64(9));
    let header = thumbnet::format::Header {
        architecture: Small::ARCHITECTURE,
        cost: Cost::Quadratic,
        preparation: Preparation::None,
        weights_crc32: network.weights_crc32(),
    };
    let mut file = header.to_bytes().to_vec();
    network.for_each_layer(&mut |_, weights, biases| {
        file.extend(
            weights
                .iter()
                .chain(biases)
                .flat_map(|value| value.to_le_bytes()),
        );
    });
    let mut commands = vec![Command::Open(Stream::Weights)];
    commands.extend(pieces(&file, 101));
    let read = |from, offset| Command::Read {
        from,
        offset,
        length: 1_000,
    };
    // As much as fits into an answer.
    let mut length = 0;
    while length < file.len() {
        commands.push(read(Readable::Weights, length as u32));
        length += if length == 0 { HEADER_BYTES } else { 400 };
    }
    let answers = said(&commands);
    let found: Vec<u8> = answers
        .iter()
        .filter_map(|said| match said {
            Said::Bytes(bytes) => Some(&bytes[..bytes.len().min(400)]),
            _ => None,
        })
        .flatten()
        .copied()
        .collect();
    assert!(found == file);

    // A flipped bit, another network, and a file that goes on.
    let refused = |file: &[u8]| {
        let mut commands = vec![Command::Open(Stream::Weights)];
        commands.extend(pieces(file, 101));
        commands.push(Command::Open(Stream::Evaluate));
        let mut answers = said(&commands);
        (answers.pop().unwrap(), answers.pop().unwrap())
    };
    let mut flipped = file.clone();
    flipped[HEADER_BYTES + 9] ^= 1;
    let no_weights = Said::Refused(Refusal::NoWeights);
    assert_eq!(
        refused(&flipped),
        (no_weights, Said::Refused(Refusal::Checksum))
    );
    let longer = [&file[..], &[0]].concat();
    assert_eq!(
        refused(&longer),
        (Said::Done, Said::Refused(Refusal::OtherNetwork))
    );
    let other = thumbnet::format::Header {
        architecture: Mlp::<INPUTS, 4, 3>::ARCHITECTURE,
        ..header
    };
    let other = other.to_bytes();
    assert_eq!(
        refused(&other),
        (Said::Done, Said::Refused(Refusal::OtherNetwork))
    );
}

#[test]
fn evaluation_and_prediction_are_the_networks() {
    let mut network = Small::ZEROED;
    network.init_weights(&mut XorShiftRng::seed_from_u64(1));
    let mut bytes = Vec::new();
    let (mut right, mut scores, mut cost) = (0, Vec::new(), 0.0);
    for index in 0..7 {
        bytes.push(label(index));
        runs::code(&image(index), |piece| bytes.extend_from_slice(piece));
        let (found, of_sample) =
            network.predict_with_cost(&image(index), label(index), CrossEntropy);
        right += u32::from(found.class == usize::from(label(index)));
        scores.extend(found.scores.map(f32::to_le_bytes));
        cost += f64::from(of_sample);
    }
    let mut commands = vec![Command::Open(Stream::Evaluate)];
    commands.extend(pieces(&bytes, 9));
    commands.push(Command::Status);
    match said(&commands).pop() {
        Some(Said::Status(status)) => {
            let crc32 = thumbnet::format::CRC_32.checksum(scores.as_flattened());
            let found = (
                status.right,
                status.samples,
                status.scores_crc32,
                status.cost,
            );
            assert_eq!(found, (right, 7, crc32, cost));
        }
        other => panic!("{other:?}"),
    }

    let mut bytes = Vec::new();
    runs::code(&image(3), |piece| bytes.extend_from_slice(piece));
    let mut commands = vec![Command::Open(Stream::Predict)];
    commands.extend(pieces(&bytes, 4));
    commands.push(Command::Read {
        from: Readable::Scores,
        offset: 0,
        length: 100,
    });
    let expected = network.predict(&image(3)).scores.map(f32::to_le_bytes);
    let expected = expected.as_flattened().to_vec();
    assert_eq!(said(&commands).pop(), Some(Said::Bytes(expected)));
}

const fn data(bytes: &[u8]) -> Command<'_> {
    Command::Data { offset: 0, bytes }
}

#[test]
fn what_cannot_be_done_is_refused() {
    let refused = |commands: &[Command<'_>], refusal| {
        assert_eq!(
            said(commands).pop(),
            Some(Said::Refused(refusal)),
            "{commands:?}"
        );
    };
    refused(&[data(&[1])], Refusal::NoStream);
    refused(&[Command::Open(Stream::Train)], Refusal::NotConfigured);
    refused(
        &[Command::Checkpoint(Checkpoint::Save)],
        Refusal::NotSupported,
    );
    let configure = |config| [Command::Configure(config)];
    let softmax = config::Cost::SoftmaxCrossEntropy;
    refused(
        &configure(Config {
            cost: softmax,
            ..CONFIG
        }),
        Refusal::Cost,
    );
    let momentum = config::Optimizer::Momentum(1.0);
    refused(
        &configure(Config {
            optimizer: momentum,
            ..CONFIG
        }),
        Refusal::Config,
    );
    let decay = config::WeightDecay::L1(f32::NAN);
    refused(
        &configure(Config {
            weight_decay: decay,
            ..CONFIG
        }),
        Refusal::Config,
    );
    let dropout = config::Dropout {
        rates: [1.0; 16],
        per_sample: false,
        inverted: true,
    };
    refused(
        &configure(Config {
            dropout: Some(dropout),
            ..CONFIG
        }),
        Refusal::Config,
    );

    let train = |bytes: &[u8], refusal| {
        let open = [Command::Configure(CONFIG), Command::Open(Stream::Train)];
        // What comes behind is refused for the same reason, not for its own.
        let behind = Command::Data {
            offset: 77,
            bytes: &[],
        };
        let commands = [&open[..], &[data(bytes), behind]].concat();
        refused(&commands[..3], refusal);
        refused(&commands, refusal);
    };
    train(&steps(&[0], 0.5, false), Refusal::Batch);
    train(&steps(&[5], 0.5, false), Refusal::Batch);
    train(&steps(&[1], f32::NAN, false), Refusal::LearningRate);
    train(&steps(&[1], -1.0, false), Refusal::LearningRate);
    let mut wrong = steps(&[1], 0.5, false);
    wrong[6] = 3;
    train(&wrong, Refusal::Label);
    wrong[7] = 255;
    train(&wrong, Refusal::Runs);

    let before = numbered(
        frame(&Request {
            number: 5,
            command: Command::Status,
        }),
        &mut room::<Every<_, BATCH>>(),
    );
    assert_eq!(before, [(0, Said::Refused(Refusal::NoSession))]);
    let hello = Command::Hello { version: 99 };
    let other = numbered(
        frame(&Request {
            number: 5,
            command: hello,
        }),
        &mut room::<Every<_, BATCH>>(),
    );
    assert_eq!(other, [(0, Said::Refused(Refusal::Version(VERSION)))]);
    let adam = config::Optimizer::Adam {
        beta1: 0.9,
        beta2: 0.99,
        epsilon: 1.0e-8,
    };
    let bytes = conversation(&configure(Config {
        optimizer: adam,
        ..CONFIG
    }));
    let answers = numbered(bytes, &mut room::<WithVelocity<_, BATCH>>());
    assert_eq!(answers[1], (2, Said::Refused(Refusal::Optimizer)));
}

#[test]
fn a_run_that_diverges_says_at_which_step_and_stops() {
    let bytes = steps(&[1; 9], f32::MAX, false);
    let mut commands = vec![Command::Configure(CONFIG), Command::Open(Stream::Train)];
    commands.extend(pieces(&bytes, 400));
    commands.push(Command::Open(Stream::Train));
    let mut answers = said(&commands);
    assert_eq!(answers.pop(), Some(Said::Refused(Refusal::NoWeights)));
    let last = answers.pop().unwrap();
    assert!(
        matches!(
            last,
            Said::Refused(Refusal::Diverged {
                step: 2..=9,
                restored: false
            })
        ),
        "{last:?}"
    );
}

#[test]
fn a_greeting_says_who_it_is() {
    let room = &mut room::<WithVelocity<_, BATCH>>();
    let mut widths = [0; 17];
    widths[..3].copy_from_slice(&[INPUTS as u32, 5, 3]);
    let hello = Said::Hello {
        board: "bench".into(),
        optimizers: Optimizers(7),
        widths,
    };
    assert_eq!(numbered(conversation(&[]), room), [(1, hello)]);
}

#[test]
fn a_reset_is_answered_and_ends_the_server() {
    let commands = [Command::Reset, Command::Status];
    assert_eq!(said(&commands), [Said::Done]);
}
