//! Custody accounts, tenants, what is done about tickets, the grey list, locks of persons; filings amended and volunteered, shops
//! that reopen, orders that were missed.

use super::*;

/// Says the same twice, in another spelling where one is given, cancels it, and says it once more.
fn once(command: &str, row: &str, again: &str, events: Story<'_>, entry: &str) {
    given(&[]).when(command, row, TODAY).then(events);
    given(events).when(command, again, TODAY).then_unchanged();
    let entry = format!(r#""entry":{entry},"reason":"x""#);
    given(events).when("cancel_entry", &entry, TODAY).then(&[("entry.cancelled", &entry)]);
    let mut cancelled = events.to_vec();
    cancelled.push(("entry.cancelled", &entry));
    given(&cancelled).when("cancel_entry", &entry, TODAY).then_unchanged();
    given(&[]).when("cancel_entry", &entry, TODAY).then_refused(&[("entry", "no_such_entry")]);
    let first = given(&cancelled).when(command, row, TODAY).decision().events.first().cloned();
    assert_eq!(
        first.map(|(_, told)| told),
        events.first().map(|told| event(*told)),
        "said anew after it was cancelled"
    );
}

#[test]
fn an_account_is_opened_and_closed_once_by_bank_and_day() {
    let opened = r#""date":"2025-06-01","bank":"甲银行","account_tail":"0012""#;
    let row = format!(r#"{opened},"action":"open""#);
    once(
        "record_account",
        &row,
        &row.replace("甲银行", "甲 银行"),
        &[("custody.account_opened", opened)],
        r#"{"what":"account","action":"open","bank":"甲银行","date":"2025-06-01"}"#,
    );
    let there = [("custody.account_opened", opened)];
    let bare = r#""date":"2025-06-01","bank":"甲银行","action":"open""#;
    given(&there).when("record_account", bare, TODAY).then_unchanged();
    let other = opened.replace("0012", "0013");
    let corrected = format!(r#"{other},"action":"open""#);
    given(&there).when("record_account", &corrected, TODAY).then(&[("custody.account_opened", &other)]);
    let closed = r#""date":"2025-06-10","bank":"甲银行""#;
    given(&there)
        .when("record_account", &format!(r#"{closed},"action":"close""#), TODAY)
        .then(&[("custody.account_closed", closed)]);
    given(&[])
        .when("record_account", r#""date":"2025-06-10","bank":"","action":"close""#, TODAY)
        .then_refused(&[("bank", "missing")]);
}

#[test]
fn a_list_of_tenants_tells_lease_papers_and_brand_each_by_itself() {
    let shop = r#""mall":"M","unit":"1""#;
    let lease = format!(r#"{shop},"from":"2025-01-01","until":"2027-12-31""#);
    let papers = format!(r#"{shop},"date":"2025-06-01","in_order":true"#);
    let brand = format!(r#"{shop},"brand":"极光""#);
    let row = format!(
        r#"{shop},"from":"2025-01-01","until":"2027-12-31","checked_on":"2025-06-01","in_order":true,"brand":"极光""#
    );
    let all = [("mall.lease_recorded", &*lease), ("mall.papers_checked", &*papers), ("merchant.shop_linked", &*brand)];
    given(&[]).when("record_tenancy", &row, TODAY).then(&all);
    given(&all).when("record_tenancy", &row.replace("\"M\"", "\"ｍ\""), TODAY).then_unchanged();
    let longer = row.replace("2027", "2029");
    let corrected = lease.replace("2027", "2029");
    given(&all).when("record_tenancy", &longer, TODAY).then(&[("mall.lease_recorded", &corrected)]);
    once("record_tenancy", &lease, &lease, &all[..1], r#"{"what":"lease","mall":"M","unit":"1","from":"2025-01-01"}"#);
    let checked = papers.replace(r#""date""#, r#""checked_on""#);
    let entry = r#"{"what":"papers","mall":"M","unit":"1","date":"2025-06-01"}"#;
    once("record_tenancy", &checked, &checked, &all[1..2], entry);
    let entry = r#"{"what":"shop_brand","mall":"M","unit":"1","brand":"极光"}"#;
    once("record_tenancy", &brand, &brand.replace("极光", "极 光"), &all[2..], entry);
    for (fields, field) in [
        (r#""from":"2025-01-01""#, "until"),
        (r#""until":"2025-01-01""#, "from"),
        (r#""checked_on":"2025-01-01""#, "in_order"),
        (r#""in_order":false"#, "checked_on"),
        ("", "from"),
    ] {
        let row = format!("{shop},{fields}").trim_end_matches(',').to_owned();
        given(&[]).when("record_tenancy", &row, TODAY).then_refused(&[(field, "missing")]);
    }
    let backwards = format!(r#"{shop},"from":"2025-01-02","until":"2025-01-01""#);
    given(&[]).when("record_tenancy", &backwards, TODAY).then_refused(&[("until", "until_before_from")]);
}

const RECEIVED: (&str, &str) = (
    "complaint.received",
    r#""ticket":"T1","channel":"12345","kind":"refund","received_at":"2025-06-01T01:00:00Z","amount":"900.00""#,
);

fn paid(amount: &str) -> String {
    format!(r#""ticket":"T1","at":"2025-06-20T02:00:00Z","amount":"{amount}""#)
}

#[test]
fn what_is_done_about_a_ticket_is_one_thing_by_what_and_when() {
    let row = format!(r#"{},"channel":"12345","step":"refund_paid""#, paid("500.00"));
    given(&[]).when("handle_complaint", &row, TODAY).then_refused(&[("ticket", "no_such_ticket")]);
    given(&[RECEIVED]).when("handle_complaint", &row, TODAY).then(&[("complaint.refund_paid", &paid("500.00"))]);
    let first = paid("500.00");
    let there = [RECEIVED, ("complaint.refund_paid", &*first)];
    given(&there).when("handle_complaint", &row.replace("T1", "t1"), TODAY).then_unchanged();
    let corrected = row.replace("500", "700");
    given(&there).when("handle_complaint", &corrected, TODAY).then(&[("complaint.refund_paid", &paid("700.00"))]);
    let recovered = |story: Story<'_>| {
        let Given(world) = given(story);
        world.get(CODE.parse().unwrap()).unwrap().complaint("T1").unwrap().recovered(Position::MAX).to_string()
    };
    let (second, other) = (paid("700.00"), paid("50.00").replace("06-20", "06-21"));
    let both = [there[0], there[1], ("complaint.refund_paid", &*second), ("complaint.refund_paid", &*other)];
    assert_eq!(
        recovered(&both),
        "750.00",
        "the correction counts instead of the first, and a further payment beside it"
    );
    let entry = r#""entry":{"what":"ticket","ticket":"T1","channel":"12345","step":"refund_paid","at":"2025-06-20T02:00:00Z"},"reason":"x""#;
    given(&there).when("cancel_entry", entry, TODAY).then(&[("entry.cancelled", entry)]);
    let cancelled = [both[0], both[1], both[2], both[3], ("entry.cancelled", entry)];
    assert_eq!(recovered(&cancelled), "50.00");
    given(&cancelled).when("cancel_entry", entry, TODAY).then_unchanged();
    let elsewhere = row.replace("12345", "12315");
    given(&there).when("handle_complaint", &elsewhere, TODAY).then_refused(&[("ticket", "no_such_ticket")]);
    let early = row.replace("06-20", "05-20");
    given(&there).when("handle_complaint", &early, TODAY).then_refused(&[("at", "before_received")]);
    let at_once = row.replace("2025-06-20T02", "2025-06-01T01");
    given(&[RECEIVED])
        .when("handle_complaint", &at_once, TODAY)
        .then(&[("complaint.refund_paid", &paid("500.00").replace("2025-06-20T02", "2025-06-01T01"))]);
    let theirs = format!(r#""credit_code":"{OTHER}",{row}"#);
    given(&there).when("handle_complaint", &theirs, TODAY).then_refused(&[("ticket", "no_such_ticket")]);
}

#[test]
fn each_step_of_a_ticket_says_its_own_and_nothing_that_would_be_lost() {
    let at = r#""ticket":"T1","at":"2025-06-20T02:00:00Z""#;
    let due = r#""due_at":"2025-06-23T02:00:00Z""#;
    let (amount, rating) = (r#""amount":"5.00""#, r#""resolved":true,"satisfied":false"#);
    for (step, kind, own, strange) in [
        ("passed_to_enterprise", "complaint.passed_to_enterprise", due, amount),
        ("settled_in_shop", "complaint.settled_in_shop", "", amount),
        ("refund_promised", "complaint.refund_promised", amount, due),
        ("rated", "complaint.rated", rating, amount),
    ] {
        let fields = format!("{at},{own}").trim_end_matches(',').to_owned();
        let row = format!(r#"{fields},"channel":"12345","step":"{step}""#);
        given(&[RECEIVED]).when("handle_complaint", &row, TODAY).then(&[(kind, &fields)]);
        given(&[RECEIVED, (kind, &fields)]).when("handle_complaint", &row, TODAY).then_unchanged();
        let more = format!("{row},{strange}");
        let field = if strange == due { "due_at" } else { "amount" };
        given(&[RECEIVED]).when("handle_complaint", &more, TODAY).then_refused(&[(field, "out_of_place")]);
    }
    let bare = |step: &str| format!(r#"{at},"channel":"12345","step":"{step}""#);
    given(&[RECEIVED]).when("handle_complaint", &bare("refund_paid"), TODAY).then_refused(&[("amount", "missing")]);
    let missing = [("resolved", "missing"), ("satisfied", "missing")];
    given(&[RECEIVED]).when("handle_complaint", &bare("rated"), TODAY).then_refused(&missing);
    given(&[RECEIVED])
        .when("handle_complaint", &bare("settled_in_shop"), "2025-06-19")
        .then_refused(&[("at", "future")]);
}

#[test]
fn the_grey_list_is_entered_reviewed_left_and_cancelled() {
    let listed = r#""entered_on":"2025-06-01","ground":"投诉集中","review_on":"2025-09-01""#;
    let entry = r#"{"what":"grey_listing","entered_on":"2025-06-01"}"#;
    once("record_grey_listing", listed, listed, &[("enforcement.grey_listed", listed)], entry);
    let there = [("enforcement.grey_listed", listed)];
    let bare = r#""entered_on":"2025-06-01""#;
    given(&there).when("record_grey_listing", bare, TODAY).then_unchanged();
    let removed = r#""entered_on":"2025-06-01","removed_on":"2025-06-20""#;
    let left = [there[0], ("enforcement.grey_delisted", removed)];
    given(&there).when("record_grey_listing", removed, TODAY).then(&left[1..]);
    given(&left).when("record_grey_listing", removed, TODAY).then_unchanged();
    let on = |story: Story<'_>, day: &str| {
        let Given(world) = given(story);
        let merchant = world.get(CODE.parse().unwrap()).unwrap();
        merchant.records().grey.iter().any(|entry| entry.is_on(day.parse().unwrap()))
    };
    assert!(
        on(&left, "2025-06-19") && !on(&left, "2025-06-20") && !on(&left, "2025-05-31") && on(&there, "2025-06-20")
    );
    let wrong = r#""entered_on":"2025-06-01","removed_on":"2025-05-20""#;
    given(&[]).when("record_grey_listing", wrong, TODAY).then_refused(&[("removed_on", "removed_before_entered")]);
}

#[test]
fn a_locked_person_is_found_wherever_the_person_turns_up_and_no_namesake() {
    let locked = r#""person":"王芳","person_digest":"AB-12","locked_on":"2025-06-01","role":"法定代表人""#;
    let entry = r#"{"what":"lock","person_digest":"ab12","locked_on":"2025-06-01"}"#;
    let again = locked.replace("王芳", "王 芳").replace("AB-12", "ab12");
    once("record_lock", locked, &again, &[("enforcement.person_locked", locked)], entry);
    let represents = |code: &str, digest: &str| {
        format!(r#""credit_code":"{code}","legal_representative":"王芳","legal_representative_digest":"{digest}""#)
    };
    let (same, namesake) = (represents(OTHER, "ab12"), represents(OTHER, "cd34"));
    let lifted = r#""person_digest":"AB12","locked_on":"2025-06-01","lifted_on":"2025-07-01""#;
    let lock = ("enforcement.person_locked", locked);
    let found = |story: Story<'_>, day: &str| {
        let Given(world) = given(story);
        let mut taken_over = World::default();
        world.merchants().iter().for_each(|merchant| taken_over.take_over(merchant.clone()));
        let locks =
            |world: &World| world.locks_on(world.get(OTHER.parse().unwrap()).unwrap(), day.parse().unwrap()).len();
        assert_eq!(locks(&world), locks(&taken_over));
        locks(&world)
    };
    assert_eq!(found(&[lock, ("merchant.registered", &same)], "2025-06-02"), 1);
    assert_eq!(found(&[("merchant.registered", &same), lock], "2025-05-31"), 0, "not locked yet");
    assert_eq!(found(&[lock, ("merchant.registered", &namesake)], "2025-06-02"), 0);
    let over = [lock, ("merchant.registered", &*same), ("enforcement.person_unlocked", lifted)];
    assert_eq!((found(&over, "2025-06-30"), found(&over, "2025-07-01")), (1, 0));
    let number = locked.replace("AB-12", "110101199003078515");
    given(&[]).when("record_lock", &number, TODAY).then_refused(&[("person_digest", "identity_number")]);
}

#[test]
fn a_filing_is_volunteered_and_amended_and_its_state_stays() {
    let volunteered = r#""date":"2025-06-01","bank":"甲银行""#;
    let row = |status: &str, fields: &str| format!(r#"{fields},"status":"{status}""#);
    let there = [("filing.volunteered", volunteered)];
    given(&[]).when("record_filing", &row("volunteered", volunteered), TODAY).then(&there);
    given(&there).when("record_filing", &row("volunteered", volunteered), TODAY).then_unchanged();
    given(&there)
        .when("record_filing", &row("submitted", volunteered), TODAY)
        .then(&[("filing.submitted", volunteered)]);
    let amended = r#""date":"2025-06-10","bank":"乙银行""#;
    given(&there).when("record_filing", &row("amended", amended), TODAY).then(&[("filing.amended", amended)]);
    given(&[]).when("record_filing", &row("amended", amended), TODAY).then_refused(&[("status", "no_standing_filing")]);
    let returned = [there[0], ("filing.returned", r#""date":"2025-06-05""#)];
    given(&returned)
        .when("record_filing", &row("amended", amended), TODAY)
        .then_refused(&[("status", "no_standing_filing")]);
    let story = [there[0], ("filing.accepted", r#""date":"2025-06-10""#), ("filing.amended", amended)];
    let Given(world) = given(&story);
    let merchant = world.get(CODE.parse().unwrap()).unwrap();
    let step = merchant.filing_on("2025-06-10".parse().unwrap(), Position::MAX).unwrap();
    assert_eq!(step.status(), Some(FilingStatus::Accepted), "an amendment of the same day replaces no other step");
    assert_eq!(merchant.bank(), Some("乙银行"));
    given(&story).when("record_filing", &row("amended", amended), TODAY).then_unchanged();
}

#[test]
fn only_a_closed_shop_reopens_and_stays_closed_for_its_light() {
    let shop = r#""mall":"M","unit":"1""#;
    let row = format!(r#"{shop},"date":"2025-06-10","action":"reopen""#);
    let reopened = format!(r#"{shop},"date":"2025-06-10""#);
    given(&[]).when("record_exit", &row, TODAY).then_refused(&[("action", "not_closed")]);
    let closed = format!(r#"{shop},"date":"2025-06-01""#);
    let there = [("mall.shop_closed", &*closed)];
    given(&there).when("record_exit", &row, TODAY).then_warned("shop_closed");
    given(&there).when("record_exit", &row, TODAY).then(&[("mall.shop_reopened", &reopened)]);
    let both = [there[0], ("mall.shop_reopened", &*reopened)];
    given(&both).when("record_exit", &row, TODAY).then_unchanged();
    let Given(world) = given(&both);
    let shop = world.get(CODE.parse().unwrap()).unwrap().shop(Some("M"), Some("1")).unwrap();
    assert!(matches!(exit_on(&shop.exits, "2025-06-30".parse().unwrap(), Position::MAX), Exit::Closed { .. }));
}

#[test]
fn an_order_that_was_missed_is_told_where_none_is_overdue() {
    let missed = r#""date":"2025-06-20""#;
    let row = format!(r#"{missed},"kind":"rectification_missed""#);
    let overdue = [("enforcement.rectification_ordered", r#""date":"2025-06-01","due_on":"2025-06-10""#)];
    let decision = given(&overdue).when("record_enforcement", &row, TODAY).decision();
    assert_eq!((decision.events.len(), decision.warnings.len()), (1, 0), "{decision:?}");
    let running = [("enforcement.rectification_ordered", r#""date":"2025-06-01","due_on":"2025-06-30""#)];
    given(&running).when("record_enforcement", &row, TODAY).then_warned("no_overdue_order");
    let met = [overdue[0], ("enforcement.rectification_met", r#""date":"2025-06-12""#)];
    given(&met).when("record_enforcement", &row, TODAY).then_warned("no_overdue_order");
}

/// By when the enterprise answers is a part of what was said: another time corrects it, and none takes nothing back.
#[test]
fn a_ticket_passed_to_the_enterprise_with_another_time_to_answer_is_corrected() {
    let passed = |due: &str| format!(r#""ticket":"T1","at":"2025-06-20T02:00:00Z"{due}"#);
    let (first, later) = (r#","due_at":"2025-06-23T02:00:00Z""#, r#","due_at":"2025-06-25T02:00:00Z""#);
    let row = |due: &str| format!(r#"{},"channel":"12345","step":"passed_to_enterprise""#, passed(due));
    let told = passed(first);
    let there = [RECEIVED, ("complaint.passed_to_enterprise", &*told)];
    given(&there[..1]).when("handle_complaint", &row(first), TODAY).then(&there[1..]);
    given(&there).when("handle_complaint", &row(first), TODAY).then_unchanged();
    given(&there).when("handle_complaint", &row(""), TODAY).then_unchanged();
    given(&there)
        .when("handle_complaint", &row(later), TODAY)
        .then(&[("complaint.passed_to_enterprise", &passed(later))]);
}

/// A lease may begin later than it is recorded; nothing that is recorded happened later.
#[test]
fn a_lease_that_begins_later_was_agreed_on_when_it_was_recorded() {
    for (from, is_ahead) in [("2025-01-01", false), ("2029-01-01", true)] {
        let row = format!(r#""mall":"M","unit":"1","from":"{from}","until":"2030-12-31""#);
        let decision = given(&[]).when("record_tenancy", &row, TODAY).decision();
        let (at, _) = decision.events.first().unwrap();
        let tomorrow = start_of(crate::domain::time::plus_days(TODAY.parse().unwrap(), 1));
        assert!(*at < tomorrow, "{from}: {at}");
        assert_eq!(*at == start_of(from.parse().unwrap()), !is_ahead, "{from}: {at}");
    }
}
