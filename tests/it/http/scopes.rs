//! Nobody sees or says what is not theirs.

use super::app::{App, EVERY_ROLE, HERE, NOBODY, THERE};
use serde_json::{Value, json};
use warnlight::domain::access::Scope;
use warnlight::domain::code::CreditCode;
use warnlight::domain::words::Role;

const LIMITED: [Role; 5] = [Role::Operator, Role::Regulator, Role::Bank, Role::Lead, Role::Merchant];

fn codes(items: &Value) -> Vec<&str> {
    items.as_array().unwrap().iter().map(|item| item["credit_code"].as_str().unwrap()).collect()
}

/// Both merchants have a notice, a complaint and a mail about them.
fn busy() -> App {
    let app = App::start();
    let mut commands = Vec::new();
    for (code, mall, unit) in [(HERE, "东方广场", "B1-01"), (THERE, "西单大悦城", "2-02")] {
        commands.push(json!({ "command": "record_exit", "credit_code": code, "mall": mall, "unit": unit,
            "action": "post", "date": "2025-06-20", "planned_on": "2025-07-10", "refund_plan": "退至原卡" }));
        commands.push(json!({ "command": "record_complaint", "ticket": format!("T-{code}"), "channel": "mall",
            "received_at": "2025-06-29T01:00:00Z", "credit_code": code, "kind": "refund", "amount": "100.00" }));
        commands.push(json!({ "command": "record_complaint", "ticket": format!("H-{code}"), "channel": "12345",
            "received_at": "2025-06-29T01:00:00Z", "credit_code": code, "kind": "closed" }));
    }
    app.tell(&commands);
    app
}

#[test]
fn a_merchant_outside_the_scope_does_not_exist() {
    let app = busy();
    for role in LIMITED {
        for path in ["", "/reasons", "/timeline"] {
            app.get(&format!("/api/v1/merchants/{HERE}{path}")).role(role).ok();
            for code in [THERE, NOBODY] {
                let reply = app.get(&format!("/api/v1/merchants/{code}{path}")).role(role).send();
                assert_eq!((reply.status, reply.code().as_str()), (404, "not_found"), "{role} {path} {code}");
            }
        }
        let page = app.get(&format!("/merchants/{THERE}")).role(role).html().send();
        assert_eq!(page.status, 404, "{role}");
        app.get(&format!("/merchants/{HERE}")).role(role).html().ok();
    }
}

#[test]
fn lists_and_counts_stop_at_the_scope() {
    let app = busy();
    for role in EVERY_ROLE {
        let all = role == Role::Admin;
        let expected = if all { 2 } else { 1 };
        let list = app.get("/api/v1/merchants").role(role).ok().json();
        assert_eq!(list["total"], expected, "{role}");
        assert_eq!(codes(&list["items"]).contains(&THERE), all, "{role}");
        let lights = app.get("/api/v1/lights").role(role).ok().json();
        assert_eq!(codes(&lights).len(), expected, "{role}");
        let as_of = app.get("/api/v1/lights?at=2025-06-30T10:00:00Z").role(role).ok().json();
        assert_eq!(as_of, lights, "the lights recorded are the lights derived, for {role}");
        let counts = app.get("/api/v1/lights/counts").role(role).ok().json();
        let sum: u64 = counts.as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
        assert_eq!(sum, expected as u64, "{role}");
        let board = app.get("/").role(role).html().ok();
        assert_eq!(board.text.contains(THERE), all, "{role}");
        assert_eq!(board.text.contains("西单大悦城"), all, "even the filters of {role} name no other mall");
        // Filters narrow, they never widen.
        let other = app.get("/api/v1/merchants?division=110105").role(role).ok().json();
        assert_eq!(other["total"], usize::from(all), "{role}");
    }
}

