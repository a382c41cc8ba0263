//! The rows of one sheet about one merchant, in the order recorded, and what several rows say together.

use super::{District, ShopKey};
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet};
use warnlight::domain::code::CreditCode;
use warnlight::domain::command::*;
use warnlight::domain::event::{Guarantee, MerchantDetails};
use warnlight::domain::time::{Day, Instant};
use warnlight::domain::words::*;

impl District {
    pub(super) fn details(&self, code: CreditCode) -> Vec<&MerchantDetails> {
        let pick = |row: &'_ Command| matches!(row, Command::RegisterMerchant(row) if row.credit_code == code);
        self.rows
            .iter()
            .filter(|row| pick(row))
            .filter_map(|row| if let Command::RegisterMerchant(row) = row { Some(row) } else { None })
            .collect()
    }

    /// Declared balances as they stand: of one date the one recorded last.
    pub(super) fn balances(&self, code: CreditCode, until: Day) -> Vec<(Day, Decimal)> {
        let rows =
            self.rows.iter().filter_map(|row| if let Command::ReportBalance(row) = row { Some(row) } else { None });
        let of_dates: BTreeMap<Day, Decimal> = rows
            .filter(|row| row.credit_code == code && row.date <= until)
            .map(|row| (row.date, row.outstanding.decimal()))
            .collect();
        of_dates.into_iter().collect()
    }

    pub(super) fn filings(&self, code: CreditCode, until: Day) -> Vec<&RecordFiling> {
        let rows =
            self.rows.iter().filter_map(|row| if let Command::RecordFiling(row) = row { Some(row) } else { None });
        rows.filter(|row| row.credit_code == code && row.date <= until).collect()
    }

    /// The bank's reports as they stand: of one date the balance recorded last, and what was last said of abnormal flows.
    pub(super) fn custody(&self, code: CreditCode, until: Day) -> Vec<(Day, Decimal, bool)> {
        let rows =
            self.rows.iter().filter_map(|row| if let Command::ReportCustody(row) = row { Some(row) } else { None });
        let mut standing: BTreeMap<Day, (Decimal, bool)> = BTreeMap::new();
        for row in rows.filter(|row| row.credit_code == code && row.date <= until) {
            let before = standing.get(&row.date).is_some_and(|(_, abnormal)| *abnormal);
            standing.insert(row.date, (row.held.decimal(), row.abnormal.unwrap_or(before)));
        }
        standing.into_iter().map(|(date, (held, abnormal))| (date, held, abnormal)).collect()
    }

    /// Guarantees as they stand: one by kind, first day and amount, with the last day said last.
    pub(super) fn guarantees(&self, code: CreditCode) -> Vec<&Guarantee> {
        let rows: Vec<&Guarantee> = self
            .rows
            .iter()
            .filter_map(|row| if let Command::PostGuarantee(row) = row { Some(row) } else { None })
            .filter(|row| row.credit_code == code)
            .collect();
        let same = |one: &Guarantee, other: &Guarantee| {
            (one.kind, one.from, one.amount) == (other.kind, other.from, other.amount)
        };
        let is_last = |(place, row): &(usize, &&Guarantee)| !rows[place + 1..].iter().any(|later| same(later, row));
        rows.iter().enumerate().filter(is_last).map(|(_, row)| *row).collect()
    }

    /// Steps of a shop's exits dated until a day, by date and then in the order recorded.
    pub(super) fn exits(&self, code: CreditCode, shop: &ShopKey, until: Day) -> Vec<&RecordExit> {
        let rows = self.rows.iter().filter_map(|row| if let Command::RecordExit(row) = row { Some(row) } else { None });
        let mut rows: Vec<&RecordExit> = rows
            .filter(|row| row.credit_code == code && shop_of(&row.mall, &row.unit) == *shop && row.date <= until)
            .collect();
        rows.sort_by_key(|row| row.date);
        // One step by shop, kind and day: the last row counts.
        let same = |one: &RecordExit, other: &RecordExit| (one.action, one.date) == (other.action, other.date);
        let is_last = |(place, row): &(usize, &&RecordExit)| !rows[place + 1..].iter().any(|later| same(later, row));
        rows.iter().enumerate().filter(is_last).map(|(_, row)| *row).collect()
    }

    pub(super) fn exit_shops(&self, code: CreditCode) -> BTreeSet<ShopKey> {
        let rows = self.rows.iter().filter_map(|row| if let Command::RecordExit(row) = row { Some(row) } else { None });
        rows.filter(|row| row.credit_code == code).map(|row| shop_of(&row.mall, &row.unit)).collect()
    }

    pub(super) fn tickets(&self) -> Vec<&RecordComplaint> {
        self.rows
            .iter()
            .filter_map(|row| if let Command::RecordComplaint(row) = row { Some(row) } else { None })
            .collect()
    }

