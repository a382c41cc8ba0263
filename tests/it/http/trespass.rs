//! What is somebody else's: tickets of another district, names and numbers that are taken, cases given to whom they are hidden from,
//! and ends of what never began.

use super::app::{App, HERE, Reply, THERE};
use serde_json::{Value, json};
use warnlight::domain::access::Scope;
use warnlight::domain::whose::State;
use warnlight::domain::words::Role;

fn say(app: &App, role: Role, command: &Value) -> Reply {
    app.post("/api/v1/commands").role(role).json(command).send()
}

/// The field and the code of what is wrong.
fn wrong(reply: &Reply) -> (String, String) {
    assert_eq!(reply.status, 422, "{reply:?}");
    let problem = &reply.json()["problems"][0];
    for language in ["zh", "en"] {
        assert!(!problem[language].as_str().unwrap().is_empty(), "{problem}");
    }
    (problem["field"].as_str().unwrap().to_owned(), problem["code"].as_str().unwrap().to_owned())
}

fn is_wrong(field: &str, code: &str) -> (String, String) {
    (field.to_owned(), code.to_owned())
}

fn ticket(number: &str, clues: Value) -> Value {
    let mut row = json!({ "command": "record_unattributed", "ticket": number, "channel": "12315", "kind": "refund",
        "received_at": "2025-06-01T01:00:00Z" });
    row.as_object_mut().unwrap().extend(clues.as_object().unwrap().clone());
    row
}

fn decision(number: &str, decision: &str, code: Option<&str>) -> Value {
    let mut row = json!({ "command": "decide_unattributed", "ticket": number, "channel": "12315", "decision": decision,
        "reason": "r" });
    if let Some(code) = code {
        row["credit_code"] = json!(code);
    }
    row
}

fn state(app: &App, number: &str) -> State {
    app.desk.picture().queue.get(&format!("{number}@12315")).unwrap().state
}

#[test]
fn a_ticket_that_plainly_lies_in_another_district_is_decided_there_only() {
    let app = App::start();
    app.tell(&[
        json!({ "command": "register_merchant", "credit_code": THERE, "name": "朝阳餐饮", "brand": "食为天", "division_code": "110105",
            "mall": "西单大悦城", "unit": "2-02", "street": "三里屯街道" }),
        json!({ "command": "register_merchant", "credit_code": HERE, "name": "海淀<健身>", "brand": "动起来", "division_code": "110108",
            "mall": "东方广场", "unit": "B1-01", "street": "万寿路街道" }),
    ]);
    let elsewhere = [
        json!({ "name": "某店", "mall": "西单大悦城" }),
        json!({ "name": "某店", "mall": " 西单 大悦城" }),
        json!({ "name": "某店", "street": "三里屯街道" }),
        json!({ "name": "某店", "address": "北京市三里屯街道1号" }),
        json!({ "name": "某店", "address": "西单大悦城二层" }),
        json!({ "name": "朝阳餐饮" }),
        json!({ "brand": "食为天" }),
        // The place counts before a name that is also known here.
        json!({ "name": "动起来", "mall": "西单大悦城" }),
    ];
    let open = [
        json!({ "name": "某店" }),
        json!({ "name": "某店", "mall": "没有人知道的商场" }),
        json!({ "name": "动起来" }),
        json!({ "name": "某店", "mall": "东方广场" }),
        json!({ "name": "食为天", "street": "万寿路街道" }),
    ];
    let name = |kind: &str, number: usize| format!("{kind}{number}");
    for (kind, clues) in [("E", &elsewhere[..]), ("O", &open)] {
        let rows: Vec<Value> =
            clues.iter().enumerate().map(|(number, clues)| ticket(&name(kind, number), clues.clone())).collect();
        app.tell(&rows);
    }
    let cookie = app.log_in(Role::Lead);
    let token = app.token(&cookie);
    let page = app.get("/unattributed").header("cookie", &cookie).html().ok().text;
    for (number, clues) in elsewhere.iter().enumerate() {
        let number = name("E", number);
        for (what, code) in [("set_aside", None), ("attribute", Some(HERE)), ("undo", None)] {
            let reply = say(&app, Role::Lead, &decision(&number, what, code));
            assert_eq!((reply.status, &*reply.code()), (403, "out_of_scope"), "{clues} {what}");
        }
        let form = [
            ("form_token", &*token),
            ("ticket", &*number),
            ("channel", "12315"),
            ("decision", "set_aside"),
            ("reason", "x"),
        ];
        let reply = app.post("/unattributed").header("cookie", &cookie).html().form(&form).send();
        assert_eq!(reply.status, 422, "{clues}");
        assert_eq!(state(&app, &number), State::Waiting, "{clues}");
        let (_, row) = page.split_once(&format!("data-ticket=\"{number}\"")).unwrap();
        let row = row.split_once("data-ticket=").map_or(row, |(row, _)| row);
        assert!(row.contains("data-elsewhere") && !row.contains("set_aside"), "{clues}: {row}");
    }
    for (number, clues) in open.iter().enumerate() {
        let reply = say(&app, Role::Lead, &decision(&name("O", number), "set_aside", None));
        assert_eq!(reply.status, 200, "{clues}: {reply:?}");
    }
    // Those whose district it is decide, and then it is not for others to take back.
    let there =
        app.key("朝阳", Scope { role: Role::Lead, divisions: vec!["110105".to_owned()], ..Scope::everything() });
    app.post("/api/v1/commands").key(&there).json(&decision("E0", "set_aside", None)).ok();
    assert_eq!(say(&app, Role::Lead, &decision("E0", "undo", None)).status, 403);
    assert_eq!(say(&app, Role::Admin, &decision("E1", "set_aside", None)).status, 200);
    assert_eq!((state(&app, "E0"), state(&app, "E1")), (State::SetAside, State::SetAside));
}

