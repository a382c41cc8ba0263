//! The file: a head that says what log and what position the picture is of, sections of things, and an end with counts and
//! one digest. Nothing of it is believed before the end was reached and fits.

use super::code::Stored;
use super::keep::Keep;
use super::{FOLD, Restore};
use crate::domain::envelope::{Digest, Position};
use crate::log::contract::{EventLog, LogError};
use crate::picture::Picture;
use crate::picture::in_order::{in_order, processors};
use crate::policy::Policies;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

/// Longest section read; a damaged length does not ask for more.
const LONGEST: u32 = 1 << 30;
pub(super) const MAGIC: [u8; 8] = *b"WLSTATE\n";
/// Kinds of sections that are no parts.
pub(super) const HEAD: u8 = 0;
pub(super) const END: u8 = u8::MAX;

/// Why a snapshot is not used, or could not be written.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] io::Error),
    /// The log cannot be asked.
    #[error(transparent)]
    Log(#[from] LogError),
    /// Another version wrote it, or it is no snapshot.
    #[error("it was written by another version")]
    Version,
    /// It is of another log, or of a longer one.
    #[error("it is not of this log")]
    Foreign,
    /// Bytes are not as they were written.
    #[error("it is damaged")]
    Damaged,
}

/// What a section turned out to hold.
enum Section {
    Head((Position, Digest)),
    Things(u8, u64, Restore),
    End(Vec<(u8, u64)>, Digest),
}

pub(super) fn start() -> Vec<u8> {
    let mut start = Vec::new();
    MAGIC.put(&mut start);
    FOLD.put(&mut start);
    env!("CARGO_PKG_VERSION").to_owned().put(&mut start);
    start
}

/// Writes a picture of `log`; the file is there whole or not at all.
///
/// # Errors
/// See [`Unfit`].
pub fn write(path: &Path, picture: &Picture, log: &dyn EventLog) -> Result<(), Unfit> {
    let digest = digest_at(log, picture.position)?.ok_or(Unfit::Foreign)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".snapshot-").tempfile_in(folder)?;
    let mut to = BufWriter::with_capacity(1 << 20, &mut file);
    write_to(&mut to, picture, digest)?;
    to.flush()?;
    drop(to);
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Writes a picture whose log has this digest at its position.
pub(super) fn write_to(to: &mut dyn Write, picture: &Picture, digest: Digest) -> Result<(), Unfit> {
    to.write_all(&start())?;
    let mut keep = Keep::new(to);
    let mut head = Vec::new();
    (picture.position, digest).put(&mut head);
    keep.section(&[HEAD], &head);
    picture.keep_parts(&mut keep);
    let (counts, digest) = keep.finish()?;
    let mut end = Vec::new();
    (counts, digest).put(&mut end);
    let mut last = Keep::new(to);
    last.section(&[END], &end);
    last.finish()?;
    Ok(())
}

/// Returns the digest of the chain at a position: it stands for everything in the log up to there.
fn digest_at(log: &dyn EventLog, position: Position) -> Result<Option<Digest>, LogError> {
    Ok(log.event_at(position)?.map(|recorded| recorded.digest))
}

/// Reads a snapshot of this log.
///
/// # Errors
/// See [`Unfit`].
pub fn load(path: &Path, log: &dyn EventLog, policies: Arc<Policies>) -> Result<Picture, Unfit> {
    let mut file = BufReader::with_capacity(1 << 20, File::open(path)?);
    let start = start();
    let mut found = vec![0; start.len()];
    if file.read_exact(&mut found).is_err() || found != start {
        return Err(Unfit::Version);
    }
    let read = move |bring: &mut dyn FnMut(Vec<u8>) -> ControlFlow<()>| {
        while let Some(section) = next(&mut file)? {
            if bring(section).is_break() {
                break;
            }
        }
        Ok(())
    };
    let understand = |bytes: Vec<u8>| {
        let section = parse(&bytes).ok_or(Unfit::Damaged)?;
        Ok((section, Digest::from(Sha256::digest(&bytes))))
    };
    let mut picture = Picture::new(policies);
    let mut counts = BTreeMap::<u8, u64>::new();
    let mut digest = Sha256::new();
    let mut ended = false;
    in_order(
        "snapshot",
        processors(),
        read,
        || understand,
        |(section, own)| {
            if ended {
                return Err(Unfit::Damaged);
            }
            match section {
                Section::Head((position, of_log)) => {
                    // Before anything else is read: a snapshot of another log is often a large one.
                    if digest_at(log, position)? != Some(of_log) {
                        return Err(Unfit::Foreign);
                    }
                    picture.position = position;
                }
                Section::Things(tag, count, restore) => {
                    *counts.entry(tag).or_default() += count;
                    restore(&mut picture);
                }
                Section::End(kept, whole) => {
                    let all = kept.iter().filter(|(_, count)| *count > 0).copied().collect::<BTreeMap<_, _>>();
                    if all != counts || whole != Digest::from(digest.clone().finalize()) {
                        return Err(Unfit::Damaged);
                    }
                    ended = true;
                }
            }
            digest.update(own);
            Ok(())
        },
    )?;
    if ended && picture.position > 0 { Ok(picture) } else { Err(Unfit::Damaged) }
}

/// Reads the next section; `None` at the end of the file.
pub(super) fn next(file: &mut impl Read) -> Result<Option<Vec<u8>>, Unfit> {
    let mut length = [0; 4];
    // Where a file that was cut short ends is no end: the last section is missing then.
    if file.read_exact(&mut length).is_err() {
        return Ok(None);
    }
    let length = u32::from_be_bytes(length);
    let mut bytes = Vec::new();
    if length > LONGEST || file.take(u64::from(length)).read_to_end(&mut bytes)? as u64 != u64::from(length) {
        return Err(Unfit::Damaged);
    }
    Ok(Some(bytes))
}

fn parse(bytes: &[u8]) -> Option<Section> {
    let (kind, mut from) = bytes.split_first()?;
    let from = &mut from;
    let section = match *kind {
        HEAD => Section::Head(Stored::get(from)?),
        END => {
            let (counts, digest) = Stored::get(from)?;
            Section::End(counts, digest)
        }
        tag => {
            let count = u64::get(from)?;
            Section::Things(tag, count, Picture::read_part(tag, usize::try_from(count).ok()?, from)?)
        }
    };
    from.is_empty().then_some(section)
}
