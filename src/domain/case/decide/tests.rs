use super::*;
use crate::domain::case::Cases;
use crate::domain::command::Command;
use uuid::Uuid;

const CODE: &str = "91110000101623741K";
const CASE: Uuid = Uuid::from_u128(0xCA5E);
const VISIT: Uuid = Uuid::from_u128(1);
const TALK: Uuid = Uuid::from_u128(2);

/// A red and an orange duty, since 2 June; what else happened is added.
fn given(story: &[(&str, &str)]) -> Cases {
    let duties = format!(
        r#""light":"red","change":"{CASE}","at":"2025-06-02T02:00:00Z","duties":[
        {{"duty":"{VISIT}","rule":"closed","version":1,"light":"red","zh":"现场核查","en":"on-site check","who":"sector","clause":"c",
          "due_at":"2025-06-03T02:00:00Z","acts":["on_site_check"]}},
        {{"duty":"{TALK}","rule":"refund","version":1,"light":"orange","zh":"约谈","en":"talk","who":"sector","clause":"c",
          "due_at":"2025-06-09T16:00:00Z","acts":["talk"]}}]"#
    );
    let opened = ("alert.raised", duties.as_str());
    let mut cases = Cases::default();
    for (position, (kind, fields)) in (1..).zip([&opened].into_iter().chain(story)) {
        let event = event(kind, fields);
        cases.apply(&event, Uuid::from_u128(position.into()), position, "2025-06-02T03:00:00Z".parse().unwrap());
    }
    cases
}

