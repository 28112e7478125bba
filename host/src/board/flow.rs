//! Streams: as much in flight as the board can take, and nothing lost.
//!
//! A frame of data says where in the stream it starts, and its answer how far the board has taken
//! the stream in. If that is not where anything in flight starts, something was lost, and the
//! stream goes on from there. Where there is doubt, because something came damaged or nothing came
//! for a while, a frame without data asks.

use std::collections::VecDeque;
use std::time::Instant;

use anyhow::{Result, bail};
use thumbnet_protocol::{Command, Stream, Taken};

use super::client::Client;
use super::line::{Event, Said};

/// The shortest piece of the stream in a frame, over a bad line.
const SHORTEST_PIECE: usize = 8;

/// Bytes of the credit that are left for frames that ask.
const RESERVE: usize = 64;

/// Most frames in flight.
const MOST_FLIGHTS: f64 = 64.0;

/// Where the bytes of a stream come from, and who wants to know what became of them.
pub trait Source {
    /// Appends what belongs together, such as a step; false, and nothing appended, at the end.
    ///
    /// # Errors
    ///
    /// The stream cannot go on.
    fn next(&mut self, bytes: &mut Vec<u8>) -> Result<bool>;

    /// Whether a frame ends with each of those parts, so that the board reports on each.
    fn one_by_one(&self) -> bool {
        false
    }

    /// The board has taken in more of the stream.
    ///
    /// # Errors
    ///
    /// The stream cannot go on.
    fn taken(&mut self, taken: &Taken) -> Result<()>;
}

/// What a stream took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes of the stream itself.
    pub stream: u64,
    /// Bytes sent, all frames and what came twice included.
    pub sent: u64,
    /// How often the stream had to go back.
    pub setbacks: u64,
}

/// A frame that is not answered yet.
struct Flight {
    number: u32,
    /// Which part of the stream it has.
    start: u32,
    end: u32,
    /// Bytes on the line.
    length: usize,
    sent: Instant,
}

/// A stream on its way.
struct Flow<'c> {
    client: &'c mut Client,
    flights: VecDeque<Flight>,
    /// The part of the stream that the board has not taken in, from `base` on.
    bytes: Vec<u8>,
    base: u32,
    /// What is sent next.
    next: u32,
    /// Bytes of a frame; fewer after losses, more after successes.
    piece: f64,
    /// Frames in flight, likewise: all those behind a lost one are sent in vain.
    most_flights: f64,
    setbacks: u64,
}

impl Client {
    /// Opens a stream, and sends all that comes from a source.
    ///
    /// # Errors
    ///
    /// The board refuses the stream or something in it, does not answer any more, or the source
    /// fails.
    pub fn stream(&mut self, stream: Stream, source: &mut dyn Source) -> Result<Traffic> {
        let written = self.line.written;
        self.open(stream)?;
        let piece = self.about.payload() as f64;
        let mut flow = Flow {
            client: self,
            flights: VecDeque::new(),
            bytes: Vec::new(),
            base: 0,
            next: 0,
            piece,
            most_flights: MOST_FLIGHTS,
            setbacks: 0,
        };
        flow.run(source)?;
        let (stream, setbacks) = (u64::from(flow.base), flow.setbacks);
        Ok(Traffic {
            stream,
            sent: self.line.written - written,
            setbacks,
        })
    }
}

