//! A log whose disk is full after so many appends.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use uuid::Uuid;
use warnlight::domain::envelope::{Position, Recorded, Revision};
use warnlight::domain::time::Instant;
use warnlight::log::contract::{Append, Appended, EventLog, EventRef, LogError, Pending, Subscription, Verified};

pub(super) struct CutLog {
    inner: Arc<dyn EventLog>,
    left: AtomicI64,
}

impl CutLog {
    /// Returns a log with room for so many appends.
    pub(super) fn after(inner: Arc<dyn EventLog>, appends: i64) -> Arc<Self> {
        Arc::new(Self { inner, left: AtomicI64::new(appends) })
    }

    /// Says whether an append was refused.
    pub(super) fn was_full(&self) -> bool {
        self.left.load(Ordering::SeqCst) < 0
    }
}

impl EventLog for CutLog {
    fn submit(&self, append: Append) -> Pending {
        if self.left.fetch_sub(1, Ordering::SeqCst) <= 0 {
            return Pending::known(Err(LogError::Full));
        }
        self.inner.submit(append)
    }

    fn head(&self) -> Position {
        self.inner.head()
    }

    fn read_stream(&self, stream: &str, from: Revision, limit: usize) -> Result<Vec<Recorded>, LogError> {
        self.inner.read_stream(stream, from, limit)
    }

    fn read_all(&self, after: Position, limit: usize) -> Result<Vec<Recorded>, LogError> {
        self.inner.read_all(after, limit)
    }

    fn scan(&self, after: Position, visit: &mut dyn FnMut(EventRef<'_>) -> ControlFlow<()>) -> Result<(), LogError> {
        self.inner.scan(after, visit)
    }

    fn ids_at(&self, positions: &[Position]) -> Result<Vec<Uuid>, LogError> {
        self.inner.ids_at(positions)
    }

    fn position_at(&self, at: Instant) -> Result<Position, LogError> {
        self.inner.position_at(at)
    }

    fn find_key(&self, key: &str) -> Result<Option<Appended>, LogError> {
        self.inner.find_key(key)
    }

    fn subscribe(&self, after: Position) -> Result<Box<dyn Subscription>, LogError> {
        self.inner.subscribe(after)
    }

    fn verify(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<Verified, LogError> {
        self.inner.verify(progress)
    }

    fn backup(&self, target: &Path) -> Result<Verified, LogError> {
        self.inner.backup(target)
    }
}
