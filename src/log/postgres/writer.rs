//! The one thread of a node that writes: it takes whatever waits, writes it in one transaction, and answers when the server
//! says that it is committed.
//!
//! While nobody else writes, a group is judged by what this node knows and sent as one statement ([`ahead`](super::ahead)),
//! the next one behind it before it is answered. Otherwise, and whenever such a statement wrote nothing:
//!
//! 1. Take the appends that wait, up to a number and a size.
//! 2. Begin a transaction, lock the log's end, look up what the appends speak of: one round trip.
//! 3. Judge each against what is there and its neighbours before it.
//! 4. Send the new events, the new end and COMMIT: one round trip.
//! 5. Ring the bell, answer everybody, notify the other nodes.
//!
//! **A COMMIT without an answer** may have happened or not. The group knows the digest that it would have left as the log's
//! end, and no other content has that digest: on the next connection, with the end locked, the log either holds it at its
//! position, and then the answers stand, or it does not, and then the group is judged anew. A COMMIT that is
//! still under way on the server holds the lock until it is decided; a statement of a group sent ahead that comes only then
//! finds the end moved and writes nothing, or finds it where it was, and then it writes what this group would write.
//! Where the deadline comes first, the answer is that it is [in doubt](LogError::InDoubt).

use super::ahead::{self, Ahead};
use super::bell::Bell;
use super::crowd::Crowd;
use super::fault::Fault;
use super::group::{Group, warned};
use super::line::{Line, Underway};
use super::readers::Readers;
use super::schema::Tail;
use super::spent::Meter;
use crate::log::contract::{Answer, Append, Appended, LogError};
use crossbeam_channel::{Receiver, RecvTimeoutError};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// Shortest and longest pause between two attempts.
const PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));
/// Events for which the server is given another second.
const PER_SECOND: u32 = 2000;

/// Groups under way at once: one that is written, and one that is there when that is done.
const AIR: usize = 2;
/// Fewest appends that are sent behind a group under way: below that, a sync shared by more is worth more than time saved.
const FEWEST: usize = 16;
/// How often the other nodes are told that the log has grown.
const TELL: Duration = Duration::from_millis(5);

/// An append and where its answer goes.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) append: Append,
    pub(super) answer: Answer,
}

/// How much is written in one transaction, and how long it is tried.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Appends.
    pub(super) appends: usize,
    /// Payload bytes; the append that goes beyond is still taken.
    pub(super) bytes: usize,
    /// How long a group is tried, attempts to connect included.
    pub(super) deadline: Duration,
    /// How long the server is given for one answer.
    pub(super) patience: Duration,
}

/// The writer's side of the log.
pub(super) struct Writer {
    readers: Arc<Readers>,
    bell: Arc<Bell>,
    limits: Limits,
    line: Option<Line>,
    /// The server has notifications.
    notifies: bool,
    meter: Arc<Meter>,
    ahead: Ahead,
    /// Groups under way, in their order.
    air: VecDeque<Flight>,
    crowd: Arc<Crowd>,
    /// About how many append at once.
    callers: usize,
    /// When the other nodes were told, and whether the log has grown since.
    told: (Instant, bool),
}

/// A group under way: sent ahead, and not answered.
pub(super) struct Flight {
    jobs: Vec<Job>,
    /// What it wrote if it is written.
    outcome: Outcome,
    before: Tail,
    /// Rows that it writes.
    events: u64,
    answer: Underway,
    began: Instant,
}

/// What a group is answered, and the end it leaves.
struct Outcome {
    answers: Vec<Result<Appended, LogError>>,
    end: Tail,
}

/// What a COMMIT without an answer may have done.
enum Doubt {
    /// It added events behind this end: the end tells.
    New(Outcome, Tail),
    /// It added none, and made sure of what was there, or gave it a key: that is done again.
    Old,
}

impl Writer {
    /// Returns a writer that is not connected yet.
    pub(super) fn new(readers: Arc<Readers>, bell: Arc<Bell>, limits: Limits, notifies: bool) -> Self {
        Self {
            readers,
            bell,
            limits,
            line: None,
            notifies,
            meter: Arc::default(),
            ahead: Ahead::new(),
            air: VecDeque::new(),
            crowd: Arc::new(Crowd::new()),
            callers: 0,
            told: (Instant::now(), false),
        }
    }

