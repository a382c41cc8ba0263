//! The PostgreSQL engine: the log is three tables, and any number of alike nodes append to them.
//!
//! **Order.** Whoever appends locks the one row of `head` and holds it until its COMMIT: the order of that lock is the order
//! of the log, whatever the clocks say. Positions, revisions, digests and times are given under it, by the rules of every
//! engine ([`admission`](crate::log::admission)), and written in the same transaction. Nothing is ever changed afterwards, and
//! the rights that a node needs do not allow it.
//! While a node is alone at it, it does not ask first, and still nobody can come between (`ahead.rs`).
//!
//! **Durable** is what COMMIT says with the server's `synchronous_commit`, at least on its disk: with
//! `synchronous_standby_names` set, on a standby's too. A server with `fsync` or `full_page_writes` off is refused. An answer
//! is never given for less: see `writer.rs` for a COMMIT without an answer, `group.rs` for one with a warning.
//!
//! **Reading** is done on the server that takes writes, over a few connections, in pages by position, each event compared with
//! its digest. Nothing is kept on the node but what is made from the log.
//!
//! **Growing.** Nodes notify each other; each also looks (`watcher.rs`).
//! [`behind`](EventLog::behind) counts from the last look that reached the end.
//!
//! **Failing over.** All servers are named in the connection string, and the one that takes writes is found anew when a
//! connection breaks. Which server that is, and that there is only one, is decided elsewhere (docs/OPERATIONS.md). A server that
//! does not hold what this node has read is not written to; if it stays so, the log has lost something and the node says so
//! ([`LogError::Corrupt`]) and writes no more.

mod ahead;
mod bell;
mod columns;
mod crowd;
mod draft;
mod fault;
mod group;
mod line;
mod readers;
mod rows;
mod scanner;
pub mod schema;
mod settings;
mod spent;
mod verify;
mod watcher;
mod writer;

use crate::domain::envelope::{Position, Recorded, Revision};
use crate::domain::time::Instant;
use crate::log::admission::Entry;
use crate::log::contract::{Append, Appended, EventLog, EventRef, LogError, Pending, Scanner, Subscription, Verified};
use crate::log::copied;
use bell::Bell;
use crossbeam_channel::Sender;
use crowd::Crowd;
use fault::Fault;
use readers::Readers;
use scanner::OwnLine;
use schema::Tail;
pub use settings::is_ours;
use spent::Meter;
pub use spent::Spent;
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use uuid::Uuid;
use watcher::Watcher;
use writer::{Job, Limits, Writer};

/// Most events a subscription hands out at once.
const BATCH: usize = 512;
/// Positions looked at in one round trip to find a time.
const PROBES: u64 = 16;
/// Pause between two attempts to open the log.
const PAUSE: Duration = Duration::from_millis(250);
/// Keys that were given to appends already there.
const LATER_KEYS: &str = "SELECT i.key, i.first, i.last FROM idempotency i JOIN event e ON e.position = i.first \
     WHERE e.key IS NULL OR e.key <> i.key ORDER BY i.first, i.key";
/// How long the server is given to find them.
const LONG: Duration = Duration::from_secs(3600);

/// How the engine is run; the defaults suit everybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Schema of the tables; another one only if several logs share a database.
    pub schema: String,
    /// Most appends written in one transaction.
    pub group_appends: usize,
    /// Payload bytes after which a transaction takes no more appends.
    pub group_bytes: usize,
    /// Appends that may wait before `submit` itself waits.
    pub waiting: usize,
    /// Idle reading connections kept open.
    pub readers: usize,
    /// How long a server is given for one answer.
    pub patience: Duration,
    /// How long an append is tried, attempts to connect included.
    pub deadline: Duration,
    /// For how long servers found anew must miss what this node has read before it counts as lost: while one takes over from
    /// another, the wrong one may answer for a moment.
    pub lost: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            schema: "warnlight".to_owned(),
            group_appends: 1024,
            group_bytes: 4 * 1024 * 1024,
            waiting: 8192,
            readers: 4,
            patience: Duration::from_secs(10),
            deadline: Duration::from_secs(30),
            lost: Duration::from_secs(15),
        }
    }
}

