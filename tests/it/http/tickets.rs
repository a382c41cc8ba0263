//! Clocks of complaints over HTTP: whoever has to handle a ticket finds it, and nobody else sees it.

use super::app::{App, HERE, THERE, instant};
use serde_json::{Value, json};
use warnlight::domain::words::Role;

fn ticket(code: &str, number: &str, channel: &str, more: Value) -> Value {
    let mut row = json!({ "command": "record_complaint", "ticket": number, "channel": channel, "credit_code": code, "kind": "refund",
        "received_at": "2025-06-30T01:00:00Z" });
    for (name, value) in more.as_object().unwrap() {
        row[name] = value.clone();
    }
    row
}

/// Three tickets about two merchants, a fortnight later.
fn late() -> App {
    let app = App::start();
    app.tell(&[ticket(HERE, "GD-1", "12345", json!({})), ticket(THERE, "GD-3", "12315", json!({}))]);
    app.clock.set(instant("2025-07-14T02:00:00Z"));
    app.tell(&[ticket(
        HERE,
        "GD-2",
        "mall",
        json!({ "received_at": "2025-07-14T01:00:00Z", "due_at": "2025-07-30T01:00:00Z", "mall": "东方广场" }),
    )]);
    app.desk.settle().unwrap();
    app
}

fn tickets(app: &App, role: Role, query: &str) -> Vec<String> {
    let list = app.get(&format!("/api/v1/complaints{query}")).role(role).ok().json();
    list["items"].as_array().unwrap().iter().map(|item| item["ticket"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_ticket_shows_its_clock_with_the_clause_and_the_late_ones_are_listed() {
    let app = late();
    let list = app.get("/api/v1/complaints").role(Role::Regulator).ok().json();
    let clock = |number: &str| {
        let items = list["items"].as_array().unwrap();
        items.iter().find(|item| item["ticket"] == number).unwrap()["clock"].clone()
    };
    let first = clock("GD-1");
    assert_eq!((&first["step"], &first["who"]), (&json!("first_answer"), &json!("sector")));
    assert_eq!(first["clause"], "北京市单用途预付卡管理条例 Art 25");
    assert_eq!((&first["due_at"], &first["late"]), (&json!("2025-07-09T16:00:00Z"), &json!(true)));
    assert!(first["steps"].as_u64().unwrap() >= 1, "{first}");
    let own = clock("GD-2");
    assert_eq!((&own["step"], &own["late"], &own["steps"]), (&json!("due_time"), &json!(false), &json!(0)));
    assert_eq!(tickets(&app, Role::Admin, "?late=true"), ["GD-1", "GD-3"]);
    assert_eq!(tickets(&app, Role::Admin, &format!("?late=true&credit_code={THERE}")), ["GD-3"]);
    app.post("/api/v1/complaints/GD-1/answer").role(Role::Regulator).json(&json!({})).ok();
    assert_eq!(tickets(&app, Role::Admin, "?late=true"), ["GD-3"]);
    assert_eq!(app.get("/api/v1/complaints?late=perhaps").role(Role::Admin).send().status, 400);
}

#[test]
fn late_tickets_of_a_merchant_without_a_case_are_on_every_page_of_those_who_handle_them() {
    let app = late();
    assert_eq!(app.get("/api/v1/cases").role(Role::Admin).ok().json()["total"], 0);
    let page = |path: &str, role: Role| app.get(path).role(role).html().ok().text;
    for path in ["/today".to_owned(), "/cases".to_owned(), format!("/merchants/{HERE}")] {
        let page = page(&path, Role::Regulator);
        assert!(page.contains("GD-1") && page.contains("处理并答复投诉"), "{path}: {page}");
        assert!(page.contains("逾期，已上报"), "{path}: {page}");
    }
    assert!(!page("/cases?ended=true", Role::Regulator).contains("GD-1"), "what ended is another list");
    // A mall sees its own, and what is not its own is nowhere.
    for path in ["/mall", "/today"] {
        let page = page(path, Role::Operator);
        assert!(page.contains("GD-2") && page.contains("按工单期限办结"), "{path}: {page}");
        assert!(!page.contains("GD-1") && !page.contains("GD-3"), "{path}: {page}");
    }
    assert_eq!(tickets(&app, Role::Operator, "?late=true"), [""; 0]);
    let english = app.get("/cases?lang=en").role(Role::Admin).html().ok().text;
    assert!(
        english.contains("accept or refuse, and say so") && english.contains("by the market regulator"),
        "{english}"
    );
}

#[test]
fn a_case_shows_the_tickets_about_its_merchant_each_with_its_own_clock() {
    let app = late();
    app.tell(&[
        json!({ "command": "record_exit", "credit_code": HERE, "mall": "东方广场", "unit": "B1-01", "action": "close",
        "date": "2025-07-13" }),
    ]);
    let cases = app.get("/api/v1/cases").role(Role::Admin).ok().json();
    let alert = cases["items"][0]["alert"].as_str().unwrap();
    let page = app.get(&format!("/cases/{alert}")).role(Role::Regulator).html().ok().text;
    let section = page.split_once("id=\"tickets\"").unwrap().1.split_once("</section>").unwrap().0;
    assert!(section.contains("GD-1") && section.contains("GD-2") && !section.contains("GD-3"), "{section}");
    assert!(section.contains("2025-07-09"), "{section}");
}
