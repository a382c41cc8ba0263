//! Files over HTTP: what an upload may say, the preview, the papers, one key for one answer.

use super::app::{App, HERE, Reply, THERE};
use serde_json::{Value, json};
use warnlight::domain::words::Role;

/// What the bank sends: its own customer, and a stranger.
fn custody(held: &str) -> String {
    format!("统一社会信用代码,报送日期,存管余额,异常流水\n{HERE},2025-06-20,{held},否\n{THERE},2025-06-20,{held},否\n")
}

const REGISTER: &str = "统一社会信用代码,名称,行业代码,区划代码,商场,铺位号\n";

fn upload(app: &App, role: Role, query: &str, body: &str) -> Reply {
    app.post(&format!("/api/v1/imports?{query}")).role(role).text("application/octet-stream", body).send()
}

fn counts(state: &Value) -> [u64; 4] {
    ["rows", "accepted", "unchanged", "refused"].map(|name| state["counts"][name].as_u64().unwrap())
}

fn head(app: &App) -> u64 {
    app.desk.log().head()
}

#[test]
fn a_banks_file_says_what_the_bank_may_and_no_more() {
    let app = App::start();
    let reply = upload(&app, Role::Bank, "name=%E5%AD%98%E7%AE%A1.csv", &custody("100.00"));
    assert_eq!(reply.status, 200, "{reply:?}");
    let state = reply.json();
    assert_eq!((counts(&state), &state["state"]), ([2, 1, 0, 1], &json!("taken")), "{state:#}");
    assert_eq!(state["refusals"][0]["code"], "out_of_scope", "{state:#}");
    assert_eq!((&state["file"], &state["by"]), (&json!("存管.csv"), &json!("bank")));
    // The same row alone is answered alike.
    let alone = json!({ "command": "report_custody", "credit_code": THERE, "date": "2025-06-20", "held": "100.00" });
    assert_eq!(app.post("/api/v1/commands").role(Role::Bank).json(&alone).send().code(), "out_of_scope");
    // And a register is not a bank's to write.
    let register = format!("{REGISTER}{HERE},改名,8930,110108,东方广场,B1-01\n");
    let state = upload(&app, Role::Bank, "name=merchants.csv", &register).json();
    assert_eq!(counts(&state), [1, 0, 0, 1], "{state:#}");
    assert_eq!(state["refusals"][0]["code"], "out_of_scope");
}

#[test]
fn a_row_may_rest_on_the_register_that_the_same_file_brings() {
    let app = App::start();
    // The balance stands above the row that puts its merchant into the regulator's district.
    let lines = [
        json!({ "command": "report_balance", "credit_code": "91110108MA99999990", "date": "2025-06-01", "outstanding": "5.00" }),
        json!({ "command": "register_merchant", "credit_code": "91110108MA99999990", "name": "新来", "industry_code": "8930",
            "division_code": "110108", "mall": "东方广场", "unit": "9" }),
    ];
    let body = lines.map(|line| line.to_string()).join("\n");
    let state = upload(&app, Role::Regulator, "name=a.ndjson", &body).json();
    assert_eq!(counts(&state), [2, 2, 0, 0], "{state:#}");
}

#[test]
fn a_mall_dates_nothing_back_by_sheet_but_may_repeat_what_stands() {
    let app = App::start();
    app.alarm();
    let sheet = |day: &str| {
        format!("统一社会信用代码,商场,铺位号,事项,日期,计划撤店日期\n{HERE},东方广场,B1-01,{day},2025-07-10\n")
    };
    let repeated = upload(&app, Role::Operator, "name=exits.csv", &sheet("公示,2025-06-20")).json();
    assert_eq!(counts(&repeated), [1, 0, 1, 0], "{repeated:#}");
    let dated_back = upload(&app, Role::Operator, "name=exits.csv", &sheet("撤回,2025-06-25")).json();
    assert_eq!(counts(&dated_back), [1, 0, 0, 1], "{dated_back:#}");
    assert_eq!(dated_back["refusals"][0]["code"], "today_only");
    let today = upload(&app, Role::Operator, "name=exits.csv", &sheet("撤回,2025-06-30")).json();
    assert_eq!(counts(&today), [1, 1, 0, 0], "{today:#}");
}

