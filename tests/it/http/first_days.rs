//! What people stumbled over in the first days of use: forms over midnight, tiles that are not their lists, what is told to whom, what
//! everybody is told that is no longer so.

use super::app::{App, HERE, Reply, THERE, encoded, instant};
use super::browser::Browser;
use serde_json::{Value, json};
use warnlight::domain::access::Scope;
use warnlight::domain::code::CreditCode;
use warnlight::domain::words::Role;

fn page(app: &App, role: Role, path: &str) -> String {
    app.get(path).role(role).html().ok().text
}

fn tile(page: &str, name: &str) -> usize {
    let rest = page.split(&format!("{name}<b>")).nth(1).unwrap_or_else(|| panic!("{name}: {page}"));
    rest.split("</b>").next().unwrap().parse().unwrap()
}

/// The fields of the form with this action, as a page draws it.
fn fields(page: &str, action: &str) -> Vec<(String, String)> {
    let form = page.split("<form").find(|form| form.contains(&format!("name=\"action\" value=\"{action}\""))).unwrap();
    let form = form.split("</form>").next().unwrap();
    let inputs = form.split("<input").skip(1).map(|input| input.split('>').next().unwrap());
    let attribute = |input: &str, name: &str| {
        input
            .split(&format!(" {name}=\""))
            .nth(1)
            .and_then(|rest| rest.split('"').next())
            .unwrap_or_default()
            .to_owned()
    };
    inputs
        .filter(|input| !input.contains("checkbox"))
        .map(|input| (attribute(input, "name"), attribute(input, "value")))
        .collect()
}

#[test]
fn a_form_that_was_opened_yesterday_says_today() {
    let app = App::start();
    app.clock.set(instant("2025-06-30T15:50:00Z"));
    let opened = app.get("/mall").role(Role::Operator).html().ok().text;
    app.clock.set(instant("2025-06-30T16:10:00Z"));
    let send = |mut form: Vec<(String, String)>, more: &[(&str, &str)]| -> Reply {
        form.retain(|(name, _)| more.iter().all(|(other, _)| other != name));
        let form: Vec<(&str, &str)> =
            form.iter().map(|(name, value)| (&**name, &**value)).chain(more.iter().copied()).collect();
        app.post("/mall").role(Role::Operator).html().form(&form).send()
    };
    let more = [("credit_code", HERE), ("mall", "东方广场"), ("unit", "B1-01"), ("planned_on", "2025-12-31")];
    let sent = send(fields(&opened, "post"), &more);
    assert_eq!(sent.status, 303, "{}", sent.text);
    let exits = || app.get("/api/v1/exit-notices").role(Role::Admin).ok().json()["items"][0].clone();
    assert_eq!(exits()["first_posted"], "2025-07-01");
    let opened = app.get("/mall").role(Role::Operator).html().ok().text;
    app.clock.set(instant("2025-07-01T16:10:00Z"));
    let sent = send(fields(&opened, "withdraw"), &[("reason", "不撤了")]);
    assert_eq!(sent.status, 303, "{}", sent.text);
}

