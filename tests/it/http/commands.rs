//! Recording what happened over HTTP.

use super::app::{App, HERE, NOBODY};
use serde_json::{Value, json};
use warnlight::domain::words::Role;
use warnlight::http::routes::{Route, TABLE};

fn balance(outstanding: &str) -> Value {
    json!({ "command": "report_balance", "credit_code": HERE, "date": "2025-06-01", "outstanding": outstanding })
}

#[test]
fn an_accepted_command_is_in_the_log_with_the_name_of_the_key_and_said_again_it_changes_nothing() {
    let app = App::start();
    let receipt = app.post("/api/v1/commands").role(Role::Regulator).json(&balance("5.00")).ok().json();
    assert_eq!(receipt["status"], "accepted");
    let position = receipt["position"].as_u64().unwrap();
    let path = format!("/api/v1/events?after={}&limit=1", position - 1);
    let event = app.get(&path).role(Role::Admin).ok().json()[0].clone();
    assert_eq!(event["id"], receipt["events"][0]);
    assert_eq!(
        (event["type"].as_str(), event["actor"].as_str()),
        (Some("cn.warnlight.prepaid.reported.v1"), Some("regulator"))
    );
    let again = app.post("/api/v1/commands").role(Role::Regulator).json(&balance("5.00")).ok().json();
    assert_eq!(again["status"], "unchanged");
}

#[test]
fn a_value_is_corrected_and_corrected_back() {
    let app = App::start();
    let about = format!("/api/v1/merchants/{HERE}");
    let outstanding = || app.get(&about).role(Role::Lead).ok().json()["outstanding"].clone();
    let status = |body: &Value| {
        let receipt = app.post("/api/v1/commands").role(Role::Regulator).json(body).ok().json();
        receipt["status"].as_str().unwrap().to_owned()
    };
    for yuan in ["5.00", "6.00", "5.00", "6.00"] {
        assert_eq!((status(&balance(yuan)).as_str(), outstanding()), ("accepted", json!(yuan)));
        assert_eq!((status(&balance(yuan)).as_str(), outstanding()), ("unchanged", json!(yuan)), "it stands");
    }
    // So it is within a list of commands, which is said in order, and for a detail of the register.
    let list = json!([balance("7.00"), balance("8.00"), balance("7.00")]);
    let receipts = app.post("/api/v1/commands").role(Role::Regulator).json(&list).send().json();
    let said: Vec<_> = receipts.as_array().unwrap().iter().map(|receipt| receipt["status"].clone()).collect();
    assert_eq!((said, outstanding()), (vec![json!("accepted"); 3], json!("7.00")));
    for name in ["甲健身", "乙健身", "甲健身"] {
        let named = json!({ "command": "register_merchant", "credit_code": HERE, "name": name });
        assert_eq!(status(&named), "accepted");
        assert_eq!(app.get(&about).role(Role::Lead).ok().json()["name"], name);
    }
}

#[test]
fn a_planned_day_is_amended_and_amended_back() {
    let app = App::start();
    let shop =
        |planned: &str| json!({ "credit_code": HERE, "mall": "东方广场", "unit": "B1-01", "planned_on": planned });
    app.post("/api/v1/exit-notices").role(Role::Operator).json(&shop("2025-10-31")).ok();
    for planned in ["2025-11-30", "2025-10-31", "2025-11-30"] {
        let step = json!({ "mall": "东方广场", "unit": "B1-01", "planned_on": planned });
        let amended = app.ask("PATCH", &format!("/api/v1/exit-notices/{HERE}")).role(Role::Operator).json(&step).ok();
        assert_eq!(amended.json()["status"], "accepted");
        let standing = app.get("/api/v1/exit-notices").role(Role::Operator).ok().json()["items"][0].clone();
        assert_eq!(standing["planned_on"], planned);
    }
}

