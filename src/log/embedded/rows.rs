//! Rows of the file, read as events.

use super::fault::fault;
use super::names::Names;
use crate::domain::envelope::{Digest, NewEvent, Position, Recorded, Revision};
use crate::domain::time::Instant;
use crate::log::admission::Entry;
use crate::log::contract::{Appended, EventRef, LogError};
use rusqlite::{Connection, OptionalExtension as _, Row};
use std::ops::ControlFlow;
use std::sync::Arc;
use uuid::Uuid;

/// Columns of [`Raw`], in its order.
macro_rules! shown {
    () => {
        "SELECT position, stream, revision, recorded_at, occurred_at, id, type, version, actor, history, data"
    };
}
/// The same, and then the columns of [`Rest`].
macro_rules! whole {
    () => {
        concat!(shown!(), ", part, key, causation, correlation, digest")
    };
}

const SCAN: &str = concat!(shown!(), " FROM event WHERE position > ?1 AND position <= ?2 ORDER BY position LIMIT 4096");
const RANGE: &str = concat!(whole!(), " FROM event WHERE position > ?1 AND position <= ?2 ORDER BY position LIMIT ?3");
const STREAM: &str = concat!(
    whole!(),
    " FROM event WHERE stream = (SELECT number FROM stream WHERE name = ?1) AND revision >= ?2 \
     ORDER BY revision LIMIT ?3"
);

/// Reads events, with names at hand.
#[derive(Debug)]
pub(super) struct Rows {
    streams: Names,
    types: Names,
    actors: Names,
}

impl Rows {
    /// Returns a reader that keeps at most `streams` stream names at hand.
    pub(super) fn new(streams: usize) -> Self {
        Self { streams: Names::streams(streams), types: Names::words(), actors: Names::words() }
    }

    /// Returns a reader for going through the whole file in order.
    pub(super) fn in_order(streams: usize) -> Self {
        Self { streams: Names::streams(streams).ahead(256), ..Self::new(0) }
    }

    /// Shows up to `limit` events after `after` up to `last`, one by one.
    pub(super) fn each(
        &mut self,
        conn: &Connection,
        (after, last): (Position, Position),
        limit: usize,
        visit: &mut dyn FnMut(Entry) -> Result<(), LogError>,
    ) -> Result<(), LogError> {
        let mut next = after.saturating_add(1);
        let mut statement = conn.prepare_cached(RANGE).map_err(fault(next))?;
        let mut rows = statement.query((signed(after), signed(last), limit_of(limit))).map_err(fault(next))?;
        let mut key = KeyAtHand::default();
        while let Some(row) = rows.next().map_err(fault(next))? {
            let entry = self.entry(conn, row, next, &mut key)?;
            in_turn(entry.recorded.position, next)?;
            next += 1;
            visit(entry)?;
        }
        Ok(())
    }

    /// Returns up to `limit` events of a stream from revision `from` on.
    pub(super) fn stream(
        &mut self,
        conn: &Connection,
        stream: &str,
        from: Revision,
        limit: usize,
    ) -> Result<Vec<Recorded>, LogError> {
        let mut found: Vec<Recorded> = Vec::new();
        let mut near = 1;
        let mut statement = conn.prepare_cached(STREAM).map_err(fault(near))?;
        let mut rows = statement.query((stream, signed(from), limit_of(limit))).map_err(fault(near))?;
        let mut key = KeyAtHand::default();
        let mut revision = from;
        while let Some(row) = rows.next().map_err(fault(near))? {
            let recorded = self.entry(conn, row, near, &mut key)?.recorded;
            near = recorded.position;
            if recorded.revision != revision {
                let what = format!("revision {revision} of stream `{stream}` is missing before it");
                return Err(LogError::Corrupt { position: near, what });
            }
            revision += 1;
            found.push(recorded);
        }
        Ok(found)
    }

