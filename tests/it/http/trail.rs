//! One trace id from a request to the mail that follows from it, through the log.

use super::app::{App, HERE, THERE, instant};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant as Stopwatch};
use uuid::Uuid;
use warnlight::clock::ManualClock;
use warnlight::domain::envelope::Recorded;
use warnlight::domain::words::Role;
use warnlight::log::contract::{Append, EventLog, Expected};
use warnlight::log::memory::MemoryLog;
use warnlight::service::{start_desk, start_mail};
use warnlight::settings::Settings;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const OTHER: &str = "0af7651916cd43dd8448eb211c80319c";

fn parent(trace: &str) -> String {
    format!("00-{trace}-00f067aa0ba902b7-01")
}

fn uuid(trace: &str) -> Option<Uuid> {
    Some(trace.parse().unwrap())
}

/// Leaves at three weeks' notice: the light rises at once.
fn leaving(code: &str, mall: &str, unit: &str) -> Value {
    json!({ "command": "record_exit", "credit_code": code, "mall": mall, "unit": unit, "action": "post",
        "date": "2025-06-20", "planned_on": "2025-07-10", "reason": "hung up in the mall before" })
}

fn all(log: &dyn EventLog) -> Vec<Recorded> {
    log.read_all(0, usize::MAX).unwrap()
}

/// Returns the only event of a type after a position.
fn only(events: &[Recorded], kind: &str, after: u64) -> Recorded {
    let found: Vec<_> =
        events.iter().filter(|event| event.position > after && &*event.event.event_type == kind).collect();
    assert_eq!(found.len(), 1, "{kind}: {found:#?}");
    found[0].clone()
}

/// Waits until an event of a type follows a position; returns the whole log.
fn wait_for(log: &dyn EventLog, kind: &str, after: u64) -> Vec<Recorded> {
    let mut feed = log.subscribe(after).unwrap();
    let begun = Stopwatch::now();
    while begun.elapsed() < Duration::from_secs(60) {
        let events = feed.next(Duration::from_millis(200)).unwrap();
        if events.iter().any(|event| &*event.event.event_type == kind) {
            return all(log);
        }
    }
    panic!("no `{kind}` came");
}

/// Returns the mails in the spool.
fn spooled(data: &Path) -> Vec<String> {
    let files = std::fs::read_dir(data.join("spool")).unwrap();
    let files = files.map(|file| file.unwrap().path()).filter(|path| path.extension().is_some_and(|end| end == "eml"));
    files.map(|path| String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned()).collect()
}

#[test]
fn given_a_traceparent_then_evidence_light_mail_record_and_the_mail_itself_carry_its_trace_id() {
    let app = App::start();
    let before = app.desk.log().head();
    let reply = app
        .post("/api/v1/commands")
        .role(Role::Lead)
        .header("traceparent", &parent(TRACE))
        .json(&leaving(HERE, "东方广场", "B1-01"))
        .ok();
    assert_eq!((reply.header("warnlight-trace"), &reply.json()["trace_id"]), (TRACE, &json!(TRACE)));

    let events = wait_for(&**app.desk.log(), "mail.accepted", before);
    let evidence = only(&events, "mall.exit_notice_posted", before);
    let light = only(&events, "light.changed", before);
    let request = only(&events, "mail.requested", before);
    assert_eq!(light.event.causation, Some(evidence.event.id));
    assert_eq!(request.event.causation, Some(light.event.id));
    for event in events.iter().filter(|event| event.position > before) {
        assert_eq!(event.event.correlation, uuid(TRACE), "{event:?}");
    }
    for outcome in events.iter().filter(|event| event.event.event_type.starts_with("mail.a")) {
        assert_eq!(outcome.event.causation, Some(request.event.id));
    }
    let mails = spooled(app.folder());
    assert!(!mails.is_empty());
    for mail in mails {
        assert!(mail.contains(&format!("X-Warnlight-Trace: {TRACE}\r\n")), "{mail}");
    }
}

