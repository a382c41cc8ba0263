//! Yellow cards taken down, on-site checks, leads, joint checks, enforcement cases.

use super::*;

const TRANSFER: &str = r#""lead":"移〔2025〕1号","date":"2025-06-02","authority":"公安局""#;
const ACCEPTED: &str = r#""lead":"移〔2025〕1号","date":"2025-06-04","authority":"公安局""#;
const CHECK: &str = r#""check":"ZH-1","date":"2025-07-10","sectors":["commerce","sport"]"#;

fn step(fields: &str, step: &str) -> String {
    format!(r#"{fields},"step":"{step}""#)
}

#[test]
fn a_yellow_card_is_taken_down_once_and_without_a_card_that_is_told() {
    let (posted, removed) = (r#""date":"2025-06-01""#, r#""date":"2025-06-20","number":"7""#);
    let row = format!(r#"{removed},"kind":"yellow_card_removed""#);
    let there = [("enforcement.yellow_card_posted", posted)];
    given(&there).when("record_enforcement", &row, TODAY).then(&[("enforcement.yellow_card_removed", removed)]);
    let gone = [there[0], ("enforcement.yellow_card_removed", removed)];
    given(&gone).when("record_enforcement", &row, TODAY).then_unchanged();
    given(&[]).when("record_enforcement", &row, TODAY).then_warned("no_card");
    let again = row.replace("06-20", "06-25");
    given(&gone).when("record_enforcement", &again, TODAY).then_warned("no_card");
}

#[test]
fn an_on_site_check_says_what_was_found_and_nothing_else_does() {
    let found = r#""date":"2025-06-20","result":"停业""#;
    let row = format!(r#"{found},"kind":"on_site_check""#);
    given(&[]).when("record_enforcement", &row, TODAY).then(&[("enforcement.site_checked", found)]);
    let there = [("enforcement.site_checked", found)];
    given(&there).when("record_enforcement", &row, TODAY).then_unchanged();
    let other = row.replace("停业", "营业");
    given(&there)
        .when("record_enforcement", &other, TODAY)
        .then(&[("enforcement.site_checked", &found.replace("停业", "营业"))]);
    let bare = r#""date":"2025-06-20","kind":"on_site_check""#;
    given(&[]).when("record_enforcement", bare, TODAY).then_refused(&[("result", "result_missing")]);
    let talk = row.replace("on_site_check", "talk");
    given(&[]).when("record_enforcement", &talk, TODAY).then_refused(&[("result", "result_out_of_place")]);
    given(&[]).when("record_enforcement", &row, "2025-06-19").then_refused(&[("date", "future")]);
}

#[test]
fn a_lead_is_transferred_then_answered_once() {
    let transferred = [("enforcement.lead_transferred", TRANSFER)];
    given(&[]).when("record_lead", &step(TRANSFER, "transferred"), TODAY).then(&transferred);
    given(&transferred).when("record_lead", &step(TRANSFER, "transferred"), TODAY).then_unchanged();
    let typed = TRANSFER.replace("移〔2025〕1号", "移〔2025〕 1号");
    given(&transferred).when("record_lead", &step(&typed, "transferred"), TODAY).then_unchanged();
    given(&transferred)
        .when("record_lead", &step(ACCEPTED, "accepted"), TODAY)
        .then(&[("enforcement.lead_accepted", ACCEPTED)]);
    let accepted = [transferred[0], ("enforcement.lead_accepted", ACCEPTED)];
    given(&accepted).when("record_lead", &step(ACCEPTED, "accepted"), TODAY).then_unchanged();
    given(&accepted).when("record_lead", &step(ACCEPTED, "returned"), TODAY).then_refused(&[("step", "contradicts")]);
    let corrected = ACCEPTED.replace("06-04", "06-03");
    given(&accepted)
        .when("record_lead", &step(&corrected, "accepted"), TODAY)
        .then(&[("enforcement.lead_accepted", &corrected)]);
    let same_day = TRANSFER.replace("06-02", "06-04");
    given(&accepted)
        .when("record_lead", &step(&same_day, "transferred"), TODAY)
        .then(&[("enforcement.lead_transferred", &same_day)]);
    let later = TRANSFER.replace("06-02", "06-20");
    given(&accepted).when("record_lead", &step(&later, "transferred"), TODAY).then_refused(&[("step", "contradicts")]);
    // Once the wrong answer is cancelled the other one is taken.
    let entry = r#""entry":{"what":"lead","lead":"移〔2025〕1号","step":"accepted"},"reason":"x""#;
    given(&accepted).when("cancel_entry", entry, TODAY).then(&[("entry.cancelled", entry)]);
    let cancelled = [accepted[0], accepted[1], ("entry.cancelled", entry)];
    given(&cancelled)
        .when("record_lead", &step(ACCEPTED, "returned"), TODAY)
        .then(&[("enforcement.lead_returned", ACCEPTED)]);
}

#[test]
fn an_answer_needs_its_lead_and_comes_after_it() {
    for answer in ["accepted", "returned"] {
        given(&[]).when("record_lead", &step(ACCEPTED, answer), TODAY).then_refused(&[("lead", "no_such_lead")]);
        let early = ACCEPTED.replace("06-04", "06-01");
        let transferred = [("enforcement.lead_transferred", TRANSFER)];
        given(&transferred)
            .when("record_lead", &step(&early, answer), TODAY)
            .then_refused(&[("date", "before_transfer")]);
        // An authority may take it or send it back on the day it gets it.
        let same_day = ACCEPTED.replace("06-04", "06-02");
        let told = format!("enforcement.lead_{answer}");
        given(&transferred).when("record_lead", &step(&same_day, answer), TODAY).then(&[(&told, &same_day)]);
    }
    let blank = r#""lead":"","date":"2025-06-02","authority":" ","step":"transferred""#;
    given(&[]).when("record_lead", blank, TODAY).then_refused(&[("lead", "missing")]);
}

#[test]
fn the_times_of_a_transfer_are_in_order_and_of_a_transfer_only() {
    let with = |more: &str, which: &str| step(&format!("{TRANSFER},{more}"), which);
    let times = r#""reported_on":"2025-05-30","approved_at":"2025-06-01T10:00:00+08:00","handed_over_at":"2025-06-02T09:00:00+08:00""#;
    given(&[("enforcement.lead_transferred", TRANSFER)])
        .when("record_lead", &with(times, "transferred"), TODAY)
        .decision();
    given(&[])
        .when("record_lead", &with(r#""reported_on":"2025-05-30""#, "accepted"), TODAY)
        .then_refused(&[("reported_on", "only_of_transfer")]);
    let approved_early = r#""reported_on":"2025-06-02","approved_at":"2025-06-01T10:00:00+08:00""#;
    given(&[])
        .when("record_lead", &with(approved_early, "transferred"), TODAY)
        .then_refused(&[("approved_at", "approved_before_reported")]);
    let swapped = r#""approved_at":"2025-06-02T10:00:00+08:00","handed_over_at":"2025-06-02T09:00:00+08:00""#;
    given(&[])
        .when("record_lead", &with(swapped, "transferred"), TODAY)
        .then_refused(&[("handed_over_at", "handed_over_before_approved")]);
    let other_day = r#""handed_over_at":"2025-06-03T09:00:00+08:00""#;
    given(&[])
        .when("record_lead", &with(other_day, "transferred"), TODAY)
        .then_refused(&[("date", "not_day_of_transfer")]);
}

#[test]
fn a_joint_check_is_proposed_of_sectors_that_are_known_and_confirmed_and_done() {
    let proposed = [("enforcement.joint_check_proposed", CHECK)];
    given(&[]).when("record_joint_check", &step(CHECK, "proposed"), TODAY).then(&proposed);
    given(&proposed).when("record_joint_check", &step(CHECK, "proposed"), TODAY).then_unchanged();
    let confirmed = [proposed[0], ("enforcement.joint_check_confirmed", CHECK)];
    given(&proposed).when("record_joint_check", &step(CHECK, "confirmed"), TODAY).then(&confirmed[1..]);
    let done = r#""check":"ZH-1","date":"2025-06-30","sectors":["commerce","sport"],"result":"已整改""#;
    given(&confirmed)
        .when("record_joint_check", &step(done, "done"), TODAY)
        .then(&[("enforcement.joint_check_done", done)]);
    let over = [confirmed[0], confirmed[1], ("enforcement.joint_check_done", done)];
    given(&over).when("record_joint_check", &step(done, "done"), TODAY).then_unchanged();
    for late in ["proposed", "confirmed"] {
        let another = CHECK.replace("07-10", "07-20");
        given(&over).when("record_joint_check", &step(&another, late), TODAY).then_refused(&[("step", "contradicts")]);
        given(&[])
            .when("record_joint_check", &step(done, late), TODAY)
            .then_refused(&[("result", "result_out_of_place")]);
    }
    given(&[]).when("record_joint_check", &step(CHECK, "confirmed"), TODAY).then_refused(&[("check", "no_such_check")]);
    given(&proposed)
        .when("record_joint_check", &step(CHECK, "done"), TODAY)
        .then_refused(&[("result", "result_missing"), ("date", "future")]);
    let one = CHECK.replace(r#""commerce","#, "");
    given(&[])
        .when("record_joint_check", &step(&one, "proposed"), TODAY)
        .then_refused(&[("sectors", "too_few_sectors")]);
    let unknown = CHECK.replace("commerce", "astrology");
    given(&[])
        .when("record_joint_check", &step(&unknown, "proposed"), TODAY)
        .then_refused(&[("sectors", "unknown_sector")]);
}

#[test]
fn a_case_is_opened_for_a_ticket_of_this_merchant_only() {
    let ticket = r#""ticket":"T","channel":"12345","received_at":"2025-06-01T01:00:00Z","kind":"refund""#;
    let received = [("complaint.received", ticket)];
    let row = r#""number":"立1","date":"2025-06-10","ticket":"T","channel":"12345""#;
    let opened = r#""number":"立1","date":"2025-06-10","ticket":"T""#;
    given(&received).when("record_case", row, TODAY).then(&[("enforcement.case_opened", opened)]);
    let there = [received[0], ("enforcement.case_opened", opened)];
    given(&there).when("record_case", row, TODAY).then_unchanged();
    given(&there)
        .when("record_case", &row.replace("12345", "12315"), TODAY)
        .then_refused(&[("ticket", "no_such_ticket")]);
    given(&[]).when("record_case", row, TODAY).then_refused(&[("ticket", "no_such_ticket")]);
    let others = ticket.replace(r#""ticket""#, &format!(r#""credit_code":"{OTHER}","ticket""#));
    given(&[("complaint.received", &others)])
        .when("record_case", row, TODAY)
        .then_refused(&[("ticket", "no_such_ticket")]);
    given(&received)
        .when("record_case", &row.replace(r#","channel":"12345""#, ""), TODAY)
        .then_refused(&[("channel", "missing")]);
    let another_day = r#""number":"立1","date":"2025-06-11""#;
    given(&there).when("record_case", another_day, TODAY).then_refused(&[("date", "contradicts")]);
    given(&[]).when("record_case", another_day, TODAY).then(&[("enforcement.case_opened", another_day)]);
}

const LETTER: &str =
    r#""number":"警1号","date":"2025-06-20","title":"警示信","to":"某店","paragraphs":["一","二"],"office":"某局""#;

#[test]
fn a_letter_that_is_an_act_records_the_act_and_its_number_is_one_letter() {
    let row = format!(r#"{LETTER},"kind":"warning_letter""#);
    let act = r#""date":"2025-06-20","number":"警1号""#;
    let issued = [("enforcement.document_issued", row.as_str()), ("enforcement.warning_letter_issued", act)];
    given(&[]).when("issue_document", &row, TODAY).then(&issued);
    given(&issued).when("issue_document", &row, TODAY).then_unchanged();
    // The act was recorded before, and the letter is made out now.
    given(&issued[1..]).when("issue_document", &row, TODAY).then(&issued[..1]);
    for other in [row.replace("二", "三"), row.replace("06-20", "06-19"), row.replace("某局", "某所")] {
        given(&issued).when("issue_document", &other, TODAY).then_refused(&[("number", "contradicts")]);
    }
    let another = row.replace("警1号", "警2号");
    let act = act.replace("警1号", "警2号");
    given(&issued)
        .when("issue_document", &another, TODAY)
        .then(&[("enforcement.document_issued", &another), ("enforcement.warning_letter_issued", &act)]);
}

#[test]
fn an_order_needs_its_due_date_and_a_notice_of_a_talk_is_no_talk() {
    let order = format!(r#"{LETTER},"kind":"rectification_order""#);
    given(&[]).when("issue_document", &order, TODAY).then_refused(&[("due_on", "due_missing")]);
    let ordered = format!(r#"{order},"due_on":"2025-07-20""#);
    given(&[]).when("issue_document", &ordered, TODAY).then(&[
        ("enforcement.document_issued", &ordered),
        ("enforcement.rectification_ordered", r#""date":"2025-06-20","due_on":"2025-07-20","number":"警1号""#),
    ]);
    let past = format!(r#"{order},"due_on":"2025-06-19""#);
    given(&[]).when("issue_document", &past, TODAY).then_refused(&[("due_on", "due_before_order")]);
    let row = r#""kind":"rectification_ordered","date":"2025-06-20","due_on":"1990-01-02""#;
    given(&[]).when("record_enforcement", row, TODAY).then_refused(&[("due_on", "due_before_order")]);
    let notice = format!(r#"{LETTER},"kind":"talk_notice","due_on":"2025-07-20""#);
    given(&[]).when("issue_document", &notice, TODAY).then(&[("enforcement.document_issued", &notice)]);
    let empty = notice.replace(r#"["一","二"]"#, r#"[" ",""]"#);
    given(&[]).when("issue_document", &empty, TODAY).then_refused(&[("paragraphs", "missing")]);
    given(&[]).when("issue_document", &notice, "2025-06-19").then_refused(&[("date", "future")]);
}

#[test]
fn what_a_correction_of_a_transfer_leaves_out_stands() {
    let times = r#""reported_on":"2025-05-30","approved_at":"2025-06-01T10:00:00+08:00","handed_over_at":"2025-06-02T09:00:00+08:00""#;
    let first = format!("{TRANSFER},{times}");
    let other = TRANSFER.replace("公安局", "税务局");
    let told = [("enforcement.lead_transferred", first.as_str()), ("enforcement.lead_transferred", other.as_str())];
    given(&told).when("record_lead", &step(&format!("{other},{times}"), "transferred"), TODAY).then_unchanged();
}
