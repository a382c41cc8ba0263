//! Who delivers: rhythm, silence, what lights rest on, and nobody sees another's deliveries.

use super::app::{App, EVERY_ROLE, HERE, THERE, instant};
use serde_json::{Value, json};
use warnlight::domain::access::Scope;
use warnlight::domain::words::Role;

/// A bank, a mall and a hotline that speak each Monday, of two merchants that share none of them; then nothing for three weeks.
fn fallen_silent() -> App {
    let app = App::start();
    app.tell(&[json!({ "command": "record_filing", "credit_code": THERE, "status": "accepted", "date": "2025-01-10", "bank": "乙银行" })]);
    for (week, day) in [(1, "2025-07-07"), (2, "2025-07-14"), (3, "2025-07-21"), (4, "2025-07-28")] {
        app.clock.set(instant(&format!("{day}T02:00:00Z")));
        for (code, mall, unit) in [(HERE, "东方广场", "B1-01"), (THERE, "西单大悦城", "2-02")] {
            app.tell(&[
                json!({ "command": "report_custody", "credit_code": code, "date": day, "held": format!("{week}.00") }),
                json!({ "command": "record_signal", "credit_code": code, "mall": mall, "unit": unit, "kind": "rent_arrears",
                    "date": day }),
                json!({ "command": "record_complaint", "ticket": format!("{week}-{unit}"), "channel": "12345", "kind": "refund",
                    "received_at": format!("{day}T01:00:00Z"), "credit_code": code }),
            ]);
        }
    }
    app.clock.set(instant("2025-08-18T02:00:00Z"));
    app.desk.settle().unwrap();
    app
}

fn named(list: &Value) -> Vec<(&str, &str)> {
    let items = list["items"].as_array().unwrap().iter();
    items.map(|item| (item["kind"].as_str().unwrap(), item["name"].as_str().unwrap())).collect()
}

#[test]
fn a_source_that_is_quiet_for_twice_its_rhythm_is_silent_and_says_since_when() {
    let app = fallen_silent();
    let list = app.get("/api/v1/sources").role(Role::Admin).ok().json();
    assert_eq!(list["silent"], 5, "{list}");
    let bank = list["items"].as_array().unwrap().iter().find(|item| item["name"] == "甲银行").unwrap();
    assert_eq!(bank["rhythm"], json!({ "every_days": 7, "agreed": false, "allowed_days": 14 }));
    assert_eq!((&bank["silent_from"], &bank["rows"], &bank["last_rows"]), (&json!("2025-08-12"), &json!(4), &json!(1)));
    app.clock.set(instant("2025-08-19T02:00:00Z"));
    app.tell(&[json!({ "command": "report_custody", "credit_code": HERE, "date": "2025-08-18", "held": "9.00" })]);
    let list = app.get("/api/v1/sources").role(Role::Admin).ok().json();
    assert_eq!(list["silent"], 4, "it has spoken");
    for (language, word) in [("zh-CN", "自 2025-08-12 起静默"), ("en", "silent since 2025-08-12")] {
        let page = app.get(&format!("/sources?lang={language}")).role(Role::Admin).html().ok();
        assert!(page.text.contains(word) && page.text.contains("乙银行"), "{}", page.text);
    }
}

#[test]
fn a_light_says_which_silent_sources_it_rests_on_and_so_does_each_of_its_reasons() {
    let app = fallen_silent();
    let reasons = app.get(&format!("/api/v1/merchants/{HERE}/reasons")).role(Role::Admin).ok().json();
    let names = |of: &Value| -> Vec<String> {
        let all = of["silent_sources"].as_array().into_iter().flatten();
        all.map(|source| source["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&reasons), ["甲银行", "东方广场", "12345"]);
    let signal = reasons["reasons"].as_array().unwrap().iter().find(|reason| reason["rule"] == "arrears");
    assert_eq!(names(signal.unwrap()), ["东方广场"], "{reasons}");
    assert_eq!(reasons["silent_sources"][0]["last_delivery"], "2025-07-28");
    let file = app.get(&format!("/api/v1/merchants/{HERE}")).role(Role::Admin).ok().json();
    assert_eq!(names(&file), ["甲银行", "东方广场", "12345"]);
    let page = app.get(&format!("/merchants/{HERE}?lang=en")).role(Role::Admin).html().ok();
    assert!(page.text.contains("Bank 甲银行 is silent: last delivery on 2025-07-28, overdue since 2025-08-12"));
    let then = format!("/api/v1/merchants/{HERE}/reasons?at=2025-08-18T00:00:00Z");
    assert!(names(&app.get(&then).role(Role::Admin).ok().json()).is_empty(), "of another instant nothing is said");
    app.clock.set(instant("2025-08-19T02:00:00Z"));
    app.tell(&[json!({ "command": "report_custody", "credit_code": HERE, "date": "2025-08-18", "held": "9.00" })]);
    let file = app.get(&format!("/api/v1/merchants/{HERE}")).role(Role::Admin).ok().json();
    assert_eq!(names(&file), ["东方广场", "12345"]);
}

#[test]
fn a_bank_and_a_mall_see_themselves_and_others_what_is_in_their_scope() {
    let app = fallen_silent();
    let seen = |role| app.get("/api/v1/sources").role(role).ok().json();
    assert_eq!(named(&seen(Role::Bank)), [("bank", "甲银行")]);
    assert_eq!(named(&seen(Role::Operator)), [("mall", "东方广场")]);
    for role in [Role::Regulator, Role::Lead] {
        let list = seen(role);
        assert_eq!(named(&list), [("bank", "甲银行"), ("mall", "东方广场"), ("hotline", "12345")], "{role}");
        let counted = list["items"].as_array().unwrap().iter().any(|item| item.get("rows").is_some());
        assert!(!counted, "{role}: figures are of all merchants");
    }
    for role in EVERY_ROLE {
        // Who delivers what is not for a merchant to see.
        if role != Role::Merchant {
            let page = app.get("/sources").role(role).html().ok();
            for other in ["乙银行", "西单大悦城"] {
                assert_eq!(page.text.contains(other), role == Role::Admin, "{role} {other}");
            }
        }
        let file = app.get(&format!("/api/v1/merchants/{HERE}")).role(role).ok().json();
        let kinds: Vec<&str> =
            file["silent_sources"].as_array().into_iter().flatten().map(|it| it["kind"].as_str().unwrap()).collect();
        let expected: &[&str] = match role {
            Role::Bank => &["bank"],
            // What a bank reports is for malls to see, what the hotline hears is not.
            Role::Operator | Role::Merchant => &["bank", "mall"],
            _ => &["bank", "mall", "hotline"],
        };
        assert_eq!(kinds, expected, "{role}");
    }
    let everything = Scope { role: Role::Regulator, ..Scope::everything() };
    let key = app.key("all", everything);
    assert_eq!(app.get("/api/v1/sources").key(&key).ok().json()["items"].as_array().unwrap().len(), 5);
}