    /// Returns where its time goes.
    pub(super) fn meter(&self) -> Arc<Meter> {
        self.meter.clone()
    }

    /// Returns what wakes it.
    pub(super) fn crowd(&self) -> Arc<Crowd> {
        self.crowd.clone()
    }

    /// Writes what comes until nobody can send any more.
    pub(super) fn run(mut self, jobs: &Receiver<Job>) {
        loop {
            let first = if self.air.is_empty() {
                let Some(first) = self.next(jobs) else { break };
                Some(first)
            } else {
                self.has_crowd(jobs).then(|| jobs.try_recv().ok()).flatten()
            };
            let began = Instant::now();
            match first {
                Some(first) => {
                    let group = self.gather(first, jobs);
                    self.write(group, began);
                }
                None => self.wait(jobs),
            }
            self.tell_others();
            let server = self.line.as_ref().map(Line::take_waited).unwrap_or_default();
            self.meter.add(began.elapsed(), server);
        }
        if self.told.1 {
            self.tell();
        }
    }

    /// Waits for an append; nothing once there will be none.
    fn next(&mut self, jobs: &Receiver<Job>) -> Option<Job> {
        while let (told, true) = self.told {
            match jobs.recv_timeout(TELL.saturating_sub(told.elapsed())) {
                Ok(job) => return Some(job),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => self.tell_others(),
            }
        }
        jobs.recv().ok()
    }

    /// Says whether so many wait that a group is worth sending behind what is under way: half of all callers, so that one half
    /// is written while the other is answered and asks again.
    fn has_crowd(&mut self, jobs: &Receiver<Job>) -> bool {
        let under_way: usize = self.air.iter().map(|flight| flight.jobs.len()).sum();
        let (waiting, room) = (jobs.len(), self.air.len() < AIR);
        self.callers = self.callers.max(under_way + waiting);
        let wanted = self.half();
        self.crowd.want(room.then_some(wanted));
        room && jobs.len() >= wanted
    }

    /// Returns how many are sent at once.
    fn half(&self) -> usize {
        self.callers.div_ceil(2).clamp(FEWEST, self.limits.appends.max(FEWEST))
    }

    fn gather(&mut self, first: Job, jobs: &Receiver<Job>) -> Vec<Job> {
        self.crowd.want(None);
        self.callers = self.callers.max(jobs.len() + 1);
        // Under the lock nothing is sent behind: all that wait share it.
        let most = if self.ahead.is_alone() { self.half().min(self.limits.appends) } else { self.limits.appends };
        let mut bytes = size(&first);
        let mut group = vec![first];
        while group.len() < most && bytes < self.limits.bytes {
            let Ok(job) = jobs.try_recv() else { break };
            bytes += size(&job);
            group.push(job);
        }
        group
    }

    /// Writes a group: ahead if this node knows enough, else under the lock, once nothing is under way.
    fn write(&mut self, group: Vec<Job>, began: Instant) {
        let group = match self.send(group, began) {
            Ok(()) => return,
            Err(group) => group,
        };
        while !self.air.is_empty() {
            self.land(None);
        }
        self.settle(group, None, began);
    }

    /// Sends a group ahead; gives it back if it has to be looked at under the lock.
    fn send(&mut self, group: Vec<Job>, began: Instant) -> Result<(), Vec<Job>> {
        let known = self.bell.known().position;
        let Some(line) = self.line.as_mut().filter(|_| self.bell.lost().is_none()) else { return Err(group) };
        line.set_patience(self.limits.patience);
        let appends = group.iter().map(|job| &job.append);
        let Some((draft, answers, statement)) = self.ahead.judge(line, appends, known) else { return Err(group) };
        let (before, end, events) = (draft.before, draft.tail, draft.events.len() as u64);
        let answer = ahead::send(line, statement, draft);
        let outcome = Outcome { answers, end };
        self.meter.sent_ahead(!self.air.is_empty());
        self.air.push_back(Flight { jobs: group, outcome, before, events, answer, began });
        Ok(())
    }

    /// Waits for the answer to the oldest group under way, or until there is a crowd.
    fn wait(&mut self, jobs: &Receiver<Job>) {
        let crowd = self.crowd.clone();
        self.land((self.air.len() < AIR).then_some(&crowd.rung));
        let under_way: usize = self.air.iter().map(|flight| flight.jobs.len()).sum();
        // Who does not come back is forgotten by and by.
        self.callers = (self.callers - self.callers / 16).max(under_way + jobs.len());
    }

