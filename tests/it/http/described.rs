//! The description of the API is true: what is answered fits it.

use super::app::{App, HERE, THERE};
use jsonschema::Validator;
use serde_json::{Value, json};
use warnlight::domain::command::Command;
use warnlight::domain::words::Role;
use warnlight::http::problem::Code;
use warnlight::http::routes::TABLE;

fn validator(document: &Value, schema: &str) -> Validator {
    let schema = json!({ "$ref": format!("#/components/schemas/{schema}"), "components": document["components"] });
    jsonschema::validator_for(&schema).unwrap_or_else(|error| panic!("{error}"))
}

fn check(document: &Value, schema: &str, instance: &Value, place: &str) {
    let errors: Vec<String> = validator(document, schema)
        .iter_errors(instance)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{place} does not fit `{schema}`: {errors:#?}\n{instance:#}");
}

fn busy() -> App {
    let app = App::start();
    app.tell(&[
        json!({ "command": "report_balance", "credit_code": HERE, "date": "2025-03-31", "outstanding": "900000.00" }),
        json!({ "command": "report_custody", "credit_code": HERE, "date": "2025-06-20", "held": "100000.00" }),
        json!({ "command": "record_exit", "credit_code": HERE, "mall": "东方广场", "unit": "B1-01", "action": "post",
            "date": "2025-06-20", "planned_on": "2025-07-10" }),
        json!({ "command": "record_exit", "credit_code": THERE, "mall": "西单大悦城", "unit": "2-02", "action": "close",
            "date": "2025-06-20" }),
        json!({ "command": "record_complaint", "ticket": "T1", "channel": "mall", "credit_code": HERE, "kind": "refund",
            "received_at": "2025-06-01T01:00:00Z", "amount": "100.00", "due_at": "2025-06-09T01:00:00Z" }),
    ]);
    app
}

#[test]
fn the_description_lists_the_routes_with_their_rights() {
    let app = App::start();
    let document = app.get("/api/openapi.json").ok().json();
    let mut described = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let route = TABLE.iter().find(|it| it.path == path && it.method.eq_ignore_ascii_case(method)).unwrap();
            assert_eq!(operation["x-right"]["name"].as_str(), route.right.map(|right| right.name), "{path}");
            let is_asked =
                operation["parameters"].as_array().unwrap().iter().any(|it| it["name"] == "Warnlight-Position");
            assert_eq!(is_asked, route.right.is_some(), "{path}");
            let told = operation["responses"].as_object().unwrap().values().any(|it| !it["headers"].is_null());
            assert_eq!(told, route.right.is_some() && route.method != "GET", "{path}");
            described += 1;
        }
    }
    assert_eq!(described, TABLE.len());
}

#[test]
fn every_json_answer_fits_its_schema() {
    let app = busy();
    let document = app.get("/api/openapi.json").ok().json();
    let cases = app.get("/api/v1/cases").role(Role::Admin).ok().json();
    let alert = cases["items"][0]["alert"].as_str().unwrap();
    let body = format!("统一社会信用代码,报送日期,存管余额\n{HERE},2025-06-21,x\n{HERE},2025-06-22,100000.00\n");
    let upload = app.post("/api/v1/imports?name=custody.csv").role(Role::Admin).text("text/csv", &body).ok().json();
    let import = upload["id"].as_str().unwrap();
    let mut checked = 0;
    for route in
        TABLE.iter().filter(|route| route.method == "GET" && !route.answer.contains('/') && route.answer != "OpenApi")
    {
        let path = route.path.replace("{credit_code}", HERE).replace("{code}", "refused").replace("{id}", import);
        let path = path.replace("{alert}", alert).replace("{figure}", "tickets").replace("{month}", "2025-05");
        let answer = app.get(&path).role(Role::Admin).ok().json();
        check(&document, route.answer, &answer, &path);
        checked += 1;
    }
    assert!(checked >= 12, "{checked}");
    let items = app.get("/api/v1/merchants").role(Role::Admin).ok().json();
    assert_eq!(items["items"][0]["light"], "red", "worst first, and with everything filled in: {items:#}");
    let file = app.get(&format!("/api/v1/merchants/{THERE}")).role(Role::Admin).ok().json();
    check(&document, "MerchantFile", &file, "the file of a closed shop");
}

