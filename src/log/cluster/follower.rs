//! The reading half: every event of the cluster, in its order, once, into the replica.
//!
//! The replica decides with the contract's own rules, so every node that reads the same order takes the same appends and
//! gives them the same positions. Each names the revision that its node took for the next of its stream; where another came
//! between, it goes on from nothing that counts. One that was sent behind others counts only behind them. What does not count, and
//! what repeats an id or a key of another stream, is passed over by all nodes alike: also by one that reads again what it has
//! counted already, and so knows of each event how many were counted before it.
//!
//! Every read begins with the event that the one before ended with ([`held`](super::held)), and the events of a stream
//! must follow each other ([`gaps`](super::gaps)): a cluster that lost something is not read on.

use super::Options;
use super::gaps::{Gaps, shown_to};
use super::place::{Mark, PlaceFile, ReadTo};
use super::remote::{PAGE, Page, PageSoon, PageSoonAnswer, Remote};
use super::rows::{self, Rows};
use super::seen::LastSeen;
use super::spent::Spending;
use super::wire::{self, KeyBound, Part, WireEvent};
use crate::domain::envelope::{Digest, Position, Revision};
use crate::domain::time::Instant;
use crate::log::contract::{Append, Appended, EventLog as _, Expected, LogError, Pending};
use crate::log::embedded::{EmbeddedLog, Row};
use crate::log::recent::Recent;
use eventstore::RecordedEvent;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use uuid::Uuid;

/// Pages of others' events that the place is moved past before appends have their turn.
const SKIPPED_PAGES: usize = 20;

/// Reads the cluster into the replica.
#[derive(Debug)]
pub(super) struct Follower {
    pub(super) remote: Arc<Remote>,
    pub(super) replica: Arc<EmbeddedLog>,
    pub(super) prefix: Arc<str>,
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
    /// Proposals of this node whose outcome is wanted.
    awaited: HashSet<Uuid>,
    outcomes: HashMap<Uuid, Result<Appended, LogError>>,
    /// Proposals of this node that were seen and do not count.
    passed: Vec<Uuid>,
    /// What the replica counted when reading began, here or again.
    known: Position,
    /// The last revision that a stream counts, and the digest of its chain there.
    pub(super) chains: Recent<Arc<str>, (Revision, Digest)>,
    rows: Rows,
    /// What is known of rows at [`Follower::done`].
    rows_done: Vec<rows::Kept>,
    /// Both as they were when the place was last asked to be kept.
    noted: (ReadTo, Vec<rows::Kept>),
    latest: Option<Instant>,
}

/// A page that was asked for.
#[derive(Debug)]
pub(super) struct Asked {
    from: ReadTo,
    /// When it was asked for: it shows all that was there then, if it reaches the end.
    pub(super) began: std::time::Instant,
    /// Where it comes.
    pub(super) page: PageSoon,
}

/// What a page has shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    /// Everything there was when it was asked for is read.
    pub(super) is_end: bool,
    /// Something was new.
    pub(super) is_news: bool,
}

