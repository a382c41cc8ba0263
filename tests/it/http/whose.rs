//! Tickets without a credit code over HTTP: whose they may be is for the lead office and administrators, each in its scope.

use super::app::{App, EVERY_ROLE, HERE, NOBODY, Reply, THERE};
use serde_json::{Value, json};
use warnlight::domain::access::Scope;
use warnlight::domain::words::Role;

fn ticket(number: &str, name: &str) -> Value {
    json!({ "command": "record_unattributed", "ticket": number, "channel": "12315", "kind": "refund",
        "received_at": "2025-06-01T01:00:00Z", "name": name })
}

fn decision(number: &str, decision: &str, code: Option<&str>) -> Value {
    let mut row = json!({ "command": "decide_unattributed", "ticket": number, "channel": "12315", "decision": decision,
        "reason": "r" });
    if let Some(code) = code {
        row["credit_code"] = json!(code);
    }
    row
}

fn say(app: &App, role: Role, command: &Value) -> Reply {
    app.post("/api/v1/commands").role(role).json(command).send()
}

fn refused(reply: &Reply) -> (u16, String) {
    (reply.status, reply.code())
}

fn out_of_scope() -> (u16, String) {
    (403, "out_of_scope".to_owned())
}

#[test]
fn only_who_may_speak_of_everybody_brings_tickets_without_a_code() {
    let app = App::start();
    let position = app.desk.picture().position;
    for role in [Role::Operator, Role::Regulator, Role::Bank, Role::Lead] {
        assert_eq!(refused(&say(&app, role, &ticket("T", "某店"))), out_of_scope(), "{role}");
    }
    let everywhere = app.key("all sectors", Scope { role: Role::Regulator, ..Scope::everything() });
    let reply = app.post("/api/v1/commands").key(&everywhere).json(&ticket("T", "某店")).send();
    assert_eq!(refused(&reply), out_of_scope());
    assert_eq!(app.desk.picture().queue.waiting(), 0);
    let lead = app.key("the lead office", Scope { role: Role::Lead, ..Scope::everything() });
    app.post("/api/v1/commands").key(&lead).json(&ticket("T", "某店")).ok();
    assert!(app.desk.picture().position > position);
    assert_eq!(say(&app, Role::Admin, &ticket("U", "某店")).status, 200);
    assert_eq!(app.desk.picture().queue.waiting(), 2);
}

#[test]
fn a_lead_office_sees_what_waits_and_gives_it_to_its_own_merchants_only() {
    let app = App::start();
    for (number, name) in [("T1", "海淀健身馆"), ("T2", "朝阳餐饮店"), ("T3", "某店")] {
        app.tell(&[ticket(number, name)]);
    }
    for role in EVERY_ROLE {
        let reply = app.get("/api/v1/unattributed").role(role).send();
        if matches!(role, Role::Lead | Role::Admin) {
            assert_eq!((reply.status, &reply.json()["waiting"]), (200, &json!(3)), "{role}");
            assert_eq!(reply.text.contains(THERE), role == Role::Admin, "{role}: candidates stop at the scope");
            assert!(reply.text.contains(HERE), "{role}");
        } else {
            assert_eq!(refused(&reply), (403, "forbidden".to_owned()), "{role}");
            for (name, code) in [("attribute", Some(HERE)), ("set_aside", None), ("undo", None)] {
                let reply = say(&app, role, &decision("T1", name, code));
                assert_eq!(refused(&reply), out_of_scope(), "{role} {name}");
            }
        }
    }
    // Whether a merchant elsewhere is registered is not told.
    for code in [THERE, NOBODY] {
        assert_eq!(refused(&say(&app, Role::Lead, &decision("T2", "attribute", Some(code)))), out_of_scope(), "{code}");
    }
    assert_eq!(say(&app, Role::Lead, &decision("T1", "attribute", Some(HERE))).status, 200);
    assert_eq!(say(&app, Role::Lead, &decision("T3", "set_aside", None)).status, 200);
    assert_eq!(say(&app, Role::Admin, &decision("T2", "attribute", Some(THERE))).status, 200);
    let list = |role: Role| app.get("/api/v1/unattributed?decided=true").role(role).ok();
    let seen = list(Role::Lead);
    assert!(seen.text.contains(HERE) && !seen.text.contains(THERE) && !seen.text.contains("T2@"), "{seen:?}");
    assert_eq!((seen.json()["total"].clone(), list(Role::Admin).json()["total"].clone()), (json!(2), json!(3)));
    // What is another district's by now is not the lead's to take back.
    for (name, code) in [("undo", None), ("set_aside", None), ("attribute", Some(HERE))] {
        assert_eq!(refused(&say(&app, Role::Lead, &decision("T2", name, code))), out_of_scope(), "{name}");
    }
    assert_eq!(say(&app, Role::Lead, &decision("T1", "undo", None)).status, 200);
    assert_eq!(say(&app, Role::Lead, &decision("T3", "undo", None)).status, 200);
    assert_eq!(list(Role::Admin).json()["waiting"], 2);
}

#[test]
fn what_waits_is_counted_as_nobodys_and_shows_up_at_no_merchant() {
    let app = App::start();
    app.tell(&[ticket("W-1", "海淀<健身>")]);
    assert_eq!(app.get("/api/v1/complaints").role(Role::Admin).ok().json()["total"], 0);
    let metrics = app.get("/metrics").role(Role::Admin).ok().text;
    assert!(metrics.lines().any(|line| line == "warnlight_unattributed_tickets 1"), "{metrics}");
    assert!(!app.get(&format!("/api/v1/merchants/{HERE}/timeline")).role(Role::Admin).ok().text.contains("W-1"));
}

#[test]
fn numbers_of_persons_in_what_a_ticket_says_are_kept_nowhere() {
    let app = App::start();
    let mut row = ticket("T1", "王先生13800138000的店");
    row["address"] = json!("万寿路12号 电话010-62345678 身份证11010519491231002X");
    row["brand"] = json!("１３９００１３９０００");
    assert_eq!(say(&app, Role::Admin, &row).status, 200);
    let mut aside = decision("T1", "set_aside", None);
    aside["reason"] = json!("本人 138 0013 8000 撤诉");
    assert_eq!(say(&app, Role::Admin, &aside).status, 200);
    for path in ["/api/v1/events?limit=500", "/api/v1/unattributed?decided=true"] {
        let text = app.get(path).role(Role::Admin).ok().text;
        assert!(text.contains("王先生*****的店"), "{text}");
        for number in ["13800138000", "62345678", "11010519491231002X", "１３９００１３９０００", "138 0013 8000"]
        {
            assert!(!text.contains(number), "{path}: {number}");
        }
    }
}
