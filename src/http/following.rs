//! How far this node is behind its log.

use super::language::BothLanguages;
use crate::desk::Desk;
use crate::domain::envelope::Position;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often is looked whether the desk keeps up.
const LOOK: Duration = Duration::from_secs(1);

/// Watches whether this node keeps up with what it and others append.
pub struct Following {
    desk: Desk,
    max_behind: Duration,
    lag: Mutex<Lag>,
}

impl fmt::Debug for Following {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Following").field("max_behind", &self.max_behind).finish_non_exhaustive()
    }
}

impl Following {
    pub(super) fn new(desk: Desk, max_behind: Duration) -> Arc<Self> {
        Arc::new(Self { desk, max_behind, lag: Mutex::default() })
    }

    /// Looks again and again, as long as somebody else holds it.
    pub(super) fn look_again(self: &Arc<Self>) {
        let held = Arc::downgrade(self);
        actix_web::rt::spawn(async move {
            while let Some(following) = held.upgrade() {
                following.look();
                drop(following);
                tokio::time::sleep(LOOK).await;
            }
        });
    }

    /// Returns for how long the log may have grown without this node seeing it.
    pub(super) fn log_behind(&self) -> Duration {
        self.desk.log().behind()
    }

    /// Returns how many events of the log the desk has yet to take in.
    pub(super) fn events_behind(&self) -> u64 {
        let shown = self.desk.published().position();
        self.desk.log().head().saturating_sub(shown)
    }

    /// Says what keeps this node from showing what the log holds, if anything has for too long.
    pub(super) fn trouble(&self) -> Option<BothLanguages> {
        let limit = self.max_behind.as_secs();
        let behind = self.log_behind();
        if behind > self.max_behind {
            let seconds = behind.as_secs();
            return Some(BothLanguages::new(
                format_args!("本节点已 {seconds} 秒没有看到日志，超过允许的 {limit} 秒"),
                format_args!("this node has not seen the log for {seconds} s, more than the {limit} s allowed"),
            ));
        }
        let late = self.look();
        if late > self.max_behind {
            let (events, seconds) = (self.events_behind(), late.as_secs());
            return Some(BothLanguages::new(
                format_args!("本节点的灯情落后日志 {events} 个事件，已 {seconds} 秒，超过允许的 {limit} 秒"),
                format_args!(
                    "this node's lights are {events} events behind the log, for {seconds} s, more than the {limit} s allowed"
                ),
            ));
        }
        None
    }

    fn look(&self) -> Duration {
        // The desk is asked second: what it takes in meanwhile counts in its favour.
        let head = self.desk.log().head();
        let shown = self.desk.published().position();
        self.lag.lock().unwrap_or_else(PoisonError::into_inner).look(head, shown, Instant::now())
    }
}

/// For how long something that should follow has been behind.
#[derive(Debug, Default)]
struct Lag(Option<(Position, Instant)>);

impl Lag {
    /// Returns for how long a head has been seen that is not shown yet. One that moves on and is followed is no lag.
    fn look(&mut self, head: Position, shown: Position, now: Instant) -> Duration {
        if shown >= head {
            self.0 = None;
            return Duration::ZERO;
        }
        match self.0 {
            Some((awaited, since)) if shown < awaited => now.saturating_duration_since(since),
            _ => {
                self.0 = Some((head, now));
                Duration::ZERO
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_takes_in_what_was_there_is_not_late_however_much_comes() {
        let (mut lag, start) = (Lag::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        for second in 0..100 {
            assert!(lag.look(10 + second, 9 + second, at(second)) <= Duration::from_secs(1), "{second}");
        }
        assert_eq!(lag.look(110, 110, at(101)), Duration::ZERO);
    }

    #[test]
    fn who_stands_still_is_late_from_the_first_event_missed_until_it_is_taken_in() {
        let (mut lag, start) = (Lag::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(lag.look(10, 10, at(0)), Duration::ZERO);
        assert_eq!(lag.look(12, 10, at(5)), Duration::ZERO);
        assert_eq!(lag.look(13, 10, at(9)), Duration::from_secs(4));
        assert_eq!(lag.look(14, 11, at(20)), Duration::from_secs(15), "one event is not enough");
        assert_eq!(lag.look(14, 12, at(21)), Duration::ZERO, "what was missed is taken in, the rest counts anew");
        assert_eq!(lag.look(14, 12, at(24)), Duration::from_secs(3));
        assert_eq!(lag.look(14, 14, at(25)), Duration::ZERO);
    }
}
