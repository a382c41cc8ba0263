//! A second program that follows lights up, plainly: it reads what was recorded in its order, keeps every case in a list, goes over all of
//! them each time the clock is looked at, and has no index. What it comes to is held against the service's cases.

use std::collections::{BTreeMap, BTreeSet};
use warnlight::domain::code::CreditCode;
use warnlight::domain::event::{EnforcementAct, Entry, Event, LightChanged};
use warnlight::domain::time::{Day, Instant, day_of, plus_days, plus_hours, start_of};
use warnlight::domain::words::{ActKind, Light};
use warnlight::policy::Policies;
use warnlight::policy::rule::Duty as RuleDuty;

/// A duty, as the plain program has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Duty {
    pub(super) rule: String,
    pub(super) at: Instant,
    pub(super) due: Option<Instant>,
    pub(super) end: Option<&'static str>,
    /// When it went up.
    pub(super) steps: Vec<Instant>,
    acts: Vec<ActKind>,
    /// Its rule no longer fired after it was fulfilled.
    lapsed: bool,
    paused_until: Option<Instant>,
}

/// A case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Case {
    pub(super) opened_at: Instant,
    pub(super) open: bool,
    pub(super) duties: Vec<Duty>,
    /// When its acknowledgements were reminded of.
    pub(super) reminders: Vec<Instant>,
    closed_at: Instant,
    acknowledged_at: Option<Instant>,
    /// A duty was let be or put off since it was acknowledged.
    tended: bool,
    reminded: bool,
    acts: Vec<Act>,
    /// A person ended it.
    by_person: bool,
    worst: Light,
}

impl Duty {
    /// The service's duty, with the steps on record.
    pub(super) fn found(duty: &warnlight::domain::case::Duty, steps: Option<Vec<Instant>>) -> Self {
        use warnlight::domain::case::End;
        let end = duty.end.as_ref().map(|end| match end {
            End::Done { .. } => "done",
            End::Waived { .. } => "waived",
            End::FallenAway { .. } => "fallen away",
        });
        let (rule, acts) = (duty.arisen.rule.clone(), duty.arisen.acts.clone());
        let steps = steps.unwrap_or_default();
        Self { rule, at: duty.at, due: duty.arisen.due_at, end, steps, acts, lapsed: false, paused_until: None }
    }
}

impl Case {
    /// The service's case.
    pub(super) fn found(case: &warnlight::domain::case::Case, duties: Vec<Duty>, reminders: Vec<Instant>) -> Self {
        Self {
            opened_at: case.opened_at,
            open: case.is_open(),
            duties,
            reminders,
            closed_at: Instant::MIN,
            acknowledged_at: None,
            tended: false,
            reminded: false,
            acts: Vec::new(),
            by_person: false,
            worst: case.worst,
        }
    }

    fn acted_on(&self) -> bool {
        self.tended || self.acts.iter().any(|act| act.since)
    }

    /// What is compared of a case: everything that does not follow from it.
    pub(super) fn told(&self) -> String {
        let duty = |duty: &Duty| {
            format!("{} at {} due {:?} {:?} steps {:?}", duty.rule, duty.at, duty.due, duty.end, duty.steps)
        };
        let duties: Vec<String> = self.duties.iter().map(duty).collect();
        let Self { opened_at, open, reminders, worst, .. } = self;
        format!("{opened_at} open {open} worst {worst} reminders {reminders:?}\n  {}", duties.join("\n  "))
    }
}

/// An act of a case that was not cancelled.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Act {
    kind: ActKind,
    day: Day,
    number: Option<String>,
    /// Recorded by itself, and not in the case.
    by_itself: bool,
    /// Places of the duties it fulfils, alone or beside others.
    fulfils: Vec<usize>,
    /// Nothing was acknowledged after it.
    since: bool,
}

/// Everything about one merchant.
#[derive(Debug, Default)]
struct Merchant {
    cases: Vec<Case>,
    rules: BTreeSet<String>,
    light: Option<Light>,
}

