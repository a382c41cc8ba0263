//! How merchants stand at the end of the period: lights, filings, money. Each light is derived by the policies and the evidence known then.

use super::{Counted, Measure, Terms};
use crate::domain::merchant::Merchant;
use crate::domain::words::FilingStatus;
use crate::domain::world::World;
use crate::lights::grade::grade;
use crate::lights::moment::Moment;
use crate::views::money;
use rust_decimal::Decimal;

/// Counts a merchant as it stands.
pub(super) fn count(terms: &Terms<'_>, world: &World, merchant: &Merchant, each: &mut dyn FnMut(Counted)) {
    let horizon = terms.horizon();
    if !merchant.exists(&horizon) {
        return;
    }
    let moment = Moment::new(terms.policies, horizon.now, horizon.known);
    // What is known of a merchant as a whole counts, not one event of it.
    let mut count = |measure, amount| each(Counted { measure, amount, position: None });
    count(Measure::Merchants, Decimal::ONE);
    count(Measure::Lit(grade(&moment.subject(world, merchant)).light), Decimal::ONE);
    let filing = merchant.filing_on(horizon.today, horizon.known).and_then(|step| step.status());
    if filing == Some(FilingStatus::Accepted) {
        count(Measure::Filed, Decimal::ONE);
    }
    let money = money(&moment, world, merchant);
    for (measure, amount) in [
        (Measure::Outstanding, money.outstanding),
        (Measure::Required, money.required),
        (Measure::Held, money.held),
        (Measure::Shortfall, money.shortfall),
        (Measure::AtRisk, money.outstanding.map(|_| money.at_risk())),
    ] {
        if let Some(amount) = amount {
            count(measure, amount);
        }
    }
}
