//! Writing without asking first: while nobody else writes, this node knows where the log ends, and with it all that new
//! appends are judged by but ids and keys of long ago.
//!
//! Such a group is one statement, which is a transaction of its own: it moves the end only from where this node takes it to
//! be, writes only if it did, and fails as a whole if an id or a key is there already. So nothing of it can be wrong: it is
//! written as it was judged, or not at all, and then it is judged anew under the lock ([`group`](super::group)). The next
//! group rests on the end that this one leaves, and can be sent before this one is answered: without the first, the second
//! finds another end and writes nothing.

use super::columns::{CHUNK, Columns, Keys};
use super::draft::Draft;
use super::fault::Fault;
use super::line::{Line, Underway};
use super::rows::signed;
use super::schema::Tail;
use crate::domain::envelope::{Position, Revision};
use crate::log::admission::{self, Entry, Holdings, Verdict, nanoseconds};
use crate::log::contract::{Append, Appended, LogError};
use crate::log::recent::Recent;
use std::collections::HashSet;
use std::sync::Arc;
use tokio_postgres::Statement;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

/// Streams whose last revision is kept at hand.
const STREAMS: usize = 200_000;
/// Moves the end, and writes if it was moved.
const WRITE: &str = "WITH moved AS (UPDATE head SET position = $20, digest = $21, recorded_at = $22 \
     WHERE one = 1 AND position = $23 AND digest = $24 RETURNING one), \
     bound AS (INSERT INTO idempotency SELECT unnest($17::bytea[]), unnest($18::bigint[]), unnest($19::bigint[]) FROM moved) \
     INSERT INTO event SELECT unnest($1::bigint[]), unnest($2::bytea[]), unnest($3::bigint[]), unnest($4::int[]), \
     unnest($5::bigint[]), unnest($6::bigint[]), unnest($7::bytea[]), unnest($8::int[]), unnest($9::bytea[]), \
     unnest($10::boolean[]), unnest($11::uuid[]), unnest($12::uuid[]), unnest($13::uuid[]), unnest($14::bytea[]), \
     unnest($15::bytea[]), unnest($16::bytea[]) FROM moved";

/// What this node knows without asking.
#[derive(Debug)]
pub(super) struct Ahead {
    /// Where the log ends once all that is under way is written; nothing if others write, or did when last asked.
    end: Option<Tail>,
    /// Where the log ended when this node last wrote to it.
    left: Option<Tail>,
    /// The last revision of streams at that end; `None` for one without events.
    streams: Recent<Arc<str>, Option<Revision>>,
    /// Ids and keys of what is under way.
    ids: HashSet<Uuid>,
    keys: HashSet<Arc<str>>,
}

/// A group as it was judged, its answers, and the statement that writes it.
pub(super) type Judged = (Draft, Vec<Result<Appended, LogError>>, Statement);

impl Ahead {
    pub(super) fn new() -> Self {
        Self { end: None, left: None, streams: Recent::new(STREAMS), ids: HashSet::new(), keys: HashSet::new() }
    }

    /// Says that nothing is under way, and that the log ended there when this node's group had written to it, which had found
    /// it ending at `before`. Where that is what the group before had left, nobody else writes.
    pub(super) fn settle(&mut self, before: Tail, end: Tail) {
        self.ids.clear();
        self.keys.clear();
        if self.left != Some(before) {
            self.streams.clear();
        }
        self.end = (self.left == Some(before)).then_some(end);
        self.left = Some(end);
    }

    /// Says whether nobody else wrote when last asked, so that groups can be sent without asking.
    pub(super) const fn is_alone(&self) -> bool {
        self.end.is_some()
    }

    /// Says that nothing is known any more.
    pub(super) fn forget(&mut self) {
        self.ids.clear();
        self.keys.clear();
        self.streams.clear();
        (self.end, self.left) = (None, None);
    }

