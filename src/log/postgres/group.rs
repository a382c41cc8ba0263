//! A group of appends in the making: judged against the tables as its neighbours before each leave them, by the rules of
//! every engine.

use super::columns::{Columns, Keys, chunks};
use super::draft::Draft;
use super::fault::Fault;
use super::line::Line;
use super::rows::{self, signed, span};
use super::schema::Tail;
use crate::domain::envelope::{Digest, Position, Revision};
use crate::log::admission::{self, Entry, Holdings, Verdict, nanoseconds};
use crate::log::contract::{Append, Appended, LogError};
use futures_util::FutureExt as _;
use futures_util::future::{try_join4, try_join5};
use std::collections::HashMap;
use std::sync::Arc;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

/// Locks the log's end: from here to COMMIT this node alone appends. Everybody else's order is the order of this lock.
const LOCK: &str = "SELECT position, digest, recorded_at FROM head WHERE one = 1 FOR UPDATE";
const IDS: &str = "SELECT id, position FROM event WHERE id = ANY($1)";
const KEYS: &str = "SELECT key, first, last FROM idempotency WHERE key = ANY($1)";
/// Where streams end.
pub(super) const STREAMS: &str =
    "SELECT name, (SELECT max(revision) FROM event WHERE stream = name) FROM unnest($1::bytea[]) AS name";
const EVENTS: &str = "INSERT INTO event SELECT unnest($1::bigint[]), unnest($2::bytea[]), unnest($3::bigint[]), \
     unnest($4::int[]), unnest($5::bigint[]), unnest($6::bigint[]), unnest($7::bytea[]), unnest($8::int[]), \
     unnest($9::bytea[]), unnest($10::boolean[]), unnest($11::uuid[]), unnest($12::uuid[]), unnest($13::uuid[]), \
     unnest($14::bytea[]), unnest($15::bytea[]), unnest($16::bytea[])";
const BIND: &str = "INSERT INTO idempotency SELECT unnest($1::bytea[]), unnest($2::bigint[]), unnest($3::bigint[])";
const END: &str = "UPDATE head SET position = $1, digest = $2, recorded_at = $3 WHERE one = 1";
/// Name of the channel on which nodes tell each other that the log has grown.
pub(super) const CHANNEL: &str = "warnlight_log";
const NOTIFY: &str = "SELECT pg_notify('warnlight_log', $1)";

/// A transaction that holds the log's end.
pub(super) struct Group<'a> {
    line: &'a mut Line,
    draft: Draft,
    ids: HashMap<Uuid, Position>,
    keys: HashMap<Arc<str>, (Position, Position)>,
    streams: HashMap<Arc<str>, Option<Revision>>,
    /// An answer rests on what was there already.
    repeats: bool,
}

