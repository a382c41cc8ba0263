//! One attempt: read the request, write the letter, hand it over, record what was said.

use super::claim::{self, Outcome};
use super::{Back, Due, LetterError, Parts, Shared, Task};
use crate::domain::envelope::{NewEvent, Origin, Position, Recorded};
use crate::domain::event::{Event, LightChanged, MailAttempted, MailFate, MailRequested, Recipient};
use crate::domain::time::Instant;
use crate::log::contract::{Append, EventLog, Expected, LogError};
use crate::mail::message::{self, MessageError, Outgoing};
use crate::mail::render::Letter;
use crate::mail::transport::{Reply, SendError};
use crate::picture::outbox::Summary;
use crate::settings::Mail;
use crate::trail::{self, Kind, Span, Value};
use lettre::message::Mailbox;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, SystemTime};
use uuid::Uuid;

/// Checks what every mail will need of the settings.
pub(super) fn check(settings: &Mail) -> Result<(), MessageError> {
    settings
        .from
        .parse::<Mailbox>()
        .map(drop)
        .map_err(|reason| MessageError::Sender { address: settings.from.clone(), reason })
}

/// Makes one attempt and records it, unless the worker stops first or the attempt was made elsewhere meanwhile.
pub(super) fn deliver(shared: &Shared, due: &Due) {
    let back = |how: Back| {
        let _ = shared.returned.send((due.clone(), how));
    };
    let still_due = |shared: &Shared| !shared.is_stopping() && shared.parts.published.picture().outbox.unclaimed(due);
    if !still_due(shared) {
        back(Back::Taken);
        return;
    }
    let (recorded, requested) = match request_of(&*shared.parts.log, due.requested) {
        Ok(request) => request,
        Err(error) => {
            shared.in_trouble(Task::Reading, &error.to_string());
            shared.pause();
            back(Back::Again);
            return;
        }
    };
    let claimed = shared.parts.log.is_shared();
    if claimed {
        match claim::claim(shared, due, &recorded) {
            Outcome::Ours => {}
            Outcome::Taken => {
                back(Back::Taken);
                return;
            }
            Outcome::Unknown => {
                back(Back::Again);
                return;
            }
        }
    }
    let began = trail::now();
    // A fault in a library must not end the thread: then mail would stop, and nobody would be told.
    let outcome = catch_unwind(AssertUnwindSafe(|| attempt(shared, due, &recorded, &requested, claimed)))
        .unwrap_or_else(|_| {
            Err(SendError::Unreachable(Reply::new("internal fault while sending; see the service's own log")))
        });
    record(shared, due, &recorded, &outcome, began);
}

fn attempt(
    shared: &Shared,
    due: &Due,
    recorded: &Recorded,
    requested: &MailRequested,
    claimed: bool,
) -> Result<Reply, SendError> {
    let outgoing = write(shared, due, recorded, requested)?;
    let Parts { transport, settings, .. } = &shared.parts;
    if claimed { transport.send_within(&outgoing, settings.conversation()) } else { transport.send(&outgoing) }
}

/// Writes the mail. What cannot be written will not be writable later: that is a refusal, and a person has to look.
fn write(shared: &Shared, due: &Due, recorded: &Recorded, requested: &MailRequested) -> Result<Outgoing, SendError> {
    let refused = |what: &str| SendError::Refused(Reply::new(what));
    let recipient =
        recipient_of(requested, &due.address).ok_or_else(|| refused("the request does not name this recipient"))?;
    let change = change_of(&*shared.parts.log, due.change).map_err(|error| {
        // The reasons can be read when the log can.
        SendError::Unreachable(Reply::new(&error.to_string()))
    })?;
    let letter = shared
        .parts
        .renderer
        .letter(requested, recipient, change.as_ref())
        .map_err(|error| refused(&error.to_string()))?;
    let settings = &shared.parts.settings;
    let (trail, asked_at) = (recorded.event.correlation, recorded.recorded_at);
    message::compose(letter, requested, recipient, trail, asked_at, &settings.from, &settings.message_id_domain)
        .map_err(|error| refused(&error.to_string()))
}

