//! The board's protocol over bad lines, by a client that was written from its description, and with
//! random bytes: a board's server, on this desktop.
#![cfg(unix)]

use std::convert::Infallible;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process;
use std::time::{Duration, Instant};

use embedded_hal::digital::{ErrorType as PinErrorType, OutputPin};
use rand_core::Rng;
use serde::ser::SerializeTuple;
use thumbnet::prelude::*;
use thumbnet::random::{below, uniform};
use thumbnet::{Activation, Cost};
use thumbnet_firmware::serve::checkpoints::NoCheckpoints;
use thumbnet_firmware::serve::methods::Every;
use thumbnet_firmware::serve::{About, Memory, serve};
use thumbnet_firmware::{Board, Meter};
use thumbnet_host::board::{BoardTrainer, Client, Port};
use thumbnet_host::data::{DataChoice, load};
use thumbnet_host::model::{Model, parse_architecture};
use thumbnet_host::training::{
    Engine, EngineState, Hyperparameters, Instructions, OptimizerChoice, Progress, SparseImages,
};
use thumbnet_protocol::message::{Checkpoint, Readable};
use thumbnet_protocol::{
    Answer, Command, Config, Received, Receiver, Reply, Request, SHORTEST_FRAME, Stream, config,
    encode,
};
use thumbnet_tests::root;

type Small = Mlp<64, 6, 10>;
type Room = Memory<Small, Every<Small, 16>, 64, 16, SHORTEST_FRAME>;

/// A TCP connection as a serial line.
struct Line(TcpStream);

impl embedded_io::ErrorType for Line {
    type Error = embedded_io::ErrorKind;
}

impl embedded_io::Read for Line {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Self::Error> {
        // A connection that breaks has ended.
        Ok(self.0.read(buffer).unwrap_or(0))
    }
}

impl embedded_io::Write for Line {
    fn write(&mut self, buffer: &[u8]) -> Result<usize, Self::Error> {
        self.0
            .write_all(buffer)
            .map_err(|_| embedded_io::ErrorKind::BrokenPipe)?;
        Ok(buffer.len())
    }

    fn flush(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}

struct Clock(u64);

impl Meter for Clock {
    const UNIT: &'static str = "looks";

    fn now(&mut self) -> u64 {
        self.0 += 1;
        self.0
    }
}

struct NoLed;

impl PinErrorType for NoLed {
    type Error = Infallible;
}

impl OutputPin for NoLed {
    fn set_low(&mut self) -> Result<(), Infallible> {
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// What a board is that listens on a line of `credit` bytes.
fn run_server(line: &mut impl Serial, room: &mut Room, credit: u32) {
    let about = About {
        board: "desk",
        clock_hz: 1_000_000,
        free_ram: 0,
        credit,
        fault: "",
        stack: || 0,
        cost: Cost::CrossEntropy,
        preparation: Preparation::None,
    };
    let mut board = Board {
        meter: Clock(0),
        led: NoLed,
    };
    serve(line, &about, room, &mut board, &mut NoCheckpoints);
}

trait Serial: embedded_io::Read + embedded_io::Write {}
impl<T: embedded_io::Read + embedded_io::Write> Serial for T {}

/// A board on a TCP port, for as long as the test runs.
fn board(credit: u32) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there are free ports");
    let address = listener.local_addr().expect("it has an address");
    std::thread::spawn(move || {
        let mut room = Box::new(Room::ZEROED);
        for stream in listener.incoming() {
            let stream = stream.expect("it connects");
            stream.set_nodelay(true).expect("it is a TCP connection");
            run_server(&mut Line(stream), &mut room, credit);
        }
    });
    address
}

/// A TCP port that passes on what comes, both ways, but for one byte in `1 / rate`, which it drops,
/// doubles, flips a bit of, or keeps for a while. Returns what it listens at.
fn bad_line(board: SocketAddr, rate: f32, seed: u64) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there are free ports");
    let address = listener.local_addr().expect("it has an address");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let here = stream.expect("it connects");
            let there = TcpStream::connect(board).expect("the board listens");
            for (number, (from, to)) in [(&here, &there), (&there, &here)].into_iter().enumerate() {
                let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                to.set_nodelay(true).expect("it is a TCP connection");
                std::thread::spawn(move || {
                    let mut rng = XorShiftRng::seed_from_u64(seed + number as u64);
                    let mut buffer = [0; 1024];
                    while let Ok(length @ 1..) = from.read(&mut buffer) {
                        let worse = worsened(&buffer[..length], rate, &mut rng);
                        if to.write_all(&worse).is_err() {
                            break;
                        }
                    }
                    let _ = to.shutdown(std::net::Shutdown::Both);
                });
            }
        }
    });
    address
}

