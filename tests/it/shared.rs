//! Faces of one log as several nodes have them.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use uuid::Uuid;
use warnlight::domain::envelope::{Position, Recorded, Revision};
use warnlight::domain::time::Instant;
use warnlight::log::contract::{Append, Appended, EventLog, EventRef, LogError, Pending, Subscription, Verified};

/// A log that others append to as well.
pub(crate) struct Shared(pub(crate) Arc<dyn EventLog>);

/// A node's log until the node dies: after so many appends nothing is answered any more.
pub(crate) struct Dying {
    inner: Arc<dyn EventLog>,
    left: AtomicI64,
    /// The append it dies in is on disk all the same.
    lands: bool,
}

impl Dying {
    pub(crate) fn after(inner: Arc<dyn EventLog>, appends: i64, lands: bool) -> Arc<Self> {
        Arc::new(Self { inner, left: AtomicI64::new(appends), lands })
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.left.load(Ordering::SeqCst) < 0
    }

    fn alive(&self) -> Result<&dyn EventLog, LogError> {
        if self.is_dead() { Err(LogError::Unavailable("the node is dead".to_owned())) } else { Ok(&*self.inner) }
    }
}

impl EventLog for Dying {
    fn submit(&self, append: Append) -> Pending {
        match self.left.fetch_sub(1, Ordering::SeqCst) {
            1.. => self.inner.submit(append),
            0 if self.lands => {
                let _ = self.inner.append(append);
                Pending::known(Err(LogError::Unavailable("died after the append".to_owned())))
            }
            _ => Pending::known(Err(LogError::Unavailable("the node is dead".to_owned()))),
        }
    }

    fn head(&self) -> Position {
        self.inner.head()
    }

    fn is_shared(&self) -> bool {
        self.inner.is_shared()
    }

    fn behind(&self) -> Duration {
        self.inner.behind()
    }

    fn read_stream(&self, stream: &str, from: Revision, limit: usize) -> Result<Vec<Recorded>, LogError> {
        self.alive()?.read_stream(stream, from, limit)
    }

    fn read_all(&self, after: Position, limit: usize) -> Result<Vec<Recorded>, LogError> {
        self.alive()?.read_all(after, limit)
    }

    fn scan(&self, after: Position, visit: &mut dyn FnMut(EventRef<'_>) -> ControlFlow<()>) -> Result<(), LogError> {
        self.alive()?.scan(after, visit)
    }

    fn ids_at(&self, positions: &[Position]) -> Result<Vec<Uuid>, LogError> {
        self.alive()?.ids_at(positions)
    }

    fn position_at(&self, at: Instant) -> Result<Position, LogError> {
        self.alive()?.position_at(at)
    }

    fn find_key(&self, key: &str) -> Result<Option<Appended>, LogError> {
        self.alive()?.find_key(key)
    }

    fn subscribe(&self, after: Position) -> Result<Box<dyn Subscription>, LogError> {
        self.alive()?.subscribe(after)
    }

    fn verify(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<Verified, LogError> {
        self.alive()?.verify(progress)
    }

    fn backup(&self, target: &Path) -> Result<Verified, LogError> {
        self.alive()?.backup(target)
    }
}

impl EventLog for Shared {
    fn submit(&self, append: Append) -> Pending {
        self.0.submit(append)
    }

    fn head(&self) -> Position {
        self.0.head()
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn read_stream(&self, stream: &str, from: Revision, limit: usize) -> Result<Vec<Recorded>, LogError> {
        self.0.read_stream(stream, from, limit)
    }

    fn read_all(&self, after: Position, limit: usize) -> Result<Vec<Recorded>, LogError> {
        self.0.read_all(after, limit)
    }

    fn scan(&self, after: Position, visit: &mut dyn FnMut(EventRef<'_>) -> ControlFlow<()>) -> Result<(), LogError> {
        self.0.scan(after, visit)
    }

    fn ids_at(&self, positions: &[Position]) -> Result<Vec<Uuid>, LogError> {
        self.0.ids_at(positions)
    }

    fn position_at(&self, at: Instant) -> Result<Position, LogError> {
        self.0.position_at(at)
    }

    fn find_key(&self, key: &str) -> Result<Option<Appended>, LogError> {
        self.0.find_key(key)
    }

    fn subscribe(&self, after: Position) -> Result<Box<dyn Subscription>, LogError> {
        self.0.subscribe(after)
    }

    fn verify(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<Verified, LogError> {
        self.0.verify(progress)
    }

    fn backup(&self, target: &Path) -> Result<Verified, LogError> {
        self.0.backup(target)
    }
}
