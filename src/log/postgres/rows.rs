//! Rows of the tables, read as events.

use super::fault::Fault;
use super::line::Line;
use crate::domain::envelope::{Digest, Position, Recorded, Revision};
use crate::domain::time::Instant;
use crate::log::admission::Entry;
use crate::log::chain::{GENESIS, Link};
use crate::log::contract::{EventRef, LogError};
use futures_util::StreamExt as _;
use std::sync::Arc;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, RowStream};
use uuid::Uuid;

/// Columns in the order in which [`shown`] reads them.
macro_rules! whole {
    () => {
        "SELECT position, stream, revision, part, recorded_at, occurred_at, type, version, actor, history, id, causation, \
         correlation, key, digest, data"
    };
}

/// Events between two positions, both included.
const RANGE: &str = concat!(whole!(), " FROM event WHERE position >= $1 AND position <= $2 ORDER BY position LIMIT $3");
/// Events of a stream, each with the digest before it.
const STREAM: &str = concat!(
    whole!(),
    ", (SELECT b.digest FROM event b WHERE b.position = event.position - 1) \
     FROM event WHERE stream = $1 AND revision >= $2 ORDER BY revision LIMIT $3"
);
/// Events at positions, each with the digest before it.
const AT: &str = concat!(
    whole!(),
    ", (SELECT b.digest FROM event b WHERE b.position = event.position - 1) \
     FROM event WHERE position = ANY($1) ORDER BY position"
);
/// Column of the digest before, where there is one.
const BEFORE: usize = 16;

/// Rows that one statement shows: a longer one would keep the server from tidying up meanwhile.
pub(super) const PAGE: usize = 4096;
/// Rows and payload bytes held in memory at once.
const PIECE: (usize, usize) = (1024, 4 * 1024 * 1024);

/// A read of events in order of position, page by page.
pub(super) struct Walk {
    /// Position of the last event shown.
    pub(super) after: Position,
    last: Position,
    digest: Option<Digest>,
    stream: Option<std::pin::Pin<Box<RowStream>>>,
    page: usize,
}

impl Walk {
    /// Begins after `after`, and ends with `last`.
    pub(super) fn new(after: Position, last: Position) -> Self {
        let digest = (after == 0).then_some(GENESIS);
        Self { after, last, digest, stream: None, page: 0 }
    }

    /// Returns the next rows; none at the end. After an error, or on another connection, the walk goes on where it was.
    pub(super) fn next(&mut self, line: &mut Line, limit: usize) -> Result<Vec<Row>, Fault> {
        loop {
            if self.after >= self.last || limit == 0 {
                return Ok(Vec::new());
            }
            let (mut stream, asked) = match self.stream.take() {
                Some(stream) => (stream, false),
                None => (self.ask(line, limit)?, true),
            };
            let (rows, ended) = line.with(|_| async move {
                let (mut rows, mut bytes) = (Vec::new(), 0);
                while rows.len() < PIECE.0 && bytes < PIECE.1 {
                    let Some(row) = stream.next().await else { return Ok((rows, None)) };
                    let row = row?;
                    bytes += row.raw_size_bytes();
                    rows.push(row);
                }
                Ok((rows, Some(stream)))
            })?;
            self.stream = ended;
            if !rows.is_empty() {
                return Ok(rows);
            }
            if asked {
                // Nothing where something must be.
                return Err(missing(self.after + 1, self.last));
            }
        }
    }

    /// Asks for the next page: with the event before it, unless its digest is known.
    fn ask(&mut self, line: &mut Line, limit: usize) -> Result<std::pin::Pin<Box<RowStream>>, Fault> {
        let before = usize::from(self.digest.is_none());
        self.page = limit.min(PAGE).saturating_add(before);
        let from = signed(self.after + 1 - before as u64);
        let (last, page) = (signed(self.last), i64::try_from(self.page).unwrap_or(i64::MAX));
        let statement = line.prepare(RANGE)?;
        let values: [&(dyn ToSql + Sync); 3] = [&from, &last, &page];
        line.with(|client| async move { client.query_raw(&statement, values).await.map(Box::pin) })
    }