    /// Shows the next few thousand events after `after` up to `last`; returns where to go on, or a break if told to.
    pub(super) fn scan(
        &mut self,
        conn: &Connection,
        after: Position,
        last: Position,
        visit: &mut dyn FnMut(EventRef<'_>) -> ControlFlow<()>,
    ) -> Result<ControlFlow<(), Position>, LogError> {
        let mut next = after.saturating_add(1);
        let mut statement = conn.prepare_cached(SCAN).map_err(fault(next))?;
        let mut rows = statement.query((signed(after), signed(last))).map_err(fault(next))?;
        while let Some(row) = rows.next().map_err(fault(next))? {
            let raw = Raw::read(row, next)?;
            in_turn(raw.position, next)?;
            let event = EventRef {
                position: raw.position,
                stream: self.streams.get(conn, raw.stream, next)?,
                revision: raw.revision,
                recorded_at: raw.recorded_at,
                occurred_at: raw.occurred_at,
                id: raw.id,
                event_type: self.types.get(conn, raw.event_type, next)?,
                schema_version: raw.schema_version,
                actor: self.actors.get(conn, raw.actor, next)?,
                history: raw.history,
                data: raw.data,
            };
            if visit(event).is_break() {
                return Ok(ControlFlow::Break(()));
            }
            next += 1;
        }
        Ok(ControlFlow::Continue(next - 1))
    }

    fn entry(
        &mut self,
        conn: &Connection,
        row: &Row<'_>,
        near: Position,
        at_hand: &mut KeyAtHand,
    ) -> Result<Entry, LogError> {
        let raw = Raw::read(row, near)?;
        let near = raw.position;
        let part = u32::try_from(number(row, 11, near)?).map_err(|_| misfit(near, "part"))?;
        let idempotency_key = if part == 0 {
            let key: Option<Arc<str>> = row.get(12).map_err(fault(near))?;
            *at_hand = KeyAtHand { first: near, key };
            at_hand.key.clone()
        } else {
            at_hand.of(conn, near.saturating_sub(Position::from(part)), near)?
        };
        let digest: Digest = row.get(15).map_err(fault(near))?;
        let recorded = Recorded {
            position: near,
            stream: self.streams.get(conn, raw.stream, near)?.clone(),
            revision: raw.revision,
            recorded_at: raw.recorded_at,
            idempotency_key,
            digest,
            event: NewEvent {
                id: raw.id,
                event_type: self.types.get(conn, raw.event_type, near)?.clone(),
                schema_version: raw.schema_version,
                occurred_at: raw.occurred_at,
                actor: self.actors.get(conn, raw.actor, near)?.clone(),
                causation: uuid(row, 13, near)?,
                correlation: uuid(row, 14, near)?,
                history: raw.history,
                data: Arc::from(raw.data),
            },
        };
        Ok(Entry { part, recorded })
    }
}

/// What a scan shows of a row.
struct Raw<'a> {
    position: Position,
    stream: i64,
    revision: Revision,
    recorded_at: Instant,
    occurred_at: Instant,
    id: Uuid,
    event_type: i64,
    schema_version: u16,
    actor: i64,
    history: bool,
    data: &'a str,
}

impl<'a> Raw<'a> {
    fn read(row: &'a Row<'_>, near: Position) -> Result<Self, LogError> {
        let position = u64::try_from(number(row, 0, near)?).map_err(|_| misfit(near, "position"))?;
        let data = row.get_ref(10).map_err(fault(position))?;
        Ok(Self {
            position,
            stream: number(row, 1, position)?,
            revision: u64::try_from(number(row, 2, position)?).map_err(|_| misfit(position, "revision"))?,
            recorded_at: instant(number(row, 3, position)?),
            occurred_at: instant(number(row, 4, position)?),
            id: uuid(row, 5, position)?.ok_or_else(|| misfit(position, "id"))?,
            event_type: number(row, 6, position)?,
            schema_version: u16::try_from(number(row, 7, position)?).map_err(|_| misfit(position, "version"))?,
            actor: number(row, 8, position)?,
            history: match number(row, 9, position)? {
                0 => false,
                1 => true,
                _ => return Err(misfit(position, "history")),
            },
            data: data.as_str().map_err(|_| misfit(position, "data"))?,
        })
    }
}

/// The key of the append read last: its later events refer to it.
#[derive(Debug, Default)]
struct KeyAtHand {
    first: Position,
    key: Option<Arc<str>>,
}

impl KeyAtHand {
    fn of(&mut self, conn: &Connection, first: Position, near: Position) -> Result<Option<Arc<str>>, LogError> {
        if self.first != first {
            let key = conn
                .prepare_cached("SELECT key FROM event WHERE position = ?1")
                .and_then(|mut statement| statement.query_row([signed(first)], |row| row.get(0)))
                .map_err(fault(near))?;
            *self = Self { first, key };
        }
        Ok(self.key.clone())
    }
}

