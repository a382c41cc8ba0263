//! The file: its tables, its format version, and how it is opened.
//!
//! One row per event, appended in order of position, which is the row's own number. Stream names, types and actors are
//! written once and referred to by number. A key is written with the first event of its append; the others of that append
//! find it by their `part`. `head` repeats the last position and digest, so a shortened log shows.

use super::Options;
use super::fault::{WHOLE_FILE, fault};
use crate::domain::envelope::{Digest, Position};
use crate::log::chain::GENESIS;
use crate::log::contract::LogError;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, Error, ErrorCode, OpenFlags, OptionalExtension as _, ffi};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Name of the log's file in the data directory.
pub const FILE: &str = "log.db";

/// Newest file format that this software reads, kept in `PRAGMA user_version`.
pub const FORMAT: u32 = 1;

/// Tells a log from any other SQLite file: `WLOG`, kept in `PRAGMA application_id`.
pub const APPLICATION: i64 = 0x574c_4f47;

pub(super) const PAGE_BYTES: u64 = 4096;

/// How long a lock of SQLite's is waited for.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

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
pub(super) fn open_writer(path: &Path, options: &Options) -> Result<Connection, LogError> {
    let Options { cache_kib, wal_pages, max_bytes, syncs, .. } = *options;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = connect(path, flags).map_err(fault(WHOLE_FILE))?;
    if is_new(&conn)? {
        create(&conn).map_err(fault(WHOLE_FILE))?;
    }
    check(&conn, path)?;
    // FULL: every commit is on disk before it is answered; NORMAL: before it is moved into the file. The WAL is moved by `wal.rs`.
    let synchronous = if syncs { "FULL" } else { "NORMAL" };
    let wal_bytes = u64::from(wal_pages) * PAGE_BYTES;
    conn.execute_batch(&format!(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = {synchronous}; PRAGMA wal_autocheckpoint = 0; \
         PRAGMA journal_size_limit = {wal_bytes}; \
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
    let there = std::fs::metadata(path);
    if let Err(error) = &there {
        let path = path.display();
        return Err(LogError::Unavailable(match error.kind() {
            ErrorKind::NotFound => format!("there is no log at `{path}`"),
            ErrorKind::PermissionDenied => {
                format!("`{path}` may not be looked at ({error}); ask as the user whom the service runs as")
            }
            _ => format!("`{path}` cannot be looked at: {error}"),
        }));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let shut = match reader(path, flags, cache_kib) {
        Err(Error::SqliteFailure(cause, _))
            if matches!(
                cause.code,
                ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::SystemIoFailure
            ) && cause.extended_code != ffi::SQLITE_IOERR_SHMSIZE =>
        {
            cause
        }
        opened => return opened.map_err(fault(WHOLE_FILE)),
    };
    if let Err(error) = std::fs::File::open(path) {
        let path = path.display();
        return Err(LogError::Unavailable(format!(
            "`{path}` may not be read ({error}); ask as the user whom the service runs as"
        )));
    }
    // SQLite wants to write an index of the WAL beside the file. Where it may not, a log without a WAL is one file that
    // nobody changes, and can be read as such.
    let wal = beside(path, "-wal");
    if std::fs::metadata(&wal).is_ok_and(|wal| wal.len() > 0) {
        return Err(LogError::Unavailable(format!(
            "`{}` holds its newest events, and to read it SQLite must write into the folder, which it may not ({shut}); ask as \
             the user whom the service runs as, stop the service first, or copy the whole folder to where you may write",
            wal.display()
        )));
    }
    let name = path.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    let uri = format!("file:{name}?immutable=1");
    reader(Path::new(&uri), flags | OpenFlags::SQLITE_OPEN_URI, cache_kib).map_err(fault(WHOLE_FILE))
}

fn reader(path: &Path, flags: OpenFlags, cache_kib: u32) -> rusqlite::Result<Connection> {
    let conn = connect(path, flags)?;
    conn.execute_batch(&format!(
        "PRAGMA query_only = ON; PRAGMA cell_size_check = ON; PRAGMA cache_size = -{cache_kib}; \
         PRAGMA temp_store = MEMORY;"
    ))?;
    // Opens what lies beside the file, too.
    conn.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    Ok(conn)
}

/// Returns the name of a file that belongs to another one.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn connect(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(PATIENCE)?;
    // Plans do not depend on the values bound; without this, SQLite prepares some statements anew for each value.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    conn.set_prepared_statement_cache_capacity(32);
    Ok(conn)
}

/// Says whether the file calls itself a log.
pub(super) fn calls_itself_a_log(conn: &Connection) -> Result<bool, LogError> {
    let application: i64 = conn.query_row("PRAGMA application_id", [], |row| row.get(0)).map_err(fault(WHOLE_FILE))?;
    Ok(application == APPLICATION)
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