    /// Shows a row that [`next`](Self::next) returned; `None` for the one before the first.
    pub(super) fn show<'a>(&mut self, row: &'a Row) -> Result<Option<EventRef<'a>>, Fault> {
        let position = position_of(row)?;
        let Some(previous) = self.digest else {
            if position != self.after {
                return Err(missing(self.after, self.last));
            }
            self.digest = Some(digest(row, 14, position)?);
            return Ok(None);
        };
        if position != self.after + 1 {
            return Err(missing(self.after + 1, self.last));
        }
        let seen = shown(row, previous)?;
        (self.after, self.digest) = (position, Some(seen.digest));
        Ok(Some(seen))
    }
}

/// What it means that an event is not there: on a connection to a server that fell behind it may yet be, so the caller
/// looks again on another one before it believes this.
fn missing(position: Position, last: Position) -> Fault {
    Fault::Lasting(LogError::Corrupt { position, what: format!("the event is missing; the log ends at {last}") })
}

/// Returns up to `limit` events after `after` up to `last`, each compared with its digest.
pub(super) fn range(line: &mut Line, after: Position, last: Position, limit: usize) -> Result<Vec<Entry>, Fault> {
    let mut walk = Walk::new(after, last);
    let mut found = Vec::new();
    while found.len() < limit {
        let rows = walk.next(line, limit - found.len())?;
        if rows.is_empty() {
            break;
        }
        for row in &rows {
            if let Some(seen) = walk.show(row)? {
                seen.check()?;
                found.push(entry(&seen));
            }
        }
    }
    Ok(found)
}

/// Returns up to `limit` events of a stream from revision `from` on, each compared with its digest.
pub(super) fn stream(line: &mut Line, stream: &str, from: Revision, limit: usize) -> Result<Vec<Recorded>, Fault> {
    let mut found: Vec<Recorded> = Vec::new();
    let mut next = from;
    while found.len() < limit {
        let page = limit.saturating_sub(found.len()).min(PAGE);
        let rows = line.rows(STREAM, &[&stream.as_bytes(), &signed(next), &(page as i64)])?;
        for row in &rows {
            let seen = shown(row, before(row)?)?;
            seen.check()?;
            if seen.stream != stream || seen.revision != next {
                let what = format!("it is not revision {next} of stream `{stream}`, which comes before it");
                return Err(LogError::Corrupt { position: seen.position, what }.into());
            }
            next += 1;
            found.push(recorded(&seen));
        }
        if rows.len() < page {
            break;
        }
    }
    Ok(found)
}

/// Returns the events at these positions, in order of position, each compared with its digest.
pub(super) fn at(line: &mut Line, positions: &[Position]) -> Result<Vec<Entry>, Fault> {
    let mut found = Vec::new();
    for chunk in positions.chunks(PAGE) {
        let chunk: Vec<i64> = chunk.iter().copied().map(signed).collect();
        for row in line.rows(AT, &[&chunk])? {
            let seen = shown(&row, before(&row)?)?;
            seen.check()?;
            found.push(entry(&seen));
        }
    }
    Ok(found)
}

/// Returns the digest stored at a position, if there is an event.
pub(super) fn digest_at(line: &mut Line, position: Position) -> Result<Option<Digest>, Fault> {
    let rows = line.rows("SELECT digest FROM event WHERE position = $1", &[&signed(position)])?;
    rows.first().map(|row| digest(row, 0, position)).transpose()
}

/// Returns the first and last position answered under a key.
pub(super) fn find_key(line: &mut Line, key: &str) -> Result<Option<(Position, Position)>, Fault> {
    let rows = line.rows("SELECT first, last FROM idempotency WHERE key = $1", &[&key.as_bytes()])?;
    rows.first().map(|row| span(row, 0)).transpose()
}

