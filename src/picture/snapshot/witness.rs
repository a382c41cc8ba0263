//! A snapshot as a witness: what it is of was in the log. A log beside it that holds less lost its end, also where its mark
//! was lost with it.

use super::FILE;
use super::code::Stored as _;
use super::file::{END, HEAD, MAGIC, next};
use crate::domain::envelope::{Digest, Position};
use crate::log::contract::LogError;
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::{BufRead as _, BufReader, ErrorKind};
use std::path::Path;

/// Holds a log against the snapshot in its folder; `head` returns the last position of the log, 0 if there is none, and is asked
/// after the snapshot was looked at: a log that is written to only grows.
///
/// # Errors
/// [`LogError::Corrupt`] when the snapshot is of more than the log holds, and what `head` returns. A snapshot that is damaged
/// itself says nothing.
pub fn hold_against(folder: &Path, head: impl FnOnce() -> Position) -> Result<(), LogError> {
    let path = folder.join(FILE);
    let Some(known) = position(&path) else { return Ok(()) };
    let head = head();
    if known <= head || !is_whole(&path) {
        return Ok(());
    }
    let what = format!(
        "the log ends at {head}, but `{FILE}` beside it was made of events up to {known}; the log, or its write-ahead log \
         (`log.db-wal`), was cut short, replaced or removed. If an older copy was put here on purpose, remove `{FILE}`"
    );
    Err(LogError::Corrupt { position: head.saturating_add(1), what })
}

/// Removes the snapshot in a folder whose log was replaced on purpose, if there is one.
///
/// # Errors
/// [`LogError::Unavailable`] when it cannot be removed.
pub fn remove(folder: &Path) -> Result<(), LogError> {
    let path = folder.join(FILE);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            let why = format!("`{}` is of the log before and cannot be removed: {error}; remove it", path.display());
            Err(LogError::Unavailable(why))
        }
        _ => Ok(()),
    }
}

/// Opens a snapshot, of whatever version, behind what every version begins with.
fn open(path: &Path) -> Option<BufReader<File>> {
    let mut file = BufReader::with_capacity(1 << 20, File::open(path).ok()?);
    let there = file.fill_buf().ok()?;
    let mut rest = there.strip_prefix(&MAGIC)?;
    let _ = (u32::get(&mut rest)?, String::get(&mut rest)?);
    let start = there.len() - rest.len();
    file.consume(start);
    Some(file)
}

/// Returns the position that a snapshot says it is of.
fn position(path: &Path) -> Option<Position> {
    let head = next(&mut open(path)?).ok()??;
    let mut value = head.strip_prefix(&[HEAD])?;
    <(Position, Digest)>::get(&mut value).map(|(position, _)| position)
}

/// Says whether a snapshot is as it was written.
fn is_whole(path: &Path) -> bool {
    let Some(mut file) = open(path) else { return false };
    let mut digest = Sha256::new();
    while let Ok(Some(section)) = next(&mut file) {
        if let Some(mut end) = section.strip_prefix(&[END]) {
            let kept = <(Vec<(u8, u64)>, Digest)>::get(&mut end);
            return kept.is_some_and(|(_, whole)| whole == Digest::from(digest.finalize()));
        }
        digest.update(Sha256::digest(&section));
    }
    false
}
