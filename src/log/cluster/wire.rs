//! How an event of ours is kept on the server: its payload as it is, everything else as JSON metadata beside it.
//!
//! The event's id, type and stream are the server's own fields. `$causationId` and `$correlationId` are the names that
//! the server's system projections look for.

use super::rows::Sent;
use crate::domain::envelope::{Digest, NewEvent, Revision, hex};
use crate::domain::hex::Hex;
use crate::domain::time::Instant;
use crate::log::chain::PlaceInLog;
use crate::log::contract::{Append, LogError};
use eventstore::{EventData, RecordedEvent};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};
use std::sync::Arc;
use uuid::Uuid;

/// Version of the metadata that this software writes, and the newest it reads. In version 1 no append said what it was sent behind
/// ([`Sent`]): older software would count such appends wherever they are, so it must not read them.
const VERSION: u32 = 2;
/// Type of the events that give a key to an append that is there already.
const KEY_BOUND: &str = "warnlight.key-bound";

/// Type, and stream without prefix, of the events that only ask whether a leader can write.
pub(super) const ASKED: &str = "warnlight.asked";

/// What every event of ours begins with.
#[derive(Debug, Deserialize)]
struct Head {
    warnlight: u32,
    log: String,
    #[serde(default)]
    binds: Option<Uuid>,
}

/// Metadata of one event of an append.
#[derive(Debug, Serialize, Deserialize)]
struct Envelope {
    warnlight: u32,
    log: Arc<str>,
    append: Uuid,
    part: u32,
    of: u32,
    /// Missing in what was written before it was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    revision: Option<Revision>,
    /// Of the first event only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sent: Option<Sent>,
    recorded_at: Instant,
    occurred_at: Instant,
    actor: Arc<str>,
    schema_version: u16,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    history: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<Arc<str>>,
    chain: Hex<32>,
    #[serde(rename = "$causationId", default, skip_serializing_if = "Option::is_none")]
    causation: Option<Uuid>,
    #[serde(rename = "$correlationId", default, skip_serializing_if = "Option::is_none")]
    correlation: Option<Uuid>,
}

/// Metadata of a record that gives a key to an append.
#[derive(Debug, Serialize, Deserialize)]
struct KeyEnvelope {
    warnlight: u32,
    log: String,
    append: Uuid,
    binds: Uuid,
    of: u32,
    key: Arc<str>,
}

/// One event as the server holds it.
#[derive(Debug, Clone)]
pub(super) struct Part {
    /// Which proposal it came with.
    pub(super) nonce: Uuid,
    /// Place in its append, from 0.
    pub(super) part: u32,
    /// Events in its append.
    pub(super) of: u32,
    /// Stream, as Warnlight names it.
    pub(super) stream: Arc<str>,
    /// Its revision among what the stream counts, as its node took it to be: it counts only there.
    pub(super) revision: Option<Revision>,
    /// Told by the first event of an append.
    pub(super) sent: Option<Sent>,
    /// Time that the proposing node asked to record.
    pub(super) recorded_at: Instant,
    /// Key of its append.
    pub(super) key: Option<Arc<str>>,
    /// Digest of its stream's chain up to here.
    pub(super) chain: Digest,
    /// The event.
    pub(super) event: NewEvent,
}

/// A key for an append that is there.
#[derive(Debug, Clone)]
pub(super) struct KeyBound {
    pub(super) nonce: Uuid,
    /// First event of the append.
    pub(super) first: Uuid,
    /// Events in the append.
    pub(super) of: u32,
    pub(super) key: Arc<str>,
}

/// What an event on the server is to this log.
#[derive(Debug)]
pub(super) enum WireEvent {
    Part(Box<Part>),
    Key(KeyBound),
    /// Somebody else's.
    Foreign,
}

impl Part {
    /// Returns the chain's digest at this event after `previous`.
    ///
    /// The encoding is that of the [chain](crate::log::chain) with position 0: where an event stands in the whole log is
    /// not known yet when it is proposed.
    pub(super) fn digest(&self, revision: Revision, previous: &Digest) -> Digest {
        place(&self.stream, revision, self.part, self.recorded_at, self.key.as_deref())
            .link(&self.event)
            .digest(previous)
    }
}

fn place<'a>(
    stream: &'a str,
    revision: Revision,
    part: u32,
    recorded_at: Instant,
    idempotency_key: Option<&'a str>,
) -> PlaceInLog<'a> {
    PlaceInLog { position: 0, stream, revision, part, recorded_at, idempotency_key }
}

/// What an append goes on from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Behind {
    /// Revision of its first event, among what the stream counts.
    pub(super) first: Revision,
    /// Digest of its stream's chain before it.
    pub(super) chain: Digest,
    /// What it was sent behind.
    pub(super) sent: Sent,
}

/// Writes an append as the events to send; returns the digest of its stream's chain at its end too.
pub(super) fn encode(
    log: &str,
    nonce: Uuid,
    append: &Append,
    recorded_at: Instant,
    Behind { first, mut chain, sent }: Behind,
) -> Result<(Vec<EventData>, Digest), LogError> {
    let of = u32::try_from(append.events.len()).unwrap_or(u32::MAX);
    let key = append.idempotency_key.as_ref();
    let mut encoded = Vec::with_capacity(append.events.len());
    for (part, event) in (0_u32..).zip(&append.events) {
        let revision = first + u64::from(part);
        let place = place(&append.stream, revision, part, recorded_at, key.map(|key| &**key));
        chain = place.link(event).digest(&chain);
        let envelope = Envelope {
            warnlight: VERSION,
            log: log.into(),
            append: nonce,
            part,
            of,
            revision: Some(revision),
            sent: (part == 0).then_some(sent),
            recorded_at,
            occurred_at: event.occurred_at,
            actor: event.actor.clone(),
            schema_version: event.schema_version,
            history: event.history,
            key: key.cloned(),
            chain: Hex(chain),
            causation: event.causation,
            correlation: event.correlation,
        };
        encoded.push(payload(event)?.id(event.id).metadata_as_json(&envelope).map_err(unwritable)?);
    }
    Ok((encoded, chain))
}