#[test]
fn given_no_usable_traceparent_then_every_request_has_a_trace_id_of_its_own() {
    let app = App::start();
    let ask = |header: Option<&str>, amount: &str| {
        let body =
            json!({ "command": "report_balance", "credit_code": HERE, "date": "2025-06-01", "outstanding": amount });
        let ask = app.post("/api/v1/commands").role(Role::Lead).json(&body);
        let reply = header.into_iter().fold(ask, |ask, header| ask.header("traceparent", header)).ok();
        let (receipt, trace) = (reply.json(), reply.header("warnlight-trace").to_owned());
        assert_eq!(receipt["trace_id"], trace);
        let position = receipt["position"].as_u64().unwrap();
        assert_eq!(all(&**app.desk.log())[usize::try_from(position).unwrap() - 1].event.correlation, uuid(&trace));
        trace
    };
    let bad = parent(&"0".repeat(32));
    let traces = [ask(None, "1.00"), ask(None, "2.00"), ask(Some(&bad), "3.00"), ask(Some("nonsense"), "4.00")];
    for (index, trace) in traces.iter().enumerate() {
        assert!(trace.len() == 32 && *trace != "0".repeat(32), "{trace}");
        assert!(!traces[..index].contains(trace));
    }
}

#[test]
fn given_a_repeat_under_its_key_on_another_trace_then_the_first_answer_stands_and_names_the_first_trace() {
    let app = App::start();
    let ask = |trace: &str| {
        let ask = app.post("/api/v1/commands").role(Role::Lead).header("idempotency-key", "k");
        ask.header("traceparent", &parent(trace)).json(&leaving(HERE, "东方广场", "B1-01")).ok()
    };
    let first = ask(TRACE).json();
    app.desk.settle().unwrap();
    let events = all(&**app.desk.log()).iter().filter(|event| event.event.correlation == uuid(OTHER)).count();
    let reply = ask(OTHER);
    let again = reply.json();
    assert_eq!(again["repeated"], true);
    for field in ["events", "position", "recorded_at", "trace_id"] {
        assert_eq!(again[field], first[field], "{field}");
    }
    assert_eq!(again["trace_id"], TRACE, "where the events are");
    assert_eq!(reply.header("warnlight-trace"), OTHER, "the request itself is on its caller's");
    let after = all(&**app.desk.log()).iter().filter(|event| event.event.correlation == uuid(OTHER)).count();
    assert_eq!((events, after), (0, 0));
}

#[test]
fn given_cloud_events_that_carry_a_trail_then_they_stay_on_it() {
    let app = App::start();
    let event = |id: &str, extra: Value| {
        let mut event = json!({ "specversion": "1.0", "id": id, "source": "/bank",
            "type": "cn.warnlight.command.report_balance",
            "data": { "credit_code": HERE, "date": "2025-06-01", "outstanding": format!("{id}.00") } });
        event.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        event
    };
    let correlation = uuid(OTHER).unwrap().to_string();
    let batch = json!([
        event("1", json!({ "traceparent": parent(OTHER) })),
        event("2", json!({ "correlation": correlation })),
        event("3", json!({ "traceparent": "nonsense", "correlation": "nonsense" })),
        event("4", json!({ "correlation": Uuid::nil() })),
        event("5", json!({})),
    ]);
    let receipts = app
        .post("/api/v1/cloudevents")
        .role(Role::Lead)
        .header("traceparent", &parent(TRACE))
        .text("application/cloudevents-batch+json", &batch.to_string())
        .ok()
        .json();
    let expected = [OTHER, OTHER, TRACE, TRACE, TRACE];
    let events = all(&**app.desk.log());
    for (receipt, trace) in receipts.as_array().unwrap().iter().zip(expected) {
        assert_eq!(receipt["trace_id"], trace, "{receipts:#}");
        let position = usize::try_from(receipt["position"].as_u64().unwrap()).unwrap();
        assert_eq!(events[position - 1].event.correlation, uuid(trace));
    }
}

