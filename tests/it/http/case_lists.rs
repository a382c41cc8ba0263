//! Several cases at once: chosen on the list, and all that somebody has.

use super::app::{App, Reply};
use serde_json::{Value, json};
use warnlight::domain::words::Role;

const SECOND: &str = "91110108MA00000019";

/// Two cases in the regulator's scope.
fn two_cases() -> (App, Vec<String>) {
    let app = App::start();
    app.alarm();
    let today = warnlight::domain::time::day_of(app.desk.now());
    let planned = warnlight::domain::time::plus_days(today, 10).to_string();
    app.tell(&[
        json!({ "command": "register_merchant", "credit_code": SECOND, "name": "乙健身", "industry_code": "8930", "division_code": "110108" }),
        json!({ "command": "record_exit", "credit_code": SECOND, "mall": "M", "unit": "1", "action": "post", "date": today.to_string(),
            "planned_on": planned, "new_unit": true }),
    ]);
    app.desk.settle().unwrap();
    let list = app.get("/api/v1/cases").role(Role::Regulator).ok().json();
    let alerts =
        list["items"].as_array().unwrap().iter().map(|case| case["alert"].as_str().unwrap().to_owned()).collect();
    (app, alerts)
}

fn send(app: &App, fields: &[(&str, &str)]) -> Reply {
    app.post("/cases").role(Role::Regulator).html().form(fields).send()
}

fn items(app: &App) -> Vec<Value> {
    app.get("/api/v1/cases").role(Role::Regulator).ok().json()["items"].as_array().unwrap().clone()
}