/// An event log on PostgreSQL.
#[derive(Debug)]
pub struct PostgresLog {
    shared: Arc<Shared>,
    folder: Option<PathBuf>,
    writing: Option<Writing>,
    meter: Arc<Meter>,
}

/// The thread that writes, and how it is reached.
#[derive(Debug)]
struct Writing {
    jobs: Sender<Job>,
    thread: JoinHandle<()>,
    crowd: Arc<Crowd>,
}

/// What subscriptions need too, and may outlive the log with.
#[derive(Debug)]
struct Shared {
    readers: Arc<Readers>,
    bell: Arc<Bell>,
}

impl PostgresLog {
    /// Opens the log on the servers that `url` names (`postgres://`), making its tables if they are missing. What is made from
    /// the log is kept in `folder`.
    ///
    /// # Errors
    /// [`LogError::Invalid`] if the connection string is wrong, [`LogError::Newer`] if newer software made the tables,
    /// [`LogError::Corrupt`] if the log does not end as it says, [`LogError::Unavailable`] if no server takes writes, does not
    /// let this user in, or does not keep what it acknowledges.
    pub fn open(url: &str, folder: &Path, options: &Options) -> Result<Self, LogError> {
        let (shared, notifies) = Shared::open(url, options, true)?;
        let folder = folder.to_owned();
        std::fs::create_dir_all(&folder).map_err(|error| {
            LogError::Unavailable(format!("cannot make the directory `{}`: {error}", folder.display()))
        })?;
        let limits = Limits {
            appends: options.group_appends,
            bytes: options.group_bytes,
            deadline: options.deadline,
            patience: options.patience,
        };
        let writer = Writer::new(shared.readers.clone(), shared.bell.clone(), limits, notifies);
        let (meter, crowd) = (writer.meter(), writer.crowd());
        let (jobs, waiting) = crossbeam_channel::bounded(options.waiting);
        let thread = start("log-writer", move || writer.run(&waiting))?;
        let writing = Some(Writing { jobs, thread, crowd });
        Ok(Self { shared: Arc::new(shared), folder: Some(folder), writing, meter })
    }

    /// Opens the log for reading only; its tables must be there.
    ///
    /// # Errors
    /// As [`PostgresLog::open`].
    pub fn open_read_only(url: &str, options: &Options) -> Result<Self, LogError> {
        let (shared, _) = Shared::open(url, options, false)?;
        Ok(Self { shared: Arc::new(shared), folder: None, writing: None, meter: Arc::default() })
    }

    /// Says whether a connection string can be understood.
    ///
    /// # Errors
    /// [`LogError::Invalid`] with what is wrong with it.
    pub fn check_url(url: &str) -> Result<(), LogError> {
        settings::parse(url).map(|_| ())
    }

    /// Returns where the time of the thread that writes went.
    #[must_use]
    pub fn spent(&self) -> Spent {
        self.meter.spent()
    }

    /// Returns the keys that were given to appends already there, each with the append's first and last position.
    fn later_keys(&self) -> Result<Vec<copied::LaterKey>, LogError> {
        let mut line = self.shared.readers.open()?;
        line.set_patience(LONG);
        let rows = line.rows(LATER_KEYS, &[])?;
        let read = |row: &tokio_postgres::Row| -> Result<_, Fault> {
            let key = std::str::from_utf8(row.try_get(0)?).map_err(|_| Fault::damage("a key cannot be read"))?;
            let (first, last) = rows::span(row, 1)?;
            Ok((Arc::from(key), first, last))
        };
        Ok(rows.iter().map(read).collect::<Result<_, Fault>>()?)
    }
}

