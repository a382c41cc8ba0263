//! The clock of a ticket (投诉时限): which step it waits for, and since when. It follows from what is said of the ticket; how long
//! it runs is the law's to say (`policy::complaints`).

mod fold;

pub use fold::{Group, Key, Run, TicketCall, TicketClocks, TicketTold};

use super::code::CreditCode;
use super::envelope::Position;
use super::evidence::Complaint;
use super::time::Instant;
use super::words::{Channel, ClockStep};

/// A clock that runs. There is one of a ticket at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Clock {
    /// What it runs for.
    pub step: ClockStep,
    /// When it began; of a due time on the ticket, that time.
    pub since: Instant,
}

/// Returns the stream in which it is recorded that clocks of complaints about a merchant ran out.
#[must_use]
pub fn stream_of(code: CreditCode) -> String {
    format!("tickets-{code}")
}

impl Complaint {
    /// Returns the clock that runs for it, as known at `known`: none once it is closed, whichever way, or was found to be about
    /// somebody else. Its own due time goes before the law's terms. A mall answers: how the matter ends is not the mall's to say, so
    /// an answer meets the due time of its tickets, too.
    #[must_use]
    pub fn clock(&self, known: Position) -> Option<Clock> {
        let is_undone = self.undone.is_some_and(|undone| undone <= known);
        if is_undone || self.closed(known).is_some() {
            return None;
        }
        let due =
            |answered: Option<Instant>| self.due(known).filter(|_| self.channel != Channel::Mall || answered.is_none());
        let answered = self.answered(known);
        let (step, since) = match (due(answered), answered) {
            (Some(due), _) => (ClockStep::DueTime, due),
            (None, Some(answered)) => (ClockStep::Closing, answered),
            (None, None) => (ClockStep::FirstAnswer, self.received_at),
        };
        Some(Clock { step, since })
    }
}
