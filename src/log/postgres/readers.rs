//! Connections for reading: taken when needed, kept when done.

use super::fault::Fault;
use super::line::Line;
use super::settings::Target;
use crate::log::contract::LogError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Readers of one log.
#[derive(Debug)]
pub(super) struct Readers {
    target: Target,
    schema: String,
    patience: Duration,
    most: usize,
    idle: Mutex<Vec<(u64, Line)>>,
    /// Counts how often the servers were found anew: connections from before may be to one that no longer leads.
    round: AtomicU64,
}

impl Readers {
    /// Returns a pool that keeps at most `most` idle connections; more are opened while more are needed.
    pub(super) fn new(target: Target, schema: String, patience: Duration, most: usize) -> Self {
        Self { target, schema, patience, most, idle: Mutex::new(Vec::new()), round: AtomicU64::new(0) }
    }

    /// Opens a connection that the caller keeps.
    pub(super) fn open(&self) -> Result<Line, Fault> {
        Line::open(&self.target, &self.schema, self.patience)
    }

    /// Says that the servers were found anew.
    pub(super) fn renew(&self) {
        self.round.fetch_add(1, Ordering::AcqRel);
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(u64, Line)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lends a connection to `job`. If it was kept from before and fails, the job is done again on a new one: the server may
    /// have restarted, or have handed over to another, without this node having spoken to it since. After an error the
    /// connection is closed, not kept.
    pub(super) fn with<T>(&self, mut job: impl FnMut(&mut Line) -> Result<T, Fault>) -> Result<T, LogError> {
        let kept =
            self.lock().pop().filter(|(round, line)| *round == self.round.load(Ordering::Acquire) && !line.is_gone());
        if let Some((round, mut line)) = kept
            && let Ok(done) = job(&mut line)
        {
            self.keep(round, line);
            return Ok(done);
        }
        let round = self.round.load(Ordering::Acquire);
        let mut line = self.open()?;
        let done = job(&mut line)?;
        self.keep(round, line);
        Ok(done)
    }

    fn keep(&self, round: u64, line: Line) {
        let mut idle = self.lock();
        if idle.len() < self.most && round == self.round.load(Ordering::Acquire) {
            idle.push((round, line));
        }
    }
}
