//! Reading the four files of a data set from a folder, under any of their names, plain or `.gz`.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use flate2::read::MultiGzDecoder;

use super::inflated::{Inflated, Plain};
use super::known::{FILES, sha256};

/// No file may be larger once uncompressed: a damaged or hostile .gz must not eat all memory.
pub(crate) const MAX_BYTES: u64 = 2 << 30;

/// How every gzip file starts; an IDX file starts with two zeros.
pub(crate) const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Checksums a folder may bring along, in the format `sha256sum` writes.
pub(crate) const SUMS: &str = "SHA256SUMS";

/// One file of a data set, uncompressed.
pub(crate) struct File {
    pub(crate) path: PathBuf,
    pub(crate) bytes: Vec<u8>,
    /// SHA-256 of `bytes`.
    pub(crate) sha256: String,
    /// Whether the folder's own [`SUMS`] lists this file with the SHA-256 it has.
    pub(crate) vouched: bool,
    /// Whether the folder holds the file compressed.
    pub(crate) compressed: bool,
}

impl File {
    /// How messages call the file.
    pub(crate) fn name(&self) -> String {
        self.path.display().to_string()
    }
}

/// The spellings of a file's name, in the order in which they are looked for.
///
/// Plain files come first: they need no decompression, and a program that unpacks in place leaves
/// the .gz beside them.
fn spellings(name: &str) -> [String; 4] {
    let dotted = name.replacen("-idx", ".idx", 1);
    [
        name.to_owned(),
        dotted.clone(),
        format!("{name}.gz"),
        format!("{dotted}.gz"),
    ]
}

/// The path of one of [`FILES`] in a folder, under the first spelling that exists.
pub(crate) fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    spellings(name)
        .into_iter()
        .map(|spelling| folder.join(spelling))
        .find(|path| path.is_file())
}

/// The four files of a data set, in the order of [`FILES`]; what large ones hold that are compressed
/// is kept in `inflated`, and taken from there.
///
/// # Errors
///
/// No such folder, a missing or unreadable file, a file that differs from the folder's own
/// SHA256SUMS.
pub(crate) fn read_four(folder: &Path, inflated: &Inflated) -> Result<[File; 4]> {
    let place = folder.display();
    ensure!(
        folder.is_dir(),
        "{place}: expected mnist, fashion-mnist, digits, xor, two-moons or a folder with MNIST's four \
         files, found {}",
        if folder.exists() {
            "a file: give the folder it is in"
        } else {
            "no such folder: check the spelling"
        }
    );
    let mut paths = Vec::new();
    for name in FILES {
        match find(folder, name) {
            Some(path) => paths.push(path),
            None => bail!(
                "{place}: expected the four files of a data set, found no {name} (nor {}, nor \
                 either with .gz): put it there or give another folder",
                spellings(name)[1]
            ),
        }
    }
    let sums = read_sums(folder)?;
    // One thread per file: the two large ones take most of the time, in decompression and SHA-256.
    let mut files = std::thread::scope(|scope| {
        let readers: Vec<_> = paths
            .into_iter()
            .map(|path| scope.spawn(|| read_one(path, &sums, inflated)))
            .collect();
        readers
            .into_iter()
            .map(|reader| {
                reader.join().unwrap_or_else(|_| {
                    bail!("{place}: a thread that read a file stopped: try again")
                })
            })
            .collect::<Result<Vec<File>>>()
    })?
    .into_iter();
    let mut next = || files.next().context("expected four files, found fewer");
    Ok([next()?, next()?, next()?, next()?])
}

fn read_one(path: PathBuf, sums: &[(String, String)], inflated: &Inflated) -> Result<File> {
    let name = path.display();
    let stored = fs::read(&path).with_context(|| format!("{name}: cannot be read"))?;
    let listed = path
        .file_name()
        .and_then(|file| sums.iter().find(|(entry, _)| file == entry.as_str()));
    if let Some((_, expected)) = listed {
        let found = sha256(&stored);
        ensure!(
            found == *expected,
            "{name}: expected SHA-256 {expected} as {SUMS} beside it says, found {found}: the file \
             is damaged, fetch it again"
        );
    }
    let vouched = listed.is_some();
    let compressed = stored.starts_with(&GZIP);
    let Plain { bytes, sha256 } = inflated
        .expand(stored)
        .with_context(|| format!("{name}: expected a whole .gz file, found a damaged one"))?;
    Ok(File {
        path,
        compressed,
        bytes,
        sha256,
        vouched,
    })
}

