//! The envelope that every event travels in, and its reading as a CloudEvent.

use super::event::{DecodeError, Event};
use super::time::Instant;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use uuid::Uuid;

/// Number of an event in the whole log: the first is 1, none is skipped.
pub type Position = u64;

/// Number of an event in its stream: the first is 0.
pub type Revision = u64;

/// Digest of the chain up to and including one event (SHA-256).
pub type Digest = [u8; 32];

/// An event on its way into the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// Identity; the same id is the same event.
    pub id: Uuid,
    /// Type name, such as `merchant.registered`.
    pub event_type: Arc<str>,
    /// Version of the type's schema in `events/`.
    pub schema_version: u16,
    /// When it was true.
    pub occurred_at: Instant,
    /// Who says so: a key's name, an office, or `warnlight` for what the service decided itself.
    pub actor: Arc<str>,
    /// The event that led to this one.
    pub causation: Option<Uuid>,
    /// The trace id of the command that this follows from (链路编号), see `trail`; or the batch this belongs to.
    pub correlation: Option<Uuid>,
    /// Imported as history: it changes lights but mails nobody (law 7).
    pub history: bool,
    /// The payload as JSON, exactly as it is stored and digested.
    pub data: Arc<str>,
}

/// An event as the log holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Place in the whole log.
    pub position: Position,
    /// Stream, such as `merchant-91110000101623741K`.
    pub stream: Arc<str>,
    /// Place in the stream.
    pub revision: Revision,
    /// When the log took it; never earlier than that of the event before.
    pub recorded_at: Instant,
    /// Key the client gave, if any.
    pub idempotency_key: Option<Arc<str>>,
    /// Chain digest up to here.
    pub digest: Digest,
    /// What was appended.
    pub event: NewEvent,
}

/// Metadata for making events: everything about an event that is not its content.
#[derive(Debug, Clone)]
pub struct Origin {
    /// Who says so.
    pub actor: Arc<str>,
    /// The event that led here.
    pub causation: Option<Uuid>,
    /// The trace id, or the batch.
    pub correlation: Option<Uuid>,
    /// Imported as history.
    pub history: bool,
}

impl Origin {
    /// Returns the origin of what the service decides itself.
    #[must_use]
    pub fn service() -> Self {
        Self { actor: Arc::from("warnlight"), causation: None, correlation: None, history: false }
    }

    /// Returns the origin of what `actor` says.
    #[must_use]
    pub fn of(actor: &str) -> Self {
        Self { actor: Arc::from(actor), ..Self::service() }
    }
}

impl NewEvent {
    /// Puts an event into its envelope.
    #[must_use]
    pub fn new(id: Uuid, occurred_at: Instant, origin: &Origin, event: &Event) -> Self {
        Self {
            id,
            event_type: Arc::from(event.event_type()),
            schema_version: event.schema_version(),
            occurred_at,
            actor: origin.actor.clone(),
            causation: origin.causation,
            correlation: origin.correlation,
            history: origin.history,
            data: event.to_json().into(),
        }
    }

    /// Reads the payload back.
    ///
    /// # Errors
    /// When the type or version is not known to this software, or the payload does not fit it.
    pub fn decode(&self) -> Result<Event, DecodeError> {
        Event::decode(&self.event_type, self.schema_version, &self.data)
    }
}

/// An event as a CloudEvent 1.0 in structured JSON. Attributes of our own are lower-case letters only, as the
/// specification asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloudEvent {
    /// Always `1.0`.
    pub specversion: String,
    /// Event id.
    pub id: String,
    /// `/warnlight/<stream>` for ours, percent-encoded; any URI reference for events posted to us.
    pub source: String,
    /// `cn.warnlight.<type>.v<version>`.
    #[serde(rename = "type")]
    pub event_type: String,
    /// The merchant's credit code, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// When it was true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Instant>,
    /// Always `application/json`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub datacontenttype: Option<String>,
    /// Address of the payload's schema, `/events/<type>.v<version>.schema.json`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataschema: Option<String>,
    /// Place in the whole log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// Place in the stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<Revision>,
    /// When the log took it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recordedat: Option<Instant>,
    /// Who says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// The event that led here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causation: Option<Uuid>,
    /// The trace id, or the batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation: Option<Uuid>,
    /// Imported as history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<bool>,
    /// Key the client gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotencykey: Option<String>,
    /// Chain digest, lower-case hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The payload.
    pub data: serde_json::Value,
}

impl Recorded {
    /// Returns the event as a CloudEvent; a payload that is not JSON (a damaged record) shows as `null`.
    #[must_use]
    pub fn to_cloud_event(&self) -> CloudEvent {
        let data: serde_json::Value = serde_json::from_str(&self.event.data).unwrap_or_default();
        CloudEvent {
            specversion: "1.0".to_owned(),
            id: self.event.id.to_string(),
            source: format!("/warnlight/{}", percent_encoded(&self.stream)),
            event_type: format!("cn.warnlight.{}.v{}", self.event.event_type, self.event.schema_version),
            subject: data.get("credit_code").and_then(|code| code.as_str()).map(str::to_owned),
            time: Some(self.event.occurred_at),
            datacontenttype: Some("application/json".to_owned()),
            dataschema: Some(format!("/events/{}.v{}.schema.json", self.event.event_type, self.event.schema_version)),
            position: Some(self.position),
            revision: Some(self.revision),
            recordedat: Some(self.recorded_at),
            actor: Some(self.event.actor.to_string()),
            causation: self.event.causation,
            correlation: self.event.correlation,
            history: self.event.history.then_some(true),
            idempotencykey: self.idempotency_key.as_ref().map(ToString::to_string),
            digest: Some(hex(&self.digest)),
            data,
        }
    }
}

/// Returns `text` as one segment of a URI path: a ticket number may hold letters that a URI may not.
fn percent_encoded(text: &str) -> String {
    const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    utf8_percent_encode(text, UNRESERVED).to_string()
}

/// Returns bytes as lower-case hex.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
