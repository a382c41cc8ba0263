//! A problem speaks the language it is asked in, whatever brought it about: no English sentence in a Chinese answer, no Chinese one
//! in an English answer. Names in backticks are the same in both.

use super::app::{App, EVERY_ROLE, HERE, NOBODY, Reply};
use serde_json::{Value, json};
use warnlight::domain::access::Scope;
use warnlight::domain::words::Role;
use warnlight::http::routes::TABLE;

/// Names of things that have no Chinese ones.
const NAMES: [&str; 13] = [
    "JSON",
    "UTF",
    "ASCII",
    "UUID",
    "API",
    "GB",
    "Authorization",
    "Bearer",
    "warnlight",
    "verify",
    "base64",
    "xlsx",
    "csv",
];

/// Returns a text without the names in it: what stands in backticks, and words of the offices with their names in parentheses
/// (`红 (red)`).
fn bare(text: &str) -> String {
    let said: String = text.split('`').step_by(2).collect();
    let mut bare = String::new();
    for word in said.split(' ') {
        match word.strip_prefix('(').and_then(|word| word.split_once(')')) {
            Some((name, rest))
                if name.chars().all(|letter| letter.is_ascii_lowercase() || "_0123456789".contains(letter)) =>
            {
                // The Chinese word before it belongs to the name.
                let kept = bare.trim_end().rfind([' ', '；', '：']).unwrap_or(0);
                bare.truncate(kept);
                bare.push_str(rest);
            }
            _ => bare.push_str(word),
        }
        bare.push(' ');
    }
    bare
}

fn is_chinese(letter: char) -> bool {
    matches!(letter, '\u{3000}'..='\u{303F}' | '\u{4E00}'..='\u{9FFF}' | '\u{FF00}'..='\u{FFEF}')
}

/// Fails when a Chinese text holds English words, or none in Chinese.
fn must_be_chinese(text: &str, place: &str) {
    let bare = bare(text);
    let english = |word: &&str| word.len() > 1 && !NAMES.contains(word);
    let words: Vec<&str> = bare.split(|letter: char| !letter.is_ascii_alphanumeric()).collect();
    let words = words.iter().filter(|word| word.bytes().all(|byte| byte.is_ascii_alphabetic()));
    let found: Vec<&&str> = words.filter(|word| english(word)).collect();
    assert!(found.is_empty(), "{place}: English {found:?} in `{text}`");
    assert!(text.chars().any(is_chinese), "{place}: `{text}` is not Chinese");
}

fn must_be_english(text: &str, place: &str) {
    let bare = bare(text);
    let found: String = bare.chars().filter(|letter| is_chinese(*letter)).collect();
    assert!(found.is_empty(), "{place}: Chinese {found:?} in `{text}`");
}

/// Holds a problem in both languages; returns its code and whether it has particulars.
fn hold(place: &str, ask: impl Fn(&str) -> Reply) -> Option<(String, bool)> {
    let [zh, en] = ["zh-CN,zh;q=0.9", "en-GB"].map(&ask);
    // The log-in page says no by itself.
    if zh.status < 400 || zh.header("content-type").starts_with("text/html") {
        return None;
    }
    assert_eq!(zh.status, en.status, "{place}");
    let code = zh.code();
    for (reply, must) in [(&zh, must_be_chinese as fn(&str, &str)), (&en, must_be_english)] {
        let problem = reply.json();
        for name in ["title", "detail", "advice"] {
            if let Some(text) = problem[name].as_str() {
                must(text, &format!("{place} {name}"));
            }
        }
        hold_fields(&problem["problems"], place);
    }
    Some((code, zh.json()["detail"].is_string()))
}

/// What is wrong with fields is told in both languages always.
fn hold_fields(problems: &Value, place: &str) {
    for problem in problems.as_array().into_iter().flatten() {
        must_be_chinese(problem["zh"].as_str().unwrap(), &format!("{place} {problem}"));
        must_be_english(problem["en"].as_str().unwrap(), &format!("{place} {problem}"));
    }
}

fn path(path: &str, odd: bool) -> String {
    let nil = uuid::Uuid::nil().to_string();
    let fill = |text: &'static str| if odd { "%E4%B8%8D" } else { text };
    path.replace("{credit_code}", fill(HERE))
        .replace("{ticket}", fill("T1"))
        .replace("{id}", if odd { "x" } else { &nil })
        .replace("{mail}", if odd { "x" } else { &nil })
        .replace("{name}", fill("nothing"))
        .replace("{code}", fill("nothing"))
}

