//! What makes pages good to work at: a session's end costs nothing typed, lists go by keyboard, a mall picks its tenant and says in one
//! click that a shop has left.

use super::app::{App, HERE, encoded, instant};
use super::browser::Browser;
use serde_json::json;
use warnlight::domain::words::Role;

const FORM: [(&str, &str); 6] = [
    ("action", "post"),
    ("credit_code", HERE),
    ("mall", "东方广场"),
    ("unit", "B1-01"),
    ("planned_on", "2025-12-31"),
    ("refund_plan", "一、到店退款\n二、转至分店 & 其他"),
];

/// Returns the value of a hidden field, as a browser would send it.
fn hidden(page: &str, name: &str) -> String {
    let value = page.split(&format!("name=\"{name}\" value=\"")).nth(1).unwrap_or_else(|| panic!("{name}: {page}"));
    let value = value.split('"').next().unwrap();
    value.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'").replace("&amp;", "&")
}

#[test]
fn what_was_typed_when_the_session_ended_is_sent_after_logging_in_again() {
    let app = App::start();
    let cookie = app.log_in(Role::Operator);
    let token = app.token(&cookie);
    app.clock.set(instant("2025-07-01T10:00:00Z"));
    let form: Vec<(&str, &str)> = FORM.into_iter().chain([("form_token", token.as_str())]).collect();
    let page = app.post("/mall").header("cookie", &cookie).html().form(&form).send();
    assert_eq!(page.status, 401);
    assert!(page.text.contains("会话已结束") && !page.text.contains(&token), "{}", page.text);
    let (kept, place) = (hidden(&page.text, "kept"), hidden(&page.text, "kept_path"));
    assert_eq!(place, "/mall");
    // A slip in the key costs nothing either.
    let log_in =
        |key: &str| app.post("/login").html().form(&[("key", key), ("kept", &kept), ("kept_path", &place)]).send();
    assert_eq!(hidden(&log_in("wl_nonsense").text, "kept"), kept);
    let page = log_in(app.key_of(Role::Operator));
    assert_eq!(page.status, 200, "{}", page.text);
    assert!(page.text.contains("转至分店 &amp; 其他"), "it is shown: {}", page.text);
    let cookie = page.cookie();
    let again: Vec<(&str, String)> = FORM.iter().map(|(name, _)| (*name, hidden(&page.text, name))).collect();
    assert!(again.iter().zip(FORM).all(|((_, kept), (_, typed))| kept == typed), "{again:?}");
    let token = hidden(&page.text, "form_token");
    let again: Vec<(&str, &str)> =
        again.iter().map(|(name, value)| (*name, value.as_str())).chain([("form_token", token.as_str())]).collect();
    let sent = app.post("/mall").header("cookie", &cookie).html().form(&again).send();
    assert_eq!((sent.status, sent.header("location")), (303, "/mall?said=done"), "{}", sent.text);
}

#[test]
fn nothing_is_kept_for_programs_for_reads_and_to_other_sites() {
    let app = App::start();
    let program = app.post("/mall").form(&FORM).send();
    assert_eq!((program.status, program.code().as_str()), (401, "key_missing"));
    let read = app.get("/mall").html().send();
    assert_eq!((read.status, read.header("location")), (303, "/login?next=%2Fmall"));
    let form = [("key", app.key_of(Role::Operator)), ("kept", "a=b"), ("kept_path", "//evil.example")];
    let page = app.post("/login").html().form(&form).send().text;
    assert!(!page.contains("evil.example"), "{page}");
}

