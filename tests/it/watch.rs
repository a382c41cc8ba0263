//! Silence is evidence: lights that time alone changes, once, also across stops and failures.

mod cut;
mod laws;
pub(crate) mod stage;

use cut::CutLog;
use stage::{Stage, Told, start, time, told};
use std::sync::Arc;
use warnlight::clock::ManualClock;
use warnlight::desk::{Answer, Request};
use warnlight::domain::command::Command;
use warnlight::domain::envelope::Origin;
use warnlight::log::contract::EventLog;
use warnlight::log::embedded::{EmbeddedLog, Options};
use warnlight::log::memory::MemoryLog;
use warnlight::policy::Policies;

pub(crate) const HAIR: &str = "91110108MA0000000A";
const GYM: &str = "91110108MA0000000B";
const TWIN: &str = "91110108MA0000000C";

fn command(json: &str) -> Command {
    serde_json::from_str(json).unwrap()
}

pub(crate) fn register(code: &str, industry: &str, brand: &str) -> Command {
    command(&format!(
        r#"{{"command":"register_merchant","credit_code":"{code}","industry_code":"{industry}","division_code":"110108","brand":"{brand}","mall":"M","unit":"1"}}"#
    ))
}

pub(crate) fn balance(code: &str, date: &str, yuan: &str) -> Command {
    command(&format!(r#"{{"command":"report_balance","credit_code":"{code}","date":"{date}","outstanding":"{yuan}"}}"#))
}

pub(crate) fn custody(code: &str, date: &str, yuan: &str) -> Command {
    command(&format!(r#"{{"command":"report_custody","credit_code":"{code}","date":"{date}","held":"{yuan}"}}"#))
}

pub(crate) fn filing(code: &str, status: &str, date: &str) -> Command {
    command(&format!(r#"{{"command":"record_filing","credit_code":"{code}","status":"{status}","date":"{date}"}}"#))
}

pub(crate) fn complaint(code: &str, ticket: &str, received: &str, more: &str) -> Command {
    command(&format!(
        r#"{{"command":"record_complaint","ticket":"{ticket}","channel":"mall","kind":"other","credit_code":"{code}","received_at":"{received}+08:00"{more}}}"#
    ))
}

fn closing(code: &str, date: &str) -> Command {
    command(&format!(
        r#"{{"command":"record_exit","credit_code":"{code}","mall":"M","unit":"1","action":"close","date":"{date}"}}"#
    ))
}

/// A hairdresser whose filing is due by 2025-03-31, with enough in custody.
pub(crate) fn hairdresser() -> Vec<Command> {
    vec![register(HAIR, "8040", "Aurora"), balance(HAIR, "2025-03-01", "600000"), custody(HAIR, "2025-03-05", "300000")]
}

fn memory() -> Arc<dyn EventLog> {
    Arc::new(MemoryLog::new())
}

fn light(code: &str, at: &str, change: &str, cause: &str, rules: &[&str]) -> Told {
    Told::Light {
        code: code.to_owned(),
        at: time(at),
        change: change.to_owned(),
        cause: cause.to_owned(),
        rules: rules.iter().map(|rule| (*rule).to_owned()).collect(),
    }
}

fn missed(code: &str, at: &str, rule: &str) -> Told {
    Told::Missed { code: code.to_owned(), at: time(at), rule: rule.to_owned() }
}

fn without_days(told: Vec<Told>) -> Vec<Told> {
    told.into_iter().filter(|told| !matches!(told, Told::Day(_))).collect()
}

#[test]
fn a_filing_deadline_that_passes_in_silence_is_recorded_once_whatever_is_restarted() {
    let folder = tempfile::tempdir().unwrap();
    let open = || -> Arc<dyn EventLog> { Arc::new(EmbeddedLog::open(folder.path(), &Options::default()).unwrap()) };
    let mut stage = Stage::set(open(), "2025-03-05T10:00:00");
    stage.say(hairdresser()).unwrap();
    stage.settle_at("2025-03-31T23:59:59");
    assert_eq!(without_days(stage.told()), []);
    let expected = [
        light(HAIR, "2025-04-01T00:00:00", "green to yellow", "time", &["filing-overdue"]),
        missed(HAIR, "2025-04-01T00:00:00", "filing-overdue"),
    ];
    stage.settle_at("2025-04-01T00:00:00");
    assert_eq!(without_days(stage.told()), expected);
    for at in ["2025-04-01T00:00:00", "2025-04-01T12:00:00", "2025-04-03T08:00:00"] {
        stage.desk.stop();
        let clock = Arc::new(ManualClock::new(time(at)));
        // The file is let go of before it is opened again.
        drop(stage);
        let log = open();
        let desk = start(&log, &clock, Policies::built_in().unwrap()).unwrap();
        stage = Stage { log, clock, desk };
        stage.desk.settle().unwrap();
        assert_eq!(without_days(stage.told()), expected, "after a restart at {at}");
    }
    stage.desk.stop();
}

#[test]
fn a_mall_complaint_lights_up_one_second_after_24_hours() {
    let stage = Stage::set(memory(), "2025-03-05T10:30:00");
    stage.say(vec![register(HAIR, "8040", ""), complaint(HAIR, "T1", "2025-03-05T10:15:00", "")]).unwrap();
    stage.settle_at("2025-03-06T10:15:00");
    assert_eq!(without_days(stage.told()), []);
    stage.settle_at("2025-03-06T10:15:01");
    let lit = [
        light(HAIR, "2025-03-06T10:15:01", "green to yellow", "time", &["unanswered"]),
        missed(HAIR, "2025-03-06T10:15:01", "unanswered"),
    ];
    assert_eq!(without_days(stage.told()), lit);
    stage.clock.set(time("2025-03-06T11:00:00"));
    let answer = r#","answered_at":"2025-03-06T10:50:00+08:00""#;
    stage.say(vec![complaint(HAIR, "T1", "2025-03-05T10:15:00", answer)]).unwrap();
    stage.desk.settle().unwrap();
    let out = light(HAIR, "2025-03-06T11:00:00", "yellow to green", "evidence", &[]);
    assert_eq!(without_days(stage.told()), [&lit[..], &[out]].concat());
    stage.desk.stop();
}

#[test]
fn three_midnights_slept_through_are_gone_through_one_by_one() {
    let mut stage = Stage::set(memory(), "2025-03-30T20:00:00");
    stage.say(hairdresser()).unwrap();
    stage.say(vec![complaint(HAIR, "T1", "2025-03-30T19:00:00", "")]).unwrap();
    stage.desk.settle().unwrap();
    stage.restart(time("2025-04-02T09:00:00"), None);
    stage.desk.settle().unwrap();
    assert_eq!(
        stage.told(),
        [
            Told::Day("2025-03-30".to_owned()),
            light(HAIR, "2025-03-31T19:00:01", "green to yellow", "time", &["unanswered"]),
            missed(HAIR, "2025-03-31T19:00:01", "unanswered"),
            light(HAIR, "2025-04-01T00:00:00", "yellow to yellow", "time", &["filing-overdue", "unanswered"]),
            missed(HAIR, "2025-04-01T00:00:00", "filing-overdue"),
            Told::Day("2025-03-31".to_owned()),
            Told::Day("2025-04-01".to_owned()),
        ]
    );
    stage.desk.stop();
}

#[test]
fn what_time_did_while_the_desk_slept_comes_before_what_it_is_told_on_waking() {
    let mut stage = Stage::set(memory(), "2025-03-30T20:00:00");
    stage.say(hairdresser()).unwrap();
    stage.desk.settle().unwrap();
    stage.restart(time("2025-04-02T09:00:00"), None);
    stage.say(vec![filing(HAIR, "accepted", "2025-04-02")]).unwrap();
    stage.desk.settle().unwrap();
    assert_eq!(
        without_days(stage.told()),
        [
            light(HAIR, "2025-04-01T00:00:00", "green to yellow", "time", &["filing-overdue"]),
            missed(HAIR, "2025-04-01T00:00:00", "filing-overdue"),
            light(HAIR, "2025-04-02T09:00:00", "yellow to green", "evidence", &[]),
        ]
    );
    stage.desk.stop();
}

#[test]
fn evidence_whose_lights_could_not_be_recorded_is_looked_at_after_the_restart_and_so_are_its_links() {
    let log = memory();
    let mut stage = Stage::set(log.clone(), "2025-03-04T10:00:00");
    stage.say(vec![register(GYM, "8930", "Aurora"), register(TWIN, "7000", "Aurora")]).unwrap();
    stage.settle_at("2025-03-05T00:00:00");
    let cut = CutLog::after(log.clone(), 1);
    stage.restart(time("2025-03-05T11:00:00"), Some(cut));
    stage.say(vec![closing(GYM, "2025-03-05")]).unwrap();
    assert!(stage.desk.settle().is_err());
    assert_eq!(without_days(told(&*log)), []);
    stage.restart(time("2025-03-07T08:00:00"), Some(log));
    stage.desk.settle().unwrap();
    assert_eq!(
        without_days(stage.told()),
        [
            light(GYM, "2025-03-05T11:00:00", "green to red", "evidence", &["closed-unannounced"]),
            light(TWIN, "2025-03-05T11:00:00", "green to orange", "link", &["linked-closure"]),
        ]
    );
    stage.desk.stop();
}

#[test]
fn a_merchant_that_is_no_longer_linked_is_looked_at_at_once() {
    let stage = Stage::set(memory(), "2025-03-05T10:00:00");
    let rows = vec![register(GYM, "8930", "Aurora"), register(TWIN, "7000", "Aurora"), closing(GYM, "2025-03-05")];
    stage.say(rows).unwrap();
    stage.desk.settle().unwrap();
    stage.clock.set(time("2025-03-05T12:00:00"));
    stage.say(vec![register(GYM, "8930", "Boreal")]).unwrap();
    stage.desk.settle().unwrap();
    let last = stage.told().pop().unwrap();
    assert_eq!(last, light(TWIN, "2025-03-05T12:00:00", "orange to green", "link", &[]));
    stage.desk.stop();
}

/// The built-in policies with one rule made to speak of another fact.
pub(crate) fn policies_with(old: &str, new: &str) -> Policies {
    let mut files = Policies::built_in().unwrap().activation().files;
    for file in &mut files {
        file.text = file.text.replace(old, new);
    }
    let policies = Policies::from_files(files).unwrap();
    assert_ne!(policies.digest, Policies::built_in().unwrap().digest);
    policies
}

#[test]
fn a_due_time_that_is_filled_in_later_runs_out_at_its_own_time() {
    let log = memory();
    let clock = Arc::new(ManualClock::new(time("2025-03-05T10:30:00")));
    let desk = start(&log, &clock, policies_with("complaints.unanswered_24h", "complaints.overdue")).unwrap();
    let say = |row| desk.execute(Request::new(vec![row], Origin::of("test"))).unwrap();
    say(complaint(HAIR, "T1", "2025-03-05T10:15:00", ""));
    say(complaint(HAIR, "T1", "2025-03-05T10:15:00", r#","due_at":"2025-03-05T14:00:00+08:00""#));
    clock.set(time("2025-03-05T14:00:00"));
    desk.settle().unwrap();
    assert_eq!(without_days(told(&*log)), []);
    clock.set(time("2025-03-05T15:00:00"));
    desk.settle().unwrap();
    assert_eq!(
        without_days(told(&*log)),
        [
            light(HAIR, "2025-03-05T14:00:01", "green to yellow", "time", &["unanswered"]),
            missed(HAIR, "2025-03-05T14:00:01", "unanswered"),
        ]
    );
    desk.stop();
}

#[test]
fn lights_under_new_policies_are_recorded_although_the_first_start_under_them_failed() {
    let log = memory();
    let stage = Stage::set(log.clone(), "2025-03-05T10:00:00");
    let act = |number: &str| {
        command(&format!(
            r#"{{"command":"record_enforcement","credit_code":"{HAIR}","kind":"penalty","date":"2025-03-01","number":"{number}"}}"#
        ))
    };
    stage.say(vec![act("1")]).unwrap();
    stage.desk.settle().unwrap();
    stage.desk.stop();
    let stricter =
        || policies_with("{ fact = \"penalties.365d\", ge = \"2\" }", "{ fact = \"penalties.365d\", ge = \"1\" }");
    // One append: the policies themselves.
    let cut = CutLog::after(log.clone(), 1);
    let cut_log: Arc<dyn EventLog> = cut.clone();
    let desk = start(&cut_log, &stage.clock, stricter()).unwrap();
    assert!(desk.settle().is_err());
    desk.stop();
    assert!(cut.was_full());
    let desk = start(&log, &stage.clock, stricter()).unwrap();
    desk.settle().unwrap();
    desk.stop();
    assert_eq!(told(&*log), [light(HAIR, "2025-03-05T10:00:00", "green to orange", "policy", &["two-penalties"])]);
}

/// What is said when, in a small district; nothing where only time passes.
pub(crate) fn story() -> Vec<(&'static str, Vec<Command>)> {
    let refund = complaint(TWIN, "T2", "2025-03-20T09:00:00", "");
    let Command::RecordComplaint(mut refund) = refund else { panic!("not a complaint") };
    refund.kind = warnlight::domain::words::ComplaintKind::Refund;
    refund.channel = warnlight::domain::words::Channel::Hotline;
    let mut hair = hairdresser();
    hair.push(register(TWIN, "8111", "Aurora"));
    vec![
        ("2025-03-25T10:00:00", hair),
        ("2025-03-26T09:00:00", vec![Command::RecordComplaint(refund)]),
        ("2025-03-27T00:00:00", vec![]),
        ("2025-03-28T15:00:00", vec![complaint(HAIR, "T1", "2025-03-28T14:00:00", "")]),
        ("2025-03-29T00:00:00", vec![]),
        ("2025-03-29T14:00:01", vec![]),
        ("2025-03-31T09:00:00", vec![register(GYM, "8930", "Aurora"), balance(GYM, "2025-03-01", "1000")]),
        ("2025-04-01T00:00:00", vec![]),
        ("2025-04-02T11:00:00", vec![filing(HAIR, "accepted", "2025-04-02"), closing(GYM, "2025-04-01")]),
        ("2025-04-03T08:00:00", vec![balance(GYM, "2025-04-02", "0")]),
        ("2025-04-04T00:00:00", vec![]),
        ("2025-04-05T07:00:00", vec![]),
        (
            "2025-04-06T10:00:00",
            vec![complaint(HAIR, "T1", "2025-03-28T14:00:00", r#","answered_at":"2025-04-05T09:00:00+08:00""#)],
        ),
        ("2025-04-25T00:00:00", vec![]),
    ]
}

/// The light history of each merchant by itself: merchants do not wait for each other.
pub(crate) fn histories(log: &dyn EventLog) -> Vec<Told> {
    let mut told = without_days(told(log));
    told.sort_by_key(|told| match told {
        Told::Light { code, .. } | Told::Missed { code, .. } => code.clone(),
        Told::Day(day) => day.clone(),
    });
    told
}

fn tell(stage: &Stage, commands: Vec<Command>) -> bool {
    match stage.say(commands) {
        Ok(answers) => {
            assert!(answers.iter().all(|answer| !matches!(answer, Answer::Refused(_))), "{answers:?}");
            true
        }
        Err(_) => false,
    }
}

fn awake() -> Vec<Told> {
    let stage = Stage::set(memory(), "2025-03-25T09:00:00");
    for (at, commands) in story() {
        // Every midnight on its own, too.
        stage.settle_at(at);
        assert!(tell(&stage, commands));
        stage.desk.settle().unwrap();
    }
    stage.desk.stop();
    histories(&*stage.log)
}

#[test]
fn the_story_has_lights_of_every_cause() {
    let told = awake();
    for cause in ["evidence", "link", "time"] {
        assert!(told.iter().any(|told| matches!(told, Told::Light { cause: found, .. } if found == cause)), "{cause}");
    }
    assert!(told.iter().filter(|told| matches!(told, Told::Missed { .. })).count() >= 3);
}

#[test]
fn the_history_of_lights_does_not_depend_on_when_the_service_slept() {
    let expected = awake();
    // Never settled before it is told something, so evidence comes while midnights are waiting.
    let stage = Stage::set(memory(), "2025-03-25T09:00:00");
    for (at, commands) in story() {
        stage.clock.set(time(at));
        if !commands.is_empty() {
            assert!(tell(&stage, commands));
        }
    }
    stage.desk.settle().unwrap();
    stage.desk.stop();
    assert_eq!(histories(&*stage.log), expected);
    // Down whenever nothing is said.
    let mut stage = Stage::set(memory(), "2025-03-25T09:00:00");
    for (at, commands) in story() {
        if commands.is_empty() && at != "2025-04-25T00:00:00" {
            continue;
        }
        stage.restart(time(at), None);
        assert!(tell(&stage, commands));
    }
    stage.desk.settle().unwrap();
    stage.desk.stop();
    assert_eq!(histories(&*stage.log), expected);
}

#[test]
fn the_history_of_lights_does_not_depend_on_where_the_disk_filled_up() {
    // Command by command, each at an instant of its own: of several told at once some may be on disk and others not, and
    // then the lights in between are a true part of the history.
    let single = |(at, commands): (&'static str, Vec<Command>)| {
        let after = |seconds| time(at) + jiff::SignedDuration::from_secs(seconds);
        let commands = (1..).map(after).zip(commands).map(|(at, command)| (at, vec![command]));
        std::iter::once((time(at), Vec::new())).chain(commands).collect::<Vec<_>>()
    };
    let story = || story().into_iter().flat_map(single);
    let stage = Stage::set(memory(), "2025-03-25T09:00:00");
    for (at, commands) in story() {
        stage.clock.set(at);
        stage.desk.settle().unwrap();
        assert!(tell(&stage, commands));
        stage.desk.settle().unwrap();
    }
    stage.desk.stop();
    let expected = histories(&*stage.log);
    for room in 0.. {
        let log = memory();
        let mut stage = Stage::set(log.clone(), "2025-03-25T09:00:00");
        let cut = CutLog::after(log.clone(), room);
        stage.restart(time("2025-03-25T09:00:00"), Some(cut.clone()));
        for (at, commands) in story() {
            stage.clock.set(at);
            if !tell(&stage, commands.clone()) || stage.desk.settle().is_err() {
                // Room is made, and what got no answer is sent again.
                stage.restart(at, Some(log.clone()));
                assert!(tell(&stage, commands));
                stage.desk.settle().unwrap();
            }
        }
        stage.desk.stop();
        assert_eq!(histories(&*log), expected, "full after {room} appends");
        if !cut.was_full() {
            return;
        }
    }
}
