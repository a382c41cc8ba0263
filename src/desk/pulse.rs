//! Whether the desk works: how long ago it last came round, and what keeps it from recording lights.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A desk comes round many times a second. Longer than this, it hangs: on the disk, or on a fault of ours.
const LONGEST_TURN: Duration = Duration::from_secs(10);

/// The sign of life that the desk's thread gives.
#[derive(Debug)]
pub(super) struct Pulse {
    begun: Instant,
    /// When it last came round, in milliseconds since it began.
    turned: AtomicU64,
    trouble: Mutex<Option<String>>,
}

impl Pulse {
    pub(super) fn new() -> Self {
        Self { begun: Instant::now(), turned: AtomicU64::new(0), trouble: Mutex::default() }
    }

    /// Notes that the desk came round.
    pub(super) fn beat(&self) {
        let now = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.turned.store(now, Ordering::Release);
    }

    /// Notes what keeps lights from being recorded, or that nothing does. Says whether that is news.
    pub(super) fn note(&self, trouble: Option<String>) -> bool {
        let mut known = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let news = *known != trouble;
        *known = trouble;
        news
    }

    /// Returns what is wrong, if anything is.
    pub(super) fn trouble(&self) -> Option<String> {
        let turned = Duration::from_millis(self.turned.load(Ordering::Acquire));
        let since = self.begun.elapsed().saturating_sub(turned);
        if since > LONGEST_TURN {
            return Some(format!("the desk has been at one piece of work for {} s", since.as_secs()));
        }
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        trouble.as_ref().map(|trouble| format!("lights cannot be recorded: {trouble}"))
    }
}
