//! The rows of one sheet about one merchant, in the order recorded, and what several rows say together.

use super::{District, ShopKey};
use rust_decimal::Decimal;
use std::collections::BTreeSet;
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

    pub(super) fn balances(&self, code: CreditCode, until: Day) -> Vec<(Day, Decimal)> {
        let rows =
            self.rows.iter().filter_map(|row| if let Command::ReportBalance(row) = row { Some(row) } else { None });
        rows.filter(|row| row.credit_code == code && row.date <= until)
            .map(|row| (row.date, row.outstanding.decimal()))
            .collect()
    }

    pub(super) fn filings(&self, code: CreditCode, until: Day) -> Vec<&RecordFiling> {
        let rows =
            self.rows.iter().filter_map(|row| if let Command::RecordFiling(row) = row { Some(row) } else { None });
        rows.filter(|row| row.credit_code == code && row.date <= until).collect()
    }

    pub(super) fn custody(&self, code: CreditCode, until: Day) -> Vec<&ReportCustody> {
        let rows =
            self.rows.iter().filter_map(|row| if let Command::ReportCustody(row) = row { Some(row) } else { None });
        rows.filter(|row| row.credit_code == code && row.date <= until).collect()
    }

    pub(super) fn guarantees(&self, code: CreditCode) -> Vec<&Guarantee> {
        let rows =
            self.rows.iter().filter_map(|row| if let Command::PostGuarantee(row) = row { Some(row) } else { None });
        rows.filter(|row| row.credit_code == code).collect()
    }

    /// Steps of a shop's exits dated until a day, by date and then in the order recorded.
    pub(super) fn exits(&self, code: CreditCode, shop: &ShopKey, until: Day) -> Vec<&RecordExit> {
        let rows = self.rows.iter().filter_map(|row| if let Command::RecordExit(row) = row { Some(row) } else { None });
        let mut rows: Vec<_> = rows
            .filter(|row| row.credit_code == code && shop_of(&row.mall, &row.unit) == *shop && row.date <= until)
            .collect();
        rows.sort_by_key(|row| row.date);
        rows
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

    pub(super) fn acts(&self, code: CreditCode, kind: EnforcementKind, until: Day) -> Vec<&RecordEnforcement> {
        let rows =
            self.rows.iter().filter_map(|row| if let Command::RecordEnforcement(row) = row { Some(row) } else { None });
        rows.filter(|row| row.credit_code == code && row.kind == kind && row.date <= until).collect()
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
        ExitAction::Close => {
            *closed = true;
        }
    }
}

/// Fills in what later rows of a ticket add.
pub(super) fn merge(rows: &[&RecordComplaint]) -> RecordComplaint {
    let mut merged = rows[0].clone();
    for row in rows {
        merged.amount = merged.amount.or(row.amount);
        merged.due_at = merged.due_at.or(row.due_at);
        merged.answered_at = merged.answered_at.or(row.answered_at);
        merged.closed_at = merged.closed_at.or(row.closed_at);
        merged.outcome = merged.outcome.or(row.outcome);
    }
    merged
}

pub(super) fn shop_of(mall: &Option<String>, unit: &Option<String>) -> ShopKey {
    (mall.clone().unwrap_or_default(), unit.clone().unwrap_or_default())
}
