//! What goes back to hotlines, read back as they would.

use super::app::{App, HERE, THERE, instant};
use calamine::{Data, Reader as _};
use serde_json::json;
use std::io::Cursor;
use warnlight::domain::words::Role;

/// Tickets of 12345 about two merchants: one open, two answered or closed here, one that came closed; one of 12315.
fn handled() -> App {
    let app = App::start();
    let ticket = |number: &str, channel: &str, code: &str| {
        json!({ "command": "record_complaint", "ticket": number, "channel": channel, "kind": "refund", "credit_code": code,
            "received_at": "2025-06-01T01:00:00Z" })
    };
    let mut closed = ticket("came-closed", "12345", HERE);
    closed["closed_at"] = json!("2025-06-02T01:00:00Z");
    closed["outcome"] = json!("resolved");
    app.tell(&[ticket("=1+1", "12345", HERE), ticket("GD-2", "12345", HERE), ticket("GD-3", "12345", THERE)]);
    app.tell(&[closed, ticket("open", "12345", HERE), ticket("GD-2", "12315", HERE)]);
    app.clock.set(instant("2025-07-02T02:00:00Z"));
    let answer = json!({ "channel": "12345", "answered_at": "2025-07-02T01:30:00Z" });
    app.post(&format!("/api/v1/complaints/{}/answer", super::app::encoded("=1+1"))).role(Role::Lead).json(&answer).ok();
    for (number, outcome, code) in [("GD-2", "resolved", HERE), ("GD-3", "unresolved", THERE)] {
        let mut closed = ticket(number, "12345", code);
        closed["closed_at"] = json!("2025-07-02T01:45:00Z");
        closed["outcome"] = json!(outcome);
        app.tell(&[closed]);
    }
    app
}

fn sheet(bytes: Vec<u8>) -> Vec<Vec<String>> {
    let mut book: calamine::Xlsx<_> = calamine::Xlsx::new(Cursor::new(bytes)).unwrap();
    let range = book.worksheet_range_at(0).unwrap().unwrap();
    assert!(range.used_cells().all(|(_, _, cell)| matches!(cell, Data::String(_))), "every cell is a text");
    range.rows().map(|row| row.iter().map(ToString::to_string).collect()).collect()
}

fn fetched(app: &App, role: Role, query: &str) -> Vec<Vec<String>> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    let reply = app.get(&format!("/api/v1/feedback?profile=hotline-12345{query}")).role(role).open();
    assert_eq!(reply.status(), 200);
    reply.into_body().into_reader().read_to_end(&mut bytes).unwrap();
    sheet(bytes)
}

#[test]
fn a_hotline_gets_back_under_its_own_headers_what_was_done_here_about_its_tickets() {
    let app = handled();
    let rows = fetched(&app, Role::Admin, "");
    assert_eq!(rows[0], ["12345工单编号", "首次响应时间", "办结时间", "是否解决", "答复市民要点"]);
    let said: Vec<Vec<&str>> = rows[1..].iter().map(|row| row.iter().map(String::as_str).collect()).collect();
    assert_eq!(
        said,
        [
            vec!["GD-3", "", "2025-07-02 09:45", "否", "已于2025-07-02 09:45办结：未解决"],
            vec!["GD-2", "", "2025-07-02 09:45", "是", "已于2025-07-02 09:45办结：已解决"],
            vec!["=1+1", "2025-07-02 09:30", "", "", "已于2025-07-02 09:30首次响应，正在办理"],
        ]
    );
    assert_eq!(fetched(&app, Role::Admin, "&since=2025-07-02").len(), 4);
    assert_eq!(fetched(&app, Role::Admin, "&since=2025-07-03").len(), 1, "the header alone");
}

