//! The embedded engine: one SQLite file in the data directory, one writing thread, any number of readers.
//!
//! Beside the file lie `warnlight.lock`, which with a lock on the folder itself keeps a second process from writing (the
//! operating system lets go of both when the process ends, however it ends); `log.mark`, which says how far the log was
//! acknowledged; and `log.reserve`, room kept for a full disk. Readers need no lock, so `verify` and `lights --at` work beside
//! a running service.

mod backup;
mod bell;
mod fault;
mod lock;
mod look;
mod mark;
mod names;
mod readers;
mod reserve;
mod rows;
mod scanner;
pub mod schema;
mod subscription;
mod verify;
mod wal;
mod writer;

use crate::domain::envelope::{Position, Recorded, Revision};
use crate::domain::time::Instant;
use crate::log::contract::{Append, Appended, EventLog, EventRef, LogError, Pending, Scanner, Subscription, Verified};
pub use backup::restore;
use bell::Bell;
use crossbeam_channel::Sender;
pub use lock::LOCK;
use lock::Lock;
use mark::{End, Mark};
use readers::{Reader, Readers};
use reserve::Reserve;
use rows::Rows;
use std::fs::File;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use uuid::Uuid;
use wal::Moving;
pub(in crate::log) use writer::Row;
use writer::{Beside, GroupLimit, Job, Writer};

/// Stream names that a scan keeps at hand: 16 bytes each and the name, once the log has so many streams.
const SCAN_STREAMS: usize = 1 << 20;

/// How the engine is run; the defaults suit everybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Most appends written in one transaction.
    pub group_appends: usize,
    /// Payload bytes after which a transaction takes no more appends.
    pub group_bytes: usize,
    /// Appends that may wait before `submit` itself waits.
    pub waiting: usize,
    /// Idle reading connections kept open.
    pub readers: usize,
    /// Page cache of the writing connection, in KiB. More than the default costs: SQLite walks its whole table of pages
    /// at the end of many commits.
    pub cache_kib: u32,
    /// Streams whose last revision the writer keeps at hand.
    pub streams: usize,
    /// Pages (4 KiB) in the write-ahead log at which they begin to be moved into the file; they are once a second, too. No more
    /// than the reserve has room for.
    pub wal_pages: u32,
    /// Room kept on the disk for moving the write-ahead log into the file when there is no other.
    pub reserve_bytes: u64,
    /// Size beyond which the file does not grow: appends are refused with [`LogError::Full`] then.
    pub max_bytes: Option<u64>,
    /// An append is answered when it is on the disk. Otherwise a power cut may take what was answered last, about a second of it,
    /// and nothing more: that is for a copy of a log that is kept elsewhere.
    pub syncs: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            group_appends: 1024,
            group_bytes: 4 * 1024 * 1024,
            waiting: 8192,
            readers: 8,
            cache_kib: 16 * 1024,
            streams: 200_000,
            wal_pages: 4_000,
            reserve_bytes: 16 * 1024 * 1024,
            max_bytes: None,
            syncs: true,
        }
    }
}

/// An event log in one file.
#[derive(Debug)]
pub struct EmbeddedLog {
    shared: Arc<Shared>,
    writing: Option<Writing>,
}

/// What subscriptions need too, and may outlive the log with.
#[derive(Debug)]
struct Shared {
    readers: Readers,
    /// Missing if the log was opened for reading only.
    bell: Option<Arc<Bell>>,
    /// The folder of the mark; a backup has none.
    marked: Option<PathBuf>,
}

#[derive(Debug)]
struct Writing {
    jobs: Sender<Job>,
    thread: JoinHandle<()>,
    /// Held until the writer is done.
    lock: Lock,
}

