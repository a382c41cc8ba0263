//! The writing half: one thread that judges, sends, reads on, and answers.
//!
//! 1. Judge the append against the replica and what is under way, with the contract's rules.
//! 2. Send it at exactly the revision that this node has read the stream to on the server, under the events' own ids, behind what
//!    was sent before. Up to 1,024 appends, or 4 MiB, are under way at a time.
//! 3. Read the cluster on into the replica; back to back while it took something that was not read yet.
//! 4. Once an append was seen and counts, its place in the order is the answer. One that another node was faster than does not count,
//!    nor does anything that was sent behind it: from 1 again, one after the other at first.
//!
//! *Stop.* On any refusal, error or silence everything under way is taken back and waits, in its order, until the cluster was read to
//! its end; what was done is answered then, and the rest judged and sent again, with the same ids. If something that was taken back
//! is done later after all, it is seen to be there already, or does not count, or is the one that counts.
//!
//! *Wrong expected version* means: read on. The leader compares with writes that are under way (`StorageWriterService.cs`,
//! `IndexWriter.CheckCommit`), which nobody can read yet and which may come to nothing, so it says something about the stream that
//! this node must see before it proposes anything more. A retry whose first write is under way is dropped without a word, and
//! *timed out* after two seconds (`CommitDecision.IdempotentNotReady`); reading settles it.
//!
//! A refusal or a repetition that rests on something under way waits until that is settled. The same holds for a
//! retry of the whole append after this process died: it finds the events by their ids, or by their key.

use super::Options;
use super::batch::{Batch, Heard};
use super::flight::{Flight, MOST, Waiting};
use super::follower::{Asked, Follower, Look};
use super::place::ReadTo;
use super::remote::{Fault, PageSoonAnswer, Remote};
use super::spent::{Meter, Spending};
use crate::log::admission::{self, Verdict};
use crate::log::contract::{Answer, Append, Appended, LogError};
use crate::log::embedded::EmbeddedLog;
use crossbeam_channel::Receiver;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Shortest and longest pause before something is tried again.
pub(super) const PAUSE: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));
/// Shortest and longest pause after a refusal whose reason cannot be read yet.
const UNDER_WAY: (Duration, Duration) = (Duration::from_millis(2), Duration::from_millis(200));
/// Appends that wait here for their turn, so that each is given up in time.
const QUEUE: usize = 8192;

/// An append and where its answer goes.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) append: Append,
    pub(super) answer: Answer,
}

/// The thread's state.
#[derive(Debug)]
pub(super) struct Proposer {
    pub(super) remote: Arc<Remote>,
    pub(super) replica: Arc<EmbeddedLog>,
    pub(super) follower: Follower,
    pub(super) options: Options,
    pub(super) meter: Meter,
    pub(super) batch: Batch,
    /// Tells what this process sends from what others do.
    pub(super) process: Uuid,
    /// What waits for its turn; first what was taken back.
    pub(super) queue: VecDeque<Waiting>,
    pub(super) flight: Flight,
    /// How many may be under way: one after a stop, twice as many with each that is settled.
    pub(super) window: usize,
    /// The page that was asked for.
    pub(super) asked: Option<Asked>,
    /// When the next page is asked for.
    pub(super) look_at: Instant,
    /// How long reading rests after a failure, and what that was.
    pub(super) rest: Duration,
    pub(super) trouble: Option<LogError>,
    /// Since when what was taken back may be there unread.
    pub(super) unread: Option<Instant>,
    /// How far was read when the first one under way was last looked at.
    pub(super) looked: ReadTo,
    /// When sending goes on, and how long the pause was or is to be next time.
    pub(super) send_at: Instant,
    pub(super) pause: Duration,
    /// Sending goes on at once when something new is read.
    pub(super) awaits_news: bool,
    /// When anything was last answered or settled.
    pub(super) alive: Instant,
    pub(super) tidied: Instant,
}

/// What wakes the thread.
enum Woken {
    Job(Option<Job>),
    Heard(Option<Heard>),
    Page(Option<PageSoonAnswer>),
    Time,
}

impl Proposer {
    pub(super) fn new(
        remote: Arc<Remote>,
        replica: Arc<EmbeddedLog>,
        follower: Follower,
        options: Options,
        meter: Meter,
    ) -> Self {
        let now = Instant::now();
        Self {
            batch: remote.batch(),
            process: Uuid::now_v7(),
            remote,
            replica,
            follower,
            meter,
            queue: VecDeque::new(),
            flight: Flight::default(),
            window: MOST,
            asked: None,
            look_at: now + options.look,
            options,
            rest: PAUSE.0,
            trouble: None,
            unread: None,
            looked: ReadTo::default(),
            send_at: now,
            pause: Duration::ZERO,
            awaits_news: false,
            alive: now,
            tidied: now,
        }
    }

