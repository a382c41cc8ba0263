//! Where the time of the thread that writes goes: with the server, or with the engine's own code.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Time spent since the log was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spent {
    /// By the thread, at work.
    pub whole: Duration,
    /// Of that, waiting for the server's answers, the client included; calls that failed are not counted.
    pub server: Duration,
}

/// Adds up nanoseconds.
#[derive(Debug, Default)]
pub(super) struct Meter {
    whole: AtomicU64,
    server: AtomicU64,
}

impl Meter {
    /// Adds a piece of work.
    pub(super) fn add(&self, spent: Spent) {
        let count = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.whole.fetch_add(count(spent.whole), Ordering::Relaxed);
        self.server.fetch_add(count(spent.server), Ordering::Relaxed);
    }

    /// Returns the sums.
    pub(super) fn spent(&self) -> Spent {
        let read = |sum: &AtomicU64| Duration::from_nanos(sum.load(Ordering::Relaxed));
        Spent { whole: read(&self.whole), server: read(&self.server) }
    }
}