impl EmbeddedLog {
    /// Opens the log in `dir` for writing, making both if they are missing.
    ///
    /// # Errors
    /// [`LogError::Locked`] if another process has it, [`LogError::Newer`] if newer software wrote it,
    /// [`LogError::Corrupt`] if its end does not fit its digest or it is shorter than what was acknowledged,
    /// [`LogError::Unavailable`] if it is not a log.
    pub fn open(dir: &Path, options: &Options) -> Result<Self, LogError> {
        make_directory(dir)?;
        let lock = Lock::take(dir)?;
        let path = dir.join(schema::FILE);
        let reserve = Reserve::of(dir, options.reserve_bytes);
        let open = || {
            // First by eyes that change nothing: SQLite tidies up a damaged write-ahead log, and so removes what could be saved.
            look_at(dir, &path)?;
            let conn = schema::open_writer(&path, options)?;
            // What a process left that was killed may not be on the disk yet.
            if !options.syncs {
                wal::move_in(&conn);
            }
            let (position, digest) = schema::head(&conn)?;
            let mark = Mark::open(dir, End { position, digest })?;
            Ok((conn, mark))
        };
        let (conn, mark) = match open() {
            Err(LogError::Full | LogError::Unavailable(_)) if reserve.is_kept() => {
                reserve.let_go();
                open()?
            }
            opened => opened?,
        };
        let moving = Moving::start(&path, options.wal_pages, &mark, reserve.clone())?;
        let writer = Writer::new(conn, options.streams, moving, Beside { mark, reserve, syncs: options.syncs })?;
        let bell = writer.bell();
        let (jobs, waiting) = crossbeam_channel::bounded(options.waiting);
        let limit = GroupLimit { appends: options.group_appends, bytes: options.group_bytes };
        let thread = std::thread::Builder::new()
            .name("log-writer".to_owned())
            .spawn(move || writer.run(&waiting, limit))
            .map_err(|error| LogError::Unavailable(format!("cannot start a thread: {error}")))?;
        let shared =
            Shared { readers: Readers::new(path, options.readers), bell: Some(bell), marked: Some(dir.to_owned()) };
        Ok(Self { shared: Arc::new(shared), writing: Some(Writing { jobs, thread, lock }) })
    }

    /// Opens the log in `dir` for reading only, also while a service writes to it.
    ///
    /// # Errors
    /// [`LogError::Newer`] if newer software wrote it, [`LogError::Unavailable`] if there is none or it is not a log,
    /// [`LogError::Corrupt`] if it does not end as it says, or is shorter than what was acknowledged.
    pub fn open_read_only(dir: &Path) -> Result<Self, LogError> {
        let path = dir.join(schema::FILE);
        look_at(dir, &path)?;
        let shared = Shared { readers: Readers::new(path, 4), bell: None, marked: Some(dir.to_owned()) };
        shared.readers.with(|reader| schema::check(&reader.conn, shared.readers.path()))?;
        Ok(Self { shared: Arc::new(shared), writing: None })
    }

    /// Opens one file, such as a backup, for reading only.
    ///
    /// # Errors
    /// As [`EmbeddedLog::open_read_only`].
    pub fn open_file_read_only(path: PathBuf) -> Result<Self, LogError> {
        let shared = Shared { readers: Readers::new(path, 4), bell: None, marked: None };
        shared.readers.with(|reader| schema::check(&reader.conn, shared.readers.path()))?;
        Ok(Self { shared: Arc::new(shared), writing: None })
    }

    /// Returns the path of the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.shared.readers.path()
    }
}

impl EmbeddedLog {
    /// Hands over an append that was sent with others; behind one that was not new it is a [conflict](LogError::Conflict).
    pub(in crate::log) fn submit_in_row(&self, append: Append, row: Option<Row>) -> Pending {
        let Some(writing) = &self.writing else {
            return Pending::known(Err(read_only()));
        };
        let (answer, pending) = Pending::with_answer();
        match writing.jobs.send(Job { append, row, answer }) {
            Ok(()) => pending,
            Err(_) => Pending::known(Err(stopped())),
        }
    }
}

impl Shared {
    /// Returns the last durable position.
    fn head(&self) -> Result<Position, LogError> {
        match &self.bell {
            Some(bell) => Ok(bell.head()),
            None => self.readers.with(|reader| schema::head(&reader.conn)).map(|(position, _)| position),
        }
    }

