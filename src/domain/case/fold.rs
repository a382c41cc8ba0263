//! The fold of cases: light changes, what is said of cases, and acts.

use super::history::By;
use super::{ActDone, Case, Closed, Duty, End, Pause};
use crate::domain::code::CreditCode;
use crate::domain::envelope::Position;
use crate::domain::event::{AlertRaised, Event, LightChanged};
use crate::domain::time::{Instant, day_of};
use crate::domain::words::{CaseOutcome, Light};
use imbl::{HashMap, OrdMap, OrdSet};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use uuid::Uuid;

/// A light change that a case has to say something about, and has not yet. After a crash between the two, the gap shows here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// Event id of the change.
    pub id: Uuid,
    /// The change.
    pub change: LightChanged,
    /// Rules that have no duty from before.
    pub fresh: Vec<String>,
}

/// Who is called upon when a case came to another office: the office in charge.
const ROUTED: &str = "officer";

/// A step up, a reminder, or a case that came to another office, of which nobody was told yet by mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// The event.
    pub id: Uuid,
    /// The case.
    pub case: Uuid,
    /// The duty that is late; `None` for the others.
    pub duty: Option<Uuid>,
    /// Who is told; `None` for a reminder: the office in charge.
    pub to: Option<String>,
    /// When the clock ran out.
    pub at: Instant,
}

impl Call {
    /// Says whether the case came to another office, which is told of the light as if it had been in charge from the start.
    #[must_use]
    pub const fn is_routing(&self) -> bool {
        self.duty.is_none() && self.to.is_some()
    }

    /// Says whether there is still something to call for: a duty that stands, or an acknowledgement that nothing followed.
    fn is_wanted(&self, case: &Case) -> bool {
        let wanted = || match self.duty {
            Some(duty) => case.duty(duty).is_some_and(Duty::stands),
            None => self.is_routing() || case.acknowledged_at.is_some() && !case.is_acted_on(),
        };
        case.is_open() && wanted()
    }
}

/// Every case, with what is to be done about them, in order of time; a copy shares all that was not changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cases {
    /// The policies in force say that lights are followed up.
    follows: bool,
    /// By the position of the event that opened it.
    cases: OrdMap<Position, Arc<Case>>,
    places: HashMap<Uuid, Position>,
    /// The newest case about each merchant.
    latest: HashMap<CreditCode, Position>,
    pending: OrdMap<(CreditCode, Position), Arc<Pending>>,
    /// Open cases by their soonest last instant; those without a clock come last.
    open: OrdSet<(Instant, Position)>,
    /// Steps up that come if nothing is done: when, of which case and duty.
    steps: OrdSet<(Instant, Position, Uuid)>,
    /// Open cases that were acknowledged and nothing was done since, by when that was.
    idle: OrdSet<(Instant, Position)>,
    /// Open cases in which the regulators of several sectors have something to do.
    shared: OrdSet<Position>,
    /// Steps up and reminders without a mail, by the case's position and their own.
    calls: OrdMap<(Position, Position), Arc<Call>>,
}

impl Cases {
    /// Returns a case.
    #[must_use]
    pub fn get(&self, id: Uuid) -> Option<&Case> {
        self.at(*self.places.get(&id)?)
    }

    /// Returns the newest case about a merchant, open or not.
    #[must_use]
    pub fn latest(&self, code: CreditCode) -> Option<&Case> {
        self.at(*self.latest.get(&code)?)
    }

    fn at(&self, position: Position) -> Option<&Case> {
        self.cases.get(&position).map(|case| &**case)
    }

    /// Returns every case, newest first.
    pub fn all(&self) -> impl Iterator<Item = &Case> {
        self.cases.values().rev().map(|case| &**case)
    }

    /// Returns the open cases, the soonest due first.
    pub fn open(&self) -> impl Iterator<Item = &Case> {
        self.open.iter().filter_map(|(_, position)| self.at(*position))
    }

    /// Returns the first light change about each merchant that a case has to say something about, with its position.
    pub fn pending(&self) -> impl Iterator<Item = (Position, &Pending)> {
        let mut before = None;
        let first =
            move |((code, _), _): &(&(CreditCode, Position), &Arc<Pending>)| before.replace(*code) != Some(*code);
        self.pending.iter().filter(first).map(|((_, position), pending)| (*position, &**pending))
    }

