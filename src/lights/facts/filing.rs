//! Facts about filing (备案): whether it is due, and how late it is.

use super::balance::balances;
use super::{Trace, days};
use crate::domain::evidence::{Amount, FilingStep};
use crate::domain::time::days_between;
use crate::domain::words::FilingStatus;
use crate::lights::moment::Subject;
use crate::policy::fact::Value;

/// Returns the state of the filing.
pub(super) fn latest_status(subject: &Subject<'_>) -> FilingStatus {
    let horizon = &subject.moment.horizon;
    let step = subject.merchant.filing_on(horizon.today, horizon.known);
    step.and_then(FilingStep::status).unwrap_or(FilingStatus::None)
}

/// Returns the first declared balance by date that makes a filing due.
fn first_trigger<'a>(subject: &Subject<'a>) -> Option<&'a Amount> {
    let duty = &subject.scheme?.filing;
    balances(subject).find(|balance| duty.is_met_by(balance.amount.decimal()))
}

/// Says whether a filing is due.
pub(super) fn is_due(subject: &Subject<'_>) -> bool {
    first_trigger(subject).is_some()
}

/// Notes the events that the filing facts rest on.
pub(super) fn trace(subject: &Subject<'_>, trace: &mut Trace) {
    let horizon = &subject.moment.horizon;
    if let Some(step) = subject.merchant.filing_on(horizon.today, horizon.known) {
        trace.saw(step.position);
    }
    if let Some(balance) = first_trigger(subject) {
        trace.saw(balance.position);
    }
}

/// `filing.status`, a word; `none` without evidence.
pub(super) fn status(subject: &Subject<'_>, trace: &mut Trace) -> Option<Value> {
    self::trace(subject, trace);
    Some(Value::Word(latest_status(subject).name()))
}

/// `filing.due`, yes or no.
pub(super) fn due(subject: &Subject<'_>, trace: &mut Trace) -> Option<Value> {
    self::trace(subject, trace);
    Some(Value::Flag(is_due(subject)))
}

/// `filing.overdue_days`, days.
pub(super) fn overdue_days(subject: &Subject<'_>, trace: &mut Trace) -> Option<Value> {
    let (Some(scheme), Some(first)) = (subject.scheme, first_trigger(subject)) else { return Some(days(0)) };
    if latest_status(subject) == FilingStatus::Accepted {
        return Some(days(0));
    }
    self::trace(subject, trace);
    let deadline = scheme.filing.deadline(first.date, &subject.moment.policies.calendar);
    Some(days(days_between(deadline, subject.moment.horizon.today).max(0)))
}