#[test]
fn every_route_tells_what_is_wrong_in_the_language_it_is_asked_in() {
    let app = App::with(&[
        ("WARNLIGHT__HTTP__LIVE_FEEDS_PER_KEY", "1"),
        ("WARNLIGHT__HTTP__POSITION_PATIENCE_SECONDS", "1"),
        ("WARNLIGHT__SESSION__FAILURES_PER_ADDRESS", "100000"),
    ]);
    let _feed = app.get("/api/v1/live").role(Role::Admin).open();
    let mut told = Vec::new();
    let bodies = ["{", "[", "[]", "{}", "7", "{\"a\":1,\"a\":2}", "\u{FFFD}", "{\"command\":\"nothing\"}"];
    for route in TABLE {
        let roles: Vec<Option<Role>> = EVERY_ROLE.map(Some).into_iter().chain([None]).collect();
        for role in roles {
            // A feed gives its place back some time after it is left; the administrator's own is held open all the while.
            if route.path == "/api/v1/live" && !matches!(role, None | Some(Role::Admin)) {
                continue;
            }
            let mut paths = vec![path(route.path, false), path(route.path, true)];
            for (name, _) in route.query {
                paths.extend(["-1", "x", "%00", "0"].map(|value| format!("{}?{name}={value}", paths[0])));
            }
            paths.push(format!("{}?position=1&page=%FF", paths[0]));
            for path in paths {
                let bodies: &[&str] = if route.method == "GET" || route.method == "DELETE" { &[""] } else { &bodies };
                for body in bodies {
                    let place = format!("{role:?} {} {path} {body}", route.method);
                    let found = hold(&place, |language| {
                        let ask = app.ask(route.method, &path).header("accept-language", language);
                        let ask = if let Some(role) = role { ask.role(role) } else { ask };
                        let media_type = if route.path.starts_with("/api/") {
                            "application/json"
                        } else {
                            "application/x-www-form-urlencoded"
                        };
                        if body.is_empty() { ask.send() } else { ask.text(media_type, body).send() }
                    });
                    told.extend(found);
                }
            }
        }
    }
    assert!(told.iter().filter(|(_, has_detail)| *has_detail).count() > 100, "{}", told.len());
}

#[test]
fn what_stands_in_the_way_of_any_request_is_told_in_the_language_it_is_asked_in() {
    let app = App::with(&[("WARNLIGHT__HTTP__POSITION_PATIENCE_SECONDS", "1")]);
    let mut codes = Vec::new();
    for path in
        ["//x", "/%ff", "/%25", "/a%2Fb", "/%00", "/%2e", "/nothing", "/api/v1/complaints/%2F/answer", "/api/v1/keys/x"]
    {
        codes.extend(hold(path, |language| app.get(path).role(Role::Admin).header("accept-language", language).send()));
    }
    for (name, value) in [
        ("warnlight-position", "x"),
        ("warnlight-position", "999999999"),
        ("idempotency-key", "a b"),
        ("content-type", "text/plain"),
        ("content-type", "application/cloudevents+json"),
        ("origin", "https://elsewhere.example"),
    ] {
        for path in ["/api/v1/commands", "/api/v1/cloudevents", "/api/v1/keys"] {
            codes.extend(hold(&format!("{path} {name}: {value}"), |language| {
                let ask = app.post(path).role(Role::Admin).header("accept-language", language);
                let body = json!([]);
                if name == "content-type" {
                    ask.text(value, "[]").send()
                } else {
                    ask.json(&body).header(name, value).send()
                }
            }));
        }
    }
    let event = |change: &dyn Fn(&mut Value)| {
        let mut event = json!({ "specversion": "1.0", "id": "1", "source": "/b",
            "type": "cn.warnlight.command.report_balance",
            "data": { "credit_code": HERE, "date": "2025-06-01", "outstanding": "5.00" } });
        change(&mut event);
        event
    };
    let events = [
        event(&|event| event["specversion"] = json!("2")),
        event(&|event| event["id"] = json!("")),
        event(&|event| event["id"] = json!("\u{7}")),
        event(&|event| event["source"] = json!("s".repeat(600))),
        event(&|event| event["type"] = json!("x")),
        event(&|event| event["datacontenttype"] = json!("text/xml")),
        event(&|event| event["data"] = json!([])),
        event(&|event| event["data_base64"] = json!("%")),
        event(&|event| event["data"]["command"] = json!("record_exit")),
        event(&|event| event["data"]["outstanding"] = json!("-1")),
    ];
    for event in &events {
        codes.extend(hold(&event.to_string(), |language| {
            let ask = app.post("/api/v1/cloudevents").role(Role::Admin).header("accept-language", language);
            ask.text("application/cloudevents+json", &event.to_string()).send()
        }));
    }
    let wanted = |change: Value| {
        let mut wanted = json!({ "name": "x", "role": "regulator" });
        wanted.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        wanted
    };
    for wanted in [
        json!({ "name": "" }),
        json!({ "sectors": ["nothing"] }),
        json!({ "divisions": ["1"] }),
        json!({ "divisions": ["999999"] }),
        json!({ "bank": "甲银行" }),
        json!({ "role": "operator" }),
        json!({ "role": "king" }),
        json!({ "malls": [""] , "role": "operator" }),
        json!({ "expires_at": "2020-01-01T00:00:00Z" }),
        json!({ "expires_at": "-009999-01-03T12:00:00Z" }),
    ]
    .map(wanted)
    {
        codes.extend(hold(&wanted.to_string(), |language| {
            app.post("/api/v1/keys").role(Role::Admin).header("accept-language", language).json(&wanted).send()
        }));
    }
    for code in ["bad_request", "not_found", "behind", "invalid_parameter", "foreign_site", "refused"] {
        assert!(codes.iter().any(|(found, _)| found == code), "{code} was never seen");
    }
    // A page shows the same words.
    let page =
        |language: &str| app.get("/?page=x").role(Role::Admin).html().header("accept-language", language).send().text;
    assert!(page("zh-CN").contains("应为整数") && !page("zh-CN").contains("whole number"));
    assert!(page("en").contains("whole number") && !page("en").contains("应为整数"));
}

