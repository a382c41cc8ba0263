//! The reading half: every event of the cluster, in its order, once, into the replica.
//!
//! The replica decides with the contract's own rules, so every node that reads the same order takes the same appends and
//! gives them the same positions. Each names the revision that its node took for the next of its stream; where another came
//! between, it goes on from nothing that counts. That, and what repeats an id or a key of another stream, is passed over by
//! all nodes alike.
//!
//! Every read begins with the event that the one before ended with ([`held`](super::held)), and the events of a stream
//! must follow each other ([`gaps`](super::gaps)): a cluster that lost something is not read on.

use super::Options;
use super::gaps::{Gaps, shown_to};
use super::place::{Mark, PlaceFile, ReadTo};
use super::remote::{PAGE, Page, Remote};
use super::seen::LastSeen;
use super::spent::Spending;
use super::wire::{self, KeyBound, Part, WireEvent};
use crate::domain::envelope::{Digest, Revision};
use crate::domain::time::Instant;
use crate::log::contract::{Append, Appended, EventLog as _, Expected, LogError, Pending};
use crate::log::embedded::EmbeddedLog;
use crate::log::embedded::names::Recent;
use eventstore::RecordedEvent;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// Pages of others' events that the place is moved past before appends have their turn.
const SKIPPED_PAGES: usize = 20;

/// Reads the cluster into the replica.
#[derive(Debug)]
pub(super) struct Follower {
    pub(super) remote: Arc<Remote>,
    pub(super) replica: Arc<EmbeddedLog>,
    prefix: Arc<str>,
    file: PlaceFile,
    /// Everything up to here was read.
    pub(super) read: ReadTo,
    /// Everything up to here is in the replica.
    pub(super) done: ReadTo,
    /// Why nothing is read or written any more, once the cluster was found to have lost what this node has read.
    pub(super) lost: Option<LogError>,
    /// Since when the cluster does not show what this node has read.
    pub(super) doubted: Option<std::time::Instant>,
    /// How long that is no loss.
    pub(super) doubt: Duration,
    seen: LastSeen,
    gaps: Gaps,
    /// Appends of which some events were read.
    open: HashMap<Uuid, Open>,
    /// Appends on their way into the replica.
    applying: Vec<Applying>,
    /// Proposals of this node whose outcome is wanted; true for those that the replica was asked to take.
    awaited: HashMap<Uuid, bool>,
    outcomes: HashMap<Uuid, Result<Appended, LogError>>,
    /// The last revision that a stream counts, and the digest of its chain there.
    chains: Recent<Arc<str>, (Revision, Digest)>,
    latest: Option<Instant>,
}

#[derive(Debug)]
struct Applying {
    nonce: Uuid,
    stream: Arc<str>,
    chain: Option<Digest>,
    /// Its last event; of a key, none.
    last: Option<Mark>,
    /// The replica was asked to take it before, by this node's own wish.
    again: bool,
    pending: Pending,
}

/// Events of one append, as far as they were read.
#[derive(Debug, Default)]
struct Open {
    parts: Vec<Part>,
    last: Option<Mark>,
}

impl Follower {
    /// Returns a follower that goes on where the last one on this replica was.
    pub(super) fn new(
        remote: Arc<Remote>,
        replica: Arc<EmbeddedLog>,
        prefix: Arc<str>,
        file: PlaceFile,
        seen: LastSeen,
        options: &Options,
    ) -> Result<Self, LogError> {
        let last = replica.read_all(replica.head().saturating_sub(1), 1)?;
        // A replica that was deleted begins anew, whatever the file beside it says.
        let place = if last.is_empty() { ReadTo::default() } else { file.get() };
        Ok(Self {
            remote,
            replica,
            prefix,
            file,
            read: place,
            done: place,
            lost: None,
            doubted: None,
            doubt: options.doubt,
            seen,
            gaps: Gaps::new(options.streams),
            open: HashMap::new(),
            applying: Vec::new(),
            awaited: HashMap::new(),
            outcomes: HashMap::new(),
            chains: Recent::new(options.streams),
            latest: last.last().map(|last| last.recorded_at),
        })
    }

    /// Asks for the outcome of a proposal to be kept.
    pub(super) fn await_outcome(&mut self, nonce: Uuid) {
        self.awaited.entry(nonce).or_default();
    }

    /// Returns the outcome of a proposal that was seen.
    pub(super) fn outcome(&mut self, nonce: &Uuid) -> Option<Result<Appended, LogError>> {
        self.outcomes.remove(nonce)
    }

    /// Stops keeping the outcome of a proposal.
    pub(super) fn forget(&mut self, nonce: &Uuid) {
        self.awaited.remove(nonce);
        self.outcomes.remove(nonce);
    }

