//! Acts of offices: from the command to the merchant's page, and whose they are to say and to see.

use super::app::{App, HERE, THERE};
use serde_json::{Value, json};
use warnlight::domain::words::Role;

fn lead(code: &str, step: &str, date: &str) -> Value {
    json!({ "command": "record_lead", "credit_code": code, "lead": "移1号", "step": step, "date": date,
        "authority": "北京市公安局海淀分局" })
}

/// One command of each act, about a merchant.
fn acts(code: &str) -> Vec<Value> {
    let act = |kind: &str| json!({ "command": "record_enforcement", "credit_code": code, "kind": kind, "date": "2025-06-20" });
    let mut check = act("on_site_check");
    check["result"] = json!("店内无人");
    vec![
        act("yellow_card"),
        act("yellow_card_removed"),
        check,
        lead(code, "transferred", "2025-06-20"),
        json!({ "command": "record_joint_check", "credit_code": code, "check": "ZH1", "step": "proposed", "date": "2025-07-20",
            "sectors": ["commerce", "sport"] }),
        json!({ "command": "record_case", "credit_code": code, "number": "立1号", "date": "2025-06-20" }),
    ]
}

#[test]
fn an_office_records_acts_about_its_own_merchants_and_nobody_else_does() {
    let app = App::start();
    for act in acts(HERE) {
        let send = |role| app.post("/api/v1/commands").role(role).json(&act).send();
        let ours = send(Role::Regulator);
        assert_eq!(ours.status, 200, "{act}: {}", ours.text);
        assert_eq!(ours.json()["status"], "accepted", "{act}");
        assert_eq!(send(Role::Lead).json()["status"], "unchanged", "{act}");
        for role in [Role::Operator, Role::Bank] {
            assert_eq!((send(role).status, send(role).code().as_str()), (403, "out_of_scope"), "{role} {act}");
        }
    }
    for act in acts(THERE) {
        let reply = app.post("/api/v1/commands").role(Role::Regulator).json(&act).send();
        assert_eq!((reply.status, reply.code().as_str()), (403, "out_of_scope"), "{act}");
    }
}

#[test]
fn leads_and_joint_checks_are_seen_by_offices_and_a_late_answer_is_told() {
    let app = App::start();
    app.tell(&acts(HERE));
    let file = |role| app.get(&format!("/api/v1/merchants/{HERE}")).role(role).ok().json();
    let leads = file(Role::Regulator)["leads"].clone();
    assert_eq!((leads[0]["lead"].as_str(), leads[0]["answer"].as_str()), (Some("移1号"), None));
    let clock = &leads[0]["clocks"][0];
    assert_eq!((clock["clock"].as_str(), clock["late"].as_bool()), (Some("answer"), Some(true)), "{leads}");
    assert!(clock["source"].as_str().unwrap().contains("Art 8"));
    let page = |role| app.get(&format!("/merchants/{HERE}")).role(role).html().ok().text;
    for told in ["移1号", "答复期限 2025-06-23，已逾期", "现场核查：店内无人", "撤下黄牌", "综合查一次", "立案 立1号"]
    {
        let told = told.replace("综合查一次", "ZH1");
        assert!(page(Role::Regulator).contains(&told), "{told}");
    }
    for role in [Role::Operator, Role::Bank] {
        assert!(file(role)["leads"].is_null(), "{role}");
        for hidden in ["移1号", "ZH1", "立1号", "店内无人"] {
            assert!(!page(role).contains(hidden), "{role} {hidden}");
        }
        assert!(page(role).contains("撤下黄牌"), "a yellow card is published: {role}");
    }
    app.tell(&[lead(HERE, "accepted", "2025-06-23")]);
    let leads = file(Role::Lead)["leads"].clone();
    assert_eq!((&leads[0]["answer"], &leads[0]["clocks"][0]["late"]), (&json!("accepted"), &json!(false)));
}

#[test]
fn a_case_for_a_ticket_is_refused_where_the_ticket_is_anothers() {
    let app = App::start();
    app.tell(&[json!({ "command": "record_complaint", "ticket": "T9", "channel": "12345", "credit_code": THERE,
        "kind": "refund", "received_at": "2025-06-01T01:00:00Z" })]);
    let case = |code: &str| {
        json!({ "command": "record_case", "credit_code": code, "number": "立2号", "date": "2025-06-20", "ticket": "T9",
            "channel": "12345" })
    };
    let wrong = app.post("/api/v1/commands").role(Role::Regulator).json(&case(HERE)).send();
    assert_eq!((wrong.status, wrong.code().as_str()), (403, "out_of_scope"), "it is about a merchant they do not see");
    let wrong = app.post("/api/v1/commands").role(Role::Admin).json(&case(HERE)).send();
    assert_eq!(wrong.json()["problems"][0]["code"], "no_such_ticket");
    assert_eq!(app.post("/api/v1/commands").role(Role::Admin).json(&case(THERE)).ok().json()["status"], "accepted");
    let timeline = app.get(&format!("/api/v1/merchants/{THERE}/timeline")).role(Role::Admin).ok().text;
    assert!(timeline.contains(r#""ticket":"T9""#) && timeline.contains("enforcement.case_opened"));
}
