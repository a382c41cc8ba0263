//! A clock that was ahead and has been set right: complaints of now are of now, midnights come again, lights that the wrong
//! future lit are put right, and nothing is recorded twice; live and across a restart.

use crate::watch::stage::{Stage, Told, time, told};
use crate::watch::{HAIR, balance, complaint, custody, hairdresser};
use std::collections::BTreeSet;
use std::sync::Arc;
use warnlight::desk::Answer;
use warnlight::domain::command::Command;
use warnlight::domain::event::Event;
use warnlight::domain::time::{Instant, day_of};
use warnlight::log::contract::EventLog;
use warnlight::log::memory::MemoryLog;
use warnlight::picture::Picture;
use warnlight::policy::Policies;

const NOW: &str = "2025-03-05T10:30:00";

/// How the clock is mended.
#[derive(Debug, Clone, Copy)]
enum Mended {
    Live,
    Restarted,
}

const WAYS: [Mended; 2] = [Mended::Live, Mended::Restarted];

fn seconds(count: i64) -> jiff::SignedDuration {
    jiff::SignedDuration::from_secs(count)
}

const FORTY_DAYS: i64 = 40 * 86_400;

/// A stage whose clock was ahead by so many seconds while a hairdresser was registered, and is right now.
fn mended(ahead: i64, way: Mended) -> Stage {
    let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
    let mut stage = Stage::set(log, NOW);
    stage.desk.settle().unwrap();
    stage.clock.set(time(NOW) + seconds(ahead));
    stage.say(hairdresser()).unwrap();
    stage.desk.settle().unwrap();
    set_right(&mut stage, time(NOW) + seconds(1), way);
    stage
}

fn set_right(stage: &mut Stage, at: Instant, way: Mended) {
    match way {
        Mended::Live => stage.clock.set(at),
        Mended::Restarted => stage.restart(at, None),
    }
    stage.desk.settle().unwrap();
}

/// The light as it stands on record: its colour and the rules behind it.
fn standing(stage: &Stage) -> (String, Vec<String>) {
    let mut lights = stage.told().into_iter().filter_map(|told| match told {
        Told::Light { change, rules, .. } => Some((change.rsplit_once(' ').unwrap().1.to_owned(), rules)),
        _ => None,
    });
    lights.next_back().unwrap_or_else(|| ("green".to_owned(), Vec::new()))
}

/// Days closed, in the order of the log.
fn days(stage: &Stage) -> Vec<String> {
    let days = stage.told().into_iter().filter_map(|told| match told {
        Told::Day(day) => Some(day),
        _ => None,
    });
    days.collect()
}

/// A restart at the same moment records nothing, and the log says what the desk shows.
fn nothing_more(stage: &mut Stage) {
    let before = (stage.log.head(), standing(stage));
    let governance = |stage: &Stage| {
        let events = stage.log.read_all(before.0, usize::MAX).unwrap();
        events.iter().map(|recorded| recorded.event.event_type.to_string()).collect::<Vec<_>>()
    };
    for _ in 0..2 {
        let at = warnlight::clock::Clock::now(&*stage.clock);
        stage.restart(at, None);
        stage.desk.settle().unwrap();
        assert_eq!((governance(stage), standing(stage)), (Vec::new(), before.1.clone()));
    }
    let whole = Picture::replay(&*stage.log, Arc::new(Policies::built_in().unwrap())).unwrap();
    assert_eq!(stage.desk.picture().lights.entries(), whole.lights.entries());
}

#[test]
fn lights_of_a_wrong_future_are_put_right_and_stay_so() {
    for way in WAYS {
        let mut stage = mended(FORTY_DAYS, way);
        let lit = |told: &Told| matches!(told, Told::Light { change, .. } if change == "green to yellow");
        assert!(stage.told().iter().any(lit), "the wrong future lit nothing: {:?}", stage.told());
        assert_eq!(standing(&stage).0, "green", "{way:?}: {:?}", stage.told());
        nothing_more(&mut stage);
        stage.desk.stop();
    }
}

#[test]
fn every_midnight_comes_again_and_is_closed_once_more_and_only_once() {
    for way in WAYS {
        let mut stage = mended(FORTY_DAYS, way);
        let of_the_future = days(&stage);
        assert_eq!(of_the_future.len(), 40);
        // Evidence that the wrong future did not know: what is counted at the midnights is other than then.
        stage.say(vec![complaint("91110108MA0000000B", "T1", NOW, "")]).unwrap();
        let mut expected = of_the_future.clone();
        for day in 0..5 {
            let midnight = time("2025-03-06T00:00:00") + seconds(day * 86_400);
            // The first is lived through: before it, nothing on record says what time it really was.
            set_right(&mut stage, midnight, if day == 0 { Mended::Live } else { way });
            expected.push(of_the_future[usize::try_from(day).unwrap()].clone());
            assert_eq!(days(&stage), expected, "{way:?}");
        }
        nothing_more(&mut stage);
        // Through the time that the wrong clock had reached, and beyond.
        set_right(&mut stage, time("2025-04-20T12:00:00"), way);
        let again: BTreeSet<String> = days(&stage).split_off(40).into_iter().collect();
        assert_eq!(again.len(), 46, "{way:?}");
        assert_eq!(days(&stage).len(), 40 + 46, "{way:?}: a day is closed twice");
        nothing_more(&mut stage);
        stage.desk.stop();
    }
}