    /// Returns the latest time recorded.
    pub(super) fn latest(&self) -> Option<Instant> {
        self.latest
    }

    /// Returns a stream's chain at its last revision, if it is at hand.
    pub(super) fn chain(&mut self, stream: &Arc<str>, last: Revision) -> Option<Digest> {
        self.chains.get(stream).filter(|(revision, _)| *revision == last).map(|(_, digest)| digest)
    }

    /// Returns the revision that a stream goes on with on the server, as far as this node has read. `counted` is how many
    /// events of it the replica counts.
    pub(super) fn next_on_server(&mut self, stream: &Arc<str>, counted: Revision) -> Revision {
        self.gaps.next(stream).map_or(counted, |next| next.max(counted))
    }

    /// Finds out how many events a stream has on the server that nobody counts, if nothing was read of it since this node
    /// started: they were read, and nobody remembers.
    pub(super) fn look_behind(&mut self, stream: &Arc<str>) -> Result<(), LogError> {
        if self.gaps.next(stream).is_some() {
            return Ok(());
        }
        let last = self.replica.look(|held| held.last_revision(stream))??;
        let next = shown_to(&self.remote, stream, last.map_or(0, |last| last + 1))?;
        // What was shown there and is new to this node is read now, so that it proposes nothing behind what it does not know.
        self.catch_up()?;
        if self.gaps.next(stream).is_none() {
            self.gaps.found(stream.clone(), next);
        }
        Ok(())
    }

    /// Reads to the end of the cluster's log as it is now.
    ///
    /// # Errors
    /// When the cluster cannot be read or the replica cannot be written; the next call goes on where this one was.
    /// [`LogError::Corrupt`] when the cluster lost what this node has read; that stays.
    pub(super) fn catch_up(&mut self) -> Result<(), LogError> {
        let began = std::time::Instant::now();
        loop {
            if let Some(lost) = &self.lost {
                return Err(lost.clone());
            }
            let page = self.remote.read_all(self.read.at.map(|at| at.position), PAGE);
            let Some(Page { events, broken }) = self.held(page)? else { continue };
            let full = events.len() >= PAGE;
            let taken = events.into_iter().try_for_each(|event| self.see(event)).and_then(|()| self.settle());
            if let Err(error) = taken {
                // What was not taken is read again.
                self.go_back_to(self.done);
                return Err(error);
            }
            match broken {
                Some(fault) => return Err(fault.into()),
                None if full => {}
                None => {
                    self.seen.reached(began);
                    return Ok(());
                }
            }
        }
    }

    /// Reads on from an earlier place next time.
    pub(super) fn go_back_to(&mut self, place: ReadTo) {
        self.read = place;
        self.done = place;
        self.open.clear();
        self.applying.clear();
        self.gaps.clear();
    }

    /// Returns how far the replica is.
    pub(super) fn place(&self) -> ReadTo {
        self.done
    }

    /// Moves the place past events of others, so that they are not searched again and again.
    ///
    /// By reads without a filter, and only past what these show: the end, asked of one server, says nothing about what another
    /// one shows before it.
    pub(super) fn skip_others(&mut self) -> Result<(), LogError> {
        self.catch_up()?;
        for _ in 0..SKIPPED_PAGES {
            if !self.open.is_empty() || !self.skip_page()? {
                break;
            }
        }
        self.keep_place()
    }

    /// Moves the place past a page of others' events; says whether there may be more of them.
    fn skip_page(&mut self) -> Result<bool, LogError> {
        let Page { events, .. } = self.remote.read_everybodys(self.read.at.map(|at| at.position), PAGE)?;
        let mut shown = events.iter().map(|event| (Mark { position: event.position, id: event.id }, event.stream_id()));
        if let Some(at) = self.read.at
            && shown.next().is_none_or(|(mark, _)| mark != at)
        {
            // The next look finds out what became of it.
            return Ok(false);
        }
        let mut is_others = true;
        let others = shown.take_while(|(_, stream)| {
            is_others = !self.remote.lets_through(stream);
            is_others
        });
        if let Some((mark, _)) = others.last() {
            self.read = ReadTo { at: Some(mark), hidden: true, own: self.read.own };
            self.done = self.read;
        }
        Ok(is_others && events.len() >= PAGE)
    }

    /// Writes down how far the replica is.
    pub(super) fn keep_place(&mut self) -> Result<(), LogError> {
        self.file.put(self.done)
    }

