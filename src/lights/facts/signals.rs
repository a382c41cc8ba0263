//! Facts about risk signals (风险信号) and monthly complaint rates (客诉率).

use super::{Trace, days};
use crate::domain::evidence::{Evidence, RatioItem};
use crate::domain::time::{Day, days_between};
use crate::domain::words::SignalKind;
use crate::lights::moment::Subject;
use crate::policy::fact::{FactId, Value};
use std::collections::BTreeMap;

/// `signal.<kind>_days`, days since the earliest signal of the kind that is still up, over all shops; missing if none is.
pub(super) fn days_up(fact: FactId, subject: &Subject<'_>, trace: &mut Trace) -> Option<Value> {
    let kind = match fact {
        FactId::SignalRentArrearsDays => SignalKind::RentArrears,
        FactId::SignalUtilitiesAbnormalDays => SignalKind::UtilitiesAbnormal,
        FactId::SignalWageArrearsDays => SignalKind::WageArrears,
        FactId::SignalSalesDropDays => SignalKind::SalesDrop,
        FactId::SignalPromotionSurgeDays => SignalKind::PromotionSurge,
        _ => return None,
    };
    let horizon = &subject.moment.horizon;
    let up = subject.merchant.signals.iter().filter(|signal| signal.kind == kind && signal.is_up(horizon));
    let earliest = up.inspect(|signal| trace.saw(signal.position)).map(|signal| signal.date).min()?;
    Some(days(days_between(earliest, horizon.today)))
}

/// `complaint_rate.months_over`, months: the run of reported months, ending with the latest reported one, in which some
/// shop's rate was over the limit.
pub(super) fn months_over(subject: &Subject<'_>, trace: &mut Trace) -> Option<Value> {
    let horizon = &subject.moment.horizon;
    if subject.merchant.rates.is_empty() {
        return Some(days(0));
    }
    // A shop's later row for the same month replaces the earlier.
    let mut months: BTreeMap<i64, BTreeMap<u32, &RatioItem>> = BTreeMap::new();
    for rate in subject.merchant.rates.iter().filter(|rate| rate.counts(horizon)) {
        months.entry(month_of(rate.date)).or_default().insert(rate.shop, rate);
    }
    let limit = subject.moment.policies.pack.parameters.complaint_rate_limit;
    let mut run = 0;
    let mut expected = None;
    for (month, shops) in months.iter().rev() {
        let over = shops.values().filter(|rate| rate.ratio.decimal() > limit);
        if expected.is_some_and(|expected| expected != *month) || over.clone().next().is_none() {
            break;
        }
        over.for_each(|rate| trace.saw(rate.position));
        run += 1;
        expected = Some(month - 1);
    }
    Some(days(run))
}

fn month_of(day: Day) -> i64 {
    i64::from(day.year()) * 12 + i64::from(day.month())
}