    /// Shows every event after `after` up to `until`, unchecked; `rows` keeps names at hand.
    fn scan(
        &self,
        rows: &mut Rows,
        (mut after, until): (Position, Position),
        visit: &mut dyn FnMut(EventRef<'_>) -> ControlFlow<()>,
    ) -> Result<(), LogError> {
        // A few thousand rows at a time: a long look at one state would keep the write-ahead log growing.
        while after < until {
            match self.readers.with(|reader| rows.scan(&reader.conn, after, until, visit))? {
                ControlFlow::Break(()) => return Ok(()),
                ControlFlow::Continue(position) if position == after => {
                    let what = format!("the event is missing; the log reaches to {until}");
                    return Err(LogError::Corrupt { position: after + 1, what });
                }
                ControlFlow::Continue(position) => after = position,
            }
        }
        Ok(())
    }

    fn read_all(&self, after: Position, limit: usize) -> Result<Vec<Recorded>, LogError> {
        let head = self.head()?;
        self.readers.with(|reader| {
            let mut found = Vec::new();
            reader.rows.each(&reader.conn, (after, head), limit, &mut |entry| {
                found.push(entry.recorded);
                Ok(())
            })?;
            Ok(found)
        })
    }
}

impl EventLog for EmbeddedLog {
    fn submit(&self, append: Append) -> Pending {
        self.submit_in_row(append, None)
    }

    fn head(&self) -> Position {
        self.shared.head().unwrap_or_else(|error| {
            tracing::error!(%error, "cannot read the end of the log");
            0
        })
    }

    fn folder(&self) -> Option<&Path> {
        self.writing.as_ref().and_then(|_| self.path().parent())
    }

    fn read_stream(&self, stream: &str, from: Revision, limit: usize) -> Result<Vec<Recorded>, LogError> {
        self.shared.readers.with(|reader| reader.rows.stream(&reader.conn, stream, from, limit))
    }

    fn read_all(&self, after: Position, limit: usize) -> Result<Vec<Recorded>, LogError> {
        self.shared.read_all(after, limit)
    }

    fn scan_unchecked(
        &self,
        after: Position,
        visit: &mut dyn FnMut(EventRef<'_>) -> ControlFlow<()>,
    ) -> Result<(), LogError> {
        let head = self.shared.head()?;
        self.shared.scan(&mut Rows::in_order(SCAN_STREAMS), (after, head), visit)
    }

    fn scanner(&self) -> Box<dyn Scanner + '_> {
        Box::new(scanner::OwnNames::new(&self.shared))
    }

    fn takes_appends(&self) -> Result<(), LogError> {
        let (Some(writing), Some(bell)) = (&self.writing, &self.shared.bell) else { return Err(read_only()) };
        if writing.thread.is_finished() {
            return Err(stopped());
        }
        bell.trouble().map_or(Ok(()), Err)
    }

    fn ids_at(&self, positions: &[Position]) -> Result<Vec<Uuid>, LogError> {
        self.shared.readers.with(|reader| {
            let Reader { conn, rows } = reader;
            let ids = positions.iter().filter_map(|position| rows.at(conn, *position).transpose());
            ids.map(|found| found.map(|entry| entry.recorded.event.id)).collect()
        })
    }

    fn position_at(&self, at: Instant) -> Result<Position, LogError> {
        let head = self.shared.head()?;
        self.shared.readers.with(|reader| {
            // Recorded times never run backwards, so halving finds the place: `low` is at or before `at`, `high` is after.
            let (mut low, mut high) = (0, head.saturating_add(1));
            while high - low > 1 {
                let middle = low + (high - low) / 2;
                let found = reader.rows.at(&reader.conn, middle)?;
                let entry = found.ok_or_else(|| LogError::Corrupt {
                    position: middle,
                    what: format!("the event is missing; the log ends at {head}"),
                })?;
                if entry.recorded.recorded_at <= at {
                    low = middle;
                } else {
                    high = middle;
                }
            }
            Ok(low)
        })
    }

    fn find_key(&self, key: &str) -> Result<Option<Appended>, LogError> {
        self.shared.readers.with(|reader| match rows::find_key(&reader.conn, key)? {
            Some((first, last)) => reader.rows.answer(&reader.conn, first, last).map(Some),
            None => Ok(None),
        })
    }

    fn subscribe(&self, after: Position) -> Result<Box<dyn Subscription>, LogError> {
        Ok(Box::new(subscription::Feed::new(self.shared.clone(), after)))
    }

    fn wait_beyond(&self, after: Position, patience: Duration) -> Result<Position, LogError> {
        subscription::Feed::new(self.shared.clone(), after).wait(patience)?;
        self.shared.head()
    }

