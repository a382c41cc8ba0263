//! What this node has sent and not read yet, in its order, and what the log is like once all of it counts.

use super::proposer::Job;
use crate::domain::envelope::{Digest, Revision};
use crate::domain::time::Instant as Time;
use crate::log::admission::{Entry, Holdings};
use crate::log::contract::{Append, LogError};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;
use uuid::Uuid;

/// Most appends under way.
pub(super) const MOST: usize = 1024;
/// Most bytes under way; one append is sent whatever its size.
const MOST_BYTES: usize = 4 * 1024 * 1024;
/// What is sent beside the payload of an event, about.
const BESIDE: usize = 600;

/// An append whose turn is to come, or to come again.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) job: Job,
    /// Names it on the cluster, however often it is sent.
    pub(super) nonce: Uuid,
    /// When it is given up.
    pub(super) until: Instant,
    /// How often it was sent: any of these copies may be done.
    pub(super) sent: usize,
    /// The cluster found its stream further on than this node had read.
    pub(super) is_wrong: bool,
}

impl Waiting {
    pub(super) fn new(job: Job, until: Instant) -> Self {
        Self { job, nonce: Uuid::now_v7(), until, sent: 0, is_wrong: false }
    }

    fn bytes(&self) -> usize {
        self.job.append.events.iter().map(|event| event.data.len() + BESIDE).sum()
    }
}

/// Where a stream stands once everything under way counts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ahead {
    /// Revision of its last event among what it counts.
    pub(super) last: Revision,
    /// The revision that it goes on with on the server.
    pub(super) next_on_server: Revision,
    /// Digest of its chain at its end.
    pub(super) chain: Digest,
}

#[derive(Debug)]
struct Sent {
    waiting: Waiting,
    at: Instant,
    is_acknowledged: bool,
}

/// What is under way.
#[derive(Debug, Default)]
pub(super) struct Flight {
    sent: VecDeque<Sent>,
    /// The turn of the first of them.
    first: u64,
    /// The turn that their row began with, which is its number too.
    row: u64,
    bytes: usize,
    acknowledged: usize,
    /// With the number of appends under way for each.
    streams: HashMap<Arc<str>, (Ahead, usize)>,
    ids: HashSet<Uuid>,
    keys: HashSet<Arc<str>>,
    latest: Option<Time>,
}

impl Flight {
    pub(super) fn len(&self) -> usize {
        self.sent.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.sent.is_empty()
    }

    /// Says whether this proposal is under way.
    pub(super) fn holds(&self, nonce: &Uuid) -> bool {
        self.sent.iter().any(|sent| sent.waiting.nonce == *nonce)
    }

    /// Returns the place of this turn among those under way, or of the first.
    pub(super) fn place(&self, turn: Option<u64>) -> Option<usize> {
        let place = usize::try_from(turn.unwrap_or(self.first).checked_sub(self.first)?).ok()?;
        (place < self.len()).then_some(place)
    }

    /// Says whether another one may go, if `most` may be under way.
    pub(super) fn has_room(&self, most: usize, next: &Waiting) -> bool {
        self.is_empty() || self.sent.len() < most && self.bytes + next.bytes() <= MOST_BYTES
    }

    /// Says whether the cluster took something that was not read yet.
    pub(super) fn is_acknowledged(&self) -> bool {
        self.acknowledged > 0
    }

    /// Returns the turn that the next one to be sent has.
    pub(super) fn next_turn(&self) -> u64 {
        self.first + self.sent.len() as u64
    }

    /// Says whether it has an id or a key of something under way.
    pub(super) fn meets(&self, append: &Append) -> bool {
        append.idempotency_key.as_ref().is_some_and(|key| self.keys.contains(key))
            || append.events.iter().any(|event| self.ids.contains(&event.id))
    }

    /// Returns where a stream stands for which something is under way.
    pub(super) fn ahead(&self, stream: &Arc<str>) -> Option<Ahead> {
        self.streams.get(stream).map(|(ahead, _)| *ahead)
    }

