//! What the desk concludes from lights beside recording them: mails are asked for, and cases take up what changed. What there is to
//! do shows in the picture, so a crash, a week of downtime or a second node changes nothing of it.

use super::engine::Engine;
use super::together::Together;
use crate::alerts::cases::{call as call_for, escalated, joint_check, reminded, taken_up};
use crate::alerts::digest::{Gathering, gathered};
use crate::alerts::request::About;
use crate::alerts::requests::ask;
use crate::domain::case::{Call, Case};
use crate::domain::code::CreditCode;
use crate::domain::decide::merchant_stream;
use crate::domain::envelope::Position;
use crate::domain::merchant::Horizon;
use crate::domain::time::{Instant, day_of};
use crate::domain::words::Light;
use crate::log::contract::{Append, LogError};
use crate::picture::Picture;
use crate::policy::follow_up::Upward;
use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::Ordering;

/// Light changes that cases take up in one go: a closing storm must not keep commands waiting.
const SLICE: usize = 2_000;

impl Engine {
    /// Asks for the mails that rises of lights ask for.
    pub(super) fn ask_for_mail(&mut self, now: Instant) -> Result<(), LogError> {
        if self.picture.rises.is_empty() {
            return Ok(());
        }
        let (mut asked, outcome) = ask(
            &self.picture.rises,
            &self.picture.outbox,
            &*self.log,
            &self.recipients,
            &about(&self.picture, now),
            now,
        );
        let new = asked.iter().filter(|(appended, _)| !appended.repeated).count();
        self.counters.mails_requested.fetch_add(u64::try_from(new).unwrap_or(u64::MAX), Ordering::Relaxed);
        asked.sort_by_key(|(appended, _)| appended.first);
        self.take_in_own(&asked)?;
        self.follow()?;
        outcome
    }

    /// Has cases take up the light changes that wait for them: one of each merchant at a time, because what the next one means
    /// rests on it.
    pub(super) fn follow_lights_up(&mut self, now: Instant) -> Result<(), LogError> {
        while !self.picture.cases.is_settled() {
            let appends = self.to_take_up(now)?;
            self.conclude(appends)?;
        }
        Ok(())
    }

    fn to_take_up(&self, now: Instant) -> Result<Vec<Append>, LogError> {
        let Picture { cases, policies, .. } = &self.picture;
        let about = about(&self.picture, now);
        let mut appends = Vec::new();
        for (position, pending) in cases.pending().take(SLICE) {
            let trail = self.log.event_at(position)?.and_then(|recorded| recorded.event.correlation);
            appends.push(taken_up(pending, trail, cases, &about(&pending.change.credit_code), policies, now));
        }
        Ok(appends)
    }