#[test]
fn one_key_one_answer() {
    let app = App::start();
    let ask = |key: &str, body: &Value, role| {
        app.post("/api/v1/commands").role(role).header("idempotency-key", key).json(body).send()
    };
    let first = ask("k1", &balance("5.00"), Role::Regulator).json();
    let second = ask("k1", &balance("5.00"), Role::Regulator).json();
    assert_eq!((&second["events"], &second["repeated"]), (&first["events"], &json!(true)));
    let other = ask("k1", &balance("6.00"), Role::Regulator);
    assert_eq!((other.status, other.code().as_str()), (409, "idempotency_key_reused"));
    assert_eq!(ask("k1", &balance("6.00"), Role::Lead).status, 200, "keys of different callers do not meet");
    for key in ["", "a b", &"x".repeat(201)] {
        assert_eq!(ask(key, &balance("7.00"), Role::Lead).code(), "invalid_parameter", "{key:?}");
    }
}

#[test]
fn a_refused_command_says_what_is_wrong_in_both_languages_and_writes_nothing() {
    let app = App::start();
    let position = app.desk.picture().position;
    let exit = json!({ "command": "record_exit", "credit_code": HERE, "mall": "东方广场", "unit": "B1-01",
        "action": "amend", "date": "2025-06-30" });
    let reply = app.post("/api/v1/commands").role(Role::Lead).json(&exit).send();
    assert_eq!((reply.status, reply.code().as_str()), (422, "refused"));
    let problem = reply.json()["problems"][0].clone();
    assert!(!problem["zh"].as_str().unwrap().is_ascii() && problem["en"].as_str().unwrap().len() > 5, "{problem}");
    assert_eq!(app.desk.picture().position, position);
}

#[test]
fn what_cannot_be_read_names_the_field() {
    let app = App::start();
    let ask = |body: Value| app.post("/api/v1/commands").role(Role::Lead).json(&body).send();
    let missing = ask(json!({ "command": "report_balance", "credit_code": HERE, "date": "2025-06-01" }));
    assert_eq!((missing.status, missing.code().as_str()), (422, "refused"));
    assert_eq!(missing.json()["problems"][0]["field"], "outstanding");
    let unknown = ask(json!({ "command": "report_balance", "credit_code": HERE, "date": "2025-06-01",
        "outstanding": "1.00", "colour": "red" }));
    assert_eq!(unknown.json()["problems"][0]["field"], "colour");
    let broken = app.post("/api/v1/commands").role(Role::Lead).text("application/json", "{").send();
    assert_eq!((broken.status, broken.code().as_str()), (400, "bad_request"));
    let huge = format!("[\"{}\"]", "x".repeat(70_000));
    let huge = app.post("/api/v1/commands").role(Role::Lead).text("application/json", &huge).send();
    assert_eq!((huge.status, huge.code().as_str()), (413, "too_large"));
}

#[test]
fn in_a_batch_every_command_stands_for_itself() {
    let app = App::start();
    let batch = json!([
        balance("5.00"),
        { "command": "fly" },
        { "command": "report_balance", "credit_code": NOBODY, "date": "2025-06-01", "outstanding": "1.00" },
        balance("5.00"),
        { "command": "report_balance", "credit_code": HERE, "date": "2999-01-01", "outstanding": "1.00" },
    ]);
    let receipts = app.post("/api/v1/commands").role(Role::Lead).json(&batch).ok().json();
    let states: Vec<&str> = receipts.as_array().unwrap().iter().map(|it| it["status"].as_str().unwrap()).collect();
    assert_eq!(states, ["accepted", "refused", "refused", "unchanged", "refused"], "{receipts:#}");
    let codes: Vec<&Value> = [1, 2, 4].iter().map(|index| &receipts[*index]["problems"][0]["index"]).collect();
    assert_eq!(codes, [&json!(1), &json!(2), &json!(4)]);
    assert_eq!(receipts[2]["problems"][0]["code"], "out_of_scope");
}

