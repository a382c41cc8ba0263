//! The answer to an append on its way: told once, waited for by one thread.
//!
//! Whoever waits sleeps at once. A channel turns round a few times first, which suits an answer that comes within a microsecond;
//! these wait for a disk, and with as many callers as there are, turning costs the processor that writes.

use super::contract::{Appended, LogError};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

#[derive(Debug, Default)]
struct Slot {
    state: Mutex<State>,
    told: Condvar,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Open,
    Told(Result<Appended, LogError>),
    /// Nobody is left who could tell.
    Gone,
}

impl Slot {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, told: State) {
        *self.lock() = told;
        self.told.notify_one();
    }
}

/// Tells an answer. Dropped without one, it tells that there will be none.
#[derive(Debug)]
pub struct Answer(Option<Arc<Slot>>);

impl Answer {
    /// Tells the answer; a caller that does not wait for it is no fault.
    pub fn tell(mut self, answer: Result<Appended, LogError>) {
        if let Some(slot) = self.0.take() {
            slot.put(State::Told(answer));
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if let Some(slot) = self.0.take() {
            slot.put(State::Gone);
        }
    }
}

/// Waits for an answer.
#[derive(Debug)]
pub(super) struct Awaited(Arc<Slot>);

impl Awaited {
    /// Returns the answer; nothing if there will be none.
    pub(super) fn wait(self) -> Option<Result<Appended, LogError>> {
        let open = |state: &mut State| matches!(state, State::Open);
        let mut state = self.0.told.wait_while(self.0.lock(), open).unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut *state, State::Gone) {
            State::Told(answer) => Some(answer),
            State::Open | State::Gone => None,
        }
    }
}

/// Returns both ends.
pub(super) fn answer() -> (Answer, Awaited) {
    let slot = Arc::<Slot>::default();
    (Answer(Some(slot.clone())), Awaited(slot))
}
