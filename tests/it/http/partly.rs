//! A log that does not take one append of several.

use super::app::{App, HERE};
use crate::shared::forward;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use warnlight::domain::words::Role;
use warnlight::log::contract::{Append, EventLog, LogError, Pending};
use warnlight::log::memory::MemoryLog;

/// A log without room for tickets that are called `full`, and that takes those called `doubt` and does not say so.
struct Picky(MemoryLog, AtomicBool);

impl EventLog for Picky {
    fn submit(&self, append: Append) -> Pending {
        if append.stream.contains("full") && !self.1.load(Ordering::SeqCst) {
            return Pending::known(Err(LogError::Full));
        }
        if append.stream.contains("doubt") {
            self.0.append(append).unwrap();
            return Pending::known(Err(LogError::Unavailable("it did not answer in time".to_owned()).in_doubt()));
        }
        self.0.submit(append)
    }

    forward!(0);
}

#[test]
fn a_command_the_log_did_not_take_is_no_failure_of_those_it_took() {
    let app = App::on(Arc::new(Picky(MemoryLog::new(), AtomicBool::new(false))), &[]);
    let ticket = |ticket: &str| {
        json!({ "command": "record_complaint", "credit_code": HERE, "ticket": ticket, "channel": "12345", "kind": "refund",
            "received_at": "2025-06-01T00:00:00Z" })
    };
    let ask = |body: &Value| app.post("/api/v1/commands").role(Role::Lead).json(body).send();
    let receipts = ask(&json!([ticket("T1"), ticket("full"), ticket("T2")])).json();
    let said: Vec<_> = receipts.as_array().unwrap().iter().map(|receipt| receipt["status"].as_str().unwrap()).collect();
    assert_eq!(said, ["accepted", "refused", "accepted"]);
    assert_eq!(receipts[1]["problems"][0]["code"], "not_recorded");
    // Where nothing was taken, that is the answer.
    assert_eq!(ask(&json!([ticket("full")])).code(), "disk_full");
    assert_eq!(ask(&ticket("full")).code(), "disk_full");
}

#[test]
fn what_the_log_did_not_take_is_taken_under_the_same_key_when_there_is_room() {
    let log = Arc::new(Picky(MemoryLog::new(), AtomicBool::new(false)));
    let app = App::on(log.clone(), &[]);
    let ticket = |ticket: &str| {
        json!({ "command": "record_complaint", "credit_code": HERE, "ticket": ticket, "channel": "12345", "kind": "refund",
            "received_at": "2025-06-01T00:00:00Z" })
    };
    let body = json!([ticket("T1"), ticket("full")]);
    let ask = || app.post("/api/v1/commands").role(Role::Lead).header("idempotency-key", "k").json(&body).ok().json();
    assert_eq!(ask()[1]["problems"][0]["code"], "not_recorded");
    log.1.store(true, Ordering::SeqCst);
    let again = ask();
    assert_eq!((&again[0]["repeated"], &again[1]["status"]), (&json!(true), &json!("accepted")), "{again}");
}

#[test]
fn what_the_log_may_have_taken_is_told_as_in_doubt_and_is_there_once_under_the_same_key() {
    let app = App::on(Arc::new(Picky(MemoryLog::new(), AtomicBool::new(false))), &[]);
    let ticket = |ticket: &str| {
        json!({ "command": "record_complaint", "credit_code": HERE, "ticket": ticket, "channel": "12345", "kind": "refund",
            "received_at": "2025-06-01T00:00:00Z" })
    };
    let ask = |key: &str, body: &Value| {
        app.post("/api/v1/commands").role(Role::Lead).header("idempotency-key", key).json(body).send()
    };
    let alone = ask("one", &ticket("doubt1"));
    assert_eq!((alone.status, alone.code().as_str()), (503, "in_doubt"), "{alone:?}");
    let again = ask("one", &ticket("doubt1")).json();
    assert_eq!((&again["status"], &again["repeated"]), (&json!("accepted"), &json!(true)), "{again}");

    let list = json!([ticket("T1"), ticket("doubt2"), ticket("T2")]);
    let first = ask("several", &list).json();
    let (said, problem) = (&first[1]["status"], &first[1]["problems"][0]);
    assert_eq!((said, &problem["code"]), (&json!("refused"), &json!("not_known")), "{first}");
    assert_eq!((&first[0]["status"], &first[2]["status"]), (&json!("accepted"), &json!("accepted")), "{first}");
    let again = ask("several", &list).json();
    for receipt in again.as_array().unwrap() {
        assert_eq!((&receipt["status"], &receipt["repeated"]), (&json!("accepted"), &json!(true)), "{again}");
    }

    // A file's receipt says the same; the row is told as it is when the file is sent again.
    let lines = ["T3", "doubt3"].map(|name| ticket(name).to_string()).join("\n");
    let upload = || {
        app.post("/api/v1/imports?name=a.ndjson")
            .role(Role::Lead)
            .text("application/octet-stream", &lines)
            .send()
            .json()
    };
    let state = upload();
    assert_eq!(
        (&state["counts"]["accepted"], &state["refusals"][0]["code"]),
        (&json!(1), &json!("not_known")),
        "{state:#}"
    );
    let log = app.desk.log();
    let tickets = |name: &str| {
        let all = log.read_all(0, usize::MAX).unwrap();
        all.iter().filter(|event| event.stream.contains(name)).count()
    };
    assert_eq!([1, 2, 3].map(|number| tickets(&format!("doubt{number}"))), [1, 1, 1]);
}
