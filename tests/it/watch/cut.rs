//! A log whose disk is full after so many appends.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use warnlight::log::contract::{Append, EventLog, LogError, Pending};

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

    crate::shared::forward!(inner);
}