fn start(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, LogError> {
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(work);
    thread.map_err(|error| LogError::Unavailable(format!("cannot start a thread: {error}")))
}

impl Shared {
    /// Finds the log's end and starts looking for more; says whether the server notifies.
    fn open(url: &str, options: &Options, prepare: bool) -> Result<(Self, bool), LogError> {
        let target = settings::parse(url)?;
        let readers = Arc::new(Readers::new(target, options.schema.clone(), options.patience, options.readers));
        let until = std::time::Instant::now() + options.deadline;
        let (end, notifies) = loop {
            match first_look(&readers, options, prepare) {
                Ok(found) => break found,
                Err(Fault::Passing(why)) if std::time::Instant::now() + PAUSE < until => {
                    tracing::warn!(why, "the log cannot be opened, trying again");
                    std::thread::sleep(PAUSE);
                }
                Err(fault) => return Err(fault.into()),
            }
        };
        let bell = Arc::new(Bell::new(end));
        let watcher = Watcher { readers: readers.clone(), bell: bell.clone(), missing: None, lost: options.lost };
        start("log-watcher", move || watcher.run())?;
        Ok((Self { readers, bell }, notifies))
    }

    fn read_all(&self, after: Position, limit: usize) -> Result<Vec<Recorded>, LogError> {
        let head = self.bell.head();
        let found = self.readers.with(|line| rows::range(line, after, head, limit))?;
        Ok(found.into_iter().map(|entry| entry.recorded).collect())
    }

    fn at(&self, positions: &[Position]) -> Result<Vec<Entry>, LogError> {
        self.readers.with(|line| rows::at(line, positions))
    }
}

/// Makes sure of the tables, and that the log ends as it says.
fn first_look(readers: &Readers, options: &Options, prepare: bool) -> Result<(Tail, bool), Fault> {
    let mut line = readers.open()?;
    if prepare {
        schema::prepare(&mut line, &options.schema)?;
    } else {
        schema::check(&mut line, &options.schema)?;
    }
    let end = Tail::of(&line.one("SELECT position, digest, recorded_at FROM head WHERE one = 1", &[])?)?;
    let there = if end.position == 0 { Some(Tail::EMPTY.digest) } else { rows::digest_at(&mut line, end.position)? };
    if there != Some(end.digest) {
        let what = "the log does not end as it says it ends".to_owned();
        return Err(LogError::Corrupt { position: end.position, what }.into());
    }
    let notifies = watcher::listen(&mut line)?;
    Ok((end, notifies))
}

impl EventLog for PostgresLog {
    fn submit(&self, append: Append) -> Pending {
        let Some(Writing { jobs, crowd, .. }) = &self.writing else { return Pending::known(Err(read_only())) };
        let (answer, pending) = Pending::with_answer();
        match jobs.send(Job { append, answer }) {
            Ok(()) => {
                crowd.grown(jobs.len());
                pending
            }
            Err(_) => Pending::known(Err(stopped())),
        }
    }

    fn takes_appends(&self) -> Result<(), LogError> {
        let Some(Writing { thread, .. }) = &self.writing else { return Err(read_only()) };
        if thread.is_finished() {
            return Err(stopped());
        }
        self.shared.bell.trouble().map_or(Ok(()), Err)
    }

    fn head(&self) -> Position {
        self.shared.bell.head()
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn behind(&self) -> Duration {
        self.shared.bell.behind()
    }

    fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    fn read_stream(&self, stream: &str, from: Revision, limit: usize) -> Result<Vec<Recorded>, LogError> {
        self.shared.readers.with(|line| rows::stream(line, stream, from, limit))
    }

    fn read_all(&self, after: Position, limit: usize) -> Result<Vec<Recorded>, LogError> {
        self.shared.read_all(after, limit)
    }

    fn scan_unchecked(
        &self,
        after: Position,
        visit: &mut dyn FnMut(EventRef<'_>) -> ControlFlow<()>,
    ) -> Result<(), LogError> {
        OwnLine::new(&self.shared).show((after, self.shared.bell.head()), visit)
    }

    fn scanner(&self) -> Box<dyn Scanner + '_> {
        Box::new(OwnLine::new(&self.shared))
    }

    fn ids_at(&self, positions: &[Position]) -> Result<Vec<Uuid>, LogError> {
        let found = self.shared.at(positions)?;
        let ids: HashMap<Position, Uuid> =
            found.iter().map(|entry| (entry.recorded.position, entry.recorded.event.id)).collect();
        Ok(positions.iter().filter_map(|position| ids.get(position).copied()).collect())
    }

    fn position_at(&self, at: Instant) -> Result<Position, LogError> {
        // Recorded times never run backwards: `low` is at or before `at`, `high` is after, and each round trip looks at a few
        // places between them.
        let (mut low, mut high) = (0, self.shared.bell.head().saturating_add(1));
        while high - low > 1 {
            let step = (high - low).div_ceil(PROBES + 1);
            let places: Vec<Position> = (1..=PROBES).map(|n| low + n * step).filter(|place| *place < high).collect();
            let found = self.shared.at(&places)?;
            if found.len() != places.len() {
                let what = "an event between the first and the last is missing".to_owned();
                return Err(LogError::Corrupt { position: low + 1, what });
            }
            for Entry { recorded, .. } in &found {
                if recorded.recorded_at <= at {
                    low = recorded.position;
                } else {
                    high = recorded.position;
                    break;
                }
            }
        }
        Ok(low)
    }

    fn find_key(&self, key: &str) -> Result<Option<Appended>, LogError> {
        self.shared.readers.with(|line| {
            let Some((first, last)) = rows::find_key(line, key)? else { return Ok(None) };
            let ends = rows::at(line, &[last])?;
            let is_whole = |entry: &&Entry| last.checked_sub(Position::from(entry.part)) == Some(first);
            let Some(Entry { recorded, .. }) = ends.first().filter(is_whole) else {
                let what = format!("a key stands for positions {first} to {last}, which are not one append");
                return Err(LogError::Corrupt { position: first, what }.into());
            };
            let (revision, recorded_at) = (recorded.revision, recorded.recorded_at);
            Ok(Some(Appended { first, last, revision, recorded_at, repeated: true }))
        })
    }

    fn subscribe(&self, after: Position) -> Result<Box<dyn Subscription>, LogError> {
        Ok(Box::new(Feed { shared: self.shared.clone(), after }))
    }

    fn wait_beyond(&self, after: Position, patience: Duration) -> Result<Position, LogError> {
        self.shared.bell.wait(after, patience)?;
        Ok(self.shared.bell.head())
    }

    fn verify(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<Verified, LogError> {
        let mut line = self.shared.readers.open()?;
        Ok(verify::verify(&mut line, progress)?)
    }

    /// Writes the log as a file of the embedded engine.
    fn backup(&self, target: &Path) -> Result<Verified, LogError> {
        copied::as_file(self, &mut || self.later_keys(), target)
    }
}

impl Drop for PostgresLog {
    fn drop(&mut self) {
        if let Some(Writing { jobs, thread, .. }) = self.writing.take() {
            drop(jobs);
            if thread.join().is_err() {
                tracing::error!("the log's writer panicked");
            }
        }
        // The thread that looks ends by itself: nobody waits for a server that may be away.
        self.shared.bell.close();
    }
}

/// A live feed: a look at the tables, and a wait for the bell when there is nothing new.
struct Feed {
    shared: Arc<Shared>,
    after: Position,
}

impl Subscription for Feed {
    fn next(&mut self, patience: Duration) -> Result<Vec<Recorded>, LogError> {
        if !self.shared.bell.wait(self.after, patience)? {
            return Ok(Vec::new());
        }
        let events = self.shared.read_all(self.after, BATCH)?;
        self.after = events.last().map_or(self.after, |last| last.position);
        Ok(events)
    }
}

fn read_only() -> LogError {
    LogError::Unavailable("it was opened for reading only".to_owned())
}

fn stopped() -> LogError {
    LogError::Unavailable("its writer has stopped; open it again".to_owned())
}