impl Flow<'_> {
    fn run(&mut self, source: &mut dyn Source) -> Result<()> {
        self.client.patience.progressed();
        let mut more = true;
        // Where the part ends that was got from the source last.
        let mut end = 0;
        loop {
            loop {
                let piece = self.piece as usize;
                while more
                    && (end == self.next
                        || !source.one_by_one() && ((end - self.next) as usize) < piece)
                {
                    more = source.next(&mut self.bytes)?;
                    end = self.base + self.bytes.len() as u32;
                }
                if end == self.next || !self.may_send(piece) {
                    break;
                }
                self.send(end)?;
            }
            if self.base == end && !more {
                return Ok(());
            }
            match self.client.line.receive(self.client.patience.wait())? {
                Event::Answer(number, said) => {
                    self.client.patience.heard();
                    let base = self.base;
                    self.answered(number, said, source)?;
                    if self.base > base {
                        self.client.patience.progressed();
                    }
                    self.client.patience.check()?;
                }
                // An answer was lost; there will be others, or silence.
                Event::Garbage => self.client.patience.heard(),
                Event::Silence => {
                    self.client.patience.silent()?;
                    self.probe()?;
                }
            }
        }
    }

    /// Whether the board has room for one more frame with so much of the stream.
    fn may_send(&self, piece: usize) -> bool {
        let in_flight: usize = self.flights.iter().map(|flight| flight.length).sum();
        let length = piece + thumbnet_protocol::frame::overhead(piece);
        self.flights.is_empty()
            || self.flights.len() < self.most_flights as usize
                && in_flight + length + RESERVE <= self.client.about.credit
    }

    /// Sends what comes next, of a stream that is known up to `end`.
    fn send(&mut self, end: u32) -> Result<()> {
        let start = self.next;
        let end = end.min(start + self.piece as u32);
        let bytes = &self.bytes[(start - self.base) as usize..(end - self.base) as usize];
        self.client.number += 1;
        let (number, offset) = (self.client.number, start);
        let length = self
            .client
            .line
            .send(number, Command::Data { offset, bytes })?;
        self.flights.push_back(Flight {
            number,
            start,
            end,
            length,
            sent: Instant::now(),
        });
        self.next = end;
        Ok(())
    }

    /// Asks how far the stream has been taken in.
    fn probe(&mut self) -> Result<()> {
        self.client.number += 1;
        let (number, offset) = (self.client.number, self.base);
        self.client.line.interrupt()?;
        let bytes = &[];
        let length = self
            .client
            .line
            .send(number, Command::Data { offset, bytes })?;
        self.flights.push_back(Flight {
            number,
            start: offset,
            end: offset,
            length: length + 1,
            sent: Instant::now(),
        });
        Ok(())
    }

    fn answered(&mut self, number: u32, said: Said, source: &mut dyn Source) -> Result<()> {
        let taken = match said {
            Said::Taken(taken) => taken,
            Said::Damaged => {
                let asks = |flight: &Flight| flight.start == flight.end;
                return if self.flights.iter().any(asks) {
                    Ok(())
                } else {
                    self.probe()
                };
            }
            Said::Refused(refusal) => return Err(refusal.into()),
            // To what was asked before the stream was opened, twice for want of an answer.
            Said::Repeated | Said::Done | Said::Status(_) | Said::Bytes(..) => return Ok(()),
            Said::Hello(_) => bail!("the board was greeted by somebody else"),
        };
        let Some(last) = self.flights.back() else {
            return Ok(());
        };
        if number > last.number || taken.offset < self.base {
            return Ok(());
        }
        while let Some(flight) = self.flights.pop_front_if(|flight| flight.number <= number) {
            if flight.number == number {
                self.client.patience.answered(flight.sent.elapsed());
            }
            if flight.start < flight.end && flight.end <= taken.offset {
                let most = self.client.about.payload() as f64;
                self.piece = (self.piece * 1.5).min(most);
                self.most_flights = (self.most_flights + 0.25).min(MOST_FLIGHTS);
            }
        }
        let known = self.base + self.bytes.len() as u32;
        if taken.offset > known {
            bail!(
                "the board has taken in {} bytes of a stream of {known}: was it greeted by somebody \
                 else?",
                taken.offset
            );
        }
        let more = taken.offset > self.base;
        self.bytes.drain(..(taken.offset - self.base) as usize);
        self.base = taken.offset;
        self.next = self.next.max(self.base);
        let coming = self
            .flights
            .iter()
            .any(|flight| flight.start <= self.base && self.base < flight.end);
        if self.next > self.base && !coming {
            self.next = self.base;
            self.setbacks += 1;
            self.piece = (self.piece * 0.75).max(SHORTEST_PIECE as f64);
            self.most_flights = (self.most_flights * 0.5).max(1.0);
        }
        if more { source.taken(&taken) } else { Ok(()) }
    }
}

/// Bytes that are there already.
pub struct Whole<'b, F> {
    bytes: &'b [u8],
    report: F,
}

impl<'b, F: FnMut(u32)> Whole<'b, F> {
    /// These; `report` gets to know how many of them the board has.
    pub fn new(bytes: &'b [u8], report: F) -> Self {
        Self { bytes, report }
    }
}

impl<F: FnMut(u32)> Source for Whole<'_, F> {
    fn next(&mut self, bytes: &mut Vec<u8>) -> Result<bool> {
        let (piece, rest) = self.bytes.split_at(self.bytes.len().min(1 << 12));
        bytes.extend_from_slice(piece);
        self.bytes = rest;
        Ok(!piece.is_empty())
    }

    fn taken(&mut self, taken: &Taken) -> Result<()> {
        (self.report)(taken.offset);
        Ok(())
    }
}