fn worsened(bytes: &[u8], rate: f32, rng: &mut XorShiftRng) -> Vec<u8> {
    let mut worse = Vec::new();
    for &byte in bytes {
        if uniform(rng) >= rate {
            worse.push(byte);
            continue;
        }
        match below(rng, 4) {
            0 => {}
            1 => worse.extend([byte, byte]),
            2 => worse.push(byte ^ 1 << below(rng, 8)),
            _ => {
                std::thread::sleep(Duration::from_millis(below(rng, 3).into()));
                worse.push(byte);
            }
        }
    }
    worse
}

const HYPERPARAMETERS: Hyperparameters = Hyperparameters {
    cost: Cost::CrossEntropy,
    batch_size: 4,
    drop_last: false,
    optimizer: OptimizerChoice::Nesterov(0.9),
    weight_decay: WeightDecay::L2(0.001),
    clip_norm: None,
    dropout: DropoutRates::hidden(0.1),
    input_scale: 1.0,
};

fn fresh() -> Model {
    let architecture = parse_architecture("64-6-10", Activation::Sigmoid, Activation::Sigmoid);
    let initialization = thumbnet::Initialization::default();
    Model::fresh(architecture.unwrap(), Cost::CrossEntropy, initialization, 7)
}

/// CRC-32 of the weights after an epoch on so many samples here.
fn on_desktop(samples: usize) -> u32 {
    let data = load(&DataChoice::Digits).unwrap();
    let mut model = fresh();
    let state = EngineState::new(&model, &HYPERPARAMETERS, 7, true);
    let instructions = Instructions::detect();
    let mut engine = Engine::new(model.architecture, HYPERPARAMETERS, state, 1, instructions);
    let images = SparseImages::new(&data.train, samples).unwrap();
    engine.epoch(&images, &|_| 0.1, &Progress::default());
    engine.store(&mut model);
    model.weights_crc32()
}

/// The same by a board, and what went over the line for each byte of the streams.
fn on_board(address: SocketAddr, samples: usize) -> Result<(u32, f64), String> {
    let train = || -> Result<_, Box<dyn std::error::Error>> {
        let client = Client::connect(&Port::Tcp(address.to_string()), 1, None)?;
        let mut model = fresh();
        let mut trainer = BoardTrainer::new(client, &model, HYPERPARAMETERS, 7, true, false)?;
        let data = load(&DataChoice::Digits)?;
        let images = SparseImages::new(&data.train, samples)?;
        trainer.epoch(&images, &|_| 0.1, &Progress::default())?;
        trainer.store(&mut model);
        let traffic = trainer.traffic();
        let ratio = traffic.sent as f64 / traffic.stream as f64;
        Ok((model.weights_crc32(), ratio))
    };
    train().map_err(|error| error.to_string())
}

/// The same bits, or an error that says what is wrong.
#[test]
fn a_bad_line_trains_the_same_bits_or_says_that_it_cannot() {
    let board = || board(4_096);
    let (found, ratio) = on_board(board(), 600).expect("nothing is wrong with this line");
    assert_eq!(found, on_desktop(600), "on a good line");
    // Frames are short here, and so are samples.
    assert!(ratio < 1.06, "{ratio}");
    println!("measured: a good line: {ratio:.3} bytes sent for each of the samples");
    for (rate, samples) in [(0.001, 600), (0.01, 300), (0.05, 8)] {
        let start = Instant::now();
        let found = on_board(bad_line(board(), rate, 1), samples);
        let expected = on_desktop(samples);
        let seconds = start.elapsed().as_secs_f32();
        let percent = rate * 100.0;
        match found {
            Ok((found, ratio)) => {
                assert_eq!(found, expected, "{percent} % of the bytes wrong");
                println!(
                    "measured: {percent} % of the bytes wrong: the same bits, {ratio:.2} bytes sent \
                     for each of the samples, {seconds:.1} s"
                );
            }
            Err(error) => {
                // Far more often than any line that is of use.
                assert!(rate >= 0.05, "{percent} % of the bytes wrong: {error}");
                assert!(error.contains("is the line free of errors?"), "{error}");
                println!("measured: {percent} % of the bytes wrong: {error}");
            }
        }
    }
}

