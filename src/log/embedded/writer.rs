//! The one thread that writes: it takes whatever waits, writes it in one transaction, and answers when that is on disk.
//!
//! 1. Take the appends that wait, up to a number and a size.
//! 2. Judge each against the file as its neighbours before it leave it; a refused one has written nothing yet.
//! 3. Write the events of the others, then the new end of the chain.
//! 4. Commit: SQLite writes its log (WAL) and syncs it. Only now can readers see the events.
//! 5. Note the new end in the mark, ring the bell, answer everybody.
//!
//! When the disk is full, the group is refused, the write-ahead log moved into the file with the help of the reserve, and
//! the disk looked at again every second, whether somebody asks or not.

use super::bell::Bell;
use super::fault::fault;
use super::mark::{End, Mark};
use super::reserve::Reserve;
use super::rows::{self, Rows, signed};
use super::schema;
use super::wal::{self, Moving};
use crate::domain::envelope::{Digest, NewEvent, Position, Revision};
use crate::domain::time::Instant;
use crate::log::admission::{self, Entry, Holdings, Verdict, nanoseconds};
use crate::log::chain::PlaceInLog;
use crate::log::contract::{Answer, Append, Appended, LogError};
use crate::log::recent::Recent;
use crossbeam_channel::{Receiver, RecvTimeoutError};
use rusqlite::{Connection, OptionalExtension as _, params};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant as Clock};
use uuid::Uuid;

/// How often a full disk is looked at again.
const LOOK_FOR_ROOM: Duration = Duration::from_secs(1);

/// An append and where its answer goes.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) append: Append,
    /// What it was sent with, if it was.
    pub(super) row: Option<Row>,
    pub(super) answer: Answer,
}

/// Appends that were sent one behind the other: once one is not new, none of the rest is taken.
#[derive(Debug, Clone)]
pub(in crate::log) struct Row {
    /// One was not new.
    pub(in crate::log) is_broken: Arc<AtomicBool>,
    /// An append that is there already is no break: it may be the one that was taken.
    pub(in crate::log) is_known: bool,
}

/// How much is written in one transaction.
#[derive(Debug, Clone, Copy)]
pub(super) struct GroupLimit {
    /// Appends.
    pub(super) appends: usize,
    /// Payload bytes; the append that goes beyond is still taken.
    pub(super) bytes: usize,
}

/// The writer's side of the log.
#[derive(Debug)]
pub(super) struct Writer {
    conn: Connection,
    rows: Rows,
    tail: Tail,
    streams: Recent<Arc<str>, StreamState>,
    words: Recent<Arc<str>, i64>,
    next_stream: i64,
    next_word: i64,
    bell: Arc<Bell>,
    moving: Moving,
    beside: Beside,
    /// Since when the disk is full, or was looked at and still full.
    full: Option<Clock>,
    /// While the disk is full: the write-ahead log was moved into the file.
    moved: bool,
    /// Why nothing more is written, once something went wrong that leaves the file's state unknown.
    broken: Option<String>,
}

/// The writer's files beside the log.
#[derive(Debug)]
pub(super) struct Beside {
    pub(super) mark: Mark,
    pub(super) reserve: Reserve,
    /// What is answered is on the disk. Otherwise the mark, which may reach the disk first, is noted only where it is.
    pub(super) syncs: bool,
}

impl Beside {
    fn note(&mut self, tail: Tail) {
        self.mark.put(End { position: tail.position, digest: tail.digest });
    }
}

/// Where the log ends.
#[derive(Debug, Clone, Copy)]
struct Tail {
    position: Position,
    digest: Digest,
    recorded_at: Option<Instant>,
}

#[derive(Debug, Clone, Copy)]
struct StreamState {
    number: i64,
    last: Revision,
}

