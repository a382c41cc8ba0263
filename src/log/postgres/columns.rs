//! Events and keys column by column, as one statement takes them.

use super::rows::signed;
use crate::domain::envelope::Position;
use crate::log::admission::{Entry, nanoseconds};
use std::sync::Arc;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

/// Events and payload bytes sent in one statement.
pub(super) const CHUNK: (usize, usize) = (2000, 16 * 1024 * 1024);

/// Cuts events into what is sent in one statement.
pub(super) fn chunks(events: &[Entry]) -> Vec<&[Entry]> {
    let (mut chunks, mut begin, mut bytes) = (Vec::new(), 0, 0);
    for (end, entry) in (1..).zip(events) {
        bytes += entry.recorded.event.data.len();
        if end - begin >= CHUNK.0 || bytes >= CHUNK.1 {
            chunks.extend(events.get(begin..end));
            (begin, bytes) = (end, 0);
        }
    }
    chunks.extend(events.get(begin..).filter(|rest| !rest.is_empty()));
    chunks
}

/// Events column by column.
#[derive(Debug, Default)]
pub(super) struct Columns<'a> {
    position: Vec<i64>,
    stream: Vec<&'a [u8]>,
    revision: Vec<i64>,
    part: Vec<i32>,
    recorded_at: Vec<i64>,
    occurred_at: Vec<i64>,
    event_type: Vec<&'a [u8]>,
    version: Vec<i32>,
    actor: Vec<&'a [u8]>,
    history: Vec<bool>,
    id: Vec<Uuid>,
    causation: Vec<Option<Uuid>>,
    correlation: Vec<Option<Uuid>>,
    key: Vec<Option<&'a [u8]>>,
    digest: Vec<&'a [u8]>,
    data: Vec<&'a [u8]>,
}

impl<'a> Columns<'a> {
    pub(super) fn of(entries: &'a [Entry]) -> Self {
        let mut columns = Self::default();
        for Entry { part, recorded } in entries {
            let event = &recorded.event;
            columns.position.push(signed(recorded.position));
            columns.stream.push(recorded.stream.as_bytes());
            columns.revision.push(signed(recorded.revision));
            columns.part.push(i32::try_from(*part).unwrap_or(i32::MAX));
            // Both are within range, or the append would have been refused.
            columns.recorded_at.push(nanoseconds(recorded.recorded_at).unwrap_or_default());
            columns.occurred_at.push(nanoseconds(event.occurred_at).unwrap_or_default());
            columns.event_type.push(event.event_type.as_bytes());
            columns.version.push(i32::from(event.schema_version));
            columns.actor.push(event.actor.as_bytes());
            columns.history.push(event.history);
            columns.id.push(event.id);
            columns.causation.push(event.causation);
            columns.correlation.push(event.correlation);
            columns.key.push(recorded.idempotency_key.as_ref().map(|key| key.as_bytes()));
            columns.digest.push(&recorded.digest);
            columns.data.push(event.data.as_bytes());
        }
        columns
    }

    pub(super) fn values(&self) -> [&(dyn ToSql + Sync); 16] {
        [
            &self.position,
            &self.stream,
            &self.revision,
            &self.part,
            &self.recorded_at,
            &self.occurred_at,
            &self.event_type,
            &self.version,
            &self.actor,
            &self.history,
            &self.id,
            &self.causation,
            &self.correlation,
            &self.key,
            &self.digest,
            &self.data,
        ]
    }
}

/// Keys column by column.
pub(super) struct Keys<'a> {
    key: Vec<&'a [u8]>,
    first: Vec<i64>,
    last: Vec<i64>,
}

impl<'a> Keys<'a> {
    pub(super) fn of(bound: &'a [(Arc<str>, Position, Position)]) -> Self {
        Self {
            key: bound.iter().map(|(key, ..)| key.as_bytes()).collect(),
            first: bound.iter().map(|(_, first, _)| signed(*first)).collect(),
            last: bound.iter().map(|(.., last)| signed(*last)).collect(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.key.is_empty()
    }

    pub(super) fn values(&self) -> [&(dyn ToSql + Sync); 3] {
        [&self.key, &self.first, &self.last]
    }
}
