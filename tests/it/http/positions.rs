//! Position tokens at one node: what answers carry, and what is made of what requests carry.

use super::app::{App, HERE, Reply, who};
use crate::mail::scripted::{At, Does, Scripted};
use serde_json::json;
use std::sync::mpsc;
use warnlight::domain::words::Role;
use warnlight::http::routes::TABLE;

/// Nobody waits.
const NO_PATIENCE: (&str, &str) = ("WARNLIGHT__HTTP__POSITION_PATIENCE_SECONDS", "0");
/// Longer than any test.
const ALL_PATIENCE: (&str, &str) = ("WARNLIGHT__HTTP__POSITION_PATIENCE_SECONDS", "60");

fn position(reply: &Reply) -> u64 {
    reply.header("warnlight-position").parse().unwrap_or_else(|error| panic!("{error}: {reply:?}"))
}

#[test]
fn every_answer_to_a_change_tells_the_position_that_shows_it() {
    let server = Scripted::that(At::Recipient, Does::say("550 5.1.1 no such user"));
    let app = App::with_mail_server(server.port);
    let balance = |outstanding: &str| json!({ "command": "report_balance", "credit_code": HERE, "date": "2025-06-01", "outstanding": outstanding });
    let tell = |body| app.post("/api/v1/commands").role(Role::Lead).json(&body).send();
    let accepted = tell(balance("5.00"));
    assert_eq!(accepted.json()["position"], position(&accepted));
    let known = tell(balance("5.00"));
    assert_eq!(known.json()["status"], "unchanged");
    assert!(position(&known) >= position(&accepted), "what is known already is shown from there on");
    let batch = tell(json!([balance("6.00"), balance("7.00"), { "command": "fly" }]));
    assert!(position(&batch) >= batch.json()[1]["position"].as_u64().unwrap(), "{batch:?}");
    let refused = tell(json!({ "command": "record_exit", "credit_code": HERE, "mall": "东方广场", "unit": "B1-01",
        "action": "amend", "date": "2025-06-30" }));
    assert_eq!(refused.status, 422);
    assert!(position(&refused) >= position(&batch), "the reason for a refusal is something recorded");

    let shop = json!({ "mall": "东方广场", "unit": "B1-01", "planned_on": "2025-12-01" });
    let mut notice = shop.clone();
    notice["credit_code"] = json!(HERE);
    let ticket = json!({ "ticket": "T1", "channel": "mall", "credit_code": HERE, "kind": "refund",
        "received_at": "2025-06-01T01:00:00Z" });
    let event = json!({ "specversion": "1.0", "id": "1", "source": "/bank", "type": "cn.warnlight.command.report_balance",
        "data": { "credit_code": HERE, "date": "2025-06-02", "outstanding": "9.00" } });
    app.alarm();
    let mails = app.until("/api/v1/mails?state=refused", |reply| reply.json()["items"] != json!([])).json();
    let refused_mail = mails["items"][0]["mail"].as_str().unwrap();
    let to = mails["items"][0]["recipients"][0]["address"].clone();
    // Somebody has a case to hand over.
    let case = app.get("/api/v1/cases").role(Role::Admin).ok().json()["items"][0].clone();
    let take = json!({ "command": "handle_case", "alert": case["alert"], "credit_code": case["credit_code"], "action": "take" });
    app.post("/api/v1/commands").role(Role::Admin).json(&take).ok();
    let (mut known_key, mut tried) = (String::new(), String::new());
    let mut told = 0;
    for route in TABLE.iter().filter(|route| route.method != "GET" && route.path.starts_with("/api/")) {
        let path = route
            .path
            .replace("{credit_code}", HERE)
            .replace("{ticket}", "T1")
            .replace("/imports/{id}", &format!("/imports/{tried}"))
            .replace("{id}", &known_key)
            .replace("{mail}", refused_mail);
        let path = if path == "/api/v1/imports" { format!("{path}?name=a.ndjson&preview=true") } else { path };
        let ask = app.ask(route.method, &path).role(Role::Admin);
        let reply = match route.path {
            "/api/v1/commands" => ask.json(&balance("8.00")),
            "/api/v1/cloudevents" => ask.text("application/cloudevents+json", &event.to_string()),
            "/api/v1/exit-notices" => ask.json(&notice),
            "/api/v1/exit-notices/{credit_code}" => ask.json(&shop),
            "/api/v1/exit-notices/{credit_code}/withdraw" => ask.json(&json!({ "mall": "东方广场", "unit": "B1-01" })),
            "/api/v1/complaints" => ask.json(&ticket),
            "/api/v1/complaints/{ticket}/answer" => ask.json(&json!({})),
            "/api/v1/mails/{mail}/send-again" => ask.json(&json!({ "to": to })),
            "/api/v1/cases/hand-over" => ask.json(&json!({ "to": "somebody" })),
            "/api/v1/imports" => ask.text("application/octet-stream", &balance("10.00").to_string()),
            "/api/v1/imports/{id}/confirm" => ask.json(&json!({})),
            "/api/v1/imports/{id}/withdraw" => ask.json(&json!({ "reason": "a mistake" })),
            "/api/v1/keys" => ask.json(&json!({ "name": "x", "role": "admin" })),
            "/api/v1/keys/{id}" => ask,
            other => panic!("`{other}` changes something and is not tried here"),
        }
        .send();
        assert!((200..300).contains(&reply.status), "{route:?}: {reply:?}");
        if route.path == "/api/v1/keys" {
            known_key = reply.json()["id"].as_str().unwrap().to_owned();
        }
        if route.path == "/api/v1/imports" {
            tried = reply.json()["id"].as_str().unwrap().to_owned();
        }
        // What was told is there to be read at once.
        app.get("/api/v1/keys").role(Role::Admin).header("warnlight-position", &position(&reply).to_string()).ok();
        told += 1;
    }
    assert_eq!(told, 14);
    assert_eq!(app.get("/api/v1/lights").role(Role::Lead).ok().header("warnlight-position"), "", "reading tells none");
}

