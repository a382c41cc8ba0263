//! Every event type through every route, for a mall and for a bank: what is not theirs shows up nowhere.

use super::app::{App, HERE, Reply, encoded, instant};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::sync::Arc;
use uuid::Uuid;
use warnlight::domain::access::Scope;
use warnlight::domain::envelope::NewEvent;
use warnlight::domain::event::Event;
use warnlight::domain::words::Role;
use warnlight::http::routes::TABLE;
use warnlight::log::contract::{Append, EventLog, Expected};
use warnlight::log::memory::MemoryLog;

const FOREIGN_MALL: &str = "西单大悦城";
const FOREIGN_BANK: &str = "乙银行";

/// Texts that say something; each is replaced by a mark that names its event.
const FREE: [&str; 10] =
    ["note", "reason", "text", "result", "authority", "number", "value", "refund_plan", "complainant", "lead"];

/// Whose an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// Of the reader's own mall, channel, bank.
    Own,
    /// Of somebody else's.
    Others,
    /// A ticket of another mall.
    AnotherMalls,
    /// A ticket of a mall that nobody named: the merchant has shops in several.
    SomeMalls,
}

/// An event about `HERE`.
struct Told {
    id: Uuid,
    event_type: &'static str,
    whose: Whose,
    is_own: bool,
    mark: String,
}

/// What an office tells a merchant.
const TOLD: [&str; 7] = [
    "warning_letter_issued",
    "talk_held",
    "rectification_ordered",
    "rectification_met",
    "rectification_missed",
    "penalty_decided",
    "document_issued",
];

/// What a role may see, read off docs/OPERATIONS.md a second time.
fn may_see(role: Role, told: &Told) -> bool {
    let (subject, step) = told.event_type.split_once('.').unwrap();
    let published = ["listed", "delisted", "yellow_card_posted", "yellow_card_removed"].contains(&step);
    match (role, subject) {
        (Role::Operator | Role::Bank, "merchant") if step.starts_with("alias_") || step == "replied" => false,
        (Role::Merchant, "merchant") => !step.starts_with("alias_"),
        // Every ticket here was passed to the enterprise.
        (Role::Merchant, "complaint") => true,
        (Role::Merchant, "enforcement") => published || TOLD.contains(&step),
        (Role::Merchant, "alert") => false,
        (Role::Operator, "merchant") => told.is_own || step == "sector_assigned" || step.starts_with("deregistration"),
        (Role::Operator, "mall" | "complaint") => told.is_own,
        (Role::Bank, "filing") => told.is_own,
        (Role::Bank, "custody") => told.is_own || step.starts_with("guarantee"),
        (Role::Bank, "mall" | "complaint" | "alert") | (Role::Operator, "alert") => false,
        (Role::Operator | Role::Bank, "enforcement") => published,
        _ => true,
    }
}

/// The example of a type, about `HERE`.
fn example(event_type: &str, whose: Whose, mark: &str) -> Value {
    let is_own = whose == Whose::Own;
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("events");
    let text = fs::read_to_string(folder.join(format!("{event_type}.v1.example.json"))).unwrap();
    let mut data: Value = serde_json::from_str(&text).unwrap();
    let fields = data.as_object_mut().unwrap();
    fields.insert("credit_code".to_owned(), json!(HERE));
    let rows = ["merchant.registered", "merchant.details_changed", "merchant.shop_opened", "merchant.shop_linked"];
    let has_mall = event_type.starts_with("mall.") || rows.contains(&event_type);
    if has_mall {
        fields.insert("mall".to_owned(), json!(if is_own { "东方广场" } else { FOREIGN_MALL }));
        fields.insert("unit".to_owned(), json!(if is_own { "B1-01" } else { "秘-号" }));
    }
    if event_type.starts_with("filing.") {
        fields.insert("bank".to_owned(), Value::Null);
    }
    for (name, value) in fields {
        match name.as_str() {
            "ticket" => {
                *value = json!(match whose {
                    Whose::Own => "OWN-1",
                    Whose::Others => "SECRET-1",
                    Whose::AnotherMalls => "SECRET-2",
                    Whose::SomeMalls => "SECRET-3",
                });
            }
            "channel" => *value = json!(if whose == Whose::Others { "12345" } else { "mall" }),
            "bank" => *value = json!(if is_own { "甲银行" } else { FOREIGN_BANK }),
            "date" => *value = json!(if is_own { "2025-02-01" } else { "2024-06-01" }),
            "planned_on" => *value = json!("2025-12-01"),
            "received_at" => *value = json!("2025-06-01T00:00:00Z"),
            name if FREE.contains(&name) => *value = json!(mark),
            _ => {}
        }
    }
    let mall = match whose {
        Whose::Own => Some("东方广场"),
        Whose::AnotherMalls => Some(FOREIGN_MALL),
        _ => None,
    };
    if let Some(mall) = mall.filter(|_| event_type == "complaint.received") {
        data["mall"] = json!(mall);
    }
    data
}

