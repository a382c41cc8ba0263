//! The desk's thread.

use super::batch::{Batch, Decided, Made, Waiting, receipt};
use super::hold::{Holds, OwnHold};
use super::snapshot::Keeper;
use super::told;
use super::watch::Watch;
use super::{Answer, Counters, DeskError, Job, State};
use crate::alerts::recipients::Recipients;
use crate::alerts::request::About;
use crate::alerts::requests::{Requester, ask};
use crate::clock::Clock;
use crate::domain::check::Problem;
use crate::domain::envelope::{NewEvent, Position};
use crate::domain::event::Event;
use crate::domain::fold::Stamp;
use crate::domain::merchant::Horizon;
use crate::domain::time::Instant;
use crate::lights::moment::sector_of;
use crate::log::contract::{Appended, EventLog, LogError};
use crate::trail;
use crossbeam_channel::{Receiver, Sender, select};
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

/// How often a command is decided again because other nodes wrote about the same merchant meanwhile.
const CONTESTS: u32 = 50;

/// Why lights are left to others.
const STANDS_BY: &str = "another node put other policies or recipients in force, so this one leaves lights and mail to \
                         it; restart this one with the same files";

/// Everything the thread works with.
pub(super) struct Engine {
    pub(super) jobs: Receiver<Job>,
    /// Tells that a shared log has grown.
    pub(super) grown: Receiver<()>,
    /// Other nodes append to the log, too.
    pub(super) shared: bool,
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
    /// Holds that other nodes, or this one, told of.
    pub(super) holds: Holds,
    /// The hold of this node, on a shared log.
    pub(super) own_hold: Option<OwnHold>,
    /// Digest of the recipients this node was started with.
    pub(super) recipients_digest: String,
    /// Kept while the thread works: the listener ends with it.
    pub(super) _alive: Arc<()>,
}

