//! When this node last looked at the cluster to its end, told by the thread that follows to everybody who reads.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The beginning of the last look that reached the cluster's end.
#[derive(Debug, Clone)]
pub(super) struct LastSeen(Arc<Mutex<Instant>>);

impl LastSeen {
    /// Begins now: nothing was seen before.
    pub(super) fn now() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }

    /// Says that a look which began at `began` has reached the end. What was appended after `began` may be missing from it.
    pub(super) fn reached(&self, began: Instant) {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *last = (*last).max(began);
    }

    /// Returns for how long the cluster may have grown unseen.
    pub(super) fn ago(&self) -> Duration {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }
}
