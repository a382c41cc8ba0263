//! When to stop working on an answer: its time is over, or nobody waits for it any more.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// What somebody who goes over all merchants looks at now and then. Once over, it stays over: whoever was cut short and
/// whoever asks afterwards whether that happened hear the same.
#[derive(Debug)]
pub struct Limit {
    until: Option<Instant>,
    is_over: AtomicBool,
}

impl Limit {
    /// Returns a limit that is over after `patience`.
    #[must_use]
    pub fn new(patience: Duration) -> Self {
        Self { until: Instant::now().checked_add(patience), is_over: AtomicBool::new(false) }
    }

    /// Ends it now: nobody waits for the answer.
    pub fn end(&self) {
        self.is_over.store(true, Ordering::Release);
    }

    /// Says whether to stop.
    #[must_use]
    pub fn is_over(&self) -> bool {
        if self.until.is_some_and(|until| Instant::now() >= until) {
            self.end();
        }
        self.is_over.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_over_when_its_time_is_or_when_nobody_waits_and_stays_so() {
        assert!(Limit::new(Duration::ZERO).is_over());
        let long = Limit::new(Duration::from_secs(3600));
        assert!(!long.is_over());
        long.end();
        assert!(long.is_over() && long.is_over());
        assert!(!Limit::new(Duration::MAX).is_over(), "an hour beyond all clocks is no hour that has passed");
    }
}
