//! Whether a row says what stands, and which rows an entry that is cancelled means.

use super::ShopKey;
use super::rows::{key, shop_of};
use warnlight::domain::command::*;
use warnlight::domain::event::{Entry, EntryCancelled, MerchantDetails};
use warnlight::domain::time::{Day, NO_END};
use warnlight::domain::words::FilingAction;

/// What is on file changed: beside the steps that lead to another state.
const AMENDED: FilingAction = FilingAction::Amended;

/// The shop a row names.
pub(super) fn shop_named(row: &Command) -> Option<ShopKey> {
    match row {
        Command::RegisterMerchant(row) => Some(shop_of(&row.mall, &row.unit)),
        Command::RecordExit(row) => Some(shop_of(&row.mall, &row.unit)),
        Command::RecordSignal(row) => Some(shop_of(&row.mall, &row.unit)),
        Command::ReportComplaintRate(row) | Command::ReportPrepaidShare(row) => Some(shop_of(&row.mall, &row.unit)),
        _ => None,
    }
}

/// Rows of the same sheet about the same merchant, in the order recorded.
macro_rules! before {
    ($rows:expr, $variant:ident, $row:expr) => {
        $rows
            .iter()
            .filter_map(|other| if let Command::$variant(other) = other { Some(other) } else { None })
            .filter(|other| other.credit_code == $row.credit_code)
    };
}

/// Whether what a row states is what the rows before it say of the same thing.
pub(super) fn says_what_stands(rows: &[Command], row: &Command) -> bool {
    match row {
        Command::RegisterMerchant(row) => details_stand(&before!(rows, RegisterMerchant, row).collect::<Vec<_>>(), row),
        Command::AssignSector(row) => before!(rows, AssignSector, row)
            .rfind(|other| other.effective_on == row.effective_on)
            .is_some_and(|other| other.sector == row.sector),
        Command::RecordFiling(row) => before!(rows, RecordFiling, row)
            .rfind(|other| other.date == row.date && (other.status == AMENDED) == (row.status == AMENDED))
            .is_some_and(|other| other.status == row.status),
        Command::ReportBalance(row) => {
            let same: Vec<_> = before!(rows, ReportBalance, row).filter(|other| other.date == row.date).collect();
            same.last().is_some_and(|other| other.outstanding == row.outstanding)
                && agrees(same.iter().rev().find_map(|other| other.revenue_last_year), row.revenue_last_year)
        }
        Command::ReportCustody(row) => {
            let same: Vec<_> = before!(rows, ReportCustody, row).filter(|other| other.date == row.date).collect();
            let abnormal = same.iter().rev().find_map(|other| other.abnormal).unwrap_or(false);
            same.last().is_some_and(|other| other.held == row.held) && row.abnormal.is_none_or(|said| said == abnormal)
        }
        Command::PostGuarantee(row) => before!(rows, PostGuarantee, row)
            .rfind(|other| (other.kind, other.amount, other.from) == (row.kind, row.amount, row.from))
            .is_some_and(|other| other.until == row.until),
        Command::RecordExit(row) => {
            let shop = shop_of(&row.mall, &row.unit);
            before!(rows, RecordExit, row)
                .rfind(|other| {
                    shop_of(&other.mall, &other.unit) == shop && (other.action, other.date) == (row.action, row.date)
                })
                .is_some_and(|other| agrees(other.planned_on, row.planned_on))
        }
        Command::RecordSignal(row) => {
            let shop = shop_of(&row.mall, &row.unit);
            let same: Vec<_> = before!(rows, RecordSignal, row)
                .filter(|other| {
                    shop_of(&other.mall, &other.unit) == shop && (other.kind, other.date) == (row.kind, row.date)
                })
                .collect();
            let cleared = same.iter().rev().find_map(|other| other.cleared_on);
            !same.is_empty()
                && agrees(same.iter().rev().find_map(|other| other.value.clone()), row.value.clone())
                && end_agrees(cleared, row.cleared_on)
        }
        Command::ReportComplaintRate(row) => {
            let shop = shop_of(&row.mall, &row.unit);
            before!(rows, ReportComplaintRate, row)
                .rfind(|other| {
                    shop_of(&other.mall, &other.unit) == shop
                        && (other.date.year(), other.date.month()) == (row.date.year(), row.date.month())
                })
                .is_some_and(|other| other.ratio == row.ratio && other.date <= row.date)
        }
        Command::ReportPrepaidShare(row) => {
            let shop = shop_of(&row.mall, &row.unit);
            before!(rows, ReportPrepaidShare, row)
                .rfind(|other| shop_of(&other.mall, &other.unit) == shop && other.date == row.date)
                .is_some_and(|other| other.ratio == row.ratio)
        }
        Command::RecordListing(row) => {
            let same: Vec<_> = before!(rows, RecordListing, row)
                .filter(|other| (other.list, other.entered_on) == (row.list, row.entered_on))
                .collect();
            !same.is_empty() && end_agrees(same.iter().rev().find_map(|other| other.removed_on), row.removed_on)
        }
        Command::RecordEnforcement(row) => {
            let same: Vec<_> = before!(rows, RecordEnforcement, row)
                .filter(|other| (other.kind, other.date, &other.number) == (row.kind, row.date, &row.number))
                .collect();
            match row.number {
                None => same.iter().any(|other| other.due_on == row.due_on),
                Some(_) => !same.is_empty() && agrees(same.iter().rev().find_map(|other| other.due_on), row.due_on),
            }
        }
        Command::RecordComplaint(_)
        | Command::RecordUnattributed(_)
        | Command::DecideUnattributed(_)
        | Command::RecordLead(_)
        | Command::RecordJointCheck(_)
        | Command::RecordCase(_)
        | Command::RecordAlias(_)
        | Command::WithdrawAlias(_)
        | Command::IssueDocument(_)
        | Command::RecordAccount(_)
        | Command::RecordTenancy(_)
        | Command::HandleComplaint(_)
        | Command::RecordGreyListing(_)
        | Command::RecordLock(_)
        | Command::MakeStatement(_)
        | Command::CancelEntry(_)
        | Command::HandleCase(_) => false,
    }
}

