//! Programs for boards, built by cargo from the repository that this program was built from.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

/// Builds for a target, without a log, and with the network of a weights file in flash; `arguments`
/// say what. Returns the names and paths of all programs.
///
/// # Errors
///
/// The repository, cargo or the target is missing, or the sources do not compile.
pub(crate) fn build(
    triple: &str,
    arguments: &[&str],
    model: &Path,
) -> Result<Vec<(String, PathBuf)>> {
    let root = root()?;
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .args(["build", "--release", "--quiet", "--no-default-features"])
        .args(["--target", triple])
        .args(arguments)
        .arg("--message-format=json-render-diagnostics")
        .env("THUMBNET_MODEL", model)
        .env_remove("CARGO_BUILD_TARGET")
        .current_dir(&root)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit());
    let output = cargo
        .output()
        .context("cargo, which builds the programs for boards, does not start")?;
    ensure!(
        output.status.success(),
        "the programs for {triple} do not build, cargo says why: if the target is missing, type \
         `rustup target add {triple}`"
    );
    let messages = String::from_utf8_lossy(&output.stdout);
    let programs = messages.lines().filter_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        let path = message["executable"].as_str()?;
        let name = message["target"]["name"].as_str()?;
        Some((name.to_owned(), PathBuf::from(path)))
    });
    Ok(programs.collect())
}

/// The repository that this program was built from.
///
/// # Errors
///
/// It is not there any more.
pub(crate) fn root() -> Result<PathBuf> {
    let host = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = host.parent().unwrap_or(host);
    if !root.join("firmware/mps2/Cargo.toml").is_file() {
        bail!(
            "expected the repository in {}, from which this program was built and which has the \
             boards' sources: build it again where the repository is now",
            root.display()
        );
    }
    Ok(root.to_owned())
}