#[test]
fn a_mall_sees_whom_to_look_after_and_picks_the_tenant_for_a_notice() {
    let app = App::start();
    app.tell(&[
        json!({ "command": "register_merchant", "credit_code": "91110108MA22222220", "name": "东方茶馆", "division_code": "110108",
            "mall": "东方广场", "unit": "B2-07" }),
        json!({ "command": "report_balance", "credit_code": "91110108MA22222220", "date": "2025-06-20", "outstanding": "1000.00" }),
    ]);
    let page = app.get("/mall").role(Role::Operator).html().ok().text;
    assert!(page.contains("需要关注的商户 1 户") && page.contains("有预收、未备案"), "{page}");
    assert!(
        !page.contains("海淀&lt;健身&gt;</a></th>\n      <td"),
        "a green tenant that is on file is none of concern"
    );
    let link = page.split("href=\"/mall?in=").nth(1).unwrap().split('"').next().unwrap().replace("&amp;", "&");
    let filled = app.get(&format!("/mall?in={link}")).role(Role::Operator).html().ok().text;
    assert_eq!(
        (hidden_or_shown(&filled, "credit_code"), hidden_or_shown(&filled, "unit")),
        ("91110108MA22222220".to_owned(), "B2-07".to_owned())
    );
    assert!(filled.contains("提前 90 日：2025-09-28 及以后"), "{filled}");
    let others = app.get("/mall").role(Role::Lead).html().ok().text;
    assert!(!others.contains("需要关注的商户"), "whoever has many malls chooses one");
    let chosen = app.get(&format!("/mall?in={}", encoded("东方广场"))).role(Role::Lead).html().ok().text;
    assert!(chosen.contains("需要关注的商户 1 户"), "{chosen}");
}

/// The value of the field with this id.
fn hidden_or_shown(page: &str, id: &str) -> String {
    let field = page.split(&format!("id=\"{id}\"")).nth(1).unwrap();
    field.split("value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

#[test]
fn a_notice_past_its_day_is_settled_by_one_click() {
    let app = App::start();
    app.tell(&[
        json!({ "command": "record_exit", "credit_code": HERE, "mall": "东方广场", "unit": "B1-01", "action": "post",
        "date": "2025-03-01", "planned_on": "2025-06-20", "reason": "x" }),
    ]);
    let cookie = app.log_in(Role::Operator);
    let page = app.get("/mall").header("cookie", &cookie).html().ok().text;
    assert!(page.contains("<button>已撤店</button>"), "{page}");
    let token = app.token(&cookie);
    let form = [
        ("action", "close"),
        ("credit_code", HERE),
        ("mall", "东方广场"),
        ("unit", "B1-01"),
        ("date", "2025-06-30"),
        ("form_token", token.as_str()),
    ];
    let sent = app.post("/mall").header("cookie", &cookie).html().form(&form).send();
    assert_eq!(sent.header("location"), "/mall?said=done", "{}", sent.text);
    let exits = app.get("/api/v1/exit-notices").role(Role::Operator).ok().json();
    assert_eq!((&exits["items"][0]["state"], &exits["items"][0]["was_announced"]), (&json!("closed"), &json!(true)));
}

#[test]
fn the_board_is_worked_through_with_the_keyboard_only() {
    let app = App::start();
    let browser = Browser::open();
    browser.log_in(&app, Role::Admin);
    browser.press("j");
    let first = browser.run("return document.activeElement.getAttribute('href')");
    browser.press("j");
    let second = browser.run("return document.activeElement.getAttribute('href')");
    assert!(first != second && first.as_str().unwrap().starts_with("/merchants/"), "{first} {second}");
    browser.press("k");
    assert_eq!(browser.run("return document.activeElement.getAttribute('href')"), first);
    browser.press("?");
    assert_eq!(browser.run("return document.querySelector('[data-keys]').open"), json!(true));
    browser.press("?");
    browser.press("/");
    assert_eq!(browser.run("return document.activeElement.id"), json!("q"));
    browser.press("jk");
    assert_eq!(browser.run("return document.activeElement.value"), json!("jk"), "in a field a key is a letter");
    browser.run("document.activeElement.blur()");
    browser.press("jo");
    browser.until("return location.pathname.startsWith('/merchants/')");
}
