//! The reserve: room kept for the day the disk is full.
//!
//! What was committed lies in the write-ahead log (WAL) until it is moved into the file, and moving it needs room for new
//! pages before it gives any back. So `log.reserve` holds as much as that takes. When the disk is full it is let go, the WAL is
//! moved in whole and cut to nothing, and the reserve is made anew; until that succeeds, appends are refused. A log can thus
//! always be opened and tidied up, and goes on by itself when there is room again.

use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

/// Name of the file in the data directory.
pub(super) const FILE: &str = "log.reserve";

const CHUNK: [u8; 64 * 1024] = [0; 64 * 1024];

/// The file that keeps the room.
#[derive(Debug, Clone)]
pub(super) struct Reserve {
    path: PathBuf,
    bytes: u64,
}

impl Reserve {
    /// Names the reserve of the log in `dir`.
    pub(super) fn of(dir: &Path, bytes: u64) -> Self {
        Self { path: dir.join(FILE), bytes }
    }

    /// Says whether any room is kept.
    pub(super) fn is_kept(&self) -> bool {
        self.path.exists()
    }

    /// Makes sure that the room is kept; says whether there was enough.
    pub(super) fn keep(&self) -> bool {
        if std::fs::metadata(&self.path).is_ok_and(|file| file.len() >= self.bytes) {
            return true;
        }
        let made = self.make();
        if let Err(error) = &made {
            self.let_go();
            if error.kind() != ErrorKind::StorageFull {
                tracing::warn!(%error, file = %self.path.display(), "no room can be kept for a full disk");
            }
        }
        // Only a full disk is a reason to take no appends.
        !made.is_err_and(|error| error.kind() == ErrorKind::StorageFull)
    }

    fn make(&self) -> std::io::Result<()> {
        // Written, not only stretched: a file with holes keeps no room.
        let mut file = File::create(&self.path)?;
        let mut left = self.bytes;
        while left > 0 {
            let some = usize::try_from(left).unwrap_or(usize::MAX).min(CHUNK.len());
            file.write_all(CHUNK.get(..some).unwrap_or_default())?;
            left -= some as u64;
        }
        file.sync_all()
    }

    /// Gives the room back to the disk.
    pub(super) fn let_go(&self) {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                tracing::warn!(%error, file = %self.path.display(), "the room kept for a full disk cannot be given back");
            }
            _ => {}
        }
    }
}
