//! Money: what a merchant declares (预收资金), its filing (备案), what the bank holds (存管余额, 保函保险).

use super::chance::Chance;
use super::merchant::{Merchant, Scheme};
use super::names;
use super::story::Story;
use crate::domain::command::{Command, RecordFiling, ReportBalance, ReportCustody};
use crate::domain::event::Guarantee;
use crate::domain::money::Yuan;
use crate::domain::time::{Day, days_between, plus_days};
use crate::domain::words::{FilingAction, GuaranteeKind};

/// 500,000 yuan in fen: commerce files from here on.
const COMMERCE_FILES_FROM: i64 = 50_000_000;

/// 100,000 yuan in fen: transport files above this.
const TRANSPORT_FILES_ABOVE: i64 = 10_000_000;

/// A balance as it was declared last for its day.
pub(super) struct Declared {
    date: Day,
    fen: i64,
}

/// Tells the declared balances: at quarter ends, sometimes between, sometimes late, sometimes corrected.
pub(super) fn declare(merchant: &Merchant, chance: &mut Chance, story: &mut Story) -> Vec<Declared> {
    let mut declared = Vec::new();
    if chance.percent(2) {
        return declared;
    }
    // The thresholds themselves and one fen to either side, or somewhere in a band.
    let edge = chance.percent(15);
    let mut fen = if edge {
        let around = chance.weighted(&[(4, COMMERCE_FILES_FROM), (3, TRANSPORT_FILES_ABOVE), (1, 1)]);
        around + chance.between(-1, 1)
    } else {
        let (low, high) = chance.weighted(&[
            (20, (2_000_000, 10_000_000)),
            (30, (10_000_000, 50_000_000)),
            (35, (50_000_000, 200_000_000)),
            (15, (200_000_000, 600_000_000)),
        ]);
        chance.between(low, high)
    };
    for date in report_days(plus_days(merchant.since, chance.between(0, 60)), chance, story) {
        let outstanding = Yuan::from_fen(fen);
        let revenue = Yuan::from_fen(fen.saturating_mul(chance.between(110, 280)) / 100);
        let report =
            |outstanding| ReportBalance { credit_code: merchant.code, date, outstanding, revenue_last_year: None };
        let row = ReportBalance { revenue_last_year: chance.percent(55).then_some(revenue), ..report(outstanding) };
        let delay = chance.weighted(&[(30, (0, 0)), (45, (1, 5)), (18, (6, 15)), (7, (16, 45))]);
        let known_on = story.tell(plus_days(date, chance.between(delay.0, delay.1)), Command::ReportBalance(row));
        if chance.percent(4) {
            fen = fen.saturating_mul(chance.between(90, 125)) / 100;
            let corrected = plus_days(known_on, chance.between(1, 20));
            story.tell(corrected, Command::ReportBalance(report(Yuan::from_fen(fen))));
        }
        declared.push(Declared { date, fen });
        if !(edge && chance.percent(70)) {
            fen = fen.saturating_mul(chance.between(75, 135)) / 100;
        }
        if chance.per_mille(8) {
            fen = 0;
        }
    }
    declared
}

/// Returns the days that balances are for.
fn report_days(first: Day, chance: &mut Chance, story: &Story) -> Vec<Day> {
    let mut days = vec![first];
    let mut month_end = first.last_of_month();
    while month_end <= story.until {
        let after = if month_end.month() % 3 == 0 {
            match chance.below(100) {
                0..60 => Some(0),
                60..75 => Some(chance.between(1, 3)),
                // Within the 20 working days that a quarter's report may take, or just beyond them.
                75..87 => Some(chance.between(4, 33)),
                _ => None,
            }
        } else {
            chance.percent(30).then(|| chance.between(-1, 1))
        };
        if let (Some(after), Some(last)) = (after, days.last()) {
            let day = plus_days(month_end, after);
            if day > *last {
                days.push(day);
            }
        }
        month_end = plus_days(month_end, 1).last_of_month();
    }
    days
}