/// A log in which everything there can be evidence of has happened twice: once to the reader's own, once to others'.
fn told() -> (Arc<dyn EventLog>, Vec<Told>) {
    let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
    let mut all = Vec::new();
    let about_merchants = ["merchant", "filing", "prepaid", "custody", "mall", "complaint", "enforcement", "alert"]
        .map(|it| format!("{it}."));
    for (event_type, _) in Event::CONTRACT {
        // A ticket without a credit code is about nobody yet, and one taken back is about nobody again: see the tests of `whose`.
        // And what the service says of several tickets at once is no evidence, and for offices (`domain::access`).
        let names_nobody =
            ["complaint.queued", "complaint.set_aside", "complaint.attribution_undone", "complaint.escalated"]
                .contains(event_type);
        if names_nobody || !about_merchants.iter().any(|subject| event_type.starts_with(subject)) {
            continue;
        }
        for whose in [Whose::Own, Whose::Others, Whose::AnotherMalls, Whose::SomeMalls] {
            let is_own = whose == Whose::Own;
            if matches!(whose, Whose::AnotherMalls | Whose::SomeMalls) && !event_type.starts_with("complaint.") {
                continue;
            }
            let id = Uuid::new_v4();
            let mark = format!("秘[{event_type}-{whose:?}]");
            let data = example(event_type, whose, &mark);
            let stream = match data["ticket"].as_str() {
                Some(ticket) if event_type.starts_with("complaint.") => format!("complaint-{ticket}"),
                _ if event_type.starts_with("alert.") => format!("alert-{}", data["alert"].as_str().unwrap()),
                _ => format!("merchant-{HERE}"),
            };
            log.append(Append {
                stream: stream.into(),
                expected: Expected::Any,
                recorded_at: instant("2025-06-10T00:00:00Z"),
                idempotency_key: None,
                events: vec![NewEvent {
                    id,
                    event_type: (*event_type).into(),
                    schema_version: 1,
                    occurred_at: instant("2025-06-10T00:00:00Z"),
                    actor: "test".into(),
                    causation: None,
                    correlation: None,
                    history: true,
                    data: data.to_string().into(),
                }],
            })
            .unwrap();
            all.push(Told { id, event_type, whose, is_own, mark });
        }
    }
    (log, all)
}

/// Everything that the routes answer to a role, and the searches that would find what is hidden.
fn everything(app: &App, role: Role) -> String {
    let mut text = String::new();
    let searches =
        [FOREIGN_MALL, FOREIGN_BANK, "SECRET-1", "秘"].map(|query| format!("/api/v1/merchants?q={}", encoded(query)));
    let filters = ["/api/v1/merchants", "/api/v1/lights/counts", "/", "/api/v1/exit-notices"]
        .map(|path| format!("{path}?mall={}", encoded(FOREIGN_MALL)));
    let more = [
        format!("/api/v1/merchants/{HERE}/timeline?limit=500"),
        format!("/api/v1/merchants/{HERE}/reasons?at=2025-06-20T00:00:00Z"),
        "/api/v1/lights?at=2025-06-20T00:00:00Z".to_owned(),
        "/api/v1/complaints?open=true".to_owned(),
        format!("/api/v1/complaints?credit_code={HERE}"),
        format!("/mall/sheet?credit_code={HERE}&mall={}&unit=秘-号", FOREIGN_MALL)
            .replace(FOREIGN_MALL, &encoded(FOREIGN_MALL))
            .replace("秘-号", &encoded("秘-号")),
    ];
    let routes =
        TABLE.iter().filter(|route| route.method == "GET" && route.right.is_some() && route.path != "/api/v1/live");
    let routes = routes.map(|route| {
        route
            .path
            .replace("{credit_code}", HERE)
            .replace("{mail}", &uuid::Uuid::nil().to_string())
            .replace("{alert}", &uuid::Uuid::nil().to_string())
            .replace("{figure}", "tickets")
            .replace("{month}", "2025-05")
    });
    for path in routes.chain(searches).chain(filters).chain(more) {
        for reply in [app.get(&path).role(role).send(), app.get(&path).role(role).html().send()] {
            let _ = writeln!(text, "{path}: {}", reply.text);
        }
    }
    text
}