#[test]
fn a_light_that_only_time_changed_begins_a_trail_named_by_its_own_id() {
    let app = App::start();
    app.tell(&[json!({ "command": "record_complaint", "ticket": "T1", "channel": "mall", "credit_code": THERE,
        "kind": "refund", "received_at": "2025-06-30T09:00:00Z" })]);
    let before = app.desk.log().head();
    app.clock.set(instant("2025-07-01T09:00:02Z"));
    app.desk.settle().unwrap();
    let events = all(&**app.desk.log());
    let missed = only(&events, "deadline.missed", before);
    let lights: Vec<_> =
        events.iter().filter(|event| event.position > before && &*event.event.event_type == "light.changed").collect();
    assert!(!lights.is_empty());
    for light in &lights {
        assert_eq!((light.event.causation, light.event.correlation), (None, Some(light.event.id)));
    }
    let light = lights.iter().find(|light| Some(light.event.id) == missed.event.causation).unwrap();
    assert_eq!(missed.event.correlation, light.event.correlation);
}

#[test]
fn a_light_that_a_neighbours_exit_changed_is_on_the_trail_of_that_exit() {
    let app = App::start();
    // The same brand under another code is linked to the first.
    app.tell(&[json!({ "command": "register_merchant", "credit_code": THERE, "name": "朝阳餐饮", "brand": "动起来",
        "industry_code": "8930", "division_code": "110105", "mall": "西单大悦城", "unit": "2-02" })]);
    let before = app.desk.log().head();
    app.post("/api/v1/commands")
        .role(Role::Lead)
        .header("traceparent", &parent(TRACE))
        .json(&json!({ "command": "record_exit", "credit_code": HERE, "mall": "东方广场", "unit": "B1-01",
            "action": "close", "date": "2025-06-29" }))
        .ok();
    app.desk.settle().unwrap();
    let events = all(&**app.desk.log());
    let closed = only(&events, "mall.shop_closed", before);
    let linked = events.iter().find(|event| event.position > before && *event.stream == format!("light-{THERE}"));
    let linked = linked.expect("the neighbour's light changed");
    assert_eq!((linked.event.causation, linked.event.correlation), (Some(closed.event.id), uuid(TRACE)));
}

/// A log that holds what `events` hold.
fn copy(events: &[Recorded]) -> Arc<dyn EventLog> {
    let log = MemoryLog::new();
    for recorded in events {
        let append = Append {
            stream: recorded.stream.clone(),
            expected: Expected::Any,
            recorded_at: recorded.recorded_at,
            idempotency_key: recorded.idempotency_key.clone(),
            events: vec![recorded.event.clone()],
        };
        log.append(append).unwrap();
    }
    Arc::new(log)
}

#[test]
fn after_a_restart_between_evidence_light_and_mail_the_trail_goes_on_in_the_same_words() {
    let app = App::start();
    let before = app.desk.log().head();
    let ask = app.post("/api/v1/commands").role(Role::Lead).header("traceparent", &parent(TRACE));
    ask.json(&leaving(HERE, "东方广场", "B1-01")).ok();
    app.desk.settle().unwrap();
    let events = all(&**app.desk.log());
    let (light, request) = (only(&events, "light.changed", before), only(&events, "mail.requested", before));
    drop(app);

    // The process died before the light was recorded, and before the mail was asked for.
    for lost in [light.position, request.position] {
        let folder = tempfile::tempdir().unwrap();
        let log = copy(&events[..usize::try_from(lost).unwrap() - 1]);
        let settings = Settings::from_layers(None, HashMap::new()).unwrap();
        let clock = Arc::new(ManualClock::new(instant("2025-06-30T10:05:00Z")));
        let desk = start_desk(&settings, log.clone(), clock).unwrap();
        desk.settle().unwrap();
        let worker = start_mail(&settings, folder.path(), &desk).unwrap();
        let again = wait_for(&*log, "mail.accepted", before);
        worker.stop();
        desk.stop();
        let light_again = only(&again, "light.changed", before).event;
        assert_eq!(
            (light_again.id, light_again.causation, light_again.correlation),
            (light.event.id, light.event.causation, light.event.correlation)
        );
        assert_eq!(only(&again, "mail.requested", before).event.correlation, uuid(TRACE));
        let mails = spooled(folder.path());
        assert!(!mails.is_empty() && mails.iter().all(|mail| mail.contains(TRACE)), "{mails:?}");
    }
}
