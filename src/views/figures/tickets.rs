//! Tickets: how many came in (诉求量), and what the three rates (响应率、解决率、满意率) and the original resolution rate (原始解决率)
//! are made of.

use super::{Counted, Measure, Terms};
use crate::domain::evidence::{Complaint, Handling};
use crate::domain::merchant::Merchant;
use crate::domain::time::{Instant, plus_hours};
use crate::domain::words::{Channel, Outcome, TicketStep};
use crate::policy::figures::OriginalResolution;

/// Counts the tickets about a merchant that were received in the period.
pub(super) fn count(terms: &Terms<'_>, merchant: &Merchant, each: &mut dyn FnMut(Counted)) {
    for ticket in &merchant.complaints {
        if terms.period.has(ticket.received_at) && is_known(terms, ticket) {
            of(terms, ticket, each);
        }
    }
}

/// Says whether a ticket was known, and thought to be about this merchant.
pub(super) fn is_known(terms: &Terms<'_>, ticket: &Complaint) -> bool {
    ticket.position <= terms.known && ticket.undone.is_none_or(|undone| undone > terms.known)
}

fn of(terms: &Terms<'_>, ticket: &Complaint, each: &mut dyn FnMut(Counted)) {
    let known = terms.known;
    let mut one = |measure| each(Counted::one(measure, ticket.position));
    let outcome = ticket.closed(known).filter(|(at, _)| terms.is_past(*at)).map(|(_, outcome)| outcome);
    one(Measure::Tickets);
    if !matches!(outcome, Some(Outcome::Withdrawn | Outcome::Merged)) {
        one(Measure::Dispatched);
        if is_answered(terms, ticket) {
            one(Measure::Answered);
        }
    }
    let calls = || ticket.handled(known).filter(|item| item.step == TicketStep::Rated && terms.is_past(item.at));
    let in_order = |item: &&Handling| (item.at, item.position);
    let originally = match terms.original {
        OriginalResolution::End => outcome == Some(Outcome::Resolved),
        OriginalResolution::FirstCallBack => {
            calls().min_by_key(in_order).is_some_and(|first| first.resolved == Some(true))
        }
    };
    if originally {
        one(Measure::OriginallyResolved);
    }
    if let Some(call) = calls().max_by_key(in_order) {
        let mut said = |measure| each(Counted::one(measure, call.position));
        said(Measure::CalledBack);
        if call.resolved == Some(true) {
            said(Measure::SaidResolved);
        }
        if call.satisfied == Some(true) {
            said(Measure::SaidSatisfied);
        }
    }
}

/// Says whether a ticket was answered within its time: that written on it, else the mall's hours; where there is neither, at all.
fn is_answered(terms: &Terms<'_>, ticket: &Complaint) -> bool {
    let due = ticket.due(terms.known).or_else(|| usual_due(terms, ticket));
    let in_time = |at: Instant| terms.is_past(at) && due.is_none_or(|due| at <= due);
    ticket.answered(terms.known).is_some_and(in_time)
}

fn usual_due(terms: &Terms<'_>, ticket: &Complaint) -> Option<Instant> {
    let hours = i64::from(terms.policies.pack.parameters.answer_hours);
    (ticket.channel == Channel::Mall).then(|| plus_hours(ticket.received_at, hours))
}
