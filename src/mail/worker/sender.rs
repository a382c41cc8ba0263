//! One attempt: read the request, write the letter, hand it over, record what was said.

use super::claim::{self, Outcome};
use super::pace::Told;
use super::{Back, Due, LetterError, Parts, Shared, Task};
use crate::domain::envelope::{NewEvent, Origin, Position, Recorded};
use crate::domain::event::{
    Event, HoldCause, LightChanged, LightNews, MailAttempted, MailFate, MailHeldUp, MailRequested, Recipient,
};
use crate::domain::time::Instant;
use crate::log::contract::{Append, EventLog, Expected, LogError};
use crate::mail::message::{self, MessageError, Outgoing};
use crate::mail::render::Letter;
use crate::mail::transport::{Allowance, Reply, SendError};
use crate::picture::lights::light_stream;
use crate::picture::outbox::Summary;
use crate::settings::Mail;
use crate::trail::{self, Kind, Span, Value};
use lettre::message::Mailbox;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};
use uuid::Uuid;

/// Light changes of a merchant that are read at a time.
const LIGHTS: usize = 500;

/// Checks what every mail will need of the settings.
pub(super) fn check(settings: &Mail) -> Result<(), MessageError> {
    settings
        .from
        .parse::<Mailbox>()
        .map(drop)
        .map_err(|reason| MessageError::Sender { address: settings.from.clone(), reason })
}

/// First wait of a mail that the server held up; each further one is twice as long, up to [`LONGEST_HOLD`].
const FIRST_HOLD: Duration = Duration::from_secs(5);

/// Longest wait of a mail that the server held up.
const LONGEST_HOLD: Duration = Duration::from_secs(300);

/// A server that says for so long that we are too fast, and takes nothing, is in trouble: at one mail a minute no limit of
/// the usual kind is met any longer.
const TOO_FAST_TOO_LONG: Duration = Duration::from_secs(15 * 60);

/// Makes one attempt and records it, unless the worker stops first or the attempt was made elsewhere meanwhile.
pub(super) fn deliver(shared: &Shared, due: &Due) {
    if !make(shared, due) {
        shared.pace().ended(Told::Nothing, shared.parts.clock.now());
    }
}

/// Says whether a conversation took place; then it was reported to the pace.
fn make(shared: &Shared, due: &Due) -> bool {
    let back = |how: Back| {
        let _ = shared.returned.send((due.clone(), how));
    };
    let still_due = |shared: &Shared| !shared.is_stopping() && shared.parts.published.picture().outbox.unclaimed(due);
    if !still_due(shared) {
        back(Back::Taken);
        return false;
    }
    let (recorded, requested) = match request_of(&*shared.parts.log, due.requested) {
        Ok(request) => request,
        Err(error) => {
            shared.in_trouble(Task::Reading, &error.to_string());
            shared.pause();
            back(Back::Again);
            return false;
        }
    };
    if shared.parts.log.is_shared() {
        match claim::claim(shared, due, &recorded) {
            Outcome::Ours => {}
            Outcome::Taken => {
                back(Back::Taken);
                return false;
            }
            Outcome::Unknown => {
                back(Back::Again);
                return false;
            }
        }
    }
    let began = trail::now();
    // A fault in a library must not end the thread: then mail would stop, and nobody would be told.
    let outcome = catch_unwind(AssertUnwindSafe(|| attempt(shared, due, &recorded, &requested))).unwrap_or_else(|_| {
        Err(SendError::PutOff(Reply::new("internal fault while sending; see the service's own log")))
    });
    let outcome = outcome.map_err(|error| whose(shared, due, error));
    let wait = report(shared, &outcome);
    record(shared, due, &recorded, &outcome, wait, began);
    true
}

/// Finds out whose rule it is that stands against a mail, by what the others' mails were answered.
fn whose(shared: &Shared, due: &Due, error: SendError) -> SendError {
    match error {
        SendError::Ruled(reply) if shared.rules().told(&due.address) => SendError::HeldUp(reply),
        other => other,
    }
}

