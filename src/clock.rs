//! Where the service reads the time. Rooms that act (mail, watching) are handed a clock, so that a test or a drill can
//! move through weeks at will; rooms that only think take the time as an argument and never come here.

use crate::domain::time::Instant;
use jiff::SignedDuration;
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// Something that knows what time it is.
pub trait Clock: Send + Sync + fmt::Debug {
    /// Returns the present instant.
    fn now(&self) -> Instant;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::now()
    }
}

/// A clock that stands still until it is moved, for demonstrations, drills and tests.
#[derive(Debug)]
pub struct ManualClock(Mutex<Instant>);

impl ManualClock {
    /// Returns a clock that stands at `at`.
    #[must_use]
    pub const fn new(at: Instant) -> Self {
        Self(Mutex::new(at))
    }

    /// Moves the clock to `at`, backwards too.
    pub fn set(&self, at: Instant) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = at;
    }

    /// Moves the clock on by `by`, at most to the last representable instant.
    pub fn advance(&self, by: SignedDuration) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *now = now.checked_add(by).unwrap_or(Instant::MAX);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_stands_still_until_it_is_moved() {
        let clock = ManualClock::new(Instant::UNIX_EPOCH);
        assert_eq!(clock.now(), Instant::UNIX_EPOCH);
        clock.advance(SignedDuration::from_hours(2));
        assert_eq!(clock.now().to_string(), "1970-01-01T02:00:00Z");
        clock.set(Instant::UNIX_EPOCH);
        assert_eq!(clock.now(), Instant::UNIX_EPOCH);
    }
}
