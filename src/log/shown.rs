//! Events as a scan shows them, and copies of them for other threads.

use super::chain::{Link, Texts};
use super::contract::LogError;
use crate::domain::envelope::{Digest, Position, Recorded};
use crate::domain::time::Instant;
use sha2::{Digest as _, Sha256};
use std::ops::{Deref, Range};
use uuid::Uuid;

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
        compare(self.position, self.link.digest(&self.previous), self.digest)
    }
}

fn compare(position: Position, found: Digest, stored: Digest) -> Result<(), LogError> {
    if found == stored {
        return Ok(());
    }
    Err(LogError::Corrupt { position, what: "the event does not match its digest".to_owned() })
}

/// Events copied out of a scan, for another thread to check and decode: each as what its digest is over, one behind the
/// other.
#[derive(Debug, Default)]
pub struct Batch {
    rows: Vec<Row>,
    encodings: Vec<u8>,
}

/// An event of a batch; the places are in its encodings.
#[derive(Debug)]
struct Row {
    position: Position,
    recorded_at: Instant,
    id: Uuid,
    schema_version: u16,
    history: bool,
    digest: Digest,
    texts: Texts,
    whole: Range<usize>,
}

/// What is asked of an event that was compared with its digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checked<'a> {
    /// Place in the whole log.
    pub position: Position,
    /// When the log took it.
    pub recorded_at: Instant,
    /// Identity.
    pub id: Uuid,
    /// Type name.
    pub event_type: &'a str,
    /// Version of the type's schema.
    pub schema_version: u16,
    /// Imported as history.
    pub history: bool,
    /// Payload, JSON.
    pub data: &'a str,
}

impl Batch {
    /// Returns an empty batch with as much room as this one uses.
    #[must_use]
    pub fn of_same_size(&self) -> Self {
        Self { rows: Vec::with_capacity(self.rows.len()), encodings: Vec::with_capacity(self.encodings.len()) }
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
    pub fn push(&mut self, seen: &EventRef<'_>) {
        let begin = self.encodings.len();
        let texts = seen.link.encode(&seen.previous, &mut self.encodings);
        self.rows.push(Row {
            position: seen.position,
            recorded_at: seen.recorded_at,
            id: seen.id,
            schema_version: seen.schema_version,
            history: seen.history,
            digest: seen.digest,
            texts,
            whole: begin..self.encodings.len(),
        });
    }

    /// Returns the events in their order, each compared with its digest before it is shown.
    pub fn checked(&self) -> impl Iterator<Item = Result<Checked<'_>, LogError>> {
        self.rows.iter().map(|row| {
            let bytes = |place: &Range<usize>| self.encodings.get(place.clone()).unwrap_or_default();
            compare(row.position, Sha256::digest(bytes(&row.whole)).into(), row.digest)?;
            let text = |place| str::from_utf8(bytes(place)).unwrap_or_default();
            Ok(Checked {
                position: row.position,
                recorded_at: row.recorded_at,
                id: row.id,
                event_type: text(&row.texts.event_type),
                schema_version: row.schema_version,
                history: row.history,
                data: text(&row.texts.data),
            })
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
    fn a_batch_shows_what_was_put_into_it_and_no_changed_field_passes_the_check() {
        let log = sample();
        let mut batch = Batch::default();
        let mut told = Vec::new();
        let mut passed = Vec::new();
        log.scan(0, &mut |seen| {
            batch.push(&seen);
            let Link { position, recorded_at, id, event_type, schema_version, history, data, .. } = *seen;
            let (event_type, data) = (event_type.to_owned(), data.to_owned());
            told.push((position, recorded_at, id, event_type, schema_version, history, data));
            let with = |link| EventRef { link, ..seen };
            for changed in [
                with(Link { position: position + 1, ..*seen }),
                with(Link { stream: "x", ..*seen }),
                with(Link { part: seen.part + 1, ..*seen }),
                with(Link { idempotency_key: Some("x"), ..*seen }),
                with(Link { data: "{}", ..*seen }),
                with(Link { causation: Some(Uuid::from_u128(77)), ..*seen }),
                EventRef { previous: [9; 32], ..seen },
                EventRef { digest: [9; 32], ..seen },
            ] {
                let mut one = Batch::default();
                one.push(&changed);
                let refused = |checked| matches!(checked, Err(LogError::Corrupt { .. }));
                if !refused(changed.check()) || !one.checked().all(|checked| refused(checked.map(|_| ()))) {
                    passed.push(format!("{changed:?}"));
                }
            }
            ControlFlow::Continue(())
        })
        .unwrap();
        assert_eq!(passed, Vec::<String>::new());
        assert!(batch.len() > 4);
        let shown: Vec<_> = batch.checked().map(Result::unwrap).collect();
        assert!(shown.iter().map(|one| one.position).eq(1..=batch.len() as Position));
        for (shown, (position, recorded_at, id, event_type, schema_version, history, data)) in shown.iter().zip(&told) {
            let told = Checked {
                position: *position,
                recorded_at: *recorded_at,
                id: *id,
                event_type,
                schema_version: *schema_version,
                history: *history,
                data,
            };
            assert_eq!(*shown, told);
        }
    }
}
