//! What the tests of this folder share: the programs, built; a desk to try them on; what they said.
//!
//! Tests start what a user starts: the optimised `thumbnet`, and boards' programs in QEMU. They
//! need no network. Those that need QEMU or MNIST are ignored by a plain `cargo test`, which works
//! with Rust alone; `tests/run` runs them all.
// Signals, links and scripts are used as Unix has them.
#![cfg(unix)]

use std::ffi::OsStr;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// Far longer than any program here takes on the slowest machine: it only keeps a hanging one from
/// hanging the tests too.
const PATIENCE: Duration = Duration::from_secs(600);

/// A port on this machine that nobody listens on, as a proxy: whoever wants the network is
/// refused at once.
const NOWHERE: &str = "http://127.0.0.1:9";

/// The repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("this crate is in a folder of the repository")
}

/// The `thumbnet` program, built with optimisation, as users build it.
pub fn thumbnet() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let mut cargo = cargo();
        cargo.args(["--package", "thumbnet-host", "--bin", "thumbnet"]);
        built(cargo, "thumbnet")
    })
}

/// A board that QEMU emulates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Board {
    /// Cortex-M0: computes floating point in software, with few instructions to do it.
    M0,
    /// Cortex-M3: computes it in software.
    M3,
    /// Cortex-M4F: has 32-bit floating point.
    M4F,
    /// Cortex-M7: has it too, and runs the same programs.
    M7,
    /// Cortex-M33: has it too, with instructions and a memory map of its own.
    M33,
}

impl Board {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::M0, Self::M3, Self::M4F, Self::M7, Self::M33];

    /// One that has floating point and one that has not, for what differs in nothing else.
    pub const PAIR: [Self; 2] = [Self::M4F, Self::M3];

    /// Cargo's alias that runs a program on it.
    pub const fn alias(self) -> &'static str {
        match self {
            Self::M0 => "m0",
            Self::M3 => "m3",
            Self::M4F => "m4f",
            Self::M7 => "m7",
            Self::M33 => "m33",
        }
    }

    /// What `cargo build` is told to build for it.
    const fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::M0 => &["--target", "thumbv6m-none-eabi"],
            Self::M3 => &["--target", "thumbv7m-none-eabi"],
            Self::M4F => &["--target", "thumbv7em-none-eabihf"],
            Self::M7 => &[
                "--target",
                "thumbv7em-none-eabihf",
                "--features",
                "cortex-m7",
            ],
            Self::M33 => &["--target", "thumbv8m.main-none-eabihf"],
        }
    }

    /// Builds one of its programs, with another model in it than the repository's if one is given,
    /// and puts a copy on the desk: the next build may replace what cargo wrote.
    pub fn program(self, name: &str, model: Option<&Path>, desk: &Desk) -> PathBuf {
        static BUILDING: Mutex<()> = Mutex::new(());
        let _one_at_a_time = BUILDING.lock().unwrap_or_else(PoisonError::into_inner);

        let mut cargo = cargo();
        cargo.args(["--package", "thumbnet-mps2", "--bin", name]);
        cargo.args(self.arguments());
        if let Some(model) = model {
            cargo.env("THUMBNET_MODEL", model);
        }
        let copy = desk.aside(&format!("{name}-{self:?}"));
        std::fs::copy(built(cargo, name), &copy).expect("the desk can be written");
        copy
    }
}

/// A program of a board that people have, built: `board_program("pico", TARGET, "digits")`.
pub fn board_program(board: &str, target: &str, name: &str) -> PathBuf {
    let name = format!("{board}-{name}");
    let mut cargo = cargo();
    cargo.args(["--package", &format!("thumbnet-{board}"), "--bin", &name]);
    cargo.args(["--target", target]);
    built(cargo, &name)
}

/// `cargo build --release` of this repository, unaffected by what this very test was built with.
fn cargo() -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args([
            "build",
            "--release",
            "--quiet",
            "--message-format=json-render-diagnostics",
        ])
        .current_dir(root())
        .env_remove("CARGO_BUILD_TARGET")
        .env_remove("DEFMT_LOG")
        .env_remove("THUMBNET_MODEL");
    // Which package this test is of: some build scripts of dependencies would run again for it.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(&name);
        }
    }
    cargo
}

/// Runs `cargo build`, and returns where it put the program `name`.
fn built(mut cargo: Command, name: &str) -> PathBuf {
    let output = cargo
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo starts");
    assert!(output.status.success(), "{name} does not build");
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == name)
        .find_map(|message| Some(PathBuf::from(message["executable"].as_str()?)))
        .expect("cargo says where it puts a program")
}

/// Where a program is in `PATH`.
pub fn find_tool(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places = std::env::split_paths(&path).map(|folder| folder.join(name));
    places
        .find(|place| place.is_file())
        .unwrap_or_else(|| panic!("{name} is not installed"))
}