impl Engine {
    /// Works until told to stop.
    pub(super) fn run(mut self) {
        loop {
            let mut waiting: Vec<Waiting> = Vec::new();
            let mut settlers = Vec::new();
            let mut stop = false;
            select! {
                recv(self.jobs) -> job => match job {
                    Ok(job) => sort(job, &mut waiting, &mut settlers, &mut stop),
                    Err(_) => break,
                },
                recv(self.grown) -> _ => {}
                default(self.patience()) => {}
            }
            while !stop
                && settlers.is_empty()
                && waiting.iter().map(|one| one.request.commands.len()).sum::<usize>() < BATCH
            {
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
        if self.counters.stands_by.load(Ordering::Relaxed) {
            return NAP;
        }
        // The first look says whether the service is ready.
        if self.watch.is_busy() || !self.ready.load(Ordering::Acquire) {
            return Duration::ZERO;
        }
        let now = self.now();
        let wait = self.watch.next_due().map(|due| due.duration_since(now).unsigned_abs());
        match self.watch.next_due() {
            Some(due) if due <= now => Duration::ZERO,
            _ => wait.unwrap_or(NAP).min(NAP),
        }
    }

    /// Returns the time: the clock's, or the log's if another node's clock is ahead.
    fn now(&self) -> Instant {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        state.marks.last_recorded.map_or(now, |last| last.max(now))
    }

    pub(super) fn position(&self) -> Position {
        self.state.read().unwrap_or_else(PoisonError::into_inner).position
    }

    /// Decides requests and makes them durable together; returns those that must wait for the next round: their key is in
    /// use in this one, or another node wrote to the same stream first and they are decided again on what it wrote.
    fn execute(&mut self, waiting: Vec<Waiting>) -> Vec<Waiting> {
        if let Err(error) = self.follow() {
            self.counters.log_failures.fetch_add(1, Ordering::Relaxed);
            for one in waiting {
                let _ = one.sender.send(Err(error.clone().into()));
            }
            return Vec::new();
        }
        let now = self.now();
        let mut later = Vec::new();
        let mut decided = Vec::new();
        let told = {
            let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
            let mut batch = Batch::new(&state, &self.sectors, now, self.own_hold.as_mut());
            for one in waiting {
                if batch.can_take(&one.request) {
                    let parts = batch.take(&one, &*self.log);
                    decided.push((one, parts));
                } else {
                    later.push(one);
                }
            }
            batch.told
        };
        let mut folded = Vec::new();
        let mut finished = Vec::new();
        let mut again = Vec::new();
        for (mut one, parts) in decided {
            match self.finish(&mut one, parts, &mut folded) {
                Some(answer) => finished.push((one.sender, answer)),
                None => again.push(one),
            }
        }
        for pending in told {
            if let Err(error) = pending.wait() {
                tracing::warn!(%error, "Other nodes were not told to wait; they may look at lights too early");
            }
        }
        self.fold(folded);
        self.counters.batches.fetch_add(1, Ordering::Relaxed);
        for (sender, answer) in finished {
            let _ = sender.send(answer);
        }
        again.extend(later);
        again
    }

    /// Waits for what was decided. Returns the answer, or nothing if some of it is to be decided again.
    fn finish(
        &self,
        one: &mut Waiting,
        parts: Vec<(usize, Decided)>,
        folded: &mut Vec<Folded>,
    ) -> Option<Result<Vec<Answer>, DeskError>> {
        let mut failed: Vec<(usize, DeskError)> = Vec::new();
        let mut contest = None;
        for (index, part) in parts {
            let answer = match part {
                Decided::Answer(answer) => answer,
                Decided::Failed(error) => {
                    failed.push((index, error));
                    continue;
                }
                Decided::Write { pending, events, warnings } => match pending.wait() {
                    Ok(appended) => {
                        let ids = events.iter().map(|made| made.envelope.id).collect();
                        if !appended.repeated {
                            folded.push(Folded { appended, events, hold: one.request.hold_lights });
                        }
                        Answer::Accepted(receipt(&appended, ids, warnings))
                    }
                    Err(error) if is_contest(&error) && one.contests < CONTESTS => {
                        contest = Some(error);
                        continue;
                    }
                    Err(error) => {
                        self.counters.log_failures.fetch_add(1, Ordering::Relaxed);
                        failed.push((index, error.into()));
                        continue;
                    }
                },
            };
            let counter = match &answer {
                Answer::Accepted(_) => &self.counters.accepted,
                Answer::Unchanged { .. } => &self.counters.unchanged,
                Answer::Refused(_) => &self.counters.refused,
            };
            counter.fetch_add(1, Ordering::Relaxed);
            if let Some(slot) = one.answers.get_mut(index) {
                *slot = Some(answer);
            }
        }
        // What became of the others is on disk and must be told: then a failure is the answer to its own command only.
        let others = one.answers.iter().flatten().any(|answer| matches!(answer, Answer::Accepted(_)));
        let whole = failed.iter().find(|(_, error)| !others || matches!(error, DeskError::KeyReused(_)));
        if let Some((_, error)) = whole {
            return Some(Err(error.clone()));
        }
        for (index, error) in failed {
            if let Some(slot) = one.answers.get_mut(index) {
                *slot = Some(not_recorded(&error));
            }
        }
        match contest {
            Some(error) => {
                self.counters.contests.fetch_add(1, Ordering::Relaxed);
                tracing::debug!(%error, "Another node was faster; deciding again");
                one.contests += 1;
                None
            }
            None => Some(Ok(std::mem::take(&mut one.answers).into_iter().flatten().collect())),
        }
    }

    /// Takes durable events into the state and notes whose lights to look at.
    fn fold(&mut self, mut folded: Vec<Folded>) {
        // An append that had to be tried again may have come after a later one.
        folded.sort_by_key(|one| one.appended.first);
        for Folded { appended, events, hold } in folded {
            if let Err(error) = self.follow_before(appended.first) {
                tracing::warn!(%error, "What was written is read from the log later");
                return;
            }
            let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
            if appended.first <= state.position {
                continue;
            }
            for (position, Made { envelope, event, said }) in (appended.first..).zip(&events) {
                let stamp = Stamp { position, recorded_at: appended.recorded_at, history: envelope.history };
                if let Some(index) = state.fold(stamp, envelope.id, event, *said) {
                    self.watch.touched(&state, index, event, hold);
                }
            }
        }
        let _ = self.changes.send(self.position());
    }

    /// Looks at the lights that may have changed and asks for the mails that follow.
    fn watch_over(&mut self, settle: bool) -> Result<(), LogError> {
        if settle && let Some(hold) = &self.own_hold {
            if let Some(pending) = hold.release(&*self.log, self.clock.now()) {
                pending.wait()?;
            }
            self.own_hold = Some(OwnHold::new());
        }
        loop {
            self.follow()?;
            let now = self.now();
            self.forget_holds(now);
            if self.stands_by() {
                return if settle { Err(LogError::Unavailable(STANDS_BY.to_owned())) } else { Ok(()) };
            }
            self.seal(now)?;
            // What is held back together with another node's evidence waits for that, too.
            self.look(now, settle && self.holds.is_empty())?;
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

    /// Says whether other policies or recipients are in force than this node was started with: then another node was
    /// started with newer ones, and judging by the old would turn its lights back.
    fn stands_by(&mut self) -> bool {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let other = state.marks.policy.as_ref() != Some(&state.policies.digest)
            || state.marks.recipients.as_ref() != Some(&self.recipients_digest);
        drop(state);
        if other != self.counters.stands_by.swap(other, Ordering::Relaxed) {
            if other {
                tracing::warn!("{STANDS_BY}");
            } else {
                tracing::info!("The policies and recipients of this node are in force again");
            }
        }
        other
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
        let before = self.position();
        let pending: Vec<_> =
            appends.into_iter().map(|append| (append.events.clone(), self.log.submit(append))).collect();
        let mut recorded: Vec<(Appended, Vec<NewEvent>)> = Vec::with_capacity(pending.len());
        let mut failure = None;
        let mut contest = None;
        for (events, pending) in pending {
            match pending.wait() {
                Ok(appended) => recorded.push((appended, events)),
                // Another node recorded it.
                Err(error) if is_contest(&error) => contest = Some(error),
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        recorded.sort_by_key(|(appended, _)| appended.first);
        told::lights(&recorded, began);
        if let Err(error) = self.take_in_own(&recorded).and_then(|()| self.follow()) {
            failure = failure.or(Some(error));
        }
        let contested = contest.is_some();
        // A contest that others did not cause would be fought for ever.
        let moved = self.position() > before;
        match failure.or(contest.filter(|_| !moved)) {
            Some(error) => {
                self.watch.look_again();
                Err(error)
            }
            None if contested => {
                self.watch.look_again();
                Ok(())
            }
            None => {
                self.watch.recorded();
                Ok(())
            }
        }
    }

    /// Takes in what this node concluded, and what others wrote between.
    fn take_in_own(&mut self, recorded: &[(Appended, Vec<NewEvent>)]) -> Result<(), LogError> {
        for (appended, events) in recorded {
            self.follow_before(appended.first)?;
            let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
            if appended.first <= state.position {
                continue;
            }
            for (position, envelope) in (appended.first..).zip(events) {
                let Ok(event) = envelope.decode() else { continue };
                let stamp = Stamp { position, recorded_at: appended.recorded_at, history: envelope.history };
                state.apply(stamp, envelope.id, &event, &envelope.data);
                self.requester.apply(&event, envelope.id, position);
                if matches!(event, Event::LightChanged(_)) {
                    self.counters.lights_changed.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
        let _ = self.changes.send(self.position());
        Ok(())
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

/// Returns the answer to a command that the log did not take, while it took others of the same request.
fn not_recorded(error: &DeskError) -> Answer {
    Answer::Refused(vec![Problem {
        field: "command",
        code: "not_recorded",
        value: String::new(),
        zh: format!("未能写入事件日志，本条没有记录，请重新提交：{error}"),
        en: format!("the log did not take it, so it is not recorded; send it again: {error}"),
    }])
}

struct Folded {
    appended: Appended,
    events: Vec<Made>,
    hold: bool,
}

fn sort(job: Job, waiting: &mut Vec<Waiting>, settlers: &mut Vec<Sender<Result<(), DeskError>>>, stop: &mut bool) {
    match job {
        Job::Execute(request, answer) => waiting.push(Waiting::new(request, answer)),
        Job::Settle(answer) => settlers.push(answer),
        Job::Stop => *stop = true,
    }
}

/// Says whether an error means that another node was faster.
const fn is_contest(error: &LogError) -> bool {
    matches!(error, LogError::Conflict { .. } | LogError::Duplicate { .. } | LogError::KeyReused { .. })
}
