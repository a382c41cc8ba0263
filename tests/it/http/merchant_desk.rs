//! A merchant's desk: its own light with reasons and what to do by when; it reports, replies and objects, and reaches nobody else.

use super::app::{App, EVERY_ROLE, HERE, Reply, THERE, encoded, instant};
use serde_json::{Value, json};
use warnlight::domain::access::Scope;
use warnlight::domain::words::Role;
use warnlight::http::routes::TABLE;

/// A merchant with an orange light, a ticket of the hotline's that is not its business, and one that it handles itself.
fn lit() -> App {
    let app = App::start();
    let complaint = |ticket: &str| {
        json!({ "command": "record_complaint", "ticket": ticket, "channel": "12345", "credit_code": HERE, "kind": "refund",
            "received_at": "2025-06-20T01:00:00Z", "amount": "7654.32" })
    };
    app.tell(&[complaint("GD-HIDDEN"), complaint("GD-OURS")]);
    app.tell(&[
        json!({ "command": "handle_complaint", "ticket": "GD-OURS", "channel": "12345", "credit_code": HERE, "step": "passed_to_enterprise",
            "at": "2025-06-21T01:00:00Z" }),
        json!({ "command": "record_enforcement", "credit_code": HERE, "kind": "on_site_check", "date": "2025-06-21", "result": "内部所见" }),
        json!({ "command": "record_enforcement", "credit_code": HERE, "kind": "rectification_ordered", "date": "2025-06-21", "due_on": "2025-07-21" }),
    ]);
    app.alarm();
    app
}

fn say(app: &App, role: Role, command: &Value) -> Reply {
    app.post("/api/v1/commands").role(role).json(command).send()
}

#[test]
fn a_merchant_sees_why_its_light_is_on_what_ends_it_and_by_when() {
    let app = lit();
    let page = app.get("/today").role(Role::Merchant).html().ok().text;
    for part in ["橙灯", "撤店公示不足30日", "应当", "公布退费办法", "2025-07-21", "甲银行", "本店灯情"]
    {
        assert!(page.contains(part), "{part}: {page}");
    }
    // What offices do about it is for them to know.
    for hidden in ["约谈", "GD-HIDDEN", "7654.32", "内部所见", "/cases/", "/imports", "/mall"] {
        assert!(!page.contains(hidden), "{hidden}: {page}");
    }
    // The quarter's end is past, and a balance was never declared: there is nothing to repeat. One from before is.
    assert!(!page.contains("尚未报告"), "{page}");
    app.tell(&[
        json!({ "command": "report_balance", "credit_code": HERE, "date": "2025-02-01", "outstanding": "1000.00" }),
    ]);
    let page = app.get("/today").role(Role::Merchant).html().ok().text;
    assert!(page.contains("2025-03-31 的预收资金余额应于 2025-04-28 前报告"), "{page}");
}

#[test]
fn it_reports_replies_and_objects_by_forms_and_the_objection_changes_no_light() {
    let app = lit();
    let light = || app.get(&format!("/api/v1/merchants/{HERE}")).role(Role::Admin).ok().json();
    let before = light();
    let cookie = app.log_in(Role::Merchant);
    let token = app.token(&cookie);
    let form = |act: &[(&str, &str)]| {
        let form: Vec<(&str, &str)> = act.iter().copied().chain([("form_token", token.as_str())]).collect();
        app.post(&format!("/merchants/{HERE}/acts")).header("cookie", &cookie).html().form(&form).send()
    };
    for act in [
        &[("act", "balance"), ("date", "2025-06-30"), ("outstanding", "120000.00")][..],
        &[("act", "filing_submitted"), ("status", "filing"), ("date", "2025-06-30")],
        &[("act", "reply"), ("text", "已退费 12 户\n名单附后")],
        &[("act", "objection"), ("text", "公示早于 3 月 <张贴>，电话 13812345678")],
    ] {
        let sent = form(act);
        let is_wrong = act[0].1 == "filing_submitted";
        assert_eq!(sent.status, if is_wrong { 422 } else { 303 }, "{act:?}: {}", sent.text);
    }
    let submitted = form(&[("act", "filing_submitted"), ("status", "submitted"), ("date", "2025-06-30")]);
    assert_eq!(submitted.status, 303, "{}", submitted.text);
    let after = light();
    assert_eq!((&after["light"], &after["since"]), (&before["light"], &before["since"]), "it changes no light");
    assert_eq!((&before["disputed"], &after["disputed"]), (&Value::Null, &json!(true)));
    assert_eq!((&after["outstanding"], &after["filing"]), (&json!("120000.00"), &json!("submitted")));
    let said = &after["records"]["statements"];
    assert_eq!((&said[0]["kind"], &said[1]["kind"]), (&json!("objection"), &json!("reply")), "{said}");
    assert!(!after.to_string().contains("13812345678"), "numbers of persons are masked: {said}");
    // Everybody whose business it is sees it; malls and banks do not.
    let case = app.get("/api/v1/cases").role(Role::Admin).ok().json()["items"][0]["alert"].as_str().unwrap().to_owned();
    for role in EVERY_ROLE {
        let is_theirs = !matches!(role, Role::Operator | Role::Bank);
        let file = app.get(&format!("/merchants/{HERE}")).role(role).html().ok().text;
        assert_eq!(file.contains("data-disputed"), is_theirs, "{role}");
        assert_eq!(file.contains("公示早于"), is_theirs, "{role}");
        assert_eq!(app.get("/").role(role).html().ok().text.contains("有异议"), is_theirs, "{role}");
    }
    assert!(app.get(&format!("/cases/{case}")).role(Role::Regulator).html().ok().text.contains("data-disputed"));
    assert!(app.get("/today").role(Role::Merchant).html().ok().text.contains("异议已记录"));
    // A light of another colour is another matter.
    app.clock.set(instant("2025-06-30T11:00:00Z"));
    app.tell(&[
        json!({ "command": "record_listing", "credit_code": HERE, "list": "serious", "entered_on": "2025-06-30" }),
    ]);
    assert_eq!(light()["disputed"], Value::Null);
}