/// Writes the letter of a mail once more, as its recipient got or will get it; `None` if it is not addressed to them.
pub(super) fn letter(parts: &Parts, mail: &Summary, address: &str) -> Result<Option<Letter>, LetterError> {
    let (_, requested) = request_of(&*parts.log, mail.position)?;
    let Some(recipient) = recipient_of(&requested, address) else { return Ok(None) };
    let change = change_of(&*parts.log, mail.change)?;
    Ok(Some(parts.renderer.letter(&requested, recipient, change.as_ref())?))
}

fn recipient_of<'r>(requested: &'r MailRequested, address: &str) -> Option<&'r Recipient> {
    requested.recipients.iter().find(|recipient| *recipient.address == *address)
}

fn request_of(log: &dyn EventLog, position: Position) -> Result<(Recorded, MailRequested), LogError> {
    let recorded = read_at(log, position)?;
    match recorded.event.decode() {
        Ok(Event::MailRequested(requested)) => Ok((recorded, requested)),
        Ok(other) => Err(LogError::Corrupt {
            position,
            what: format!("a mail request was here, and now it is `{}`", other.event_type()),
        }),
        Err(error) => Err(LogError::Corrupt { position, what: error.to_string() }),
    }
}

fn change_of(log: &dyn EventLog, position: Option<Position>) -> Result<Option<LightChanged>, LogError> {
    let Some(position) = position else { return Ok(None) };
    match read_at(log, position)?.event.decode() {
        Ok(Event::LightChanged(change)) => Ok(Some(change)),
        _ => Ok(None),
    }
}

fn read_at(log: &dyn EventLog, position: Position) -> Result<Recorded, LogError> {
    log.event_at(position)?.ok_or_else(|| LogError::Corrupt { position, what: "the event is not there".to_owned() })
}

/// Puts an attempt, and the fate if it is decided, on record in one append. While the log does not take it, this sender
/// sends nothing else: what cannot be recorded is not sent.
fn record(shared: &Shared, due: &Due, request: &Recorded, outcome: &Result<Reply, SendError>, began: SystemTime) {
    let parts = &shared.parts;
    let now = parts.clock.now();
    let append = Append {
        stream: request.stream.clone(),
        // Recipients of one mail are recorded in any order; the ids see to it that nothing is recorded twice.
        expected: Expected::Any,
        recorded_at: now,
        idempotency_key: None,
        events: events(due, request, outcome, now, &parts.settings.schedule),
    };
    loop {
        match parts.log.append(append.clone()) {
            Ok(appended) => {
                shared.out_of_trouble(Task::Recording);
                if !appended.repeated {
                    trail::export(|| span(due, append.events.first()?, appended.first, outcome, began));
                }
                return;
            }
            Err(LogError::Duplicate { .. }) => {
                tracing::warn!(
                    mail.id = %due.mail, mail.attempt = due.attempt,
                    "Attempt {} of mail `{}` is on record already; another node sends too", due.attempt, due.mail
                );
                return;
            }
            Err(error) => {
                shared.in_trouble(Task::Recording, &error.to_string());
                if shared.is_stopping() {
                    tracing::warn!(
                        mail.id = %due.mail, mail.attempt = due.attempt,
                        "Attempt {} of mail `{}` is not on record; it will be repeated under its Message-ID",
                        due.attempt, due.mail
                    );
                    return;
                }
                shared.pause();
            }
        }
    }
}

