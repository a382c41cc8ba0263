//! The tenants of a mall that it has to look after: those with a light, and those who take prepayments without a filing.

use super::View;
use super::board::{BoardRow, Filter, Order};
use crate::domain::envelope::Position;
use crate::domain::evidence::FilingStep;
use crate::domain::exit::{Exit, exit_on};
use crate::domain::time::day_of;
use crate::domain::words::{FilingStatus, Light};

/// A tenant to look after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// As on the board.
    pub row: BoardRow,
    /// Its units in this mall that are open, each with whether a notice stands there.
    pub units: Vec<(String, bool)>,
    /// It takes prepayments, and no filing of it was accepted.
    pub unfiled: bool,
}

impl View<'_> {
    /// Lists the tenants of a mall to look after, worst light first, at most `most`; also says how many there are.
    #[must_use]
    pub fn tenants_of_concern(&self, mall: &str, most: usize) -> (usize, Vec<Tenant>) {
        let today = day_of(self.now);
        let filter = Filter { mall: Some(mall.to_owned()), ..Filter::default() };
        let all = self.list_by(&filter, (Order::Worst, false), 0, usize::MAX).rows;
        let mut found: Vec<Tenant> = Vec::new();
        for row in all {
            let Some(merchant) = self.merchant(row.credit_code) else { continue };
            let shops = merchant.shops.iter().filter(|shop| shop.is_in(mall));
            let open = shops.map(|shop| (shop, exit_on(&shop.exits, today, Position::MAX)));
            let open = open.filter(|(_, exit)| !matches!(exit, Exit::Closed { .. }));
            let units: Vec<(String, bool)> =
                open.map(|(shop, exit)| (shop.name.unit.clone(), matches!(exit, Exit::Announced { .. }))).collect();
            let status = merchant.filing_on(today, Position::MAX).and_then(FilingStep::status);
            let prepaid = row.money.outstanding.is_some_and(|amount| !amount.is_zero());
            let unfiled = prepaid && status != Some(FilingStatus::Accepted);
            if !units.is_empty() && (row.light != Light::Green || unfiled) {
                found.push(Tenant { row, units, unfiled });
            }
        }
        let count = found.len();
        found.truncate(most);
        (count, found)
    }
}
