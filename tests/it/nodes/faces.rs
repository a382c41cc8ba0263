//! Faces of one log as a node has them that dies, or that sees late what others write.

use crate::shared::forward;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use uuid::Uuid;
use warnlight::domain::envelope::{Position, Recorded, Revision};
use warnlight::domain::time::Instant;
use warnlight::log::contract::{Append, Appended, EventLog, EventRef, LogError, Pending, Subscription, Verified};

/// A node's log until the node dies: after so many appends nothing is written any more.
pub(super) struct Dying {
    inner: Arc<dyn EventLog>,
    left: AtomicI64,
    /// The append it dies in is on disk all the same.
    lands: bool,
}

impl Dying {
    pub(super) fn after(inner: Arc<dyn EventLog>, appends: i64, lands: bool) -> Arc<Self> {
        Arc::new(Self { inner, left: AtomicI64::new(appends), lands })
    }

    pub(super) fn is_dead(&self) -> bool {
        self.left.load(Ordering::SeqCst) < 0
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

    forward!(inner);
}

/// A log that does not take the first append of an event of this type.
pub(super) struct Balky {
    inner: Arc<dyn EventLog>,
    event_type: &'static str,
    balked: AtomicBool,
}

impl Balky {
    pub(super) fn at(inner: Arc<dyn EventLog>, event_type: &'static str) -> Self {
        Self { inner, event_type, balked: AtomicBool::new(false) }
    }
}

impl EventLog for Balky {
    fn submit(&self, append: Append) -> Pending {
        let meant = append.events.iter().any(|event| &*event.event_type == self.event_type);
        if meant && !self.balked.swap(true, Ordering::SeqCst) {
            return Pending::known(Err(LogError::Unavailable("not this time".to_owned())));
        }
        self.inner.submit(append)
    }

    forward!(inner);
}

/// A log to which somebody else writes just before this node appends an event of this type for the first time.
pub(super) struct Beaten {
    inner: Arc<dyn EventLog>,
    event_type: &'static str,
    other: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    beaten: AtomicBool,
}

impl Beaten {
    pub(super) fn by(inner: Arc<dyn EventLog>, event_type: &'static str) -> Self {
        Self { inner, event_type, other: Mutex::default(), beaten: AtomicBool::new(false) }
    }

    /// Says what somebody else does then.
    pub(super) fn when(&self, other: impl FnOnce() + Send + 'static) {
        *self.other.lock().unwrap() = Some(Box::new(other));
    }

    pub(super) fn was_beaten(&self) -> bool {
        self.beaten.load(Ordering::SeqCst)
    }
}

impl EventLog for Beaten {
    fn submit(&self, append: Append) -> Pending {
        if append.events.iter().any(|event| &*event.event_type == self.event_type)
            && let Some(other) = self.other.lock().unwrap().take()
        {
            other();
            self.beaten.store(true, Ordering::SeqCst);
        }
        self.inner.submit(append)
    }

    forward!(inner);
}

/// A shared log that shows what others wrote only when this node has written after it, as a replica does that is
/// never read on by itself.
pub(super) struct Late {
    inner: Arc<dyn EventLog>,
    seen: Arc<AtomicU64>,
}

impl Late {
    pub(super) fn of(inner: Arc<dyn EventLog>) -> Self {
        let seen = Arc::new(AtomicU64::new(inner.head()));
        Self { inner, seen }
    }

    fn seen(&self) -> Position {
        self.seen.load(Ordering::SeqCst)
    }
}

impl EventLog for Late {
    fn submit(&self, append: Append) -> Pending {
        let answer = self.inner.append(append);
        self.seen.fetch_max(self.inner.head(), Ordering::SeqCst);
        Pending::known(answer)
    }

    fn head(&self) -> Position {
        self.seen()
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn read_stream(&self, stream: &str, from: Revision, limit: usize) -> Result<Vec<Recorded>, LogError> {
        let mut found = self.inner.read_stream(stream, from, limit)?;
        found.retain(|recorded| recorded.position <= self.seen());
        Ok(found)
    }

    fn read_all(&self, after: Position, limit: usize) -> Result<Vec<Recorded>, LogError> {
        let mut found = self.inner.read_all(after, limit)?;
        found.retain(|recorded| recorded.position <= self.seen());
        Ok(found)
    }

    fn scan_unchecked(
        &self,
        after: Position,
        visit: &mut dyn FnMut(EventRef<'_>) -> ControlFlow<()>,
    ) -> Result<(), LogError> {
        let seen = self.seen();
        self.inner.scan_unchecked(after, &mut |event| {
            if event.position > seen { ControlFlow::Break(()) } else { visit(event) }
        })
    }

    fn ids_at(&self, positions: &[Position]) -> Result<Vec<Uuid>, LogError> {
        self.inner.ids_at(positions)
    }

    fn position_at(&self, at: Instant) -> Result<Position, LogError> {
        Ok(self.inner.position_at(at)?.min(self.seen()))
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