    /// Calls on those in charge of what is late, and of what was acknowledged and left: steps up, reminders, and the mails that tell of
    /// them. Only once everything that happened until `now` was looked at: a duty that fell away in time is not late.
    pub(super) fn call_on(&mut self, now: Instant) -> Result<(), LogError> {
        loop {
            let mut appends = self.steps_to_take(now);
            appends.extend(self.ticket_steps(now, SLICE));
            if appends.is_empty() {
                break;
            }
            self.conclude(appends)?;
        }
        let mut requests = self.calls_to_make(now);
        requests.extend(self.ticket_calls(now, SLICE));
        if requests.is_empty() {
            return Ok(());
        }
        self.counters.mails_requested.fetch_add(u64::try_from(requests.len()).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.conclude(requests)
    }

    /// Proposes joint checks to regulators who have something to do about the same merchant. Each is proposed once.
    pub(super) fn propose_joint_checks(&mut self, now: Instant) -> Result<(), LogError> {
        let Picture { cases, world, uncounted, .. } = &self.picture;
        let proposed = cases.shared().filter_map(|case| {
            let merchant = world.get(case.credit_code)?;
            joint_check(case, merchant, uncounted.whole(&merchant_stream(case.credit_code), merchant.revision), now)
        });
        let appends: Vec<Append> = proposed.take(SLICE).collect();
        if appends.is_empty() { Ok(()) } else { self.conclude(appends) }
    }

    /// One of each case at a time: the next is decided on it.
    fn steps_to_take(&self, now: Instant) -> Vec<Append> {
        let Picture { cases, policies, .. } = &self.picture;
        let Some(follow_up) = &policies.pack.follow_up else { return Vec::new() };
        let mut taken = HashSet::new();
        let steps = cases.due_steps(now).filter_map(|(case, duty, at)| {
            let append = escalated(case, duty, at, follow_up, &policies.calendar, now)?;
            taken.insert(case.id).then_some(append)
        });
        let mut appends: Vec<Append> = steps.take(SLICE).collect();
        for (case, acknowledged_at) in cases.idle() {
            let Some(at) = follow_up.remind_at(acknowledged_at).filter(|at| *at <= now) else { break };
            if taken.insert(case.id) {
                appends.push(reminded(case, acknowledged_at, at, now));
            }
        }
        appends
    }

    /// Whoever is told of what is not red is told in office hours.
    fn calls_to_make(&self, now: Instant) -> Vec<Append> {
        let Picture { cases, policies, outbox, .. } = &self.picture;
        let Some(follow_up) = &policies.pack.follow_up else { return Vec::new() };
        let about = about(&self.picture, now);
        // Many duties of one case may be late at once: what is said of red lights is told together, too.
        let reds = BTreeMap::new();
        // Whoever is in charge from now on is told of the light as everybody is: at once.
        let is_urgent = |case: &Case, call: &Call| case.light == Light::Red || call.is_routing();
        let due = cases.calls().filter_map(|(_, case, call)| {
            let about = about(&case.credit_code);
            let to = call.to.as_deref().and_then(Upward::named).unwrap_or(Upward::Officer);
            let told = self.recipients.called_upon(to, about.sector.as_deref(), &about.place, day_of(now));
            let is_time = || follow_up.office_time(call.at, &policies.calendar, told.hours) <= now;
            (is_urgent(case, call) || is_time()).then(|| {
                let gathered =
                    gathered(&told.recipients, case.credit_code, case.light, &reds, outbox, &self.recipients, now);
                call_for(case, call, &about, told.recipients.clone(), gathered, now)
            })
        });
        due.take(SLICE).collect()
    }

    /// Tells readers together of what was asked for, and is told with others.
    pub(super) fn gather(&mut self, now: Instant) -> Result<(), LogError> {
        loop {
            let before = self.picture.position;
            let appends = Gathering::new(&self.picture, &self.recipients, &*self.log, now).due()?;
            if appends.is_empty() {
                return Ok(());
            }
            let mails = appends.iter().filter(|append| append.events.len() > 1).count();
            self.counters.mails_requested.fetch_add(u64::try_from(mails).unwrap_or(u64::MAX), Ordering::Relaxed);
            self.conclude(appends)?;
            // What another node told first has come in by now; what has not is looked at again later.
            if self.picture.position == before {
                return Ok(());
            }
        }
    }

    /// Records conclusions and takes them in. One that another node drew first, or that rests on what has changed meanwhile, is left;
    /// what is still to be said shows in the picture.
    pub(super) fn conclude(&mut self, appends: Vec<Append>) -> Result<(), LogError> {
        let before = self.picture.position;
        let together = Together::submit_conclusions(&*self.log, appends);
        self.take_in_own(&together.recorded)?;
        self.follow()?;
        together.outcome(self.picture.position > before)
    }
}

/// Returns what routing needs to know about merchants at an instant.
pub(super) fn about(picture: &Picture, now: Instant) -> impl Fn(&CreditCode) -> About {
    let Picture { world, policies, .. } = picture;
    let horizon = Horizon::new(now, Position::MAX);
    move |code| world.get(*code).map(|merchant| About::of(merchant, &horizon, policies)).unwrap_or_default()
}
