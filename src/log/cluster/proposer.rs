//! The writing half: one thread that judges, proposes, reads on, and answers.
//!
//! 1. Judge the append against the replica, with the contract's rules.
//! 2. Propose it at exactly the revision that this node has read the stream to on the server, under the events' own ids.
//! 3. Read the cluster to its end into the replica.
//! 4. If the proposal was seen and counts, its place in the order is the answer. If not, another node was faster: from 1 again.
//!
//! *Wrong expected version* means: read on. The leader compares with writes that are under way (`StorageWriterService.cs`,
//! `IndexWriter.CheckCommit`), which nobody can read yet and which may come to nothing, so it says something about the stream that
//! this node must see before it proposes anything more.
//!
//! An outcome that nobody knows (a time-out, a cut line, a dead leader) is asked again with the same ids at the same
//! revision, which the server takes once; a retry that comes too late for that is settled by step 4. The same holds for a
//! retry of the whole append after this process died: it finds the events by their ids, or by their key.

use super::follower::Follower;
use super::remote::{Fault, Remote};
use super::spent::{Meter, Spending};
use super::wire::{self, WireEvent};
use crate::domain::envelope::{Digest, Revision};
use crate::log::admission::{self, Verdict};
use crate::log::chain::GENESIS;
use crate::log::contract::{Append, Appended, EventLog as _, LogError};
use crate::log::embedded::EmbeddedLog;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Appends proposed before the cluster is read on.
const GROUP: usize = 256;
/// Shortest and longest pause before something is tried again.
pub(super) const PAUSE: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));
/// Shortest and longest pause after a refusal whose reason cannot be read yet.
const UNDER_WAY: (Duration, Duration) = (Duration::from_millis(2), Duration::from_millis(200));
/// Events searched for the end of a stream's chain, from where it must be if the replica counts all of them.
const CHAIN_SEARCH: usize = 100;

/// An append and where its answer goes.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) append: Append,
    pub(super) answer: Sender<Result<Appended, LogError>>,
}

/// The thread's state.
#[derive(Debug)]
pub(super) struct Proposer {
    pub(super) remote: Arc<Remote>,
    pub(super) replica: Arc<EmbeddedLog>,
    pub(super) follower: Follower,
    pub(super) prefix: Arc<str>,
    /// How long an append is tried.
    pub(super) deadline: Duration,
    /// How often the cluster is looked at when nothing is written here.
    pub(super) look: Duration,
    /// How often the place is written down and moved past the events of others.
    pub(super) tidy: Duration,
    pub(super) meter: Meter,
}

/// What became of a first try.
enum Start {
    Known(Appended),
    /// Sent, and taken by the server as far as it says, or settled by what was read meanwhile.
    Sent,
    /// Refused, because the stream is further on than this node has read.
    Wrong,
    /// Sent, and to be looked for.
    Doubtful,
}

/// An append that was sent and not seen yet.
struct Sent {
    job: Job,
    nonce: Uuid,
    is_wrong: bool,
}

