//! The laws that hold for every log: one key, one answer (2), lights can be derived again (5), the log is the only truth (3).

use super::stage::{Stage, time};
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use warnlight::desk::{Answer, DeskError, Request, RequestKey};
use warnlight::domain::command::Command;
use warnlight::domain::envelope::Origin;
use warnlight::domain::event::{Event, LightCause};
use warnlight::domain::merchant::Horizon;
use warnlight::domain::words::Light;
use warnlight::intake::item::Item;
use warnlight::intake::read::read;
use warnlight::lights::explain::explain;
use warnlight::lights::grade::grade;
use warnlight::lights::moment::Moment;
use warnlight::log::contract::EventLog;
use warnlight::log::memory::MemoryLog;
use warnlight::picture::Picture;
use warnlight::policy::Policies;

fn sample(now: &str) -> Vec<Command> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples/district-utf8");
    let mut commands = Vec::new();
    let _ = read(&path, time(now), &mut |item| {
        if let Item::Row(row) = item {
            // Rows from after `now` are refused, and sent again later.
            commands.extend(row.outcome.ok());
        }
        ControlFlow::Continue(())
    });
    commands
}

/// The sample district, told on two days with half a year in between.
fn lived_through() -> Stage {
    let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
    let stage = Stage::set(log, "2025-03-31T18:00:00");
    for at in ["2025-03-31T18:00:00", "2025-10-15T09:00:00"] {
        stage.settle_at(at);
        let request = Request { hold_lights: true, ..Request::new(sample(at), Origin::of("test")) };
        stage.desk.execute(request).unwrap();
        stage.desk.settle().unwrap();
    }
    stage.settle_at("2025-11-20T00:00:00");
    stage
}

#[test]
fn every_light_can_be_derived_again_and_every_view_rebuilt() {
    let stage = lived_through();
    stage.desk.stop();
    let built_in = Arc::new(Policies::built_in().unwrap());
    let state = Picture::replay(&*stage.log, built_in).unwrap();

    // Law 3.
    {
        let live = stage.desk.picture();
        assert_eq!(live.world.merchants(), state.world.merchants());
        assert_eq!(live.lights.entries(), state.lights.entries());
        assert_eq!(live.position, state.position);
    }

    // Law 5.
    let mut policies = HashMap::new();
    let mut causes = HashMap::new();
    let mut last: HashMap<_, Light> = HashMap::new();
    for recorded in stage.log.read_all(0, usize::MAX).unwrap() {
        let change = match recorded.event.decode().unwrap() {
            Event::PolicyActivated(activated) => {
                policies.insert(activated.digest, Policies::from_files(activated.files).unwrap());
                continue;
            }
            Event::LightChanged(change) => change,
            _ => continue,
        };
        *causes.entry(format!("{:?}", change.cause)).or_insert(0) += 1;
        assert!(change.known < recorded.position);
        let before = last.insert(change.credit_code, change.to).unwrap_or(Light::Green);
        assert_eq!(change.from, before, "{} at {}", change.credit_code, change.at);
        let moment = Moment::new(&policies[&change.policy], change.at, change.known);
        let merchant = state.world.get(change.credit_code).unwrap();
        if !merchant.exists(&Horizon::new(change.at, change.known)) {
            assert_eq!((change.to, change.reasons.len()), (Light::Green, 0));
            continue;
        }
        let subject = moment.subject(&state.world, merchant);
        let grade = grade(&subject);
        let reasons: Vec<_> = explain(&subject, &grade)
            .into_iter()
            .map(|draft| {
                let events = stage.log.ids_at(&draft.positions).unwrap();
                draft.with_events(events)
            })
            .collect();
        assert_eq!((grade.light, &reasons), (change.to, &change.reasons), "{} at {}", change.credit_code, change.at);
        let without_events = |rule: &str| matches!(rule, "custody-silent");
        assert!(reasons.iter().all(|reason| !reason.events.is_empty() || without_events(&reason.rule)), "{reasons:?}");
    }
    assert!(causes[&format!("{:?}", LightCause::Evidence)] > 50, "{causes:?}");
    assert!(causes[&format!("{:?}", LightCause::Time)] > 50, "{causes:?}");
}

#[test]
fn one_key_stands_for_one_request() {
    let stage = Stage::set(Arc::new(MemoryLog::new()), "2025-03-31T18:00:00");
    let commands = sample("2025-03-31T18:00:00");
    let ask = |command: usize, content: u8| {
        let key = Some(RequestKey { names: vec!["client:k".into()], content: [content; 32] });
        stage.desk.execute(Request { key, ..Request::new(vec![commands[command].clone()], Origin::of("test")) })
    };
    let receipt = |answer: Result<Vec<Answer>, DeskError>| match answer.unwrap().remove(0) {
        Answer::Accepted(receipt) => receipt,
        other => panic!("{other:?}"),
    };
    let first = receipt(ask(0, 1));
    let head = stage.log.head();
    let again = receipt(ask(0, 1));
    assert_eq!((again.repeated, &again.events, again.last), (true, &first.events, first.last));
    for command in [0, 1] {
        let other = ask(command, 2);
        assert!(matches!(other, Err(DeskError::KeyReused(_))), "another request under the key: {other:?}");
    }
    assert_eq!(stage.log.head(), head);
}