/// What is no name of one merchant, with why.
const NO_NAMES: [(&str, &str); 12] = [
    (THERE, "credit_code"),
    (" 91110105-1000000001", "credit_code"),
    (HERE, "credit_code"),
    ("西单大悦城", "place_name"),
    ("东方 广场", "place_name"),
    ("万寿路街道", "place_name"),
    ("甲", "too_short"),
    ("Ａ.", "too_short"),
    ("62345678", "no_letter"),
    ("８８８", "no_letter"),
    ("暂无", "missing"),
    ("有限公司", "of_everybody"),
];

#[test]
fn another_name_is_a_name_and_nobody_elses_whichever_way_it_comes_in() {
    let app = App::start();
    app.tell(&[
        json!({ "command": "register_merchant", "credit_code": HERE, "name": "海淀<健身>", "division_code": "110108",
        "mall": "东方广场", "unit": "B1-01", "street": "万寿路街道" }),
    ]);
    let alias = |alias: &str| json!({ "command": "record_alias", "credit_code": HERE, "alias": alias });
    let cookie = app.log_in(Role::Lead);
    let token = app.token(&cookie);
    let before = app.desk.picture().position;
    for (name, code) in NO_NAMES {
        for place in [json!({}), json!({ "mall": "东方广场" })] {
            let mut row = alias(name);
            row.as_object_mut().unwrap().extend(place.as_object().unwrap().clone());
            assert_eq!(wrong(&say(&app, Role::Lead, &row)), is_wrong("alias", code), "{row}");
        }
        let form = [("form_token", &*token), ("credit_code", HERE), ("alias", name)];
        let page = app.post("/aliases").header("cookie", &cookie).html().form(&form).send();
        assert_eq!(page.status, 422, "{name}");
        let lines = app.post("/api/v1/imports?name=aliases.ndjson").role(Role::Admin);
        let taken = lines.text("application/octet-stream", &format!("{}\n", alias(name))).send().json();
        assert_eq!(taken["counts"]["refused"], 1, "{name}: {taken}");
    }
    assert_eq!(app.desk.picture().world.get(HERE.parse().unwrap()).unwrap().aliases.len(), 0);
    assert!(app.desk.picture().position - before <= NO_NAMES.len() as u64, "only that files were taken is recorded");
    for name in ["海健", "7-11便利", "DD", "甲乙"] {
        assert_eq!(say(&app, Role::Lead, &alias(name)).status, 200, "{name}");
    }
}

