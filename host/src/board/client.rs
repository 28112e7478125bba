//! One thing asked of a board, and asked again until there is an answer.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use thumbnet::format::{HEADER_BYTES, Header, read_head};
use thumbnet_protocol::config::Optimizers;
use thumbnet_protocol::frame::overhead;
use thumbnet_protocol::message::{Checkpoint, Readable};
use thumbnet_protocol::{Command, Config, Hello, Status, Stream, VERSION};

use super::line::{Event, Line, Said};
use super::port::Port;
use crate::model::Model;

/// How long an answer may take before the question is asked again: at first, at least, at most.
const FIRST_PATIENCE: Duration = Duration::from_millis(300);
const LEAST_PATIENCE: Duration = Duration::from_millis(20);
const MOST_PATIENCE: Duration = Duration::from_secs(3);

/// The same in times that answers usually take.
const FACTOR: u32 = 6;

/// How long there may be no answer that is of use.
const SILENCE: Duration = Duration::from_secs(30);

/// The shortest part that is asked for over a bad line.
const SHORTEST_PART: usize = 16;

/// A board, as it introduced itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// Its name.
    pub board: String,
    /// What the processor is clocked with.
    pub clock_hz: u32,
    /// RAM that is in no use.
    pub free_ram: u32,
    /// The longest frame.
    pub frame: usize,
    /// Bytes that it can receive while it computes.
    pub credit: usize,
    /// Most samples of a mini-batch.
    pub batch: usize,
    /// Which optimisers it has.
    pub optimizers: Optimizers,
    /// Whether it keeps checkpoints.
    pub checkpoints: bool,
    /// What its work is counted in.
    pub unit: String,
    /// What ended the program that ran before, or nothing.
    pub fault: String,
    /// Inputs, hidden units and outputs, as in `784-32-10`.
    pub shape: String,
    /// CRC-32 of its weights.
    pub weights_crc32: u32,
}

impl From<Hello<'_>> for About {
    fn from(hello: Hello<'_>) -> Self {
        let widths = hello.widths.iter().take_while(|&&width| width > 0);
        let widths: Vec<String> = widths.map(u32::to_string).collect();
        Self {
            board: hello.board.to_owned(),
            clock_hz: hello.clock_hz,
            free_ram: hello.free_ram,
            frame: hello.frame.into(),
            credit: hello.credit as usize,
            batch: hello.batch.into(),
            optimizers: hello.optimizers,
            checkpoints: hello.checkpoints,
            unit: hello.unit.to_owned(),
            fault: hello.fault.to_owned(),
            shape: widths.join("-"),
            weights_crc32: hello.weights_crc32,
        }
    }
}

impl About {
    /// Most bytes of a stream in one frame.
    pub(super) fn payload(&self) -> usize {
        self.frame.saturating_sub(overhead(self.frame)).max(1)
    }
}

/// How long to wait for an answer: a few times as long as the last ones took, longer with each that
/// does not come, to the end of all patience.
pub(super) struct Patience {
    /// How long answers take, smoothed.
    usual: Duration,
    wait: Duration,
    progress: Instant,
}

impl Patience {
    pub(super) fn new() -> Self {
        Self {
            usual: FIRST_PATIENCE / FACTOR,
            wait: FIRST_PATIENCE,
            progress: Instant::now(),
        }
    }

    /// How long to wait for what comes next.
    pub(super) fn wait(&self) -> Duration {
        self.wait
    }

    /// An answer came, so long after its question.
    pub(super) fn answered(&mut self, after: Duration) {
        self.usual = (self.usual * 7 + after) / 8;
        self.heard();
    }

    /// Something came, whatever it was: the line is not dead.
    pub(super) fn heard(&mut self) {
        self.wait = (self.usual * FACTOR).clamp(LEAST_PATIENCE, MOST_PATIENCE);
    }

    /// It was of use.
    pub(super) fn progressed(&mut self) {
        self.progress = Instant::now();
    }

    /// Nothing came.
    pub(super) fn silent(&mut self) -> Result<()> {
        self.wait = (self.wait * 2).min(MOST_PATIENCE);
        self.check()
    }

    /// Whether it has been too long since anything of use came.
    pub(super) fn check(&self) -> Result<()> {
        let silence = self.progress.elapsed();
        ensure!(
            silence < SILENCE,
            "no good answer has come from the board for {} s: is it connected, does it run a \
             program that serves, and is the line free of errors?",
            silence.as_secs()
        );
        Ok(())
    }
}

/// A session with a board.
pub struct Client {
    pub(super) line: Line,
    pub(super) number: u32,
    pub(super) patience: Patience,
    /// Who it is.
    pub about: About,
}

impl Client {
    /// Opens a port, a serial one at `baud` bits a second, and begins a session. If the board is
    /// emulated, its program is built for networks of the form of `model`, or has the repository's own.
    ///
    /// # Errors
    ///
    /// The port cannot be opened, or nobody there speaks the protocol.
    pub fn connect(port: &Port, baud: u32, model: Option<&Model>) -> Result<Self> {
        port.open(baud, model)
            .and_then(|ends| Self::greet(Line::new(ends)))
            .with_context(|| format!("--port {port}"))
    }

