//! Facts about a shop's exit (撤店) and closing (闭店).

use super::{Trace, days};
use crate::domain::exit::{Exit, exit_on};
use crate::domain::merchant::{Evidence, Shop};
use crate::domain::time::days_between;
use crate::lights::moment::Subject;
use crate::policy::fact::Value;

fn exit(subject: &Subject<'_>, shop: &Shop, trace: &mut Trace) -> Exit {
    let horizon = &subject.moment.horizon;
    for step in shop.exits.iter().filter(|step| step.counts(horizon)) {
        trace.saw(step.position);
    }
    exit_on(&shop.exits, horizon.today, horizon.known)
}

/// `exit.days_left`, days: until the planned day of the standing notice; negative once it has passed.
pub(super) fn days_left(subject: &Subject<'_>, shop: &Shop, trace: &mut Trace) -> Option<Value> {
    match exit(subject, shop, trace) {
        Exit::Announced { planned_on, .. } => Some(days(days_between(subject.moment.horizon.today, planned_on))),
        Exit::None | Exit::Closed { .. } => None,
    }
}

/// `exit.notice_days`, days from the first notice of this exit to the planned day.
pub(super) fn notice_days(subject: &Subject<'_>, shop: &Shop, trace: &mut Trace) -> Option<Value> {
    match exit(subject, shop, trace) {
        Exit::Announced { first_posted, planned_on } => Some(days(days_between(first_posted, planned_on))),
        Exit::None | Exit::Closed { .. } => None,
    }
}

/// `shop.closed_unannounced`, yes or no.
pub(super) fn closed_unannounced(subject: &Subject<'_>, shop: &Shop, trace: &mut Trace) -> Option<Value> {
    Some(Value::Flag(matches!(exit(subject, shop, trace), Exit::Closed { announced: false, .. })))
}

/// `shop.closed_days`, days since the closing; missing while the shop is open.
pub(super) fn closed_days(subject: &Subject<'_>, shop: &Shop, trace: &mut Trace) -> Option<Value> {
    match exit(subject, shop, trace) {
        Exit::Closed { on, .. } => Some(days(days_between(on, subject.moment.horizon.today))),
        Exit::None | Exit::Announced { .. } => None,
    }
}