#[test]
fn a_position_that_is_none_is_refused_wherever_a_key_is_needed() {
    let app = App::start();
    let path = |path: &str| path.replace("{credit_code}", HERE).replace("{ticket}", "T1");
    for route in TABLE.iter().filter(|route| route.right.is_some()) {
        let path = path(route.path).replace("{id}", &uuid::Uuid::nil().to_string());
        let path =
            path.replace("{mail}", &uuid::Uuid::nil().to_string()).replace("{alert}", &uuid::Uuid::nil().to_string());
        let ask = app.ask(route.method, &path).role(who(route)).header("warnlight-position", "soon");
        let reply = ask.header("content-type", "application/json").send();
        assert_eq!((reply.status, reply.code().as_str()), (400, "invalid_parameter"), "{route:?}");
    }
    let nobody = app.get("/api/v1/lights").header("warnlight-position", "soon").send();
    assert_eq!(nobody.code(), "key_missing", "who is asking comes first");
}

#[test]
fn a_position_beyond_the_log_is_answered_by_what_to_do_in_both_languages() {
    let app = App::with(&[NO_PATIENCE]);
    let ask = |path: &str| app.get(path).role(Role::Admin).header("warnlight-position", "1000000");
    let reply = ask("/api/v1/lights").header("accept-language", "en").send();
    assert_eq!((reply.status, reply.code().as_str(), reply.header("retry-after")), (503, "behind", "1"));
    let problem = reply.json();
    assert!(problem["detail"].as_str().unwrap().contains("1000000"), "{problem}");
    assert!(problem["advice"].as_str().unwrap().contains("another node"), "{problem}");
    assert!(ask("/api/v1/lights").send().json()["advice"].as_str().unwrap().contains("其他节点"));
    let page = ask("/").html().send();
    assert_eq!((page.status, page.header("retry-after")), (503, "1"));
    assert!(page.text.contains("本节点尚未跟上") && page.text.contains("<html"), "{}", page.text);
    // A change is not decided on less than its sender has seen.
    let position = app.desk.picture().position;
    let body = json!({ "command": "report_balance", "credit_code": HERE, "date": "2025-06-01", "outstanding": "1.00" });
    let reply =
        app.post("/api/v1/commands").role(Role::Admin).header("warnlight-position", "1000000").json(&body).send();
    assert_eq!(reply.code(), "behind");
    assert_eq!(app.desk.picture().position, position);
    // Open to everybody, so nobody waits there.
    app.get("/healthz").header("warnlight-position", "1000000").ok();
}

#[test]
fn the_mail_record_is_shown_up_to_the_position_asked_for() {
    let app = App::with(&[ALL_PATIENCE]);
    app.tell(&[json!({ "command": "record_exit", "credit_code": HERE, "mall": "东方广场", "unit": "B1-01",
        "action": "post", "date": "2025-06-20", "planned_on": "2025-07-10" })]);
    // The outbox follows the log in a thread of its own; the mail was asked for when the desk had settled.
    let head = app.desk.log().head().to_string();
    let mails = app.get("/api/v1/mails").role(Role::Admin).header("warnlight-position", &head).ok().json();
    assert_eq!(mails["items"][0]["credit_code"], HERE, "{mails}");
    let page = app.get("/mails").role(Role::Admin).html().header("warnlight-position", &head).ok();
    assert!(page.text.contains(HERE), "{}", page.text);
}

#[test]
fn whoever_asks_for_what_never_comes_ties_up_nothing_and_only_so_often() {
    const ASKING: usize = 70;
    const WAITING: usize = 64;
    let app = App::with(&[ALL_PATIENCE]);
    let awaited = (app.desk.picture().position + 1).to_string();
    let (tell, told) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..ASKING {
            let (app, awaited, tell) = (&app, &awaited, tell.clone());
            scope.spawn(move || {
                let ask = app.get("/api/v1/lights").role(Role::Admin).header("accept-language", "en");
                let ask = ask.header("warnlight-position", awaited);
                tell.send(ask.send()).unwrap();
            });
        }
        // Nothing is written yet, so the first answers are those who were one too many.
        for _ in WAITING..ASKING {
            let refused = told.recv().unwrap();
            assert_eq!(refused.code(), "behind");
            assert!(refused.json()["detail"].as_str().unwrap().contains("64 requests"), "{refused:?}");
        }
        // Meanwhile everybody else is answered, by more requests than there are threads, and so is this key.
        app.get("/api/v1/lights").role(Role::Lead).ok();
        app.get("/api/v1/lights").role(Role::Admin).ok();
        app.tell(&[
            json!({ "command": "report_balance", "credit_code": HERE, "date": "2025-06-01", "outstanding": "1.00" }),
        ]);
        for _ in 0..WAITING {
            assert_eq!(told.recv().unwrap().status, 200);
        }
    });
    app.get("/api/v1/lights").role(Role::Admin).header("warnlight-position", &awaited).ok();
}