    /// Works until nobody can send any more.
    pub(super) fn run(mut self, jobs: &Receiver<Job>) {
        let mut is_closing = false;
        loop {
            let began = Instant::now();
            let is_busy = !self.queue.is_empty() || !self.flight.is_empty();
            if is_closing && !is_busy {
                break;
            }
            let takes = !is_closing && self.queue.len() < QUEUE;
            match self.wait(takes.then_some(jobs), is_busy) {
                Woken::Job(None) => is_closing = true,
                Woken::Job(Some(job)) => {
                    let until = Instant::now() + self.options.deadline;
                    let more = jobs.try_iter().take(MOST);
                    self.queue.extend(std::iter::once(job).chain(more).map(|job| Waiting::new(job, until)));
                }
                Woken::Heard(heard) => self.heard(heard),
                Woken::Page(page) => self.page(page),
                Woken::Time => {}
            }
            self.give_up();
            self.send();
            self.look();
            if is_busy {
                self.meter.add(Spending::Whole, began.elapsed());
            }
        }
        if let Err(error) = self.follower.keep_place() {
            tracing::warn!(%error, "the place in the cluster's log is not written down; more is read next time");
        }
    }

    /// Waits until there is something to do.
    fn wait(&self, jobs: Option<&Receiver<Job>>, is_busy: bool) -> Woken {
        let never = crossbeam_channel::never();
        let no_page = crossbeam_channel::never();
        let heard = self.batch.heard();
        let page = self.asked.as_ref().map_or(&no_page, |asked| &asked.page);
        let patience = self.wakes_at().saturating_duration_since(Instant::now());
        let wait = || {
            crossbeam_channel::select! {
                recv(jobs.unwrap_or(&never)) -> job => Woken::Job(job.ok()),
                recv(heard) -> heard => Woken::Heard(heard.ok()),
                recv(page) -> page => Woken::Page(page.ok()),
                default(patience) => Woken::Time,
            }
        };
        if is_busy { self.meter.time(Spending::Server, wait) } else { wait() }
    }

    fn wakes_at(&self) -> Instant {
        let look = self.asked.is_none().then_some(self.look_at);
        let silence = self.flight.front().map(|(_, sent)| sent.max(self.alive) + self.options.patience);
        let late = self.flight.front().map(|(first, _)| first).or_else(|| self.queue.front()).map(|first| first.until);
        let send = (!self.queue.is_empty() && self.send_at > Instant::now()).then_some(self.send_at);
        let tidy = self.tidied + self.options.tidy;
        [look, silence, late, send].into_iter().flatten().fold(tidy, Instant::min)
    }

    /// Hears answers to what was sent.
    fn heard(&mut self, first: Option<Heard>) {
        let Some(first) = first else {
            self.batch.hang_up();
            return self.stop("the call ended without a word", PAUSE);
        };
        let more: Vec<Heard> = self.batch.heard().try_iter().collect();
        for Heard { turn, answer } in std::iter::once(first).chain(more) {
            self.alive = Instant::now();
            let error = match answer {
                Ok(()) => {
                    if let Some(turn) = turn {
                        self.flight.acknowledge(turn);
                        self.batch.taken();
                        self.look_at = self.alive;
                    }
                    continue;
                }
                Err(error) => error,
            };
            // The others of this call have no answer, or hear only that it has ended.
            return match (self.batch.fault(error), turn) {
                (Fault::Wrong, Some(turn)) => self.wrong(turn),
                (Fault::Refused(error), turn) => self.refuse(turn, error),
                // A message that the server does not read ends the call for all: if it was alone, it was that one.
                (fault @ Fault::TooLarge(_), _) if self.flight.len() == 1 => self.refuse(None, fault.into()),
                (fault, _) => self.stop(&LogError::from(fault).to_string(), PAUSE),
            };
        }
    }

    /// The stream of this append is further on than this node has read: what is new there comes, or comes to nothing.
    fn wrong(&mut self, turn: u64) {
        let is_known = self.flight.mark_wrong(turn).is_some_and(|stream| self.follower.knows(&stream));
        self.stop("a stream is further on than was read", UNDER_WAY);
        if is_known {
            self.send_at = Instant::now() + UNDER_WAY.1;
            self.awaits_news = true;
        }
    }

    /// Answers one append, or the first, with a refusal, and takes the others back.
    fn refuse(&mut self, turn: Option<u64>, error: LogError) {
        let refused = self.flight.place(turn);
        self.stop(&error.to_string(), (Duration::ZERO, PAUSE.1));
        if let Some(mut refused) = refused.and_then(|place| self.queue.remove(place)) {
            // This copy of it was not taken.
            refused.sent = refused.sent.saturating_sub(1);
            self.answer(refused, Err(error));
        }
    }

    /// Takes everything under way back; it is sent again when the cluster was read to its end, and some time has passed.
    fn stop(&mut self, why: &str, (shortest, longest): (Duration, Duration)) {
        tracing::debug!(why, "appends that are under way are taken back");
        let mut back = self.flight.take_back();
        back.append(&mut self.queue);
        self.queue = back;
        (self.window, self.awaits_news) = (1, false);
        let now = Instant::now();
        (self.unread, self.look_at, self.send_at) = (Some(now), now, now + self.pause);
        self.pause = (self.pause * 2).clamp(shortest, longest);
    }