/// The folder with MNIST's four uncompressed files: that of `THUMBNET_DATA`, or the cache, which is
/// filled if need be.
pub fn mnist() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        thumbnet_host::data::mnist_folder().unwrap_or_else(|error| panic!("{error:#}"))
    })
}

/// A folder to work in, with a home and a cache beside it, and no way to any network.
#[derive(Debug)]
pub struct Desk {
    folder: TempDir,
    mnist: bool,
}

impl Desk {
    /// An empty desk, without MNIST: its cache is empty.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("temporary folders can be made");
        for name in ["work", "home", "aside"] {
            std::fs::create_dir(folder.path().join(name)).expect("it is writable");
        }
        Self {
            folder,
            mnist: false,
        }
    }

    /// The same with MNIST, in `THUMBNET_DATA`.
    pub fn with_mnist() -> Self {
        Self {
            mnist: true,
            ..Self::new()
        }
    }

    /// A path in the folder that programs are started in.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("work").join(name)
    }

    /// A path in a folder of which programs know nothing.
    pub fn aside(&self, name: &str) -> PathBuf {
        self.folder.path().join("aside").join(name)
    }

    /// A path in the cache.
    pub fn cache(&self, name: &str) -> PathBuf {
        self.folder.path().join("cache").join(name)
    }

    /// A folder for `PATH` with nothing in it but links to these programs, and what
    /// [`write_tool`](Self::write_tool) puts there.
    pub fn tools(&self, names: &[&str]) -> PathBuf {
        let folder = self.aside("tools");
        std::fs::create_dir_all(&folder).expect("the desk can be written");
        for name in names {
            std::os::unix::fs::symlink(find_tool(name), folder.join(name)).expect("it is free");
        }
        folder
    }

    /// Writes a script that takes a program's place in [`tools`](Self::tools).
    pub fn write_tool(&self, name: &str, script: &str) {
        let path = self.tools(&[]).join(name);
        std::fs::write(&path, script).expect("the desk can be written");
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(path, executable).expect("it is ours");
    }

    /// All files and folders that programs left, as paths from where they were started, sorted.
    pub fn found(&self) -> Vec<String> {
        fn add(folder: &Path, top: &Path, names: &mut Vec<String>) {
            for entry in std::fs::read_dir(folder).expect("the desk can be read") {
                let path = entry.expect("the desk can be read").path();
                let name = path.strip_prefix(top).expect("it is below");
                names.push(name.display().to_string());
                if path.is_dir() {
                    add(&path, top, names);
                }
            }
        }
        let top = self.path("");
        let mut names = Vec::new();
        add(&top, &top, &mut names);
        names.sort();
        names
    }

    /// A program to be started on this desk.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.path(""))
            .env("HOME", self.folder.path().join("home"))
            .env("THUMBNET_CACHE", self.cache(""))
            .env_remove("XDG_CACHE_HOME")
            // Cargo's own, by which `thumbnet` knows that it was started with `cargo run`.
            .env_remove("CARGO_PKG_NAME")
            .env_remove("THUMBNET_DATA")
            .env_remove("NO_PROXY")
            .env_remove("no_proxy");
        for proxy in ["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY"] {
            command
                .env(proxy, NOWHERE)
                .env(proxy.to_lowercase(), NOWHERE);
        }
        if self.mnist {
            command.env("THUMBNET_DATA", mnist());
        }
        command
    }

    /// `thumbnet`, to be started with these arguments.
    pub fn thumbnet<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = self.command(thumbnet());
        command.args(arguments);
        command
    }

    /// Runs `thumbnet` to its end.
    pub fn run<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Run {
        Run::of(&mut self.thumbnet(arguments))
    }

    /// Runs a board's program to its end; its arguments come last in `arguments`.
    pub fn emulate(&self, program: &Path, arguments: &[&str]) -> Run {
        let first = ["emulate".as_ref(), "--json".as_ref(), program.as_os_str()];
        self.run(first.into_iter().chain(arguments.iter().map(OsStr::new)))
    }
}

impl Default for Desk {
    fn default() -> Self {
        Self::new()
    }
}

