//! One key, one request, one answer.

use super::app::{App, HERE, Reply};
use crate::shared::forward;
use serde_json::{Value, json};
use std::sync::Arc;
use warnlight::domain::words::Role;
use warnlight::log::contract::{Append, EventLog, Pending};
use warnlight::log::memory::MemoryLog;

fn balance(day: u32, outstanding: &str) -> Value {
    json!({ "command": "report_balance", "credit_code": HERE, "date": format!("2025-06-{day:02}"), "outstanding": outstanding })
}

fn send(app: &App, path: &str, key: &str, body: &Value) -> Reply {
    app.post(path).role(Role::Lead).header("idempotency-key", key).json(body).send()
}

fn is_reused(reply: &Reply) -> bool {
    (reply.status, reply.code().as_str()) == (409, "idempotency_key_reused")
}

#[test]
fn a_list_gets_its_whole_answer_again_and_a_longer_or_shorter_one_is_a_conflict() {
    let app = App::start();
    let list = json!([balance(1, "1.00"), { "command": "report_balance" }, balance(1, "1.00"), balance(2, "2.00")]);
    let first = send(&app, "/api/v1/commands", "k", &list).json();
    let said: Vec<_> = first.as_array().unwrap().iter().map(|receipt| receipt["status"].as_str().unwrap()).collect();
    assert_eq!(said, ["accepted", "refused", "unchanged", "accepted"]);
    let position = app.desk.log().head();
    let mut again = send(&app, "/api/v1/commands", "k", &list).json();
    for receipt in again.as_array_mut().unwrap() {
        let repeated = receipt.as_object_mut().unwrap().remove("repeated");
        assert_eq!(repeated.is_some(), receipt["status"] == "accepted");
    }
    assert_eq!(again, first);
    for other in [
        json!([balance(1, "1.00"), { "command": "report_balance" }, balance(1, "1.00")]),
        json!([balance(1, "1.00"), { "command": "report_balance" }, balance(1, "1.00"), balance(2, "2.00"), balance(3, "3.00")]),
        json!([balance(1, "1.00")]),
        balance(1, "1.00"),
    ] {
        assert!(is_reused(&send(&app, "/api/v1/commands", "k", &other)), "{other}");
    }
    assert_eq!(app.desk.log().head(), position, "none of it wrote anything");
}

#[test]
fn a_command_and_a_list_of_it_are_two_requests() {
    let app = App::start();
    assert_eq!(send(&app, "/api/v1/commands", "k", &balance(1, "1.00")).status, 200);
    let other = send(&app, "/api/v1/commands", "k", &json!([balance(1, "1.00")]));
    assert!(is_reused(&other) && other.json()["detail"].as_str().unwrap().contains("`k`"), "{other:?}");
    assert!(is_reused(&send(&app, "/api/v1/commands", "k", &json!([balance(1, "1.00"), balance(2, "2.00")]))));
}

#[test]
fn what_was_known_or_refused_keeps_its_answer_whatever_comes_later() {
    let app = App::start();
    send(&app, "/api/v1/commands", "first", &balance(1, "1.00"));
    assert_eq!(send(&app, "/api/v1/commands", "known", &balance(1, "1.00")).json()["status"], "unchanged");
    assert!(is_reused(&send(&app, "/api/v1/commands", "known", &balance(1, "2.00"))));
    assert_eq!(send(&app, "/api/v1/commands", "known", &balance(1, "1.00")).json()["status"], "unchanged");

    let amend = json!({ "command": "record_exit", "credit_code": HERE, "mall": "东方广场", "unit": "B1-01", "action": "amend",
        "date": "2025-06-30", "planned_on": "2026-06-30" });
    let refused = send(&app, "/api/v1/commands", "early", &amend);
    assert_eq!(refused.status, 422);
    let post = json!({ "command": "record_exit", "credit_code": HERE, "mall": "东方广场", "unit": "B1-01", "action": "post",
        "date": "2025-06-30", "planned_on": "2026-05-30" });
    assert_eq!(send(&app, "/api/v1/commands", "post", &post).status, 200);
    let again = send(&app, "/api/v1/commands", "early", &amend);
    assert_eq!((again.status, &again.json()["problems"]), (422, &refused.json()["problems"]));
    assert_eq!(send(&app, "/api/v1/commands", "later", &amend).status, 200, "another key is another request");
}