#[test]
fn what_is_wrong_with_a_field_is_told_in_both_languages() {
    let app = App::with(&[("WARNLIGHT__HTTP__BODY_LIMIT_BYTES", "4194304")]);
    let document = app.get("/api/openapi.json").ok().json();
    let kinds = document["components"]["schemas"]["Command"]["oneOf"].as_array().unwrap().clone();
    let odd = [
        json!(null),
        json!(true),
        json!(7),
        json!(-1.5),
        json!(""),
        json!("x"),
        json!("\u{7}"),
        json!("不"),
        json!([]),
        json!({}),
        json!("2025-06-31"),
        json!("9999-01-01"),
        json!("-5"),
        json!("0.001"),
        json!("99999999999999999999"),
        json!("9"),
    ];
    let (mut tried, mut refused) = (0, 0);
    let mut commands = Vec::new();
    for kind in resolved(&document, &kinds) {
        let fields = kind.as_object().unwrap();
        for field in fields.keys().map(String::as_str).chain(["nothing"]) {
            for value in &odd {
                let mut command: Value = fields.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
                command[field] = value.clone();
                commands.push(command);
            }
            let mut command = kind.clone();
            command.as_object_mut().unwrap().remove(field);
            commands.push(command);
        }
        let mut other = kind.clone();
        other["credit_code"] = json!(NOBODY);
        commands.push(other);
    }
    let operator =
        app.key("mall", Scope { malls: vec!["东方广场".to_owned()], role: Role::Operator, ..Scope::everything() });
    for key in [app.key_of(Role::Admin).to_owned(), operator] {
        for some in commands.chunks(400) {
            let receipts = app.post("/api/v1/commands").key(&key).json(&json!(some)).ok().json();
            for (command, receipt) in some.iter().zip(receipts.as_array().unwrap()) {
                hold_fields(&receipt["problems"], &command.to_string());
                hold_fields(&receipt["warnings"], &command.to_string());
                tried += 1;
                refused += usize::from(receipt["status"] == "refused");
            }
        }
    }
    assert!(tried > 1000 && refused * 2 > tried, "{refused} of {tried}");
}

/// Returns one filled-in command of every kind.
fn resolved(document: &Value, kinds: &[Value]) -> Vec<Value> {
    let plain = |name: &str| match name {
        "credit_code" => json!(HERE),
        name if name.ends_with("_at") => json!("2025-06-01T00:00:00Z"),
        "date" | "from" | "until" => json!("2025-06-01"),
        name if name.ends_with("_on") => json!("2025-06-01"),
        "ratio" => json!("0.06"),
        "outstanding" | "held" | "amount" => json!("5.00"),
        _ => json!("x"),
    };
    let of = |kind: &Value| -> Value {
        let mut command = serde_json::Map::new();
        let mut parts = vec![kind.clone()];
        while let Some(part) = parts.pop() {
            if let Some(name) = part["$ref"].as_str() {
                parts.push(document.pointer(name.trim_start_matches('#')).unwrap().clone());
            }
            parts.extend(part["allOf"].as_array().into_iter().flatten().cloned());
            for (name, schema) in part["properties"].as_object().into_iter().flatten() {
                let said = schema["enum"][0].clone();
                command.insert(name.clone(), if said.is_null() { plain(name) } else { said });
            }
        }
        Value::Object(command)
    };
    kinds.iter().map(of).collect()
}
