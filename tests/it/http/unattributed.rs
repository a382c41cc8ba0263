//! The page of tickets without a credit code: worked off with the keyboard, with forms, and only by whom it is for.

use super::app::{App, EVERY_ROLE, HERE, THERE};
use super::browser::{Browser, PALE};
use serde_json::{Value, json};
use warnlight::domain::whose::State;
use warnlight::domain::words::Role;

fn ticket(number: &str, clues: Value) -> Value {
    let mut row = json!({ "command": "record_unattributed", "ticket": number, "channel": "12315", "kind": "refund",
        "received_at": "2025-06-01T01:00:00Z", "amount": "1234.50" });
    row.as_object_mut().unwrap().extend(clues.as_object().unwrap().clone());
    row
}

/// Twelve tickets, the one with the highest number the newest.
fn waiting(app: &App) {
    let register = |code: &str, name: &str, brand: &str| {
        json!({ "command": "register_merchant", "credit_code": code, "name": name,
        "brand": brand, "mall": "东方广场", "unit": "1", "street": "万寿路街道", "division_code": "110108" })
    };
    app.tell(&[
        register("91110108MA0000001D", "北京锐动健身有限公司", "锐动"),
        register("91110108MA0000002D", "北京锐动健身管理有限公司", "锐动"),
    ]);
    let rows: Vec<Value> = (1..=12)
        .map(|number| {
            let mut row = ticket(
                &format!("T{number:02}"),
                json!({ "name": "锐动健身", "address": "北京市海淀区万寿路街道12号", "mall": "东方广场" }),
            );
            row["received_at"] = json!(format!("2025-06-01T{number:02}:00:00Z"));
            row
        })
        .collect();
    app.tell(&rows);
}

fn state(app: &App, number: &str) -> State {
    app.desk.picture().queue.get(&format!("{number}@12315")).unwrap().state
}

fn is_about(app: &App, number: &str, code: &str) -> bool {
    matches!(state(app, number), State::Attributed(about, _) if about == code.parse().unwrap())
}

#[test]
fn a_person_works_ten_of_them_off_with_the_keyboard_only() {
    const ENTER: char = '\u{E007}';
    let app = App::start();
    waiting(&app);
    let browser = Browser::open();
    browser.log_in(&app, Role::Admin);
    assert!(browser.text(".tile-waiting").contains("12"), "the board counts them as nobody's");
    assert_eq!(browser.run(PALE), json!([]));
    browser.goto(&app.address("/unattributed"));
    assert_eq!(browser.run(PALE), json!([]));
    let at = || browser.run("return document.activeElement.dataset.ticket");
    let told = |number: &str, state: &str| {
        browser.find(&format!("[data-last='{number}'][data-state='{state}']"));
    };
    browser.find("[data-queue]");
    assert_eq!(at(), json!("T12"), "the newest is where the reader begins");
    assert!(browser.text("[data-ticket=T12] .candidates").contains("在该商场有店"));
    if let Ok(folder) = std::env::var("WARNLIGHT_PICTURES") {
        std::fs::write(format!("{folder}/unattributed.png"), browser.picture()).unwrap();
    }
    browser.press("jjk");
    assert_eq!(at(), json!("T11"));
    browser.press("k");
    // Six are the first candidate's, one is the second's.
    for number in ["T12", "T11", "T10", "T09", "T08", "T07"] {
        assert_eq!(at(), json!(number), "the next is under the reader's hand");
        browser.press("1");
        told(number, "attributed");
        assert!(is_about(&app, number, "91110108MA0000001D"), "{number}");
    }
    browser.press("2");
    told("T06", "attributed");
    assert!(is_about(&app, "T06", "91110108MA0000002D"));
    // One is nobody's here, with the reason.
    browser.press("s");
    browser.press(&format!("elsewhere{ENTER}"));
    told("T05", "set_aside");
    // One is taken back and given to another.
    browser.press("1");
    told("T04", "attributed");
    browser.press("u");
    browser.press(&ENTER.to_string());
    browser.find("[data-ticket=T04] [data-key]");
    assert_eq!(state(&app, "T04"), State::Waiting);
    assert_eq!(at(), json!("T04"));
    browser.press("2");
    told("T04", "attributed");
    // One is searched for, after a look at the help.
    browser.press("?");
    assert_eq!(browser.run("return document.querySelector('[data-help]').open"), json!(true));
    browser.press("/");
    browser.press(&format!("T01{ENTER}"));
    browser.find("[data-queue]:has([data-ticket=T01]):not(:has([data-ticket=T02]))");
    browser.press("1");
    told("T01", "attributed");
    assert_eq!((state(&app, "T05"), app.desk.picture().queue.waiting()), (State::SetAside, 2));
    assert!(is_about(&app, "T04", "91110108MA0000002D") && is_about(&app, "T01", "91110108MA0000001D"));
    assert!(browser.text("[data-counts]").contains("待认领 2 件 · 已处理 10 件"));
}

