//! Small districts with everything that is easily got wrong, around one day.

use proptest::prelude::*;
use proptest::sample::select;
use warnlight::domain::code::CreditCode;
use warnlight::domain::command::*;
use warnlight::domain::event::{Entry, EntryCancelled, Guarantee, MerchantDetails, SectorAssigned};
use warnlight::domain::money::Yuan;
use warnlight::domain::time::{Day, Instant, NO_END, plus_days, plus_hours, start_of};
use warnlight::domain::words::*;

/// Days on which something turns: quarters and their reports, years, holidays, the leap day.
pub(super) const TURNS: [&str; 14] = [
    "2024-02-29",
    "2024-03-31",
    "2024-04-01",
    "2024-04-30",
    "2024-12-31",
    "2025-01-01",
    "2025-03-31",
    "2025-04-28",
    "2025-04-29",
    "2025-06-30",
    "2025-10-09",
    "2025-12-31",
    "2026-02-24",
    "2027-03-01",
];

/// Distances in days at which windows, deadlines and notices end.
const STEPS: [i64; 53] = [
    -731, -730, -729, -366, -365, -364, -181, -120, -92, -91, -90, -89, -61, -60, -46, -45, -44, -36, -32, -31, -30,
    -29, -28, -20, -17, -16, -15, -14, -8, -7, -6, -5, -4, -3, -2, -1, 0, 0, 0, 1, 2, 5, 14, 28, 29, 30, 31, 60, 89,
    90, 91, 92, 120,
];

/// Yuan, at and beside thresholds and what 40 % of them is.
const AMOUNTS: [&str; 12] = [
    "0",
    "0.01",
    "39999.99",
    "40000",
    "100000",
    "100000.01",
    "199999.99",
    "200000",
    "200000.01",
    "499999.99",
    "500000",
    "500000.01",
];

pub(super) fn code(number: usize) -> CreditCode {
    ["91110108MA0000000A", "91110108MA0000000B", "91110105MA0000000C", "91310000MA0000000D"][number].parse().unwrap()
}

fn codes() -> impl Strategy<Value = CreditCode> {
    prop_oneof![6 => Just(0_usize), 3 => Just(1), 1 => Just(2), 1 => Just(3)].prop_map(code)
}

pub(super) fn around(turn: Day) -> impl Strategy<Value = Day> + Clone {
    prop_oneof![5 => select(STEPS.to_vec()), 1 => -800_i64..150].prop_map(move |step| plus_days(turn, step))
}

fn maybe<T: Clone + std::fmt::Debug + 'static>(choices: &[T]) -> impl Strategy<Value = Option<T>> + use<T> {
    proptest::option::weighted(0.7, select(choices.to_vec()))
}