pub(super) struct Plain<'p> {
    policies: &'p Policies,
    merchants: BTreeMap<CreditCode, Merchant>,
    /// Mails that called on somebody: about whom, and what for.
    pub(super) mails: Vec<(CreditCode, Option<String>, Instant)>,
    waiting: Vec<Call>,
}

/// Somebody is to be called on: about which case and duty, since when.
#[derive(Debug, Clone)]
struct Call {
    code: CreditCode,
    case: usize,
    duty: Option<usize>,
    at: Instant,
}

impl<'p> Plain<'p> {
    pub(super) fn new(policies: &'p Policies) -> Self {
        Self { policies, merchants: BTreeMap::new(), mails: Vec::new(), waiting: Vec::new() }
    }

    pub(super) fn cases(&self) -> BTreeMap<CreditCode, Vec<Case>> {
        let all = self.merchants.iter().filter(|(_, merchant)| !merchant.cases.is_empty());
        all.map(|(code, merchant)| (*code, merchant.cases.clone())).collect()
    }

    /// Hears what was recorded. What the service says of cases itself it does not listen to.
    pub(super) fn hear(&mut self, event: &Event) {
        match event {
            Event::LightChanged(change) => self.light(change),
            Event::AlertAcknowledged(step) => self.with(step.credit_code, |case| {
                (case.acknowledged_at, case.tended, case.reminded) = (Some(step.at), false, false);
                case.acts.iter_mut().for_each(|act| act.since = false);
            }),
            Event::AcknowledgementWithdrawn(step) => self.with(step.credit_code, |case| {
                case.acknowledged_at = None;
            }),
            Event::DutyWaived(step) => self.named(step.credit_code, step.duty, |duty| {
                duty.end.get_or_insert("waived");
            }),
            Event::DutyPaused(step) => {
                self.named(step.credit_code, step.duty, |duty| duty.paused_until = Some(step.until));
            }
            Event::AlertClosed(step) if step.change.is_none() => self.with(step.credit_code, |case| {
                (case.open, case.closed_at, case.by_person) = (false, step.at, true);
            }),
            Event::AlertActedOn(act) => {
                self.acted(act.credit_code, act.kind.unwrap(), act.date.unwrap(), None);
            }
            Event::TalkHeld(act) => self.enforced(ActKind::Talk, act),
            Event::WarningLetterIssued(act) => self.enforced(ActKind::WarningLetter, act),
            Event::YellowCardPosted(act) => self.enforced(ActKind::YellowCard, act),
            Event::PenaltyDecided(act) => self.enforced(ActKind::Penalty, act),
            Event::RectificationMet(act) => self.enforced(ActKind::RectificationMet, act),
            Event::RectificationOrdered(act) => {
                self.acted(act.credit_code, ActKind::RectificationOrdered, act.date, Some(act.number.as_ref()));
            }
            Event::EntryCancelled(cancelled) => {
                if let Entry::Act { kind, date, number } = &cancelled.entry {
                    self.cancelled(cancelled.credit_code, kind.name(), *date, number.as_ref());
                }
            }
            _ => {}
        }
    }

    fn with(&mut self, code: CreditCode, change: impl FnOnce(&mut Case)) {
        if let Some(case) = self.merchants.entry(code).or_default().cases.last_mut() {
            change(case);
        }
    }

    /// The events name a duty by its id, which is the service's: which one it is, the test tells beforehand.
    fn named(&mut self, code: CreditCode, id: uuid::Uuid, change: impl FnOnce(&mut Duty)) {
        let place = usize::try_from(id.as_u128()).unwrap();
        self.with(code, |case| {
            case.tended = true;
            change(&mut case.duties[place]);
        });
    }

    fn enforced(&mut self, kind: ActKind, act: &EnforcementAct) {
        self.acted(act.credit_code, kind, act.date, Some(act.number.as_ref()));
    }

