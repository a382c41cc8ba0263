//! Declared balances (预收资金余额), which several facts begin with.

use super::counts;
use crate::domain::evidence::{Amount, latest};
use crate::domain::time::Day;
use crate::lights::moment::Subject;

/// Returns the declared balance with the latest date at or before `day`; of one date, the one recorded later.
pub(super) fn balance_on<'a>(subject: &Subject<'a>, day: Day) -> Option<&'a Amount> {
    let horizon = &subject.moment.horizon;
    latest(&subject.merchant.balances, day.min(horizon.today), horizon.known)
}

/// Returns the declared balances that count today, by date.
pub(super) fn balances<'a>(subject: &Subject<'a>) -> impl Iterator<Item = &'a Amount> + use<'a> {
    let subject = *subject;
    subject.merchant.balances.iter().filter(move |balance| counts(&subject, *balance))
}