    /// Says whether every light change was taken up.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.pending.is_empty()
    }

    /// Returns the steps up that are due at `now`, longest due first.
    pub fn due_steps(&self, now: Instant) -> impl Iterator<Item = (&Case, &Duty, Instant)> {
        self.steps.iter().take_while(move |(at, ..)| *at <= now).filter_map(|(at, position, duty)| {
            let case = self.at(*position)?;
            Some((case, case.duty(*duty)?, *at))
        })
    }

    /// Returns when the next step up comes; `None` if none does.
    #[must_use]
    pub fn next_step_at(&self) -> Option<Instant> {
        self.steps.get_min().map(|(at, ..)| *at)
    }

    /// Returns the open cases that were acknowledged and not acted on since, with when that was, longest ago first.
    pub fn idle(&self) -> impl Iterator<Item = (&Case, Instant)> {
        self.idle.iter().filter_map(|(at, position)| Some((self.at(*position)?, *at)))
    }

    /// Returns the open cases in which the regulators of several sectors have something to do.
    pub fn shared(&self) -> impl Iterator<Item = &Case> {
        self.shared.iter().filter_map(|position| self.at(*position))
    }

    /// Returns the steps up and reminders that nobody was told of yet by mail, each with its case.
    pub fn calls(&self) -> impl Iterator<Item = (Position, &Case, &Call)> {
        self.calls.iter().filter_map(|((case, position), call)| Some((*position, self.at(*case)?, &**call)))
    }

    fn call(&mut self, position: Position, call: Call) {
        let Some(case) = self.places.get(&call.case).copied() else { return };
        // Of two nodes, one may find a duty late while somebody acts at the other.
        if self.at(case).is_some_and(|case| call.is_wanted(case)) {
            self.calls.insert((case, position), Arc::new(call));
        }
    }

    fn called(&mut self, case: Uuid, cause: Uuid) {
        let Some(case) = self.places.get(&case).copied() else { return };
        let mut own = self.calls.range((case, 0)..=(case, Position::MAX));
        let place = own.find(|(_, call)| call.id == cause).map(|(place, _)| *place);
        if let Some(place) = place {
            self.calls.remove(&place);
        }
    }

    /// Whoever acts need not be called upon.
    fn hang_up(&mut self, case: &Case) {
        let own = self.calls.range((case.position, 0)..=(case.position, Position::MAX));
        let over: Vec<_> = own.filter(|(_, call)| !call.is_wanted(case)).map(|(place, _)| *place).collect();
        for place in over {
            self.calls.remove(&place);
        }
    }

    /// Takes over a call that waits, as it was kept elsewhere.
    pub fn put_call(&mut self, position: Position, call: Call) {
        self.call(position, call);
    }

    /// Takes one event into account: its id, its place, and when it was recorded.
    pub fn apply(&mut self, event: &Event, id: Uuid, position: Position, recorded_at: Instant) {
        let by = By { id, position, at: recorded_at };
        match event {
            Event::PolicyActivated(activated) => self.follows = activated.follow_up,
            Event::LightChanged(change) => self.light_changed(change, by),
            Event::AlertRaised(raised) => self.raised(raised, by),
            Event::AlertClosed(closed) => self.step(closed.alert, by, |case| {
                let outcome = closed.outcome.unwrap_or(CaseOutcome::Other);
                case.closed = Some(Closed { at: closed.at, outcome });
            }),
            Event::AlertAcknowledged(step) => self.step(step.alert, by, |case| {
                case.acknowledged_at = Some(step.at);
                (case.is_tended, case.is_reminded) = (false, false);
                case.acts.iter_mut().for_each(|act| act.is_since = false);
            }),
            Event::AcknowledgementWithdrawn(step) => self.step(step.alert, by, |case| case.acknowledged_at = None),
            Event::AlertReminded(step) => {
                self.step(step.alert, by, |case| case.is_reminded = true);
                self.call(position, Call { id, case: step.alert, duty: None, to: None, at: step.at });
            }
            Event::MailRequested(requested) => {
                if let Some(call) = requested.call() {
                    self.called(call.alert, call.cause);
                }
            }
            Event::AlertAssigned(step) => self.step(step.alert, by, |case| case.holder = Some(step.to.clone())),
            Event::AlertNoted(step) => self.step(step.alert, by, |_| {}),
            Event::AlertActedOn(act) => self.step(act.alert, by, |_| {}),
            Event::EntryCancelled(cancelled) => {
                let may_go_on = self.latest(cancelled.credit_code).filter(|case| case.may_go_on());
                if let Some(mut case) = may_go_on.cloned()
                    && case.act_cancelled(&cancelled.entry)
                {
                    case.take_up_again();
                    self.change(case, by);
                }
            }
            Event::DutyWaived(step) => self.duty_step(step.alert, step.duty, by, |duty| {
                if duty.stands() {
                    duty.end = Some(End::Waived { reason: step.reason.clone(), at: step.at });
                }
            }),
            Event::DutyPaused(step) => self.duty_step(step.alert, step.duty, by, |duty| {
                duty.pause = Some(Pause { until: step.until, reason: step.reason.clone() });
            }),
            Event::AlertRouted(routed) => {
                self.step(routed.alert, by, |case| case.sector.clone_from(&routed.to));
                if routed.tells {
                    let to = Some(ROUTED.to_owned());
                    self.call(position, Call { id, case: routed.alert, duty: None, to, at: routed.at });
                }
            }
            Event::AlertEscalated(step) => {
                self.step(step.alert, by, |case| {
                    if let Some(duty) = case.duties.iter_mut().find(|duty| Some(duty.arisen.duty) == step.duty) {
                        duty.steps = duty.steps.max(step.step.unwrap_or_default());
                        duty.next_step_at = step.next_at;
                    }
                });
                let (case, duty, to) = (step.alert, step.duty, step.to.clone());
                self.call(position, Call { id, case, duty, to, at: step.at });
            }
            _ => {}
        }
        if let Some(act) = ActDone::of(event) {
            self.acted(&act, by);
        }
        if let Some(mut case) =
            tended_by(event).and_then(|code| self.latest(code)).filter(|case| case.is_open()).cloned()
        {
            case.is_tended = true;
            self.change(case, by);
        }
    }

    /// An act is about the newest case, if it was done on the day that opened or later. One that a person ended is changed by none, but
    /// may go on without the act it ended on.
    fn acted(&mut self, act: &ActDone, by: By) {
        let goes_on = |case: &Case| case.is_open() || case.is_ended_by_person();
        let is_its = |case: &&Case| goes_on(case) && day_of(case.opened_at) <= act.day;
        let Some(mut case) = self.latest(act.credit_code).filter(is_its).cloned() else { return };
        case.acted(act, by.id, by.at);
        self.change(case, by);
    }

    /// Says whether lights that rise are followed up.
    #[must_use]
    pub const fn follows(&self) -> bool {
        self.follows
    }

    /// Says from now on whether lights that rise are followed up.
    pub const fn set_follows(&mut self, follows: bool) {
        self.follows = follows;
    }

    fn light_changed(&mut self, change: &LightChanged, by: By) {
        let code = change.credit_code;
        let pending = |fresh| Pending { id: by.id, change: change.clone(), fresh };
        // While one waits, those after it stand in line: what they mean rests on what is said of that.
        let waits = if self.pending_of(code).next().is_some() {
            Some(pending(Vec::new()))
        } else if let Some(case) = self.latest(code).cloned() {
            let mut pending = pending(Vec::new());
            self.follow(case, &mut pending, by).then_some(pending)
        } else {
            // Most lights of a district: nothing follows, so nothing is copied.
            (self.follows && change.asks_for_mail()).then(|| pending(rules(change)))
        };
        if let Some(pending) = waits {
            self.put_pending(by.position, pending);
        }
    }

    /// Has a case follow its light; says whether the case has to say something about it.
    fn follow(&mut self, mut case: Case, pending: &mut Pending, by: By) -> bool {
        let change = &pending.change;
        let now = rules(change);
        pending.fresh = now.iter().filter(|rule| !case.rules.contains(rule)).cloned().collect();
        case.light = change.to;
        case.change = pending.id;
        case.changed_at = change.at;
        case.rules = now;
        fall_away(&mut case);
        let again = change.may_come_again() && bring_again(&mut case, &mut pending.fresh, change.at);
        let is_news = change.notify && (change.to > change.from || !pending.fresh.is_empty());
        let is_news = self.follows && (is_news || again);
        let says = match (case.is_open(), change.to) {
            (is_open, Light::Green) => is_open,
            (..) => is_news,
        };
        self.change(case, by);
        says
    }

    fn pending_of(&self, code: CreditCode) -> impl Iterator<Item = (Position, &Arc<Pending>)> {
        self.pending.range((code, 0)..=(code, Position::MAX)).map(|((_, position), pending)| (*position, pending))
    }

    /// Takes a light change that was taken up out of the line; `None` if it did not stand there.
    fn taken_up(&mut self, code: CreditCode, change: Uuid) -> Option<Arc<Pending>> {
        let (position, _) = self.pending_of(code).find(|(_, pending)| pending.id == change)?;
        self.pending.remove(&(code, position))
    }

    fn raised(&mut self, raised: &AlertRaised, by: By) {
        let code = raised.credit_code;
        let asked = self.taken_up(code, raised.change);
        let mut case = self.get(raised.alert).cloned().unwrap_or_else(|| Case {
            id: raised.alert,
            credit_code: code,
            position: by.position,
            opened_at: raised.at,
            sector: None,
            light: raised.light,
            worst: raised.light,
            change: raised.change,
            changed_at: raised.at,
            rules: asked.as_ref().map_or_else(
                || raised.duties.iter().map(|duty| duty.rule.clone()).collect(),
                |pending| rules(&pending.change),
            ),
            duties: Vec::new(),
            acknowledged_at: None,
            acts: Vec::new(),
            is_tended: false,
            is_reminded: false,
            holder: None,
            reopened: 0,
            closed: None,
            revision: 0,
            turns: Vec::new(),
        });
        if case.closed.take().is_some() {
            case.reopened += 1;
            case.worst = raised.light;
            case.acknowledged_at = None;
        }
        if raised.light > case.worst {
            case.worst = raised.light;
            case.acknowledged_at = None;
        }
        case.revision += 1;
        case.sector.clone_from(&raised.sector);
        case.duties.extend(raised.duties.iter().map(|arisen| Duty {
            arisen: arisen.clone(),
            sector: raised.sector.clone(),
            at: raised.at,
            pause: None,
            steps: 0,
            next_step_at: None,
            end: None,
            lapsed: None,
        }));
        self.change(case, by);
        if asked.is_some() {
            self.next_in_line(code, by);
        }
    }

    /// What came while another change waited is followed now, up to the next that the case has to say something about.
    fn next_in_line(&mut self, code: CreditCode, by: By) {
        while let (Some((position, pending)), Some(case)) = (self.first_in_line(code), self.latest(code).cloned()) {
            let mut pending = Pending::clone(&pending);
            if self.follow(case, &mut pending, by) {
                self.put_pending(position, pending);
                return;
            }
            self.pending.remove(&(code, position));
        }
    }

    fn first_in_line(&self, code: CreditCode) -> Option<(Position, Arc<Pending>)> {
        self.pending_of(code).next().map(|(position, pending)| (position, pending.clone()))
    }

    fn step(&mut self, id: Uuid, by: By, change: impl FnOnce(&mut Case)) {
        let Some(case) = self.get(id) else { return };
        let mut case = case.clone();
        case.revision += 1;
        change(&mut case);
        let (code, is_open) = (case.credit_code, case.is_open());
        self.change(case, by);
        // There is nothing left to end.
        let first = self.first_in_line(code).filter(|(_, pending)| !is_open && pending.change.to == Light::Green);
        if let Some((position, _)) = first {
            self.pending.remove(&(code, position));
            self.next_in_line(code, by);
        }
    }

    fn duty_step(&mut self, id: Uuid, duty: Uuid, by: By, change: impl FnOnce(&mut Duty)) {
        self.step(id, by, |case| {
            // Whoever lets a duty be, or puts it off, has done something.
            case.is_tended = true;
            if let Some(duty) = case.duties.iter_mut().find(|known| known.arisen.duty == duty) {
                change(duty);
            }
        });
    }

    /// Takes over a case as an event left it, and notes what that made of it.
    fn change(&mut self, mut case: Case, by: By) {
        let before = self.cases.get(&case.position).cloned();
        case.note(before.as_deref(), by);
        self.put(case);
    }

    /// Takes over a case as it stands now, or as it was kept elsewhere.
    pub fn put(&mut self, case: Case) {
        let position = case.position;
        if let Some(before) = self.cases.get(&position).cloned() {
            self.index(&before, false);
        }
        self.index(&case, true);
        self.hang_up(&case);
        self.places.insert(case.id, position);
        let latest = self.latest.entry(case.credit_code).or_insert(position);
        *latest = (*latest).max(position);
        self.cases.insert(position, Arc::new(case));
    }

    /// Enters a case where it is found by time, or strikes it out there.
    fn index(&mut self, case: &Case, enter: bool) {
        if !case.is_open() {
            return;
        }
        let Self { open, idle, steps, shared, .. } = self;
        keep(open, (case.due_at().unwrap_or(Instant::MAX), case.position), enter);
        if case.regulators().len() > 1 {
            keep(shared, case.position, enter);
        }
        if let Some(at) = case.acknowledged_at.filter(|_| !case.is_reminded && !case.is_acted_on()) {
            keep(idle, (at, case.position), enter);
        }
        for duty in case.standing() {
            if let Some(at) = duty.next_at() {
                keep(steps, (at, case.position, duty.arisen.duty), enter);
            }
        }
    }

    /// Takes over a light change that waits, as it was kept elsewhere.
    pub fn put_pending(&mut self, position: Position, pending: Pending) {
        self.pending.insert((pending.change.credit_code, position), Arc::new(pending));
    }

    /// Returns every light change that waits, with its position.
    pub fn all_pending(&self) -> impl Iterator<Item = (Position, &Pending)> {
        self.pending.iter().map(|((_, position), pending)| (*position, &**pending))
    }
}

