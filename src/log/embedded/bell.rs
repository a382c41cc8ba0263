//! The bell the writer rings when events are durable, and that subscriptions wait for.

use crate::domain::envelope::Position;
use crate::log::contract::LogError;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The last durable position, and a way to wait for the next one.
#[derive(Debug)]
pub(super) struct Bell {
    state: Mutex<BellState>,
    rung: Condvar,
}

#[derive(Debug)]
struct BellState {
    head: Position,
    closed: bool,
    /// Why appends are refused for now, or for good.
    trouble: Option<LogError>,
}

/// What a wait for events ended with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    /// There are events after the position asked for.
    More,
    /// There are none yet.
    Silence,
    /// There are none, and the log is closed: none will come.
    Closed,
}

impl Bell {
    /// Returns a bell for a log that ends at `head`.
    pub(super) fn new(head: Position) -> Self {
        Self { state: Mutex::new(BellState { head, closed: false, trouble: None }), rung: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, BellState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the last durable position.
    pub(super) fn head(&self) -> Position {
        self.lock().head
    }

    /// Says that everything up to `head` is durable.
    pub(super) fn ring(&self, head: Position) {
        self.lock().head = head;
        self.rung.notify_all();
    }

    /// Says why appends are refused from now on; `None` if they are taken.
    pub(super) fn set_trouble(&self, trouble: Option<LogError>) {
        self.lock().trouble = trouble;
    }

    /// Returns why appends are refused.
    pub(super) fn trouble(&self) -> Option<LogError> {
        self.lock().trouble.clone()
    }

    /// Says that nothing more will come.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.rung.notify_all();
    }

    /// Waits until there is something after `after`. The position is compared under the same lock that `ring` takes, so no
    /// ring between a look at the log and this call is missed.
    pub(super) fn wait(&self, after: Position, patience: Duration) -> Heard {
        let (state, _) = self
            .rung
            .wait_timeout_while(self.lock(), patience, |state| state.head <= after && !state.closed)
            .unwrap_or_else(PoisonError::into_inner);
        match *state {
            BellState { head, .. } if head > after => Heard::More,
            BellState { closed: true, .. } => Heard::Closed,
            BellState { .. } => Heard::Silence,
        }
    }
}
