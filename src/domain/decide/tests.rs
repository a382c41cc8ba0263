use super::super::fold::Stamp;
use super::super::world::World;
use super::*;

mod acts;
mod records;

const CODE: &str = "91110000101623741K";
const OTHER: &str = "91110108MA01KPGK0J";

/// What has happened.
struct Given(World);

/// A command decided on it.
struct Decided(Result<Decision, Vec<Problem>>);

/// Events as (type, fields); the credit code is added.
type Story<'a> = &'a [(&'a str, &'a str)];

fn event((kind, fields): (&str, &str)) -> Event {
    let code = if fields.contains("credit_code") { String::new() } else { format!(r#""credit_code":"{CODE}","#) };
    let json = format!("{{{code}{fields}}}").replace(",}", "}");
    Event::decode(kind, 1, &json).unwrap_or_else(|error| panic!("{kind} {json}: {error}"))
}

fn given(story: Story<'_>) -> Given {
    let mut world = World::default();
    for (position, told) in (1..).zip(story) {
        let event = event(*told);
        let stamp = Stamp { position, recorded_at: Instant::UNIX_EPOCH, history: false };
        world.fold(stamp, &event);
    }
    Given(world)
}

impl Given {
    /// Decides a command at noon of a day in Shanghai.
    fn when(&self, command: &str, fields: &str, day: &str) -> Decided {
        let code = if fields.contains("credit_code") { String::new() } else { format!(r#""credit_code":"{CODE}","#) };
        let json = format!(r#"{{"command":"{command}",{code}{fields}}}"#).replace(",}", "}");
        let command: Command = serde_json::from_str(&json).unwrap_or_else(|error| panic!("{json}: {error}"));
        let sectors = ["commerce".to_owned(), "sport".to_owned()];
        let queue = Queue::default();
        let known = Known::of(&self.0, &queue, &command, &sectors);
        Decided(decide(&command, known, format!("{day}T12:00:00+08:00").parse().unwrap()))
    }
}

impl Decided {
    fn decision(self) -> Decision {
        self.0.unwrap_or_else(|problems| panic!("refused: {problems:?}"))
    }

    #[track_caller]
    fn then(self, expected: Story<'_>) {
        let found: Vec<Event> = self.decision().events.into_iter().map(|(_, event)| event).collect();
        assert_eq!(found, expected.iter().copied().map(event).collect::<Vec<_>>());
    }

    #[track_caller]
    fn then_unchanged(self) {
        assert_eq!(self.decision().events, []);
    }

    #[track_caller]
    fn then_warned(self, code: &str) {
        let decision = self.decision();
        assert!(decision.warnings.iter().any(|warning| warning.code == code), "{:?}", decision.warnings);
        assert!(!decision.events.is_empty());
    }

    #[track_caller]
    fn then_refused(self, expected: &[(&str, &str)]) {
        let problems = self.0.expect_err("it was not refused");
        let found: Vec<_> = problems.iter().map(|problem| (problem.field, problem.code)).collect();
        assert_eq!(found, expected);
        assert!(problems.iter().all(|problem| !problem.zh.is_empty() && !problem.en.is_empty()));
    }
}

const TODAY: &str = "2025-07-01";
const ROW: &str = r#""name":"极光","industry_code":"8040","mall":"M","unit":"1""#;
const SHOP: &str = r#""mall":"M","unit":"1""#;

/// A shop's place with more fields behind it.
fn shop(more: &str) -> String {
    format!("{SHOP},{more}")
}

#[test]
fn a_first_row_registers_the_merchant_and_opens_its_shop() {
    let shop = r#""mall":"M","unit":"1","name":"极光""#;
    given(&[])
        .when("register_merchant", ROW, TODAY)
        .then(&[("merchant.registered", ROW), ("merchant.shop_opened", shop)]);
}

#[test]
fn a_row_of_the_register_sent_again_is_unchanged_and_another_one_changes_details() {
    let there = [("merchant.registered", ROW), ("merchant.shop_opened", r#""mall":"M","unit":"1","name":"极光""#)];
    given(&there).when("register_merchant", ROW, TODAY).then_unchanged();
    let renamed = ROW.replace("极光", "晨星");
    given(&there).when("register_merchant", &renamed, TODAY).then(&[("merchant.details_changed", &renamed)]);
    let third = [&there[..], &[("merchant.details_changed", renamed.as_str())]].concat();
    given(&third).when("register_merchant", ROW, TODAY).then(&[("merchant.details_changed", ROW)]);
}

#[test]
fn a_placeholder_becomes_a_merchant_when_its_row_comes() {
    let balance = r#""date":"2025-06-30","outstanding":"100""#;
    given(&[("prepaid.reported", balance)])
        .when("register_merchant", r#""name":"极光""#, TODAY)
        .then(&[("merchant.registered", r#""name":"极光""#), ("merchant.shop_opened", r#""name":"极光""#)]);
}

#[test]
fn a_row_of_the_register_with_a_wrong_industry_code_or_founded_tomorrow_is_refused() {
    let wrong = r#""industry_code":"eighty","founded_on":"2025-07-02""#;
    given(&[])
        .when("register_merchant", wrong, TODAY)
        .then_refused(&[("founded_on", "future"), ("industry_code", "industry_code")]);
}

#[test]
fn a_code_whose_check_character_fails_is_taken_with_a_warning() {
    let row = r#""credit_code":"91110000101623741X","name":"极光""#;
    given(&[]).when("register_merchant", row, TODAY).then_warned("check_character");
}

#[test]
fn a_sector_is_assigned_from_a_day_on_also_ahead() {
    let sport = r#""sector":"sport","effective_on":"2025-08-01""#;
    given(&[]).when("assign_sector", sport, TODAY).then(&[("merchant.sector_assigned", sport)]);
    given(&[("merchant.sector_assigned", sport)]).when("assign_sector", sport, TODAY).then_unchanged();
    let other = r#""sector":"commerce","effective_on":"2025-08-01""#;
    given(&[("merchant.sector_assigned", sport)])
        .when("assign_sector", other, TODAY)
        .then(&[("merchant.sector_assigned", other)]);
}

#[test]
fn a_sector_nobody_has_heard_of_is_refused_and_the_choices_named() {
    let unknown = r#""sector":"astrology","effective_on":"2025-07-01""#;
    let decided = given(&[]).when("assign_sector", unknown, TODAY);
    assert!(decided.0.as_ref().unwrap_err()[0].en.contains("commerce, sport"));
    decided.then_refused(&[("sector", "unknown_sector")]);
}

#[test]
fn every_step_of_a_filing_is_an_event_of_its_own() {
    let step = r#""date":"2025-06-30","bank":"北京银行","account_tail":"1234""#;
    for (status, kind) in [
        ("submitted", "filing.submitted"),
        ("accepted", "filing.accepted"),
        ("returned", "filing.returned"),
        ("cancelled", "filing.cancelled"),
    ] {
        let command = format!(r#""status":"{status}",{step}"#);
        given(&[]).when("record_filing", &command, TODAY).then(&[(kind, step)]);
        given(&[(kind, step)]).when("record_filing", &command, TODAY).then_unchanged();
    }
    // The same day and bank, another step.
    given(&[("filing.submitted", step)])
        .when("record_filing", &format!(r#""status":"accepted",{step}"#), TODAY)
        .then(&[("filing.accepted", step)]);
}

#[test]
fn a_filing_without_a_step_or_from_tomorrow_is_refused() {
    given(&[])
        .when("record_filing", r#""status":"none","date":"2025-07-02""#, TODAY)
        .then_refused(&[("status", "not_a_step"), ("date", "future")]);
}

#[test]
fn a_balance_is_reported_once_and_corrected_by_another_of_the_same_day() {
    let first = r#""date":"2025-06-30","outstanding":"500000""#;
    let corrected = r#""date":"2025-06-30","outstanding":"400000""#;
    given(&[]).when("report_balance", first, TODAY).then(&[("prepaid.reported", first)]);
    given(&[("prepaid.reported", first)]).when("report_balance", first, TODAY).then_unchanged();
    let both = [("prepaid.reported", first), ("prepaid.reported", corrected)];
    given(&both[..1]).when("report_balance", corrected, TODAY).then(&both[1..]);
    // The first figure, said again, is a correction back; the second is what stands.
    given(&both).when("report_balance", first, TODAY).then(&both[..1]);
    given(&both).when("report_balance", corrected, TODAY).then_unchanged();
    let ahead = r#""date":"2025-07-02","outstanding":"1""#;
    given(&[]).when("report_balance", ahead, TODAY).then_refused(&[("date", "future")]);
}

#[test]
fn an_abnormal_flow_is_an_event_besides_the_balance_and_one_a_day() {
    let plain = r#""date":"2025-06-30","held":"200000""#;
    let abnormal = r#""date":"2025-06-30","held":"200000","abnormal":true"#;
    let flow = ("custody.abnormal_flow_reported", r#""date":"2025-06-30""#);
    given(&[]).when("report_custody", plain, TODAY).then(&[("custody.balance_reported", plain)]);
    given(&[("custody.balance_reported", plain)]).when("report_custody", plain, TODAY).then_unchanged();
    let told = [("custody.balance_reported", abnormal), flow];
    given(&told[..0]).when("report_custody", abnormal, TODAY).then(&told);
    given(&told).when("report_custody", abnormal, TODAY).then_unchanged();
    let corrected = r#""date":"2025-06-30","held":"190000","abnormal":true"#;
    given(&told).when("report_custody", corrected, TODAY).then(&[("custody.balance_reported", corrected)]);
    let ahead = r#""date":"2025-07-02","held":"1""#;
    given(&[]).when("report_custody", ahead, TODAY).then_refused(&[("date", "future")]);
}

#[test]
fn a_guarantee_may_begin_ahead_but_not_end_before_it_begins() {
    let guarantee = r#""kind":"guarantee","amount":"100000","from":"2025-08-01","until":"2026-07-31""#;
    given(&[]).when("post_guarantee", guarantee, TODAY).then(&[("custody.guarantee_posted", guarantee)]);
    given(&[("custody.guarantee_posted", guarantee)]).when("post_guarantee", guarantee, TODAY).then_unchanged();
    let backwards = r#""kind":"insurance","amount":"1","from":"2025-08-01","until":"2025-07-31""#;
    given(&[]).when("post_guarantee", backwards, TODAY).then_refused(&[("until", "until_before_from")]);
}

#[test]
fn a_notice_is_posted_amended_and_withdrawn_while_it_stands() {
    let notice = shop(r#""date":"2025-05-01","planned_on":"2025-08-01""#);
    let later = shop(r#""date":"2025-05-20","planned_on":"2025-09-01""#);
    let step = shop(r#""date":"2025-06-01""#);
    let posted = [("mall.exit_notice_posted", notice.as_str())];
    given(&[]).when("record_exit", &format!(r#"{notice},"action":"post""#), TODAY).then(&posted);
    given(&posted).when("record_exit", &format!(r#"{notice},"action":"post""#), TODAY).then_unchanged();
    let amended = [posted[0], ("mall.exit_notice_amended", later.as_str())];
    given(&posted).when("record_exit", &format!(r#"{later},"action":"amend""#), TODAY).then(&amended[1..]);
    given(&amended).when("record_exit", &format!(r#"{later},"action":"amend""#), TODAY).then_unchanged();
    let withdrawn = [&amended[..], &[("mall.exit_notice_withdrawn", step.as_str())]].concat();
    given(&amended).when("record_exit", &format!(r#"{step},"action":"withdraw""#), TODAY).then(&withdrawn[2..]);
    // Sent again it is unchanged, although no notice stands any more.
    given(&withdrawn).when("record_exit", &format!(r#"{step},"action":"withdraw""#), TODAY).then_unchanged();
}

#[test]
fn an_amendment_or_withdrawal_needs_a_notice_that_stands_on_its_day() {
    let notice = shop(r#""date":"2025-05-10","planned_on":"2025-08-01""#);
    let posted = [("mall.exit_notice_posted", notice.as_str())];
    let early = shop(r#""date":"2025-05-09","planned_on":"2025-09-01","action":"amend""#);
    let same_day = shop(r#""date":"2025-05-10","action":"withdraw""#);
    let other_shop = r#""mall":"M","unit":"2","date":"2025-05-11","action":"withdraw""#;
    let refused = [("action", "no_standing_notice")];
    given(&[]).when("record_exit", &early, TODAY).then_refused(&refused);
    given(&posted).when("record_exit", &early, TODAY).then_refused(&refused);
    given(&posted).when("record_exit", other_shop, TODAY).then_refused(&refused);
    given(&posted)
        .when("record_exit", &same_day, TODAY)
        .then(&[("mall.exit_notice_withdrawn", &shop(r#""date":"2025-05-10""#))]);
}

#[test]
fn after_a_closing_later_steps_are_kept() {
    let closed = shop(r#""date":"2025-05-01""#);
    let amendment = shop(r#""date":"2025-05-09","planned_on":"2025-09-01""#);
    given(&[("mall.shop_closed", &closed)])
        .when("record_exit", &format!(r#"{amendment},"action":"amend""#), TODAY)
        .then(&[("mall.exit_notice_amended", &amendment)]);
    given(&[("mall.shop_closed", &closed)])
        .when("record_exit", &format!(r#"{closed},"action":"close""#), TODAY)
        .then_unchanged();
    let again = shop(r#""date":"2025-06-01""#);
    given(&[("mall.shop_closed", &closed)])
        .when("record_exit", &format!(r#"{again},"action":"close""#), TODAY)
        .then(&[("mall.shop_closed", &again)]);
}

#[test]
fn a_notice_without_a_planned_day_or_from_tomorrow_is_refused() {
    for action in ["post", "amend"] {
        given(&[])
            .when("record_exit", &shop(&format!(r#""date":"2025-07-02","action":"{action}""#)), TODAY)
            .then_refused(&[("planned_on", "planned_missing"), ("date", "future")]);
    }
}

const TICKET: &str = r#""ticket":"T1","channel":"mall","received_at":"2025-06-01T09:00:00+08:00","kind":"refund""#;

#[test]
fn a_ticket_is_received_answered_and_closed_in_one_row_or_several() {
    let answered = r#""answered_at":"2025-06-01T10:00:00+08:00""#;
    let closed = r#""closed_at":"2025-06-03T10:00:00+08:00","outcome":"resolved""#;
    let answer = ("complaint.answered", r#""ticket":"T1","at":"2025-06-01T10:00:00+08:00""#);
    let end = ("complaint.resolved", r#""ticket":"T1","at":"2025-06-03T10:00:00+08:00""#);
    let all = [("complaint.received", TICKET), answer, end];
    let whole = format!("{TICKET},{answered},{closed}");
    given(&[]).when("record_complaint", &whole, TODAY).then(&all);
    given(&[]).when("record_complaint", TICKET, TODAY).then(&all[..1]);
    given(&all[..1]).when("record_complaint", TICKET, TODAY).then_unchanged();
    given(&all[..1]).when("record_complaint", &whole, TODAY).then(&all[1..]);
    given(&all[..2]).when("record_complaint", &whole, TODAY).then(&all[2..]);
    given(&all).when("record_complaint", &whole, TODAY).then_unchanged();
    // What a later row leaves blank takes nothing back.
    given(&all).when("record_complaint", TICKET, TODAY).then_unchanged();
}

#[test]
fn a_ticket_ends_in_one_of_four_ways() {
    for (outcome, kind) in [
        ("resolved", "complaint.resolved"),
        ("unresolved", "complaint.closed_unresolved"),
        ("withdrawn", "complaint.withdrawn"),
        ("merged", "complaint.merged"),
    ] {
        let row = format!(r#"{TICKET},"closed_at":"2025-06-03T10:00:00+08:00","outcome":"{outcome}""#);
        given(&[("complaint.received", TICKET)])
            .when("record_complaint", &row, TODAY)
            .then(&[(kind, r#""ticket":"T1","at":"2025-06-03T10:00:00+08:00""#)]);
    }
}

#[test]
fn an_amount_and_a_due_time_are_filled_in_later_once() {
    let due = r#""due_at":"2025-06-08T09:00:00+08:00""#;
    let more = format!(r#""ticket":"T1","amount":"1000",{due}"#);
    let row = format!(r#"{TICKET},"amount":"1000",{due}"#);
    let story = [("complaint.received", TICKET), ("complaint.supplemented", more.as_str())];
    given(&story[..1]).when("record_complaint", &row, TODAY).then(&story[1..]);
    given(&story).when("record_complaint", &row, TODAY).then_unchanged();
    let corrected = r#""ticket":"T1","amount":"2000","due_at":"2025-06-09T09:00:00+08:00",
        "before":{"amount":"1000","due_at":"2025-06-08T09:00:00+08:00"}"#;
    given(&story)
        .when("record_complaint", &row.replace("1000", "2000").replace("06-08", "06-09"), TODAY)
        .then(&[("complaint.corrected", corrected)]);
}

#[test]
fn a_ticket_that_says_something_else_is_a_correction_and_what_it_adds_is_taken() {
    let end = ("complaint.resolved", r#""ticket":"T1","at":"2025-06-03T10:00:00+08:00""#);
    let recast = TICKET.replace("refund", "closed");
    let closed = format!(r#"{recast},"closed_at":"2025-06-03T10:00:00+08:00","outcome":"resolved""#);
    let kind = ("complaint.corrected", r#""ticket":"T1","kind":"closed","before":{"kind":"refund"}"#);
    given(&[("complaint.received", TICKET)]).when("record_complaint", &closed, TODAY).then(&[kind, end]);
    let reopened = format!(r#"{TICKET},"closed_at":"2025-06-04T10:00:00+08:00","outcome":"unresolved""#);
    let other = (
        "complaint.corrected",
        r#""ticket":"T1","closed_at":"2025-06-04T10:00:00+08:00","outcome":"unresolved",
        "before":{"closed_at":"2025-06-03T10:00:00+08:00","outcome":"resolved"}"#,
    );
    let story = [("complaint.received", TICKET), end];
    given(&story).when("record_complaint", &reopened, TODAY).then(&[other]);
    // And back again: A, then B, then A ends with A.
    let first = format!(r#"{TICKET},"closed_at":"2025-06-03T10:00:00+08:00","outcome":"resolved""#);
    let corrected = given(&[story[0], story[1], other]);
    assert_eq!(corrected.when("record_complaint", &first, TODAY).decision().events.len(), 1);
    corrected.when("record_complaint", &reopened, TODAY).then_unchanged();
    corrected.when("record_complaint", TICKET, TODAY).then_unchanged();
}

#[test]
fn a_ticket_of_another_time_of_receipt_or_another_merchant_is_refused() {
    let story = [("complaint.received", TICKET)];
    let later = TICKET.replace("2025-06-01T09", "2025-06-02T09");
    given(&story).when("record_complaint", &later, TODAY).then_refused(&[("received_at", "contradicts")]);
    let other = format!(r#"{TICKET},"credit_code":"{OTHER}""#);
    given(&story).when("record_complaint", &other, TODAY).then_refused(&[("credit_code", "contradicts")]);
}

/// A command with the events that tell it, said with another value and then with the first again.
#[test]
fn a_then_b_then_a_ends_with_a_for_every_kind_of_row() {
    for (command, event, a, b) in [
        ("report_balance", "prepaid.reported", r#""date":"2025-06-01","outstanding":"1.00""#, ("1.00", "2.00")),
        (
            "report_balance",
            "prepaid.reported",
            r#""date":"2025-06-01","outstanding":"1.00","revenue_last_year":"7.00""#,
            ("7.00", "8.00"),
        ),
        ("report_custody", "custody.balance_reported", r#""date":"2025-06-01","held":"1.00""#, ("1.00", "2.00")),
        (
            "post_guarantee",
            "custody.guarantee_posted",
            r#""kind":"guarantee","amount":"1.00","from":"2025-06-01","until":"2025-07-01""#,
            ("07-01", "08-01"),
        ),
        (
            "record_exit",
            "mall.exit_notice_posted",
            r#""mall":"M","unit":"1","date":"2025-06-01","planned_on":"2025-09-01""#,
            ("09-01", "08-01"),
        ),
        (
            "record_exit",
            "mall.exit_notice_posted",
            r#""mall":"M","unit":"1","date":"2025-06-01","planned_on":"2025-09-01","refund_plan":"desk""#,
            ("desk", "mail"),
        ),
        (
            "report_complaint_rate",
            "mall.complaint_rate_reported",
            r#""mall":"M","unit":"1","date":"2025-06-01","ratio":"0.01""#,
            ("0.01", "0.02"),
        ),
        (
            "report_prepaid_share",
            "mall.prepaid_share_reported",
            r#""mall":"M","unit":"1","date":"2025-06-01","ratio":"0.1""#,
            ("0.1", "0.2"),
        ),
        (
            "record_enforcement",
            "enforcement.rectification_ordered",
            r#""date":"2025-06-01","due_on":"2025-06-05","number":"1""#,
            ("06-05", "06-06"),
        ),
        ("register_merchant", "merchant.registered", r#""legal_representative":"Zhang""#, ("Zhang", "Li")),
        (
            "assign_sector",
            "merchant.sector_assigned",
            r#""effective_on":"2025-06-01","sector":"sport""#,
            ("sport", "commerce"),
        ),
    ] {
        let more = match command {
            "record_exit" => r#","action":"post","new_unit":true"#,
            "record_enforcement" => r#","kind":"rectification_ordered""#,
            _ => "",
        };
        let row = |said: &str| format!("{said}{more}");
        let other = a.replacen(b.0, b.1, 1);
        let shop = [("merchant.shop_opened", ""); 1];
        let story = |said: &[&str]| -> Vec<(&str, String)> {
            let places = shop.iter().filter(|_| command == "register_merchant").map(|(kind, _)| (*kind, String::new()));
            places.chain(said.iter().map(|said| (event, (*said).to_owned()))).collect()
        };
        let given_said = |said: &[&str]| {
            let told = story(said);
            let told: Vec<(&str, &str)> = told.iter().map(|(kind, fields)| (*kind, fields.as_str())).collect();
            given(&told)
        };
        given_said(&[a]).when(command, &row(a), TODAY).then_unchanged();
        for said in [&[a][..], &[a, &other, a]] {
            let decided = given_said(said).when(command, &row(&other), TODAY).decision();
            assert_eq!(decided.events.len(), 1, "{command}: {other} after {said:?}");
        }
        let again = given_said(&[a, &other]);
        assert_eq!(again.when(command, &row(a), TODAY).decision().events.len(), 1, "{command}: {a} again");
        again.when(command, &row(&other), TODAY).then_unchanged();
    }
}

#[test]
fn what_a_later_row_leaves_out_stands() {
    let told = [
        ("prepaid.reported", r#""date":"2025-06-01","outstanding":"1.00","revenue_last_year":"7.00""#),
        ("prepaid.reported", r#""date":"2025-06-01","outstanding":"2.00""#),
        ("custody.balance_reported", r#""date":"2025-06-01","held":"1.00","abnormal":true"#),
        ("enforcement.listed", r#""list":"serious","entered_on":"2025-06-01""#),
        ("enforcement.delisted", r#""list":"serious","entered_on":"2025-06-01","removed_on":"2025-06-10""#),
    ];
    let said = |command: &str, fields: &str| given(&told).when(command, fields, TODAY);
    said("report_balance", r#""date":"2025-06-01","outstanding":"2.00","revenue_last_year":"7.00""#).then_unchanged();
    said("report_custody", r#""date":"2025-06-01","held":"1.00""#).then_unchanged();
    said("report_custody", r#""date":"2025-06-01","held":"1.00","abnormal":false"#)
        .then(&[("custody.balance_reported", r#""date":"2025-06-01","held":"1.00""#)]);
    said("report_custody", r#""date":"2025-06-01","held":"2.00""#)
        .then(&[("custody.balance_reported", r#""date":"2025-06-01","held":"2.00","abnormal":true"#)]);
    said("record_listing", r#""list":"serious","entered_on":"2025-06-01""#).then_unchanged();
    // To take something back a row must say so: 9999-12-31 is no end.
    let back = r#""list":"serious","entered_on":"2025-06-01","removed_on":"9999-12-31""#;
    said("record_listing", back).then(&[("enforcement.delisted", back)]);
    given(&[told[3]]).when("record_listing", back, TODAY).then_unchanged();
}

#[test]
fn acts_without_a_number_are_one_only_if_all_cells_are_equal() {
    let order = r#""date":"2025-06-01","due_on":"2025-06-05""#;
    let told = [("enforcement.rectification_ordered", order)];
    let row = |more: &str| format!(r#""kind":"rectification_ordered","date":"2025-06-01",{more}"#);
    given(&told).when("record_enforcement", &row(r#""due_on":"2025-06-05""#), TODAY).then_unchanged();
    let decision = given(&told).when("record_enforcement", &row(r#""due_on":"2025-06-06""#), TODAY).decision();
    assert_eq!(decision.events.len(), 1);
    let mut world = given(&told);
    for (_, event) in decision.events {
        world.0.fold(Stamp { position: 9, recorded_at: Instant::UNIX_EPOCH, history: false }, &event);
    }
    let acts = &world.0.at(0).unwrap().acts;
    assert!(acts.len() == 2 && acts.iter().all(|act| act.until == STANDING), "both stand: {acts:?}");
}

#[test]
fn an_entry_made_by_mistake_is_cancelled_once_and_what_was_known_before_stays() {
    use crate::domain::exit::exit_on;
    let notice = shop(r#""date":"2025-05-01","planned_on":"2025-09-01""#);
    let closing = shop(r#""date":"2025-06-01""#);
    let told = [("mall.exit_notice_posted", notice.as_str()), ("mall.shop_closed", closing.as_str())];
    let cancel = |entry: &str| format!(r#""entry":{{{entry}}},"reason":"it was another shop""#);
    let closed = cancel(&format!(r#""what":"exit",{SHOP},"action":"close","date":"2025-06-01""#));
    let decision = given(&told).when("cancel_entry", &closed, TODAY).decision();
    let mut world = given(&told);
    for (_, event) in decision.events {
        world.0.fold(Stamp { position: 3, recorded_at: Instant::UNIX_EPOCH, history: false }, &event);
    }
    let day = "2025-06-30".parse().unwrap();
    let exits = |world: &Given, known| exit_on(&world.0.at(0).unwrap().shops[0].exits, day, known);
    assert!(matches!(exits(&world, 2), Exit::Closed { .. }), "as known before");
    assert!(matches!(exits(&world, Position::MAX), Exit::Announced { .. }));
    world.when("cancel_entry", &closed, TODAY).then_unchanged();
    // Said anew it counts anew.
    let again = shop(r#""action":"close","date":"2025-06-01""#);
    assert_eq!(world.when("record_exit", &again, TODAY).decision().events.len(), 1);
    let never = cancel(r#""what":"balance","date":"2025-06-01""#);
    world.when("cancel_entry", &never, TODAY).then_refused(&[("entry", "no_such_entry")]);
    let silent = closed.replace("it was another shop", "");
    world.when("cancel_entry", &silent, TODAY).then_refused(&[("reason", "missing")]);
}

#[test]
fn a_ticket_half_closed_or_answered_before_it_came_is_refused() {
    given(&[])
        .when("record_complaint", &format!(r#"{TICKET},"outcome":"resolved""#), TODAY)
        .then_refused(&[("closed_at", "outcome_without_closing")]);
    given(&[])
        .when("record_complaint", &format!(r#"{TICKET},"closed_at":"2025-06-03T10:00:00+08:00""#), TODAY)
        .then_refused(&[("outcome", "closed_without_outcome")]);
    given(&[])
        .when("record_complaint", &format!(r#"{TICKET},"answered_at":"2025-06-01T08:59:59+08:00""#), TODAY)
        .then_refused(&[("answered_at", "before_received")]);
}

#[test]
fn a_signal_sent_again_with_its_clearing_adds_the_clearing_only() {
    let raised = shop(r#""kind":"rent_arrears","date":"2025-06-01""#);
    let row = shop(r#""kind":"rent_arrears","date":"2025-06-01","cleared_on":"2025-06-20""#);
    let story = [("mall.signal_raised", raised.as_str()), ("mall.signal_cleared", row.as_str())];
    given(&[]).when("record_signal", &raised, TODAY).then(&story[..1]);
    given(&[]).when("record_signal", &row, TODAY).then(&story);
    given(&story[..1]).when("record_signal", &row, TODAY).then(&story[1..]);
    given(&story).when("record_signal", &row, TODAY).then_unchanged();
    given(&story).when("record_signal", &raised, TODAY).then_unchanged();
    let moved = row.replace("06-20", "06-25");
    given(&story).when("record_signal", &moved, TODAY).then(&[("mall.signal_cleared", &moved)]);
    let backwards = row.replace("06-20", "05-31");
    given(&[]).when("record_signal", &backwards, TODAY).then_refused(&[("cleared_on", "cleared_before_raised")]);
}

#[test]
fn ratios_are_reported_once() {
    let row = shop(r#""date":"2025-06-15","ratio":"0.06""#);
    for (command, kind) in [
        ("report_complaint_rate", "mall.complaint_rate_reported"),
        ("report_prepaid_share", "mall.prepaid_share_reported"),
    ] {
        given(&[]).when(command, &row, TODAY).then(&[(kind, &row)]);
        given(&[(kind, &row)]).when(command, &row, TODAY).then_unchanged();
        given(&[]).when(command, &row.replace("06-15", "07-15"), TODAY).then_refused(&[("date", "future")]);
    }
}

#[test]
fn an_entry_in_a_list_sent_again_with_its_removal_adds_the_removal_only() {
    for (list, entered, removed) in [
        ("serious", "enforcement.listed", "enforcement.delisted"),
        ("deregistering", "merchant.deregistration_applied", "merchant.deregistration_ended"),
    ] {
        let entry = format!(r#""list":"{list}","entered_on":"2025-06-01""#);
        let row = format!(r#"{entry},"removed_on":"2025-06-20""#);
        let story = [(entered, entry.as_str()), (removed, row.as_str())];
        given(&[]).when("record_listing", &entry, TODAY).then(&story[..1]);
        given(&story[..1]).when("record_listing", &row, TODAY).then(&story[1..]);
        given(&story).when("record_listing", &entry, TODAY).then_unchanged();
        given(&story).when("record_listing", &row, TODAY).then_unchanged();
        // Entered again later it is another entry.
        let again = format!(r#""list":"{list}","entered_on":"2025-06-25""#);
        given(&story).when("record_listing", &again, TODAY).then(&[(entered, &again)]);
        let backwards = row.replace("06-20", "05-31");
        given(&[]).when("record_listing", &backwards, TODAY).then_refused(&[("removed_on", "removed_before_entered")]);
    }
}

#[test]
fn every_act_of_enforcement_is_an_event_of_its_own() {
    let act = r#""date":"2025-06-01","number":"京商罚1""#;
    for (kind, event) in [
        ("warning_letter", "enforcement.warning_letter_issued"),
        ("yellow_card", "enforcement.yellow_card_posted"),
        ("talk", "enforcement.talk_held"),
        ("rectification_met", "enforcement.rectification_met"),
        ("penalty", "enforcement.penalty_decided"),
    ] {
        let row = format!(r#"{act},"kind":"{kind}""#);
        given(&[]).when("record_enforcement", &row, TODAY).then(&[(event, act)]);
        given(&[(event, act)]).when("record_enforcement", &row, TODAY).then_unchanged();
        given(&[])
            .when("record_enforcement", &row.replace("06-01", "07-02"), TODAY)
            .then_refused(&[("date", "future")]);
    }
}

#[test]
fn an_order_to_rectify_needs_its_due_date_and_a_completion_without_an_order_is_odd() {
    let order = r#""date":"2025-06-01","due_on":"2025-06-15""#;
    let row = format!(r#"{order},"kind":"rectification_ordered""#);
    let ordered = [("enforcement.rectification_ordered", order)];
    given(&[]).when("record_enforcement", &row, TODAY).then(&ordered);
    given(&ordered).when("record_enforcement", &row, TODAY).then_unchanged();
    given(&[])
        .when("record_enforcement", r#""date":"2025-06-01","kind":"rectification_ordered""#, TODAY)
        .then_refused(&[("due_on", "due_missing")]);
    let met = r#""date":"2025-06-10","kind":"rectification_met""#;
    given(&[]).when("record_enforcement", met, TODAY).then_warned("no_open_order");
    let decision = given(&ordered).when("record_enforcement", met, TODAY).decision();
    assert_eq!((decision.events.len(), decision.warnings), (1, Vec::new()));
    let done =
        [("enforcement.rectification_ordered", order), ("enforcement.rectification_met", r#""date":"2025-06-10""#)];
    let decision = given(&done).when("record_enforcement", met, TODAY).decision();
    assert_eq!((decision.events.len(), decision.warnings), (0, Vec::new()), "sent again it is not odd");
}

#[test]
fn what_happened_on_a_day_is_true_from_its_midnight_in_shanghai() {
    let decision = given(&[]).when("report_balance", r#""date":"2025-06-30","outstanding":"1""#, TODAY).decision();
    assert_eq!(decision.events[0].0.to_string(), "2025-06-29T16:00:00Z");
    assert_eq!((decision.stream.as_str(), decision.revision), ("merchant-91110000101623741K", 0));
}

#[test]
fn a_decision_names_its_stream_and_how_many_events_that_had() {
    let balance = ("prepaid.reported", r#""date":"2025-06-30","outstanding":"100""#);
    let story = [balance, ("complaint.received", TICKET)];
    let decision = given(&story).when("report_custody", r#""date":"2025-06-30","held":"1""#, TODAY).decision();
    assert_eq!((decision.stream.as_str(), decision.revision), ("merchant-91110000101623741K", 1));
    let answered = format!(r#"{TICKET},"answered_at":"2025-06-01T10:00:00+08:00""#);
    let decision = given(&story).when("record_complaint", &answered, TODAY).decision();
    assert_eq!((decision.stream.as_str(), decision.revision), ("complaint-T1", 1));
}

#[test]
fn a_ticket_number_is_unique_within_its_channel() {
    let hotline = r#""ticket":"T1","channel":"12345","received_at":"2025-06-02T09:00:00+08:00","kind":"closed""#;
    let of = |name: &str| hotline.replace(r#""T1""#, &format!(r#""{name}""#));
    let own = of("T1@12345");
    for code in [CODE, OTHER] {
        let row = format!(r#""credit_code":"{code}",{hotline}"#);
        let received = format!(r#""credit_code":"{code}",{own}"#);
        let mall = [("complaint.received", TICKET)];
        let decision = given(&mall).when("record_complaint", &row, TODAY).decision();
        assert_eq!((decision.stream.as_str(), decision.revision), ("complaint-T1@12345", 0));
        given(&mall).when("record_complaint", &row, TODAY).then(&[("complaint.received", &received)]);
        let both = [mall[0], ("complaint.received", received.as_str())];
        given(&both).when("record_complaint", &row, TODAY).then_unchanged();
        given(&both).when("record_complaint", TICKET, TODAY).then_unchanged();
        let answered = format!(r#"{row},"answered_at":"2025-06-02T10:00:00+08:00""#);
        let step = format!(r#""credit_code":"{code}","ticket":"T1@12345","at":"2025-06-02T10:00:00+08:00""#);
        given(&both).when("record_complaint", &answered, TODAY).then(&[("complaint.answered", &step)]);
        // Once named so it stays so, whatever becomes of the mall's.
        given(&both[1..]).when("record_complaint", &row, TODAY).then_unchanged();
    }
}

#[test]
fn a_ticket_of_another_merchant_is_refused_and_nothing_of_it_told() {
    let story = [("complaint.received", TICKET)];
    let row = TICKET.replace("2025-06-01T09", "2025-06-03T09").replace("refund", "closed");
    let decided = given(&story).when("record_complaint", &format!(r#""credit_code":"{OTHER}",{row}"#), TODAY);
    let said = format!("{:?}", decided.0.as_ref().unwrap_err());
    for hidden in [CODE, "2025-06-01", "退费难"] {
        assert!(!said.contains(hidden), "{hidden} is told in {said}");
    }
    decided.then_refused(&[("credit_code", "contradicts")]);
}

#[test]
fn a_ticket_number_that_can_name_no_stream_is_refused() {
    let row = |number: &str| TICKET.replace(r#""T1""#, &format!(r#""{number}""#));
    given(&[]).when("record_complaint", &row(&"单".repeat(160)), TODAY).decision();
    let long = row(&"单".repeat(200));
    given(&[]).when("record_complaint", &long, TODAY).then_refused(&[("ticket", "too_long")]);
    given(&[]).when("record_complaint", &row("T1@mall"), TODAY).then_refused(&[("ticket", "reserved")]);
}

#[test]
fn a_plan_before_its_notice_and_dates_out_of_bounds_are_refused() {
    let exit =
        |date: &str, planned: &str| shop(&format!(r#""action":"post","date":"{date}","planned_on":"{planned}""#));
    let when = |row: &str| given(&[]).when("record_exit", row, TODAY);
    when(&exit("2025-06-30", "2025-06-29")).then_refused(&[("planned_on", "planned_before_notice")]);
    when(&exit("2025-06-30", "2055-07-02")).then_refused(&[("planned_on", "too_far_ahead")]);
    when(&exit("2025-06-30", "9999-12-31")).then_refused(&[("planned_on", "too_far_ahead")]);
    when(&exit("1989-12-31", "2025-06-30")).then_refused(&[("date", "too_long_ago")]);
    when(&exit("2025-06-30", "2055-07-01")).decision();
    given(&[]).when("register_merchant", r#""founded_on":"1900-01-01""#, TODAY).decision();
    given(&[])
        .when("register_merchant", r#""founded_on":"1899-12-31""#, TODAY)
        .then_refused(&[("founded_on", "too_long_ago")]);
}

#[test]
fn an_end_in_the_year_9999_is_no_end() {
    let tidied = |json: &str| crate::domain::tidy::tidy(serde_json::from_str(json).unwrap());
    let entry = format!(
        r#"{{"command":"record_listing","credit_code":"{CODE}","list":"serious","entered_on":"2025-06-01","removed_on":"9999-12-31"}}"#
    );
    let (world, queue) = (World::default(), Queue::default());
    let now = "2025-07-01T12:00:00+08:00".parse().unwrap();
    let listed = tidied(&entry);
    let decision = decide(&listed, Known::of(&world, &queue, &listed, &[]), now).unwrap();
    assert_eq!(decision.events.len(), 1, "entered, and not removed");
    let signal = format!(
        r#"{{"command":"record_signal","credit_code":"{CODE}","kind":"rent_arrears","date":"2025-06-01","cleared_on":"9999-12-31"}}"#
    );
    let raised = tidied(&signal);
    assert_eq!(decide(&raised, Known::of(&world, &queue, &raised, &[]), now).unwrap().events.len(), 1);
    let guarantee = r#""kind":"guarantee","amount":"1","from":"2025-06-01","until":"9999-12-31""#;
    given(&[]).when("post_guarantee", guarantee, TODAY).then(&[("custody.guarantee_posted", guarantee)]);
}

#[test]
fn a_unit_that_is_not_known_is_confirmed_or_refused() {
    let known = [("merchant.registered", ROW), ("merchant.shop_opened", r#""mall":"M","unit":"1""#)];
    let step = |place: &str, action: &str, more: &str| {
        format!(r#"{place},"action":"{action}","date":"2025-06-30","planned_on":"2025-12-31"{more}"#)
    };
    for action in ["post", "close"] {
        for place in [r#""mall":"M","unit":"11""#, r#""mall":"M""#] {
            given(&known)
                .when("record_exit", &step(place, action, ""), TODAY)
                .then_refused(&[("unit", "unknown_unit")]);
            given(&known)
                .when("record_exit", &step(place, action, r#","new_unit":true"#), TODAY)
                .then_warned("new_unit");
        }
        for place in [SHOP, r#""mall":"N","unit":"9""#] {
            assert_eq!(given(&known).when("record_exit", &step(place, action, ""), TODAY).decision().warnings, []);
        }
        given(&[]).when("record_exit", &step(r#""mall":"M""#, action, ""), TODAY).then_warned("unregistered");
    }
    // What was recorded before is no new statement.
    let phantom = r#""mall":"M","date":"2025-06-30","planned_on":"2025-12-31""#;
    let with_phantom = [&known[..], &[("mall.exit_notice_posted", phantom)]].concat();
    given(&with_phantom).when("record_exit", &step(r#""mall":"M""#, "post", ""), TODAY).then_unchanged();
}

#[test]
fn a_receipt_says_that_a_closed_shop_or_an_unregistered_merchant_was_spoken_of() {
    let closed = [("merchant.registered", ROW), ("mall.shop_closed", r#""mall":"M","unit":"1","date":"2025-06-01""#)];
    for action in ["post", "amend", "withdraw", "close"] {
        let step = shop(&format!(r#""action":"{action}","date":"2025-06-10","planned_on":"2025-12-31""#));
        given(&closed).when("record_exit", &step, TODAY).then_warned("shop_closed");
    }
    let before = shop(r#""action":"post","date":"2025-05-01","planned_on":"2025-12-31""#);
    assert_eq!(
        given(&closed).when("record_exit", &before, TODAY).decision().warnings,
        [],
        "it changes what was announced"
    );
    let signal = shop(r#""kind":"rent_arrears","date":"2025-06-01""#);
    given(&[]).when("record_signal", &signal, TODAY).then_warned("unregistered");
    assert_eq!(given(&closed).when("record_signal", &signal, TODAY).decision().warnings, []);
}