/// Name and SHA-256 of every line of the folder's SHA256SUMS, if it has one.
fn read_sums(folder: &Path) -> Result<Vec<(String, String)>> {
    let path = folder.join(SUMS);
    if !path.is_file() {
        return Ok(Vec::new());
    }
    let text =
        fs::read_to_string(&path).with_context(|| format!("{}: cannot be read", path.display()))?;
    // A line is 64 digits, a space, a space or (binary mode) a star, and the file's name.
    Ok(text
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(sum, name)| {
            let name = name.trim().trim_start_matches('*').trim_start_matches("./");
            (name.to_owned(), sum.to_ascii_lowercase())
        })
        .collect())
}

/// The bytes, decompressed if they are a gzip file, whatever the file was called.
///
/// # Errors
///
/// A damaged gzip file, or more than `limit` bytes in it.
pub(crate) fn expand(bytes: Vec<u8>, limit: u64) -> Result<Vec<u8>> {
    if !bytes.starts_with(&GZIP) {
        return Ok(bytes);
    }
    let mut expanded = Vec::new();
    MultiGzDecoder::new(&bytes[..])
        .take(limit + 1)
        .read_to_end(&mut expanded)?;
    ensure!(
        expanded.len() as u64 <= limit,
        "more than {limit} bytes once uncompressed"
    );
    Ok(expanded)
}

/// Writes a file whole or not at all: under a temporary name first, then renamed.
///
/// Two processes that write the same file at once each rename their own, so the name always holds
/// one whole file.
pub(crate) fn write_whole(folder: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf> {
    let path = folder.join(name);
    let store = || -> std::io::Result<()> {
        fs::create_dir_all(folder)?;
        let prefix = format!(".{name}.");
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix).suffix(".part");
        // Temporary files are private by default, but a cache may be shared between users.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
        let mut part = builder.tempfile_in(folder)?;
        part.write_all(bytes)?;
        part.persist(&path)?;
        Ok(())
    };
    store().with_context(|| format!("{}: cannot be written", path.display()))?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};

    fn gz(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn plain_bytes_stay_and_gzip_is_expanded() {
        assert_eq!(expand(vec![0, 0, 8], 10).unwrap(), [0, 0, 8]);
        assert_eq!(expand(gz(b"seven"), 10).unwrap(), b"seven");
        assert_eq!(expand(gz(b"seven"), 5).unwrap(), b"seven");
        assert!(expand(gz(b"seven"), 4).is_err());
    }

    #[test]
    fn every_truncation_of_a_gzip_file_is_refused() {
        let whole = gz(b"a few bytes that compress a little, a little, a little");
        for length in 2..whole.len() {
            assert!(expand(whole[..length].to_vec(), 1000).is_err(), "{length}");
        }
    }

    #[test]
    fn every_spelling_is_found() {
        for spelling in spellings(FILES[0]) {
            let folder = tempfile::tempdir().unwrap();
            assert_eq!(find(folder.path(), FILES[0]), None);
            fs::write(folder.path().join(&spelling), b"x").unwrap();
            assert_eq!(
                find(folder.path(), FILES[0]),
                Some(folder.path().join(spelling))
            );
        }
        assert!(spellings(FILES[0]).contains(&"train-images.idx3-ubyte.gz".to_owned()));
    }

    #[test]
    fn writing_replaces_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("made/on/the/way");
        write_whole(&cache, "f", b"old").unwrap();
        let path = write_whole(&cache, "f", b"new").unwrap();
        assert_eq!(fs::read(path).unwrap(), b"new");
        assert_eq!(fs::read_dir(&cache).unwrap().count(), 1);
    }
}
