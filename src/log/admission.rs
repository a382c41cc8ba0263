//! Which appends are taken: the contract's rules, written once for every engine that keeps its own events.

use crate::domain::envelope::{Digest, NewEvent, Position, Recorded, Revision};
use crate::domain::time::Instant;
use crate::log::chain::PlaceInLog;
use crate::log::contract::{Append, Appended, Expected, LogError};
use std::collections::HashSet;
use std::sync::Arc;
use uuid::Uuid;

/// Longest stream name, in bytes.
pub const MAX_STREAM: usize = 512;
/// Longest idempotency key, in bytes.
pub const MAX_KEY: usize = 512;
/// Longest type name and longest actor, in bytes.
pub const MAX_WORD: usize = 512;
/// Longest payload of one event, in bytes.
pub const MAX_DATA: usize = 16 * 1024 * 1024;
/// Most events in one append.
pub const MAX_EVENTS: usize = 1_000_000;

/// What an engine must be able to look up to judge an append.
pub trait Holdings {
    /// Returns the position of the event with this id.
    ///
    /// # Errors
    /// When the engine cannot tell.
    fn find_id(&mut self, id: &Uuid) -> Result<Option<Position>, LogError>;

    /// Returns the first and last position of the append answered under this key.
    ///
    /// # Errors
    /// When the engine cannot tell.
    fn find_key(&mut self, key: &str) -> Result<Option<(Position, Position)>, LogError>;

    /// Returns the events from `first` to `last` that exist, each with its place in its append.
    ///
    /// # Errors
    /// When the engine cannot tell.
    fn entries(&mut self, first: Position, last: Position) -> Result<Vec<Entry>, LogError>;

    /// Returns the revision of the stream's last event.
    ///
    /// # Errors
    /// When the engine cannot tell.
    fn last_revision(&mut self, stream: &Arc<str>) -> Result<Option<Revision>, LogError>;
}

/// A recorded event and its place in its append.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Place in its append, from 0.
    pub part: u32,
    /// The event.
    pub recorded: Recorded,
}

/// What to do with an append that is not refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Write it; the stream's next revision is given.
    New(Revision),
    /// It is there already. If `bind_key`, its key is new: remember the key for this answer.
    Repeated {
        /// The first answer.
        answer: Appended,
        /// The append's key is not known yet.
        bind_key: bool,
    },
}

/// Judges an append against what is there.
///
/// In this order: whether it makes sense; its key; its ids; the expected revision. Under a known key the ids and the
/// correlation need not be the same, because a client that lost the answer may build the events anew and send them on a new
/// trail; everything else about them must be. Under known ids, the events must be exactly those of one earlier append to the
/// same stream. `recorded_at` never counts.
///
/// # Errors
/// The refusal, or whatever kept the engine from looking.
pub fn judge(append: &Append, holdings: &mut dyn Holdings) -> Result<Verdict, LogError> {
    check(append)?;
    let mut bind_key = false;
    if let Some(key) = &append.idempotency_key {
        match holdings.find_key(key)? {
            Some((first, last)) => {
                let there = holdings.entries(first, last)?;
                return match answer_of(&there) {
                    Some(answer) if same(append, &there, Under::Key) => {
                        Ok(Verdict::Repeated { answer, bind_key: false })
                    }
                    _ => Err(LogError::KeyReused { key: key.clone() }),
                };
            }
            None => bind_key = true,
        }
    }
    if let Some(answer) = repeated_by_id(append, holdings)? {
        return Ok(Verdict::Repeated { answer, bind_key });
    }
    let actual = holdings.last_revision(&append.stream)?;
    let fits = match append.expected {
        Expected::Any => true,
        Expected::NoStream => actual.is_none(),
        Expected::Revision(revision) => actual == Some(revision),
    };
    if !fits {
        return Err(LogError::Conflict { stream: append.stream.clone(), expected: append.expected, actual });
    }
    Ok(Verdict::New(actual.map_or(0, |revision| revision + 1)))
}

/// Returns the answer that an append of exactly these events was given, if there was one.
fn repeated_by_id(append: &Append, holdings: &mut dyn Holdings) -> Result<Option<Appended>, LogError> {
    let mut first = None;
    let mut unknown = None;
    for event in &append.events {
        match (holdings.find_id(&event.id)?, first) {
            (Some(position), None) => first = Some((event.id, position)),
            (None, _) => unknown = Some(event.id),
            _ => {}
        }
    }
    let Some((id, first)) = first else { return Ok(None) };
    if unknown.is_some() {
        return Err(LogError::Duplicate { id });
    }
    // One more than was asked for: the earlier append must end where this one does.
    let mut there = holdings.entries(first, first.saturating_add(append.events.len() as u64))?;
    let ends = there.get(append.events.len()).is_none_or(|next| next.part == 0);
    there.truncate(append.events.len());
    let one_append = there.iter().zip(0..).all(|(entry, part)| entry.part == part);
    if !ends || !one_append {
        return Err(LogError::Duplicate { id });
    }
    match answer_of(&there) {
        Some(answer) if same(append, &there, Under::Ids) => Ok(Some(answer)),
        _ => Err(LogError::Duplicate { id: first_difference(append, &there).unwrap_or(id) }),
    }
}

/// Returns the answer for events that are there.
#[must_use]
pub fn answer_of(there: &[Entry]) -> Option<Appended> {
    let (first, last) = (&there.first()?.recorded, &there.last()?.recorded);
    Some(Appended {
        first: first.position,
        last: last.position,
        revision: last.revision,
        recorded_at: first.recorded_at,
        repeated: true,
    })
}