    fn verify(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<Verified, LogError> {
        // Before the log: what is acknowledged meanwhile is no concern of this verification.
        let acknowledged = self.shared.marked.as_deref().map_or(Ok(None), mark::read)?;
        // A connection of its own: what it reads comes from the file, not from a cache filled earlier.
        let mut reader = self.shared.readers.open_for_verification()?;
        let found = verify::verify(&mut reader, self.path(), progress)?;
        compare(&reader, acknowledged, found.events)?;
        Ok(found)
    }

    fn backup(&self, target: &Path) -> Result<Verified, LogError> {
        backup::backup(&self.shared.readers, target)
    }
}

impl Drop for EmbeddedLog {
    fn drop(&mut self) {
        let Some(Writing { jobs, thread, lock }) = self.writing.take() else { return };
        drop(jobs);
        // Idle readers first, so that the writer is the last to close the file and can tidy up after itself.
        self.shared.readers.close_idle();
        if thread.join().is_err() {
            tracing::error!("the log's writer panicked");
            if let Some(bell) = &self.shared.bell {
                bell.close();
            }
        }
        drop(lock);
    }
}

fn make_directory(dir: &Path) -> Result<(), LogError> {
    if dir.is_dir() {
        return Ok(());
    }
    let made = std::fs::create_dir_all(dir);
    made.map_err(|error| LogError::Unavailable(format!("cannot make the directory `{}`: {error}", dir.display())))?;
    if let Some(parent) = dir.parent() {
        sync_directory(parent);
    }
    Ok(())
}

/// Makes names in a directory durable, where the system has a way to.
fn sync_directory(dir: &Path) {
    if let Ok(dir) = File::open(dir)
        && let Err(error) = dir.sync_all()
    {
        tracing::debug!(%error, "this system does not sync directories");
    }
}

fn read_only() -> LogError {
    LogError::Unavailable("it was opened for reading only".to_owned())
}

fn stopped() -> LogError {
    LogError::Unavailable("its writer has stopped; open it again".to_owned())
}

/// Looks at the log in `dir` without changing anything: that it is a log, ends as it says, and is as long as what was
/// acknowledged. A log that is not there yet is as long as nothing.
fn look_at(dir: &Path, path: &Path) -> Result<(), LogError> {
    let acknowledged = match std::fs::metadata(path) {
        // Whoever may not look into the folder is told so by the log.
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => None,
        // Before the log, which may grow meanwhile.
        _ => mark::read(dir)?,
    };
    without_its_file(path)?;
    if !path.exists() {
        return mark::compare(acknowledged, 0, |_| Ok(None));
    }
    let reader = Readers::new(path.to_owned(), 0).open()?;
    if schema::is_new(&reader.conn)? {
        return mark::compare(acknowledged, 0, |_| Ok(None));
    }
    if acknowledged.is_some() && !schema::calls_itself_a_log(&reader.conn)? {
        let what = "its first page is not as it was written: it does not call itself a log".to_owned();
        return Err(LogError::Corrupt { position: fault::WHOLE_FILE, what });
    }
    schema::check(&reader.conn, path)?;
    let (head, _) = schema::head(&reader.conn)?;
    verify::end(&reader)?;
    compare(&reader, acknowledged, head)
}

/// Refuses a write-ahead log that holds something beside a file that is gone or empty: no way of making a log leaves that behind,
/// and SQLite would take it for a leftover and remove it.
fn without_its_file(path: &Path) -> Result<(), LogError> {
    let bytes = |path: &Path| std::fs::metadata(path).map_or(0, |there| there.len());
    if bytes(path) > 0 || bytes(&schema::beside(path, "-wal")) == 0 {
        return Ok(());
    }
    let what = format!(
        "`{0}` is empty or gone, and its newest events are in `{0}-wal` beside it: it was cut short or removed. To begin a new log \
         on purpose, remove that file, too",
        schema::FILE
    );
    Err(LogError::Corrupt { position: 1, what })
}

/// Compares the log that a reader sees, up to `head`, with what was acknowledged.
fn compare(reader: &Reader, acknowledged: Option<End>, head: Position) -> Result<(), LogError> {
    mark::compare(acknowledged, head, |position| rows::digest_at(&reader.conn, position))
}

#[cfg(test)]
mod damage;
#[cfg(test)]
mod tests;
