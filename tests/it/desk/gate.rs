//! A log whose answers a test holds back or refuses.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use warnlight::log::contract::{Append, EventLog, LogError, Pending};

/// Holds the desk in its first append about evidence until the test lets it go, and refuses some of those that follow.
pub(super) struct Gate {
    inner: Arc<dyn EventLog>,
    reached: Sender<()>,
    go: Mutex<Option<Receiver<()>>>,
    seen: AtomicUsize,
    /// Says of the appends of evidence that follow, by their number from 0, whether the disk is full for it.
    full: Box<dyn Fn(usize) -> bool + Send + Sync>,
}

/// The test's side of a gate.
pub(super) struct Keeper {
    reached: Receiver<()>,
    go: Sender<()>,
}

impl Keeper {
    /// Waits until the desk stands before the gate.
    pub(super) fn wait(&self) {
        self.reached.recv().unwrap();
    }

    /// Lets the desk go on, now and from now on.
    pub(super) fn open(self) {
        self.go.send(()).unwrap();
    }
}

impl Gate {
    pub(super) fn before(
        inner: Arc<dyn EventLog>,
        full: impl Fn(usize) -> bool + Send + Sync + 'static,
    ) -> (Arc<Self>, Keeper) {
        let ((reached, is_reached), (open, go)) = (channel(), channel());
        let seen = AtomicUsize::new(0);
        let gate = Self { inner, reached, go: Mutex::new(Some(go)), seen, full: Box::new(full) };
        (Arc::new(gate), Keeper { reached: is_reached, go: open })
    }
}

impl EventLog for Gate {
    fn submit(&self, append: Append) -> Pending {
        if !append.stream.starts_with("merchant-") && !append.stream.starts_with("complaint-") {
            return self.inner.submit(append);
        }
        if let Some(go) = self.go.lock().unwrap().take() {
            self.reached.send(()).unwrap();
            go.recv().unwrap();
            return self.inner.submit(append);
        }
        if (self.full)(self.seen.fetch_add(1, Ordering::SeqCst)) {
            return Pending::known(Err(LogError::Full));
        }
        self.inner.submit(append)
    }

    crate::shared::forward!(inner);
}
