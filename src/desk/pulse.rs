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

    /// Says if the desk does not come round any more.
    pub(super) fn hangs(&self) -> Option<String> {
        self.hangs_at(self.begun.elapsed())
    }

    /// The same so long after it began.
    fn hangs_at(&self, elapsed: Duration) -> Option<String> {
        let turned = Duration::from_millis(self.turned.load(Ordering::Acquire));
        let since = elapsed.saturating_sub(turned);
        (since > LONGEST_TURN).then(|| format!("the desk has been at one piece of work for {} s", since.as_secs()))
    }

    /// Returns what keeps lights from being recorded, if anything does.
    pub(super) fn trouble(&self) -> Option<String> {
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        trouble.as_ref().map(|trouble| format!("lights cannot be recorded: {trouble}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_desk_that_does_not_come_round_hangs_until_it_does() {
        let pulse = Pulse::new();
        assert_eq!(pulse.hangs_at(LONGEST_TURN), None);
        let late = pulse.begun.elapsed() + LONGEST_TURN + Duration::from_secs(2);
        let said = pulse.hangs_at(late).unwrap();
        assert!(said.contains("at one piece of work for 12 s"), "{said}");
        pulse.turned.store(u64::try_from(late.as_millis()).unwrap(), Ordering::Release);
        assert_eq!(pulse.hangs_at(late), None);
    }

    #[test]
    fn what_keeps_lights_from_being_recorded_is_told_until_it_is_over_and_is_news_once() {
        let pulse = Pulse::new();
        assert!(pulse.note(Some("the disk is full".to_owned())));
        assert!(!pulse.note(Some("the disk is full".to_owned())));
        assert!(pulse.trouble().unwrap().contains("the disk is full"));
        assert!(pulse.note(None));
        assert_eq!(pulse.trouble(), None);
    }
}
