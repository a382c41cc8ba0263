//! What this node knows of the log's end, told by the threads that write and look to everybody who waits or reads.

use super::schema::Tail;
use crate::domain::envelope::Position;
use crate::log::contract::LogError;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use uuid::Uuid;

/// For how long a refusal counts as one of the next append, if nobody tries again.
const TROUBLE: Duration = Duration::from_secs(10);

/// The end of the log as far as it is known, and a way to wait for more.
#[derive(Debug)]
pub(super) struct Bell {
    state: Mutex<State>,
    rung: Condvar,
    /// Wakes the thread that looks when the log is closed.
    pub(super) closing: Arc<Notify>,
    /// What this node calls itself when it tells others.
    pub(super) node: String,
}

#[derive(Debug)]
struct State {
    known: Tail,
    /// The beginning of the last look that reached the log's end.
    seen: Instant,
    closed: bool,
    /// What the last append was refused for, and when.
    trouble: Option<(LogError, Instant)>,
    /// Why appends will wait: no standby.
    waiting: Option<String>,
    /// The log no longer holds what this node has read: for good.
    lost: Option<LogError>,
}

impl Bell {
    /// Returns a bell for a log that ends there.
    pub(super) fn new(known: Tail) -> Self {
        let state = State { known, seen: Instant::now(), closed: false, trouble: None, waiting: None, lost: None };
        let (state, node) = (Mutex::new(state), Uuid::now_v7().to_string());
        Self { state, rung: Condvar::new(), closing: Arc::new(Notify::new()), node }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the end that is known.
    pub(super) fn known(&self) -> Tail {
        self.lock().known
    }

    /// Returns the last durable position that is known.
    pub(super) fn head(&self) -> Position {
        self.lock().known.position
    }

    /// Says that everything up to this end is durable, as a look that began at `began` saw.
    pub(super) fn ring(&self, end: Tail, began: Instant) {
        let mut state = self.lock();
        state.seen = state.seen.max(began);
        if end.position > state.known.position {
            state.known = end;
            drop(state);
            self.rung.notify_all();
        }
    }

    /// Returns for how long the log may have grown unseen.
    pub(super) fn behind(&self) -> Duration {
        self.lock().seen.elapsed()
    }

    /// Says what appends were refused for; `None` if they are taken.
    pub(super) fn set_trouble(&self, trouble: Option<LogError>) {
        self.lock().trouble = trouble.map(|error| (error, Instant::now()));
    }

    /// Says why appends will wait; `None` if they will not.
    pub(super) fn set_waiting(&self, why: Option<String>) {
        let mut state = self.lock();
        if state.waiting != why {
            match &why {
                Some(why) => tracing::warn!("{why}"),
                None => tracing::info!("PostgreSQL has the standby again that its settings ask for"),
            }
            state.waiting = why;
        }
    }

    /// Returns why appends wait, if they do.
    pub(super) fn waiting(&self) -> Option<String> {
        self.lock().waiting.clone()
    }

    /// Says that the log lost what this node has read.
    pub(super) fn lose(&self, error: LogError) {
        let mut state = self.lock();
        if state.lost.is_none() {
            tracing::error!(%error, "the log lost what this node has read");
            state.lost = Some(error);
        }
    }

    /// Returns what the log lost, if it did.
    pub(super) fn lost(&self) -> Option<LogError> {
        self.lock().lost.clone()
    }

    /// Returns why an append would not be taken now, as far as is known.
    pub(super) fn trouble(&self) -> Option<LogError> {
        let state = self.lock();
        let refused = state.trouble.as_ref().filter(|(_, at)| at.elapsed() < TROUBLE).map(|(error, _)| error.clone());
        let waiting = state.waiting.as_ref().map(|why| LogError::Unavailable(why.clone()));
        state.lost.clone().or(refused).or(waiting)
    }

    /// Says that nothing more will come.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.rung.notify_all();
        self.closing.notify_one();
    }

    /// Says whether the log is closed.
    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Waits until there is something after `after`; false if there is not. No ring between a look at the log and this call
    /// is missed.
    ///
    /// # Errors
    /// [`LogError::Unavailable`] if the log is closed and nothing will come.
    pub(super) fn wait(&self, after: Position, patience: Duration) -> Result<bool, LogError> {
        let (state, _) = self
            .rung
            .wait_timeout_while(self.lock(), patience, |state| state.known.position <= after && !state.closed)
            .unwrap_or_else(PoisonError::into_inner);
        match *state {
            State { known, .. } if known.position > after => Ok(true),
            State { closed: true, .. } => Err(LogError::Unavailable("it was closed".to_owned())),
            State { .. } => Ok(false),
        }
    }

    /// Waits so long, or until the log is closed.
    pub(super) fn pause(&self, long: Duration) {
        let waiting = self.rung.wait_timeout_while(self.lock(), long, |state| !state.closed);
        drop(waiting.unwrap_or_else(PoisonError::into_inner));
    }
}
