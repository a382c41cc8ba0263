//! When snapshots are written.

use super::{FILE, write};
use crate::domain::envelope::Position;
use crate::log::contract::EventLog;
use crate::picture::Picture;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

/// Events after which a snapshot is written while the desk works: what a start has to fold at most, about a second.
const EVERY: u64 = 500_000;
/// Events after which one is written at the end: fewer are folded faster than noticed.
const AT_STOP: u64 = 10_000;

/// Writes snapshots from time to time.
pub struct SnapshotKeeper {
    path: PathBuf,
    log: Arc<dyn EventLog>,
    /// Position of the newest snapshot, also one under way.
    newest: Position,
    at_stop: u64,
    under_way: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for SnapshotKeeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SnapshotKeeper").field("path", &self.path).field("newest", &self.newest).finish_non_exhaustive()
    }
}

impl SnapshotKeeper {
    /// Returns a keeper of snapshots in `folder`, where one of position `newest` is, or none (0).
    #[must_use]
    pub fn new(folder: &Path, log: Arc<dyn EventLog>, newest: Position) -> Self {
        Self { path: folder.join(FILE), log, newest, at_stop: AT_STOP, under_way: None }
    }

    /// Returns a keeper that writes one at the end after so few events.
    #[cfg(test)]
    pub(super) fn worth(self, at_stop: u64) -> Self {
        Self { at_stop, ..self }
    }

    /// Begins a snapshot of the newest picture if one is due; it is written by a thread of its own.
    pub fn after_fold(&mut self, newest: impl FnOnce() -> Arc<Picture>, position: Position) {
        if position.saturating_sub(self.newest) < EVERY
            || self.under_way.as_ref().is_some_and(|writer| !writer.is_finished())
        {
            return;
        }
        self.newest = position;
        let (path, log, picture) = (self.path.clone(), self.log.clone(), newest());
        match Builder::new().name("snapshot".to_owned()).spawn(move || keep(&path, &picture, &*log)) {
            Ok(writer) => self.under_way = Some(writer),
            Err(error) => tracing::warn!(%error, "No snapshot: its thread cannot be started"),
        }
    }

    /// Writes the last snapshot, if it is worth it, once the desk has stopped.
    pub fn stop(mut self, picture: &Picture) {
        if let Some(writer) = self.under_way.take()
            && writer.join().is_err()
        {
            tracing::error!("the snapshot thread panicked");
        }
        if picture.position.saturating_sub(self.newest) >= self.at_stop {
            keep(&self.path, picture, &*self.log);
        }
    }
}

fn keep(path: &Path, picture: &Picture, log: &dyn EventLog) {
    let begun = std::time::Instant::now();
    match write(path, picture, log) {
        Ok(()) => tracing::info!(position = picture.position, took = ?begun.elapsed(), "Snapshot written"),
        // Nothing is lost: the next start folds the log, or an older snapshot and more of the log.
        Err(error) => tracing::warn!(%error, path = %path.display(), "No snapshot could be written"),
    }
}
