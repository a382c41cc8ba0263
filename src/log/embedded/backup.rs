//! Copies of the log: made while it is written to, proved before they count, and brought back.

use super::fault::{WHOLE_FILE, fault};
use super::mark::{self, End};
use super::readers::{Reader, Readers};
use super::schema::beside;
use super::{Lock, make_directory, schema, sync_directory, verify};
use crate::log::contract::{LogError, Verified};
use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::NamedTempFile;

/// Pages (4 KiB) copied in one step.
const STEP: i32 = 2048;

/// Writes a proved copy to `target`, which must not exist.
///
/// It is written under another name beside `target`, verified, and then given its name, so `target` is whole or missing.
pub(super) fn backup(readers: &Readers, target: &Path) -> Result<Verified, LogError> {
    if target.exists() {
        return Err(LogError::Exists { path: target.to_owned() });
    }
    let folder = match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let (copy, found) = proved_copy(&readers.open()?, folder)?;
    copy.persist_noclobber(target).map_err(|failed| match failed.error.kind() {
        std::io::ErrorKind::AlreadyExists => LogError::Exists { path: target.to_owned() },
        _ => io(&failed.error, target),
    })?;
    sync_directory(folder);
    Ok(found)
}

/// Brings a backup back as the log of the data directory `dir`, which must not have one, or one without events.
///
/// # Errors
/// [`LogError::Exists`] if there is a log with events, [`LogError::Locked`] if a process has it, [`LogError::Corrupt`] if
/// the backup is damaged, [`LogError::Newer`] if newer software wrote it. The directory has no new log then.
pub fn restore(backup: &Path, dir: &Path) -> Result<Verified, LogError> {
    make_directory(dir)?;
    let _lock = Lock::take(dir)?;
    let path = dir.join(schema::FILE);
    if path.exists() && !without_events(&path)? {
        return Err(LogError::Exists { path });
    }
    let source = Readers::new(backup.to_owned(), 0).open()?;
    let (copy, found) = proved_copy(&source, dir)?;
    // The mark tells of the log that is replaced; without one, whatever stops this halfway leaves a log that can be opened.
    for beside in [beside(&path, "-wal"), beside(&path, "-shm"), dir.join(mark::FILE)] {
        match std::fs::remove_file(&beside) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(io(&error, &beside)),
            _ => {}
        }
    }
    copy.persist(&path).map_err(|failed| io(&failed.error, &path))?;
    sync_directory(dir);
    mark::create(dir, End { position: found.events, digest: found.digest })?;
    Ok(found)
}

fn without_events(path: &Path) -> Result<bool, LogError> {
    let conn = schema::open_reader(path, 1024)?;
    if schema::is_new(&conn)? {
        return Ok(true);
    }
    schema::check(&conn, path)?;
    let events: i64 =
        conn.query_row("SELECT EXISTS (SELECT 1 FROM event)", [], |row| row.get(0)).map_err(fault(WHOLE_FILE))?;
    Ok(events == 0)
}

/// Copies a log to a file without a name of its own yet, and verifies the copy.
fn proved_copy(source: &Reader, folder: &Path) -> Result<(NamedTempFile, Verified), LogError> {
    let path = source.conn.path().map(PathBuf::from).unwrap_or_default();
    schema::check(&source.conn, &path)?;
    let copy = tempfile::Builder::new().prefix(".log-copy-").tempfile_in(folder).map_err(|error| io(&error, folder))?;
    copy_pages(&source.conn, copy.path())?;
    copy.as_file().sync_all().map_err(|error| io(&error, copy.path()))?;
    let mut reader = Readers::new(copy.path().to_owned(), 0).open_for_verification()?;
    let found = verify::verify(&mut reader, copy.path(), &mut |_, _| {})?;
    Ok((copy, found))
}

fn copy_pages(source: &Connection, path: &Path) -> Result<(), LogError> {
    let broken = fault(WHOLE_FILE);
    // A transaction held open keeps showing one state; without it, every append would start the copy over.
    source.execute_batch("BEGIN; SELECT position FROM head;").map_err(&broken)?;
    let mut target = Connection::open(path).map_err(&broken)?;
    {
        let pages = Backup::new(source, &mut target).map_err(&broken)?;
        loop {
            match pages.step(STEP).map_err(&broken)? {
                StepResult::Done => break,
                StepResult::More => {}
                // Nobody else knows the copy, and nobody locks the log for long.
                _ => std::thread::sleep(Duration::from_millis(10)),
            }
        }
    }
    source.execute_batch("COMMIT").map_err(&broken)?;
    // One file that needs no others beside it, and that a reader of a write-protected disk can open.
    let mode: String = target.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get(0)).map_err(&broken)?;
    if mode != "delete" {
        return Err(LogError::Unavailable(format!("the copy stays in journal mode `{mode}`")));
    }
    target.close().map_err(|(_, error)| broken(error))
}

fn io(error: &std::io::Error, path: &Path) -> LogError {
    match error.kind() {
        std::io::ErrorKind::StorageFull => LogError::Full,
        _ => LogError::Unavailable(format!("cannot write `{}`: {error}", path.display())),
    }
}