    /// The merchant's complaints received by `now`, each with all that was filled in.
    pub(super) fn complaints(&self, code: CreditCode, now: Instant) -> Vec<RecordComplaint> {
        let mine: Vec<_> =
            self.tickets().into_iter().filter(|row| row.credit_code == code && row.received_at <= now).collect();
        // A number is unique within its channel.
        let names: BTreeSet<(&str, &str)> = mine.iter().map(|row| (row.ticket.as_str(), row.channel.name())).collect();
        let named = |row: &RecordComplaint, (ticket, channel): (&str, &str)| {
            row.ticket == ticket && row.channel.name() == channel
        };
        names
            .into_iter()
            .map(|name| merge(&mine.iter().copied().filter(|row| named(row, name)).collect::<Vec<_>>()))
            .collect()
    }

    pub(super) fn signals(&self) -> Vec<&RecordSignal> {
        self.rows.iter().filter_map(|row| if let Command::RecordSignal(row) = row { Some(row) } else { None }).collect()
    }

    pub(super) fn rates(&self, code: CreditCode, until: Day) -> Vec<&ReportRatio> {
        let rows = self
            .rows
            .iter()
            .filter_map(|row| if let Command::ReportComplaintRate(row) = row { Some(row) } else { None });
        rows.filter(|row| row.credit_code == code && row.date <= until).collect()
    }

    /// Prepaid shares, in the order recorded.
    pub(super) fn shares(&self, code: CreditCode, until: Day) -> Vec<&ReportRatio> {
        let rows = self
            .rows
            .iter()
            .filter_map(|row| if let Command::ReportPrepaidShare(row) = row { Some(row) } else { None });
        rows.filter(|row| row.credit_code == code && row.date <= until).collect()
    }

    pub(super) fn listings(&self, code: CreditCode) -> Vec<&RecordListing> {
        let rows =
            self.rows.iter().filter_map(|row| if let Command::RecordListing(row) = row { Some(row) } else { None });
        rows.filter(|row| row.credit_code == code).collect()
    }

    /// Acts as they stand: with a number one by kind, date and number, without one whatever differs in a cell.
    pub(super) fn acts(&self, code: CreditCode, kind: EnforcementKind, until: Day) -> Vec<RecordEnforcement> {
        let rows =
            self.rows.iter().filter_map(|row| if let Command::RecordEnforcement(row) = row { Some(row) } else { None });
        let mut acts: Vec<RecordEnforcement> = Vec::new();
        for row in rows.filter(|row| row.credit_code == code && row.kind == kind && row.date <= until) {
            let same = |other: &&mut RecordEnforcement| {
                other.date == row.date
                    && other.number == row.number
                    && (row.number.is_some() || other.due_on == row.due_on)
            };
            match acts.iter_mut().find(same) {
                Some(act) => act.due_on = row.due_on.or(act.due_on),
                None => acts.push(row.clone()),
            }
        }
        acts
    }
}

/// A standing notice.
#[derive(Debug, Clone, Copy)]
pub(super) struct Notice {
    pub(super) posted_on: Day,
    pub(super) planned_on: Day,
}

/// One step in the story of a shop's exit.
pub(super) fn tell_exit(standing: &mut Option<Notice>, closed: &mut bool, step: &RecordExit) {
    if *closed {
        return;
    }
    match step.action {
        ExitAction::Post => {
            let planned_on = step.planned_on.unwrap();
            *standing = Some(Notice { posted_on: standing.map_or(step.date, |notice| notice.posted_on), planned_on });
        }
        ExitAction::Amend => {
            if let Some(notice) = standing {
                notice.planned_on = step.planned_on.unwrap();
            }
        }
        ExitAction::Withdraw => *standing = None,
        // Closing is final.
        ExitAction::Reopen => {}
        ExitAction::Close => {
            *closed = true;
        }
    }
}

/// What rows of a ticket say together: the later row counts, and an empty cell takes nothing back.
pub(super) fn merge(rows: &[&RecordComplaint]) -> RecordComplaint {
    let mut merged = rows[0].clone();
    for row in rows {
        merged.kind = row.kind;
        merged.amount = row.amount.or(merged.amount);
        merged.due_at = row.due_at.or(merged.due_at);
        merged.answered_at = row.answered_at.or(merged.answered_at);
        merged.closed_at = row.closed_at.or(merged.closed_at);
        merged.outcome = row.outcome.or(merged.outcome);
    }
    merged
}

pub(super) fn shop_of(mall: &Option<String>, unit: &Option<String>) -> ShopKey {
    (key(mall.as_deref().unwrap_or_default()), key(unit.as_deref().unwrap_or_default()))
}

/// The key of a drawn name: narrow, upper case, without blanks, dashes of every kind one.
pub(in super::super) fn key(name: &str) -> String {
    let narrow = |letter: char| match u32::from(letter) {
        wide @ 0xFF01..=0xFF5E => char::from_u32(wide - 0xFEE0).unwrap(),
        0x2010..=0x2015 | 0x2212 | 0x2500 => '-',
        _ => letter,
    };
    let letters = name.chars().filter(|letter| !letter.is_whitespace()).map(narrow);
    letters.collect::<String>().to_uppercase().replace("--", "-")
}