impl<'a> Group<'a> {
    /// Begins the transaction, waits for the log's end, and looks up what the appends speak of, in one round trip: each of
    /// these statements sees what is committed when its turn comes, which is after the lock was got.
    pub(super) fn begin<'b>(
        line: &'a mut Line,
        appends: impl Iterator<Item = &'b Append> + Clone,
    ) -> Result<Self, Fault> {
        let ids: Vec<Uuid> = appends.clone().flat_map(|append| append.events.iter().map(|event| event.id)).collect();
        let named: HashMap<&[u8], Arc<str>> = appends
            .clone()
            .flat_map(|append| [Some(&append.stream), append.idempotency_key.as_ref()])
            .flatten()
            .map(|name| (name.as_bytes(), name.clone()))
            .collect();
        let streams: Vec<&[u8]> = unique(appends.clone().map(|append| append.stream.as_bytes()));
        let keys: Vec<&[u8]> =
            unique(appends.filter_map(|append| append.idempotency_key.as_ref().map(|key| key.as_bytes())));
        let begin = line.prepare("BEGIN")?;
        let lock = line.prepare(LOCK)?;
        let (find_ids, find_keys, find_streams) = (line.prepare(IDS)?, line.prepare(KEYS)?, line.prepare(STREAMS)?);
        let (ids, keys, streams) = (&ids, &keys, &streams);
        let (_, end, found_ids, found_keys, found_streams) = line.with(|client| async move {
            let (ids, streams): ([&(dyn ToSql + Sync); 1], [&(dyn ToSql + Sync); 1]) = ([ids], [streams]);
            let answered = async {
                let values: [&(dyn ToSql + Sync); 1] = [keys];
                if keys.is_empty() { Ok(Vec::new()) } else { client.query(&find_keys, &values).await }
            };
            // Sent in this order, which is the order in which they are polled first.
            try_join5(
                client.execute(&begin, &[]),
                client.query_one(&lock, &[]),
                client.query(&find_ids, &ids),
                answered,
                client.query(&find_streams, &streams),
            )
            .await
        })?;
        let mut group = Self {
            line,
            draft: Draft::behind(Tail::of(&end)?),
            ids: HashMap::with_capacity(ids.len()),
            keys: HashMap::new(),
            streams: HashMap::with_capacity(streams.len()),
            repeats: false,
        };
        let name = |row: &Row| -> Result<Arc<str>, Fault> {
            let bytes: &[u8] = row.try_get(0)?;
            named.get(bytes).cloned().ok_or_else(|| Fault::damage("a name was found that nobody asked for"))
        };
        for row in &found_ids {
            let position =
                u64::try_from(row.try_get::<_, i64>(1)?).map_err(|_| Fault::damage("an id has no position"))?;
            group.ids.insert(row.try_get(0)?, position);
        }
        for row in &found_keys {
            group.keys.insert(name(row)?, span(row, 1)?);
        }
        for row in &found_streams {
            let last = row.try_get::<_, Option<i64>>(1)?.and_then(|last| Revision::try_from(last).ok());
            group.streams.insert(name(row)?, last);
        }
        Ok(group)
    }

    /// Returns the end of the log before the group.
    pub(super) const fn before(&self) -> Tail {
        self.draft.before
    }

    /// Returns the end of the log as the group leaves it.
    pub(super) const fn tail(&self) -> Tail {
        self.draft.tail
    }

    /// Returns the digest stored at a position.
    pub(super) fn digest_at(&mut self, position: Position) -> Result<Option<Digest>, Fault> {
        rows::digest_at(self.line, position)
    }

    /// Judges an append, and takes it in if it is new.
    ///
    /// # Errors
    /// What concerns the whole group; a refusal is an answer.
    pub(super) fn take(&mut self, append: &Append) -> Result<Result<Appended, LogError>, Fault> {
        match admission::judge(append, self) {
            Ok(Verdict::New(revision)) => Ok(Ok(self.add(append, revision))),
            Ok(Verdict::Repeated { answer, bind_key }) => {
                self.repeats = true;
                if let (true, Some(key)) = (bind_key, &append.idempotency_key) {
                    self.keys.insert(key.clone(), (answer.first, answer.last));
                    self.draft.bind(key, &answer);
                }
                Ok(Ok(answer))
            }
            Err(error @ (LogError::Full | LogError::Unavailable(_) | LogError::Corrupt { .. })) => Err(error.into()),
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    fn add(&mut self, append: &Append, revision: Revision) -> Appended {
        let answer = self.draft.add(append, revision);
        let places = append.events.iter().map(|event| event.id).zip(answer.first..);
        self.ids.extend(places);
        if let Some(key) = &append.idempotency_key {
            self.keys.insert(key.clone(), (answer.first, answer.last));
        }
        self.streams.insert(append.stream.clone(), Some(answer.revision));
        answer
    }

    /// Returns the streams that the group speaks of, each with its last revision as the group leaves it.
    pub(super) fn streams(&self) -> Vec<(Arc<str>, Option<Revision>)> {
        self.streams.iter().map(|(stream, last)| (stream.clone(), *last)).collect()
    }

    /// Says that an answer rests on what was there already.
    pub(super) const fn rest_on_what_is_there(&mut self) {
        self.repeats = true;
    }

    /// Says whether an answer rests on what was there already.
    pub(super) const fn rests_on_what_is_there(&self) -> bool {
        self.repeats
    }

    /// Writes the group and commits it, in one round trip unless it is large. A group that only refused something is let go
    /// of. One that answers with what was there is committed with a write, although it has none: a standby may not have what
    /// it rests on yet, and its COMMIT waits for that.
    ///
    /// # Errors
    /// What happened; whether the group was committed is not known then.
    pub(super) fn commit(self) -> Result<(), Fault> {
        let Self { line, draft: Draft { tail, events, bound, .. }, repeats, .. } = self;
        if events.is_empty() && bound.is_empty() && !repeats {
            return line.run("ROLLBACK");
        }
        line.take_warning();
        let mut chunks = chunks(&events);
        let last = chunks.pop().unwrap_or_default();
        for chunk in chunks {
            let statement = line.prepare(EVENTS)?;
            let columns = Columns::of(chunk);
            line.with(|client| async move { client.execute(&statement, &columns.values()).await })?;
        }
        let keys = Keys::of(&bound);
        let columns = Columns::of(last);
        let (write, bind) = (line.prepare(EVENTS)?, line.prepare(BIND)?);
        let (end, commit) = (line.prepare(END)?, line.prepare("COMMIT")?);
        let (position, digest) = (signed(tail.position), tail.digest.as_slice());
        let at = tail.recorded_at.and_then(nanoseconds).unwrap_or_default();
        line.with(|client| async move {
            let (columns, keys, end_values) = (&columns, &keys, [&position as &(dyn ToSql + Sync), &digest, &at]);
            let written =
                async { if last.is_empty() { Ok(0) } else { client.execute(&write, &columns.values()).await } };
            let bound = async { if keys.is_empty() { Ok(0) } else { client.execute(&bind, &keys.values()).await } };
            // Sent at once: when one fails, COMMIT takes the others back.
            try_join4(written, bound, client.execute(&end, &end_values), client.execute(&commit, &[])).await
        })?;
        match line.take_warning() {
            None => Ok(()),
            Some(warning) => Err(warned(&warning)),
        }
    }

    /// Tells other nodes that the log has grown by this one, and does not wait for an answer: they look anyway.
    pub(super) fn notify(line: &mut Line, node: &str) -> Result<(), Fault> {
        let statement = line.prepare(NOTIFY)?;
        line.with(|client| async move {
            let _ = client.execute(&statement, &[&node]).now_or_never();
            // The connection's own task sends it.
            tokio::task::yield_now().await;
            Ok(())
        })
    }
}

/// What a warning beside a COMMIT means: it is on the server's own disk, and perhaps nowhere else.
pub(super) fn warned(warning: &str) -> Fault {
    Fault::Passing(format!("PostgreSQL warned while it committed: {warning}"))
}

impl Holdings for Group<'_> {
    fn find_id(&mut self, id: &Uuid) -> Result<Option<Position>, LogError> {
        Ok(self.ids.get(id).copied())
    }

    fn find_key(&mut self, key: &str) -> Result<Option<(Position, Position)>, LogError> {
        Ok(self.keys.get(key).copied())
    }

    fn entries(&mut self, first: Position, last: Position) -> Result<Vec<Entry>, LogError> {
        let written = last.min(self.draft.before.position);
        let mut entries = match first.checked_sub(1).filter(|_| first <= written) {
            Some(after) => rows::range(self.line, after, written, usize::MAX)?,
            None => Vec::new(),
        };
        let own = self.draft.events.iter().filter(|entry| (first..=last).contains(&entry.recorded.position));
        entries.extend(own.cloned());
        Ok(entries)
    }

    fn last_revision(&mut self, stream: &Arc<str>) -> Result<Option<Revision>, LogError> {
        Ok(self.streams.get(stream).copied().flatten())
    }
}

fn unique<'a>(names: impl Iterator<Item = &'a [u8]>) -> Vec<&'a [u8]> {
    let mut names: Vec<&[u8]> = names.collect();
    names.sort_unstable();
    names.dedup();
    names
}
