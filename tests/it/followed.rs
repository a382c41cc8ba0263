//! Lights are followed up: cases and their duties, once, whatever happens to the service.

mod plain;

use crate::watch::stage::{Stage, clock_of, time};
use crate::watch::{HAIR, complaint, filing, hairdresser};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use uuid::Uuid;
use warnlight::desk::Answer;
use warnlight::domain::case::{Case, DutyState, End};
use warnlight::domain::code::CreditCode;
use warnlight::domain::command::Command;
use warnlight::domain::event::{Entry, Event};
use warnlight::domain::time::{Instant, day_of, plus_days};
use warnlight::domain::words::{CaseOutcome, Light};
use warnlight::log::contract::EventLog;
use warnlight::log::memory::MemoryLog;
use warnlight::policy::Policies;
use warnlight::sim::Plan;

fn memory() -> Arc<dyn EventLog> {
    Arc::new(MemoryLog::new())
}

fn raised(log: &dyn EventLog) -> usize {
    let events = log.read_all(0, usize::MAX).unwrap();
    events.iter().filter(|recorded| matches!(recorded.event.decode(), Ok(Event::AlertRaised(_)))).count()
}

fn case(stage: &Stage) -> Case {
    stage.desk.picture().cases.latest(HAIR.parse().unwrap()).unwrap().clone()
}

#[test]
fn a_light_that_time_raises_opens_one_case_and_its_duty_falls_away_when_the_light_is_out() {
    let mut stage = Stage::set(memory(), "2025-03-05T10:00:00");
    stage.say(hairdresser()).unwrap();
    // A week and more nobody was there; the filing became overdue meanwhile.
    stage.restart(time("2025-04-09T10:00:00"), None);
    stage.desk.settle().unwrap();
    let opened = case(&stage);
    assert_eq!((opened.light, opened.opened_at), (Light::Yellow, time("2025-04-01T00:00:00")));
    let duties: Vec<_> = opened.duties.iter().map(|duty| (duty.arisen.rule.as_str(), duty.due_at())).collect();
    // Ten working days after 1 April: Qingming is off, and no make-up day falls into them.
    assert_eq!(duties, [("filing-overdue", Some(time("2025-04-17T00:00:00")))]);
    for _ in 0..5 {
        stage.restart(time("2025-04-09T10:00:00"), None);
        stage.desk.settle().unwrap();
    }
    assert_eq!((raised(&*stage.log), case(&stage)), (1, opened));

    stage.say(vec![filing(HAIR, "accepted", "2025-04-09")]).unwrap();
    stage.desk.settle().unwrap();
    let ended = case(&stage);
    assert!(matches!(ended.duties[0].end, Some(End::FallenAway { .. })), "{ended:?}");
    assert_eq!(ended.closed.map(|closed| closed.outcome), Some(CaseOutcome::LightOut));
}

#[test]
fn a_snapshot_keeps_cases_as_a_fold_of_the_whole_log_has_them() {
    let stage = Stage::set(memory(), "2025-03-05T10:00:00");
    stage.say(hairdresser()).unwrap();
    stage.settle_at("2025-04-09T10:00:00");
    let policies = Arc::new(warnlight::policy::Policies::built_in().unwrap());
    let again = warnlight::picture::Picture::replay(&*stage.log, policies).unwrap();
    assert_eq!(again.cases, stage.desk.picture().cases);
}

/// The mails that call for the warning letter, or remind of the case.
fn calls(log: &dyn EventLog) -> Vec<(Instant, Option<String>, Vec<String>)> {
    let events = log.read_all(0, usize::MAX).unwrap();
    let call = |event: Event| match event {
        Event::MailRequested(mail) => {
            let what = mail.call().cloned().filter(|what| what.due_at.is_none() || what.zh == "警示信")?;
            let to = mail.recipients.into_iter().map(|recipient| recipient.address).collect();
            Some((mail.at, what.due_at.map(|_| what.zh), to))
        }
        _ => None,
    };
    events.iter().filter_map(|recorded| call(recorded.event.decode().unwrap())).collect()
}