#[test]
fn what_is_not_theirs_shows_up_nowhere_and_what_is_does() {
    let (log, all) = told();
    let app = App::on(log, &[]);
    // The last word on where the merchant keeps its money, and a light change for the feeds.
    let mut feeds = [Role::Operator, Role::Bank, Role::Merchant].map(|role| {
        let feed = app.get("/api/v1/live").role(role).open();
        (role, BufReader::new(feed.into_body().into_reader()))
    });
    let before = app.get("/api/v1/lights").role(Role::Admin).ok().text;
    let refunds: Vec<Value> = (0..12)
        .map(|number| {
            json!({ "command": "record_complaint", "credit_code": HERE, "ticket": format!("SECRET-R{number}"), "channel": "12345",
                "kind": "refund", "received_at": "2025-06-29T01:00:00Z", "amount": "7654.32" })
        })
        .collect();
    app.tell(&refunds);
    app.tell(&[json!({ "command": "record_signal", "credit_code": HERE, "mall": FOREIGN_MALL, "unit": "秘-号",
        "kind": "wage_arrears", "date": "2025-05-01", "value": "秘[signal]" })]);
    app.tell(&[
        json!({ "command": "record_listing", "credit_code": HERE, "list": "serious", "entered_on": "2025-06-20" }),
    ]);
    assert_ne!(app.get("/api/v1/lights").role(Role::Admin).ok().text, before, "a light changed");
    let admin = everything(&app, Role::Admin);
    for (role, feed) in &mut feeds {
        let mut text = everything(&app, *role);
        let event = feed.lines().map_while(Result::ok).find(|line| line.starts_with("data: "));
        text.push_str(&event.unwrap());
        for told in &all {
            let line = |needle: &str| {
                text.lines().find(|line| line.contains(needle)).map(|line| line.chars().take(300).collect::<String>())
            };
            let id = told.id.to_string();
            if may_see(*role, told) {
                assert!(line(&id).is_some(), "{role} sees {}: {:?}", told.event_type, told.whose);
            } else {
                assert_eq!(line(&id), None, "{role} sees {}: {:?}", told.event_type, told.whose);
                assert_eq!(line(&told.mark), None, "{role} sees {}: {:?}", told.event_type, told.whose);
            }
        }
        let hidden: &[&str] = match role {
            Role::Operator => &[FOREIGN_MALL, "秘-号", "SECRET-", "\"12345\"", "7654.32"],
            // The tickets that were not passed to it.
            Role::Merchant => &["SECRET-R", "7654.32"],
            _ => &[FOREIGN_BANK, "秘[signal]", "SECRET-", "OWN-1", "\"12345\"", "7654.32"],
        };
        for needle in hidden {
            assert!(admin.contains(needle), "`{needle}` is there to be hidden");
            let found = text.lines().filter(|line| !line.contains("merchants?q=")).find(|line| line.contains(needle));
            // A bank sees in which malls a merchant has its shops: that is the register.
            assert_eq!(found.map(|line| line.chars().take(400).collect::<String>()), None, "{role}: {needle}");
        }
    }
}

#[test]
fn a_refusal_tells_nothing_of_a_ticket_that_the_speaker_does_not_see() {
    let (log, _) = told();
    let app = App::on(log, &[]);
    let ticket = json!({ "ticket": "SECRET-1", "channel": "mall", "received_at": "2025-06-29T01:00:00Z", "credit_code": HERE,
        "kind": "closed", "amount": "1.00" });
    let answer = app.post("/api/v1/complaints/SECRET-1/answer").role(Role::Operator).json(&json!({})).send();
    assert_eq!(answer.code(), "not_found");
    let reply = app.post("/api/v1/complaints").role(Role::Operator).json(&ticket).send();
    // A number is unique within its channel: what the hotline calls so is another ticket, and stays out of sight.
    assert_eq!(reply.status, 200, "{reply:?}");
    for part in ["12345", "SECRET"] {
        assert!(!reply.text.contains(part), "{reply:?}");
    }
}