/// Returns the merchant about whom something was done that no duty names: whoever did it need not be reminded.
const fn tended_by(event: &Event) -> Option<CreditCode> {
    Some(match event {
        Event::PassedToEnterprise(done) => done.credit_code,
        Event::ComplaintSettledInShop(done) => done.credit_code,
        Event::RefundPromised(done) | Event::RefundPaid(done) => done.credit_code,
        Event::CaseOpened(done) => done.credit_code,
        Event::LeadAccepted(done) | Event::LeadReturned(done) => done.credit_code,
        Event::JointCheckConfirmed(done) | Event::JointCheckDone(done) => done.credit_code,
        Event::GreyListed(done) => done.credit_code,
        Event::PersonLocked(done) => done.credit_code,
        _ => return None,
    })
}

fn keep<T: Ord + Clone>(set: &mut OrdSet<T>, one: T, enter: bool) {
    if enter {
        set.insert(one);
    } else {
        set.remove(&one);
    }
}

fn rules(change: &LightChanged) -> Vec<String> {
    change.reasons.iter().map(|reason| reason.rule.clone()).collect()
}

/// Duties that a clock which was wrong took away stand again, with the steps up that were taken: nobody is called upon twice for one of
/// them. Returns whether there are any.
fn bring_again(case: &mut Case, fresh: &mut Vec<String>, at: Instant) -> bool {
    let before = fresh.len();
    fresh.retain(|rule| match case.duties.iter_mut().rev().find(|duty| duty.comes_again(rule, at)) {
        Some(duty) => {
            duty.end = None;
            false
        }
        None => true,
    });
    fresh.len() < before
}

/// Duties end whose rule no longer asks for the light; of those that were fulfilled it is kept, should the act be cancelled.
fn fall_away(case: &mut Case) {
    let (change, at) = (case.change, case.changed_at);
    for duty in case.duties.iter_mut().filter(|duty| duty.may_be_done() && !case.rules.contains(&duty.arisen.rule)) {
        match duty.end {
            Some(_) => duty.lapsed = Some((change, at)),
            None => duty.end = Some(End::FallenAway { change, at }),
        }
    }
}
