//! Rows of the file, read as events.

use super::fault::fault;
use super::names::Names;
use crate::domain::envelope::{Digest, NewEvent, Position, Recorded, Revision};
use crate::domain::time::Instant;
use crate::log::admission::Entry;
use crate::log::chain::{GENESIS, Link};
use crate::log::contract::{Appended, EventRef, LogError};
use rusqlite::{Connection, OptionalExtension as _, Row};
use std::ops::ControlFlow;
use std::sync::Arc;
use uuid::Uuid;

/// Columns of [`Raw`], in its order.
macro_rules! whole {
    () => {
        "SELECT position, stream, revision, recorded_at, occurred_at, id, type, version, actor, history, data, part, key, \
         causation, correlation, digest FROM event"
    };
}

const RANGE: &str = concat!(whole!(), " WHERE position > ?1 AND position <= ?2 ORDER BY position LIMIT ?3");
const STREAM: &str = concat!(
    whole!(),
    " WHERE stream = (SELECT number FROM stream WHERE name = ?1) AND revision >= ?2 ORDER BY revision LIMIT ?3"
);
/// Rows that a scan shows before it lets go of the state it sees.
const SCANNED: usize = 4096;

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
        let mut at_hand = AtHand::default();
        while let Some(row) = rows.next().map_err(fault(next))? {
            let entry = self.entry(conn, row, next, &mut at_hand)?;
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
        let mut at_hand = AtHand::default();
        let mut revision = from;
        while let Some(row) = rows.next().map_err(fault(near))? {
            let recorded = self.entry(conn, row, near, &mut at_hand)?.recorded;
            near = recorded.position;
            // The index named it; what the index says has no digest.
            if &*recorded.stream != stream {
                let what = format!("the index of streams takes it for an event of `{stream}`");
                return Err(LogError::Corrupt { position: near, what });
            }
            if recorded.revision != revision {
                let what = format!("revision {revision} of stream `{stream}` is missing before it");
                return Err(LogError::Corrupt { position: near, what });
            }
            revision += 1;
            found.push(recorded);
        }
        Ok(found)
    }

    /// Shows the next few thousand events after `after` up to `last`, without comparing them with their digests; returns
    /// where to go on, or a break if told to.
    pub(super) fn scan(
        &mut self,
        conn: &Connection,
        after: Position,
        last: Position,
        visit: &mut dyn FnMut(EventRef<'_>) -> ControlFlow<()>,
    ) -> Result<ControlFlow<(), Position>, LogError> {
        let mut next = after.saturating_add(1);
        let mut statement = conn.prepare_cached(RANGE).map_err(fault(next))?;
        let mut rows = statement.query((signed(after), signed(last), limit_of(SCANNED))).map_err(fault(next))?;
        let mut at_hand = AtHand::default();
        while let Some(row) = rows.next().map_err(fault(next))? {
            let raw = Raw::read(row, next)?;
            in_turn(raw.position, next)?;
            if visit(self.shown(conn, &raw, &mut at_hand)?).is_break() {
                return Ok(ControlFlow::Break(()));
            }
            next += 1;
        }
        Ok(ControlFlow::Continue(next - 1))
    }

    /// Shows a row, with what belongs to it elsewhere: names, the key of its append, the digest before it.
    fn shown<'a>(
        &'a mut self,
        conn: &Connection,
        raw: &Raw<'a>,
        at_hand: &'a mut AtHand,
    ) -> Result<EventRef<'a>, LogError> {
        let near = raw.position;
        let previous = at_hand.follow(conn, raw)?;
        let link = Link {
            position: near,
            stream: self.streams.get(conn, raw.stream, near)?,
            revision: raw.revision,
            part: raw.part,
            recorded_at: raw.recorded_at,
            idempotency_key: at_hand.key.as_deref(),
            id: raw.id,
            event_type: self.types.get(conn, raw.event_type, near)?,
            schema_version: raw.schema_version,
            occurred_at: raw.occurred_at,
            actor: self.actors.get(conn, raw.actor, near)?,
            causation: raw.causation,
            correlation: raw.correlation,
            history: raw.history,
            data: raw.data,
        };
        Ok(EventRef { link, previous, digest: raw.digest })
    }

    /// Reads a row as an event, after comparing it with its digest.
    fn entry(
        &mut self,
        conn: &Connection,
        row: &Row<'_>,
        near: Position,
        at_hand: &mut AtHand,
    ) -> Result<Entry, LogError> {
        let raw = Raw::read(row, near)?;
        let near = raw.position;
        self.shown(conn, &raw, at_hand)?.check()?;
        let recorded = Recorded {
            position: near,
            stream: self.streams.get(conn, raw.stream, near)?.clone(),
            revision: raw.revision,
            recorded_at: raw.recorded_at,
            idempotency_key: at_hand.key.clone(),
            digest: raw.digest,
            event: NewEvent {
                id: raw.id,
                event_type: self.types.get(conn, raw.event_type, near)?.clone(),
                schema_version: raw.schema_version,
                occurred_at: raw.occurred_at,
                actor: self.actors.get(conn, raw.actor, near)?.clone(),
                causation: raw.causation,
                correlation: raw.correlation,
                history: raw.history,
                data: Arc::from(raw.data),
            },
        };
        Ok(Entry { part: raw.part, recorded })
    }

    /// Returns the event at a position, compared with its digest, if there is one.
    pub(super) fn at(&mut self, conn: &Connection, position: Position) -> Result<Option<Entry>, LogError> {
        let Some(before) = position.checked_sub(1) else { return Ok(None) };
        let mut found = None;
        self.each(conn, (before, position), 1, &mut |entry| {
            found = Some(entry);
            Ok(())
        })?;
        Ok(found)
    }

    /// Returns the answer given to the append from `first` to `last`.
    pub(super) fn answer(&mut self, conn: &Connection, first: Position, last: Position) -> Result<Appended, LogError> {
        let Entry { part, recorded } = self.at(conn, last)?.ok_or_else(|| misfit(last, "position"))?;
        if last.checked_sub(Position::from(part)) != Some(first) {
            let what = format!("a key stands for positions {first} to {last}, which are not one append");
            return Err(LogError::Corrupt { position: first, what });
        }
        let Recorded { revision, recorded_at, .. } = recorded;
        Ok(Appended { first, last, revision, recorded_at, repeated: true })
    }
}