#[test]
fn several_cases_are_acknowledged_taken_and_given_at_once() {
    let (app, alerts) = two_cases();
    assert_eq!(alerts.len(), 2);
    let page = app.get("/cases").role(Role::Regulator).html().ok().text;
    assert_eq!(page.matches(r#"type="checkbox""#).count(), 2);
    let chosen: Vec<String> = alerts.iter().map(|alert| format!("case_{alert}")).collect();
    let with = |fields: &[(&str, &str)]| {
        let mut all: Vec<(&str, &str)> = chosen.iter().map(|name| (name.as_str(), "on")).collect();
        all.extend_from_slice(fields);
        send(&app, &all)
    };
    let reply = with(&[("action", "acknowledge")]);
    assert_eq!((reply.status, reply.header("location")), (303, "/cases?changed=2&of=2"), "{reply:?}");
    assert!(items(&app).iter().all(|case| case["acknowledged_at"].is_string()));
    assert_eq!(with(&[("action", "acknowledge")]).header("location"), "/cases?changed=0&of=2");
    assert_eq!(with(&[("action", "unacknowledge")]).header("location"), "/cases?changed=2&of=2");
    assert_eq!(with(&[("action", "assign"), ("to", "体育科")]).header("location"), "/cases?changed=2&of=2");
    assert!(items(&app).iter().all(|case| case["holder"] == "体育科"));
    let told = app.get("/cases?changed=2&of=2").role(Role::Regulator).html().ok().text;
    assert!(told.contains("共 2 项，已变更 2 项"));
    // One of them only.
    assert_eq!(send(&app, &[("action", "take"), (&chosen[0], "on")]).header("location"), "/cases?changed=1&of=1");
    assert_eq!(items(&app).iter().filter(|case| case["holder"] == "体育科").count(), 1);
}

#[test]
fn what_is_wrong_with_a_form_of_the_list_is_told_and_what_was_typed_stays() {
    let (app, alerts) = two_cases();
    let chosen = format!("case_{}", alerts[0]);
    let none = send(&app, &[("action", "take")]);
    assert!(none.status == 422 && none.text.contains("请先勾选处置"), "{none:?}");
    let nobody = send(&app, &[("action", "assign"), (&chosen, "on")]);
    assert!(nobody.status == 422 && nobody.text.contains("须写明转给谁"), "{nobody:?}");
    // What ends a case, or needs a reason, is done with one at a time.
    for action in ["close", "waive", "nonsense"] {
        assert_eq!(send(&app, &[("action", action), (&chosen, "on")]).status, 422, "{action}");
    }
    for role in [Role::Operator, Role::Bank] {
        let reply = app.post("/cases").role(role).form(&[("action", "take"), (&chosen, "on")]).send();
        assert_eq!((reply.status, reply.code()), (403, "forbidden".to_owned()), "{role}");
    }
    assert!(items(&app).iter().all(|case| case["holder"].is_null() && case["acknowledged_at"].is_null()));
    let elsewhere = uuid::Uuid::nil().to_string();
    let strange = send(&app, &[("action", "take"), (&format!("case_{elsewhere}"), "on")]);
    assert_eq!(strange.header("location"), "/cases?changed=0&of=0", "a case that is not theirs does not exist");
}

#[test]
fn all_that_somebody_has_is_handed_over_at_once_by_page_and_api() {
    let (app, alerts) = two_cases();
    let take = |alert: &str, code: &Value| json!({ "command": "handle_case", "alert": alert, "credit_code": code, "action": "assign", "to": "张科" });
    let taken: Vec<Value> =
        items(&app).iter().map(|case| take(case["alert"].as_str().unwrap(), &case["credit_code"])).collect();
    app.post("/api/v1/commands").role(Role::Regulator).json(&json!(taken)).ok();
    let over = send(&app, &[("action", "hand_over"), ("from", "张科"), ("to", "李科"), ("note", "休假")]);
    assert_eq!(over.header("location"), "/cases?changed=2&of=2", "{over:?}");
    assert!(items(&app).iter().all(|case| case["holder"] == "李科"));
    let page = app.get(&format!("/cases/{}", alerts[0])).role(Role::Lead).html().ok().text;
    assert!(page.contains("交 李科 办理：休假"), "{page}");
    let api = |role: Role| {
        app.post("/api/v1/cases/hand-over").role(role).json(&json!({ "from": "李科", "to": "王科" })).send()
    };
    for role in [Role::Operator, Role::Bank] {
        assert_eq!(api(role).status, 403, "{role}");
    }
    let receipts = api(Role::Regulator).json();
    assert_eq!(receipts.as_array().unwrap().iter().filter(|receipt| receipt["status"] == "accepted").count(), 2);
    assert!(items(&app).iter().all(|case| case["holder"] == "王科"));
    assert_eq!(api(Role::Regulator).json(), json!([]), "there is nothing left to hand over");
}

/// The joint checks that were proposed about the second merchant, newest first.
fn proposed(app: &App) -> Vec<Value> {
    let timeline = app.get(&format!("/api/v1/merchants/{SECOND}/timeline")).role(Role::Admin).ok().json();
    let events = timeline["events"].as_array().unwrap().clone();
    let of_check = |event: &Value| event["type"].as_str().unwrap().contains("joint_check_proposed");
    events.into_iter().filter(of_check).collect()
}

/// A second office is in charge of the second merchant, and has something to do about it, too.
fn shared(app: &App) {
    let today = warnlight::domain::time::day_of(app.desk.now()).to_string();
    app.tell(&[
        json!({ "command": "assign_sector", "credit_code": SECOND, "sector": "commerce", "effective_on": today }),
        light(app, "0.9"),
    ]);
    app.desk.settle().unwrap();
}

fn light(app: &App, ratio: &str) -> Value {
    let today = warnlight::domain::time::day_of(app.desk.now()).to_string();
    json!({ "command": "report_prepaid_share", "credit_code": SECOND, "mall": "M", "unit": "1", "date": today, "ratio": ratio })
}

#[test]
fn a_joint_check_is_proposed_also_where_an_import_about_the_merchant_was_withdrawn() {
    let (app, _) = two_cases();
    let row = format!("统一社会信用代码,报告日期,预收资金余额\n{SECOND},2025-05-31,7.00\n");
    let taken =
        app.post("/api/v1/imports?name=a.csv").role(Role::Admin).text("application/octet-stream", &row).ok().json();
    let withdraw = format!("/api/v1/imports/{}/withdraw", taken["id"].as_str().unwrap());
    app.post(&withdraw).role(Role::Admin).json(&json!({ "reason": "r" })).ok();
    shared(&app);
    assert_eq!(proposed(&app).len(), 1);
}

#[test]
fn a_joint_check_is_proposed_once_where_two_sectors_have_something_to_do_about_one_merchant() {
    let (app, _) = two_cases();
    assert!(proposed(&app).is_empty(), "one office checks by itself");
    shared(&app);
    let [check] = proposed(&app).try_into().unwrap();
    assert_eq!(check["data"]["sectors"], json!(["commerce", "sport"]), "{check}");
    assert_eq!(check["actor"], "warnlight", "{check}");
    // Taken back by a person, it is not proposed again.
    let entry = json!({ "what": "joint_check", "check": check["data"]["check"], "step": "proposed" });
    app.tell(&[
        json!({ "command": "cancel_entry", "credit_code": SECOND, "entry": entry, "reason": "一家检查即可" }),
        light(&app, "0.95"),
    ]);
    app.desk.settle().unwrap();
    assert_eq!(proposed(&app).len(), 1);
}
