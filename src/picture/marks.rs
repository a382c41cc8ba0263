//! What the service last recorded about itself, and when the log began.

use super::part::{FoldError, Part, Seen};
use super::snapshot::{Keep, Stored as _};
use crate::domain::event::Event;
use crate::domain::time::Instant;

/// The marks of the watch and of what is in force.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks {
    /// Last midnight looked at.
    pub midnight: Option<Instant>,
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

impl Part for Marks {
    type Kept = Self;

    fn fold(&mut self, seen: &Seen<'_>) -> Result<(), FoldError> {
        self.first_recorded.get_or_insert(seen.stamp.recorded_at);
        self.last_recorded = Some(seen.stamp.recorded_at);
        match seen.event {
            Event::DayClosed(closed) => {
                self.midnight = Some(closed.at);
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