#[test]
fn cloud_events_carry_commands_one_or_many() {
    let app = App::start();
    let event = |id: &str, outstanding: &str| {
        json!({ "specversion": "1.0", "id": id, "source": "/bank", "type": "cn.warnlight.command.report_balance",
            "data": { "credit_code": HERE, "date": "2025-06-01", "outstanding": outstanding } })
    };
    let send = |media_type: &str, body: &Value| {
        app.post("/api/v1/cloudevents").role(Role::Lead).text(media_type, &body.to_string()).send()
    };
    let one = send("application/cloudevents+json; charset=utf-8", &event("1", "5.00"));
    assert_eq!((one.status, &one.json()["status"]), (200, &json!("accepted")));
    let repeated = send("application/cloudevents+json", &event("1", "5.00")).json();
    assert_eq!(repeated["repeated"], true, "source and id are the key");
    assert_eq!(send("application/cloudevents+json", &event("1", "6.00")).code(), "idempotency_key_reused");
    let batch =
        json!([event("2", "7.00"), { "specversion": "1.0", "id": "3", "source": "/b", "type": "other", "data": {} }]);
    let receipts = send("application/cloudevents-batch+json", &batch).json();
    assert_eq!((&receipts[0]["status"], &receipts[1]["status"]), (&json!("accepted"), &json!("refused")));
    assert_eq!(send("application/json", &batch).code(), "unsupported_media_type");
    assert_eq!(send("application/cloudevents+json", &batch).code(), "bad_request");
}

#[test]
fn an_exit_notice_goes_through_its_life() {
    let app = App::start();
    let shop = json!({ "credit_code": HERE, "mall": "东方广场", "unit": "B1-01", "planned_on": "2025-10-31", "refund_plan": "原路退回" });
    let post = || app.post("/api/v1/exit-notices").role(Role::Operator);
    assert_eq!(post().json(&shop).ok().json()["status"], "accepted");
    let standing = app.get("/api/v1/exit-notices").role(Role::Operator).ok().json()["items"][0].clone();
    assert_eq!((standing["days_left"].as_i64(), standing["notice_days"].as_i64()), (Some(123), Some(123)));
    let step = json!({ "mall": "东方广场", "unit": "B1-01", "planned_on": "2025-09-30" });
    let path = format!("/api/v1/exit-notices/{HERE}");
    app.ask("PATCH", &path).role(Role::Operator).json(&step).ok();
    let standing = app.get("/api/v1/exit-notices").role(Role::Operator).ok().json()["items"][0].clone();
    assert_eq!((standing["planned_on"].as_str(), standing["days_left"].as_i64()), (Some("2025-09-30"), Some(92)));
    let step = json!({ "mall": "东方广场", "unit": "B1-01" });
    app.post(&format!("{path}/withdraw")).role(Role::Operator).json(&step).ok();
    assert_eq!(app.get("/api/v1/exit-notices").role(Role::Operator).ok().json()["items"], json!([]));
    let again = app.post(&format!("{path}/withdraw")).role(Role::Lead).json(&step).send();
    assert!(again.status == 422 || again.json()["status"] == "unchanged", "{again:?}");
}

#[test]
fn reasons_show_what_was_compared_and_can_be_asked_for_any_instant() {
    let app = App::start();
    app.tell(&[json!({ "command": "record_exit", "credit_code": HERE, "mall": "东方广场", "unit": "B1-01",
        "action": "post", "date": "2025-06-20", "planned_on": "2025-07-10" })]);
    let now = app.get(&format!("/api/v1/merchants/{HERE}/reasons")).role(Role::Lead).ok().json();
    assert_eq!(now["light"], "orange");
    let reason = now["reasons"].as_array().unwrap().iter().find(|it| it["rule"] == "exit-under-30").unwrap();
    let fact = reason["facts"].as_array().unwrap().iter().find(|it| it["fact"] == "exit.notice_days").unwrap();
    assert_eq!((&fact["value"], &fact["threshold"]), (&json!("20"), &json!("30")));
    assert!(
        !reason["events"].as_array().unwrap().is_empty() && reason["clause"].as_str().unwrap().contains("京商秩字")
    );
    let before =
        app.get(&format!("/api/v1/merchants/{HERE}/reasons?at=2025-06-19T00:00:00Z")).role(Role::Lead).ok().json();
    assert_eq!(before["light"], "green");
    for query in ["known_at=2025-01-01T00:00:00Z", "at=2025-06-19T00:00:00Z&known_at=2025-01-01T00:00:00Z"] {
        let unknowing = app.get(&format!("/api/v1/merchants/{HERE}/reasons?{query}")).role(Role::Lead).send();
        assert_eq!(unknowing.code(), "not_found", "nothing was known then: not green");
    }
    for query in ["at=yesterday", "known_at=x"] {
        let reply = app.get(&format!("/api/v1/merchants/{HERE}/reasons?{query}")).role(Role::Lead).send();
        assert_eq!(reply.code(), "invalid_parameter");
    }
}

