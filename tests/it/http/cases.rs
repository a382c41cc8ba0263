//! Cases over HTTP: a light is followed up by the office in charge, and by nobody else.

use super::app::{App, EVERY_ROLE, HERE, Reply, THERE};
use serde_json::{Value, json};
use warnlight::domain::access::Scope;
use warnlight::domain::words::Role;

/// The one case of an alarm.
fn case(app: &App) -> Value {
    let list = app.get("/api/v1/cases").role(Role::Regulator).ok().json();
    assert_eq!(list["total"], 1, "{list}");
    list["items"][0].clone()
}

fn alarmed() -> (App, String) {
    let app = App::start();
    app.alarm();
    app.desk.settle().unwrap();
    let alert = case(&app)["alert"].as_str().unwrap().to_owned();
    (app, alert)
}

fn handle(alert: &str, fields: Value) -> Value {
    let mut row = json!({ "command": "handle_case", "alert": alert, "credit_code": HERE });
    for (name, value) in fields.as_object().unwrap() {
        row[name] = value.clone();
    }
    row
}

fn say(app: &App, role: Role, command: &Value) -> Reply {
    app.post("/api/v1/commands").role(role).json(command).send()
}

#[test]
fn a_rise_opens_a_case_that_is_acknowledged_taken_and_acted_on_until_its_duty_is_done() {
    let (app, alert) = alarmed();
    let opened = case(&app);
    assert_eq!(
        (&opened["credit_code"], &opened["light"], &opened["late"]),
        (&json!(HERE), &json!("orange"), &json!(false))
    );
    let duty = &opened["duties"][0];
    assert_eq!((&duty["rule"], &duty["en"], &duty["state"]), (&json!("exit-under-30"), &json!("talk"), &json!("open")));
    assert!(duty["due_at"].is_string() && duty["acts"] == json!(["talk"]), "{duty}");

    for fields in [json!({ "action": "acknowledge" }), json!({ "action": "take" })] {
        let reply = say(&app, Role::Regulator, &handle(&alert, fields.clone()));
        assert_eq!((reply.status, &reply.json()["status"]), (200, &json!("accepted")), "{reply:?}");
        let again = say(&app, Role::Regulator, &handle(&alert, fields));
        assert_eq!(again.json()["status"], "unchanged");
    }
    let taken = case(&app);
    assert!(taken["acknowledged_at"].is_string() && taken["holder"].is_string(), "{taken}");
    assert_eq!(taken["duties"][0]["state"], "taken");
    let mine = |role: Role| app.get("/api/v1/cases?mine=true").role(role).ok().json()["total"].clone();
    assert_eq!((mine(Role::Regulator), mine(Role::Lead)), (json!(1), json!(0)));

    let close = handle(&alert, json!({ "action": "close", "outcome": "rectified" }));
    let refused = say(&app, Role::Regulator, &close);
    assert_eq!((refused.status, refused.text.contains("duties_open")), (422, true), "{refused:?}");

    // A talk is recorded as it always was, and closes the duty that asks for one.
    let today = warnlight::domain::time::day_of(app.desk.now()).to_string();
    let talk = json!({ "command": "record_enforcement", "credit_code": HERE, "kind": "talk", "date": today });
    assert_eq!(say(&app, Role::Regulator, &talk).status, 200);
    let done = case(&app);
    assert_eq!((&done["duties"][0]["state"], &done["duties"][0]["act"]), (&json!("done"), &json!("talk")), "{done}");
    assert_eq!(say(&app, Role::Regulator, &close).status, 200);
    assert_eq!(app.get("/api/v1/cases").role(Role::Regulator).ok().json()["total"], 0);
    let ended = app.get("/api/v1/cases?ended=true").role(Role::Regulator).ok().json();
    assert_eq!(ended["items"][0]["outcome"], "rectified");
    assert_eq!(app.get(&format!("/api/v1/cases/{alert}")).role(Role::Lead).ok().json()["outcome"], "rectified");
}

