//! Files that appear whole or not at all, and never in place of something else.

use std::io::{ErrorKind, Write};
use std::path::Path;

use anyhow::{Context, Result, ensure};

/// Whether a file that is to be `kind` may be written to `path`: a slip of the hand must not cost a
/// history or a weights file, so whatever is there has to be of the same kind, as `is_kind` tells by
/// its bytes.
///
/// # Errors
///
/// When something else is there, or it cannot be read.
pub fn check_replaceable(path: &Path, kind: &str, is_kind: fn(&[u8]) -> bool) -> Result<()> {
    let replaceable = match std::fs::read(path) {
        Ok(bytes) => is_kind(&bytes),
        Err(error) if error.kind() == ErrorKind::NotFound => true,
        Err(error) => return Err(error).with_context(|| path.display().to_string()),
    };
    ensure!(
        replaceable,
        "expected a name that is free, or {kind} to replace, found {}, which is something else",
        path.display()
    );
    Ok(())
}

/// Writes `bytes` to a temporary file beside `path`, and renames it when it is complete.
///
/// # Errors
/// When the folder cannot be written to.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let write = || -> std::io::Result<()> {
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        {
            // Temporary files are private by default; what a user asked for is as readable as any
            // file that the user makes.
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let mut file = builder.tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}