#[test]
fn what_cannot_be_objected_to_is_refused_with_advice() {
    let app = App::start();
    let object = |more: Value| {
        let mut command =
            json!({ "command": "make_statement", "kind": "objection", "credit_code": HERE, "text": "不对" });
        command.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let reply = say(&app, Role::Merchant, &command);
        (reply.status, reply.json()["problems"][0]["code"].clone())
    };
    assert_eq!(object(json!({})), (422, json!("nothing_lit")));
    app.alarm();
    assert_eq!(object(json!({ "against": uuid::Uuid::nil() })), (422, json!("lit_anew")));
    assert_eq!(object(json!({ "text": " " })), (422, json!("missing")));
    assert_eq!(object(json!({})).0, 200);
}

#[test]
fn a_merchant_reaches_nobody_else_by_any_page_or_command() {
    let app = lit();
    let here = |path: &str| path.replace("{credit_code}", THERE);
    for route in TABLE.iter().filter(|route| route.right.is_some() && route.path.contains("{credit_code}")) {
        let ask = app.ask(route.method, &here(route.path)).role(Role::Merchant);
        let reply = match route.method {
            "GET" => ask.html().send(),
            _ if route.path.starts_with("/api/") => ask.json(&json!({})).send(),
            _ => ask.form(&[("act", "reply"), ("text", "x")]).send(),
        };
        assert!([403, 404].contains(&reply.status), "{route:?}: {reply:?}");
        assert!(!reply.text.contains("朝阳餐饮"), "{route:?}");
    }
    for path in
        ["/", "/today", "/api/v1/merchants", "/api/v1/lights", "/board.csv", &format!("/?q={}", encoded("朝阳"))]
    {
        let text = app.get(path).role(Role::Merchant).html().ok().text;
        assert!(!text.contains("朝阳餐饮") && !text.contains("西单大悦城"), "{path}: {text}");
    }
    let position = app.desk.picture().position;
    for (code, command) in [
        (THERE, json!({ "command": "report_balance", "date": "2025-06-01", "outstanding": "1.00" })),
        (THERE, json!({ "command": "record_filing", "status": "submitted", "date": "2025-06-01" })),
        (THERE, json!({ "command": "make_statement", "kind": "reply", "text": "x" })),
        (THERE, json!({ "command": "make_statement", "kind": "objection", "text": "x", "against": uuid::Uuid::nil() })),
        // What an office or the bank says of it is not its own to say, nor where its money lies once that is on record.
        (HERE, json!({ "command": "record_filing", "status": "accepted", "date": "2025-06-01" })),
        (HERE, json!({ "command": "record_filing", "status": "submitted", "date": "2025-06-01", "bank": "乙银行" })),
        (HERE, json!({ "command": "report_custody", "date": "2025-06-01", "held": "1.00" })),
        (HERE, json!({ "command": "record_account", "action": "close", "date": "2025-06-01", "bank": "甲银行" })),
        (
            HERE,
            json!({ "command": "record_exit", "mall": "东方广场", "unit": "B1-01", "action": "withdraw", "date": "2025-06-30" }),
        ),
        (HERE, json!({ "command": "record_enforcement", "kind": "rectification_met", "date": "2025-06-30" })),
        (
            HERE,
            json!({ "command": "handle_complaint", "ticket": "GD-OURS", "channel": "12345", "step": "refund_paid", "at": "2025-06-22T01:00:00Z", "amount": "1.00" }),
        ),
        (HERE, json!({ "command": "register_merchant", "name": "新名" })),
    ] {
        let mut command = command;
        command["credit_code"] = json!(code);
        let reply = say(&app, Role::Merchant, &command);
        assert_eq!((reply.status, reply.code().as_str()), (403, "out_of_scope"), "{command}");
    }
    assert_eq!(app.desk.picture().position, position, "what was refused wrote nothing");
    for role in [Role::Operator, Role::Bank] {
        let reply =
            say(&app, role, &json!({ "command": "make_statement", "kind": "reply", "text": "x", "credit_code": HERE }));
        assert_eq!(reply.code(), "out_of_scope", "{role}");
    }
    let timeline = app.get(&format!("/api/v1/merchants/{HERE}/timeline?limit=500")).role(Role::Merchant).ok().text;
    assert!(
        timeline.contains("GD-OURS") && !timeline.contains("GD-HIDDEN") && !timeline.contains("内部所见"),
        "{timeline}"
    );
    let timeline = app.get(&format!("/api/v1/merchants/{HERE}/timeline")).role(Role::Operator).ok().text;
    assert!(!timeline.contains("GD-OURS"), "{timeline}");
}

#[test]
fn a_log_in_of_a_merchant_that_nobody_knows_opens_an_empty_desk() {
    let app = App::start();
    let scope =
        Scope { role: Role::Merchant, merchant: Some(super::app::NOBODY.parse().unwrap()), ..Scope::everything() };
    let key = app.key("nobody", scope);
    app.clock.set(instant("2025-07-01T10:00:00Z"));
    let page = app.get("/today").key(&key).html().ok().text;
    assert!(page.contains("商户登记中还没有本店") && !page.contains("海淀"), "{page}");
    assert_eq!(app.get(&format!("/merchants/{HERE}")).key(&key).html().send().status, 404);
}