    /// Takes the answer to the oldest group under way, unless somebody rings before. If it was not written, no other under
    /// way is: all are written under the lock.
    fn land(&mut self, bell: Option<&Notify>) {
        let Some(mut flight) = self.air.pop_front() else { return };
        let answer = self.hear(&mut flight, bell);
        match answer {
            Ok(None) => self.air.push_front(flight),
            Ok(Some(true)) => {
                self.bell.ring(flight.outcome.end, flight.began);
                self.bell.set_trouble(None);
                self.told.1 = true;
                self.ahead.landed(flight.jobs.iter().map(|job| &job.append));
                answer_all(flight.jobs, flight.outcome.answers);
            }
            first => {
                let mut grounded = Vec::new();
                let mut answer = first;
                loop {
                    let is_refused = matches!(answer, Ok(Some(false)) | Err(Fault::Lasting(_)));
                    if !is_refused && let Err(Fault::Passing(why)) = &answer {
                        tracing::warn!(why, "a group that was sent is not answered");
                        self.drop_line();
                    }
                    let Flight { jobs, outcome, before, began, .. } = flight;
                    grounded.push((jobs, (!is_refused).then_some(Doubt::New(outcome, before)), began));
                    let Some(next) = self.air.pop_front() else { break };
                    flight = next;
                    answer = self.hear(&mut flight, None);
                }
                self.ahead.forget();
                for (jobs, doubt, began) in grounded {
                    self.settle(jobs, doubt, began);
                }
            }
        }
    }

    /// Waits for a flight's answer: whether it was written. Nothing if somebody rings before.
    fn hear(&self, flight: &mut Flight, bell: Option<&Notify>) -> Result<Option<bool>, Fault> {
        let Some(line) = &self.line else { return Err(Fault::Passing("the connection is closed".to_owned())) };
        let longest = self.patience(&flight.jobs).saturating_sub(flight.began.elapsed());
        let Some(written) = line.answer(&mut flight.answer, bell, longest)? else { return Ok(None) };
        match line.take_warning() {
            None => Ok(Some(written == flight.events)),
            Some(warning) => Err(warned(&warning)),
        }
    }

    fn drop_line(&mut self) {
        self.line = None;
        self.readers.renew();
    }

    /// How long the server is given for a group.
    fn patience(&self, group: &[Job]) -> Duration {
        let events: usize = group.iter().map(|job| job.append.events.len()).sum();
        self.limits.patience + Duration::from_secs(1) * u32::try_from(events).unwrap_or(u32::MAX) / PER_SECOND
    }

    /// Writes a group under the lock, and answers. `doubt` is what was sent of it before.
    fn settle(&mut self, group: Vec<Job>, doubt: Option<Doubt>, began: Instant) {
        let written = match self.bell.lost() {
            Some(lost) if doubt.is_none() => Err(lost),
            _ => self.try_until(&group, doubt, began + self.limits.deadline),
        };
        match written {
            Ok(answers) => {
                self.bell.set_trouble(None);
                answer_all(group, answers);
            }
            Err(error) => {
                tracing::error!(%error, "appends were not written");
                self.ahead.forget();
                self.bell.set_trouble(Some(match &error {
                    LogError::InDoubt(trouble) => (**trouble).clone(),
                    trouble => trouble.clone(),
                }));
                for job in group {
                    job.answer.tell(Err(error.clone()));
                }
            }
        }
    }

    /// Writes a group, again after what may pass; returns an answer for each append.
    fn try_until(
        &mut self,
        group: &[Job],
        mut doubt: Option<Doubt>,
        until: Instant,
    ) -> Result<Vec<Result<Appended, LogError>>, LogError> {
        let mut pause = PAUSE.0;
        loop {
            let began = Instant::now();
            match self.attempt(group, &mut doubt) {
                Ok(Outcome { answers, end }) => {
                    self.told.1 |= end.position > self.bell.head();
                    self.bell.ring(end, began);
                    return Ok(answers);
                }
                Err(fault) => {
                    self.drop_line();
                    match fault {
                        Fault::Passing(why) if Instant::now() + pause < until => {
                            tracing::warn!(why, "appends cannot be written, trying again");
                            std::thread::sleep(pause);
                            pause = (pause * 2).min(PAUSE.1);
                        }
                        fault if doubt.is_some() => {
                            // What the server says while a standby is waited for is only that it took too long.
                            let trouble = self.bell.waiting().map_or_else(|| fault.into(), LogError::Unavailable);
                            return Err(trouble.in_doubt());
                        }
                        fault => return Err(fault.into()),
                    }
                }
            }
        }
    }

