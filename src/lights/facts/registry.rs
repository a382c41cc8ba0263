//! Facts about lists (名单), orders and penalties (执法).

use super::{Trace, count, counts, days, within};
use crate::domain::evidence::Act;
use crate::domain::time::days_between;
use crate::domain::words::{EnforcementKind, ListKind};
use crate::lights::moment::Subject;
use crate::policy::fact::{FactId, Value};
use std::collections::VecDeque;

/// `listed.*`, `registry.deregistering`, yes or no.
pub(super) fn listed(fact: FactId, subject: &Subject<'_>, trace: &mut Trace) -> Option<Value> {
    let list = match fact {
        FactId::ListedCourtDefaulter => ListKind::CourtDefaulter,
        FactId::ListedAbnormal => ListKind::Abnormal,
        FactId::ListedSerious => ListKind::Serious,
        FactId::RegistryDeregistering => ListKind::Deregistering,
        _ => return None,
    };
    let horizon = &subject.moment.horizon;
    let entries = subject.merchant.listings.iter().filter(|listing| listing.list == list && listing.is_on(horizon));
    Some(Value::Flag(entries.inspect(|listing| trace.saw(listing.position)).count() > 0))
}

/// Returns the orders to rectify that are open after some acts, in their order. A completion closes the oldest order open on its day.
pub fn open_orders<'a>(acts: impl Iterator<Item = &'a Act>) -> VecDeque<&'a Act> {
    let mut open: VecDeque<&Act> = VecDeque::new();
    for act in acts {
        match act.kind {
            EnforcementKind::RectificationOrdered => open.push_back(act),
            EnforcementKind::RectificationMet => {
                open.pop_front();
            }
            _ => {}
        }
    }
    open
}

/// `rectification.overdue_days`, days past the due date of the worst open order.
pub(super) fn rectification_overdue_days(subject: &Subject<'_>, trace: &mut Trace) -> Option<Value> {
    let horizon = &subject.moment.horizon;
    let open = open_orders(subject.merchant.acts.iter().filter(|act| counts(subject, *act)));
    let mut worst = 0;
    for (order, due_on) in open.into_iter().filter_map(|order| Some((order, order.due_on?))) {
        let overdue = days_between(due_on, horizon.today);
        if overdue > 0 {
            trace.saw(order.position);
            worst = worst.max(overdue);
        }
    }
    Some(days(worst))
}

/// `penalties.365d`, a count.
pub(super) fn penalties_365d(subject: &Subject<'_>, trace: &mut Trace) -> Option<Value> {
    let penalties =
        subject.merchant.acts.iter().filter(|act| {
            act.kind == EnforcementKind::Penalty && counts(subject, *act) && within(subject, act.date, 365)
        });
    Some(count(penalties.inspect(|act| trace.saw(act.position)).count()))
}
