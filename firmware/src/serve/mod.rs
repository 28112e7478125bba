//! A board that learns what a desktop sends: the server of `thumbnet_protocol`, whatever the board.
//!
//! | module | what |
//! |---|---|
//! | [`methods`] | which optimisers a board has, and the memory they take |
//! | [`step`](mod@step) | one step as configured |
//! | `learner` | the network, and what commands do to it |
//! | `streams` | streams of samples and weights, as they come in pieces |
//! | `parameters` | the weights of a network as bytes of a file |
//! | [`checkpoints`], [`in_flash`] | where learning goes on after the power has gone |

pub mod checkpoints;
pub mod in_flash;
mod learner;
pub mod methods;
mod parameters;
pub mod step;
mod streams;
#[cfg(test)]
mod tests;

use embedded_hal::digital::OutputPin;
use embedded_io::{Read, Write};
use thumbnet::input::Width;
use thumbnet::optimizer::Zeroed;
use thumbnet::preparation::Preparation;
use thumbnet::{Architecture, Cost, Network};
use thumbnet_protocol::config::LAYERS;
use thumbnet_protocol::{
    Answer, Command, Hello, LONGEST_TEXT, Received, Receiver, Refusal, Reply, Request,
    SHORTEST_FRAME, Status, VERSION, encode,
};

use crate::board::Board;
use crate::meter::Meter;
use checkpoints::Checkpoints;
use learner::Learner;
use methods::Methods;
use step::Outputs;

/// The large part of what a server keeps. All zero when new, so a `static` of it takes no flash.
///
/// `N` is the network, `M` which [`methods`] there are, `INPUTS` the network's, `BATCH` the most
/// samples of a mini-batch, and `FRAME` the longest frame, at least
/// [`SHORTEST_FRAME`] bytes.
pub struct Memory<N, M, const INPUTS: usize, const BATCH: usize, const FRAME: usize> {
    /// What is trained.
    pub network: N,
    methods: M,
    images: [[u8; INPUTS]; BATCH],
    labels: [u8; BATCH],
    receiver: Receiver<FRAME>,
    scratch: [u8; FRAME],
    frame: [u8; FRAME],
}

impl<N: Zeroed, M: Zeroed, const INPUTS: usize, const BATCH: usize, const FRAME: usize>
    Memory<N, M, INPUTS, BATCH, FRAME>
{
    /// With a network without weights.
    pub const ZEROED: Self = Self {
        network: N::ZEROED,
        methods: M::ZEROED,
        images: [[0; INPUTS]; BATCH],
        labels: [0; BATCH],
        receiver: Receiver::ZEROED,
        scratch: [0; FRAME],
        frame: [0; FRAME],
    };
}

/// What a server says of its board.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// The board's name; of this and the others, no more than [`LONGEST_TEXT`] bytes are told.
    pub board: &'a str,
    /// What the processor is clocked with.
    pub clock_hz: u32,
    /// RAM that is in no use.
    pub free_ram: u32,
    /// Bytes that the serial line keeps while nobody reads them.
    pub credit: u32,
    /// What ended the program that ran before, or nothing.
    pub fault: &'a str,
    /// The deepest that the stack has been so far, in bytes.
    pub stack: fn() -> u32,
    /// The cost that the network was trained with.
    pub cost: Cost,
    /// What is done to images before they are sent.
    pub preparation: Preparation,
}

/// Why a server has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    /// It was asked to start the board anew.
    Reset,
    /// The line has ended.
    Closed,
}

