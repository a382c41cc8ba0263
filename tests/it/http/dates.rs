//! Whatever date comes in over HTTP, the answer comes soon, is no failure of the service, and names the field.

use super::app::{App, HERE, NOBODY, encoded};
use crate::nonsense::{dates, names_a_year_in_bounds};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use warnlight::domain::words::Role;
use warnlight::http::routes::TABLE;

/// An answer that takes longer than this hangs: what goes day by day to the end of the calendar takes far longer.
const SOON: Duration = Duration::from_secs(60);

/// Query parameters that name an instant.
const INSTANTS: [&str; 3] = ["known", "at", "known_at"];

#[test]
fn every_date_parameter_is_answered_soon_and_named_when_it_is_wrong() {
    let app = App::start();
    let mut tried = 0;
    for route in TABLE.iter().filter(|route| route.method == "GET") {
        let path = route.path.replace("{credit_code}", HERE);
        for (name, _) in route.query.iter().filter(|(name, _)| INSTANTS.contains(name)) {
            for text in dates(20) {
                let began = Instant::now();
                let reply = app.get(&format!("{path}?{name}={}", encoded(&text))).role(Role::Admin).send();
                assert!(began.elapsed() < SOON, "{path} {name}={text} took {:?}", began.elapsed());
                // In our time, and before anybody knew the merchant: there are no reasons then.
                let about_one = path.ends_with("/reasons") || path.ends_with(HERE);
                if reply.status == 200 || (reply.status == 404 && about_one) {
                    assert!(names_a_year_in_bounds(&text), "{path} {name}={text} was taken");
                    continue;
                }
                assert_eq!((reply.status, reply.code().as_str()), (400, "invalid_parameter"), "{path} {name}={text}");
                let problem = reply.json()["problems"][0].clone();
                assert_eq!(problem["field"], *name);
                assert!(!problem["zh"].as_str().unwrap().is_empty() && !problem["en"].as_str().unwrap().is_empty());
            }
            tried += 1;
        }
    }
    assert_eq!(
        tried, 11,
        "`at` of the lights; `at` and `known_at` of the reasons; `at` and `known` of the board, its two files and a merchant's page"
    );
    app.get("/api/v1/lights?at=2025-06-30").role(Role::Admin).ok();
}

/// A command of every kind with its fields that are dates.
fn commands() -> Vec<(Value, &'static [&'static str])> {
    let of = |mut value: Value| {
        value["credit_code"] = json!(HERE);
        value
    };
    vec![
        (of(json!({ "command": "register_merchant", "name": "x" })), &["founded_on"]),
        (of(json!({ "command": "assign_sector", "sector": "sport", "effective_on": "2025-06-01" })), &["effective_on"]),
        (of(json!({ "command": "record_filing", "status": "accepted", "date": "2025-06-01" })), &["date"]),
        (of(json!({ "command": "report_balance", "date": "2025-06-01", "outstanding": "1" })), &["date"]),
        (of(json!({ "command": "report_custody", "date": "2025-06-01", "held": "1" })), &["date"]),
        (
            of(
                json!({ "command": "post_guarantee", "kind": "guarantee", "amount": "1", "from": "2025-06-01", "until": "2025-07-01" }),
            ),
            &["from", "until"],
        ),
        (
            of(
                json!({ "command": "record_exit", "mall": "东方广场", "unit": "B1-01", "action": "post", "date": "2025-06-30",
                "planned_on": "2025-12-31", "reason": "found" }),
            ),
            &["date", "planned_on"],
        ),
        (
            of(json!({ "command": "record_complaint", "ticket": "T", "channel": "12345", "kind": "refund",
                "received_at": "2025-06-01T00:00:00Z", "outcome": "resolved", "closed_at": "2025-06-02T00:00:00Z" })),
            &["received_at", "due_at", "answered_at", "closed_at"],
        ),
        (
            of(json!({ "command": "record_signal", "kind": "rent_arrears", "date": "2025-06-01" })),
            &["date", "cleared_on"],
        ),
        (of(json!({ "command": "report_complaint_rate", "date": "2025-06-01", "ratio": "0.06" })), &["date"]),
        (of(json!({ "command": "report_prepaid_share", "date": "2025-06-01", "ratio": "0.06" })), &["date"]),
        (
            of(json!({ "command": "record_listing", "list": "serious", "entered_on": "2025-06-01" })),
            &["entered_on", "removed_on"],
        ),
        (
            of(json!({ "command": "record_enforcement", "kind": "rectification_ordered", "date": "2025-06-01",
                "due_on": "2025-07-01" })),
            &["date", "due_on"],
        ),
    ]
}

/// Ends for which registers write the last day of the calendar.
const MAY_HAVE_NO_END: [&str; 3] = ["until", "removed_on", "cleared_on"];

