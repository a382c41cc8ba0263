//! The desk's thread.

use super::batch::{Batch, Decided, Made, receipt};
use super::snapshot::Keeper;
use super::told;
use super::watch::Watch;
use super::{Answer, Counters, DeskError, Job, Request, State};
use crate::alerts::recipients::Recipients;
use crate::alerts::request::About;
use crate::alerts::requests::{Requester, ask};
use crate::clock::Clock;
use crate::domain::envelope::{NewEvent, Position};
use crate::domain::event::Event;
use crate::domain::fold::Stamp;
use crate::domain::merchant::Horizon;
use crate::domain::time::Instant;
use crate::lights::moment::sector_of;
use crate::log::contract::{Appended, EventLog, LogError};
use crate::trail;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// Commands taken together at most: enough to share a disk write among many callers, few enough to stay within a few
/// milliseconds.
const BATCH: usize = 512;
/// Longest sleep: timers are looked at again this often, so a clock that was set is noticed.
const NAP: Duration = Duration::from_millis(500);
/// Pause after a failure of the log, before lights are tried again.
const AFTER_FAILURE: Duration = Duration::from_millis(200);

/// Everything the thread works with.
pub(super) struct Engine {
    pub(super) jobs: Receiver<Job>,
    pub(super) state: Arc<RwLock<State>>,
    pub(super) counters: Arc<Counters>,
    pub(super) log: Arc<dyn EventLog>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) recipients: Arc<Recipients>,
    pub(super) sectors: Vec<String>,
    pub(super) changes: tokio::sync::watch::Sender<Position>,
    pub(super) ready: Arc<AtomicBool>,
    pub(super) requester: Requester,
    pub(super) watch: Watch,
    pub(super) keeper: Option<Keeper>,
}

type Waiting = (Request, Sender<Result<Vec<Answer>, DeskError>>);

