//! Facts about linked merchants (关联商户): the pattern of professional closers (职业闭店).

use super::{Trace, count, within};
use crate::domain::evidence::Evidence;
use crate::domain::exit::{Exit, exit_on};
use crate::lights::moment::Subject;
use crate::policy::fact::Value;

/// `linked.closed_unannounced_24m`, a count: other merchants with the same representative or brand that have a shop closed
/// unannounced in the last 730 days.
pub(super) fn closed_unannounced_24m(subject: &Subject<'_>, trace: &mut Trace) -> Option<Value> {
    let horizon = &subject.moment.horizon;
    let mut found = 0;
    for other in subject.world.linked_closers(subject.merchant, horizon.known) {
        let Some(other) = subject.world.at(other).map(|other| other.known_at(horizon.known)) else { continue };
        let mut closed = false;
        for shop in &other.shops {
            let exit = exit_on(&shop.exits, horizon.today, horizon.known);
            if let Exit::Closed { on, announced: None } = exit
                && within(subject, on, 730)
            {
                closed = true;
                shop.exits.iter().filter(|step| step.counts(horizon)).for_each(|step| trace.saw(step.position));
            }
        }
        found += usize::from(closed);
    }
    Some(count(found))
}
