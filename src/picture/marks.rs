//! What the service last recorded about itself, and when the log began.

use super::part::{FoldError, Part, SeenEvent};
use super::snapshot::{Keep, Stored as _};
use crate::domain::envelope::Position;
use crate::domain::event::Event;
use crate::domain::time::Instant;
use jiff::SignedDuration;

/// The marks of the watch and of what is in force.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks {
    /// Last midnight looked at.
    pub midnight: Option<Instant>,
    /// Position of the record of it.
    pub closed: Position,
    /// The latest midnight ever looked at: later than the last if a clock was ahead and has been set right.
    pub furthest: Option<Instant>,
    /// Digest of the policies in force.
    pub policy: Option<String>,
    /// A change of policies after the last closed day: its round may not have come to its end.
    pub policy_round: bool,
    /// Digest of the list of recipients in force.
    pub recipients: Option<String>,
    /// Time of the first event.
    pub first_recorded: Option<Instant>,
    /// Time of the last event.
    pub last_recorded: Option<Instant>,
}

/// By how much the clocks of nodes may differ: within it, the newest time on record counts as now, so that a node whose
/// clock is a little behind decides on what it knows. A log that is further ahead was written by a clock that was wrong.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

impl Marks {
    /// Returns the time to decide by: the clock's, or the newest on record if that is a little ahead.
    #[must_use]
    pub fn now(&self, clock: Instant) -> Instant {
        match self.last_recorded {
            Some(last) if last > clock && self.ahead_of(clock).is_none() => last,
            _ => clock,
        }
    }

    /// Returns by how much the newest time on record is ahead of a clock, if by more than nodes may differ.
    #[must_use]
    pub fn ahead_of(&self, clock: Instant) -> Option<SignedDuration> {
        self.last_recorded.map(|last| last.duration_since(clock)).filter(|ahead| *ahead > SKEW)
    }
}

impl Part for Marks {
    type Kept = Self;

    fn fold(&mut self, seen: &SeenEvent<'_>) -> Result<(), FoldError> {
        self.first_recorded.get_or_insert(seen.stamp.recorded_at);
        self.last_recorded = Some(seen.stamp.recorded_at);
        match seen.event {
            Event::DayClosed(closed) => {
                self.midnight = Some(closed.at);
                self.closed = seen.stamp.position;
                self.furthest = self.furthest.max(self.midnight);
                self.policy_round = false;
            }
            Event::PolicyActivated(activated) => {
                // The same policies again, by another node that starts, change no light.
                self.policy_round |= self.policy.as_ref().is_some_and(|before| *before != activated.digest);
                self.policy = Some(activated.digest.clone());
            }
            Event::RecipientsChanged(changed) => self.recipients = Some(changed.digest.clone()),
            _ => {}
        }
        Ok(())
    }

    fn keep(&self, keep: &mut Keep<'_>) {
        keep.one(|out| self.put(out));
    }

    fn restore(&mut self, kept: Self) {
        *self = kept;
    }
}