/// A line of random bytes and of whole frames with requests that may be anything.
struct Noise {
    rng: XorShiftRng,
    inputs: usize,
    coming: Vec<u8>,
    number: u32,
    /// Where the next data has to start, says the last answer.
    offset: u32,
    answers: Box<Receiver<SHORTEST_FRAME>>,
    /// How many answers there were of each kind.
    kinds: [usize; 8],
}

impl embedded_io::ErrorType for Noise {
    type Error = Infallible;
}

impl embedded_io::Read for Noise {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
        if self.coming.is_empty() && self.inputs > 0 {
            self.inputs -= 1;
            self.coming = self.input();
        }
        let length = self.coming.len().min(buffer.len());
        buffer[..length].copy_from_slice(&self.coming[..length]);
        self.coming.drain(..length);
        Ok(length)
    }
}

impl embedded_io::Write for Noise {
    fn write(&mut self, buffer: &[u8]) -> Result<usize, Infallible> {
        let mut rest = buffer;
        while !rest.is_empty() {
            let (received, behind) = self.answers.take::<Answer<'_>>(rest);
            rest = behind;
            let kind = match received {
                None => continue,
                Some(Received::Message(answer)) => match answer.reply {
                    Reply::Hello(_) => 0,
                    Reply::Status(_) => 1,
                    Reply::Done => 2,
                    Reply::Taken(taken) => {
                        self.offset = taken.offset;
                        3
                    }
                    Reply::Bytes { .. } => 4,
                    Reply::Repeated => 5,
                    Reply::Damaged => 6,
                    Reply::Refused(_) => 7,
                },
                Some(other) => panic!("no answer: {other:?}"),
            };
            self.kinds[kind] += 1;
        }
        Ok(buffer.len())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

impl Noise {
    /// A third random bytes, a third frames of random bytes with a right checksum, a third requests.
    fn input(&mut self) -> Vec<u8> {
        let rng = &mut self.rng;
        let mut bytes = vec![0; below(rng, 60) as usize];
        rng.fill_bytes(&mut bytes);
        if below(rng, 2) == 0 {
            // As in samples of a few lit inputs.
            bytes.iter_mut().for_each(|byte| *byte %= 12);
        }
        let mut frame = [0; 400];
        self.number += 1;
        let number = self.number - u32::from(below(rng, 20) == 0);
        match below(rng, 3) {
            0 => {
                bytes.push(0);
                return bytes;
            }
            1 => {
                let message = (number, below(rng, 9) as u8, Raw(&bytes));
                return encode(&message, &mut frame).expect("it fits").to_vec();
            }
            _ => {}
        }
        let float = |rng: &mut XorShiftRng| match below(rng, 3) {
            0 => f32::from_bits(rng.next_u32()),
            _ => uniform(rng),
        };
        let command = match below(rng, 40) {
            0 => Command::Hello {
                version: (below(rng, 10) != 0).into(),
            },
            1 => Command::Status,
            2..=4 => Command::Configure(Config {
                cost: [config::Cost::CrossEntropy, config::Cost::Quadratic][below(rng, 2) as usize],
                optimizer: match below(rng, 3) {
                    0 => config::Optimizer::Sgd,
                    1 => config::Optimizer::Nesterov(float(rng)),
                    _ => config::Optimizer::RmsProp {
                        decay: float(rng),
                        epsilon: float(rng),
                    },
                },
                clip_norm: (below(rng, 3) == 0).then(|| float(rng)),
                weight_decay: config::WeightDecay::L2(float(rng)),
                dropout: (below(rng, 3) == 0).then(|| config::Dropout {
                    rates: std::array::from_fn(|_| float(rng)),
                    per_sample: true,
                    inverted: true,
                }),
            }),
            5..=9 => Command::Open(
                [
                    Stream::Train,
                    Stream::Evaluate,
                    Stream::Predict,
                    Stream::Weights,
                ][below(rng, 4) as usize],
            ),
            10 => Command::Read {
                from: [Readable::Weights, Readable::Scores][below(rng, 2) as usize],
                offset: rng.next_u32() >> below(rng, 32),
                length: rng.next_u32() as u16,
            },
            11 => Command::Checkpoint(Checkpoint::Save),
            _ => {
                if self.offset == 0 && below(rng, 2) == 0 {
                    // A step on one sample, as a whole or not.
                    let rate = uniform(rng).to_le_bytes();
                    bytes = [&[1, 0], &rate[..], &bytes].concat();
                }
                Command::Data {
                    offset: if below(rng, 9) == 0 {
                        rng.next_u32()
                    } else {
                        self.offset
                    },
                    bytes: &bytes,
                }
            }
        };
        let request = Request { number, command };
        encode(&request, &mut frame).expect("it fits").to_vec()
    }
}

/// Bytes as they are, without their number before them.
struct Raw<'a>(&'a [u8]);

impl serde::Serialize for Raw<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tuple = serializer.serialize_tuple(self.0.len())?;
        self.0
            .iter()
            .try_for_each(|byte| tuple.serialize_element(byte))?;
        tuple.end()
    }
}

