//! Events as a scan shows them, and copies of them for other threads.

use super::chain::Link;
use super::contract::LogError;
use crate::domain::envelope::{Digest, Position, Recorded, Revision};
use crate::domain::time::Instant;
use uuid::Uuid;

/// An event as a scan shows it, without copying it out: everything that its digest covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventRef<'a> {
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
    /// When it was true.
    pub occurred_at: Instant,
    /// Identity.
    pub id: Uuid,
    /// Type name.
    pub event_type: &'a str,
    /// Version of the type's schema.
    pub schema_version: u16,
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
    /// Stored digest of the event before; all zeros before the first.
    pub previous: Digest,
    /// Stored digest of this event.
    pub digest: Digest,
}

impl<'a> EventRef<'a> {
    /// Shows a recorded event that was the `part`th of its append and came after `previous`.
    #[must_use]
    pub fn of(recorded: &'a Recorded, part: u32, previous: Digest) -> Self {
        Self {
            position: recorded.position,
            stream: &recorded.stream,
            revision: recorded.revision,
            part,
            recorded_at: recorded.recorded_at,
            idempotency_key: recorded.idempotency_key.as_deref(),
            occurred_at: recorded.event.occurred_at,
            id: recorded.event.id,
            event_type: &recorded.event.event_type,
            schema_version: recorded.event.schema_version,
            actor: &recorded.event.actor,
            causation: recorded.event.causation,
            correlation: recorded.event.correlation,
            history: recorded.event.history,
            data: &recorded.event.data,
            previous,
            digest: recorded.digest,
        }
    }

    /// Makes sure that the event is as it was written, and follows the one before it.
    ///
    /// # Errors
    /// [`LogError::Corrupt`] if its digest is another one.
    pub fn check(&self) -> Result<(), LogError> {
        if self.link().digest(&self.previous) == self.digest {
            return Ok(());
        }
        Err(LogError::Corrupt { position: self.position, what: "the event does not match its digest".to_owned() })
    }

    fn link(&self) -> Link<'a> {
        Link {
            position: self.position,
            stream: self.stream,
            revision: self.revision,
            part: self.part,
            recorded_at: self.recorded_at,
            idempotency_key: self.idempotency_key,
            id: self.id,
            event_type: self.event_type,
            schema_version: self.schema_version,
            occurred_at: self.occurred_at,
            actor: self.actor,
            causation: self.causation,
            correlation: self.correlation,
            history: self.history,
            data: self.data,
        }
    }
}

/// Events copied out of a scan, for another thread to check and decode: their texts lie one behind the other.
#[derive(Debug, Default)]
pub struct Batch {
    rows: Vec<EventRef<'static>>,
    /// Ends of stream, key, type, actor and payload in the text.
    ends: Vec<[usize; 5]>,
    text: String,
}

impl Batch {
    /// Returns an empty batch with as much room as this one uses.
    #[must_use]
    pub fn of_same_size(&self) -> Self {
        Self {
            rows: Vec::with_capacity(self.rows.len()),
            ends: Vec::with_capacity(self.ends.len()),
            text: String::with_capacity(self.text.len()),
        }
    }

    /// Returns how many events it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Says whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Copies an event.
    pub fn push(&mut self, seen: EventRef<'_>) {
        let texts = [seen.stream, seen.idempotency_key.unwrap_or_default(), seen.event_type, seen.actor, seen.data];
        self.ends.push(texts.map(|text| {
            self.text.push_str(text);
            self.text.len()
        }));
        self.rows.push(EventRef {
            stream: "",
            idempotency_key: seen.idempotency_key.map(|_| ""),
            event_type: "",
            actor: "",
            data: "",
            ..seen
        });
    }

    /// Returns the events in their order. Nobody has checked them yet, if the scan did not.
    pub fn iter(&self) -> impl Iterator<Item = EventRef<'_>> {
        let mut begin = 0;
        self.rows.iter().zip(&self.ends).map(move |(row, ends)| {
            let [stream, key, event_type, actor, data] = ends.map(|end| {
                let text = self.text.get(begin..end).unwrap_or_default();
                begin = end;
                text
            });
            EventRef { stream, idempotency_key: row.idempotency_key.map(|_| key), event_type, actor, data, ..*row }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::envelope::NewEvent;
    use crate::log::contract::{Append, EventLog as _, Expected};
    use crate::log::memory::MemoryLog;
    use std::ops::ControlFlow;

    fn event(number: u128) -> NewEvent {
        NewEvent {
            id: Uuid::from_u128(number),
            event_type: "trial.held".into(),
            schema_version: 1,
            occurred_at: Instant::UNIX_EPOCH,
            actor: "judge".into(),
            causation: (number > 2).then(|| Uuid::from_u128(1)),
            correlation: None,
            history: number > 3,
            data: format!(r#"{{"number":{number}}}"#).into(),
        }
    }

    fn sample() -> MemoryLog {
        let log = MemoryLog::new();
        for (key, stream, numbers) in [(None, "a", 1..3), (Some("k"), "b", 3..6), (None, "a", 6..7)] {
            log.append(Append {
                stream: stream.into(),
                expected: Expected::Any,
                recorded_at: Instant::UNIX_EPOCH,
                idempotency_key: key.map(Into::into),
                events: numbers.map(event).collect(),
            })
            .unwrap();
        }
        log
    }

    #[test]
    fn a_batch_shows_what_was_put_into_it_and_every_changed_field_fails_the_check() {
        let log = sample();
        let mut batch = Batch::default();
        let mut told = Vec::new();
        log.scan(0, &mut |seen| {
            batch.push(seen);
            told.push(format!("{seen:?}"));
            ControlFlow::Continue(())
        })
        .unwrap();
        assert!(batch.len() > 4);
        assert!(batch.iter().map(|seen| format!("{seen:?}")).eq(told));
        for seen in batch.iter() {
            seen.check().unwrap();
            let position = seen.position;
            for changed in [
                EventRef { position: position + 1, ..seen },
                EventRef { stream: "x", ..seen },
                EventRef { part: seen.part + 1, ..seen },
                EventRef { idempotency_key: Some("x"), ..seen },
                EventRef { data: "{}", ..seen },
                EventRef { causation: Some(Uuid::from_u128(77)), ..seen },
                EventRef { previous: [9; 32], ..seen },
                EventRef { digest: [9; 32], ..seen },
            ] {
                assert!(matches!(changed.check(), Err(LogError::Corrupt { .. })), "{changed:?}");
            }
        }
    }
}
