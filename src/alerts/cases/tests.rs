use super::*;
use crate::alerts::request::tests::change;
use crate::domain::code::CreditCode;
use crate::domain::event::{
    DutyPaused, DutyWaived, EnforcementAct, Entry, EntryCancelled, Event, LeadTransferred, LightChanged,
};
use crate::domain::time::{plus_days, plus_hours};
use crate::domain::words::{ActKind, CaseOutcome, EnforcementKind, LeadStep};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// Rules of the pack with the act that fulfils their duty, worst light first.
const RULES: [(&str, Light, ActKind); 4] = [
    ("closed-complaints", Light::Red, ActKind::OnSiteCheck),
    ("refund-overdue", Light::Orange, ActKind::Talk),
    ("two-penalties", Light::Orange, ActKind::Talk),
    ("filing-overdue", Light::Yellow, ActKind::WarningLetter),
];

/// The log of one merchant, folded.
struct Told {
    cases: Cases,
    policies: Policies,
    now: Instant,
    light: Light,
    position: u64,
}

impl Told {
    fn new() -> Self {
        let policies = Policies::built_in().unwrap();
        let now = "2025-03-01T02:00:00Z".parse().unwrap();
        let mut told = Self { cases: Cases::default(), policies, now, light: Light::Green, position: 0 };
        let activated = Event::PolicyActivated(told.policies.activation());
        told.say(&activated, None);
        told
    }

    fn say(&mut self, event: &Event, id: Option<Uuid>) -> Uuid {
        self.position += 1;
        let id = id.unwrap_or_else(|| Uuid::from_u128(self.position.into()));
        self.cases.apply(event, id, self.position, self.now);
        id
    }

    fn light(&mut self, rules: &BTreeSet<usize>, notify: bool) {
        let reason = |rule: &usize| Reason {
            rule: RULES[*rule].0.to_owned(),
            version: 1,
            light: RULES[*rule].1,
            clause: "c".to_owned(),
            facts: Vec::new(),
            events: Vec::new(),
        };
        let to = rules.iter().map(|rule| RULES[*rule].1).max().unwrap_or(Light::Green);
        let reasons = rules.iter().map(reason).collect();
        let changed = LightChanged { at: self.now, reasons, ..change(self.light, to, notify) };
        self.light = to;
        self.say(&Event::LightChanged(changed), None);
    }

    /// Takes up what waits, as the desk does: the first of the merchant, until nothing waits.
    fn settle(&mut self) {
        for _ in 0..100 {
            let Some((_, pending)) = self.cases.pending().next() else { return };
            let about = About::default();
            let append = taken_up(pending, None, &self.cases, &about, &self.policies, self.now);
            let again = taken_up(pending, None, &self.cases, &about, &self.policies, self.now);
            assert_eq!(
                (&append.stream, &append.events),
                (&again.stream, &again.events),
                "the same change, the same event"
            );
            let event = append.events[0].decode().unwrap();
            self.say(&event, Some(append.events[0].id));
        }
        panic!("what waits is taken up, and waits again");
    }
}

/// The plain model: what the description says, for one merchant, without an index or a line.
#[derive(Debug, Default, Clone, PartialEq)]
struct Plain {
    cases: Vec<PlainCase>,
    rules: BTreeSet<usize>,
}

#[derive(Debug, Clone, PartialEq)]
struct PlainCase {
    open: bool,
    closed_on: i64,
    /// A person ended it.
    by_person: bool,
    /// Rule, and how its duty ended.
    duties: Ends,
}

impl Plain {
    fn light(&mut self, day: i64, rules: &BTreeSet<usize>, notify: bool) {
        let worst = |rules: &BTreeSet<usize>| rules.iter().map(|rule| RULES[*rule].1).max().unwrap_or(Light::Green);
        let (before, rose) = (self.rules.clone(), worst(rules) > worst(&self.rules));
        self.rules = rules.clone();
        let within = |case: &PlainCase| day <= case.closed_on + 30;
        if let Some(case) = self.cases.last_mut() {
            for (rule, end) in &mut case.duties {
                if end.is_none() && !rules.contains(rule) {
                    *end = Some("fallen away");
                }
            }
            if rules.is_empty() {
                if case.open {
                    (case.open, case.closed_on, case.by_person) = (false, day, false);
                }
                return;
            }
        }
        let fresh: Vec<usize> = rules.difference(&before).copied().collect();
        let is_news = notify && (rose || !self.cases.is_empty() && !fresh.is_empty());
        if !is_news {
            return;
        }
        match self.cases.last_mut().filter(|case| case.open || within(case)) {
            Some(case) => {
                (case.open, case.by_person) = (true, false);
                case.duties.extend(fresh.into_iter().map(|rule| (rule, None)));
            }
            None => {
                let duties = rules.iter().map(|rule| (*rule, None)).collect();
                self.cases.push(PlainCase { open: true, closed_on: 0, by_person: false, duties });
            }
        }
    }

