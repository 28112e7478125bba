//! What large `.gz` files hold, kept uncompressed in the cache folder, since reading that is quicker
//! than inflating: `thumbnet train` gets to its first epoch in a quarter of the time.
//!
//! An entry is named after the SHA-256 of the compressed file, of every byte of it as it is now:
//! another file, or a changed one, has another entry or none. It holds the uncompressed bytes, the
//! 64 digits of their SHA-256, and the CRC-32 of all that in four bytes, little-endian. The CRC-32
//! finds damage, not malice: whoever may write to the cache folder is trusted.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::files::{GZIP, MAX_BYTES, expand, write_whole};
use super::known::sha256;
use super::report::note;

/// Smaller files are inflated faster than another file is opened for them, or as fast.
const WORTH_KEEPING: usize = 256 << 10;
const SHA256_DIGITS: usize = 64;
const CRC32_BYTES: usize = 4;

/// The folder with the entries, if there is a cache folder at all.
pub(crate) struct Inflated(Option<PathBuf>);

/// A file's bytes, uncompressed.
pub(crate) struct Plain {
    pub(crate) bytes: Vec<u8>,
    /// SHA-256 of `bytes`.
    pub(crate) sha256: String,
}

impl Inflated {
    /// The entries in this cache folder.
    pub(crate) fn new(cache_root: Option<&Path>) -> Self {
        Self(cache_root.map(|root| root.join("inflated")))
    }

    /// The bytes of a file, decompressed if they are a gzip file, from the entry that an earlier
    /// call left if there is one. A damaged entry is said, and made again.
    ///
    /// An entry that cannot be read or written only costs time.
    ///
    /// # Errors
    ///
    /// A damaged gzip file, or one with more than [`MAX_BYTES`] in it.
    pub(crate) fn expand(&self, stored: Vec<u8>) -> Result<Plain> {
        let worth_keeping = stored.starts_with(&GZIP) && stored.len() >= WORTH_KEEPING;
        let Some(folder) = self.0.as_deref().filter(|_| worth_keeping) else {
            return Ok(Plain::new(expand(stored, MAX_BYTES)?));
        };
        let name = sha256(&stored);
        let path = folder.join(&name);
        if let Ok(entry) = std::fs::read(&path) {
            match open(entry) {
                Some(plain) => return Ok(plain),
                None => note(format_args!(
                    "{}:\n  damaged, so the file that it was made from is inflated again",
                    path.display()
                )),
            }
        }
        let mut plain = Plain::new(expand(stored, MAX_BYTES)?);
        keep(folder, &name, &mut plain);
        Ok(plain)
    }
}

impl Plain {
    fn new(bytes: Vec<u8>) -> Self {
        let sha256 = sha256(&bytes);
        Self { bytes, sha256 }
    }
}

/// What an undamaged entry holds.
fn open(mut entry: Vec<u8>) -> Option<Plain> {
    let (checked, crc32) = entry.split_last_chunk::<CRC32_BYTES>()?;
    if crc32fast::hash(checked) != u32::from_le_bytes(*crc32) {
        return None;
    }
    let (bytes, sha256) = checked.split_last_chunk::<SHA256_DIGITS>()?;
    let (length, sha256) = (bytes.len(), str::from_utf8(sha256).ok()?.to_owned());
    entry.truncate(length);
    Some(Plain {
        bytes: entry,
        sha256,
    })
}