#[test]
fn exits_complaints_and_mails_stop_at_the_scope() {
    let app = busy();
    for role in [Role::Operator, Role::Regulator, Role::Lead] {
        let exits = app.get("/api/v1/exit-notices").role(role).ok().json();
        assert_eq!(codes(&exits["items"]), [HERE], "{role}");
        let complaints = app.get("/api/v1/complaints").role(role).ok().json();
        assert!(!codes(&complaints["items"]).contains(&THERE), "{role}");
        // What customers told the authorities is not for the mall.
        assert_eq!(complaints["total"], if role == Role::Operator { 1 } else { 2 }, "{role}");
        let page = app.get("/mall").role(role).html().ok();
        assert!(page.text.contains(HERE) && !page.text.contains(THERE), "{role}");
        let sheet = app.get(
            &format!("/mall/sheet?credit_code={THERE}&mall=西单大悦城&unit=2-02")
                .replace("西单大悦城", &super::app::encoded("西单大悦城")),
        );
        assert_eq!(sheet.role(role).html().send().status, 404, "{role}");
    }
    for role in [Role::Regulator, Role::Lead] {
        let mails = app.get("/api/v1/mails").role(role).ok().json();
        assert!(!codes(&mails["items"]).contains(&THERE), "{role}");
        assert!(!app.get("/mails").role(role).html().ok().text.contains(THERE), "{role}");
    }
    let mails = app.get("/api/v1/mails").role(Role::Admin).ok().json();
    assert!(codes(&mails["items"]).contains(&THERE) && codes(&mails["items"]).contains(&HERE), "{mails}");
    let there = mails["items"].as_array().unwrap().iter().find(|mail| mail["credit_code"] == THERE).unwrap();
    let to = there["recipients"][0]["address"].as_str().unwrap();
    let letter = |to: &str| format!("/mails/{}?to={}", there["mail"].as_str().unwrap(), super::app::encoded(to));
    assert!(app.get(&letter(to)).role(Role::Admin).html().ok().text.contains(THERE));
    assert_eq!(app.get(&letter("nobody@example.gov.invalid")).role(Role::Admin).html().send().status, 404);
    for role in [Role::Regulator, Role::Lead] {
        assert_eq!(app.get(&letter(to)).role(role).html().send().status, 404, "{role}");
    }
}

#[test]
fn the_log_shows_a_lead_office_its_own_district_and_no_keys() {
    let app = busy();
    let seen = app.get("/api/v1/events?limit=500").role(Role::Lead).ok().text;
    assert!(seen.contains(HERE) && !seen.contains(THERE) && !seen.contains("key.created"), "{seen}");
    let seen = app.get("/api/v1/events?limit=500").role(Role::Admin).ok().text;
    assert!(seen.contains(HERE) && seen.contains(THERE) && seen.contains("key.created"));
}

#[test]
fn the_log_can_be_read_to_its_end_page_by_page() {
    let app = busy();
    let (mut path, mut positions) = ("/api/v1/events?limit=4".to_owned(), Vec::new());
    loop {
        let reply = app.get(&path).role(Role::Admin).ok();
        assert_eq!(reply.header("content-type"), "application/cloudevents-batch+json");
        positions.extend(reply.json().as_array().unwrap().iter().map(|event| event["position"].as_u64().unwrap()));
        match reply.header("link").strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\"")) {
            Some(next) => path = next.to_owned(),
            None => break,
        }
    }
    assert!(positions.len() > 8);
    assert!(positions.iter().copied().eq(1..=positions.len() as u64), "{positions:?}");
}

#[test]
fn nobody_speaks_of_a_merchant_or_mall_that_is_not_theirs() {
    let app = App::start();
    let position = app.desk.picture().position;
    let exit = json!({ "credit_code": THERE, "mall": "西单大悦城", "planned_on": "2025-12-01" });
    let foreign_tenant = json!({ "credit_code": THERE, "mall": "东方广场", "planned_on": "2025-12-01" });
    for body in [&exit, &foreign_tenant] {
        let reply = app.post("/api/v1/exit-notices").role(Role::Operator).json(body).send();
        assert_eq!((reply.status, reply.code().as_str()), (403, "out_of_scope"), "{body}");
    }
    let balance =
        json!({ "command": "report_balance", "credit_code": THERE, "date": "2025-06-01", "outstanding": "1.00" });
    let custody = json!({ "command": "report_custody", "credit_code": THERE, "date": "2025-06-01", "held": "1.00" });
    for (role, body) in [
        (Role::Regulator, &balance),
        (Role::Lead, &balance),
        (Role::Bank, &custody),
        (
            Role::Bank,
            &json!({ "command": "report_balance", "credit_code": HERE, "date": "2025-06-01", "outstanding": "1.00" }),
        ),
        (
            Role::Operator,
            &json!({ "command": "report_custody", "credit_code": HERE, "date": "2025-06-01", "held": "1.00" }),
        ),
    ] {
        let reply = app.post("/api/v1/commands").role(role).json(body).send();
        assert_eq!((reply.status, reply.code().as_str()), (403, "out_of_scope"), "{role} {body}");
    }
    assert_eq!(app.desk.picture().position, position, "what was refused wrote nothing");
}