impl Writer {
    /// Takes over a connection opened for writing.
    pub(super) fn new(mut conn: Connection, streams: usize, moving: Moving, beside: Beside) -> Result<Self, LogError> {
        let (position, digest) = schema::head(&conn)?;
        let last: Option<i64> =
            conn.query_row("SELECT max(position) FROM event", [], |row| row.get(0)).map_err(fault(position))?;
        let tail = if position == 0 && last.is_none() {
            Tail { position, digest, recorded_at: None }
        } else {
            let mut last = None;
            Rows::new(0).each(&conn, (position.saturating_sub(1), Position::MAX), 2, &mut |entry| {
                last = Some(entry.recorded);
                Ok(())
            })?;
            match last.filter(|last| last.position == position && last.digest == digest) {
                Some(last) => Tail { position, digest, recorded_at: Some(last.recorded_at) },
                None => {
                    let what = "the log does not end where it says it ends".to_owned();
                    return Err(LogError::Corrupt { position: position.max(1), what });
                }
            }
        };
        let next = |sql: &str| conn.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(fault(position));
        Ok(Self {
            next_stream: next("SELECT coalesce(max(number), 0) + 1 FROM stream")?,
            next_word: next("SELECT coalesce(max(number), 0) + 1 FROM word")?,
            rows: Rows::new(1024),
            tail,
            streams: Recent::new(streams),
            words: Recent::new(8192),
            bell: Arc::new(Bell::new(position)),
            moving: moving.watching(&mut conn)?,
            beside,
            full: None,
            moved: true,
            conn,
            broken: None,
        })
    }

    /// Returns the bell that this writer rings.
    pub(super) fn bell(&self) -> Arc<Bell> {
        self.bell.clone()
    }

    /// Writes what comes until nobody can send any more, then closes the file.
    pub(super) fn run(mut self, jobs: &Receiver<Job>, limit: GroupLimit) {
        while let Some(first) = self.next(jobs) {
            let mut bytes = size(&first);
            let mut group = vec![first];
            while group.len() < limit.appends && bytes < limit.bytes {
                let Ok(job) = jobs.try_recv() else { break };
                bytes += size(&job);
                group.push(job);
            }
            self.group(group);
        }
        if self.moving.close(&self.conn) {
            self.beside.note(self.tail);
        }
        self.beside.mark.sync();
        self.bell.close();
    }

    /// Waits for an append, and for room while there is none.
    fn next(&mut self, jobs: &Receiver<Job>) -> Option<Job> {
        while self.full.is_some() {
            match jobs.recv_timeout(LOOK_FOR_ROOM) {
                Ok(job) => return Some(job),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => self.look_for_room(),
            }
        }
        jobs.recv().ok()
    }

    /// Takes appends again if the reserve can be kept, after giving back what the write-ahead log uses.
    fn look_for_room(&mut self) {
        if !self.moved {
            self.beside.reserve.let_go();
            self.moved = wal::move_all(&self.conn);
        }
        let there_is = self.moved && self.beside.reserve.keep_and_more();
        self.full = (!there_is).then(Clock::now);
        self.bell.set_trouble((!there_is).then_some(LogError::Full));
        if there_is {
            tracing::info!(position = self.tail.position, "there is room on the disk, appends are taken");
        }
    }

    /// Says what a group is refused for without trying.
    fn refusal(&mut self) -> Option<LogError> {
        if let Some(why) = &self.broken {
            return Some(LogError::Unavailable(why.clone()));
        }
        if self.full.is_some_and(|since| since.elapsed() >= LOOK_FOR_ROOM) {
            self.look_for_room();
        }
        self.full.map(|_| LogError::Full)
    }

    fn group(&mut self, group: Vec<Job>) {
        let before = self.tail;
        let written = match self.refusal() {
            Some(why) => Err(why),
            None => self.write(&group),
        };
        match written {
            Ok(answers) => {
                if self.tail.position > before.position {
                    if self.beside.syncs {
                        self.beside.note(self.tail);
                    }
                    self.bell.ring(self.tail.position);
                }
                for (job, answer) in group.into_iter().zip(answers) {
                    job.answer.tell(answer);
                }
                self.moving.after_commit(&self.conn);
            }
            Err(error) => {
                self.undo(before, &error);
                for job in group {
                    job.answer.tell(Err(error.clone()));
                }
            }
        }
    }