impl Proposer {
    /// Works until nobody can send any more.
    pub(super) fn run(mut self, jobs: &Receiver<Job>) {
        let mut tidied = Instant::now();
        let mut pause = self.look;
        loop {
            match jobs.recv_timeout(pause) {
                Ok(first) => {
                    let more = jobs.try_iter().take(GROUP - 1);
                    let group = std::iter::once(first).chain(more).collect();
                    let meter = self.meter.clone();
                    meter.time(Spending::Whole, || self.group(group));
                    pause = self.look;
                }
                Err(RecvTimeoutError::Timeout) => match self.idle(&mut tidied) {
                    Ok(()) => pause = self.look,
                    Err(error) => {
                        if self.follower.lost.is_none() {
                            tracing::warn!(%error, "the cluster cannot be followed, trying again");
                        }
                        pause = (pause * 2).min(PAUSE.1);
                    }
                },
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        if let Err(error) = self.follower.keep_place() {
            tracing::warn!(%error, "the place in the cluster's log is not written down; more is read next time");
        }
    }

    fn idle(&mut self, tidied: &mut Instant) -> Result<(), LogError> {
        if tidied.elapsed() < self.tidy {
            return self.follower.catch_up();
        }
        *tidied = Instant::now();
        self.follower.skip_others()
    }

    /// Proposes a group and reads once for all of them.
    ///
    /// An append that has a stream, an id or a key in common with one before it waits until that one is settled, so each
    /// is judged against everything it could depend on.
    fn group(&mut self, jobs: Vec<Job>) {
        let until = Instant::now() + self.deadline;
        let mut sent: Vec<Sent> = Vec::new();
        let mut touched = Touched::default();
        for job in jobs {
            if touched.meets(&job.append) {
                self.settle(&mut sent, until);
                touched = Touched::default();
            }
            let nonce = Uuid::now_v7();
            self.follower.await_outcome(nonce);
            match self.start(&job.append, nonce, until) {
                Ok(Start::Sent) => {
                    touched.add(&job.append);
                    sent.push(Sent { job, nonce, is_wrong: false });
                }
                Ok(started @ (Start::Wrong | Start::Doubtful)) => {
                    sent.push(Sent { job, nonce, is_wrong: matches!(started, Start::Wrong) });
                    self.settle(&mut sent, until);
                    touched = Touched::default();
                }
                Ok(Start::Known(answer)) => self.answer(job, &nonce, Ok(answer)),
                Err(error) => self.answer(job, &nonce, Err(error)),
            }
        }
        self.settle(&mut sent, until);
    }

    fn answer(&mut self, job: Job, nonce: &Uuid, answer: Result<Appended, LogError>) {
        self.follower.forget(nonce);
        // A caller that did not wait for its answer is no fault.
        let _ = job.answer.send(answer);
    }

    /// Reads on, and answers what was sent, in its order.
    fn settle(&mut self, sent: &mut Vec<Sent>, until: Instant) {
        if sent.is_empty() {
            return;
        }
        let read = self.catch_up(until);
        for Sent { job, nonce, is_wrong } in std::mem::take(sent) {
            let answer = match &read {
                Ok(()) => self.finish(&job.append, nonce, is_wrong, until),
                Err(error) => Err(error.clone()),
            };
            self.answer(job, &nonce, answer);
        }
    }

    /// Brings one append to its end, once the cluster was read after it was sent.
    fn finish(
        &mut self,
        append: &Append,
        nonce: Uuid,
        mut is_wrong: bool,
        until: Instant,
    ) -> Result<Appended, LogError> {
        let (mut pause, longest) = UNDER_WAY;
        loop {
            if let Some(outcome) = self.follower.outcome(&nonce) {
                return outcome;
            }
            if Instant::now() >= until {
                return Err(LogError::Unavailable(
                    "the cluster did not say in time whether the append was taken; repeat it with the same ids"
                        .to_owned(),
                ));
            }
            if is_wrong {
                self.patiently(until, |follower| follower.look_behind(&append.stream))?;
            }
            self.follower.await_outcome(nonce);
            is_wrong = match self.start(append, nonce, until)? {
                Start::Known(answer) => return Ok(answer),
                Start::Sent | Start::Doubtful => false,
                Start::Wrong => true,
            };
            let before = self.follower.read;
            self.catch_up(until)?;
            if is_wrong && self.follower.read == before {
                std::thread::sleep(pause);
                pause = (pause * 2).min(longest);
                self.catch_up(until)?;
            }
        }
    }

    /// Reads to the end, trying again until it is too late.
    fn catch_up(&mut self, until: Instant) -> Result<(), LogError> {
        self.patiently(until, Follower::catch_up)
    }

    /// Reads, trying again until it is too late.
    fn patiently(
        &mut self,
        until: Instant,
        mut read: impl FnMut(&mut Follower) -> Result<(), LogError>,
    ) -> Result<(), LogError> {
        let mut pause = PAUSE.0;
        loop {
            match read(&mut self.follower) {
                Err(LogError::Unavailable(_)) if Instant::now() + pause < until => {
                    std::thread::sleep(pause);
                    pause = (pause * 2).min(PAUSE.1);
                }
                other => return other,
            }
        }
    }

    /// Judges an append and sends it.
    fn start(&mut self, append: &Append, nonce: Uuid, until: Instant) -> Result<Start, LogError> {
        if let Some(lost) = &self.follower.lost {
            return Err(lost.clone());
        }
        if self.follower.doubted.is_some() {
            // Nothing is sent to a cluster that may have lost something.
            self.catch_up(until)?;
        }
        if append.stream.starts_with('$') || append.stream.starts_with("warnlight.") {
            return Err(LogError::Invalid(format!(
                "stream names that begin with `$` or `warnlight.` are kept for the log itself; rename `{}`",
                append.stream
            )));
        }
        if let Some(event) = append.events.iter().find(|event| event.event_type.starts_with('$')) {
            return Err(LogError::Invalid(format!(
                "type names that begin with `$` are kept for the server; rename `{}`",
                event.event_type
            )));
        }
        let judged = self.meter.time(Spending::Replica, || self.replica.look(|held| admission::judge(append, held)));
        match judged?? {
            Verdict::Repeated { answer, bind_key: false } => Ok(Start::Known(answer)),
            Verdict::Repeated { answer, bind_key: true } => self.bind(append, nonce, answer, until),
            Verdict::New(revision) => self.propose(append, nonce, revision, until),
        }
    }

    fn propose(&mut self, append: &Append, nonce: Uuid, revision: Revision, until: Instant) -> Result<Start, LogError> {
        let previous = self.chain_before(&append.stream, revision, until)?;
        let recorded_at = admission::recording_time(append, self.follower.latest());
        let events = wire::encode(&self.prefix, nonce, append, recorded_at, revision, previous)?;
        let last = self.follower.next_on_server(&append.stream, revision).checked_sub(1);
        let Self { remote, replica, follower, look, .. } = self;
        let is_overtaken = |follower: &mut Follower| {
            let judge = || replica.look(|held| admission::judge(append, held));
            // What went wrong here shows again where it is waited for.
            follower.catch_up().is_ok() && !matches!(judge(), Ok(Ok(Verdict::New(next))) if next == revision)
        };
        insist(until, || remote.append(&append.stream, last, events.clone(), *look, || is_overtaken(follower)))
    }

    /// Asks for a key to be given to an append that is there. Only the first of several such records counts.
    fn bind(&mut self, append: &Append, nonce: Uuid, answer: Appended, until: Instant) -> Result<Start, LogError> {
        let (Some(key), Some(first)) = (&append.idempotency_key, self.replica.ids_at(&[answer.first])?.pop()) else {
            return Ok(Start::Known(answer));
        };
        let record = wire::encode_key(&self.prefix, nonce, key, first, append.events.len())?;
        let stream = wire::key_stream(key);
        insist(until, || self.remote.append_anywhere(&stream, record.clone()))
    }

    /// Returns the stream's chain before the event of this revision.
    fn chain_before(&mut self, stream: &Arc<str>, revision: Revision, until: Instant) -> Result<Digest, LogError> {
        let Some(last) = revision.checked_sub(1) else { return Ok(GENESIS) };
        if let Some(digest) = self.follower.chain(stream, last) {
            return Ok(digest);
        }
        let Some(last) = self.replica.read_stream(stream, last, 1)?.pop() else { return Ok(GENESIS) };
        let mut pause = PAUSE.0;
        let page = loop {
            match self.remote.read_stream(stream, last.revision, CHAIN_SEARCH) {
                Ok(page) => break page,
                Err(Fault::Unknown(_)) if Instant::now() + pause < until => {
                    std::thread::sleep(pause);
                    pause = (pause * 2).min(PAUSE.1);
                }
                Err(fault) => return Err(fault.into()),
            }
        };
        for event in page.events.iter().filter(|event| event.id == last.event.id) {
            if let WireEvent::Part(part) = wire::decode(&self.prefix, event)?
                && part.revision.is_none_or(|revision| revision == last.revision)
            {
                return Ok(part.chain);
            }
        }
        let what = "it is not where it was in its stream on the cluster".to_owned();
        Err(page.broken.map_or(LogError::Corrupt { position: last.position, what }, LogError::from))
    }
}

/// Sends until the outcome is known or it is too late.
fn insist(until: Instant, mut send: impl FnMut() -> Result<(), Fault>) -> Result<Start, LogError> {
    let mut pause = PAUSE.0;
    loop {
        match send() {
            Ok(()) => return Ok(Start::Sent),
            Err(Fault::Wrong) => return Ok(Start::Wrong),
            Err(Fault::Refused(error)) => return Err(error),
            Err(fault @ Fault::TooLarge(_)) => return Err(fault.into()),
            Err(Fault::NoSuchPlace) => return Ok(Start::Doubtful),
            Err(Fault::Unknown(why)) if Instant::now() + pause >= until => {
                tracing::warn!(why, "the outcome of an append is not known");
                return Ok(Start::Doubtful);
            }
            Err(Fault::Unknown(why)) => {
                tracing::debug!(why, "sending an append again");
                std::thread::sleep(pause);
                pause = (pause * 2).min(PAUSE.1);
            }
        }
    }
}

/// What the appends that are not settled yet write.
#[derive(Debug, Default)]
struct Touched {
    streams: HashSet<Arc<str>>,
    ids: HashSet<Uuid>,
    keys: HashSet<Arc<str>>,
}

impl Touched {
    fn add(&mut self, append: &Append) {
        self.streams.insert(append.stream.clone());
        self.ids.extend(append.events.iter().map(|event| event.id));
        self.keys.extend(append.idempotency_key.clone());
    }

    fn meets(&self, append: &Append) -> bool {
        self.streams.contains(&append.stream)
            || append.idempotency_key.as_ref().is_some_and(|key| self.keys.contains(key))
            || append.events.iter().any(|event| self.ids.contains(&event.id))
    }
}