#[test]
fn a_deadline_of_the_wrong_future_is_missed_when_it_really_is() {
    for way in WAYS {
        let mut stage = mended(FORTY_DAYS, way);
        let before = stage.told().len();
        set_right(&mut stage, time("2025-03-31T23:59:59"), way);
        assert_eq!(standing(&stage).0, "green", "{way:?}");
        set_right(&mut stage, time("2025-04-01T00:00:00"), way);
        let missed =
            Told::Missed { code: HAIR.to_owned(), at: time("2025-04-01T00:00:00"), rule: "filing-overdue".to_owned() };
        let told = stage.told().split_off(before);
        assert_eq!(told.iter().filter(|told| **told == missed).count(), 1, "{way:?}: {told:?}");
        assert_eq!(standing(&stage), ("yellow".to_owned(), vec!["filing-overdue".to_owned()]), "{way:?}");
        nothing_more(&mut stage);
        stage.desk.stop();
    }
}

#[test]
fn a_complaint_of_now_is_unanswered_after_24_hours_and_not_before() {
    for ahead in [90, FORTY_DAYS] {
        for way in WAYS {
            let mut stage = mended(ahead, way);
            stage.clock.set(time("2025-03-05T11:00:00"));
            stage.say(vec![complaint(HAIR, "T1", "2025-03-05T10:45:00", "")]).unwrap();
            stage.desk.settle().unwrap();
            assert_eq!(standing(&stage).0, "green", "{ahead}, {way:?}: at once");
            set_right(&mut stage, time("2025-03-06T10:45:00"), way);
            assert_eq!(standing(&stage).0, "green", "{ahead}, {way:?}: after 24 hours");
            set_right(&mut stage, time("2025-03-06T10:45:01"), way);
            let at = time("2025-03-06T10:45:01");
            let told = stage.told();
            let lit = told.iter().any(|told| {
                matches!(told, Told::Light { at: lit, rules, .. }
                if *lit == at && rules == &["unanswered"])
            });
            assert!(lit, "{ahead}, {way:?}: {told:?}");
            nothing_more(&mut stage);
            stage.desk.stop();
        }
    }
}

#[test]
fn a_log_begun_by_a_clock_that_was_ahead_closes_the_days_of_the_right_one() {
    for way in WAYS {
        let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
        // No midnight passed while it was wrong.
        let mut stage = Stage::set(log, "2025-04-14T10:00:00");
        stage.say(hairdresser()).unwrap();
        stage.desk.settle().unwrap();
        set_right(&mut stage, time(NOW), way);
        assert_eq!(standing(&stage).0, "green", "{way:?}: {:?}", stage.told());
        set_right(&mut stage, time("2025-03-07T09:00:00"), Mended::Live);
        assert_eq!(days(&stage), ["2025-03-05", "2025-03-06"], "{way:?}");
        nothing_more(&mut stage);
        stage.desk.stop();
    }
}

#[test]
fn what_is_ahead_of_the_clock_is_refused_however_far_the_log_is_ahead() {
    for way in WAYS {
        let stage = mended(FORTY_DAYS, way);
        let said = |commands| stage.say(commands).unwrap().remove(0);
        let refused = |answer: &Answer| matches!(answer, Answer::Refused(found) if found[0].code == "future");
        for row in [
            complaint(HAIR, "T1", "2025-03-05T10:45:00", ""),
            balance(HAIR, "2025-03-06", "1000"),
            custody(HAIR, "2025-04-14", "1000"),
        ] {
            let answer = said(vec![row.clone()]);
            assert!(refused(&answer), "{way:?}: {row:?}: {answer:?}");
        }
        let answer = said(vec![complaint(HAIR, "T1", "2025-03-05T10:30:00", "")]);
        assert!(matches!(answer, Answer::Accepted(_)), "{way:?}: {answer:?}");
        stage.desk.stop();
    }
    // The log's own time counts while it is ahead by no more than nodes may differ.
    let stage = mended(90, Mended::Live);
    let answer = stage.say(vec![complaint(HAIR, "T1", "2025-03-05T10:31:00", "")]).unwrap().remove(0);
    assert!(matches!(answer, Answer::Accepted(_)), "{answer:?}");
    let answer = stage.say(vec![complaint(HAIR, "T2", "2025-03-05T10:35:00", "")]).unwrap().remove(0);
    assert!(matches!(answer, Answer::Refused(_)), "{answer:?}");
    stage.desk.stop();
}