fn handle(stage: &Stage, fields: &str) {
    let alert = case(stage).id;
    let json = format!(r#"{{"command":"handle_case","alert":"{alert}","credit_code":"{HAIR}",{fields}}}"#);
    for answer in stage.say(vec![serde_json::from_str(&json).unwrap()]).unwrap() {
        assert!(matches!(answer, Answer::Accepted(_)), "{answer:?}");
    }
}

#[test]
fn a_late_duty_goes_up_step_by_step_in_office_hours_until_somebody_acts() {
    let stage = Stage::set(memory(), "2025-03-05T10:00:00");
    stage.say(hairdresser()).unwrap();
    // The warning letter is due by the end of 16 April; at midnight offices are closed.
    stage.settle_at("2025-04-17T08:59:00");
    assert_eq!((case(&stage).duties[0].steps, calls(&*stage.log)), (1, Vec::new()));
    stage.settle_at("2025-04-17T09:00:00");
    let late = time("2025-04-17T00:00:00");
    let office = vec!["commerce.haidian@example.gov.invalid".to_owned()];
    assert_eq!(calls(&*stage.log), [(late, Some("警示信".to_owned()), office)]);
    assert_eq!(case(&stage).state_of(&case(&stage).duties[0], time("2025-04-17T09:00:00")), DutyState::Escalated);
    // A working day later its head; nobody is named, so the lead office is told.
    stage.settle_at("2025-04-20T12:00:00");
    assert_eq!((case(&stage).duties[0].steps, calls(&*stage.log).len()), (2, 1), "19 and 20 April are a weekend");
    stage.settle_at("2025-04-21T09:00:00");
    let lead = vec!["lead.haidian@example.gov.invalid".to_owned()];
    assert_eq!(calls(&*stage.log)[1], (time("2025-04-19T00:00:00"), Some("警示信".to_owned()), lead));
    // Whoever acts is left alone.
    let letter = format!(
        r#"{{"command":"record_enforcement","credit_code":"{HAIR}","kind":"warning_letter","date":"2025-04-21"}}"#
    );
    stage.say(vec![serde_json::from_str(&letter).unwrap()]).unwrap();
    stage.settle_at("2025-06-02T12:00:00");
    assert_eq!(calls(&*stage.log).len(), 2);
    assert!(matches!(case(&stage).duties[0].end, Some(End::Done { .. })));
}

#[test]
fn an_acknowledgement_without_an_act_is_reminded_of_once_and_a_pause_keeps_quiet() {
    let mut stage = Stage::set(memory(), "2025-03-05T10:00:00");
    stage.say(hairdresser()).unwrap();
    stage.settle_at("2025-04-02T10:00:00");
    handle(&stage, r#""action":"acknowledge""#);
    stage.settle_at("2025-04-03T09:59:59");
    assert_eq!(calls(&*stage.log), []);
    stage.settle_at("2025-04-03T10:00:00");
    stage.restart(time("2025-04-03T10:05:00"), None);
    stage.settle_at("2025-04-08T10:00:00");
    assert_eq!(
        calls(&*stage.log).iter().map(|(at, what, _)| (*at, what.clone())).collect::<Vec<_>>(),
        [(time("2025-04-03T10:00:00"), None)]
    );
    let duty = case(&stage).duties[0].arisen.duty;
    handle(&stage, &format!(r#""action":"pause","duty":"{duty}","until":"2025-04-30","note":"等待材料""#));
    stage.settle_at("2025-04-30T23:59:59");
    assert_eq!(calls(&*stage.log).len(), 1);
    assert_eq!(case(&stage).state_of(&case(&stage).duties[0], time("2025-04-30T12:00:00")), DutyState::Waiting);
    // After the Labour Day holidays.
    stage.settle_at("2025-05-06T09:00:00");
    assert_eq!(calls(&*stage.log)[1].0, time("2025-05-01T00:00:00"));
}

/// Nobody can have done in the same instant what is due at once: it is late when that day is over.
#[test]
fn what_is_due_at_once_is_not_late_in_the_same_instant() {
    let stage = Stage::set(memory(), "2025-03-05T10:00:00");
    stage.say(hairdresser()).unwrap();
    stage.say(vec![complaint(HAIR, "T1", "2025-03-05T10:00:00", "")]).unwrap();
    let lit = time("2025-03-06T10:00:01");
    let called = |stage: &Stage| {
        let events = stage.log.read_all(0, usize::MAX).unwrap();
        let call = |event: Event| match event {
            Event::MailRequested(mail) => {
                mail.light().and_then(|news| Some((news.change, news.call.as_ref()?.due_at?)))
            }
            _ => None,
        };
        events.iter().filter_map(|recorded| call(recorded.event.decode().unwrap())).collect::<Vec<_>>()
    };
    stage.settle_at("2025-03-06T10:00:01");
    let opened = case(&stage);
    assert_eq!((opened.opened_at, opened.duties[0].arisen.rule.as_str()), (lit, "unanswered"));
    assert_eq!(opened.state_of(&opened.duties[0], lit), DutyState::Open);
    stage.settle_at("2025-03-06T23:59:59");
    assert_eq!((case(&stage).duties[0].steps, called(&stage)), (0, Vec::new()));
    stage.settle_at("2025-03-07T09:00:00");
    let late = case(&stage);
    assert_eq!(late.state_of(&late.duties[0], time("2025-03-07T09:00:00")), DutyState::Escalated);
    assert_eq!(called(&stage), [(opened.change, time("2025-03-07T00:00:00"))]);
}

/// What the service came to about each merchant, as the plain program has it.
fn found(stage: &Stage) -> BTreeMap<CreditCode, Vec<plain::Case>> {
    let mut steps: HashMap<Uuid, Vec<Instant>> = HashMap::new();
    let mut reminders: HashMap<Uuid, Vec<Instant>> = HashMap::new();
    for recorded in stage.log.read_all(0, usize::MAX).unwrap() {
        match recorded.event.decode().unwrap() {
            Event::AlertEscalated(step) => steps.entry(step.duty.unwrap()).or_default().push(step.at),
            Event::AlertReminded(step) => reminders.entry(step.alert).or_default().push(step.at),
            _ => {}
        }
    }
    let picture = stage.desk.picture();
    let mut all: BTreeMap<CreditCode, Vec<plain::Case>> = BTreeMap::new();
    let mut cases: Vec<&Case> = picture.cases.all().collect();
    cases.reverse();
    for case in cases {
        let duties = case.duties.iter().map(|duty| plain::Duty::found(duty, steps.remove(&duty.arisen.duty)));
        let reminders = reminders.remove(&case.id).unwrap_or_default();
        all.entry(case.credit_code).or_default().push(plain::Case::found(case, duties.collect(), reminders));
    }
    assert!(steps.is_empty() && reminders.is_empty(), "every step is about a duty");
    all
}

/// A simulated year with its holidays and make-up days, 100 restarts, weeks in which nobody was there, and a clock that was ahead and
/// behind: every duty, step, reminder and mail is there once, and is what a plain second program comes to.
#[test]
fn a_year_of_following_up_is_what_a_plain_program_says() {
    let (from, until) = ("2025-01-01".parse().unwrap(), "2025-12-31".parse().unwrap());
    let plan = Plan { seed: 7, merchants: 14, from, until };
    let mut rows: Vec<_> = (0..plan.merchants).flat_map(|index| plan.merchant(index)).collect();
    rows.sort_by_key(|dated| dated.known_on);
    let mut rows = rows.into_iter().peekable();
    let mut stage = Stage::set(memory(), "2025-01-01T08:00:00");
    let policies = Policies::built_in().unwrap();
    let mut plain = plain::Plain::new(&policies);
    let mut chance = ChaCha8Rng::seed_from_u64(7);
    let mut heard = 0;
    let mut places: HashMap<Uuid, usize> = HashMap::new();
    let mut listen = |stage: &Stage, plain: &mut plain::Plain<'_>, now: Instant| {
        for recorded in stage.log.read_all(heard, usize::MAX).unwrap() {
            let mut event = recorded.event.decode().unwrap();
            match &mut event {
                Event::AlertRaised(raised) => {
                    let picture = stage.desk.picture();
                    for duty in &raised.duties {
                        let case = picture.cases.get(raised.alert).unwrap();
                        let place = case.duties.iter().position(|known| known.arisen.duty == duty.duty).unwrap();
                        assert_eq!(places.insert(duty.duty, place), None, "a duty arises once");
                    }
                }
                Event::DutyWaived(step) => step.duty = Uuid::from_u128(places[&step.duty] as u128),
                Event::DutyPaused(step) => step.duty = Uuid::from_u128(places[&step.duty] as u128),
                _ => {}
            }
            plain.hear(&event);
        }
        heard = stage.log.head();
        plain.look(now);
    };
    let (mut day, mut turn, mut restarts) = (from, 0_u32, 0_u32);
    while day <= until {
        turn += 1;
        let now = clock_of(turn, day);
        if turn % 3 == 0 && restarts < 100 {
            stage.restart(now, None);
            restarts += 1;
        }
        stage.clock.set(now);
        stage.desk.settle().unwrap();
        listen(&stage, &mut plain, now);
        let mut said: Vec<_> = Vec::new();
        while let Some(row) = rows.next_if(|row| row.known_on < day) {
            said.push(row.command);
        }
        stage.say(said).unwrap();
        stage.desk.settle().unwrap();
        listen(&stage, &mut plain, now);
        for command in people(&stage, &mut chance, now) {
            stage.say(vec![command]).unwrap();
        }
        stage.desk.settle().unwrap();
        listen(&stage, &mut plain, now);
        // A week in which nobody was there, now and then.
        day = plus_days(day, if turn % 60 == 0 { 8 } else { 1 });
    }
    assert_eq!(restarts, 100);
    let (expected, found) = (plain.cases(), found(&stage));
    for (code, cases) in &expected {
        let described = |cases: &[plain::Case]| cases.iter().map(plain::Case::told).collect::<Vec<_>>();
        assert_eq!(found.get(code).map(|cases| described(cases)), Some(described(cases)), "{code}");
    }
    assert_eq!(found.len(), expected.len());
    let mut mails: Vec<_> = stage.log.read_all(0, usize::MAX).unwrap().iter().filter_map(call_of).collect();
    let mut plain_mails: Vec<_> = plain.mails.iter().map(|(code, rule, at)| (*code, *at, rule.is_some())).collect();
    mails.sort();
    plain_mails.sort();
    assert_eq!(mails, plain_mails);
    let duties = || expected.values().flatten().flat_map(|case| &case.duties);
    for end in [Some("done"), Some("waived"), Some("fallen away"), None] {
        assert!(duties().any(|duty| duty.end == end), "the year has no duty that ended so: {end:?}");
    }
    let cancelled = stage.log.read_all(0, usize::MAX).unwrap();
    let is_of_act = |event: Event| matches!(event, Event::EntryCancelled(cancelled) if matches!(cancelled.entry, Entry::Act { .. }));
    assert!(
        cancelled.iter().any(|recorded| is_of_act(recorded.event.decode().unwrap())),
        "the year has no act that was cancelled"
    );
    assert!(duties().any(|duty| duty.steps.len() == 3) && !mails.is_empty(), "the year is part of the trial");
}

fn call_of(recorded: &warnlight::domain::envelope::Recorded) -> Option<(CreditCode, Instant, bool)> {
    match recorded.event.decode().unwrap() {
        // Those about tickets have a second program of their own.
        Event::MailRequested(mail) => {
            let news = mail.light()?;
            let call = news.call.as_ref().filter(|call| !call.zh.starts_with("投诉"))?;
            Some((news.credit_code, mail.at, call.due_at.is_some()))
        }
        _ => None,
    }
}

/// What people do with a few of the open cases.
fn people(stage: &Stage, chance: &mut ChaCha8Rng, now: Instant) -> Vec<Command> {
    let picture = stage.desk.picture();
    let today = day_of(now);
    let mut done = Vec::new();
    for case in picture.cases.open() {
        let (alert, code) = (case.id, case.credit_code);
        let handle = |fields: String| {
            format!(r#"{{"command":"handle_case","alert":"{alert}","credit_code":"{code}",{fields}}}"#)
        };
        let duty = case.standing().next().map(|duty| (duty.arisen.duty, duty.arisen.acts.first().copied()));
        let json = match (chance.random_range(0..40_u8), duty) {
            (0..=3, _) => handle(r#""action":"acknowledge""#.to_owned()),
            (4, _) => handle(r#""action":"take""#.to_owned()),
            (5..=6, Some((_, Some(kind)))) => match kind.enforcement() {
                Some(kind) => format!(
                    r#"{{"command":"record_enforcement","credit_code":"{code}","kind":"{kind}","date":"{today}","due_on":"{}"}}"#,
                    plus_days(today, 400)
                ),
                None => handle(format!(r#""action":"act","kind":"{kind}""#)),
            },
            (7, Some((duty, _))) => handle(format!(r#""action":"waive","duty":"{duty}","note":"x""#)),
            (8, Some((duty, _))) => {
                handle(format!(r#""action":"pause","duty":"{duty}","until":"{}","note":"x""#, plus_days(today, 6)))
            }
            (9..=20, None) => handle(r#""action":"close","outcome":"rectified""#.to_owned()),
            (10, _) => handle(r#""action":"unacknowledge""#.to_owned()),
            // The newest act was a mistake.
            (21..=23, _) => match case.acts.last().and_then(|act| act.entry.as_ref()) {
                Some(entry) => {
                    let entry = serde_json::to_string(entry).unwrap();
                    format!(r#"{{"command":"cancel_entry","credit_code":"{code}","entry":{entry},"reason":"x"}}"#)
                }
                None => continue,
            },
            _ => continue,
        };
        done.push(serde_json::from_str(&json).unwrap_or_else(|error| panic!("{json}: {error}")));
    }
    // Now and then it shows after the end that what had been done was not done.
    let by_person = |case: &&Case| case.closed.is_some_and(|closed| closed.outcome == CaseOutcome::Rectified);
    for case in picture.cases.all().filter(by_person).filter(|_| chance.random_range(0..60_u8) == 0) {
        let Some(entry) = case.acts.last().and_then(|act| act.entry.as_ref()) else { continue };
        let (code, entry) = (case.credit_code, serde_json::to_string(entry).unwrap());
        let json = format!(r#"{{"command":"cancel_entry","credit_code":"{code}","entry":{entry},"reason":"x"}}"#);
        done.push(serde_json::from_str(&json).unwrap());
    }
    done
}
