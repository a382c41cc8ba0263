//! A look at what the file holds, for an engine that decides before it writes here.

use super::EmbeddedLog;
use super::fault::fault;
use super::readers::Reader;
use super::rows;
use crate::domain::envelope::{Position, Revision};
use crate::log::admission::{Entry, Holdings};
use crate::log::contract::LogError;
use rusqlite::OptionalExtension as _;
use std::sync::Arc;
use uuid::Uuid;

impl EmbeddedLog {
    /// Lends `job` a look at everything durable.
    pub(in crate::log) fn look<T>(&self, job: impl FnOnce(&mut dyn Holdings) -> T) -> Result<T, LogError> {
        self.shared.readers.with(|reader| Ok(job(reader)))
    }

    /// Returns the keys that were given to appends already there, each with the append's first and last position.
    pub(in crate::log) fn later_keys(&self) -> Result<Vec<(Arc<str>, Position, Position)>, LogError> {
        let sql = "SELECT idempotency.key, first, last FROM idempotency JOIN event ON event.position = first \
                   WHERE event.key IS NOT idempotency.key ORDER BY first, idempotency.key";
        self.shared.readers.with(|reader| {
            let mut statement = reader.conn.prepare(sql).map_err(fault(super::fault::WHOLE_FILE))?;
            let rows = statement
                .query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?)))
                .map_err(fault(super::fault::WHOLE_FILE))?;
            let place = |place: i64| Position::try_from(place).unwrap_or(super::fault::WHOLE_FILE);
            rows.map(|row| row.map(|(key, first, last)| (key, place(first), place(last))))
                .collect::<Result<_, _>>()
                .map_err(fault(super::fault::WHOLE_FILE))
        })
    }
}

impl Holdings for Reader {
    fn find_id(&mut self, id: &Uuid) -> Result<Option<Position>, LogError> {
        rows::find_id(&self.conn, id, super::fault::WHOLE_FILE)
    }

    fn find_key(&mut self, key: &str) -> Result<Option<(Position, Position)>, LogError> {
        rows::find_key(&self.conn, key)
    }

    fn entries(&mut self, first: Position, last: Position) -> Result<Vec<Entry>, LogError> {
        let mut entries = Vec::new();
        self.rows.each(&self.conn, (first.saturating_sub(1), last), usize::MAX, &mut |entry| {
            entries.push(entry);
            Ok(())
        })?;
        Ok(entries)
    }

    fn last_revision(&mut self, stream: &Arc<str>) -> Result<Option<Revision>, LogError> {
        let sql = "SELECT max(event.revision) FROM stream JOIN event ON event.stream = stream.number \
                   WHERE stream.name = ?1";
        self.conn
            .prepare_cached(sql)
            .and_then(|mut statement| statement.query_row([&**stream], |row| row.get::<_, Option<i64>>(0)).optional())
            .map(|last| last.flatten().and_then(|last| Revision::try_from(last).ok()))
            .map_err(fault(super::fault::WHOLE_FILE))
    }
}
