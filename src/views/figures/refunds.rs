//! Money that complainants got back (挽回损失), and what they were promised, by the day of the refund.

use super::tickets::is_known;
use super::{Counted, Measure, Terms};
use crate::domain::merchant::Merchant;
use crate::domain::words::TicketStep;

/// Counts the refunds about a merchant's tickets in the period, whenever the ticket came in.
pub(super) fn count(terms: &Terms<'_>, merchant: &Merchant, each: &mut dyn FnMut(Counted)) {
    for ticket in merchant.complaints.iter().filter(|ticket| is_known(terms, ticket)) {
        for item in ticket.handled(terms.known).filter(|item| terms.period.has(item.at) && terms.is_past(item.at)) {
            let measure = match item.step {
                TicketStep::Promised => Measure::Promised,
                TicketStep::Paid => Measure::Recovered,
                TicketStep::Direct | TicketStep::Settled | TicketStep::Rated => continue,
            };
            let yuan = item.amount.map(crate::domain::money::Yuan::decimal).unwrap_or_default();
            each(Counted::amount(measure, yuan, item.position));
        }
    }
}
