//! Facts about a shop's exit (撤店) and closing (闭店).

use super::{Trace, days};
use crate::domain::evidence::{Evidence, Shop};
use crate::domain::exit::{Exit, exit_on};
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

/// `exit.overrun_days`, days past the planned day of a notice that stands though the shop is not closed; missing until then.
pub(super) fn overrun_days(subject: &Subject<'_>, shop: &Shop, trace: &mut Trace) -> Option<Value> {
    match exit(subject, shop, trace) {
        Exit::Announced { planned_on, .. } => {
            let over = days_between(planned_on, subject.moment.horizon.today);
            (over > 0).then(|| days(over))
        }
        Exit::None | Exit::Closed { .. } => None,
    }
}

/// `shop.closed_unannounced`, yes or no.
pub(super) fn closed_unannounced(subject: &Subject<'_>, shop: &Shop, trace: &mut Trace) -> Option<Value> {
    Some(Value::Flag(matches!(exit(subject, shop, trace), Exit::Closed { announced: None, .. })))
}

/// `shop.closed_days`, days since the closing; missing while the shop is open.
pub(super) fn closed_days(subject: &Subject<'_>, shop: &Shop, trace: &mut Trace) -> Option<Value> {
    match exit(subject, shop, trace) {
        Exit::Closed { on, .. } => Some(days(days_between(on, subject.moment.horizon.today))),
        Exit::None | Exit::Announced { .. } => None,
    }
}

/// `shop.notice_given_days`, days from the first notice of the exit to the closing, whatever was planned; missing while the shop
/// is open, or if it closed without notice.
pub(super) fn notice_given_days(subject: &Subject<'_>, shop: &Shop, trace: &mut Trace) -> Option<Value> {
    match exit(subject, shop, trace) {
        Exit::Closed { on, announced: Some(first_posted) } => Some(days(days_between(first_posted, on))),
        Exit::None | Exit::Announced { .. } | Exit::Closed { announced: None, .. } => None,
    }
}
