//! The digest chain: each event's digest covers the digest before it and every field that is stored.
//!
//! `digest(n) = SHA-256(digest(n − 1) ‖ encoding(event n))`, where `digest(0)` is 32 zero bytes. The encoding writes the
//! fields in the order of [`Link`]:
//!
//! * a number as its fixed width, big-endian: position and revision 8 bytes, schema version 2, part 4;
//! * an instant as nanoseconds since 1970-01-01T00:00:00Z, signed, 16 bytes, big-endian;
//! * a UUID as its 16 bytes;
//! * a text as its length in bytes (8 bytes, big-endian) and then its UTF-8;
//! * a flag as one byte, 0 or 1;
//! * an optional value as one byte, 0 if it is missing, else 1 and then the value.
//!
//! Every value tells its own length, so no two events share an encoding. Changing this changes every digest ever
//! written: a new encoding needs a new format version of the file.

use super::contract::LogError;
use crate::domain::envelope::{Digest, NewEvent, Position, Recorded, Revision};
use crate::domain::time::Instant;
use sha2::{Digest as _, Sha256};
use std::ops::Deref;
use std::sync::Arc;
use uuid::Uuid;

/// The digest before the first event.
pub const GENESIS: Digest = [0; 32];

/// Everything about one event that is stored, and so digested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link<'a> {
    /// Place in the whole log.
    pub position: Position,
    /// Stream.
    pub stream: &'a str,
    /// Place in the stream.
    pub revision: Revision,
    /// Place in its append, from 0.
    pub part: u32,
    /// When the log took it.
    pub recorded_at: Instant,
    /// Key the client gave.
    pub idempotency_key: Option<&'a str>,
    /// Identity.
    pub id: Uuid,
    /// Type name.
    pub event_type: &'a str,
    /// Version of the type's schema.
    pub schema_version: u16,
    /// When it was true.
    pub occurred_at: Instant,
    /// Who says so.
    pub actor: &'a str,
    /// The event that led to this one.
    pub causation: Option<Uuid>,
    /// The affair or batch.
    pub correlation: Option<Uuid>,
    /// Imported as history.
    pub history: bool,
    /// Payload, JSON.
    pub data: &'a str,
}

impl<'a> Link<'a> {
    /// Returns the link of a recorded event that was the `part`th of its append.
    #[must_use]
    pub fn of(recorded: &'a Recorded, part: u32) -> Self {
        let place = PlaceInLog {
            position: recorded.position,
            stream: &recorded.stream,
            revision: recorded.revision,
            part,
            recorded_at: recorded.recorded_at,
            idempotency_key: recorded.idempotency_key.as_deref(),
        };
        place.link(&recorded.event)
    }

    /// Copies the event out, as it was before the log put it anywhere.
    #[must_use]
    pub fn event(&self) -> NewEvent {
        NewEvent {
            id: self.id,
            event_type: Arc::from(self.event_type),
            schema_version: self.schema_version,
            occurred_at: self.occurred_at,
            actor: Arc::from(self.actor),
            causation: self.causation,
            correlation: self.correlation,
            history: self.history,
            data: Arc::from(self.data),
        }
    }

    /// Returns the digest of this event after `previous`.
    #[must_use]
    pub fn digest(&self, previous: &Digest) -> Digest {
        self.digest_in(&mut Vec::new(), previous)
    }

    /// The same, with room that is used again: written out and hashed in one go, an event costs half of what it does in
    /// many small pieces.
    fn digest_in(&self, room: &mut Vec<u8>, previous: &Digest) -> Digest {
        room.clear();
        self.encode(previous, room);
        Sha256::digest(room).into()
    }

    /// Appends what the digest after `previous` is over.
    fn encode(&self, previous: &Digest, to: &mut Vec<u8>) {
        let texts = [self.stream, self.idempotency_key.unwrap_or_default(), self.event_type, self.actor, self.data];
        to.reserve(FIXED + texts.iter().map(|text| text.len()).sum::<usize>());
        to.extend_from_slice(previous);
        to.extend_from_slice(&self.position.to_be_bytes());
        text(to, self.stream);
        to.extend_from_slice(&self.revision.to_be_bytes());
        to.extend_from_slice(&self.part.to_be_bytes());
        to.extend_from_slice(&self.recorded_at.as_nanosecond().to_be_bytes());
        to.push(u8::from(self.idempotency_key.is_some()));
        if let Some(key) = self.idempotency_key {
            text(to, key);
        }
        to.extend_from_slice(self.id.as_bytes());
        text(to, self.event_type);
        to.extend_from_slice(&self.schema_version.to_be_bytes());
        to.extend_from_slice(&self.occurred_at.as_nanosecond().to_be_bytes());
        text(to, self.actor);
        for id in [self.causation, self.correlation] {
            to.push(u8::from(id.is_some()));
            to.extend_from_slice(id.as_ref().map_or(&[], |id| id.as_bytes().as_slice()));
        }
        to.push(u8::from(self.history));
        text(to, self.data);
    }
}

/// Bytes of an encoding at most, its texts aside.
const FIXED: usize = 256;

/// An event as a scan shows it, without copying it out: everything that its digest covers, and the digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventRef<'a> {
    /// Everything that its digest covers.
    pub link: Link<'a>,
    /// Stored digest of the event before; all zeros before the first.
    pub previous: Digest,
    /// Stored digest of this event.
    pub digest: Digest,
}

impl<'a> Deref for EventRef<'a> {
    type Target = Link<'a>;

    fn deref(&self) -> &Link<'a> {
        &self.link
    }
}

