use super::*;

const CODE: &str = "91110000101623741K";

/// Noon of 2025-07-01 in Shanghai.
fn now() -> Instant {
    "2025-07-01T12:00:00+08:00".parse().unwrap()
}

fn problems(command: &str, fields: &str) -> Vec<(&'static str, &'static str)> {
    let json = format!(r#"{{"command":"{command}","credit_code":"{CODE}",{fields}}}"#);
    let found = check(&serde_json::from_str(&json).unwrap(), now());
    assert!(found.iter().all(|problem| !problem.zh.is_empty() && !problem.en.is_empty()));
    found.iter().map(|problem| (problem.field, problem.code)).collect()
}

#[test]
fn what_happened_cannot_lie_ahead_and_today_is_not_ahead() {
    assert_eq!(problems("report_balance", r#""date":"2025-07-01","outstanding":"1""#), []);
    assert_eq!(problems("report_balance", r#""date":"2025-07-02","outstanding":"1""#), [("date", "future")]);
    assert_eq!(problems("report_custody", r#""date":"2025-07-02","held":"1""#), [("date", "future")]);
    assert_eq!(problems("record_filing", r#""status":"accepted","date":"2026-01-01""#), [("date", "future")]);
    assert_eq!(problems("register_merchant", r#""founded_on":"2025-07-02""#), [("founded_on", "future")]);
    assert_eq!(problems("report_prepaid_share", r#""date":"2025-07-02","ratio":"0.5""#), [("date", "future")]);
    let listing = r#""list":"serious","entered_on":"2025-07-02""#;
    assert_eq!(problems("record_listing", listing), [("entered_on", "future")]);
    assert_eq!(problems("record_enforcement", r#""kind":"talk","date":"2025-07-02""#), [("date", "future")]);
    assert_eq!(problems("record_exit", r#""action":"close","date":"2025-07-02""#), [("date", "future")]);
}

#[test]
fn what_is_planned_may_lie_ahead() {
    let exit = r#""action":"post","date":"2025-07-01","planned_on":"2025-12-31""#;
    assert_eq!(problems("record_exit", exit), []);
    let guarantee = r#""kind":"guarantee","amount":"1","from":"2025-08-01","until":"2026-08-01""#;
    assert_eq!(problems("post_guarantee", guarantee), []);
    assert_eq!(problems("record_enforcement", r#""kind":"talk","date":"2025-07-01","due_on":"2025-08-01""#), []);
    assert_eq!(problems("assign_sector", r#""sector":"sport","effective_on":"2025-08-01""#), []);
    let signal = r#""kind":"rent_arrears","date":"2025-07-01","cleared_on":"2025-07-09""#;
    assert_eq!(problems("record_signal", signal), []);
}

#[test]
fn a_closing_and_its_outcome_come_together() {
    let ticket = r#""ticket":"T1","channel":"12345","kind":"refund","received_at":"2025-06-01T01:00:00Z""#;
    assert_eq!(problems("record_complaint", ticket), []);
    let closed = format!(r#"{ticket},"closed_at":"2025-06-03T01:00:00Z""#);
    assert_eq!(problems("record_complaint", &closed), [("outcome", "closed_without_outcome")]);
    let outcome = format!(r#"{ticket},"outcome":"resolved""#);
    assert_eq!(problems("record_complaint", &outcome), [("closed_at", "outcome_without_closing")]);
    assert_eq!(problems("record_complaint", &format!(r#"{closed},"outcome":"resolved""#)), []);
}

#[test]
fn every_problem_of_a_ticket_is_told_at_once() {
    let ticket = r#""ticket":"","channel":"12345","kind":"refund","received_at":"2025-06-02T01:00:00Z",
        "answered_at":"2025-06-01T01:00:00Z","closed_at":"2025-07-01T04:00:01Z""#;
    assert_eq!(
        problems("record_complaint", ticket),
        [
            ("ticket", "missing"),
            ("outcome", "closed_without_outcome"),
            ("answered_at", "before_received"),
            ("closed_at", "future"),
        ]
    );
}

#[test]
fn orders_need_a_due_date_and_notices_a_planned_day() {
    let order = r#""kind":"rectification_ordered","date":"2025-06-01""#;
    assert_eq!(problems("record_enforcement", order), [("due_on", "due_missing")]);
    for action in ["post", "amend"] {
        let exit = format!(r#""action":"{action}","date":"2025-06-01""#);
        assert_eq!(problems("record_exit", &exit), [("planned_on", "planned_missing")]);
    }
    assert_eq!(problems("record_exit", r#""action":"withdraw","date":"2025-06-01""#), []);
}

#[test]
fn an_end_is_not_before_its_beginning_and_may_be_the_same_day() {
    let of = |from: &str, until: &str| {
        problems("post_guarantee", &format!(r#""kind":"insurance","amount":"1","from":"{from}","until":"{until}""#))
    };
    assert_eq!(of("2025-06-02", "2025-06-01"), [("until", "until_before_from")]);
    assert_eq!(of("2025-06-01", "2025-06-01"), []);
    let signal = r#""kind":"rent_arrears","date":"2025-06-02","cleared_on":"2025-06-01""#;
    assert_eq!(problems("record_signal", signal), [("cleared_on", "cleared_before_raised")]);
    let listing = r#""list":"serious","entered_on":"2025-06-02","removed_on":"2025-06-01""#;
    assert_eq!(problems("record_listing", listing), [("removed_on", "removed_before_entered")]);
}

#[test]
fn none_is_no_step_of_a_filing() {
    assert_eq!(problems("record_filing", r#""status":"none","date":"2025-06-01""#), [("status", "not_a_step")]);
}

#[test]
fn texts_are_held_to_the_same_rules_as_cells() {
    let name = "长".repeat(501);
    assert_eq!(problems("register_merchant", &format!(r#""name":"{name}""#)), [("name", "too_long")]);
    assert_eq!(problems("register_merchant", r#""mall":"a\u0000b""#), [("mall", "control_character")]);
    assert_eq!(problems("register_merchant", r#""industry_code":"abc""#), [("industry_code", "industry_code")]);
    assert_eq!(problems("assign_sector", r#""sector":"","effective_on":"2025-08-01""#), [("sector", "missing")]);
}

#[test]
fn the_number_of_a_person_is_no_code_and_is_not_repeated() {
    let command =
        r#"{"command":"report_balance","credit_code":"11010519491231002X","date":"2025-06-30","outstanding":"1"}"#;
    let found = check(&serde_json::from_str(command).unwrap(), now());
    assert_eq!(found.iter().map(|problem| problem.code).collect::<Vec<_>>(), ["identity_number"]);
    assert!(!format!("{found:?}").contains("19491231"));
}