#[test]
fn a_case_is_given_to_nobody_who_could_not_see_it() {
    let app = App::start();
    let key = |name: &str, role, sector: &str, division: &str| {
        let list = |text: &str| if text.is_empty() { Vec::new() } else { vec![text.to_owned()] };
        app.key(name, Scope { role, sectors: list(sector), divisions: list(division), ..Scope::everything() });
    };
    key("朝阳体育", Role::Regulator, "sport", "110105");
    key("海淀商务", Role::Regulator, "commerce", "110108");
    key("朝阳专班", Role::Lead, "", "110105");
    key("海淀体育", Role::Regulator, "sport", "110108");
    key("海淀专班", Role::Lead, "", "110108");
    // Of two keys of one name one is enough.
    key("体育", Role::Regulator, "sport", "110105");
    key("体育", Role::Regulator, "sport", "110108");
    key("走了", Role::Regulator, "sport", "110108");
    let gone = app.keyring.all().into_iter().find(|key| &*key.name == "走了").unwrap().id;
    app.keyring.revoke(gone, "left", &warnlight::domain::envelope::Origin::of("test")).unwrap();
    app.alarm();
    app.desk.settle().unwrap();
    let case = || app.get("/api/v1/cases").role(Role::Regulator).ok().json()["items"][0].clone();
    let alert = case()["alert"].as_str().unwrap().to_owned();
    let give = |to: &str| {
        let row =
            json!({ "command": "handle_case", "alert": alert, "credit_code": HERE, "action": "assign", "to": to });
        say(&app, Role::Regulator, &row)
    };
    let cookie = app.log_in(Role::Regulator);
    let token = app.token(&cookie);
    // The operator and the bank of this very merchant see no cases.
    for to in ["朝阳体育", "海淀商务", "朝阳专班", "走了", Role::Operator.name(), Role::Bank.name()] {
        assert_eq!(wrong(&give(to)), is_wrong("to", "cannot_see"), "{to}");
        let form = [("form_token", &*token), ("action", "assign"), ("to", to)];
        let page = app.post(&format!("/cases/{alert}")).header("cookie", &cookie).html().form(&form).send();
        assert!(page.status == 422 && page.text.contains("看不到此商户的处置"), "{to}: {}", page.status);
        let form = [("form_token", &*token), ("action", "assign"), ("to", to), (&*format!("case_{alert}"), "on")];
        app.post("/cases").header("cookie", &cookie).html().form(&form).send();
        assert!(case()["holder"].is_null(), "{to}");
    }
    for to in ["海淀体育", "海淀专班", "体育", "某派出所", Role::Admin.name()] {
        assert_eq!(give(to).status, 200, "{to}");
        assert_eq!(case()["holder"], to);
    }
    assert_eq!(give(Role::Regulator.name()).status, 200);
    let all = app.post("/api/v1/cases/hand-over").role(Role::Regulator).json(&json!({ "to": "朝阳体育" })).ok().json();
    assert_eq!((&all[0]["status"], &all[0]["problems"][0]["code"]), (&json!("refused"), &json!("cannot_see")), "{all}");
}

fn letter(code: &str, kind: &str, number: &str, office: &str) -> Value {
    json!({ "command": "issue_document", "credit_code": code, "kind": kind, "number": number, "date": "2025-06-20", "title": "警示信",
        "to": "某公司", "office": office, "paragraphs": ["你单位"] })
}