#[test]
fn a_case_is_for_the_office_in_charge_and_for_nobody_else() {
    let (app, alert) = alarmed();
    let elsewhere = Scope {
        role: Role::Regulator,
        sectors: vec!["commerce".to_owned()],
        divisions: vec!["110105".to_owned()],
        ..Scope::everything()
    };
    let elsewhere = app.key("elsewhere", elsewhere);
    let paths = [format!("/api/v1/cases/{alert}"), format!("/cases/{alert}")];
    for role in EVERY_ROLE {
        let office = matches!(role, Role::Regulator | Role::Lead | Role::Admin);
        for path in paths.iter().chain(&["/api/v1/cases".to_owned(), "/cases".to_owned()]) {
            assert_eq!(app.get(path).role(role).send().status, if office { 200 } else { 403 }, "{role} {path}");
        }
        let page = app.get(&format!("/merchants/{HERE}")).role(role).html().send();
        assert_eq!(page.text.contains(&format!("/cases/{alert}")), office, "{role}");
        let timeline = app.get(&format!("/api/v1/merchants/{HERE}/timeline")).role(role).send();
        assert!(office || !timeline.text.contains("alert."), "{role}: {timeline:?}");
        if !office {
            let reply = say(&app, role, &handle(&alert, json!({ "action": "acknowledge" })));
            assert_eq!((reply.status, reply.code()), (403, "out_of_scope".to_owned()), "{role}");
        }
    }
    for path in &paths {
        assert_eq!(app.get(path).key(&elsewhere).send().status, 404, "{path}");
    }
    assert_eq!(app.get("/api/v1/cases").key(&elsewhere).ok().json()["total"], 0);
    let reply = app.post("/api/v1/commands").key(&elsewhere).json(&handle(&alert, json!({ "action": "take" }))).send();
    assert_eq!((reply.status, reply.code()), (403, "out_of_scope".to_owned()));
    // Naming another merchant opens no door: the case is not about that one.
    let mut other = handle(&alert, json!({ "action": "take" }));
    other["credit_code"] = json!(THERE);
    let reply = say(&app, Role::Admin, &other);
    assert_eq!((reply.status, reply.text.contains("unknown_case")), (422, true), "{reply:?}");
    assert!(case(&app)["acknowledged_at"].is_null() && case(&app)["holder"].is_null());
}

#[test]
fn the_page_of_a_case_does_everything_without_a_script() {
    let (app, alert) = alarmed();
    let path = format!("/cases/{alert}");
    let page = |role: Role| app.get(&path).role(role).html().ok().text;
    let list = app.get("/cases").role(Role::Regulator).html().ok().text;
    assert!(list.contains(&path) && list.contains("约谈"), "{list}");
    let send = |fields: &[(&str, &str)]| app.post(&path).role(Role::Regulator).html().form(fields).send();
    for action in ["acknowledge", "take"] {
        let reply = send(&[("action", action)]);
        assert_eq!((reply.status, reply.header("location")), (303, path.as_str()), "{reply:?}");
    }
    assert_eq!(send(&[("action", "note"), ("note", "商场称仍在营业")]).status, 303);
    assert!(page(Role::Lead).contains("商场称仍在营业"));
    let refused = send(&[("action", "close"), ("outcome", "rectified")]);
    assert!(refused.status == 422 && refused.text.contains("还有应办事项：约谈"), "{refused:?}");
    let unread = send(&[("action", "act"), ("kind", "talk"), ("date", "yesterday")]);
    assert!(unread.status == 422, "{unread:?}");
    // The form records a talk as the evidence it is.
    assert_eq!(send(&[("action", "act"), ("kind", "talk"), ("note", "法定代表人到场")]).status, 303);
    assert!(page(Role::Regulator).contains("法定代表人到场") && page(Role::Regulator).contains("约谈"));
    assert_eq!(case(&app)["duties"][0]["state"], "done");
    assert!(page(Role::Regulator).contains("已完成"));
    assert_eq!(send(&[("action", "close"), ("outcome", "settled"), ("note", "已退费")]).status, 303);
    assert!(page(Role::Regulator).contains("已化解"));
}