#[test]
fn a_bank_cannot_tell_from_the_order_what_lies_at_another() {
    let app = App::start();
    let mut pair =
        [1, 2].map(|number| CreditCode::with_check_character(&format!("91110108MA0000{number:03}")).unwrap());
    pair.sort_unstable();
    for (code, held) in pair.iter().zip(["990.00", "980.00"]) {
        let filing = |date: &str, bank: &str| json!({ "command": "record_filing", "credit_code": code, "status": "accepted", "date": date, "bank": bank });
        app.tell(&[
            json!({ "command": "register_merchant", "credit_code": code, "name": "同业", "industry_code": "8930",
                "division_code": "110108" }),
            filing("2025-01-10", "乙银行"),
            json!({ "command": "report_balance", "credit_code": code, "date": "2025-01-31", "outstanding": "1000.00" }),
            json!({ "command": "report_custody", "credit_code": code, "date": "2025-02-01", "held": held }),
            filing("2025-03-01", "甲银行"),
        ]);
    }
    let listed = |role: Role| app.get("/api/v1/merchants?q=%E5%90%8C%E4%B8%9A").role(role).ok().json()["items"].clone();
    let [first, second] = pair.each_ref().map(CreditCode::as_str);
    let (all, seen) = (listed(Role::Admin), listed(Role::Bank));
    assert_eq!(all[0]["light"], all[1]["light"], "only the money differs: {all}");
    assert_eq!(codes(&all), [second, first], "more is at risk where less is held");
    assert_eq!((&seen[0]["held"], &seen[0]["at_risk"]), (&Value::Null, &json!("1000.00")), "{seen}");
    assert_eq!(codes(&seen), [first, second], "the order tells what is not shown: {seen}");
}

#[test]
fn a_ticket_of_another_district_cannot_be_answered_or_taken_over() {
    let app = busy();
    let answer = app.post(&format!("/api/v1/complaints/T-{THERE}/answer")).role(Role::Lead).json(&json!({})).send();
    assert_eq!(answer.code(), "not_found");
    let taken = json!({ "ticket": format!("T-{THERE}"), "channel": "mall", "received_at": "2025-06-29T01:00:00Z",
        "credit_code": HERE, "kind": "refund" });
    let reply = app.post("/api/v1/complaints").role(Role::Lead).json(&taken).send();
    assert_eq!(reply.code(), "out_of_scope");
    // A hotline ticket is not the mall's to answer, its own tenant's or not.
    let hotline = app.post(&format!("/api/v1/complaints/H-{HERE}/answer")).role(Role::Operator).json(&json!({})).send();
    assert_eq!(hotline.code(), "not_found");
    let own = app.post(&format!("/api/v1/complaints/T-{HERE}/answer")).role(Role::Operator).json(&json!({})).ok();
    assert_eq!(own.json()["status"], "accepted");
}

#[test]
fn an_operator_learns_nothing_about_its_tenants_other_malls() {
    let app = busy();
    app.tell(&[
        json!({ "command": "register_merchant", "credit_code": HERE, "mall": "西单大悦城", "unit": "9-09" }),
        json!({ "command": "record_exit", "credit_code": HERE, "mall": "西单大悦城", "unit": "9-09", "action": "post",
            "date": "2025-06-25", "planned_on": "2025-07-05" }),
    ]);
    for path in ["", "/reasons", "/timeline"] {
        let path = format!("/api/v1/merchants/{HERE}{path}");
        assert!(app.get(&path).role(Role::Regulator).ok().text.contains("西单大悦城"), "{path} has something to hide");
        assert!(!app.get(&path).role(Role::Operator).ok().text.contains("西单大悦城"), "{path}");
    }
    assert!(!app.get(&format!("/merchants/{HERE}")).role(Role::Operator).html().ok().text.contains("西单大悦城"));
}

#[test]
fn a_regulator_of_all_sectors_and_districts_sees_everything() {
    let app = busy();
    let key = app.key("市级", Scope { role: Role::Regulator, ..Scope::everything() });
    assert_eq!(app.get("/api/v1/merchants").key(&key).ok().json()["total"], 2);
}
