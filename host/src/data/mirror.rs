//! MNIST's files from public web servers.

use std::io::Read;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use ureq::Agent;

use super::files::expand;
use super::known::{FILES, Known};
use super::report::{Progress, short};

/// Folders on the web that hold MNIST's four files as .gz; two large frameworks fetch them there.
pub(crate) const MIRRORS: [&str; 2] = [
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
];

/// How long all mirrors together may take to answer before they are given up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(8);
/// The most one connection may take to open, TLS included.
const CONNECT: Duration = Duration::from_secs(3);
/// A transfer without a single byte for this long has stalled.
const STALLED: Duration = Duration::from_secs(15);

/// Fetches the files at `wanted` (indices into [`FILES`]) from a mirror that answers within
/// `patience`, checks them and hands each to `keep` as soon as it is whole.
///
/// # Errors
///
/// The mirror does not answer, a transfer breaks off, or a file is not the set's.
pub(crate) fn fetch(
    mirror: &str,
    patience: Duration,
    set: &Known,
    wanted: &[usize],
    keep: &mut dyn FnMut(usize, Vec<u8>),
) -> Result<()> {
    let agent: Agent = Agent::config_builder()
        .timeout_connect(Some(CONNECT))
        .timeout_per_read(Some(STALLED))
        .timeout_recv_response(Some(STALLED))
        .user_agent(concat!("thumbnet/", env!("CARGO_PKG_VERSION")))
        .build()
        .into();
    // One question with a small answer first: a machine without a way out finds out quickly,
    // while the transfers that follow may be as slow as the line is.
    let Some(first) = wanted.first() else {
        return Ok(());
    };
    let asking = Progress::start(format!("asking {} for MNIST", host(mirror)), None);
    agent
        .head(url(mirror, *first))
        .config()
        .timeout_global(Some(patience))
        .build()
        .call()
        .map_err(reason)?;
    drop(asking);
    for &index in wanted {
        keep(index, fetch_one(&agent, mirror, set, index)?);
    }
    Ok(())
}

fn fetch_one(agent: &Agent, mirror: &str, set: &Known, index: usize) -> Result<Vec<u8>> {
    let name = FILES[index];
    let mut response = agent.get(url(mirror, index)).call().map_err(reason)?;
    let progress = Progress::start(
        format!("fetching {name} from {}", host(mirror)),
        response.body().content_length(),
    );
    // The .gz of a file is never much larger than the file itself.
    let size = set.file_bytes()[index] as u64;
    let limit = size + size / 1000 + 4096;
    let mut reader = response.body_mut().as_reader().take(limit);
    let mut stored = Vec::new();
    let mut piece = vec![0; 64 << 10];
    loop {
        let count = reader
            .read(&mut piece)
            .with_context(|| format!("{name} broke off after {} bytes", stored.len()))?;
        if count == 0 {
            break;
        }
        stored.extend_from_slice(&piece[..count]);
        progress.advance(count);
    }
    // A server may unpack the .gz on its own: `expand` leaves such bytes as they are.
    let Ok(bytes) = expand(stored, size) else {
        bail!("{name}.gz came damaged");
    };
    set.check(index, &bytes).context(name)?;
    Ok(bytes)
}

fn url(mirror: &str, index: usize) -> String {
    format!("{mirror}{}.gz", FILES[index])
}

/// The server's name in a mirror's address.
pub(crate) fn host(mirror: &str) -> &str {
    mirror.split('/').nth(2).unwrap_or(mirror)
}

/// Why a request failed, in a few words.
fn reason(error: ureq::Error) -> anyhow::Error {
    match error {
        ureq::Error::HostNotFound => anyhow::anyhow!("name not found"),
        ureq::Error::Timeout(_) => anyhow::anyhow!("no answer in time"),
        ureq::Error::StatusCode(code) => anyhow::anyhow!("answered with status {code}"),
        // Resolvers word it in many ways, all of them long.
        ureq::Error::Io(error) if error.to_string().contains("lookup") => {
            anyhow::anyhow!("name not found")
        }
        ureq::Error::Io(error) => anyhow::anyhow!("{}", short(&error.to_string(), 60)),
        other => anyhow::anyhow!("{}", short(&other.to_string(), 60)),
    }
}