#[test]
fn a_mall_that_spoke_of_a_stranger_does_not_see_it_when_it_registers_elsewhere() {
    let app = App::start();
    let stranger = super::app::NOBODY;
    let tenant = "91110108MA99999981";
    for code in [stranger, tenant] {
        // As logs tell of it in which malls could speak of anybody.
        app.tell(&[json!({ "command": "record_signal", "credit_code": code, "mall": "东方广场", "unit": "B1-77",
            "kind": "rent_arrears", "date": "2025-06-01" })]);
        app.get(&format!("/api/v1/merchants/{code}")).role(Role::Operator).ok();
    }
    app.tell(&[
        json!({ "command": "register_merchant", "credit_code": stranger, "name": "外地", "division_code": "110105", "mall": FOREIGN_MALL }),
        json!({ "command": "register_merchant", "credit_code": tenant, "name": "本地", "division_code": "110108",
            "mall": "东方广场", "unit": "B1-77" }),
    ]);
    app.get(&format!("/api/v1/merchants/{tenant}")).role(Role::Operator).ok();
    for path in ["", "/timeline", "/reasons"] {
        let reply = app.get(&format!("/api/v1/merchants/{stranger}{path}")).role(Role::Operator).send();
        assert_eq!(reply.code(), "not_found", "{path}");
    }
}

#[test]
fn a_ticket_of_a_mall_is_that_malls_and_of_no_other_mall_of_its_tenant() {
    let app = App::start();
    app.tell(&[json!({ "command": "register_merchant", "credit_code": HERE, "mall": FOREIGN_MALL, "unit": "9" })]);
    let key = |malls: &[&str]| {
        let malls = malls.iter().map(|mall| (*mall).to_owned()).collect();
        app.key("mall", Scope { role: Role::Operator, malls, ..Scope::everything() })
    };
    let (own, other, both) = (key(&["东方广场"]), key(&[FOREIGN_MALL]), key(&["东方广场", FOREIGN_MALL]));
    let row = |ticket: &str| {
        json!({ "ticket": ticket, "channel": "mall", "received_at": "2025-06-29T01:00:00Z",
        "credit_code": HERE, "kind": "refund" })
    };
    let post = |key: &str, body: &Value| app.post("/api/v1/complaints").key(key).json(body).send();
    let tickets = |key: &str| {
        let list = app.get("/api/v1/complaints").key(key).ok().json();
        let mut numbers: Vec<String> =
            list["items"].as_array().unwrap().iter().map(|item| item["ticket"].as_str().unwrap().to_owned()).collect();
        numbers.sort_unstable();
        numbers
    };
    // A mall need not say where it is; whoever runs several says at which.
    assert_eq!(post(&own, &row("A")).json()["status"], "accepted");
    assert_eq!(post(&other, &row("B")).json()["status"], "accepted");
    let refused = post(&both, &row("C"));
    assert_eq!((refused.status, &refused.json()["problems"][0]["field"]), (422, &json!("mall")), "{refused:?}");
    let mut said = row("C");
    said["mall"] = json!("西单 大悦城");
    assert_eq!(post(&both, &said).json()["status"], "accepted");
    said["mall"] = json!(FOREIGN_MALL);
    assert_eq!(post(&own, &said).code(), "out_of_scope", "it is not its mall");
    assert_eq!(post(&both, &said).json()["status"], "unchanged", "the same mall");
    // By sheet as by form; an office that does not know leaves it open, and then it may be anybody's.
    let sheet = |ticket: &str| {
        format!("工单编号,来源,受理时间,统一社会信用代码,诉求类型\n{ticket},商场,2025-06-29 09:00,{HERE},退费难\n")
    };
    let import = |key: &str, ticket: &str| {
        let upload = app.post("/api/v1/imports?name=complaints.csv").key(key);
        upload.text("application/octet-stream", &sheet(ticket)).send().json()["counts"]["accepted"].clone()
    };
    assert_eq!((import(&other, "D"), import(app.key_of(Role::Lead), "E")), (json!(1), json!(1)));
    assert_eq!(tickets(&own), ["A"]);
    assert_eq!(tickets(&other), ["B", "C", "D"]);
    assert_eq!(tickets(&both), ["A", "B", "C", "D", "E"], "nobody else has a shop of its");
    for (key, ticket, code) in [(&own, "B", "not_found"), (&other, "A", "not_found"), (&own, "E", "not_found")] {
        let path = format!("/api/v1/complaints/{ticket}/answer");
        assert_eq!(app.post(&path).key(key).json(&json!({})).send().code(), code, "{ticket}");
    }
    // How long the other mall's tickets wait is not told either.
    app.clock.set(instant("2025-07-01T10:00:00Z"));
    app.until(&format!("/api/v1/merchants/{HERE}/reasons"), |reply| reply.text.contains("unanswered"));
    let figures = |key: &str| app.get(&format!("/api/v1/merchants/{HERE}/reasons")).key(key).ok().text;
    assert!(figures(&both).contains("complaints.unanswered_24h"));
    for key in [&own, &other] {
        assert!(!figures(key).contains("complaints.unanswered_24h"), "{}", figures(key));
    }
    // The office finds out, and may be wrong, and right again.
    let mut found = row("E");
    for mall in ["东方广场", FOREIGN_MALL, "东方广场"] {
        found["mall"] = json!(mall);
        assert_eq!(post(app.key_of(Role::Lead), &found).json()["status"], "accepted", "{mall}");
        assert_eq!(tickets(&own).contains(&"E".to_owned()), mall == "东方广场");
    }
    found["channel"] = json!("12345");
    found["ticket"] = json!("F");
    let refused = post(app.key_of(Role::Lead), &found);
    assert_eq!(refused.json()["problems"][0]["code"], "not_at_a_mall", "{refused:?}");
}