/// What a program said, and how it ended.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Run {
    /// Runs a program to its end.
    pub fn of(command: &mut Command) -> Self {
        Self::start(command).end()
    }

    /// Starts a program.
    pub fn start(command: &mut Command) -> Started {
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        Started {
            child,
            read: String::new(),
        }
    }

    /// The same run, which must have been successful.
    #[track_caller]
    pub fn successful(self) -> Self {
        assert_eq!(self.code, Some(0), "{}\n{}", self.stdout, self.stderr);
        self
    }

    /// Asserts that the program did nothing but say what is wrong: exit code 2, nothing on standard
    /// output, one error on standard error, with all of these words in it.
    #[track_caller]
    pub fn refused(&self, words: &[&str]) {
        assert_eq!(self.code, Some(2), "{self:?}");
        assert_eq!(self.stdout, "", "{self:?}");
        let errors = self.stderr.matches("error:").count();
        assert!(errors == 1 && !self.stderr.contains("panicked"), "{self:?}");
        let at = self.stderr.find("error:").unwrap_or_default();
        let before = &self.stderr[..at];
        assert!(before.is_empty() || before.ends_with('\n'), "{self:?}");
        for word in words {
            assert!(self.stderr[at..].contains(word), "no {word:?} in {self:?}");
        }
    }

    /// Standard output as one JSON object a line, and nothing else.
    #[track_caller]
    pub fn json(&self) -> Vec<Value> {
        let object = |line| match serde_json::from_str(line) {
            Ok(value @ Value::Object(_)) => value,
            other => panic!("{line:?} is no JSON object: {other:?}"),
        };
        self.stdout.lines().map(object).collect()
    }

    /// The messages of a board's log.
    #[track_caller]
    pub fn log(&self) -> Vec<String> {
        let text = |line: Value| line["message"].as_str().map(str::to_owned);
        let messages = self.json().into_iter().map(text);
        messages
            .map(|message| message.expect("every line has a message"))
            .collect()
    }

    /// What stands between `before` and `after` in the only message of a board's log that has both.
    #[track_caller]
    pub fn logged(&self, before: &str, after: &str) -> String {
        let log = self.log();
        let mut found = log.iter().filter_map(|message| {
            let (_, rest) = message.split_once(before)?;
            let (value, _) = rest.split_once(after)?;
            Some(value.to_owned())
        });
        let value = found.next();
        assert!(found.next().is_none(), "{before:?} twice in {log:#?}");
        value.unwrap_or_else(|| panic!("no {before:?}..{after:?} in {self:?}"))
    }

    /// The same as a whole number.
    #[track_caller]
    pub fn counted(&self, before: &str, after: &str) -> u64 {
        let text = self.logged(before, after);
        text.parse()
            .unwrap_or_else(|_| panic!("{text:?} is no whole number"))
    }

    /// The CRC-32 of `what` in a board's log.
    #[track_caller]
    pub fn crc(&self, what: &str) -> String {
        let before = format!(" of {what} ");
        let log = self.log();
        let crcs = log.iter().filter(|message| message.contains("CRC-32"));
        let mut found = crcs.filter_map(|message| message.split(&before).nth(1)?.get(..8));
        let crc = found.next();
        crc.unwrap_or_else(|| panic!("no CRC-32 of {what} in {self:?}"))
            .to_owned()
    }
}

/// A program that runs; it is killed if a test ends before it.
#[derive(Debug)]
pub struct Started {
    /// The process.
    pub child: Child,
    /// What was read of its standard output already.
    read: String,
}

impl Started {
    /// Waits until standard output has had a line with `word` in it.
    #[track_caller]
    pub fn until(&mut self, word: &str) {
        let stdout = self.child.stdout.as_mut().expect("it is a pipe");
        let start = self.read.len();
        let mut byte = [0];
        // Byte by byte, so that nothing is taken away from whoever reads the rest.
        while stdout.read(&mut byte).expect("a pipe can be read") == 1 {
            self.read.push(char::from(byte[0]));
            if byte == *b"\n" && self.read[start..].contains(word) {
                return;
            }
        }
        panic!("no {word:?} before the end of {:?}", self.read);
    }

    /// Sends a signal, such as `INT`, to this process alone.
    pub fn signal(&self, name: &str) {
        // The shell's own `kill`, which even the smallest system has.
        let kill = format!("kill -{name} {}", self.child.id());
        let status = Command::new("sh").args(["-c", &kill]).status();
        assert!(status.expect("there is a shell").success(), "{kill}");
    }

    /// Waits for the end.
    #[track_caller]
    pub fn end(mut self) -> Run {
        fn reader(stream: impl Read + Send + 'static) -> thread::JoinHandle<String> {
            let mut stream = stream;
            thread::spawn(move || {
                let mut bytes = Vec::new();
                stream.read_to_end(&mut bytes).expect("a pipe can be read");
                String::from_utf8(bytes).expect("programs print UTF-8")
            })
        }
        let stdout = self.child.stdout.take().map(reader);
        let stderr = self.child.stderr.take().map(reader);
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("it is ours to wait for") {
                break status;
            }
            assert!(Instant::now() < deadline, "a program does not end");
            thread::sleep(Duration::from_millis(10));
        };
        let text = |reader: Option<thread::JoinHandle<String>>| {
            reader.map_or_else(String::new, |reader| reader.join().expect("it ends"))
        };
        Run {
            code: status.code(),
            stdout: std::mem::take(&mut self.read) + &text(stdout),
            stderr: text(stderr),
        }
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // Both do nothing if it has ended, as it usually has.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
