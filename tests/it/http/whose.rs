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

#[test]
fn a_name_decided_alike_is_offered_recorded_and_withdrawn_by_whom_it_is_for() {
    let app = App::start();
    let name = "招牌名<健身>";
    for number in ["T1", "T2", "T3", "T4"] {
        app.tell(&[ticket(number, name)]);
    }
    for number in ["T1", "T2", "T3"] {
        assert_eq!(say(&app, Role::Admin, &decision(number, "attribute", Some(HERE))).status, 200);
    }
    for number in ["U1", "U2", "U3"] {
        app.tell(&[ticket(number, "别处的店")]);
        assert_eq!(say(&app, Role::Admin, &decision(number, "attribute", Some(THERE))).status, 200);
    }
    let offered = |role| app.get("/api/v1/unattributed").role(role).ok().json()["aliases"].clone();
    let all = offered(Role::Admin);
    assert_eq!((all.as_array().unwrap().len(), &all[0]["times"]), (2, &json!(3)), "{all}");
    assert!(all[0]["by"].as_object().unwrap().values().eq([&json!(3)]), "{all}");
    let own = offered(Role::Lead);
    assert_eq!(
        (own.as_array().unwrap().len(), &own[0]["alias"]),
        (1, &json!(name)),
        "an office sees its own only: {own}"
    );
    let row =
        |command: &str, code: &str| json!({ "command": command, "credit_code": code, "alias": name, "reason": "r" });
    for role in [Role::Operator, Role::Regulator, Role::Bank] {
        for command in ["record_alias", "withdraw_alias"] {
            assert_eq!(refused(&say(&app, role, &row(command, HERE))), out_of_scope(), "{role} {command}");
        }
    }
    for code in [THERE, NOBODY] {
        for command in ["record_alias", "withdraw_alias"] {
            assert_eq!(refused(&say(&app, Role::Lead, &row(command, code))), out_of_scope(), "{command} {code}");
        }
    }
    // By the page: offered, taken, shown at the merchant, withdrawn there.
    let cookie = app.log_in(Role::Lead);
    let page = |path: &str| app.get(path).header("cookie", &cookie).html().ok().text;
    let token = app.token(&cookie);
    let send = |fields: &[(&str, &str)]| {
        let known = [("form_token", &*token), ("credit_code", HERE), ("alias", name)];
        app.post("/aliases").header("cookie", &cookie).html().form(&[&known, fields].concat()).send()
    };
    let text = page("/unattributed?lang=en");
    assert!(text.contains("“招牌名&lt;健身&gt;” was given to") && !text.contains("别处的店”"), "{text}");
    assert_eq!(send(&[("withdraw", "true"), ("reason", "r")]).status, 422, "it does not stand");
    assert_eq!((send(&[]).status, send(&[("back", "merchant")]).status), (303, 303));
    app.desk.settle().unwrap();
    let waiting = app.get("/api/v1/unattributed").role(Role::Admin).ok().json()["waiting"].clone();
    assert_eq!((waiting, offered(Role::Lead)), (json!(0), json!([])), "what waited is tried again");
    let file = |role| app.get(&format!("/api/v1/merchants/{HERE}")).role(role).ok().json()["aliases"].clone();
    for role in EVERY_ROLE {
        let sees = !matches!(role, Role::Operator | Role::Bank | Role::Merchant);
        assert_eq!(file(role), if sees { json!([{ "alias": name }]) } else { Value::Null }, "{role}");
        let timeline = app.get(&format!("/api/v1/merchants/{HERE}/timeline")).role(role).ok().text;
        assert_eq!(timeline.contains("merchant.alias_recorded"), sees, "{role}");
        let cookie = app.log_in(role);
        let text = app.get(&format!("/merchants/{HERE}")).header("cookie", &cookie).html().ok().text;
        assert_eq!(text.contains("data-alias"), sees, "{role}");
        assert_eq!(text.contains("action=\"/aliases\""), matches!(role, Role::Lead | Role::Admin), "{role}");
        if role != Role::Lead && role != Role::Admin {
            let token = app.token(&cookie);
            let form = [
                ("form_token", &*token),
                ("credit_code", HERE),
                ("alias", name),
                ("withdraw", "true"),
                ("reason", "r"),
            ];
            let reply = app.post("/aliases").header("cookie", &cookie).html().form(&form).send();
            assert_eq!(reply.status, 403, "{role}");
        }
    }
    assert_eq!(send(&[("withdraw", "true")]).status, 422, "a reason is asked for");
    let done = send(&[("withdraw", "true"), ("reason", "别家的招牌"), ("back", "merchant")]);
    assert_eq!((done.status, done.header("location")), (303, &*format!("/merchants/{HERE}")));
    assert_eq!(file(Role::Admin), Value::Null);
    app.tell(&[ticket("T5", name)]);
    assert_eq!(app.get("/api/v1/unattributed").role(Role::Admin).ok().json()["waiting"], 1);
    assert_eq!(
        app.post("/aliases")
            .header("cookie", &cookie)
            .html()
            .form(&[("form_token", "x"), ("credit_code", HERE), ("alias", name)])
            .send()
            .status,
        403
    );
}
