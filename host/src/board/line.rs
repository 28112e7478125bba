//! Messages over a port: frames out, answers in, whatever comes in between.

use std::io::{self, Read, Write};
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use thumbnet_protocol::{
    Answer, Command, Received, Receiver, Refusal, Reply, Request, Status, Taken, encode,
};

use super::port::Ends;
use super::qemu::Emulated;

/// The longest frame of any board.
const LONGEST: usize = 1 << 16;

/// What a board said, with what it borrowed.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// Who it is.
    Hello(super::About),
    /// How things are.
    Status(Status),
    /// It is done.
    Done,
    /// How far the stream has been taken in.
    Taken(Taken),
    /// A part of what was asked for, and where it belongs.
    Bytes(u32, Vec<u8>),
    /// Nothing was done about an old frame.
    Repeated,
    /// Something came that is no frame.
    Damaged,
    /// It cannot be done.
    Refused(Refusal),
}

impl From<Reply<'_>> for Said {
    fn from(reply: Reply<'_>) -> Self {
        match reply {
            Reply::Hello(hello) => Self::Hello(hello.into()),
            Reply::Status(status) => Self::Status(status),
            Reply::Done => Self::Done,
            Reply::Taken(taken) => Self::Taken(taken),
            Reply::Bytes { offset, bytes } => Self::Bytes(offset, bytes.to_vec()),
            Reply::Repeated => Self::Repeated,
            Reply::Damaged => Self::Damaged,
            Reply::Refused(refusal) => Self::Refused(refusal),
        }
    }
}

/// What came over the line in a while.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// An answer, and the number that it is to.
    Answer(u32, Said),
    /// Something that is no frame.
    Garbage,
    /// Nothing.
    Silence,
}

/// An open port.
pub struct Line {
    pieces: mpsc::Receiver<io::Result<Vec<u8>>>,
    writer: Box<dyn Write + Send>,
    /// What has come and was not looked at.
    piece: Vec<u8>,
    at: usize,
    receiver: Box<Receiver<LONGEST>>,
    frame: Vec<u8>,
    /// Bytes written so far.
    pub(super) written: u64,
    // Ends when nobody needs the line any more.
    _emulated: Option<Emulated>,
}

impl Line {
    /// Messages over an open port.
    pub(super) fn new(ends: Ends) -> Self {
        let (sender, pieces) = mpsc::sync_channel(64);
        let mut reader = ends.reader;
        // Reading blocks, so a thread of its own does it; it ends with the port or with the line.
        std::thread::spawn(move || read(&mut *reader, &sender));
        Self {
            pieces,
            writer: ends.writer,
            piece: Vec::new(),
            at: 0,
            receiver: Box::new(Receiver::ZEROED),
            frame: vec![0; LONGEST],
            written: 0,
            _emulated: ends.emulated,
        }
    }

    /// Ends whatever garbage is on the way to the board.
    ///
    /// # Errors
    ///
    /// The port cannot be written.
    pub fn interrupt(&mut self) -> Result<()> {
        self.write(&[0])
    }

    /// Sends a request, and returns how long its frame is.
    ///
    /// # Errors
    ///
    /// The port cannot be written.
    pub fn send(&mut self, number: u32, command: Command<'_>) -> Result<usize> {
        let mut frame = std::mem::take(&mut self.frame);
        let encoded = encode(&Request { number, command }, &mut frame);
        let length = encoded.map(<[u8]>::len).ok();
        let sent = match length {
            Some(length) => self.write(&frame[..length]).map(|()| length),
            None => bail!("a request of more than {LONGEST} bytes"),
        };
        self.frame = frame;
        sent
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.written += bytes.len() as u64;
        self.writer
            .write_all(bytes)
            .and_then(|()| self.writer.flush())
            .context("the line to the board cannot be written")
    }

    /// Waits for the next answer, at most for so long.
    ///
    /// # Errors
    ///
    /// The line has ended.
    pub fn receive(&mut self, patience: Duration) -> Result<Event> {
        let deadline = Instant::now() + patience;
        loop {
            while self.at < self.piece.len() {
                let bytes = &self.piece[self.at..];
                let (received, behind) = self.receiver.take::<Answer<'_>>(bytes);
                self.at = self.piece.len() - behind.len();
                match received {
                    Some(Received::Message(answer)) => {
                        return Ok(Event::Answer(answer.number, answer.reply.into()));
                    }
                    Some(Received::Unknown | Received::Damaged) => return Ok(Event::Garbage),
                    None => {}
                }
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.pieces.recv_timeout(left) {
                Ok(piece) => {
                    self.piece = piece.context("the line to the board cannot be read")?;
                    self.at = 0;
                }
                Err(RecvTimeoutError::Timeout) => return Ok(Event::Silence),
                Err(RecvTimeoutError::Disconnected) => bail!("the line to the board has ended"),
            }
        }
    }
}

/// Passes on what comes, to the end of the port or of whoever wants it.
fn read(reader: &mut dyn Read, sender: &SyncSender<io::Result<Vec<u8>>>) {
    let mut buffer = [0; 4096];
    loop {
        let piece = match reader.read(&mut buffer) {
            // An empty piece asks whether anybody is still there.
            Ok(length @ 1..) => Ok(buffer[..length].to_vec()),
            Ok(0) => return,
            Err(error) => match error.kind() {
                io::ErrorKind::TimedOut
                | io::ErrorKind::WouldBlock
                | io::ErrorKind::Interrupted => Ok(Vec::new()),
                _ => Err(error),
            },
        };
        let over = piece.is_err();
        if sender.send(piece).is_err() || over {
            return;
        }
    }
}
