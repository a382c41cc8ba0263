//! Clocks of complaints, as an office lives with them: at this hour that mail and no other, each step once, whatever happens to the
//! service.

use crate::watch::HAIR;
use crate::watch::stage::{Stage, clock_of, time};
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use warnlight::desk::Answer;
use warnlight::domain::command::Command;
use warnlight::domain::event::Event;
use warnlight::domain::ticket_clock::Clock;
use warnlight::domain::time::{Instant, day_of, local, plus_days, plus_hours};
use warnlight::domain::words::{Channel, ClockStep, Light};
use warnlight::log::contract::EventLog;
use warnlight::log::memory::MemoryLog;
use warnlight::policy::Policies;

const OTHER: &str = "91110108MA00000077";

fn memory() -> Arc<dyn EventLog> {
    Arc::new(MemoryLog::new())
}

fn register(code: &str) -> Command {
    let json = format!(
        r#"{{"command":"register_merchant","credit_code":"{code}","name":"店","industry_code":"8040","division_code":"110108"}}"#
    );
    serde_json::from_str(&json).unwrap()
}

/// A ticket as it stands; `more` holds its other fields.
fn ticket(number: &str, channel: &str, received: &str, more: &str) -> Command {
    ticket_about(HAIR, number, channel, received, more)
}

fn ticket_about(code: &str, number: &str, channel: &str, received: &str, more: &str) -> Command {
    let json = format!(
        r#"{{"command":"record_complaint","ticket":"{number}","channel":"{channel}","kind":"other","credit_code":"{code}","received_at":"{received}+08:00"{more}}}"#
    );
    serde_json::from_str(&json).unwrap()
}

fn say(stage: &Stage, commands: Vec<Command>) {
    for answer in stage.say(commands).unwrap() {
        assert!(!matches!(answer, Answer::Refused(_)), "{answer:?}");
    }
}

/// The mails about late tickets: when they were asked for, what they say, to whom.
fn mails(log: &dyn EventLog) -> Vec<(Instant, String, Vec<String>)> {
    let events = log.read_all(0, usize::MAX).unwrap();
    let call = |recorded: &warnlight::domain::envelope::Recorded| match recorded.event.decode().unwrap() {
        Event::MailRequested(mail) => {
            let zh = mail.light()?.call.clone()?.zh;
            let to = mail.recipients.into_iter().map(|recipient| recipient.address).collect();
            zh.starts_with("投诉").then_some((recorded.recorded_at, zh, to))
        }
        _ => None,
    };
    events.iter().filter_map(call).collect()
}

fn office(name: &str) -> Vec<String> {
    vec![format!("{name}.haidian@example.gov.invalid")]
}

