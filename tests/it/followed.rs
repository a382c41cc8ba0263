//! Lights are followed up: cases and their duties, once, whatever happens to the service.

use crate::watch::stage::{Stage, time};
use crate::watch::{HAIR, filing, hairdresser};
use std::sync::Arc;
use warnlight::domain::case::{Case, End};
use warnlight::domain::event::Event;
use warnlight::domain::words::{CaseOutcome, Light};
use warnlight::log::contract::EventLog;
use warnlight::log::memory::MemoryLog;

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