/// Returns the payload, as JSON if it is JSON and would be kept to the byte.
fn payload(event: &NewEvent) -> Result<EventData, LogError> {
    match serde_json::from_str::<&RawValue>(&event.data) {
        Ok(raw) if raw.get() == &*event.data => EventData::json(&event.event_type, &raw).map_err(unwritable),
        _ => Ok(EventData::binary(&event.event_type, event.data.as_bytes().to_vec().into())),
    }
}

/// Writes the record that gives `key` to the append of `of` events that begins with `first`.
pub(super) fn encode_key(
    log: &str,
    nonce: Uuid,
    key: &Arc<str>,
    first: Uuid,
    of: usize,
) -> Result<EventData, LogError> {
    let of = u32::try_from(of).unwrap_or(u32::MAX);
    let envelope =
        KeyEnvelope { warnlight: VERSION, log: log.to_owned(), append: nonce, binds: first, of, key: key.clone() };
    let data = serde_json::json!({ "key": key });
    EventData::json(KEY_BOUND, &data).and_then(|event| event.id(nonce).metadata_as_json(&envelope)).map_err(unwritable)
}

/// Returns an event that says nothing, and counts for nobody.
pub(super) fn asked() -> Result<EventData, LogError> {
    EventData::json(ASKED, &serde_json::json!({})).map(|event| event.id(Uuid::now_v7())).map_err(unwritable)
}

/// Returns the stream, without prefix, that keeps the record of a key.
pub(super) fn key_stream(key: &str) -> String {
    format!("warnlight.key-{}", hex(&Sha256::digest(key.as_bytes())))
}

fn unwritable(error: serde_json::Error) -> LogError {
    LogError::Invalid(format!("an event cannot be written as JSON: {error}"))
}

/// Reads an event of the server; `log` is the prefix of this log's streams.
///
/// # Errors
/// [`LogError::Unavailable`] if newer software wrote it, or it says it is ours and cannot be read.
pub(super) fn decode(log: &str, recorded: &RecordedEvent) -> Result<WireEvent, LogError> {
    // Nearly all are events of ours in the newest format, which one reading shows.
    let envelope = match serde_json::from_slice::<Envelope>(&recorded.custom_metadata) {
        Ok(envelope) => envelope,
        Err(error) => return decode_rare(log, recorded, &error),
    };
    let name = recorded.stream_id();
    let (true, Some(stream)) = (&*envelope.log == log, name.strip_prefix(log)) else { return Ok(WireEvent::Foreign) };
    let unreadable = |what: &dyn std::fmt::Display| unreadable(recorded, what);
    if envelope.warnlight > VERSION {
        return Err(newer(recorded, envelope.warnlight));
    }
    let data = std::str::from_utf8(&recorded.data).map_err(|error| unreadable(&error))?;
    Ok(WireEvent::Part(Box::new(Part {
        nonce: envelope.append,
        part: envelope.part,
        of: envelope.of,
        stream: Arc::from(stream),
        revision: envelope.revision,
        sent: envelope.sent,
        recorded_at: envelope.recorded_at,
        key: envelope.key,
        chain: envelope.chain.0,
        event: NewEvent {
            id: recorded.id,
            event_type: Arc::from(recorded.event_type.as_str()),
            schema_version: envelope.schema_version,
            occurred_at: envelope.occurred_at,
            actor: envelope.actor,
            causation: envelope.causation,
            correlation: envelope.correlation,
            history: envelope.history,
            data: Arc::from(data),
        },
    })))
}

/// Reads what is no event of ours in this format: a record of a key, somebody else's, or one of newer or damaged make.
fn decode_rare(log: &str, recorded: &RecordedEvent, no_event: &serde_json::Error) -> Result<WireEvent, LogError> {
    let Ok(head) = serde_json::from_slice::<Head>(&recorded.custom_metadata) else { return Ok(WireEvent::Foreign) };
    if head.log != log || !recorded.stream_id().starts_with(log) {
        return Ok(WireEvent::Foreign);
    }
    if head.warnlight > VERSION {
        return Err(newer(recorded, head.warnlight));
    }
    if head.binds.is_none() {
        return Err(unreadable(recorded, no_event));
    }
    let read = serde_json::from_slice::<KeyEnvelope>(&recorded.custom_metadata);
    let KeyEnvelope { append, binds, of, key, .. } = read.map_err(|error| unreadable(recorded, &error))?;
    Ok(WireEvent::Key(KeyBound { nonce: append, first: binds, of, key }))
}

fn newer(recorded: &RecordedEvent, version: u32) -> LogError {
    unreadable(recorded, &format_args!("a newer Warnlight wrote it (format {version})"))
}

fn unreadable(recorded: &RecordedEvent, what: &dyn std::fmt::Display) -> LogError {
    LogError::Unavailable(format!(
        "event {} in stream `{}` on the cluster cannot be read: {what}; restore it, or update Warnlight",
        recorded.id,
        recorded.stream_id()
    ))
}