    /// Returns the number of the row under way, or of the next one, and the place in it of what is sent now.
    pub(super) fn row(&self) -> (u64, u64) {
        if self.is_empty() { (self.next_turn(), 0) } else { (self.row, self.next_turn() - self.row) }
    }

    /// Returns the time given to the last append under way.
    pub(super) fn latest(&self) -> Option<Time> {
        self.latest
    }

    /// Takes note of an append that is sent now, and of what it makes of its stream.
    pub(super) fn push(&mut self, mut waiting: Waiting, ahead: Ahead, recorded_at: Time) {
        (waiting.sent, waiting.is_wrong) = (waiting.sent + 1, false);
        (self.row, _) = self.row();
        let append = &waiting.job.append;
        let (_, appends) = self.streams.remove(&append.stream).unwrap_or((ahead, 0));
        self.streams.insert(append.stream.clone(), (ahead, appends + 1));
        self.ids.extend(append.events.iter().map(|event| event.id));
        self.keys.extend(append.idempotency_key.clone());
        self.bytes += waiting.bytes();
        self.latest = Some(recorded_at);
        self.sent.push_back(Sent { waiting, at: Instant::now(), is_acknowledged: false });
    }

    fn at(&mut self, turn: u64) -> Option<&mut Sent> {
        let place = self.place(Some(turn))?;
        self.sent.get_mut(place)
    }

    /// Takes note that the cluster took it.
    pub(super) fn acknowledge(&mut self, turn: u64) {
        if let Some(sent) = self.at(turn)
            && !std::mem::replace(&mut sent.is_acknowledged, true)
        {
            self.acknowledged += 1;
        }
    }

    /// Takes note that the cluster found its stream further on, and returns that.
    pub(super) fn mark_wrong(&mut self, turn: u64) -> Option<Arc<str>> {
        let waiting = &mut self.at(turn)?.waiting;
        waiting.is_wrong = true;
        Some(waiting.job.append.stream.clone())
    }

    /// Returns the first one, and when it was sent.
    pub(super) fn front(&self) -> Option<(&Waiting, Instant)> {
        self.sent.front().map(|sent| (&sent.waiting, sent.at))
    }

    /// Takes the first one out, which is settled.
    pub(super) fn pop_front(&mut self) -> Option<Waiting> {
        let Sent { waiting, is_acknowledged, .. } = self.sent.pop_front()?;
        self.first += 1;
        self.acknowledged -= usize::from(is_acknowledged);
        self.bytes -= waiting.bytes();
        let append = &waiting.job.append;
        for event in &append.events {
            self.ids.remove(&event.id);
        }
        if let Some(key) = &append.idempotency_key {
            self.keys.remove(key);
        }
        if let Some((_, appends)) = self.streams.get_mut(&append.stream) {
            *appends -= 1;
            if *appends == 0 {
                self.streams.remove(&append.stream);
            }
        }
        Some(waiting)
    }

    /// Takes everything back, in its order. Answers that come to it later are nobody's.
    pub(super) fn take_back(&mut self) -> VecDeque<Waiting> {
        let first = self.next_turn();
        let sent = std::mem::take(self).sent;
        self.first = first;
        sent.into_iter().map(|sent| sent.waiting).collect()
    }
}

/// What a node has read, with a stream as it is once everything under way counts.
pub(super) struct WithAhead<'a> {
    pub(super) held: &'a mut dyn Holdings,
    pub(super) last: Revision,
}

impl Holdings for WithAhead<'_> {
    fn find_id(&mut self, id: &Uuid) -> Result<Option<u64>, LogError> {
        self.held.find_id(id)
    }

    fn find_key(&mut self, key: &str) -> Result<Option<(u64, u64)>, LogError> {
        self.held.find_key(key)
    }

    fn entries(&mut self, first: u64, last: u64) -> Result<Vec<Entry>, LogError> {
        self.held.entries(first, last)
    }

    fn last_revision(&mut self, _: &Arc<str>) -> Result<Option<Revision>, LogError> {
        Ok(Some(self.last))
    }
}
