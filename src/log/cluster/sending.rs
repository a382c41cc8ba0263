//! Judging and sending: what of the appends that wait goes out now, and behind what.

use super::batch::Proposal;
use super::flight::{Ahead, Waiting, WithAhead};
use super::proposer::{PAUSE, Proposer};
use super::remote::Fault;
use super::rows::Sent;
use super::spent::Spending;
use super::wire::{self, Behind};
use crate::domain::envelope::Revision;
use crate::domain::time::Instant as Time;
use crate::log::admission::{self, Verdict};
use crate::log::contract::{Append, Appended, EventLog as _, LogError};
use eventstore::StreamState;
use std::time::Instant;

/// What is to be done with an append.
enum Judged {
    Send(Revision),
    Answer(Appended),
    /// It is there, and is to be given its key.
    Bind(Appended),
    /// Whatever it is, it rests on something under way.
    Wait,
}

impl Proposer {
    /// Judges what waits, in its order, and sends what may be sent.
    pub(super) fn send(&mut self) {
        if let Some(lost) = self.follower.lost.clone() {
            for waiting in std::mem::take(&mut self.queue) {
                self.answer(waiting, Err(lost.clone()));
            }
        }
        // Nothing is sent to a cluster that may have lost something.
        while self.unread.is_none() && self.follower.doubted.is_none() && self.send_at <= Instant::now() {
            let Some(mut waiting) = self.queue.pop_front() else { return };
            if !self.flight.has_room(self.window, &waiting) {
                return self.queue.push_front(waiting);
            }
            if std::mem::take(&mut waiting.is_wrong)
                && let Err(error) = self.look_behind(&waiting)
            {
                self.answer(waiting, Err(error));
                continue;
            }
            if let Some(outcome) = self.follower.outcome(&waiting.nonce) {
                self.answer(waiting, outcome);
                continue;
            }
            match self.judge(&waiting.job.append) {
                Ok(Judged::Wait) => return self.queue.push_front(waiting),
                Ok(Judged::Answer(answer)) => self.answer(waiting, Ok(answer)),
                Ok(Judged::Bind(answer)) => {
                    let bound = self.bind(&waiting, answer);
                    self.answer(waiting, bound);
                }
                Ok(Judged::Send(revision)) => self.propose(waiting, revision),
                Err(refusal) => self.answer(waiting, Err(refusal)),
            }
        }
    }

    fn judge(&self, append: &Append) -> Result<Judged, LogError> {
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
        if self.flight.meets(append) {
            return Ok(Judged::Wait);
        }
        let ahead = self.flight.ahead(&append.stream);
        let judge = || {
            self.replica.look(|held| match ahead {
                Some(Ahead { last, .. }) => admission::judge(append, &mut WithAhead { held, last }),
                None => admission::judge(append, held),
            })
        };
        match self.meter.time(Spending::Replica, judge)? {
            Ok(Verdict::New(revision)) => Ok(Judged::Send(revision)),
            Ok(Verdict::Repeated { answer, bind_key: false }) => Ok(Judged::Answer(answer)),
            Ok(Verdict::Repeated { answer, bind_key: true }) if self.flight.is_empty() => Ok(Judged::Bind(answer)),
            Ok(Verdict::Repeated { .. }) => Ok(Judged::Wait),
            Err(LogError::Conflict { .. }) if ahead.is_some() => Ok(Judged::Wait),
            Err(refusal) => Err(refusal),
        }
    }

    fn propose(&mut self, waiting: Waiting, revision: Revision) {
        match self.try_propose(&waiting, revision) {
            Ok((ahead, recorded_at)) => {
                self.follower.await_outcome(waiting.nonce);
                self.flight.push(waiting, ahead, recorded_at);
            }
            Err(error) => self.answer(waiting, Err(error)),
        }
    }

    fn try_propose(&mut self, waiting: &Waiting, revision: Revision) -> Result<(Ahead, Time), LogError> {
        let append = &waiting.job.append;
        let (chain, next) = match self.flight.ahead(&append.stream) {
            Some(Ahead { chain, next_on_server, .. }) => (chain, next_on_server),
            None => {
                let chain = patiently(waiting.until, || self.follower.chain_before(&append.stream, revision))?;
                (chain, self.follower.next_on_server(&append.stream, revision))
            }
        };
        let recorded_at = admission::recording_time(append, self.follower.latest().max(self.flight.latest()));
        let (row, place) = self.flight.row();
        let behind = Behind { first: revision, chain, sent: Sent { by: self.process, row, place } };
        let (events, chain) = wire::encode(&self.options.prefix, waiting.nonce, append, recorded_at, behind)?;
        let count = events.len() as u64;
        let state = next.checked_sub(1).map_or(StreamState::NoStream, StreamState::StreamRevision);
        let (turn, stream) = (self.flight.next_turn(), append.stream.clone());
        self.batch.send(Proposal { turn, stream, state, events })?;
        let last = (revision + count).saturating_sub(1);
        Ok((Ahead { last, next_on_server: next + count, chain }, recorded_at))
    }

    /// Asks for a key to be given to an append that is there, when nothing is under way. Only the first of several such records
    /// counts.
    fn bind(&mut self, waiting: &Waiting, answer: Appended) -> Result<Appended, LogError> {
        let append = &waiting.job.append;
        let (Some(key), Some(first)) = (&append.idempotency_key, self.replica.ids_at(&[answer.first])?.pop()) else {
            return Ok(answer);
        };
        let record = wire::encode_key(&self.options.prefix, waiting.nonce, key, first, append.events.len())?;
        let stream = wire::key_stream(key);
        self.follower.await_outcome(waiting.nonce);
        let mut pause = PAUSE.0;
        loop {
            if let Err(fault @ (Fault::Refused(_) | Fault::TooLarge(_))) =
                self.remote.append_anywhere(&stream, record.clone())
            {
                return Err(fault.into());
            }
            patiently(waiting.until, || self.follower.catch_up()).map_err(LogError::in_doubt)?;
            if let Some(outcome) = self.follower.outcome(&waiting.nonce) {
                return outcome;
            }
            if Instant::now() + pause >= waiting.until {
                let why = "the cluster did not say in time whether the key was taken".to_owned();
                return Err(LogError::Unavailable(why).in_doubt());
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(PAUSE.1);
        }
    }

    fn look_behind(&mut self, waiting: &Waiting) -> Result<(), LogError> {
        patiently(waiting.until, || self.follower.look_behind(&waiting.job.append.stream))
    }
}

/// Does something that may be unavailable for a while, trying again until it is too late.
fn patiently<T>(until: Instant, mut work: impl FnMut() -> Result<T, LogError>) -> Result<T, LogError> {
    let mut pause = PAUSE.0;
    loop {
        match work() {
            Err(LogError::Unavailable(_)) if Instant::now() + pause < until => {
                std::thread::sleep(pause);
                pause = (pause * 2).min(PAUSE.1);
            }
            other => return other,
        }
    }
}