impl<'a> EventRef<'a> {
    /// Shows a recorded event that was the `part`th of its append and came after `previous`.
    #[must_use]
    pub fn of(recorded: &'a Recorded, part: u32, previous: Digest) -> Self {
        Self { link: Link::of(recorded, part), previous, digest: recorded.digest }
    }

    /// Makes sure that the event is as it was written, and follows the one before it.
    ///
    /// # Errors
    /// [`LogError::Corrupt`] if its digest is another one.
    pub fn check(&self) -> Result<(), LogError> {
        self.check_in(&mut Vec::new())
    }

    /// The same for whoever checks many, with room that is used again.
    ///
    /// # Errors
    /// See [`check`](Self::check).
    pub fn check_in(&self, room: &mut Vec<u8>) -> Result<(), LogError> {
        if self.link.digest_in(room, &self.previous) == self.digest {
            return Ok(());
        }
        Err(LogError::Corrupt { position: self.position, what: "the event does not match its digest".to_owned() })
    }
}

/// Where and when an event was put: what the log adds to a new event.
#[derive(Debug, Clone, Copy)]
pub struct PlaceInLog<'a> {
    /// Place in the whole log.
    pub position: Position,
    /// Stream.
    pub stream: &'a str,
    /// Place in the stream.
    pub revision: Revision,
    /// Place in its append, from 0.
    pub part: u32,
    /// When the log took it.
    pub recorded_at: Instant,
    /// Key the client gave.
    pub idempotency_key: Option<&'a str>,
}

impl<'a> PlaceInLog<'a> {
    /// Returns the link of `event` put here.
    #[must_use]
    pub fn link(self, event: &'a NewEvent) -> Link<'a> {
        Link {
            position: self.position,
            stream: self.stream,
            revision: self.revision,
            part: self.part,
            recorded_at: self.recorded_at,
            idempotency_key: self.idempotency_key,
            id: event.id,
            event_type: &event.event_type,
            schema_version: event.schema_version,
            occurred_at: event.occurred_at,
            actor: &event.actor,
            causation: event.causation,
            correlation: event.correlation,
            history: event.history,
            data: &event.data,
        }
    }
}

fn text(to: &mut Vec<u8>, text: &str) {
    to.extend_from_slice(&(text.len() as u64).to_be_bytes());
    to.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::envelope::hex;

    fn link() -> Link<'static> {
        Link {
            position: 7,
            stream: "merchant-91110000101623741K",
            revision: 3,
            part: 0,
            recorded_at: Instant::from_nanosecond(1_750_000_000_000_000_001).unwrap(),
            idempotency_key: None,
            id: Uuid::from_u128(1),
            event_type: "merchant.registered",
            schema_version: 1,
            occurred_at: Instant::from_nanosecond(-1).unwrap(),
            actor: "朝阳区商务局",
            causation: None,
            correlation: Some(Uuid::from_u128(2)),
            history: false,
            data: r#"{"name":"某健身"}"#,
        }
    }

    #[test]
    fn the_encoding_never_changes() {
        // Computed by another program from the description at the top of this file.
        assert_eq!(hex(&link().digest(&GENESIS)), "6db797ac13e38fa20d41b0a40952bcbcf1fd6a9f62db8c27568804348c3e993f");
    }

    #[test]
    fn every_field_counts() {
        let base = link();
        let at = Instant::from_nanosecond(5).unwrap();
        let variants = [
            Link { position: 8, ..base },
            Link { stream: "merchant-9111000010162374K1", ..base },
            Link { revision: 4, ..base },
            Link { part: 1, ..base },
            Link { recorded_at: at, ..base },
            Link { idempotency_key: Some(""), ..base },
            Link { idempotency_key: Some("k"), ..base },
            Link { id: Uuid::from_u128(3), ..base },
            Link { event_type: "merchant.details-changed", ..base },
            Link { schema_version: 2, ..base },
            Link { occurred_at: at, ..base },
            Link { actor: "海淀区商务局", ..base },
            Link { causation: Some(Uuid::from_u128(2)), correlation: None, ..base },
            Link { correlation: None, ..base },
            Link { history: true, ..base },
            Link { data: r#"{"name":"某健康"}"#, ..base },
        ];
        let mut seen = vec![base.digest(&GENESIS), base.digest(&[1; 32])];
        for variant in variants {
            let digest = variant.digest(&GENESIS);
            assert!(!seen.contains(&digest), "{variant:?}");
            seen.push(digest);
        }
    }

    #[test]
    fn an_event_that_was_changed_or_follows_another_fails_its_check() {
        let digest = link().digest(&GENESIS);
        let sound = EventRef { link: link(), previous: GENESIS, digest };
        let mut room = Vec::new();
        sound.check_in(&mut room).unwrap();
        for changed in [
            EventRef { link: Link { data: "{}", ..link() }, ..sound },
            EventRef { previous: [9; 32], ..sound },
            EventRef { digest: [9; 32], ..sound },
        ] {
            assert!(matches!(changed.check(), Err(LogError::Corrupt { position: 7, .. })), "{changed:?}");
            assert!(changed.check_in(&mut room).is_err(), "{changed:?}");
        }
        sound.check_in(&mut room).unwrap();
    }

    #[test]
    fn moving_a_letter_from_one_field_to_the_next_changes_the_digest() {
        let base = link();
        let one = Link { actor: "ab", data: "c", ..base };
        let other = Link { actor: "a", data: "bc", ..base };
        assert_ne!(one.digest(&GENESIS), other.digest(&GENESIS));
    }
}