    fn end(&mut self, how: &'static str, which: impl Fn(usize, usize) -> bool) {
        let Some(case) = self.cases.last_mut().filter(|case| case.open) else { return };
        for (place, (rule, end)) in case.duties.iter_mut().enumerate() {
            if end.is_none() && which(place, *rule) {
                *end = Some(how);
            }
        }
    }
}

/// What was said, for the plain model to hear again without an act that was cancelled.
#[derive(Debug, Clone)]
enum Said {
    Light(i64, BTreeSet<usize>, bool),
    /// Which act on which day, and how many cases there were.
    Act(ActKind, i64, usize),
    /// The places of the duties in the last case.
    Waived(Vec<usize>),
    Closed(i64),
}

impl Plain {
    fn of(said: &[Said]) -> Self {
        let mut plain = Self::default();
        for said in said {
            match said {
                Said::Light(day, rules, notify) => plain.light(*day, rules, *notify),
                Said::Act(kind, ..) => plain.end("done", |_, rule| RULES[rule].2 == *kind),
                Said::Waived(places) => plain.end("waived", |place, _| places.contains(&place)),
                Said::Closed(day) => {
                    let last = plain.cases.last_mut().unwrap();
                    // Heard again without an act it ended on, it did not end.
                    if last.duties.iter().all(|(_, end)| end.is_some()) {
                        (last.open, last.closed_on, last.by_person) = (false, *day, true);
                    }
                }
            }
        }
        plain
    }
}