/// Returns the answer given to the append from `first` to `last`.
pub(super) fn answer(conn: &Connection, first: Position, last: Position) -> Result<Appended, LogError> {
    let row: Option<(i64, i64)> = conn
        .prepare_cached("SELECT recorded_at, revision FROM event WHERE position = ?1")
        .and_then(|mut statement| statement.query_row([signed(last)], |row| Ok((row.get(0)?, row.get(1)?))).optional())
        .map_err(fault(last))?;
    let (at, revision) = row.ok_or_else(|| misfit(last, "position"))?;
    let revision = Revision::try_from(revision).map_err(|_| misfit(last, "revision"))?;
    Ok(Appended { first, last, revision, recorded_at: instant(at), repeated: true })
}

/// Returns the position of the event with this id.
pub(super) fn find_id(conn: &Connection, id: &Uuid, near: Position) -> Result<Option<Position>, LogError> {
    conn.prepare_cached("SELECT position FROM event WHERE id = ?1")
        .and_then(|mut statement| statement.query_row([id.as_bytes()], |row| row.get::<_, i64>(0)).optional())
        .map(|position| position.and_then(|position| Position::try_from(position).ok()))
        .map_err(fault(near))
}

/// Returns the first and last position answered under a key.
pub(super) fn find_key(conn: &Connection, key: &str) -> Result<Option<(Position, Position)>, LogError> {
    let range: Option<(i64, i64)> = conn
        .prepare_cached("SELECT first, last FROM idempotency WHERE key = ?1")
        .and_then(|mut statement| statement.query_row([key], |row| Ok((row.get(0)?, row.get(1)?))).optional())
        .map_err(fault(super::fault::WHOLE_FILE))?;
    let Some((first, last)) = range else { return Ok(None) };
    match (u64::try_from(first), u64::try_from(last)) {
        (Ok(first), Ok(last)) if 0 < first && first <= last => Ok(Some((first, last))),
        _ => Err(LogError::Corrupt {
            position: super::fault::WHOLE_FILE,
            what: format!("key `{key}` refers to positions {first} to {last}"),
        }),
    }
}

/// Returns the time recorded at a position.
pub(super) fn recorded_at(conn: &Connection, position: Position) -> Result<Instant, LogError> {
    let at: Option<i64> = conn
        .prepare_cached("SELECT recorded_at FROM event WHERE position = ?1")
        .and_then(|mut statement| statement.query_row([signed(position)], |row| row.get(0)).optional())
        .map_err(fault(position))?;
    at.map(instant).ok_or_else(|| misfit(position, "position"))
}

/// Returns the id of the event at a position, if there is one.
pub(super) fn id_at(conn: &Connection, position: Position) -> Result<Option<Uuid>, LogError> {
    conn.prepare_cached("SELECT id FROM event WHERE position = ?1")
        .and_then(|mut statement| statement.query_row([signed(position)], |row| row.get::<_, [u8; 16]>(0)).optional())
        .map(|id| id.map(Uuid::from_bytes))
        .map_err(fault(position))
}

fn in_turn(found: Position, next: Position) -> Result<(), LogError> {
    if found == next {
        return Ok(());
    }
    Err(LogError::Corrupt { position: next, what: format!("the event is missing; the next one is {found}") })
}

/// Returns a number as SQLite takes it; nothing is beyond its range.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn limit_of(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

fn instant(nanoseconds: i64) -> Instant {
    // Every 64-bit count of nanoseconds is within the range of instants.
    Instant::from_nanosecond(i128::from(nanoseconds)).unwrap_or(Instant::UNIX_EPOCH)
}

fn number(row: &Row<'_>, column: usize, near: Position) -> Result<i64, LogError> {
    row.get_ref(column).map_err(fault(near))?.as_i64().map_err(|_| misfit(near, "a number"))
}

fn uuid(row: &Row<'_>, column: usize, near: Position) -> Result<Option<Uuid>, LogError> {
    let blob = row.get_ref(column).map_err(fault(near))?.as_blob_or_null().map_err(|_| misfit(near, "an id"))?;
    blob.map(|bytes| Uuid::from_slice(bytes).map_err(|_| misfit(near, "an id"))).transpose()
}

fn misfit(position: Position, column: &str) -> LogError {
    LogError::Corrupt { position, what: format!("{column} cannot be read") }
}