    fn see(&mut self, event: RecordedEvent) -> Result<(), LogError> {
        // A read begins with the event at its place, which was seen.
        if self.read.at.is_some_and(|at| event.position <= at.position) {
            return Ok(());
        }
        let mark = Mark { position: event.position, id: event.id };
        let seen = wire::decode(&self.prefix, &event)?;
        if let Some(stream) = event.stream_id().strip_prefix(&*self.prefix) {
            let ours = !matches!(seen, WireEvent::Foreign);
            let missing = self.gaps.follow(&self.remote, &self.replica, stream, event.revision, ours);
            missing.inspect_err(|error| self.lose(error))?;
        }
        match seen {
            WireEvent::Part(part) => self.part(*part, mark),
            WireEvent::Key(bound) => self.key(&bound)?,
            WireEvent::Foreign => {}
        }
        (self.read.at, self.read.hidden) = (Some(mark), false);
        Ok(())
    }

    fn part(&mut self, part: Part, mark: Mark) {
        let (nonce, of) = (part.nonce, part.of);
        let open = self.open.entry(nonce).or_default();
        open.parts.push(part);
        open.last = Some(mark);
        if open.parts.len() as u64 >= u64::from(of)
            && let Some(whole) = self.open.remove(&nonce)
        {
            self.apply(nonce, whole);
        }
    }

    fn apply(&mut self, nonce: Uuid, Open { parts, last: mark }: Open) {
        let (Some(first), Some(last)) = (parts.first(), parts.last()) else { return };
        let (stream, chain, recorded_at) = (first.stream.clone(), last.chain, first.recorded_at);
        let append = Append {
            stream: stream.clone(),
            expected: match first.revision.map(|revision| revision.checked_sub(1)) {
                Some(None) => Expected::NoStream,
                Some(Some(last)) => Expected::Revision(last),
                None => Expected::Any,
            },
            recorded_at,
            idempotency_key: first.key.clone(),
            events: parts.into_iter().map(|part| part.event).collect(),
        };
        let pending = self.remote.meter().time(Spending::Replica, || self.replica.submit(append));
        let again = self.awaited.get_mut(&nonce).is_some_and(|asked| std::mem::replace(asked, true));
        self.applying.push(Applying { nonce, stream, chain: Some(chain), last: mark, again, pending });
    }

    /// Gives a key to an append that is there.
    fn key(&mut self, bound: &KeyBound) -> Result<(), LogError> {
        self.settle()?;
        let there = self.replica.look(|held| match held.find_id(&bound.first)? {
            Some(first) => held.entries(first, first + u64::from(bound.of).saturating_sub(1)),
            None => Ok(Vec::new()),
        })??;
        let Some(first) = there.first().map(|entry| &entry.recorded) else { return Ok(()) };
        let append = Append {
            stream: first.stream.clone(),
            expected: Expected::Any,
            recorded_at: first.recorded_at,
            idempotency_key: Some(bound.key.clone()),
            events: there.iter().map(|entry| entry.recorded.event.clone()).collect(),
        };
        let (stream, pending) = (append.stream.clone(), self.replica.submit(append));
        self.applying.push(Applying { nonce: bound.nonce, stream, chain: None, last: None, again: false, pending });
        self.settle()
    }

    /// Waits until what was handed to the replica is durable there.
    fn settle(&mut self) -> Result<(), LogError> {
        for Applying { nonce, stream, chain, last, again, pending } in std::mem::take(&mut self.applying) {
            let mut answer = self.remote.meter().time(Spending::Replica, || pending.wait());
            match &mut answer {
                Ok(answer) => {
                    if let Some(chain) = chain.filter(|_| !answer.repeated) {
                        self.chains.insert(stream, (answer.revision, chain));
                    }
                    // What this node proposed is new, even if it was read twice.
                    answer.repeated &= !again;
                    self.read.own = last.or(self.read.own);
                    self.latest = self.latest.max(Some(answer.recorded_at));
                }
                Err(LogError::Conflict { .. }) => {
                    tracing::debug!(%stream, append = %nonce, "an append on the cluster is not counted: another was before it");
                    // Its node judges it again, and may propose it again.
                    self.awaited.entry(nonce).and_modify(|asked| *asked = false);
                    continue;
                }
                Err(LogError::Duplicate { .. } | LogError::KeyReused { .. } | LogError::Invalid(_)) => {
                    tracing::warn!(%stream, append = %nonce, "an append on the cluster is not counted: it repeats an id or a key");
                }
                // The replica's own trouble decides nothing.
                Err(error) => return Err(error.clone()),
            }
            if self.awaited.remove(&nonce).is_some() {
                self.outcomes.insert(nonce, answer);
            }
        }
        if self.open.is_empty() {
            self.done = self.read;
        }
        Ok(())
    }
}