    /// The number is that of an act with a record of its own, if that has one.
    fn acted(&mut self, code: CreditCode, kind: ActKind, day: Day, number: Option<Option<&String>>) {
        self.with(code, |case| {
            if !case.open && !case.by_person || day < day_of(case.opened_at) {
                return;
            }
            let mut fulfils = Vec::new();
            for (place, duty) in case.duties.iter_mut().enumerate() {
                let may = matches!(duty.end, None | Some("done")) && !duty.lapsed;
                if may && duty.acts.contains(&kind) && day_of(duty.at) <= day {
                    duty.end = Some("done");
                    fulfils.push(place);
                }
            }
            let (by_itself, number) = (number.is_some(), number.flatten().cloned());
            case.acts.push(Act { kind, day, number, by_itself, fulfils, since: true });
        });
    }

    fn cancelled(&mut self, code: CreditCode, kind: &str, day: Day, number: Option<&String>) {
        let is_lit = self.merchants.get(&code).is_some_and(|merchant| merchant.light != Some(Light::Green));
        self.with(code, |case| {
            if !(case.open || case.by_person && is_lit) {
                return;
            }
            let named =
                |act: &Act| act.by_itself && (act.kind.name(), act.day, act.number.as_ref()) == (kind, day, number);
            case.acts.retain(|act| !named(act));
            for (place, duty) in case.duties.iter_mut().enumerate() {
                if duty.end == Some("done") && !case.acts.iter().any(|act| act.fulfils.contains(&place)) {
                    duty.end = duty.lapsed.then_some("fallen away");
                }
            }
            // Whoever ended it did so because nothing was left to do.
            if case.duties.iter().any(|duty| duty.end.is_none()) {
                (case.open, case.by_person) = (true, false);
            }
        });
    }

    fn light(&mut self, change: &LightChanged) {
        let policies = self.policies;
        let merchant = self.merchants.entry(change.credit_code).or_default();
        let rules: BTreeSet<String> = change.reasons.iter().map(|reason| reason.rule.clone()).collect();
        let before = std::mem::replace(&mut merchant.rules, rules.clone());
        merchant.light = Some(change.to);
        let known = merchant.cases.last().is_some();
        if let Some(case) = merchant.cases.last_mut() {
            for duty in case.duties.iter_mut().filter(|duty| !rules.contains(&duty.rule)) {
                duty.lapsed = true;
                duty.end.get_or_insert("fallen away");
            }
            if change.to == Light::Green {
                if case.open {
                    (case.open, case.closed_at, case.by_person) = (false, change.at, false);
                }
                return;
            }
        }
        let is_fresh = |rule: &String| !before.contains(rule);
        let rose = change.to > change.from;
        if !change.notify || !(rose || known && rules.iter().any(is_fresh)) {
            return;
        }
        let reopens = |case: &Case| day_of(change.at) <= plus_days(day_of(case.closed_at), 30);
        let same = merchant.cases.last().is_some_and(|case| case.open || reopens(case));
        if !same {
            merchant.cases.push(Case {
                opened_at: change.at,
                open: true,
                duties: Vec::new(),
                reminders: Vec::new(),
                closed_at: Instant::MIN,
                acknowledged_at: None,
                tended: false,
                reminded: false,
                acts: Vec::new(),
                by_person: false,
                worst: change.to,
            });
        }
        let Some(case) = merchant.cases.last_mut() else { return };
        if !case.open || change.to > case.worst {
            (case.worst, case.acknowledged_at) = (change.to, None);
        }
        (case.open, case.by_person) = (true, false);
        for reason in change.reasons.iter().filter(|reason| !same || is_fresh(&reason.rule)) {
            let duty = &policies.pack.rule(&reason.rule).unwrap().duty;
            case.duties.push(Duty {
                rule: reason.rule.clone(),
                at: change.at,
                due: due(duty, change.at, policies),
                end: None,
                steps: Vec::new(),
                acts: duty.acts.clone(),
                lapsed: false,
                paused_until: None,
            });
        }
    }

