//! What malls and offices say about shops over HTTP: as of when, about which unit, and what followed.

use super::app::{App, HERE, NOBODY, instant};
use serde_json::{Value, json};
use warnlight::domain::access::Scope;
use warnlight::domain::words::Role;

fn notice(more: &[(&str, Value)]) -> Value {
    let mut notice = json!({ "credit_code": HERE, "mall": "东方广场", "unit": "B1-01", "planned_on": "2025-12-31" });
    for (name, value) in more {
        notice[*name] = value.clone();
    }
    notice
}

#[test]
fn a_mall_posts_as_of_today_and_an_office_dates_back_with_a_reason_that_is_shown() {
    let app = App::start();
    let post = |role: Role, body: &Value| app.post("/api/v1/exit-notices").role(role).json(body).send();
    let first_problem = |reply: super::app::Reply| {
        assert_eq!(reply.status, 422, "{reply:?}");
        let problem = reply.json()["problems"][0].clone();
        (problem["field"].as_str().unwrap().to_owned(), problem["code"].as_str().unwrap().to_owned())
    };
    let of = |field: &str, code: &str| (field.to_owned(), code.to_owned());
    let early = notice(&[("date", json!("2025-03-01")), ("reason", json!("纸质公示三月一日张贴"))]);
    assert_eq!(first_problem(post(Role::Operator, &early)), of("date", "today_only"));
    let silent = notice(&[("date", json!("2025-03-01"))]);
    assert_eq!(first_problem(post(Role::Lead, &silent)), of("reason", "missing"));
    let mut command = early.clone();
    command["command"] = json!("record_exit");
    command["action"] = json!("post");
    let reply = app.post("/api/v1/commands").role(Role::Operator).json(&command).send();
    assert_eq!(first_problem(reply), of("date", "today_only"), "whichever way it is said");
    let past = notice(&[("planned_on", json!("2025-06-29"))]);
    assert_eq!(first_problem(post(Role::Operator, &past)), of("planned_on", "planned_before_notice"));
    assert_eq!(post(Role::Operator, &notice(&[])).status, 200);
    assert_eq!(post(Role::Lead, &early).status, 200);
    let timeline = app.get(&format!("/api/v1/merchants/{HERE}/timeline")).role(Role::Operator).ok().json();
    let told = timeline["events"].as_array().unwrap().iter().any(|event| event["data"]["reason"] == early["reason"]);
    assert!(told, "{timeline:#}");
    let page = app.get(&format!("/merchants/{HERE}")).role(Role::Lead).html().ok();
    assert!(page.text.contains("纸质公示三月一日张贴"));
}

#[test]
fn a_unit_is_one_of_the_known_ones_or_is_confirmed() {
    let app = App::start();
    let post = |body: &Value| app.post("/api/v1/exit-notices").role(Role::Operator).json(body).send();
    let misspelt = notice(&[("unit", json!("B1-1"))]);
    let reply = post(&misspelt);
    assert_eq!((reply.status, &reply.json()["problems"][0]["field"]), (422, &json!("unit")));
    assert!(reply.text.contains("B1-01"), "the known ones are named: {}", reply.text);
    let confirmed = notice(&[("unit", json!("B1-1")), ("new_unit", json!(true))]);
    let receipt = post(&confirmed).json();
    assert_eq!((&receipt["status"], &receipt["warnings"][1]["code"]), (&json!("accepted"), &json!("new_unit")));
}

#[test]
fn a_receipt_says_what_followed_for_a_closed_shop_and_an_unregistered_merchant() {
    let app = App::start();
    app.tell(&[
        json!({ "command": "record_exit", "credit_code": HERE, "mall": "东方广场", "unit": "B1-01", "action": "close",
        "date": "2025-06-29" }),
    ]);
    let codes = |receipt: &Value| -> Vec<String> {
        let warnings = receipt["warnings"].as_array().unwrap().iter();
        warnings.map(|warning| warning["code"].as_str().unwrap().to_owned()).collect()
    };
    let post = |role: Role, body: &Value| app.post("/api/v1/exit-notices").role(role).json(body).ok().json();
    assert!(codes(&post(Role::Operator, &notice(&[]))).contains(&"shop_closed".to_owned()));
    let unknown = notice(&[("credit_code", json!(NOBODY))]);
    assert!(codes(&post(Role::Admin, &unknown)).contains(&"unregistered".to_owned()));
}

