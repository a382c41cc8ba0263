//! The desk's thread.

use super::batch::{Batch, Decided, Made, Subject, Waiting, receipt};
use super::follow::Listener;
use super::light_trail;
use super::nodes::{CONTESTS, STANDS_BY, is_contest};
use super::pulse::Pulse;
use super::retries::Retries;
use super::routing::Moved;
use super::together::Together;
use super::{Answer, Counters, DeskError, Job};
use crate::alerts::recipients::Recipients;
use crate::clock::Clock;
use crate::domain::check::Problem;
use crate::domain::envelope::NewEvent;
use crate::domain::event::Event;
use crate::domain::fold::Stamp;
use crate::domain::time::{Day, Instant};
use crate::log::contract::{Appended, EventLog, LogError};
use crate::picture::snapshot::SnapshotKeeper;
use crate::picture::{Picture, Published, SeenEvent};
use crate::trail;
use crate::watch::Watch;
use crate::watch::hold::{Holds, OwnHold};
use crossbeam_channel::{Receiver, Sender, select};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
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
    pub(super) listener: Listener,
    /// Other nodes append to the log, too.
    pub(super) shared: bool,
    /// The picture that is folded on; readers have the one that was published last.
    pub(super) picture: Picture,
    pub(super) published: Arc<Published>,
    pub(super) counters: Arc<Counters>,
    pub(super) log: Arc<dyn EventLog>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) recipients: Arc<Recipients>,
    pub(super) sectors: Vec<String>,
    pub(super) ready: Arc<AtomicBool>,
    pub(super) pulse: Arc<Pulse>,
    pub(super) watch: Watch,
    /// Tickets without a credit code to be tried again.
    pub(super) retries: Retries,
    /// Merchants whose case may have come to another office.
    pub(super) moved: Moved,
    /// The day on which it was looked for sources that fell silent.
    pub(super) sources_looked_at: Option<Day>,
    pub(super) keeper: Option<SnapshotKeeper>,
    /// Holds that other nodes, or this one, told of.
    pub(super) holds: Holds,
    /// The hold of this node, on a shared log.
    pub(super) own_hold: Option<OwnHold>,
    /// Digest of the recipients this node was started with.
    pub(super) recipients_digest: String,
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
                recv(self.listener.grown) -> _ => {}
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
            let news = self.pulse.note(watched.as_ref().err().map(ToString::to_string));
            if let Err(error) = &watched {
                self.counters.log_failures.fetch_add(1, Ordering::Relaxed);
                if news {
                    tracing::error!(%error, "Lights could not be recorded; trying again until they can");
                }
                std::thread::sleep(AFTER_FAILURE);
            } else if news {
                tracing::info!("Lights are recorded again");
            }
            for settler in settlers {
                let _ = settler.send(watched.clone().map_err(DeskError::from));
            }
            if let Some(keeper) = &mut self.keeper {
                keeper.after_fold(|| self.published.picture(), self.picture.position);
            }
            if stop {
                break;
            }
        }
        if let Some(keeper) = self.keeper.take() {
            keeper.stop(&self.picture);
        }
    }

    fn patience(&self) -> Duration {
        if self.counters.stands_by.load(Ordering::Relaxed) {
            return NAP;
        }
        // The first look says whether the service is ready.
        let can_try = !self.retries.is_empty() && !self.watch.is_holding() && self.holds.is_empty();
        if self.watch.is_busy() || can_try || !self.ready.load(Ordering::Acquire) {
            return Duration::ZERO;
        }
        let now = self.now();
        let wait = self.watch.next_due().map(|due| due.duration_since(now).unsigned_abs());
        match self.watch.next_due() {
            Some(due) if due <= now => Duration::ZERO,
            _ => wait.unwrap_or(NAP).min(NAP),
        }
    }

    /// Returns the time: the clock's, or the log's if another node's clock is a little ahead.
    pub(super) fn now(&self) -> Instant {
        self.picture.marks.now(self.clock.now())
    }

    /// Shows readers what was folded. Only called where an append ends.
    pub(super) fn publish(&mut self) {
        if self.published.position() < self.picture.position {
            self.published.put(self.picture.clone());
        }
    }

    /// Decides requests and makes them durable together; returns those that must wait for the next round: the turn is full,
    /// their key is in use in this one, or another node wrote to the same stream first and they are decided again on what it
    /// wrote.
    fn execute(&mut self, waiting: Vec<Waiting>) -> Vec<Waiting> {
        self.pulse.beat();
        if let Err(error) = self.follow() {
            self.counters.log_failures.fetch_add(1, Ordering::Relaxed);
            for mut one in waiting {
                let failed = one.open().map(|index| (index, error.clone().into())).collect();
                let answer = one.fail(failed).map(|()| one.answer());
                let _ = one.sender.send(answer);
            }
            return Vec::new();
        }
        let now = self.now();
        let mut later = Vec::new();
        let mut decided = Vec::new();
        let told = {
            let mut batch = Batch::new(&self.picture, &self.sectors, now, self.own_hold.as_mut());
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
        let mut fates = Fates::default();
        let mut folded = Vec::new();
        let mut finished = Vec::new();
        let mut again = Vec::new();
        for (mut one, parts) in decided {
            match self.finish(&mut one, parts, &mut fates, &mut folded) {
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

    /// Waits for what was decided. Returns the answer, or nothing if some of it is still to be decided, or again.
    ///
    /// An answer without a write of its own (unchanged, refused) is true only if the writes of this batch that it rests on
    /// are on disk: else it is decided again, or fails as they did.
    fn finish(
        &self,
        one: &mut Waiting,
        parts: Vec<(usize, Decided)>,
        fates: &mut Fates,
        folded: &mut Vec<Folded>,
    ) -> Option<Result<Vec<Answer>, DeskError>> {
        let mut failed: Vec<(usize, DeskError)> = Vec::new();
        let mut contest = None;
        let reached = parts.last().map(|(index, _)| *index);
        for (index, part) in parts {
            let answer = match part {
                Decided::Answer { answer, rests_on } => match fates.worst(&rests_on) {
                    None => Ok(answer),
                    Some(error) => Err(error),
                },
                Decided::Failed(error) => {
                    failed.push((index, error));
                    continue;
                }
                Decided::Write { about, pending, events, warnings } => {
                    let outcome = pending.wait();
                    let failure = outcome.as_ref().err();
                    fates.0.extend(about.into_iter().zip(failure.into_iter().cloned().cycle()));
                    outcome.map(|appended| {
                        let ids = events.iter().map(|made| made.envelope.id).collect();
                        if !appended.repeated {
                            folded.push(Folded { appended, events, hold: one.request.hold_lights });
                        }
                        Answer::Accepted(receipt(&appended, ids, warnings))
                    })
                }
            };
            let answer = match answer {
                Ok(answer) => answer,
                Err(error) if is_contest(&error) && one.contests < CONTESTS => {
                    contest = Some(error);
                    continue;
                }
                Err(error) => {
                    self.counters.log_failures.fetch_add(1, Ordering::Relaxed);
                    failed.push((index, error.into()));
                    continue;
                }
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
        // What this turn did not reach may rest on what failed, and is not tried without it.
        if let Some((_, error)) = failed.first().cloned() {
            failed.extend(one.open().filter(|index| Some(*index) > reached).map(|index| (index, error.clone())));
        }
        if let Err(error) = one.fail(failed) {
            return Some(Err(error));
        }
        if let Some(error) = contest {
            self.counters.contests.fetch_add(1, Ordering::Relaxed);
            tracing::debug!(%error, "What this was decided on has changed; deciding again");
            one.contests += 1;
        }
        let is_whole = one.open().next().is_none();
        is_whole.then(|| Ok(one.answer()))
    }

    /// Takes durable events into the picture and notes whose lights to look at.
    pub(super) fn fold(&mut self, mut folded: Vec<Folded>) {
        // An append that had to be tried again may have come after a later one.
        folded.sort_by_key(|one| one.appended.first);
        for Folded { appended, events, hold } in folded {
            if let Err(error) = self.fold_one(&appended, &events, hold) {
                tracing::warn!(%error, "What was written is read from the log later");
                return;
            }
        }
        self.publish();
    }

    fn fold_one(&mut self, appended: &Appended, events: &[Made], hold: bool) -> Result<(), LogError> {
        self.follow_before(appended.first)?;
        if appended.first <= self.picture.position {
            return Ok(());
        }
        for (position, Made { envelope, event }) in (appended.first..).zip(events) {
            let stamp = Stamp { position, recorded_at: appended.recorded_at, history: envelope.history };
            let NewEvent { id, causation, actor, .. } = envelope;
            let seen = SeenEvent { stamp, id: *id, causation: *causation, actor, event };
            let about =
                self.picture.fold(&seen, &*self.log).map_err(|reason| LogError::Unavailable(reason.to_string()))?;
            if let Some(index) = about {
                self.retries.note(index, event, position);
                self.moved.note(index, event);
                self.watch.touched(&self.picture, index, event, hold, self.now());
            }
        }
        Ok(())
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
            self.pulse.beat();
            self.follow()?;
            let now = self.now();
            self.forget_holds(now);
            self.watch.keep_to(&self.picture, now);
            if self.stands_by() {
                return if settle { Err(LogError::Unavailable(STANDS_BY.to_owned())) } else { Ok(()) };
            }
            self.seal(now)?;
            self.try_waiting(now, settle)?;
            // What is held back together with another node's evidence waits for that, too.
            self.look(now, settle && self.holds.is_empty())?;
            self.ask_for_mail(now)?;
            self.follow_lights_up(now)?;
            let tried = self.retries.is_empty() || self.watch.is_holding() || !self.holds.is_empty();
            let done = tried && !self.watch.is_busy() && self.watch.next_due().is_none_or(|due| due > now);
            if done {
                self.route_again(now)?;
                self.call_on(now)?;
                self.gather(now)?;
                self.propose_joint_checks(now)?;
                self.tell_of_silence(now)?;
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
        let appends = self.watch.look(&self.picture, &*self.log, now, settle)?;
        if appends.is_empty() {
            return Ok(());
        }
        let before = self.picture.position;
        let mut together = Together::submit_conclusions(&*self.log, appends);
        light_trail::tell(&together.recorded, began);
        if let Err(error) = self.take_in_own(&together.recorded).and_then(|()| self.follow()) {
            together.fail(error);
        }
        let contested = together.is_contested();
        match together.outcome(self.picture.position > before) {
            Err(error) => {
                self.watch.look_again();
                Err(error)
            }
            Ok(()) if contested => {
                self.watch.look_again();
                Ok(())
            }
            Ok(()) => {
                self.watch.recorded();
                Ok(())
            }
        }
    }

    /// Takes in what this desk concluded, and what others wrote between.
    pub(super) fn take_in_own(&mut self, recorded: &[(Appended, Vec<NewEvent>)]) -> Result<(), LogError> {
        for (appended, events) in recorded {
            self.follow_before(appended.first)?;
            if appended.first <= self.picture.position {
                continue;
            }
            for (position, envelope) in (appended.first..).zip(events) {
                let stamp = Stamp { position, recorded_at: appended.recorded_at, history: envelope.history };
                let folded = self.picture.fold_written(stamp, envelope, &*self.log);
                let (event, _) = folded.map_err(|reason| LogError::Unavailable(reason.to_string()))?;
                if let Event::LightChanged(_) = event {
                    self.counters.lights_changed.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
        self.publish();
        Ok(())
    }
}

/// The writes of a batch that failed so far, in the order they were decided. Any write about a merchant may be the one that
/// a later answer rests on, not only the last: a ticket is a stream of its own, and may be written where the register was not.
#[derive(Default)]
struct Fates(Vec<(Subject, LogError)>);

impl Fates {
    /// Returns why a write about one of these failed, if one did; a failure before a contest.
    fn worst(&self, about: &[Subject]) -> Option<LogError> {
        let failed = || self.0.iter().filter(|(subject, _)| about.contains(subject)).map(|(_, error)| error);
        failed().find(|error| !is_contest(error)).or_else(|| failed().next()).cloned()
    }
}

/// Returns what is said of a command that the log did not take, or may not have taken.
pub(crate) fn not_recorded(error: &DeskError) -> Problem {
    let in_doubt = match error {
        DeskError::Lost => Some("服务在答复前中断"),
        DeskError::Log(LogError::InDoubt(_)) => Some("事件日志未能确认是否写入"),
        _ => None,
    };
    if let Some(why) = in_doubt {
        return Problem {
            field: "command",
            code: NOT_KNOWN,
            value: String::new(),
            zh: format!("{why}，本条可能已记录、也可能未记录；请重新提交，已记录的内容不会重复"),
            en: error.to_string(),
        };
    }
    let why = if matches!(error, DeskError::Log(LogError::Full)) { "磁盘已满" } else { "原因见服务日志" };
    Problem {
        field: "command",
        code: NOT_RECORDED,
        value: String::new(),
        zh: format!("未能写入事件日志，本条没有记录（{why}），请重新提交"),
        en: format!("the log did not take it, so it is not recorded; send it again: {error}"),
    }
}

/// Code of the problem that the log did not take a command: nothing is wrong with it.
pub(crate) const NOT_RECORDED: &str = "not_recorded";

/// Code of the problem that whoever was asked went away, or did not say in time: nobody knows here whether the log took it.
pub(crate) const NOT_KNOWN: &str = "not_known";

/// Events on disk that are not in the picture yet.
pub(super) struct Folded {
    pub(super) appended: Appended,
    pub(super) events: Vec<Made>,
    pub(super) hold: bool,
}

fn sort(job: Job, waiting: &mut Vec<Waiting>, settlers: &mut Vec<Sender<Result<(), DeskError>>>, stop: &mut bool) {
    match job {
        Job::Execute(request, answer) => waiting.push(Waiting::new(request, answer)),
        Job::Settle(answer) => settlers.push(answer),
        Job::Stop => *stop = true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::code::CreditCode;

    #[test]
    fn a_failure_outweighs_a_contest_wherever_it_stands_and_others_do_not_count() {
        let [here, there] =
            ["91110108MA00000000", "911101051000000001"].map(|code| Some(code.parse::<CreditCode>().unwrap()));
        let contest = || LogError::KeyReused { key: "k".into() };
        let full = |failed: &Option<LogError>| matches!(failed, Some(LogError::Full));
        for failed in [vec![(here, contest()), (here, LogError::Full)], vec![(here, LogError::Full), (here, contest())]]
        {
            assert!(full(&Fates(failed).worst(&[here])));
        }
        let fates = Fates(vec![(there, LogError::Full), (here, contest())]);
        assert!(fates.worst(&[here]).is_some_and(|error| is_contest(&error)));
        assert!(full(&fates.worst(&[here, there])));
        assert!(fates.worst(&[]).is_none());
    }
}