#[test]
fn receipts_keys_and_problems_fit_their_schemas() {
    let app = busy();
    let document = app.get("/api/openapi.json").ok().json();
    let body = json!([
        { "command": "report_balance", "credit_code": HERE, "date": "2025-06-01", "outstanding": "1.00" },
        { "command": "report_balance", "credit_code": "91110108MA00000001", "date": "2025-06-01", "outstanding": "1.00" },
        { "command": "report_balance", "credit_code": HERE },
    ]);
    check(&document, "Commands", &json!(body[0]), "a command");
    let receipts = app.post("/api/v1/commands").role(Role::Admin).json(&body).ok().json();
    check(&document, "CommandReceipts", &receipts, "receipts");
    let key = json!({ "name": "x", "role": "admin" });
    check(&document, "KeyWanted", &key, "a key wanted");
    let made = app.post("/api/v1/keys").role(Role::Admin).json(&key).send().json();
    check(&document, "KeyMade", &made, "a key made");
    for reply in [
        app.get("/api/v1/nothing").send(),
        app.get("/api/v1/lights").send(),
        app.post("/api/v1/commands").role(Role::Admin).json(&body[2]).send(),
    ] {
        reply.code();
        check(&document, "ProblemDocument", &reply.json(), "a problem");
    }
}

/// One of each command, everything stated.
fn commands() -> Vec<Value> {
    let code = json!(HERE);
    let shop = |mut value: Value| {
        value["credit_code"] = code.clone();
        value["mall"] = json!("M");
        value["unit"] = json!("U");
        value
    };
    let bare = |mut value: Value| {
        value["credit_code"] = code.clone();
        value
    };
    let day = "2025-06-01";
    vec![
        shop(json!({ "command": "register_merchant", "name": "n", "industry_code": "8930", "division_code": "110108",
            "street": "s", "legal_representative": "l", "legal_representative_digest": "d", "brand": "b", "founded_on": day })),
        bare(json!({ "command": "record_alias", "alias": "a", "mall": "m", "street": "s", "reason": "r" })),
        bare(json!({ "command": "withdraw_alias", "alias": "a", "mall": "m", "street": "s", "reason": "r" })),
        bare(json!({ "command": "assign_sector", "sector": "sport", "effective_on": day })),
        bare(
            json!({ "command": "record_filing", "status": "accepted", "date": day, "bank": "b", "account_tail": "1" }),
        ),
        bare(json!({ "command": "report_balance", "date": day, "outstanding": "1.00", "revenue_last_year": "2.00" })),
        bare(json!({ "command": "report_custody", "date": day, "held": "1.00", "abnormal": true })),
        bare(json!({ "command": "post_guarantee", "kind": "guarantee", "amount": "1.00", "from": day, "until": day })),
        shop(json!({ "command": "record_exit", "action": "post", "date": day, "planned_on": day, "refund_plan": "r" })),
        bare(
            json!({ "command": "record_complaint", "ticket": "t", "channel": "12345", "received_at": "2025-06-01T00:00:00Z",
            "kind": "refund", "amount": "1.00", "due_at": "2025-06-01T00:00:00Z", "answered_at": "2025-06-01T00:00:00Z",
            "closed_at": "2025-06-01T00:00:00Z", "outcome": "resolved", "reply": "r" }),
        ),
        shop(
            json!({ "command": "record_signal", "kind": "rent_arrears", "date": day, "value": "v", "cleared_on": day }),
        ),
        shop(json!({ "command": "report_complaint_rate", "date": day, "ratio": "0.06" })),
        shop(json!({ "command": "report_prepaid_share", "date": day, "ratio": "0.06" })),
        bare(json!({ "command": "record_listing", "list": "serious", "entered_on": day, "removed_on": day })),
        json!({ "command": "record_unattributed", "ticket": "t", "channel": "12345", "received_at": "2025-06-01T00:00:00Z",
            "kind": "refund", "amount": "1.00", "due_at": "2025-06-01T00:00:00Z", "answered_at": "2025-06-01T00:00:00Z",
            "closed_at": "2025-06-01T00:00:00Z", "outcome": "resolved", "name": "n", "address": "a", "mall": "m", "brand": "b",
            "street": "s", "source": "o", "profile": "p" }),
        bare(
            json!({ "command": "decide_unattributed", "ticket": "t", "channel": "12345", "decision": "attribute", "reason": "r",
            "candidates": [HERE] }),
        ),
        bare(
            json!({ "command": "record_enforcement", "kind": "talk", "date": day, "due_on": day, "number": "n", "result": "r" }),
        ),
        bare(
            json!({ "command": "handle_case", "alert": "01980f50-0b7d-7e55-a1c2-93d4f6e8b017", "action": "act", "to": "t",
            "kind": "on_site_check", "date": day, "duty": "01980f50-0b7d-7e55-a1c2-93d4f6e8b017", "until": day,
            "outcome": "rectified", "note": "n" }),
        ),
        bare(
            json!({ "command": "record_lead", "lead": "l", "step": "transferred", "date": day, "authority": "a", "note": "n",
            "reported_on": day, "approved_at": "2025-06-01T00:00:00Z", "handed_over_at": "2025-06-01T00:00:00Z" }),
        ),
        bare(
            json!({ "command": "record_joint_check", "check": "c", "step": "done", "date": day, "sectors": ["sport", "commerce"],
            "result": "r" }),
        ),
        bare(
            json!({ "command": "issue_document", "kind": "rectification_order", "number": "n", "date": day, "due_on": day,
            "title": "t", "to": "m", "paragraphs": ["p"], "office": "o" }),
        ),
        bare(json!({ "command": "record_account", "action": "open", "date": day, "bank": "b", "account_tail": "1" })),
        shop(
            json!({ "command": "record_tenancy", "from": day, "until": day, "checked_on": day, "in_order": true, "brand": "b" }),
        ),
        bare(
            json!({ "command": "handle_complaint", "ticket": "t", "channel": "12345", "step": "refund_paid", "at": "2025-06-01T00:00:00Z",
            "amount": "1.00", "due_at": "2025-06-01T00:00:00Z", "resolved": true, "satisfied": false }),
        ),
        bare(
            json!({ "command": "record_grey_listing", "entered_on": day, "ground": "g", "review_on": day, "removed_on": day }),
        ),
        bare(
            json!({ "command": "record_lock", "person": "p", "person_digest": "d", "locked_on": day, "lifted_on": day, "role": "r",
            "number": "n" }),
        ),
        bare(json!({ "command": "record_case", "number": "n", "date": day, "ticket": "t", "channel": "12345" })),
    ]
}

