//! The file: its tables, its format version, and how it is opened.
//!
//! One row per event, appended in order of position, which is the row's own number. Stream names, types and actors are
//! written once and referred to by number. A key is written with the first event of its append; the others of that append
//! find it by their `part`. `head` repeats the last position and digest, so a shortened log shows.

use super::fault::{WHOLE_FILE, fault};
use crate::domain::envelope::{Digest, Position};
use crate::log::chain::GENESIS;
use crate::log::contract::LogError;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _};
use std::path::Path;
use std::time::Duration;

/// Name of the log's file in the data directory.
pub const FILE: &str = "log.db";

/// Newest file format that this software reads, kept in `PRAGMA user_version`.
pub const FORMAT: u32 = 1;

/// Tells a log from any other SQLite file: `WLOG`, kept in `PRAGMA application_id`.
pub const APPLICATION: i64 = 0x574c_4f47;

const PAGE_BYTES: u64 = 4096;

/// Every object of the file, exactly as SQLite keeps its text: a file whose own text differs is damaged or not ours.
const OBJECTS: [(&str, &str); 9] = [
    (
        "event",
        "CREATE TABLE event(position INTEGER PRIMARY KEY, stream INTEGER NOT NULL, revision INTEGER NOT NULL, \
         part INTEGER NOT NULL, recorded_at INTEGER NOT NULL, occurred_at INTEGER NOT NULL, type INTEGER NOT NULL, \
         version INTEGER NOT NULL, actor INTEGER NOT NULL, history INTEGER NOT NULL, id BLOB NOT NULL, \
         causation BLOB, correlation BLOB, key TEXT, digest BLOB NOT NULL, data TEXT NOT NULL) STRICT",
    ),
    ("event_id", "CREATE UNIQUE INDEX event_id ON event(id)"),
    ("event_stream", "CREATE UNIQUE INDEX event_stream ON event(stream, revision)"),
    ("head", "CREATE TABLE head(one INTEGER PRIMARY KEY, position INTEGER NOT NULL, digest BLOB NOT NULL) STRICT"),
    (
        "idempotency",
        "CREATE TABLE idempotency(key TEXT PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL) \
         STRICT, WITHOUT ROWID",
    ),
    ("stream", "CREATE TABLE stream(number INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT"),
    ("stream_name", "CREATE UNIQUE INDEX stream_name ON stream(name)"),
    ("word", "CREATE TABLE word(number INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT"),
    ("word_name", "CREATE UNIQUE INDEX word_name ON word(name)"),
];

/// Opens the file for writing, making its tables if it is new.
pub(super) fn open_writer(path: &Path, cache_kib: u32, max_bytes: Option<u64>) -> Result<Connection, LogError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = connect(path, flags)?;
    if is_new(&conn)? {
        create(&conn).map_err(fault(WHOLE_FILE))?;
    }
    check(&conn, path)?;
    // FULL: every commit is on disk before it is answered. The writer checkpoints by itself, see `checkpoint.rs`.
    conn.execute_batch(&format!(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; \
         PRAGMA cache_size = -{cache_kib}; PRAGMA cache_spill = OFF; PRAGMA temp_store = MEMORY;"
    ))
    .map_err(fault(WHOLE_FILE))?;
    if let Some(bytes) = max_bytes {
        let pages = bytes / PAGE_BYTES;
        conn.execute_batch(&format!("PRAGMA max_page_count = {}", pages.max(1))).map_err(fault(WHOLE_FILE))?;
    }
    Ok(conn)
}

/// Opens the file for reading only; nothing in it is changed.
pub(super) fn open_reader(path: &Path, cache_kib: u32) -> Result<Connection, LogError> {
    if !path.exists() {
        return Err(LogError::Unavailable(format!("there is no log at `{}`", path.display())));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = connect(path, flags)?;
    conn.execute_batch(&format!(
        "PRAGMA query_only = ON; PRAGMA cell_size_check = ON; PRAGMA cache_size = -{cache_kib}; \
         PRAGMA temp_store = MEMORY;"
    ))
    .map_err(fault(WHOLE_FILE))?;
    Ok(conn)
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, LogError> {
    let open = || {
        let conn = Connection::open_with_flags(path, flags)?;
        conn.busy_timeout(Duration::from_secs(10))?;
        // Plans do not depend on the values bound; without this, SQLite prepares some statements anew for each value.
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        conn.set_prepared_statement_cache_capacity(32);
        Ok(conn)
    };
    open().map_err(fault(WHOLE_FILE))
}

/// Refuses files of newer software, files that are not a log, and logs whose table texts are damaged.
pub(super) fn check(conn: &Connection, path: &Path) -> Result<(), LogError> {
    let application: i64 = conn.query_row("PRAGMA application_id", [], |row| row.get(0)).map_err(fault(WHOLE_FILE))?;
    if application != APPLICATION {
        return Err(LogError::Unavailable(format!(
            "`{}` is not a Warnlight log (application id {application:#x}); name another data directory",
            path.display()
        )));
    }
    let found: u32 = conn.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(fault(WHOLE_FILE))?;
    if found > FORMAT {
        return Err(LogError::Newer { path: path.to_owned(), found, known: FORMAT });
    }
    let objects = objects(conn).map_err(fault(WHOLE_FILE))?;
    let same = objects.len() == OBJECTS.len()
        && objects.iter().zip(OBJECTS).all(|((name, sql), known)| (name.as_str(), sql.as_str()) == known);
    if found == FORMAT && same {
        return Ok(());
    }
    Err(LogError::Corrupt {
        position: WHOLE_FILE,
        what: "the description of its tables is not as it was written".to_owned(),
    })
}

fn objects(conn: &Connection) -> rusqlite::Result<Vec<(String, String)>> {
    let mut statement = conn.prepare("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name")?;
    statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

/// Tells whether the file is as good as new: a process that was killed while it made the file leaves it so.
pub(super) fn is_new(conn: &Connection) -> Result<bool, LogError> {
    let number = |sql: &str| conn.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(fault(WHOLE_FILE));
    Ok(number("PRAGMA application_id")? == 0
        && number("PRAGMA user_version")? == 0
        && number("SELECT count(*) FROM sqlite_schema")? == 0)
}

fn create(conn: &Connection) -> rusqlite::Result<()> {
    // Outside the transaction, because it only counts before the first page is written.
    conn.execute_batch(&format!("PRAGMA page_size = {PAGE_BYTES}; PRAGMA journal_mode = WAL;"))?;
    let tables: String = OBJECTS.iter().map(|(_, sql)| format!("{sql};")).collect();
    let zeros = "00".repeat(GENESIS.len());
    conn.execute_batch(&format!(
        "BEGIN IMMEDIATE; PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {FORMAT}; {tables} \
         INSERT INTO head VALUES (1, 0, x'{zeros}'); COMMIT;"
    ))
}

/// Returns the position and digest that the file says it ends with.
pub(super) fn head(conn: &Connection) -> Result<(Position, Digest), LogError> {
    let head = conn
        .prepare_cached("SELECT position, digest FROM head WHERE one = 1")
        .and_then(|mut statement| {
            statement.query_row([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Digest>(1)?))).optional()
        })
        .map_err(fault(WHOLE_FILE))?;
    let damaged = || LogError::Corrupt { position: WHOLE_FILE, what: "the record of its end is missing".to_owned() };
    let (position, digest) = head.ok_or_else(damaged)?;
    Ok((Position::try_from(position).map_err(|_| damaged())?, digest))
}
