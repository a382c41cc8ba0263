//! Where the time of the thread that writes goes: with the server, or with the engine's own code.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Time spent since the log was opened, and by what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spent {
    /// By the thread, at work.
    pub whole: Duration,
    /// Of that, waiting for the server's answers, the client included; calls that failed are not counted.
    pub server: Duration,
    /// Groups of appends written without asking first.
    pub ahead: u64,
    /// Of those, groups sent before the one before was answered.
    pub behind: u64,
}

/// Adds up nanoseconds.
#[derive(Debug, Default)]
pub(super) struct Meter {
    whole: AtomicU64,
    server: AtomicU64,
    ahead: AtomicU64,
    behind: AtomicU64,
}

impl Meter {
    /// Counts a group that was sent without asking first.
    pub(super) fn sent_ahead(&self, behind_another: bool) {
        self.ahead.fetch_add(1, Ordering::Relaxed);
        self.behind.fetch_add(u64::from(behind_another), Ordering::Relaxed);
    }

    /// Adds a piece of work: its whole time, and that of the server.
    pub(super) fn add(&self, whole: Duration, server: Duration) {
        let count = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.whole.fetch_add(count(whole), Ordering::Relaxed);
        self.server.fetch_add(count(server), Ordering::Relaxed);
    }

    /// Returns the sums.
    pub(super) fn spent(&self) -> Spent {
        let read = |sum: &AtomicU64| sum.load(Ordering::Relaxed);
        let time = |sum: &AtomicU64| Duration::from_nanos(read(sum));
        Spent {
            whole: time(&self.whole),
            server: time(&self.server),
            ahead: read(&self.ahead),
            behind: read(&self.behind),
        }
    }
}