/// Mails that were asked for, by what they are about.
fn mails(stage: &Stage) -> Vec<(String, Instant, bool)> {
    let events = stage.log.read_all(0, usize::MAX).unwrap();
    let mail = |event| match event {
        Event::MailRequested(mail) => {
            let news = mail.light()?;
            Some((news.credit_code.to_string(), mail.at, news.call.is_some()))
        }
        _ => None,
    };
    events.iter().filter_map(|recorded| mail(recorded.event.decode().unwrap())).collect()
}

/// Merchants enough, and a ticket whose clock runs within a day.
fn street() -> Vec<Command> {
    let code = |number: u32| format!("911101081100000{number:03}");
    let shops = (0..27).flat_map(|number| {
        hairdresser().into_iter().map(move |row| {
            let mut json = serde_json::to_value(&row).unwrap();
            json["credit_code"] = code(number).into();
            serde_json::from_value(json).unwrap()
        })
    });
    shops.chain([complaint(&code(3), "T1", NOW, ""), complaint(&code(4), "T2", NOW, "")]).collect()
}

/// A clock that jumps forward, back, and forward again brings the same lights each time: whoever was told is not told again.
#[test]
fn a_clock_that_bounces_mails_once_and_loses_nothing() {
    for way in WAYS {
        let mut stage = mended(FORTY_DAYS, way);
        stage.say(street()).unwrap();
        stage.desk.settle().unwrap();
        let (here, there) = (time(NOW) + seconds(60), time(NOW) + seconds(FORTY_DAYS));
        set_right(&mut stage, there, way);
        let told = mails(&stage);
        assert!(told.len() > 27, "{way:?}: {told:?}");
        for bounce in 1..4 {
            set_right(&mut stage, here + seconds(60 * bounce), way);
            assert!(stage.desk.picture().cases.open().next().is_none(), "{way:?}");
            set_right(&mut stage, there + seconds(bounce), way);
            assert_eq!(mails(&stage), told, "{way:?}: bounce {bounce}");
            // What is lit is followed up all the same, with the duties from before.
            let cases: Vec<_> = stage.desk.picture().cases.open().cloned().collect();
            assert_eq!(cases.len(), 28, "{way:?}");
            assert!(cases.iter().all(|case| case.standing().count() == case.rules.len()), "{way:?}: {cases:?}");
        }
        nothing_more(&mut stage);
        // If the future was right after all, it goes on from there.
        set_right(&mut stage, there + seconds(14 * 86_400), way);
        assert!(mails(&stage).len() > told.len(), "{way:?}");
        stage.desk.stop();
    }
}

/// Whoever was told by a clock that was ahead is told again when the day has really come.
#[test]
fn a_light_of_the_wrong_future_is_mailed_about_when_it_really_comes() {
    for way in WAYS {
        let mut stage = mended(FORTY_DAYS, way);
        let early = mails(&stage);
        for day in 6..=31 {
            set_right(&mut stage, time(&format!("2025-03-{day:02}T12:00:00")), way);
        }
        assert_eq!(mails(&stage), early, "{way:?}");
        set_right(&mut stage, time("2025-04-01T09:00:00"), way);
        let since = mails(&stage).split_off(early.len());
        let told: Vec<_> =
            since.iter().map(|(code, at, is_call)| (code.as_str(), day_of(*at).to_string(), *is_call)).collect();
        assert_eq!(told, [(HAIR, "2025-04-01".to_owned(), false)], "{way:?}");
        assert_eq!(stage.desk.picture().cases.open().count(), 1);
        stage.desk.stop();
    }
}

#[test]
fn two_nodes_put_a_wrong_future_right_once() {
    let log: Arc<dyn EventLog> = Arc::new(crate::shared::Shared(Arc::new(MemoryLog::new())));
    let wrong = Stage::set(log.clone(), NOW);
    wrong.settle_at("2025-04-14T10:30:00");
    wrong.say(hairdresser()).unwrap();
    wrong.desk.settle().unwrap();
    wrong.clock.set(time(NOW));
    let beside = Stage::set(log.clone(), NOW);
    for at in [NOW, "2025-03-06T00:00:00", "2025-03-08T09:00:00", "2025-04-01T00:00:00", "2025-04-20T09:00:00"] {
        // First both clocks: one of two that is weeks behind the other would take it for ahead.
        for stage in [&wrong, &beside] {
            stage.clock.set(time(at));
        }
        std::thread::scope(|scope| {
            for stage in [&wrong, &beside] {
                scope.spawn(|| stage.desk.settle().unwrap());
            }
        });
        beside.desk.settle().unwrap();
    }
    let again: Vec<String> = days(&beside).split_off(40);
    assert_eq!(again.len(), 46, "{again:?}");
    assert_eq!(again.iter().collect::<BTreeSet<_>>().len(), 46, "a day is closed twice: {again:?}");
    let missed = told(&*log).iter().filter(|told| matches!(told, Told::Missed { .. })).count();
    // The filing when it really was late, and later the silence of the bank.
    assert_eq!(missed, 2, "{:?}", told(&*log));
    wrong.desk.stop();
    beside.desk.stop();
}
