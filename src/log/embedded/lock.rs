//! Who may write: one process for a data directory.
//!
//! The lock file has a name that says what it is, and can be removed by hand; the folder that holds the log cannot without the
//! log. So both are locked. The log's own file is not: closing a second handle on it would drop SQLite's locks.

use crate::log::contract::LogError;
use std::fs::{File, TryLockError};
use std::path::Path;

/// Name of the lock file in the data directory.
pub const LOCK: &str = "warnlight.lock";

/// The locks of a data directory, held until this is dropped.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
    /// Missing where the system locks no folders.
    _folder: Option<File>,
}

impl Lock {
    /// Takes the locks of `dir`.
    pub(super) fn take(dir: &Path) -> Result<Self, LogError> {
        let path = dir.join(LOCK);
        let cannot =
            |error: std::io::Error| LogError::Unavailable(format!("cannot lock `{}`: {error}", path.display()));
        let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(cannot)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LogError::Locked { path }),
            Err(TryLockError::Error(error)) => return Err(cannot(error)),
        }
        let folder = File::open(dir).map_err(TryLockError::Error).and_then(|folder| folder.try_lock().map(|()| folder));
        match folder {
            Ok(folder) => Ok(Self { _file: file, _folder: Some(folder) }),
            Err(TryLockError::WouldBlock) => Err(LogError::Locked { path: dir.to_owned() }),
            Err(TryLockError::Error(error)) => {
                tracing::debug!(%error, "this system does not lock folders");
                Ok(Self { _file: file, _folder: None })
            }
        }
    }
}