#[derive(Debug)]
struct Applying {
    nonce: Uuid,
    stream: Arc<str>,
    chain: Option<Digest>,
    /// Revision of its last event, as its node took it to be.
    revision: Option<Revision>,
    /// Its last event; of a key, none.
    last: Option<Mark>,
    /// What it was sent in.
    row: Option<Row>,
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
        // A replica that was deleted, or lost its end, begins anew, whatever the file beside it says.
        let (place, rows) = match file.get() {
            (place, _) if replica.head() < place.counted => (ReadTo::default(), Vec::new()),
            (place, rows) => (place, rows.to_vec()),
        };
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
            awaited: HashSet::new(),
            outcomes: HashMap::new(),
            passed: Vec::new(),
            known: last.last().map_or(0, |last| last.position),
            chains: Recent::new(options.streams),
            rows: Rows::from_kept(&rows),
            noted: (place, rows.clone()),
            rows_done: rows,
            latest: last.last().map(|last| last.recorded_at),
        })
    }

    /// Asks for the outcome of a proposal to be kept.
    pub(super) fn await_outcome(&mut self, nonce: Uuid) {
        self.awaited.insert(nonce);
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

    /// Returns the proposals of this node that were seen since this was last asked, and do not count where they are.
    pub(super) fn passed_over(&mut self) -> Vec<Uuid> {
        std::mem::take(&mut self.passed)
    }

    /// Returns the latest time recorded.
    pub(super) fn latest(&self) -> Option<Instant> {
        self.latest
    }

    /// Returns the revision that a stream goes on with on the server, as far as this node has read. `counted` is how many
    /// events of it the replica counts.
    pub(super) fn next_on_server(&mut self, stream: &Arc<str>, counted: Revision) -> Revision {
        self.gaps.next(stream).map_or(counted, |next| next.max(counted))
    }

    /// Says whether it is known how far a stream goes on the server, as far as this node has read.
    pub(super) fn knows(&mut self, stream: &Arc<str>) -> bool {
        self.gaps.next(stream).is_some()
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
        loop {
            let asked = self.ask()?;
            let page = self.remote.meter().time(Spending::Server, || asked.page.recv());
            if self.take(asked, page.ok())?.is_end {
                return Ok(());
            }
        }
    }

    /// Asks for what comes after what was read.
    pub(super) fn ask(&self) -> Result<Asked, LogError> {
        if let Some(lost) = &self.lost {
            return Err(lost.clone());
        }
        let page = self.remote.begin_all(self.read.at.map(|at| at.position), PAGE)?;
        Ok(Asked { from: self.read, began: std::time::Instant::now(), page })
    }

    /// Takes what was asked for; errors as in [`Follower::catch_up`]. A page from elsewhere than where reading has got to is
    /// passed over.
    pub(super) fn take(&mut self, asked: Asked, page: Option<PageSoonAnswer>) -> Result<Look, LogError> {
        let page = self.remote.conclude_page(page);
        if asked.from != self.read {
            return Ok(Look { is_end: false, is_news: true });
        }
        let Some(Page { events, broken }) = self.held(page)? else { return Ok(Look { is_end: false, is_news: true }) };
        let full = events.len() >= PAGE;
        let before = self.read.at;
        let taken = events.into_iter().try_for_each(|event| self.see(event)).and_then(|()| self.settle());
        if let Err(error) = taken {
            // What was not taken is read again.
            self.go_back_to(self.done);
            return Err(error);
        }
        if let Some(fault) = broken {
            return Err(fault.into());
        }
        if !full {
            self.seen.reached(asked.began);
        }
        Ok(Look { is_end: !full, is_news: self.read.at != before })
    }

    /// Reads on from an earlier place next time.
    pub(super) fn go_back_to(&mut self, place: ReadTo) {
        self.read = place;
        self.done = place;
        self.open.clear();
        std::mem::take(&mut self.applying).into_iter().for_each(|applying| drop(applying.pending.wait()));
        self.known = self.replica.head();
        self.rows = Rows::from_kept(&self.rows_done);
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
        self.keep_synced_place()
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
            self.read = ReadTo { at: Some(mark), hidden: true, ..self.read };
            self.done = self.read;
        }
        Ok(is_others && events.len() >= PAGE)
    }

    /// Writes down how far the replica is.
    pub(super) fn keep_place(&mut self) -> Result<(), LogError> {
        self.file.put(self.done, &self.rows_done)
    }

    /// Writes down how far the replica was when this was last called, some seconds ago: that is on the disk there. A place beyond what
    /// a power cut left costs reading everything again.
    pub(super) fn keep_synced_place(&mut self) -> Result<(), LogError> {
        let (place, rows) = std::mem::replace(&mut self.noted, (self.done, self.rows_done.clone()));
        self.file.put(place, &rows)
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
            WireEvent::Part(part) => self.part(*part, mark)?,
            WireEvent::Key(bound) => self.key(&bound)?,
            WireEvent::Foreign => {}
        }
        (self.read.at, self.read.hidden) = (Some(mark), false);
        Ok(())
    }

    fn part(&mut self, part: Part, mark: Mark) -> Result<(), LogError> {
        let (nonce, of) = (part.nonce, part.of);
        let open = self.open.entry(nonce).or_default();
        open.parts.push(part);
        open.last = Some(mark);
        if open.parts.len() as u64 >= u64::from(of)
            && let Some(whole) = self.open.remove(&nonce)
        {
            self.apply(nonce, whole)?;
        }
        Ok(())
    }

    fn apply(&mut self, nonce: Uuid, Open { parts, last: mark }: Open) -> Result<(), LogError> {
        let (Some(first), Some(last)) = (parts.first(), parts.last()) else { return Ok(()) };
        let (stream, chain, recorded_at) = (first.stream.clone(), last.chain, first.recorded_at);
        let (revision, sent) = (last.revision, first.sent);
        let reads_again = self.read.counted < self.known;
        let row = match sent.map(|sent| self.rows.admit(&sent, reads_again)) {
            Some(None) => {
                self.pass_over(&stream, nonce);
                return Ok(());
            }
            row => row.flatten(),
        };
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
        let pending = self.remote.meter().time(Spending::Replica, || self.replica.submit_in_row(append, row.clone()));
        self.applying.push(Applying { nonce, stream, chain: Some(chain), revision, last: mark, row, pending });
        // Of what the replica may hold already, it must be known whether it was counted here before the next is looked at.
        if reads_again { self.collect() } else { Ok(()) }
    }

    /// Takes note of an append that does not count where it is.
    fn pass_over(&mut self, stream: &str, nonce: Uuid) {
        tracing::debug!(%stream, append = %nonce, "an append on the cluster is not counted: another was before it");
        // Its node judges it again, and may propose it again.
        if self.awaited.contains(&nonce) {
            self.passed.push(nonce);
        }
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
        let (nonce, chain) = (bound.nonce, None);
        self.applying.push(Applying { nonce, stream, chain, revision: None, last: None, row: None, pending });
        self.settle()
    }

    /// Waits until what was handed to the replica is durable there, which then is as far as was read.
    fn settle(&mut self) -> Result<(), LogError> {
        self.collect()?;
        if self.open.is_empty() {
            self.done = self.read;
            self.rows_done = self.rows.kept();
        }
        Ok(())
    }

    /// Waits until what was handed to the replica is durable there.
    pub(super) fn collect(&mut self) -> Result<(), LogError> {
        let mut applying = std::mem::take(&mut self.applying).into_iter();
        while let Some(Applying { nonce, stream, chain, revision, last, row, pending }) = applying.next() {
            let mut answer = self.remote.meter().time(Spending::Replica, || pending.wait());
            match &mut answer {
                Ok(answer) => {
                    // Read again, it is the one that was counted if its turn has come and it is at its revision.
                    let is_turn = answer.first == self.read.counted.saturating_add(1);
                    let is_meant = revision.is_none_or(|revision| revision == answer.revision);
                    if let Some(chain) = chain {
                        // What counts is new, even if it was read twice.
                        answer.repeated &= !(is_turn && is_meant);
                        if answer.repeated
                            && let Some(row) = row
                        {
                            row.is_broken.store(true, Ordering::Relaxed);
                        }
                        if answer.repeated && answer.first > self.read.counted {
                            // It counts further on, and did not here.
                            self.pass_over(&stream, nonce);
                            continue;
                        }
                        if !answer.repeated {
                            self.read.counted = answer.last;
                            self.chains.insert(stream, (answer.revision, chain));
                        }
                    }
                    self.read.own = last.or(self.read.own);
                    self.latest = self.latest.max(Some(answer.recorded_at));
                }
                Err(LogError::Conflict { .. }) => {
                    self.pass_over(&stream, nonce);
                    continue;
                }
                Err(LogError::Duplicate { .. } | LogError::KeyReused { .. } | LogError::Invalid(_)) => {
                    tracing::warn!(%stream, append = %nonce, "an append on the cluster is not counted: it repeats an id or a key");
                }
                // The replica's own trouble decides nothing.
                Err(error) => {
                    // It must be known what the replica holds before anything is read again.
                    applying.for_each(|rest| drop(rest.pending.wait()));
                    return Err(match error {
                        LogError::InDoubt(trouble) => (**trouble).clone(),
                        trouble => trouble.clone(),
                    });
                }
            }
            if self.awaited.remove(&nonce) {
                self.outcomes.insert(nonce, answer);
            }
        }
        Ok(())
    }
}
