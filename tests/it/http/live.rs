//! Light changes as they happen.

use super::app::{App, HERE, THERE};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader};
use warnlight::domain::words::Role;

/// Returns the next events of a feed.
fn take(feed: &mut impl std::io::BufRead, count: usize) -> Vec<(u64, Value)> {
    let mut events = Vec::new();
    let mut id = 0;
    for line in feed.lines() {
        let line = line.unwrap();
        if let Some(text) = line.strip_prefix("id: ") {
            id = text.parse().unwrap();
        }
        if let Some(data) = line.strip_prefix("data: ") {
            events.push((id, serde_json::from_str(data).unwrap()));
            if events.len() == count {
                break;
            }
        }
    }
    events
}

fn leaving(code: &str, mall: &str, unit: &str) -> Value {
    json!({ "command": "record_exit", "credit_code": code, "mall": mall, "unit": unit, "action": "post",
        "date": "2025-06-20", "planned_on": "2025-07-10" })
}

#[test]
fn a_light_that_changes_is_told_to_whoever_may_know_and_a_broken_line_goes_on_where_it_was() {
    let app = App::start();
    let open = |role, last: Option<u64>| {
        let ask = app.get("/api/v1/live").role(role);
        let ask = match last {
            Some(last) => ask.header("last-event-id", &last.to_string()),
            None => ask,
        };
        let response = ask.open();
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        BufReader::new(response.into_body().into_reader())
    };
    let (mut admin, mut regulator) = (open(Role::Admin, None), open(Role::Regulator, None));
    app.tell(&[leaving(THERE, "西单大悦城", "2-02")]);
    app.tell(&[leaving(HERE, "东方广场", "B1-01")]);
    let seen = take(&mut admin, 2);
    let subjects: Vec<&str> = seen.iter().map(|(_, event)| event["subject"].as_str().unwrap()).collect();
    assert_eq!(subjects, [THERE, HERE]);
    assert_eq!(seen[1].1["data"]["to"], "orange");
    let told = take(&mut regulator, 1);
    assert_eq!(told[0].1["subject"], HERE, "the first thing a regulator hears is about its own merchant");
    // After a break the feed goes on behind the last event seen.
    let mut again = open(Role::Admin, Some(seen[0].0));
    assert_eq!(take(&mut again, 1)[0].0, seen[1].0);
}