/// Reads a first and a last position from two columns.
pub(super) fn span(row: &Row, column: usize) -> Result<(Position, Position), Fault> {
    let (first, last): (i64, i64) = (row.try_get(column)?, row.try_get(column + 1)?);
    match (Position::try_from(first), Position::try_from(last)) {
        (Ok(first), Ok(last)) if 0 < first && first <= last => Ok((first, last)),
        _ => Err(Fault::damage(format!("a key refers to positions {first} to {last}"))),
    }
}

fn position_of(row: &Row) -> Result<Position, Fault> {
    Position::try_from(row.try_get::<_, i64>(0)?).map_err(|_| misfit(0, "position"))
}

fn before(row: &Row) -> Result<Digest, Fault> {
    let position = position_of(row)?;
    match row.try_get::<_, Option<&[u8]>>(BEFORE)? {
        Some(bytes) => Digest::try_from(bytes).map_err(|_| misfit(position - 1, "digest")),
        None if position == 1 => Ok(GENESIS),
        None => Err(missing(position - 1, position)),
    }
}

/// Shows a row; nothing was compared with its digest.
fn shown(row: &Row, previous: Digest) -> Result<EventRef<'_>, Fault> {
    let position = position_of(row)?;
    let text = |column| {
        let bytes: &[u8] = row.try_get(column)?;
        std::str::from_utf8(bytes).map_err(|_| misfit(position, "a text"))
    };
    let key = match row.try_get::<_, Option<&[u8]>>(13)? {
        None => None,
        Some(bytes) => Some(std::str::from_utf8(bytes).map_err(|_| misfit(position, "key"))?),
    };
    let time = |column| -> Result<Instant, Fault> {
        // Every 64-bit count of nanoseconds is within the range of instants.
        let count = i128::from(row.try_get::<_, i64>(column)?);
        Instant::from_nanosecond(count).map_err(|_| misfit(position, "a time"))
    };
    let link = Link {
        position,
        stream: text(1)?,
        revision: Revision::try_from(row.try_get::<_, i64>(2)?).map_err(|_| misfit(position, "revision"))?,
        part: u32::try_from(row.try_get::<_, i32>(3)?).map_err(|_| misfit(position, "part"))?,
        recorded_at: time(4)?,
        idempotency_key: key,
        id: row.try_get(10)?,
        event_type: text(6)?,
        schema_version: u16::try_from(row.try_get::<_, i32>(7)?).map_err(|_| misfit(position, "version"))?,
        occurred_at: time(5)?,
        actor: text(8)?,
        causation: row.try_get::<_, Option<Uuid>>(11)?,
        correlation: row.try_get::<_, Option<Uuid>>(12)?,
        history: row.try_get(9)?,
        data: text(15)?,
    };
    Ok(EventRef { link, previous, digest: digest(row, 14, position)? })
}

fn entry(seen: &EventRef<'_>) -> Entry {
    Entry { part: seen.part, recorded: recorded(seen) }
}

/// Copies an event out.
fn recorded(seen: &EventRef<'_>) -> Recorded {
    Recorded {
        position: seen.position,
        stream: Arc::from(seen.stream),
        revision: seen.revision,
        recorded_at: seen.recorded_at,
        idempotency_key: seen.idempotency_key.map(Arc::from),
        digest: seen.digest,
        event: seen.event(),
    }
}

fn digest(row: &Row, column: usize, position: Position) -> Result<Digest, Fault> {
    Digest::try_from(row.try_get::<_, &[u8]>(column)?).map_err(|_| misfit(position, "digest"))
}

/// Returns a number as the tables keep it; nothing is beyond its range.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn misfit(position: Position, column: &str) -> Fault {
    LogError::Corrupt { position, what: format!("{column} cannot be read") }.into()
}
