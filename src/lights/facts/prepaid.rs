//! Facts about prepaid money: what is owed to card holders, and whether it is reported.

use super::balance::balance_on;
use super::{Trace, days, filing};
use crate::domain::evidence::latest;
use crate::domain::time::days_between;
use crate::domain::words::{FilingStatus, ListKind};
use crate::lights::moment::Subject;
use crate::policy::fact::Value;
use rust_decimal::Decimal;

/// `prepaid.outstanding`, yuan.
pub(super) fn outstanding(subject: &Subject<'_>, trace: &mut Trace) -> Option<Value> {
    let balance = balance_on(subject, subject.moment.horizon.today)?;
    trace.saw(balance.position);
    Some(Value::Number(balance.amount.decimal()))
}

/// `prepaid.report_overdue_days`, days.
pub(super) fn report_overdue_days(subject: &Subject<'_>, trace: &mut Trace) -> Option<Value> {
    let today = subject.moment.horizon.today;
    let Some(quarter) = subject.moment.reported_quarter else { return Some(days(0)) };
    let Some(newest) = balance_on(subject, today) else { return Some(days(0)) };
    let obliged = filing::is_due(subject) || filing::latest_status(subject) == FilingStatus::Accepted;
    // Dated from the quarter's last day to today: the newest decides.
    if !obliged || newest.date >= quarter.end {
        return Some(days(0));
    }
    trace.saw(newest.position);
    filing::trace(subject, trace);
    Some(days(days_between(quarter.due, today)))
}

/// `prepaid.share_of_revenue`, a ratio.
pub(super) fn share_of_revenue(subject: &Subject<'_>, trace: &mut Trace) -> Option<Value> {
    let horizon = &subject.moment.horizon;
    let share = latest(&subject.merchant.shares, horizon.today, horizon.known)?;
    trace.saw(share.position);
    Some(Value::Number(share.ratio.decimal()))
}

/// `prepaid.grown_while_barred`, yuan: what the balance grew by since issuing was barred (Beijing ordinance Art 11).
pub(super) fn grown_while_barred(subject: &Subject<'_>, trace: &mut Trace) -> Option<Value> {
    let horizon = &subject.moment.horizon;
    let bars = subject.merchant.listings.iter().filter(|listing| {
        matches!(listing.list, ListKind::CourtDefaulter | ListKind::Abnormal | ListKind::Deregistering)
            && listing.is_on(horizon)
    });
    let Some(bar) = bars.min_by_key(|listing| (listing.entered_on, listing.position)) else {
        return Some(Value::Number(Decimal::ZERO));
    };
    let now = balance_on(subject, horizon.today)?;
    let before = balance_on(subject, bar.entered_on);
    trace.saw(bar.position);
    trace.saw(now.position);
    if let Some(before) = before {
        trace.saw(before.position);
    }
    let before = before.map_or(Decimal::ZERO, |balance| balance.amount.decimal());
    Some(Value::Number(now.amount.decimal() - before))
}
