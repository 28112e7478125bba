//! QEMU as a child process: how it is started, watched and ended.

use std::{
    io::{self, Read},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};

/// The emulator of 32-bit Arm systems.
const QEMU: &str = "qemu-system-arm";

/// How often a silent program is checked for Ctrl-C and for its time.
const POLL: Duration = Duration::from_millis(50);

/// How a program came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It exited with this code.
    Exit(u8),
    /// Something ended QEMU with this signal, which may have been QEMU.
    Signal(i32),
    /// It took too long.
    Timeout,
    /// Ctrl-C.
    Interrupt,
}

/// A QEMU that runs a program.
#[derive(Debug)]
pub struct Qemu {
    child: Child,
}

impl Qemu {
    /// Starts a program; the first of its arguments is its name.
    ///
    /// # Errors
    ///
    /// If QEMU does not start, or an argument cannot be passed to a program.
    pub fn start<'a>(
        machine: &str,
        elf: &Path,
        arguments: impl IntoIterator<Item = &'a str>,
    ) -> anyhow::Result<Self> {
        Self::start_command(Command::new(QEMU), machine, elf, "null", arguments)
    }

    /// [`start`](Self::start), with the board's first serial line connected to a TCP port that
    /// listens at `address`.
    ///
    /// # Errors
    ///
    /// As `start`.
    pub fn start_with_line(machine: &str, elf: &Path, address: SocketAddr) -> anyhow::Result<Self> {
        // Without delay: answers are short.
        let line = format!("tcp:{address},nodelay=on");
        Self::start_command(Command::new(QEMU), machine, elf, &line, [])
    }

    /// [`start`](Self::start), with the bytes of a file in memory, from `address` on, before the
    /// program runs.
    ///
    /// # Errors
    ///
    /// As `start`, or the file's path is not UTF-8.
    pub fn start_with_memory(
        machine: &str,
        elf: &Path,
        file: &Path,
        address: u64,
    ) -> anyhow::Result<Self> {
        let file = file
            .to_str()
            .with_context(|| format!("QEMU needs paths in UTF-8, found {}", file.display()))?
            // A comma ends the value, a doubled one is part of it.
            .replace(',', ",,");
        let mut command = Command::new(QEMU);
        let loader = format!("loader,addr={address:#x},force-raw=on,file={file}");
        command.args(["-device", &loader]);
        Self::start_command(command, machine, elf, "null", [])
    }

    fn start_command<'a>(
        mut command: Command,
        machine: &str,
        elf: &Path,
        line: &str,
        arguments: impl IntoIterator<Item = &'a str>,
    ) -> anyhow::Result<Self> {
        command
            .args(["-M", machine, "-nographic", "-monitor", "none"])
            .args(["-serial", line])
            // One instruction is one nanosecond, whatever the desktop is doing.
            .args(["-icount", "shift=0"])
            .args(["-semihosting-config", &semihosting_config(arguments)?])
            .arg("-kernel")
            .arg(elf)
            .stdin(Stdio::null())
            .stdout(Stdio::piped());

        // In a group of its own QEMU does not get a terminal's Ctrl-C, to which it would answer with
        // a message and exit code 0. It is for `run` to end it.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);

        Ok(Self {
            child: command.spawn().map_err(not_started)?,
        })
    }

    /// Passes the program's output on until the program ends, or is ended after `timeout` or as soon
    /// as `interrupt` is set.
    ///
    /// # Errors
    ///
    /// If `output` fails, which ends the program too.
    pub fn run(
        mut self,
        timeout: Duration,
        interrupt: &AtomicBool,
        mut output: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<Ending> {
        let deadline = Instant::now() + timeout;
        let mut stdout = self.child.stdout.take().expect("standard output is a pipe");

        // Reading blocks, so a thread of its own does it; few pieces wait, so a chatty program is
        // slowed to what can be printed. The thread ends with the pipe or with the receiver.
        let (sender, pieces) = mpsc::sync_channel::<Vec<u8>>(16);
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = stdout.read(&mut buffer) {
                if sender.send(buffer[..length].to_vec()).is_err() {
                    break;
                }
            }
        });

        loop {
            match pieces.recv_timeout(POLL) {
                Ok(piece) => output(&piece)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if interrupt.load(Ordering::Relaxed) {
                return Ok(Ending::Interrupt);
            }
            if Instant::now() >= deadline {
                return Ok(Ending::Timeout);
            }
        }
        let status = self.child.wait()?;
        // Ctrl-C may come between the last output and here.
        Ok(if interrupt.load(Ordering::Relaxed) {
            Ending::Interrupt
        } else {
            ending(status)
        })
    }
}