#[test]
fn the_schema_of_commands_and_the_reader_of_commands_agree() {
    let document = warnlight::http::api::openapi::document();
    let schema = validator(&document, "Command");
    let variants = document.pointer("/components/schemas/Command/oneOf").unwrap().as_array().unwrap().len();
    assert_eq!(commands().len(), variants);
    for whole in commands() {
        let reads = |value: &Value| serde_json::from_value::<Command>(value.clone()).is_ok();
        assert!(reads(&whole), "{whole}");
        assert!(schema.is_valid(&whole), "{whole}");
        // Leaving any one field out, or adding one, is judged alike by both.
        for field in whole.as_object().unwrap().keys() {
            let mut part = whole.clone();
            part.as_object_mut().unwrap().remove(field);
            assert_eq!(schema.is_valid(&part), reads(&part), "without `{field}`: {part}");
        }
        let mut more = whole.clone();
        more["colour"] = json!("red");
        assert!(!schema.is_valid(&more) && !reads(&more), "{more}");
    }
}

#[test]
fn the_problem_codes_are_listed_and_each_is_explained() {
    let app = App::start();
    let listed = app.get("/problems").ok().json();
    assert_eq!(listed.as_array().unwrap().len(), Code::ALL.len());
    for code in Code::ALL {
        let one = app.get(&format!("/problems/{}", code.name())).header("accept-language", "en").ok().json();
        assert_eq!(one[0]["title"], code.title(warnlight::http::Language::En));
    }
    assert!(app.get("/problems").html().ok().text.contains("idempotency_key_reused"));
    assert_eq!(app.get("/problems/made_up").send().code(), "not_found");
}

#[test]
fn health_metrics_and_schemas_are_open_and_name_nobody() {
    let app = busy();
    assert_eq!(app.get("/healthz").ok().text, "ok\n");
    app.get("/readyz").ok();
    assert_eq!(app.ask("HEAD", "/healthz").ok().text, "");
    app.get("/api/v1/lights").role(Role::Admin).ok();
    let metrics = app.get("/metrics").ok().text;
    for part in ["warnlight_commands_accepted_total 8", "route=\"/api/v1/lights\",status=\"200\"", "warnlight_ready 1"]
    {
        assert!(metrics.contains(part), "{part} is missing in {metrics}");
    }
    assert!(!metrics.contains(HERE));
    let schema = app.get("/events/mall.shop_closed.v1.schema.json").ok();
    assert_eq!(schema.header("content-type"), "application/schema+json");
    schema.json();
}