#[test]
fn wrong_parameters_are_named() {
    let app = App::start();
    for path in [
        "/api/v1/merchants?light=purple",
        "/api/v1/merchants?page=0",
        "/api/v1/merchants?per_page=501",
        "/api/v1/merchants?page=x",
        "/api/v1/merchants/short",
        "/api/v1/complaints?open=perhaps",
        "/api/v1/mails?state=lost",
        "/api/v1/events?after=-1",
    ] {
        let reply = app.get(path).role(Role::Admin).send();
        assert_eq!((reply.status, reply.code().as_str()), (400, "invalid_parameter"), "{path}");
        assert!(reply.json()["detail"].as_str().unwrap().len() > 5, "{path}");
    }
}

#[test]
fn a_wrong_parameter_is_named_in_every_query_and_path() {
    let app = App::start();
    let mut named = 0;
    let is_asked =
        |route: &&Route| route.method == "GET" && route.path.starts_with("/api/") && route.path != "/api/v1/live";
    for route in TABLE.iter().filter(is_asked) {
        let nobody = uuid::Uuid::nil().to_string();
        let path = route.path.replace("{credit_code}", HERE).replace("{mail}", &nobody).replace("{id}", &nobody);
        let path = path.replace("{alert}", &nobody);
        for (name, _) in route.query {
            let reply = app.get(&format!("{path}?{name}=1x")).role(Role::Admin).send();
            if reply.status == 400 {
                assert_eq!(reply.json()["problems"][0]["field"], *name, "{path}: {reply:?}");
                named += 1;
            }
        }
    }
    assert!(named > 8, "{named}");
    for (method, path, name) in [("DELETE", "/api/v1/keys/x", "id"), ("GET", "/api/v1/merchants/short", "credit_code")]
    {
        let reply = app.ask(method, path).role(Role::Admin).send();
        assert_eq!((reply.status, &reply.json()["problems"][0]["field"]), (400, &json!(name)), "{path}: {reply:?}");
    }
}

#[test]
fn a_body_may_begin_with_a_byte_order_mark_on_every_route() {
    let app = App::start();
    let send = |method: &str, path: &str, body: &Value| {
        app.ask(method, path).role(Role::Admin).text("application/json", &format!("\u{FEFF}{body}")).send()
    };
    assert_eq!(send("POST", "/api/v1/commands", &balance("5.00")).status, 200);
    assert_eq!(send("POST", "/api/v1/commands", &json!([balance("6.00")])).status, 200);
    let notice = json!({ "credit_code": HERE, "mall": "东方广场", "unit": "B1-01", "planned_on": "2025-12-01" });
    assert_eq!(send("POST", "/api/v1/exit-notices", &notice).status, 200);
    let step = json!({ "mall": "东方广场", "unit": "B1-01", "planned_on": "2025-12-31" });
    assert_eq!(send("PATCH", &format!("/api/v1/exit-notices/{HERE}"), &step).status, 200);
    assert_eq!(send("POST", "/api/v1/keys", &json!({ "name": "x", "role": "admin" })).status, 201);
    let ticket = json!({ "ticket": "T9", "channel": "mall", "received_at": "2025-06-29T01:00:00Z", "credit_code": HERE, "kind": "refund" });
    assert_eq!(send("POST", "/api/v1/complaints", &ticket).status, 200);
    let wrong = app.post("/api/v1/keys").role(Role::Admin).text("text/plain", "{}").send();
    assert_eq!(wrong.code(), "unsupported_media_type");
    let huge = format!("{{\"name\":\"{}\",\"role\":\"admin\"}}", "x".repeat(70_000));
    let huge = app.post("/api/v1/keys").role(Role::Admin).text("application/json", &huge).send();
    assert_eq!(huge.code(), "too_large");
}