/// A row, its names still numbers.
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
    part: u32,
    key: Option<&'a str>,
    causation: Option<Uuid>,
    correlation: Option<Uuid>,
    digest: Digest,
}

impl<'a> Raw<'a> {
    fn read(row: &'a Row<'_>, near: Position) -> Result<Self, LogError> {
        let position = u64::try_from(number(row, 0, near)?).map_err(|_| misfit(near, "position"))?;
        let text = |column| row.get_ref(column).map_err(fault(position));
        let digest = text(15)?.as_blob().ok().and_then(|blob| Digest::try_from(blob).ok());
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
            data: text(10)?.as_str().map_err(|_| misfit(position, "data"))?,
            part: u32::try_from(number(row, 11, position)?).map_err(|_| misfit(position, "part"))?,
            key: text(12)?.as_str_or_null().map_err(|_| misfit(position, "key"))?,
            causation: uuid(row, 13, position)?,
            correlation: uuid(row, 14, position)?,
            digest: digest.ok_or_else(|| misfit(position, "digest"))?,
        })
    }
}

/// What the rows before leave for the next one: the key of their append, and the digest that the next one follows.
#[derive(Debug, Default)]
struct AtHand {
    first: Position,
    key: Option<Arc<str>>,
    last: Position,
    digest: Digest,
}

impl AtHand {
    /// Takes a row in; returns the stored digest before it. Afterwards `key` is the key of its append.
    fn follow(&mut self, conn: &Connection, raw: &Raw<'_>) -> Result<Digest, LogError> {
        let before = raw.position.saturating_sub(1);
        let previous = match before {
            0 => GENESIS,
            known if known == self.last => self.digest,
            other => digest_at(conn, other)?.ok_or_else(|| LogError::Corrupt {
                position: other,
                what: format!("the event is missing; the next one is {}", raw.position),
            })?,
        };
        let first = raw.position.saturating_sub(Position::from(raw.part));
        if raw.part == 0 {
            self.key = raw.key.map(Arc::from);
        } else if self.first != first {
            self.key = conn
                .prepare_cached("SELECT key FROM event WHERE position = ?1")
                .and_then(|mut statement| statement.query_row([signed(first)], |row| row.get(0)))
                .map_err(fault(raw.position))?;
        }
        (self.first, self.last, self.digest) = (first, raw.position, raw.digest);
        Ok(previous)
    }
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

/// Returns the digest stored with the event at a position, if there is one.
pub(super) fn digest_at(conn: &Connection, position: Position) -> Result<Option<Digest>, LogError> {
    conn.prepare_cached("SELECT digest FROM event WHERE position = ?1")
        .and_then(|mut statement| statement.query_row([signed(position)], |row| row.get(0)).optional())
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
