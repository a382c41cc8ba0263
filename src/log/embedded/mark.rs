//! The mark: how far the log was acknowledged, kept beside it in `log.mark`.
//!
//! SQLite takes a write-ahead log (WAL) that is damaged or gone for a shorter one, and nothing in the file tells how long
//! it was. So the writer notes position and digest of the last event after each commit and before it answers. The note is
//! not synced then: the operating system keeps it when the process is killed, and the syncs of the log itself, which answers
//! wait for, stay as many as before. It is synced about once a second, together with the move of the WAL ([`wal`](super::wal));
//! so what a power cut may take from the mark is the last second, and only if the WAL is damaged at the same time
//! would that second's events be missed in silence.
//!
//! Two slots, far enough apart that one write never tears both, are written in turn; the valid one that reaches further
//! counts. A missing file is made: logs of older software have none, and neither do backups. Keys that were given to events
//! already there move no mark.

use super::fault::WHOLE_FILE;
use super::sync_directory;
use crate::domain::envelope::{Digest, Position};
use crate::log::contract::LogError;
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// Name of the file in the data directory.
pub(super) const FILE: &str = "log.mark";

const MAGIC: &[u8; 8] = b"WLMARK1\n";
/// Bytes of one slot: what a disk writes at once at most.
const SLOT: u64 = 4096;

/// An end that the log had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct End {
    pub(super) position: Position,
    pub(super) digest: Digest,
}

impl End {
    /// Magic, position, digest, and half of a digest over them.
    fn encode(&self) -> Vec<u8> {
        let mut bytes = [MAGIC.as_slice(), &self.position.to_be_bytes(), &self.digest].concat();
        let check = Sha256::digest(&bytes);
        bytes.extend(check.iter().take(16));
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (position, rest) = bytes.strip_prefix(MAGIC)?.split_first_chunk::<8>()?;
        let (digest, _) = rest.split_first_chunk::<32>()?;
        let end = Self { position: Position::from_be_bytes(*position), digest: *digest };
        bytes.starts_with(&end.encode()).then_some(end)
    }
}

/// The mark as its writer holds it.
#[derive(Debug)]
pub(super) struct Mark {
    file: File,
    second: bool,
    failing: bool,
}

impl Mark {
    /// Opens the mark in `dir`, making it if it is missing, and notes that the log ends at `end`.
    pub(super) fn open(dir: &Path, end: End) -> Result<Self, LogError> {
        let path = dir.join(FILE);
        if !path.exists() {
            create(dir, end)?;
        }
        let file = File::options().read(true).write(true).open(&path).map_err(|error| unusable(&path, &error))?;
        let mut mark = Self { file, second: false, failing: false };
        mark.put(end);
        mark.put(end);
        Ok(mark)
    }

    /// Returns a second handle, for syncing it.
    pub(super) fn handle(&self) -> Result<File, LogError> {
        self.file
            .try_clone()
            .map_err(|error| LogError::Unavailable(format!("cannot open the log's mark twice: {error}")))
    }

    /// Makes the last note durable.
    pub(super) fn sync(&self) {
        sync(&self.file);
    }

    /// Notes a new end. A mark that stays behind raises no false alarm, so a failure is told and nothing more.
    pub(super) fn put(&mut self, end: End) {
        let offset = if self.second { SLOT } else { 0 };
        let put = self.file.seek(SeekFrom::Start(offset)).and_then(|_| self.file.write_all(&end.encode()));
        match put {
            Ok(()) => (self.second, self.failing) = (!self.second, false),
            Err(error) if !self.failing => {
                self.failing = true;
                tracing::error!(%error, "the mark beside the log cannot be written: a log that is cut short would not be noticed");
            }
            Err(_) => {}
        }
    }
}

/// Makes the last note durable, through any handle on the file.
pub(super) fn sync(file: &File) {
    if let Err(error) = file.sync_data() {
        tracing::warn!(%error, "the mark beside the log cannot be synced, trying again later");
    }
}

/// Makes the mark of a log that ends at `end`, whatever was there.
pub(super) fn create(dir: &Path, end: End) -> Result<(), LogError> {
    let path = dir.join(FILE);
    let write = || {
        let mut file = NamedTempFile::new_in(dir)?;
        for offset in [0, SLOT] {
            file.seek(SeekFrom::Start(offset))?;
            let mut slot = end.encode();
            slot.resize(usize::try_from(SLOT).unwrap_or_default(), 0);
            file.write_all(&slot)?;
        }
        file.as_file().sync_all()?;
        file.persist(&path).map_err(|failed| failed.error)
    };
    write().map_err(|error| unusable(&path, &error))?;
    sync_directory(dir);
    Ok(())
}