/// Tells the filing, and returns the day it was accepted.
pub(super) fn file(merchant: &Merchant, declared: &[Declared], chance: &mut Chance, story: &mut Story) -> Option<Day> {
    let due = |balance: &&Declared| match merchant.scheme {
        Scheme::Commerce => balance.fen >= COMMERCE_FILES_FROM,
        Scheme::Transport => balance.fen > TRANSPORT_FILES_ABOVE,
        Scheme::Training | Scheme::Other => true,
        Scheme::None => false,
    };
    let due_since = declared.iter().find(due).map(|balance| balance.date);
    let since = match due_since {
        Some(day) if chance.percent(78) => day,
        None if chance.percent(10) => declared.first()?.date,
        _ => return None,
    };
    let mut tell = |status, date, known_on: Day, account: Option<(&str, String)>| {
        let (bank, account_tail) = account.map(|(bank, tail)| (bank.to_owned(), tail)).unzip();
        let row = RecordFiling { credit_code: merchant.code, status, date, bank, account_tail };
        story.tell(known_on.max(date), Command::RecordFiling(row))
    };
    // Thirty days is the deadline: some decisions fall on it, some on the day after.
    let (submitted, took) = match chance.below(100) {
        0..8 => (plus_days(since, 20), 10),
        8..12 => (plus_days(since, 20), 11),
        _ => (plus_days(since, chance.between(0, 40)), chance.between(1, 20)),
    };
    let mut known_on = tell(FilingAction::Submitted, submitted, plus_days(submitted, chance.between(0, 2)), None);
    let account = (names::bank(chance), format!("{:04}", chance.below(10_000)));
    let mut decided = plus_days(submitted, took);
    match chance.below(100) {
        0..6 => return None,
        6..21 => {
            known_on = tell(FilingAction::Returned, decided, known_on, Some(account.clone()));
            if chance.percent(60) {
                return None;
            }
            let again = plus_days(decided, chance.between(2, 30));
            known_on = tell(FilingAction::Submitted, again, known_on, None);
            decided = plus_days(again, chance.between(1, 20));
        }
        _ => {}
    }
    known_on = tell(FilingAction::Accepted, decided, known_on, Some(account));
    if chance.percent(5) {
        tell(FilingAction::Cancelled, plus_days(decided, chance.between(60, 400)), known_on, None);
    }
    Some(decided)
}

/// How a merchant keeps its money.
#[derive(Debug, Clone, Copy)]
enum Habit {
    Exact,
    Above,
    Short,
    OneFenShort,
}

/// Tells the bank's reports and the guarantees.
pub(super) fn keep(
    merchant: &Merchant,
    declared: &[Declared],
    filed_on: Option<Day>,
    chance: &mut Chance,
    story: &mut Story,
) {
    let rate = match merchant.scheme {
        Scheme::Commerce => 40,
        Scheme::Training => 100,
        Scheme::Transport | Scheme::Other | Scheme::None => 60,
    };
    let reports = match (merchant.scheme, filed_on) {
        (Scheme::Commerce | Scheme::Training, Some(_)) => chance.percent(94),
        (_, Some(_)) => chance.percent(85),
        (_, None) => chance.percent(20),
    };
    if let Some(first) = declared.first().filter(|_| reports) {
        let mut date = plus_days(filed_on.unwrap_or(first.date), chance.between(0, 10));
        let habit =
            chance.weighted(&[(18, Habit::Exact), (57, Habit::Above), (22, Habit::Short), (3, Habit::OneFenShort)]);
        // One bank in ten falls silent.
        let silent_after = if chance.percent(10) { story.day(chance) } else { Day::MAX };
        while date <= story.until && date <= silent_after {
            let needed = base(merchant.scheme, declared, date).saturating_mul(rate) / 100;
            let held = match habit {
                Habit::Exact => needed,
                Habit::Above => needed.saturating_mul(chance.between(101, 150)) / 100,
                Habit::Short => needed.saturating_mul(chance.between(50, 99)) / 100,
                Habit::OneFenShort => needed - 1,
            };
            let abnormal = chance.per_mille(3);
            let row = ReportCustody {
                credit_code: merchant.code,
                date,
                held: Yuan::from_fen(held),
                abnormal: Some(abnormal),
            };
            story.tell(plus_days(date, chance.between(0, 3)), Command::ReportCustody(row));
            // A balance is stale after 45 days: some reports come on that very day, some one day later.
            let step = chance.weighted(&[(40, 30), (25, 31), (10, 28), (20, 45), (3, 46), (2, 61)]);
            date = plus_days(date, step);
        }
    }
    if let Some(latest) = declared.last().filter(|_| chance.percent(11)) {
        let needed = latest.fen.saturating_mul(rate) / 100;
        let amount = chance.pick(&[needed, latest.fen, needed / 2, 4_000_000]);
        let from = story.day(chance);
        let row = Guarantee {
            credit_code: merchant.code,
            kind: chance.pick(&[GuaranteeKind::BankGuarantee, GuaranteeKind::Insurance]),
            amount: Yuan::from_fen(amount.max(1)),
            from,
            until: plus_days(from, chance.pick(&[90, 180, 365])),
        };
        story.tell(plus_days(from, chance.between(-10, 5)), Command::PostGuarantee(row));
    }
}

/// Returns the balance that custody is counted from on `date`, in fen.
fn base(scheme: Scheme, declared: &[Declared], date: Day) -> i64 {
    let at = match scheme {
        Scheme::Commerce => previous_quarter_end(date),
        _ => date,
    };
    let latest = declared.iter().rev().find(|balance| days_between(balance.date, at) >= 0);
    latest.or(declared.first()).map_or(0, |balance| balance.fen)
}

fn previous_quarter_end(date: Day) -> Day {
    let mut day = plus_days(date.first_of_month(), -1);
    while day.month() % 3 != 0 {
        day = plus_days(day.first_of_month(), -1);
    }
    day
}