/// `THUMBNET_FUZZ` says how many inputs, if not as many as a second or two have time for.
#[test]
fn no_input_stops_a_board() {
    let inputs = std::env::var("THUMBNET_FUZZ").ok();
    let inputs = inputs.map_or(200_000, |count| count.parse().expect("it is a number"));
    let mut room = Box::new(Room::ZEROED);
    room.network
        .init_weights(&mut XorShiftRng::seed_from_u64(1));
    let mut line = Noise {
        rng: XorShiftRng::seed_from_u64(inputs as u64),
        inputs,
        coming: Vec::new(),
        number: 0,
        offset: 0,
        answers: Box::new(Receiver::ZEROED),
        kinds: [0; 8],
    };
    // A server leaves when its line ends, and not before: for a reset it has to be asked.
    while line.inputs > 0 {
        run_server(&mut line, &mut room, 64);
    }
    let kinds = line.kinds;
    assert!(
        kinds.iter().all(|&count| count > inputs / 10_000),
        "{kinds:?}"
    );
    println!("measured: {inputs} inputs, no panic, no hang; answers of each kind: {kinds:?}");
}

/// What `tests/protocol.py` trains on.
fn made_up(index: usize) -> ([u8; 64], u8) {
    let pixel = |place: usize| match (index * 7 + place * 5) % 11 {
        far @ 6.. => (far * 20) as u8,
        _ => 0,
    };
    (std::array::from_fn(pixel), (index % 10) as u8)
}

/// `docs/protocol.md` is enough to write a client from.
#[test]
fn a_client_in_another_language_trains_the_same_bits() {
    let output = process::Command::new("python3")
        .arg(root().join("tests/protocol.py"))
        .arg(board(1_000).to_string())
        .output()
        .expect("python3 is installed");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).expect("it prints JSON");

    let mut network = Small::ZEROED;
    let mut state = TrainState::<Small, Momentum, 16>::ZEROED;
    let config = TrainConfig::new(0.5)
        .with_momentum(0.5)
        .with_weight_decay(WeightDecay::L2(0.01));
    let mut trainer = Trainer::new(config, &mut network, &mut state).unwrap();
    let mut costs = thumbnet::format::CRC_32.digest();
    for step in 0..25 {
        let samples: Vec<_> = (step * 4..step * 4 + 4).map(made_up).collect();
        let images: Vec<_> = samples.iter().map(|(image, _)| *image).collect();
        let labels: Vec<_> = samples.iter().map(|(_, label)| *label).collect();
        let cost = trainer.batch(&images, &labels).unwrap();
        costs.update(&cost.to_le_bytes());
    }
    assert_eq!(found["weights_crc32"], network.weights_crc32());
    assert_eq!(found["costs_crc32"], costs.finalize());
    assert_eq!(found["read_crc32"], network.weights_crc32());
    let right = (0..50).filter(|&index| {
        let (image, label) = made_up(index);
        network.predict(&image).class == usize::from(label)
    });
    assert_eq!(found["right"], right.count());
    let prediction = network.predict(&made_up(3).0);
    assert_eq!(found["class"], prediction.class);
    let scores: Vec<f64> = prediction
        .scores
        .iter()
        .map(|&score| score.into())
        .collect();
    assert_eq!(found["scores"], serde_json::json!(scores));
}