/// Returns the end that was acknowledged last; `None` if there is no mark.
pub(super) fn read(dir: &Path) -> Result<Option<End>, LogError> {
    let path = dir.join(FILE);
    let mut bytes = Vec::new();
    match File::open(&path).and_then(|file| file.take(SLOT * 2).read_to_end(&mut bytes)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unusable(&path, &error)),
        Ok(_) => {}
    }
    let (first, second) = bytes.split_at_checked(usize::try_from(SLOT).unwrap_or_default()).unwrap_or((&bytes, &[]));
    let end = [first, second].into_iter().filter_map(End::decode).max_by_key(|end| end.position);
    end.map(Some).ok_or_else(|| LogError::Corrupt {
        position: WHOLE_FILE,
        what: format!(
            "both notes in `{}` are damaged, so nobody knows how long the log was; the log itself may be whole: copy the \
             folder away, remove that file, and compare what `verify` says with a digest you know",
            path.display()
        ),
    })
}

/// Compares a log's end with what was acknowledged; `digest_at` returns the digest stored at a position.
pub(super) fn compare(
    acknowledged: Option<End>,
    head: Position,
    digest_at: impl FnOnce(Position) -> Result<Option<Digest>, LogError>,
) -> Result<(), LogError> {
    let Some(End { position, digest }) = acknowledged.filter(|end| end.position > 0) else { return Ok(()) };
    if position > head {
        let what = format!(
            "the log ends at {head}, but events up to {position} were acknowledged; its end or its write-ahead log \
             (`log.db-wal`) is damaged or gone. If an older copy was put here on purpose, remove `{FILE}`"
        );
        return Err(LogError::Corrupt { position: head.saturating_add(1), what });
    }
    if digest_at(position)? == Some(digest) {
        return Ok(());
    }
    let what = format!(
        "the event is another one than was acknowledged here. If another copy was put here on purpose, remove `{FILE}`"
    );
    Err(LogError::Corrupt { position, what })
}

fn unusable(path: &Path, error: &std::io::Error) -> LogError {
    match error.kind() {
        ErrorKind::StorageFull => LogError::Full,
        _ => LogError::Unavailable(format!("cannot use `{}`: {error}", PathBuf::from(path).display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(position: Position) -> End {
        End { position, digest: [7; 32] }
    }

    #[test]
    fn a_damaged_note_leaves_the_one_before_and_two_leave_none() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read(dir.path()).unwrap(), None);
        let mut mark = Mark::open(dir.path(), end(3)).unwrap();
        mark.put(end(4));
        mark.put(end(5));
        assert_eq!(read(dir.path()).unwrap(), Some(end(5)));
        let sound = std::fs::read(dir.path().join(FILE)).unwrap();
        let mut damaged = sound.clone();
        for at in 0..64 * 8 {
            damaged.clone_from(&sound);
            damaged[SLOT as usize + at / 8] ^= 1 << (at % 8);
            std::fs::write(dir.path().join(FILE), &damaged).unwrap();
            assert_eq!(read(dir.path()).unwrap(), Some(end(4)), "bit {at}");
        }
        damaged[3] ^= 1;
        std::fs::write(dir.path().join(FILE), &damaged).unwrap();
        assert!(matches!(read(dir.path()), Err(LogError::Corrupt { .. })));
    }

    #[test]
    fn an_end_is_held_against_the_log_by_position_and_by_digest() {
        let compared = |acknowledged, head, found: Option<Digest>| {
            let wrong = |error| match error {
                LogError::Corrupt { position, .. } => position,
                other => panic!("{other}"),
            };
            compare(acknowledged, head, |_| Ok(found)).map_err(wrong)
        };
        for head in [3, 5] {
            assert_eq!(compared(Some(end(3)), head, Some([7; 32])), Ok(()));
            let mut other = [7; 32];
            other[31] ^= 1;
            assert_eq!(compared(Some(end(3)), head, Some(other)), Err(3), "one bit of the digest");
            assert_eq!(compared(Some(end(3)), head, None), Err(3));
        }
        assert_eq!(compared(Some(end(3)), 2, Some([7; 32])), Err(3), "shorter than was acknowledged");
        assert_eq!(compared(Some(end(3)), 0, Some([7; 32])), Err(1));
        assert_eq!((compared(None, 3, None), compared(Some(end(0)), 0, None)), (Ok(()), Ok(())));
    }
}