#[test]
fn a_preview_writes_nothing_and_is_taken_when_it_is_confirmed() {
    let app = App::start();
    let row = |code: &str, mall: &str| format!("{code},{mall},B1-01,公示,2025-06-30,2025-07-10\n");
    let sheet = format!(
        "统一社会信用代码,商场,铺位号,事项,日期,计划撤店日期\n{}{}",
        row(HERE, "东方广场"),
        row(THERE, "西单大悦城")
    );
    let before = head(&app);
    let preview = upload(&app, Role::Operator, "name=exits.csv&preview=true", &sheet).json();
    assert_eq!((counts(&preview), &preview["state"]), ([2, 1, 0, 1], &json!("previewed")), "{preview:#}");
    assert_eq!((head(&app), &preview["papers"]), (before, &json!([])), "nothing is written");
    assert_eq!(
        preview["counts_by_kind"],
        json!({ "exits": { "accepted": 1, "queued": 0, "unchanged": 0, "refused": 1 } }),
        "by kind of sheet, too"
    );
    let would: u64 = preview["lights_changed"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(would, 1, "{preview:#}");
    let path = format!("/api/v1/imports/{}", preview["id"].as_str().unwrap());
    // Somebody else's key sees it only where nothing is out of scope, and confirms nothing.
    let confirm = format!("{path}/confirm");
    assert_eq!(app.post(&confirm).role(Role::Bank).send().code(), "not_found");
    assert_eq!(app.post(&confirm).role(Role::Admin).send().code(), "forbidden");
    let taken = app.post(&confirm).role(Role::Operator).ok().json();
    assert_eq!((counts(&taken), &taken["state"]), ([2, 1, 0, 1], &json!("taken")), "{taken:#}");
    assert_eq!((&taken["lights_changed"], &taken["progress"]["total"]), (&preview["lights_changed"], &json!(2)));
    let after = head(&app);
    let again = app.post(&confirm).role(Role::Operator).ok().json();
    assert_eq!((again, head(&app)), (taken, after), "confirmed twice is taken once");
}

#[test]
fn the_papers_can_be_fetched_and_the_corrected_sheet_sent_in() {
    let app = App::start();
    let body = custody("abc");
    let state = upload(&app, Role::Bank, "name=custody.csv", &body).json();
    let path = format!("/api/v1/imports/{}", state["id"].as_str().unwrap());
    assert_eq!(app.get(&path).role(Role::Bank).ok().json(), state);
    let papers: Vec<String> = serde_json::from_value(state["papers"].clone()).unwrap();
    assert!(papers.contains(&"receipts.csv".to_owned()) && papers.contains(&"refused.xlsx".to_owned()), "{papers:?}");
    let ask = |name: &str| app.get(&format!("{path}/papers/{}", super::app::encoded(name))).role(Role::Bank);
    let paper = |name: &str| ask(name).send();
    for name in &papers {
        let reply = ask(name).open();
        assert_eq!(reply.status(), 200, "{reply:?}");
        let shown = reply.headers()["content-disposition"].to_str().unwrap();
        assert!(shown.starts_with("attachment; filename*=UTF-8''"), "{shown}");
    }
    let refused = papers.iter().find(|name| name.ends_with("-refused.csv")).unwrap();
    let mended = paper(refused).text.replace("abc", "77.00");
    let state = upload(&app, Role::Bank, "name=custody-2.csv", &mended).json();
    assert_eq!(counts(&state), [2, 1, 0, 1], "{state:#}");
    for name in ["import.json", "..", "../import.json", "receipts.csv/..", "nothing.csv"] {
        assert_ne!(paper(name).status, 200, "{name}");
    }
    assert_eq!(app.get(&format!("{path}/papers/receipts.csv")).role(Role::Operator).send().code(), "not_found");
}

#[test]
fn one_key_stands_for_one_file_also_when_its_record_is_gone() {
    let app = App::start();
    let ask = |key: &str, query: &str, body: &str| {
        app.post(&format!("/api/v1/imports?{query}"))
            .role(Role::Bank)
            .header("idempotency-key", key)
            .text("application/octet-stream", body)
            .send()
    };
    let first = ask("k", "name=custody.csv", &custody("1.00")).json();
    app.tell(&[json!({ "command": "report_custody", "credit_code": HERE, "date": "2025-06-20", "held": "9.00" })]);
    let after = head(&app);
    assert_eq!(ask("k", "name=custody.csv", &custody("1.00")).json(), first);
    assert_eq!(head(&app), after);
    for (query, body) in [
        ("name=custody.csv", custody("2.00")),
        ("name=other.csv", custody("1.00")),
        ("name=custody.csv&preview=true", custody("1.00")),
    ] {
        assert_eq!(ask("k", query, &body).code(), "idempotency_key_reused", "{query}");
    }
    // Another node knows it by the log alone.
    let other = app.beside(app.desk.log().clone(), &[]);
    let reply = other
        .post("/api/v1/imports?name=custody.csv")
        .role(Role::Bank)
        .header("idempotency-key", "k")
        .text("application/octet-stream", &custody("1.00"))
        .ok()
        .json();
    assert_eq!((&reply["id"], &reply["counts"]), (&first["id"], &first["counts"]));
}

#[test]
fn the_same_file_again_changes_nothing() {
    let app = App::start();
    upload(&app, Role::Admin, "name=custody.csv", &custody("1.00"));
    app.tell(&[json!({ "command": "report_custody", "credit_code": HERE, "date": "2025-06-20", "held": "9.00" })]);
    let before = head(&app);
    let again = upload(&app, Role::Admin, "name=custody.csv", &custody("1.00")).json();
    assert_eq!((counts(&again), &again["known"], head(&app)), ([2, 0, 2, 0], &json!(1), before), "{again:#}");
}

#[test]
fn a_form_with_a_file_is_taken_alike() {
    let app = App::start();
    let form = |parts: &str| {
        app.post("/api/v1/imports")
            .role(Role::Bank)
            .text("multipart/form-data; boundary=xyz", &format!("{parts}--xyz--\r\n"))
    };
    let file = |name: &str| {
        format!(
            "--xyz\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: text/csv\r\n\r\n{}\r\n",
            custody("3.00")
        )
    };
    let preview = "--xyz\r\nContent-Disposition: form-data; name=\"preview\"\r\n\r\ntrue\r\n";
    let state = form(&format!("{preview}{}", file("报送/存管余额.csv"))).ok().json();
    assert_eq!((&state["file"], &state["state"]), (&json!("存管余额.csv"), &json!("previewed")), "{state:#}");
    assert_eq!(counts(&form(&file("存管余额.csv")).ok().json()), [2, 1, 0, 1]);
    assert_eq!(form(preview).send().code(), "bad_request");
    assert_eq!(form(&format!("{}{}", file("a.csv"), file("b.csv"))).send().code(), "bad_request");
}

#[test]
fn what_cannot_be_received_is_told_with_what_to_do() {
    let app = App::with(&[("WARNLIGHT__INTAKE__UPLOAD_LIMIT_BYTES", "2048")]);
    let long = custody("1.00") + &"x".repeat(2048);
    let reply = upload(&app, Role::Bank, "name=custody.csv", &long);
    assert_eq!((reply.status, reply.code().as_str()), (413, "too_large"));
    assert!(reply.text.contains("intake.upload_limit_bytes"), "{reply:?}");
    for query in ["", "name=", "name=%20", "name=a%00b.csv", &format!("name={}", "x".repeat(201))] {
        assert_eq!(upload(&app, Role::Bank, query, &custody("1.00")).code(), "invalid_parameter", "{query}");
    }
    let coded = app.post("/api/v1/imports?name=a.csv").role(Role::Bank).header("content-encoding", "br");
    assert_eq!(coded.text("application/octet-stream", "x").send().code(), "unsupported_media_type");
    assert_eq!(upload(&app, Role::Bank, "name=a.csv&preview=perhaps", "x").code(), "invalid_parameter");
}

#[test]
fn everybody_sees_their_own_files_and_the_office_all() {
    let app = App::start();
    upload(&app, Role::Bank, "name=custody.csv", &custody("1.00"));
    upload(&app, Role::Admin, "name=custody.csv", &custody("2.00"));
    let listed = |role: Role| -> Vec<String> {
        let list = app.get("/api/v1/imports").role(role).ok().json();
        list["items"].as_array().unwrap().iter().map(|item| item["by"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(listed(Role::Admin), ["admin", "bank"], "newest first");
    assert_eq!(listed(Role::Bank), ["bank"]);
    assert!(listed(Role::Operator).is_empty() && listed(Role::Lead).is_empty());
    let all = app.get("/api/v1/imports").role(Role::Admin).ok().json();
    let newest = all["items"][0]["id"].as_str().unwrap();
    let older = app.get(&format!("/api/v1/imports?before={newest}")).role(Role::Admin).ok().json();
    assert_eq!(older["items"].as_array().unwrap().len(), 1);
}

/// Of history nobody is mailed and no case opens: a mall could tell its own arrears that way.
#[test]
fn nobody_hands_in_history_about_themselves() {
    let app = App::start();
    let before = head(&app);
    let send = |role| {
        let request = app.post("/api/v1/imports?name=custody.csv&history=true&wait=30").role(role);
        request.text("application/octet-stream", &custody("3.00")).send()
    };
    for role in [Role::Operator, Role::Bank, Role::Regulator] {
        let reply = send(role);
        assert_eq!((reply.status, reply.code().as_str()), (403, "forbidden"), "{role:?}");
    }
    assert_eq!(head(&app), before);
    assert!(send(Role::Lead).status < 300);
}

#[test]
fn what_is_packed_on_the_line_is_refused_and_numbers_of_people_in_names_are_masked() {
    let app = App::start();
    let packed = app.post("/api/v1/imports?name=custody.csv").role(Role::Lead).header("content-encoding", "gzip");
    assert_eq!(packed.text("application/octet-stream", "\u{1f}").send().status, 415);
    let name = "13800138000-110101199003070011.csv";
    let taken = app.post(&format!("/api/v1/imports?name={name}&wait=30")).role(Role::Lead);
    let told = taken.text("application/octet-stream", &custody("3.00")).ok().text;
    assert!(told.contains(".csv") && !told.contains("13800138000") && !told.contains("19900307"), "{told}");
}