/// What is not stated agrees with everything.
fn agrees<T: PartialEq>(there: Option<T>, said: Option<T>) -> bool {
    said.is_none() || there == said
}

/// Where no end was stated, there is none.
fn end_agrees(there: Option<Day>, said: Option<Day>) -> bool {
    said.is_none_or(|said| there.unwrap_or(NO_END) == said)
}

fn details_stand(rows: &[&MerchantDetails], row: &MerchantDetails) -> bool {
    fn last<T>(rows: &[&MerchantDetails], pick: impl Fn(&MerchantDetails) -> Option<T>) -> Option<T> {
        rows.iter().rev().find_map(|row| pick(row))
    }
    let by_key = |name: &Option<String>| name.as_deref().map(key);
    !rows.is_empty()
        && agrees(last(rows, |row| row.industry_code.clone()), row.industry_code.clone())
        && agrees(last(rows, |row| row.division_code), row.division_code)
        && agrees(last(rows, |row| by_key(&row.legal_representative)), by_key(&row.legal_representative))
        && agrees(last(rows, |row| row.legal_representative_digest.clone()), row.legal_representative_digest.clone())
        && agrees(last(rows, |row| by_key(&row.brand)), by_key(&row.brand))
}

/// Whether a row is what an entry names that is cancelled.
pub(super) fn is_meant(cancelled: &EntryCancelled, row: &Command) -> bool {
    if row.credit_code() != Some(cancelled.credit_code) {
        return false;
    }
    match (&cancelled.entry, row) {
        (Entry::Filing { date }, Command::RecordFiling(row)) => row.date == *date,
        (Entry::Balance { date }, Command::ReportBalance(row)) => row.date == *date,
        (Entry::Custody { date }, Command::ReportCustody(row)) => row.date == *date,
        (Entry::Guarantee { kind, amount, from }, Command::PostGuarantee(row)) => {
            (row.kind, row.amount, row.from) == (*kind, *amount, *from)
        }
        (Entry::Exit { mall, unit, action, date }, Command::RecordExit(row)) => {
            shop_of(mall, unit) == shop_of(&row.mall, &row.unit) && (row.action, row.date) == (*action, *date)
        }
        (Entry::Signal { mall, unit, kind, date }, Command::RecordSignal(row)) => {
            shop_of(mall, unit) == shop_of(&row.mall, &row.unit) && (row.kind, row.date) == (*kind, *date)
        }
        (Entry::ComplaintRate { mall, unit, date }, Command::ReportComplaintRate(row)) => {
            shop_of(mall, unit) == shop_of(&row.mall, &row.unit)
                && (row.date.year(), row.date.month()) == (date.year(), date.month())
        }
        (Entry::PrepaidShare { mall, unit, date }, Command::ReportPrepaidShare(row)) => {
            shop_of(mall, unit) == shop_of(&row.mall, &row.unit) && row.date == *date
        }
        (Entry::Listing { list, entered_on }, Command::RecordListing(row)) => {
            (row.list, row.entered_on) == (*list, *entered_on)
        }
        (Entry::Act { kind, date, number }, Command::RecordEnforcement(row)) => {
            (row.kind, row.date, &row.number) == (*kind, *date, number)
        }
        _ => false,
    }
}