/// Writes an entry, if that can be done.
fn keep(folder: &Path, name: &str, plain: &mut Plain) {
    // In place, since the bytes may be many; they are as they were afterwards.
    let entry = &mut plain.bytes;
    let length = entry.len();
    entry.extend_from_slice(plain.sha256.as_bytes());
    entry.extend_from_slice(&crc32fast::hash(entry).to_le_bytes());
    let _ = write_whole(folder, name, entry);
    entry.truncate(length);
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};
    use rand_core::{Rng, SeedableRng};
    use rand_xorshift::XorShiftRng;
    use tempfile::TempDir;

    use super::*;

    /// Bytes, and a gzip file of them whose length depends on theirs alone.
    fn large(seed: u64) -> (Vec<u8>, Vec<u8>) {
        let mut bytes = vec![0; WORTH_KEEPING];
        XorShiftRng::seed_from_u64(seed).fill_bytes(&mut bytes);
        let mut encoder = GzEncoder::new(Vec::new(), Compression::none());
        encoder.write_all(&bytes).unwrap();
        (bytes, encoder.finish().unwrap())
    }

    fn cache() -> (TempDir, Inflated) {
        let root = tempfile::tempdir().unwrap();
        let inflated = Inflated::new(Some(root.path()));
        (root, inflated)
    }

    fn entries(root: &TempDir) -> Vec<PathBuf> {
        let folder = root.path().join("inflated");
        fs::read_dir(folder).map_or_else(
            |_| Vec::new(),
            |entries| entries.map(|entry| entry.unwrap().path()).collect(),
        )
    }

    fn assert_gives(inflated: &Inflated, stored: &[u8], bytes: &[u8]) {
        let plain = inflated.expand(stored.to_vec()).unwrap();
        assert!(plain.bytes == bytes, "other bytes");
        assert_eq!(plain.sha256, sha256(bytes));
    }

    #[test]
    fn a_file_is_inflated_once() {
        let (root, inflated) = cache();
        let (bytes, stored) = large(1);
        assert_gives(&inflated, &stored, &bytes);
        assert_eq!(
            entries(&root),
            [root.path().join("inflated").join(sha256(&stored))]
        );
        // That the next call reads the entry shows in an entry that holds something else.
        let folder = root.path().join("inflated");
        keep(
            &folder,
            &sha256(&stored),
            &mut Plain::new(b"other".to_vec()),
        );
        assert_gives(&inflated, &stored, b"other");
    }

    #[test]
    fn damage_is_never_handed_out_and_is_repaired() {
        let (root, inflated) = cache();
        let (bytes, stored) = large(2);
        assert_gives(&inflated, &stored, &bytes);
        let path = &entries(&root)[0];
        let whole = fs::read(path).unwrap();
        let last = whole.len() - 1;
        let mut damaged = Vec::new();
        for at in [0, bytes.len() / 2, bytes.len(), last - CRC32_BYTES, last] {
            let mut entry = whole.clone();
            entry[at] ^= 0x10;
            damaged.push(entry);
            damaged.push(whole[..at].to_vec());
        }
        damaged.push([&whole[..], &[0]].concat());
        for entry in damaged {
            fs::write(path, entry).unwrap();
            assert_gives(&inflated, &stored, &bytes);
            assert!(fs::read(path).unwrap() == whole, "not repaired");
        }
    }

    #[test]
    fn a_changed_file_is_not_what_it_was() {
        let (root, inflated) = cache();
        let ((bytes, stored), (others, changed)) = (large(3), large(4));
        assert_eq!(stored.len(), changed.len());
        assert_gives(&inflated, &stored, &bytes);
        assert_gives(&inflated, &changed, &others);
        assert_gives(&inflated, &stored, &bytes);
        assert_eq!(entries(&root).len(), 2);
        let mut broken = stored;
        broken[WORTH_KEEPING / 2] ^= 1;
        assert!(inflated.expand(broken).is_err());
    }

    #[test]
    fn a_cache_that_cannot_be_used_is_no_error() {
        let (bytes, stored) = large(5);
        assert_gives(&Inflated::new(None), &stored, &bytes);
        let (root, inflated) = cache();
        // A file where the folder should be: nobody can write into it, not even root.
        fs::write(root.path().join("inflated"), "").unwrap();
        assert_gives(&inflated, &stored, &bytes);
        let (root, inflated) = cache();
        // A folder where the entry should be can neither be read nor replaced.
        let entry = root.path().join("inflated").join(sha256(&stored));
        fs::create_dir_all(entry.join("full")).unwrap();
        assert_gives(&inflated, &stored, &bytes);
        assert_eq!(entries(&root), [entry]);
    }

    #[test]
    fn small_and_plain_files_leave_nothing() {
        let (root, inflated) = cache();
        let (bytes, _) = large(6);
        assert_gives(&inflated, &bytes, &bytes);
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(b"few").unwrap();
        assert_gives(&inflated, &encoder.finish().unwrap(), b"few");
        assert!(entries(&root).is_empty());
    }

    #[test]
    fn many_at_once_leave_one_whole_entry() {
        let (root, inflated) = cache();
        let (bytes, stored) = large(7);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| assert_gives(&inflated, &stored, &bytes));
            }
        });
        let [path] = &entries(&root)[..] else {
            panic!("expected one entry, found {:?}", entries(&root));
        };
        assert!(open(fs::read(path).unwrap()).unwrap().bytes == bytes);
    }
}