#[test]
fn a_document_number_is_one_letter_of_its_office() {
    let app = App::start();
    let first = letter(HERE, "warning_letter", "海体警〔2025〕7号", "海淀区体育局");
    assert_eq!(say(&app, Role::Admin, &first).status, 200);
    assert_eq!(say(&app, Role::Admin, &first).json()["status"], "unchanged");
    let taken = is_wrong("number", "number_taken");
    for row in [
        letter(THERE, "warning_letter", "海体警〔2025〕7号", "海淀区体育局"),
        letter(THERE, "warning_letter", "海体警〔2025〕 7号", "海淀区 体育局"),
        letter(THERE, "talk_notice", "海体警〔2025〕7号", "海淀区体育局"),
        letter(HERE, "talk_notice", "海体警〔2025〕7号", "海淀区体育局"),
    ] {
        let reply = say(&app, Role::Admin, &row);
        assert_eq!(wrong(&reply), taken, "{row}");
        assert!(!reply.text.contains(HERE), "whom the other letter is to is not told: {}", reply.text);
    }
    // Of two in one request the second is.
    let number = "朝商警〔2025〕1号";
    let both = [letter(HERE, "warning_letter", number, "甲局"), letter(THERE, "warning_letter", number, "甲局")];
    let receipts = app.post("/api/v1/commands").role(Role::Admin).json(&json!(both)).ok().json();
    let codes = (receipts[0]["status"].clone(), receipts[1]["problems"][0]["code"].clone());
    assert_eq!(codes, (json!("accepted"), json!("number_taken")), "{receipts}");
    assert_eq!(
        say(&app, Role::Admin, &letter(THERE, "warning_letter", "海体警〔2025〕7号", "朝阳区体育局")).status,
        200
    );
    assert_eq!(
        say(&app, Role::Admin, &letter(THERE, "warning_letter", "海体警〔2025〕8号", "海淀区体育局")).status,
        200
    );
}

#[test]
fn what_never_began_does_not_end() {
    let app = App::start();
    let about = |mut row: Value| {
        row["credit_code"] = json!(HERE);
        row
    };
    let grey =
        about(json!({ "command": "record_grey_listing", "entered_on": "2025-03-01", "removed_on": "2025-05-01" }));
    let lock =
        about(json!({ "command": "record_lock", "person": "王芳", "person_digest": "ab12", "locked_on": "2025-03-01",
        "lifted_on": "2025-05-01" }));
    let account =
        about(json!({ "command": "record_account", "action": "close", "date": "2025-05-01", "bank": "乙银行" }));
    let with = |row: &Value, more: Value| {
        let mut row = row.clone();
        row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        row
    };
    for (row, field, code) in [
        (grey.clone(), "entered_on", "no_such_listing"),
        (lock.clone(), "locked_on", "no_such_lock"),
        (account.clone(), "bank", "no_such_account"),
        (with(&account, json!({ "bank": "甲银行", "date": "2025-01-09" })), "bank", "no_such_account"),
    ] {
        assert_eq!(wrong(&say(&app, Role::Admin, &row)), is_wrong(field, code), "{row}");
    }
    // A whole record of what is over is taken, and so is the end of what is known.
    let ended = [
        with(&grey, json!({ "ground": "投诉集中" })),
        with(&lock, json!({ "role": "法定代表人" })),
        with(&account, json!({ "action": "open", "date": "2025-01-01", "account_tail": "0012" })),
    ];
    app.tell(&ended);
    let other = with(&account, json!({ "account_tail": "0099" }));
    assert_eq!(wrong(&say(&app, Role::Admin, &other)), is_wrong("bank", "no_such_account"));
    for row in [
        with(&grey, json!({ "removed_on": "2025-06-01" })),
        with(&lock, json!({ "lifted_on": "2025-06-01" })),
        account.clone(),
    ] {
        assert_eq!(say(&app, Role::Admin, &row).json()["status"], "accepted", "{row}");
        assert_eq!(say(&app, Role::Admin, &row).json()["status"], "unchanged", "{row}");
    }
    // The bank that the filing names has an account.
    let filed = with(&account, json!({ "bank": "甲银行", "date": "2025-05-02" }));
    assert_eq!(say(&app, Role::Admin, &filed).json()["status"], "accepted");
    // In a file the beginning may stand further down.
    let below = [
        with(&grey, json!({ "entered_on": "2025-04-01" })),
        with(&grey, json!({ "entered_on": "2025-04-01", "removed_on": null, "ground": "x" })),
    ];
    let lines: String = below.iter().map(|row| format!("{row}\n")).collect();
    let taken =
        app.post("/api/v1/imports?name=grey.ndjson").role(Role::Admin).text("application/octet-stream", &lines).send();
    assert_eq!(taken.json()["counts"]["refused"], 0, "{}", taken.text);
}
