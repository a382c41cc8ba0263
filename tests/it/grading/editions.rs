//! A log that was written under edition 1 of the facts (tests/fixtures/logs/edition-1.sqlite: a merchant short by less than a fen, a
//! balance that was a typing error, a flow that was no abnormal one, a notice far past its day, a closing after four days).

use crate::watch::stage::{start, time};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use warnlight::clock::ManualClock;
use warnlight::domain::event::{Event, LightCause, LightChanged};
use warnlight::lights::explain::explain;
use warnlight::lights::grade::grade;
use warnlight::lights::moment::Moment;
use warnlight::log::contract::EventLog;
use warnlight::log::embedded::{EmbeddedLog, Options};
use warnlight::picture::Picture;
use warnlight::policy::Policies;
use warnlight::policy::rule::Edition;

/// The policies a log was written under, and its changes of lights.
fn history(log: &dyn EventLog) -> (BTreeMap<String, Policies>, Vec<LightChanged>) {
    let (mut policies, mut changes) = (BTreeMap::new(), Vec::new());
    for recorded in log.read_all(0, usize::MAX).unwrap() {
        match recorded.event.decode().unwrap() {
            Event::PolicyActivated(activated) => {
                policies.insert(activated.digest, Policies::from_files(activated.files).unwrap());
            }
            Event::LightChanged(change) => changes.push(change),
            _ => {}
        }
    }
    (policies, changes)
}

fn told(changes: &[LightChanged]) -> Vec<String> {
    let one = |change: &LightChanged| {
        let rules: Vec<&str> = change.reasons.iter().map(|reason| reason.rule.as_str()).collect();
        format!("{} {} {}", change.credit_code, change.to, rules.join(" "))
    };
    let mut told: Vec<String> = changes.iter().map(one).collect();
    told.sort();
    told
}

#[test]
fn a_log_of_edition_1_is_read_its_lights_derived_as_they_were_and_the_new_pack_recorded() {
    let room = tempfile::tempdir().unwrap();
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/logs/edition-1.sqlite");
    std::fs::copy(kept, room.path().join("log.db")).unwrap();
    let log: Arc<dyn EventLog> = Arc::new(EmbeddedLog::open(room.path(), &Options::default()).unwrap());

    let (policies, then) = history(&*log);
    assert!(policies.values().all(|policies| policies.pack.version == 1 && policies.pack.edition == Edition::First));
    assert_eq!(
        told(&then),
        [
            "91110105MA0000000C orange abnormal-flow",
            "91110108MA0000000A orange custody-short two-penalties",
            "91110108MA0000000B yellow filing-overdue custody-silent",
        ]
    );
    let picture = Picture::replay(&*log, Arc::new(Policies::built_in().unwrap())).unwrap();
    for change in &then {
        let moment = Moment::new(&policies[&change.policy], change.at, change.known);
        let subject = moment.subject(&picture.world, picture.world.get(change.credit_code).unwrap());
        let grade = grade(&subject);
        let reasons: Vec<_> = explain(&subject, &grade)
            .into_iter()
            .map(|draft| {
                let events = log.ids_at(&draft.positions).unwrap();
                draft.with_events(events)
            })
            .collect();
        assert_eq!((grade.light, &reasons), (change.to, &change.reasons), "{}", change.credit_code);
    }

    // The service starts with version 2: that is recorded, and every light is looked at under it.
    let clock = Arc::new(ManualClock::new(time("2026-11-28T13:00:00")));
    let desk = start(&log, &clock, Policies::built_in().unwrap()).unwrap();
    desk.settle().unwrap();
    desk.stop();
    let (policies, changes) = history(&*log);
    let versions: Vec<u16> = policies.values().map(|policies| policies.pack.version).collect();
    assert!(versions.len() == 2 && versions.contains(&2), "{versions:?}");
    let now = &changes[then.len()..];
    assert!(now.iter().all(|change| change.cause == LightCause::Policy), "{now:?}");
    assert_eq!(
        told(now),
        [
            "91110105MA0000000C orange closed-short-notice",
            "91110108MA0000000A orange two-penalties",
            "91110108MA0000000B green ",
            "91310000MA0000000D yellow exit-overrun",
        ]
    );
}