fn texts(choices: &[&str]) -> impl Strategy<Value = Option<String>> + use<> {
    maybe(&choices.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
}

fn yuan() -> impl Strategy<Value = Yuan> {
    let edge = select(AMOUNTS.to_vec()).prop_map(|yuan| yuan.parse().unwrap());
    prop_oneof![4 => edge, 1 => (0_i64..60_000_000).prop_map(Yuan::from_fen)]
}

fn shops() -> impl Strategy<Value = (Option<String>, Option<String>)> {
    let shop = |mall: &str, unit: &str| (Some(mall.to_owned()), Some(unit.to_owned()));
    select(vec![
        shop("M", "1"),
        shop("M", "1"),
        shop("M", "2"),
        shop("N", "1"),
        // The same in other spellings.
        shop("ｍ ", "１"),
        shop("M", "2"),
        (None, None),
        (None, Some("1".to_owned())),
    ])
}

fn words<T: Copy + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = T> {
    select(all)
}

fn register() -> impl Strategy<Value = Command> {
    let industry =
        texts(&["8040", "8040", "6210", "8110", "8111", "8392", "8392", "8930", "8399", "84", "802", "7000"]);
    let division = maybe(&["110108", "110105", "110000", "310000"].map(|code| code.parse().unwrap()));
    let people = (texts(&["Zhang", "ZHANG", "Li"]), texts(&["d1", "d2"]), texts(&["Aurora", "Ａｕｒｏｒａ", "Boreal"]));
    (codes(), industry, division, people, shops()).prop_map(
        |(credit_code, industry_code, division_code, people, (mall, unit))| {
            let (legal_representative, legal_representative_digest, brand) = people;
            Command::RegisterMerchant(MerchantDetails {
                credit_code,
                name: None,
                industry_code,
                division_code,
                street: None,
                mall,
                unit,
                legal_representative,
                legal_representative_digest,
                brand,
                founded_on: None,
            })
        },
    )
}

fn exit(turn: Day) -> impl Strategy<Value = Command> {
    let plan = select(vec![-1_i64, 0, 1, 29, 30, 31, 89, 90, 91, 120]);
    let new_unit = prop::bool::weighted(0.8);
    (codes(), shops(), words(ExitAction::ALL), around(turn), (plan, new_unit)).prop_map(
        |(credit_code, (mall, unit), action, date, (plan, new_unit))| {
            let planned = matches!(action, ExitAction::Post | ExitAction::Amend);
            let planned_on = planned.then(|| plus_days(date, plan));
            let (refund_plan, reason) = (None, None);
            Command::RecordExit(RecordExit {
                credit_code,
                mall,
                unit,
                action,
                date,
                planned_on,
                refund_plan,
                reason,
                new_unit,
            })
        },
    )
}

fn instants(turn: Day) -> impl Strategy<Value = Instant> {
    (around(turn), select(vec![0_i64, 9, 18, 23])).prop_map(|(day, hour)| plus_hours(start_of(day), hour))
}

fn complaint(turn: Day) -> impl Strategy<Value = Command> {
    let ticket = select(vec!["T1", "T2", "T3", "T4", "T5", "T6"]);
    let after = || select(vec![None, Some(0_i64), Some(1), Some(23), Some(24), Some(25), Some(24 * 16), Some(24 * 40)]);
    let what = (words(Channel::ALL), words(ComplaintKind::ALL), words(Outcome::ALL));
    // A ticket keeps its merchant, channel and kind mostly, so that later rows can fill in.
    (codes(), ticket, instants(turn), what, (after(), after(), after(), any::<bool>())).prop_map(
        |(credit_code, ticket, received_at, (channel, kind, outcome), (answered, closed, due, amount))| {
            let later = |hours: Option<i64>| hours.map(|hours| plus_hours(received_at, hours));
            Command::RecordComplaint(RecordComplaint {
                mall: None,
                ticket: ticket.to_owned(),
                channel,
                received_at,
                credit_code,
                kind,
                amount: amount.then(|| Yuan::from_fen(100)),
                due_at: later(due),
                answered_at: later(answered),
                closed_at: later(closed),
                outcome: closed.map(|_| outcome),
                reply: None,
            })
        },
    )
}

/// Tickets that are sent again with more filled in.
fn told_again(turn: Day) -> impl Strategy<Value = Vec<Command>> {
    (complaint(turn), "[A-D]", any::<[bool; 8]>()).prop_map(|(last, name, kept)| {
        let Command::RecordComplaint(mut last) = last else { return Vec::new() };
        last.ticket = format!("again-{name}");
        let part = |kept: &[bool]| {
            let mut row = last.clone();
            row.answered_at = row.answered_at.filter(|_| kept[0]);
            row.closed_at = row.closed_at.filter(|_| kept[1]);
            row.outcome = row.outcome.filter(|_| kept[1]);
            row.due_at = row.due_at.filter(|_| kept[2]);
            row.amount = row.amount.filter(|_| kept[3]);
            Command::RecordComplaint(row)
        };
        vec![part(&kept[..4]), part(&kept[4..]), Command::RecordComplaint(last.clone())]
    })
}

fn ratio(turn: Day) -> impl Strategy<Value = Command> {
    let ratio = select(vec!["0", "0.04", "0.05", "5%", "0.0500001", "0.06", "0.5", "0.51", "1"]);
    (codes(), shops(), around(turn), ratio, 0_u8..4).prop_map(|(credit_code, (mall, unit), date, ratio, kind)| {
        let row = ReportRatio { credit_code, mall, unit, date, ratio: ratio.parse().unwrap() };
        if kind == 0 { Command::ReportPrepaidShare(row) } else { Command::ReportComplaintRate(row) }
    })
}

/// A shop's rates of some months in a row, with the odd month missing or low.
fn months(turn: Day) -> impl Strategy<Value = Vec<Command>> {
    let rates = prop::collection::vec(select(vec![None, Some("0.05"), Some("0.06"), Some("0.06"), Some("0.07")]), 3..6);
    (codes(), rates).prop_map(move |(credit_code, rates)| {
        let rate = |(step, ratio): (i64, Option<&str>)| {
            let date = plus_days(turn, -30 * step);
            let (mall, unit) = (Some("M".to_owned()), Some("1".to_owned()));
            let ratio = ratio?.parse().unwrap();
            Some(Command::ReportComplaintRate(ReportRatio { credit_code, mall, unit, date, ratio }))
        };
        (0..).zip(rates).filter_map(rate).collect()
    })
}

/// Complaints that a shop is gone, about the edge of 30 days.
fn gone(turn: Day) -> impl Strategy<Value = Vec<Command>> {
    let days = prop::collection::vec(select(vec![-31_i64, -30, -29, -29, -1, 0]), 2..5);
    let outcome = proptest::option::of((words(Outcome::ALL), 0_i64..3));
    (codes(), days, outcome).prop_map(move |(credit_code, days, outcome)| {
        let row = |(number, day): (usize, i64)| {
            let received_at = start_of(plus_days(turn, day));
            Command::RecordComplaint(RecordComplaint {
                mall: None,
                ticket: format!("gone-{credit_code}-{number}"),
                channel: Channel::Hotline,
                received_at,
                credit_code,
                kind: ComplaintKind::Closed,
                amount: None,
                due_at: None,
                answered_at: None,
                closed_at: outcome.filter(|_| number == 0).map(|(_, days)| plus_hours(received_at, days * 24)),
                outcome: outcome.filter(|_| number == 0).map(|(outcome, _)| outcome),
                reply: None,
            })
        };
        days.into_iter().enumerate().map(row).collect()
    })
}

fn act(turn: Day) -> impl Strategy<Value = Command> {
    let due = select(vec![0_i64, 1, 5, 15, 30]);
    let number = texts(&["no. 1", "no. 2"]);
    (codes(), words(EnforcementKind::ALL), around(turn), due, number).prop_map(
        |(credit_code, kind, date, due, number)| {
            let due_on = (kind == EnforcementKind::RectificationOrdered).then(|| plus_days(date, due));
            let result = (kind == EnforcementKind::OnSiteCheck).then(|| "nobody there".to_owned());
            Command::RecordEnforcement(RecordEnforcement { credit_code, kind, date, due_on, number, result })
        },
    )
}

fn signal(turn: Day) -> impl Strategy<Value = Command> {
    let cleared = (select(vec![None, Some(0_i64), Some(1), Some(15), Some(30)]), texts(&["12000"]));
    // Few days, so that the same signal is told again.
    let date = select(vec![-30_i64, -15, -1, 0]).prop_map(move |step| plus_days(turn, step));
    (codes(), shops(), words(SignalKind::ALL), date, cleared).prop_map(
        |(credit_code, (mall, unit), kind, date, (cleared, value))| {
            let cleared_on = cleared.map(|days| if days == 30 { NO_END } else { plus_days(date, days) });
            Command::RecordSignal(RecordSignal { credit_code, mall, unit, kind, date, value, cleared_on })
        },
    )
}

fn listing(turn: Day) -> impl Strategy<Value = Command> {
    let removed = select(vec![None, Some(0_i64), Some(1), Some(15), Some(30)]);
    let date = prop_oneof![2 => around(turn).boxed(), 1 => Just(turn).boxed()];
    (codes(), words(ListKind::ALL), date, removed).prop_map(|(credit_code, list, entered_on, removed)| {
        let removed_on = removed.map(|days| if days == 30 { NO_END } else { plus_days(entered_on, days) });
        Command::RecordListing(RecordListing { credit_code, list, entered_on, removed_on })
    })
}

fn custody(turn: Day) -> impl Strategy<Value = Command> {
    (codes(), around(turn), yuan(), proptest::option::weighted(0.8, prop::bool::weighted(0.2))).prop_map(
        |(credit_code, date, held, abnormal)| {
            Command::ReportCustody(ReportCustody { credit_code, date, held, abnormal })
        },
    )
}

fn guarantee(turn: Day) -> impl Strategy<Value = Command> {
    let length = select(vec![0_i64, 1, 30, 90, 365]);
    (codes(), words(GuaranteeKind::ALL), yuan(), around(turn), length).prop_map(
        |(credit_code, kind, amount, from, length)| {
            Command::PostGuarantee(Guarantee { credit_code, kind, amount, from, until: plus_days(from, length) })
        },
    )
}

fn balance(turn: Day) -> impl Strategy<Value = Command> {
    (codes(), around(turn), yuan(), proptest::option::of(yuan())).prop_map(
        |(credit_code, date, outstanding, revenue_last_year)| {
            Command::ReportBalance(ReportBalance { credit_code, date, outstanding, revenue_last_year })
        },
    )
}

fn filing(turn: Day) -> impl Strategy<Value = Command> {
    let status =
        select(FilingAction::ALL.iter().copied().filter(|step| *step != FilingAction::None).collect::<Vec<_>>());
    (codes(), status, around(turn)).prop_map(|(credit_code, status, date)| {
        Command::RecordFiling(RecordFiling { credit_code, status, date, bank: None, account_tail: None })
    })
}

fn sector(turn: Day) -> impl Strategy<Value = Command> {
    let sector = select(vec!["commerce", "transport", "sport-youth", "sport", "astrology"]);
    (codes(), sector, around(turn)).prop_map(|(credit_code, sector, effective_on)| {
        Command::AssignSector(SectorAssigned { credit_code, sector: sector.to_owned(), effective_on })
    })
}

/// The cancellation of what a row says.
fn cancelled(row: &Command) -> Option<Command> {
    let entry = match row.clone() {
        Command::RecordFiling(row) => Entry::Filing { date: row.date },
        Command::ReportBalance(row) => Entry::Balance { date: row.date },
        Command::ReportCustody(row) => Entry::Custody { date: row.date },
        Command::PostGuarantee(row) => Entry::Guarantee { kind: row.kind, amount: row.amount, from: row.from },
        Command::RecordExit(row) => Entry::Exit { mall: row.mall, unit: row.unit, action: row.action, date: row.date },
        Command::RecordSignal(row) => Entry::Signal { mall: row.mall, unit: row.unit, kind: row.kind, date: row.date },
        Command::ReportComplaintRate(row) => Entry::ComplaintRate { mall: row.mall, unit: row.unit, date: row.date },
        Command::ReportPrepaidShare(row) => Entry::PrepaidShare { mall: row.mall, unit: row.unit, date: row.date },
        Command::RecordListing(row) => Entry::Listing { list: row.list, entered_on: row.entered_on },
        Command::RecordEnforcement(row) => Entry::Act { kind: row.kind, date: row.date, number: row.number },
        Command::RegisterMerchant(_)
        | Command::AssignSector(_)
        | Command::RecordAlias(_)
        | Command::WithdrawAlias(_)
        | Command::RecordComplaint(_)
        | Command::RecordUnattributed(_)
        | Command::DecideUnattributed(_)
        | Command::RecordLead(_)
        | Command::RecordJointCheck(_)
        | Command::RecordCase(_)
        | Command::IssueDocument(_)
        | Command::RecordAccount(_)
        | Command::RecordTenancy(_)
        | Command::HandleComplaint(_)
        | Command::RecordGreyListing(_)
        | Command::RecordLock(_)
        | Command::MakeStatement(_)
        | Command::CancelEntry(_)
        | Command::HandleCase(_) => return None,
    };
    let (credit_code, reason) = (row.credit_code().unwrap(), "a mistake".to_owned());
    Some(Command::CancelEntry(EntryCancelled { credit_code, entry, reason }))
}

/// A district's rows in the order recorded, with rows told twice and days told anew.
pub(super) fn district(turn: Day, length: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Command>> {
    let one = prop_oneof![
        4 => register().prop_map(|row| vec![row]),
        6 => balance(turn).prop_map(|row| vec![row]),
        2 => filing(turn).prop_map(|row| vec![row]),
        3 => custody(turn).prop_map(|row| vec![row]),
        2 => guarantee(turn).prop_map(|row| vec![row]),
        6 => exit(turn).prop_map(|row| vec![row]),
        4 => complaint(turn).prop_map(|row| vec![row]),
        2 => told_again(turn),
        1 => months(turn),
        1 => gone(turn),
        3 => signal(turn).prop_map(|row| vec![row]),
        4 => ratio(turn).prop_map(|row| vec![row]),
        3 => listing(turn).prop_map(|row| vec![row]),
        4 => act(turn).prop_map(|row| vec![row]),
        1 => sector(turn).prop_map(|row| vec![row]),
    ];
    let again = any::<prop::sample::Index>();
    let mistaken = any::<prop::sample::Index>();
    let more = (proptest::option::weighted(0.1, again), proptest::option::weighted(0.08, mistaken));
    let parts = prop::collection::vec((one, more), length);
    parts.prop_map(|parts| {
        let mut rows: Vec<Command> = Vec::new();
        for (part, (again, mistaken)) in parts {
            rows.extend(part);
            rows.extend(mistaken.filter(|_| !rows.is_empty()).and_then(|index| cancelled(index.get(&rows))));
            if let Some(index) = again
                && !rows.is_empty()
            {
                rows.push(index.get(&rows).clone());
            }
        }
        rows
    })
}

/// One shop's exit and little else: the story with the most turns in it.
pub(super) fn exits_of_one_shop(turn: Day) -> impl Strategy<Value = Vec<Command>> {
    let rows = prop_oneof![6 => exit(turn), 1 => balance(turn)].prop_map(move |row| match row {
        Command::RecordExit(mut row) => {
            row.credit_code = code(0);
            row.mall = Some("M".to_owned());
            row.unit = Some("1".to_owned());
            // Few days, so that steps meet.
            row.date = plus_days(turn, row.date.day().into());
            Command::RecordExit(row)
        }
        other => other,
    });
    prop::collection::vec(rows, 1..9)
}