    /// The clock is looked at: what is late goes up, what was left is reminded of, and whoever is to be told is.
    pub(super) fn look(&mut self, now: Instant) {
        let policies = self.policies;
        for (code, merchant) in &mut self.merchants {
            let Some(place) = merchant.cases.len().checked_sub(1).filter(|place| merchant.cases[*place].open) else {
                continue;
            };
            let case = &mut merchant.cases[place];
            for (number, duty) in case.duties.iter_mut().enumerate() {
                while let Some(at) = next(duty, policies).filter(|at| *at <= now) {
                    duty.steps.push(at);
                    self.waiting.push(Call { code: *code, case: place, duty: Some(number), at });
                }
            }
            let idle_since = case.acknowledged_at.filter(|_| !case.reminded && !case.acted_on());
            if let Some(at) = idle_since.map(|since| plus_hours(since, 24)).filter(|at| *at <= now) {
                case.reminded = true;
                case.reminders.push(at);
                self.waiting.push(Call { code: *code, case: place, duty: None, at });
            }
        }
        for call in std::mem::take(&mut self.waiting) {
            let merchant = &self.merchants[&call.code];
            let case = &merchant.cases[call.case];
            let over = match call.duty {
                _ if !case.open => true,
                Some(duty) => case.duties[duty].end.is_some(),
                None => case.acknowledged_at.is_none() || case.acted_on(),
            };
            if over {
                continue;
            }
            if merchant.light == Some(Light::Red) || office(call.at, policies) <= now {
                let rule = call.duty.map(|duty| case.duties[duty].rule.clone());
                self.mails.push((call.code, rule, call.at));
            } else {
                self.waiting.push(call);
            }
        }
    }
}

/// When a duty goes up next.
fn next(duty: &Duty, policies: &Policies) -> Option<Instant> {
    let due = duty.due.filter(|_| duty.end.is_none())?;
    let next = match duty.steps.as_slice() {
        [] => due,
        [first] => end_of_working_days(*first, 1, policies),
        [_, second] => end_of_working_days(*second, 2, policies),
        _ => return None,
    };
    Some(duty.paused_until.map_or(next, |until| until.max(next)))
}

fn due(duty: &RuleDuty, at: Instant, policies: &Policies) -> Option<Instant> {
    match (duty.hours, duty.days, duty.working_days) {
        // At once: before that day is over.
        (Some(0), ..) => Some(start_of(plus_days(day_of(at), 1))),
        (Some(hours), ..) => Some(plus_hours(at, i64::from(hours))),
        (_, Some(days), _) => Some(start_of(plus_days(day_of(at), i64::from(days) + 1))),
        (_, _, Some(days)) => Some(end_of_working_days(at, days, policies)),
        _ => None,
    }
}

/// The end of the so-manieth working day after an instant's day, counted day by day.
fn end_of_working_days(at: Instant, count: u32, policies: &Policies) -> Instant {
    let days = (1..).map(|ahead| plus_days(day_of(at), ahead)).filter(|day| policies.calendar.is_working_day(*day));
    let last = days.take(usize::try_from(count).unwrap()).last().unwrap_or_else(|| day_of(at));
    start_of(plus_days(last, 1))
}

/// When offices are open from an instant on: nine to six, hour by hour.
fn office(at: Instant, policies: &Policies) -> Instant {
    let open = |at: Instant| {
        let day = day_of(at);
        let is_open = plus_hours(start_of(day), 9) <= at && at < plus_hours(start_of(day), 18);
        is_open && policies.calendar.is_working_day(day)
    };
    if open(at) {
        return at;
    }
    let hours = (0..).flat_map(|ahead| (0..24).map(move |hour| (ahead, hour)));
    hours
        .map(|(ahead, hour)| plus_hours(start_of(plus_days(day_of(at), ahead)), hour))
        .find(|hour| *hour >= at && open(*hour))
        .unwrap()
}