/// Tells the pace, and whoever looks at the service, what a conversation said about the server. Returns how long the mail
/// has to wait at least if it was held up.
fn report(shared: &Shared, outcome: &Result<Reply, SendError>) -> Duration {
    let now = shared.parts.clock.now();
    if outcome.is_ok() {
        shared.rules().taken();
    }
    let told = match outcome {
        Ok(_) => Told::Works,
        // A word about one recipient does not show that rules which stand against all of them are gone.
        Err(SendError::Refused(_) | SendError::PutOff(_)) if shared.rules().are_the_servers() => Told::Nothing,
        Err(SendError::Refused(_) | SendError::PutOff(_)) => Told::Works,
        Err(SendError::Busy(_) | SendError::Throttled(_)) => Told::TooFast,
        Err(SendError::HeldUp(_) | SendError::Unclear(_)) => Told::Trouble,
        Err(SendError::Ruled(_) | SendError::BrokenOff(_)) => Told::Nothing,
    };
    if outcome.as_ref().is_err_and(|error| !error.is_of_recipient()) {
        shared.held_up.fetch_add(1, Ordering::Relaxed);
    }
    let (wait, too_fast_for) = {
        let mut pace = shared.pace();
        (pace.ended(told, now), pace.too_fast_for(now))
    };
    let stands_still = match outcome {
        Err(SendError::HeldUp(reply) | SendError::Unclear(reply)) => {
            Some(format!("the mail server takes no mail: {}", reply.in_short()))
        }
        Err(SendError::Throttled(reply)) if too_fast_for >= TOO_FAST_TOO_LONG => Some(format!(
            "the mail server has said for {} minutes and more that mails come too fast, and takes none: {}",
            TOO_FAST_TOO_LONG.as_secs() / 60,
            reply.in_short()
        )),
        _ => None,
    };
    match stands_still {
        Some(what) if !shared.is_stopping() => shared.in_trouble(Task::Sending, &what),
        None if matches!(told, Told::Works) => shared.out_of_trouble(Task::Sending),
        _ => {}
    }
    wait
}

fn attempt(shared: &Shared, due: &Due, recorded: &Recorded, requested: &MailRequested) -> Result<Reply, SendError> {
    let outgoing = write(shared, due, recorded, requested)?;
    let Parts { transport, settings, .. } = &shared.parts;
    let allowance = Allowance { within: settings.conversation(), stopping: shared.stopping.clone() };
    transport.send(&outgoing, &allowance)
}

/// Writes the mail. What cannot be written will not be writable later: that is a refusal, and a person has to look.
fn write(shared: &Shared, due: &Due, recorded: &Recorded, requested: &MailRequested) -> Result<Outgoing, SendError> {
    let refused = |what: &str| SendError::Refused(Reply::new(what));
    let recipient =
        recipient_of(requested, &due.address).ok_or_else(|| refused("the request does not name this recipient"))?;
    let change = change_of(&*shared.parts.log, requested, due.change).map_err(|error| {
        // The reasons can be read when the log can.
        SendError::HeldUp(Reply::new(&error.to_string()))
    })?;
    let letter = shared
        .parts
        .renderer
        .outgoing(requested, recipient, change.as_ref())
        .map_err(|error| refused(&error.to_string()))?;
    let settings = &shared.parts.settings;
    let (trail, asked_at) = (recorded.event.correlation, recorded.recorded_at);
    message::compose(letter, requested, recipient, trail, asked_at, &settings.from, &settings.message_id_domain)
        .map_err(|error| refused(&error.to_string()))
}

/// Writes the letter of a mail once more, as its recipient got or will get it, but for the link that is for them alone; `None` if it is
/// not addressed to them.
pub(super) fn letter(parts: &Parts, mail: &Summary, address: &str) -> Result<Option<Letter>, LetterError> {
    let (_, requested) = request_of(&*parts.log, mail.position)?;
    let Some(recipient) = recipient_of(&requested, address) else { return Ok(None) };
    let change = change_of(&*parts.log, &requested, mail.change)?;
    Ok(Some(parts.renderer.letter(&requested, recipient, change.as_ref())?))
}

fn recipient_of<'r>(requested: &'r MailRequested, address: &str) -> Option<&'r Recipient> {
    requested.recipients.iter().find(|recipient| *recipient.address == *address)
}

