//! A rehearsal: commands are decided on a state of one's own and nothing is written; for dry runs.

use super::{Answer, Receipt, State};
use crate::domain::command::Command;
use crate::domain::decide::{Known, decide};
use crate::domain::envelope::{NewEvent, Origin};
use crate::domain::fold::Stamp;
use crate::domain::time::Instant;
use uuid::Uuid;

/// A state that commands are tried on.
#[derive(Debug)]
pub struct Rehearsal {
    state: State,
    sectors: Vec<String>,
}

impl Rehearsal {
    /// Returns a rehearsal that begins with `state`.
    #[must_use]
    pub fn new(state: State) -> Self {
        let sectors = state.policies.sectors.all().iter().map(|sector| sector.id.clone()).collect();
        Self { state, sectors }
    }

    /// Decides a command as the desk would at `now`; the receipt of an accepted one names events that do not exist.
    pub fn execute(&mut self, command: &Command, now: Instant) -> Answer {
        let known = Known::of(&self.state.world, command, &self.sectors);
        let decision = match decide(command, known, now) {
            Ok(decision) => decision,
            Err(problems) => return Answer::Refused(problems),
        };
        if decision.events.is_empty() {
            return Answer::Unchanged { warnings: decision.warnings };
        }
        let first = self.state.position + 1;
        let mut events = Vec::with_capacity(decision.events.len());
        for (occurred_at, event) in decision.events {
            let envelope = NewEvent::new(Uuid::nil(), occurred_at, &Origin::service(), &event);
            let stamp = Stamp { position: self.state.position + 1, recorded_at: now, history: true };
            self.state.apply(stamp, envelope.id, &event, &envelope.data);
            events.push(envelope.id);
        }
        let last = self.state.position;
        let warnings = decision.warnings;
        Answer::Accepted(Receipt { events, first, last, recorded_at: now, repeated: false, warnings })
    }
}