#[derive(Debug, Clone)]
enum Step {
    /// The light's rules from now on, whether that may be told, and whether the desk takes it up before the next step.
    Light(BTreeSet<usize>, bool, bool),
    Act(usize),
    /// One of the acts was a mistake.
    Cancel(prop::sample::Index),
    Waive,
    Close,
    Days(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let rules = prop::collection::btree_set(0..RULES.len(), 0..RULES.len());
    prop_oneof![
        4 => (rules, prop::bool::weighted(0.8), any::<bool>()).prop_map(|(rules, told, soon)| Step::Light(rules, told, soon)),
        2 => (0..RULES.len()).prop_map(Step::Act),
        1 => any::<prop::sample::Index>().prop_map(Step::Cancel),
        1 => Just(Step::Waive),
        1 => Just(Step::Close),
        2 => (1..50_u8).prop_map(Step::Days),
    ]
}

/// Duties by their rule, each with how it ended.
type Ends = Vec<(usize, Option<&'static str>)>;

/// How the duties ended, case by case, as the plain model has it.
fn outcome(cases: &Cases) -> Vec<(bool, Ends)> {
    let place = |rule: &str| RULES.iter().position(|(id, ..)| *id == rule).unwrap();
    let mut all: Vec<_> = cases.all().collect();
    all.reverse();
    let duties = |case: &Case| {
        case.duties
            .iter()
            .map(|duty| {
                let how = duty.end.as_ref().map(|end| match end {
                    crate::domain::case::End::Done { .. } => "done",
                    crate::domain::case::End::Waived { .. } => "waived",
                    crate::domain::case::End::FallenAway { .. } => "fallen away",
                });
                (place(&duty.arisen.rule), how)
            })
            .collect()
    };
    all.into_iter().map(|case| (case.is_open(), duties(case))).collect()
}

proptest! {
    /// Whatever happens, and however late the desk takes it up, the fold says what the plain model says.
    #[test]
    fn cases_are_what_a_plain_model_says(steps in prop::collection::vec(step(), 1..40)) {
        let mut told = Told::new();
        let mut said: Vec<Said> = Vec::new();
        let mut plain = Plain::default();
        let mut day = 0_i64;
        let mut number = 0_u128;
        for step in steps {
            number += 1;
            match step {
                Step::Light(rules, may_be_told, soon) => {
                    if rules == plain.rules {
                        continue;
                    }
                    told.light(&rules, may_be_told);
                    said.push(Said::Light(day, rules, may_be_told));
                    plain = Plain::of(&said);
                    if soon {
                        told.settle();
                    }
                    continue;
                }
                Step::Days(days) => {
                    day += i64::from(days);
                    told.now = plus_hours(told.now, 24 * i64::from(days));
                }
                Step::Act(rule) => {
                    told.settle();
                    let kind = RULES[rule].2;
                    said.push(Said::Act(kind, day, plain.cases.len()));
                    let code = change(Light::Green, Light::Red, true).credit_code;
                    let date = day_of(told.now);
                    let act = match kind.enforcement() {
                        Some(_) => {
                            let act = EnforcementAct { credit_code: code, date, number: None, due_on: None };
                            if kind == ActKind::Talk { Event::TalkHeld(act) } else { Event::WarningLetterIssued(act) }
                        }
                        None => Event::AlertActedOn(crate::domain::event::AlertActedOn {
                            alert: told.cases.latest(code).map(|case| case.id).unwrap_or_default(),
                            credit_code: code, at: told.now, note: None, kind: Some(kind), date: Some(date),
                        }),
                    };
                    told.say(&act, Some(Uuid::from_u128(number << 64)));
                }
                Step::Cancel(which) => {
                    told.settle();
                    let by_sheet = |said: &&Said| matches!(said, Said::Act(kind, ..) if kind.enforcement().is_some());
                    let acts: Vec<Said> = said.iter().filter(by_sheet).cloned().collect();
                    if acts.is_empty() {
                        continue;
                    }
                    let Said::Act(kind, on, _) = *which.get(&acts) else { continue };
                    // What ended with its light stays as it ended.
                    let last = plain.cases.len();
                    let lit = !plain.rules.is_empty();
                    if plain.cases.last().is_some_and(|case| case.open || case.by_person && lit) {
                        said.retain(|said| !matches!(said, Said::Act(other, day, case) if (*other, *day, *case) == (kind, on, last)));
                    }
                    let date = plus_days(day_of(told.now), on - day);
                    let entry = Entry::Act { kind: kind.enforcement().unwrap(), date, number: None };
                    let credit_code = change(Light::Green, Light::Red, true).credit_code;
                    told.say(&Event::EntryCancelled(EntryCancelled { credit_code, entry, reason: "x".to_owned() }), None);
                }
                Step::Waive | Step::Close => {
                    told.settle();
                    let code = change(Light::Green, Light::Red, true).credit_code;
                    let Some(case) = told.cases.latest(code).filter(|case| case.is_open()).cloned() else { continue };
                    if let Step::Waive = step {
                        let standing = |(place, duty): (usize, &Duty)| duty.stands().then_some(place);
                        said.push(Said::Waived(case.duties.iter().enumerate().filter_map(standing).collect()));
                        for duty in case.standing() {
                            let waived = DutyWaived {
                                alert: case.id, credit_code: code, duty: duty.arisen.duty, at: told.now, reason: "x".to_owned(),
                            };
                            told.say(&Event::DutyWaived(waived), None);
                        }
                    } else if case.standing().next().is_none() {
                        said.push(Said::Closed(day));
                        told.say(&Event::AlertClosed(AlertClosed {
                            alert: case.id, credit_code: code, at: told.now, note: None,
                            outcome: Some(CaseOutcome::Rectified), change: None,
                        }), None);
                    }
                }
            }
            plain = Plain::of(&said);
        }
        told.settle();
        let expected: Vec<_> = plain.cases.iter().map(|case| (case.open, case.duties.clone())).collect();
        prop_assert_eq!(outcome(&told.cases), expected);
        prop_assert!(told.cases.is_settled());
        // What is found by time is what stands, and no more.
        let standing: usize = told.cases.all().filter(|case| case.is_open()).map(|case| case.standing().filter(|duty| duty.next_at().is_some()).count()).sum();
        prop_assert_eq!(told.cases.due_steps(Instant::MAX).count(), standing);
        prop_assert_eq!(told.cases.open().count(), told.cases.all().filter(|case| case.is_open()).count());
    }
}

/// Which duties of the newest case stand.
fn standing(told: &Told) -> Vec<bool> {
    told.cases.latest(about()).unwrap().duties.iter().map(Duty::stands).collect()
}

fn about() -> CreditCode {
    change(Light::Green, Light::Red, true).credit_code
}

#[test]
fn a_cancelled_act_fulfils_nothing_unless_another_does() {
    let mut told = Told::new();
    told.light(&BTreeSet::from([1]), true);
    told.settle();
    let (credit_code, date) = (about(), day_of(told.now));
    let alert = told.cases.latest(credit_code).unwrap().id;
    told.say(&Event::AlertAcknowledged(AlertStep { alert, credit_code, at: told.now, note: None }), None);
    let talk = |number: &str| {
        Event::TalkHeld(EnforcementAct { credit_code, date, number: Some(number.to_owned()), due_on: None })
    };
    let cancelled = |number: &str| {
        let entry = Entry::Act { kind: EnforcementKind::Talk, date, number: Some(number.to_owned()) };
        Event::EntryCancelled(EntryCancelled { credit_code, entry, reason: "x".to_owned() })
    };
    told.say(&talk("T-1"), None);
    told.say(&talk("T-2"), None);
    told.say(&cancelled("t 1"), None);
    assert_eq!((standing(&told), told.cases.idle().count()), (vec![false], 0));
    told.say(&cancelled("T-2"), None);
    assert_eq!((standing(&told), told.cases.idle().count()), (vec![true], 1), "nothing was done about it");
    assert_eq!(told.cases.due_steps(Instant::MAX).count(), 1);
}

/// An acknowledged case with one duty, and that duty.
fn acknowledged() -> (Told, Uuid, Uuid) {
    let mut told = Told::new();
    told.light(&BTreeSet::from([1]), true);
    told.settle();
    let case = told.cases.latest(about()).unwrap();
    let (alert, duty) = (case.id, case.duties[0].arisen.duty);
    let step = AlertStep { alert, credit_code: about(), at: told.now, note: None };
    told.say(&Event::AlertAcknowledged(step), None);
    (told, alert, duty)
}

/// What people do that needs no reminder any more.
fn answers(told: &Told, alert: Uuid, duty: Uuid) -> [Event; 4] {
    let (credit_code, at, until, reason) = (about(), told.now, plus_hours(told.now, 48), "x".to_owned());
    [
        Event::TalkHeld(EnforcementAct { credit_code, date: day_of(at), number: None, due_on: None }),
        Event::DutyWaived(DutyWaived { alert, credit_code, duty, at, reason: reason.clone() }),
        Event::DutyPaused(DutyPaused { alert, credit_code, duty, at, until, reason }),
        Event::AcknowledgementWithdrawn(AlertStep { alert, credit_code, at, note: None }),
    ]
}

#[test]
fn whoever_acted_before_a_step_up_came_in_is_not_called_upon() {
    let (mut told, alert, duty) = acknowledged();
    let [act, ..] = answers(&told, alert, duty);
    told.say(&act, None);
    // Another node had found the duty late, and came second.
    let (credit_code, at, to) = (about(), told.now, Some("officer".to_owned()));
    let late =
        AlertEscalated { alert, credit_code, at, note: None, duty: Some(duty), step: Some(1), to, next_at: None };
    told.say(&Event::AlertEscalated(late), None);
    assert_eq!(told.cases.calls().count(), 0);
}

#[test]
fn a_reminder_waits_until_somebody_acts_and_no_longer() {
    let (told, alert, duty) = acknowledged();
    for answer in answers(&told, alert, duty) {
        let reminder = Event::AlertReminded(AlertStep { alert, credit_code: about(), at: told.now, note: None });
        for order in [[&reminder, &answer], [&answer, &reminder]] {
            let (mut told, ..) = acknowledged();
            for event in order {
                told.say(event, None);
            }
            assert_eq!(told.cases.calls().count(), 0, "{order:?}");
        }
    }
}

#[test]
fn a_cancelled_transfer_of_a_lead_is_no_act() {
    let mut told = Told::new();
    told.light(&BTreeSet::from([1]), true);
    told.settle();
    let (credit_code, date) = (about(), day_of(told.now));
    let mut case = told.cases.latest(credit_code).unwrap().clone();
    case.duties[0].arisen.acts = vec![ActKind::HandedOver];
    told.cases.put(case);
    let (lead, authority) = ("L-1".to_owned(), "公安".to_owned());
    let lead = LeadTransferred {
        credit_code,
        lead,
        date,
        authority,
        note: None,
        reported_on: None,
        approved_at: None,
        handed_over_at: None,
    };
    told.say(&Event::LeadTransferred(lead), None);
    assert_eq!(standing(&told), [false]);
    let entry = Entry::Lead { lead: "L1".to_owned(), step: LeadStep::Transferred };
    told.say(&Event::EntryCancelled(EntryCancelled { credit_code, entry, reason: "x".to_owned() }), None);
    assert_eq!(standing(&told), [true]);
}

#[test]
fn imported_history_opens_no_case_and_adds_no_duty() {
    let mut told = Told::new();
    told.light(&BTreeSet::from([0]), false);
    told.settle();
    assert_eq!(told.cases.all().count(), 0);
    told.light(&BTreeSet::from([0, 1]), true);
    told.settle();
    assert_eq!(told.cases.all().count(), 0, "red before and after: no rise is told");
}

#[test]
fn under_policies_that_follow_nothing_up_no_case_opens() {
    let mut told = Told::new();
    let activation = told.policies.activation();
    told.say(&Event::PolicyActivated(crate::domain::event::PolicyActivated { follow_up: false, ..activation }), None);
    told.light(&BTreeSet::from([0]), true);
    told.settle();
    assert_eq!(told.cases.all().count(), 0);
}

#[test]
fn ids_are_fixed_for_good() {
    // They are in the logs of running services.
    assert_eq!(case_id(Uuid::from_u128(1)).to_string(), "c255a960-d7c3-5897-9dbf-3711b9e27175");
}

mod beside;