    /// Writes a group in one transaction; returns an answer or a refusal for each.
    ///
    /// An error here is nobody's own: it concerns the whole group, and nothing of it was answered.
    fn write(&mut self, group: &[Job]) -> Result<Vec<Result<Appended, LogError>>, LogError> {
        let before = self.tail.position;
        self.execute("BEGIN IMMEDIATE").map_err(fault(before))?;
        let mut answers = Vec::with_capacity(group.len());
        for job in group {
            answers.push(match self.judge(job) {
                Ok(Verdict::New(revision)) => Ok(self.insert(&job.append, revision)?),
                Ok(Verdict::Repeated { answer, bind_key }) => {
                    if let (true, Some(key)) = (bind_key, &job.append.idempotency_key) {
                        self.bind(key, &answer)?;
                    }
                    Ok(answer)
                }
                Err(error @ (LogError::Full | LogError::Unavailable(_))) => return Err(error),
                Err(refusal) => Err(refusal),
            });
        }
        let Tail { position, digest, .. } = self.tail;
        if position > before {
            self.conn
                .prepare_cached("UPDATE head SET position = ?1, digest = ?2 WHERE one = 1")
                .and_then(|mut statement| statement.execute(params![signed(position), digest]))
                .map_err(fault(position))?;
        }
        // A full disk is found out before the last page is written. Anything else, a failed sync above all, leaves it open whether the
        // events will be there when the log is opened again.
        self.execute("COMMIT").map_err(fault(before)).map_err(|error| match error {
            LogError::Full => LogError::Full,
            trouble => trouble.in_doubt(),
        })?;
        Ok(answers)
    }

    fn judge(&mut self, job: &Job) -> Result<Verdict, LogError> {
        let Some(Row { is_broken, is_known }) = &job.row else { return admission::judge(&job.append, self) };
        if is_broken.load(Ordering::Relaxed) {
            let Append { stream, expected, .. } = &job.append;
            let actual = self.last_revision(stream)?;
            return Err(LogError::Conflict { stream: stream.clone(), expected: *expected, actual });
        }
        let judged = admission::judge(&job.append, self);
        let goes_on = matches!(judged, Ok(Verdict::New(_))) || *is_known && judged.is_ok();
        is_broken.store(!goes_on, Ordering::Relaxed);
        judged
    }

    fn execute(&self, sql: &str) -> rusqlite::Result<usize> {
        self.conn.prepare_cached(sql)?.execute([])
    }

    /// Takes back a group that was not written, in memory and in the file.
    fn undo(&mut self, before: Tail, error: &LogError) {
        self.tail = before;
        self.streams.clear();
        self.words.clear();
        if self.broken.is_some() || self.full.is_some() {
            return;
        }
        let rolled_back = self.conn.is_autocommit() || self.execute("ROLLBACK").is_ok();
        if rolled_back && self.reread_numbers().is_ok() && matches!(error, LogError::Full) {
            tracing::warn!(position = before.position, "disk full, appends refused until there is room");
            self.moved = false;
            self.look_for_room();
            return;
        }
        // A failed sync may or may not have reached the disk: only a fresh look at the file can tell.
        tracing::error!(position = before.position, %error, "writing failed, no more appends until the log is opened again");
        let why = format!("writing failed ({error}); open the log again");
        self.bell.set_trouble(Some(LogError::Unavailable(why.clone())));
        self.broken = Some(why);
    }

    fn reread_numbers(&mut self) -> Result<(), LogError> {
        let next = |sql: &str| self.conn.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(fault(0));
        self.next_stream = next("SELECT coalesce(max(number), 0) + 1 FROM stream")?;
        self.next_word = next("SELECT coalesce(max(number), 0) + 1 FROM word")?;
        Ok(())
    }

    fn insert(&mut self, append: &Append, revision: Revision) -> Result<Appended, LogError> {
        let recorded_at = admission::recording_time(append, self.tail.recorded_at);
        let first = self.tail.position + 1;
        let stream = match self.stream(&append.stream)? {
            Some(stream) => stream.number,
            None => {
                let number = self.next_stream;
                self.name("INSERT INTO stream VALUES (?1, ?2)", number, &append.stream)?;
                self.next_stream += 1;
                number
            }
        };
        let previous = self.tail.digest;
        let answer = admission::put(append, (first, revision), recorded_at, previous, |place, event, digest| {
            self.row(stream, place, event, &digest)?;
            self.tail = Tail { position: place.position, digest, recorded_at: Some(recorded_at) };
            Ok::<_, LogError>(())
        })?;
        if let Some(key) = &append.idempotency_key {
            self.bind(key, &answer)?;
        }
        self.streams.insert(append.stream.clone(), StreamState { number: stream, last: answer.revision });
        Ok(answer)
    }

