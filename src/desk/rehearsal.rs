//! A rehearsal: commands are decided on a picture of one's own and nothing is written; for dry runs.

use super::{Answer, Receipt};
use crate::domain::command::Command;
use crate::domain::decide::{Known, decide};
use crate::domain::envelope::{NewEvent, Origin};
use crate::domain::fold::Stamp;
use crate::domain::time::Instant;
use crate::picture::Picture;
use uuid::Uuid;

/// A picture that commands are tried on.
#[derive(Debug)]
pub struct Rehearsal {
    picture: Picture,
    sectors: Vec<String>,
}

impl Rehearsal {
    /// Returns a rehearsal that begins with `picture`.
    #[must_use]
    pub fn new(picture: Picture) -> Self {
        let sectors = picture.policies.sectors.all().iter().map(|sector| sector.id.clone()).collect();
        Self { picture, sectors }
    }

    /// Decides a command as the desk would at `now`; the receipt of an accepted one names events that do not exist.
    pub fn execute(&mut self, command: &Command, now: Instant) -> Answer {
        let known = Known::of(&self.picture.world, command, &self.sectors);
        let decision = match decide(command, known, now) {
            Ok(decision) => decision,
            Err(problems) => return Answer::Refused(problems),
        };
        if decision.events.is_empty() {
            return Answer::Unchanged { warnings: decision.warnings };
        }
        let first = self.picture.position + 1;
        let mut events = Vec::with_capacity(decision.events.len());
        for (occurred_at, event) in decision.events {
            let envelope = NewEvent::new(Uuid::nil(), occurred_at, &Origin::service(), &event);
            let stamp = Stamp { position: self.picture.position + 1, recorded_at: now, history: true };
            // What was decided a moment ago can be folded; a rehearsal that could not would only know less.
            let _ = self.picture.fold_written(stamp, &envelope);
            events.push(envelope.id);
        }
        let last = self.picture.position;
        let warnings = decision.warnings;
        Answer::Accepted(Receipt { events, first, last, recorded_at: now, repeated: false, warnings })
    }
}