#[test]
fn nothing_to_do_is_done() {
    let app = App::start();
    assert_eq!(app.post("/api/v1/commands").role(Role::Lead).json(&json!([])).ok().json(), json!([]));
    let events = app.post("/api/v1/cloudevents").role(Role::Lead).text("application/cloudevents-batch+json", "[]");
    assert_eq!(events.ok().json(), json!([]));
}

#[test]
fn a_field_that_is_there_twice_is_refused_on_every_route() {
    let app = App::start();
    let position = app.desk.picture().position;
    let twice = format!(r#""credit_code":"{HERE}","date":"2025-06-01","outstanding":"1.00","outstanding":"2.00""#);
    let send =
        |path: &str, media_type: &str, body: &str| app.post(path).role(Role::Admin).text(media_type, body).send();
    let one = send("/api/v1/commands", "application/json", &format!("{{\"command\":\"report_balance\",{twice}}}"));
    assert_eq!((one.status, &one.json()["problems"][0]["field"]), (422, &json!("outstanding")), "{one:?}");
    let tag = send(
        "/api/v1/commands",
        "application/json",
        &format!(
            r#"{{"command":"report_balance","command":"report_balance","credit_code":"{HERE}","date":"2025-06-01","outstanding":"1.00"}}"#
        ),
    );
    assert_eq!(tag.status, 422, "{tag:?}");
    let event = format!(
        r#"{{"specversion":"1.0","id":"1","source":"/b","type":"cn.warnlight.command.report_balance","data":{{{twice}}}}}"#
    );
    assert_eq!(send("/api/v1/cloudevents", "application/cloudevents+json", &event).status, 422);
    let event =
        event.replacen("\"id\":\"1\"", "\"id\":\"1\",\"id\":\"2\"", 1).replacen(",\"outstanding\":\"2.00\"", "", 1);
    assert_eq!(send("/api/v1/cloudevents", "application/cloudevents+json", &event).status, 422);
    let notice = format!(r#"{{"credit_code":"{HERE}","mall":"东方广场","mall":"x","planned_on":"2025-12-01"}}"#);
    assert_eq!(send("/api/v1/exit-notices", "application/json", &notice).status, 400);
    let key = r#"{"name":"x","role":"lead","role":"admin"}"#;
    assert_eq!(send("/api/v1/keys", "application/json", key).status, 400);
    assert_eq!(app.desk.picture().position, position);
}

#[test]
fn more_commands_than_are_taken_are_not_read() {
    let app = App::start();
    let many = format!("[{}1]", "1,".repeat(10_000));
    let reply = app.post("/api/v1/commands").role(Role::Lead).text("application/json", &many).send();
    assert_eq!((reply.status, reply.code().as_str()), (413, "too_large"));
    assert!(reply.json()["detail"].as_str().unwrap().contains("10000"), "{reply:?}");
}

#[test]
fn cloud_events_come_in_binary_mode_and_with_data_in_base64() {
    let app = App::start();
    let data = json!({ "credit_code": HERE, "date": "2025-06-01", "outstanding": "5.00" }).to_string();
    // Headers and body as the Python SDK (cloudevents 2.2.0, `to_binary_event`) writes them.
    let binary = |id: &str, media_type: &str, data: &str| {
        let ask = app.post("/api/v1/cloudevents").role(Role::Lead).text(media_type, data);
        ask.header("ce-specversion", "1.0")
            .header("ce-id", id)
            .header("ce-source", "https://bank.example/%E6%B5%B7%E6%B7%80")
            .header("ce-type", "cn.warnlight.command.report_balance")
            .header("ce-time", "2025-06-01T01:00:00.993222Z")
            .send()
    };
    let first = binary("1", "application/json", &data);
    assert_eq!((first.status, &first.json()["status"]), (200, &json!("accepted")), "{first:?}");
    assert_eq!(
        binary("1", "application/json; charset=utf-8", &data).json()["repeated"],
        true,
        "source and id are the key"
    );
    assert_eq!(binary("2", "text/plain", &data).code(), "unsupported_media_type");
    assert_eq!(binary("2", "application/json", "[]").status, 422);
    let incomplete = app
        .post("/api/v1/cloudevents")
        .role(Role::Lead)
        .text("application/json", &data)
        .header("ce-specversion", "1.0");
    assert_eq!(incomplete.send().status, 422);
    assert_eq!(
        app.post("/api/v1/cloudevents").role(Role::Lead).text("application/json", &data).send().code(),
        "unsupported_media_type"
    );
    let event = json!({ "specversion": "1.0", "id": "9", "source": "/b", "type": "cn.warnlight.command.report_balance",
        "data_base64": "eyJjcmVkaXRfY29kZSI6IjkxMTEwMTA4TUEwMDAwMDAwMCIsImRhdGUiOiIyMDI1LTA2LTAyIiwib3V0c3RhbmRpbmciOiI3LjAwIn0=" });
    let taken =
        app.post("/api/v1/cloudevents").role(Role::Lead).text("application/cloudevents+json", &event.to_string()).ok();
    assert_eq!(taken.json()["status"], "accepted");
}

#[test]
fn what_the_log_could_not_hold_is_refused_at_the_door() {
    let app = App::start();
    let event = json!({ "specversion": "1.0", "id": "1", "source": "s".repeat(600), "type": "cn.warnlight.command.report_balance",
        "data": { "credit_code": HERE, "date": "2025-06-01", "outstanding": "5.00" } });
    let reply = app
        .post("/api/v1/cloudevents")
        .role(Role::Lead)
        .text("application/cloudevents+json", &event.to_string())
        .send();
    assert_eq!((reply.status, reply.code().as_str()), (422, "refused"));
    assert!(reply.text.contains("at most 400"), "{reply:?}");
    // The longest name and the longest idempotency key together.
    let key = app.key(&"字".repeat(100), super::app::scope_of(Role::Lead));
    let longest = "k".repeat(200);
    let taken = app.post("/api/v1/commands").key(&key).header("idempotency-key", &longest).json(&balance("5.00")).ok();
    assert_eq!(taken.json()["status"], "accepted");
}

#[test]
fn an_instant_is_understood_with_a_plus_sign_that_was_not_encoded_and_lies_in_our_time() {
    let app = App::start();
    for at in [
        "2025-06-30T18:00:00+08:00",
        "2025-06-30T18:00:00%2B08:00",
        "2025-06-30T10:00:00Z",
        "2025-06-30T18:00:00%2b08:00",
    ] {
        app.get(&format!("/api/v1/lights?at={at}")).role(Role::Lead).ok();
        let reasons =
            app.get(&format!("/api/v1/merchants/{HERE}/reasons?at={at}&known_at={at}")).role(Role::Lead).ok().json();
        assert_eq!(reasons["at"], "2025-06-30T10:00:00Z", "{at}");
    }
    for at in ["-009999-01-03T12:00:00Z", "1989-12-31T00:00:00Z", "9999-01-01T00:00:00Z", "yesterday"] {
        let reply = app.get(&format!("/api/v1/lights?at={at}")).role(Role::Lead).send();
        assert_eq!(reply.code(), "invalid_parameter", "{at}");
    }
}