#[test]
fn every_date_of_a_command_is_answered_soon_and_named_when_it_is_wrong() {
    let app = App::with(&[("WARNLIGHT__HTTP__BODY_LIMIT_BYTES", "1048576")]);
    let texts = dates(20);
    for (command, fields) in commands() {
        for field in fields {
            let batch: Vec<Value> = texts
                .iter()
                .map(|text| {
                    let mut command = command.clone();
                    command[*field] = json!(text);
                    command
                })
                .collect();
            let began = Instant::now();
            let reply = app.post("/api/v1/commands").role(Role::Admin).json(&json!(batch)).ok();
            assert!(began.elapsed() < SOON, "{} {field}", command["command"]);
            for (text, receipt) in texts.iter().zip(reply.json().as_array().unwrap()) {
                if receipt["status"] != "refused" {
                    let endless = MAY_HAVE_NO_END.contains(field) && text.starts_with("9999-12-31");
                    let founded = *field == "founded_on" && text.starts_with("19");
                    assert!(names_a_year_in_bounds(text) || endless || founded, "{field} = {text}: {receipt}");
                    continue;
                }
                let problems = receipt["problems"].as_array().unwrap();
                let told = problems.iter().any(|problem| problem["field"] == **field);
                // A day may also be wrong only beside another one; then that is named.
                let beside = problems.iter().any(|problem| {
                    let code = problem["code"].as_str().unwrap();
                    ["before_", "_before", "contradicts"].iter().any(|part| code.contains(part))
                });
                assert!(told || beside, "{} {field} = {text}: {receipt}", command["command"]);
            }
        }
    }
    app.get("/api/v1/lights").role(Role::Admin).ok();
}

#[test]
fn every_date_of_the_other_bodies_and_of_the_form_is_answered_soon() {
    let app = App::start();
    let notice = json!({ "credit_code": HERE, "mall": "东方广场", "unit": "B1-01", "planned_on": "2025-12-31", "reason": "found" });
    let step = json!({ "mall": "东方广场", "unit": "B1-01", "planned_on": "2025-12-31", "reason": "found" });
    let amend = format!("/api/v1/exit-notices/{HERE}");
    let bodies = [
        ("POST", "/api/v1/exit-notices", notice.clone(), "date"),
        ("POST", "/api/v1/exit-notices", notice, "planned_on"),
        ("PATCH", amend.as_str(), step.clone(), "date"),
        ("PATCH", amend.as_str(), step, "planned_on"),
        ("POST", "/api/v1/keys", json!({ "name": "k", "role": "admin" }), "expires_at"),
    ];
    for text in dates(10) {
        for (method, path, body, field) in &bodies {
            let mut body = body.clone();
            body[*field] = json!(text);
            let began = Instant::now();
            let reply = app.ask(method, path).role(Role::Admin).json(&body).send();
            assert!(began.elapsed() < SOON, "{path} {field} = {text}");
            if reply.status < 300 {
                assert!(names_a_year_in_bounds(&text), "{path} {field} = {text} was taken");
            } else {
                assert!((400..500).contains(&reply.status), "{path} {field} = {text}: {reply:?}");
                let known = reply.text.contains(field) || reply.text.contains("no_standing_notice");
                assert!(known, "{path} {field} = {text}: {}", reply.text);
            }
        }
    }
    let cookie = app.log_in(Role::Admin);
    let token = app.token(&cookie);
    for text in dates(10) {
        for field in ["date", "planned_on"] {
            let mut form =
                vec![("form_token", token.as_str()), ("action", "post"), ("credit_code", NOBODY), ("mall", "M")];
            form.extend(
                [("date", "2025-06-30"), ("planned_on", "2025-12-31")].iter().filter(|(name, _)| *name != field),
            );
            form.push((field, &text));
            let began = Instant::now();
            let reply = app.post("/mall").header("cookie", &cookie).html().form(&form).send();
            assert!(began.elapsed() < SOON && reply.status < 500, "{field} = {text}: {reply:?}");
            assert!(reply.status == 422 || names_a_year_in_bounds(&text), "{field} = {text} was taken");
        }
    }
}

#[test]
fn what_the_log_could_refuse_is_refused_before_anything_is_recorded() {
    let app = App::start();
    let ticket = |ticket: &str| {
        json!({ "command": "record_complaint", "credit_code": HERE, "ticket": ticket, "channel": "12345", "kind": "refund",
            "received_at": "2025-06-01T00:00:00Z" })
    };
    let batch = json!([ticket("T1"), ticket(&"单".repeat(200)), ticket("T2")]);
    let receipts = app.post("/api/v1/commands").role(Role::Lead).json(&batch).ok().json();
    let said: Vec<_> = receipts.as_array().unwrap().iter().map(|receipt| receipt["status"].as_str().unwrap()).collect();
    assert_eq!(said, ["accepted", "refused", "accepted"]);
    assert_eq!(receipts[1]["problems"][0]["field"], "ticket");
    let again = app.post("/api/v1/commands").role(Role::Lead).json(&batch).ok().json();
    assert_eq!((&again[0]["status"], &again[1]["status"]), (&json!("unchanged"), &json!("refused")));
    let key = json!({ "name": "名".repeat(200), "role": "admin" });
    let reply = app.post("/api/v1/keys").role(Role::Admin).header("accept-language", "en").json(&key).send();
    assert_eq!((reply.status, reply.code().as_str()), (422, "refused"));
    assert!(reply.text.contains("a name"), "{}", reply.text);
    for (attribute, source, id) in
        [("source", "/s".repeat(300), "1".to_owned()), ("id", "/s".to_owned(), "1".repeat(600))]
    {
        let event = json!({ "specversion": "1.0", "id": id, "source": source, "type": "cn.warnlight.command.report_balance",
            "data": { "credit_code": HERE, "date": "2025-06-01", "outstanding": "1" } });
        let path = "/api/v1/cloudevents";
        let reply = app.post(path).role(Role::Lead).text("application/cloudevents+json", &event.to_string()).send();
        assert_eq!((reply.status, reply.code().as_str()), (422, "refused"), "{reply:?}");
        let problem = &reply.json()["problems"][0];
        assert!(["source", "id"].contains(&problem["field"].as_str().unwrap()), "{problem}");
        assert!(problem["en"].as_str().unwrap().contains(&format!("`{attribute}`")), "{problem}");
    }
}
