//! A log that does not take one append of several.

use super::app::{App, HERE};
use crate::shared::forward;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use warnlight::domain::words::Role;
use warnlight::log::contract::{Append, EventLog, LogError, Pending};
use warnlight::log::memory::MemoryLog;

/// A log without room for tickets that are called `full`.
struct Picky(MemoryLog, AtomicBool);

impl EventLog for Picky {
    fn submit(&self, append: Append) -> Pending {
        if append.stream.contains("full") && !self.1.load(Ordering::SeqCst) {
            return Pending::known(Err(LogError::Full));
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