#[test]
fn what_the_office_wrote_goes_back_masked_and_the_newest_counts() {
    let app = handled();
    let answer = |number: &str, role, reply: serde_json::Value| {
        app.post(&format!("/api/v1/complaints/{number}/answer")).role(role).json(&reply).send()
    };
    let first = json!({ "channel": "12345", "reply": "已责令七日内退费，联系13800138000" });
    assert_eq!(answer("open", Role::Lead, first.clone()).status, 200);
    assert_eq!(answer("open", Role::Lead, first).json()["status"], "unchanged", "the same again is nothing new");
    assert_eq!(
        answer("GD-3", Role::Lead, json!({ "channel": "12345", "reply": "x" })).status,
        404,
        "of another district"
    );
    assert_eq!(answer("GD-2", Role::Bank, json!({ "channel": "12345", "reply": "x" })).status, 403);
    let text = |number: &str| -> Vec<String> {
        let rows = fetched(&app, Role::Admin, "");
        rows.into_iter().find(|row| row[0] == number).unwrap()
    };
    assert_eq!(text("open")[4], "已责令七日内退费，联系*****");
    let answered = text("open")[1].clone();
    app.clock.set(instant("2025-07-03T02:00:00Z"));
    assert_eq!(answer("open", Role::Lead, json!({ "channel": "12345", "reply": "已退费{closed}" })).status, 200);
    assert_eq!(
        (&*text("open")[4], &text("open")[1]),
        ("已退费{closed}", &answered),
        "the first answer stays when it was"
    );
    // By command, of one that was closed before; and what came before goes back no more.
    let mut row = json!({ "command": "record_complaint", "ticket": "came-closed", "channel": "12345", "kind": "refund",
        "credit_code": HERE, "received_at": "2025-06-01T01:00:00Z", "reply": "已和解" });
    app.tell(&[row.clone()]);
    assert_eq!(text("came-closed")[4], "已和解");
    assert_eq!(fetched(&app, Role::Admin, "&since=2025-07-03").len(), 3);
    row["reply"] = json!(" 无 ");
    app.tell(&[row]);
    assert_eq!(text("came-closed")[4], "已和解", "a word for nothing says nothing");
    let events = app.get("/api/v1/events?limit=500").role(Role::Admin).ok().text;
    assert!(events.contains("complaint.reply_recorded") && !events.contains("13800138000"));
}

#[test]
fn in_csv_nothing_is_a_formula_and_nobody_gets_tickets_of_others() {
    let app = handled();
    let csv = app.get("/api/v1/feedback?profile=hotline-12345&form=csv").role(Role::Lead).ok().text;
    assert!(csv.starts_with("\u{FEFF}12345工单编号,"), "{csv}");
    assert!(csv.contains("\n'=1+1,") && !csv.contains("\n=1"), "{csv}");
    assert!(csv.contains("GD-2") && !csv.contains("GD-3"), "a lead office of another district: {csv}");
    let mall = app.get("/api/v1/feedback?profile=hotline-12345&form=csv").role(Role::Operator).ok().text;
    assert_eq!(mall.lines().count(), 1, "what the hotline heard is not for malls: {mall}");
    assert_eq!(app.get("/api/v1/feedback?profile=hotline-12345").role(Role::Bank).send().status, 403);
    for wrong in [
        "",
        "?profile=nobody",
        "?profile=hotline-12345&since=x",
        "?profile=hotline-12345&form=pdf",
        "?profile=merged-list",
    ] {
        assert_eq!(app.get(&format!("/api/v1/feedback{wrong}")).role(Role::Lead).send().status, 400, "{wrong}");
    }
}

/// What an office writes beside a ticket on the merchant's page goes back to the hotline, its first answer dated by it.
#[test]
fn a_ticket_is_answered_on_the_page_of_its_merchant_and_the_hotline_reads_it() {
    let app = handled();
    let path = format!("/merchants/{HERE}");
    let page = app.get(&path).role(Role::Regulator).html().ok().text;
    assert!(page.contains(&format!("action=\"{path}/replies\"")), "{page}");
    assert!(!app.get(&path).role(Role::Bank).html().ok().text.contains("/replies"), "a bank answers nobody");
    let answer = |role: Role, code: &str, number: &str, reply: &str| {
        let fields = [("ticket", number), ("channel", "12345"), ("reply", reply)];
        app.post(&format!("/merchants/{code}/replies")).role(role).html().form(&fields).send()
    };
    let said = answer(Role::Regulator, HERE, "open", "已约谈商家，三日内退款，联系13800138000");
    assert_eq!((said.status, said.header("location")), (303, format!("{path}#complaints").as_str()), "{said:?}");
    let page = app.get(&path).role(Role::Regulator).html().ok().text;
    assert!(page.contains("已答复：已约谈商家，三日内退款") && !page.contains("13800138000"), "{page}");
    let rows = fetched(&app, Role::Admin, "");
    let row = rows.iter().find(|row| row[0] == "open").unwrap_or_else(|| panic!("{rows:?}"));
    assert!(row[4].contains("已约谈商家") && row[1].starts_with("2025-07-02"), "{row:?}");
    // Nothing written, another merchant's ticket, no right: nothing recorded.
    let head = app.desk.log().head();
    assert_eq!(answer(Role::Regulator, HERE, "open", " ").status, 422);
    assert_eq!(answer(Role::Regulator, HERE, "GD-3", "x").status, 404);
    assert_eq!(answer(Role::Regulator, THERE, "GD-3", "x").status, 404);
    assert_eq!(answer(Role::Bank, HERE, "open", "x").status, 403);
    assert_eq!(app.desk.log().head(), head);
}