/// Returns the events of one attempt: the attempt, then the fate unless it will be tried again.
fn events(
    due: &Due,
    request: &Recorded,
    outcome: &Result<Reply, SendError>,
    now: Instant,
    schedule: &[Duration],
) -> Vec<NewEvent> {
    let (reply, retry_at) = match outcome {
        Ok(reply) | Err(SendError::Refused(reply)) => (reply, None),
        Err(SendError::PutOff(reply) | SendError::Unreachable(reply)) => (reply, retry_at(due.attempt, now, schedule)),
    };
    let fate =
        || MailFate { mail: due.mail, address: due.address.to_string(), at: now, reply: reply.as_str().to_owned() };
    let decided = match outcome {
        Ok(_) => Some(Event::MailAccepted(fate())),
        Err(SendError::Refused(_)) => Some(Event::MailRefused(fate())),
        Err(SendError::PutOff(_) | SendError::Unreachable(_)) if retry_at.is_none() => Some(Event::MailGivenUp(fate())),
        Err(SendError::PutOff(_) | SendError::Unreachable(_)) => None,
    };
    tell(due, request.event.correlation, outcome, retry_at);
    let attempted = Event::MailAttempted(MailAttempted {
        mail: due.mail,
        address: due.address.to_string(),
        attempt: due.attempt,
        at: now,
        reply: reply.as_str().to_owned(),
        retry_at,
    });
    let origin =
        Origin { causation: Some(request.event.id), correlation: request.event.correlation, ..Origin::service() };
    std::iter::once(attempted)
        .chain(decided)
        .map(|event| NewEvent::new(event_id(due, event.event_type()), now, &origin, &event))
        .collect()
}

fn retry_at(attempt: u32, now: Instant, schedule: &[Duration]) -> Option<Instant> {
    let wait = schedule.get(usize::try_from(attempt).ok()?.checked_sub(1)?)?;
    claim::later(now, *wait)
}

fn event_id(due: &Due, kind: &str) -> Uuid {
    Uuid::new_v5(&due.mail, format!("{kind} {} {}", due.attempt, due.address).as_bytes())
}

/// Addresses are not logged: they are in the record, which has an owner.
fn tell(due: &Due, trail: Option<Uuid>, outcome: &Result<Reply, SendError>, retry_at: Option<Instant>) {
    let (id, attempt, trace_id) = (due.mail, due.attempt, trail.map(|trace| tracing::field::display(trace.simple())));
    match (outcome, retry_at) {
        (Ok(_), _) => tracing::info!(trace_id, mail.id = %id, mail.attempt = attempt, "Mail `{id}` was accepted"),
        (Err(SendError::Refused(reply)), _) => {
            tracing::warn!(trace_id, mail.id = %id, mail.attempt = attempt, reply = reply.as_str(), "Mail `{id}` was refused");
        }
        (Err(error), Some(at)) => {
            tracing::info!(trace_id, mail.id = %id, mail.attempt = attempt, error = %error, "Mail `{id}` waits until {at}");
        }
        (Err(error), None) => {
            tracing::warn!(trace_id, mail.id = %id, mail.attempt = attempt, error = %error, "Mail `{id}` was given up");
        }
    }
}

/// The span of an attempt. The reply is left out: servers like to repeat the address in it.
fn span(
    due: &Due,
    attempted: &NewEvent,
    position: Position,
    outcome: &Result<Reply, SendError>,
    began: SystemTime,
) -> Option<Span> {
    let mut span = trail::recorded("mail attempt", Kind::Client, attempted, position, began)?;
    span.failed = outcome.is_err();
    span.attributes.extend([
        ("warnlight.mail.id", Value::Text(due.mail.to_string().into())),
        ("warnlight.mail.attempt", Value::Number(due.attempt.into())),
    ]);
    Some(span)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEDULE: &[Duration] = &[Duration::from_secs(5), Duration::from_secs(300)];

    #[test]
    fn each_failure_waits_as_long_as_the_schedule_says_and_the_last_is_the_end() {
        let now: Instant = "2025-06-30T10:00:00Z".parse().unwrap();
        let waits = |attempt| retry_at(attempt, now, SCHEDULE).map(|at| at.duration_since(now).as_secs());
        assert_eq!([waits(1), waits(2), waits(3), waits(4)], [Some(5), Some(300), None, None]);
    }
}