impl Engine {
    /// Works until told to stop.
    pub(super) fn run(mut self) {
        loop {
            let mut waiting: Vec<Waiting> = Vec::new();
            let mut settlers = Vec::new();
            let mut stop = false;
            match self.jobs.recv_timeout(self.patience()) {
                Ok(job) => sort(job, &mut waiting, &mut settlers, &mut stop),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            while !stop && settlers.is_empty() && waiting.iter().map(|(r, _)| r.commands.len()).sum::<usize>() < BATCH {
                match self.jobs.try_recv() {
                    Ok(job) => sort(job, &mut waiting, &mut settlers, &mut stop),
                    Err(_) => break,
                }
            }
            while !waiting.is_empty() {
                waiting = self.execute(waiting);
            }
            let watched = self.watch_over(!settlers.is_empty());
            if let Err(error) = &watched {
                self.counters.log_failures.fetch_add(1, Ordering::Relaxed);
                tracing::error!(%error, "Lights could not be recorded; trying again");
                std::thread::sleep(AFTER_FAILURE);
            }
            for settler in settlers {
                let _ = settler.send(watched.clone().map_err(DeskError::from));
            }
            if let Some(keeper) = &mut self.keeper {
                keeper.after_fold(&self.requester);
            }
            if stop {
                break;
            }
        }
        if let Some(keeper) = self.keeper.take() {
            keeper.stop(&self.requester);
        }
    }

    fn patience(&self) -> Duration {
        // The first look says whether the service is ready.
        if self.watch.is_busy() || !self.ready.load(Ordering::Acquire) {
            return Duration::ZERO;
        }
        let now = self.clock.now();
        let wait = self.watch.next_due().map(|due| due.duration_since(now).unsigned_abs());
        match self.watch.next_due() {
            Some(due) if due <= now => Duration::ZERO,
            _ => wait.unwrap_or(NAP).min(NAP),
        }
    }

    /// Decides requests and makes them durable together; returns those that must wait for the next round.
    fn execute(&mut self, waiting: Vec<Waiting>) -> Vec<Waiting> {
        let now = self.clock.now();
        let mut later = Vec::new();
        let mut decided = Vec::new();
        {
            let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
            let mut batch = Batch::new(&state, &self.sectors, now);
            for (request, answer) in waiting {
                if batch.can_take(&request) {
                    let parts = batch.take(&request, &*self.log);
                    decided.push((request, parts, answer));
                } else {
                    later.push((request, answer));
                }
            }
        }
        let mut folded = Vec::new();
        let mut answers = Vec::new();
        for (request, parts, sender) in decided {
            let answer = self.finish(&request, parts, &mut folded);
            answers.push((sender, answer));
        }
        self.fold(&folded);
        self.counters.batches.fetch_add(1, Ordering::Relaxed);
        for (sender, answer) in answers {
            let _ = sender.send(answer);
        }
        later
    }

    fn finish(
        &self,
        request: &Request,
        parts: Vec<Decided>,
        folded: &mut Vec<Folded>,
    ) -> Result<Vec<Answer>, DeskError> {
        let mut answers = Vec::with_capacity(parts.len());
        let mut failure = None;
        for part in parts {
            match part {
                Decided::Answer(answer) => answers.push(answer),
                Decided::Failed(error) => failure = failure.or(Some(error)),
                Decided::Write { pending, events, warnings } => match pending.wait() {
                    Ok(appended) => {
                        let ids = events.iter().map(|made| made.envelope.id).collect();
                        answers.push(Answer::Accepted(receipt(&appended, ids, warnings)));
                        if !appended.repeated {
                            folded.push(Folded { appended, events, hold: request.hold_lights });
                        }
                    }
                    Err(error) => {
                        self.counters.log_failures.fetch_add(1, Ordering::Relaxed);
                        failure = failure.or(Some(error.into()));
                    }
                },
            }
        }
        for answer in &answers {
            let counter = match answer {
                Answer::Accepted(_) => &self.counters.accepted,
                Answer::Unchanged { .. } => &self.counters.unchanged,
                Answer::Refused(_) => &self.counters.refused,
            };
            counter.fetch_add(1, Ordering::Relaxed);
        }
        failure.map_or(Ok(answers), Err)
    }

    /// Takes durable events into the state and notes whose lights to look at.
    fn fold(&mut self, folded: &[Folded]) {
        if folded.is_empty() {
            return;
        }
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        for Folded { appended, events, hold } in folded {
            for (position, Made { envelope, event, said }) in (appended.first..).zip(events) {
                let stamp = Stamp { position, recorded_at: appended.recorded_at, history: envelope.history };
                if let Some(index) = state.fold(stamp, envelope.id, event, *said) {
                    self.watch.touched(&state, index, event, *hold);
                }
            }
        }
        let position = state.position;
        drop(state);
        let _ = self.changes.send(position);
    }

    /// Looks at the lights that may have changed and asks for the mails that follow.
    fn watch_over(&mut self, settle: bool) -> Result<(), LogError> {
        loop {
            let now = self.clock.now();
            self.look(now, settle)?;
            self.ask_for_mail(now)?;
            let done = !self.watch.is_busy() && self.watch.next_due().is_none_or(|due| due > now);
            if done {
                self.ready.store(true, Ordering::Release);
            }
            // Commands go first: without a settler waiting, one slice of a long round at a time.
            if done || !settle {
                return Ok(());
            }
        }
    }

    fn look(&mut self, now: Instant, settle: bool) -> Result<(), LogError> {
        let began = trail::now();
        let appends = {
            let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
            self.watch.look(&state, &*self.log, now, settle)?
        };
        if appends.is_empty() {
            return Ok(());
        }
        let pending: Vec<_> =
            appends.into_iter().map(|append| (append.events.clone(), self.log.submit(append))).collect();
        let mut recorded: Vec<(Appended, Vec<NewEvent>)> = Vec::with_capacity(pending.len());
        let mut failure = None;
        for (events, pending) in pending {
            match pending.wait() {
                Ok(appended) => recorded.push((appended, events)),
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        {
            let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
            for (appended, events) in &recorded {
                for (position, envelope) in (appended.first..).zip(events) {
                    let Ok(event) = envelope.decode() else { continue };
                    let stamp = Stamp { position, recorded_at: appended.recorded_at, history: envelope.history };
                    state.apply(stamp, envelope.id, &event, &envelope.data);
                    self.requester.apply(&event, envelope.id, position);
                    if let Event::LightChanged(change) = &event {
                        self.counters.lights_changed.fetch_add(1, Ordering::Relaxed);
                        // A change that another node recorded first is that node's to tell.
                        if !appended.repeated {
                            told::light_changed(change, envelope, position, began);
                        }
                    }
                }
            }
        }
        let position = self.state.read().unwrap_or_else(PoisonError::into_inner).position;
        let _ = self.changes.send(position);
        match failure {
            Some(error) => {
                self.watch.look_again();
                Err(error)
            }
            None => {
                self.watch.recorded();
                Ok(())
            }
        }
    }

    fn ask_for_mail(&mut self, now: Instant) -> Result<(), LogError> {
        if self.requester.open().next().is_none() {
            return Ok(());
        }
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let horizon = Horizon::new(now, Position::MAX);
        let mut about = |code: &_| {
            let merchant = state.world.get(*code);
            About {
                name: merchant.and_then(|merchant| merchant.name(Position::MAX)).map(str::to_owned),
                sector: merchant.and_then(|merchant| sector_of(merchant, &horizon, &state.policies)).map(str::to_owned),
                division: merchant.and_then(|merchant| merchant.division(Position::MAX)),
            }
        };
        let asked = ask(&mut self.requester, &*self.log, &self.recipients, &mut about, now)?;
        self.counters.mails_requested.fetch_add(u64::try_from(asked).unwrap_or(u64::MAX), Ordering::Relaxed);
        Ok(())
    }
}

struct Folded {
    appended: Appended,
    events: Vec<Made>,
    hold: bool,
}

fn sort(job: Job, waiting: &mut Vec<Waiting>, settlers: &mut Vec<Sender<Result<(), DeskError>>>, stop: &mut bool) {
    match job {
        Job::Execute(request, answer) => waiting.push((request, answer)),
        Job::Settle(answer) => settlers.push(answer),
        Job::Stop => *stop = true,
    }
}
