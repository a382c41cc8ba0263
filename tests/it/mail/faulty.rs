//! A log that loses its disk, or its voice, on command.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use warnlight::log::contract::{Append, EventLog, LogError, Pending};

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

    crate::shared::forward!(inner);
}