    fn greet(line: Line) -> Result<Self> {
        let mut client = Self {
            line,
            // Answers to somebody else, who was here before, have other numbers.
            number: u32::from(std::process::id() as u16) << 8,
            patience: Patience::new(),
            about: About::default(),
        };
        match client.ask(Command::Hello { version: VERSION })? {
            Said::Hello(about) => client.about = about,
            other => bail!("expected a greeting, found {other:?}"),
        }
        Ok(client)
    }

    /// Sends a command until it is answered.
    ///
    /// # Errors
    ///
    /// There is no answer, or it is a refusal.
    pub(super) fn ask(&mut self, command: Command<'_>) -> Result<Said> {
        let first = self.number + 1;
        self.patience.progressed();
        loop {
            self.number += 1;
            let asked = Instant::now();
            self.line.interrupt()?;
            self.line.send(self.number, command)?;
            loop {
                match self.line.receive(self.patience.wait())? {
                    Event::Answer(_, Said::Damaged) | Event::Garbage => {
                        self.patience.heard();
                        self.patience.check()?;
                        break;
                    }
                    Event::Answer(number, said) if number >= first => match said {
                        Said::Refused(refusal) => return Err(refusal.into()),
                        Said::Repeated => {}
                        said => {
                            self.patience.answered(asked.elapsed());
                            return Ok(said);
                        }
                    },
                    // To something that was asked before, and answered.
                    Event::Answer(..) => {}
                    Event::Silence => {
                        self.patience.silent()?;
                        break;
                    }
                }
            }
        }
    }

    fn done(&mut self, command: Command<'_>) -> Result<()> {
        match self.ask(command)? {
            Said::Done => Ok(()),
            other => bail!("expected that it is done, found {other:?}"),
        }
    }

    /// How things are on the board.
    ///
    /// # Errors
    ///
    /// As all that asks: there is no answer.
    pub fn status(&mut self) -> Result<Status> {
        match self.ask(Command::Status)? {
            Said::Status(status) => Ok(status),
            other => bail!("expected a status, found {other:?}"),
        }
    }

    /// Says how to train, and counts steps from 0.
    ///
    /// # Errors
    ///
    /// The board cannot train like this.
    pub fn configure(&mut self, config: &Config) -> Result<()> {
        self.done(Command::Configure(*config))
    }

    /// Opens a stream.
    ///
    /// # Errors
    ///
    /// The board cannot take one.
    pub fn open(&mut self, stream: Stream) -> Result<()> {
        self.done(Command::Open(stream))
    }

    /// Does something with the checkpoint in the board's flash.
    ///
    /// # Errors
    ///
    /// The board cannot do it.
    pub fn checkpoint(&mut self, what: Checkpoint) -> Result<()> {
        self.done(Command::Checkpoint(what))
    }

    /// Starts the board anew. Nothing can be asked of it before it is connected again.
    ///
    /// # Errors
    ///
    /// There is no answer.
    pub fn reset(mut self) -> Result<()> {
        self.done(Command::Reset)
    }

    /// Reads `length` bytes of what is on the board, or to its end.
    fn read(
        &mut self,
        from: Readable,
        length: usize,
        report: &mut dyn FnMut(usize),
    ) -> Result<Vec<u8>> {
        let most = self.about.payload();
        let mut part = most;
        let mut bytes = Vec::new();
        while bytes.len() < length {
            let offset = bytes.len() as u32;
            let asked = part.min(length - bytes.len());
            let before = self.number;
            let command = Command::Read {
                from,
                offset,
                length: asked as u16,
            };
            match self.ask(command)? {
                Said::Bytes(_, piece) if piece.is_empty() => break,
                Said::Bytes(at, piece) if at == offset => bytes.extend(piece),
                // An answer to what was asked before and got lost.
                Said::Bytes(..) => {}
                other => bail!("expected bytes, found {other:?}"),
            }
            part = if self.number == before + 1 {
                most.min(part * 2)
            } else {
                SHORTEST_PART.max(part / 2)
            };
            report(bytes.len());
        }
        Ok(bytes)
    }

    /// What the head of the board's weights file says.
    ///
    /// # Errors
    ///
    /// There are no whole weights, or what comes is no head.
    pub fn head(&mut self) -> Result<Header> {
        let head = self.read(Readable::Weights, HEADER_BYTES, &mut |_| ())?;
        let head = head.first_chunk().context("the head is too short")?;
        read_head(head).context("the board has sent no head of a weights file")
    }

    /// The board's network; `report` gets to know how many of the bytes there are.
    ///
    /// # Errors
    ///
    /// There are no whole weights.
    pub fn pull(&mut self, report: &mut dyn FnMut(usize, usize)) -> Result<Model> {
        let parameters = self.head()?.architecture.parameters();
        let length = HEADER_BYTES + parameters * size_of::<f32>();
        let file = self.read(Readable::Weights, length, &mut |done| report(done, length))?;
        Model::parse(&file).context("the board has sent no whole weights file")
    }

    /// The scores of the sample that was predicted last, of so many classes.
    ///
    /// # Errors
    ///
    /// None was.
    pub fn scores(&mut self, classes: usize) -> Result<Vec<f32>> {
        let bytes = self.read(Readable::Scores, classes * size_of::<f32>(), &mut |_| ())?;
        let (floats, _) = bytes.as_chunks();
        Ok(floats
            .iter()
            .map(|&float| f32::from_le_bytes(float))
            .collect())
    }
}