/// Serves a desktop on `line` until it is told to reset or the line ends.
///
/// Whatever comes, it neither panics nor stops: what is wrong is answered. An error of the line is
/// as good as a byte lost, and a desktop that gets no answer asks again.
pub fn serve<N, M, I, T, P, C, const INPUTS: usize, const BATCH: usize, const FRAME: usize>(
    line: &mut I,
    about: &About<'_>,
    memory: &mut Memory<N, M, INPUTS, BATCH, FRAME>,
    board: &mut Board<T, P>,
    checkpoints: &mut C,
) -> Leave
where
    N: Network<Inputs = Width<INPUTS>>,
    N::Output: Outputs,
    M: Methods<N, INPUTS>,
    I: Read + Write,
    T: Meter,
    P: OutputPin,
    C: Checkpoints<N, M>,
{
    const {
        assert!(FRAME >= SHORTEST_FRAME && FRAME <= u16::MAX as usize);
        assert!(BATCH > 0 && BATCH <= u16::MAX as usize);
    };
    let Memory {
        network,
        methods,
        images,
        labels,
        receiver,
        scratch,
        frame,
    } = memory;
    let mut learner = Learner::new(network, methods, images, labels, about);
    let mut session = Session::default();
    let mut chunk = [0; 64];
    let mut rest = 0..0;
    loop {
        if rest.is_empty() {
            match line.read(&mut chunk) {
                Ok(0) => return Leave::Closed,
                Ok(length) => rest = 0..length,
                Err(_) => continue,
            }
        }
        let bytes = chunk.get(rest.clone()).unwrap_or_default();
        let (received, behind) = receiver.take::<Request<'_>>(bytes);
        rest.start = rest.end - behind.len();
        let Some(received) = received else {
            continue;
        };
        let mut leave = None;
        let reply = match session.admit(received) {
            Err(Denied::Repeated) => Reply::Repeated,
            Err(Denied::Damaged) => Reply::Damaged,
            Err(Denied::Refused(refusal)) => Reply::Refused(refusal),
            Ok(Command::Hello { .. }) => Reply::Hello(Hello {
                version: VERSION,
                board: text(about.board),
                clock_hz: about.clock_hz,
                free_ram: about.free_ram,
                frame: FRAME as u16,
                credit: about.credit,
                batch: BATCH as u16,
                optimizers: M::OPTIMIZERS,
                checkpoints: C::KEPT,
                unit: T::UNIT,
                fault: text(about.fault),
                widths: widths(&N::ARCHITECTURE),
                weights_crc32: learner.weights_crc32(),
            }),
            Ok(Command::Status) => Reply::Status(Status {
                stack: (about.stack)(),
                damaged: session.damaged,
                repeated: session.repeated,
                ..learner.status()
            }),
            Ok(Command::Reset) => {
                leave = Some(Leave::Reset);
                Reply::Done
            }
            Ok(command) => learner
                .command(command, scratch, board, checkpoints)
                .unwrap_or_else(Reply::Refused),
        };
        let answer = Answer {
            number: session.last.unwrap_or(0),
            reply,
        };
        if let Ok(frame) = encode(&answer, frame) {
            // What does not arrive will be asked for again.
            let _ = line.write_all(frame).and_then(|()| line.flush());
        }
        if let Some(leave) = leave {
            return leave;
        }
    }
}

/// Why a frame is not done.
enum Denied {
    Repeated,
    Damaged,
    Refused(Refusal),
}

/// Which frames have come.
#[derive(Debug, Default)]
struct Session {
    /// The number of the last one; none before a session has begun.
    last: Option<u32>,
    damaged: u32,
    repeated: u32,
}

impl Session {
    /// The command, if it is to be done.
    fn admit<'a>(&mut self, received: Received<Request<'a>>) -> Result<Command<'a>, Denied> {
        let request = match received {
            Received::Message(request) => request,
            Received::Unknown => return Err(Denied::Refused(Refusal::Unknown)),
            Received::Damaged => {
                self.damaged = self.damaged.saturating_add(1);
                return Err(Denied::Damaged);
            }
        };
        match (request.command, self.last) {
            (Command::Hello { version: VERSION }, _) => *self = Self::default(),
            (Command::Hello { .. }, _) => return Err(Denied::Refused(Refusal::Version(VERSION))),
            (_, None) => return Err(Denied::Refused(Refusal::NoSession)),
            (_, Some(last)) if request.number <= last => {
                self.repeated = self.repeated.saturating_add(1);
                return Err(Denied::Repeated);
            }
            _ => {}
        }
        self.last = Some(request.number);
        Ok(request.command)
    }
}

fn widths(architecture: &Architecture) -> [u32; LAYERS + 1] {
    let units = architecture.layers().iter().map(|layer| layer.fan_out);
    let mut widths = [0; LAYERS + 1];
    for (width, units) in widths
        .iter_mut()
        .zip([architecture.inputs()].into_iter().chain(units))
    {
        *width = units as u32;
    }
    widths
}

/// As much of a text as fits in an answer.
fn text(text: &str) -> &str {
    text.get(..text.floor_char_boundary(LONGEST_TEXT))
        .unwrap_or_default()
}
