//! How the thread that writes is woken while a group is under way.

use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Notify;

/// Wakes the writer when so many wait that another group is worth sending.
#[derive(Debug)]
pub(super) struct Crowd {
    wanted: AtomicUsize,
    /// Rung once for each crowd, or for nothing.
    pub(super) rung: Notify,
}

impl Crowd {
    /// Nobody waits for a crowd yet.
    pub(super) fn new() -> Self {
        Self { wanted: AtomicUsize::new(usize::MAX), rung: Notify::new() }
    }

    /// Rings from now on as soon as so many wait; never if it is nothing.
    pub(super) fn want(&self, waiting: Option<usize>) {
        self.wanted.store(waiting.unwrap_or(usize::MAX), Ordering::SeqCst);
    }

    /// Says that so many wait.
    pub(super) fn grown(&self, waiting: usize) {
        if waiting >= self.wanted.load(Ordering::SeqCst) {
            self.rung.notify_one();
        }
    }
}