pub(super) fn request_of(log: &dyn EventLog, position: Position) -> Result<(Recorded, MailRequested), LogError> {
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

/// Returns the light change that a mail is about. One that calls for something, or that waited for a digest, is not the mail that the
/// change asked for: the change stands in the merchant's light stream.
pub(super) fn change_of(
    log: &dyn EventLog,
    requested: &MailRequested,
    position: Option<Position>,
) -> Result<Option<LightChanged>, LogError> {
    let Some(position) = position else {
        return requested.light().map_or(Ok(None), |news| change_called_about(log, news));
    };
    match read_at(log, position)?.event.decode() {
        Ok(Event::LightChanged(change)) => Ok(Some(change)),
        _ => Ok(None),
    }
}

fn change_called_about(log: &dyn EventLog, news: &LightNews) -> Result<Option<LightChanged>, LogError> {
    let (stream, mut next) = (light_stream(news.credit_code), 0);
    loop {
        let batch = log.read_stream(&stream, next, LIGHTS)?;
        let Some(last) = batch.last() else { break };
        next = last.revision + 1;
        if let Some(found) = batch.iter().find(|recorded| recorded.event.id == news.change) {
            return Ok(match found.event.decode() {
                Ok(Event::LightChanged(change)) => Some(change),
                _ => None,
            });
        }
    }
    Ok(None)
}

fn read_at(log: &dyn EventLog, position: Position) -> Result<Recorded, LogError> {
    log.event_at(position)?.ok_or_else(|| LogError::Corrupt { position, what: "the event is not there".to_owned() })
}

/// Puts an attempt, and the fate if it is decided, on record in one append. While the log does not take it, this sender
/// sends nothing else: what cannot be recorded is not sent.
fn record(
    shared: &Shared,
    due: &Due,
    request: &Recorded,
    outcome: &Result<Reply, SendError>,
    wait: Duration,
    began: SystemTime,
) {
    let parts = &shared.parts;
    let now = parts.clock.now();
    let append = Append {
        stream: request.stream.clone(),
        // Recipients of one mail are recorded in any order; the ids see to it that nothing is recorded twice.
        expected: Expected::Any,
        recorded_at: now,
        idempotency_key: None,
        events: events(due, request, outcome, now, next_attempt(due, outcome, now, wait, &parts.settings.schedule)),
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

/// Returns when the next attempt is made; `None` if there is none.
fn next_attempt(
    due: &Due,
    outcome: &Result<Reply, SendError>,
    now: Instant,
    wait: Duration,
    schedule: &[Duration],
) -> Option<Instant> {
    match outcome {
        Ok(_) | Err(SendError::Refused(_)) => None,
        Err(SendError::PutOff(_) | SendError::Busy(_) | SendError::Ruled(_)) => retry_at(due.counted, now, schedule),
        Err(SendError::BrokenOff(_)) => Some(now),
        // Each attempt may be one more copy for the reader, so they come by the schedule; but no word is no refusal, so
        // they do not end with it.
        Err(SendError::Unclear(_)) => {
            let by_schedule = retry_at(due.counted, now, schedule);
            by_schedule.or_else(|| claim::later(now, schedule.last().copied().unwrap_or(LONGEST_HOLD).max(wait)))
        }
        // A mail that alone is held up again and again does not take the others' turn.
        Err(SendError::Throttled(_) | SendError::HeldUp(_)) => {
            let times = due.attempt.saturating_sub(due.counted).min(10);
            claim::later(now, FIRST_HOLD.saturating_mul(1 << times).min(LONGEST_HOLD).max(wait))
        }
    }
}

/// Returns the events of one attempt: the attempt, then the fate, or what held it up, unless it will be tried again by the
/// schedule.
fn events(
    due: &Due,
    request: &Recorded,
    outcome: &Result<Reply, SendError>,
    now: Instant,
    retry_at: Option<Instant>,
) -> Vec<NewEvent> {
    let (Ok(reply)
    | Err(
        SendError::Refused(reply)
        | SendError::PutOff(reply)
        | SendError::Busy(reply)
        | SendError::Ruled(reply)
        | SendError::Throttled(reply)
        | SendError::HeldUp(reply)
        | SendError::Unclear(reply)
        | SendError::BrokenOff(reply),
    )) = outcome;
    let fate =
        || MailFate { mail: due.mail, address: due.address.to_string(), at: now, reply: reply.as_str().to_owned() };
    let held_up = |cause| {
        let address = due.address.to_string();
        Event::MailHeldUp(MailHeldUp { mail: due.mail, address, attempt: due.attempt, cause, at: now })
    };
    let decided = match outcome {
        Ok(_) => Some(Event::MailAccepted(fate())),
        Err(SendError::Refused(_)) => Some(Event::MailRefused(fate())),
        Err(SendError::PutOff(_) | SendError::Busy(_) | SendError::Ruled(_)) => {
            retry_at.is_none().then(|| Event::MailGivenUp(fate()))
        }
        Err(SendError::Throttled(_) | SendError::HeldUp(_) | SendError::BrokenOff(_)) => {
            Some(held_up(HoldCause::Server))
        }
        Err(SendError::Unclear(_)) => Some(held_up(HoldCause::Unclear)),
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

fn retry_at(counted: u32, now: Instant, schedule: &[Duration]) -> Option<Instant> {
    let wait = schedule.get(usize::try_from(counted).ok()?.checked_sub(1)?)?;
    claim::later(now, *wait)
}

fn event_id(due: &Due, kind: &str) -> Uuid {
    Uuid::new_v5(&due.mail, format!("{kind} {} {}", due.attempt, due.address).as_bytes())
}

/// Addresses are not logged, nor a server's words, which repeat them: they are in the record, which has an owner.
fn tell(due: &Due, trail: Option<Uuid>, outcome: &Result<Reply, SendError>, retry_at: Option<Instant>) {
    let (id, attempt, trace_id) = (due.mail, due.attempt, trail.map(|trace| tracing::field::display(trace.simple())));
    match (outcome, retry_at) {
        (Ok(_), _) => tracing::info!(trace_id, mail.id = %id, mail.attempt = attempt, "Mail `{id}` was accepted"),
        (Err(SendError::Refused(reply)), _) => {
            tracing::warn!(trace_id, mail.id = %id, mail.attempt = attempt, reply = reply.in_short(), "Mail `{id}` was refused");
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
