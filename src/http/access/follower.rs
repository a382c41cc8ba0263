//! Keys that other nodes made or revoked. The thread follows the log by itself, so that a revocation takes effect here
//! whatever else this node is busy with.

use super::keyring::{Keyring, KeyringError};
use crate::domain::access::STREAM;
use crate::domain::envelope::{Position, Recorded};
use crate::log::contract::{LogError, Subscription};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Longest wait before the order to stop is looked at; new events wake the thread at once.
const PATIENCE: Duration = Duration::from_millis(200);

/// Keeps a keyring up with a log that other nodes write to. Stops when it is dropped.
#[derive(Debug)]
pub struct KeyFollower {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    keyring: Arc<Keyring>,
    stopping: AtomicBool,
    trouble: Mutex<Option<String>>,
}

impl KeyFollower {
    /// Starts to follow.
    ///
    /// # Errors
    /// When the log cannot be followed, or no thread can be had.
    pub fn start(keyring: Arc<Keyring>) -> Result<Self, KeyringError> {
        let mut seen = *keyring.seen().borrow();
        // What was appended since the last look is looked through here, once, however many events that are.
        if seen < keyring.log().head() {
            keyring.refresh()?;
            seen = *keyring.seen().borrow();
        }
        let subscription = keyring.log().subscribe(seen)?;
        let shared = Arc::new(Shared { keyring, stopping: AtomicBool::new(false), trouble: Mutex::new(None) });
        let of_thread = shared.clone();
        let thread = std::thread::Builder::new()
            .name("keys".to_owned())
            .spawn(move || of_thread.follow(subscription))
            .map_err(|error: io::Error| LogError::Unavailable(format!("no thread can be started: {error}")))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Returns why keys of other nodes are not taken in, if they are not.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.shared.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for KeyFollower {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("The thread that follows keys had ended by a panic");
        }
    }
}

impl Shared {
    fn follow(&self, mut subscription: Box<dyn Subscription>) {
        let mut news = News::default();
        while !self.stopping.load(Ordering::Acquire) {
            let taken = match subscription.next(PATIENCE) {
                Ok(events) => {
                    news.add(&events);
                    self.take(&mut news)
                }
                Err(error) => Err(error.into()),
            };
            let trouble = taken.err().map(|error| error.to_string());
            let mut known = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
            if *known != trouble {
                if let Some(problem) = &trouble {
                    tracing::error!(problem, "Keys made or revoked at other nodes are not taken in");
                }
                known.clone_from(&trouble);
            }
            drop(known);
            if trouble.is_some() {
                std::thread::sleep(PATIENCE);
            }
        }
    }

    /// Has the keyring look at the log if there is something for it; what failed is tried again with the next events.
    fn take(&self, news: &mut News) -> Result<(), KeyringError> {
        if news.of_keys {
            self.keyring.refresh()?;
            news.of_keys = false;
        }
        self.keyring.saw(news.until);
        Ok(())
    }
}

/// What came since the keyring last looked at the log.
#[derive(Debug, Default)]
struct News {
    until: Position,
    of_keys: bool,
}

impl News {
    fn add(&mut self, events: &[Recorded]) {
        self.until = events.last().map_or(self.until, |last| last.position);
        self.of_keys |= events.iter().any(|event| &*event.stream == STREAM);
    }
}
