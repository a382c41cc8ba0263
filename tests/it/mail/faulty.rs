//! A log that loses its disk, or its voice, on command.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use uuid::Uuid;
use warnlight::domain::envelope::{Position, Recorded, Revision};
use warnlight::domain::time::Instant;
use warnlight::log::contract::{Append, Appended, EventLog, EventRef, LogError, Pending, Subscription, Verified};

pub(super) struct FaultyLog {
    pub(super) inner: Arc<dyn EventLog>,
    /// Appends are refused.
    pub(super) full: AtomicBool,
    /// The next append is written, and its answer is lost.
    pub(super) mute_once: AtomicBool,
}

impl FaultyLog {
    pub(super) fn over(inner: Arc<dyn EventLog>) -> Arc<Self> {
        Arc::new(Self { inner, full: AtomicBool::new(false), mute_once: AtomicBool::new(false) })
    }
}

impl EventLog for FaultyLog {
    fn submit(&self, append: Append) -> Pending {
        if self.full.load(Ordering::SeqCst) {
            return Pending::known(Err(LogError::Full));
        }
        if self.mute_once.swap(false, Ordering::SeqCst) {
            self.inner.append(append).unwrap();
            return Pending::known(Err(LogError::Unavailable("the answer was lost".to_owned())));
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
