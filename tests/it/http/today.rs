//! Today: the first page of everybody who acts.

use super::app::{App, EVERY_ROLE, HERE, THERE, instant};
use serde_json::json;
use warnlight::domain::words::Role;

/// Returns a part of a page: from one mark up to the next.
fn part<'a>(page: &'a str, from: &str, to: &str) -> &'a str {
    let rest = page.split_once(from).unwrap_or_else(|| panic!("{from}: {page}")).1;
    rest.split_once(to).map_or(rest, |(part, _)| part)
}

fn tile(page: &str, name: &str) -> usize {
    let rest = part(page, &format!("{name}<b>"), "</b>");
    rest.parse().unwrap_or_else(|_| panic!("{name}: {rest}"))
}

fn has_tile(page: &str, name: &str) -> bool {
    page.contains(&format!("{name}<b>"))
}

#[test]
fn an_officer_finds_what_to_do_by_when_and_what_is_late() {
    let app = App::start();
    app.alarm();
    let today = |role: Role| app.get("/today").role(role).html().ok().text;
    let page = today(Role::Regulator);
    assert_eq!((tile(&page, "待我办理"), tile(&page, "等待他人"), tile(&page, "逾期")), (1, 0, 0), "{page}");
    let mine = part(&page, "id=\"mine\"", "</section>");
    assert!(mine.contains("海淀&lt;健身&gt;") && mine.contains("/cases/") && mine.contains("value=\"take\""), "{mine}");
    let alert =
        app.get("/api/v1/cases").role(Role::Admin).ok().json()["items"][0]["alert"].as_str().unwrap().to_owned();
    assert!(mine.contains(&format!("/cases/{alert}")));
    // Somebody else takes it: it waits for them.
    app.tell(&[
        json!({ "command": "handle_case", "alert": alert, "credit_code": HERE, "action": "assign", "to": "李科长" }),
    ]);
    let page = today(Role::Regulator);
    assert_eq!((tile(&page, "待我办理"), tile(&page, "等待他人")), (0, 1), "{page}");
    assert!(part(&page, "id=\"others\"", "</section>").contains("李科长"));
    app.tell(&[
        json!({ "command": "handle_case", "alert": alert, "credit_code": HERE, "action": "assign", "to": "regulator" }),
    ]);
    app.clock.set(instant("2025-07-08T10:00:00Z"));
    app.desk.settle().unwrap();
    let page = today(Role::Regulator);
    assert_eq!((tile(&page, "待我办理"), tile(&page, "逾期")), (1, 1), "{page}");
}

#[test]
fn what_changed_since_one_last_looked_is_told_until_one_says_so() {
    let app = App::start();
    app.alarm();
    let ask = || app.get("/today").role(Role::Admin).html();
    let page = ask().ok().text;
    assert_eq!(tile(&page, "灯情变化"), 1);
    let changed = part(&page, "id=\"changed\"", "</section>");
    assert!(changed.contains("橙灯") && changed.contains("绿灯"), "from green to orange: {changed}");
    let newest = part(changed, "name=\"position\" value=\"", "\"").to_owned();
    let seen = app.post("/today").role(Role::Admin).html().form(&[("position", &newest)]).send();
    assert_eq!((seen.status, seen.header("location")), (303, "/today"));
    let cookie = seen.cookie_named("warnlight_looked").unwrap().split(';').next().unwrap().to_owned();
    assert_eq!(tile(&ask().header("cookie", &cookie).ok().text, "灯情变化"), 0);
    assert_eq!(tile(&ask().ok().text, "灯情变化"), 1, "in another browser it is still new");
    let other = app.get("/today").role(Role::Lead).html().header("cookie", &cookie).ok().text;
    assert_eq!(tile(&other, "灯情变化"), 1, "what one person has seen another has not");
    app.tell(&[json!({ "command": "record_exit", "credit_code": THERE, "mall": "西单大悦城", "unit": "2-02",
        "action": "close", "date": "2025-06-29" })]);
    let page = ask().header("cookie", &cookie).ok().text;
    assert_eq!(tile(&page, "灯情变化"), 1);
    assert!(part(&page, "id=\"changed\"", "</section>").contains("朝阳餐饮"));
}

#[test]
fn a_mall_finds_its_complaints_and_notices_and_nobody_elses() {
    let app = App::start();
    let complaint = |ticket: &str, code: &str, channel: &str| {
        json!({ "command": "record_complaint", "ticket": ticket, "channel": channel, "credit_code": code, "kind": "refund",
            "received_at": "2025-06-30T01:00:00Z", "due_at": "2025-07-01T01:00:00Z" })
    };
    app.tell(&[
        json!({ "command": "record_exit", "credit_code": HERE, "mall": "东方广场", "unit": "B1-01", "action": "post",
            "date": "2025-03-01", "planned_on": "2025-06-20", "reason": "x" }),
        complaint("OURS", HERE, "mall"),
        complaint("THEIRS", THERE, "mall"),
    ]);
    let page = app.get("/today").role(Role::Operator).html().ok().text;
    assert_eq!((tile(&page, "待办投诉"), tile(&page, "过期公示")), (1, 1), "{page}");
    assert!(page.contains("OURS") && !page.contains("THEIRS"), "{page}");
    assert!(!has_tile(&page, "待我办理") && !has_tile(&page, "待认领工单"), "{page}");
    assert!(!page.contains("朝阳餐饮"));
    app.post("/api/v1/complaints/OURS/answer").role(Role::Operator).json(&json!({})).ok();
    assert_eq!(tile(&app.get("/today").role(Role::Operator).html().ok().text, "待办投诉"), 0);
}

#[test]
fn everybody_has_the_page_and_comes_to_it_after_logging_in() {
    let app = App::start();
    for role in EVERY_ROLE {
        let page = app.get("/today").role(role).html().ok().text;
        // A merchant's day is its own light.
        let name = if role == Role::Merchant { "本店灯情" } else { "今日" };
        assert!(page.contains(&format!("aria-current=\"page\">{name}")), "{role}");
    }
    assert_eq!(app.get("/").html().send().header("location"), "/login");
    let log_in = |next: &str| app.post("/login").html().form(&[("key", app.key_of(Role::Lead)), ("next", next)]).send();
    assert_eq!(log_in("/today").header("location"), "/today");
    assert_eq!(log_in("").header("location"), "/today");
    assert_eq!(log_in("/mails").header("location"), "/mails");
}

#[test]
fn what_is_due_by_the_end_of_tomorrow_is_due_soon_and_nothing_later() {
    let app = App::start();
    app.alarm();
    let cases = app.get("/api/v1/cases").role(Role::Admin).ok().json();
    let due = instant(cases["items"][0]["due_at"].as_str().unwrap());
    // A time limit ends with a day.
    for (hours, soon) in [(54, 0), (30, 1), (6, 1)] {
        app.clock.set(due - jiff::SignedDuration::from_hours(hours));
        let page = app.get("/today").role(Role::Regulator).html().ok().text;
        assert_eq!(tile(&page, "今明两天到期"), soon, "{hours} h before {due}: {page}");
    }
}
