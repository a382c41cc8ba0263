//! The one thread of a node that writes: it takes whatever waits, writes it in one transaction, and answers when the server
//! says that it is committed.
//!
//! 1. Take the appends that wait, up to a number and a size.
//! 2. Begin a transaction, lock the log's end, look up what the appends speak of: one round trip.
//! 3. Judge each against what is there and its neighbours before it.
//! 4. Send the new events, the new end and COMMIT: one round trip.
//! 5. Ring the bell, answer everybody, notify the other nodes.
//!
//! **A COMMIT without an answer** may have happened or not. The group knows the digest that it would have left as the log's
//! end, and no other content has that digest: on the next connection, with the end locked, the log either holds it at its
//! position, and then the answers stand, or it does not and never will, and then the group is judged anew. A COMMIT that is
//! still under way on the server holds the lock until it is decided. Where the deadline comes first, the answer is that it is
//! [in doubt](LogError::InDoubt).

use super::bell::Bell;
use super::fault::Fault;
use super::group::Group;
use super::line::Line;
use super::readers::Readers;
use super::schema::Tail;
use super::spent::{Meter, Spent};
use crate::log::contract::{Append, Appended, LogError};
use crossbeam_channel::{Receiver, Sender};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Shortest and longest pause between two attempts.
const PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));
/// Events for which the server is given another second.
const PER_SECOND: u32 = 2000;

/// An append and where its answer goes.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) append: Append,
    pub(super) answer: Sender<Result<Appended, LogError>>,
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
    pub(super) readers: Arc<Readers>,
    pub(super) bell: Arc<Bell>,
    pub(super) limits: Limits,
    pub(super) line: Option<Line>,
    /// The server has notifications.
    pub(super) notifies: bool,
    pub(super) meter: Arc<Meter>,
}

/// What a group is answered, and the end it leaves.
struct Outcome {
    answers: Vec<Result<Appended, LogError>>,
    end: Tail,
}

/// What a COMMIT without an answer may have done.
enum Doubt {
    /// It added events: the end tells.
    New(Outcome),
    /// It added none, and made sure of what was there, or gave it a key: that is done again.
    Old,
}

impl Writer {
    /// Writes what comes until nobody can send any more.
    pub(super) fn run(mut self, jobs: &Receiver<Job>) {
        while let Ok(first) = jobs.recv() {
            let began = Instant::now();
            let mut bytes = size(&first);
            let mut group = vec![first];
            while group.len() < self.limits.appends && bytes < self.limits.bytes {
                let Ok(job) = jobs.try_recv() else { break };
                bytes += size(&job);
                group.push(job);
            }
            self.group(group);
            let server = self.line.as_ref().map(Line::take_waited).unwrap_or_default();
            self.meter.add(Spent { whole: began.elapsed(), server });
        }
    }

    fn group(&mut self, group: Vec<Job>) {
        let written = match self.bell.lost() {
            Some(lost) => Err(lost),
            None => self.write(&group),
        };
        match written {
            Ok(answers) => {
                self.bell.set_trouble(None);
                for (job, answer) in group.into_iter().zip(answers) {
                    // A caller that did not wait for its answer is no fault.
                    let _ = job.answer.send(answer);
                }
            }
            Err(error) => {
                tracing::error!(%error, "appends were not written");
                self.bell.set_trouble(Some(match &error {
                    LogError::InDoubt(trouble) => (**trouble).clone(),
                    trouble => trouble.clone(),
                }));
                for job in group {
                    let _ = job.answer.send(Err(error.clone()));
                }
            }
        }
    }

    /// Writes a group, again after what may pass; returns an answer for each append.
    fn write(&mut self, group: &[Job]) -> Result<Vec<Result<Appended, LogError>>, LogError> {
        let until = Instant::now() + self.limits.deadline;
        let mut pause = PAUSE.0;
        let mut doubt = None;
        loop {
            let began = Instant::now();
            match self.attempt(group, &mut doubt) {
                Ok(Outcome { answers, end }) => {
                    let grown = end.position > self.bell.head();
                    self.bell.ring(end, began);
                    if grown {
                        self.tell_others();
                    }
                    return Ok(answers);
                }
                Err(fault) => {
                    self.line = None;
                    self.readers.renew();
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
        let fresh = self.line.is_none();
        let line = match &mut self.line {
            Some(line) => line,
            empty => empty.insert(self.readers.open()?),
        };
        let events: usize = group.iter().map(|job| job.append.events.len()).sum();
        line.set_patience(
            self.limits.patience + Duration::from_secs(1) * u32::try_from(events).unwrap_or(u32::MAX) / PER_SECOND,
        );
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
        if let Some(Doubt::New(Outcome { end, .. })) = doubt
            && before.position >= end.position
            && transaction.digest_at(end.position)? == Some(end.digest)
        {
            transaction.rest_on_what_is_there();
            transaction.commit()?;
            if let Some(Doubt::New(outcome)) = doubt.take() {
                return Ok(outcome);
            }
            return Err(Fault::Passing("the outcome is gone".to_owned()));
        }
        // With the end locked it is certain that nothing of it is there.
        *doubt = None;
        let mut answers = Vec::with_capacity(group.len());
        for job in group {
            answers.push(transaction.take(&job.append)?);
        }
        let outcome = Outcome { answers, end: transaction.tail() };
        if outcome.end == before {
            *doubt = transaction.rests_on_what_is_there().then_some(Doubt::Old);
            commit(transaction, doubt)?;
            *doubt = None;
            return Ok(outcome);
        }
        *doubt = Some(Doubt::New(outcome));
        commit(transaction, doubt)?;
        match doubt.take() {
            Some(Doubt::New(outcome)) => Ok(outcome),
            _ => Err(Fault::Passing("the outcome is gone".to_owned())),
        }
    }

    fn tell_others(&mut self) {
        if let (true, Some(line)) = (self.notifies, &mut self.line)
            && let Err(fault) = Group::notify(line)
        {
            tracing::debug!(?fault, "the other nodes were not told; they look by themselves");
            self.line = None;
        }
    }
}

/// Commits; where the server has said no, nothing is in doubt.
fn commit(transaction: Group<'_>, doubt: &mut Option<Doubt>) -> Result<(), Fault> {
    transaction.commit().inspect_err(|fault| {
        if matches!(fault, Fault::Lasting(_)) {
            *doubt = None;
        }
    })
}

/// Returns how much an append counts.
fn size(job: &Job) -> usize {
    job.append.events.iter().map(|event| event.data.len() + 200).sum()
}