    /// Says that these are not under way any more: they are written.
    pub(super) fn landed<'a>(&mut self, appends: impl Iterator<Item = &'a Append>) {
        for append in appends {
            for event in &append.events {
                self.ids.remove(&event.id);
            }
            if let Some(key) = &append.idempotency_key {
                self.keys.remove(key);
            }
        }
    }

    /// Notes where a stream ends.
    pub(super) fn note(&mut self, stream: &Arc<str>, last: Option<Revision>) {
        self.streams.insert(stream.clone(), last);
    }

    /// Judges a group by what is known; nothing if that is not enough, and it has to be asked under the lock. `known` is the
    /// last end that anybody has seen.
    pub(super) fn judge<'a>(
        &mut self,
        line: &mut Line,
        appends: impl Iterator<Item = &'a Append> + Clone,
        known: Position,
    ) -> Option<Judged> {
        let end = self.end.filter(|end| known <= end.position)?;
        let events = || appends.clone().flat_map(|append| &append.events);
        let bytes: usize = events().map(|event| event.data.len()).sum();
        if events().count() > CHUNK.0 || bytes > CHUNK.1 {
            return None;
        }
        let has_twins = events().any(|event| !self.ids.insert(event.id))
            || appends
                .clone()
                .filter_map(|append| append.idempotency_key.as_ref())
                .any(|key| !self.keys.insert(key.clone()));
        if has_twins || self.look_up(line, appends.clone()).is_err() {
            return None;
        }
        let statement = line.prepare(WRITE).ok()?;
        let mut draft = Draft::behind(end);
        let mut answers = Vec::new();
        for append in appends {
            match admission::judge(append, self) {
                Ok(Verdict::New(revision)) => {
                    let answer = draft.add(append, revision);
                    self.note(&append.stream, Some(answer.revision));
                    answers.push(Ok(answer));
                }
                Err(refusal @ LogError::Invalid(_)) => answers.push(Err(refusal)),
                // A conflict may be a repetition: ids come first, and those of long ago are not known here.
                Ok(Verdict::Repeated { .. }) | Err(_) => return None,
            }
        }
        if draft.events.is_empty() {
            // What a refusal rests on must be known to last.
            return None;
        }
        self.end = Some(draft.tail);
        self.left = self.end;
        Some((draft, answers, statement))
    }

    /// Asks where the streams end that this node does not know of.
    fn look_up<'a>(&mut self, line: &mut Line, appends: impl Iterator<Item = &'a Append>) -> Result<(), Fault> {
        let unknown: HashSet<&Arc<str>> =
            appends.map(|append| &append.stream).filter(|stream| self.streams.get(stream).is_none()).collect();
        let unknown: Vec<&Arc<str>> = unknown.into_iter().collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let names: Vec<&[u8]> = unknown.iter().map(|stream| stream.as_bytes()).collect();
        let rows = line.rows(super::group::STREAMS, &[&names])?;
        for row in &rows {
            let name: &[u8] = row.try_get(0)?;
            let last = row.try_get::<_, Option<i64>>(1)?.and_then(|last| Revision::try_from(last).ok());
            if let Some(stream) = unknown.iter().find(|stream| stream.as_bytes() == name) {
                self.streams.insert(Arc::clone(stream), last);
            }
        }
        Ok(())
    }
}

/// The judge asks for nothing that is under way ([`Ahead::judge`] has looked), and what is there from long ago fails as it is
/// written.
impl Holdings for Ahead {
    fn find_id(&mut self, _: &Uuid) -> Result<Option<Position>, LogError> {
        Ok(None)
    }

    fn find_key(&mut self, _: &str) -> Result<Option<(Position, Position)>, LogError> {
        Ok(None)
    }

    fn entries(&mut self, _: Position, _: Position) -> Result<Vec<Entry>, LogError> {
        Ok(Vec::new())
    }

    fn last_revision(&mut self, stream: &Arc<str>) -> Result<Option<Revision>, LogError> {
        self.streams.get(stream).ok_or_else(|| LogError::Unavailable("a stream that was not looked up".to_owned()))
    }
}

/// Sends a group that [`Ahead::judge`] judged, and does not wait for the answer: the number of events written, which is all of
/// them or none.
pub(super) fn send(line: &Line, statement: Statement, draft: Draft) -> Underway {
    let client = line.client();
    line.send(async move {
        let Draft { before, tail, events, bound } = &draft;
        let (columns, keys) = (Columns::of(events), Keys::of(bound));
        let (old, old_digest) = (signed(before.position), before.digest.as_slice());
        let (new, new_digest) = (signed(tail.position), tail.digest.as_slice());
        let at = tail.recorded_at.and_then(nanoseconds).unwrap_or_default();
        let ends: [&(dyn ToSql + Sync); 5] = [&new, &new_digest, &at, &old, &old_digest];
        let values: Vec<&(dyn ToSql + Sync)> = columns.values().into_iter().chain(keys.values()).chain(ends).collect();
        client.execute(&statement, &values).await
    })
}