#[test]
fn the_colour_and_each_reason_say_since_when_they_stand() {
    let app = App::start();
    let listed = |list: &str, on: &str| json!({ "command": "record_listing", "credit_code": HERE, "list": list, "entered_on": on });
    app.tell(&[listed("serious", "2025-06-30")]);
    let first = app.get(&format!("/api/v1/merchants/{HERE}")).role(Role::Admin).ok().json();
    app.clock.set(instant("2025-06-30T11:00:00Z"));
    app.tell(&[json!({ "command": "record_signal", "credit_code": HERE, "mall": "东方广场", "unit": "B1-01",
        "kind": "rent_arrears", "date": "2025-06-30" })]);
    let file = app.get(&format!("/api/v1/merchants/{HERE}")).role(Role::Admin).ok().json();
    assert_eq!((&file["light"], &file["since"]), (&json!("red"), &first["since"]), "a new reason is no new colour");
    let since = |rule: &str| {
        let reasons = file["reasons"].as_array().unwrap();
        reasons.iter().find(|reason| reason["rule"] == rule).unwrap()["since"].as_str().unwrap().to_owned()
    };
    assert_eq!(since("serious-list"), first["since"].as_str().unwrap());
    assert_eq!(since("arrears"), "2025-06-30T11:00:00Z");
    let given = app.get(&format!("/api/v1/merchants/{HERE}/reasons")).role(Role::Admin).ok().json();
    assert_eq!(given["reasons"][1]["since"], "2025-06-30T11:00:00Z");
}

#[test]
fn a_mall_that_uses_a_hotlines_number_takes_nothing_from_it_and_learns_nothing() {
    let app = App::start();
    let ticket = |code: &str, channel: &str, at: &str| {
        json!({ "command": "record_complaint", "credit_code": code, "ticket": "GD1", "channel": channel, "kind": "refund",
            "received_at": at })
    };
    let said = |key: &str, body: &Value| app.post("/api/v1/commands").key(key).json(body).send();
    let mall =
        app.key("mall", Scope { role: Role::Operator, malls: vec!["东方广场".to_owned()], ..Scope::everything() });
    let office = app.key("office", Scope::everything());
    let own = ticket(HERE, "mall", "2025-06-20T01:00:00Z");
    assert_eq!(said(&mall, &own).json()["status"], "accepted");
    let hotline = ticket(super::app::THERE, "12345", "2025-06-21T01:00:00Z");
    assert_eq!(said(&office, &hotline).json()["status"], "accepted", "the hotline's number is its own");
    assert_eq!(said(&office, &hotline).json()["status"], "unchanged");
    assert_eq!(said(&mall, &own).json()["status"], "unchanged", "and the mall's stays");
    let listed = app.get("/api/v1/complaints").key(&office).ok().json();
    let numbers: Vec<_> = listed["items"].as_array().unwrap().iter().map(|item| item["ticket"].clone()).collect();
    assert_eq!(numbers, [json!("GD1"), json!("GD1")], "as people know them");
    // Two use the number: whoever sees both names the channel.
    let answer = |key: &str, body: Value| app.post("/api/v1/complaints/GD1/answer").key(key).json(&body).send();
    assert_eq!(answer(&office, json!({})).code(), "invalid_parameter");
    assert_eq!(answer(&office, json!({ "channel": "12345" })).status, 200);
    assert_eq!(answer(&mall, json!({})).status, 200, "the mall sees its own only");
    let other = ticket(HERE, "12345", "2025-06-22T01:00:00Z");
    let refused = said(&office, &other);
    assert_eq!(refused.status, 422);
    for hidden in [super::app::THERE, "2025-06-21"] {
        assert!(!refused.text.contains(hidden), "{}", refused.text);
    }
}

#[test]
fn a_year_without_a_calendar_is_told() {
    let app = App::start();
    assert!(!app.get("/readyz").ok().text.contains("calendar"));
    app.clock.set(instant("2034-12-31T00:00:00Z"));
    assert!(app.get("/readyz").send().text.contains("calendar-2034.toml"));
}
