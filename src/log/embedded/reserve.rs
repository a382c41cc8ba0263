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

/// Room that must be there beside the reserve before appends are taken again.
const MORE: u64 = 1024 * 1024;

static CHUNK: [u8; 64 * 1024] = [0; 64 * 1024];

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
        self.grow_to(self.bytes)
    }

    /// Makes sure that the room is kept and that there is more beside it: without that, the next append would fail again.
    pub(super) fn keep_and_more(&self) -> bool {
        if !self.grow_to(self.bytes + MORE) {
            return false;
        }
        let cut = File::options().write(true).open(&self.path).and_then(|file| file.set_len(self.bytes));
        if let Err(error) = cut {
            tracing::warn!(%error, file = %self.path.display(), "the room kept for a full disk cannot be cut back");
        }
        true
    }

    fn grow_to(&self, bytes: u64) -> bool {
        match self.extend(bytes) {
            Ok(()) => true,
            // What there was is held, so that the next try costs one small write.
            Err(error) if error.kind() == ErrorKind::StorageFull => false,
            Err(error) => {
                tracing::warn!(%error, file = %self.path.display(), "no room can be kept for a full disk");
                // Only a full disk is a reason to take no appends.
                true
            }
        }
    }

    fn extend(&self, bytes: u64) -> std::io::Result<()> {
        // Written, not only stretched: a file with holes keeps no room.
        let mut file = File::options().create(true).append(true).open(&self.path)?;
        let mut left = bytes.saturating_sub(file.metadata()?.len());
        if left == 0 {
            return Ok(());
        }
        while left > 0 {
            let some = usize::try_from(left).unwrap_or(usize::MAX).min(CHUNK.len());
            let written = file.write(CHUNK.get(..some).unwrap_or_default())?;
            left = left.saturating_sub(written.max(1) as u64);
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
