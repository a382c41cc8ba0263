//! The claim (认领): where several nodes share a log, a node says there that it makes an attempt, before it makes it.
//!
//! The claim's event id is derived from mail, recipient, attempt and number, so of two nodes that claim at once one gets
//! its answer, and the other hears that the id is taken. A claim ends by itself: a node that dies keeps nobody waiting for
//! longer. What a claim cannot rule out is a node that is held up (suspended, cut off from the log) between taking its
//! claim and recording the attempt; then a second copy goes out under the same Message-ID, and one of the two is recorded.

use super::{Due, Shared, Task};
use crate::domain::envelope::{NewEvent, Origin, Recorded};
use crate::domain::event::{Event, MailClaimed};
use crate::domain::time::Instant;
use crate::log::contract::{Append, Expected, LogError};
use crate::picture::outbox::deliveries_of;
use jiff::SignedDuration;
use std::time::Duration;
use uuid::Uuid;

/// What came of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Ours, and long enough for a whole conversation with the mail server.
    Ours,
    /// The number is taken: by another node, or by us to no use. It is due again when that claim ends.
    Taken,
    /// The log did not take it, as far as is known. It is due as before.
    Unknown,
}

/// Claims an attempt. `request` is the event that asked for the mail.
pub(super) fn claim(shared: &Shared, due: &Due, request: &Recorded) -> Outcome {
    let parts = &shared.parts;
    let now = parts.clock.now();
    let Some(until) = later(now, parts.settings.claim) else { return Outcome::Unknown };
    let is_long_enough = || later(parts.clock.now(), parts.settings.conversation()).is_some_and(|end| end <= until);
    // The same to the byte however often it is said: so the log knows it again when its first answer was lost.
    let append = append(shared.me, due, request, now, until);
    loop {
        match parts.log.append(append.clone()) {
            Ok(_) => break,
            Err(LogError::Duplicate { .. }) => {
                shared.out_of_trouble(Task::Recording);
                tracing::debug!(
                    mail.id = %due.mail, mail.attempt = due.attempt, mail.claim = due.claim,
                    "Claim {} on attempt {} of mail `{}` went to another node", due.claim, due.attempt, due.mail
                );
                return Outcome::Taken;
            }
            Err(error) => {
                shared.in_trouble(Task::Recording, &error.to_string());
                shared.pause();
                if shared.is_stopping() || !is_long_enough() {
                    return Outcome::Unknown;
                }
            }
        }
    }
    shared.out_of_trouble(Task::Recording);
    if !is_long_enough() {
        tracing::warn!(
            mail.id = %due.mail, mail.attempt = due.attempt, mail.claim = due.claim,
            "The log took too long over claim {} on attempt {} of mail `{}`; it is claimed again when this one ends",
            due.claim, due.attempt, due.mail
        );
        return Outcome::Taken;
    }
    if stands(shared, due, request) { Outcome::Ours } else { Outcome::Taken }
}

/// Says whether the log, up to our claim, still wants this attempt from us. The outbox cannot say: it may be behind the
/// log, and not know yet that the attempt is on record.
fn stands(shared: &Shared, due: &Due, request: &Recorded) -> bool {
    let problem = match shared.parts.log.read_stream(&request.stream, 0, usize::MAX) {
        Ok(stream) => match deliveries_of(&stream) {
            Ok(deliveries) => {
                return deliveries.iter().any(|delivery| {
                    let claim = delivery.claim.map(|claim| (claim.number, claim.by));
                    delivery.awaits(&due.address, due.attempt) && claim == Some((due.claim, shared.me))
                });
            }
            Err(error) => error.to_string(),
        },
        Err(error) => error.to_string(),
    };
    shared.in_trouble(Task::Reading, &problem);
    false
}

fn append(by: Uuid, due: &Due, request: &Recorded, at: Instant, until: Instant) -> Append {
    let claimed = Event::MailClaimed(MailClaimed {
        mail: due.mail,
        address: due.address.to_string(),
        attempt: due.attempt,
        claim: due.claim,
        by,
        at,
        until,
    });
    let origin =
        Origin { causation: Some(request.event.id), correlation: request.event.correlation, ..Origin::service() };
    let name = format!("{} {} {} {}", claimed.event_type(), due.attempt, due.claim, due.address);
    Append {
        stream: request.stream.clone(),
        expected: Expected::Any,
        recorded_at: at,
        idempotency_key: None,
        events: vec![NewEvent::new(Uuid::new_v5(&due.mail, name.as_bytes()), at, &origin, &claimed)],
    }
}

/// Returns the instant so much later; `None` if there is none in the calendar.
pub(super) fn later(now: Instant, by: Duration) -> Option<Instant> {
    now.checked_add(SignedDuration::try_from(by).ok()?).ok()
}