/// Every form of the page that may be refused: what was typed stands in it again, and the field is named.
#[test]
fn a_refused_form_keeps_what_was_typed_and_names_the_field() {
    let (app, alert) = alarmed();
    let duty = case(&app)["duties"][0]["duty"].as_str().unwrap().to_owned();
    let send = |fields: &[(&str, &str)]| {
        app.post(&format!("/cases/{alert}"))
            .role(Role::Regulator)
            .html()
            .header("accept-language", "en")
            .form(fields)
            .send()
    };
    let today = warnlight::domain::time::day_of(app.desk.now()).to_string();
    let before = "2025-06-01";
    for (fields, field, typed) in [
        (
            vec![
                ("action", "act"),
                ("kind", "rectification_ordered"),
                ("date", &*today),
                ("due_on", "soon"),
                ("number", "京〔7〕"),
                ("note", "现场"),
            ],
            "last day to comply",
            vec!["soon", "京〔7〕", "现场"],
        ),
        (
            vec![("action", "act"), ("kind", "talk"), ("date", before), ("number", "第八号"), ("note", "约谈法人")],
            "Date",
            vec![before, "第八号", "约谈法人"],
        ),
        (
            vec![("action", "act"), ("kind", "bank_asked"), ("date", before), ("note", "已问银行")],
            "Date",
            vec![before, "已问银行"],
        ),
        (vec![("action", "assign"), ("to", "新来的三科"), ("note", "请接办")], "whom", vec!["新来的三科", "请接办"]),
        (
            vec![("action", "pause"), ("duty", &*duty), ("until", "2029-01-01"), ("note", "等材料")],
            "until",
            vec!["2029-01-01", "等材料"],
        ),
        (vec![("action", "close"), ("outcome", "other"), ("note", "不再处理")], "how it ended", vec!["不再处理"]),
    ] {
        let head = app.desk.log().head();
        let refused = send(&fields);
        assert_eq!((refused.status, app.desk.log().head()), (422, head), "{fields:?}: {refused:?}");
        assert!(refused.text.contains(&format!(">{field}:")), "{fields:?}: {}", refused.text);
        for value in typed {
            assert!(refused.text.contains(&format!("value=\"{value}\"")), "{fields:?}: `{value}` is lost");
        }
        let kind =
            fields.iter().find(|(name, _)| *name == "kind").map(|(_, kind)| format!("value=\"{kind}\" selected"));
        assert!(kind.is_none_or(|kind| refused.text.contains(&kind)), "{fields:?}");
    }
}

/// A name that nobody here is known by is asked about, not taken.
#[test]
fn a_case_is_given_to_who_is_known_or_to_who_is_meant_as_written() {
    let (app, alert) = alarmed();
    let send =
        |fields: &[(&str, &str)]| app.post(&format!("/cases/{alert}")).role(Role::Regulator).html().form(fields).send();
    let holder = || case(&app)["holder"].clone();
    let asked = send(&[("action", "assign"), ("to", "张三")]);
    assert!(asked.status == 422 && asked.text.contains("name=\"unlisted\""), "{asked:?}");
    assert_eq!(holder(), Value::Null);
    assert_eq!(send(&[("action", "assign"), ("to", "张三"), ("unlisted", "true")]).status, 303);
    assert_eq!(holder(), "张三");
    assert_eq!(send(&[("action", "assign"), ("to", "lead")]).status, 303);
    assert_eq!(holder(), "lead");
    // A program is told; it has nobody to ask.
    let row = handle(&alert, json!({ "action": "assign", "to": "王五" }));
    let told = say(&app, Role::Regulator, &row).json();
    let asks = |told: &Value| told["warnings"].to_string().contains("unknown_person");
    assert!(asks(&told), "{told}");
    let known = say(&app, Role::Regulator, &handle(&alert, json!({ "action": "assign", "to": "lead" }))).json();
    assert!(!asks(&known), "{known}");
}