fn event(kind: &str, fields: &str) -> Event {
    let case = if kind.starts_with("alert.") { format!(r#""alert":"{CASE}","#) } else { String::new() };
    let json = format!(r#"{{{case}"credit_code":"{CODE}",{fields}}}"#);
    let version = Event::CONTRACT.iter().find(|(name, _)| *name == kind).unwrap().1;
    Event::decode(kind, version, &json).unwrap_or_else(|error| panic!("{kind} {json}: {error}"))
}

/// Decides at noon of 5 June in Shanghai.
fn when(cases: &Cases, fields: &str) -> Result<Vec<Event>, Vec<(&'static str, &'static str)>> {
    let json = format!(r#"{{"command":"handle_case","alert":"{CASE}","credit_code":"{CODE}",{fields}}}"#);
    let Command::HandleCase(row) = serde_json::from_str(&json).unwrap() else { panic!("{json}") };
    let doing = Doing { case: cases.get(CASE), actor: "体育局一科", pause_days: 30, ..Doing::default() };
    let decision = decide(&row, doing, "2025-06-05T04:00:00Z".parse().unwrap());
    decision.map(|decision| decision.events.into_iter().map(|(_, event)| event).collect()).map_err(|problems| {
        assert!(problems.iter().all(|problem| !problem.zh.is_empty() && !problem.en.is_empty()));
        problems.into_iter().map(|problem| (problem.field, problem.code)).collect()
    })
}

const NOW: &str = r#""at":"2025-06-05T04:00:00Z""#;
const SEEN: (&str, &str) = ("alert.acknowledged", NOW);

#[test]
fn a_case_is_acknowledged_once_and_that_can_be_taken_back() {
    let cases = given(&[]);
    assert_eq!(when(&cases, r#""action":"acknowledge""#), Ok(vec![event("alert.acknowledged", NOW)]));
    assert_eq!(when(&cases, r#""action":"unacknowledge""#), Ok(Vec::new()));
    let cases = given(&[SEEN]);
    assert_eq!(when(&cases, r#""action":"acknowledge""#), Ok(Vec::new()));
    assert_eq!(when(&cases, r#""action":"unacknowledge""#), Ok(vec![event("alert.acknowledgement_withdrawn", NOW)]));
}

#[test]
fn a_case_is_taken_by_whoever_says_so_and_handed_over_to_whom_they_name() {
    let taken = event("alert.assigned", &format!(r#""to":"体育局一科",{NOW}"#));
    assert_eq!(when(&given(&[]), r#""action":"take""#), Ok(vec![taken]));
    let cases = given(&[("alert.assigned", &format!(r#""to":"体育局一科",{NOW}"#))]);
    assert_eq!(when(&cases, r#""action":"take""#), Ok(Vec::new()));
    let handed = event("alert.assigned", &format!(r#""to":"二科",{NOW},"note":"请接办""#));
    assert_eq!(when(&cases, r#""action":"assign","to":"二科","note":"请接办""#), Ok(vec![handed]));
    assert_eq!(when(&cases, r#""action":"assign""#), Err(vec![("to", "missing")]));
}

#[test]
fn an_act_names_its_kind_and_counts_from_the_day_the_case_opened() {
    let cases = given(&[]);
    let act = |fields: &str| when(&cases, &format!(r#""action":"act",{fields}"#));
    let done = event("alert.acted_on", &format!(r#"{NOW},"kind":"on_site_check","date":"2025-06-05""#));
    assert_eq!(act(r#""kind":"on_site_check""#), Ok(vec![done]));
    assert_eq!(when(&cases, r#""action":"act""#), Err(vec![("kind", "missing")]));
    assert_eq!(act(r#""kind":"on_site_check","date":"2025-06-01""#), Err(vec![("date", "before_case")]));
    assert_eq!(act(r#""kind":"talk""#), Err(vec![("kind", "has_its_own_record")]));
}

#[test]
fn a_duty_is_waived_with_a_reason_while_it_stands() {
    let cases = given(&[]);
    let waive = |fields: &str| when(&cases, &format!(r#""action":"waive",{fields}"#));
    let waived = event("alert.duty_waived", &format!(r#""duty":"{TALK}",{NOW},"reason":"已退费""#));
    assert_eq!(waive(&format!(r#""duty":"{TALK}","note":"已退费""#)), Ok(vec![waived]));
    assert_eq!(waive(&format!(r#""duty":"{TALK}""#)), Err(vec![("note", "missing")]));
    assert_eq!(waive(r#""note":"x""#), Err(vec![("duty", "missing")]));
    assert_eq!(waive(&format!(r#""duty":"{CASE}","note":"x""#)), Err(vec![("duty", "unknown_duty")]));
    let cases = given(&[("enforcement.talk_held", r#""date":"2025-06-03""#)]);
    let again = when(&cases, &format!(r#""action":"waive","duty":"{TALK}","note":"x""#));
    assert_eq!(again, Err(vec![("duty", "duty_ended")]));
}

#[test]
fn a_pause_has_an_end_and_a_reason_is_not_too_long_and_never_covers_red() {
    let cases = given(&[]);
    let pause = |duty: Uuid, fields: &str| when(&cases, &format!(r#""action":"pause","duty":"{duty}",{fields}"#));
    let fields = format!(r#""duty":"{TALK}",{NOW},"until":"2025-06-20T16:00:00Z","reason":"等回函""#);
    let paused = event("alert.duty_paused", &fields);
    assert_eq!(pause(TALK, r#""until":"2025-06-20","note":"等回函""#), Ok(vec![paused]));
    assert_eq!(pause(TALK, r#""note":"等回函""#), Err(vec![("until", "missing")]));
    assert_eq!(pause(TALK, r#""until":"2025-06-20""#), Err(vec![("note", "missing")]));
    assert_eq!(pause(TALK, r#""until":"2025-07-06","note":"x""#), Err(vec![("until", "pause_too_long")]));
    assert_eq!(pause(TALK, r#""until":"2025-06-04","note":"x""#), Err(vec![("until", "pause_too_long")]));
    assert_eq!(pause(VISIT, r#""until":"2025-06-06","note":"x""#), Err(vec![("duty", "red")]));
}

#[test]
fn a_case_ends_when_nothing_is_left_to_do() {
    let close = r#""action":"close","outcome":"rectified""#;
    assert_eq!(when(&given(&[]), close), Err(vec![("outcome", "duties_open")]));
    let visit = r#""at":"2025-06-03T02:00:00Z","kind":"on_site_check","date":"2025-06-03""#;
    let done: [(&str, &str); 2] = [("alert.acted_on", visit), ("enforcement.talk_held", r#""date":"2025-06-03""#)];
    let cases = given(&done);
    assert_eq!(when(&cases, close), Ok(vec![event("alert.closed", &format!(r#"{NOW},"outcome":"rectified""#))]));
    assert_eq!(when(&cases, r#""action":"close""#), Err(vec![("outcome", "missing")]));
    assert_eq!(when(&cases, r#""action":"close","outcome":"other""#), Err(vec![("note", "missing")]));
    assert_eq!(when(&cases, r#""action":"close","outcome":"light_out""#), Err(vec![("outcome", "not_yours")]));
    let over = [done[0], done[1], ("alert.closed", NOW)];
    let cases = given(&over);
    assert_eq!(when(&cases, r#""action":"acknowledge""#), Err(vec![("alert", "case_closed")]));
    assert!(when(&cases, r#""action":"note","note":"回访""#).is_ok());
    assert_eq!(when(&cases, r#""action":"note""#), Err(vec![("note", "missing")]));
}

#[test]
fn a_case_of_another_merchant_is_no_case() {
    let json =
        format!(r#"{{"command":"handle_case","alert":"{CASE}","credit_code":"91110108MA01KPGK0J","action":"take"}}"#);
    let Command::HandleCase(row) = serde_json::from_str(&json).unwrap() else { panic!() };
    let cases = given(&[]);
    let doing = Doing { case: cases.get(CASE), actor: "x", pause_days: 30, ..Doing::default() };
    let problems = decide(&row, doing, "2025-06-05T04:00:00Z".parse().unwrap()).unwrap_err();
    assert_eq!(problems[0].code, "unknown_case");
}