/// What the roles with a scope say about merchants, one of each kind, right and wrong by itself.
fn said_about(code: &str) -> Vec<Value> {
    let said = [
        json!({ "command": "record_exit", "action": "post", "date": "2025-06-30", "planned_on": "2025-12-01" }),
        json!({ "command": "record_exit", "action": "post", "date": "2025-06-30", "planned_on": "2025-01-01" }),
        json!({ "command": "record_exit", "action": "post", "date": "2025-06-20", "planned_on": "2025-12-01" }),
        json!({ "command": "record_exit", "action": "amend", "date": "2025-06-30", "planned_on": "2025-12-01" }),
        json!({ "command": "record_exit", "action": "withdraw", "date": "2025-06-30" }),
        json!({ "command": "record_exit", "action": "withdraw", "date": "2999-01-01" }),
        json!({ "command": "record_exit", "action": "close", "date": "2025-06-29" }),
        json!({ "command": "record_signal", "kind": "rent_arrears", "date": "2025-06-01" }),
        json!({ "command": "report_complaint_rate", "date": "2025-06-01", "ratio": "0.05" }),
        json!({ "command": "report_prepaid_share", "date": "2025-06-01", "ratio": "0.5" }),
        json!({ "command": "record_complaint", "ticket": "NEW-1", "channel": "mall", "kind": "refund",
            "received_at": "2025-06-01T00:00:00Z" }),
        json!({ "command": "report_custody", "date": "2025-06-01", "held": "1.00" }),
        json!({ "command": "report_balance", "date": "2025-06-01", "outstanding": "1.00" }),
        json!({ "command": "record_filing", "status": "submitted", "date": "2025-06-01" }),
        json!({ "command": "make_statement", "kind": "reply", "text": "x" }),
        json!({ "command": "make_statement", "kind": "objection", "text": "x" }),
        json!({ "command": "post_guarantee", "kind": "bank", "amount": "1.00", "from": "2025-06-01", "until": "2026-06-01" }),
    ];
    let about = |mut command: Value| {
        command["credit_code"] = json!(code);
        let name = command["command"].as_str().unwrap();
        if ["record_exit", "record_signal", "report_complaint_rate", "report_prepaid_share"].contains(&name) {
            command["mall"] = json!("东方广场");
            command["unit"] = json!("B1-01");
        }
        command
    };
    said.into_iter().map(about).collect()
}