    /// Tries once. `doubt` is what a COMMIT without an answer may have done.
    fn attempt(&mut self, group: &[Job], doubt: &mut Option<Doubt>) -> Result<Outcome, Fault> {
        let known = self.bell.known();
        let patience = self.patience(group);
        let fresh = self.line.is_none();
        let line = match &mut self.line {
            Some(line) => line,
            empty => empty.insert(self.readers.open()?),
        };
        line.set_patience(patience);
        let mut transaction = Group::begin(line, group.iter().map(|job| &job.append))?;
        let before = transaction.before();
        let is_known = before.position >= known.position
            && if before.position == known.position {
                before.digest == known.digest
            } else {
                // On a connection from before, the log that held it can only have grown.
                !fresh || known.position == 0 || transaction.digest_at(known.position)? == Some(known.digest)
            };
        if !is_known {
            return Err(Fault::Passing(format!(
                "this server does not hold event {}, which this node has read: it fell behind, was restored from an older backup, \
                 or holds another log",
                known.position
            )));
        }
        if let Some(Doubt::New(Outcome { end, .. }, _)) = doubt
            && before.position >= end.position
            && transaction.digest_at(end.position)? == Some(end.digest)
        {
            transaction.rest_on_what_is_there();
            transaction.commit()?;
            return taken(doubt);
        }
        // With the end locked it is certain that nothing of it is there. What was sent ahead and is still on its way can be
        // written only behind the same end, and is then what will be written now.
        let sent = doubt.take_if(|doubt| matches!(doubt, Doubt::New(_, behind) if *behind == before));
        *doubt = None;
        let mut answers = Vec::with_capacity(group.len());
        for job in group {
            answers.push(transaction.take(&job.append)?);
        }
        let outcome = Outcome { answers, end: transaction.tail() };
        let streams = transaction.streams();
        let outcome = if outcome.end == before {
            *doubt = transaction.rests_on_what_is_there().then_some(Doubt::Old);
            commit(transaction, doubt, sent)?;
            *doubt = None;
            outcome
        } else {
            *doubt = Some(Doubt::New(outcome, before));
            commit(transaction, doubt, sent)?;
            taken(doubt)?
        };
        self.ahead.settle(before, outcome.end);
        for (stream, last) in streams {
            self.ahead.note(&stream, last);
        }
        Ok(outcome)
    }

    /// Tells the other nodes that the log has grown, if it has since they were told; at most every few milliseconds, because
    /// each of them then looks.
    fn tell_others(&mut self) {
        if self.told.1 && self.told.0.elapsed() >= TELL {
            self.tell();
        }
    }

    fn tell(&mut self) {
        self.told = (Instant::now(), false);
        if let (true, Some(line)) = (self.notifies, &mut self.line)
            && let Err(fault) = Group::notify(line, &self.bell.node)
        {
            tracing::debug!(?fault, "the other nodes were not told; they look by themselves");
        }
    }
}

/// Answers each append of a group.
fn answer_all(group: Vec<Job>, answers: Vec<Result<Appended, LogError>>) {
    for (job, answer) in group.into_iter().zip(answers) {
        job.answer.tell(answer);
    }
}

/// Takes the outcome of what was in doubt.
fn taken(doubt: &mut Option<Doubt>) -> Result<Outcome, Fault> {
    match doubt.take() {
        Some(Doubt::New(outcome, _)) => Ok(outcome),
        _ => Err(Fault::Passing("the outcome is gone".to_owned())),
    }
}

/// Commits; where the server has said no, nothing is in doubt but what was sent before.
fn commit(transaction: Group<'_>, doubt: &mut Option<Doubt>, sent: Option<Doubt>) -> Result<(), Fault> {
    transaction.commit().inspect_err(|fault| {
        if matches!(fault, Fault::Lasting(_)) {
            *doubt = sent;
        }
    })
}

/// Returns how much an append counts.
fn size(job: &Job) -> usize {
    job.append.events.iter().map(|event| event.data.len() + 200).sum()
}