    /// Takes a page in, and answers what it has settled.
    fn page(&mut self, page: Option<PageSoonAnswer>) {
        let Some(asked) = self.asked.take() else { return };
        let (now, began) = (Instant::now(), asked.began);
        match self.follower.take(asked, page) {
            Ok(Look { is_end, is_news }) => {
                (self.rest, self.trouble) = (PAUSE.0, None);
                self.settle();
                self.look_at_front();
                if self.awaits_news && is_news {
                    (self.awaits_news, self.send_at) = (false, now);
                }
                if is_end && self.unread.is_some_and(|since| since <= began) {
                    self.unread = None;
                }
                let at_once = !is_end || is_news || self.unread.is_some() || self.flight.is_acknowledged();
                self.look_at = match at_once {
                    true => now,
                    false if self.awaits_news => now + UNDER_WAY.0,
                    false => now + self.options.look,
                };
            }
            Err(error) => self.unreadable(error),
        }
    }

    fn unreadable(&mut self, error: LogError) {
        self.look_at = Instant::now() + self.rest;
        if self.follower.lost.is_none() {
            tracing::warn!(%error, "the cluster cannot be followed, trying again");
        }
        self.rest = (self.rest * 2).min(PAUSE.1);
        if matches!(error, LogError::Unavailable(_)) {
            self.trouble = Some(error);
            return;
        }
        // What was seen before the trouble is settled all the same.
        self.settle();
        self.stop(&error.to_string(), PAUSE);
        for waiting in std::mem::take(&mut self.queue) {
            self.answer(waiting, Err(error.clone()));
        }
    }

    /// Answers what was seen, in its order.
    fn settle(&mut self) {
        while let Some(outcome) = self.flight.front().and_then(|(first, _)| self.follower.outcome(&first.nonce)) {
            let Some(settled) = self.flight.pop_front() else { break };
            self.window = (self.window * 2).min(MOST);
            (self.alive, self.pause) = (Instant::now(), Duration::ZERO);
            self.answer(settled, outcome);
        }
        let back = self.queue.iter().take_while(|waiting| waiting.sent > 0).count();
        let back: Vec<Waiting> = self.queue.drain(..back).collect();
        for waiting in back.into_iter().rev() {
            match self.follower.outcome(&waiting.nonce) {
                Some(outcome) => self.answer(waiting, outcome),
                None => self.queue.push_front(waiting),
            }
        }
        let passed = self.follower.passed_over();
        if passed.iter().any(|nonce| self.flight.holds(nonce)) {
            self.batch.let_go();
            self.stop("an append does not count where it is", UNDER_WAY);
        }
    }

    /// Takes everything back if the first one under way is there already, or can be no more: another node was faster. If that was with
    /// the same ids, the server may say that it took ours, and show it never. It may have been read in a look of another's, too.
    fn look_at_front(&mut self) {
        let read = self.follower.place();
        if std::mem::replace(&mut self.looked, read) == read {
            return;
        }
        let Some((front, _)) = self.flight.front() else { return };
        let append = &front.job.append;
        let judge = || self.replica.look(|held| admission::judge(append, held));
        if !matches!(self.meter.time(Spending::Replica, judge), Ok(Ok(Verdict::New(_)))) {
            self.batch.let_go();
            self.stop("another node was faster", UNDER_WAY);
        }
    }

    /// Answers what has waited too long, and takes back what the cluster is silent about.
    fn give_up(&mut self) {
        let now = Instant::now();
        let (silence, late) = match self.flight.front() {
            Some((first, sent)) => (sent.max(self.alive) + self.options.patience <= now, first.until <= now),
            None => (false, false),
        };
        if silence || late {
            self.batch.hang_up();
            self.stop("there is no answer", PAUSE);
        }
        while self.queue.front().is_some_and(|first| first.until <= now) {
            let Some(waiting) = self.queue.pop_front() else { break };
            let silent = || LogError::Unavailable("the cluster did not answer in time".to_owned());
            let error = self.trouble.clone().unwrap_or_else(silent);
            self.answer(waiting, Err(error));
        }
    }

    /// Answers an append. Trouble says nothing about one that was sent: a copy of it may be written yet.
    pub(super) fn answer(&mut self, waiting: Waiting, answer: Result<Appended, LogError>) {
        self.follower.forget(&waiting.nonce);
        let answer = if waiting.sent > 0 { answer.map_err(LogError::in_doubt) } else { answer };
        // A caller that did not wait for its answer is no fault.
        waiting.job.answer.tell(answer);
    }

    /// Asks for the next page when it is time, and tidies up now and then.
    fn look(&mut self) {
        let now = Instant::now();
        if self.asked.is_some() || now < self.look_at && now < self.tidied + self.options.tidy {
            return;
        }
        if self.tidied + self.options.tidy <= now {
            self.tidied = now;
            let is_idle = self.queue.is_empty() && self.flight.is_empty();
            let tidied = if is_idle { self.follower.skip_others() } else { self.follower.keep_synced_place() };
            if let Err(error) = tidied {
                return self.unreadable(error);
            }
        }
        if self.look_at <= now {
            match self.follower.ask() {
                Ok(asked) => self.asked = Some(asked),
                Err(error) => self.unreadable(error),
            }
        }
    }
}