    fn row(&mut self, stream: i64, place: PlaceInLog<'_>, event: &NewEvent, digest: &Digest) -> Result<(), LogError> {
        let event_type = self.word(&event.event_type)?;
        let actor = self.word(&event.actor)?;
        let mut statement = self
            .conn
            .prepare_cached("INSERT INTO event VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16)")
            .map_err(fault(place.position))?;
        statement
            .execute(params![
                signed(place.position),
                stream,
                signed(place.revision),
                place.part,
                nanoseconds(place.recorded_at),
                nanoseconds(event.occurred_at),
                event_type,
                event.schema_version,
                actor,
                event.history,
                event.id.as_bytes(),
                event.causation.as_ref().map(Uuid::as_bytes),
                event.correlation.as_ref().map(Uuid::as_bytes),
                place.idempotency_key.filter(|_| place.part == 0),
                digest,
                &*event.data,
            ])
            .map(|_| ())
            .map_err(fault(place.position))
    }

    fn bind(&self, key: &str, answer: &Appended) -> Result<(), LogError> {
        self.conn
            .prepare_cached("INSERT INTO idempotency VALUES (?1, ?2, ?3)")
            .and_then(|mut statement| statement.execute(params![key, signed(answer.first), signed(answer.last)]))
            .map(|_| ())
            .map_err(fault(answer.first))
    }

    fn name(&self, sql: &str, number: i64, name: &str) -> Result<(), LogError> {
        self.conn
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute(params![number, name]))
            .map(|_| ())
            .map_err(fault(self.tail.position + 1))
    }

    /// Returns the number of a type name or an actor, giving it one if it is new.
    fn word(&mut self, word: &Arc<str>) -> Result<i64, LogError> {
        if let Some(number) = self.words.get(word) {
            return Ok(number);
        }
        let known: Option<i64> = self
            .conn
            .prepare_cached("SELECT number FROM word WHERE name = ?1")
            .and_then(|mut statement| statement.query_row([&**word], |row| row.get(0)).optional())
            .map_err(fault(self.tail.position + 1))?;
        let number = match known {
            Some(number) => number,
            None => {
                let number = self.next_word;
                self.name("INSERT INTO word VALUES (?1, ?2)", number, word)?;
                self.next_word += 1;
                number
            }
        };
        self.words.insert(word.clone(), number);
        Ok(number)
    }

    fn stream(&mut self, name: &Arc<str>) -> Result<Option<StreamState>, LogError> {
        if let Some(state) = self.streams.get(name) {
            return Ok(Some(state));
        }
        let near = self.tail.position;
        let found: Option<(i64, i64)> = self
            .conn
            .prepare_cached(
                "SELECT stream.number, event.revision FROM stream JOIN event ON event.stream = stream.number \
                 WHERE stream.name = ?1 ORDER BY event.revision DESC LIMIT 1",
            )
            .and_then(|mut statement| statement.query_row([&**name], |row| Ok((row.get(0)?, row.get(1)?))).optional())
            .map_err(fault(near))?;
        let Some((number, last)) = found else { return Ok(None) };
        let damaged = |_| LogError::Corrupt { position: near, what: format!("a revision of `{name}` cannot be read") };
        let state = StreamState { number, last: Revision::try_from(last).map_err(damaged)? };
        self.streams.insert(name.clone(), state);
        Ok(Some(state))
    }
}

impl Holdings for Writer {
    fn find_id(&mut self, id: &Uuid) -> Result<Option<Position>, LogError> {
        rows::find_id(&self.conn, id, self.tail.position)
    }

    fn find_key(&mut self, key: &str) -> Result<Option<(Position, Position)>, LogError> {
        rows::find_key(&self.conn, key)
    }

    fn entries(&mut self, first: Position, last: Position) -> Result<Vec<Entry>, LogError> {
        let mut entries = Vec::new();
        let range = (first.saturating_sub(1), last);
        self.rows.each(&self.conn, range, usize::MAX, &mut |entry| {
            entries.push(entry);
            Ok(())
        })?;
        Ok(entries)
    }

    fn last_revision(&mut self, stream: &Arc<str>) -> Result<Option<Revision>, LogError> {
        Ok(self.stream(stream)?.map(|state| state.last))
    }
}

fn size(job: &Job) -> usize {
    job.append.events.iter().map(|event| event.data.len() + 200).sum()
}