/// Returns the time to record: the append's, held at the last event's if earlier.
#[must_use]
pub fn recording_time(append: &Append, last: Option<Instant>) -> Instant {
    last.map_or(append.recorded_at, |last| last.max(append.recorded_at))
}

/// Puts the events of an append behind one another, from a position and a revision on: shows each with its place and the digest that
/// follows from those before it. Returns the answer.
///
/// # Errors
/// What `take` says.
pub fn put<'a, E>(
    append: &'a Append,
    (first, revision): (Position, Revision),
    recorded_at: Instant,
    previous: Digest,
    mut take: impl FnMut(PlaceInLog<'a>, &'a NewEvent, Digest) -> Result<(), E>,
) -> Result<Appended, E> {
    let mut digest = previous;
    let mut answer = Appended { first, last: first, revision, recorded_at, repeated: false };
    for (part, event) in (0_u32..).zip(&append.events) {
        let place = PlaceInLog {
            position: first + Position::from(part),
            stream: &append.stream,
            revision: revision + Revision::from(part),
            part,
            recorded_at,
            idempotency_key: append.idempotency_key.as_deref(),
        };
        digest = place.link(event).digest(&digest);
        take(place, event, digest)?;
        (answer.last, answer.revision) = (place.position, place.revision);
    }
    Ok(answer)
}

/// Returns an event of an append as it is kept at its place.
#[must_use]
pub fn kept(append: &Append, place: PlaceInLog<'_>, event: &NewEvent, digest: Digest) -> Entry {
    let recorded = Recorded {
        position: place.position,
        stream: append.stream.clone(),
        revision: place.revision,
        recorded_at: place.recorded_at,
        idempotency_key: append.idempotency_key.clone(),
        digest,
        event: event.clone(),
    };
    Entry { part: place.part, recorded }
}

/// By what a repeated append is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Under {
    Key,
    Ids,
}

fn same(append: &Append, there: &[Entry], under: Under) -> bool {
    there.len() == append.events.len()
        && there.iter().all(|entry| entry.recorded.stream == append.stream)
        && append.events.iter().zip(there).all(|(new, entry)| same_event(new, &entry.recorded.event, under))
}

fn same_event(new: &NewEvent, old: &NewEvent, under: Under) -> bool {
    (under == Under::Key || new.id == old.id && new.correlation == old.correlation)
        && new.event_type == old.event_type
        && new.schema_version == old.schema_version
        && new.occurred_at == old.occurred_at
        && new.actor == old.actor
        && new.causation == old.causation
        && new.history == old.history
        && new.data == old.data
}

fn first_difference(append: &Append, there: &[Entry]) -> Option<Uuid> {
    let pair = append.events.iter().zip(there);
    pair.into_iter().find(|(new, entry)| !same_event(new, &entry.recorded.event, Under::Ids)).map(|(new, _)| new.id)
}

/// Returns an instant as nanoseconds since 1970, if it is within the years 1678 to 2261 that fit 64 bits.
#[must_use]
pub fn nanoseconds(at: Instant) -> Option<i64> {
    i64::try_from(at.as_nanosecond()).ok()
}

/// Refuses what makes no sense, wherever it would be put.
///
/// # Errors
/// [`LogError::Invalid`] with what makes none.
pub fn check(append: &Append) -> Result<(), LogError> {
    let refuse = |why: String| Err(LogError::Invalid(why));
    if append.stream.is_empty() {
        return refuse("the stream name is empty; name a stream".to_owned());
    }
    for (what, text, most) in [
        ("stream name", Some(&append.stream), MAX_STREAM),
        ("idempotency key", append.idempotency_key.as_ref(), MAX_KEY),
    ] {
        if let Some(text) = text
            && text.len() > most
        {
            return refuse(format!("the {what} has {} bytes; give it at most {most}", text.len()));
        }
    }
    if append.idempotency_key.as_deref() == Some("") {
        return refuse("the idempotency key is empty; leave it out or give one".to_owned());
    }
    if append.events.is_empty() {
        return refuse("there are no events; give at least one".to_owned());
    }
    if append.events.len() > MAX_EVENTS {
        return refuse(format!("there are {} events; give at most {MAX_EVENTS} at once", append.events.len()));
    }
    if nanoseconds(append.recorded_at).is_none() {
        return refuse(format!("the time `{}` is outside the years 1678 to 2261", append.recorded_at));
    }
    let mut ids = HashSet::with_capacity(if append.events.len() > 1 { append.events.len() } else { 0 });
    for event in &append.events {
        if append.events.len() > 1 && !ids.insert(event.id) {
            return refuse(format!("event id `{}` is there twice; give each event its own", event.id));
        }
        if event.event_type.is_empty() {
            return refuse(format!("event `{}` has no type; name one", event.id));
        }
        for (what, text, most) in [
            ("type", &event.event_type, MAX_WORD),
            ("actor", &event.actor, MAX_WORD),
            ("payload", &event.data, MAX_DATA),
        ] {
            if text.len() > most {
                return refuse(format!("the {what} of event `{}` has {} bytes; at most {most}", event.id, text.len()));
            }
        }
        if nanoseconds(event.occurred_at).is_none() {
            return refuse(format!(
                "event `{}` occurred at `{}`, outside the years 1678 to 2261",
                event.id, event.occurred_at
            ));
        }
    }
    Ok(())
}