#[test]
fn a_tile_counts_what_its_list_shows_and_what_was_not_shown_is_not_seen() {
    let app = App::start();
    app.alarm();
    let alert = app.get("/api/v1/cases").role(Role::Admin).ok().json()["items"][0]["alert"].clone();
    app.tell(&[
        json!({ "command": "handle_case", "alert": alert, "credit_code": HERE, "action": "assign", "to": "李科长" }),
    ]);
    app.clock.set(instant("2025-07-08T10:00:00Z"));
    app.desk.settle().unwrap();
    assert_eq!(tile(&page(&app, Role::Regulator, "/today"), "逾期"), 1, "somebody else has it");
    assert!(page(&app, Role::Regulator, "/cases?late=true").contains("海淀&lt;健身&gt;"));

    let codes: Vec<CreditCode> = (100..120)
        .map(|number| CreditCode::with_check_character(&format!("91110108MA0000{number}")).unwrap())
        .collect();
    for code in &codes {
        app.tell(&[
            json!({ "command": "register_merchant", "credit_code": code, "name": "某店", "industry_code": "8930", "division_code": "110108" }),
            json!({ "command": "record_listing", "credit_code": code, "list": "serious", "entered_on": "2025-07-01" }),
        ]);
    }
    let (mut cookie, mut seen) = (String::new(), 0);
    for _ in 0..4 {
        let shown = app.get("/today").role(Role::Admin).html().header("cookie", &cookie).ok().text;
        let list = shown.split("id=\"changed\"").nth(1).unwrap().split("</section>").next().unwrap();
        let rows = list.matches("<th scope=\"row\">").count();
        if rows == 0 {
            break;
        }
        assert!(rows <= 15, "{list}");
        seen += rows;
        let newest = list.split("name=\"position\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        let said = app.post("/today").role(Role::Admin).html().form(&[("position", newest)]).send();
        cookie = said.cookie_named("warnlight_looked").unwrap().split(';').next().unwrap().to_owned();
    }
    assert_eq!(seen, 20, "each was shown once before it counted as seen");
}

#[test]
fn what_an_office_has_to_do_is_told_to_offices() {
    let app = App::start();
    app.alarm();
    app.tell(&[json!({ "command": "record_complaint", "credit_code": HERE, "ticket": "M-1", "channel": "mall", "kind": "refund",
        "received_at": "2025-06-28T01:00:00Z", "mall": "东方广场" })]);
    for role in [Role::Operator, Role::Bank, Role::Merchant, Role::Regulator] {
        let office = role == Role::Regulator;
        let text = page(&app, role, &format!("/merchants/{HERE}"));
        assert_eq!(text.contains("约谈"), office, "{role}: {text}");
        let reasons = app.get(&format!("/api/v1/merchants/{HERE}/reasons")).role(role).ok().text;
        assert_eq!(reasons.contains("约谈"), office, "{role}: {reasons}");
        // What is asked of the mall, it is told.
        let mall = matches!(role, Role::Regulator | Role::Operator);
        assert_eq!(reasons.contains("商场立即响应"), mall, "{role}: {reasons}");
    }
}

#[test]
fn everybody_is_told_what_is_so_today() {
    let app = App::with(&[("WARNLIGHT__PUBLIC__SHOWS", "filing,custody,exits")]);
    app.tell(&[
        json!({ "command": "record_exit", "credit_code": HERE, "mall": "东方广场", "unit": "B1-01", "action": "post",
            "date": "2025-03-01", "planned_on": "2025-06-20" }),
        json!({ "command": "report_custody", "credit_code": HERE, "date": "2025-05-20", "held": "1000.00" }),
        json!({ "command": "record_filing", "credit_code": THERE, "status": "submitted", "date": "2025-06-01" }),
    ]);
    let read = |path: &str| app.get(path).html().ok().text;
    let here = read(&format!("/shop/{HERE}"));
    assert!(here.contains("公示的撤店日期 2025-06-20 已过") && !here.contains("计划于 2025-06-20"), "{here}");
    assert!(here.contains("有资金存管（截至 2025-05-20）"), "{here}");
    let board = read(&format!("/shop/mall?name={}", encoded("东方广场")));
    assert!(board.contains("公示的撤店日期 2025-06-20 已过") && !board.contains("计划撤店日期"), "{board}");
    let there = read(&format!("/shop/{THERE}"));
    assert!(there.contains("已于 2025-06-01 提交备案"), "{there}");
    let none = read(&format!("/shop/mall?name={}", encoded("西单大悦城")));
    assert!(none.contains("目前没有撤店公示"), "{none}");
    let nowhere = app.get(&format!("/shop/mall?name={}", encoded("没有的商场"))).html().send();
    assert_eq!(nowhere.status, 404);
    // 45 days, by the pack.
    app.clock.set(instant("2025-07-05T10:00:00Z"));
    let old = read(&format!("/shop/{HERE}"));
    assert!(old.contains("现在情况未知") && !old.contains("有资金存管"), "{old}");
}

#[test]
fn a_board_of_another_day_leads_to_the_merchant_as_it_was_then() {
    let app = App::start();
    app.alarm();
    app.tell(&[
        json!({ "command": "record_listing", "credit_code": HERE, "list": "serious", "entered_on": "2025-06-25" }),
    ]);
    let board = page(&app, Role::Lead, "/?at=2025-06-22&known=2025-06-30");
    let path = format!("/merchants/{HERE}?at=2025-06-22&amp;known=2025-06-30");
    assert!(board.contains(&path), "{board}");
    let then = page(&app, Role::Lead, &path.replace("&amp;", "&"));
    assert!(then.contains("橙灯") && !then.contains("列入严重违法失信名单"), "{then}");
    assert!(then.contains("2025-06-22 23:59") && then.contains("看现在的情况"), "{then}");
    for present in ["/cases/", "/acts", "/drafts/", "action=\"/aliases\""] {
        assert!(!then.contains(present), "what is worked with now is not of that day: {present}");
    }
    assert!(page(&app, Role::Lead, &format!("/merchants/{HERE}")).contains("列入严重违法失信名单"));
    let before = app.get(&format!("/merchants/{THERE}?at=2025-06-22")).role(Role::Lead).html().send();
    assert_eq!(before.status, 404, "whom the reader may see goes by the present");
    let wrong = app.get(&format!("/merchants/{HERE}?at=2999-01-01")).role(Role::Lead).html().send();
    assert_eq!(wrong.status, 400, "{}", wrong.text);
}

#[test]
fn a_refusal_names_other_fields_as_the_form_does() {
    let app = App::start();
    let form = [("act", "reopened"), ("mall", "东方广场"), ("unit", "B1-01"), ("date", "2025-06-01")];
    let sent = app.post(&format!("/merchants/{HERE}/acts")).role(Role::Lead).html().form(&form).send();
    assert_eq!(sent.status, 422);
    for (role, form) in [
        (Role::Lead, &form[..]),
        (Role::Operator, &[("act", "tenancy"), ("mall", "东方广场"), ("from", "2025-06-01")][..]),
    ] {
        for language in ["zh-CN", "en"] {
            let sent = app
                .post(&format!("/merchants/{HERE}/acts"))
                .role(role)
                .html()
                .header("accept-language", language)
                .form(form)
                .send();
            let summary = sent.text.split("data-summary").nth(1).unwrap().split("</div>").next().unwrap();
            assert!(!summary.contains('`'), "{role} {language}: {summary}");
        }
    }
}

#[test]
fn candidates_of_one_name_are_told_apart() {
    let app = App::start();
    let (one, two) = ("91110108MA0000201", "91110108MA0000202");
    let shop = |code: &str, street: &str, mall: &str| {
        json!({ "command": "register_merchant", "credit_code": CreditCode::with_check_character(code).unwrap(), "name": "晨光健身",
            "division_code": "110108", "street": street, "mall": mall, "unit": "3-01" })
    };
    app.tell(&[shop(one, "中关村街道", "欧美汇"), shop(two, "学院路街道", "五道口购物中心")]);
    app.tell(&[json!({ "command": "record_unattributed", "ticket": "T-1", "channel": "12315", "kind": "refund",
        "received_at": "2025-06-01T01:00:00Z", "name": "晨光健身" })]);
    let text = page(&app, Role::Lead, "/unattributed");
    for apart in ["中关村街道 · 欧美汇 3-01", "学院路街道 · 五道口购物中心 3-01"] {
        assert!(text.contains(apart), "{apart}: {text}");
    }
}

#[test]
fn a_merchants_page_and_its_case_tell_one_deadline() {
    let app = App::start();
    // The rule stood before the desk followed anything up: its duty arises later than its reason.
    let exit = json!({ "command": "record_exit", "credit_code": HERE, "mall": "东方广场", "unit": "B1-01", "action": "post",
        "date": "2025-06-10", "planned_on": "2025-07-05" });
    let commands = vec![super::app::command(&exit)];
    let origin =
        warnlight::domain::envelope::Origin { history: true, ..warnlight::domain::envelope::Origin::of("import") };
    app.desk.execute(warnlight::desk::Request::new(commands, origin)).unwrap();
    app.desk.settle().unwrap();
    app.clock.set(instant("2025-07-02T10:00:00Z"));
    app.tell(&[
        json!({ "command": "record_listing", "credit_code": HERE, "list": "serious", "entered_on": "2025-07-02" }),
    ]);
    let cases = app.get("/api/v1/cases").role(Role::Admin).ok().json();
    let duties: Vec<&Value> = cases["items"][0]["duties"].as_array().unwrap().iter().collect();
    assert!(!duties.is_empty(), "{cases}");
    let merchant = page(&app, Role::Regulator, &format!("/merchants/{HERE}"));
    let case = page(&app, Role::Regulator, &format!("/cases/{}", cases["items"][0]["alert"].as_str().unwrap()));
    for duty in duties.iter().filter(|duty| duty["due_at"].is_string()) {
        let due = warnlight::domain::time::deadline(instant(duty["due_at"].as_str().unwrap()));
        assert!(merchant.contains(&due) && case.contains(&due), "{due}: {duty}");
    }
}

#[test]
fn lists_everywhere_go_by_keyboard() {
    let app = App::start();
    app.alarm();
    let browser = Browser::open();
    browser.log_in(&app, Role::Admin);
    for (path, opened) in [("/cases", "/cases/"), ("/mall", "/merchants/"), ("/mails", "/mails")] {
        browser.goto(&app.address(path));
        browser.press("j");
        let at = browser.run("return document.activeElement.closest('[data-list] tr') !== null");
        assert_eq!(at, json!(true), "{path}");
        let link = browser.run("return (document.activeElement.getAttribute('href') || '').split('?')[0]");
        assert!(path == "/mails" || link.as_str().unwrap().starts_with(opened), "{path}: {link}");
    }
    browser.goto(&app.address("/cases"));
    browser.press("jx");
    assert_eq!(browser.run("return document.querySelector('[data-list] input').checked"), json!(true));
    browser.press("o");
    browser.until("return location.pathname.startsWith('/cases/')");
}

#[test]
fn a_key_of_another_mall_is_told_nothing_by_the_day_that_was() {
    let app = App::start();
    let other =
        app.key("other", Scope { role: Role::Operator, malls: vec!["西单大悦城".to_owned()], ..Scope::everything() });
    for path in [format!("/merchants/{HERE}"), format!("/merchants/{HERE}?at=2025-06-01")] {
        assert_eq!(app.get(&path).key(&other).html().send().status, 404, "{path}");
    }
}