#[test]
fn whether_a_code_is_registered_elsewhere_is_not_told() {
    let app = App::start();
    // One that nobody knows, one that is registered elsewhere, and one that is not registered, of which others spoke.
    let spoken_of = "91110108MA99999981";
    app.tell(&[json!({ "command": "record_complaint", "credit_code": spoken_of, "ticket": "GD-9", "channel": "12345",
        "kind": "closed", "received_at": "2025-06-29T01:00:00Z" })]);
    let codes = [super::app::NOBODY, super::app::THERE, spoken_of];
    let before = app.desk.picture().position;
    for role in [Role::Operator, Role::Bank, Role::Regulator, Role::Lead, Role::Merchant] {
        let all = codes.map(|code| {
            // The code asked about stands in an answer, and an id of its own.
            let alike = |reply: Reply| {
                let mut answer = reply.json();
                answer.as_object_mut().map(|fields| fields.remove("instance"));
                (reply.status, answer.to_string().replace(code, "-"))
            };
            let send = |path: &str, body: &Value| alike(app.post(path).role(role).json(body).send());
            let mut answers: Vec<_> =
                said_about(code).iter().map(|command| send("/api/v1/commands", command)).collect();
            answers.push(send("/api/v1/commands", &json!(said_about(code))));
            let step = json!({ "mall": "东方广场", "unit": "B1-01" });
            answers.push(send(&format!("/api/v1/exit-notices/{code}/withdraw"), &step));
            let sheet = format!("统一社会信用代码,商场,铺位号,类型,日期\n{code},东方广场,B1-01,欠租,2025-06-01\n");
            let preview = app.post("/api/v1/imports?name=signals.csv&preview=true").role(role);
            let preview = preview.text("application/octet-stream", &sheet).send();
            let seen_through = preview.json();
            let said = format!("{} {}", seen_through["counts"], seen_through["refusals"]);
            answers.push((preview.status, said.replace(code, "-")));
            for path in ["", "/reasons", "/timeline"] {
                answers.push(alike(app.get(&format!("/api/v1/merchants/{code}{path}")).role(role).send()));
            }
            answers
        });
        for (place, first) in all[0].iter().enumerate() {
            for other in &all[1..] {
                assert_eq!(first, &other[place], "{role}: answer {place}");
            }
            assert!([200, 202, 403, 404, 422].contains(&first.0), "{role}: {first:?}");
        }
    }
    assert_eq!(app.desk.picture().position, before, "nothing was recorded");
}

#[test]
fn an_office_registers_a_shop_that_others_only_spoke_of() {
    let app = App::start();
    let code = super::app::NOBODY;
    app.tell(&[json!({ "command": "record_complaint", "credit_code": code, "ticket": "GD-9", "channel": "12345",
        "kind": "closed", "received_at": "2025-06-29T01:00:00Z" })]);
    let notice = json!({ "credit_code": code, "mall": "东方广场", "unit": "B1-77", "planned_on": "2025-12-01" });
    let post = || app.post("/api/v1/exit-notices").role(Role::Operator).json(&notice).send();
    assert_eq!(post().code(), "out_of_scope");
    let row = json!({ "command": "register_merchant", "credit_code": code, "name": "新店", "division_code": "110108",
        "mall": "东方广场", "unit": "B1-77" });
    assert_eq!(app.post("/api/v1/commands").role(Role::Lead).json(&row).ok().json()["status"], "accepted");
    assert_eq!(post().json()["status"], "accepted", "now it is the mall's tenant");
}

#[test]
fn where_mails_are_spooled_is_told_to_administrators_only() {
    let app = App::start();
    let exit = json!({ "command": "record_exit", "credit_code": HERE, "mall": "东方广场", "unit": "B1-01", "action": "post",
        "date": "2025-06-20", "planned_on": "2025-07-10" });
    app.tell(&[exit]);
    app.mails_until(|text| text.contains(".eml"));
    let folder = app.folder().display().to_string();
    assert!(app.get("/api/v1/mails").role(Role::Admin).ok().text.contains(&folder));
    let everywhere =
        app.key("市级", warnlight::domain::access::Scope { role: Role::Lead, ..super::app::scope_of(Role::Admin) });
    for (path, key) in [
        ("/api/v1/mails", app.key_of(Role::Regulator)),
        ("/api/v1/mails", app.key_of(Role::Lead)),
        ("/api/v1/events?limit=500", everywhere.as_str()),
    ] {
        let text = app.get(path).key(key).ok().text;
        assert!(text.contains(".eml") && !text.contains(&folder), "{path}: {text}");
    }
}