#[test]
fn a_late_ticket_of_a_merchant_without_a_light_goes_up_step_by_step_in_office_hours_until_it_is_answered() {
    let mut stage = Stage::set(memory(), "2025-09-25T10:00:00");
    say(&stage, vec![register(HAIR), ticket("GD1", "12345", "2025-09-25T09:00:00", "")]);
    // Seven working days over the National Day holidays end with Saturday 11 October, which is worked.
    stage.settle_at("2025-10-11T23:59:59");
    assert_eq!(stage.desk.picture().tickets.late().count(), 0);
    stage.settle_at("2025-10-12T00:00:00");
    assert_eq!((stage.desk.picture().tickets.late().count(), mails(&*stage.log).len()), (1, 0), "a Sunday night");
    stage.settle_at("2025-10-13T08:59:59");
    assert_eq!(mails(&*stage.log), []);
    stage.settle_at("2025-10-13T09:00:00");
    let first = (time("2025-10-13T09:00:00"), "投诉 1 件 GD1（处理并答复投诉）".to_owned(), office("commerce"));
    assert_eq!(mails(&*stage.log), [first]);
    assert!(stage.desk.picture().cases.open().next().is_none(), "no light, no case; it is somebody's all the same");
    for _ in 0..3 {
        stage.restart(time("2025-10-13T09:10:00"), None);
        stage.desk.settle().unwrap();
    }
    assert_eq!(mails(&*stage.log).len(), 1);
    // A working day later its head; nobody is named, so the lead office is told.
    stage.settle_at("2025-10-14T09:00:00");
    assert_eq!(mails(&*stage.log)[1].2, office("lead"));
    // Whoever answers is left alone.
    stage.clock.set(time("2025-10-14T10:05:00"));
    say(&stage, vec![ticket("GD1", "12345", "2025-09-25T09:00:00", r#","answered_at":"2025-10-14T10:00:00+08:00""#)]);
    stage.settle_at("2025-12-01T10:00:00");
    assert_eq!(mails(&*stage.log).len(), 2);
    assert_eq!(
        stage.desk.picture().tickets.running().filter(|(_, run)| run.clock.step != ClockStep::Closing).count(),
        0
    );
}

#[test]
fn late_tickets_about_one_merchant_are_one_mail_with_a_count_and_a_week_of_downtime_changes_nothing() {
    let mut stage = Stage::set(memory(), "2025-03-03T10:00:00");
    let numbers = (0..40).map(|number| format!("GD{number:02}"));
    let mut rows: Vec<Command> = numbers.map(|number| ticket(&number, "12345", "2025-03-03T09:00:00", "")).collect();
    rows.insert(0, register(HAIR));
    say(&stage, rows);
    stage.restart(time("2025-03-19T10:00:00"), None);
    stage.desk.settle().unwrap();
    let told = mails(&*stage.log);
    // The officer and, two steps that came meanwhile, the head and the lead office: who is told of several steps is told once.
    let (whom, counts): (Vec<_>, Vec<_>) = told.iter().map(|(_, zh, to)| (to.clone(), zh.clone())).unzip();
    assert_eq!(whom.len(), 3, "{told:?}");
    assert!(
        counts.iter().all(|zh| zh.starts_with("投诉 40 件 GD00（处理并答复投诉）、GD01") && zh.ends_with("等")),
        "{counts:?}"
    );
    let events = stage.log.read_all(0, usize::MAX).unwrap();
    let steps: Vec<_> = events
        .iter()
        .filter_map(|recorded| match recorded.event.decode().unwrap() {
            Event::ComplaintEscalated(said) => Some((said.step, said.at, said.tickets.len())),
            _ => None,
        })
        .collect();
    // Due by the end of 12 March, as if somebody had been there.
    let at = ["2025-03-13T00:00:00", "2025-03-15T00:00:00", "2025-03-19T00:00:00"].map(time);
    assert_eq!(steps, [(1, at[0], 40), (2, at[1], 40), (3, at[2], 40)]);
}

#[test]
fn the_due_time_on_the_ticket_goes_first_and_moving_it_moves_the_clock() {
    let stage = Stage::set(memory(), "2025-03-03T10:00:00");
    let due = |at: &str| format!(r#","due_at":"{at}+08:00""#);
    let first = ticket("GD1", "12345", "2025-03-03T09:00:00", &due("2025-03-05T12:00:00"));
    say(&stage, vec![register(HAIR), first]);
    stage.settle_at("2025-03-05T11:59:59");
    assert_eq!(mails(&*stage.log), []);
    stage.settle_at("2025-03-05T12:00:00");
    assert_eq!(mails(&*stage.log)[0].1, "投诉 1 件 GD1（按工单期限办结）");
    // Prolonged: nobody is told further up, and the clock begins anew.
    say(&stage, vec![ticket("GD1", "12345", "2025-03-03T09:00:00", &due("2025-03-20T12:00:00"))]);
    stage.settle_at("2025-03-20T11:59:59");
    assert_eq!(mails(&*stage.log).len(), 1);
    stage.settle_at("2025-03-20T12:00:00");
    assert_eq!(mails(&*stage.log).len(), 2);
    let closed = r#","closed_at":"2025-03-20T12:30:00+08:00","outcome":"resolved""#;
    stage.settle_at("2025-03-20T13:00:00");
    say(&stage, vec![ticket("GD1", "12345", "2025-03-03T09:00:00", closed)]);
    stage.settle_at("2025-05-20T13:00:00");
    assert_eq!(mails(&*stage.log).len(), 2);
}

#[test]
fn the_market_regulator_accepts_in_seven_working_days_and_mediates_by_the_law_of_the_day_it_accepted() {
    for (accepted, late) in
        [("2026-04-14T15:00:00", "2026-06-19T00:00:00"), ("2026-04-15T15:00:00", "2026-06-15T00:00:00")]
    {
        let stage = Stage::set(memory(), "2026-04-01T10:00:00");
        say(&stage, vec![register(HAIR), ticket("P1", "12315", "2026-04-01T09:00:00", "")]);
        // The Qingming holidays lie in between.
        stage.settle_at("2026-04-14T09:00:00");
        assert_eq!(
            mails(&*stage.log)[0],
            (time("2026-04-14T09:00:00"), "投诉 1 件 P1（决定是否受理并告知）".into(), office("lead"))
        );
        stage.clock.set(time("2026-04-15T16:00:00"));
        let answer = format!(r#","answered_at":"{accepted}+08:00""#);
        say(&stage, vec![ticket("P1", "12315", "2026-04-01T09:00:00", &answer)]);
        stage.desk.settle().unwrap();
        let before = mails(&*stage.log).len();
        stage.clock.set(time(late) - jiff::SignedDuration::from_secs(1));
        stage.desk.settle().unwrap();
        assert_eq!((mails(&*stage.log).len(), stage.desk.picture().tickets.late().count()), (before, 0), "{accepted}");
        stage.settle_at(late);
        assert_eq!(stage.desk.picture().tickets.late().count(), 1, "{accepted}");
    }
}

/// The light tells that a mall left a ticket unanswered, and its case calls upon whoever is in charge.
#[test]
fn what_a_light_tells_of_is_mailed_about_once() {
    let stage = Stage::set(memory(), "2025-03-03T10:00:00");
    say(&stage, vec![register(HAIR), ticket("M1", "mall", "2025-03-03T09:30:00", "")]);
    stage.settle_at("2025-03-04T09:30:01");
    let picture = stage.desk.picture();
    assert_eq!(picture.lights.light(HAIR.parse().unwrap()), Light::Yellow);
    assert_eq!(picture.cases.open().count(), 1);
    stage.settle_at("2025-03-24T10:00:00");
    assert_eq!(mails(&*stage.log), []);
}

/// A step: ticket, clock, number, when, when the next comes.
type Taken = (String, ClockStep, Instant, u16, Instant, Option<Instant>);

/// A second program, plainly: it reads what was recorded of tickets, keeps them in a list and goes over all each time.
#[derive(Default)]
struct Plain {
    tickets: BTreeMap<String, Ticket>,
    told: BTreeMap<(String, Clock), (u16, Option<Instant>)>,
    taken: BTreeSet<Taken>,
}

struct Ticket {
    channel: Channel,
    received: Instant,
    due: Option<Instant>,
    answered: Option<Instant>,
    closed: bool,
}

impl Plain {
    fn hear(&mut self, event: &Event) {
        match event {
            Event::ComplaintReceived(it) => {
                let (channel, received, due) = (it.channel, it.received_at, it.due_at);
                self.tickets
                    .insert(it.ticket.clone(), Ticket { channel, received, due, answered: None, closed: false });
            }
            Event::ComplaintSupplemented(it) => {
                let known = self.tickets.get_mut(&it.ticket).unwrap();
                known.due = known.due.or(it.due_at);
            }
            Event::ComplaintCorrected(it) => {
                let known = self.tickets.get_mut(&it.ticket).unwrap();
                known.due = it.due_at.or(known.due);
                known.answered = it.answered_at.or(known.answered);
            }
            Event::ComplaintAnswered(it) => self.tickets.get_mut(&it.ticket).unwrap().answered = Some(it.at),
            Event::ComplaintResolved(it) | Event::ComplaintWithdrawn(it) | Event::ComplaintMerged(it) => {
                self.tickets.get_mut(&it.ticket).unwrap().closed = true;
            }
            _ => {}
        }
    }

    fn look(&mut self, policies: &Policies, now: Instant) {
        let (clocks, follow_up) =
            (policies.pack.complaints.as_ref().unwrap(), policies.pack.follow_up.as_ref().unwrap());
        for (name, ticket) in self.tickets.iter().filter(|(_, ticket)| !ticket.closed) {
            let clock = match (ticket.due, ticket.answered) {
                (Some(since), None) => Clock { step: ClockStep::DueTime, since },
                (Some(since), Some(_)) if ticket.channel != Channel::Mall => Clock { step: ClockStep::DueTime, since },
                (_, Some(since)) => Clock { step: ClockStep::Closing, since },
                (None, None) => Clock { step: ClockStep::FirstAnswer, since: ticket.received },
            };
            let Some(rule) = clocks.rule(ticket.channel, clock).filter(|rule| rule.told_by.is_none()) else { continue };
            let due = rule.due_at(clock.since, &policies.calendar);
            let told = self.told.entry((name.clone(), clock)).or_insert((0, Some(due)));
            while let Some(at) = told.1.filter(|at| *at <= now && due <= now) {
                let next = follow_up.step_at(told.0 + 1, at, &policies.calendar);
                *told = (told.0 + 1, next);
                self.taken.insert((name.clone(), clock.step, clock.since, told.0, at, next));
            }
        }
    }
}

/// A simulated year with its holidays, 100 restarts, weeks in which nobody was there, and a clock that was ahead and behind: every step is
/// taken once and is what a plain second program comes to; mails go out in office hours, and tell of each.
#[test]
fn a_year_of_tickets_is_what_a_plain_program_says() {
    let policies = Policies::built_in().unwrap();
    let mut stage = Stage::set(memory(), "2025-06-01T08:00:00");
    let mut chance = ChaCha8Rng::seed_from_u64(11);
    let codes = [HAIR, OTHER];
    say(&stage, codes.iter().map(|code| register(code)).collect());
    let mut plain = Plain::default();
    let mut heard = 0;
    let mut listen = |stage: &Stage, plain: &mut Plain, now: Instant| {
        for recorded in stage.log.read_all(heard, usize::MAX).unwrap() {
            plain.hear(&recorded.event.decode().unwrap());
        }
        heard = stage.log.head();
        plain.look(&policies, now);
    };
    let (mut day, mut restarts, mut number) = ("2025-06-01".parse().unwrap(), 0, 0_u32);
    let mut open: Vec<(String, usize, &str, String)> = Vec::new();
    for turn in 1..340_u32 {
        let now = clock_of(turn, day);
        if turn % 3 == 0 && restarts < 100 {
            stage.restart(now, None);
            restarts += 1;
        }
        stage.clock.set(now);
        stage.desk.settle().unwrap();
        listen(&stage, &mut plain, now);
        if turn != 90 && turn != 91 && turn != 200 {
            let text = |at: Instant| local(at).strftime("%Y-%m-%dT%H:%M:%S").to_string();
            let mut rows = Vec::new();
            if chance.random_bool(0.5) {
                number += 1;
                let (which, channel) =
                    (chance.random_range(0..2_usize), *["12345", "12315", "mall"].choose(&mut chance).unwrap());
                let received = text(plus_hours(now, -chance.random_range(1..20_i64)));
                let due = chance.random_bool(0.3).then(|| text(plus_hours(now, chance.random_range(10..300_i64))));
                let due = due.map(|due| format!(r#","due_at":"{due}+08:00""#)).unwrap_or_default();
                rows.push(ticket_about(codes[which], &format!("T{number}"), channel, &received, &due));
                open.push((format!("T{number}"), which, channel, received));
            }
            if !open.is_empty() && chance.random_bool(0.5) {
                let place = chance.random_range(0..open.len());
                let (name, which, channel, received) = open[place].clone();
                let said = match chance.random_range(0..4_u8) {
                    0 => format!(r#","answered_at":"{}+08:00""#, text(plus_hours(now, -1))),
                    1 => format!(r#","due_at":"{}+08:00""#, text(plus_hours(now, chance.random_range(10..300_i64)))),
                    _ => {
                        open.swap_remove(place);
                        format!(r#","closed_at":"{}+08:00","outcome":"resolved""#, text(plus_hours(now, -1)))
                    }
                };
                rows.push(ticket_about(codes[which], &name, channel, &received, &said));
            }
            // What a clock that was wrong makes of a row is another test's.
            stage.say(rows).unwrap();
            stage.desk.settle().unwrap();
            listen(&stage, &mut plain, now);
        }
        day = plus_days(day, if turn % 60 == 0 { 8 } else { 1 });
    }
    assert_eq!(restarts, 100);
    let (mut found, mut causes, mut told) = (Vec::new(), BTreeMap::new(), 0);
    for recorded in stage.log.read_all(0, usize::MAX).unwrap() {
        match recorded.event.decode().unwrap() {
            Event::ComplaintEscalated(said) => {
                causes.insert(recorded.event.id, said.to.clone());
                for late in said.tickets {
                    found.push((late.ticket, late.clock, late.since, said.step, said.at, said.next_at));
                }
            }
            Event::MailRequested(mail) => {
                if let Some(call) =
                    mail.light().and_then(|news| news.call.clone()).filter(|call| causes.contains_key(&call.cause))
                {
                    let at = local(recorded.recorded_at);
                    assert!(
                        policies.calendar.is_working_day(day_of(recorded.recorded_at)) && (9..18).contains(&at.hour()),
                        "{at}"
                    );
                    assert!(call.due_at.is_some_and(|due| due <= recorded.recorded_at));
                    told += 1;
                }
            }
            _ => {}
        }
    }
    let once: BTreeSet<Taken> = found.iter().cloned().collect();
    assert_eq!(once.len(), found.len(), "a step is taken twice");
    assert_eq!(once, plain.taken);
    let steps: BTreeSet<(ClockStep, u16)> = once.iter().map(|(_, clock, _, step, ..)| (*clock, *step)).collect();
    assert!(steps.len() >= 7, "the year is part of the trial: {steps:?}");
    assert!(told > 20, "{told}");
    let again = warnlight::picture::Picture::replay(&*stage.log, Arc::new(Policies::built_in().unwrap())).unwrap();
    assert_eq!(again.tickets, stage.desk.picture().tickets);
}
