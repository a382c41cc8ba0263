//! When snapshots are written.

use super::FILE;
use super::file::{Head, write};
use crate::alerts::requests::Requester;
use crate::desk::state::State;
use crate::domain::envelope::Position;
use crate::log::contract::EventLog;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::{Builder, JoinHandle};

/// Events after which a snapshot is written while the desk works: what a start has to fold at most, about a second.
const EVERY: u64 = 500_000;
/// Events after which one is written at the end: fewer are folded faster than noticed.
const AT_STOP: u64 = 10_000;

/// Writes snapshots from time to time.
pub(in crate::desk) struct Keeper {
    path: PathBuf,
    state: Arc<RwLock<State>>,
    log: Arc<dyn EventLog>,
    /// Position of the newest snapshot, also one under way.
    newest: Position,
    at_stop: u64,
    under_way: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Returns a keeper of snapshots in `folder`, where one of position `newest` is, or none (0).
    pub(in crate::desk) fn new(
        folder: &Path,
        state: Arc<RwLock<State>>,
        log: Arc<dyn EventLog>,
        newest: Position,
    ) -> Self {
        Self { path: folder.join(FILE), state, log, newest, at_stop: AT_STOP, under_way: None }
    }

    /// Returns a keeper that writes one at the end after so few events.
    #[cfg(test)]
    pub(super) fn worth(self, at_stop: u64) -> Self {
        Self { at_stop, ..self }
    }

    /// Begins a snapshot if one is due; it is written by a thread of its own.
    pub(in crate::desk) fn after_fold(&mut self, requester: &Requester) {
        if self.under_way.as_ref().is_some_and(|writer| !writer.is_finished()) {
            return;
        }
        let Some(head) = self.due(requester, EVERY) else { return };
        let (path, state, log) = (self.path.clone(), self.state.clone(), self.log.clone());
        let begun = Builder::new().name("snapshot".to_owned()).spawn(move || keep(&path, &head, &state, &*log));
        match begun {
            Ok(writer) => self.under_way = Some(writer),
            Err(error) => tracing::warn!(%error, "No snapshot: its thread cannot be started"),
        }
    }

    /// Writes the last snapshot, if it is worth it, once the desk has stopped.
    pub(in crate::desk) fn stop(mut self, requester: &Requester) {
        if let Some(writer) = self.under_way.take()
            && writer.join().is_err()
        {
            tracing::error!("the snapshot thread panicked");
        }
        if let Some(head) = self.due(requester, self.at_stop) {
            keep(&self.path, &head, &self.state, &*self.log);
        }
    }

    fn due(&mut self, requester: &Requester, after: u64) -> Option<Head> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        if state.position.saturating_sub(self.newest) < after {
            return None;
        }
        self.newest = state.position;
        Some(Head::of(&state, requester))
    }
}

fn keep(path: &Path, head: &Head, state: &RwLock<State>, log: &dyn EventLog) {
    let begun = std::time::Instant::now();
    match write(path, head, state, log) {
        Ok(()) => tracing::info!(position = head.position(), took = ?begun.elapsed(), "Snapshot written"),
        // Nothing is lost: the next start folds the log, or an older snapshot and more of the log.
        Err(error) => tracing::warn!(%error, path = %path.display(), "No snapshot could be written"),
    }
}
