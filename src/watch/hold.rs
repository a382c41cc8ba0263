//! Holds: evidence that belongs together, such as an import, is looked at when all of it is there. On a shared log the other
//! nodes have to know, or they would look at each sheet as it comes.

use crate::domain::event::{Event, WatchHeld, WatchReleased};
use crate::domain::time::Instant;
use crate::log::contract::{Append, EventLog, Pending};
use jiff::SignedDuration;
use std::collections::BTreeMap;
use uuid::Uuid;

/// How long other nodes wait for word of whoever holds.
const PATIENCE: SignedDuration = SignedDuration::from_mins(10);
/// Word is sent again when so much is left.
const AGAIN: SignedDuration = SignedDuration::from_mins(5);

/// The holds that are on.
#[derive(Debug, Default)]
pub(crate) struct Holds(BTreeMap<Uuid, Instant>);

impl Holds {
    /// Says whether this hold is on.
    pub(crate) fn contains(&self, hold: Uuid) -> bool {
        self.0.contains_key(&hold)
    }

    /// Says whether none is on.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Notes a hold, or that it goes on.
    pub(crate) fn begin(&mut self, held: &WatchHeld) {
        let until = self.0.entry(held.hold).or_insert(held.until);
        *until = held.until.max(*until);
    }

    /// Notes that a hold is over; says whether it was the last one.
    pub(crate) fn end(&mut self, hold: Uuid) -> bool {
        self.0.remove(&hold).is_some() && self.0.is_empty()
    }

    /// Ends those that nobody spoke of in time; says whether these were the last ones.
    pub(crate) fn expire(&mut self, now: Instant) -> bool {
        let before = self.0.len();
        self.0.retain(|_, until| *until > now);
        before > 0 && self.0.is_empty()
    }
}

/// The hold of this node.
#[derive(Debug)]
pub(crate) struct OwnHold {
    hold: Uuid,
    until: Option<Instant>,
}

impl OwnHold {
    /// Returns a hold that nobody was told of.
    pub(crate) fn new() -> Self {
        Self { hold: Uuid::now_v7(), until: None }
    }

    /// Returns what evidence of this hold is marked with.
    pub(crate) const fn id(&self) -> Uuid {
        self.hold
    }

    /// Tells the other nodes, if it is time to: before the first evidence, and while it goes on.
    pub(crate) fn tell(&mut self, log: &dyn EventLog, now: Instant) -> Option<Pending> {
        if self.until.is_some_and(|until| until.duration_since(now) > AGAIN) {
            return None;
        }
        let until = now.checked_add(PATIENCE).ok()?;
        self.until = Some(until);
        Some(log.submit(append(now, &Event::WatchHeld(WatchHeld { hold: self.hold, until }))))
    }

    /// Tells the other nodes that it is over, if they were told of it.
    pub(crate) fn release(&self, log: &dyn EventLog, now: Instant) -> Option<Pending> {
        self.until?;
        Some(log.submit(append(now, &Event::WatchReleased(WatchReleased { hold: self.hold }))))
    }
}

fn append(now: Instant, event: &Event) -> Append {
    super::append(Uuid::now_v7(), now, now, event)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Instant {
        Instant::UNIX_EPOCH + SignedDuration::from_mins(minute)
    }

    #[test]
    fn lights_go_on_when_the_last_hold_ends_or_runs_out() {
        let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let mut holds = Holds::default();
        assert!(!holds.end(one) && !holds.expire(at(0)));
        holds.begin(&WatchHeld { hold: one, until: at(10) });
        holds.begin(&WatchHeld { hold: two, until: at(12) });
        assert!(holds.contains(one) && holds.contains(two));
        assert!(!holds.end(one), "another is on");
        holds.begin(&WatchHeld { hold: two, until: at(20) });
        assert!(!holds.expire(at(19)));
        assert!(holds.expire(at(20)) && !holds.contains(two));
        assert!(!holds.expire(at(21)), "said once");
    }
}
