//! Verification of the whole file, through a connection that cannot write.

use super::fault::{WHOLE_FILE, fault};
use super::readers::Reader;
use super::rows;
use super::schema;
use crate::domain::envelope::{Digest, Position};
use crate::log::admission::Entry;
use crate::log::chain::GENESIS;
use crate::log::contract::{LogError, Verified};
use rusqlite::Connection;
use std::path::Path;
use std::sync::Arc;

/// Events read between two reports of progress.
const CHUNK: usize = 4096;

const NOT_ITS_END: &str = "the digest at the end is not the one that the log says it ends with";

/// Verifies the file up to the end it has now.
///
/// 1. The description of the tables, and the end that the file says it has.
/// 2. Every event in order: that none is missing, that times do not run backwards, that it matches its digest, that its key
///    is known for it.
/// 3. Every stream: that no revision is missing and that its order is the log's order.
/// 4. Every key: that it stands for one whole append.
/// 5. What only SQLite can tell: that every index says what its table says, that every page is sound.
///
/// Damage that belongs to no single event is reported at position 0. Steps 3 and 5 look at one state for as long as they
/// take; beside a busy service the write-ahead log grows meanwhile, and shrinks to its usual use afterwards.
pub(super) fn verify(
    reader: &mut Reader,
    path: &Path,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Verified, LogError> {
    schema::check(&reader.conn, path)?;
    let (head, digest) = stated_end(&reader.conn)?;
    let mut walk = Walk { found: Verified { events: 0, bytes: 0, digest: GENESIS }, last: None, keyed: None };
    while walk.found.events < head {
        let after = walk.found.events;
        let Reader { conn, rows } = reader;
        rows.each(conn, (after, head), CHUNK, &mut |entry| walk.step(conn, entry))?;
        if walk.found.events == after {
            return Err(damaged(after + 1, format!("the event is missing; the log ends at {head}")));
        }
        progress(walk.found.events, head);
    }
    walk.key_ends(&reader.conn)?;
    if walk.found.digest != digest {
        return Err(damaged(head, NOT_ITS_END.to_owned()));
    }
    streams(&reader.conn)?;
    keys(&reader.conn)?;
    sound(&reader.conn)?;
    Ok(walk.found)
}

/// Returns the end that the file states, if its last event is there too.
fn stated_end(conn: &Connection) -> Result<(Position, Digest), LogError> {
    // One statement sees one state, also while a service appends.
    let sql = "SELECT position, digest, (SELECT coalesce(max(position), 0) FROM event) FROM head WHERE one = 1";
    let row =
        conn.query_row(sql, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Digest>(1)?, row.get::<_, i64>(2)?)));
    let (stated, digest, last) = row.map_err(fault(WHOLE_FILE))?;
    match Position::try_from(stated) {
        Ok(head) if stated == last => Ok((head, digest)),
        _ => {
            let first = Position::try_from(stated.min(last).saturating_add(1)).unwrap_or(WHOLE_FILE);
            Err(damaged(first, format!("the log says it ends at {stated}, but its last event is {last}")))
        }
    }
}

/// How far the walk along the chain has come.
struct Walk {
    found: Verified,
    last: Option<Entry>,
    /// Key of the append being read, and its first position.
    keyed: Option<(Arc<str>, Position)>,
}

impl Walk {
    fn step(&mut self, conn: &Connection, entry: Entry) -> Result<(), LogError> {
        // Reading it has compared it with its digest and the digest before.
        let Entry { part, recorded } = &entry;
        let position = recorded.position;
        if let Some(last) = &self.last
            && recorded.recorded_at < last.recorded.recorded_at
        {
            return Err(damaged(position, "it was recorded before the event before it".to_owned()));
        }
        if *part == 0 {
            self.key_ends(conn)?;
            self.keyed = recorded.idempotency_key.clone().map(|key| (key, position));
        }
        self.found.events += 1;
        self.found.bytes += recorded.event.data.len() as u64;
        self.found.digest = recorded.digest;
        self.last = Some(entry);
        Ok(())
    }

    /// Looks the key of the append that ends here up.
    fn key_ends(&mut self, conn: &Connection) -> Result<(), LogError> {
        let Some((key, first)) = self.keyed.take() else { return Ok(()) };
        let range = rows::find_key(conn, &key)?;
        if range == Some((first, self.found.events)) {
            return Ok(());
        }
        Err(damaged(first, format!("its key `{key}` is not on record for it")))
    }
}

fn streams(conn: &Connection) -> Result<(), LogError> {
    let mut statement = conn
        .prepare("SELECT stream, revision, position FROM event INDEXED BY event_stream ORDER BY stream, revision")
        .map_err(fault(WHOLE_FILE))?;
    let mut rows = statement.query([]).map_err(fault(WHOLE_FILE))?;
    let mut before: Option<(i64, i64, i64)> = None;
    while let Some(row) = rows.next().map_err(fault(WHOLE_FILE))? {
        let read = || Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        let (stream, revision, position): (i64, i64, i64) = read().map_err(fault(WHOLE_FILE))?;
        let fits = match before {
            Some((same, last, earlier)) if same == stream => revision == last + 1 && position > earlier,
            _ => revision == 0,
        };
        if !fits {
            let at = Position::try_from(position).unwrap_or(WHOLE_FILE);
            return Err(damaged(at, format!("revision {revision} does not follow the one before it in its stream")));
        }
        before = Some((stream, revision, position));
    }
    Ok(())
}

fn keys(conn: &Connection) -> Result<(), LogError> {
    let sql = "SELECT key, first, last FROM idempotency WHERE NOT EXISTS ( \
               SELECT 1 FROM event AS a JOIN event AS z ON z.position = idempotency.last \
               WHERE a.position = idempotency.first AND a.part = 0 AND a.stream = z.stream \
               AND z.part = idempotency.last - idempotency.first \
               AND coalesce((SELECT part FROM event WHERE position = idempotency.last + 1), 0) = 0) LIMIT 1";
    let mut statement = conn.prepare(sql).map_err(fault(WHOLE_FILE))?;
    let mut rows = statement.query([]).map_err(fault(WHOLE_FILE))?;
    let Some(row) = rows.next().map_err(fault(WHOLE_FILE))? else { return Ok(()) };
    let read = || Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let (key, first, last): (String, i64, i64) = read().map_err(fault(WHOLE_FILE))?;
    let at = Position::try_from(first).unwrap_or(WHOLE_FILE);
    Err(damaged(at, format!("key `{key}` stands for positions {first} to {last}, which are not one append")))
}

fn sound(conn: &Connection) -> Result<(), LogError> {
    let said: String = conn.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(fault(WHOLE_FILE))?;
    if said == "ok" { Ok(()) } else { Err(damaged(WHOLE_FILE, said)) }
}

/// Makes sure that the file ends where, and as, it says.
pub(super) fn end(reader: &Reader) -> Result<(), LogError> {
    let (head, digest) = stated_end(&reader.conn)?;
    let last = rows::digest_at(&reader.conn, head)?.unwrap_or(GENESIS);
    if last == digest { Ok(()) } else { Err(damaged(head, NOT_ITS_END.to_owned())) }
}

fn damaged(position: Position, what: String) -> LogError {
    LogError::Corrupt { position, what }
}