#[test]
fn a_narrow_screen_shows_it_whole_and_every_field_has_a_name() {
    let app = App::start();
    waiting(&app);
    let phone = json!({ "width": 360, "height": 844, "pixelRatio": 1.0 });
    let browser = Browser::with(json!({ "mobileEmulation": { "deviceMetrics": phone } }));
    browser.log_in(&app, Role::Admin);
    for path in ["/", "/unattributed", "/unattributed?lang=en"] {
        browser.goto(&app.address(path));
        let widths = browser.run("return [innerWidth, document.documentElement.scrollWidth]");
        assert_eq!(widths, json!([360, 360]), "{path}");
        let nameless = browser.run(
            "return [...document.querySelectorAll('a, button, input:not([type=hidden])')]
                .filter(it => !(it.textContent.trim() || it.labels?.length || it.getAttribute('aria-label')))
                .map(it => it.outerHTML)",
        );
        assert_eq!(nameless, json!([]), "{path}");
    }
    if let Ok(folder) = std::env::var("WARNLIGHT_PICTURES") {
        std::fs::write(format!("{folder}/narrow.png"), browser.picture()).unwrap();
    }
}

#[test]
fn the_complaints_of_a_district_say_how_many_are_nobodys() {
    let app = App::start();
    waiting(&app);
    let count = |role, path: &str| app.get(path).role(role).ok().json()["unattributed"].clone();
    assert_eq!(count(Role::Admin, "/api/v1/complaints"), json!(12));
    assert_eq!(count(Role::Lead, "/api/v1/complaints"), json!(12));
    assert_eq!(count(Role::Regulator, "/api/v1/complaints"), json!(null));
    assert_eq!(count(Role::Admin, &format!("/api/v1/complaints?credit_code={HERE}")), json!(null));
}

#[test]
fn without_a_script_forms_decide_and_lead_on() {
    let app = App::start();
    waiting(&app);
    let cookie = app.log_in(Role::Admin);
    let page = |path: &str| app.get(path).header("cookie", &cookie).html().ok().text;
    let token = app.token(&cookie);
    let send = |fields: &[(&str, &str)]| {
        let known = [("form_token", token.as_str()), ("ticket", "T12"), ("channel", "12315")];
        app.post("/unattributed").header("cookie", &cookie).html().form(&[&known, fields].concat()).send()
    };
    let text = page("/unattributed?lang=en");
    assert!(text.contains("12 wait · 0 decided") && text.contains("It has a shop in this mall."), "{text}");
    let wrong = send(&[("decision", "set_aside"), ("reason", " ")]);
    assert_eq!(wrong.status, 422);
    assert!(wrong.text.contains("data-summary"), "{}", wrong.text);
    let wrong = send(&[("decision", "attribute"), ("credit_code", "nobody")]);
    assert!(wrong.status == 422 && wrong.text.contains("value=\"nobody\""), "what was typed is lost: {}", wrong.text);
    assert!(wrong.text.contains("<p>统一社会信用代码："), "{}", wrong.text);
    let done = send(&[("decision", "attribute"), ("credit_code", HERE), ("row", "3"), ("q", "锐动")]);
    assert_eq!(
        (done.status, done.header("location")),
        (303, "/unattributed?q=%E9%94%90%E5%8A%A8&row=3&last=T12%4012315")
    );
    assert!(is_about(&app, "T12", HERE));
    let text = page(done.header("location"));
    assert!(text.contains("data-last=\"T12\"") && !text.contains("data-ticket=\"T12\""));
    assert!(page("/unattributed?decided=true").contains("data-ticket=\"T12\""));
    assert_eq!(send(&[("decision", "undo"), ("reason", "错")]).status, 303);
    assert_eq!(state(&app, "T12"), State::Waiting);
    let forged = [("form_token", "x"), ("ticket", "T12"), ("channel", "12315"), ("decision", "undo"), ("reason", "x")];
    assert_eq!(app.post("/unattributed").header("cookie", &cookie).html().form(&forged).send().status, 403);
}

#[test]
fn the_page_is_for_the_lead_office_and_administrators_and_shows_the_lead_its_own_only() {
    let app = App::start();
    app.tell(&[ticket("T1", json!({ "name": "海淀健身馆" })), ticket("T2", json!({ "name": "朝阳餐饮店" }))]);
    for role in EVERY_ROLE {
        let cookie = app.log_in(role);
        let reply = app.get("/unattributed").header("cookie", &cookie).html().send();
        let may = matches!(role, Role::Lead | Role::Admin);
        assert_eq!(reply.status, if may { 200 } else { 403 }, "{role}");
        assert_eq!(
            app.get("/").header("cookie", &cookie).html().ok().text.contains("href=\"/unattributed\""),
            may,
            "{role}"
        );
        if may {
            assert!(reply.text.contains(HERE), "{role}");
            assert_eq!(reply.text.contains(THERE), role == Role::Admin, "{role}");
        }
    }
}
