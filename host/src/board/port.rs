//! Where a board is, and the way to it.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, Result};

use super::qemu::{Emulated, EmulatedBoard};
use crate::model::Model;

/// How long a read waits at most: so long a line that nobody needs any more stays open.
const READ_TIMEOUT: Duration = Duration::from_millis(100);

/// How long a TCP port may take to accept.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// What `--port` takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Port {
    /// A serial port, by its name.
    Serial(String),
    /// `tcp:HOST:PORT`.
    Tcp(String),
    /// `qemu`, or `qemu:BOARD`: the program is built and emulated.
    Qemu(EmulatedBoard),
}

impl FromStr for Port {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "qemu" => Ok(Self::Qemu(EmulatedBoard::default())),
            Some(("qemu", board)) => board.parse().map(Self::Qemu),
            Some(("tcp", address)) if address.contains(':') => Ok(Self::Tcp(address.to_owned())),
            Some(("tcp", _)) => Err("expected tcp:HOST:PORT".to_owned()),
            _ if text.is_empty() => {
                Err("expected the name of a serial port, tcp:HOST:PORT, or qemu[:BOARD]".to_owned())
            }
            _ => Ok(Self::Serial(text.to_owned())),
        }
    }
}

impl std::fmt::Display for Port {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Serial(name) => f.write_str(name),
            Self::Tcp(address) => write!(f, "tcp:{address}"),
            Self::Qemu(board) => write!(f, "qemu:{board}"),
        }
    }
}

/// Both directions of an open port.
pub(super) struct Ends {
    pub(super) reader: Box<dyn Read + Send>,
    pub(super) writer: Box<dyn Write + Send>,
    /// The emulator, which ends with this.
    pub(super) emulated: Option<Emulated>,
}

impl Port {
    /// Opens it, a serial port at `baud` bits a second. An emulated board's program is built for the
    /// form of `model`, or with the repository's own network.
    ///
    /// # Errors
    ///
    /// Says which port could not be opened, and why.
    pub(super) fn open(&self, baud: u32, model: Option<&Model>) -> Result<Ends> {
        match self {
            Self::Serial(name) => serial(name, baud),
            Self::Tcp(address) => tcp(connect(address)?, None),
            Self::Qemu(board) => {
                let (emulated, stream) = Emulated::start(*board, model)?;
                tcp(stream, Some(emulated))
            }
        }
    }
}

fn serial(name: &str, baud: u32) -> Result<Ends> {
    let port = serialport::new(name, baud).timeout(READ_TIMEOUT).open();
    let writer = port.with_context(|| {
        format!(
            "{name} does not open as a serial port: `thumbnet board ports` lists those there are"
        )
    })?;
    let reader = writer
        .try_clone()
        .context("it cannot be read and written at once")?;
    Ok(Ends {
        reader: Box::new(reader),
        writer: Box::new(writer),
        emulated: None,
    })
}

fn connect(address: &str) -> Result<TcpStream> {
    use std::net::ToSocketAddrs;
    let addresses = address
        .to_socket_addrs()
        .with_context(|| format!("expected tcp:HOST:PORT, found {address}"))?;
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in addresses {
        match TcpStream::connect_timeout(&address, CONNECT_TIMEOUT) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last).context("nobody answers there")
}

fn tcp(stream: TcpStream, emulated: Option<Emulated>) -> Result<Ends> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(READ_TIMEOUT))?;
    Ok(Ends {
        reader: Box::new(stream.try_clone()?),
        writer: Box::new(stream),
        emulated,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_what_they_look_like() {
        let parsed = |text: &str| text.parse::<Port>().map(|port| port.to_string());
        for text in [
            "/dev/ttyACM0",
            "COM3",
            "tcp:localhost:7000",
            "tcp:[::1]:7",
            "qemu:m0",
        ] {
            assert_eq!(parsed(text), Ok(text.to_owned()));
        }
        assert_eq!(parsed("qemu"), Ok("qemu:m4f".to_owned()));
        assert_eq!(parsed("tcp:7000"), Err("expected tcp:HOST:PORT".to_owned()));
        assert!(parsed("qemu:z80").unwrap_err().contains("m0, m3, m4f, m7"));
        assert!(parsed("").is_err());
    }

    #[test]
    fn a_port_that_is_not_there_is_named() {
        let error = |text: &str| {
            let port: Port = text.parse().unwrap();
            format!("{:#}", port.open(115_200, None).err().unwrap())
        };
        let message = error("/dev/no-such-port");
        assert!(
            message.starts_with("/dev/no-such-port does not open"),
            "{message}"
        );
        // A port that was free a moment ago.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let message = error(&format!("tcp:{address}"));
        assert!(message.contains("nobody answers there"), "{message}");
    }
}