#[test]
fn an_answer_to_a_complaint_without_a_time_is_one_request_however_late_it_comes_again() {
    let app = App::start();
    let ticket = json!({ "ticket": "T1", "channel": "mall", "received_at": "2025-06-30T01:00:00Z", "credit_code": HERE,
        "kind": "refund" });
    app.post("/api/v1/complaints").role(Role::Lead).json(&ticket).ok();
    let first = send(&app, "/api/v1/complaints/T1/answer", "a", &json!({}));
    assert_eq!(first.status, 200, "{first:?}");
    app.clock.advance(jiff::SignedDuration::from_mins(3));
    let again = send(&app, "/api/v1/complaints/T1/answer", "a", &json!({}));
    assert_eq!((again.status, &again.json()["events"]), (200, &first.json()["events"]));
    assert_eq!(again.json()["repeated"], true);
}

#[test]
fn the_same_body_elsewhere_is_another_request() {
    let app = App::start();
    for ticket in ["T1", "T2"] {
        let body = json!({ "ticket": ticket, "channel": "mall", "received_at": "2025-06-30T01:00:00Z",
            "credit_code": HERE, "kind": "refund" });
        app.post("/api/v1/complaints").role(Role::Lead).json(&body).ok();
    }
    assert_eq!(send(&app, "/api/v1/complaints/T1/answer", "a", &json!({})).status, 200);
    assert!(is_reused(&send(&app, "/api/v1/complaints/T2/answer", "a", &json!({}))));
}

#[test]
fn events_whose_source_and_id_join_to_the_same_text_are_two() {
    let app = App::start();
    let event = |source: &str, id: &str, outstanding: &str| {
        let data = json!({ "credit_code": HERE, "date": "2025-06-01", "outstanding": outstanding });
        let event = json!({ "specversion": "1.0", "source": source, "id": id, "data": data,
            "type": "cn.warnlight.command.report_balance" });
        let post = app.post("/api/v1/cloudevents").role(Role::Lead);
        post.text("application/cloudevents+json", &event.to_string()).send()
    };
    assert_eq!(event("a#b", "c", "1.00").status, 200);
    let other = event("a", "b#c", "2.00");
    assert_eq!((other.status, &other.json()["status"]), (200, &json!("accepted")), "{other:?}");
    assert_eq!(event("a#b", "c", "1.00").json()["repeated"], true);
    assert!(is_reused(&event("a#b", "c", "3.00")));
}

#[test]
fn a_long_value_is_kept_in_the_answer_as_far_as_it_is_needed_to_know_it_again() {
    let app = App::start();
    let long = "长".repeat(100);
    let list = json!([balance(1, "1.00"), { "command": "report_balance", "credit_code": HERE, "date": "2025-06-01",
        "outstanding": "1.00", "revenue_last_year": long },
        { "command": "register_merchant", "credit_code": HERE, "name": "x", "industry_code": long }]);
    let value = |reply: Value| {
        let receipts = reply.as_array().unwrap().clone();
        let values = receipts.iter().flat_map(|receipt| receipt["problems"].as_array().cloned().unwrap_or_default());
        values.filter_map(|problem| problem["value"].as_str().map(|value| value.chars().count())).max().unwrap()
    };
    let first = value(send(&app, "/api/v1/commands", "k", &list).json());
    assert!(first > 60, "{first}");
    assert_eq!(value(send(&app, "/api/v1/commands", "k", &list).json()), 60);
}

/// A log at which another node records its answer to the same request just before this one.
struct Overtaken(MemoryLog);

impl EventLog for Overtaken {
    fn submit(&self, append: Append) -> Pending {
        if append.stream.starts_with("request-") {
            let mut others = append.clone();
            others.events[0].data = others.events[0].data.replace("unchanged", "refused").into();
            self.0.append(others).unwrap();
        }
        self.0.submit(append)
    }

    forward!(0);
}

#[test]
fn of_two_answers_at_the_same_moment_the_one_on_record_is_given() {
    let app = App::on(Arc::new(Overtaken(MemoryLog::new())), &[]);
    assert_eq!(send(&app, "/api/v1/commands", "first", &balance(1, "1.00")).json()["status"], "accepted");
    let reply = send(&app, "/api/v1/commands", "k", &json!([balance(1, "1.00")]));
    assert_eq!((reply.status, &reply.json()[0]["status"]), (200, &json!("refused")), "what stands in the log");
}