impl Drop for Qemu {
    /// However `run` is left, QEMU does not outlive it.
    fn drop(&mut self) {
        // Both fail if it has ended already, which is what they are for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ending(status: ExitStatus) -> Ending {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return Ending::Signal(signal);
    }
    // Semihosting passes a whole word on; a desktop's exit code is its lowest byte.
    Ending::Exit(status.code().map_or(1, |code| code as u8))
}

/// Checks that there is a QEMU and that it knows a machine.
///
/// # Errors
///
/// If not.
pub fn check_machine(machine: &str) -> anyhow::Result<()> {
    let help = Command::new(QEMU)
        .args(["-M", "help"])
        .stdin(Stdio::null())
        .output()
        .map_err(not_started)?;
    let help = String::from_utf8_lossy(&help.stdout);
    if !help
        .lines()
        .any(|line| line.split_whitespace().next() == Some(machine))
    {
        bail!("{QEMU} has no machine {machine:?}: see `{QEMU} -M help`, or try mps2-an386");
    }
    Ok(())
}

fn not_started(error: io::Error) -> anyhow::Error {
    match error.kind() {
        io::ErrorKind::NotFound => {
            anyhow::anyhow!("{QEMU} is not installed: type `apt-get install {QEMU}`")
        }
        _ => anyhow::Error::new(error).context(format!("{QEMU} does not start")),
    }
}

/// The value of `-semihosting-config` that gives a program these arguments.
fn semihosting_config<'a>(arguments: impl IntoIterator<Item = &'a str>) -> anyhow::Result<String> {
    let mut config = String::from("enable=on,target=native");
    for argument in arguments {
        config.push_str(",arg=");
        // A comma ends the value, a doubled one is part of it.
        config.push_str(&quoted(argument)?.replace(',', ",,"));
    }
    Ok(config)
}

/// An argument as it has to be written so that a program finds it whole: QEMU puts a space between
/// arguments and hands them over as one line, which programs split at blanks outside of quotes.
fn quoted(argument: &str) -> anyhow::Result<String> {
    let blank = |letter: char| letter == ' ' || letter == '\t';
    let quote = |letter: char| letter == '"' || letter == '\'';
    if !argument.is_empty() && !argument.contains(blank) && !argument.starts_with(quote) {
        return Ok(argument.to_owned());
    }
    ['"', '\'']
        .into_iter()
        .find(|&mark| !argument.contains(mark))
        .map(|mark| format!("{mark}{argument}{mark}"))
        .with_context(|| {
            format!("argument {argument:?} has blanks and both kinds of quotes: leave one kind out")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_survive_the_way_to_a_program() {
        let config = semihosting_config(["train", "/a b/c,d", "", "it's", "'x'"]).unwrap();
        assert_eq!(
            config,
            "enable=on,target=native,arg=train,arg=\"/a b/c,,d\",arg=\"\",arg=it's,arg=\"'x'\""
        );
    }

    #[test]
    fn an_argument_that_cannot_be_quoted_is_refused() {
        let error = quoted("a \"b\" 'c'").unwrap_err();
        assert!(
            error.to_string().contains("both kinds of quotes"),
            "{error}"
        );
    }
}
